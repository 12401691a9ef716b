"""A package name belongs to one index, and pip obeys (`packages` and `index-strategy` of the configuration).

`rules.py` has the patterns: whose a name is. `mentioned.py` says whether anybody configured us, `planning.py` whether a command is for
us and what of it has to change, with `inputs.py` (what requirements files and projects say that would step around it), `rewriting.py`
(pip's argv and variables), `starters.py` (programs that start pips), `outer.py` (`shim exec`), `nesting.py` (a command within one), and
`own_strategy.py` and `locks.py` (uv and the others). `spawn.py` starts the process beside the tool, `companion.py` says what it is told
and `recorded.py` writes that down for the hot path. `serving.py` is that process, with `redirector.py`, its HTTP server, and `asking.py`:
which of the private indexes has an unclaimed name (`remembering.py`).
"""

#: Stands in argv and variables where the redirector's address will be: it is known when the tool is about to start.
STAND_IN = "http://127.0.0.1:1/shim-redirector/simple/"
#: Stands in a record among the names that the command asks for, in the place of those that are typed.
TYPED_NAMES = "@NAMES@"
