"""A real gnome-keyring on a private bus."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import machine

#: What is not here of it, or an empty text.
MISSING = machine.lacks_programs("dbus-daemon", "gnome-keyring-daemon")


@contextmanager
def keyring_daemon(home: Path, *, unlock: bool = True) -> Iterator[dict[str, str]]:
    """Run the daemons with their data below `home`; yields the variables that lead to them. Skips the test where they are not installed.

    Without `unlock`, an existing login keyring stays locked and nobody is there to unlock it.
    """
    machine.skip_without(MISSING)
    runtime = tempfile.mkdtemp()  # short: a socket's path has 107 letters at most
    environ = {"HOME": str(home), "XDG_RUNTIME_DIR": runtime, "PATH": os.environ["PATH"], "XDG_DATA_HOME": str(home / "data")}
    bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address=1"], stdout=subprocess.PIPE, text=True, env=environ)
    keyring: subprocess.Popen[str] | None = None
    try:
        address = bus.stdout.readline().strip()  # type: ignore[union-attr]
        environ["DBUS_SESSION_BUS_ADDRESS"] = address
        flags = ["--unlock"] if unlock else []
        keyring = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--components=secrets", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environ,
        )
        keyring.stdin.write("test-password\n" if unlock else "")  # type: ignore[union-attr]
        keyring.stdin.close()  # type: ignore[union-attr]
        _wait_for_service(environ)
        yield {"DBUS_SESSION_BUS_ADDRESS": address}
    finally:
        for process in (keyring, bus):
            if process is not None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=10)
        bus.stdout.close()  # type: ignore[union-attr]
        shutil.rmtree(runtime, ignore_errors=True)


def _wait_for_service(environ: dict[str, str]) -> None:
    """Wait until org.freedesktop.secrets has an owner: at most thirty seconds."""
    import time

    command = ["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner"]
    for _ in range(300):
        result = subprocess.run([*command, "string:org.freedesktop.secrets"], capture_output=True, text=True, env=environ, check=False)
        if "boolean true" in result.stdout:
            return
        time.sleep(0.1)
    raise RuntimeError("gnome-keyring did not come up")
