"""The scenes of the demo: one real installation each, watched from all sides."""

from __future__ import annotations

import json
import os
import subprocess

from shim.cli.demo.packages import LIBRARY
from shim.cli.demo.server import PrivateIndex
from shim.cli.demo.watch import ArgvWatch, find_in_files, is_in, needles
from shim.core.dataclass import dataclass
from shim.core.platform_features import shows_processes
from shim.core.typing import Mapping

SCENE_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The throw-away world of all scenes. `shims` is the launchers' folder, which PATH lacks.

    `vault` lists the places below `folder` that are meant to hold the secret.
    """

    folder: str
    shims: str
    environ: Mapping[str, str]
    index: PrivateIndex
    username: str
    secret: str
    report: str
    vault: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """What one scene showed. `None` means: nothing to look at (a wheel has no build backend, and
    some systems show no processes).
    """

    title: str
    installed: bool
    authenticated: bool
    argv: bool | None
    build_environment: bool | None
    output: bool
    files: bool
    transcript: str

    @property
    def is_clean(self) -> bool:
        """Installed as the right user, and the secret seen nowhere."""
        is_seen = self.argv or self.build_environment or self.output or self.files
        return self.installed and self.authenticated and not is_seen


def play(stage: Stage, tool: str, package: str, *, with_shim: bool) -> Observation:
    """Install one package with the real tool and return what was seen.

    With shim, the index stands in the environment without a credential; without, the user types it
    into the URL, secret and all.
    """
    kind = "wheel" if package == LIBRARY else "sdist, private build dependency"
    name = f"{tool}-{package}-{'shim' if with_shim else 'url'}"
    place = os.path.join(stage.folder, "scenes", name)
    os.makedirs(place)
    command, environ = _typed(stage, tool, package, place, with_shim=with_shim)
    forms = needles(stage.username, stage.secret)
    open(stage.report, "wb").close()
    stage.index.requests.clear()
    with ArgvWatch(forms) as watch:
        stage.index.on_request = watch.look
        process = subprocess.Popen(
            command,
            env=environ,
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        # What the user typed stands in the launcher's own line until its first act; see
        # docs/security.md.
        try:
            output, _ = process.communicate(timeout=SCENE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
        stage.index.on_request = lambda: None
    builds = _read_report(stage.report)
    module = os.path.join(place, "installed", package.replace("-", "_") + ".py")
    return Observation(
        title=f"{tool} install, {kind}",
        installed=process.returncode == 0 and os.path.isfile(module),
        authenticated=any(user == stage.username for _, user, _ in stage.index.requests),
        argv=bool(watch.seen) if shows_processes() else None,
        build_environment=any(is_in(build, forms) for build in builds) if builds else None,
        output=is_in(output, forms),
        files=bool(find_in_files(stage.folder, forms, stage.vault)),
        transcript=output.decode(errors="replace").replace(stage.secret, "****"),
    )


def _typed(
    stage: Stage, tool: str, package: str, place: str, *, with_shim: bool
) -> tuple[list[str], dict[str, str]]:
    """Return what is typed, and its environment."""
    cache = os.path.join(place, "cache")
    environ = {**stage.environ, "PIP_CACHE_DIR": cache, "UV_CACHE_DIR": cache}
    words = ["pip", "install"] if tool == "pip" else ["uv", "pip", "install"]
    words += ["-v", "--target", os.path.join(place, "installed"), package]
    where = f"{stage.index.netloc}/simple/"
    if with_shim:
        environ["PATH"] = stage.shims + os.pathsep + environ["PATH"]
        environ["PIP_INDEX_URL" if tool == "pip" else "UV_DEFAULT_INDEX"] = f"http://{where}"
    else:
        typed = f"http://{stage.username}:{stage.secret}@{where}"
        words[-1:-1] = ["-i" if tool == "pip" else "--default-index", typed]
    return ["/usr/bin/env", *words], environ


def _read_report(path: str) -> list[bytes]:
    """Return the environment (as JSON bytes) of each build backend that ran."""
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        environments = [json.loads(line)["environ"] for line in stream]
    texts = (json.dumps(environment, ensure_ascii=False) for environment in environments)
    return [text.encode("utf-8", "surrogateescape") for text in texts]
