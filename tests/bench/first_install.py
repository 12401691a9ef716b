"""`python -m tests.bench.first_install`: from nothing to the first private package, in commands and seconds.

With and without a team's file, with and without a private authority, without a terminal; install.sh from this checkout, its dependencies
from a folder of wheels, all servers on loopback. Whole commands as docs/team.md has them, each in a new shell.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from shim.cli.demo.packages import build_packages
from tests.support import toolchains
from tests.support.first_install import BLOCKS, TOKEN_USER, Organisation, organisation, prepare
from tests.support.tls import make_authority
from tests.support.world import World

INSTALL = f"{toolchains.ROOT}/install.sh --quiet"
LOGIN, USE = BLOCKS["headless"][1:]


@dataclass(frozen=True)
class Way:
    """One way to the package: `has_uv` on PATH, `has_team` a file to take over, `has_authority` of one's own."""

    has_team: bool
    has_authority: bool
    has_uv: bool

    def commands(self, place: Organisation) -> list[str]:
        """Return what is typed."""
        if self.has_team:
            return [place.fill(line.replace("pip-uv-shim/install.sh --quiet", INSTALL)) for line in BLOCKS["headless"]]
        scheme, bundle = ("https", f" --ca-bundle {place.authority.certificate}") if place.authority else ("http", "")
        setup = f"shim setup {scheme}://{place.index.netloc}/simple/ --name corp --user {TOKEN_USER} --use-as default --yes{bundle}"
        return [INSTALL, setup, LOGIN, place.fill(USE)]


def play(way: Way, folder: Path, wheels: Path) -> tuple[list[float], float]:
    """Return the seconds of each command, and those that the processors worked. Raises RuntimeError for one that fails."""
    folder.mkdir()
    world = World(folder, folder)
    tools = [toolchains.pip("newest").bin, *([toolchains.uv().bin] if way.has_uv else [])]
    prepare(world, wheels, *tools)
    authority = make_authority(folder, "corp") if way.has_authority else None
    packages = (str(folder / "packages"), {})
    (folder / "packages").mkdir()
    packages[1].update(build_packages(packages[0], str(folder / "report")))
    times, worked_s = list[float](), _worked_s()
    with organisation(packages, authority) as place:
        for number, command in enumerate(way.commands(place)):
            start = time.monotonic()
            # pip has the folder of wheels for install.sh alone.
            links = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)} if number == 0 else {}
            result = world.run("bash", "-ic" if number else "-c", command, timeout=600, **links)
            times.append(time.monotonic() - start)
            if result.returncode:
                raise RuntimeError(f"{command}\n{result.stdout}{result.stderr}")
    if not (world.cwd / "lib" / "corp_lib.py").exists():
        raise RuntimeError("nothing was installed")
    return times, _worked_s() - worked_s


def _worked_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Play each way and print a table."""
    print("| | private authority | uv on PATH | commands | seconds | of that install.sh | processor |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="shim-first-") as name:
        wheels = Path(name, "wheels")
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "-w", str(wheels), f"{toolchains.ROOT}[ci,toml,socks]", "flit_core"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        ways = [Way(team, authority, uv) for uv in (True, False) for team in (True, False) for authority in (False, True)]
        for number, way in enumerate(ways):
            times, worked_s = play(way, Path(name, str(number)), wheels)
            words = ["a team's file" if way.has_team else "by hand", *("yes" if said else "no" for said in (way.has_authority, way.has_uv))]
            print(f"| {' | '.join(words)} | {len(times)} | {sum(times):.1f} | {times[0]:.1f} | {worked_s:.1f} |", flush=True)


if __name__ == "__main__":
    main()
