"""The options of pip's commands, as data: what each is called, whether it takes a value (`=`),
which releases have it.

For commands that can ask an index, in pip 20.3.4 to 26.3, read off the parsers of 24 releases;
tests/e2e/test_pip_options.py compares with real pips. Releases matter because an abbreviation is
what is unambiguous in one release.
"""

from __future__ import annotations

_GENERAL = """
-h --help
--debug since:21.3
--isolated
--require-virtualenv --require-venv
--python = since:22.3
-v --verbose
-q --quiet
--log --log-file --local-log =
--no-input
--keyring-provider = since:23.1
--proxy =
--no-proxy-env since:26.2
--retries =
--resume-retries = since:25.1
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

#: What every command takes.
GENERAL = _GENERAL + "-V --version until:26.3"

#: What `pip` itself takes before the command's name.
MAIN = _GENERAL + "-V --version"

_INDEX = """
-i --index-url --pypi-url =
--extra-index-url =
--no-index
-f --find-links =
"""

_SELECTION = """
--pre
--all-releases = since:26.0
--only-final = since:26.0
--no-binary =
--only-binary =
--prefer-binary
--refresh-package = since:26.2
--uploaded-prior-to = since:26.0
"""

_TARGET_PYTHON = """
--platform =
--python-version =
--implementation =
--abi =
"""

_REQUIREMENTS = """
-c --constraint =
--build-constraint = since:25.3
-r --requirement =
--requirements-from-script = since:26.0
--group = since:25.1
--no-deps --no-dependencies
--only-deps --only-dependencies since:26.2
-b --build --build-dir --build-directory = until:21.3
--src --source --source-dir --source-directory =
--require-hashes
--no-require-hashes since:26.2
--no-build-isolation
--use-pep517
--no-use-pep517 until:25.3
--check-build-dependencies since:22.1
--ignore-requires-python
--progress-bar =
--no-clean
--global-option = until:25.3
"""

_SOURCES = """
-e --editable =
-C --config-settings = since:22.1
"""

_INSTALL = """
--dry-run since:22.2
-t --target =
--user
--no-user
--root =
--prefix =
-U --upgrade
--upgrade-strategy =
--force-reinstall
-I --ignore-installed
--break-system-packages since:23.0.1
--install-option = until:23.1
--compile
--no-compile
--no-warn-script-location
--no-warn-conflicts
--report = since:22.2
--root-user-action = since:22.1
"""

_DOWNLOAD = """
-d --dest --destination-dir --destination-directory =
"""

_LIST_SELECTION = """
--pre
--all-releases = since:26.0
--only-final = since:26.0
--no-binary = since:26.0
--only-binary = since:26.0
--prefer-binary since:26.0
--refresh-package = since:26.2
--uploaded-prior-to = since:26.0
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
--root-user-action = since:22.1
--break-system-packages since:23.0.1
"""

#: Command -> its own options, beside the general ones. A command that is not here never asks an
#: index.
COMMANDS = {
    "install": _INDEX + _SELECTION + _REQUIREMENTS + _SOURCES + _TARGET_PYTHON + _INSTALL,
    "download": _INDEX + _SELECTION + _REQUIREMENTS + _TARGET_PYTHON + _DOWNLOAD,
    "wheel": (
        _INDEX
        + _SELECTION
        + _REQUIREMENTS
        + _SOURCES
        + "-w --wheel-dir =\n--build-option = until:25.3\n--no-verify"
    ),
    "lock": _INDEX + _SELECTION + _REQUIREMENTS + _SOURCES + "-o --output =",
    "list": _INDEX + _LIST_SELECTION + _LIST,
    "index": _INDEX + _SELECTION + _TARGET_PYTHON + "--ignore-requires-python\n--json since:25.1",
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
--no-require-hashes since:26.2
--pre
--all-releases = since:26.0
--only-final = since:26.0
--trusted-host =
--use-feature =
--hash =
--install-option = until:23.1
--global-option = until:25.3
-C --config-settings = since:23.1
"""

#: Options that name what pip asks, or what it reads to find out. Abbreviations are read in favour
#: of these.
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
