"""`sudo pip`: with the real sudo, which gives a PATH of its own, in a root of their own with users of their own."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import container, machine, toolchains
from tests.support.container import Container
from tests.support.hints import follows
from tests.support.world import CANARY, USER

pytestmark = [machine.endpoints(container.MISSING), machine.endpoints(machine.lacks_programs("sudo")), pytest.mark.long]

#: Debian's, and one who may do everything.
SUDOERS = """\
Defaults env_reset
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
app ALL=(ALL:ALL) NOPASSWD: ALL
@includedir /etc/sudoers.d
"""
DROP_IN = "etc/sudoers.d/zz-shim"
SCRIPT = "/mnt/shim/install.sh --wheels /mnt/wheels --system"


@pytest.fixture(scope="module")
def served(packages: tuple[str, dict[str, list[str]]]) -> Iterator[PrivateIndex]:
    with PrivateIndex(*packages, USER, CANARY) as index:
        yield index


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, served: PrivateIndex, wheels: Path) -> Container:
    """A machine with sudo, a private index in its configuration, and shim installed for all."""
    made = Container(tmp_path_factory.mktemp("sudo") / "root")
    made.binds |= {"/mnt/wheels": wheels, "/mnt/shim": toolchains.ROOT, "/opt/tools/uv": toolchains.uv().path}
    made.write("/etc/sudoers", SUDOERS, mode=0o440)
    (made.folder / "etc" / "sudoers.d").mkdir(mode=0o755)
    made.write("/etc/pam.d/sudo", "".join(f"{kind} required pam_permit.so\n" for kind in ("auth", "account", "session")))
    made.write("/run/secrets/corp", CANARY + "\n", mode=0o600)
    made.write(
        "/etc/xdg/shim/config.toml",
        f'[[index]]\nname = "corp"\nurl = "http://{served.netloc}/simple/"\nusername = "{USER}"\nuse-as = "default"\n'
        'file = { password = "/run/secrets/corp" }\n',
    )
    made.run("python3", "-m", "venv", "/opt/app").check_returncode()
    (made.folder / "local" / "bin").mkdir()
    (made.folder / "local" / "bin" / "pip").symlink_to("/opt/app/bin/pip")
    as_root(made, SCRIPT).check_returncode()
    made.environ["PATH"] = f"/opt/shim/shims:/opt/shim/faces:{made.environ['PATH']}"
    return made


def as_root(made: Container, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line as root, with a uv on PATH, by which install.sh takes a second."""
    return made.run("sh", "-c", line, environ={"HOME": "/root", "PATH": f"{made.environ['PATH']}:/opt/tools"})


def by_sudo(made: Container, line: str) -> subprocess.CompletedProcess[str]:
    return made.run("sudo", "-n", "sh", "-c", line, user="app")


def advice(made: Container, user: str) -> str | None:
    """Return what `shim doctor` says to do about sudo."""
    found = json.loads(made.run("shim", "doctor", "--offline", "--json", user=user).stdout)["findings"]
    return next((str(one["command"]) for one in found if one["where"] == "sudo"), None)


@follows("{} --system --sudo, as root")
def test_sudo_pip_is_served_once_the_advice_is_followed_and_never_after_the_end(shared: Container) -> None:
    before = by_sudo(shared, "command -v pip").stdout
    advised = {user: advice(shared, user) for user in ("root", "app")}
    command = str(advised["root"]).removesuffix(", as root")
    followed = as_root(shared, command)
    after = by_sudo(shared, "command -v pip; pip install --quiet --target /tmp/lib corp-lib && ls /tmp/lib/corp_lib.py")
    text = (shared.folder / DROP_IN).read_text()
    mode = (shared.folder / DROP_IN).stat().st_mode & 0o777
    checked = as_root(shared, "/usr/sbin/visudo -c")
    settled = {user: advice(shared, user) for user in ("root", "app")}
    again = as_root(shared, f"{SCRIPT} --quiet")
    kept = (shared.folder / DROP_IN).read_text()
    removed = as_root(shared, f"{SCRIPT} --uninstall")
    ended = by_sudo(shared, "command -v pip").stdout
    sudoers = (shared.folder / "etc" / "sudoers").read_text()
    as_root(shared, SCRIPT).check_returncode()

    assert before == ended == "/usr/local/bin/pip\n"
    assert advised["app"] == advised["root"]
    assert re.fullmatch(r"sh /mnt/shim/install.sh --prefix /opt/shim --wheels /mnt/wheels --force --system --sudo", command)
    assert followed.returncode == 0, followed.stderr
    assert after.stdout == "/opt/shim/shims/pip\n/tmp/lib/corp_lib.py\n", after.stderr
    assert 'secure_path="/opt/shim/shims:/opt/shim/faces:/usr/local/sbin:/usr/local/bin:' in text
    assert mode == 0o440
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert settled == {"root": None, "app": None}
    assert again.returncode == 0, again.stderr
    assert kept == text, "an upgrade keeps it as it is"
    assert "removed /etc/sudoers.d/zz-shim" in removed.stdout
    assert not (shared.folder / DROP_IN).exists()
    assert sudoers == SUDOERS


def test_who_wrote_secure_path_by_hand_is_left_alone(shared: Container) -> None:
    ours = SUDOERS.replace('secure_path="', 'secure_path="/opt/shim/shims:')
    shared.write("/etc/sudoers", ours, mode=0o440)
    said = advice(shared, "root")
    shared.write("/etc/sudoers", SUDOERS, mode=0o440)

    assert said is None


@pytest.mark.parametrize(
    ("change", "flags", "said"),
    [
        ("", "--sudo --prefix /home/app/shim", "others than root can write to /home/app"),
        ("echo 'what is this' >>/etc/sudoers", "--sudo", "sudo's own files have a mistake"),
        ("echo mine >/etc/sudoers.d/zz-shim", "--sudo", "/etc/sudoers.d/zz-shim is not ours"),
        ("sed -i /includedir/d /etc/sudoers", "--sudo", "sudo does not take /etc/sudoers.d/zz-shim, which is gone again"),
        ("sed -i /^root/d /etc/sudoers", "--sudo", "sudo lets root run no command"),
    ],
)
def test_what_sudo_would_not_take_is_said_and_sudo_goes_on_as_before(change: str, flags: str, said: str, shared: Container) -> None:
    if change:
        as_root(shared, change).check_returncode()
    before = {path.name: path.read_text() for path in (shared.folder / "etc/sudoers.d").iterdir()}
    result = as_root(shared, f"{SCRIPT} {flags}")
    after = {path.name: path.read_text() for path in (shared.folder / "etc/sudoers.d").iterdir()}
    shared.write("/etc/sudoers", SUDOERS, mode=0o440)
    (shared.folder / DROP_IN).unlink(missing_ok=True)

    assert result.returncode == 1
    assert f"install.sh: {said}" in result.stderr
    assert "hint: " in result.stderr
    assert after == before


def test_a_sudo_that_keeps_its_callers_path_needs_nothing(shared: Container) -> None:
    shared.write("/etc/sudoers", "".join(line for line in SUDOERS.splitlines(True) if "secure_path" not in line) + "Defaults !secure_path\n", mode=0o440)
    result = as_root(shared, f"{SCRIPT} --sudo")
    shared.write("/etc/sudoers", SUDOERS, mode=0o440)

    assert result.returncode == 0, result.stderr
    assert "sudo keeps the PATH of its caller here" in result.stdout
    assert not (shared.folder / DROP_IN).exists()


def test_the_flag_belongs_to_a_machine(shared: Container) -> None:
    result = as_root(shared, "/mnt/shim/install.sh --sudo")

    assert (result.returncode, result.stderr) == (1, "install.sh: --sudo belongs to --system\nhint: ./install.sh --system --sudo\n")
