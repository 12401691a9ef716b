"""`audit = "syslog"` on both ways of a wrapped command: found out anew, and replayed."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.world import CANARY, USER, World

#: Starts `entry.py` as the launcher does, with another place for the system's log: the real one is everybody's.
START = "import sys; sys.path.insert(0, {root!r}); import shim.hotpath.system_log; shim.hotpath.system_log.SOCKET = {log!r}; from shim.entry import main; sys.exit(main())"


def test_each_installation_is_a_line_in_the_systems_log(world: World, index: PrivateIndex, watched_prefix: Path) -> None:
    world.prefix = watched_prefix
    world.use(toolchains.uv())
    world.configure(
        f'audit = "syslog"\n[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\nmax-age = "1h"\n'
    )
    secret = world.folder / "config" / "secret"
    world.config.write_text(world.config.read_text() + f'command = {{ argv = ["/bin/cat", "{secret}"] }}\n')
    secret.write_text(CANARY)
    words = ["pip", "install", "--target", str(world.folder / "out"), "--default-index", f"http://{index.netloc}/simple/", "corp-lib"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        place = str(world.folder / "log")
        log.bind(place)
        log.settimeout(20)
        launcher = world.prefix / "shims" / "uv"
        (packages,) = (world.prefix / "venv" / "lib").glob("python3*/site-packages")
        program = START.format(root=str(packages), log=place)
        target = toolchains.uv().bin / "uv"
        python = world.prefix / "venv" / "bin" / "python"
        for command in ([python, "-IS", "-c", program, packages, "uv", target, launcher, "0", *words], [launcher, *words]):
            result = world.run(*command)
            assert result.returncode == 0, result.stderr
            line = log.recv(65536).decode()
            entry = re.fullmatch(r"<86>\w{3} [ \d]\d \d\d:\d\d:\d\d shim\[\d+\]: (\{.*\})", line)
            assert entry, line
            assert (json.loads(entry[1])["scope"], json.loads(entry[1])["source"]) == (f"http://{index.netloc}/", "command")
            assert CANARY not in line
