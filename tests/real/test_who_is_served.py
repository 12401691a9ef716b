"""Who starts pip, and whether it is served: measured for every row of docs/served.md, by a question to a private index."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import container, machine, toolchains
from tests.support.container import Container
from tests.support.documents import read_table
from tests.support.world import CANARY, USER

PROGRAMS = ("make", "screen", "sudo", "tmux")
pytestmark = [machine.endpoints(container.MISSING), machine.endpoints(machine.lacks_programs(*PROGRAMS))]

DOCUMENT = "docs/served.md"
#: Only a launcher gets its answer: this pip asks no keyring for a URL without a user name.
PIP = "pip index versions corp-lib </dev/null"
ANSWER = "corp-lib (1.0)"


def activated(line: str) -> list[str]:
    """Return the words for a line that is typed in an interactive shell."""
    return ["bash", "-ic", line]


def on_a_screen(begin: str, type_: str, end: str) -> list[str]:
    """Return the words that type the question on a screen of another program's, wait for the answer, and end that program."""
    typed = shlex.quote(f"{PIP} >/tmp/answer 2>&1; touch /tmp/done")
    wait = "for _ in $(seq 900); do [ ! -e /tmp/done ] || break; sleep 0.1; done"
    return activated(f"{begin}; {type_.format(typed)}; {wait}; {end}; cat /tmp/answer")


FRESH_PATH = "PATH=/usr/local/bin:/usr/bin:/bin"
LAUNCHERS_PATH = FRESH_PATH.replace("=", "=/home/app/.local/share/shim/shims:/opt/shim/shims:")
#: It goes into the background before it can be spoken to.
BEGIN_SCREEN = """export SCREENDIR=/tmp/screens; mkdir -m 700 $SCREENDIR; screen -dmS probe
for _ in $(seq 300); do ! screen -ls | grep -q probe || break; sleep 0.1; done"""
#: Row of the table -> what is run as a user of the machine.
STARTS = {
    "a login shell on a terminal (`bash -l`)": ["bash", "-lic", PIP],
    "a login shell without one (`bash -lc`, an editor's)": ["bash", "-lc", PIP],
    "an interactive shell (`bash`)": ["bash", "-ic", PIP],
    "a command over ssh (`ssh HOST pip …`)": ["env", "SSH_CLIENT=192.0.2.1 50000 22", "bash", "-c", PIP],
    "a shell that is neither, begun by another program (`sh -c`)": ["sh", "-c", PIP],
    "cron and units of systemd (an environment of their own)": ["env", "-i", "HOME=/home/app", FRESH_PATH, "/bin/sh", "-c", PIP],
    "the same with the launchers' folder first in its PATH": ["env", "-i", "HOME=/home/app", LAUNCHERS_PATH, "/bin/sh", "-c", PIP],
    "`sudo pip`": activated(f"sudo -n {PIP}"),
    "`sudo -i pip`": activated(f"sudo -n -i {PIP}"),
    "in an interactive shell: a script, `env`, `timeout`": activated(f"env timeout 60 sh -c {shlex.quote(PIP)}"),
    "in an interactive shell: `make`": activated("make -sf /srv/Makefile"),
    "in an interactive shell: `xargs`": activated("echo corp-lib | xargs pip index versions"),
    "in an interactive shell: `nohup`": activated(f"nohup {PIP}"),
    "in `tmux`": on_a_screen("tmux -L probe new-session -d -s probe", "tmux -L probe send-keys -t probe {} Enter", "tmux -L probe kill-server"),
    "in `screen`": on_a_screen(BEGIN_SCREEN, "screen -S probe -X stuff {}'\n'", "screen -S probe -X quit"),
}
#: Column of the table -> how shim was installed, and by whom.
WAYS = {"`install.sh`": ("app", ""), "`install.sh --system`": ("root", "--system"), "with `--sudo`": ("root", "--system --sudo")}

SUDOERS = 'Defaults env_reset,secure_path="{}"\nALL ALL=(ALL:ALL) NOPASSWD: ALL\n@includedir /etc/sudoers.d\n'
INDEX = f'[[index]]\nname = "corp"\nurl = "http://{{}}/simple/"\nusername = "{USER}"\nfile = {{{{ password = "/run/secrets/corp" }}}}\n'


@pytest.fixture(scope="module")
def served(packages: tuple[str, dict[str, list[str]]]) -> Iterator[PrivateIndex]:
    with PrivateIndex(*packages, USER, CANARY) as index:
        yield index


@pytest.fixture(scope="module")
def machine_with(tmp_path_factory: pytest.TempPathFactory, served: PrivateIndex, wheels: Path) -> Callable[[str], Container]:
    """What makes a machine on which shim is installed in one of the ways, once for all tests here."""
    return cache(lambda way: installed(way, tmp_path_factory.mktemp("served") / "root", served, wheels))


def installed(way: str, folder: Path, served: PrivateIndex, wheels: Path) -> Container:
    """Return a machine with sudo and a private index, whose user has a home as Debian makes it."""
    made = Container(folder)
    (folder / "srv" / "wheels").mkdir(parents=True)  # the folder for tests is root's alone
    for wheel in wheels.glob("*.whl"):
        shutil.copy(wheel, folder / "srv" / "wheels")
    made.binds |= {"/mnt/shim": toolchains.ROOT, "/opt/tools/uv": toolchains.uv().path}
    made.environ |= {"LANG": "C.UTF-8", "TERM": "xterm"}
    made.write("/etc/sudoers", SUDOERS.format(made.environ["PATH"]), mode=0o440)
    (folder / "etc" / "sudoers.d").mkdir(mode=0o755)
    for service in ("sudo", "sudo-i"):
        made.write(f"/etc/pam.d/{service}", "".join(f"{kind} required pam_permit.so\n" for kind in ("auth", "account", "session")))
    made.write("/etc/pip.conf", f"[global]\nindex-url = http://{served.netloc}/simple/\nretries = 0\ndisable-pip-version-check = true\n")
    made.write("/etc/xdg/shim/config.toml", INDEX.format(served.netloc))
    made.write("/run/secrets/corp", CANARY + "\n", mode=0o444)
    made.write("/srv/Makefile", f"all:\n\t{PIP}\n")
    for name in (".bashrc", ".profile"):
        made.write(f"/home/app/{name}", Path("/etc/skel", name).read_text(), user="app")
    made.run("python3", "-m", "venv", "/opt/app").check_returncode()
    (folder / "local" / "bin").mkdir()
    (folder / "local" / "bin" / "pip").symlink_to("/opt/app/bin/pip")
    user, flags = WAYS[way]
    line = f"/mnt/shim/install.sh --wheels /srv/wheels --quiet {flags}"
    environ = {"HOME": container.HOMES[user], "SHELL": "/bin/bash", "PATH": f"{made.environ['PATH']}:/opt/tools"}
    result = made.run("sh", "-c", line, user=user, environ=environ)
    assert result.returncode == 0, result.stderr
    return made


@pytest.mark.parametrize("first", ["started by", "run by"])
def test_the_table_has_every_row_and_column(first: str) -> None:
    rows, columns = {"started by": (STARTS, WAYS), "run by": (RUNNERS, TOOLS)}[first]
    found = read_table(DOCUMENT, first)

    assert list(found) == list(rows)
    assert {tuple(cells) for cells in found.values()} == {tuple(columns)}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("way", WAYS)
def test_who_is_served(way: str, start: str, machine_with: Callable[[str], Container]) -> None:
    result = machine_with(way).run(*STARTS[start], user="app", environ={"HOME": "/home/app", "USER": "app", "SHELL": "/bin/bash"}, cwd="/tmp")

    assert ("yes" if ANSWER in result.stdout else "no") == read_table(DOCUMENT, "started by")[start][way], result.stdout + result.stderr


#: Column of the second table -> what is asked by the tool of that name in the environment.
UV = "uv pip install --dry-run --no-cache --target /tmp/lib corp-lib"
TOOLS = {
    "`pip` there": PIP,
    "`uv` there": UV,
    "`uv` there, told to ask a keyring": f"export UV_KEYRING_PROVIDER=subprocess UV_DEFAULT_INDEX=$NAMED_INDEX; {UV}",
}
ASK = """sh -c 'eval "$QUESTION"'"""
#: What tox and nox do in their environments, which have a pip of their own and get a uv.
BRING_UV = """ln -sf /opt/tools/uv "$VIRTUAL_ENV/bin/uv"; eval "$QUESTION\""""
#: Row of that table -> what is typed, in an interactive shell, in a folder that has an environment with a pip and a uv of its own.
RUNNERS = {
    "`uv run`": f"uv run {ASK}",
    "`poetry run`": f"poetry run {ASK}",
    "`hatch run`": f"hatch run {ASK}",
    "`pdm run`": f"pdm run {ASK}",
    "`pipenv run`": f"pipenv run {ASK}",
    "`tox`": "tox -qq",
    "`nox`": "nox",
    "`make`, with `.venv/bin` first on its PATH": f"PATH=$PWD/.venv/bin:$PATH {ASK}",
    "a script with `. .venv/bin/activate`": """sh -c '. .venv/bin/activate; eval "$QUESTION"'""",
}
FILES = {
    "pyproject.toml": '[project]\nname = "corp-app"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = []\n'
    '[tool.hatch.envs.default]\npath = ".venv"\nskip-install = true\n',
    "Pipfile": "",
    "tox.ini": "[tox]\nno_package = true\nenv_list = py\n[testenv]\npass_env = QUESTION, NAMED_INDEX, UV_DEFAULT_INDEX\nallowlist_externals = sh\n"
    f"commands = sh -c '{BRING_UV}'\n",
    "noxfile.py": f"import nox\n@nox.session\ndef probe(session):\n    session.run('sh', '-c', {BRING_UV!r}, external=True)\n",
}


@pytest.fixture(scope="module")
def project(machine_with: Callable[[str], Container]) -> Container:
    """The machine with a project whose environment has the newest pip and uv, and with what runs things there."""
    made = machine_with("`install.sh --system`")
    made.run("python3", "-m", "venv", "--without-pip", "/srv/project/.venv").check_returncode()
    pip = toolchains.pip("newest")
    folder = "/srv/project/.venv"
    (site,) = (pip.bin.parent / "lib").glob("python3*/site-packages")
    made.write(f"{folder}/lib/{site.parent.name}/site-packages/pip.pth", f"{site}\n")
    made.write(f"{folder}/bin/pip", f"#!{folder}/bin/python\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n", mode=0o755)
    for name in ("poetry", "hatch", "pdm", "pipenv", "tox", "nox"):
        tool = toolchains.program(name)
        made.binds[str(tool.bin.parent)] = tool.bin.parent
        (made.folder / "local" / "bin" / name).symlink_to(tool.path)
    made.binds[str(pip.bin.parent)] = pip.bin.parent
    (made.folder / "local" / "bin" / "uv").symlink_to("/opt/tools/uv")
    (made.folder / folder.lstrip("/") / "bin" / "uv").symlink_to("/opt/tools/uv")
    for name, text in FILES.items():
        made.write(f"/srv/project/{name}", text, user="app")
    made.run("chown", "-R", "app", "/srv/project").check_returncode()
    return made


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("tool", TOOLS)
def test_who_is_served_in_an_environment_with_a_pip_and_a_uv_of_its_own(tool: str, runner: str, project: Container, served: PrivateIndex) -> None:
    environ = {"HOME": "/home/app", "USER": "app", "SHELL": "/bin/bash", "QUESTION": f"command -v pip uv; {TOOLS[tool]}"}
    environ |= {"UV_DEFAULT_INDEX": f"http://{served.netloc}/simple/", "NAMED_INDEX": f"http://{USER}@{served.netloc}/simple/"}
    result = project.run(*activated(RUNNERS[runner]), user="app", environ=environ, cwd="/srv/project")
    said = result.stdout + result.stderr

    assert "bin/pip\n" in said and "/opt/shim/shims/" not in said, "no launcher serves that"
    assert ("yes" if ANSWER in said or "Would install 1 package" in said else "no") == read_table(DOCUMENT, "run by")[runner][tool], said
