"""pip and uv with the right credential for each private index, just in time and out of sight.

The way of one wrapped command through the rooms:

    install/launcher.sh  finds the target (the real tool); verbs that need no index go straight to it
    start.py             what the launcher starts: no more than a way to
    entry.py             first Python of ours: the `shim` command, a `keyring` question, or a wrapped tool?
    hotpath/             takes secrets out of the process list; replays a command that was seen before; becomes the target
    pipeline/            one wrapped command from beginning to end (`run.py`): its plan (`plan.py`), and the record of it for the next time
      tools/             argv and environment -> Invocation and Needs: which verb is it, which URLs will it ask?
      routing/           which index does a name come from: `use-as`, `packages`, and a redirector beside the tool
      credentials/       a Credential for each need: the token cache, else `sources/` in order
      preflight/         may it go? unsafe settings of the project stop it, and so does an index that refuses what we have
      delivery/          a Delivery: what changes in argv, environment and descriptors; `masking/` of secrets in output

Beside that way:

    cli/                 the `shim` command: one module or folder per verb
    helpers/             us answering others: keyring, git, docker, bazel, and containers by `shim agent`
    install/             what lies on disk and in shells: launchers, activation, completion, the manual

Below all of that:

    storage/             where secrets and what is known of indexes are kept: token cache, keyrings, kernel memory, audit log
    config/              config.toml, SHIM_* variables and root's policy, by the tables in `schema.py`
    net/                 our own requests to servers
    formats/             leaf readers of other people's formats
    core/                the values and rules that everything speaks in, the host, errors, the one reader of other people's files

A module imports from its own room and from rooms below it, never upwards and never in a circle: `tests/arch/test_layers.py` has the
table.
"""

__version__ = "0.1.0"
