"""Reads requirements files as pip does: continued lines, comments, `${VARIABLE}`, options, direct
URLs.

Also the other files that may name URLs to fetch: pylock.toml, dependency groups. Whatever takes
longer the longer it is has a bound.

Sources: pip 26.3 `_internal/req/req_file.py`, `req/constructors.py`; PEP 508, 735, 751.
"""

from __future__ import annotations

import codecs

from shim.core import regex as re
from shim.core.files import CannotRead, LeftToCode
from shim.core.functools import lru_cache
from shim.core.package_names import normal_name
from shim.core.toml import may_hide_urls, read_toml, strings_at, strings_of, table_at, value_at
from shim.core.typing import Iterable, Iterator, Mapping, NamedTuple

_VARIABLE = r"\$\{([A-Z0-9_]+)\}"
_BLANKS = r"[ \t\r\n]+"
_QUOTING = r"[\\'\"]"
_CODING = rb"coding[:=]\s*([-\w.]+)"
# Behind a name a URL ends at a blank or a tab alone: pip drops a line end within it.
_DIRECT = (
    r"(?i)(?:[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\]\s*)?@\s*(?=(?P<named>https?://[^ \t]+))|)"
    r"(?P<url>https?://\S+)"
)
_PYLOCK_NAME = r"pylock\.([^.]+\.)?toml$"
_LOCKED_URL = r"""(?<![\w-])url["']?\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')"""
_NAME = r"(?m)^[ \t]*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)[ \t]*(?=[\[<>=!~;#\r\n]|$)"
_QUOTED = r"'[^']*'|\"[^\"]*\""
_MARKER_WORD = r"[a-z_]+"
_ARCHIVE = r"\.(?:whl|zip|tar|tgz|tbz|txz|tlz|tar\.(?:gz|bz2|xz|lz|lzma))(?=\[|\s*$|\s*;)"

_PLAIN_PROJECT = r"(?m)^\[project\][ \t]*\r?$"
_MAY_NAME_PLACE = r"(?i)dynamic|https?:|file:"

#: Nobody writes longer lines; shlex takes the square of a word's length, and packaging goes as deep
#: as a marker does.
MAX_QUOTED_LINE = 4096
_MAX_MARKER = 1000
#: What a `coding:` comment may say: encodings that every Python reads alike, in a time that grows
#: with the text alone.
_CODINGS = frozenset(
    {"utf8", "ascii", "usascii", "latin1", "iso88591", "iso885915", "cp1252", "windows1252"}
)

#: In this order: the first UTF-16 mark begins the first UTF-32 one.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Line(NamedTuple):
    """One logical line that matters: with options, a URL or a path, or why it is `unread`.

    `number` counts from 1 and is that of the line's beginning.
    """

    number: int
    options: tuple[str, ...] = ()
    requirement: str = ""
    unread: str = ""


class _Template(NamedTuple):
    """A line with variables in it."""

    number: int
    text: str


def decode_requirements(data: bytes) -> str:
    """Return a requirements file's text: by its byte order mark, a `coding:` comment, or UTF-8.

    Raises:
        CannotRead: it does not fit; pip would go on with the locale's encoding, or stop.
    """
    encoding, text = "utf-8", data
    for mark, named in _MARKS:
        if data.startswith(mark):
            encoding, text = named, data[len(mark) :]
            break
    else:
        encoding = next(filter(None, map(_coding_of, data.split(b"\n", 2)[:2])), encoding)
    try:
        return text.decode(encoding)
    except UnicodeDecodeError:
        raise CannotRead(f"is not {encoding}") from None


def _coding_of(line: bytes) -> str | None:
    """Return the encoding that a comment names. Raises CannotRead for one that we do not know."""
    is_said = line.startswith(b"#") and b"coding" in line
    named = re.search(_CODING, line) if is_said else None
    if named is None:
        return None
    encoding = named[1].decode("ascii", "replace")
    if encoding.lower().replace("-", "").replace("_", "") not in _CODINGS:
        raise CannotRead(f"is written in {encoding[:20]}")
    return encoding


def read_lines(text: str, environ: Mapping[str, str]) -> Iterator[Line]:
    """Yield the lines with options of their own, those that name a URL or path, and the unread."""
    for line in _parse(text):
        if isinstance(line, Line):
            yield line
            continue
        expanded, flaw = _expand(line.text, environ)
        if flaw:
            yield Line(line.number, unread=flaw)
        yield from _read_line(expanded, line.number)


@lru_cache(maxsize=64)  # several steps of a command read the same files
def _parse(text: str) -> tuple[Line | _Template, ...]:
    """Return the lines that matter, as far as they can be read without variables."""
    found: list[Line | _Template] = []
    for number, raw in _join(text.splitlines()):
        line = (_without_comment(raw) if "#" in raw else raw).strip()
        found += [_Template(number, line)] if "${" in line else _read_line(line, number)
    return tuple(found)


def _without_comment(line: str) -> str:
    """Return the line up to a `#` at its beginning or behind a blank."""
    place = line.find("#")
    while place > 0 and not line[place - 1].isspace():
        place = line.find("#", place + 1)
    return line if place < 0 else line[:place]


def _read_line(line: str, number: int) -> list[Line]:
    """Return a logical line if it matters."""
    if line.startswith("-"):
        return [_read_options(line, number)]
    requirement = line.split(" -", 1)[0]
    return [Line(number, requirement=requirement)] if _names_place(requirement) else []


def _names_place(requirement: str) -> bool:
    """Whether it is a URL, a path, or the bare name of an archive, which may lie beside us."""
    if "/" in requirement or ":" in requirement or requirement[:1] == ".":
        return True
    letters = requirement.lower()
    may_end = ".whl" in letters or ".zip" in letters or ".t" in letters
    return may_end and re.search(_ARCHIVE, letters) is not None


def _expand(line: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the line with its variables replaced, and why pip may make another one of it."""
    values = {name: environ.get(name, "") for name in dict.fromkeys(re.findall(_VARIABLE, line))}
    expanded = re.sub(_VARIABLE, lambda match: values[match[1]] or match[0], line)
    is_nested = any("${" in value for value in values.values())
    return expanded, "has a variable whose value names another one" if is_nested else ""


def _read_options(line: str, number: int) -> Line:
    """Return an option line split as shlex does; pip stops at one that leaves a quote open."""
    if not re.search(_QUOTING, line):
        return Line(number, tuple(re.split(_BLANKS, line)))
    if len(line) > MAX_QUOTED_LINE:
        return Line(number, unread="is a long line with quotes")
    from shlex import split

    try:
        return Line(number, tuple(split(line)))
    except ValueError:
        return Line(number, unread="leaves a quote open")


def _join(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield logical lines with the number of their first. A comment line ends a continued one."""
    begun = 0
    parts: list[str] = []
    for number, line in enumerate(lines, 1):
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            begun = begun or number
            parts.append(line.strip("\\"))
            continue
        # The blank makes the comment one even when it is glued to a continued line.
        parts.append(" " + line if is_comment else line)
        yield begun or number, "".join(parts)
        begun, parts = 0, []
    if parts:
        yield begun, "".join(parts)


def find_direct_url(requirement: str) -> tuple[int, int] | None:
    """Return where the http(s) URL of `name @ URL` or of a bare URL begins and ends in
    `requirement`, or None.

    Markers and extras behind the URL are no part of it; behind a name the first semicolon begins a
    marker, blank or not. VCS URLs (`git+https`) and paths are not found.
    """
    written = requirement.lstrip()
    match = re.match(_DIRECT, written) if "://" in written else None
    if match is None:
        return None
    named, bare = match["named"], match["url"]
    url = named.partition(";")[0] if named else bare.removesuffix(";")
    if url.endswith("]") and "[" in url.rpartition("/")[2]:
        url = url[: url.rindex("[")]
    start = len(requirement) - len(written) + match.start("url")
    return start, start + len(url)


def has_blanks(requirement: str, url: tuple[int, int]) -> bool:
    """Return whether a bare URL has blanks in it, which pip takes for a part of it."""
    return not requirement[: url[0]].strip() and len(requirement.partition("; ")[0].split()) > 1


def marker_of(requirement: str, url: tuple[int, int]) -> str:
    """Return what follows a direct requirement's URL, if a marker: of a bare one, from `; ` on."""
    rest = requirement[url[1] :]
    is_bare = not requirement[: url[0]].strip()
    return rest if not is_bare or "; " in rest else ""


def may_apply(rest: str, python: tuple[int, int] | None, extras: Iterable[str] = ()) -> bool:
    """Return whether a requirement counts, by its marker, which `rest` begins with (`;
    python_version < '3'`) or lacks.

    `python` is the target's (major, minor), `extras` those that are asked for. True where it cannot
    be told: the marker asks for more than its release and this system.
    """
    marker = rest.lstrip(" \t;")
    if not marker or len(marker) > _MAX_MARKER:
        return True
    words = set(re.findall(_MARKER_WORD, re.sub(_QUOTED, "", marker))) - {"and", "or", "in", "not"}
    known = {"python_version", "sys_platform", "platform_system", "os_name"} if python else set()
    if not words <= {"extra", *known}:
        return True
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison

    release = {"python_version": "{}.{}".format(*python)} if python else {}
    spellings = {spelling for extra in extras for spelling in (extra, normal_name(extra))}
    try:
        parsed = Marker(marker)
        return any(parsed.evaluate({**release, "extra": extra}) for extra in spellings or {""})
    except (InvalidMarker, UndefinedComparison, RecursionError):
        return True


def find_names(text: str) -> Iterator[str]:
    """Yield the normal names that lines of a requirements file begin with. Sources: PEP 508."""
    for match in re.finditer(_NAME, text):
        yield normal_name(match[1])


def split_extras(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the name and the extras of `name[one,two]`."""
    if not name.endswith("]") or "[" not in name:
        return name, ()
    stem, _, extras = name[:-1].rpartition("[")
    return stem.rstrip(), tuple(extra.strip() for extra in extras.split(","))


def is_pylock(name: str) -> bool:
    """Return whether pip >= 26.1 takes a file for a lock: `pylock.toml`, `pylock.dev.toml[x]`."""
    return re.match(_PYLOCK_NAME, split_extras(name)[0].rpartition("/")[2]) is not None


def find_locked_urls(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, URL) for the files that a pylock.toml names, by a scan: the file may be
    large.

    One that writes strings as no tool does is parsed; its URLs then stand in line 1. Raises
    CannotRead for what is no TOML then.
    """
    if may_hide_urls(text):
        yield from ((1, url) for url in strings_at(read_toml(text), ("url",)))
        return
    number, position = 1, 0
    for match in re.finditer(_LOCKED_URL, text):
        number += text.count("\n", position, match.start())
        position = match.start()
        yield number, match[1] or match[2] or ""


def read_project_requirements(text: str, extras: Iterable[str] | None) -> list[str]:
    """Return what a pyproject.toml needs to be built and, unless `extras` is None, when it is used.

    Raises:
        CannotRead: it is no TOML. LeftToCode: the project's code says what that depends on.
    """
    if re.search(_PLAIN_PROJECT, text) and not (
        re.search(_MAY_NAME_PLACE, text) or may_hide_urls(text)
    ):
        return []  # nobody wants to know, and TOML takes long to read
    document = read_toml(text)
    found = strings_of(value_at(document, "build-system", "requires"))
    if extras is None:
        return found
    project = table_at(document, "project")
    optional = table_at(project, "optional-dependencies").items()
    by_name = {normal_name(name): value for name, value in optional}
    later = {"dependencies", *(["optional-dependencies"] if extras else [])}
    if not project or later & {*strings_of(project.get("dynamic"))}:
        raise LeftToCode("leaves it to code to say what the project depends on")
    found += strings_of(project.get("dependencies"))
    return found + [
        text for extra in extras for text in strings_of(by_name.get(normal_name(extra)))
    ]


def read_script_requirements(block: str) -> list[str]:
    """Return the dependencies that the metadata block of a script names. Raises CannotRead."""
    return strings_of(read_toml(block).get("dependencies"))


def read_group_requirements(text: str, group: str) -> list[str]:
    """Return what a group of a pyproject.toml and those it includes require. Raises CannotRead."""
    groups = table_at(read_toml(text), "dependency-groups")
    by_name = {normal_name(name): entries for name, entries in groups.items()}
    found: list[str] = []
    seen: set[str] = set()
    waiting = [normal_name(group)]
    while waiting:
        name = waiting.pop()
        entries = by_name.get(name)
        if name in seen or not isinstance(entries, list):
            continue
        seen.add(name)
        found += strings_of(entries)
        included = [entry.get("include-group") for entry in entries if isinstance(entry, dict)]
        waiting += map(normal_name, strings_of(included))
    return found
