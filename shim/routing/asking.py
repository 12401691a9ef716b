"""First-index: which of the private indexes has an unclaimed name. Each name is asked once in a
command, at all of them at once.

An index that says neither "here" (200) nor "not here" (404) may have the name: then it comes from
nobody, since the next index's owner could be a stranger.
"""

from __future__ import annotations

import threading
import time

from shim.core.host import Host
from shim.core.model import AskedIndex
from shim.core.typing import Callable, Sequence
from shim.formats.index_pages import page_of_package
from shim.net.http_client import Asked, Outcome, probe_all
from shim.routing.remembering import RememberedNames

#: For one name, at all indexes together: less than pip waits for us (`--timeout`, 15 s).
DEADLINE_S = 12.0
#: So many names are asked for at the same time: a small server's queue has room for no more.
PARALLEL = 8
#: How long an index that cannot be reached is not asked again: its names stay closed.
DOWN_S = 30.0
#: More names than any command has.
MAX_NAMES = 20_000

#: A name's index, or None where it comes from nobody.
Place = str | None


class IndexClient:
    """Finds the index of unclaimed names, a thread for each, which calls `done` at its end."""

    def __init__(
        self,
        asked: Sequence[AskedIndex],
        last: Place,
        host: Host,
        say: Callable[[str], None],
        done: Callable[[], None],
    ) -> None:
        self._asked = asked
        self._memories = [RememberedNames(one, host) for one in asked]
        self._last = last
        self._host = host
        self._say = say
        self._done = done
        self._turn = threading.Semaphore(PARALLEL)
        self._lock = threading.Lock()
        self._known: dict[str, Place] = {}
        self._begun: set[str] = set()
        self._told: set[tuple[str, str]] = set()
        self._down: dict[str, tuple[float, Outcome]] = {}

    def find(self, name: str) -> tuple[Place] | None:
        """Return the name's index, in a tuple; None as long as it is being asked for."""
        with self._lock:
            if name in self._known:
                return (self._known[name],)
            if name in self._begun:
                return None
            if len(self._begun) >= MAX_NAMES:
                return (None,)
            self._begun.add(name)
        threading.Thread(target=self._ask, args=(name,), daemon=True).start()
        return None

    def _ask(self, name: str) -> None:
        with self._turn:
            place: Place = None
            try:
                place = self._judge(name, self._outcomes(name))
            finally:  # a bug of ours closes the name as well
                with self._lock:
                    self._known[name] = place
                self._done()

    def _outcomes(self, name: str) -> list[Outcome | bool]:
        """Return what each index says now, or lately. One that is down is not asked each time."""
        with self._lock:
            seen: list[Outcome | bool | None] = []
            for asked, memory in zip(self._asked, self._memories, strict=True):
                known = memory.recall(name)
                seen.append(self._find_down(asked) if known is None else known)
        due = [number for number, one in enumerate(seen) if one is None]
        # pip makes Latin-1 of a password, and so does whoever asks in its place.
        questions = [
            Asked(page_of_package(one.url, name), one.credential, one.route, "latin-1")
            for one in (self._asked[number] for number in due)
        ]
        outcomes = probe_all(questions, self._host, DEADLINE_S) if due else []
        answers = dict(zip(due, outcomes, strict=True))
        with self._lock:
            for number, outcome in answers.items():
                if outcome.status is None:
                    self._down[self._asked[number].url.text] = (time.monotonic(), outcome)
        return [answers[number] if one is None else one for number, one in enumerate(seen)]

    def _find_down(self, asked: AskedIndex) -> Outcome | None:
        """Return why an index could not be reached a moment ago, if so."""
        at, outcome = self._down.get(asked.url.text, (-DOWN_S, None))
        return outcome if time.monotonic() - at < DOWN_S else None

    def _judge(self, name: str, outcomes: Sequence[Outcome | bool]) -> Place:
        """Return the first index that has the name, if all before it have not."""
        for asked, memory, outcome in zip(self._asked, self._memories, outcomes, strict=True):
            has_name = outcome is True
            if isinstance(outcome, Outcome):
                if trouble := find_trouble(asked, outcome):
                    self._complain(name, asked, trouble)
                    return None
                has_name = is_there(outcome)
                with self._lock:
                    memory.remember(name, is_there=has_name)
            if has_name:
                return asked.url.text
        return self._last

    def _complain(self, name: str, asked: AskedIndex, trouble: str) -> None:
        """Say once what is the matter with an index, and which name met it first."""
        with self._lock:
            is_new = (asked.url.text, trouble) not in self._told
            self._told.add((asked.url.text, trouble))
        if is_new:
            self._say(f"{name} comes from no index: {asked.url} may have it, and {trouble}")


def is_there(outcome: Outcome) -> bool:
    """Whether an index has a page of the name, and does not redirect to a public index."""
    return outcome.status == 200 and not outcome.url.is_public


def find_trouble(asked: AskedIndex, outcome: Outcome) -> str | None:
    """Return why an answer is none, in words; None for "here" and "not here"."""
    if outcome.status is None:
        return f"cannot be reached: {outcome.error}"
    if outcome.is_form:
        return "shows a login page"
    if outcome.status in (200, 404):
        is_elsewhere = outcome.url.origin != asked.url.origin and not outcome.url.is_public
        return f"redirects to another server, {outcome.url.origin}" if is_elsewhere else None
    return f"answers {outcome.status}"
