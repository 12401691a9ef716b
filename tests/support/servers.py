"""Real index servers on loopback: nginx with basic auth, pypiserver, which answers a wrong password with 403, and devpi."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support import machine, toolchains
from tests.support.realms import basic

NGINX_CONFIG = """
{user}daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {folder}/access.log combined;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  types {{ text/html html; }} default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port}; root {folder}/root; autoindex on;
{locations}
  }}
}}
"""


def free_port() -> int:
    """Return a port that the system says is free now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until something listens there: at most twenty seconds."""
    for _ in range(200):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"nothing listens on port {port}")


def htpasswd(username: str, password: str) -> str:
    """Return a line that nginx and passlib understand (salted SHA-1)."""
    salt = os.urandom(4)
    return f"{username}:{{SSHA}}{base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()}\n"


@contextmanager
def nginx(
    folder: Path, realms: dict[str, tuple[str, str] | None], packages: tuple[str, dict[str, list[str]]]
) -> Iterator[tuple[int, Path]]:
    """Serve an index below each path of `realms`, for its (user, password) or for everybody; yields the port and the access log. Skips the test without nginx."""
    machine.skip_without(machine.lacks_programs("nginx"))
    locations = []
    for number, (path, who) in enumerate(realms.items()):
        base = folder / "root" / path.strip("/")
        for project, files in packages[1].items():
            (base / "simple" / project).mkdir(parents=True)
            for name in files:
                shutil.copy(os.path.join(packages[0], name), base / "simple" / project / name)
        if who:
            (folder / f"htpasswd-{number}").write_text(htpasswd(*who))
            locations.append(f'location {path} {{ auth_basic "{path}"; auth_basic_user_file {folder}/htpasswd-{number}; }}')
    port = free_port()
    user = "user root; " if os.geteuid() == 0 else ""  # a worker of another user could not enter our folders
    (folder / "nginx.conf").write_text(NGINX_CONFIG.format(user=user, folder=folder, port=port, locations="\n".join(locations)))
    process = subprocess.Popen([str(machine.find_program("nginx")), "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port, folder / "access.log"
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def pypiserver(folder: Path, username: str, password: str, packages: tuple[str, dict[str, list[str]]]) -> Iterator[int]:
    """Serve the packages to one user only; a wrong password is answered with 403. Yields the port."""
    digest = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
    (folder / "htpasswd").write_text(f"{username}:{{SHA}}{digest}\n")
    port = free_port()
    command = [sys.executable, "-m", "pypiserver", "run", "-p", str(port), "-i", "127.0.0.1", "-P", str(folder / "htpasswd")]
    command += ["-a", "update,download,list", "--disable-fallback", packages[0]]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def devpi(folder: Path, username: str, password: str) -> Iterator[str]:
    """Serve a real devpi with one user, who alone may upload to the index `private`, which everybody may read; yields its URL."""
    tool = toolchains.program("devpi-server")
    subprocess.run([tool.bin / "devpi-init", "--serverdir", folder, "--root-passwd", "r"], check=True, capture_output=True, timeout=60)
    port = free_port()
    command = [tool.path, "--serverdir", folder, "--port", str(port), "--offline-mode"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        url = f"http://127.0.0.1:{port}/{username}"
        _put(url, {"password": password})
        _put(f"{url}/private", {"type": "stage", "bases": []}, basic(username, password))
        yield f"{url}/private/"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _put(url: str, values: dict[str, object], authorization: str = "") -> None:
    headers = {"Content-Type": "application/json", **({"Authorization": authorization} if authorization else {})}
    request = urllib.request.Request(url, json.dumps(values).encode(), headers, method="PUT")
    with urllib.request.urlopen(request, timeout=20) as reply:
        reply.read()
