"""Files of settings that come from elsewhere: each lies in `config.d` as it came, below three lines
that say where from, with which hash (the pin), and by which authority its server is trusted.

What such a file may say without further ado is listed here. Anything else could run a program,
weaken TLS, or send what lies about on this machine (a variable, a file, a job's identity) to a
server of its author's choice: that is taken only if it is allowed by name.
"""

from __future__ import annotations

import os

from shim.config.settings import folder_beside
from shim.core.dataclass import dataclass
from shim.core.digests import sha256
from shim.core.files import CannotRead, read_regular
from shim.core.toml import read_toml
from shim.core.typing import Any, Iterator, Mapping

#: A team's settings are a page, no book.
MAX_BYTES = 1 << 16
HEAD = "# taken over by shim setup --from "
PIN = "# sha256 of what follows: "
AUTHORITY = "# authority of that server: "

#: Key -> the values that need no leave; None: all.
FREE_KEYS: Mapping[str, tuple[object, ...] | None] = {
    "channel": ("auto", "strict"),
    "keyring-timeout": None,
    "keyring-wait": None,
    "redact": ("auto", "always"),
    "audit": ("on", "syslog"),
    "login": None,
    "store": ("keyring", "memory"),
    "index-strategy": None,
    "index": None,
}
#: The same for `[[index]]`. `source` needs leave for each word of it that is not here.
FREE_INDEX_KEYS: Mapping[str, tuple[object, ...] | None] = {
    "name": None,
    "url": None,
    "scope": None,
    "publish-url": None,
    "username": None,
    "use-as": None,
    "packages": None,
    "max-age": None,
    "verify-url": None,
    "oidc": None,
    "source": ("agent", "netrc", "known", "keyring", "stored", "oidc"),
    "ca-bundle": ("system",),
    "insecure": (False,),
    "on-failure": ("stop",),
    "agent": (False,),
    "agent-permanent": (False,),
}


@dataclass(frozen=True, slots=True)
class TeamFile:
    """One that was taken over: path, origin (URL or path), pin, its server's authority, text."""

    path: str
    origin: str
    pin: str
    authority: str
    text: str

    @property
    def name(self) -> str:
        """What it is called in commands: `corp.toml`."""
        return os.path.basename(self.path)

    @property
    def is_edited(self) -> bool:
        """Whether somebody has changed it here."""
        return digest(self.text) != self.pin

    @property
    def index_names(self) -> list[str]:
        """The names of its indexes; none where it is broken."""
        try:
            tables = read_toml(self.text).get("index")
        except CannotRead:
            return []
        if isinstance(tables, list):
            return [str(table.get("name")) for table in tables if isinstance(table, dict)]
        return []

    def render(self) -> str:
        """Return what lies on the disk."""
        authority = f"{AUTHORITY}{self.authority}".rstrip()
        return f"{HEAD}{self.origin}\n{PIN}{self.pin}\n{authority}\n{self.text}"


def digest(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, as `sha256sum` prints it."""
    return sha256(text.encode())


def read_team_file(path: str) -> TeamFile | None:
    """Return the file if it was taken over, else None: the user's own, not there, or unreadable."""
    try:
        text = (read_regular(path) or b"").decode()
    except (CannotRead, UnicodeDecodeError):
        return None
    *head, rest = text.split("\n", 3)
    pairs = list(zip(head, (HEAD, PIN, AUTHORITY), strict=False))
    if len(pairs) != 3 or not all(line.startswith(mark.rstrip()) for line, mark in pairs):
        return None
    origin, pin, authority = (line[len(mark) :] for line, mark in pairs)
    return TeamFile(path, origin, pin, authority, rest)


def list_team_files(config_file: str) -> list[TeamFile]:
    """Return what was taken over into the `config.d` beside a config.toml, by name."""
    folder = folder_beside(config_file)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    paths = [os.path.join(folder, name) for name in names if name.endswith(".toml")]
    return [one for path in paths if (one := read_team_file(path))]


def find_bold(document: Mapping[str, Any], authority: str) -> list[tuple[str, str]]:
    """Return what needs leave, as (word, where); the user's own `authority` needs none."""
    bold = [key for key, value in document.items() if not _is_free(value, FREE_KEYS.get(key, ()))]
    found = [(key, "at the top") for key in bold]
    tables = document.get("index")
    for number, table in enumerate(tables if isinstance(tables, list) else [], 1):
        if isinstance(table, dict):
            where = f"in [[index]] {table.get('name') or number}"
            words = dict.fromkeys(_bold_words(table))
            own = ("ca-bundle", authority)
            found += [(word, where) for word in words if (word, table.get(word)) != own]
    return found


def _bold_words(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        free = FREE_INDEX_KEYS.get(key, ())
        if key == "source" and isinstance(value, list):
            # a source's name and its table's are the same word
            yield from (str(one) for one in value if one not in (free or ()))
        elif not _is_free(value, free):
            yield key


def _is_free(value: object, free: tuple[object, ...] | None) -> bool:
    values = value if isinstance(value, list) else [value]
    return free is None or all(one in free for one in values)
