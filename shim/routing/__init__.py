"""Which index a package name comes from: `use-as`, and `packages` and `index-strategy`, which pip
obeys by a redirector.

default_index.py   `use-as`: an index of our configuration for a command that names none
planning.py        is a command one for the redirector, and what of it has to change?
inputs.py          what requirements files, locks and projects say that would step around it
rewriting.py       pip's argv and variables
starters.py        programs that start pips
outer.py           `shim exec`
nesting.py         a command inside one that is routed already
own_strategy.py    uv, poetry, pdm and pipenv, which choose among indexes by themselves
locks.py           their lock files
companion.py       what the process beside the tool is told
recorded.py        the same, written down for the hot path
serving.py         that process, with redirector.py, its HTTP server
asking.py          which index has a name; remembering.py keeps the answers for some minutes
"""
