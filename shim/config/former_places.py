"""Where the configuration lay on macOS before it had one place on every system. What is left there
is never read; whoever would miss it names it.
"""

from __future__ import annotations

import os

from shim.core.errors import ConfigError
from shim.core.files import exists, is_folder, names_in
from shim.core.platform_features import IS_MACOS
from shim.core.typing import Iterable, Iterator

FORMER = "Library/Application Support/shim"


def find_left(folder: str, home: str | None, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return (where it lies, where it is looked for) for what is left where it was before it was
    looked for in `folder`: below `home`, or in the machine's place.
    """
    if not IS_MACOS:
        return []
    former = os.path.join(home or "/", FORMER)
    pairs = ((os.path.join(former, name), os.path.join(folder, name)) for name in names)
    return [(old, new) for old, new in pairs if exists(old)]


def missed_files(left: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield each file that is left and has not its like in the new place."""
    for old, new in left:
        if not exists(new) and is_folder(old):
            yield from (os.path.join(old, name) for name in sorted(names_in(old)))
        elif not exists(new):
            yield old


def refuse_missed(left: Iterable[tuple[str, str]]) -> None:
    """Raise ConfigError if something is left that has not its like in the new place."""
    for old, new in left:
        if not exists(new):
            from shlex import quote

            folder = quote(os.path.dirname(new))
            who = ", as root" if old.startswith(f"/{FORMER}") else ""
            hint = f"mkdir -p {folder} && mv {quote(old)} {folder}{who}"
            raise ConfigError(f"{old}: is not read any more, its place is {new}", hint=hint)
