"""pip and uv with the right credential for each private index, just in time and out of sight.

The way of one wrapped command through the files:

    launcher.sh      finds the target (the real tool); verbs that need no index go straight to it
    start.py         what the launcher starts: no more than a way to
    hot.py           first Python of ours: takes secrets out of the process list, then run.py
    run.py           the composition root of a wrapped command
      tools/         argv and environment -> Invocation: which verb, does it touch an index?
      indexes/       the Needs: every URL the command will talk to, read as the tool itself reads them (on formats/)
      resolve.py     a Credential for each need: the token cache, else sources/ in order
      laxity/        stop, if the project makes the tool careless with a server that gets one
      preflight.py   stop, if a private index does not take it while pip could turn to another (verify.py asks by route.py)
      routing/       names to their indexes, if `packages` says so: a redirector beside the target (companion.py) is its only index
      delivery/      a Delivery: what changes in argv, environment and descriptors
      supervise.py   stands between the target and a log, where secrets in its output are to be masked
      execute.py     applies it and becomes the target

The short way of a command that was seen before is `replay.py`; `observing.py` and `recording.py` write down what it takes.

Beside that way: `commands/` holds one module per `shim` verb, `checks/` what `shim doctor` looks at, `faces/` us answering others,
`store/` the token cache and stored secrets, `sso/` logging in, `programs.py`, `private_files.py` and `agent_client.py` what
sources run, read and ask, `obeying.py` what tells whose answer that is, `terminal.py` what they may do to the terminal,
`index_states.py` is what `shim status` and `shim doctor` say of each server, `mending.py` the hint for each of the `causes.py`,
`endpoints.py` asks where uploads go, `refused.py`, `endings.py` and `offer.py` say and offer what a command lacks, `screen.py` and
`folding.py` are what people see, `complete/` is what Tab completes and the manual, `repair.py` what install.sh wrote down,
`repeating.py` how a launcher knows its own command again.
`logins.py` ends logins, `use_as.py` gives tools an index that they name none of, `audit.py` is the log of what was given to whom,
`system_log.py` the system's,
`settings.py` the configuration (by the tables in `setting_keys.py`, merged by `setting_merge.py`, as far as root's `policy.py` allows),
`config_edit.py` changes it, `team_files.py` are its files from elsewhere, `launchers.py`, `activate/` and `installing.py` are what lies
on disk and in shells.
`http_client.py` asks servers, by way of `proxies.py`, and `files_probe.py` where their files lie. `model.py`, `urls.py` and `errors.py`
are the values and rules that everything speaks in, `host.py` is the outside world, `reading.py` opens other people's files.
Imports go one way, from the top of this list to its end; a test holds the arrows.
"""

__version__ = "0.1.0"
