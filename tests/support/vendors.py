"""Vendors' own commands, which cannot be had here: programs of their names that write down how they were called and answer like them."""

from __future__ import annotations

import os
from pathlib import Path

#: What each prints for somebody who is logged in; `{secret}` is the token.
ANSWERS = {
    "aws": '{{"authorizationToken": "{secret}", "expiration": "2100-01-01T00:00:00+00:00"}}',
    "gcloud": '{{"credential": {{"access_token": "{secret}", "id_token": "x", "token_expiry": "2100-01-01T00:00:00Z"}}}}',
    "az": '{{"accessToken": "{secret}", "expiresOn": "2100-01-01 00:00:00.000000", "expires_on": 4102444800, "tokenType": "Bearer"}}',
    "glab": "protocol=https\nhost=gitlab.com\nusername=oauth2\npassword={secret}",
    "cloudsmith": '{{"version": 1, "username": "token", "password": "{secret}"}}',
}


class Vendors:
    """A folder of vendors' commands. `calls()` returns how they were called: `aws codeartifact ... [PWD]`."""

    def __init__(self, folder: Path, secret: str, *names: str) -> None:
        self.bin = folder / "vendors"
        self.bin.mkdir()
        self._log = folder / "calls"
        (folder / "vendor-answers").mkdir(mode=0o700)
        for name in names or ANSWERS:
            answer = folder / "vendor-answers" / name
            answer.write_text(ANSWERS[name].format(secret=secret) + "\n")
            program = self.bin / name
            program.write_text(f'#!/bin/sh\necho "{name} $* [$PWD]" >>{self._log}\ncat {answer}\n')
            program.chmod(0o755)

    def log_out(self, name: str) -> None:
        """From now on the command fails, as it does for somebody who is not logged in."""
        (self.bin / name).write_text(
            f'#!/bin/sh\necho "{name} $* [$PWD]" >>{self._log}\necho "{name}: you are not logged in" >&2\nexit 254\n'
        )

    def calls(self) -> list[str]:
        """Return the calls so far."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    @property
    def path(self) -> str:
        """PATH with these commands in front."""
        return f"{self.bin}{os.pathsep}/usr/bin:/bin"
