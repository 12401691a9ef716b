"""Hints about what an index answers, or why it does not: each is met at a server on loopback, what it says is done, and the index answers."""

from __future__ import annotations

import base64
import os
import ssl
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from shim.config.settings import load_settings
from shim.core.dataclass import replace
from shim.core.model import Endpoint, Endpoints, Origin, Resolution, Secret
from shim.credentials.resolve import resolve
from shim.preflight.failures import refusal
from shim.preflight.index_states import find_states
from shim.preflight.route import route_of_person
from shim.preflight.verify import VerificationRequest, verify
from tests.support import agents
from tests.support.following import Place, Scene, both, has, retype, typed, typing
from tests.support.servers import free_port
from tests.support.tls import make_authority
from tests.unit.test_verify import Reply, Server

GOOD = "Basic " + base64.b64encode(b"alice:good").decode()
CLOSED = ((401, None), (200, None))
"""What a stranger is told, and who has the right password."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    answers = {"/simple/": CLOSED}

    def reply(path: str, authorization: str | None) -> Reply:
        stranger, friend = answers.get(path, ((404, None), (404, None)))
        return friend if authorization == GOOD else stranger

    with Server(reply).running() as made.server:
        made.server.answers = answers
        yield made
        agents.stop()


def index(more: str, path: str = "/simple/", netloc: str = "") -> Callable[[Place], None]:
    """Return what configures an index at the server."""

    def begin(place: Place) -> None:
        url = (f"{netloc}" or place.server.url) + path
        lines = more.replace("~", str(place.folder)).replace("@", place.server.url)
        place.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "alice"\n{lines}\n')

    return begin


ENV = 'env = { password = "CORP" }'


def knows(secret: str) -> Callable[..., None]:
    return lambda place, _hint="": place.environ.update(CORP=secret)


def answers(path: str, stranger: Reply, friend: Reply) -> Callable[..., None]:
    return lambda place, _hint="": place.server.answers.__setitem__(path, (stranger, friend))


def edit(old: str, new: str) -> Callable[[Place, str], None]:
    return lambda place, _hint: place.edit(
        old.replace("@", place.server.url), new.replace("@", place.server.url).replace("~", str(place.folder))
    )


def look(place: Place) -> str | None:
    """Return what `shim status` would have a person do."""
    (found,) = find_states(load_settings(place.host), place.host)
    return None if found.is_usable else found.hint


def prove(place: Place) -> None:
    """Prove it as before a command with other indexes."""
    settings = load_settings(place.host)
    (one,) = settings.indexes
    answer: Resolution = place.ask(one.url.text)
    assert answer.credential is not None
    verdict = verify(VerificationRequest(one.verify_url, answer.credential, route_of_person(one, place.host)), place.host).verdict
    if verdict.kind != "proven":
        raise refusal(answer, one, verdict, None)


def prove_typed(place: Place) -> None:
    """The same for a password that stands in a URL."""
    settings = load_settings(place.host)
    (one,) = settings.indexes
    given = Secret(place.environ["PIP_INDEX_URL"])
    (answer,) = resolve(Endpoints((Endpoint(one.url, Origin("env", "PIP_INDEX_URL"), username="alice", inline_password=given),)), settings, place.host)
    assert answer.credential is not None
    verdict = verify(VerificationRequest(one.url, answer.credential, route_of_person(one, place.host)), place.host).verdict
    if verdict.kind != "proven":
        raise refusal(answer, one, verdict, None)


def log_in(place: Place, hint: str = "") -> None:
    """Type the login of a hint with the right password."""
    retype(place, hint or "shim login corp --store file")
    place.words += ["--password-stdin"]
    place.stdin = "good"
    assert place.shim(*place.words)[0] == 0


def changed_since_login(place: Place) -> None:
    index('source = ["stored"]')(place)
    place.stdin = "yesterdays"
    assert place.shim("login", "corp", "--store", "file", "--password-stdin", "--no-verify")[0] == 0


def at_closed_port(place: Place) -> None:
    index(ENV, netloc=f"http://127.0.0.1:{free_port()}")(place)


def to_its_port(place: Place, hint: str) -> None:
    assert "is its port" in hint
    index(ENV)(place)


def with_tls(name: str = "localhost") -> Callable[[Place], None]:
    """Let the server speak TLS, with a certificate of an authority of its own."""

    def begin(place: Place) -> None:
        make_authority(place.folder, "corp", name).protect(place.server.server)
        place.server.url = place.server.url.replace("http://127.0.0.1", "https://localhost")
        knows("good")(place)

    return begin


def other_authority(place: Place) -> None:
    make_authority(place.folder, "other")


def set_up(place: Place, hint: str) -> None:
    retype(place, hint.replace("/path/of/its/authority.pem", f"{place.folder}/corp-ca.pem"))
    place.words += ["--yes", "--login", "env:CORP", "--user", "alice"]
    assert place.shim(*place.words)[0] == 0


def look_at_login(place: Place) -> str | None:
    """Log in by URL, or see that the index which was set up for it answers."""
    if load_settings(place.host).indexes:
        return look(place)
    place.stdin = "good"
    return place.hint_of_shim("login", place.server.url + "/simple/", "--user", "alice", "--store", "file", "--password-stdin")


def typed_login(secret: str, path: str = "/simple/") -> Callable[[Place], None]:
    return lambda place: typing(f"shim login {place.server.url}{path} --user alice --store file --password-stdin", secret)(place)


def moved(place: Place) -> None:
    """Who has the right password is sent to another origin, where everybody is answered."""
    answers("/open/", (200, None), (200, None))(place)
    answers("/old/", (401, None), (302, place.server.url.replace("127.0.0.1", "localhost") + "/open/"))(place)


def only_old_tls(place: Place) -> None:
    """Let the server offer nothing newer than TLS 1.1."""
    context = place.server.server.socket.context
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1


def new_tls(place: Place, hint: str) -> None:
    assert "must offer TLS 1.2 or newer" in hint
    place.server.server.socket.context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED


def behind_proxy(port: int) -> Callable[[Place], None]:
    """Let the way to the index lead through a proxy, at which nothing answers."""

    def begin(place: Place) -> None:
        index("insecure = true\n" + ENV, netloc="http://pypi.corp.invalid")(place)
        answers("http://pypi.corp.invalid/simple/", *CLOSED)(place)
        place.environ["http_proxy"] = f"http://127.0.0.1:{port}"

    return begin


def prove_by_proxy(place: Place) -> None:
    """Prove it by the proxy of the environment."""
    with mock.patch.dict(os.environ, place.environ):
        for name in ("no_proxy", "NO_PROXY"):
            os.environ.pop(name, None)
        prove(place)


def in_container(place: Place) -> None:
    """Let a host's agent give yesterday's token, which is in the host's cache, while its vault has today's."""
    program = place.program(f"cat {place.folder}/token")
    place.write("token", '{"password": "yesterdays", "username": "alice", "expires_in": 3600}')
    index(f'agent = true\ncommand = {{ argv = ["{program}"], protocol = "json" }}')(place)
    prepared = replace(place.host, environ={**place.environ, "SHIM_CONFIG_FILE": place.write("host.toml", "")})
    place.write("host.toml", (place.folder / "config.toml").read_text())
    place.environ["SHIM_AGENT_SOCKET"] = agents.serve(prepared)
    index('source = ["agent"]')(place)
    place.environ["SHIM_CACHE_DIR"] = str(place.folder / "container")
    assert place.ask(f"{place.server.url}/simple/").credential is not None
    place.write("token", '{"password": "good", "username": "alice", "expires_in": 3600}')


SCENES = (
    Scene(
        "put a new secret into {}",
        both(has("secret", "yesterdays\n"), index('file = { password = "~/secret" }')),
        look,
        lambda place, hint: place.write("secret", "good\n"),
    ),
    Scene("shim login {} --store file", changed_since_login, look, log_in),
    Scene(
        "correct the entry for {} in your netrc",
        both(has(".netrc", "machine 127.0.0.1 login alice password yesterdays\n"), index('source = ["netrc"]')),
        look,
        lambda place, hint: place.run("sed -i s/yesterdays/good/ .netrc"),
    ),
    Scene("name the URL where the index really is", both(index(ENV, "/old/"), knows("good"), moved), prove, edit("/old/", "/simple/")),
    Scene(
        'set verify-url of [[index]] {} to a page that exists, like "{}", or renew the secret',
        both(index(ENV), knows("good"), answers("/simple/", (401, None), (404, None)), answers("/simple/corp-lib/", *CLOSED)),
        prove,
        edit("username", 'verify-url = "@/simple/corp-lib/"\nusername'),
    ),
    Scene(
        "if it is right: pip sends its letters beyond ASCII in Latin-1, so choose one without; else {}",
        both(index(ENV), knows("gööd")),
        prove,
        knows("good"),
    ),
    Scene("check that the server runs, and that {} is its port", both(knows("good"), at_closed_port), look, to_its_port),
    Scene(
        "check the spelling of {}, and the network or VPN that knows it",
        both(knows("good"), index("insecure = true\n" + ENV, netloc="http://nobody.invalid")),
        look,
        lambda place, hint: index(ENV)(place),
    ),
    Scene(
        "does the URL end in /simple/? as configured it is {}",
        both(index(ENV, "/"), knows("good"), answers("/", (401, None), (404, None))),
        look,
        edit('@/"', '@/simple/"'),
    ),
    Scene(
        "the authority in {} did not sign it: put the one of {} there",
        both(with_tls(), other_authority, index('ca-bundle = "~/other-ca.pem"\n' + ENV)),
        look,
        edit("other-ca", "corp-ca"),
    ),
    Scene(
        'set ca-bundle = "/path/of/its/authority.pem" for this [[index]], or "system"',
        both(with_tls(), index(ENV)),
        prove,
        edit("username", 'ca-bundle = "~/corp-ca.pem"\nusername'),
    ),
    Scene("check the user name (--user) and the secret", typed_login("wrong"), typed, lambda place, hint: setattr(place, "stdin", "good")),
    Scene(
        "check the network or VPN, and the URL {}",
        typed_login("good", "/old/simple/"),
        typed,
        lambda place, hint: typed_login("good")(place),
    ),
    Scene(
        "put the right password into {}, or take it out of the URL and run shim login {}",
        both(index(ENV), lambda place: place.environ.update(PIP_INDEX_URL="yesterdays")),
        prove_typed,
        lambda place, hint: place.environ.update({hint.split()[6].rstrip(","): "good"}),
    ),
    Scene("shim setup {} --ca-bundle /path/of/its/authority.pem", with_tls(), look_at_login, set_up),
    Scene(
        "check the host in {} and this machine's date; if both are right, who runs {} must renew its certificate",
        both(with_tls("pypi.corp.example"), index('ca-bundle = "~/corp-ca.pem"\n' + ENV)),
        look,
        edit("https://localhost", "https://127.0.0.1"),
    ),
    Scene(
        "who runs {} must offer TLS 1.2 or newer",
        both(with_tls(), only_old_tls, index('ca-bundle = "~/corp-ca.pem"\n' + ENV)),
        look,
        new_tls,
    ),
    Scene(
        "check that proxy, or name another one",
        both(knows("good"), behind_proxy(free_port())),
        prove_by_proxy,
        lambda place, hint: place.environ.update(http_proxy=place.server.url),
    ),
    Scene(
        "SHIM_REFRESH=1 has the host get a new one; if that is refused too, log in on the host",
        in_container,
        prove,
        lambda place, hint: place.environ.update([hint.split()[0].split("=")]),
    ),
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.template[:50])
def test_an_index_answers_once_its_hint_is_followed(scene: Scene, place: Place) -> None:
    scene.play(place)
