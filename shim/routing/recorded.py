"""The line of a record with what the process beside the tool is told, for `replay.py`."""

from __future__ import annotations

import json

from shim.core.model import Credential, Routes
from shim.core.package_names import normal_name
from shim.core.typing import Iterable, Sequence
from shim.delivery import same_credential
from shim.hotpath.redirector_process import TYPED_NAMES
from shim.hotpath.replay import FIELD
from shim.routing.companion import render


def render_companion(
    routes: Routes, credentials: Sequence[Credential], typed: Iterable[str]
) -> str | None:
    """Return the line, with `@NUMBER@` for the secret of a credential; None if one is not among
    them, since the tool finds it by itself.

    The names that are `typed` may be others next time.
    """
    known = {normal_name(name) for name in typed}
    names = (*(name for name in routes.names if name not in known), TYPED_NAMES)
    document = render(routes._replace(names=names))
    for asked, row in zip(routes.asked, document["asked"], strict=True):
        ours = asked.credential
        if ours:
            numbers = [one for one, other in enumerate(credentials) if same_credential(other, ours)]
            if not numbers:
                return None
            row[1][1] = f"@{numbers[0]}@"
    return FIELD.join(["companion", routes.address, json.dumps(document)])
