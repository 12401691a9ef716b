"""`shim explain -- pip install x`: what would happen. Nothing is started, no secret is shown."""

from __future__ import annotations

import argparse
import os
import sys

from shim.cli.answer import describe_error, write_json
from shim.cli.explain import default_index
from shim.cli.explain.stopped import plan_stopped
from shim.cli.usage import Parser, repeatable, split_command
from shim.core.errors import ShimError, UsageError
from shim.core.folding import fold_lines
from shim.core.host import Host
from shim.core.model import Credential, Plan, Resolution, Secret
from shim.core.own_launchers import find_target
from shim.core.typing import Any
from shim.formats.times import render_time
from shim.hotpath.argv_mask import mask_words
from shim.pipeline.plan import make_plan
from shim.routing.companion import place
from shim.routing.nesting import MARK
from shim.routing.planning import describe as describe_routes
from shim.tools import TOOLS, load_tool

#: Where what a line says begins, after its label.
LABEL = 11
#: Whether output is masked always -> where it is, in words.
MASKED = {True: "everywhere but on a terminal", False: "where it goes into a pipe"}
HELP = "show what a command would ask, who answers, and how it is handed over"
EXAMPLE = "shim explain -- pip install corp-lib"


def configure(parser: Parser) -> None:
    """Add the arguments of `shim explain`."""
    parser.add("--json", "the same as JSON")
    parser.add_command("the command, as you would type it")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Plan the command as a launcher would, sources and all, and print the plan."""
    path, *words = split_command(arguments, "explain", EXAMPLE)
    name, argv = os.path.basename(path), tuple(words)
    if name.partition(".")[0] not in TOOLS:
        raise UsageError(
            f"{repeatable(name)} is not wrapped", hint="wrapped are: " + ", ".join(TOOLS)
        )
    tool = load_tool(name)
    target, error = find_target(name, host), None
    try:
        plan = make_plan(tool, name, target, argv, host, ask_indexes=False)
        explanation = describe(name, plan) | {"use_as": default_index.describe(tool, plan, host)}
    except ShimError as stopped:
        error = stopped
        plan = plan_stopped(tool, name, target, argv, host)
        explanation = describe(name, plan) | describe_error(error)
    if arguments.json:
        write_json(explanation)
    else:
        sys.stdout.write(fold_lines(render(explanation), 1, LABEL))
    return error.exit_code if error else 0


def describe(name: str, plan: Plan) -> dict[str, Any]:
    """Return the plan as plain data without secrets."""
    invocation, delivery = plan.invocation, plan.delivery
    delivery = place(delivery, "http://127.0.0.1:PORT/RANDOM/simple/")
    words = [os.fsencode(word) for word in delivery.argv]
    environ = {
        key: "****" if isinstance(value, Secret) else value
        for key, value in delivery.environ.items()
        if key != MARK
    }
    return {
        "command": name,
        "target": invocation.target.path,
        "version": _dotted(invocation.target.version),
        "python": _dotted(invocation.target.python),
        "verb": " ".join(invocation.verb),
        "touches_index": invocation.touches_index,
        "reason": invocation.reason,
        "needs": [
            {
                "url": str(endpoint.url),
                "role": endpoint.role,
                "named_by": str(endpoint.origin),
                "answered_by": endpoint.provided_by,
                "public": endpoint.url.is_public,
            }
            for endpoint in plan.endpoints.items
        ],
        "answers": [_describe_answer(resolution) for resolution in plan.resolutions],
        "unknown": [*plan.endpoints.unreadable_inputs, *plan.endpoints.built],
        "routes": describe_routes(delivery.routes) if delivery.routes else [],
        "channels": [
            {"channel": channel, "url": url, "why": why} for channel, url, why in delivery.channels
        ],
        "masked": delivery.masking and MASKED[delivery.masking.always],
        "argv": [name, *(os.fsdecode(word) for word in mask_words(words))],
        "argv_changed": delivery.argv != invocation.argv,
        "environ": environ,
        "warnings": [
            *(warning.message for warning in plan.warnings),
            *delivery.warnings,
            *_passwords_in_files(plan),
        ],
    }


def _passwords_in_files(plan: Plan) -> list[str]:
    """Return where a password stands that nobody can take out: the tool reads that file itself."""
    places = {
        str(endpoint.origin): endpoint.url
        for endpoint in plan.endpoints.items
        if endpoint.inline_password is not None and endpoint.location is None
    }
    return [
        f"{where} holds a password for {url} in clear; the tool reads it from there"
        for where, url in places.items()
    ]


def _describe_answer(resolution: Resolution) -> dict[str, Any]:
    credential = resolution.credential
    return {
        "url": str(resolution.endpoint.url),
        "index": resolution.index,
        "credential": _describe_credential(credential) if credential else None,
        "tried": [{"source": source, "outcome": outcome} for source, outcome in resolution.tried],
    }


def _describe_credential(credential: Credential) -> dict[str, Any]:
    return {
        "source": credential.source,
        "username": credential.shown_username,
        "scope": str(credential.scope),
        "expires_at": render_time(credential.expires_at),
        "kept_by_tool": credential.found_by_tool,
    }


def render(explanation: dict[str, Any]) -> str:
    """Return the explanation for people."""
    release = f"(version {explanation['version']}, Python {explanation['python']})"
    lines = [
        f"{explanation['command']} {explanation['verb']}".rstrip(),
        f"  target   {explanation['target']} {release}",
        f"  index    {'yes' if explanation['touches_index'] else 'no'}: {explanation['reason']}",
    ]
    for endpoint in explanation["needs"]:
        lines.append(f"  need     {endpoint['url']}  ({endpoint['named_by']})")
        lines += [f"             {text}" for text in _explain_answer(endpoint, explanation)]
    lines += [f"  use-as   {text}" for text in explanation.get("use_as", ())]
    lines += [f"  route    {text}" for text in explanation["routes"]]
    lines += [
        f"  unknown  {text} may name more; it is read by the tool alone"
        for text in explanation["unknown"]
    ]
    lines += [
        f"  channel  {row['channel']} for {row['url']}: {row['why']}"
        for row in explanation["channels"]
    ]
    if explanation["argv_changed"]:
        lines.append("  argv     " + " ".join(explanation["argv"]))
    lines += [
        f"  set      {name}={value}" if value is not None else f"  unset    {name}"
        for name, value in explanation["environ"].items()
    ]
    if explanation["masked"]:
        lines.append(f"  output   secrets are masked {explanation['masked']}")
    if error := explanation.get("error"):
        lines.append(f"  stops    error[{error['code']}]: {error['message']}")
        lines += [f"  hint     {error['hint']}"] if error["hint"] else []
    elif not explanation["argv_changed"] and not explanation["environ"]:
        lines.append("  change   none: the tool runs exactly as typed")
    lines += [f"  warning  {text}" for text in explanation["warnings"]]
    return "\n".join(lines) + "\n"


def _explain_answer(endpoint: dict[str, Any], explanation: dict[str, Any]) -> list[str]:
    if endpoint["public"]:
        return ["public: nobody is asked"]
    if endpoint["answered_by"]:
        return [f"answered by {endpoint['answered_by']}"]
    answer = next((one for one in explanation["answers"] if one["url"] == endpoint["url"]), None)
    if answer is None:
        return []
    tried = ", ".join(f"{row['source']} ({row['outcome']})" for row in answer["tried"])
    credential = answer["credential"]
    if credential is None:
        return ["no credential" + (f"; tried: {tried}" if tried else "")]
    kept = ", which the tool reads by itself" if credential["kept_by_tool"] else ""
    who = f"{credential['source']} as {credential['username']}"
    return [f"answered by {who}, for {credential['scope']}{kept}"]


def _dotted(version: tuple[int, ...] | None) -> str:
    return ".".join(map(str, version)) if version else "unknown"
