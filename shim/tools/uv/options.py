"""uv's options as data: which take a value. All others count as flags, those of newer releases too.

The union of uv 0.5.31 and 0.13.8, hidden options and aliases included. To read them off a uv: `uv
generate-shell-completion bash`.

Sources: the above; crates/uv-cli/src/lib.rs and compat.rs for aliases.
"""

from __future__ import annotations

from shim.core.functools import cache
from shim.core.typing import MappingProxyType
from shim.formats.optparse_scan import Option, OptionTable, read_table


class ExactTable(OptionTable):
    """Options that must be typed in full: clap knows no abbreviations."""

    def find_long(self, typed: str) -> Option | None:
        """Return the option of exactly that name."""
        return self.long.get(typed)


#: The names of one option in a line; `=` at the end: it takes a value.
COMMON = """
-h --help
-V --version
-q --quiet
-v --verbose
-n --no-cache
-U --upgrade
-s --script =
-i --index-url =
-f --find-links =
-p --python =
-r --requirements --requirement =
--with-requirements =
-c --constraints --constraint =
-b --build-constraints --build-constraint =
-C --config-setting --config-settings =
-P --upgrade-package =
-w --with =
-o --output-file =
-d --depth =
-t --target =
-u --username =
--overrides --override =
--excludes --exclude =
--no-offline
--offline
--frozen
--no-frozen
--gui-script
--isolated
--no-config
--no-index
--no-project
--no-sync
--outdated
--seed
--all
--show-settings
"""
#: Further options with a value.
VALUED = (
    "abi allow-insecure-host annotation-style author-from batch bounds branch build-backend bump"
    " cache-dir cert check-url client-cert color config config-file config-setting-package"
    " config-settings-package custom-compile-command default-index description directory env-file"
    " exclude-newer exclude-newer-package extra extra-index-url fork-strategy format from"
    " generate-shell-completion graalpy-mirror group ignore ignore-until-fixed implementation index"
    " index-strategy install-dir keyring-provider link-mode marker max-recursion-depth max-rounds"
    " metadata-directory mirror name no-binary-package no-build-isolation-package no-build-package"
    " no-editable-package no-emit-package no-extra no-group no-install-package no-sources-package"
    " only-binary only-emit-package only-group only-install-package optional out-dir output-format"
    " output-version package password path pip-args platform prefix prerelease prerelease-package"
    " preview-feature preview-features project prompt protocol prune publish-url pyodide-mirror"
    " pypy-mirror python-downloads-json-url python-executable python-fetch python-platform"
    " python-preference python-version refresh-package reinstall-package resolution resolver rev"
    " service-format service-url tag token torch-backend trusted-host trusted-publishing ty-version"
    " unsafe-package upgrade-group vcs with-editable with-executables-from"
)
#: What differs for some commands: these lines go before COMMON's.
PARTICULAR = {
    ("pip", "install"): "-e --editable =\n--no-binary =",
    ("pip", "sync"): "-a --ask\n--no-binary =",
    ("pip", "compile"): "--no-binary =",
    ("pip", "list"): "-e --editable",
    ("tool", "install"): "-e --editable",
    ("add",): "-m --marker =",
    ("run",): "-s --script\n-m --module",
    ("venv",): "-c --clear",
    ("build",): "-o --out-dir =",
    ("publish",): "-p --password =\n-t --token =\n--index =",
}


@cache
def option_table(verb: tuple[str, ...]) -> OptionTable:
    """Return the options of a command; COMMON's meaning gives way to the command's own."""
    valued = "\n".join(f"--{name} =" for name in VALUED.split())
    common = read_table(f"{COMMON}\n{valued}")
    own = read_table(PARTICULAR.get(verb, ""))
    short, long = {**common.short, **own.short}, {**common.long, **own.long}
    return ExactTable(MappingProxyType(short), MappingProxyType(long))
