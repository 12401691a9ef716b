"""Programs that start pips which read pip's variables: pipx, build, tox, nox, hatch, pip-compile,
pip-sync, and whatever `shim exec` runs.

Their pips are behind the redirector by these variables. What such a program hands to its pip on a
command line, and a uv that it brings along, would step around it: what says so in argv or in the
program's own files stops the command. What code makes up at run time, nobody can read.

Sources: pipx 1.18 `backends/`; build 1.6 `env.py`; tox 4.67 (`set_env`, `install_command`,
`pass_env`, tox-uv); nox 2026 (`venv_backend`); hatch 1.18 (`installer`, `hatch-test`,
`hatch-static-analysis`); pip-tools 7.6 `writer.py` (`write_index_options`).
"""

from __future__ import annotations

import re

from shim.config.settings import Settings
from shim.core.dataclass import dataclass, field
from shim.core.errors import CannotRoute
from shim.core.host import Host
from shim.core.model import Endpoints, Invocation, Target
from shim.core.typing import Iterable
from shim.core.urls import shown_url
from shim.routing.default_index import find_index_option
from shim.routing.inputs import Inputs, unread
from shim.tools.installed_version import find_release
from shim.tools.pip.settings import FileReader, PipSettings, read_settings
from shim.tools.project.own_files import NAMED_FILES, own_texts
from shim.tools.project.pipx_records import Record
from shim.tools.project.requests import pip_endpoints
from shim.tools.unreadable import Unread

#: What a pip is told about indexes, in argv, a variable, or Python.
_WAYS_AROUND = re.compile(
    r"(?<![\w])(?:(?:--)?(?:extra[-_])?index[-_]url|(?:--)?pypi[-_]url|(?:--)?find[-_]links|indexserver|--isolated"
    r"|PIP_(?:EXTRA_)?INDEX_URL|PIP_FIND_LINKS|PIP_CONFIG_FILE|PIP_ISOLATED)(?![\w])|[\"'\s]-[if](?=[\"'\s]|https?:)",
    re.IGNORECASE,
)
_UV = re.compile(
    r"(?:venv[-_]backend|installer|runner|--installer|--backend|db)\s*[=:(\s]\s*\(?[\"']?uv\b|\btox-uv\b",
    re.IGNORECASE,
)
#: hatch's commands whose environments of its own are made by uv.
_HATCH_WITH_UV = ("test", "fmt", "check")


@dataclass(frozen=True, slots=True)
class Start:
    """What a program's pips ask by themselves, names, and variables that keep it to pip."""

    own: Endpoints
    options: PipSettings
    names: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)


def find_start(invocation: Invocation, settings: Settings, host: Host) -> Start:
    """Return what the program's pips ask.

    Raises:
        CannotRoute: something tells one of them to go elsewhere, or it may start a uv of its own.
        CannotRead: nobody here can tell what a file of the program's says.
    """
    argv = invocation.argv
    if invocation.tool == "pipx":
        from shim.tools.project import pipx

        argv = pipx.own_argv(invocation)
        left = Unread()
        _refuse_records(pipx.find_records(invocation, host, left))
        for what in left.texts:
            raise unread(what)
    if said := find_index_option(argv):
        hint = (
            "leave it out, and name the indexes in PIP_INDEX_URL and PIP_EXTRA_INDEX_URL or"
            " pip.conf"
        )
        what = f"tells the pip that {invocation.tool} starts which index to ask"
        raise CannotRoute(f"{said} {what}, around shim's redirector", hint=hint)
    _refuse_uv(invocation, host)
    for path, text in own_texts(invocation, host):
        refuse_ways_around_in(text, path, host)
    if invocation.tool == "pip-compile":
        _refuse_emitting(invocation, host)
    inputs = Inputs(host, settings)
    options = read_settings(("install",), 0, Target("pip"), host, FileReader())
    inputs.read_command(options)  # what variables and pip.conf name counts for each of its pips
    for path in _requirement_files(invocation, host):
        inputs.read_file(path)
    if invocation.tool == "pipx":
        for word in argv[1:]:
            inputs.add_typed(word)
    else:
        inputs.add_said("./", host.cwd)
    environ = {"PIPX_DEFAULT_BACKEND": "pip"} if invocation.tool == "pipx" else {}
    return Start(pip_endpoints(host), options, tuple(inputs.names), environ)


def _refuse_records(records: list[Record]) -> None:
    """Stop where pipx tells its pip once more which index to ask."""
    for record in records:
        if said := find_index_option(record.arguments):
            message = f"pipx keeps {said} for {shown_url(record.wanted)} (in {record.origin.where})"
            hint = (
                "install it anew without that, and name the indexes in PIP_INDEX_URL and"
                " PIP_EXTRA_INDEX_URL or pip.conf"
            )
            raise CannotRoute(f"{message}, which would lead around shim's redirector", hint=hint)


def refuse_ways_around_in(text: str, path: str, host: Host) -> None:
    """Stop for a word in a program's own file that tells its pip about indexes."""
    if match := _WAYS_AROUND.search(text):
        line = text.count("\n", 0, match.start()) + 1
        where = path.removeprefix(host.cwd.rstrip("/") + "/")
        hint = (
            "take that out, and name the indexes in PIP_INDEX_URL and PIP_EXTRA_INDEX_URL or"
            " pip.conf"
        )
        what = f"{match[0].strip()!r}, which would lead pip around shim's redirector"
        raise CannotRoute(f"{where}:{line} says {what}", hint=hint)


def _requirement_files(invocation: Invocation, host: Host) -> Iterable[str]:
    """Return the requirements files that a program is known to hand to pip."""
    if invocation.tool in ("pip-compile", "pip-sync"):
        argv = invocation.argv
        typed = [
            word
            for number, word in enumerate(argv)
            if word.endswith((".in", ".txt")) and not _is_output(argv, number)
        ]
        default = "requirements.in" if invocation.tool == "pip-compile" else "requirements.txt"
        return [host.path(word.rpartition("=")[2]) for word in typed or [default]]
    texts = (text for _, text in own_texts(invocation, host))
    named = dict.fromkeys(match for text in texts for match in NAMED_FILES.findall(text))
    return [host.path(name) for name in named]


def _is_output(argv: tuple[str, ...], number: int) -> bool:
    before = argv[number - 1 : number]
    is_joined = argv[number].startswith(("--output-file=", "-o"))
    return is_joined or before in (("-o",), ("--output-file",))


def _refuse_emitting(invocation: Invocation, host: Host) -> None:
    """Stop a pip-compile that would write the redirector's address into its output."""
    configured = "\n".join(text for _, text in own_texts(invocation, host))
    said = re.search(r"no[-_]emit[-_]index[-_]url\s*=\s*true", configured, re.IGNORECASE)
    if not said and "--no-emit-index-url" not in invocation.argv:
        hint = (
            "add --no-emit-index-url: which index a name comes from is said in shim's config.toml"
        )
        message = "pip-compile would write the address of shim's redirector into its output as the"
        raise CannotRoute(f"{message} index", hint=hint)


def _refuse_uv(invocation: Invocation, host: Host) -> None:
    """Stop a program that installs with uv, which obeys none of pip's variables."""
    argv = invocation.argv
    texts = "\n".join((" ".join(argv), *(text for _, text in own_texts(invocation, host))))
    backends = ("PIPX_DEFAULT_BACKEND", "NOX_DEFAULT_VENV_BACKEND")
    reasons = [name for name in backends if host.environ.get(name, "").startswith("uv")]
    if invocation.tool == "tox":
        plugin = find_release(invocation.target.path, "tox_uv", host)[0]
        reasons += ["the tox-uv plugin"] if plugin is not None else []
    if invocation.tool == "hatch" and set(invocation.verb) & set(_HATCH_WITH_UV):
        reasons.append(f"hatch {invocation.verb[0]}")
    reasons += [match[0] for match in _UV.finditer(texts)]
    if reasons:
        message = f"{invocation.tool} would install with uv ({reasons[0]})"
        hint = (
            f"let {invocation.tool} install with pip for this command, or run uv itself: it has a"
            " strategy of its own"
        )
        raise CannotRoute(f"{message}, and shim's redirector is for pip", hint=hint)
