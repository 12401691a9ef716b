"""Us answering others in a protocol of theirs: one module per face.

`keyring` is a program of its own, because pip and others call it by that name. Those in `HELPERS`
are asked as `shim helper NAME ACTION`, by a line on stdin that each module explains.
"""

from __future__ import annotations

from shim.core.dataclass import dataclass, field
from shim.core.importing import import_module
from shim.core.model import Credential, Secret
from shim.core.typing import Callable, Protocol, cast
from shim.core.urls import Url

#: Name in `shim helper NAME` -> module in this package. Adding one is one file and one line here.
HELPERS = {"git": "git", "docker": "docker", "bazel": "bazel"}

Find = Callable[[Url, str | None], Credential | None]
"""(URL, user name or None) -> the credential for it, or None. Raises ShimError for what is
broken.
"""


@dataclass(frozen=True, slots=True)
class HelperOutput:
    """What a helper says: text for stdout (it may hold a secret), a line for stderr, the exit
    status.

    `rejected` is a URL and a secret that does not work there (any more), as the asker says.
    """

    output: str = field(default="", repr=False)
    message: str = ""
    status: int = 0
    rejected: tuple[Url, Secret] | None = None


class Helper(Protocol):
    """What a helper's module offers."""

    ACTIONS: tuple[str, ...]

    def answer(self, action: str, request: bytes, find: Find) -> HelperOutput:
        """Return the reply to one call, also where nobody has it; only `find` raises errors."""

    def refuse(self, message: str) -> HelperOutput:
        """Return how this protocol says that something went wrong, in one line."""


def load_helper(name: str) -> Helper:
    """Return a helper's module. Raises KeyError for an unknown name."""
    return cast(Helper, import_module(f"shim.helpers.{HELPERS[name]}"))
