"""Hints of the verbs: each is met by typing a line, what it says is typed or done, and the line works."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from shim.cli import agent
from shim.cli.doctor.check import load_check
from shim.cli.doctor.confusion import find_beside
from shim.cli.exec.env_file import read_env_file
from shim.cli.setup.fields import read_url
from shim.config.settings import load_settings
from shim.credentials.resolve import refuse_scheme
from tests.support import machine
from tests.support.following import (
    INDEX,
    URL,
    Place,
    Scene,
    add,
    both,
    configured,
    has,
    retype,
    typed,
    typing,
)

ONE = configured(INDEX)
ANSWERED = both(configured(INDEX + 'env = { password = "CORP" }\n'), lambda place: place.environ.update(CORP="s3cret"))
OTHER = "https://other.example/simple/"

PLAIN = "http://pypi.corp.example/simple/"


def looks(goes: str, *words: str) -> Callable[[Place, str], None]:
    """Return what runs `shim WORDS`, which the hint names, and finds there what it promises."""

    def follow(place: Place, hint: str) -> None:
        assert f"shim {words[0]}" in hint
        status, said = place.shim(*words)
        assert (status, goes in said) == (0, True), said
        place.words = list(words)

    return follow


def drop(*words: str) -> Callable[[Place, str], None]:
    def follow(place: Place, _hint: str) -> None:
        for word in words:
            place.words.remove(word)

    return follow


def swap(old: str, new: str) -> Callable[[Place, str], None]:
    def follow(place: Place, _hint: str) -> None:
        place.words[place.words.index(old)] = new

    return follow


def log_in(place: Place, hint: str) -> None:
    """Type the login of a hint, with what else it takes where there is no keyring and no terminal."""
    command = re.search(r"shim login [^\s,]+", hint)
    assert command is not None
    retype(place, command[0].replace("NAME", "corp"))
    place.words += ["--password-stdin", "--store", "file", "--no-verify"]
    place.stdin = "s3cret"


def read_env(place: Place) -> None:
    read_env_file(place.words[0] if place.words else ".env", place.host)


def no_home(place: Place) -> None:
    typing(f"shim setup {URL} --login none --yes")(place)
    for name in ("HOME", "SHIM_CONFIG_FILE"):
        del place.environ[name]


def index_in_one_line(place: Place) -> None:
    place.configure(f'index = [{{ name = "corp", url = "{URL}" }}]\n')
    typing("shim setup --remove corp --yes")(place)


def take_out_by_hand(place: Place, hint: str) -> None:
    assert hint.endswith("config.toml by hand")
    place.configure("")
    place.words = ["status", "--offline"]


def with_a_pip(place: Place) -> None:
    place.program("echo pip 25.0 from /x (python 3.11)", "bin/pip")
    place.environ["PATH"] = f"{place.folder}/bin:/usr/bin:/bin"
    typing("shim which pip")(place)


def find_uid(place: Place, _hint: str) -> None:
    machine.skip_without(machine.lacks_programs("ps"))
    place.words = [place.run("ps -o uid= -p $$").strip()]


def read_uids(place: Place) -> None:
    agent._read_uids([int(place.words[0])])


def listen(place: Place) -> None:
    name, socket = [*place.words, ""][:2]
    agent._find_path(argparse.Namespace(name=name, socket=socket or None), place.host, is_shared=False)


def finding(check: str, where: str) -> Callable[[Place], str | None]:
    """Return what a check of `shim doctor` advises for a place."""

    def meet(place: Place) -> str | None:
        return next((found.command for found in load_check(check).find(place.host) if where in found.where), None)

    return meet


def make_open_folder(place: Place) -> None:
    (place.folder / "open").mkdir()
    (place.folder / "open").chmod(0o777)


def stranger(place: Place) -> None:
    make_open_folder(place)
    place.words = ["dev", f"{place.folder}/open/agent.sock"]


def make_own(place: Place, hint: str) -> None:
    command = hint.partition(": ")[2]
    place.run(command)
    place.words[1] = f"{command.split()[-1]}/agent.sock"


def cache_in_open_folder(place: Place) -> None:
    make_open_folder(place)
    place.environ["SHIM_CACHE_DIR"] = f"{place.folder}/open"


def make_private_cache(place: Place, hint: str) -> None:
    assert "0700" in hint
    (place.folder / "tokens").mkdir(mode=0o700)
    place.environ["SHIM_CACHE_DIR"] = f"{place.folder}/tokens"


def make_folder_private(place: Place, hint: str) -> None:
    place.run(hint.partition(": ")[2])


def open_folder_of_logins(place: Place) -> None:
    folder = place.folder / ".local/share/shim/stored"
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    ONE(place)
    typing("shim login corp --password-stdin --store file --no-verify", "s3cret")(place)


def no_home_for_logins(place: Place) -> None:
    ONE(place)
    typing("shim login corp --password-stdin --store file --no-verify", "s3cret")(place)
    del place.environ["HOME"]


def set_home(place: Place, hint: str) -> None:
    assert "set HOME" in hint
    place.environ["HOME"] = str(place.folder)


def ask_for_store(place: Place) -> None:
    ONE(place)
    place.interactive = True
    typing("shim login corp --password-stdin --no-verify")(place)


def say_store(place: Place, hint: str) -> None:
    retype(place, hint.replace("NAME", "corp"))
    place.words += ["--password-stdin", "--no-verify"]
    place.stdin = "s3cret"


def without_a_pip(place: Place) -> None:
    """A launcher is left of a tool that is gone."""
    place.environ["PATH"] = f"{place.folder}/.local/share/shim/shims:{place.folder}/bin:/usr/bin:/bin"
    place.shim("install", "pip3.99")
    typing("shim which pip3.99")(place)


def find_and_add(place: Place, hint: str) -> None:
    assert place.run(f"bash -c '{hint}'").strip().endswith("/shims/pip3.99"), "only ours"
    place.program("echo pip 26.2 from /x", "bin/pip3.99")


def two_copies(place: Place) -> None:
    place.shim("install")
    place.shim("install", "--shims", f"{place.folder}/other/shims")
    place.environ["PATH"] = f"{place.folder}/.local/share/shim/shims:{place.folder}/other/shims:/usr/bin:/bin"


def shadowed(place: Place) -> None:
    """A folder with the real pip stands before ours, as after a venv in a plain sh."""
    with_a_pip(place)
    place.shim("install")
    place.environ["PATH"] = f"{place.folder}/bin:{place.folder}/.local/share/shim/shims:/usr/bin:/bin"


def activate(place: Place, hint: str) -> None:
    place.environ["PATH"] = place.run(f'{hint}; printf %s "$PATH"')


def log_in_and_remove(place: Place, hint: str) -> None:
    log_in(place, hint.replace("URL of the index", URL))
    assert typed(place) is None
    place.write(".bashrc", "")


def set_up_or_find(place: Place) -> None:
    """Have the index configured: as it is, or by what `shim setup` makes of its URL."""
    index = next(iter(load_settings(place.host).indexes), None)
    if index is None or refuse_scheme(index.url, index):
        read_url(PLAIN)


SCENES = (
    Scene(
        'let {} pass public packages on, and be the only one with use-as = "default"',
        configured(INDEX + 'use-as = "default"\n[[index]]\nname = "pypi"\nurl = "https://pypi.org/simple/"\nuse-as = "extra"\n'),
        lambda place: next((one.command for one in find_beside(place.host)), None),
        lambda place, hint: place.configure(INDEX + 'use-as = "default"\n'),
    ),
    Scene(
        "uninstall the one that you do not want",
        two_copies,
        finding("installation", "other"),
        lambda place, hint: place.shim("uninstall", "--shims", f"{place.folder}/other/shims"),
    ),
    Scene(
        "use https; plain http needs an [[index]] with insecure = true, written by hand",
        lambda place: None,
        set_up_or_find,
        lambda place, hint: place.configure(f'[[index]]\nname = "corp"\nurl = "{PLAIN}"\ninsecure = true\n'),
    ),
    Scene('eval "$(shim activate)"', shadowed, finding("installation", "shims/pip"), activate),
    Scene(
        'pipe it in: printf %s "$SECRET" | shim login NAME --password-stdin',
        both(ONE, typing("shim login corp --password s3cret")),
        typed,
        log_in,
    ),
    Scene("type -a {}", without_a_pip, typed, find_and_add),
    Scene("shim backend list", typing("shim backend list x"), typed, retype),
    Scene(
        "shim setup --remove NAME",
        both(ONE, typing("shim setup --remove corp --name x --yes")),
        typed,
        lambda place, hint: retype(place, hint.replace("NAME", "corp --yes")),
    ),
    Scene("shim uninstall --purge", typing("shim uninstall --purge pip"), typed, retype),
    Scene("set HOME, or SHIM_CONFIG_FILE to a path", no_home, typed, set_home),
    Scene(
        "shim status shows what is configured already",
        both(ANSWERED, has("pip.conf", f"[global]\nindex-url = {URL}\n"), typing("shim setup --from ~/pip.conf --use-as no --yes")),
        typed,
        looks("corp", "status", "--offline"),
    ),
    Scene(
        "leave out everything else but --use-as",
        both(has("pip.conf", f"[global]\nindex-url = {URL}\n"), typing("shim setup --from ~/pip.conf --use-as no --name x --yes")),
        typed,
        drop("--name", "x"),
    ),
    Scene("--yes writes it without a question", typing(f"shim setup {URL} --login none"), typed, add("--yes")),
    Scene(
        "choose another --name, or change it there",
        both(ONE, typing(f"shim setup {OTHER} --login none --name corp --yes")),
        typed,
        swap("corp", "other"),
    ),
    Scene(
        "--use-as extra, or change that one first",
        both(configured(INDEX + 'use-as = "default"\n'), typing(f"shim setup {OTHER} --login none --use-as default --yes")),
        typed,
        swap("default", "extra"),
    ),
    Scene(
        "shim setup {} --use-as extra puts it beside a private index",
        both(ONE, typing("shim setup https://pypi.org/simple/ --yes")),
        typed,
        lambda place, hint: retype(place, hint.partition(" puts ")[0] + " --yes"),
    ),
    Scene("shim login {}, or change it there", both(ONE, typing(f"shim setup {URL} --yes")), typed, log_in),
    Scene("take it out of {} by hand", index_in_one_line, typed, take_out_by_hand),
    Scene("shim install", with_a_pip, typed, lambda place, hint: place.shim(*hint.split()[1:])),
    Scene(
        "name the dotenv file: shim exec --env-file .env -- pip install x",
        has("x.env", ""),
        read_env,
        lambda place, hint: place.words.append("x.env"),
    ),
    Scene(
        "write it as https://user:password@host/path/",
        has(".env", "PIP_INDEX_URL=https://alice:s3cret@:x/simple/\n"),
        read_env,
        lambda place, hint: place.write(".env", f"PIP_INDEX_URL={URL.replace('//', '//alice:s3cret@')}\n"),
    ),
    Scene(
        "use https; a password in it would travel in clear",
        has(".env", "PIP_INDEX_URL=http://alice:s3cret@pypi.corp.example/simple/\n"),
        read_env,
        lambda place, hint: place.run("sed -i s/http:/https:/ .env"),
    ),
    Scene(
        "install with --prefix to another folder",
        typing("shim activate sh --shims ~/a:b/shims"),
        typed,
        lambda place, hint: typing("shim activate sh --shims ~/ab/shims")(place),
    ),
    Scene(
        "wrapped are: {}",
        both(with_a_pip, lambda place: place.shim("install"), typing("shim explain -- foo install x")),
        typed,
        lambda place, hint: swap("foo", hint.split()[2].rstrip(","))(place, hint),
    ),
    Scene(
        "say the number that `ps -o uid` shows on this machine for a process in the container",
        lambda place: place.words.append("65534"),
        read_uids,
        find_uid,
    ),
    Scene(
        "add agent = true to each [[index]] that the container may use",
        ONE,
        lambda place: agent._shared_indexes(load_settings(place.host), place.host) and None,
        lambda place, hint: place.configure(INDEX + "agent = true\n"),
    ),
    Scene(
        "shim agent --for dev",
        lambda place: place.words.append("a b"),
        listen,
        lambda place, hint: place.words.__setitem__(0, hint.split()[-1]),
    ),
    Scene("give it one of its own: mkdir -m {} {}/agent", stranger, listen, make_own),
    Scene(
        "set SHIM_CACHE_DIR to an absolute folder of mode 0700", cache_in_open_folder, finding("storage", "token cache"), make_private_cache
    ),
    Scene("check the owner and mode of {}: chmod 700 {}", open_folder_of_logins, typed, make_folder_private),
    Scene("set HOME to a folder of yours", no_home_for_logins, typed, set_home),
    Scene(
        "shim login NAME asks for one",
        both(ONE, has("pip.conf", "[global]\nindex-url = https://x.example/\n"), typing("shim login --import ~/pip.conf")),
        typed,
        log_in,
    ),
    Scene(
        "shim login NAME asks for a password; take it out of the file by hand",
        both(ONE, lambda place: place.run("truncate -s 65M pip.conf"), typing("shim login --import ~/pip.conf")),
        typed,
        log_in,
    ),
    Scene("shim login NAME --store {}", ask_for_store, typed, say_store),
    Scene(
        "shim login URL of the index, then remove the line",
        both(has(".bashrc", "export UV_INDEX_CORP_PASSWORD=s3cret-of-alice\n")),
        finding("clear_text", ".bashrc"),
        log_in_and_remove,
    ),
    Scene(
        "lock again once the URL that it came from has no password",
        has("uv.lock", 'source = { registry = "https://alice:s3cret@pypi.corp.example/simple/" }\n'),
        finding("clear_text", "uv.lock"),
        lambda place, hint: place.write("uv.lock", f'source = {{ registry = "{URL}" }}\n'),
    ),
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.template[:50])
def test_a_line_works_once_its_hint_is_followed(scene: Scene, tmp_path: Path) -> None:
    scene.play(Place(tmp_path))
