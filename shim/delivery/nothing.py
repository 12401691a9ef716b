"""Channel `nothing`: `uv run` in a project that was synchronised before, where no other channel
will do.

Such a command mostly asks no index at all, and a refusal would keep the user from running anything.
Should it have to ask, a server that challenges strangers makes uv stop by itself; from one that
shows them something else nothing may be taken, so there it is stopped.

Sources: uv 0.13.8 crates/uv-client/src/registry_client.rs (401 and 403 end the search), measured
from 0.5.31 on.
"""

from __future__ import annotations

import os

from shim.core.files import is_file
from shim.core.model import Delivery, Endpoint, Manner
from shim.delivery import Case
from shim.delivery.reasons import Reason, Refusal
from shim.delivery.userinfo import cut_unused_userinfo

#: After these uv asks no other index.
STOPPING = frozenset({401, 403})


def fits(case: Case) -> Refusal | None:
    """Return None if the command can be expected to need no index, else why not."""
    is_typed = any(credential.source == "url" for _, credential in case.deliveries)
    if case.invocation.verb != ("run",) or is_typed:
        return Reason.MAY_NEED_IT.of()
    locks = [path for path in case.endpoints.files_read if os.path.basename(path) == "uv.lock"]
    return None if any(map(_is_synchronised, locks)) else Reason.NO_ENVIRONMENT.of()


def manner(case: Case, endpoint: Endpoint) -> Manner:  # noqa: ARG001 (the same for all)
    """Return what has to be proven: that the server stops uv."""
    return Manner(STOPPING)


def deliver(case: Case) -> Delivery:
    """Return the command as it is, and a warning."""
    urls = ", ".join(dict.fromkeys(str(endpoint.url) for endpoint, _ in case.deliveries))
    warning = (
        f"uv runs without a credential for {urls}: no way to hand it over is safe here (`shim"
        " explain` says why)"
    )
    argv = cut_unused_userinfo(case.invocation.argv, case.endpoints.unused_userinfo)
    return Delivery(argv, warnings=(warning,))


def _is_synchronised(lock: str) -> bool:
    """Whether there is a lock with an environment beside it."""
    return is_file(lock) and is_file(os.path.join(os.path.dirname(lock), ".venv", "pyvenv.cfg"))
