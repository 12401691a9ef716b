"""Servers that are not like those of the textbook: through us pip gets what it gets alone with the password typed, or is refused by name.

A stranger offers a higher version everywhere; wherever it arrives, something was sent too late, in the wrong bytes, or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from subprocess import CompletedProcess

import pytest

from shim.cli.demo.packages import build_wheel
from shim.preflight.file_locations import LOOK_S
from tests.support import toolchains
from tests.support.manners import Index, ObjectStore, Reply, Shelf
from tests.support.realms import basic
from tests.support.world import CANARY, USER, World

OTHER_USER, OTHER_SECRET = "bob", CANARY.replace("canary", "second")
Open = Callable[[Index], Index]


@pytest.fixture(scope="session")
def shelves(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shelf]:
    """A company's package, an older version of it that strangers are shown, and a stranger's."""
    made = {}
    for name, version in (("private", "1.0"), ("old", "0.5"), ("bait", "99.0")):
        folder = str(tmp_path_factory.mktemp(name))
        made[name] = Shelf(folder, {"corp-lib": [build_wheel(folder, "corp-lib", {"corp_lib.py": f"FROM = {name!r}\n"}, version)]})
    return made


@pytest.fixture
def open_index() -> Iterator[Open]:
    with ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture
def bait(shelves: dict[str, Shelf], open_index: Open) -> Index:
    """A stranger's open index."""
    return open_index(Index(shelves["bait"], "open"))


@pytest.fixture
def serve(shelves: dict[str, Shelf], open_index: Open, bait: Index) -> Callable[..., Index]:
    """Return what opens a private index whose strangers are treated in a certain way."""

    def serve(stranger: str, **options: object) -> Index:
        options.setdefault("logins", {"": basic(USER, CANARY)})
        return open_index(Index(shelves["private"], stranger, public=bait.root, view=shelves["old"], **options))  # type: ignore[arg-type]

    return serve


def install(world: World, *words: str, version: str = "newest", bare: bool = False, **environ: str) -> CompletedProcess[str]:
    world.use(toolchains.pip(version))
    return world.run("pip", "install", "--target", world.folder / "out", *words, "corp-lib", bare=bare, **environ)


def installed(world: World) -> str | None:
    """From whom the package came."""
    path = world.folder / "out" / "corp_lib.py"
    return path.read_text().split("'")[1] if path.exists() else None


def table(world: World, name: str, url: str, user: str = USER, secret: str = CANARY, more: str = "") -> str:
    """Return an `[[index]]` whose password lies in a file."""
    path = world.folder / "config" / f"password-of-{name}"
    path.parent.mkdir(exist_ok=True)
    path.write_text(secret)
    path.chmod(0o600)
    return f'[[index]]\nname = "{name}"\nurl = "{url}"\nusername = "{user}"\nfile = {{ password = "{path}" }}\n{more}\n'


@pytest.mark.parametrize("way", ["typed", "configured"])
@pytest.mark.parametrize(
    ("stranger", "version"),
    [("403", "newest"), ("404", "25.3"), ("forwards", "23.2.1"), ("view", "newest"), ("login", "25.3"), ("401-bare", "newest")],
)
def test_beside_a_strangers_server_the_private_package_arrives(
    stranger: str, version: str, way: str, world: World, serve: Callable[..., Index], bait: Index
) -> None:
    index = serve(stranger)
    world.configure(table(world, "corp", index.url()) if way == "configured" else "")
    url = index.url(userinfo=f"{USER}:{CANARY}@" if way == "typed" else "")
    result = install(world, "-i", url, "--extra-index-url", bait.url(), "corp-lib<9", version=version)

    assert (result.returncode, installed(world)) == (0, "private"), result.stderr
    assert bait.senders() == set()


@pytest.mark.parametrize("way", ["typed", "configured"])
@pytest.mark.parametrize(
    ("stranger", "version"), [("403", "newest"), ("404", "23.2.1"), ("forwards", "25.3"), ("view", "newest"), ("401", "25.3")]
)
def test_two_credentials_on_one_host_are_both_sent_in_time(
    stranger: str, version: str, way: str, world: World, serve: Callable[..., Index], bait: Index
) -> None:
    index = serve(stranger, logins={"/a": basic(USER, CANARY), "/b": basic(OTHER_USER, OTHER_SECRET)})
    places = (("/a", USER, CANARY), ("/b", OTHER_USER, OTHER_SECRET))
    if way == "configured":
        world.configure("".join(table(world, place[1:], index.url(place), user, secret) for place, user, secret in places))
    one, two = (index.url(place, f"{user}:{secret}@" if way == "typed" else "") for place, user, secret in places)
    result = install(world, "-i", one, "--extra-index-url", two, version=version)

    assert (result.returncode, installed(world)) == (0, "private"), result.stderr
    assert bait.senders() == set()


def test_in_strict_mode_no_channel_is_left_and_that_is_said(world: World, serve: Callable[..., Index], bait: Index) -> None:
    index = serve("403")
    world.configure(table(world, "corp", index.url()))
    result = install(world, "-i", index.url(), "--extra-index-url", bait.url(), SHIM_CHANNEL="strict")

    assert (result.returncode, installed(world)) == (77, None)
    assert "error[cannot-deliver]" in result.stderr
    assert "answers a stranger with 403, and the credential would not be sent" in result.stderr


@pytest.mark.parametrize("way", ["typed", "configured"])
@pytest.mark.parametrize("version", ["20.3.4", "25.3", "newest"])
def test_a_store_of_signed_files_on_another_port_sees_no_secret(
    version: str, way: str, world: World, serve: Callable[..., Index], shelves: dict[str, Shelf], open_index: Open
) -> None:
    store = open_index(ObjectStore(shelves["private"]))
    index = serve("401", signed_at=store.root)
    world.configure(table(world, "corp", index.url()) if way == "configured" else "")
    for _ in range(2):  # at first contact, and by what is remembered of it
        result = install(world, "-i", index.url(userinfo=f"{USER}:{CANARY}@" if way == "typed" else ""), "--upgrade", version=version)
        assert (result.returncode, installed(world)) == (0, "private"), result.stderr

    assert store.seen
    assert store.senders() == set()


class SlowAtFirst(Index):
    """Takes longer to show the page of a package for the first time than we look for its files."""

    def show(self, path: str, shelf: Shelf) -> Reply:
        """Wait, and return a page or file."""
        if path.endswith("/corp-lib/") and [seen for seen, login in self.seen if login and seen == path] == [path]:
            time.sleep(LOOK_S + 1)
        return super().show(path, shelf)


@pytest.mark.parametrize("version", ["20.3.4", "newest"])
def test_files_that_we_had_no_time_to_find_may_lie_anywhere(
    version: str, world: World, shelves: dict[str, Shelf], open_index: Open
) -> None:
    """pip waits longer than we do."""
    store = open_index(ObjectStore(shelves["private"]))
    index = open_index(SlowAtFirst(shelves["private"], "401", signed_at=store.root, logins={"": basic(USER, CANARY)}))
    world.configure(table(world, "corp", index.url()))
    result = install(world, "-i", index.url(), version=version)

    assert (result.returncode, installed(world)) == (0, "private"), result.stderr
    assert store.senders() == set()


@pytest.mark.parametrize("version", ["20.3.4", "23.2.1", "newest"])
def test_files_on_a_second_private_host_get_the_credential_that_is_configured_for_it(
    version: str, world: World, serve: Callable[..., Index]
) -> None:
    second = serve("401", address="127.0.0.2", logins={"": basic(OTHER_USER, OTHER_SECRET)})
    index = serve("401", files_at=second.root)
    world.configure(table(world, "corp", index.url()) + table(world, "files", second.url(), OTHER_USER, OTHER_SECRET))
    result = install(world, "-i", index.url(), version=version)

    assert (result.returncode, installed(world)) == (0, "private"), result.stderr
    assert second.senders() == {basic(OTHER_USER, OTHER_SECRET)}
    assert index.senders() == {basic(USER, CANARY)}


def test_a_host_that_no_page_names_gets_no_credential_and_its_source_is_not_asked(world: World, serve: Callable[..., Index]) -> None:
    index = serve("401")
    program = world.folder / "config" / "asked"
    world.configure(
        table(world, "corp", index.url())
        + f'[[index]]\nname = "other"\nurl = "https://pypi.other.example/simple/"\ncommand = {{ argv = ["/usr/bin/touch", "{program}"] }}\n'
    )
    result = install(world, "-i", index.url())

    assert (result.returncode, installed(world)) == (0, "private"), result.stderr
    assert not program.exists()


@pytest.mark.parametrize(("encoding", "status"), [("latin-1", 0), ("utf-8", 77)])
def test_a_password_beyond_ascii_is_proven_in_the_bytes_that_pip_sends(
    encoding: str, status: int, world: World, serve: Callable[..., Index], bait: Index
) -> None:
    secret = f"pä{CANARY}"
    header = basic(USER, secret) if encoding == "utf-8" else basic_in_latin_1(USER, secret)
    index = serve("401", logins={"": header})
    world.configure(table(world, "corp", index.url(), secret=secret, more='on-failure = "stop"') + vouched(bait))
    result = install(world, "-i", index.url(), "--extra-index-url", bait.url(), "corp-lib<9")

    assert result.returncode == status, result.stderr
    assert installed(world) == (None if status else "private")
    assert ("choose one without" in result.stderr) == bool(status)


def basic_in_latin_1(username: str, secret: str) -> str:
    from base64 import b64encode

    return "Basic " + b64encode(f"{username}:{secret}".encode("latin-1")).decode()


def vouched(index: Index) -> str:
    """Return an `[[index]]` for an open server that the user trusts, so that a netrc will do beside it."""
    return f'[[index]]\nname = "vouched"\nurl = "{index.url()}"\non-failure = "pass"\n'


def test_a_user_name_alone_makes_no_index_private(world: World, serve: Callable[..., Index], bait: Index) -> None:
    index = serve("401")
    words = ("-i", index.url(userinfo=f"{USER}@"), "--extra-index-url", bait.url())
    alone, ours = install(world, *words, bare=True), install(world, *words, "--upgrade")

    assert (alone.returncode, ours.returncode) == (0, 0), ours.stderr
    assert "shim:" not in ours.stderr


def test_two_private_indexes_that_fail_do_not_excuse_each_other(world: World, serve: Callable[..., Index]) -> None:
    broken, refusing = serve("500", logins={"": "nobody"}), serve("view", logins={"": basic(OTHER_USER, OTHER_SECRET)})
    world.configure(table(world, "broken", broken.url()) + table(world, "refusing", refusing.url()))
    result = install(world, "-i", broken.url(), "--extra-index-url", refusing.url())

    assert (result.returncode, installed(world)) == (77, None), result.stderr


def test_one_users_password_is_never_given_as_anothers(world: World, serve: Callable[..., Index], bait: Index) -> None:
    index = serve("401")
    world.configure(table(world, "corp", index.url()))
    result = install(world, "-i", index.url(userinfo="bob@"), "--extra-index-url", bait.url())
    request = f"protocol=http\nhost={index.netloc}\npath=simple/\nusername=bob\n\n"
    git = world.shim("helper", "git", "get", input=request)

    assert result.returncode == 77
    assert f"hint: leave 'bob' out of the URL: [[index]] corp is for '{USER}'\n" in result.stderr
    assert git.stdout == ""
    assert world.shim("helper", "git", "get", input=request.replace("bob", USER)).stdout.endswith(f"password={CANARY}\n")


@pytest.mark.parametrize("version", ["20.3.4", "23.2.1", "newest"])
def test_an_ipv6_address_gets_its_credential(version: str, world: World, serve: Callable[..., Index]) -> None:
    index = serve("401", address="::1")
    world.configure(table(world, "corp", index.url()))
    result = install(world, "-i", index.url(), version=version)

    assert (result.returncode, installed(world)) == (0, "private"), result.stderr
