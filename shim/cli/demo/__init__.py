"""`shim demo`: a private index on loopback, a login, real installations, and a table."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import tempfile

from shim.cli.demo.packages import FROM_SOURCE, LIBRARY, build_packages
from shim.cli.demo.scenes import Observation, Stage, play
from shim.cli.demo.server import PrivateIndex
from shim.cli.usage import Parser
from shim.core.errors import StoreError, TargetNotFound
from shim.core.host import Host, write_stderr
from shim.install.launchers import base_python, write_launchers

HELP = (
    "install from a private index on this machine, and show where the secret was and was not seen"
)
EXAMPLE = "shim demo"

USERNAME = "demo-user"
#: Where `shim login` stores a secret.
STORED = "data/shim/stored"
#: How long the package index may take to give a uv (25 MB), where the machine has none.
FETCH_TIMEOUT_S = 90.0


def configure(parser: Parser) -> None:
    """Add the arguments of `shim demo`."""
    parser.add("--verbose", "also show what the tools printed")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Run the demo; return 0 only if everything with shim is as promised. Leaves nothing behind."""
    folder = tempfile.mkdtemp(prefix="shim-demo-")
    try:
        return _run(folder, arguments, host)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: str, arguments: argparse.Namespace, host: Host) -> int:
    secret = "demo-" + secrets.token_urlsafe(18)
    report = os.path.join(folder, "builds.jsonl")
    files = build_packages(os.path.join(folder, "packages"), report)
    environ = _environment(folder, host)
    with PrivateIndex(os.path.join(folder, "packages"), files, USERNAME, secret) as index:
        tools, missing = _prepare(folder, environ, host)
        scenes = [(tool, package) for tool in tools for package in (LIBRARY, FROM_SOURCE)]
        shims, vault = os.path.join(folder, "shims"), (os.path.join(folder, STORED), report)
        stage = Stage(folder, shims, environ, index, USERNAME, secret, report, vault)
        _say(f"A private package index at http://{index.netloc}/simple/ that demands a password.\n")
        _login(stage, verbose=arguments.verbose)
        with_shim = [play(stage, tool, package, with_shim=True) for tool, package in scenes]
        without = [play(stage, tool, package, with_shim=False) for tool, package in scenes]
    for reason in missing:
        _say(f"Not shown: {reason}\n")
    title = "With shim: the command as anybody types it, the credential from `shim login`"
    _say(_table(title, with_shim))
    _say(_table("Without: the password typed into the URL", without))
    for seen in [*with_shim, *without]:
        if arguments.verbose or (seen in with_shim and not seen.is_clean):
            write_stderr(f"--- {seen.title}\n{seen.transcript}\n")
    if not tools:
        raise TargetNotFound(
            "neither pip nor uv could be found or made here",
            hint=f"install {_venv_package()} or uv, then run it again",
        )
    if not all(seen.is_clean for seen in with_shim):
        _say("NOT as promised: see above.\n")
        return 70
    _say("Everything as promised, nothing left behind.\n")
    return 0


def _environment(folder: str, host: Host) -> dict[str, str]:
    """Return a fresh world: nothing of the user's but the folders where programs lie."""
    own = os.path.realpath(host.shims or "/nonexistent")
    entries = [entry for entry in host.environ.get("PATH", "").split(":") if entry.startswith("/")]
    programs = [entry for entry in entries if os.path.realpath(entry) != own]
    names = {
        "HOME": "home",
        "TMPDIR": "tmp",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "data",
        "XDG_STATE_HOME": "state",
        "XDG_RUNTIME_DIR": "runtime",
        "XDG_CONFIG_DIRS": "config",
    }
    for name in names.values():
        os.makedirs(os.path.join(folder, name), mode=0o700, exist_ok=True)
    return {
        **{variable: os.path.join(folder, name) for variable, name in names.items()},
        "PATH": ":".join([os.path.join(folder, "venv", "bin"), *programs]),
        "VIRTUAL_ENV": os.path.join(folder, "venv"),
        "SHIM_CONFIG_FILE": os.path.join(folder, "config.toml"),
        "SHIM_NO_INPUT": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1",
    }


def _prepare(folder: str, environ: dict[str, str], host: Host) -> tuple[list[str], list[str]]:
    """Make a venv with a pip and a uv; return the tools to show, and why one is missing."""
    venv = os.path.join(folder, "venv")
    for options in ([], ["--without-pip"]):
        shutil.rmtree(venv, ignore_errors=True)
        command = [base_python(), "-I", "-m", "venv", *options, venv]
        made = subprocess.run(command, env=environ, capture_output=True, check=False)
        if made.returncode == 0:
            break
    tools, missing = [], []
    # Somebody else's would not install into our venv.
    if os.path.exists(os.path.join(venv, "bin", "pip")):
        tools.append("pip")
    else:
        missing.append(
            f"pip: this Python cannot make one (apt install {_venv_package()}; elsewhere, the package of its ensurepip)"
        )
    if shutil.which("uv", path=environ["PATH"]) or ("pip" in tools and _fetch_uv(venv, host)):
        tools.append("uv")
    else:
        missing.append("uv: not on PATH, and the package index gave none (pip install uv)")
    write_launchers(os.path.join(folder, "shims"), tools)
    return tools, missing


def _venv_package() -> str:
    """Return Debian's package for the Python that runs this, which may not be its `python3`."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


def _fetch_uv(venv: str, host: Host) -> bool:
    """Install uv from the user's own package index into the venv; return whether it is there."""
    _say("No uv on PATH: taking one from the package index, for this demo alone.\n")
    python = os.path.join(venv, "bin", "python")
    words = ("-I", "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "uv")
    elsewhere = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON")
    environ = {name: value for name, value in host.environ.items() if name not in elsewhere}
    environ |= {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_RETRIES": "1"}
    environ |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    try:
        subprocess.run(
            [python, *words],
            env=environ,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=FETCH_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return os.access(os.path.join(venv, "bin", "uv"), os.X_OK)


def _login(stage: Stage, *, verbose: bool) -> None:
    """Configure the index and store its credential. A `verbose` demo shows why that fails."""
    with open(stage.environ["SHIM_CONFIG_FILE"], "w", encoding="utf-8") as stream:
        stream.write(f'[[index]]\nname = "demo"\nurl = "http://{stage.index.netloc}/simple/"\n')
    os.chmod(stage.environ["SHIM_CONFIG_FILE"], 0o600)
    words = f"login demo --user {USERNAME} --password-stdin --store file"
    command = [os.path.join(stage.shims, "shim"), *words.split()]

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        environ, given = {**stage.environ, **more}, stage.secret
        return subprocess.run(
            command,
            env=environ,
            input=given,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )

    process = run()
    if process.returncode != 0:
        if verbose:
            write_stderr(f"--- shim login\n{run(SHIM_DEBUG='1').stderr}\n")
        raise StoreError(
            f"`shim login` failed: {process.stderr.strip()}",
            hint="run `shim demo --verbose` and report what it prints",
        )
    _say(f"$ shim {words}\n{process.stderr}{process.stdout}\n")


def _table(title: str, observations: list[Observation]) -> str:
    """Return a table of what was seen."""
    words = {None: "-", True: "SEEN", False: "clean"}
    width = max([len(one.title) for one in observations], default=0)
    lines = [title, f"  {'':<{width}}  installed  any argv  build env  output  files left"]
    for one in observations:
        places = (one.argv, one.build_environment, one.output, one.files)
        argv, build, output, files = (words[is_seen] for is_seen in places)
        there = "yes" if one.installed else "NO"
        row = f"{one.title:<{width}}  {there:<9}  {argv:<8}  {build:<9}  {output:<6}  {files}"
        lines.append(f"  {row}")
    return "\n".join(lines) + "\n\n"


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
