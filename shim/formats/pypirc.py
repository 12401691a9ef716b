"""Reads a `.pypirc`: the sections that `[distutils] index-servers` lists, as distutils and twine
do.

`password-command` and `trusted-host` are what tutorials about pip write into it; no tool that we
know reads them.

Sources: the .pypirc specification of the Python Packaging User Guide; twine 6 utils.py
(`get_config`: RawConfigParser, no interpolation, these two sections without a list).
"""

from __future__ import annotations

import shlex

from shim.core.dataclass import dataclass, field

#: The servers if nothing lists any.
DEFAULT_SERVERS = "pypi testpypi"


class BadPypirc(ValueError):
    """The file is no .pypirc. `line` counts from 1, 0 if unknown; the text is never shown."""

    def __init__(self, line: int, reason: str = "is not understood") -> None:
        super().__init__(f"line {line} {reason}" if line else reason)
        self.line = line


@dataclass(frozen=True, slots=True)
class Section:
    """One listed server; `trusted_hosts` are `host` or `host:port`, in lower case."""

    name: str
    repository: str | None
    username: str | None
    password: str | None = field(repr=False)
    password_command: tuple[str, ...] | None
    trusted_hosts: tuple[str, ...]


def parse_pypirc(text: str) -> list[Section]:
    """Return the listed sections that exist, in the list's order.

    Raises:
        BadPypirc: not the INI format, a section or key twice, or a password-command with an open
            quote.
    """
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except (configparser.DuplicateSectionError, configparser.DuplicateOptionError) as error:
        raise BadPypirc(error.lineno or 0, "says something twice") from None
    except configparser.MissingSectionHeaderError as error:
        raise BadPypirc(error.lineno) from None
    except configparser.ParsingError as error:
        raise BadPypirc(error.errors[0][0] if error.errors else 0) from None
    # AttributeError: a value that is continued before it began
    except (configparser.Error, AttributeError) as error:
        raise BadPypirc(0, f"is not understood ({type(error).__name__})") from None
    listed = parser.get("distutils", "index-servers", fallback=DEFAULT_SERVERS).split()
    return [
        _read_section(name, dict(parser.items(name)))
        for name in dict.fromkeys(listed)
        if parser.has_section(name)
    ]


def _read_section(name: str, values: dict[str, str]) -> Section:
    try:
        command = tuple(shlex.split(values.get("password-command") or ""))
    except ValueError:
        raise BadPypirc(0, f"has a password-command in [{name}] that is not understood") from None
    return Section(
        name=name,
        repository=values.get("repository") or None,
        username=values.get("username") or None,
        password=values.get("password") or None,
        password_command=command or None,
        trusted_hosts=tuple(values.get("trusted-host", "").lower().split()),
    )
