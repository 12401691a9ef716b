"""Each way in which a private index can fail us, in its own words, and what mends it."""

from __future__ import annotations

from shim.config.index import IndexConfig
from shim.core.errors import BY_HAND_HINT, NETWORK_HINT, NotProven, Rejected, ShimError
from shim.core.installation import repair_command
from shim.core.model import Credential, Resolution
from shim.core.verdict import Trouble, VerificationResult
from shim.credentials.missing import hint_for

#: What an index did, to go behind its URL. `{who}` is the user name and source, or "without a
#: credential".
WORDS: dict[Trouble, str] = {
    "refused": "refuses us {who} (401)",
    "forbidden": "forbids us to read it {who} (403): a wrong or expired secret, or no permission",
    "hidden": (
        "says that it does not exist {who} (404): many servers say that instead of 401, or there is"
        " no such page"
    ),
    "busy": "has had too many requests (429)",
    "broken": "is broken{status}",
    "login-page": "shows a login page {who} instead of packages",
    "elsewhere": "sends us to another server, which gets no credential",
    "tls": "cannot be trusted: {reason}",
    "down": "cannot be reached: {reason}",
    "slow": "cannot be reached: {reason}",
    "endless": "takes longer to list its packages than we wait",
    "proxy": "cannot be asked: {reason}",
    "passed-by": "is plain http on another machine, which pip passes by",
    "steps": "cannot be asked by shim: {reason}",
    "unknown": "cannot be asked by shim: {reason}",
    "again": "rejected this very secret before ({reason}), and it is not sent again {who}",
}

#: What mends it, where it is not the credential.
HINTS: dict[Trouble, str] = {
    "busy": "wait a little, then run it again",
    "broken": "wait a little, then run it again",
    "elsewhere": "name the URL where the index really is",
    "tls": 'set ca-bundle = "/path/of/its/authority.pem" for this [[index]], or "system"',
    "down": NETWORK_HINT,
    "slow": NETWORK_HINT,
    "proxy": "check that proxy, or name another one",
    "steps": "write the URL without . and .. in its path",
    "passed-by": "write https, or have pip trust the host with --trusted-host",
}
WITHHELD = "; it is not sent again for a minute, since many failing logins may lock the account"
UNCONFIGURED = {**HINTS, "tls": "name its authority with PIP_CERT or --cert"}


def refusal(
    resolution: Resolution,
    index: IndexConfig | None,
    verdict: VerificationResult,
    elsewhere: str | None,
    *,
    withheld: bool = False,
) -> ShimError:
    """Return the error for an index that did not prove the credential.

    `elsewhere` is where pip would look then, if anywhere; `withheld` tells that the tool is not
    given the secret.
    """
    credential, trouble = resolution.credential, verdict.trouble or "down"
    status = f" ({verdict.status})" if verdict.status else ""
    reason = verdict.reason or verdict.detail
    words = WORDS[trouble].format(who=_who(credential), reason=reason, status=status)
    consequence = f"; pip would take the packages from {elsewhere} instead" if elsewhere else ""
    message = (
        f"{resolution.endpoint.url} (from {resolution.endpoint.origin})"
        f" {words}{consequence}{WITHHELD if withheld else ''}"
    )
    kind = Rejected if verdict.kind == "rejected" and credential else NotProven
    tried = resolution.tried if not credential else ()
    return kind(message, tried=tried, hint=hint_for_refused(resolution, index, trouble))


def _who(credential: Credential | None) -> str:
    if credential is None:
        return "without a credential"
    if credential.source == "url":
        return "as the user in the URL"  # whose name may be the token itself
    return f"as {credential.shown_username}, from {credential.source}"


def hint_for_refused(
    resolution: Resolution, index: IndexConfig | None, trouble: Trouble, *, by_url: bool = False
) -> str:
    """Return the one thing that mends this: a new secret where this one came from, or what is wrong
    with the index itself.

    With `by_url` it is not the index that is to be logged in to, but the URL.
    """
    renewal = _renewal(resolution, index, by_url=by_url)
    credential = resolution.credential
    if trouble in ("refused", "forbidden") and credential and not credential.secret.is_ascii:
        return (
            "if it is right: pip sends its letters beyond ASCII in Latin-1, so choose one without;"
            f" else {renewal}"
        )
    if trouble == "unknown":  # PySocks is what it lacks
        return repair_command("[socks]")
    if trouble == "again":
        return f"{renewal}; SHIM_REFRESH=1 tries the same secret again"
    if trouble in HINTS:
        return (HINTS if index else UNCONFIGURED)[trouble]
    if trouble in ("hidden", "endless") and index and index.verify_url == index.url:
        page = f"{str(index.url).rstrip('/')}/NAME/"
        return (
            f'set verify-url of [[index]] {index.name} to a page that exists, like "{page}", or'
            " renew the secret"
        )
    return renewal


def _renewal(resolution: Resolution, index: IndexConfig | None, *, by_url: bool) -> str:
    """Return how to renew a secret at its source."""
    credential, endpoint = resolution.credential, resolution.endpoint
    name = index.name if index and not by_url else str(endpoint.url)
    if credential is None:
        return hint_for(resolution, index)
    match credential.source:
        case "url":
            return (
                f"put the right password into {endpoint.origin}, or take it out of the URL and run"
                f" shim login {name}"
            )
        case "netrc":
            return f"correct the entry for {endpoint.url.host} in your netrc"
        case "env" if index and index.env:
            return f"export {index.env.password} with a new secret"
        case "file" if index and index.file:
            return f"put a new secret into {index.file.password}"
        case "command" if index and index.command:
            return BY_HAND_HINT.format(name=index.command.argv[0])
        case "agent":
            return (
                "SHIM_REFRESH=1 has the host get a new one; if that is refused too, log in on the"
                " host"
            )
        case "stored":
            return f"shim login {name} --store file"
    return f"shim login {name}"
