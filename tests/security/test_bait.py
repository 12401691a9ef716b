"""The bait: a private index fails in some way, a public one offers the same name in version 99. It is never installed.

Each fault is shown to bite: bare pip, with the very credential, takes the bait and says that all is well.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shim.cli.demo.packages import build_wheel
from tests.support import toolchains
from tests.support.bait import FaultyIndex, Stranger, install, make_stranger
from tests.support.servers import free_port
from tests.support.tls import make_authority
from tests.support.world import CANARY, USER, World

#: A fault -> what the message says about it.
FAULTS: dict[int | str, str] = {
    401: "refuses us as alice, from env (401)",
    403: "forbids us to read it as alice, from env (403)",
    404: "says that it does not exist as alice, from env (404)",
    429: "has had too many requests (429)",
    500: "is broken (500)",
    "login page": "shows a login page as alice, from env instead of packages",
    "forbidden": "forbids us to read it as alice, from env (403)",
    "hidden": "says that it does not exist as alice, from env (404)",
    "welcoming": "refuses us as alice, from env (401)",
}
#: The faults that a wrong secret shows; with the others the server is what is wrong.
BY_SECRET = ("login page", "forbidden", "hidden", "welcoming")
#: The answers that an index without a page of its own gives to a right secret as well: one package's page has to tell.
AMBIGUOUS = ("forbidden", "hidden")


@pytest.fixture
def private(packages: tuple[str, dict[str, list[str]]]) -> Iterator[FaultyIndex]:
    with FaultyIndex(packages[0], {"corp-lib": packages[1]["corp-lib"]}, USER, CANARY) as served:
        yield served


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Stranger]:
    with make_stranger(tmp_path / "stranger") as served:
        yield served


@pytest.fixture(params=["23.2.1", "newest"])
def pip(request: pytest.FixtureRequest, world: World) -> toolchains.Tool:
    chosen = toolchains.pip(request.param)
    world.use(chosen)
    world.environ |= {"CORP_TOKEN": CANARY, "PIP_TRUSTED_HOST": "strange.invalid"}
    return chosen


def configure(world: World, url: str, *lines: str) -> None:
    settings = [f'url = "{url}"', f'username = "{USER}"', *(lines or ('env = { password = "CORP_TOKEN" }',))]
    world.configure("[[index]]\nname = 'corp'\n" + "\n".join(settings) + "\n")


def with_secret(url: str) -> str:
    return url.replace("://", f"://{USER}:{CANARY}@")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_private_index_that_fails_stops_pip(
    fault: int | str, pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger
) -> None:
    configure(world, private.url)
    private.fault = fault
    if fault in BY_SECRET:
        private.accept("another")
    result = install(world, private.url, stranger.url)

    assert (result.status, result.installed) == (77, None)
    assert f"{private.url} (from argv --index-url) {FAULTS[fault]}" in result.stderr
    assert f"pip would take the packages from {stranger.url} instead" in result.stderr
    assert result.stderr.count("\nhint: ") == 1
    assert not any(path.startswith("/simple/corp-lib") for path, _, _ in stranger.requests)
    assert len(private.logins) <= (2 if fault in AMBIGUOUS else 1)


@pytest.mark.parametrize("fault", FAULTS)
def test_bare_pip_takes_the_bait(fault: int | str, pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger) -> None:
    private.fault = fault
    if fault in BY_SECRET:
        private.accept("another")

    assert install(world, with_secret(private.url), stranger.url, bare=True).took_the_bait


@pytest.mark.parametrize("bare", [True, False])
def test_a_list_that_only_pip_can_read_may_name_the_stranger(
    bare: bool, pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger
) -> None:
    """`-r <(...)` is a pipe: who reads it takes it from pip."""
    private.fault = 403
    configure(world, private.url)
    command = f"pip install --target out -i {with_secret(private.url) if bare else private.url} -r <(printf -- '--extra-index-url {stranger.url}\\ncorp-lib\\n')"
    result = world.run("bash", "-c", command, bare=bare)

    if bare:
        assert (world.cwd / "out" / "corp_lib.py").read_text() == "STRANGER = True\n"
    else:
        assert result.returncode == 77
        assert "pip would take the packages from an index that /dev/fd/" in result.stderr
        assert not stranger.requests


def nobody_there() -> str:
    return f"http://127.0.0.1:{free_port()}/simple/"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (nobody_there, "cannot be reached: it refuses the connection"),
        (lambda: "https://pypi.corp.invalid/simple/", "cannot be reached: Name or service not known"),
    ],
    ids=["refused", "unresolvable"],
)
def test_a_private_index_that_is_down_stops_pip(url: object, words: str, pip: toolchains.Tool, world: World, stranger: Stranger) -> None:
    private: str = url()  # type: ignore[operator]
    assert install(world, private, stranger.url, bare=True).took_the_bait
    shutil.rmtree(world.folder / "out")
    configure(world, private)
    result = install(world, private, stranger.url)

    assert (result.status, result.installed) == (77, None)
    assert words in result.stderr
    assert "hint: check the network or VPN, and run it again" in result.stderr


def test_a_private_index_with_bad_tls_stops_pip(
    pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger, tmp_path: Path
) -> None:
    make_authority(tmp_path, "corp").protect(private._server)
    url = private.url.replace("http://127.0.0.1", "https://localhost")
    world.environ["PIP_CONFIG_FILE"] = "/dev/null"
    assert install(world, with_secret(url), stranger.url, bare=True).took_the_bait
    shutil.rmtree(world.folder / "out")
    configure(world, url)
    result = install(world, url, stranger.url)

    assert (result.status, result.installed) == (77, None)
    assert "cannot be trusted: its certificate is not trusted (unable to get local issuer certificate)" in result.stderr
    assert 'hint: set ca-bundle = "/path/of/its/authority.pem"' in result.stderr


def test_the_hint_about_tls_mends_it(pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger, tmp_path: Path) -> None:
    authority = make_authority(tmp_path, "corp")
    authority.protect(private._server)
    url = private.url.replace("http://127.0.0.1", "https://localhost")
    world.environ["PIP_CONFIG_FILE"] = "/dev/null"
    configure(world, url, 'env = { password = "CORP_TOKEN" }', f'ca-bundle = "{authority.certificate}"')
    result = install(world, url, stranger.url, wanted="corp-lib<99")

    assert (result.status, result.has_ours) == (0, True), result.stderr


def test_a_redirect_to_another_server_stops_pip(pip: toolchains.Tool, world: World, stranger: Stranger) -> None:
    """The index of another origin is not ours, whatever it answers."""
    from tests.unit.test_verify import Server

    moved = Server(lambda path, _: (302, f"http://{stranger.netloc}{path}"))
    with moved.running():
        url = f"{moved.url}/simple/"
        configure(world, url)
        result = install(world, url, stranger.url)

    assert (result.status, result.installed) == (77, None)
    assert "instead of packages" in result.stderr or "another server" in result.stderr


def test_our_interpreter_gone_stops_pip(pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger) -> None:
    configure(world, private.url)
    broken = world.folder / "shims"
    broken.mkdir()
    text = (world.prefix / "shims" / "pip").read_text()
    lines = ["_shim_python='/nonexistent/python'" if line.startswith("_shim_python=") else line for line in text.splitlines()]
    (broken / "pip").write_text("\n".join(lines) + "\n")
    (broken / "pip").chmod(0o755)
    world.environ["PATH"] = f"{broken}:{pip.bin}:/usr/bin:/bin"
    result = install(world, private.url, stranger.url)

    assert (result.status, result.installed) == (77, None)


def counting(world: World, *secrets: str) -> Path:
    """Return a command that prints one secret after the other, and the last one for ever; calls are counted in `calls`."""
    script = world.folder / "config" / "token.sh"
    rows = "\n".join(f"  {number}) echo {secret} ;;" for number, secret in enumerate(secrets[:-1], 1))
    script.write_text(
        f"#!/bin/sh\necho . >>{world.folder}/calls\ncase $(wc -l <{world.folder}/calls) in\n{rows}\n  *) echo {secrets[-1]} ;;\nesac\n"
    )
    script.chmod(0o755)
    return script


def calls(world: World) -> int:
    return len((world.folder / "calls").read_text().split())


def minutes_pass(world: World) -> None:
    """End what is remembered for minutes: proofs, and the records of commands that rest on them."""
    for name in ("proofs", "plans"):
        shutil.rmtree(world.folder / "runtime" / "shim" / "tokens" / name, ignore_errors=True)


def test_a_stale_cached_token_heals_itself_in_one_run(pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger) -> None:
    script = counting(world, "stale-token", CANARY)
    configure(world, private.url, f'command = {{ argv = ["{script}"] }}', 'max-age = "12h"')
    private.accept("stale-token")
    assert install(world, private.url, stranger.url, wanted="corp-lib<99").has_ours
    shutil.rmtree(world.folder / "out")
    private.accept(CANARY)
    minutes_pass(world)
    result = install(world, private.url, stranger.url, wanted="corp-lib<99")

    assert (result.status, result.has_ours, calls(world)) == (0, True, 2), result.stderr
    assert private.logins == ["stale-token"]


def test_a_stale_cached_token_heals_itself_where_nobody_could_step_in_too(pip: toolchains.Tool, world: World, private: FaultyIndex) -> None:
    script = counting(world, "stale-token", CANARY)
    configure(world, private.url, f'command = {{ argv = ["{script}"] }}', 'max-age = "12h"')
    command = ("pip", "install", "--target", world.folder / "out", "--upgrade", "-i", private.url, "corp-lib")
    private.accept("stale-token")
    assert world.run(*command).returncode == 0
    private.accept(CANARY)
    minutes_pass(world)
    result = world.run(*command)

    assert (result.returncode, calls(world)) == (0, 2), result.stderr
    assert private.logins == ["stale-token"]


def test_an_expired_token_whose_source_has_no_other_stops_pip(
    pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger
) -> None:
    script = counting(world, "old", "old")
    configure(world, private.url, f'command = {{ argv = ["{script}"] }}', 'max-age = "12h"')
    result = install(world, private.url, stranger.url)
    again = install(world, private.url, stranger.url)

    assert (result.status, again.status, again.installed) == (77, 77, None)
    assert private.logins == ["old"]
    assert "not sent again" in again.stderr


@pytest.mark.parametrize("source", ["env", "netrc", "url"])
def test_a_rejected_secret_reaches_the_server_once_however_often_pip_runs(
    source: str, pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger
) -> None:
    private.accept("another")
    url = private.url
    if source == "env":
        configure(world, private.url)
    elif source == "netrc":
        netrc = world.folder / "config" / "netrc"
        netrc.write_text(f"machine 127.0.0.1 login {USER} password {CANARY}\n")
        netrc.chmod(0o600)
        world.environ["NETRC"] = str(netrc)
    else:
        url = with_secret(url)
    results = [install(world, url, stranger.url) for _ in range(3)]
    logins = list(private.logins)
    alone = world.run("pip", "install", "--target", world.folder / "out", "-i", url, "corp-lib")

    assert [result.status for result in results] == [77, 77, 77]
    assert logins == [CANARY]
    assert alone.returncode == 1, "where no other index could step in, the tool runs and says so itself"
    assert CANARY not in results[0].stderr + alone.stderr


def test_a_new_secret_is_tried_at_once_and_the_same_one_on_demand(
    pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger
) -> None:
    private.accept("another")
    configure(world, private.url)
    assert install(world, private.url, stranger.url).status == 77
    assert install(world, private.url, stranger.url, wanted="corp-lib<99", CORP_TOKEN="another").has_ours
    private.accept(CANARY)
    assert install(world, private.url, stranger.url, wanted="corp-lib<99").status == 77
    assert install(world, private.url, stranger.url, wanted="corp-lib<99", SHIM_REFRESH="1").status == 0
    assert install(world, private.url, stranger.url, wanted="corp-lib<99").status == 0


@pytest.mark.parametrize(("choice", "status", "warned"), [("warn", 0, True), ("pass", 0, False)])
def test_on_failure_says_otherwise(
    choice: str, status: int, warned: bool, pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger
) -> None:
    private.accept("another")
    configure(world, private.url, 'env = { password = "CORP_TOKEN" }', f'on-failure = "{choice}"')
    result = install(world, private.url, stranger.url)

    assert result.status == status
    assert ("shim: warning[rejected]" in result.stderr) == warned
    assert not warned or len(private.logins) == 1


def test_an_index_that_answers_everybody_passes(pip: toolchains.Tool, world: World, stranger: Stranger, tmp_path: Path) -> None:
    with make_stranger(tmp_path / "open") as open_index:
        configure(world, open_index.url)
        assert install(world, open_index.url, stranger.url).status == 0


def test_a_user_name_in_the_url_makes_no_index_private(
    pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger
) -> None:
    """People have keyrings of their own, which pip asks: where we have nothing to give, it runs as without us."""
    words = ("install", "--target", world.folder / "out", "-i", private.url.replace("://", "://alice@"))
    words = (*words, "--extra-index-url", stranger.url, "--no-input", "corp-lib")
    bare = world.run(str(pip.path), *words)
    shutil.rmtree(world.folder / "out", ignore_errors=True)
    ours = world.run("pip", *words)

    assert (ours.returncode, "shim:" in ours.stderr) == (bare.returncode, False), ours.stderr


def test_one_proof_serves_the_next_commands_that_go_the_same_way(
    pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger
) -> None:
    configure(world, private.url)
    for _ in range(3):
        assert install(world, private.url, stranger.url, wanted="corp-lib<99").has_ours
    assert len([path for path, user, _ in private.requests if user is None and path == "/simple/"]) == 1
    assert install(world, private.url, stranger.url, wanted="corp-lib<99", HTTPS_PROXY="http://127.0.0.1:9").has_ours
    assert len([path for path, user, _ in private.requests if user is None and path == "/simple/"]) == 2, "another way to it"


def wheel(world: World, requires: str = "") -> str:
    import zipfile

    folder = world.folder / "wheels"
    folder.mkdir()
    name = build_wheel(str(folder), "corp-local", {"corp_local.py": ""})
    if requires:
        with zipfile.ZipFile(folder / name) as old:
            members = {member: old.read(member) for member in old.namelist()}
        members["corp_local-1.0.dist-info/METADATA"] += f"Requires-Dist: {requires}\n".encode()
        with zipfile.ZipFile(folder / name, "w") as new:
            for member, data in members.items():
                new.writestr(member, data)
    return str(folder / name)


@pytest.mark.parametrize("secret", [CANARY, None], ids=["rejected", "no credential"])
def test_a_local_wheel_is_not_stopped(
    secret: str | None, pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger
) -> None:
    private.accept("another")
    configure(world, private.url)
    if secret is None:
        del world.environ["CORP_TOKEN"]
    result = install(world, private.url, stranger.url, wanted=wheel(world))

    assert result.status == 0, result.stderr
    assert private.requests == []


def test_a_local_wheel_that_requires_more_is_stopped(pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger) -> None:
    private.accept("another")
    configure(world, private.url)
    path = wheel(world, "corp-lib")

    assert install(world, private.url, stranger.url, wanted=path, bare=True).took_the_bait
    shutil.rmtree(world.folder / "out")
    assert install(world, private.url, stranger.url, wanted=path).status == 77
    assert install(world, private.url, stranger.url, "--no-deps", wanted=path).status == 0


def test_an_offline_machine_is_not_stopped(pip: toolchains.Tool, world: World) -> None:
    """Nobody answers: pip may run, and here finds all it needs in a folder."""
    configure(world, nobody_there())
    path = Path(wheel(world))
    private, public = (
        (line.partition("url = ")[2].strip('"') for line in world.config.read_text().splitlines() if line.startswith("url")),
        nobody_there(),
    )
    result = install(world, next(private), public, "--find-links", path.parent, wanted="corp-local")

    assert result.status == 0, result.stderr


def test_a_proven_index_gets_its_credential_or_pip_stops(
    pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger
) -> None:
    """On one host with the stranger a netrc will not do, and pip asks a keyring for indexes alone, by their host in its normal form."""
    url, public = (f"http://localhost:{index.netloc.partition(':')[2]}/simple/" for index in (private, stranger))
    configure(world, url)
    loud = install(world, url.replace("localhost", "LocalHost"), public, wanted="corp-lib<99")
    assert (loud.status, loud.has_ours) == (0, True), loud.stderr
    shutil.rmtree(world.folder / "out")
    links = install(world, public, public, "--find-links", f"{url}corp-lib/")

    assert (links.status, links.installed) == (77, None), links.stderr


@pytest.mark.parametrize("written", ["{}\r", '"{}"'], ids=["carriage return", "quotes"])
def test_an_index_that_pip_will_look_for_elsewhere_stops_it(
    written: str, pip: toolchains.Tool, world: World, private: FaultyIndex, stranger: Stranger
) -> None:
    """As `docker --env-file` reads a file with quotes, or one from Windows."""
    configure(world, private.url)
    world.environ |= {"PIP_INDEX_URL": written.format(private.url), "PIP_EXTRA_INDEX_URL": stranger.url}
    target = world.folder / "out"
    assert world.run("pip", "install", "--target", target, "corp-lib", bare=True).returncode == 0
    shutil.rmtree(target)
    result = world.run("pip", "install", "--target", target, "corp-lib")

    assert (result.returncode, target.exists()) == (77, False)
    assert f"hint: write {private.url} without them in env PIP_INDEX_URL" in result.stderr


def test_a_client_certificate_and_a_proxy_are_those_of_pip(pip: toolchains.Tool, world: World, stranger: Stranger) -> None:
    """A host that only pip's proxy knows is proven by way of that proxy."""
    import threading

    from tests.security.test_lookalike_hosts import Proxy

    with Proxy() as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        configure(world, "http://pypi.corp.invalid/simple/", 'env = { password = "CORP_TOKEN" }', "insecure = true")
        result = install(
            world,
            "http://pypi.corp.invalid/simple/",
            stranger.url,
            "--proxy",
            f"http://127.0.0.1:{proxy.server_address[1]}",
            no_proxy="127.0.0.1",
        )
        proxy.shutdown()
        thread.join()

    assert result.status == 77
    assert "refuses us as alice, from env (401)" in result.stderr
    assert {host for host, _ in proxy.sent} >= {"pypi.corp.invalid"}


def test_a_port_that_never_answers_is_given_up(pip: toolchains.Tool, world: World, stranger: Stranger) -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple/"
        configure(world, url)
        result = install(world, url, stranger.url)

    assert result.status == 77
    assert "cannot be reached: no answer in time" in result.stderr
