"""In which order uv asks the indexes that a command names, and which of them it never asks.

Of several defaults the first counts, of several indexes of one name the first, an explicit one only
where argv names it: what the sources of a project name is asked in any case (`uv_inputs`). What
counts is asked in turn until one has the package.

Sources: uv 0.13.8 crates/uv-distribution-types/src/index_url.rs, uv-settings/src/settings.rs,
uv-cli/src/settings.rs (`PipSettings`).
"""

from __future__ import annotations

from shim.core.dataclass import dataclass, field
from shim.core.model import Origin
from shim.core.typing import Any, Iterable, Iterator
from shim.core.urls import BadUrl, find_userinfo
from shim.formats import uv_toml
from shim.tools.uv.command import Part
from shim.tools.uv.endpoints import Role, StatedUrl

DEFAULT_INDEX = "https://pypi.org/simple"

ROLES: dict[str, Role] = {
    "index": "extra",
    "default-index": "index",
    "index-url": "index",
    "extra-index-url": "extra",
    "find-links": "links",
}


@dataclass(slots=True)
class Layer:
    """What one place says, by kind: argv and variables, a script, a table of a file, a receipt."""

    index: list[StatedUrl] = field(default_factory=list)
    extra_index_url: list[StatedUrl] = field(default_factory=list)
    index_url: list[StatedUrl] = field(default_factory=list)
    find_links: list[StatedUrl] = field(default_factory=list)


def layer_of(table: dict[str, Any], origin: Origin) -> Layer:
    """Return what a uv.toml, `[tool.uv]`, `[pip]` or receipt table says."""

    def said(key: str) -> list[StatedUrl]:
        return [StatedUrl(text, origin, ROLES[key]) for text in uv_toml.texts(table.get(key))]

    rows = [row for row in uv_toml.tables(table.get("index")) if isinstance(row.get("url"), str)]
    indexes = [index_of(row, origin) for row in rows]
    return Layer(indexes, said("extra-index-url"), said("index-url"), said("find-links"))


def index_of(row: dict[str, Any], origin: Origin) -> StatedUrl:
    """Return one `[[index]]` table. Its url is a text, as the caller made sure."""
    name = row.get("name")
    return StatedUrl(
        row["url"],
        origin,
        "index" if row.get("default") is True else "extra",
        name if isinstance(name, str) else None,
        explicit=row.get("explicit") is True,
        flat=row.get("format") == "flat",
        never=row.get("authenticate") == "never",
        always=row.get("authenticate") == "always",
    )


def named_url(part: Part, origin: Origin, role: Role) -> StatedUrl:
    """Return `URL` or `name=URL` as what is said: a name has no colon, as a URL does."""
    name, equals, rest = part.text.partition("=")
    if role in ("index", "extra") and equals and ":" not in name and "/" not in name:
        return StatedUrl(rest, origin, role, name, part.key, part.start + len(name) + 1)
    return StatedUrl(part.text, origin, role, None, part.key, part.start)


def in_order(*groups: Iterable[Layer]) -> Iterator[StatedUrl]:
    """Yield what the layers say in uv's order: `uv pip` takes argv and configuration as a group
    each, all others as one.
    """
    for group in groups:
        layers = list(group)
        for kind in ("index", "extra_index_url", "index_url", "find_links"):
            for layer in layers:
                yield from getattr(layer, kind)


def settle(said: Iterable[StatedUrl], *, no_index: bool) -> list[StatedUrl]:
    """Return those that uv asks, and pypi.org where nothing else is the default.

    A shadowed index of argv or environment with a password stays: uv tries that password on other
    indexes of its server, and would not have it if it was cut out.
    """
    kept: list[StatedUrl] = []
    names: set[str] = set()
    wanted: set[str] = set()
    has_default = no_index
    for one in said:
        if one.role not in ("index", "extra"):
            kept.append(one)
            continue
        if "://" not in one.text:
            wanted.add(one.text)  # the name of a configured index, or a path
        is_new_name = one.name is None or one.name not in names
        is_first = is_new_name and not (one.role == "index" and has_default)
        names |= {one.name} if one.name else set()
        has_default |= one.role == "index" and is_first
        is_asked = is_first and (not one.explicit or one.name in wanted) and not one.never
        if not no_index and (is_asked or (one.key is not None and _has_password(one.text))):
            role: Role = one.role if is_asked else "extra"
            kept.append(one._replace(role="links" if one.flat else role))
    if not has_default:
        origin = Origin("config", "uv's default", is_default=True)
        kept.append(StatedUrl(DEFAULT_INDEX, origin, "index"))
    return kept


def _has_password(text: str) -> bool:
    try:
        userinfo = find_userinfo(text)
    except BadUrl:
        return False
    return userinfo is not None and bool(userinfo.password)
