"""`python -m shim`: the `shim` command."""

import sys

from shim.cli import main

sys.exit(main())
