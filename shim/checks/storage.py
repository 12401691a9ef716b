"""Where secrets could be kept or got on this machine: OS keyring, kernel memory, token cache, agent; and whether our config reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from shim.checks import Finding
from shim.errors import ShimError
from shim.host import Host
from shim.policy import NO_POLICY
from shim.settings import load_settings
from shim.sources import agent
from shim.store import keys, memory
from shim.store.folders import cache_folder
from shim.store.places import find_problem


def find(host: Host) -> Iterator[Finding]:
    """Yield what is missing here."""
    policy = NO_POLICY
    try:
        policy = load_settings(host).policy
    except ShimError as error:
        yield Finding("problem", "config.toml", error.message, error.hint)
    if trouble := agent.find_problem(host):
        yield Finding("problem", "agent", trouble.message, trouble.hint)
    reason = memory.problem(host)
    if problem := find_problem("keyring", policy, host):
        broken = keys.find_problem()
        level: Literal["problem", "advice"] = "problem" if broken and broken.hint else "advice"
        yield Finding(level, "OS keyring", problem.message.partition(":")[0], problem.hint)
    if reason:
        yield Finding("advice", "kernel keyring", f"nothing can be kept in the kernel's memory: {reason}")
    folder, words = cache_folder(host)
    if folder is None:
        yield Finding(
            "advice",
            "token cache",
            f"tokens are asked for anew in each command: {words}",
            "set SHIM_CACHE_DIR to an absolute folder of mode 0700",
        )
