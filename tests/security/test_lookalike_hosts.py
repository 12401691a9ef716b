"""A host that only looks like ours gets nothing, even where two ways to spell letters in host names disagree about it.

`straße` is `strasse` by IDNA 2003, which Python's own codec implements, and a host of its own by IDNA 2008, which pip and uv ask.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import pytest

from tests.support import toolchains
from tests.support.listening import QuietServer
from tests.support.world import CANARY, USER, World

OURS = "http://strasse.example/simple/"
LOOKALIKES = ["http://straße.example/simple/", "http://xn--strae-oqa.example/simple/"]
#: pip skips hosts without https that it is not told to trust.
TRUSTED = "strasse.example straße.example xn--strae-oqa.example"
TOOLS = {"pip-23.2.1": lambda: toolchains.pip("23.2.1"), "pip-newest": lambda: toolchains.pip("newest"), "uv-newest": toolchains.uv}


class Proxy(QuietServer):
    """Stands between a tool and every host there is, answers 401, and keeps (host, Authorization header) of each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.sent: list[tuple[str | None, str | None]] = []


class ProxyHandler(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        self.server.sent.append((urlsplit(self.path).hostname, self.headers.get("Authorization")))
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="corp"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 (the name that http.server looks for)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def ask(world: World, proxy: Proxy, tool: toolchains.Tool, url: str, where: str) -> list[tuple[str | None, str | None]]:
    """Let the tool ask the index at `url`, named on the command line or by a project's requirements; return what was sent."""
    world.use(tool)
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "{OURS}"\nusername = "{USER}"\ninsecure = true\non-failure = "pass"\nenv = {{ password = "CORP" }}\n'
    )
    (world.cwd / "requirements.txt").write_text(f"--index-url {url}\ncorp-lib\n", encoding="utf-8")
    words = ["pip", "install"] if tool.name == "pip" else ["uv", "pip", "install"]
    named = {
        "argv": ["-i" if tool.name == "pip" else "--default-index", url, "corp-lib"],
        "requirements": ["-r", "requirements.txt"],
        "both spellings": ["-i" if tool.name == "pip" else "--default-index", url, "--extra-index-url", OURS, "corp-lib"],
    }[where]
    address = f"http://127.0.0.1:{proxy.server_address[1]}"
    world.environ |= {"http_proxy": address, "PIP_TRUSTED_HOST": TRUSTED, "UV_HTTP_RETRIES": "0"}
    world.run(*words, "--target", world.folder / "out", *named, CORP=CANARY)
    return proxy.sent


@pytest.mark.parametrize("channel", ["auto", "env"])
@pytest.mark.parametrize("where", ["argv", "requirements", "both spellings"])
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("url", LOOKALIKES, ids=ascii)
def test_a_host_that_is_ours_by_one_spelling_rule_only_gets_nothing(
    url: str, tool: str, where: str, channel: str, world: World, proxy: Proxy
) -> None:
    world.environ["SHIM_CHANNEL"] = channel
    sent = ask(world, proxy, TOOLS[tool](), url, where)

    assert [authorization for host, authorization in sent if host != "strasse.example" and authorization] == []


@pytest.mark.parametrize("tool", TOOLS)
def test_our_own_host_gets_the_credential_through_the_same_proxy(tool: str, world: World, proxy: Proxy) -> None:
    """Or the test above would prove nothing."""
    sent = ask(world, proxy, TOOLS[tool](), OURS, "argv")

    assert {host for host, authorization in sent if authorization} == {"strasse.example"}
