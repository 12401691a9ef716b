"""A small Debian of its own, made in no time: a folder with this machine's /usr in it, in a mount namespace that ends with the command.

Not docker, but what matters here is the same: a root filesystem with nothing of ours in it, users of its own, no HOME but what is
said, no D-Bus, no kernel of another machine. The network is this machine's, so that an index on 127.0.0.1 can be reached.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import machine

#: Why there can be none here, or an empty text.
MISSING = machine.lacks_mounts() or (
    ""
    if Path("/usr/lib", Path("/usr/bin/python3").resolve().name, "ensurepip").is_dir()
    else "/usr/bin/python3 cannot make a venv: apt install python3-venv"
)
#: What Debian's own pip opens as soon as it starts, whatever it is asked.
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"

#: Name -> number of the users.
USERS = {"root": 0, "app": 1000, "vscode": 1001}
HOMES = {"root": "/root", "app": "/home/app", "vscode": "/home/vscode"}
#: A number without a name, as `docker run --user 12345` and OpenShift have it.
STRANGER = 12345

#: What /etc/profile is on Debian (base-files 12.4): it throws away the PATH that the image set.
PROFILE = """\
if [ "$(id -u)" -eq 0 ]; then
  PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
else
  PATH="/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
fi
export PATH
if [ "${PS1-}" ]; then
  if [ "${BASH-}" ] && [ "$BASH" != "/bin/sh" ]; then
    if [ -f /etc/bash.bashrc ]; then
      . /etc/bash.bashrc
    fi
  fi
fi
if [ -d /etc/profile.d ]; then
  for i in /etc/profile.d/*.sh; do
    if [ -r $i ]; then
      . $i
    fi
  done
  unset i
fi
"""

#: Mounts everything below $1, then becomes the command.
SCRIPT = """\
set -e
root=$1 user=$2; shift 2
bind() { mount --bind "$1" "$root$2"; [ "$3" = rw ] || mount -o remount,bind,ro "$root$2"; }
mount --bind "$root" "$root"
bind /usr /usr ro
bind "$root/local" /usr/local rw
mount --rbind /proc "$root/proc"
for device in null zero full random urandom tty; do mount --bind "/dev/$device" "$root/dev/$device"; done
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
@MOUNTS@
exec chroot --userspec="$user:$user" --groups="$user" "$root" /usr/bin/env -i "$@"
"""


@dataclass
class Container:
    """One container. `environ` is what its image sets; `binds` are read-only: path inside -> path of this machine."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    binds: dict[str, Path] = field(default_factory=dict)
    has_shared_memory: bool = True

    def __post_init__(self) -> None:
        if "PATH" not in self.environ:
            self.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        root = self.folder
        for name in ("usr", "local", "proc", "dev/shm", "dev/pts", "etc/profile.d", "opt", "tmp", "var", "run", "mnt"):
            (root / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            if Path("/", name).is_symlink():
                (root / name).symlink_to(f"usr/{name}")
        for name in ("null", "zero", "full", "random", "urandom", "tty"):
            (root / "dev" / name).touch()
        for name, place in {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "ptmx": "pts/ptmx"}.items():
            (root / "dev" / name).symlink_to(place)
        (root / "etc" / "passwd").write_text("".join(f"{name}:x:{uid}:{uid}::{HOMES[name]}:/bin/bash\n" for name, uid in USERS.items()))
        (root / "etc" / "group").write_text("".join(f"{name}:x:{uid}:\n" for name, uid in USERS.items()))
        (root / "etc" / "profile").write_text(PROFILE)
        (root / "etc" / "bash.bashrc").write_text("# what Debian says here\n")
        if Path(AUTHORITIES).exists():
            self.write(AUTHORITIES, Path(AUTHORITIES).read_text())
        for name, uid in USERS.items():
            (root / HOMES[name].lstrip("/")).mkdir(parents=True)
            os.chown(root / HOMES[name].lstrip("/"), uid, uid)

    def write(self, path: str, text: str, *, user: str = "root", mode: int = 0o644) -> Path:
        """Write a file inside."""
        place = self.folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
        os.chown(place, USERS[user], USERS[user])
        return place

    def offer(self, wheels: Path) -> None:
        """Make these wheels the container's package index, as the machine's own pip configuration names one."""
        for project, page in simple_pages(wheels, "/mnt/wheels").items():
            self.write(f"/srv/simple/{project}/index.html", page)
        self.write("/etc/pip.conf", "[global]\nindex-url = file:///srv/simple\n")
        self.binds["/mnt/wheels"] = wheels

    def run(
        self,
        *command: str,
        user: str = "root",
        cwd: str = "/",
        environ: Mapping[str, str] | None = None,
        read_only: Sequence[str] = (),
        binds: Mapping[str, Path] | None = None,
        input: str | None = None,
        timeout: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside as one of USERS, or as STRANGER; the environment is the image's and `environ`, without HOME unless one of them has it.

        `read_only` names folders (`/` for all but /tmp and /dev/shm); `binds` are mounted for this command alone.
        """
        binds = {**self.binds, **(binds or {})}
        mounts = [f"bind {_quote(path)} {_quote(inside)} ro" for inside, path in binds.items()]
        for inside, path in binds.items():
            place = self.folder / inside.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.mkdir(exist_ok=True) if path.is_dir() else place.touch()
        if self.has_shared_memory:
            mounts.append('mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"')
        else:
            (self.folder / "dev" / "shm").chmod(0o555)
        for folder in read_only:
            place = '"$root"' if folder == "/" else f'"$root"{_quote(folder)}'
            mounts.append(
                f"mount -o remount,bind,ro {place}" if folder == "/" else f"mount --bind {place} {place}; mount -o remount,bind,ro {place}"
            )
            if folder == "/":
                mounts.append('mount -o remount,bind,ro "$root/usr/local"')
        words = ["-C", cwd, *(f"{name}={value}" for name, value in {**self.environ, **(environ or {})}.items())]
        script = SCRIPT.replace("@MOUNTS@", "\n".join(mounts))
        unshare = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            script,
            "sh",
            str(self.folder),
            str(USERS.get(user, STRANGER)),
        ]
        stdin = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run([*unshare, *words, *command], capture_output=True, text=True, check=False, timeout=timeout, cwd="/", **stdin)


def simple_pages(wheels: Path, place: str) -> dict[str, str]:
    """Return project -> its page in an index of these wheels, which lie at `place` there."""
    links: dict[str, str] = {}
    for wheel in sorted(wheels.glob("*.whl")):
        project = wheel.name.partition("-")[0].lower().replace("_", "-").replace(".", "-")
        links[project] = links.get(project, "<!DOCTYPE html>") + f'<a href="{place}/{wheel.name}">{wheel.name}</a>\n'
    return links


def _quote(text: object) -> str:
    return "'" + str(text).replace("'", "'\\''") + "'"
