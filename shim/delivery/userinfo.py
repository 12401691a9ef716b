"""Editing the userinfo in a command's own argv and environment, to the character."""

from __future__ import annotations

from shim.core.model import Endpoint, Endpoints, Location
from shim.core.typing import Iterable, Mapping
from shim.core.urls import with_userinfo


def cut_userinfo(
    argv: tuple[str, ...],
    environ: Mapping[str, str],
    endpoints: Iterable[Endpoint],
    unused_userinfo: Iterable[Location] = (),
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return argv, and the changed variables, without the userinfo of the endpoints and at the
    unused places. What stands in files stays as it is.
    """
    places = [endpoint.location for endpoint in endpoints if endpoint.location]
    return put_userinfo(argv, environ, dict.fromkeys([*places, *unused_userinfo], ""))


def cut_unused_userinfo(
    argv: tuple[str, ...], unused_userinfo: Iterable[Location]
) -> tuple[str, ...]:
    """Return argv without the userinfo at these places; the environment stays as it is."""
    places = [place for place in unused_userinfo if place.kind == "argv"]
    return put_userinfo(argv, {}, dict.fromkeys(places, ""))[0]


def put_userinfo(
    argv: tuple[str, ...], environ: Mapping[str, str], texts: Mapping[Location, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return argv and the changed variables with each userinfo replaced (`...@`, or nothing)."""
    words = list(argv)
    variables: dict[str, str] = {}
    # From the end, so that positions stay true.
    for place in sorted(texts, key=lambda place: place.start, reverse=True):
        key = place.key
        old = words[key] if isinstance(key, int) else variables.get(key, environ[key])
        new = old[: place.start] + texts[place] + old[place.end :]
        if isinstance(key, int):
            words[key] = new
        elif new != old or key in variables:
            variables[key] = new
    return tuple(words), variables


def configured_extras(endpoints: Endpoints) -> dict[Endpoint, str]:
    """Return the extra indexes that pip.conf names, each with its URL and user name.

    PIP_EXTRA_INDEX_URL replaces them all, so whoever sets it has to say them again.
    """
    extras = {}
    for one in endpoints.items:
        if one.role == "extra" and one.origin.kind == "config":
            extras[one] = with_userinfo(one.url, one.username) if one.username else one.url.text
    return extras


def find_configured_password(endpoints: Endpoints) -> Endpoint | None:
    """Return an extra index to which pip.conf gives a password, or None."""
    extras = configured_extras(endpoints)
    return next((endpoint for endpoint in extras if endpoint.inline_password is not None), None)


def drop_option(argv: tuple[str, ...], place: Location) -> tuple[str, ...]:
    """Return argv without the option at `place`: `-i URL`, `-iURL`, `-qiURL`, `--option[=]URL`."""
    words = list(argv)
    position = int(place.key)  # a place in argv
    word = words[position]
    if word.startswith("-"):
        option = word[: word.rfind("http", 0, place.start)]
    else:
        del words[position]
        position -= 1
        option = words[position]
    if option.startswith("--") or len(option) <= 2:
        del words[position]
    else:
        words[position] = option[:-1]  # the other letters of a cluster
    return tuple(words)
