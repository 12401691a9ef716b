"""Which channel is taken, and what exactly is handed over."""

import netrc
import os
import tomllib
from pathlib import Path

import pytest

from shim.config.settings import Settings
from shim.core.errors import CannotDeliver
from shim.core.host import Host
from shim.core.model import (
    Credential,
    Delivery,
    Endpoint,
    Endpoints,
    Invocation,
    Location,
    Origin,
    Resolution,
    Secret,
    Target,
)
from shim.core.urls import find_userinfo, parse_url, scope_of_index
from shim.delivery import choose
from shim.delivery.answers import read_answers
from shim.delivery.memory_file import DESCRIPTOR, free_descriptor
from shim.delivery.seed import BELOW
from shim.tools.uv.tool import move_secrets
from tests.support.hints import follows

CORP = "https://pypi.corp.example/simple/"
NEWEST, OLD, ANCIENT = (26, 3), (23, 2, 1), (20, 2, 4)


def endpoint(text: str = CORP, role: str = "index", position: int | None = None, **fields: object) -> Endpoint:
    """An endpoint named in argv at `position`, or in a file of the user's."""
    userinfo = find_userinfo(text)
    start = text.index("://") + 3
    place = (
        Location("argv", position, userinfo.start if userinfo else start, userinfo.end if userinfo else start)
        if position is not None
        else None
    )
    given = Secret(userinfo.password) if userinfo and userinfo.password is not None else None
    origin = Origin("argv", "--index-url") if place else Origin("config", "/etc/pip.conf", line=1)
    values = {"role": role, "username": userinfo.username if userinfo else None, "inline_password": given, "location": place, **fields}
    return Endpoint(parse_url(text), values.pop("origin", origin), **values)


def credential(for_endpoint: Endpoint, password: str = "canary", username: str = "alice", source: str = "keyring", **fields: object) -> Credential:
    return Credential(username, Secret(password), scope_of_index(for_endpoint.url), source, **fields)


@pytest.fixture
def world(tmp_path: Path) -> Host:
    """A host with launchers and the keyring face beside them, as install.sh leaves them."""
    faces = tmp_path / "prefix" / "faces"
    faces.mkdir(parents=True)
    (faces / "keyring").write_text("#!/bin/sh\n")
    (faces / "keyring").chmod(0o755)
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin"}
    return Host(environ, str(tmp_path), launcher=str(tmp_path / "prefix" / "shims" / "pip"))


def deliver(
    host: Host,
    answers: dict[Endpoint, Credential | None],
    *,
    family: str = "pip",
    tool: str = "",
    version: tuple[int, ...] | None = NEWEST,
    python: tuple[int, int] | None = (3, 12),
    argv: tuple[str, ...] = ("install", "corp-lib"),
    verb: tuple[str, ...] = ("install",),
    channel: str = "auto",
    unknown: tuple[str, ...] = (),
    mentioned: tuple[str, ...] = (),
) -> Delivery:
    invocation = Invocation(tool or family, family, Target("/usr/bin/tool", version, python), argv, verb, True, "")  # type: ignore[arg-type]
    endpoints = Endpoints(tuple(answers), unreadable_inputs=unknown, built=("a (it is built)",), mentioned=mentioned)
    pairs = tuple(Resolution(one, found) for one, found in answers.items())
    return choose(invocation, endpoints, pairs, Settings(channel), host).deliver()  # type: ignore[arg-type]


def channel_of(delivery: Delivery) -> str:
    return delivery.channels[0][0]


def test_nothing_to_deliver_changes_nothing(world: Host) -> None:
    assert deliver(world, {endpoint(): None}) == Delivery(("install", "corp-lib"))


def test_what_the_tool_finds_by_itself_is_left_to_it(world: Host) -> None:
    corp = endpoint()

    assert deliver(world, {corp: credential(corp, found_by_tool=True)}) == Delivery(("install", "corp-lib"))


def test_pip_gets_a_netrc_in_memory_and_no_secret_anywhere_else(world: Host) -> None:
    corp = endpoint()
    delivery = deliver(world, {corp: credential(corp)})

    assert delivery.memory is not None
    assert delivery.memory.text.reveal() == "machine pypi.corp.example login alice password canary\n"
    assert delivery.memory.descriptor == DESCRIPTOR
    assert delivery.argv == ("install", "corp-lib")
    assert list(delivery.environ) == ["NETRC"]
    assert str(delivery.environ["NETRC"]).endswith(f"/fd/{DESCRIPTOR}")


def test_a_typed_password_is_cut_out_of_argv_to_the_character(world: Host) -> None:
    typed = endpoint("https://alice:canary@pypi.corp.example/simple/", position=2)
    delivery = deliver(
        world, {typed: credential(typed, source="url")}, argv=("install", "-i", "https://alice:canary@pypi.corp.example/simple/", "x")
    )

    assert delivery.argv == ("install", "-i", CORP, "x")
    assert channel_of(delivery) == "netrc"


def test_a_password_inside_a_file_is_left_to_the_tool(world: Host) -> None:
    in_file = endpoint("https://alice:canary@pypi.corp.example/simple/")

    assert deliver(world, {in_file: credential(in_file, source="url")}).memory is None


def test_the_users_own_netrc_comes_along_and_its_default_stays_last(world: Host, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text(
        'default login d password d1\nmachine other login o password "o 1"\nmachine pypi.corp.example login old password old\n'
    )
    corp = endpoint()
    delivery = deliver(world, {corp: credential(corp)})
    file = tmp_path / "merged"
    file.write_text(delivery.memory.text.reveal())  # type: ignore[union-attr]
    read = netrc.netrc(file)

    assert read.authenticators("other") == ("o", "", "o 1")
    assert read.authenticators("pypi.corp.example") == ("alice", "", "canary")
    assert read.authenticators("elsewhere") == ("d", "", "d1")


def test_a_users_netrc_that_nobody_could_read_is_left_out(world: Host, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine other login o password p q r\n")
    corp = endpoint()

    assert deliver(world, {corp: credential(corp)}).memory.text.reveal().count("machine") == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("password", ['a"b', '"lead', "a\\b", "a b", "#x", "", "é", "%", "a:b@c/d"])
@pytest.mark.parametrize("python", [(3, 10), (3, 11)])
def test_a_netrc_holds_exactly_this_password_or_is_not_taken(world: Host, tmp_path: Path, password: str, python: tuple[int, int]) -> None:
    corp = endpoint(position=1)
    delivery = deliver(world, {corp: credential(corp, password)}, python=python, argv=("install", CORP))
    if channel_of(delivery) == "netrc":
        file = tmp_path / "held"
        file.write_text(delivery.memory.text.reveal(), encoding="utf-8")  # type: ignore[union-attr]
        if python >= (3, 11):  # the grammar of the interpreter that runs this test
            assert netrc.netrc(file).authenticators("pypi.corp.example") == ("alice", "", password)
        else:
            assert file.read_text().endswith(f"password {password}\n")
    else:
        assert python < (3, 11)
        assert not password.isascii() or " " in password or not password


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ("https://pypi.corp.example:8443/simple/", "another port"),
        ("http://pypi.corp.example:8080/simple/", "another scheme"),
        ("https://pypi.corp.example/public/simple/", "another path"),
    ],
)
def test_a_netrc_is_not_taken_when_the_command_names_another_place_on_that_host(world: Host, other: str, why: str) -> None:
    corp = endpoint("https://pypi.corp.example/team/simple/")
    delivery = deliver(world, {corp: credential(corp), endpoint(other, "extra"): None})

    assert channel_of(delivery) == "face", why


def test_plain_http_beside_https_is_refused_by_every_way_of_pips(world: Host) -> None:
    corp = endpoint(position=2)
    with pytest.raises(CannotDeliver) as caught:
        deliver(world, {corp: credential(corp), endpoint("http://pypi.corp.example/simple/", "extra"): None}, argv=("install", "-i", CORP))

    assert [name for name, _ in caught.value.tried] == ["netrc", "face", "env"]
    assert "leave that other URL out" in (caught.value.hint or "")
    with pytest.raises(CannotDeliver):
        deliver(world, {corp: credential(corp), endpoint("http://PYPI.corp.example/simple/", "extra"): None}, argv=("install", "-i", CORP))


def test_two_credentials_on_one_host_go_through_the_face_each_with_its_own_scope(world: Host, tmp_path: Path) -> None:
    one, two = endpoint("https://pypi.corp.example/a/simple/"), endpoint("https://pypi.corp.example/b/simple/", "extra")
    delivery = deliver(world, {one: credential(one, "first"), two: credential(two, "second", "bob")})
    file = tmp_path / "answers"
    file.write_text(delivery.memory.text.reveal())  # type: ignore[union-attr]
    answers = read_answers(str(file))

    assert channel_of(delivery) == "face"
    assert delivery.environ["PIP_KEYRING_PROVIDER"] == "subprocess"
    assert str(delivery.environ["PATH"]).startswith(f"{world.faces}:")
    assert [(str(answer.scope), answer.username, answer.secret.reveal()) for answer in answers] == [
        ("https://pypi.corp.example/a/", "alice", "first"),
        ("https://pypi.corp.example/b/", "bob", "second"),
    ]


def test_pip_before_26_2_gets_the_user_name_where_the_url_stands(world: Host) -> None:
    argv = ("install", "-i", "https://pypi.corp.example/a/simple/", "--extra-index-url=https://pypi.corp.example/b/simple/")
    one = endpoint(argv[2], position=2)
    text = argv[3].partition("=")[2]
    start = argv[3].index("://") + 3
    two = endpoint(text, "extra", location=Location("argv", 3, start, start), origin=Origin("argv", "--extra-index-url"))
    delivery = deliver(world, {one: credential(one, "first"), two: credential(two, "second", "b@b")}, version=OLD, argv=argv)

    assert channel_of(delivery) == "face"
    assert delivery.argv == (
        "install",
        "-i",
        "https://alice@pypi.corp.example/a/simple/",
        "--extra-index-url=https://b%40b@pypi.corp.example/b/simple/",
    )


@pytest.mark.parametrize(("version", "userinfo"), [(NEWEST, ""), (OLD, "alice@")])
def test_pip_finds_its_index_by_the_host_as_it_asks_for_it(world: Host, version: tuple[int, ...], userinfo: str) -> None:
    argv = ("install", "-i", "https://PYPI.Corp.example:08443/a/simple/", "--extra-index-url", "https://pypi.corp.example:8443/b/simple/")
    one, two = endpoint(argv[2], position=2), endpoint(argv[4], "extra", position=4)
    delivery = deliver(world, {one: credential(one, "first"), two: None}, version=version, argv=argv)

    assert channel_of(delivery) == "face"
    assert delivery.argv == (*argv[:2], f"https://{userinfo}pypi.corp.example:8443/a/simple/", *argv[3:])


def test_the_face_is_not_taken_where_pip_would_not_find_an_answer_there(world: Host) -> None:
    public = endpoint("https://pypi.corp.example:8443/simple/", "extra")
    odd = endpoint("https://PYPI.corp.example/simple/")
    links = endpoint("https://pypi.corp.example/team/links/", "links")
    near, other = endpoint("https://pypi.corp.example/team/simple/"), endpoint("https://pypi.corp.example/public/simple/", "extra")
    found = credential(near)

    assert channel_of(deliver(world, {odd: credential(odd), public: None})) == "env"
    assert channel_of(deliver(world, {near: found, other: None}, argv=("install", "--keyring=import", "corp-lib"))) == "env"
    with pytest.raises(CannotDeliver) as caught:
        deliver(world, {links: credential(links), public: None})
    assert caught.value.hint == "ask for it in a command of its own, without other servers"
    with pytest.raises(CannotDeliver):
        deliver(world, {near: credential(near, "another"), other: None, links: found})
    assert channel_of(deliver(world, {near: found, other: None, links: found})) == "face"


@pytest.mark.parametrize(
    ("url", "option", "hint"),
    [
        (CORP, "--isolated", "leave --isolated out of this command"),
        (CORP, "--keyring-provider=import", "leave --keyring-provider out of this command"),
        ("https://PYPI.corp.example/simple/", "-q", "write that host so, in small letters and without zeros in front of the port"),
    ],
)
def test_what_stands_in_the_way_of_the_face_is_named(world: Host, url: str, option: str, hint: str) -> None:
    corp, public = endpoint(url), endpoint("https://pypi.corp.example:8443/simple/", "extra")
    with pytest.raises(CannotDeliver) as caught:
        deliver(world, {corp: credential(corp), public: None}, argv=("install", option, "corp-lib"), channel="strict")

    assert caught.value.hint == hint


@pytest.mark.parametrize("version", [OLD, NEWEST])
@pytest.mark.parametrize(
    ("mentioned", "channel"),
    [
        ("https://github.com/a/b", "netrc"),
        ("https://pypi.corp.example/home", "netrc"),
        ("https://pypi.corp.example:8443/x.whl", "face"),
        ("HTTP://PYPI.corp.example/x.whl", "face"),
        ("https://pypi.corp.example:port/x.whl", "face"),
    ],
)
def test_a_project_that_code_describes_keeps_its_netrc_unless_it_mentions_another_port(
    mentioned: str, channel: str, version: tuple[int, ...], world: Host
) -> None:
    corp = endpoint(position=2)
    delivery = deliver(world, {corp: credential(corp)}, version=version, argv=("install", "-i", CORP, "."), mentioned=(mentioned,))

    assert channel_of(delivery) == channel


@pytest.mark.parametrize("version", [OLD, NEWEST])
def test_pip_gets_a_netrc_only_beside_well_known_servers(version: tuple[int, ...], world: Host) -> None:
    corp = endpoint(position=2)
    public, foreign = endpoint("https://pypi.org/simple/", "extra"), endpoint("https://mirror.example/simple/", "extra")
    argv = ("install", "-i", CORP)

    assert channel_of(deliver(world, {corp: credential(corp), public: None}, version=version, argv=argv)) == "netrc"
    assert channel_of(deliver(world, {corp: credential(corp), foreign: None}, version=version, argv=argv)) == "face"
    assert channel_of(deliver(world, {corp: credential(corp)}, version=version, argv=argv, unknown=("https://x/r.txt",))) == "face"
    assert channel_of(deliver(world, {corp: credential(corp)}, version=version, argv=argv, unknown=(CORP + "r.txt",))) == "netrc"
    shared = endpoint("https://github.com/somebody/links", "links")
    assert channel_of(deliver(world, {corp: credential(corp), shared: None}, version=version, argv=argv)) == "face"
    archive = endpoint("https://github.com/somebody/thing/archive/1.zip", "direct")
    assert channel_of(deliver(world, {corp: credential(corp), archive: None}, version=version, argv=argv)) == "netrc"


def test_an_unknown_pip_is_treated_as_an_old_one(world: Host) -> None:
    corp, foreign = endpoint(position=2), endpoint("https://mirror.example/simple/", "extra")
    delivery = deliver(world, {corp: credential(corp), foreign: None}, version=None, python=None, argv=("install", "-i", CORP))

    assert channel_of(delivery) == "env"


@pytest.mark.parametrize(
    ("argv", "position", "start", "left"),
    [
        (("install", "-i", CORP, "x"), 2, 8, ("install", "x")),
        (("install", f"--index-url={CORP}", "x"), 1, 20, ("install", "x")),
        (("install", f"-i{CORP}", "x"), 1, 10, ("install", "x")),
        (("install", f"-qi{CORP}", "x"), 1, 11, ("install", "-q", "x")),
        (("install", "-Ui", CORP, "x"), 2, 8, ("install", "-U", "x")),
        (("install", "--index-url", CORP, "x"), 2, 8, ("install", "x")),
    ],
)
def test_for_an_ancient_pip_the_url_moves_from_argv_to_the_environment(
    world: Host, argv: tuple[str, ...], position: int, start: int, left: tuple[str, ...]
) -> None:
    corp = endpoint(location=Location("argv", position, start, start), origin=Origin("argv", "--index-url"))
    delivery = deliver(world, {corp: credential(corp, "p@ss/#%")}, version=ANCIENT, argv=argv)
    value = delivery.environ["PIP_INDEX_URL"]

    assert delivery.argv == left
    assert isinstance(value, Secret)
    assert value.reveal() == "https://alice:p%40ss%2F%23%25@pypi.corp.example/simple/"
    (warning,) = delivery.warnings
    assert "everybody in the process list; `--only-binary :all:` builds nothing" in warning


def test_the_order_of_extra_indexes_is_kept_when_they_move(world: Host) -> None:
    environ = {**world.environ, "PIP_EXTRA_INDEX_URL": "https://first.example/ https://second.example/"}
    host = Host(environ, world.cwd, launcher=world.launcher)
    corp = endpoint(CORP, "extra", position=2)
    delivery = deliver(host, {corp: credential(corp)}, version=ANCIENT, argv=("install", "--extra-index-url", CORP))
    value = delivery.environ["PIP_EXTRA_INDEX_URL"]

    assert isinstance(value, Secret)
    assert value.reveal() == "https://first.example/ https://second.example/ https://alice:canary@pypi.corp.example/simple/"


def test_a_variable_says_again_what_pip_conf_says(world: Host) -> None:
    """An extra index that moves from argv into PIP_EXTRA_INDEX_URL would else take those of pip.conf away."""
    configured, typed = endpoint("https://open@mirror.example/simple/", role="extra"), endpoint(role="extra", position=2)
    endpoints = {endpoint("https://pypi.org/simple"): None, configured: None, typed: credential(typed)}
    delivery = deliver(world, endpoints, version=ANCIENT, argv=("install", "--extra-index-url", CORP, "x"))
    value = delivery.environ["PIP_EXTRA_INDEX_URL"]
    assert isinstance(value, Secret)
    assert value.reveal() == f"https://open@mirror.example/simple/ {CORP.replace('://', '://alice:canary@')}"


def test_user_names_for_what_pip_conf_names_go_into_the_variables_that_come_before_it(world: Host) -> None:
    first, open_one, second = endpoint(), endpoint("https://open.example/simple/", role="extra"), endpoint("https://b.example/simple/", role="extra")
    delivery = deliver(world, {first: credential(first), open_one: None, second: credential(second, username="b@b")}, version=OLD)
    assert channel_of(delivery) == "face"
    assert delivery.environ["PIP_INDEX_URL"] == CORP.replace("://", "://alice@")
    assert delivery.environ["PIP_EXTRA_INDEX_URL"] == "https://open.example/simple/ https://b%40b@b.example/simple/"


@pytest.mark.parametrize("version", [OLD, ANCIENT])
def test_a_password_in_pip_conf_is_not_moved_into_the_environment(world: Host, version: tuple[int, ...]) -> None:
    corp, typed = endpoint(role="extra"), endpoint("https://u:p@b.example/simple/", role="extra")
    with pytest.raises(CannotDeliver, match="cannot be handed"):
        deliver(world, {corp: credential(corp), typed: credential(typed, source="url")}, version=version)


def test_strict_refuses_the_environment_and_says_why_each_way_is_closed(world: Host) -> None:
    corp = endpoint(position=2)
    with pytest.raises(CannotDeliver) as caught:
        deliver(world, {corp: credential(corp)}, version=ANCIENT, argv=("install", "-i", CORP), channel="strict")

    assert [name for name, _ in caught.value.tried] == ["netrc", "face"]
    assert "strict" in (caught.value.hint or "")
    assert "canary" not in f"{caught.value!r}{caught.value.tried}"


def test_a_users_own_password_stays_where_it_works_when_no_channel_fits(world: Host) -> None:
    text = "https://alice:pä€ß@pypi.corp.example/simple/"
    typed = endpoint(text, position=2)
    argv = ("install", "-i", text)

    assert deliver(world, {typed: credential(typed, "pä€ß", source="url")}, version=ANCIENT, argv=argv).argv == argv


def test_uv_gets_an_entry_bound_to_the_path_and_keeps_the_users_own(world: Host, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "credentials.toml").write_text(
        '[[credential]]\nservice = "https://other.example/"\nusername = "o"\nscheme = "basic"\npassword = "o1"\n'
        '[[credential]]\nservice = "https://pypi.corp.example/team/"\nusername = "old"\nscheme = "basic"\npassword = "old"\n'
    )
    host = Host({**world.environ, "UV_CREDENTIALS_DIR": str(own)}, world.cwd)
    corp = endpoint("https://pypi.corp.example/team/simple/")
    delivery = deliver(host, {corp: credential(corp, 'q"\\\t\x7fü')}, family="uv", version=(0, 13, 8))
    entries = tomllib.loads(delivery.memory.text.reveal())["credential"]  # type: ignore[union-attr]
    folder = Path(str(delivery.environ["UV_CREDENTIALS_DIR"]))

    assert [(entry["service"], entry["username"], entry["password"]) for entry in entries] == [
        ("https://other.example/", "o", "o1"),
        ("https://pypi.corp.example/team", "alice", 'q"\\\t\x7fü'),
    ]
    assert (folder / "credentials.toml").readlink() == Path(f"/proc/self/fd/{DESCRIPTOR}")
    assert folder.stat().st_mode & 0o777 == 0o700


UV = {"family": "uv", "version": (0, 13, 8), "verb": ("pip", "install")}


def test_two_credentials_for_one_server_are_told_apart_by_path_as_seeds(world: Host, tmp_path: Path) -> None:
    one, two = endpoint("https://pypi.corp.example/a/simple/"), endpoint("https://pypi.corp.example/b/simple/", "extra")
    delivery = deliver(world, {one: credential(one, "p@ss/1"), two: credential(two, "second", "bob")}, **UV)  # type: ignore[arg-type]
    seeds = tomllib.loads(delivery.memory.text.reveal())["index"]  # type: ignore[union-attr]
    first, *rest = str(delivery.environ["XDG_CONFIG_DIRS"]).split(":")

    assert channel_of(delivery) == "seed"
    assert [(seed["url"], seed["explicit"]) for seed in seeds] == [
        ("https://alice:p%40ss%2F1@pypi.corp.example/a/", True),
        ("https://bob:second@pypi.corp.example/b/", True),
    ]
    assert Path(first, "uv", "uv.toml").readlink() == Path(f"/proc/self/fd/{DESCRIPTOR - BELOW}")
    assert rest == ["/etc/xdg"]


def seeds_with_lock(world: Host, right: str, folder: str) -> list[str]:
    """Return the URLs of the seeds, without passwords, with a lock that has files of the left index in a folder."""
    one, two = endpoint("https://pypi.corp.example/left/simple/"), endpoint(right, "extra")
    locked = endpoint(folder, "direct", registry=one.url.text)
    within = scope_of_index(two.url).covers(locked.url)
    bob = credential(two, "second", "bob")
    answers = {one: credential(one, "first"), two: bob, locked: bob if within else None}
    delivery = deliver(world, answers, **{**UV, "verb": ("sync",)})  # type: ignore[arg-type]
    seeds = tomllib.loads(delivery.memory.text.reveal())["index"]  # type: ignore[union-attr]
    assert channel_of(delivery) == "seed"
    return [seed["url"].replace(":first@", "@").replace(":second@", "@") for seed in seeds]


RIGHT = "https://pypi.corp.example/right/simple/"


@pytest.mark.parametrize(
    ("folder", "more"),
    [
        ("https://pypi.corp.example/files/", ["https://alice@pypi.corp.example/files/"]),
        ("https://pypi.corp.example/right/files/", []),  # the other credential's own
    ],
)
def test_a_locks_files_outside_of_two_scopes_get_a_seed_each(folder: str, more: list[str], world: Host) -> None:
    own = ["https://alice@pypi.corp.example/left/", "https://bob@pypi.corp.example/right/"]

    assert seeds_with_lock(world, RIGHT, folder) == [*own, *more]


@pytest.mark.parametrize(
    ("right", "folder"),
    [
        (RIGHT, "https://pypi.corp.example/"),  # above the other scope: uv takes the shorter one
        ("https://other.example/right/simple/", "https://other.example/files/"),  # another's server: uv has its credential for that
    ],
)
def test_a_lock_leads_no_credential_where_another_one_belongs(right: str, folder: str, world: Host) -> None:
    with pytest.raises(CannotDeliver):
        seeds_with_lock(world, right, folder)


@pytest.mark.parametrize("verb", [("run",), ("tool", "run"), ("tool", "install")])
def test_where_seeds_will_not_do_two_credentials_are_refused_by_name(world: Host, verb: tuple[str, ...]) -> None:
    one, two = endpoint("https://pypi.corp.example/a/simple/"), endpoint("https://pypi.corp.example/b/simple/", "extra")
    with pytest.raises(CannotDeliver, match=r"pypi\.corp\.example") as caught:
        deliver(world, {one: credential(one, "first"), two: credential(two, "second", "bob")}, **{**UV, "verb": verb})  # type: ignore[arg-type]

    assert "user name into the URL" in (caught.value.hint or "")


def test_two_user_names_in_the_urls_keep_the_stores_entries_apart(world: Host) -> None:
    one, two = endpoint("https://alice@pypi.corp.example/a/simple/"), endpoint("https://bob@pypi.corp.example/b/simple/", "extra")
    answers = {one: credential(one, "first"), two: credential(two, "second", "bob")}

    assert channel_of(deliver(world, answers, **{**UV, "verb": ("run",)})) == "store"  # type: ignore[arg-type]


def test_one_login_for_two_places_of_a_server_is_no_second_credential(world: Host) -> None:
    one, two = endpoint("https://pypi.corp.example/a/simple/"), endpoint("https://pypi.corp.example/b/simple/", "extra")
    delivery = deliver(world, {one: credential(one), two: credential(two)}, **{**UV, "verb": ("run",)})  # type: ignore[arg-type]

    assert channel_of(delivery) == "store"
    assert delivery.memory.text.reveal().count("[[credential]]") == 2  # type: ignore[union-attr]


def test_a_credential_is_not_put_where_uv_would_send_it_to_a_sibling(world: Host) -> None:
    corp, other = endpoint("https://pypi.corp.example/a/simple/"), endpoint("https://pypi.corp.example/b/simple/", "extra")
    with pytest.raises(CannotDeliver) as caught:
        deliver(world, {corp: credential(corp), other: None}, **UV)  # type: ignore[arg-type]

    assert "https://pypi.corp.example/b/simple/" in dict(caught.value.tried)["store"]
    assert "scope" in (caught.value.hint or "")


def test_of_two_nested_places_with_two_credentials_none_is_guessed(world: Host) -> None:
    outer, inner = endpoint("https://pypi.corp.example/org/simple/"), endpoint("https://pypi.corp.example/org/deep/simple/", "extra")
    answers = {outer: credential(outer, "first"), inner: credential(inner, "second")}
    with pytest.raises(CannotDeliver) as caught:
        deliver(world, answers, **UV)  # type: ignore[arg-type]

    assert "https://pypi.corp.example/org/deep/simple/" in dict(caught.value.tried)["seed"]


def test_a_stale_login_in_the_users_netrc_does_not_come_first(world: Host, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine pypi.corp.example login alice password stale\n")
    corp = endpoint()

    assert channel_of(deliver(world, {corp: credential(corp)}, **UV)) == "seed"  # type: ignore[arg-type]
    with pytest.raises(CannotDeliver) as caught:
        deliver(world, {corp: credential(corp)}, **{**UV, "verb": ("run",)})  # type: ignore[arg-type]
    assert "netrc" in (caught.value.hint or "")
    (tmp_path / ".netrc").write_text("machine pypi.corp.example login alice password canary\n")
    assert channel_of(deliver(world, {corp: credential(corp)}, **{**UV, "verb": ("run",)})) == "store"  # type: ignore[arg-type]


MACHINE = """# the machine's own
native-tls = true
[[index]]
name = "all"
url = "https://all.example/simple"
[pip]
find-links = ["/srv/wheels", "https://links.example/"]
"""


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        (MACHINE, True),
        ("", True),
        ('index = [{ name = "inline", url = "https://all.example/simple" }]\n', False),
        ('[[index]]\nurl = "./wheels"\n', False),
        ('[pip]\nfind-links = ["wheels"]\n', False),
        ("not toml", False),
    ],
)
def test_the_machines_configuration_comes_along_to_the_letter_or_the_channel_is_not_taken(
    world: Host, tmp_path: Path, text: str, fits: bool
) -> None:
    (tmp_path / "xdg" / "uv").mkdir(parents=True)
    (tmp_path / "xdg" / "uv" / "uv.toml").write_text(text)
    host = Host({**world.environ, "XDG_CONFIG_DIRS": f"/nowhere:{tmp_path / 'xdg'}"}, world.cwd)
    corp = endpoint()
    old = {**UV, "version": (0, 7, 22)}
    delivery = deliver(host, {corp: credential(corp)}, **old)  # type: ignore[arg-type]

    assert channel_of(delivery) == ("seed" if fits else "netrc")
    if fits:
        assert delivery.memory.text.reveal().startswith(text.rstrip("\n"))  # type: ignore[union-attr]
        assert str(delivery.environ["XDG_CONFIG_DIRS"]).endswith(f":/nowhere:{tmp_path / 'xdg'}")


@pytest.mark.parametrize("switch", ["--no-config", "--config-file=x", "--isolated"])
def test_no_seed_where_uv_would_not_read_it(world: Host, switch: str) -> None:
    corp = endpoint()
    old = {**UV, "version": (0, 7, 22)}

    assert channel_of(deliver(world, {corp: credential(corp)}, argv=("pip", "install", switch), **old)) == "netrc"  # type: ignore[arg-type]


def test_no_seed_for_a_page_of_links_beside_no_index_at_all(world: Host) -> None:
    """Wherever `no-index` stands: uv keeps no index in mind then, and with it no password."""
    page, default = endpoint(role="links"), endpoint("https://pypi.org/simple")
    old = {**UV, "version": (0, 7, 22)}

    assert channel_of(deliver(world, {page: credential(page), default: None}, **old)) == "seed"  # type: ignore[arg-type]
    assert channel_of(deliver(world, {page: credential(page)}, **old)) == "netrc"  # type: ignore[arg-type]


def test_an_upload_with_a_credential_of_its_own_goes_by_uvs_variables(world: Host) -> None:
    upload, check = endpoint("https://pypi.corp.example/upload/", "publish"), endpoint("https://pypi.corp.example/simple/", "index")
    answers = {upload: credential(upload, "writer", "bob"), check: credential(check, "reader")}
    delivery = deliver(world, answers, **{**UV, "verb": ("publish",)})  # type: ignore[arg-type]

    assert [channel for channel, *_ in delivery.channels] == ["publish", "store"]
    assert delivery.environ["UV_PUBLISH_USERNAME"] == "bob"
    assert isinstance(delivery.environ["UV_PUBLISH_PASSWORD"], Secret)
    assert "writer" not in delivery.memory.text.reveal()  # type: ignore[union-attr]


def test_the_users_own_token_for_an_upload_is_in_nobodys_way(world: Host) -> None:
    upload = endpoint("https://pypi.corp.example/upload/", "publish", provided_by="--token")
    check = endpoint("https://pypi.corp.example/a/simple/", "index")

    assert channel_of(deliver(world, {upload: None, check: credential(check)}, **{**UV, "verb": ("publish",)})) == "store"  # type: ignore[arg-type]


def test_the_users_own_variable_for_another_index_of_the_server_comes_before_the_store(world: Host) -> None:
    """uv would send it to our index, before it looks into its store; seeds are told apart."""
    own = endpoint("https://pypi.corp.example/a/simple/", "extra", provided_by="UV_INDEX_A_PASSWORD")
    corp = endpoint("https://pypi.corp.example/b/simple/")

    assert channel_of(deliver(world, {own: None, corp: credential(corp)}, **UV)) == "seed"  # type: ignore[arg-type]
    nested = endpoint("https://pypi.corp.example/b/deep/simple/", "extra", provided_by="UV_INDEX_A_PASSWORD")
    with pytest.raises(CannotDeliver):
        deliver(world, {nested: None, corp: credential(corp)}, **UV)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argv", "left", "variables"),
    [
        (("publish", "--token", "t0k", "dist/x"), ("publish", "dist/x"), {"UV_PUBLISH_TOKEN": "t0k"}),
        (("publish", "--token=t0k"), ("publish",), {"UV_PUBLISH_TOKEN": "t0k"}),
        (("publish", "-ualice", "-vp", "pw"), ("publish", "-v"), {"UV_PUBLISH_USERNAME": "alice", "UV_PUBLISH_PASSWORD": "pw"}),
        (
            ("--quiet", "publish", "-vppw", "-u", "alice"),
            ("--quiet", "publish", "-v"),
            {"UV_PUBLISH_USERNAME": "alice", "UV_PUBLISH_PASSWORD": "pw"},
        ),
        (("publish", "-p", "one", "-p", "two"), ("publish", "-p", "one", "-p", "two"), {}),
        (("publish", "--token="), ("publish", "--token="), {}),
        (("pip", "install", "-p", "3.12", "x"), ("pip", "install", "-p", "3.12", "x"), {}),
        (("publish", "--", "--token", "t0k"), ("publish", "--", "--token", "t0k"), {}),
    ],
)
def test_what_an_upload_is_told_in_argv_moves_into_variables(
    argv: tuple[str, ...], left: tuple[str, ...], variables: dict[str, str]
) -> None:
    verb = tuple(word for word in argv if not word.startswith("-"))[:1] if "pip" not in argv else ("pip", "install")
    moved = move_secrets(Invocation("uv", "uv", Target("/usr/bin/uv"), argv, verb, True, ""), Delivery(argv))

    assert moved.argv == left
    said = {name: value.reveal() if isinstance(value, Secret) else value for name, value in moved.environ.items()}
    assert said == variables
    assert not isinstance(moved.environ.get("UV_PUBLISH_USERNAME"), Secret), "a user name is no secret"


@pytest.mark.parametrize("verb", [("run",), ("tool", "run")])
def test_user_code_of_an_old_uv_never_meets_a_netrc(world: Host, verb: tuple[str, ...]) -> None:
    corp = endpoint()
    with pytest.raises(CannotDeliver, match="uv"):
        deliver(world, {corp: credential(corp)}, family="uv", version=(0, 7, 22), verb=verb)

    assert channel_of(deliver(world, {corp: credential(corp)}, family="uv", version=(0, 7, 22), verb=("sync",))) == "seed"


def test_uv_variables_are_for_named_indexes_and_only_on_demand(world: Host) -> None:
    corp = endpoint(index_name="my-corp")
    delivery = deliver(world, {corp: credential(corp)}, family="uv", version=(0, 7, 22), channel="env")

    assert delivery.environ["UV_INDEX_MY_CORP_USERNAME"] == "alice"
    assert isinstance(delivery.environ["UV_INDEX_MY_CORP_PASSWORD"], Secret)


def test_somebody_elses_file_at_our_descriptor_is_left_alone(tmp_path: Path) -> None:
    taken = os.open(tmp_path, os.O_RDONLY)
    try:
        os.dup2(taken, DESCRIPTOR)
        assert free_descriptor() == DESCRIPTOR + 1
    finally:
        os.close(taken)
        os.close(DESCRIPTOR)
    assert free_descriptor() == DESCRIPTOR


def test_few_descriptors_are_enough() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        assert free_descriptor() < 128
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_runtime_folder_that_others_may_enter_is_not_used(world: Host, tmp_path: Path) -> None:
    corp = endpoint()
    (tmp_path / "shim").mkdir()
    (tmp_path / "shim" / f"descriptor-{DESCRIPTOR}").mkdir(mode=0o755)
    delivery = deliver(world, {corp: credential(corp)}, family="uv", version=(0, 13, 8))

    assert not str(delivery.environ["UV_CREDENTIALS_DIR"]).startswith(str(tmp_path / "shim"))


A, B, BESIDE = "https://pypi.corp.example/a/simple/", "https://pypi.corp.example/b/simple/", "https://pypi.corp.example:8443/simple/"
RUN = {**UV, "verb": ("run",)}
Command = tuple[dict[str, str | None], dict[str, object]]
"""URL -> the password that there is for it, and how it is asked."""


def with_option(option: str) -> dict[str, object]:
    return {"channel": "strict", "argv": ("install", option, "corp-lib")}


#: The beginning of a hint -> the command that meets it, and the command that it leads to.
FOLLOWED: dict[str, tuple[Command, Command]] = {
    "leave --isolated out": (({CORP: "x", BESIDE: None}, with_option("--isolated")), ({CORP: "x", BESIDE: None}, with_option("-q"))),
    "leave --keyring-provider out": (
        ({CORP: "x", BESIDE: None}, with_option("--keyring-provider=import")),
        ({CORP: "x", BESIDE: None}, with_option("-q")),
    ),
    "write that host so, in small letters": (
        ({CORP.replace("pypi", "PYPI"): "x", BESIDE: None}, with_option("-q")),
        ({CORP: "x", BESIDE: None}, with_option("-q")),
    ),
    "choose a password or token of ASCII letters": (({CORP: "p\u20ac"}, {"channel": "strict"}), ({CORP: "ascii"}, {"channel": "strict"})),
    "leave that other URL out": (({CORP: "x", CORP.replace("https", "http"): None}, {}), ({CORP: "x"}, {})),
    "ask for it in a command of its own": (({"links " + A: "x", BESIDE: None}, {}), ({"links " + A: "x"}, {})),
    "ask the two in two commands": (({A: "x", B: None}, UV), ({A: "x"}, UV)),
    "write its user name into the URL of each": (
        ({A: "first", "bob " + B: "second"}, RUN),
        ({A.replace("//", "//alice@"): "first", B.replace("//", "//bob@"): "second"}, RUN),
    ),
    "give shim that one as well": (({B: "x", B.replace("b/", "b/deep/"): "own"}, UV), ({B: "x", B.replace("b/", "b/deep/"): "x"}, UV)),
    "give each source of the project a name of its own": (
        ({"named " + A: "first", "named " + B: "second"}, {"family": "poetry"}),
        ({"called " + A: "first", "called " + B: "second"}, {"family": "poetry"}),
    ),
    'channel = "strict" is set; `SHIM_CHANNEL=auto`': (
        ({CORP: "x"}, {"version": ANCIENT, "channel": "strict"}),
        ({CORP: "x"}, {"version": ANCIENT, "channel": "auto"}),
    ),
    "a newer release of the tool takes it": (({CORP: "x"}, {**RUN, "version": (0, 7, 22)}), ({CORP: "x"}, RUN)),
}


def ask(world: Host, command: Command) -> Delivery:
    answers: dict[Endpoint, Credential | None] = {}
    for number, (text, password) in enumerate(command[0].items()):
        kind, _, url = text.rpartition(" ")
        fields = {"index_name": "my-corp" if kind == "named" else f"corp-{number}"} if kind in ("named", "called") else {}
        role = kind if kind == "links" else "extra" if number else "index"
        own = {"provided_by": "UV_INDEX_A_PASSWORD"} if password == "own" else {}
        one = endpoint(url, role, **fields, **own)
        answers[one] = credential(one, password, one.username or ("bob" if kind == "bob" else "alice")) if password and not own else None
    return deliver(world, answers, **command[1])  # type: ignore[arg-type]


@follows(
    "leave --isolated out of this command",
    "leave --keyring-provider out of this command",
    "write that host so, in small letters and without zeros in front of the port",
    "choose a password or token of ASCII letters for this index",
    "leave that other URL out of the command, or write it as the index's own https URL",
    "ask for it in a command of its own, without other servers",
    "ask the two in two commands; if one credential is for both, say so: an [[index]] whose scope covers both",
    "write its user name into the URL of each of these indexes (https://USER@HOST/...): uv locks it without",
    "give shim that one as well (shim login), or unset its variable",
    'channel = "strict" is set; `SHIM_CHANNEL=auto` allows the environment for this command',
    "give each source of the project a name of its own",
    "a newer release of the tool takes it: upgrade it in this environment",
)
@pytest.mark.parametrize("hint", FOLLOWED)
def test_a_command_is_served_once_its_hint_is_followed(hint: str, world: Host) -> None:
    before, after = FOLLOWED[hint]
    with pytest.raises(CannotDeliver) as caught:
        ask(world, before)
    assert (caught.value.hint or "").startswith(hint)

    assert ask(world, after).channels


@follows('take that login out of your netrc, or let the [[index]] use it: source = ["netrc"]')
def test_a_login_that_is_taken_out_of_the_netrc_is_in_nobodys_way(world: Host, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine pypi.corp.example login alice password stale\n")
    with pytest.raises(CannotDeliver) as caught:
        ask(world, ({CORP: "x"}, RUN))
    assert (caught.value.hint or "").startswith("take that login out of your netrc")
    (tmp_path / ".netrc").unlink()

    assert channel_of(ask(world, ({CORP: "x"}, RUN))) == "store"
