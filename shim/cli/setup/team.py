"""`shim setup --from URL`, `--update` and `--remove NAME.toml`: a team's file in our `config.d`.

It is shown before it counts, and so is what has changed when it is fetched again.
"""

from __future__ import annotations

import os
import sys

from shim.cli.setup.ask import Dialogue
from shim.cli.setup.fetch import read_source, read_text
from shim.cli.setup.fields import NAME, NAME_LETTERS, name_for, read_bundle
from shim.config.checks import check_keys
from shim.config.edit import Table, delete, put
from shim.config.policy import load_policy
from shim.config.schema import INDEX_KEYS, TOP_KEYS
from shim.config.settings import folder_beside
from shim.config.team_files import TeamFile, digest, find_bold, list_team_files, read_team_file
from shim.core import regex as re
from shim.core.dataclass import replace
from shim.core.errors import ConfigError, UsageError, printable
from shim.core.files import CannotRead
from shim.core.toml import read_toml
from shim.core.typing import Any, Iterable
from shim.core.urls import parse_url


def take_over(config_file: str, dialogue: Dialogue) -> list[Table] | None:
    """Take over a file; return the indexes that it has, None after a no. Raises ShimError."""
    arguments, host = dialogue.arguments, dialogue.host
    source, url = read_source(arguments.file, host)
    authority = read_bundle(arguments.ca_bundle, host) if arguments.ca_bundle is not None else ""
    known = next((one for one in list_team_files(config_file) if one.origin == source), None)
    if known and arguments.name in (None, known.name.removesuffix(".toml")):
        return _refresh(replace(known, authority=authority or known.authority), dialogue)
    path = os.path.join(folder_beside(config_file), _name(source, arguments.name) + ".toml")
    if os.path.lexists(path):
        there = read_team_file(path)
        whose = f"it came from {there.origin}" if there else "it is your own"
        raise UsageError(
            f"{path} is there already: {whose}", hint="choose another name: --name NAME"
        )
    text = read_text(source, url, authority, _read_pin(arguments.sha256), host)
    new = TeamFile(path, source, digest(text), authority, text)
    title = f"{_shown(source)} (sha256 {new.pin})\nis to become {path}"
    sys.stdout.write(f"{title}:\n\n{_indent(text.splitlines())}\n")
    return _write(new, dialogue)


def update(config_file: str, dialogue: Dialogue) -> list[Table] | None:
    """Fetch each file again that was taken over, and take what has changed. Raises ShimError."""
    arguments = dialogue.arguments
    files = {one.name.removesuffix(".toml"): one for one in list_team_files(config_file)}
    wanted = [name for name in files if arguments.name in (None, name)]
    if not wanted:
        raise UsageError(
            f"no such file was taken over into {folder_beside(config_file)}",
            hint="shim setup --from URL takes one over",
        )
    if arguments.sha256 and len(wanted) > 1:
        raise UsageError(
            "--sha256 is the hash of one file",
            hint=f"name it: --name, with one of {', '.join(wanted)}",
        )
    found = [_refresh(files[name], dialogue) for name in wanted]
    return None if None in found else [table for tables in found for table in tables or ()]


def remove_file(name: str, config_file: str, dialogue: Dialogue) -> bool:
    """Remove a file that was taken over; return False after a no. Raises ShimError."""
    path = os.path.join(folder_beside(config_file), os.path.basename(name))
    there = read_team_file(path)
    if there is None:
        names = ", ".join(one.name for one in list_team_files(config_file)) or "none"
        raise UsageError(
            f"{path} was not taken over by shim setup", hint=f"taken over are: {names}"
        )
    title = f"to be removed: {path}, from {_shown(there.origin)}"
    sys.stdout.write(f"{title}\n\n{_indent(there.text.splitlines())}\n")
    sys.stdout.flush()
    if dialogue.arguments.dry_run:
        return True
    if not dialogue.may_remove():
        return False
    delete(path, dialogue.host)
    sys.stdout.write(
        f"removed {path}; what was stored for its indexes stays: shim status lists it, shim logout"
        " URL forgets it\n"
    )
    return True


def _refresh(old: TeamFile, dialogue: Dialogue) -> list[Table] | None:
    from difflib import unified_diff

    source, url = read_source(old.origin, dialogue.host)
    wanted = _read_pin(dialogue.arguments.sha256)
    text = read_text(source, url, old.authority, wanted, dialogue.host)
    shown, pin = _shown(source), digest(text)
    if pin == old.pin:
        edited = "; it has been edited here, which stays" if old.is_edited else ""
        sys.stdout.write(f"{old.path}: nothing has changed at {shown}{edited}\n")
        return []
    changes = unified_diff(old.text.splitlines(), text.splitlines(), old.path, shown, lineterm="")
    edited = " (it has been edited here, which would be gone)" if old.is_edited else ""
    sys.stdout.write(f"{shown} has changed (sha256 {pin}){edited}:\n\n{_indent(changes)}\n")
    return _write(replace(old, text=text, pin=pin), dialogue)


def _write(new: TeamFile, dialogue: Dialogue) -> list[Table] | None:
    """Put the file in place once it is confirmed; return its indexes, or None after a no."""
    arguments = dialogue.arguments
    sys.stdout.flush()
    document = _read_document(new)
    if arguments.dry_run:
        return []
    _refuse_bold(new, document, arguments.allow)
    if not dialogue.is_confirmed("Take this over? [Y/n] "):
        return None
    put(new.path, new.render(), dialogue.host, mode=0o644 if arguments.system else 0o600)
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
    """Raise ConfigError for what needs the leave of the user or the policy, and has none."""
    refused = [one for one in find_bold(document, new.authority) if one[0] not in allowed]
    if not refused or ("://" in new.origin and load_policy().trusts_setup(parse_url(new.origin))):
        return
    what = ", ".join(f"{word} {where}" for word, where in refused)
    needed = dict.fromkeys([*allowed, *(word for word, _ in refused)])
    words = "".join(f" --allow {word}" for word in needed)
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


def _indent(lines: Iterable[str]) -> str:
    """Return lines as people may see them: what would write to their terminal shows as `?`."""
    return "".join(f"    {printable(line.expandtabs(4))}".rstrip() + "\n" for line in lines)
