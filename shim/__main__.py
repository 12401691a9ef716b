"""`python -m shim`, and the command `shim` of whoever installs packages: the ways to our verbs that
need no launcher, and so begin on any system.
"""

import sys

from shim.core.platform_features import IS_WINDOWS

#: What is said where nothing else of ours can be imported.
WINDOWS = "shim: error[usage]: shim does not run on Windows itself\n"
WINDOWS_HINT = "work in WSL, which is Linux: wsl --install, and install shim there"


def main() -> int:
    """Run the `shim` command; return its exit status."""
    if IS_WINDOWS:
        sys.stderr.write(f"{WINDOWS}hint: {WINDOWS_HINT}\n")
        return 64
    from shim.cli import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
