"""Where `shim login` can keep a secret on this machine: which stores work and are allowed, and what
to do where one does not.

What a hint offers works here, and the machine's policy allows it.
"""

from __future__ import annotations

from shim.config.policy import Policy
from shim.core.errors import StoreError
from shim.core.host import Host
from shim.storage import kernel_store, os_keyring

#: In the order in which they are offered, and what people are told of each.
STORES = {
    "keyring": "the OS keyring",
    "memory": "the kernel's memory, until --max-age (12 h) or a reboot",
    "file": "a file that only you can read, in clear",
}
#: What mends a store that does not work, if no other one can be offered.
MENDING = {
    "keyring": "install a keyring: apt install gnome-keyring (dnf install, apk add)",
    "memory": "install a keyring: apt install gnome-keyring (dnf install, apk add)",
    "file": "ask who keeps the machine's policy",
}


def find_problem(store: str, policy: Policy, host: Host) -> StoreError | None:
    """Return why a store cannot be used here, with a hint that names another; None if it can."""
    reason = find_reason(store, policy, host)
    if reason is None or reason.hint:
        return reason
    hint = hint_without(store, policy, host)
    return StoreError(f"{reason.message}: nothing was stored", hint=hint)


def hint_without(store: str, policy: Policy, host: Host) -> str:
    """Return where else a secret can be kept, or what mends the store if nowhere."""
    others = offered(policy, host, without=store)
    return (
        "; ".join(f"--store {other} keeps it in {STORES[other]}" for other in others)
        or MENDING[store]
    )


def offered(policy: Policy, host: Host, *, without: str = "") -> list[str]:
    """Return the stores that work here and are allowed."""
    return [
        store for store in STORES if store != without and find_reason(store, policy, host) is None
    ]


def find_reason(store: str, policy: Policy, host: Host) -> StoreError | None:
    """Return why a store cannot be used here; None if it can."""
    if store == "file":
        if policy.allow_file_store:
            return None
        return StoreError(f"{policy.file} forbids to keep secrets in files")
    if store == "memory":
        reason = kernel_store.problem(host)
        return StoreError(f"it cannot be kept in memory ({reason})") if reason else None
    return os_keyring.find_problem()
