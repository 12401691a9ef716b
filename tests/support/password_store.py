"""A password store of `pass` with a key of its own that has no passphrase."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What it is made with.
PROGRAMS = ("pass", "gpg")


@contextmanager
def password_store(home: Path) -> Iterator[dict[str, str]]:
    """Yield the variables that lead to an empty store below `home`."""
    (home / ".gnupg").mkdir(mode=0o700)
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", "GNUPGHOME": str(home / ".gnupg"), "PASSWORD_STORE_DIR": str(home / "store")}
    make = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "alice@corp.example", "rsa2048", "encr", "never"]
    subprocess.run(make, env=environ, check=True, capture_output=True)
    subprocess.run(["pass", "init", "alice@corp.example"], env=environ, check=True, capture_output=True)
    try:
        yield {"GNUPGHOME": environ["GNUPGHOME"], "PASSWORD_STORE_DIR": environ["PASSWORD_STORE_DIR"]}
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environ, check=False, capture_output=True)


def insert(environ: dict[str, str], name: str, text: str) -> None:
    """Put an entry of one or more lines into the store."""
    subprocess.run(["pass", "insert", "--multiline", name], env={**environ, "PATH": "/usr/bin:/bin"}, input=text.encode(), check=True, capture_output=True)
