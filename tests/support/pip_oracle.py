"""A real pip that stays alive and says, line by line, which servers it would ask: started by `Oracle` with that pip's own Python.

A question and an answer are one line of JSON each. Nothing leaves the process: pip's session has adapters that note what they are to send.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

#: What may be found to have no certificate checked.
TRUSTED = ["https://t.example/simple/x", "https://t.example:8443/simple/x", "https://t.example:443/x", "https://[::1]/x", "https://[::1]:8443/x", "https://h1.example/x"]


class Oracle:
    """The pip in the environment of `python`, asked for what it would do. `environ` is what its `${VARIABLE}`s mean."""

    def __init__(self, python: Path, environ: dict[str, str] | None = None) -> None:
        self.share = 1
        clean = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "PIP_CONFIG_FILE": os.devnull, **(environ or {})}
        self._process = subprocess.Popen(
            [str(python), "-W", "ignore", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean
        )

    def ask(self, kind: str, text: str, folder: str = "/") -> dict[str, Any]:
        """Return {"asked": [[scheme, host, port, path], ...], "trusted": [URL, ...], "error": name}."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([kind, text, folder]).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def end(self) -> None:
        """End the process, by the end of its input."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def _main() -> None:  # what follows runs under the other Python, which may be 3.9
    import logging
    from contextlib import suppress
    from optparse import Values

    from pip._internal.index import collector, package_finder
    from pip._internal.models.link import Link
    from pip._internal.models.search_scope import SearchScope
    from pip._internal.models.selection_prefs import SelectionPreferences
    from pip._internal.network.session import PipSession
    from pip._internal.req import constructors, req_file
    from pip._internal.utils import filetypes
    from pip._vendor.requests import Response
    from pip._vendor.requests.adapters import BaseAdapter
    from pip._vendor.urllib3.util import parse_url

    logging.disable(logging.CRITICAL)
    extensions = set(filetypes.ARCHIVE_EXTENSIONS)

    class Notebook(BaseAdapter):
        """Notes who would be asked, and answers with an empty file."""

        def __init__(self) -> None:
            super().__init__()
            self.asked: list[list[Any]] = []

        def send(self, request: Any, **_: Any) -> Any:
            target = parse_url(request.url)
            port = target.port or {"http": 80, "https": 443}[target.scheme]
            self.asked.append([target.scheme, target.host, port, request.path_url])
            answer = Response()
            answer.status_code, answer.url, answer._content, answer.encoding = 200, request.url, b"", "utf-8"
            answer.headers["Content-Type"] = "text/plain"
            return answer

        def close(self) -> None:
            pass

    session = PipSession()
    notebook = Notebook()
    for scheme in ("http://", "https://"):
        session.mount(scheme, notebook)
    careless = Notebook()
    session._trusted_host_adapter = careless

    def get(url: str) -> None:
        with suppress(Exception):
            session.get(url.split("#", 1)[0])

    def ask_index(text: str) -> None:
        """Do what LinkCollector does with each location of an index."""
        for place in SearchScope(find_links=[], index_urls=[text], no_index=False).get_index_urls_locations("x") if modern else old_places(text):
            if not os.path.exists(place) and not place.startswith("file:") and is_url(place):
                get(Link(place).url)

    def old_places(text: str) -> list[str]:
        return SearchScope(find_links=[], index_urls=[text]).get_index_urls_locations("x")

    def is_url(text: str) -> bool:
        return ":" in text and text.split(":", 1)[0].lower() in ("http", "https", "file", "ftp")

    def ask_requirement(requirement: Any) -> None:
        link = requirement.link if requirement.match_markers() else None
        if link is not None and not link.is_vcs and link.scheme in ("http", "https"):
            get(link.url_without_fragment)

    modern = "no_index" in SearchScope.create.__code__.co_varnames

    def read_lines(text: str, folder: str) -> None:
        os.chdir(folder)
        with open("asked.txt", "w", encoding="utf-8", errors="surrogatepass", newline="") as stream:
            stream.write(text)
        first = ["http://first.example/simple"]
        scope = SearchScope.create(find_links=[], index_urls=first, no_index=False) if modern else SearchScope.create(find_links=[], index_urls=first)
        finder = package_finder.PackageFinder.create(link_collector=collector.LinkCollector(session, scope), selection_prefs=SelectionPreferences(allow_yanked=True))
        options = Values({"require_hashes": False, "no_require_hashes": False, "features_enabled": [], "isolated_mode": False})
        wanted = [
            constructors.install_req_from_parsed_requirement(parsed)
            for parsed in req_file.parse_requirements("asked.txt", session=session, finder=finder, options=options)
        ]
        for one in wanted:  # pip asks for none of them before it has read all
            ask_requirement(one)
        for index in finder.index_urls:
            ask_index(index)
        for page in finder.find_links:
            if not os.path.exists(page) and not page.startswith("file:") and is_url(page):
                get(Link(page).url)

    def read_page(text: str, folder: str) -> None:
        url = f"file://{folder}/page.html"
        content = text.encode("utf-8", "surrogatepass")
        if hasattr(collector, "IndexContent"):
            page = collector.IndexContent(content, "text/html", None, url, cache_link_parsing=False)
        else:
            page = collector.HTMLPage(content, None, url, cache_link_parsing=False)
        for link in collector.parse_links(page):
            ext = link.splitext()[1]
            if ext in extensions and link.scheme in ("http", "https"):
                get(link.url)

    def read_requirement(text: str) -> None:
        ask_requirement(constructors.install_req_from_line(text))

    kinds = {"url": lambda text, _: get(text), "index": lambda text, _: ask_index(text), "lines": read_lines, "page": read_page, "requirement": lambda text, _: read_requirement(text)}
    start = os.getcwd()
    for line in sys.stdin.buffer:
        kind, text, folder = json.loads(line)
        notebook.asked, session.pip_trusted_origins[:] = [], []
        # Where the last question named an index that is no URL, pip would ask nothing from then on.
        session.auth.index_urls, session.auth.passwords = None, {}
        error = ""
        try:
            kinds[kind](text, folder)
        except Exception as failure:  # noqa: BLE001 (whatever stops pip)
            error = type(failure).__name__
        os.chdir(start)
        trusted = [url for url in TRUSTED if session.get_adapter(url) is careless]
        session.adapters = type(session.adapters)((prefix, adapter) for prefix, adapter in session.adapters.items() if prefix in ("http://", "https://", "file://"))
        sys.stdout.write(json.dumps({"asked": notebook.asked, "trusted": trusted, "error": error}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.path.pop(0)  # our own folder
    _main()
