"""Does the configuration speak of us at all? Every command that asks an index asks this, and most
have nothing more to do with us.
"""

from __future__ import annotations

from shim.config import policy
from shim.config.former_places import missed_files
from shim.config.settings import config_files
from shim.core.files import mentions
from shim.core.host import Host

#: What a config file that has to do with us has in it.
_KEYS = (b"packages", b"index-strategy")
_PATTERN = rb"""(?<![\w-])["']?(?:packages|index-strategy)["']?\s*="""


def is_mentioned(host: Host) -> bool:
    """Whether a config file, or the machine's policy, may speak of us, be it broken or not."""
    left = missed_files(policy.find_left_policy())
    return mentions((*config_files(host), policy.policy_file(), *left), _KEYS, _PATTERN)
