"""`shim agent`: real pips and uvs in a container install with the host's keyring, and nothing of it is in the container afterwards."""

from __future__ import annotations

import configparser
import json
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from shim.cli.demo.server import PrivateIndex
from shim.cli.demo.watch import needles
from tests.support import machine, namespaces, toolchains
from tests.support.documents import blocks
from tests.support.hints import follows
from tests.support.processes import with_secret_in
from tests.support.world import CANARY, USER, World

FORMS = needles(USER, CANARY)
NOBODY = 65534

endpoints_namespaces = machine.endpoints(machine.lacks_mounts())


@dataclass
class Pair:
    """A host and a container, two worlds that share an installation and nothing else. `container` may keep no secret anywhere."""

    host: World
    container: World
    index: str
    agents: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def socket(self) -> Path:
        return self.host.folder / "runtime" / "shim" / "agent" / "dev" / "agent.sock"

    def start(self, *words: str, program: tuple[str, ...] = ("shim", "agent", "--for", "dev")) -> subprocess.Popen[str]:
        """Start the host's agent and return when it says that it serves."""
        environ = {**self.host.environ}
        agent = subprocess.Popen(
            [*program, *words],
            env=environ,
            cwd=self.host.cwd,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        self.agents.append(agent)
        assert agent.stderr is not None
        assert "agent for dev gives corp" in agent.stderr.readline()
        return agent

    def run(self, *words: object, uid: int | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container."""
        around = namespaces.inside(self.socket.parent, self.host.folder, uid)
        return self.container.run(*around, *words, SHIM_AGENT_SOCKET=f"{namespaces.MOUNTED}/agent.sock", **environ)


@pytest.fixture
def pair(prefix: Path, index: PrivateIndex, keyring_daemon: dict[str, str]) -> Iterator[Pair]:
    """The host's keyring has the canary for the index, and its configuration lends it."""
    with tempfile.TemporaryDirectory() as folder:  # a socket's path has room for 107 bytes
        (Path(folder) / "host").mkdir()
        (Path(folder) / "container").mkdir()
        made = Pair(World(Path(folder) / "host", prefix), World(Path(folder) / "container", prefix), f"http://{index.netloc}/simple/")
        made.container.vaults.clear()
        made.host.environ |= keyring_daemon
        made.host.configure(
            f'[[index]]\nname = "corp"\nurl = "{made.index}"\nusername = "{USER}"\nsource = ["keyring"]\nagent = true\nagent-permanent = true\n'
        )
        stored = made.host.shim("login", "corp", "--password-stdin", input=CANARY)
        assert stored.returncode == 0, stored.stderr
        yield made
        for agent in made.agents:
            if agent.poll() is None:
                agent.terminate()
            agent.communicate(timeout=20)
        made.host.shim("logout", "corp")


def install(pair: Pair, tool: str, **environ: str) -> subprocess.CompletedProcess[str]:
    if tool == "uv":
        pair.container.use(toolchains.uv())
        words = ["uv", "pip", "install", "--target", "out", "--default-index", pair.index, "corp-lib"]
    else:
        pair.container.use(toolchains.pip(tool))
        words = ["pip", "install", "--upgrade", "--target", "out", "-i", pair.index, "corp-lib"]
    return pair.run(*words, **environ)


@endpoints_namespaces
@pytest.mark.parametrize("tool", ["newest", "23.2.1", "uv"])
def test_a_container_installs_and_keeps_nothing(tool: str, pair: Pair, index: PrivateIndex) -> None:
    pair.start()
    environments: set[str] = set()
    index.on_request = lambda: environments.update(with_secret_in("environ", FORMS))
    for _ in range(2):  # the second time, a record could be replayed if there were one
        result = install(pair, tool)
        assert result.returncode == 0, result.stderr
        assert (pair.container.cwd / "out" / "corp_lib.py").is_file()

    assert any(user == USER and status == 200 for _, user, status in index.requests)
    assert environments == set()
    assert pair.container.leftovers() == []
    assert CANARY not in result.stdout + result.stderr
    entries = json.loads(pair.host.shim("doctor", "--audit", "--json").stdout)["entries"]
    assert [entry["outcome"] for entry in entries if entry["target"] == "shim agent for dev"] == ["answered"] * 2


def mounts_of_the_page(runtime: str) -> Iterator[tuple[str, str, str]]:
    """Yield (source, target, SHIM_AGENT_SOCKET) of each way to start a container that docs/agent.md shows."""
    (agents, start), (compose,), (editor,) = blocks("docs/agent.md", "console"), blocks("docs/agent.md", "yaml"), blocks("docs/agent.md", "json")
    commands = [agents.shown[-1].replace("…", "image"), *start.typed]
    for command in commands:
        words = shlex.split(command.replace("$XDG_RUNTIME_DIR", runtime).replace("/run/user/1000", runtime))
        mount = dict(part.partition("=")[::2] for part in words[words.index("--mount") + 1].split(","))
        yield mount["src"], mount["dst"], words[words.index("-e") + 1].partition("=")[2]
    (service,) = yaml.safe_load(compose.text)["services"].values()
    (volume,) = service["volumes"]
    yield volume["source"].replace("${XDG_RUNTIME_DIR}", runtime), volume["target"], service["environment"]["SHIM_AGENT_SOCKET"]
    settings = json.loads(editor.text)
    mount = dict(part.partition("=")[::2] for part in settings["mounts"][0].split(","))
    yield mount["source"].replace("${localEnv:XDG_RUNTIME_DIR}", runtime), mount["target"], settings["containerEnv"]["SHIM_AGENT_SOCKET"]


def test_the_page_starts_an_agent_and_mounts_what_it_serves(pair: Pair) -> None:
    """The unit's program is started as systemd would, %h and %i filled in; what it prints is what the page shows."""
    (unit,), (shown, _) = blocks("docs/agent.md", "ini"), blocks("docs/agent.md", "console")
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read_string(unit.text)
    home = pair.host.folder / "home"
    (home / ".local/share").mkdir(parents=True)
    (home / ".local/share/shim").symlink_to(pair.host.prefix)
    agent = pair.start(program=tuple(parsed["Service"]["ExecStart"].replace("%h", str(home)).replace("%i", "dev").split()))

    assert agent.stderr is not None
    assert agent.stderr.readline().rstrip("\n") == shown.shown[-1].replace("/run/user/1000", pair.host.environ["XDG_RUNTIME_DIR"])
    assert shown.typed == ["shim agent --for dev"]
    served = (str(pair.socket.parent), "/run/shim-agent", "/run/shim-agent/agent.sock")
    assert set(mounts_of_the_page(pair.host.environ["XDG_RUNTIME_DIR"])) == {served}
    assert pair.socket.exists()


@endpoints_namespaces
def test_without_an_agent_the_same_container_has_no_credential(pair: Pair) -> None:
    """That the keyring is really out of reach there."""
    pair.start().terminate()
    result = pair.run("shim", "token", pair.index)

    assert result.returncode == 77
    assert "nothing" in result.stderr or "none on this machine" in result.stderr


#: Asks as any program could, without us.
CLIENT = """
import socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    try:
        connection.connect("/mnt/agent.sock")
    except OSError as error:
        sys.exit(error.strerror)
    connection.sendall(('{"shim-agent": 1, "url": "%s"}' % sys.argv[1]).encode() + b"\\n")
    print(connection.recv(65536).decode())
"""


@endpoints_namespaces
def test_another_user_is_refused_by_the_file_and_by_the_kernels_word(pair: Pair) -> None:
    python = "/usr/bin/python3"
    agent = pair.start()
    by_mode = pair.run(python, "-c", CLIENT, pair.index, uid=NOBODY)
    agent.terminate()
    agent.communicate(timeout=20)
    pair.start("--allow-uid", "4711")
    by_number = pair.run(python, "-c", CLIENT, pair.index, uid=NOBODY)
    allowed = pair.run(python, "-c", CLIENT, pair.index, uid=4711)

    assert "Permission denied" in by_mode.stderr
    assert f"uid {NOBODY} may not ask" in by_number.stdout
    assert CANARY not in by_mode.stdout + by_number.stdout
    assert CANARY in allowed.stdout


#: The words before a command of another user, who may read all files, as this one's Python and our installation may be root's alone.
OTHER = ["setpriv", "--reuid", "4711", "--regid", "4711", "--clear-groups", "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]


@endpoints_namespaces
@follows("start `shim agent` on the host again, with --allow-uid {} as well")
def test_a_user_that_the_agent_keeps_out_is_told_which_number_lets_it_in(pair: Pair) -> None:
    for folder in (pair.container.folder, *pair.container.folder.iterdir()):
        os.chown(folder, 4711, 4711)
    pair.container.configure(f'[[index]]\nname = "corp"\nurl = "{pair.index}"\nsource = ["agent"]\n')
    agent = pair.start()
    kept_out = pair.run(*OTHER, "shim", "token", "corp")
    agent.terminate()
    agent.communicate(timeout=20)
    hint = kept_out.stderr.partition("hint: ")[2].strip()
    option = re.fullmatch(r"start `shim agent` on the host again, with (--allow-uid \d+) as well", hint)
    assert option, kept_out.stderr
    pair.start("--allow-uid", "1", *option[1].split())
    let_in = pair.run(*OTHER, "shim", "token", "corp")

    assert "(Permission denied): it does not let this container's user in, who is uid 4711 on the host" in kept_out.stderr
    assert (let_in.returncode, let_in.stdout) == (0, f"{CANARY}\n"), let_in.stderr


@endpoints_namespaces
def test_a_killed_agent_is_said_the_chain_goes_on_and_the_next_agent_serves(pair: Pair) -> None:
    agent = pair.start()
    agent.send_signal(signal.SIGKILL)
    agent.communicate(timeout=20)
    assert pair.socket.exists(), "as a crash leaves it"
    netrc = pair.container.folder / "home" / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {CANARY}\n")
    netrc.chmod(0o600)
    by_chain = install(pair, "newest")
    records = [*pair.container.folder.rglob("*.plan")]
    netrc.unlink()
    pair.container.configure(f'[[index]]\nname = "corp"\nurl = "{pair.index}"\nsource = ["agent"]\n')
    alone = install(pair, "newest")
    again = pair.start()
    served = install(pair, "newest")
    again.send_signal(signal.SIGINT)

    assert by_chain.returncode == 0, by_chain.stderr
    assert "warning[source-failed]: the host's agent cannot be reached at /mnt/agent.sock (Connection refused)" in by_chain.stderr
    assert by_chain.stderr.count("warning[source-failed]") == 1
    assert records == [], "the next command asks the agent again"
    assert alone.returncode == 69
    assert "hint: start `shim agent` on the host again" in alone.stderr
    assert served.returncode == 0, served.stderr
    assert again.wait(timeout=20) == 0
    assert not pair.socket.exists()
    assert pair.container.leftovers() == []


def test_the_end_waits_for_nobody_and_takes_a_slow_program_along(pair: Pair) -> None:
    fifo = pair.host.folder / "config" / "started"
    os.mkfifo(fifo)
    words = ["/bin/sh", "-c", f"echo $$ >{fifo}; exec sleep 100"]
    pair.host.configure(f"[[index]]\nname = 'corp'\nurl = '{pair.index}'\nagent = true\ncommand = {{ argv = {words} }}\n")
    agent = pair.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(pair.socket))
        client.sendall(f'{{"shim-agent": 1, "url": "{pair.index}"}}\n'.encode())
        started = os.open(fifo, os.O_RDWR)
        assert select.select([started], [], [], 20)[0]
        program = int(os.read(started, 64))
        os.close(started)
        agent.terminate()

        assert agent.wait(timeout=20) == 0
        assert client.recv(1) == b""
    assert not is_running(program)
    assert not pair.socket.exists()


def is_running(process: int) -> bool:
    """Whether it runs, or has ended within a second; a zombie that nobody waits for does not count."""
    for _ in range(100):
        try:
            if "\nState:\tZ" in Path(f"/proc/{process}/status").read_text():
                return False
        except FileNotFoundError:
            return False
        time.sleep(0.01)
    return True


def test_a_second_agent_for_the_same_container_is_refused(pair: Pair) -> None:
    pair.start()
    second = pair.host.shim("agent", "--for", "dev")
    assert second.returncode == 74
    assert "another agent listens at" in second.stderr
    assert pair.socket.stat().st_mode & 0o777 == 0o600
    assert pair.socket.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--for", "../evil"], 64, "letters, digits"),
        (["--allow-uid", "65534"], 64, "nobody's own"),
        (["--allow-uid", "-1"], 64, "nobody's own"),
        (["--socket", "/tmp/agent.sock"], 74, "is not a folder of yours alone"),
        (["--socket", "/proc/x/agent.sock"], 74, "cannot be made"),
        (["--socket", "s/" + "x" * 120], 74, "too long"),
    ],
)
def test_what_cannot_be_served_is_one_message(words: list[str], status: int, said: str, pair: Pair) -> None:
    result = pair.host.shim("agent", *words)

    assert result.returncode == status, result.stderr
    assert said in result.stderr
    assert "hint: " in result.stderr


def test_an_agent_without_a_marked_index_does_not_start(pair: Pair) -> None:
    pair.host.configure(pair.host.config.read_text().replace("agent = true", "agent = false"))
    result = pair.host.shim("agent")

    assert result.returncode == 78
    assert "says agent = true" in result.stderr
