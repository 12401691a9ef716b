"""Whose argv or environment holds a secret right now."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal

from shim.cli.demo.watch import is_in


def with_secret_in(what: Literal["cmdline", "environ"], forms: Iterable[bytes]) -> set[str]:
    """Return the program names of all processes but this one whose `/proc/PID/cmdline` or `/proc/PID/environ` holds a form of it.

    The kernel shows the environment that a process was started with.
    """
    found = set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/{what}", "rb") as stream:
                if is_in(stream.read(), forms):
                    with open(f"/proc/{entry}/comm") as name:
                        found.add(name.read().strip())
        except OSError:
            continue
    return found
