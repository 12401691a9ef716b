"""Where an index's files lie, asked of real servers on loopback; remembered, and without an HTTP library once it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shim.core.host import Host
from shim.core.model import Credential, Route, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.net.http_client import Asked
from shim.preflight.file_locations import WRONG, look
from tests.support.manners import Index, Reply, Shelf
from tests.support.realms import basic

HOST = Host({}, "/")
Serve = Callable[..., Index]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    (tmp_path / "a-1.tar.gz").write_bytes(b"x")
    shelf = Shelf(str(tmp_path), {"a": ["a-1.tar.gz"]})
    with ExitStack() as stack:
        own = {"logins": {"": basic("alice", "good")}}
        yield lambda kind=Index, **options: stack.enter_context(kind(shelf, "401", **(own | options)))


def look_at(index: Index, *packages: str, place: str = "", secret: str = "good") -> list[str] | str | None:
    """Return the origins that files come from beside the index's own; None if nobody knows, `wrong` for a secret that is."""
    root = parse_url(index.url(place))
    who = Credential("alice", Secret(secret), scope_of_index(root), "test")
    pages = [Asked(parse_url(f"{root}{name}/"), who, Route()) for name in packages]
    places = look(Asked(root, who, Route()), pages, HOST, 5.0)
    return [place.origin for place in places] if isinstance(places, tuple) else places


def test_files_beside_their_pages_lie_nowhere_else_and_none_is_fetched(serve: Serve) -> None:
    index = serve()

    assert look_at(index, "a") == []
    assert [path for path, _ in index.seen] == ["/simple/a/", "/files/a-1.tar.gz"]


@pytest.mark.parametrize("where", ["files_at", "signed_at"])
def test_links_and_redirects_to_another_port_are_seen_and_not_followed(where: str, serve: Serve) -> None:
    store = serve()
    index = serve(**{where: store.root})

    assert look_at(index, "a") == [store.root]
    assert store.seen == []


def test_where_the_package_is_not_there_another_ones_page_is_asked(serve: Serve) -> None:
    store = serve()

    assert look_at(serve(signed_at=store.root), "not-there") == [store.root]


def test_a_login_that_fails_is_tried_once(serve: Serve) -> None:
    index = serve()

    assert look_at(index, "a", "not-there", secret="bad") == WRONG
    assert len(index.seen) == 1


@pytest.mark.parametrize("is_open", [False, True])
def test_files_outside_of_an_index_that_lists_nothing_are_seen_by_the_next_wanted_package(
    is_open: bool, serve: Serve
) -> None:
    """As GitLab keeps those of a group. What strangers get as well needs no credential."""
    own = basic("alice", "good")
    index = serve(
        files_at="/apart",
        rootless=True,
        logins={"/team": own} | ({} if is_open else {"/apart": own}),
    )

    assert look_at(index, "not-there", "nor-there", "a", place="/team") == (
        [] if is_open else [index.root]
    )
    assert [path for path, _ in index.seen][:4] == [
        f"/team/simple/{name}" for name in ("not-there/", "", "nor-there/", "a/")
    ]
    assert ("/apart/team/files/a-1.tar.gz", None) in index.seen


class JsonIndex(Index):
    """Answers in JSON, as PEP 691 has it, with whatever kind of page it was asked for."""

    def show(self, path: str, shelf: Shelf) -> Reply:
        """Return a page of JSON."""
        url = (
            '{"files": [{"filename": "a", "hashes": {}, "url": "https://files.corp.example/a-1.tar.gz#x"}], "meta": {"api-version": "1.0"}}'
        )
        if path.endswith("/simple/"):
            return Reply(200, b'{"projects": [{"name": "a"}], "meta": {"api-version": "1.0"}}')
        return Reply(200, url.encode()) if path.endswith("/a/") else Reply(404)


@pytest.mark.parametrize("package", ["a", "not-there"])
def test_pages_in_json_are_read_too(package: str, serve: Serve) -> None:
    assert look_at(serve(JsonIndex), package) == ["https://files.corp.example"]


def test_what_is_remembered_costs_no_http_library() -> None:
    program = "import sys, shim.preflight.preflight, shim.pipeline.unanswered, shim.preflight.outcome; print([name for name in ('ssl', 'http.client') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert done.stdout == "[]\n"
