"""`shim exec --env-file FILE`: index URLs and credentials from a dotenv file, and nothing else.

What else such a file says (PATH, proxies, PIP_TRUSTED_HOST, tools' switches) would let whoever
wrote it steer the command. Passwords are taken out of the URLs and handed over like any other
credential. As with every tool that reads such files, the environment goes first.
"""

from __future__ import annotations

import os
import re
import stat
from urllib.parse import quote

from shim.core.dataclass import dataclass
from shim.core.errors import SourceError, UsageError
from shim.core.host import Host
from shim.core.model import Credential, Secret
from shim.core.typing import Mapping
from shim.core.urls import BadUrl, Userinfo, find_userinfo, parse_url, scope_of_index
from shim.storage.private_files import read_private

#: Variables that hold index URLs: several, separated by blanks, where the tool takes several.
INDEX_VARIABLES = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
    *("UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX"),
)
#: Variables for uploads. Their passwords have no URL of their own and go to the tool as they are:
#: that is the tool's documented way.
PUBLISH_VARIABLES = (
    *("TWINE_REPOSITORY_URL", "TWINE_USERNAME", "TWINE_PASSWORD"),
    *("UV_PUBLISH_URL", "UV_PUBLISH_USERNAME", "UV_PUBLISH_PASSWORD", "UV_PUBLISH_TOKEN"),
)
#: uv's variables for the index of a name: `UV_INDEX_CORP_PASSWORD`.
NAMED = re.compile(r"UV_INDEX_([A-Z0-9_]+)_(USERNAME|PASSWORD)")
WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What counts in a file. `clean` is `variables` without the passwords that stand in URLs."""

    variables: Mapping[str, str]
    clean: Mapping[str, str]
    credentials: tuple[Credential, ...]
    warnings: tuple[str, ...] = ()


def read_env_file(name: str, host: Host) -> EnvFile:
    """Return what the file `name` (relative to the working directory) says about indexes.

    Raises:
        UsageError: there is no such file, or a URL in it cannot be used.
        SourceError: it cannot be read, or others could have written it.
    """
    path = os.path.normpath(os.path.join(host.cwd, name))
    known = {
        variable: value
        for variable, value in _read(path).items()
        if _counts(variable) and not host.environ.get(variable)
    }
    variables = _fold_names(known)
    clean, credentials = dict(variables), list[Credential]()
    for variable, value in variables.items():
        if variable in INDEX_VARIABLES:
            clean[variable], taken = _take_passwords(variable, value, path)
            credentials += taken
    warnings: tuple[str, ...] = ()
    if (credentials or variables != known) and os.stat(path).st_mode & stat.S_IROTH:
        warnings = (f"{path} holds passwords and can be read by everybody: chmod 600 {path}",)
    return EnvFile(variables, clean, tuple(credentials), warnings)


def _read(path: str) -> dict[str, str]:
    from shim.formats.dotenv import MAX_BYTES, NoReader, parse_dotenv

    data = read_private(path, MAX_BYTES, purpose="a dotenv file", is_loose_fine=True)
    if data is None:
        raise UsageError(
            f"there is no file {path}",
            hint="name the dotenv file: shim exec --env-file .env -- pip install x",
        )
    status = os.stat(path)
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & stat.S_IWOTH:
        hint = f"chmod go-w {path}" if status.st_mode & stat.S_IWOTH else f"ls -l {path}"
        raise SourceError(f"{path} could have been written by somebody else", hint=hint)
    try:
        return parse_dotenv(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8", hint="save it as UTF-8") from error
    except NoReader:
        raise UsageError(
            f"python-dotenv, which reads {path}, is not installed",
            hint="shim backend add python-dotenv",
        ) from None


def _counts(variable: str) -> bool:
    known = variable in INDEX_VARIABLES or variable in PUBLISH_VARIABLES
    return known or NAMED.fullmatch(variable) is not None


def _fold_names(variables: Mapping[str, str]) -> dict[str, str]:
    """Put `UV_INDEX_NAME_USERNAME` and `..._PASSWORD` into that name's URL, if the file has it.

    By its name alone a password would also go to an index of that name that a dependency defines.
    """
    folded = dict(variables)
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX"):
        for word in WORD.findall(variables.get(variable, "")):
            name, equals, url = word.partition("=")
            stem = f"UV_INDEX_{re.sub('[^A-Z0-9]', '_', name.upper())}"
            username, password = folded.get(f"{stem}_USERNAME", ""), folded.get(f"{stem}_PASSWORD")
            head, _, tail = url.partition("://")
            is_named = equals and "://" not in name and "@" not in tail.partition("/")[0]
            if password is None or not is_named:
                continue
            full = f"{name}={head}://{quote(username, safe='')}:{quote(password, safe='')}@{tail}"
            folded[variable] = folded[variable].replace(word, full)
            folded.pop(f"{stem}_USERNAME", None)
            del folded[f"{stem}_PASSWORD"]
    return folded


def _take_passwords(variable: str, value: str, path: str) -> tuple[str, list[Credential]]:
    """Return the value without passwords, and these. Old pips ask only where a user name stays."""
    credentials: list[Credential] = []

    def clean(match: re.Match[str]) -> str:
        word = match[0]
        name, equals, rest = word.partition("=")
        prefix, text = (f"{name}=", rest) if equals and "://" not in name else ("", word)
        try:
            userinfo = find_userinfo(text)
            if userinfo is None or userinfo.password is None:
                return word
            credential = _credential(text, userinfo)
        except BadUrl as error:
            raise UsageError(
                f"{path}: {variable} holds no usable URL: {error}",
                hint="write it as https://user:password@host/path/",
            ) from None
        if credential is None:
            hint = "use https; a password in it would travel in clear"
            raise UsageError(f"{path}: {variable} holds a password for plain http", hint=hint)
        credentials.append(credential)
        user = "" if credential.username_is_secret else f"{quote(credential.username, safe='')}@"
        return prefix + text[: userinfo.start] + user + text[userinfo.end :]

    return WORD.sub(clean, value), credentials


def _credential(text: str, userinfo: Userinfo) -> Credential | None:
    """Return the credential in a URL, None for one that no secret may travel to."""
    url, name = parse_url(text), userinfo.username
    if not url.is_confidential:
        return None
    secret = Secret(userinfo.password or name)  # `token:@` is a token that stands as the user name
    is_name = not userinfo.password
    return Credential(name, secret, scope_of_index(url), "env-file", username_is_secret=is_name)
