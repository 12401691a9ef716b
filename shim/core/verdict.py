"""What an index thinks of a credential, as a value: light enough for commands that need not ask."""

from __future__ import annotations

from shim.core.typing import Literal, NamedTuple

#: What stands between us and a proof: the credential is refused (401, 403), the index is hidden
#: (404), has had too many requests (429), is broken (5xx or another status), shows a login page,
#: sends us to another server, has bad TLS, gives no answer at all or none in time, is too slow with
#: the page that lists its packages, is behind a proxy that gives none, is passed by as the tool
#: does not trust plain http, has a path that programs read differently (`..`), could not be asked
#: by us (which says nothing about it), or has rejected this very secret before.
Trouble = Literal[
    "refused",
    "forbidden",
    "hidden",
    "busy",
    "broken",
    "login-page",
    "elsewhere",
    "tls",
    "down",
    "slow",
    "endless",
    "proxy",
    "passed-by",
    "steps",
    "unknown",
    "again",
]


class VerificationResult(NamedTuple):
    """`proven`: refused without, answered with the credential. `open`: answers everybody.
    `rejected`: refused with it too.

    `unreachable`: no usable answer; `detail` says why in words, `trouble` as a word for programs.
    `reason` is the detail without the URL that it is about, where it begins with one, and `status`
    what a broken server answers.
    """

    kind: Literal["proven", "open", "rejected", "unreachable"]
    detail: str
    trouble: Trouble | None = None
    reason: str = ""
    status: int | None = None


def unreachable(
    url: object, reason: str, trouble: Trouble | None, status: int | None = None
) -> VerificationResult:
    """Return the verdict on an index that gives no usable answer."""
    return VerificationResult("unreachable", f"{url}: {reason}", trouble, reason, status)
