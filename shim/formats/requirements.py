"""Reads requirements files as pip does: continued lines, comments, `${VARIABLE}`, options, direct URLs.

Also the other files that may name URLs to fetch: pylock.toml, PEP 723 scripts, dependency groups.

Sources: pip 26.3 `_internal/req/req_file.py`, `req/constructors.py`, `req/pep723.py`; PEP 508, 723, 735, 751.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shim.formats.toml import may_hide_urls, parse_toml, strings_at

_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_BLANKS = re.compile(r"[ \t\r\n]+")
_QUOTING = re.compile(r"[\\'\"]")
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
_DIRECT = re.compile(r"(?:[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\]\s*)?@\s*|)(?P<url>https?://\S+)", re.IGNORECASE)
_PYLOCK_NAME = re.compile(r"pylock\.([^.]+\.)?toml$")
_LOCKED_URL = re.compile(r"""(?<![\w-])url\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')""")
_LINK = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_BASE = re.compile(r"<base\b", re.IGNORECASE)
_IGNORED = dict.fromkeys(map(ord, "\t\r\n"))
_BLANK = "".join(map(chr, range(33)))
_DISTRIBUTION = re.compile(r"[^?#]*\.(whl|zip|tar|tgz|tbz|txz|tlz|tar\.(gz|bz2|xz|lz|lzma))([?#]|$)", re.IGNORECASE)
_DIRECT_IN_TOML = re.compile(r"@\s*https?://", re.IGNORECASE)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_MARKER_WORD = re.compile(r"[a-z_]+")
_SCRIPT_BLOCK = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")

#: In this order: the first UTF-16 mark begins the first UTF-32 one.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line that matters: either the words of an option line, or a `requirement` that names a URL or a path.

    `number` counts from 1 and is that of the line's beginning.
    """

    number: int
    options: tuple[str, ...] = ()
    requirement: str = ""


def decode_requirements(data: bytes) -> str:
    """Return the text of a requirements file: by its byte order mark, a `coding:` comment, or UTF-8.

    Bytes that do not fit become lone surrogates: pip would go on with the locale's encoding or stop.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    for line in data.split(b"\n", 2)[:2]:
        named = _CODING.search(line) if line.startswith(b"#") else None
        if named:
            try:
                return data.decode(named[1].decode("ascii"), "replace")
            except (LookupError, UnicodeDecodeError):
                break
    return data.decode("utf-8", "surrogateescape")


def read_lines(text: str, environ: Mapping[str, str]) -> Iterator[Line]:
    """Yield the option lines of a requirements file and the requirements that name a URL or a path; all others are left out.

    Options beside a requirement belong to it alone and are left out too. A line that cannot be split is left out: pip
    stops there.
    """
    for number, raw in _join(text.splitlines()):
        line = (_COMMENT.sub("", raw) if "#" in raw else raw).strip()
        if "${" in line:
            line = _VARIABLE.sub(lambda match: environ.get(match[1]) or match[0], line)
        if line.startswith("-"):
            words = _split(line)
            if words:
                yield Line(number, options=words)
        elif ("/" in line or line.startswith(".")) and _names_place(requirement := line.split(" -", 1)[0]):
            yield Line(number, requirement=requirement)


def _names_place(requirement: str) -> bool:
    return "/" in requirement or requirement.startswith(".")


def _join(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield logical lines with the number of their first line. A comment line ends a continued one."""
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


def _split(line: str) -> tuple[str, ...]:
    """Return the words of an option line as shlex splits it; nothing if a quote is left open."""
    if not _QUOTING.search(line):
        return tuple(_BLANKS.split(line))
    from shlex import split

    try:
        return tuple(split(line))
    except ValueError:
        return ()


def find_direct_url(requirement: str) -> tuple[int, int] | None:
    """Return where the http(s) URL of `name @ URL` or of a bare URL begins and ends in `requirement`, or None.

    Markers and extras behind the URL are no part of it; behind a name the first semicolon begins a marker, blank or not.
    VCS URLs (`git+https`) and paths are not found.
    """
    match = _DIRECT.match(requirement, len(requirement) - len(requirement.lstrip()))
    if match is None:
        return None
    has_name = match.start("url") > match.start()
    url = match["url"].partition(";")[0] if has_name else match["url"].removesuffix(";")
    if url.endswith("]") and "[" in url.rpartition("/")[2]:
        url = url[: url.rindex("[")]
    return match.start("url"), match.start("url") + len(url)


def may_apply(rest: str, python: tuple[int, int] | None) -> bool:
    """Return whether a requirement counts, by its marker, which `rest` begins with (`; python_version < '3'`) or lacks.

    `python` is the target's (major, minor). True where it cannot be told: the marker asks for more than its release and this system.
    """
    marker = rest.lstrip(" \t;")
    words = set(_MARKER_WORD.findall(_QUOTED.sub("", marker))) - {"and", "or", "in", "not"}
    if not marker or python is None or not words <= {"python_version", "sys_platform", "platform_system", "os_name", "extra"}:
        return True
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison

    try:
        return Marker(marker).evaluate({"python_version": "{}.{}".format(*python), "extra": ""})
    except (InvalidMarker, UndefinedComparison):
        return True


def split_extras(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the name and the extras of `name[one,two]`."""
    if not name.endswith("]") or "[" not in name:
        return name, ()
    stem, _, extras = name[:-1].rpartition("[")
    return stem.rstrip(), tuple(extra.strip() for extra in extras.split(","))


def is_pylock(name: str) -> bool:
    """Return whether pip >= 26.1 reads a requirements file as a lock: `pylock.toml`, `pylock.dev.toml[extra]`."""
    return _PYLOCK_NAME.match(split_extras(name)[0].rpartition("/")[2]) is not None


def find_locked_urls(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, URL) for the files that a pylock.toml names, by a scan: the file may be large.

    One that writes strings as no tool does is parsed; its URLs then stand in line 1.
    """
    if may_hide_urls(text):
        yield from ((1, url) for url in strings_at(parse_toml(text), ("url",)))
        return
    number, position = 1, 0
    for match in _LOCKED_URL.finditer(text):
        number += text.count("\n", position, match.start())
        position = match.start()
        yield number, match[1] or match[2] or ""


def is_page(path: str) -> bool:
    """Return whether pip reads a file of find-links as a page of links: by its name, and no other kind of file."""
    return path.lower().endswith((".html", ".htm"))


def find_linked_files(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, URL) for the distributions on other servers that an HTML page links to.

    Every `href` counts, in whatever tag: HTML has more ways to write one than a scan can know. Only a page that says where its
    links begin is parsed.
    """
    from html import unescape

    links: Iterable[tuple[int, str]]
    if _BASE.search(text):
        from shim.formats.html_links import find_links

        links = find_links(text)
    else:
        links = ((match.start(), unescape(match[1] or match[2] or match[3] or "")) for match in _LINK.finditer(text))
    number, position = 1, 0
    for start, link in links:
        # As urllib.parse reads it, which pip asks: no tab or line break counts, nor what stands before the scheme.
        url = link.translate(_IGNORED).strip(_BLANK)
        if url[:8].lower().startswith(("http://", "https://")) and _DISTRIBUTION.match(url):
            number += text.count("\n", position, start)
            position = start
            yield number, url


def read_project_requirements(text: str, extras: Iterable[str] | None) -> list[str]:
    """Return what a pyproject.toml needs to be built and, unless `extras` is None, its dependencies and those of the extras.

    Nothing if it names no URL: then nobody wants to know, and TOML takes long to read.
    """
    if not (_DIRECT_IN_TOML.search(text) or may_hide_urls(text)):
        return []
    document = parse_toml(text) or {}
    found = _strings(_table(document, "build-system").get("requires"))
    if extras is not None:
        project = _table(document, "project")
        optional = {_normal_name(name): value for name, value in _table(project, "optional-dependencies").items()}
        found += _strings(project.get("dependencies"))
        found += [text for extra in extras for text in _strings(optional.get(_normal_name(extra)))]
    return found


def _table(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def read_script_requirements(text: str) -> list[str]:
    """Return the dependencies of a PEP 723 script; none where pip would refuse the script."""
    blocks = [match["content"] for match in _SCRIPT_BLOCK.finditer(text)]
    if len(blocks) != 1:
        return []
    content = "".join(line[2:] if line.startswith("# ") else line[1:] for line in blocks[0].splitlines(keepends=True))
    return _strings((parse_toml(content) or {}).get("dependencies"))


def read_group_requirements(text: str, group: str) -> list[str]:
    """Return the requirements of one dependency group of a pyproject.toml, included groups and all."""
    groups = (parse_toml(text) or {}).get("dependency-groups")
    if not isinstance(groups, dict):
        return []
    by_name = {_normal_name(name): entries for name, entries in groups.items()}
    found: list[str] = []
    seen: set[str] = set()
    waiting = [_normal_name(group)]
    while waiting:
        name = waiting.pop()
        entries = by_name.get(name)
        if name in seen or not isinstance(entries, list):
            continue
        seen.add(name)
        found += _strings(entries)
        included = (entry.get("include-group") for entry in entries if isinstance(entry, dict))
        waiting += [_normal_name(other) for other in included if isinstance(other, str)]
    return found


def _normal_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
