"""What `shim explain` says about `use-as`: what it does here, or the lines for a project's file."""

from __future__ import annotations

from shim.config.index import IndexConfig
from shim.config.settings import load_settings
from shim.core import regex as re
from shim.core.host import Host
from shim.core.model import Plan
from shim.core.urls import scope_of_index
from shim.routing.default_index import find_usage, is_eligible, is_mentioned, used_indexes, uv_order
from shim.tools import Tool

UV_LINES = '[[tool.uv.index]]\nname = "{name}"\nurl = "{url}"{default}'
POETRY_LINES = '[[tool.poetry.source]]\nname = "{name}"\nurl = "{url}"\npriority = "{priority}"'
PDM_LINES = '[[tool.pdm.source]]\nname = "{pdm_name}"\nurl = "{url}"\nverify_ssl = true'
PIPENV_LINES = '[[source]]\nname = "{name}"\nurl = "{url}"\nverify_ssl = true'
#: Tool -> the file that names its indexes, and one index in it. uv goes by the order of the tables.
PROJECT_LINES = {
    "uv": ("pyproject.toml", UV_LINES),
    "poetry": ("pyproject.toml", POETRY_LINES),
    "pdm": ("pyproject.toml", PDM_LINES),
    "pipenv": ("Pipfile", PIPENV_LINES),
}


def describe(tool: Tool, plan: Plan, host: Host) -> list[str]:
    """Return lines for people; none where nothing says `use-as`, or the command asks nobody."""
    invocation = plan.invocation
    if not invocation.touches_index or not is_mentioned(host):
        return []
    usage, used = find_usage(tool, invocation, host), used_indexes(load_settings(host))
    if not used:
        return []
    if not usage.why_not:
        return _consequence(invocation.family, used)
    lines = [f"does not count: {usage.why_not}"]
    return lines if is_eligible(invocation) else lines + _project_lines(plan, used)


def _consequence(family: str, used: tuple[IndexConfig, ...]) -> list[str]:
    """Return in which order the tool asks whom, and what comes of it."""
    pypi = [] if used[0].use_as == "default" else ["pypi.org"]
    if family == "uv":
        order = [index.name for index in uv_order(used)] + pypi
        first = "uv takes a package from the first of them that has the name"
        return [f"asks {', then '.join(order)}: {first}"]
    private = [index.name for index in used if not index.url.is_public]
    public = [index.name for index in used if index.url.is_public] + pypi
    if private and public:
        first = "pip takes the highest version, whoever put it there"
        risk = f"a higher version of a name on {private[0]} to {public[0]}: dependency confusion"
        return [
            f"asks {', '.join(private)} and {', '.join(public)} at once: {first}",
            f"anybody can upload {risk}",
            "safer is one index that passes public packages on, or uv: shim doctor --confusion",
        ]
    names = [index.name for index in used]
    if len(names) == 1:
        return [f"asks {names[0]} alone: what it has not, and does not pass on, is not found"]
    return [f"asks {' and '.join(names)}: pip takes the highest version on any of them"]


def _project_lines(plan: Plan, used: tuple[IndexConfig, ...]) -> list[str]:
    """Return the lines for the project file, of those indexes that it does not name yet."""
    tool = "uv" if plan.invocation.family == "uv" else plan.invocation.tool
    file, template = PROJECT_LINES.get(tool, ("", ""))
    named = [one.url for one in plan.endpoints.items if one.role in ("index", "extra")]
    missing = [
        index
        for index in uv_order(used)
        if not any(scope_of_index(index.url).covers(url) for url in named)
    ]
    if not template or not missing:
        return []
    last = uv_order(used)[-1] if used[0].use_as == "default" else None
    lines = [f"lines for {file}:"]
    for index in missing:
        is_default = index.use_as == "default"
        name = re.sub("[^A-Za-z0-9_-]", "-", index.name)  # which every tool takes
        text = template.format(
            name=name,
            url=index.url.text,
            default="\ndefault = true" if index is last else "",
            priority="primary" if is_default else "supplemental",
            pdm_name="pypi" if is_default else name,  # the source of that name replaces PyPI
        )
        lines += [f"  {line}" for line in text.splitlines()]
    return lines
