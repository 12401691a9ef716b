"""`shim demo`: a private index on loopback, a stored credential, real installations through the
launchers, and a table.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import tempfile

from shim.cli.demo.packages import build_packages
from shim.cli.demo.scenes import Finding, Stage, play, scenes
from shim.cli.demo.server import PrivateIndex
from shim.core.errors import StoreError, TargetNotFound
from shim.core.host import Host, write_stderr

HELP = (
    "install from a private index on this machine, and show where the secret was and was not seen"
)
EXAMPLE = "shim demo"

USERNAME = "demo-user"
#: How long the package index may take to give a uv (25 MB), where the machine has none.
FETCH_TIMEOUT_S = 90.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim demo`."""
    parser.add_argument("--verbose", action="store_true", help="also show what the tools printed")


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
        stored = os.path.join(folder, "data", "shim", "stored")
        stage = Stage(
            folder,
            os.path.join(folder, "shims"),
            environ,
            index,
            USERNAME,
            secret,
            report,
            (stored, report),
        )
        _say(f"A private package index at http://{index.netloc}/simple/ that demands a password.\n")
        _login(stage, verbose=arguments.verbose)
        with_shim = [play(stage, tool, package, with_shim=True) for tool, package in scenes(tools)]
        without = [play(stage, tool, package, with_shim=False) for tool, package in scenes(tools)]
    for reason in missing:
        _say(f"Not shown: {reason}\n")
    _say(
        _table(
            "With shim: the command as anybody types it, the credential from `shim login`",
            with_shim,
        )
    )
    _say(_table("Without: the password typed into the URL", without))
    for finding in [*with_shim, *without]:
        if arguments.verbose or (finding in with_shim and not finding.is_clean):
            write_stderr(f"--- {finding.title}\n{finding.transcript}\n")
    if not tools:
        raise TargetNotFound(
            "neither pip nor uv could be found or made here",
            hint=f"install {_venv_package()} or uv, then run it again",
        )
    good = all(finding.is_clean for finding in with_shim)
    _say(
        "Everything as promised, nothing left behind.\n"
        if good
        else "NOT as promised: see above.\n"
    )
    return 0 if good else 70


def _environment(folder: str, host: Host) -> dict[str, str]:
    """Return a fresh world: nothing of the user's but the folders where programs lie."""
    own = os.path.realpath(host.shims or "/nonexistent")
    entries = [entry for entry in host.environ.get("PATH", "").split(":") if entry.startswith("/")]
    programs = [entry for entry in entries if os.path.realpath(entry) != own]
    environ = {
        "HOME": os.path.join(folder, "home"),
        "TMPDIR": os.path.join(folder, "tmp"),
        "XDG_CONFIG_HOME": os.path.join(folder, "config"),
        "XDG_DATA_HOME": os.path.join(folder, "data"),
        "XDG_STATE_HOME": os.path.join(folder, "state"),
        "XDG_RUNTIME_DIR": os.path.join(folder, "runtime"),
        "XDG_CONFIG_DIRS": os.path.join(folder, "config"),
    }
    for path in environ.values():
        os.makedirs(path, mode=0o700, exist_ok=True)
    return {
        **environ,
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
    """Make a venv with a pip and a uv of its own, and launchers for them; return the tools to show,
    and why one is missing.
    """
    from shim.install.launchers import write_launchers

    venv = os.path.join(folder, "venv")
    base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    made = subprocess.run(
        [base, "-I", "-m", "venv", venv], env=environ, capture_output=True, check=False
    )
    if made.returncode != 0:
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run(
            [base, "-I", "-m", "venv", "--without-pip", venv],
            env=environ,
            capture_output=True,
            check=False,
        )
    tools, missing = [], []
    if os.path.exists(
        os.path.join(venv, "bin", "pip")
    ):  # somebody else's would not install into our venv
        tools.append("pip")
    else:
        missing.append(f"pip: this Python cannot make one (apt install {_venv_package()})")
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
    """Install uv from the user's own package index into the throw-away venv; return whether it is
    there now.
    """
    _say("No uv on PATH: taking one from the package index, for this demo alone.\n")
    command = [
        os.path.join(venv, "bin", "python"),
        "-I",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--only-binary",
        ":all:",
        "uv",
    ]
    elsewhere = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON")
    environ = {name: value for name, value in host.environ.items() if name not in elsewhere}
    environ |= {
        "PIP_USER": "0",
        "PIP_NO_INPUT": "1",
        "PIP_RETRIES": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    try:
        subprocess.run(
            command,
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
    """Configure the index and store its credential, as a user would, in a throw-away place.

    If that fails, a `verbose` demo tries it once more and shows what happens on the way.
    """
    with open(stage.environ["SHIM_CONFIG_FILE"], "w", encoding="utf-8") as stream:
        stream.write(f'[[index]]\nname = "demo"\nurl = "http://{stage.index.netloc}/simple/"\n')
    os.chmod(stage.environ["SHIM_CONFIG_FILE"], 0o600)
    command = [
        os.path.join(stage.shims, "shim"),
        "login",
        "demo",
        "--user",
        USERNAME,
        "--password-stdin",
        "--store",
        "file",
    ]

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        environ = {**stage.environ, **more}
        return subprocess.run(
            command,
            env=environ,
            input=stage.secret,
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
    _say(
        f"$ shim login demo --user {USERNAME} --password-stdin --store"
        f" file\n{process.stderr}{process.stdout}\n"
    )


def _table(title: str, findings: list[Finding]) -> str:
    """Return a table of what was seen."""

    def seen(value: bool | None) -> str:
        return "-" if value is None else "SEEN" if value else "clean"

    width = max([len(finding.title) for finding in findings], default=0)
    lines = [title, f"  {'':<{width}}  installed  any argv  build env  output  files left"]
    lines += [
        f"  {finding.title:<{width}}  {'yes' if finding.installed else 'NO':<9} "
        f" {seen(finding.argv):<8}  {seen(finding.build_environment):<9}  {seen(finding.output):<6}"
        f"  {seen(finding.files)}"
        for finding in findings
    ]
    return "\n".join(lines) + "\n\n"


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
