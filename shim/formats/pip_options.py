"""The options of pip's commands, as data: what each is called and whether it takes a value (`=`).

The union of pip 20.3.4 to 26.3, for commands that can ask an index. To read them off a pip:
`pip._internal.commands.create_command(NAME).parser`, its `option_list` and those of its `option_groups`.
`--build` is left out on purpose: a folder for pip < 21.3, short for `--build-constraint` for pip >= 25.3.
"""

from __future__ import annotations

#: Every command takes these, and so does `pip` itself before the command's name.
GENERAL = """
-h --help
--debug
--isolated
--require-virtualenv --require-venv
--python =
-v --verbose
-V --version
-q --quiet
--log --log-file --local-log =
--no-input
--keyring-provider =
--proxy =
--no-proxy-env
--retries =
--resume-retries =
--timeout --default-timeout =
--exists-action =
--trusted-host =
--cert =
--client-cert =
--cache-dir =
--no-cache-dir
--disable-pip-version-check
--no-color
--no-python-version-warning
--use-feature =
--use-deprecated =
"""

_INDEX = """
-i --index-url --pypi-url =
--extra-index-url =
--no-index
-f --find-links =
"""

_SELECTION = """
--pre
--all-releases =
--only-final =
--no-binary =
--only-binary =
--prefer-binary
--refresh-package =
--uploaded-prior-to =
"""

_TARGET_PYTHON = """
--platform =
--python-version =
--implementation =
--abi =
"""

_REQUIREMENTS = """
-c --constraint =
--build-constraint =
-r --requirement =
--requirements-from-script =
--group =
--no-deps --no-dependencies
--only-deps --only-dependencies
-e --editable =
-b --build-dir --build-directory =
--src --source --source-dir --source-directory =
--require-hashes
--no-require-hashes
--no-build-isolation
--use-pep517
--no-use-pep517
--check-build-dependencies
--ignore-requires-python
--progress-bar =
--no-clean
--global-option =
-C --config-settings =
"""

_INSTALL = """
--dry-run
-t --target =
--user
--no-user
--root =
--prefix =
-U --upgrade
--upgrade-strategy =
--force-reinstall
-I --ignore-installed
--break-system-packages
--install-option =
--compile
--no-compile
--no-warn-script-location
--no-warn-conflicts
--report =
--root-user-action =
"""

_DOWNLOAD = """
-d --dest --destination-dir --destination-directory =
"""

_LIST = """
-o --outdated
-u --uptodate
-e --editable
-l --local
--user
--path =
--format =
--not-required
--exclude-editable
--include-editable
--exclude =
"""

_UNINSTALL = """
-r --requirement =
-y --yes
--root-user-action =
--break-system-packages
"""

#: Command -> its own options, beside the general ones. A command that is not here never asks an index.
COMMANDS = {
    "install": _INDEX + _SELECTION + _REQUIREMENTS + _TARGET_PYTHON + _INSTALL,
    "download": _INDEX + _SELECTION + _REQUIREMENTS + _TARGET_PYTHON + _DOWNLOAD,
    "wheel": _INDEX + _SELECTION + _REQUIREMENTS + "-w --wheel-dir =\n--build-option =\n--no-verify",
    "lock": _INDEX + _SELECTION + _REQUIREMENTS + "-o --output =",
    "list": _INDEX + _SELECTION + _LIST,
    "index": _INDEX + _SELECTION + _TARGET_PYTHON + "--ignore-requires-python\n--json",
    "search": "-i --index =",
    "uninstall": _UNINSTALL,
}

#: What a line of a requirements file may say.
REQUIREMENTS_LINE = """
-i --index-url --pypi-url =
--extra-index-url =
--no-index
-c --constraint =
-r --requirement =
-e --editable =
-f --find-links =
--no-binary =
--only-binary =
--prefer-binary
--require-hashes
--no-require-hashes
--pre
--all-releases =
--only-final =
--trusted-host =
--use-feature =
--hash =
--install-option =
--global-option =
-C --config-settings =
"""

#: Options that name what pip asks, or what it reads to find out. Abbreviations are read in favour of these.
WANTED = frozenset(
    {
        "index-url",
        "extra-index-url",
        "no-index",
        "find-links",
        "index",
        "constraint",
        "build-constraint",
        "requirement",
        "requirements-from-script",
        "group",
        "editable",
        "outdated",
        "uptodate",
    }
)
