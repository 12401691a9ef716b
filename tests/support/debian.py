"""A small Debian of this machine's release, made once by debootstrap and kept in .cache/: what container images begin with."""

from __future__ import annotations

import os
import platform
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from filelock import FileLock

from tests.support import container, machine, toolchains

CACHE = toolchains.ROOT / ".cache" / "engines"
#: What an image of Debian's with Python has.
PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
#: What no image needs: devices, and what apt downloads anew.
SPARE = ("./dev/", "./var/cache/apt/archives/", "./var/lib/apt/lists/")
#: Where an image has the wheels of a test, and its index of them.
WHEELS, PAGES = "/srv/wheels", "/srv/simple"


@cache
def lacks_debian() -> str:
    """Return why no Debian can be made here, or an empty text."""
    lack = machine.lacks_mounts() or machine.lacks_programs("debootstrap")
    if lack or _release().get("ID") == "debian":
        return lack
    return "the images are of this machine's Debian, which it is not: run it on Debian"


def archive() -> Path:
    """Return the root file system as a tar file, made by whichever test process comes first."""
    CACHE.mkdir(parents=True, exist_ok=True)
    made = CACHE / f"debian-{_release()['VERSION_CODENAME']}-{'-'.join(PACKAGES)}.tar"
    with FileLock(f"{made}.lock"), tempfile.TemporaryDirectory(prefix=f"{os.getpid()}-debian-", dir=CACHE) as folder:
        if not made.exists():
            root = Path(folder, "root")
            words = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", _release()["VERSION_CODENAME"], root, *_mirror()]
            # In a mount namespace of its own: what it mounts in there is gone when it ends, however that is.
            around = ["unshare", "--mount", "--propagation", "private"]
            made_root = subprocess.run([*around, *words], capture_output=True, text=True, check=False, timeout=900, env=_environ())
            assert made_root.returncode == 0, f"debootstrap: {made_root.stdout[-2000:]}{made_root.stderr[-2000:]}"
            Path(root, "etc/apt/apt.conf.d/99as-outside").write_text(_trust())
            with tarfile.open(Path(folder, "root.tar"), "w") as tar:
                tar.add(root, ".", filter=lambda member: None if member.name.startswith(SPARE) else member)
            Path(folder, "root.tar").rename(made)
    return made


def with_wheels(wheels: Path, folder: Path) -> Path:
    """Return a copy of the archive, in `folder`, in which pip's index is this folder of wheels: an image has no other way to a package."""
    made = folder / "root.tar"
    made.write_bytes(archive().read_bytes())
    (folder / "pip.conf").write_text(f"[global]\nindex-url = file://{PAGES}\n")
    with tarfile.open(made, "a") as tar:
        tar.add(folder / "pip.conf", "./etc/pip.conf")
        for wheel in sorted(wheels.glob("*.whl")):
            tar.add(wheel, f".{WHEELS}/{wheel.name}")
        for project, page in container.simple_pages(wheels, WHEELS).items():
            (folder / "index.html").write_text(page)
            tar.add(folder / "index.html", f".{PAGES}/{project}/index.html")
    return made


@cache
def _release() -> dict[str, str]:
    return platform.freedesktop_os_release()


def _mirror() -> list[str]:
    """Return where this machine's apt has Debian from, if it says."""
    words = ["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Release: {_release()['VERSION_CODENAME']}", "Created-By: Packages"]
    found = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
    return found[:1]


def _trust() -> str:
    """Return what this machine's apt is told about the age of lists: a mirror that stands still has old ones."""
    names = [f"Acquire::Check-{name}" for name in ("Valid-Until", "Date")]
    words = ["apt-config", "dump", "--format", '%f "%v";%n', *names]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def _environ() -> dict[str, str]:
    return {**os.environ, "PATH": machine.SYSTEM_PATH, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
