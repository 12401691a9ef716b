"""`shim agent`: what a hostile client cannot get, what a hostile agent cannot do, and what a crowd cannot use up."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shim.cli import agent as command
from shim.cli.usage import Parser
from shim.config.settings import load_settings
from shim.core.dataclass import replace
from shim.core.errors import CannotListen, ShimError, SourceError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Endpoints, Origin, Secret
from shim.core.urls import parse_url, scope_of_index
from shim.credentials import agent_client
from shim.credentials.resolve import resolve
from shim.credentials.sources import Query, agent, load_source
from shim.helpers import agent_socket
from shim.helpers.agent import Agent, Client, surroundings
from shim.helpers.agent_socket import Server, check_folder
from shim.storage import saved_logins
from shim.storage.audit_log import read_entries
from tests.support.toolchains import ROOT

URL = "https://pypi.corp.example/team/simple/"
NEVER = 4102444800  # the year 2100
TOKEN = json.dumps({"password": "canary", "username": "alice", "expires": NEVER})
SELF = Client(os.geteuid(), os.getpid())


def host_agent(folder: Path, *lines: str, url: str = URL, more: str = "", **environ: str) -> Agent:
    """Return the agent of a host whose one index is at `url`; without `lines` it is marked, and a program gives its token."""
    program = folder / "give"
    program.write_text(f"#!/bin/sh\nenv >>{folder}/calls\necho '{TOKEN}'\n")
    program.chmod(0o700)
    said = lines or ("agent = true", f'command = {{ argv = ["{program}"], protocol = "json" }}')
    (folder / "config.toml").write_text(f'{more}\n[[index]]\nname = "corp"\nurl = "{url}"\n' + "\n".join(said) + "\n")
    surrounding = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "SHIM_CONFIG_FILE": str(folder / "config.toml"), **environ}
    surrounding["SHIM_CACHE_DIR"] = str(folder / "cache")
    return Agent("dev", frozenset({os.geteuid()}), surroundings(Host(surrounding, str(folder))))


def ask(served: Agent, url: object = URL, client: Client = SELF, **more: object) -> dict[str, object]:
    """Return what the agent says to a question, as data."""
    reply = json.loads(served.answer(json.dumps({"shim-agent": 1, "url": url, **more}).encode() + b"\n", client))
    assert isinstance(reply, dict)
    return reply


def calls(folder: Path) -> str:
    return (folder / "calls").read_text() if (folder / "calls").exists() else ""


def test_a_marked_index_is_answered_and_written_down_without_its_secret(tmp_path: Path) -> None:
    reply = ask(host_agent(tmp_path))

    assert reply == {
        "username": "alice",
        "secret": "canary",
        "scope": "https://pypi.corp.example/team/",
        "expires_at": float(NEVER),
        "username_is_secret": False,
    }
    (entry,) = read_entries(Host({"HOME": str(tmp_path)}, "/"))
    assert (entry["target"], entry["outcome"], entry["scope"]) == ("shim agent for dev", "answered", "https://pypi.corp.example/team/")
    assert "canary" not in repr(entry)


#: Nothing of these is the marked index: each is refused, no program is run for it, and it is written down.
ELSEWHERE = [
    "http://pypi.corp.example/team/simple/",
    "https://pypi.corp.example:8443/team/simple/",
    "https://pypi.corp.example.evil.example/team/simple/",
    "https://pypi.corp.example/teams/simple/",
    "https://pypi.corp.example/team/../other/simple/",
    "https://pypi.corp.example/team/%2e%2e/other/",
    "https://pypi.corp.example/",
    "https://upload.corp.example/legacy/",
    "https://unmarked.corp.example/simple/",
    "https://alice:pw@pypi.corp.example/team/simple/",
    "https://evil.example\\@pypi.corp.example/team/simple/",
    "file:///etc/passwd",
    "https://pypi.corp.example/team/simple/\nhttps://evil.example/",
    "",
    7,
    None,
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_client_gets_nothing_but_what_is_marked(url: object, tmp_path: Path) -> None:
    served = host_agent(tmp_path)
    config = tmp_path / "config.toml"
    more = f'publish-url = "https://upload.corp.example/legacy/"\n[[index]]\nurl = "https://unmarked.corp.example/simple/"\ncommand = {{ argv = ["{tmp_path}/give"] }}\n'
    config.write_text(config.read_text() + more)
    assert "secret" in ask(served)
    (tmp_path / "calls").unlink()
    reply = ask(served, url)

    assert "secret" not in reply
    assert calls(tmp_path) == ""
    assert "unmarked" not in repr(reply)
    entry = read_entries(served.host)[-1]
    assert entry["outcome"].startswith("refused: ")
    assert "pw" not in repr(entry)


def test_an_unmarked_index_within_a_marked_ones_scope_is_not_given(tmp_path: Path) -> None:
    wide = ("agent = true", 'scope = "https://pypi.corp.example/"', "agent-permanent = true", 'source = ["netrc"]')
    served = host_agent(tmp_path, *wide)
    (tmp_path / ".netrc").write_text("machine pypi.corp.example login __token__ password canary\n")
    other = "https://pypi.corp.example/other/simple/"
    assert "secret" in ask(served, other)
    config = tmp_path / "config.toml"
    config.write_text(config.read_text() + '[[index]]\nurl = "https://pypi.corp.example/team/simple/"\nsource = ["netrc"]\n')

    assert ask(served, other) == ask(served) == {"nothing": "the host does not share this index"}


@pytest.mark.parametrize(
    "data",
    [b"\n", b"x\n", b"[]\n", b"{}\n", b'{"shim-agent": 2, "url": "' + URL.encode() + b'"}\n', b"[" * 8000, b"\xff\n", b"1" * 8000],
    ids=["empty", "no JSON", "a list", "no version", "another version", "deep", "not UTF-8", "a long number"],
)
def test_a_question_that_is_none_is_refused(data: bytes, tmp_path: Path) -> None:
    assert "the question" in json.loads(host_agent(tmp_path).answer(data, SELF))["failed"]


def test_no_text_of_the_clients_reaches_a_program(tmp_path: Path) -> None:
    served = host_agent(tmp_path)
    reply = ask(served, URL + "$(evil)/", username="evil", argv=["evil"], env={"PATH": "/evil"})

    assert reply["secret"] == "canary"
    assert f"INDEX_URL={URL}\n" in calls(tmp_path)
    assert "evil" not in calls(tmp_path)


def test_another_user_is_refused_before_anything_is_asked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    served = host_agent(tmp_path)
    reply = ask(served, client=Client(4711, 1))

    assert reply == {"failed": "uid 4711 may not ask"}
    ask(served, client=Client(4711, 2))
    said = "shim: agent: uid 4711 asked and may not; --allow-uid 4711, beside what it was started with, lets it\n"
    assert capfd.readouterr().err == said, "once"
    assert calls(tmp_path) == ""
    assert [entry["parent"] for entry in read_entries(served.host)] == [f"process {n} of uid 4711" for n in (1, 2)]
    assert "secret" in ask(replace(served, allowed=frozenset({4711})), client=Client(4711, 1))


#: Lines of an index, and whether its secret is given away.
ENDS = {
    "a password": ('env = { password = "CORP" }', False),
    "a password, allowed": ('env = { password = "CORP" }\nagent-permanent = true', True),
    "a JWT in a variable": ('env = { password = "JWT" }', True),
    "an end that only max-age sets": ('command = { argv = ["/bin/echo", "canary"] }\nmax-age = "1h"', False),
    "a program that says the end": (f"command = {{ argv = ['/bin/echo', '{TOKEN}'], protocol = 'json' }}", True),
    "a netrc, allowed": ('source = ["netrc"]\nagent-permanent = true', True),
    "stored for a time": ('source = ["stored"]', False),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_secret_without_an_end_of_its_own_is_given_only_if_that_is_allowed(case: str, tmp_path: Path) -> None:
    lines, is_given = ENDS[case]
    jwt = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.x"
    served = host_agent(tmp_path, "agent = true", lines, CORP="canary", JWT=jwt)
    (tmp_path / ".netrc").write_text("machine pypi.corp.example login __token__ password canary\n")
    kept = Credential("__token__", Secret("canary"), scope_of_index(parse_url(URL)), "login", expires_at=float(NEVER))
    saved_logins.put(kept, served.host)
    reply = ask(served)

    assert ("secret" in reply) is is_given, reply
    if is_given:
        assert reply["scope"] == "https://pypi.corp.example/team/", "not a netrc's whole host"


def test_a_change_of_the_hosts_configuration_counts_at_once(tmp_path: Path) -> None:
    served = host_agent(tmp_path)
    config = tmp_path / "config.toml"
    assert "secret" in ask(served)
    config.write_text(config.read_text().replace("agent = true", "agent = false"))
    assert "secret" not in ask(served)
    config.write_text("broken")
    reply = ask(served)

    assert "bad-config" in str(reply["failed"])
    assert str(tmp_path) not in repr(reply), "what is wrong on the host is the host's affair"


def test_a_renewal_is_for_who_asks_for_it_and_not_too_often(tmp_path: Path) -> None:
    served = host_agent(tmp_path)
    for more in ({}, {}, {"refresh": True}, {"refresh": True}):
        assert "secret" in ask(served, **more)

    assert calls(tmp_path).count("INDEX_HOST=") == 2, "one for the cache, one renewal"


def test_an_agent_asks_no_agent(tmp_path: Path) -> None:
    served = host_agent(tmp_path, "agent = true", 'source = ["agent"]', SHIM_AGENT_SOCKET="/run/its/own.sock")

    assert ask(served) == {"nothing": "the host has no credential for it"}


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name: a socket's path has 107 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def serving(path: Path, answer: agent_socket.Answer = lambda data, _client: data) -> Iterator[Server]:
    server = Server(str(path), answer, is_shared=False)
    try:
        yield server
    finally:
        server.close()


def talk(path: Path, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        connection.sendall(data)
        return connection.recv(65536)


def test_clients_that_say_nothing_or_too_much_cannot_keep_others_out(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_socket, "CLIENT_S", 0.2)
    path = short / "agent.sock"
    before = threading.active_count()
    with serving(path, lambda data, _client: str(len(data)).encode()):
        silent = [socket.socket(socket.AF_UNIX) for _ in range(2 * agent_socket.THREADS - 1)]
        for connection in silent:
            connection.connect(str(path))

        assert talk(path, b"x\n") == b"2"
        assert int(talk(path, b"x" * 10000)) <= 2 * agent_socket.MAX_REQUEST_BYTES
        assert threading.active_count() <= before + agent_socket.THREADS
        for connection in silent:
            connection.close()
    assert threading.active_count() == before


def test_a_bug_while_answering_ends_one_connection_only(short: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def answer(data: bytes, _client: Client) -> bytes:
        return data if data == b"fine\n" else bytes(1 // 0)

    with serving(short / "agent.sock", answer):
        assert talk(short / "agent.sock", b"bad\n") == b""
        assert talk(short / "agent.sock", b"fine\n") == b"fine\n"
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_living_agents_socket_stays_and_a_dead_ones_is_replaced(short: Path) -> None:
    path = short / "agent.sock"
    with serving(path), pytest.raises(CannotListen, match="another agent listens"):
        Server(str(path), lambda data, _client: data, is_shared=False)
    assert not path.exists()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with serving(path):
        assert talk(path, b"x\n") == b"x\n"
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_socket_is_left_alone(short: Path) -> None:
    (short / "file").write_text("mine")
    (short / "link").symlink_to(short / "file")
    for name in ("file", "link"):
        with pytest.raises(CannotListen, match="no socket of yours"):
            Server(str(short / name), lambda data, _client: data, is_shared=False)
    assert (short / "file").read_text() == "mine"


def test_a_socket_that_another_one_took_is_not_taken_away_at_the_end(short: Path) -> None:
    with serving(short / "agent.sock"):
        (short / "agent.sock").unlink()
        (short / "agent.sock").write_text("another's")
    assert (short / "agent.sock").read_text() == "another's"


@pytest.mark.parametrize(
    ("mode", "is_shared", "is_fine"), [(0o700, False, True), (0o755, False, False), (0o755, True, True), (0o777, True, False)]
)
def test_a_folder_that_others_can_use_is_refused(mode: int, is_shared: bool, is_fine: bool, short: Path) -> None:
    (short / "own").mkdir()
    (short / "own").chmod(mode)
    try:
        check_folder(str(short / "own"), is_shared=is_shared)
    except CannotListen:
        assert not is_fine
    else:
        assert is_fine


def query(folder: Path, path: object, url: str = URL) -> Query:
    host = Host({"HOME": str(folder), "PATH": "/usr/bin:/bin", "SHIM_AGENT_SOCKET": str(path)}, str(folder))
    return Query(Endpoint(parse_url(url), Origin("argv", "-i")), None, host)


def credential(**changed: object) -> bytes:
    values = {"username": "u", "secret": "canary", "scope": "https://pypi.corp.example/team/", "expires_at": None, **changed}
    return json.dumps(values).encode() + b"\n"


#: What a hostile or broken agent may say -> what is said about it.
HOSTILE = {
    "nothing at all": (b"", "ended without an answer"),
    "no JSON": (b"canary\n", "is not JSON"),
    "a list": (b"[]\n", "is not an object"),
    "deep nesting": (b"[" * 60000 + b"\n", "is not JSON"),
    "a huge number": (b'{"expires_at": ' + b"9" * 60000 + b"}\n", "is not JSON"),
    "not UTF-8": (b"\xff\xfe\n", "is not JSON"),
    "endless": (b"x" * 200000, "says more than 131072 bytes"),
    "no secret": (credential(secret=""), "holds no secret"),
    "a number for a secret": (credential(secret=7), "of another kind"),
    "half a letter": (credential(secret="\ud800canary"), "of another kind"),
    "a line break": (credential(secret="canary\nmachine evil"), "control character"),
    "an end that is no time": (credential(expires_at=1e300), "an end that is no time"),
    "an end that is NaN": (credential(expires_at=float("nan")), "an end that is no time"),
    "no scope": (credential(scope="canary"), "no usable scope"),
    "a failure": (b'{"failed": "it cannot\\u001b[2J", "hint": "canary"}\n', "the host's agent says: it cannot"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_agent_is_an_error_with_a_message_and_no_more(case: str, short: Path) -> None:
    reply, words = HOSTILE[case]
    with serving(short / "agent.sock", lambda _data, _client: reply), pytest.raises(SourceError) as caught:
        load_source("agent").find(query(short, short / "agent.sock"))

    assert words in caught.value.message
    assert "canary" not in caught.value.message
    assert "canary" not in (caught.value.hint or "canary"), "a hint is ours"


@pytest.mark.parametrize("scope", ["https://other.example/", "https://pypi.corp.example/teams/", "http://pypi.corp.example/"])
def test_an_answer_for_another_place_is_none(scope: str, short: Path) -> None:
    asked = query(short, short / "agent.sock")
    with serving(short / "agent.sock", lambda _data, _client: credential(scope=scope)):
        assert load_source("agent").find(asked) is None
    assert asked.notes == [("agent", "answered for another place")]


def test_a_token_that_has_ended_is_none(short: Path) -> None:
    with serving(short / "agent.sock", lambda _data, _client: credential(expires_at=1.0)):
        asked = query(short, short / "agent.sock")
        (answer,) = resolve(Endpoints((asked.endpoint,)), load_settings(asked.host), asked.host)
    assert answer.credential is None
    assert answer.tried[0][1].startswith("its token expired")


def test_an_agent_that_hangs_is_given_up_once(short: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A listener that takes nobody: its queue answers the connection, and then nobody does."""
    monkeypatch.setattr(agent, "TIMEOUT_S", 0.2)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short / "agent.sock"))
        listener.listen(1)
        asked = query(short, short / "agent.sock")
        endpoints = Endpoints((asked.endpoint, Endpoint(parse_url("https://second.example/simple/"), Origin("argv", "-i"))))
        answers = resolve(endpoints, load_settings(asked.host), asked.host)
        listener.accept()[0].close()
        listener.settimeout(0.01)
        with pytest.raises(TimeoutError):
            listener.accept()

    assert all(answer.credential is None for answer in answers)
    assert capfd.readouterr().err.count("did not answer within 0.2 s") == 1


@pytest.mark.parametrize(
    ("path", "words"),
    [("relative.sock", "not an absolute path"), ("/nonexistent/agent.sock", "No such file"), ("/" + "x" * 200, "too long")],
)
def test_a_socket_that_is_not_there_is_named_with_what_to_do(path: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        load_source("agent").find(query(tmp_path, path))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("uid_map", "uid", "outside"),
    [
        ("         0          0 4294967295\n", 1000, 1000),
        ("         0       1000          1\n         1     100000      65536\n", 0, 1000),
        ("         0       1000          1\n         1     100000      65536\n", 1000, 100999),
        ("         0     100000      65536\n", 70000, 70000),
        ("", 7, 7),
    ],
    ids=["no namespace", "rootless, root", "rootless, a user", "not mapped", "no /proc"],
)
def test_a_user_of_a_container_is_named_by_the_hosts_number(uid_map: str, uid: int, outside: int) -> None:
    assert agent_client.number_on_host(uid, uid_map) == outside


def test_the_agent_alone_and_not_there_stops_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[[index]]\nname = "corp"\nurl = "{URL}"\nsource = ["agent"]\n')
    endpoint = Endpoints((Endpoint(parse_url(URL), Origin("argv", "-i")),))
    host = Host({"HOME": str(tmp_path), "SHIM_CONFIG_FILE": str(tmp_path / "config.toml")}, str(tmp_path))
    (answer,) = resolve(endpoint, load_settings(host), host)
    assert answer.tried == (("agent", "SHIM_AGENT_SOCKET is not set"),)
    gone = replace(host, environ={**host.environ, "SHIM_AGENT_SOCKET": "/nonexistent"})
    with pytest.raises(ShimError) as caught:
        resolve(endpoint, load_settings(gone), gone)
    assert "start `shim agent` on the host" in str(caught.value.hint)


def test_a_full_queue_is_waited_for(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More clients at once than the kernel queues: Linux refuses them, the source comes again."""
    monkeypatch.setattr(agent_socket, "QUEUE", 1)
    begin, sleep = threading.Event(), time.sleep
    monkeypatch.setattr(
        agent_client.time, "sleep", lambda seconds: (begin.set(), sleep(seconds))
    )  # nobody is answered before one was refused

    def answer(_data: bytes, _client: Client) -> bytes:
        begin.wait(20)
        return credential()

    found: list[Credential | None] = []
    with serving(short / "agent.sock", answer):
        crowd = [threading.Thread(target=lambda: found.append(agent.find(query(short, short / "agent.sock")))) for _ in range(20)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join(20)
    assert len(found) == 20
    assert all(found)


def test_doctor_finds_an_agent_that_is_gone(short: Path) -> None:
    host = query(short, short / "agent.sock").host
    with serving(short / "agent.sock"):
        assert agent.find_problem(host) is None
    problem = agent.find_problem(host)
    assert problem is not None
    assert "No such file" in problem.message
    assert agent.find_problem(Host({}, "/")) is None


GUIDE = (ROOT / "docs" / "agent.md").read_text(encoding="utf-8")


def test_the_guides_lines_are_ones_that_are_understood(tmp_path: Path) -> None:
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)):
        (tmp_path / "config.toml").write_text(block)
        (index,) = load_settings(Host({"SHIM_CONFIG_FILE": str(tmp_path / "config.toml")}, "/")).indexes
        assert (index.agent, index.agent_permanent) == (True, number == 1)
    (container,) = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL))
    assert container["containerEnv"]["SHIM_AGENT_SOCKET"] == f"{command.MOUNTED}/{command.SOCKET}"
    assert f"target={command.MOUNTED},type=bind,readonly" in container["mounts"][0]
    (line,) = re.findall(r"^ExecStart=.*/shim agent (.*)$", GUIDE, re.MULTILINE)
    parser = Parser()
    command.configure(parser)
    assert parser.parse_args(line.replace("%i", "dev").split()).name == "dev"


def test_without_an_agent_nothing_of_it_is_loaded() -> None:
    """`socket` alone would cost every command 4 ms."""
    program = """
import sys
from shim.core.host import Host
from shim.core.model import Endpoint, Origin
from shim.credentials.sources import Query, load_source
from shim.core.urls import parse_url
before = set(sys.modules)
load_source("agent").find(Query(Endpoint(parse_url("https://x.example/"), Origin("argv", "-i")), None, Host({}, "/")))
print(*sorted(set(sys.modules) - before))
"""
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert loaded.stdout.split() == ["shim.credentials.sources.agent"]


def test_a_signal_at_any_moment_ends_it() -> None:
    """Also one that comes just before the wait, which would not wake a thread that waits for a lock."""
    program = (
        "import os, random, signal\nfrom shim.cli.agent import watch_signals\nended = watch_signals(signal.SIGALRM)\n"
        "for _ in range(3000):\n    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 60e-6))\n    os.read(ended, 1)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=60)
