"""Where secrets could be kept or got on this machine, and whether our configuration reads."""

from __future__ import annotations

import os
from shlex import quote

from shim.cli.doctor.check import Finding
from shim.config.policy import find_left_policy
from shim.config.settings import Settings, config_files, find_left_files, load_settings
from shim.core.errors import CACHE_HINT, ShimError
from shim.core.files import exists
from shim.core.host import Host
from shim.core.platform_features import has_memory_files
from shim.core.private_folders import cache_folder
from shim.core.typing import Iterator
from shim.credentials.login_stores import MENDING, find_reason, offered
from shim.credentials.sources import agent
from shim.storage import kernel_store, os_keyring


def _check_stores(settings: Settings, host: Host) -> Iterator[Finding]:
    """Yield why `shim login` would have to be told where to keep a secret."""
    reasons = [find_reason(store, settings.policy, host) for store in settings.store]
    broken = os_keyring.find_problem()
    if broken and broken.hint:
        yield Finding("problem", "OS keyring", broken.message, broken.hint)
    elif all(reasons) and reasons[0]:
        command = MENDING[settings.store[0]]
        if others := offered(settings.policy, host):
            stores = dict.fromkeys(f'"{store}"' for store in (*settings.store, others[0]))
            command = f"write store = [{', '.join(stores)}] at the top of {config_files(host)[0]}"
        yield Finding("advice", "OS keyring", reasons[0].message, command)


def find(host: Host) -> Iterator[Finding]:
    """Yield what is missing here."""
    settings = Settings()
    try:
        settings = load_settings(host)
    except ShimError as error:
        yield Finding("problem", "config.toml", error.message, error.hint)
    for old, new in find_left_files(host) + find_left_policy():
        if exists(new):
            text = f"nothing reads it any more: its place is {new}, which is there as well"
            yield Finding("advice", old, text, f"mv {quote(old)} {quote(old + '.old')}")
    if trouble := agent.find_problem(host):
        yield Finding("problem", "agent", trouble.message, trouble.hint)
    yield from _check_stores(settings, host)
    if reason := kernel_store.problem(host):
        text = f"nothing can be kept in the kernel's memory: {reason}"
        yield Finding("advice", "kernel keyring", text)
    if not has_memory_files():
        text = "none here: pip and uv are handed a named pipe, and some tools nothing"
        yield Finding("advice", "memory files", f"{text} (docs/platforms.md)")
    folder, words = cache_folder(host)
    if folder is None:
        text = f"tokens are asked for anew in each command: {words}"
        yield Finding("advice", "token cache", text, CACHE_HINT)
    elif host.state_home and folder == os.path.join(host.state_home, "shim", "tokens"):
        text = f"tokens are on disk until they end, in {folder}: no folder here is in memory"
        yield Finding("advice", "token cache", text)
