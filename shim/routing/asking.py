"""First-index: which of the private indexes has an unclaimed name. Each name is asked once in a
command, at all of them at once.

An index that says neither "here" (200) nor "not here" (404) may have the name: then it comes from
nobody, since the next index's owner could be a stranger.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from shim.core.host import Host
from shim.core.model import AskedIndex
from shim.core.urls import Url, parse_url
from shim.net.http_client import Asked, Outcome, probe_all
from shim.routing.remembering import Memory

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


class Asker:
    """Finds the index of unclaimed names, each in a thread of its own. `done` is called in that
    thread when one is found.
    """

    def __init__(
        self,
        asked: Sequence[AskedIndex],
        last: Place,
        host: Host,
        say: Callable[[str], None],
        done: Callable[[], None],
    ) -> None:
        self._asked = asked
        self._memories = [Memory(one, host) for one in asked]
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
        """Return what each index said lately about the name, or says now. One that is down is not
        asked for each name in turn.
        """
        with self._lock:
            pairs = zip(self._asked, self._memories, strict=True)
            seen = [
                self._find_down(asked) if (one := memory.recall(name)) is None else one
                for asked, memory in pairs
            ]
        due = [number for number, one in enumerate(seen) if one is None]
        asked = [self._asked[number] for number in due]
        # pip makes Latin-1 of a password, and so does whoever asks in its place.
        questions = [
            Asked(page_of(one.url, name), one.credential, one.route, "latin-1") for one in asked
        ]
        answers = dict(
            zip(due, probe_all(questions, self._host, DEADLINE_S) if due else [], strict=True)
        )
        with self._lock:
            ended = {
                self._asked[number].url.text: outcome
                for number, outcome in answers.items()
                if outcome.status is None
            }
            self._down |= {url: (time.monotonic(), outcome) for url, outcome in ended.items()}
        return [answers[number] if one is None else one for number, one in enumerate(seen)]

    def _find_down(self, asked: AskedIndex) -> Outcome | None:
        """Return why an index could not be reached a moment ago, if so."""
        at, outcome = self._down.get(asked.url.text, (-DOWN_S, None))
        return outcome if time.monotonic() - at < DOWN_S else None

    def _judge(self, name: str, outcomes: Sequence[Outcome | bool]) -> Place:
        """Return the first index that has the name, if all before it have not."""
        for asked, memory, outcome in zip(self._asked, self._memories, outcomes, strict=True):
            if isinstance(outcome, Outcome):
                trouble = find_trouble(asked, outcome)
                if trouble:
                    self._complain(name, asked, trouble)
                    return None
                with self._lock:
                    memory.remember(name, is_there=is_there(outcome))
            if outcome is True or (isinstance(outcome, Outcome) and is_there(outcome)):
                return asked.url.text
        return self._last

    def _complain(self, name: str, asked: AskedIndex, trouble: str) -> None:
        """Say once what is the matter with an index, and which name met it first."""
        with self._lock:
            is_new = (asked.url.text, trouble) not in self._told
            self._told.add((asked.url.text, trouble))
        if is_new:
            self._say(f"{name} comes from no index: {asked.url} may have it, and {trouble}")


def page_of(index: Url, name: str) -> Url:
    """Return the page of a name on an index."""
    return parse_url(f"{index.text.rstrip('/')}/{name}/")


def is_there(outcome: Outcome) -> bool:
    """Whether an index has a page of the name, and does not send everybody on to a public index for
    it.
    """
    return outcome.status == 200 and not outcome.url.is_public


def find_trouble(asked: AskedIndex, outcome: Outcome) -> str | None:
    """Return why an answer is none, in words; None for "here" and "not here"."""
    if outcome.status is None:
        return f"cannot be reached: {outcome.error}"
    if outcome.is_form:
        return "shows a login page"
    if outcome.status == 200 or outcome.status == 404:
        is_elsewhere = outcome.url.origin != asked.url.origin and not outcome.url.is_public
        return f"redirects to another server, {outcome.url.origin}" if is_elsewhere else None
    return f"answers {outcome.status}"
