"""`shim doctor`: what is wrong here, and the command that mends it; never a secret."""

from __future__ import annotations

import argparse
import sys

from shim.cli.answer import write_json
from shim.cli.doctor import installation
from shim.cli.doctor.check import ASKING, CHECKS, Finding, load_check
from shim.cli.usage import Parser
from shim.core.errors import UsageError, printable
from shim.core.folding import fold
from shim.core.host import Host

HELP = "say what is wrong here and which command mends it"
EXAMPLE = "shim doctor --confusion -r requirements.txt"

#: The exit status if there is a problem; advice alone is none.
HAS_PROBLEM = 1
#: What `--audit` shows of an entry.
COLUMNS = (
    *("time", "scope", "username", "source"),
    *("fingerprint", "target", "parent", "outcome"),
)


def configure(parser: Parser) -> None:
    """Add the arguments of `shim doctor`."""
    parser.add("--json", "the same as JSON")
    parser.add("--offline", "ask no server")
    parser.add("--fix", "first repair our own installation")
    parser.add("--audit", "show who was given which credential, and when")
    parser.add("--confusion", "find packages that a private index and another one both have")
    files = "what --confusion looks at"
    parser.add("-r --requirement FILE", files, action="append", default=[])


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Print what was found; return 1 if there is a problem."""
    if arguments.requirement and not arguments.confusion:
        files = "".join(f" -r {file}" for file in arguments.requirement)
        raise UsageError(
            "-r says what --confusion looks at", hint=f"shim doctor --confusion{files}"
        )
    if arguments.audit:
        return _print_audit(arguments, host)
    if arguments.confusion:
        from shim.cli.doctor import confusion

        findings = list(confusion.find(arguments.requirement, host))
        well = "no package of these requirements is on more than one of their indexes"
        return _print(findings, arguments, well)
    if arguments.fix:
        for line in installation.fix(host):
            sys.stderr.write(printable(line) + "\n")
    checks = [name for name in CHECKS if not (arguments.offline and name in ASKING)]
    findings = [finding for name in checks for finding in load_check(name).find(host)]
    return _print(findings, arguments, "nothing is wrong here")


def _print(findings: list[Finding], arguments: argparse.Namespace, well: str) -> int:
    if arguments.json:
        write_json({"findings": [vars(finding) for finding in findings]})
    else:
        for finding in findings:
            text = printable(f"{finding.level}  {finding.where}: {finding.text}")
            sys.stdout.write(fold(text, "", 1))
            if finding.command:  # whole: it is copied
                sys.stdout.write(printable(f"    {finding.command}") + "\n")
        if not findings:
            sys.stdout.write(well + "\n")
    return HAS_PROBLEM if any(finding.level == "problem" for finding in findings) else 0


def _print_audit(arguments: argparse.Namespace, host: Host) -> int:
    from shim.storage.audit_log import read_entries

    entries = read_entries(host)
    if arguments.json:
        write_json({"entries": entries})
        return 0
    for entry in entries:
        row = "  ".join(str(entry.get(column, "")) for column in COLUMNS)
        sys.stdout.write(printable(row) + "\n")
    if not entries:
        sys.stdout.write("no credential was given to anybody yet\n")
    return 0
