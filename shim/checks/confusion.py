"""Packages that a private index and another index of the same pip command both have: pip takes the higher version, whoever made it.

Asked is what pip would ask, `INDEX/NAME/`, with the credential that the index has here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import batched  # type: ignore[attr-defined,unused-ignore]

from shim.checks import Finding
from shim.errors import UsageError
from shim.host import Host
