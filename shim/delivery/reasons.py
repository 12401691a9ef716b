"""Why a channel will not do for a command: each reason with what is said of it and what helps."""

from __future__ import annotations

from shim.core.enum import Enum
from shim.core.typing import NamedTuple

_BOTH_HINT = (
    "ask the two in two commands; "
    "if one credential is for both, say so: an [[index]] whose scope covers both"
)
_ENVIRONMENT_HINT = (
    "SHIM_CHANNEL=env hands it over in the environment, "
    "where build backends and user code can read it"
)
_ELSEWHERE_HINT = "run it where there are memory files: on Linux, or in a container there"
_ISOLATED_HINT = "leave --isolated out of this command"
_SOURCES_HINT = "give each source of the project a name of its own"
_STRICT_HINT = (
    'channel = "strict" is set; `SHIM_CHANNEL=auto` allows the environment for this command'
)
_UPGRADE_HINT = "a newer release of the tool takes it: upgrade it in this environment"


class Says(NamedTuple):
    """What a refusal says, with a place for each thing that it names, and what helps then."""

    text: str
    hint: str = ""


class Reason(Enum):
    """Why a channel will not do. Of several reasons the hint of the first in this order counts."""

    FOREIGN_LETTERS = Says(
        "pip sends Latin-1, and the password has other letters",
        hint="choose a password or token of ASCII letters for this index",
    )
    ISOLATED_PROVIDER = Says(
        "--isolated makes pip ignore PIP_KEYRING_PROVIDER", hint=_ISOLATED_HINT
    )
    ISOLATED_VARIABLES = Says("--isolated makes pip ignore its variables", hint=_ISOLATED_HINT)
    OTHER_PROVIDER = Says(
        "--keyring-provider goes before PIP_KEYRING_PROVIDER",
        hint="leave --keyring-provider out of this command",
    )
    OTHER_SPELLING = Says(
        "pip asks a keyring for {netloc}, and {origin} writes it in another way",
        hint="write that host so, in small letters and without zeros in front of the port",
    )
    OUTSIDE_SCOPE = Says(
        "a netrc would also send it to {url}, which is not in {scope}", hint=_BOTH_HINT
    )
    ELSEWHERE_THAN_INDEXES = Says(
        "pip asks a keyring about its indexes only, and none near {url} has this credential",
        hint="ask for it in a command of its own, without other servers",
    )
    CROSSES_HTTP = Says(
        "pip would also send it to {url}",
        hint="leave that other URL out of the command, or write it as the index's own https URL",
    )
    WOULD_REACH = Says("uv would also send it to {url}, which is not in {scope}", hint=_BOTH_HINT)
    OTHER_IN_NETRC = Says(
        "your netrc has another login for {host}, and uv looks there first",
        hint='take that login out of your netrc, or let the [[index]] use it: source = ["netrc"]',
    )
    OWN_FIRST = Says(
        "uv would try your own credential for {url} first",
        hint="give shim that one as well (shim login), or unset its variable",
    )
    NESTED = Says(
        "uv would send the credential for {scope} to {url} below it, which has another",
        hint=_BOTH_HINT,
    )
    NAMESAKES = Says(
        "uv tells credentials for {host} apart by user name, and two of them have {user}",
        hint=(
            "give each [[index]] a username of its own if the server takes a token with any, "
            "as GitLab does; else ask the two in two commands"
        ),
    )
    ONE_IN_STORE = Says(
        "uv takes one credential for {host} from its store, this command needs two",
        hint=(
            "write its user name into the URL of each of these indexes (https://USER@HOST/...): "
            "uv locks it without"
        ),
    )
    NO_MEMORY = Says(
        "this system has no memory files, and there is no folder of ours for a named pipe",
        hint=_ENVIRONMENT_HINT,
    )
    SEVERAL_PIPS = Says(
        "this system has no memory files, and tox may start several pips at once",
        hint="tox run, which starts one pip after the other",
    )
    MANY_READERS = Says(
        "this system has no memory files, and {tool} may read a named pipe twice at once",
        hint=_ENVIRONMENT_HINT,
    )
    PIPE_PASSED_BY = Says(
        "this system has no memory files, and uv passes by a named pipe for its configuration",
        hint=_ENVIRONMENT_HINT,
    )
    OLD_UV = Says("uv before 0.9 has no credential store", hint=_UPGRADE_HINT)
    NO_NAME = Says(
        "no user name can be put in: {why}",
        hint=(
            'write authenticate = "always" beside the URL of this [[index]] '
            "in uv.toml or pyproject.toml: uv then sends it at once"
        ),
    )
    NEEDS_CHANNEL = Says(
        'needs channel = "env": uv gives these variables to any index of the same name',
        hint=_ENVIRONMENT_HINT,
    )
    POETRY_NAMELESS = Says(
        "poetry's variables are called after the source's name, and a source has none or shares it",
        hint=_SOURCES_HINT,
    )
    POETRY_SHARED = Says(
        "poetry's variables are called after the source's name, "
        "and {other} has the name of {url} in a configuration of poetry's",
        hint=_SOURCES_HINT,
    )
    TWO_IN_NETRC = Says(
        "a netrc holds one credential for {host}, this command needs two", hint=_BOTH_HINT
    )
    TWO_IN_PIP = Says(
        "pip keeps one credential for each server, and this command needs two", hint=_BOTH_HINT
    )
    SECRET_USER = Says(
        "pip before 26.2 wants the user name in the URL, and this one is the token",
        hint=_UPGRADE_HINT,
    )
    UNNAMED_USER = Says(
        "pip before 26.2 asks a keyring only for a URL with a user name, and {origin} has none",
        hint=_UPGRADE_HINT,
    )
    OLD_PIP = Says(
        "only pip 23.1 and later can be told to ask a keyring command", hint=_UPGRADE_HINT
    )
    STRANGER = Says(
        "every port of {host} would get it, and {url} is another's server, which may lead there",
        hint='if you trust that server, say so: an [[index]] with its url and on-failure = "pass"',
    )
    ASKS_NO_KEYRING = Says(
        "of such tools only pdm, and pipenv with a pip from 26.2 in it, "
        "ask a keyring command for each index",
        hint=_BOTH_HINT,
    )
    UNSERVED = Says("{why}")
    ONLY_IF_SAID = Says("the environment of all that it starts: only if you say so")
    NO_LAUNCHER = Says("the keyring launcher is missing; `shim install` writes it")
    NO_BEARER_IN_PIP = Says("pip has no use for a bearer token")
    NO_BEARER_IN_VARIABLES = Says("its variables hold no bearer token")
    NO_BEARER_IN_NETRC = Says("a netrc holds no bearer token")
    NO_BEARER_IN_URL = Says("an index URL holds no bearer token")
    NO_BEARER_IN_UPLOAD = Says("{tool} has no variable for a bearer token")
    PASSWORD_IN_FILE = Says(
        "{origin} holds a password, which would have to move into the environment"
    )
    NO_INDEX = Says("{url} is no index, and only indexes have a variable")
    OVERRULED = Says("{origin} names the index, and pip lets it overrule its variables")
    NAMELESS = Says("{url} has no name, and uv's variables are called after one")
    MAY_NEED_IT = Says("the command may need it")
    NO_ENVIRONMENT = Says("there is no environment yet that needs none")
    MAY_LEAD_ANYWHERE = Says(
        "every port of {host} would get it, and {text} may name any server, which may lead there"
    )
    ELSEWHERE_ON_HOST = Says("a netrc would also send it to {url}, another place on {host}")
    MENTIONED_ON_HOST = Says(
        "a netrc would also send it to {url}, another place on {host} that the project mentions"
    )
    NETRC_GRAMMAR = Says("its netrc grammar cannot hold this user name or password{python}")
    PIP_WITHOUT_NETRC = Says("pip before 20.3 ignores NETRC")
    NAMED_IN_FILE = Says(
        "{release} ignores a netrc for a URL with a user name, and this one stands in a file"
    )
    IPV6_IN_NETRC = Says("pip before 25.2 finds no IPv6 address in a netrc")
    USER_CODE = Says("user code would inherit NETRC")
    OTHER_USER = Says("the URL insists on another user name")
    NO_UPLOAD = Says("only an upload has variables of its own")
    NAMES_USER = Says("the command names the user itself")
    NO_USE = Says("uv {verb} has no use for it, or would pass it on")
    SWITCHED_OFF = Says("{switch}: uv would not use it, or print it")
    FETCHED_FIRST = Says("uv fetches {url} before it keeps an index in mind")
    MACHINE_CONFIG = Says("the machine's uv.toml cannot be carried along as it is")
    NO_FOLDER_FOR_LINK = Says("there is no folder of the user's own for the link")
    NO_FOLDER_FOR_LOCK = Says("there is no folder of the user's own for uv's lock file")
    RECEIPT = Says("uv writes down in a tool's receipt whether its index wants a login")
    ONE_UPLOAD = Says("{tool} uploads with one credential")

    def of(self, **named: object) -> Refusal:
        """Return the refusal that names these things."""
        return Refusal(self, self.value.text.format(**named))


class Refusal(NamedTuple):
    """Why a channel will not do for one command: the reason, and in words with what it names."""

    reason: Reason
    why: str


#: What another system would not say: then the environment is taken only by who says so.
OF_THE_SYSTEM = frozenset({Reason.NO_MEMORY, Reason.MANY_READERS, Reason.PIPE_PASSED_BY})
#: The environment mends these as well: a tool too old, two credentials in one place.
_MENDED_BY_ENVIRONMENT = frozenset(
    {
        Reason.OLD_UV,
        Reason.SECRET_USER,
        Reason.UNNAMED_USER,
        Reason.OLD_PIP,
        Reason.TWO_IN_NETRC,
        Reason.TWO_IN_PIP,
    }
)


def choose_hint(
    refusals: list[tuple[str, Refusal]], *, is_strict: bool, is_unserved: bool, has_variables: bool
) -> str:
    """Return what helps in this very case; `has_variables` says that the tool reads some.

    A user name in the URL helps where a server does not answer to the store, and only there.
    """
    given = {
        refusal.reason
        for _, refusal in refusals
        if is_unserved or refusal.reason is not Reason.NO_NAME
    }
    reason = next((reason for reason in Reason if reason in given and reason.value.hint), None)
    if reason in OF_THE_SYSTEM and not has_variables:
        return _ELSEWHERE_HINT
    if is_strict and (reason is None or reason in _MENDED_BY_ENVIRONMENT):
        return _STRICT_HINT
    return reason.value.hint if reason else _UPGRADE_HINT
