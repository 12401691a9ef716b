"""pipx: installs programs with pip or uv, which ask what their own settings say, what is typed, and
what pipx keeps of an environment.

Sources: pipx 1.18 documentation, `main.py`, `backends/__init__.py`, `commands/`; measured.
"""

from __future__ import annotations

import os

from shim.core.dataclass import replace
from shim.core.files import CannotRead
from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Invocation, Location, Origin, Target
from shim.core.package_names import normal_name
from shim.core.toml import strings_at
from shim.core.urls import shown_url
from shim.formats.optparse_scan import Word, read_table, scan
from shim.tools import Tool, words
from shim.tools.pip import requests
from shim.tools.pip.settings import FileReader, Mention, find_verb, read_settings
from shim.tools.project.direct_urls import direct_endpoints
from shim.tools.project.pip_tools_requests import (
    OPTIONS,
    option_endpoints,
    pip_options,
    split_arguments,
)
from shim.tools.project.pipx_records import Record, homes, records_in, records_of_list
from shim.tools.project.requests import (
    installer_endpoints,
    join,
    last_value,
    read_document,
    read_project_invocation,
)
from shim.tools.unreadable import Unread

NEVER_NEEDS_INDEX = (
    "",
    *words("-h --help --version environment ensurepath completions"),
    *words("uninstall uninstall-all"),
)
VERBS = words(
    "inject install install-all list manifest reinstall reinstall-all repair run runpip upgrade"
    " upgrade-all upgrade-shared"
)
#: What goes by the records of environments, and of all where none is named.
_OF_ALL = words("list reinstall-all repair upgrade-all")
_BY_RECORDS = (*_OF_ALL, "reinstall", "upgrade")
#: What takes arguments for pip in place of those, and keeps them.
_TAKING_ARGUMENTS = words("inject install install-all upgrade upgrade-all")
#: What takes packages, of the commands of the pip that `pipx runpip` starts.
_RAW_VERBS = words("download install lock wheel")
_BEFORE = read_table("-h --help\n--version\n-q --quiet\n-v --verbose\n--global\n--skip-maintenance")
_TABLE = read_table(
    "-h --help\n-i --index-url =\n--pip-args =\n--backend =\n--python =\n--suffix =\n"
    "--preinstall =\n--cooldown =\n--fetch-python =\n-r --requirement =\n--constraint =\n"
    "-e --editable\n-f --force\n--global\n--outdated\n--lock =\n--app =\n--output =\n"
    "--include-resources-from =\n--upgrade-strategy =\n--with =\n--spec =\n--python-args =\n"
    "-U --upgrade\n--install\n--include-injected\n--include-deps\n--include-apps"
)


def read_invocation(name: str, argv: tuple[str, ...], host: Host, target: str) -> Invocation:
    """Return which command this is."""
    found = read_project_invocation(name, argv, host, target, _BEFORE, VERBS)
    if found.verb == ("list",) and not _is_said(scan(argv, _TABLE), "outdated"):
        return replace(found, touches_index=False, reason=f"{name} list asks no index here")
    return found


def read_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return the indexes of its options and records, and of the settings of the pip or uv that it
    may start.
    """
    if not any(word in VERBS for word in invocation.verb):
        return Endpoints()
    if invocation.verb == ("runpip",):
        return _raw_pip_endpoints(invocation, host)
    unread = Unread()
    said = scan(own_argv(invocation), _TABLE)
    records = find_records(invocation, host, unread)
    parts = [_recorded_endpoints(record, host) for record in dict.fromkeys(records)]
    may_be_uv = any(record.origin.kind == "argv" for record in records)
    if not records or invocation.verb[0] not in _BY_RECORDS or _is_said(said, "install"):
        parts.append(_typed_endpoints(invocation, said, host, unread))
        backend = last_value(said, "backend") or host.environ.get("PIPX_DEFAULT_BACKEND")
        may_be_uv |= backend != "pip" and not last_value(said, "index-url")
    parts += [installer_endpoints(host, "uv")] if may_be_uv else []
    return join(*parts, unread.endpoints((), ()))


def own_argv(invocation: Invocation) -> tuple[str, ...]:
    """Return what of a command is for pipx: what follows the program of `pipx run` is for that."""
    arguments = [word for word in scan(invocation.argv, _TABLE) if word.name is None]
    is_run = invocation.verb == ("run",) and len(arguments) > 1
    return invocation.argv[: arguments[1].position + 1] if is_run else invocation.argv


def find_records(invocation: Invocation, host: Host, unread: Unread) -> list[Record]:
    """Return the packages that pipx installs once more with the arguments that it keeps."""
    verb, said = invocation.verb[0], scan(invocation.argv, _TABLE)
    arguments = [word.value or "" for word in said if word.name is None][1:]
    if verb not in (*_BY_RECORDS, "install", "inject", "install-all") or (
        verb in _TAKING_ARGUMENTS and _has_arguments(said)
    ):
        return []
    if verb == "install-all":
        return [*records_of_list(host.path(arguments[0]), unread)] if arguments else []
    if verb == "inject" and not _is_said(said, "requirement"):
        # Other packages do not care how the first one was installed.
        environment = _name_of(arguments[0]) if arguments else ""
        arguments = [one for one in arguments[1:] if _name_of(one) == environment]
    arguments = arguments[:1] if verb == "inject" else arguments
    if (verb == "install" and _is_said(said, "force")) or (verb not in _OF_ALL and not arguments):
        return []
    names = {_name_of(one) + end for one in arguments for end in ("", last_value(said, "suffix"))}
    names = {normal_name(name) for name in names}
    is_any = not arguments or any("/" in one for one in arguments)
    folders = homes(invocation.target.path, host, is_global=_is_said(said, "global"))
    return [
        record
        for folder in folders
        for record in records_in(os.path.join(folder, "venvs"), None if is_any else names, unread)
    ]


def _typed_endpoints(
    invocation: Invocation, said: list[Word], host: Host, unread: Unread
) -> Endpoints:
    """Return what its options say, and what it is to install."""
    files, configured = _values(said, "requirement") + _values(said, "lock"), []
    arguments = _values(said, None)[1:]
    if invocation.verb == ("manifest",):
        path = host.path(arguments[-1].text if arguments else "")
        with unread.guard(path):
            locks = strings_at(read_document(path), ("lock",))
            files += [
                Mention(os.path.join(os.path.dirname(path), lock), Origin("file", path, True))
                for lock in locks
            ]
        arguments = []
    elif invocation.verb == ("run",):
        program, arguments = arguments[:1], _values(said, "spec") + _values(said, "with")
        for one in program if not last_value(said, "spec") else ():
            if "://" in one.text:
                unread.note(shown_url(one.text))
            elif "/" in one.text or one.text.endswith(".py"):
                configured = [("requirements-from-script", one)]
    folders = [one for one in arguments if "/" in one.text or one.text.startswith(".")]
    asked = option_endpoints(said, host, configured, files=files, folders=folders)
    found = join(asked, direct_endpoints("pipx", own_argv(invocation), "", ""))
    is_keeping = invocation.verb[0] in _TAKING_ARGUMENTS
    items = (replace(one, is_kept=is_keeping and _is_typed(one)) for one in found.items)
    return replace(found, items=tuple(items))


def _recorded_endpoints(record: Record, host: Host) -> Endpoints:
    """Return what is asked when a package is installed as it was."""
    options = [
        (name, Mention(text, record.origin))
        for name, text in pip_options(record.arguments, (*OPTIONS, "requirement"))
    ]
    files = [mention for name, mention in options if name == "requirement"]
    files += [Mention(record.lock, record.origin)] if record.lock else []
    configured = [option for option in options if option[0] != "requirement"]
    folders = [Mention(record.wanted, record.origin)] if "/" in record.wanted else []
    return option_endpoints((), host, configured, files=files, folders=folders)


def _raw_pip_endpoints(invocation: Invocation, host: Host) -> Endpoints:
    """Return what the pip of an environment is told: by words, or by all of them in one."""
    words_before = [word for word in scan(invocation.argv, _BEFORE) if word.name is None][:2]
    begin = words_before[-1].position + 1
    argv = invocation.argv[begin:]
    is_one = len(argv) == 1 and any(letter.isspace() for letter in argv[0])
    unread = Unread()
    with unread.guard("runpip"):
        argv = tuple(split_arguments(argv[0])) if is_one else argv
    position = find_verb(argv, None)[1]
    if position is None or argv[position] not in _RAW_VERBS:
        return unread.endpoints((), ())
    files, target = FileReader(), Target("pip")
    settings = read_settings(argv, position, target, host, files)
    asked = requests.read_endpoints(argv[position], settings, target, host, files)
    items = tuple(
        replace(one, location=_moved(one.location, None if is_one else begin))
        for one in asked.items
    )
    return join(replace(asked, items=items), unread.endpoints((), ()))


def _moved(place: Location | None, by: int | None) -> Location | None:
    """Return a place in argv where it is in the whole; None where it is in no word as it is."""
    if place is None or not isinstance(place.key, int):
        return place
    return None if by is None else place._replace(key=place.key + by)


def _has_arguments(said: list[Word]) -> bool:
    """Whether arguments for pip are typed, in place of those that pipx keeps."""
    texts = [word.value or "" for word in said if word.name == "pip-args"]
    try:
        is_said = bool(texts and split_arguments(texts[-1]))
    except CannotRead:
        is_said = True
    return is_said or bool(last_value(said, "index-url")) or _is_said(said, "editable")


def _is_typed(endpoint: Endpoint) -> bool:
    return endpoint.location is not None and endpoint.location.kind == "argv"


def _is_said(said: list[Word], name: str) -> bool:
    return any(word.name == name for word in said)


def _name_of(wanted: str) -> str:
    """Return the normal name in a requirement."""
    for mark in "[<>=!~;@ ":
        wanted = wanted.partition(mark)[0]
    return normal_name(wanted)


def _values(said: list[Word], name: str | None) -> list[Mention]:
    """Return each value of an option; those of None are the arguments."""
    values = [word.value or "" for word in said if word.name == name]
    return [Mention(value, Origin("argv", value)) for value in values]


TOOL = Tool(NEVER_NEEDS_INDEX, read_invocation, read_endpoints, falls_back_to_other_indexes=True)
