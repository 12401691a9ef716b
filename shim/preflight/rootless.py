"""Indexes that list no packages: their own page is missing even for those whom they let in, and
only a package's page tells.

Sources: bazel-contrib/rules_python#3709 and #3826 (Google Artifact Registry says 404 at the root to
everybody); nginx without `autoindex` says 403 there to those who are logged in.
"""

from __future__ import annotations

from itertools import islice

from shim.core import regex as re
from shim.core.contextlib import suppress
from shim.core.dataclass import replace
from shim.core.files import CannotRead, read_regular
from shim.core.host import Host
from shim.core.model import Credential, Route
from shim.core.typing import Iterable, Iterator
from shim.core.urls import Url
from shim.core.verdict import VerificationResult
from shim.credentials.sources.known import misses_openly
from shim.delivery import Choice
from shim.formats.index_pages import UNLIKELY_PACKAGE, page_of_package
from shim.formats.requirements import find_names
from shim.net.routes import route_of_environment
from shim.preflight.verify import VerificationRequest, verify
from shim.storage import verification_cache

#: How many packages are asked for.
MAX_PAGES = 8
_NAME = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_INPUTS = (".txt", ".in")
_PROJECT = "pyproject.toml"


def with_packages(
    question: VerificationRequest, names: Iterable[str], host: Host
) -> VerificationRequest:
    """Return the request with the pages of packages to ask if the index has none of its own."""
    seen = verification_cache.recall("page", None, verification_cache.place_of(question.url), host)
    remembered = [seen.words] if seen and re.fullmatch(_NAME, seen.words) else []
    wanted = [*islice(dict.fromkeys((*remembered, *names)), MAX_PAGES)] or [UNLIKELY_PACKAGE]
    pages = tuple(page_of_package(question.url, name) for name in wanted)
    return replace(question, pages=pages, misses_openly=misses_openly(question.url))


def verify_login(
    url: Url, credential: Credential, host: Host, route: Route | None = None
) -> VerificationResult:
    """Return what the index at `url` thinks of the credential, and remember which page told so."""
    question = VerificationRequest(url, credential, route or route_of_environment(host))
    finding = verify(with_packages(question, (), host), host)
    remember_page(url, finding.told_by, host)
    return finding.verdict


def remember_page(index: Url, page: Url | None, host: Host) -> None:
    """Write down which package's page told what the index thinks of a credential, if one did."""
    name = page.path.rstrip("/").rpartition("/")[2] if page else ""
    if name and name != UNLIKELY_PACKAGE:
        verification_cache.remember("page", None, verification_cache.place_of(index), name, host)


def names_of_command(choice: Choice) -> Iterator[str]:
    """Yield names of packages that the command or its files may ask the indexes for."""
    case = choice.case
    yield from case.endpoints.packages
    for file in case.endpoints.files_read:
        if not file.endswith((*_INPUTS, _PROJECT)):
            continue
        with suppress(CannotRead):
            text = (read_regular(file) or b"").decode("utf-8", "replace")
            if file.endswith(_PROJECT):
                from shim.core.toml import read_toml
                from shim.formats.uv_toml import requirement_texts

                text = "\n".join(requirement_texts(read_toml(text)))
            yield from find_names(text)
