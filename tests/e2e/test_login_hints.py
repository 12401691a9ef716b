"""`shim login` where something is in the way: each cause has its own words and one hint, and the hint, followed, leads to a login."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from shim.config.policy import Policy
from shim.credentials.login_stores import find_problem
from shim.hotpath import kernel_keyring
from tests.support import keyrings, machine
from tests.support.hints import follows
from tests.support.servers import free_port, pypiserver
from tests.support.terminal import Terminal
from tests.support.tls import Authority, make_authority
from tests.support.world import CANARY, USER, World

Packages = tuple[str, dict[str, list[str]]]


def configure(world: World, url: str, more: str = "") -> None:
    world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\n{more}')


def login(world: World, *words: str, secret: str = CANARY, **environ: str):
    return world.shim("login", *(words or ("corp",)), "--password-stdin", "--store", "file", input=secret, **environ)


def hint_of(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("hint: ")).removeprefix("hint: ")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("corp"), "corp")


@pytest.fixture
def secure(packages: Packages, authority: Authority) -> Iterator[PrivateIndex]:
    with PrivateIndex(*packages, USER, CANARY) as served:
        authority.protect(served._server)
        yield served


@follows('say ca-bundle = "/path/of/its/authority.pem" for [[index]] {} in {}, or ca-bundle = "system"')
def test_a_private_authority_is_named_and_the_hint_leads_to_a_login(world: World, secure: PrivateIndex, authority: Authority) -> None:
    configure(world, f"https://{secure.netloc}/simple/")
    result = login(world)

    assert result.returncode == 69
    hint = hint_of(result.stderr)
    assert 'ca-bundle = "/path/of/its/authority.pem" for [[index]] corp' in hint
    assert str(world.config) in hint
    configure(world, f"https://{secure.netloc}/simple/", f'ca-bundle = "{authority.certificate}"\n')
    assert login(world).returncode == 0, "the hint, followed"


@follows("{} names {}, which is not there: correct it")
def test_a_missing_file_of_authorities_is_named(world: World, secure: PrivateIndex, authority: Authority) -> None:
    configure(world, f"https://{secure.netloc}/simple/", 'ca-bundle = "/not/there.pem"\n')
    result = login(world)

    assert "ca-bundle of [[index]] corp" in hint_of(result.stderr)
    assert "/not/there.pem, which is not there" in hint_of(result.stderr)
    configure(world, f"https://{secure.netloc}/simple/", f'ca-bundle = "{authority.certificate}"\n')
    assert login(world).returncode == 0, "the hint, followed"
    configure(world, f"https://{secure.netloc}/simple/")
    by_variable = login(world, PIP_CERT="/not/there.pem")
    assert hint_of(by_variable.stderr) == "PIP_CERT names /not/there.pem, which is not there: correct it"
    assert login(world, PIP_CERT=str(authority.certificate)).returncode == 0, "the hint, followed"


def test_an_authority_that_did_not_sign_it_is_named(world: World, secure: PrivateIndex, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_authority(tmp_path / "other", "other")
    configure(world, f"https://{secure.netloc}/simple/", f'ca-bundle = "{other.certificate}"\n')

    assert hint_of(login(world).stderr) == f"the authority in {other.certificate} did not sign it: put the one of 127.0.0.1 there"


@contextmanager
def old_tls(authority: Authority) -> Iterator[int]:
    """A server that speaks TLS 1.1 and nothing newer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.chain, authority.key)
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    is_over = threading.Event()

    def serve() -> None:
        while not is_over.is_set():
            try:
                connection, _ = listener.accept()
                with connection, context.wrap_socket(connection, server_side=True):
                    pass
            except OSError:
                continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        is_over.set()
        thread.join()
        listener.close()


def test_each_way_to_get_no_answer_has_its_own_hint(world: World, index: PrivateIndex, authority: Authority) -> None:
    port = index.netloc.partition(":")[2]
    with old_tls(authority) as old:
        cases = {
            "https://nobody.invalid/simple/": "check the spelling of nobody.invalid",
            f"http://127.0.0.1:{(closed := free_port())}/simple/": f"check that the server runs, and that {closed} is its port",
            f"https://127.0.0.1:{port}/simple/": f"check that the server runs, and that {port} is its port",
            f"https://127.0.0.1:{old}/simple/": "must offer TLS 1.2 or newer",
        }
        for url, hint in cases.items():
            configure(world, url, f'ca-bundle = "{authority.certificate}"\n')
            result = login(world)

            assert result.returncode == 69, url
            assert hint in hint_of(result.stderr)
            assert "--no-verify" not in result.stderr


@follows("the proxy is the one in {}: correct it, or let NO_PROXY have {} in it")
def test_a_proxy_that_fails_is_said_to_be_the_trouble(world: World) -> None:
    configure(world, "https://pypi.corp.example/simple/")
    result = login(world, https_proxy=f"http://127.0.0.1:{free_port()}")

    assert "the proxy " in result.stderr
    assert " fails: " in result.stderr
    assert hint_of(result.stderr) == "the proxy is the one in https_proxy: correct it, or let NO_PROXY have pypi.corp.example in it"
    followed = login(world, https_proxy="http://127.0.0.1:1", NO_PROXY="pypi.corp.example")
    assert " fails: " not in followed.stderr, "the hint, followed"


@follows("does the URL end in /simple/? try {}")
def test_a_url_that_is_no_index_is_asked_for_its_simple(world: World, index: PrivateIndex) -> None:
    result = login(world, f"http://{index.netloc}/", "--user", USER)

    assert result.returncode == 69
    hint = hint_of(result.stderr)
    assert hint == f"does the URL end in /simple/? try http://{index.netloc}/simple/"
    assert login(world, hint.rpartition(" ")[2], "--user", USER).returncode == 0, "the hint, followed"


@follows('say verify-url = "{}NAME/" for [[index]] {} in {}, with the name of a package that it has')
def test_an_index_that_lists_nothing_is_given_a_page_to_ask(world: World, packages: Packages) -> None:
    class Silent(PrivateIndex):
        def _page(self, path: str) -> tuple[int, str, bytes]:
            return (404, "text/plain", b"") if path == "/simple/" else super()._page(path)

    with Silent(*packages, USER, CANARY) as index:
        url = f"http://{index.netloc}/simple/"
        configure(world, url)
        hint = hint_of(login(world).stderr)
        assert f'verify-url = "{url}NAME/"' in hint
        configure(world, url, f'verify-url = "{url}corp-lib/"\n')
        assert login(world).returncode == 0, "the hint, followed"


@follows("shim login {}")
def test_the_page_of_a_package_is_recognised(world: World, index: PrivateIndex) -> None:
    result = login(world, f"http://{index.netloc}/simple/corp-lib/", "--user", USER)

    assert result.returncode == 64
    assert hint_of(result.stderr) == f"shim login http://{index.netloc}/simple/"
    assert login(world, hint_of(result.stderr).split()[2], "--user", USER).returncode == 0, "the hint, followed"


def test_a_login_for_uploads_is_verified_at_the_endpoint(world: World, packages: Packages, tmp_path: Path) -> None:
    (tmp_path / "pypiserver").mkdir()
    with pypiserver(tmp_path / "pypiserver", USER, CANARY, packages) as port:
        upload = f"http://127.0.0.1:{port}/"
        configure(world, "https://pypi.corp.example/simple/", f'publish-url = "{upload}"\n')
        wrong, right = login(world, upload, secret="wrong"), login(world, upload)

        assert wrong.returncode == 77, wrong.stderr
        assert f"{upload} answers 403 to {USER}" in wrong.stderr
        assert right.returncode == 0, right.stderr
        assert f"refuses uploads of everybody else (401) and answers {USER}" in right.stdout


def shim_at_a_terminal(world: World, *words: str) -> Terminal:
    environ = {**world.environ, "TERM": "dumb"}
    environ.pop("CI", None)
    return Terminal([str(world.prefix / "shims" / "shim"), *words], environ, str(world.cwd))


def test_a_wrong_password_may_be_typed_again_three_times_in_all(world: World, index: PrivateIndex) -> None:
    configure(world, f"http://{index.netloc}/simple/")
    with shim_at_a_terminal(world, "login", "corp", "--store", "file") as terminal:
        terminal.until("password or token of")
        for text in ("wrong", "wrong again"):
            terminal.press(text + "\n")
            terminal.until("; try again\r\npassword or token of")
        terminal.press(CANARY + "\n")
        terminal.until("stored for")
    world.shim("logout", "--all")
    with shim_at_a_terminal(world, "login", "corp", "--store", "file") as terminal:
        terminal.until("password or token of")
        for last in ("; try again\r\npassword or token of", "; try again\r\npassword or token of", "error[rejected]"):
            terminal.press("wrong\n")
            terminal.until(last)
    assert world.shim("token", "corp").returncode == 77


def test_a_machine_without_a_keyring_is_asked_where_to_keep_it(world: World, index: PrivateIndex) -> None:
    configure(world, f"http://{index.netloc}/simple/")
    with shim_at_a_terminal(world, "login", "corp") as terminal:
        said = terminal.until("Number or word ")
        assert "there is no OS keyring here. Where shall the secret be kept?" in said
        terminal.press("file\n")
        terminal.until("password or token of")
        terminal.press(CANARY + "\n")
        terminal.until("in clear, for you alone")
    assert world.shim("token", "corp").stdout == CANARY + "\n"


def test_the_configuration_says_for_good_where_to_keep_it(world: World, index: PrivateIndex) -> None:
    configure(world, f"http://{index.netloc}/simple/")
    world.config.write_text('store = ["keyring", "memory", "file"]\n' + world.config.read_text())
    stored = world.shim("login", "corp", "--password-stdin", input=CANARY)

    assert stored.returncode == 0, stored.stderr
    assert ("kernel's memory" if kernel_keyring.problem() is None else "in clear") in stored.stdout
    world.shim("logout", "--all")
    world.config.write_text(world.config.read_text().replace('"file"]', '"disk"]'))
    refused = world.shim("status")
    assert "store must be one of keyring, memory, file" in refused.stderr
    world.config.write_text(hint_of(refused.stderr).removeprefix("write ") + "\n" + world.config.read_text().split("\n", 1)[1])
    assert world.shim("status", "--offline").stderr == "", "the hint, followed"


def test_an_index_whose_source_is_a_command_says_so_before_it_asks(world: World, index: PrivateIndex) -> None:
    configure(world, f"http://{index.netloc}/simple/", 'command = { argv = ["op", "read", "x"] }\n')
    with shim_at_a_terminal(world, "login", "corp", "--store", "file") as terminal:
        said = terminal.until("password or token of")
        assert "the secret of [[index]] corp comes from command (`op`): what is stored here is not asked for it" in said
        terminal.press("\n")
        terminal.until("the secret is empty")


@follows("unlock it: log in to the desktop session, or start gnome-keyring-daemon --unlock")
@machine.endpoints(keyrings.MISSING)
def test_a_locked_keyring_is_to_be_unlocked_and_nothing_else_is_advised(world: World, index: PrivateIndex, tmp_path: Path) -> None:
    home = tmp_path / "config" / "daemon"
    home.mkdir(parents=True)
    configure(world, f"http://{index.netloc}/simple/")
    backend = {"PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
    words = ("login", "corp", "--password-stdin")
    with keyrings.keyring_daemon(home) as variables:
        assert world.shim(*words, input=CANARY, **variables, **backend).returncode == 0
    with keyrings.keyring_daemon(home, unlock=False) as variables:
        locked = world.shim(*words, input=CANARY, **variables, **backend)
    assert locked.returncode == 74
    assert hint_of(locked.stderr).startswith("unlock it: ")
    with keyrings.keyring_daemon(home) as variables:
        assert world.shim(*words, input=CANARY, **variables, **backend).returncode == 0, "the hint, followed"


@pytest.mark.parametrize("store", ["keyring", "memory", "file"])
def test_no_hint_advises_what_the_policy_forbids(store: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from shim.core.host import Host

    monkeypatch.setattr("shim.storage.kernel_store.problem", lambda host: "there is none")
    problem = find_problem(store, Policy("/etc/xdg/shim/policy.toml", allow_file_store=False), Host(world.environ, "/"))

    assert problem is not None
    assert "--store file" not in str(problem.hint)
    open_to_it = find_problem(store, Policy(), Host(world.environ, "/"))
    assert open_to_it is None if store == "file" else "--store file" in str(open_to_it and open_to_it.hint)
