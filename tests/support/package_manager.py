"""Starts the stand-in for Posit Package Managers of `package_manager_app.py`, in a venv with the libraries that it is made of."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.support import toolchains
from tests.support.servers import free_port, wait_for


class PackageManager:
    """One server. `answer` is what the user does in a browser."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.netloc = f"127.0.0.1:{port}"

    def answer(self, code: str, answer: str = "yes") -> None:
        """Confirm or deny the code that a device shows."""
        with urlopen(f"{self.url}/activate", urlencode({"user_code": code, "answer": answer}).encode(), timeout=30) as response:
            assert response.status == 200

    def asked(self, path: str) -> int:
        """Return how often a path was asked."""
        with urlopen(f"{self.url}/log", timeout=30) as response:
            return int(json.load(response).count(path))


@contextmanager
def package_managers(number: int, folder: str) -> Iterator[list[PackageManager]]:
    """Run that many servers in one process, each with keys and codes of its own, for the packages in `folder`."""
    tool = toolchains.program("authlib", "authlib", "flask")
    ports = [free_port() for _ in range(number)]
    command = [str(tool.python), str(Path(__file__).with_name("package_manager_app.py")), ",".join(map(str, ports)), folder]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for port in ports:
            wait_for(port)
        yield [PackageManager(port) for port in ports]
    finally:
        process.kill()
        process.wait(timeout=20)
