"""`shim setup --from URL`, `--update` and `--remove NAME.toml`: a team's file becomes a file of its
own in `config.d`.

It is shown before it counts, and so is what has changed when it is fetched again.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import replace
from typing import Any

from shim.cli.setup.ask import is_confirmed
from shim.cli.setup.fetch import read_source, read_text
from shim.cli.setup.fields import NAME, NAME_LETTERS, name_for, read_bundle
from shim.config.checks import check_keys
from shim.config.edit import Table, delete, put
from shim.config.policy import load_policy
from shim.config.schema import INDEX_KEYS, TOP_KEYS
from shim.config.settings import folder_beside
from shim.config.team_files import TeamFile, digest, find_bold, list_team_files, read_team_file
from shim.core.errors import ConfigError, UsageError, printable
from shim.core.files import CannotRead
from shim.core.host import Host
from shim.core.toml import read_toml
from shim.core.urls import parse_url


def take_over(config_file: str, arguments: argparse.Namespace, host: Host) -> list[Table] | None:
    """Take over a file that is new here, or once more; return the indexes that it has, None after a
    no. Raises ShimError.
    """
    source, url = read_source(arguments.file, host)
    authority = read_bundle(arguments.ca_bundle, host) if arguments.ca_bundle is not None else ""
    known = next((one for one in list_team_files(config_file) if one.origin == source), None)
    if known and arguments.name in (None, known.name.removesuffix(".toml")):
        return _refresh(replace(known, authority=authority or known.authority), arguments, host)
    path = os.path.join(folder_beside(config_file), _name(source, arguments.name) + ".toml")
    if os.path.lexists(path):
        there = read_team_file(path)
        whose = f"it came from {there.origin}" if there else "it is your own"
        raise UsageError(
            f"{path} is there already: {whose}", hint="choose another name: --name NAME"
        )
    text = read_text(source, url, authority, _read_pin(arguments.sha256), host)
    new = TeamFile(path, source, digest(text), authority, text)
    sys.stdout.write(
        f"{_shown(source)} (sha256 {new.pin})\nis to become"
        f" {path}:\n\n{_indent(text.splitlines())}\n"
    )
    return _write(new, arguments, host)


def update(config_file: str, arguments: argparse.Namespace, host: Host) -> list[Table] | None:
    """Fetch each file again that was taken over, and take what has changed once it is confirmed.
    Raises ShimError.
    """
    wanted = [
        one
        for one in list_team_files(config_file)
        if arguments.name in (None, one.name.removesuffix(".toml"))
    ]
    if not wanted:
        raise UsageError(
            f"no such file was taken over into {folder_beside(config_file)}",
            hint="shim setup --from URL takes one over",
        )
    if arguments.sha256 and len(wanted) > 1:
        names = ", ".join(one.name.removesuffix(".toml") for one in wanted)
        raise UsageError(
            "--sha256 is the hash of one file", hint=f"name it: --name, with one of {names}"
        )
    found = [_refresh(one, arguments, host) for one in wanted]
    return None if None in found else [table for tables in found for table in tables or ()]


def remove_file(name: str, config_file: str, arguments: argparse.Namespace, host: Host) -> bool:
    """Remove a file that was taken over; return False after a no. Raises ShimError."""
    path = os.path.join(folder_beside(config_file), os.path.basename(name))
    there = read_team_file(path)
    if there is None:
        names = ", ".join(one.name for one in list_team_files(config_file)) or "none"
        raise UsageError(
            f"{path} was not taken over by shim setup", hint=f"taken over are: {names}"
        )
    sys.stdout.write(
        f"to be removed: {path}, from"
        f" {_shown(there.origin)}\n\n{_indent(there.text.splitlines())}\n"
    )
    sys.stdout.flush()
    if arguments.dry_run:
        return True
    if (
        not arguments.yes
        and host.interactive
        and not is_confirmed("Remove this? [Y/n] ", arguments, host)
    ):
        return False
    delete(path, host)
    sys.stdout.write(
        f"removed {path}; what was stored for its indexes stays: shim status lists it, shim logout"
        " URL forgets it\n"
    )
    return True


def _refresh(old: TeamFile, arguments: argparse.Namespace, host: Host) -> list[Table] | None:
    from difflib import unified_diff

    source, url = read_source(old.origin, host)
    text = read_text(source, url, old.authority, _read_pin(arguments.sha256), host)
    if digest(text) == old.pin:
        edited = "; it has been edited here, which stays" if old.is_edited else ""
        sys.stdout.write(f"{old.path}: nothing has changed at {_shown(source)}{edited}\n")
        return []
    changes = unified_diff(
        old.text.splitlines(), text.splitlines(), old.path, _shown(source), lineterm=""
    )
    edited = " (it has been edited here, which would be gone)" if old.is_edited else ""
    sys.stdout.write(
        f"{_shown(source)} has changed (sha256 {digest(text)}){edited}:\n\n{_indent(changes)}\n"
    )
    return _write(replace(old, text=text, pin=digest(text)), arguments, host)


def _write(new: TeamFile, arguments: argparse.Namespace, host: Host) -> list[Table] | None:
    """Put the file in place once it is confirmed; return its indexes, or None after a no."""
    sys.stdout.flush()
    document = _read_document(new)
    if arguments.dry_run:
        return []
    _refuse_bold(new, document, arguments.allow)
    if not is_confirmed("Take this over? [Y/n] ", arguments, host):
        return None
    put(new.path, new.render(), host, mode=0o644 if arguments.system else 0o600)
    system = " --system" if arguments.system else ""
    sys.stdout.write(
        f"written; to undo it: shim setup{system} --remove {new.name}; to fetch it again: shim"
        f" setup{system} --update\n"
    )
    return [
        {**table, "name": table.get("name") or parse_url(table["url"]).host}
        for table in document.get("index", ())
        if "url" in table
    ]


def _read_document(new: TeamFile) -> dict[str, Any]:
    """Return the file as settings, each key known. Raises ConfigError."""
    shown = _shown(new.origin)
    try:
        document = read_toml(new.text)
    except CannotRead as error:
        raise ConfigError(
            f"{shown}: {error.why}", hint="who publishes it must correct that line"
        ) from error
    check_keys(document, TOP_KEYS, shown, "")
    for number, table in enumerate(document.get("index", ()), 1):
        if isinstance(table, dict):
            check_keys(table, INDEX_KEYS, shown, f"[[index]] number {number}")
            if not NAME.fullmatch(table.get("name", "x")):  # people type it, or paste it
                raise ConfigError(
                    f"{shown}: [[index]] number {number} has a strange name",
                    hint=f"who publishes it must choose another: {NAME_LETTERS}",
                )
    if not document:
        raise ConfigError(f"{shown} says nothing", hint="check what lies there")
    return document


def _refuse_bold(new: TeamFile, document: dict[str, Any], allowed: list[str]) -> None:
    """Raise ConfigError for what a file from elsewhere may say only with leave, and has none:
    neither the user's nor the policy's.
    """
    refused = [
        (word, where) for word, where in find_bold(document, new.authority) if word not in allowed
    ]
    if not refused or ("://" in new.origin and load_policy().trusts_setup(parse_url(new.origin))):
        return
    what = ", ".join(f"{word} {where}" for word, where in refused)
    words = "".join(
        f" --allow {word}" for word in dict.fromkeys([*allowed, *(word for word, _ in refused)])
    )
    raise ConfigError(
        f"a file from elsewhere needs your leave for: {what}", hint=f"if that is meant, add{words}"
    )


def _name(source: str, said: str | None) -> str:
    """Return what the file is called here, without its ending. Raises UsageError."""
    stem = os.path.basename(source).removesuffix(".toml")
    name = said or (name_for(parse_url(source), set()) if "://" in source else stem)
    if not NAME.fullmatch(name):
        raise UsageError(f"a name is made of {NAME_LETTERS}", hint="--name corp")
    return name


def _read_pin(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        raise UsageError("a sha256 has 64 hexadecimal digits", hint="sha256sum FILE prints it")
    return text.lower() if text else None


def _shown(origin: str) -> str:
    return str(parse_url(origin)) if "://" in origin else origin


def _indent(lines: Any) -> str:
    """Return lines as people may see them: what would write to their terminal shows as `?`."""
    return "".join(f"    {printable(line.expandtabs(4))}".rstrip() + "\n" for line in lines)
