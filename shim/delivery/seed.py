"""Channel `seed`: XDG_CONFIG_DIRS begins with a folder of ours whose `uv/uv.toml` is a link to a
memory file.

In it stand explicit indexes, which resolve nothing unless a project asks for them by name, with a
user name and password: uv keeps these in mind for all that lies below their URLs, and sends them
without being asked. Several credentials on one server are told apart by path. What lies there
outside of their paths, uv always asks for with the same one. So files that a lock names get seeds
of their own, and where pages name some, another channel is taken, with which uv asks with what it
used last. The machine's own uv.toml, which ours hides, stands in front.

Sources: uv 0.13.8 crates/uv-client/src/registry_client.rs, uv-dirs/src/lib.rs and
uv-auth/src/cache.rs (of two URLs, one below the other, the shorter one decides); measured with
0.5.31, 0.7.22, 0.9.30, 0.11.33 and 0.13.8.
"""

from __future__ import annotations

import os

from shim.core.files import CannotRead, read_regular
from shim.core.host import Host
from shim.core.model import Credential, Delivery, Endpoint, Manner, Secret
from shim.core.platform_features import has_memory_files
from shim.core.toml import parse_toml
from shim.core.typing import Any, Iterator
from shim.core.urls import Scope, parse_url, scope_of, with_userinfo
from shim.delivery import Case, unasked_manner
from shim.delivery.memory_file import can_link, hand
from shim.delivery.reasons import Reason, Refusal
from shim.delivery.userinfo import cut_userinfo
from shim.delivery.uv_locked import find_clash, find_locked
from shim.delivery.uv_realm import find_nested, find_sibling
from shim.formats.uv_toml import tables, texts

FILE = "uv/uv.toml"
#: How far from the other channels' descriptor: a command of ours within this one, which replaces
#: that, must not put its netrc here.
BELOW = 20
#: The name of the first seed index is this and 1.
NAME = "pip-uv-shim-"
#: `uv run` hands its environment to user code, `uv tool` writes every index into receipts, `uv
#: publish` looks indexes up by name.
OTHER_VERBS = ("run", "tool", "publish")
#: What makes uv read no machine configuration, or print all indexes with their passwords.
SWITCHES = ("--no-config", "--isolated", "--config-file", "--emit-index-url", "--show-settings")
VARIABLES = ("UV_NO_CONFIG", "UV_CONFIG_FILE", "UV_NO_SYSTEM_CONFIG")


def fits(case: Case) -> Refusal | None:
    """Return None if uv will read our configuration and send what belongs there, else why not."""
    if not has_memory_files():
        return Reason.PIPE_PASSED_BY.of()
    if (verb := case.invocation.verb) and verb[0] in OTHER_VERBS:
        return Reason.NO_USE.of(verb=verb[0])
    said = [word.partition("=")[0] for word in case.invocation.argv]
    switches = [name for name in SWITCHES if name in said]
    switches += [name for name in VARIABLES if case.host.is_set(name)]
    if not any(endpoint.role == "index" for endpoint in case.endpoints.items):
        switches.append("no-index")  # wherever that is said: uv then keeps no index in mind
    if switches:
        return Reason.SWITCHED_OFF.of(switch=switches[0])
    for endpoint, _ in case.deliveries:
        if endpoint.role == "input":
            return Reason.FETCHED_FIRST.of(url=endpoint.url)
    if case.has_bearer:
        return Reason.NO_BEARER_IN_URL.of()
    locked = find_locked(case)
    if refusal := (
        find_sibling(case, [one.endpoint for one in locked])
        or find_nested(case)
        or find_clash(case, locked)
    ):
        return refusal
    if _render_config(case) is None:
        return Reason.MACHINE_CONFIG.of()
    if not can_link(case.host, FILE, BELOW):
        return Reason.NO_FOLDER_FOR_LINK.of()
    return None


def manner(case: Case, endpoint: Endpoint) -> Manner:
    """Return how it is sent: unasked."""
    return unasked_manner(case, endpoint)._replace(mixes_server=True)


def deliver(case: Case) -> Delivery:
    """Return XDG_CONFIG_DIRS and the memory file: the machine's configuration and our indexes."""
    typed = [endpoint for endpoint, credential in case.deliveries if credential.source == "url"]
    argv, environ = cut_userinfo(
        case.invocation.argv, case.host.environ, typed, case.endpoints.unused_userinfo
    )
    memory, folder = hand(Secret(_render_config(case) or ""), case.host, FILE, BELOW)
    folders = [folder, *case.host.config_directories]
    return Delivery(
        argv,
        {**environ, "XDG_CONFIG_DIRS": ":".join(dict.fromkeys(folders))},
        memory,
        tuple(
            ("seed", str(endpoint.url), f"sent by uv below {credential.scope}")
            for endpoint, credential in case.deliveries
        ),
    )


def _render_config(case: Case) -> str | None:
    """Return the machine's text and then our indexes, None where that would change what it says."""
    text = read_machine_config(case.host)
    own = parse_toml(text)
    if own is None or not all("://" in place or place.startswith("/") for place in _places(own)):
        return None  # a relative path would start at our folder
    pairs = [(one.scope, one) for one in case.credentials]
    pairs += ((scope_of(one.endpoint.url), one.credential) for one in find_locked(case))
    seeds = [_seed(number, *pair) for number, pair in enumerate(pairs, 1)]
    both = text.rstrip("\n") + "\n\n" + "\n".join(_render_table(seed) for seed in seeds)
    if not own:
        return both
    expected = {**own, "index": [*tables(own.get("index")), *seeds]}
    return both if parse_toml(both) == expected else None


def read_machine_config(host: Host) -> str:
    """Return the text of the uv.toml of the machine that uv would read, or nothing."""
    for folder in (*host.config_directories, "/etc"):
        try:
            data = read_regular(os.path.join(folder, FILE))
            if data is not None:
                return data.decode("utf-8")
        except (CannotRead, UnicodeDecodeError):
            continue
    return ""


def _places(table: dict[str, Any]) -> Iterator[str]:
    """Yield every index and find-links page that a configuration names."""
    own = table.get("pip")
    for part in (table, own if isinstance(own, dict) else {}):
        yield from (text for index in tables(part.get("index")) for text in texts(index.get("url")))
        for key in ("index-url", "extra-index-url", "find-links"):
            yield from texts(part.get(key))


def _seed(number: int, reach: Scope, credential: Credential) -> dict[str, object]:
    url = with_userinfo(parse_url(str(reach)), credential.username, credential.secret.reveal())
    return {"name": f"{NAME}{number}", "url": url, "explicit": True}


def _render_table(seed: dict[str, object]) -> str:
    """Return one `[[index]]`: nothing in an encoded URL or a name of ours needs escaping."""
    return f'[[index]]\nname = "{seed["name"]}"\nurl = "{seed["url"]}"\nexplicit = true\n'
