"""What requirements files make pip careless with.

Sources: pip 26.3 `req/req_file.py` (`--trusted-host` counts there, `--proxy` and `--cert` do not).
pip reads its TOML with the parser of its own Python; no key of it makes pip careless.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation
from shim.core.typing import Iterator
from shim.tools.pip.tool import read_options
from shim.tools.project_files import in_requirements
from shim.tools.unsafe_settings import UnsafeSetting


def find_unsafe_settings(
    invocation: Invocation, endpoints: Endpoints, host: Host
) -> Iterator[UnsafeSetting]:
    """Yield what requirements files say beyond what argv, variables and pip.conf do."""
    said = read_options(invocation, host, ("trusted-host",))["trusted-host"]
    yield from in_requirements(endpoints.files_read, {mention.text for mention in said}, host)
