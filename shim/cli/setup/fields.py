"""The fields of `shim setup`: each reads one text, or says what is wrong with it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from itertools import chain, count

from shim.config.edit import Table
from shim.config.index import IndexConfig
from shim.config.logins import read_address, read_server
from shim.config.settings import Settings
from shim.core.errors import ConfigError, UsageError
from shim.core.files import read_named
from shim.core.host import Host
from shim.core.package_names import find_conflict, read_pattern
from shim.core.typing import Callable
from shim.core.urls import BadUrl, Url, Userinfo, find_userinfo, parse_url, scope_of

_LOGIN = (
    "a password or token: `shim login` keeps it in the keyring (a netrc or your cloud's own command"
    " is found as well)"
)
_PROVIDER = "single sign-on of an OpenID Connect or OAuth provider: `shim login` opens it"
#: The ways to log in: the word, whether it needs a value (as `env:NAME`), and what people are told.
LOGINS = (
    ("login", "", _LOGIN),
    ("env", "NAME", "a variable holds it"),
    ("file", "PATH", "a file holds it"),
    (
        "command",
        "COMMAND LINE",
        "a program prints it, such as op, pass, vault or a script of yours",
    ),
    ("posit", "ADDRESS", "single sign-on of a Posit Package Manager: `shim login` opens it"),
    ("oidc", "ISSUER", _PROVIDER),
    ("none", "", "not at all: the index is open to everybody who can reach it"),
)
_DEFAULT = (
    "all that name no index themselves ask it instead of pypi.org: pip, uv pip, uv tool, uvx, pipx"
)
_EXTRA = (
    "the same, beside pypi.org (pip then takes the highest version on any of them, whoever put it"
    " there)"
)
#: For which commands the index is meant: the word, and what people are told.
USES = (
    ("default", _DEFAULT),
    ("extra", _EXTRA),
    ("no", "only commands and projects that name it"),
)
#: Words in host names that say nothing about whose index it is.
COMMON_LABELS = (
    *("pypi", "pip", "python", "packages", "pkgs", "pkg", "index", "www", "repo"),
    *("artifactory", "nexus", "com", "org", "net"),
)
MAX_CHARACTERS = 2048
#: What an index, and a file of settings, may be called.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAME_LETTERS = "letters, digits, points and hyphens"
#: The URL of an index whose files lie elsewhere on its server, and where: GitLab, devpi.
FILES_BESIDE = (
    r"(https?://[^/]+/(?:[^/]+/)*?api/v4/)(?:groups|projects)/.*/packages/pypi/simple/?$",
    r"(https?://[^/]+/).*/\+simple/?$",
)


def read_url(text: str) -> tuple[Url, str | None]:
    """Return the index's URL and the user name in it. Raises UsageError."""
    userinfo, url = parse_typed(text)
    if userinfo and userinfo.password is not None:
        raise UsageError(
            "there is a password in that URL",
            hint="leave it out: `shim login` asks for it, and keeps it out of your files",
        )
    if not url.is_confidential:
        hint = "use https; plain http needs an [[index]] with insecure = true, written by hand"
        raise UsageError(f"{url} is plain http: a password would travel in clear", hint=hint)
    return url, userinfo.username or None if userinfo else None


def parse_typed(text: str) -> tuple[Userinfo | None, Url]:
    """Return the userinfo and the URL. Raises UsageError."""
    text = text.strip()
    try:
        if len(text) > MAX_CHARACTERS:
            raise BadUrl("it is too long")
        if any(character.isspace() for character in text):
            raise BadUrl("there is white space in it")
        return find_userinfo(text), parse_url(text)
    except BadUrl as error:
        raise UsageError(
            f"that is not a usable URL: {error}", hint="write it as https://host/path/simple/"
        ) from error


def read_username(text: str) -> str | None:
    """Return the user name, None for an empty one. Raises UsageError."""
    text = text.strip()
    if ":" in text or not text.isprintable():
        raise UsageError(
            "a user name has no colon and no control character", hint="leave it empty for __token__"
        )  # RFC 7617 section 2
    return text or None


def read_name(text: str, settings: Settings) -> str:
    """Return the name of the new index. Raises UsageError for one that is strange or taken."""
    if not NAME.fullmatch(text):
        raise UsageError(f"a name is made of {NAME_LETTERS}", hint="--name corp")
    if taken := settings.index_named(text):
        raise UsageError(
            f"{taken.defined_in} has an [[index]] {text} already",
            hint="choose another --name, or change it there",
        )
    return text


def read_login(text: str, host: Host) -> Table:
    """Return the lines of `[[index]]` that a way to log in comes to. Raises UsageError."""
    kind, _, value = (part.strip() for part in text.partition(":"))
    shown = {word: f"{word}:{example}" if example else word for word, example, _ in LOGINS}
    if kind not in shown:
        raise UsageError(
            "that is no way to log in that shim knows", hint=f"one of: {', '.join(shown.values())}"
        )
    needs_value = shown[kind] != kind
    if bool(value) != needs_value:
        what = "needs a value" if needs_value else "takes no value"
        raise UsageError(f"{kind} {what}", hint=f"write {shown[kind]}")
    if not value.isprintable():
        raise UsageError(
            f"there is a control character in that {kind}", hint=f"write {shown[kind]}"
        )
    readers = {
        "env": _read_variable,
        "file": _read_file,
        "command": _read_command,
        "posit": _read_posit,
        "oidc": _read_oidc,
    }
    if kind in readers:
        return readers[kind](value, host)
    return {"on-failure": "pass"} if kind == "none" else {}


def read_use(text: str, settings: Settings, file: str) -> str:
    """Return `default`, `extra` or `no`. Raises UsageError for another word or a second default."""
    text, words = text.strip(), [word for word, _ in USES]
    if text not in words:
        raise UsageError("that is no use that shim knows", hint=f"one of: {', '.join(words)}")
    taken = default_of(settings, file)
    if text == "default" and taken:
        raise UsageError(
            f"{taken.name} is the default already ({file})",
            hint="--use-as extra, or change that one first",
        )
    return text


def default_of(settings: Settings, file: str) -> IndexConfig | None:
    """Return the index that is the default in that file, or None."""
    defaults = (index for index in settings.indexes if index.use_as == "default")
    return next((index for index in defaults if index.defined_in == file), None)


def read_client(text: str) -> str:
    """Return the name that a provider knows the client by. Raises UsageError."""
    text = text.strip()
    if not text or not text.isprintable() or " " in text:
        raise UsageError(
            "a client id is one word",
            hint="--client-id pip, or what the provider calls the client for pip and uv",
        )
    return text


def read_publish(text: str) -> str:
    """Return the URL of an upload endpoint, "" for none. Raises UsageError."""
    return read_url(text)[0].text if text.strip() else ""


def read_packages(text: str, settings: Settings) -> list[str]:
    """Return the patterns of names in a text. Raises UsageError for a bad or a claimed one."""
    found = []
    for word in text.replace(",", " ").split():
        try:
            found.append(read_pattern(word))
        except ValueError as error:
            raise UsageError(
                f"{word!r}: {error}", hint="write names, with * for any letters: 'corp-* acme-lib'"
            ) from error
    if conflict := find_conflict([*settings.claims, *((pattern, "") for pattern in found)]):
        (theirs, index), (ours, _) = conflict
        hint = "make it so narrow that no name fits both, or change that one first"
        raise UsageError(f"{ours!r} and {theirs!r} of {index} have names in common", hint=hint)
    return found


def read_scope(text: str, url: Url) -> str:
    """Return the URL above the index that its credential is for. Raises UsageError."""
    scope = read_url(text)[0]
    if not scope_of(scope).covers(url):
        raise UsageError(
            "that is not above the index",
            hint=f"give the same server, and a folder that {url} is below",
        )
    return scope.text


def read_bundle(text: str, host: Host) -> str:
    """Return an absolute path, or `system`. Raises UsageError for what is no certificate."""
    text = text.strip()
    if text == "system":
        return text
    path = host.path(text)
    if b"-----BEGIN CERTIFICATE-----" not in read_named(path):
        raise UsageError(
            f"{path} holds no certificate",
            hint="give the PEM file: it has a line -----BEGIN CERTIFICATE-----",
        )
    return path


def usual_scope(url: Url) -> str | None:
    """Return the scope that an index of a well-known kind needs, or None."""
    matches = filter(None, (re.match(pattern, url.text) for pattern in FILES_BESIDE))
    return next((match[1] for match in matches), None)


def find_same(url: Url, settings: Settings) -> IndexConfig | None:
    """Return the configured index of that URL, or None."""
    text = url.text.rstrip("/")
    return next((index for index in settings.indexes if index.url.text.rstrip("/") == text), None)


def name_for(url: Url, taken: set[str]) -> str:
    """Return a short name for an index: the telling part of its host, with a number if taken."""
    labels = url.host.split(".")
    is_address = ":" in url.host or all(label.isdigit() for label in labels)
    telling = [label for label in labels[: max(len(labels) - 1, 1)] if label not in COMMON_LABELS]
    name = url.host if is_address or not telling else telling[-1]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "private"
    numbered = (f"{name}-{number}" for number in count(2))
    return next(candidate for candidate in chain([name], numbered) if candidate not in taken)


def _read_variable(value: str, _: Host) -> Table:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise UsageError(
            "that is no variable's name, and if it is the secret itself, it was not kept",
            hint="write env:CORP_TOKEN, without $",
        )
    return {"env": {"password": value}}


def _read_file(value: str, host: Host) -> Table:
    if not value.startswith(("/", "~/")):
        raise UsageError(
            "the file must be an absolute path",
            hint="write file:/folder/file or file:~/folder/file",
        )
    if os.path.isdir(host.path(value)):
        raise UsageError(f"{value} is a folder", hint="name the file that holds the secret")
    return {"file": {"password": value}}


def _read_command(value: str, host: Host) -> Table:
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise UsageError(
            f"that command line is not understood: {error}",
            hint="quote it as in a shell: command:op read op://x/y",
        ) from error
    if not words or shutil.which(words[0], path=host.environ.get("PATH")) is None:
        raise UsageError(
            f"there is no program {words[0] if words else ''!r} on PATH",
            hint="name one that is, or give its absolute path",
        )
    return {"command": {"argv": words}}


def _read_posit(value: str, _: Host) -> Table:
    _check(read_address, value, "the address")
    return {"posit": {"address": value}}


def _read_oidc(value: str, _: Host) -> Table:
    _check(read_server, value, "the issuer")
    return {"oidc": {"issuer": value, "client-id": "pip"}}


def _check(read: Callable[[str, str], object], value: str, what: str) -> None:
    try:
        read(value, what)
    except ConfigError as error:
        raise UsageError(error.message, hint=error.hint) from error
