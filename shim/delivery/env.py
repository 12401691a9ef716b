"""Channel `env`: the tool's own variables hold the secret in clear. The last resort, and never with
`channel = "strict"`.

Whatever the tool starts inherits them: build backends of sdists. And every pip gives the URLs of
its indexes, whatever file or variable they came from, to its child that installs build dependencies
as `-i URL` and `--extra-index-url URL`, so that the process list shows them as long as that runs.
So there is a warning each time, unless the configuration says that this is fine.

Sources: pip 26.3 configuration.py and build_env/installer.py; uv 0.13.8 uv-static/src/env_vars.rs.
"""

from __future__ import annotations

from urllib.parse import quote

from shim.core.model import Delivery, Endpoint, Location, Secret
from shim.core.typing import Mapping
from shim.core.urls import with_userinfo
from shim.delivery import Case, unasked_manner
from shim.delivery.reasons import Reason, Refusal
from shim.delivery.userinfo import (
    configured_extras,
    cut_userinfo,
    drop_option,
    find_configured_password,
    put_userinfo,
)

#: From this release pip takes the login of the nearest index for what lies beside several on one
#: server.
TELLS_INDEXES_APART = (23, 1)
IN_BUILDS = (
    "build backends and build dependencies can read it, and, while pip installs these for an sdist,"
    " everybody in the process list; `--only-binary :all:` builds nothing"
)
VARIABLES = {"index": "PIP_INDEX_URL", "extra": "PIP_EXTRA_INDEX_URL"}

manner = unasked_manner


def fits(case: Case) -> Refusal | None:
    """Return None if the tool's variables can carry every credential of the case, else why not."""
    if case.has_bearer:
        return Reason.NO_BEARER_IN_VARIABLES.of()
    return _pip_refuses(case) if case.invocation.family == "pip" else _uv_refuses(case)


def deliver(case: Case) -> Delivery:
    """Return the variables, in the place of options and userinfo that they make needless."""
    return _deliver_pip(case) if case.invocation.family == "pip" else _deliver_uv(case)


def _pip_refuses(case: Case) -> Refusal | None:
    if crossing := case.crossing_http():
        return Reason.CROSSES_HTTP.of(url=crossing.url)
    scopes = [credential.scope for credential in case.credentials]
    origins = {(scope.scheme, scope.host, scope.port) for scope in scopes}
    version = case.invocation.target.version
    if len(origins) < len(scopes) and (version is None or version < TELLS_INDEXES_APART):
        return Reason.TWO_IN_PIP.of()
    if "--isolated" in case.invocation.argv:
        return Reason.ISOLATED_VARIABLES.of()
    for endpoint, _ in case.deliveries:
        if endpoint.role not in VARIABLES:
            return Reason.NO_INDEX.of(url=endpoint.url)
        if endpoint.origin.kind == "file":
            return Reason.OVERRULED.of(origin=endpoint.origin)
    if password := find_configured_password(case.endpoints):
        return Reason.PASSWORD_IN_FILE.of(origin=password.origin)
    return Reason.FOREIGN_LETTERS.of() if case.has_foreign_letters() else None


def _deliver_pip(case: Case) -> Delivery:
    """Return argv without the options of our indexes, and their URLs with userinfo in pip's
    variables, in pip's own order.

    pip appends the extra indexes of argv to those of the environment, so moving them to the end of
    the variable keeps the order. A variable replaces what pip.conf says, so those extra indexes
    come first in it.
    """
    configured = configured_extras(case.endpoints)
    in_environ: dict[Location, str] = {}
    moved: dict[str, list[str]] = {"PIP_INDEX_URL": [], "PIP_EXTRA_INDEX_URL": []}
    dropped: list[Location] = []
    for endpoint, credential in case.deliveries:
        username, password = credential.username, credential.secret.reveal()
        url = with_userinfo(endpoint.url, username, password)
        if endpoint.location and endpoint.location.kind == "env":
            userinfo = f"{quote(username, safe='')}:{quote(password, safe='')}@"
            in_environ[endpoint.location] = userinfo
        elif endpoint in configured:
            configured[endpoint] = url
        else:
            moved[VARIABLES[endpoint.role]].append(url)
            dropped += [endpoint.location] if endpoint.location else []
    _, variables = put_userinfo((), case.host.environ, in_environ)
    if moved["PIP_EXTRA_INDEX_URL"] or configured != configured_extras(case.endpoints):
        moved["PIP_EXTRA_INDEX_URL"][:0] = configured.values()
    for name, urls in moved.items():
        if urls and name == "PIP_EXTRA_INDEX_URL":
            urls.insert(0, variables.get(name, case.host.environ.get(name, "")))
        if urls:
            variables[name] = " ".join(urls).strip()
    argv = case.invocation.argv
    for place in sorted(dropped, key=lambda place: int(place.key), reverse=True):
        argv = drop_option(argv, place)
    secrets = {name: Secret(value) for name, value in variables.items()}
    return _delivery(case, argv, secrets, IN_BUILDS)


def _uv_refuses(case: Case) -> Refusal | None:
    for endpoint, _ in case.deliveries:
        if not endpoint.index_name:
            return Reason.NAMELESS.of(url=endpoint.url)
    return None if case.settings.channel == "env" else Reason.NEEDS_CHANNEL.of()


def _deliver_uv(case: Case) -> Delivery:
    argv, variables = cut_userinfo(
        case.invocation.argv, case.host.environ, (endpoint for endpoint, _ in case.deliveries)
    )
    values: dict[str, str | Secret | None] = {**variables}
    for endpoint, credential in case.deliveries:
        stem = variable_stem(endpoint)
        values[f"{stem}_USERNAME"] = credential.username
        values[f"{stem}_PASSWORD"] = credential.secret
    return _delivery(case, argv, values, "build backends and user code can read it")


def variable_stem(endpoint: Endpoint) -> str:
    """Return `UV_INDEX_<NAME>`: upper case, underscores for all but letters and digits."""
    letters = (c.upper() if c.isascii() and c.isalnum() else "_" for c in endpoint.index_name or "")
    return "UV_INDEX_" + "".join(letters)


def _delivery(
    case: Case,
    argv: tuple[str, ...],
    values: Mapping[str, str | Secret | None],
    consequence: str,
) -> Delivery:
    """Return the delivery, with a warning unless the configuration asked for this channel."""
    names, url = ", ".join(values), case.deliveries[0][0].url
    warning = f"the credential for {url} goes into {names}, where {consequence}"
    warnings = () if case.settings.channel == "env" else (warning,)
    channels = case.explain("env", f"{names}: {consequence}")
    return Delivery(argv, dict(values), None, channels, warnings)
