"""pip and uv with the right credential for each private index, just in time and out of sight.

The way of one wrapped command through the rooms:

    install/launcher.sh  finds the target (the real tool); what needs no index goes straight to it
    start.py             what the launcher starts: no more than a way to
    entry.py             first Python of ours: the `shim` command, `keyring`, or a wrapped tool?
    hotpath/             hides secrets in the process list; replays a command that was seen before
    pipeline/            one wrapped command (`run.py`): its plan, and the record for the next time
      tools/             argv and environment -> Invocation, Endpoints: which URLs will it ask?
      routing/           which index a name comes from: `use-as`, `packages`, the redirector
      credentials/       a Credential for each endpoint: the token cache, else `sources/` in order
      preflight/         may it go? Not with unsafe settings, nor if an index refuses what we have
      delivery/          what changes in argv, environment and descriptors; `masking/` of output

Beside that way:

    cli/                 the `shim` command: one module or folder per verb
    helpers/             answers others: keyring, git, docker, bazel, and containers (`shim agent`)
    install/             what lies on disk: launchers, activation, completion, the manual

Below all of that:

    storage/             token cache, keyrings, kernel memory, what is known of indexes, audit log
    config/              config.toml, SHIM_* variables and root's policy, by tables in `schema.py`
    net/                 our own requests to servers
    formats/             leaf readers of other people's formats
    core/                values and rules, the host, errors, the one reader of other people's files

A module imports from its own room and from rooms below it, never upwards and never in a circle:
`tests/arch/test_layers.py` has the table.
"""

__version__ = "0.2.0"
