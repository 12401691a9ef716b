"""Hints about files, folders and sockets of this machine: each is met, what it says is done, and all is well."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from shim.config import policy
from shim.config.logins import read_address
from shim.config.settings import load_settings
from shim.core.model import Secret
from shim.core.urls import parse_url
from shim.credentials.agent_client import ask, knock
from shim.credentials.agent_protocol import AgentRequest, render_request
from shim.credentials.missing import hint_for
from shim.credentials.oauth import posit_tokens_file
from shim.delivery import tls
from shim.helpers.agent_socket import Server, make_folder
from shim.install import launchers
from shim.storage import approved_origins
from shim.tools.project_files import read_document
from tests.support import agents, machine
from tests.support.following import (
    INDEX,
    URL,
    Place,
    Scene,
    both,
    configured,
    has,
    retype,
    typed,
    typing,
)

NOBODY = 65534


@pytest.fixture(autouse=True)
def a_policy_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(policy, "policy_file", lambda: str(tmp_path / "policy.toml"))
    yield
    mock.patch.stopall()


def settings(place: Place) -> None:
    load_settings(place.host)


def run_hint(place: Place, hint: str) -> None:
    """Run what a hint is, or ends in."""
    place.run(hint.rpartition(": ")[2])


def own_by(uid: int, name: str) -> Callable[[Place], None]:
    return lambda place: os.chown(place.folder / name, uid, -1)


def edit(old: str, new: str) -> Callable[[Place, str], None]:
    return lambda place, _hint: place.edit(old, new)


def tokens(place: Place) -> None:
    if problem := posit_tokens_file.find_problem(place.host):
        raise problem


def write_with_us(place: Place) -> None:
    """Let another program write the file of tokens each time that we have prepared a change, until it is told to stop."""
    ours = os.fsync

    def written(descriptor: int) -> None:
        place.clock_s += 1
        place.write(".ppm/tokens.toml", f"# {place.clock_s}\n")
        ours(descriptor)

    place.server = mock.patch.object(posit_tokens_file.os, "fsync", written)
    place.server.start()


def put_a_token(place: Place) -> None:
    assert posit_tokens_file.put(read_address("https://ppm.example", "config.toml"), Secret("t0ken"), place.host)


def own_tokens(place: Place) -> None:
    """Find the server's token, or say why the file has none."""
    if not posit_tokens_file.read_tokens(read_address("https://ppm.example", "config.toml"), place.host):
        tokens(place)


def put_token(place: Place) -> None:
    posit_tokens_file.put(read_address("https://ppm.example", "config.toml"), None, place.host)


def find_home(place: Place, hint: str) -> None:
    assert "set HOME" in hint
    place.environ["HOME"] = str(place.folder)


def document(place: Place) -> None:
    read_document("uv.toml", place.host)


def approve(place: Place) -> None:
    approved_origins.approve(parse_url(URL), place.host)


def listening(place: Place) -> Server:
    return Server(place.words[0], lambda data, _client: data, is_shared=False)


def listen(place: Place) -> None:
    listening(place).close()


def occupy(place: Place) -> None:
    """Let an agent listen where the next one shall."""
    HELD.append(listening(place))


HELD: list[Server] = []
TOKEN = '[[connections]]\naddress = "https://ppm.example"\nauth_type = "sso"\ntoken = "t0ken"\n'
#: Another user is needed for these.
ROOTS = (
    "chown it, or copy what you trust: `cp {} {}.mine`",
    "ls -ld {}: docker makes a missing one as root; remove it",
)


def end_first(place: Place, hint: str) -> None:
    assert "end" in hint
    HELD.pop().close()


def at(path: str) -> Callable[[Place], None]:
    return lambda place: place.words.__setitem__(slice(None), [path.replace("~", str(place.folder))])


def go_to(path: str) -> Callable[[Place, str], None]:
    return lambda place, _hint: at(path)(place)


def make_levels(place: Place) -> None:
    make_folder((f"{place.folder}/base", f"{place.folder}/base/agent"), is_shared=False)


def knock_at(place: Place) -> None:
    ask(place.words[0], render_request(AgentRequest(URL, False)), 5.0)
    knock(place.words[0])


def silent(place: Place) -> None:
    """A socket of some other program, which says nothing of the protocol: an agent of ours is there later."""
    HELD.append(Server(f"{place.folder}/s", lambda _data, _client: b"x" * 2_000_000, is_shared=False))
    at("~/s")(place)


def ask_the_agent(place: Place, _hint: str) -> None:
    HELD.pop().close()
    place.words[0] = agents.serve(place.host)


def write_launcher(place: Place) -> None:
    launchers.write_launchers(f"{place.folder}/shims", ["pip"])


def hold(place: Place) -> None:
    """Another program is about to listen there; the descriptor ends with the scene."""
    place.server = os.open(os.path.dirname(place.words[0]), os.O_RDONLY)
    fcntl.flock(place.server, fcntl.LOCK_EX)


def end_program(place: Place, _hint: str) -> None:
    os.close(place.server)


def forbidden(place: Place) -> str | None:
    hint = hint_for(place.ask(), None)
    return hint if "policy" in hint else None


def bundle(place: Place) -> None:
    settings = load_settings(place.host)
    tls._check_bundle(settings.indexes[0].ca_bundle or "", settings, place.host)


def unwritable(place: Place) -> None:
    place.write("plain", "")
    typing("shim install pip --shims ~/plain/shims")(place)


SCENES = (
    Scene(
        "take that line out of your config.toml",
        both(has("policy.toml", "allow-audit-off = false\n", 0o644), configured('audit = "off"\n' + INDEX)),
        settings,
        edit('audit = "off"\n', ""),
    ),
    Scene(
        'write packages = ["{}"] into the [[index]] that these names come from',
        both(has("policy.toml", 'packages = ["corp-*"]\n', 0o644), configured(INDEX)),
        settings,
        lambda place, hint: place.write("config.toml", INDEX + hint.removeprefix("write ").partition(" into ")[0] + "\n", 0o600),
    ),
    Scene(
        "take it out, or ask who keeps the policy",
        both(has("policy.toml", "allow-insecure = false\n", 0o644), configured(INDEX + "insecure = true\n")),
        settings,
        edit("insecure = true\n", ""),
    ),
    Scene(
        "the file is as it was; {}",
        both(has("policy.toml", "allow-command = false\n", 0o644), typing(f"shim setup {URL} --login 'command:cat /etc/hostname' --yes")),
        typed,
        lambda place, hint: typing(f"shim setup {URL} --login none --yes")(place),
    ),
    Scene("chown root: {} && chmod 644 {}", has("policy.toml", "", 0o666), settings, lambda place, hint: place.run(hint)),
    Scene(
        "let root correct it",
        has("policy.toml", "allow-command = \n", 0o644),
        settings,
        lambda place, _: place.write("policy.toml", "allow-command = true\n", 0o644),
    ),
    Scene(
        "let root correct it",
        both(has("policy.toml", "", 0o644), lambda place: place.run("truncate -s 65M policy.toml")),
        settings,
        lambda place, _: place.write("policy.toml", "allow-command = true\n", 0o644),
    ),
    Scene(
        "write it like this: {} = {}",
        has("policy.toml", 'allow-command = "no"\n', 0o644),
        settings,
        lambda place, _: place.write("policy.toml", "allow-command = false\n", 0o644),
    ),
    Scene(
        "chown it, or copy what you trust: `cp {} {}.mine`",
        both(configured(INDEX), own_by(NOBODY, "config.toml")),
        settings,
        lambda place, hint: (place.run(hint.split("`")[1]), place.environ.update(SHIM_CONFIG_FILE=hint.split("`")[1].split()[2])),
    ),
    Scene("correct it, or move it away: mv {} {}.broken", has(".ppm/tokens.toml", "[[[\n"), tokens, run_hint),
    Scene("set HOME, or {} to an absolute path", lambda place: place.environ.pop("HOME"), put_token, find_home),
    Scene("run it again", write_with_us, put_a_token, lambda place, _: place.server.stop()),
    Scene(
        "log in with the program that wrote it; until then shim keeps its own tokens elsewhere",
        has(".ppm/tokens.toml", "version = 2\n"),
        own_tokens,
        lambda place, _: place.write(".ppm/tokens.toml", "version = 2\n" + TOKEN),
    ),
    Scene(
        "ls -ld {}",
        has(".ppm", "this is a file\n"),
        put_a_token,
        lambda place, hint: (place.run(f"{hint} | grep ^-"), place.run(f"rm {hint.split()[2]}")),
    ),
    Scene("mend the file", has("uv.toml", "[[[\n"), document, lambda place, _: place.write("uv.toml", "native-tls = true\n")),
    Scene("rm {}", has("shims/pip", "#!/bin/sh\n", 0o755), write_launcher, run_hint),
    Scene(
        "shim install --shims /some/other/folder",
        unwritable,
        typed,
        lambda place, hint: retype(place, hint.replace("/some/other", str(place.folder))),
    ),
    Scene(
        "mv {}.bak {}.older",
        both(
            configured(INDEX),
            has("pip.conf", f"[global]\nindex-url = {URL.replace('//', '//alice:s3cret@')}\n"),
            has("pip.conf.bak", "old"),
            typing("shim login --import ~/pip.conf --backup --store file --no-verify"),
        ),
        typed,
        run_hint,
    ),
    Scene("end it, or choose another folder", both(lambda place: (place.folder / "x").mkdir(), at("~/x/s"), hold), listen, end_program),
    Scene(
        "ask who keeps the machine's policy",
        both(has("policy.toml", 'indexes = ["https://other.example/"]\n', 0o644), lambda place: place.environ.update(ASKED=URL)),
        forbidden,
        lambda place, _: place.write("policy.toml", f'indexes = ["{URL}"]\n', 0o644),
    ),
    Scene(
        'name a file of PEM certificates, or "system"',
        both(configured(INDEX + 'ca-bundle = "~/corp.pem"\n'), has("corp.pem", "")),
        bundle,
        lambda place, _: place.write("corp.pem", "-----BEGIN CERTIFICATE-----\n"),
    ),
    Scene("choose another --socket", both(has("taken", ""), at("~/taken")), listen, go_to("~/other")),
    Scene("choose a shorter path in a folder of yours", at("~/" + "x" * 120), listen, go_to("~/x")),
    Scene("end that one first, or give this one another name: --for NAME", both(at("~/s"), occupy), listen, end_first),
    Scene(
        "ls -ld {}; or choose one with --socket",
        lambda place: (place.folder / "base").mkdir(mode=0o755),
        make_levels,
        lambda place, hint: (place.run(hint.partition(";")[0]), (place.folder / "base").chmod(0o700)),
    ),
    Scene(
        "ls -ld {}: docker makes a missing one as root; remove it",
        both(
            lambda place: (place.folder / "base/agent").mkdir(parents=True),
            lambda place: (place.folder / "base").chmod(0o700),
            own_by(NOBODY, "base/agent"),
        ),
        make_levels,
        lambda place, hint: (place.run(hint.partition(":")[0]), (place.folder / "base/agent").rmdir()),
    ),
    Scene("is it a socket of `shim agent`, and of the same release?", silent, knock_at, ask_the_agent),
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.template[:50])
def test_all_is_well_once_the_hint_is_followed(scene: Scene, tmp_path: Path) -> None:
    machine.skip_without(machine.lacks_root() if scene.template in ROOTS else "")
    scene.play(Place(tmp_path))
    assert HELD == []
