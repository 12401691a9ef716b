"""What launchers start: `python -IS start.py SITE NAME TARGET SELF IGNORED ARGUMENTS...`, all of
which `entry.py` explains.

Python compiles a script anew each time it is started, and a module once. So the script is no more
than this.
"""

import sys

sys.path.insert(0, __file__.rpartition("/shim/")[0])
from shim.entry import main

sys.path.append(
    sys.path.pop(0)
)  # nothing that is installed beside us goes before the standard library
sys.exit(main())
