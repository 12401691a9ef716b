"""`python -m shim`: the `shim` command."""

import sys

from shim.commands import main

sys.exit(main())
