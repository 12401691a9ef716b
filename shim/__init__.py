"""pip and uv with the right credential for each private index, just in time and out of sight.

The way of one wrapped command through the files:

    launcher.sh      finds the target (the real tool); verbs that need no index go straight to it
    start.py         what the launcher starts: no more than a way to
    hot.py           first Python of ours: takes secrets out of the process list, then run.py
    run.py           the composition root of a wrapped command
      tools/         argv and environment -> Invocation: which verb, does it touch an index?
      indexes/       the Needs: every URL the command will talk to, read as the tool itself reads them (on formats/)
      resolve.py     a Credential for each need: the token cache, else sources/ in order
      laxity.py      stop, if the project makes the tool careless with a server that gets one
      preflight.py   stop, if a private index does not take it while pip could turn to another (verify.py asks by route.py)
      delivery/      a Delivery: what changes in argv, environment and descriptors
      supervise.py   stands between the target and a log, where secrets in its output are to be masked
      execute.py     applies it and becomes the target

`commands/` holds one module per `shim` verb, `faces/` us answering others, `store/` the token cache and stored secrets,
`checks/` what `shim doctor` looks at, `logins.py` ends logins, `audit.py` the log of what was given to whom, `policy.py` what root forbids, `programs.py`
runs other people's programs and `private_files.py` reads files with secrets for the sources, `replay.py` and `recording.py` are the
short way of a command that was seen before, `settings.py` is the configuration (by the tables in `setting_keys.py`),
`launchers.py` the launchers on disk. `model.py`, `urls.py`
and `errors.py` are the values and rules that everything above speaks in, `host.py` is the outside world.
Imports go one way, from the top of this list to its end; a test holds the arrows.
"""

__version__ = "0.1.0"
