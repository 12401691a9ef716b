"""Editing the userinfo in a command's own argv and environment, to the character, and nothing
else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shim.core.model import Endpoint, Endpoints, Location
from shim.core.urls import with_userinfo


def cut_userinfo(
    argv: tuple[str, ...],
    environ: Mapping[str, str],
    endpoints: Iterable[Endpoint],
    unused_userinfo: Iterable[Location] = (),
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return argv, and the changed variables, without the userinfo of the given needs, and at the
    spare places.

    What stands in files stays as it is.
    """
    places = [endpoint.location for endpoint in endpoints if endpoint.location]
    return put_userinfo(argv, environ, dict.fromkeys([*places, *unused_userinfo], ""))


def cut_unused_userinfo(
    argv: tuple[str, ...], unused_userinfo: Iterable[Location]
) -> tuple[str, ...]:
    """Return argv without the userinfo at the given places, for a command whose environment is left
    as it is.
    """
    return put_userinfo(
        argv, {}, dict.fromkeys((place for place in unused_userinfo if place.kind == "argv"), "")
    )[0]


def put_userinfo(
    argv: tuple[str, ...], environ: Mapping[str, str], texts: Mapping[Location, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return argv, and the changed variables, with each place's userinfo replaced by the given text
    (which ends in `@`, or is empty).
    """
    words = list(argv)
    variables: dict[str, str] = {}
    for place in sorted(
        texts, key=lambda place: place.start, reverse=True
    ):  # from the end, so that positions stay true
        old = (
            words[place.key]
            if isinstance(place.key, int)
            else variables.get(place.key, environ[place.key])
        )
        new = old[: place.start] + texts[place] + old[place.end :]
        if isinstance(place.key, int):
            words[place.key] = new
        elif new != old or place.key in variables:
            variables[place.key] = new
    return tuple(words), variables


def configured_extras(endpoints: Endpoints) -> dict[Endpoint, str]:
    """Return the extra indexes that pip.conf names, each with its URL and user name.

    PIP_EXTRA_INDEX_URL replaces them all, so whoever sets it has to say them again.
    """
    extras = [
        endpoint
        for endpoint in endpoints.items
        if endpoint.role == "extra" and endpoint.origin.kind == "config"
    ]
    return {
        endpoint: (
            with_userinfo(endpoint.url, endpoint.username)
            if endpoint.username
            else endpoint.url.text
        )
        for endpoint in extras
    }


def drop_option(argv: tuple[str, ...], place: Location) -> tuple[str, ...]:
    """Return argv without the option whose URL is at `place`: `-i URL`, `-iURL`, `-qiURL` (`-q`
    stays), `--index-url[=]URL`.
    """
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
