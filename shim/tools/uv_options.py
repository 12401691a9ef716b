"""uv's options as data: which take a value; the others count as flags.

Sources: `uv help` of 0.13.8 for every command; crates/uv-cli/src/lib.rs and uv-static/src/env_vars.rs.
"""

from __future__ import annotations

from shim.formats.optparse_scan import OptionTable, read_table

#: Names of one option in a line; `=` at the end: it takes a value.
COMMON = """
-h --help
-V --version
-q --quiet
-v --verbose
-n --no-cache
-U --upgrade
-s --script
-m --module
-i --index-url =
-f --find-links =
-p --python =
-r --requirements --requirement --with-requirements =
-c --constraints --constraint =
-b --build-constraints --build-constraint =
-C --config-setting --config-settings =
-P --upgrade-package =
-w --with =
-e --with-editable =
-o --output-file =
-d --depth =
-t --target =
--index =
--default-index =
--extra-index-url =
--no-index
--offline
--outdated
--seed
--bump =
--directory =
--project =
--config-file =
--no-config
--no-project
--no-sync
--publish-url =
--check-url =
--username -u =
--password =
--token =
--overrides --override =
--excludes --exclude =
--from =
--with-executables-from =
--package =
--env-file =
"""
#: Further options with a value; their names are all that matters.
VALUED = (
    "allow-insecure-host trusted-host annotation-style author-from bounds branch build-backend cache-dir cert color "
    "config-settings-package config-setting-package custom-compile-command description exclude-newer exclude-newer-package extra "
    "fork-strategy format graalpy-mirror group ignore ignore-until-fixed index-strategy install-dir keyring-provider link-mode marker "
    "mirror name no-binary-package no-build-isolation-package no-build-package no-editable-package no-emit-package no-extra no-group "
    "no-install-package no-sources-package only-group optional out-dir output-format path prefix prerelease prerelease-package prompt "
    "prune pyodide-mirror pypy-mirror python-downloads-json-url python-platform python-preference preview-features python-fetch "
    "python-version refresh-package reinstall-package resolution rev service-format service-url tag torch-backend trusted-publishing "
    "ty-version upgrade-group vcs"
)
#: What differs for some commands: these lines come before COMMON's.
PARTICULAR = {
    ("pip", "install"): "-e --editable =\n--no-binary =\n--only-binary =",
    ("pip", "sync"): "--no-binary =\n--only-binary =",
    ("pip", "compile"): "--no-binary =\n--only-binary =",
    ("pip", "list"): "-e --editable",
    ("tool", "install"): "-e --editable",
    ("add",): "--script =\n-m --marker =",
    ("venv",): "-c --clear",
    ("build",): "-o --out-dir =",
    ("publish",): "-p --password =\n-t --token =",
}

#: Switches that a variable turns on as well.
SWITCHES = {"offline": "UV_OFFLINE", "seed": "UV_VENV_SEED"}


def option_table(verb: tuple[str, ...]) -> OptionTable:
    """Return the options of a command; COMMON's meaning gives way to the command's own."""
    valued = "\n".join(f"--{name} =" for name in VALUED.split())
    common = read_table(f"{COMMON}\n{valued}")
    own = read_table(PARTICULAR.get(verb, ""))
    return OptionTable({**common.short, **own.short}, {**common.long, **own.long})
