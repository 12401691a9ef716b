"""What nobody here has read of a command's inputs: the one place that takes note of it, and so
decides what it means.

Whatever a reader could not read, find, parse or count may name any server. A command with such an
input gets no netrc, and each private index has to be proven where pip could turn to another. What
may also hold settings that make the tool careless (a requirements file can turn off the check of
certificates) is `careless`: `unsafe_setting` stops a credential that would go that way. Silence is
no answer: where a reader leaves something out, it says so here.

What a local project depends on is another matter where its own code says that (`setup.py`,
`dynamic`, a source archive). It names no index, so nothing could stand in for a private one. And
that code runs as the user and can open a memory file as well as a variable: a netrc keeps from it
what `env`, the channel of last resort, would give it. So a netrc is taken, unless the project's
files mention another place on the credential's host.
"""

from __future__ import annotations

from shim.core.contextlib import contextmanager
from shim.core.dataclass import dataclass, field
from shim.core.files import CannotRead, LeftToCode
from shim.core.model import Endpoint, Endpoints, Origin
from shim.core.typing import Any, Iterable, Iterator
from shim.core.urls import names_web, shown_url


@dataclass(slots=True)
class Unread:
    """Collects what may name any server, in words: `what` it is, and why nobody has read it."""

    texts: dict[str, None] = field(default_factory=dict)
    built: dict[str, None] = field(default_factory=dict)
    careless: dict[str, None] = field(default_factory=dict)

    def note(self, what: str, why: str = "", *, careless: bool = False) -> None:
        """Take note of an input, such as `line 3 of more.txt`; `why` goes on after `it`."""
        text = f"{what} (it {why})" if why else what
        self.texts[text] = None
        if careless:
            self.careless[text] = None

    @contextmanager
    def guard(self, what: str, *, careless: bool = False) -> Iterator[None]:
        """Take note of `what` if reading it turns out not to be possible."""
        try:
            yield
        except LeftToCode as error:
            self.built[f"{what} (it {error.why})"] = None
        except CannotRead as error:
            self.note(what, error.why, careless=careless)

    def note_url(self, text: str, origin: Origin) -> None:
        """Take note of a text that is no URL to us, if some tool may take it for one."""
        if names_web(text):
            what = f"{shown_url(text)} (from {origin})"
            self.note(what, "is no URL that every program reads alike")

    def note_remote(self, endpoint: Endpoint) -> None:
        """Take note of a file on a server, which only the tool fetches.

        Who names one himself, and by https, vouches for what it says as for what he types; nobody
        vouches for what a project names.
        """
        is_careless = endpoint.origin.project or endpoint.url.scheme != "https"
        self.note(str(endpoint.url), careless=is_careless)

    def endpoints(self, items: Iterable[Endpoint], files: Iterable[str], **more: Any) -> Endpoints:
        """Return what a command asks by the files that were read, with what was noted here."""
        texts, careless, built = tuple(self.texts), tuple(self.careless), tuple(self.built)
        return Endpoints(tuple(items), tuple(files), texts, careless=careless, built=built, **more)
