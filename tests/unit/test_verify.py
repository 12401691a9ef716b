"""What an index thinks of a credential, asked of real servers on loopback; and where our own requests never carry it."""

from __future__ import annotations

import base64
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from shim.core.host import Host
from shim.core.model import Credential, Route, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.net.http_client import probe
from shim.preflight import verify as verify_module
from shim.preflight.verify import VerificationFinding, VerificationRequest, verify, verify_all
from tests.support.listening import QuietServer
from tests.support.proxy import socks_leading_to
from tests.support.tls import make_authority

GOOD = "Basic " + base64.b64encode(b"alice:good").decode()
Reply = tuple[int, str | None]
"""A status, and where to redirect."""


class Server:
    """A loopback server whose `reply(path, authorization)` says what it answers; `seen` lists what it was asked."""

    def __init__(self, reply: Callable[[str, str | None], Reply]) -> None:
        self.seen: list[tuple[str, str | None]] = []
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append((self.path, self.headers.get("Authorization")))
                status, location = reply(self.path, self.headers.get("Authorization"))
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @contextmanager
    def running(self) -> Iterator[Server]:
        thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[str, str | None], Reply]], Server]]:
    with ExitStack() as stack:
        yield lambda reply: stack.enter_context(Server(reply).running())


def judge(server: Server, secret: str = "good") -> str:
    url = parse_url(f"{server.url}/simple/")
    return verify(VerificationRequest(url, Credential("alice", Secret(secret), scope_of_index(url), "test"), Route()), Host({}, "/")).verdict.kind


def only(authorization: str | None, otherwise: Reply) -> Reply:
    return (200, None) if authorization == GOOD else otherwise


@pytest.mark.parametrize(
    ("otherwise", "good", "bad"),
    [
        ((401, None), "proven", "rejected"),
        ((403, None), "proven", "rejected"),
        ((404, None), "proven", "unreachable"),
        ((500, None), "proven", "unreachable"),
    ],
)
def test_an_index_that_refuses_strangers_proves_a_credential(otherwise: Reply, good: str, bad: str, serve: Callable[..., Server]) -> None:
    server = serve(lambda _, authorization: only(authorization, otherwise))

    assert (judge(server), judge(server, "wrong")) == (good, bad)


def test_an_index_that_answers_everybody_proves_nothing_and_is_not_sent_the_credential(serve: Callable[..., Server]) -> None:
    server = serve(lambda *_: (200, None))

    assert judge(server) == "open"
    assert [authorization for _, authorization in server.seen] == [None]


def test_a_login_page_on_another_server_is_a_refusal(serve: Callable[..., Server]) -> None:
    login = serve(lambda *_: (200, None))
    server = serve(lambda _, authorization: only(authorization, (302, f"{login.url}/login")))

    assert (judge(server), judge(server, "wrong")) == ("proven", "rejected")
    assert [authorization for _, authorization in login.seen] == [None] * len(login.seen)


def test_a_login_page_on_the_same_server_is_a_refusal_where_the_credential_gets_further(serve: Callable[..., Server]) -> None:
    server = serve(lambda path, authorization: (200, None) if path == "/login" else only(authorization, (302, "/login")))

    assert judge(server) == "proven"


def test_an_open_index_that_redirects_within_itself_is_open(serve: Callable[..., Server]) -> None:
    moved = serve(lambda path, _: (200, None) if path == "/simple/v2/" else (301, "/simple/v2/"))
    aside = serve(lambda path, _: (200, None) if path == "/other/" else (301, "/other/"))

    assert (judge(moved), judge(aside)) == ("open", "open")


def test_nobody_there_is_unreachable() -> None:
    server = Server(lambda *_: (200, None))
    server.server.server_close()

    assert judge(server) == "unreachable"


def test_a_credential_does_not_follow_a_redirect_to_another_port_or_out_of_its_scope(serve: Callable[..., Server]) -> None:
    other = serve(lambda *_: (200, None))
    server = serve(lambda path, _: {"/team/simple/": (302, "/elsewhere/"), "/elsewhere/": (302, f"{other.url}/team/simple/")}[path])
    url = parse_url(f"{server.url}/team/simple/")
    outcome = probe(url, Credential("alice", Secret("good"), scope_of_index(url), "test"), Host({}, "/"))

    assert outcome.status == 200
    assert server.seen == [("/team/simple/", GOOD), ("/elsewhere/", None)]
    assert other.seen == [("/team/simple/", None)]


def test_a_server_that_drips_is_given_up_in_time() -> None:
    given_up = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            with suppress(OSError):  # when we have gone
                while not given_up.wait(0.1):
                    self.wfile.write(b"X: y\r\n")

        def log_message(self, *_: object) -> None:
            pass

    server = Server(lambda *_: (200, None))
    server.server.RequestHandlerClass = Dripping
    with server.running():
        outcome = probe(parse_url(server.url), None, Host({}, "/"), timeout_s=0.5)
        given_up.set()

        assert (outcome.status, outcome.error) == (None, "no answer in time")


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_is_found_in_the_variables_that_requests_reads(
    variable: str, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(lambda *_: (200, None))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, proxy.url)

    assert probe(parse_url("http://pypi.corp.invalid/simple/"), None, Host({}, "/")).is_success
    assert len(proxy.seen) == 1


PROXY_VARIABLES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")


@pytest.fixture
def set_proxy(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch.setenv


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["socks5h", "SOCKS5H"])
def test_a_socks_proxy_is_asked_and_looks_the_name_up(
    variable: str, scheme: str, serve: Callable[..., Server], set_proxy: Callable[[str, str], None]
) -> None:
    server = serve(lambda *_: (200, None))
    with socks_leading_to(server.server.server_port) as (proxy, asked):
        set_proxy(variable, f"{scheme}://{proxy}")
        outcome = probe(parse_url("http://pypi.corp.invalid/simple/"), None, Host({}, "/"))

    assert (outcome.status, outcome.error, asked) == (200, None, ["pypi.corp.invalid:80"])


def test_without_pysocks_we_could_not_ask_and_say_nothing_about_the_index(
    set_proxy: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "socks", None)
    set_proxy("ALL_PROXY", "socks5h://127.0.0.1:9")
    outcome = probe(parse_url("https://pypi.corp.invalid/simple/"), None, Host({}, "/"))

    assert outcome.trouble == "unknown"
    assert "PySocks" in (outcome.error or "")


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
@pytest.mark.parametrize("index", ["http", "https"])
def test_a_dead_proxy_is_named_without_its_password(scheme: str, index: str, set_proxy: Callable[[str, str], None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    set_proxy(f"{index}_proxy", f"{scheme}://me:hush@127.0.0.1:{port}")
    outcome = probe(parse_url(f"{index}://pypi.corp.invalid/simple/"), None, Host({}, "/"))

    assert outcome.trouble == "proxy"
    assert (outcome.error or "").startswith(f"the proxy {scheme}://127.0.0.1:{port} ({index}_proxy) fails: ")
    assert "hush" not in (outcome.error or "")


def test_this_machine_is_asked_without_a_proxy(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(lambda *_: (200, None))
    server = serve(lambda _, authorization: only(authorization, (401, None)))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert judge(server) == "proven"
    assert proxy.seen == []


def test_a_folder_of_certificates_is_a_ca_bundle_too(tmp_path: Path) -> None:
    from shim.net.http_client import _make_context
    from shim.net.routes import route_of_environment

    host = Host({"PIP_CERT": str(tmp_path)}, "/")
    context = _make_context(parse_url("https://pypi.corp.example/simple/"), route_of_environment(host), host)

    assert context.cert_store_stats()["x509_ca"] == 0, "an empty folder: nothing of the system's was loaded"


@pytest.mark.parametrize(
    ("url", "proxy", "are_read"),
    [
        ("https://pypi.corp.example/simple/", None, True),
        ("http://pypi.corp.example/simple/", "", False),
        ("http://pypi.corp.example/simple/", "https://proxy.corp.example", True),
        ("http://127.0.0.1/simple/", "https://proxy.corp.example", False),
    ],
)
def test_the_systems_authorities_are_read_where_tls_is_spoken(
    url: str, proxy: str | None, are_read: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shim.net.http_client import _make_context

    bundle = make_authority(tmp_path, "corp").certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    context = _make_context(parse_url(url), Route(proxy=proxy), Host({}, "/"))

    assert bool(context.cert_store_stats()["x509_ca"]) is are_read


def test_a_path_is_asked_for_as_requests_writes_it(serve: Callable[..., Server]) -> None:
    server = serve(lambda *_: (200, None))
    outcome = probe(parse_url(f"{server.url}/a b/ä%20(c)/"), None, Host({}, "/"))

    assert (outcome.status, [path for path, _ in server.seen]) == (200, ["/a%20b/%C3%A4%20(c)/"])


@pytest.mark.parametrize(("answer", "words"), [(b"", "it hangs up without an answer"), (b"SSH-2.0-x\r\n", "its answer is no HTTP")])
def test_a_server_that_speaks_no_http_is_named_so(answer: bytes, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reply() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(answer)
            connection.close()

        thread = threading.Thread(target=reply)
        thread.start()
        outcome = probe(parse_url(f"http://127.0.0.1:{listener.getsockname()[1]}/"), None, Host({}, "/"))
        thread.join()

    assert outcome.error == words


def rootless(root: int, strangers: int = 401, missing: int = 404, strangers_root: int | None = None) -> Callable[[str, str | None], Reply]:
    """Serves /simple/corp-lib/ to alice; its root, and pages that are missing, have the statuses given."""

    def reply(path: str, authorization: str | None) -> Reply:
        if authorization != GOOD:
            return (strangers_root if strangers_root and path == "/simple/" else strangers), None
        return {"/simple/": root, "/simple/corp-lib/": 200}.get(path, missing), None

    return reply


def ask(server: Server, *names: str, secret: str = "good", misses_openly: bool = False) -> tuple[VerificationFinding, VerificationFinding]:
    """What a login and a command learn."""
    url = parse_url(f"{server.url}/simple/")
    pages = tuple(parse_url(f"{server.url}/simple/{name}/") for name in names)
    credential = Credential("alice", Secret(secret), scope_of_index(url), "test")
    question = VerificationRequest(url, credential, Route(), pages=pages, misses_openly=misses_openly)
    return verify(question, Host({}, "/")), verify_all([question], Host({}, "/"), 4.0)[0]


@pytest.mark.parametrize("strangers_root", [None, 404])
@pytest.mark.parametrize(("root", "strangers"), [(404, 401), (404, 403), (404, 404), (405, 401), (410, 401), (501, 401), (403, 401)])
def test_where_an_index_lists_nothing_a_package_tells(
    root: int, strangers: int, strangers_root: int | None, serve: Callable[[Callable[[str, str | None], Reply]], Server]
) -> None:
    if root == 403 and strangers_root:
        return
    server = serve(rootless(root, strangers, strangers_root=strangers_root))
    for finding in ask(server, "requests", "corp-lib", "other"):
        assert finding.verdict.kind == "proven"
        assert finding.told_by == parse_url(f"{server.url}/simple/corp-lib/")


@pytest.mark.parametrize("names", [["requests"], ["requests", "corp-lib"]])
def test_a_wrong_secret_is_tried_at_one_package_only(names: list[str], serve: Callable[[Callable[[str, str | None], Reply]], Server]) -> None:
    server = serve(rootless(404, strangers_root=404))
    for finding in ask(server, *names, secret="wrong"):
        assert finding.verdict.kind == "rejected"
    assert [path for path, header in server.seen if header] == ["/simple/", "/simple/requests/"] * 2


def test_a_package_that_is_missing_proves_nothing_but_where_the_vendor_is_known_for_it(
    serve: Callable[[Callable[[str, str | None], Reply]], Server],
) -> None:
    server = serve(rootless(404))

    assert {finding.verdict.trouble for finding in ask(server, "requests")} == {"hidden"}
    assert {finding.verdict.kind for finding in ask(server, "requests", misses_openly=True)} == {"proven"}


def test_a_vendor_that_forbids_proves_nothing(serve: Callable[[Callable[[str, str | None], Reply]], Server]) -> None:
    server = serve(rootless(404, missing=403))

    assert {finding.verdict.kind for finding in ask(server, "requests", misses_openly=True)} == {"rejected"}


def test_a_403_that_strangers_get_as_well_is_not_tried_twice(serve: Callable[[Callable[[str, str | None], Reply]], Server]) -> None:
    server = serve(rootless(403, 403))
    for finding in ask(server, "corp-lib"):
        assert finding.verdict.kind == "rejected"
    assert {path for path, _ in server.seen} == {"/simple/"}


@pytest.mark.parametrize("name", ["corp-lib", "requests"])
def test_an_index_that_is_slow_to_list_its_packages_is_asked_for_one(
    name: str, serve: Callable[[Callable[[str, str | None], Reply]], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that stands for the public index lists a million."""
    over = threading.Event()

    def reply(path: str, authorization: str | None) -> Reply:
        if path == "/simple/":
            over.wait(20.0)
        return rootless(404)(path, authorization)

    monkeypatch.setattr(verify_module, "ROOT_S", 0.5)
    server = serve(reply)
    url = parse_url(f"{server.url}/simple/")
    question = VerificationRequest(
        url, Credential("alice", Secret("good"), scope_of_index(url), "test"), Route(), pages=(parse_url(f"{url.text}{name}/"),)
    )
    findings = verify(question, Host({}, "/")), verify_all([question], Host({}, "/"), 10.0)[0]
    over.set()

    wanted = ("proven", None) if name == "corp-lib" else ("unreachable", "endless")
    assert [(finding.verdict.kind, finding.verdict.trouble) for finding in findings] == [wanted] * 2
