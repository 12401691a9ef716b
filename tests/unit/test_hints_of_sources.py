"""Hints of the sources: each is met, what it says is done, and the source answers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shim.pipeline.expiring import find_expiring
from tests.support import agents, following
from tests.support.following import INDEX, URL, Place, Scene, both, has, retype, typed, typing


def configured(lines: str) -> Callable[[Place], None]:
    """Return what writes an [[index]] with these lines."""
    return following.configured(INDEX + lines)


def program(text: str) -> Callable[[Place], str]:
    return lambda place: place.program(text)


def ask(place: Place) -> None:
    assert place.ask().credential is not None


def answers(place: Place) -> None:
    """Ask, where it is enough that nothing is wrong."""
    place.ask()


def run_by_hand(place: Place, hint: str) -> None:
    """Run it, see what is wrong, and mend it."""
    place.environ["PATH"] = f"{place.folder}:{place.environ['PATH']}"
    name = hint.split("`")[1]
    place.run(f"{name} || :")
    place.program("echo s3cret")


def look(place: Place, hint: str, goes: str) -> None:
    assert goes in place.run(hint.removesuffix(" shows what it says"))


def put(name: str, data: str) -> Callable[[Place, str], object]:
    return lambda place, hint: place.write(name, data)


def edit(old: str, new: str) -> Callable[[Place, str], None]:
    return lambda place, hint: place.edit(old, new.replace("~", str(place.folder)))


FILE = configured('file = { password = "~/secret" }\n')
COMMAND = configured('command = { argv = ["~/vault"] }\n')
PYPIRC = "[distutils]\nindex-servers = corp\n[corp]\nrepository = https://other.example/\npassword-command = op read x\n"
VENDORS = "https://us-python.pkg.dev/team/repo/simple/"
TOKEN = '{"credential": {"access_token": "ya29.x", "token_expiry": "2099-01-01T00:00:00Z"}}'
NETRC = configured('source = ["netrc"]\n')
SAYS_JSON = """echo '{"password": "s3cret", "note": "soon", "end": 4102444800}'"""


def make_loop(place: Place) -> None:
    (place.folder / "secret").symlink_to("secret")


def untie(place: Place, hint: str) -> None:
    assert "secret -> secret" in place.run(hint)
    (place.folder / "secret").unlink()
    place.write("secret", "s3cret\n")


def write_program_into_open_folder(place: Place) -> None:
    (place.folder / "open").mkdir()
    (place.folder / "open").chmod(0o777)
    place.program("echo s3cret", "open/vault")
    place.environ["PATH"] = f"{place.folder}/open:/usr/bin:/bin"
    place.configure(INDEX + 'command = { argv = ["vault"] }\n')


def serve(place: Place) -> None:
    (place.folder / "other").mkdir()
    host = Place(place.folder / "other")
    command = f'command = {{ argv = ["{host.program(SAYS_JSON)}"], protocol = "json", expires = "end" }}'
    host.configure(f"{INDEX}{command}\nagent = true\n")
    place.environ["SHIM_AGENT_SOCKET"] = agents.serve(host.host)


def break_the_host(place: Place) -> None:
    place.write("other/vault", "#!/bin/sh\nexit 3\n", 0o755)


def mend_the_host(place: Place) -> None:
    place.write("other/vault", f"#!/bin/sh\n{SAYS_JSON}\n", 0o755)


def vendor(state: str) -> Callable[[Place], None]:
    """Return what puts a vendor's command on PATH; it gives a token once its user is logged in, of which a file `in` is the sign."""

    def begin(place: Place) -> None:
        place.program(f"case \"$*\" in *login*) : >~/in ;; *) [ -e ~/in ] || exit 1; echo '{TOKEN}' ;; esac", "bin/gcloud")
        place.environ["PATH"] = f"{place.folder}/bin:/usr/bin:/bin"
        if state:
            place.write(state, "")

    return begin


def ask_vendor(place: Place) -> None:
    """Ask for an index that a project names, and nobody else."""
    assert place.ask(VENDORS, project=True).credential is not None


def ask_vendor_by_name(place: Place) -> None:
    assert place.ask(VENDORS).credential is not None


def approve(place: Place, hint: str) -> None:
    retype(place, hint.partition(" approves")[0] + " --no-verify")
    assert typed(place) is None


def store_a_token(place: Place, hint: str) -> None:
    assert hint.endswith("--user NAME")
    place.words += ["--user", "alice", "--store", "file", "--password-stdin"]
    place.stdin = "s3cret"


def says_end(seconds: int) -> Callable[[Place], str]:
    """Return what writes a program that gives a token which ends so many seconds from then."""
    return lambda place: place.program(f"""echo '{{"password": "s3cret", "expires": {int(time.time()) + seconds}}}'""")


def ending(place: Place) -> str | None:
    """Return the hint of the warning that stands before a command with this token."""
    return next((warning.hint for warning in find_expiring((place.ask(),), frozenset(), place.host)), None)


ENDING = configured('command = { argv = ["~/vault"], protocol = "json" }\n')


def agent_socket_gone(place: Place) -> None:
    configured('source = ["agent"]\n')(place)
    place.environ["SHIM_AGENT_SOCKET"] = f"{place.folder}/gone.sock"


def relative_socket(place: Place) -> None:
    configured('source = ["agent"]\n')(place)
    serve(place)
    place.environ["SHIM_AGENT_SOCKET"] = place.environ["SHIM_AGENT_SOCKET"].removeprefix("/")


def write_from_root(place: Place, hint: str) -> None:
    assert "from / on" in hint
    place.environ["SHIM_AGENT_SOCKET"] = "/" + place.environ["SHIM_AGENT_SOCKET"]


def not_shared(place: Place) -> None:
    configured('source = ["agent"]\n')(place)


def start_sharing(place: Place, hint: str) -> None:
    assert "agent = true" in hint
    serve(place)


def missing(place: Place, fine: str = "", url: str = URL) -> str | None:
    """Return the hint for a command without a credential, None if there is one, or if all that is left to do is `fine`."""
    from shim.config.settings import load_settings
    from shim.core.urls import parse_url
    from shim.credentials.missing import hint_for

    answer = place.ask(url)
    index = load_settings(place.host).index_for(parse_url(url))
    hint = None if answer.credential else hint_for(answer, index)
    return None if hint == fine else hint


def export(place: Place, hint: str) -> None:
    place.environ[hint.removeprefix("export ")] = "s3cret"


SCENES = (
    Scene(
        "create {}",
        both(configured('file = { password = "~/secret", username = "~/user" }\n'), has("secret", "s3cret\n")),
        ask,
        lambda place, hint: place.write(os.path.relpath(hint.removeprefix("create "), place.folder), "alice\n"),
    ),
    Scene("save it as UTF-8", both(FILE, has("secret", b"s\xffcret")), ask, put("secret", "s3cret")),
    Scene("put the secret alone into the file", both(FILE, has("secret", "# it\ns3cret\n")), ask, put("secret", "s3cret\n")),
    Scene("put the secret into {}", FILE, missing, lambda place, hint: place.write("secret", "s3cret\n")),
    Scene(
        "write it as /folder/file or ~/folder/file",
        both(configured('file = { password = "secret" }\n'), has("secret", "s3cret\n")),
        ask,
        edit('"secret"', '"~/secret"'),
    ),
    Scene(
        "name the file that holds {} alone",
        both(FILE, has("secret", "x" * 70_000), has("other", "s3cret\n")),
        ask,
        edit("/secret", "/other"),
    ),
    Scene("ls -l {}", both(FILE, make_loop), ask, untie),
    Scene(
        "add {} to {}",
        both(configured('env = { password = "CORP", username = "WHO", file = "~/.env" }\n'), has(".env", "CORP=s3cret\n")),
        ask,
        lambda place, hint: place.run("echo {}=alice >> {}".format(*hint.removeprefix("add ").split(" to "))),
    ),
    Scene("export {}", configured('env = { password = "CORP" }\n'), missing, export),
    Scene("run `{}` by hand and see what it prints", both(COMMAND, program("exit 3")), ask, run_by_hand),
    Scene(
        'run it by hand, or set timeout = "2m" in its table',
        both(configured('command = { argv = ["~/vault"], timeout = "1s" }\n'), program("sleep 1.2; echo s3cret")),
        ask,
        edit('"1s"', '"2m"'),
    ),
    Scene(
        "let it print the secret alone",
        both(COMMAND, program("head -c 70000 /dev/zero | tr '\\0' x")),
        ask,
        lambda place, hint: place.program("echo s3cret"),
    ),
    Scene(
        'let it print the secret alone, or write protocol = "first" if that is the first line',
        both(COMMAND, program("echo s3cret; echo more")),
        ask,
        edit('vault"]', 'vault"], protocol = "first"'),
    ),
    Scene(
        "write an absolute path, or a name that is on PATH",
        both(configured('command = { argv = ["./vault"] }\n'), program("echo s3cret")),
        ask,
        edit("./vault", "~/vault"),
    ),
    Scene(
        "write its absolute path (PATH entries that everybody can write do not count)",
        write_program_into_open_folder,
        ask,
        edit('"vault"', '"~/open/vault"'),
    ),
    Scene(
        "name a field with seconds since 1970, or a time with its offset like 2026-01-02T03:04:05Z",
        both(configured('command = { argv = ["~/vault"], protocol = "json", expires = "note" }\n'), program(SAYS_JSON)),
        ask,
        edit('"note"', '"end"'),
    ),
    Scene(
        "store it again, alone",
        both(COMMAND, program("printf 's3\\tcret\\n'")),
        ask,
        lambda place, hint: place.program("echo s3cret"),
    ),
    Scene(
        "is that the right file? NETRC, else ~/.netrc",
        both(NETRC, has(".netrc", "#" * 5_000_000), has("right", "machine pypi.corp.example login alice password s3cret\n")),
        ask,
        lambda place, hint: place.environ.update(NETRC=f"{place.folder}/right"),
    ),
    Scene(
        "correct line {} of {}",
        both(NETRC, has(".netrc", "machine pypi.corp.example login alice\npassword s3cret\nmachin x\n")),
        ask,
        lambda place, hint: place.run("sed -i {}d {}".format(*hint.removeprefix("correct line ").split(" of "))),
    ),
    Scene(
        "see what `shim agent` prints on the host",
        both(configured('source = ["agent"]\n'), serve, break_the_host),
        ask,
        lambda place, hint: mend_the_host(place),
    ),
    Scene(
        "correct {}",
        both(configured('source = ["pypirc"]\n'), has(".pypirc", PYPIRC.replace("op read", "'op read"))),
        answers,
        lambda place, hint: place.write(hint.removeprefix(f"correct {place.folder}/"), PYPIRC),
    ),
    Scene(
        "check the sources of [[index]] {} in {}: {}",
        configured('source = ["netrc"]\n'),
        missing,
        lambda place, hint: place.write(".netrc", "machine pypi.corp.example login alice password s3cret\n"),
    ),
    Scene("shim login {} approves it, once", vendor("in"), ask_vendor, approve),
    Scene("log in: {}", vendor(""), ask_vendor_by_name, lambda place, hint: place.run(hint.removeprefix("log in: "))),
    Scene("{}, or store a token: --user NAME", both(vendor(""), typing(f"shim login {VENDORS} --no-verify")), typed, store_a_token),
    Scene("set the clock if it is wrong", both(ENDING, says_end(-60)), ending, lambda place, hint: setattr(place, "clock_s", -3600)),
    Scene(
        "run it again if that happens, or if pip asks for a user name",
        both(ENDING, says_end(60)),
        ending,
        lambda place, hint: says_end(7200)(place),
    ),
    Scene("it would follow you into every project: write it from / on", relative_socket, ask, write_from_root),
    Scene(
        "start `shim agent` on the host again, and mount the folder of its socket, not the socket alone",
        agent_socket_gone,
        ask,
        lambda place, hint: serve(place),
    ),
    Scene(
        "say agent = true for this index in the host's config.toml, run `shim agent` there, and set SHIM_AGENT_SOCKET",
        not_shared,
        missing,
        start_sharing,
    ),
    Scene(
        'outside CI jobs it takes another source: say source = ["ambient", "keyring"] for it, then shim login {}',
        configured('source = ["ambient"]\nambient = { audience = "corp" }\n'),
        lambda place: missing(place, "shim login corp"),
        edit('["ambient"]', '["ambient", "keyring"]'),
    ),
    Scene(
        "leave {} out of the URL: [[index]] {} is for {}",
        both(
            configured('env = { password = "CORP" }\n'),
            lambda place: place.environ.update(CORP="s3cret", TYPED="https://bob@pypi.corp.example/simple/"),
        ),
        lambda place: missing(place, url=place.environ["TYPED"]),
        lambda place, hint: place.environ.update(TYPED=URL),
    ),
    Scene(
        "use https, or set insecure = true for this index",
        both(
            lambda place: place.configure(INDEX.replace("https", "http") + 'env = { password = "CORP" }\n'),
            lambda place: place.environ.update(CORP="s3cret"),
        ),
        lambda place: missing(place, url=URL.replace("https", "http")),
        edit("\nusername", "\ninsecure = true\nusername"),
    ),
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.template[:50])
def test_a_source_answers_once_its_hint_is_followed(scene: Scene, tmp_path: Path) -> None:
    scene.play(Place(tmp_path))
