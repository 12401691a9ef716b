"""Hints of the configuration and of options, met and followed in one process: what they say makes the trouble go away."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from shim.cli.setup import fields
from shim.cli.setup.fields import read_bundle
from shim.cli.setup.import_file import read_tables
from shim.config.settings import Settings, load_settings
from shim.core.errors import ShimError
from shim.core.host import Host
from shim.core.urls import parse_url
from tests.support.hints import follows

URL = "https://pypi.corp.example/simple/"
GOOD = f'[[index]]\nname = "corp"\nurl = "{URL}"\n'
#: A configuration that is refused -> the beginning of the hint, and what becomes of the text by following it.
CONFIGURATIONS: dict[str, tuple[str, str, Callable[[str], str]]] = {
    "unknown key": (GOOD + "usernam = 'x'\n", "did you mean 'username'?", lambda text: text.replace("usernam ", "username ")),
    "another kind": (GOOD + "insecure = 1\n", "write insecure = false", lambda text: text.replace("= 1", "= false")),
    "no choice": ('channel = "x"\n' + GOOD, 'write channel = "auto"', lambda text: text.replace('"x"', '"auto"')),
    "white space": (GOOD.replace("simple/", "a b/") + "use-as = 'extra'\n", "write it as %20", lambda text: text.replace("a b", "a%20b")),
    "scope elsewhere": (
        GOOD + "scope = 'https://other.example/'\n",
        "scope must be the same server, and a folder above url",
        lambda text: text.replace("other.example", "pypi.corp.example"),
    ),
    "verify-url elsewhere": (
        GOOD + "verify-url = 'https://other.example/'\n",
        "verify-url must be on the same server, below scope",
        lambda text: text.replace("other.example", "pypi.corp.example/simple/x"),
    ),
    "posit elsewhere": (
        GOOD + "posit = { address = 'https://other.example' }\n",
        "its tokens are for its own server",
        lambda text: text.replace("other.example", "pypi.corp.example"),
    ),
    "password in url": (
        GOOD.replace("https://", "https://alice:secret@"),
        "take the password out of the URL",
        lambda text: text.replace("alice:secret@", ""),
    ),
    "source without table": (
        GOOD + "source = ['env']\n",
        "add env = ",
        lambda text: text + 'env = { password = "CORP_TOKEN" }\n',
    ),
    "command without argv": (
        GOOD + "command = { timeout = '30s' }\n",
        "write command = ",
        lambda text: text.replace("{ timeout = '30s' }", '{ argv = ["op", "read", "op://x/y"], timeout = "30s" }'),
    ),
    "fields without json": (
        GOOD + "command = { argv = ['x'], password = 'a.b' }\n",
        'add protocol = "json", or leave it out',
        lambda text: text.replace("'a.b' }", "'a.b', protocol = \"json\" }"),
    ),
    "a word for many": (
        GOOD + "command = { argv = 'x' }\n",
        "make argv an array of strings",
        lambda text: text.replace("'x'", "['x']"),
    ),
    "one bracket": ("index = [1]\n", "write [[index]] with two brackets", lambda _: GOOD),
    "no url": ('[[index]]\nname = "x"\n', "add a line like url = ", lambda text: text + 'url = "https://pypi.example/simple/"\n'),
    "no duration": (GOOD + "max-age = '1'\n", "write a number and s, m, h or d, like 12h", lambda text: text.replace("'1'", "'12h'")),
    "two of one name": (GOOD + GOOD, "give each its own name", lambda text: text.replace('"corp"', '"other"', 1)),
    "plain http issuer": (
        GOOD + "oidc = { issuer = 'http://login.corp.example', client-id = 'pip' }\n",
        "write it with https",
        lambda text: text.replace("http://login", "https://login"),
    ),
    "user in issuer": (
        GOOD + "oidc = { issuer = 'https://me@login.corp.example', client-id = 'pip' }\n",
        "take out what stands before the @",
        lambda text: text.replace("me@", ""),
    ),
    "query in issuer": (
        GOOD + "oidc = { issuer = 'https://login.corp.example/?a=b', client-id = 'pip' }\n",
        "end it before the ? or #",
        lambda text: text.replace("?a=b", ""),
    ),
    "no url at all": (GOOD.replace(URL, "ftp://x/"), "write it as https://host/path/", lambda text: text.replace("ftp://x/", URL)),
    "no issuer at all": (
        GOOD + "oidc = { issuer = 'login', client-id = 'pip' }\n",
        "write it as https://host/",
        lambda text: text.replace("'login'", "'https://login.corp.example/'"),
    ),
    "not toml": ("channel = \n" + GOOD, "correct that line", lambda text: text.replace("channel = \n", 'channel = "auto"\n')),
}


def host_with(folder: Path, text: str | bytes) -> tuple[Host, Path]:
    path = folder / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return Host({"SHIM_CONFIG_FILE": str(path)}, "/"), path


def hint_of(act: Callable[[], object]) -> str:
    with pytest.raises(ShimError) as raised:
        act()
    assert raised.value.hint is not None
    return raised.value.hint


@follows(
    "write it as %20",
    "scope must be the same server, and a folder above url",
    "verify-url must be on the same server, below scope",
    "its tokens are for its own server: give url the same scheme, host and port as address",
    "take the password out of the URL, change it at the index, and run `shim login` with the new one",
    "add {} = {}",
    "write command = {}",
    'add protocol = "json", or leave it out',
    "write [[index]] with two brackets",
    'add a line like url = "https://pypi.example/simple/"',
    "write a number and s, m, h or d, like 12h",
    "give each its own name",
    "write it with https",
    "take out what stands before the @",
    "end it before the ? or #",
    "write it as https://host/path/",
    "write it as https://host/",
    "correct that line",
    "write {} = {}",
    "make {} {} {}",
)
@pytest.mark.parametrize("case", CONFIGURATIONS)
def test_a_configuration_reads_once_its_hint_is_followed(case: str, tmp_path: Path) -> None:
    broken, hint, follow = CONFIGURATIONS[case]
    host, _ = host_with(tmp_path, broken)
    assert hint_of(lambda: load_settings(host)).startswith(hint)
    host, _ = host_with(tmp_path, follow(broken))

    assert load_settings(host).indexes


@follows('make all but one of them use-as = "extra"')
def test_two_defaults_are_told_how_to_be_one(tmp_path: Path) -> None:
    one, two = (GOOD.replace('"corp"', f'"{name}"') + "use-as = 'default'\n" for name in "ab")
    host, _ = host_with(tmp_path, one + two)
    assert hint_of(lambda: load_settings(host)) == 'make all but one of them use-as = "extra"'
    host, _ = host_with(tmp_path, one + two.replace("'default'", '"extra"'))

    assert len(load_settings(host).indexes) == 2


@follows("chmod go-w {}", "save it as UTF-8", "unset SHIM_CONFIG_FILE, or create the file", "put the configuration into a file of its own")
def test_a_config_file_reads_once_its_hint_is_followed(tmp_path: Path) -> None:
    host, path = host_with(tmp_path, GOOD)
    path.chmod(0o666)
    assert hint_of(lambda: load_settings(host)) == f"chmod go-w {path}"
    path.chmod(0o644)
    assert load_settings(host).indexes
    host, path = host_with(tmp_path, GOOD.encode() + b"# \xff\n")
    assert hint_of(lambda: load_settings(host)) == "save it as UTF-8"
    path.write_text(GOOD)
    assert load_settings(host).indexes
    path.unlink()
    assert hint_of(lambda: load_settings(host)) == "unset SHIM_CONFIG_FILE, or create the file"
    path.mkdir()
    with pytest.raises(ShimError):
        load_settings(host)
    path.rmdir()
    host, path = host_with(tmp_path, GOOD)
    assert load_settings(host).indexes


#: A field of `shim setup`: reader, a wrong text, the hint, a right text that the hint leads to.
FIELDS = (
    (fields.read_url, "pypi.corp.example", "write it as https://host/path/simple/", URL),
    (fields.read_url, f"https://a:b@{URL[8:]}", "leave it out: `shim login` asks for it, and keeps it out of your files", URL),
    (fields.read_username, "a:b", "leave it empty for __token__", ""),
    (lambda text: fields.read_name(text, Settings()), "a b", "--name corp", "corp"),
    (lambda text: fields.read_login(text, Host({"PATH": "/usr/bin:/bin"}, "/")), "magic", "one of: ", "login"),
    (lambda text: fields.read_login(text, Host({"PATH": "/usr/bin:/bin"}, "/")), "env", "write env:NAME", "env:CORP_TOKEN"),
    (lambda text: fields.read_login(text, Host({}, "/")), "env:$X", "write env:CORP_TOKEN, without $", "env:CORP_TOKEN"),
    (lambda text: fields.read_login(text, Host({}, "/")), "file:x", "write file:/folder/file or file:~/folder/file", "file:/folder/file"),
    (lambda text: fields.read_login(text, Host({}, "/")), "file:/usr", "name the file that holds the secret", "file:/usr/x"),
    (lambda text: fields.read_login(text, Host({"PATH": "/usr/bin:/bin"}, "/")), "command:sh 'x", "quote it as in a shell", "command:sh -c x"),
    (lambda text: fields.read_login(text, Host({"PATH": "/usr/bin:/bin"}, "/")), "command:no-such-one", "name one that is", "command:/bin/sh"),
    (lambda text: fields.read_use(text, Settings(), "x"), "first", "one of: ", "extra"),
    (fields.read_client, "a b", "--client-id pip", "pip"),
    (lambda text: fields.read_scope(text, parse_url(URL)), "https://other.example/", "give the same server", "https://pypi.corp.example/"),
)


@follows(
    "write it as https://host/path/simple/",
    "leave it out: `shim login` asks for it, and keeps it out of your files",
    "leave it empty for __token__",
    "--name corp",
    "one of: {}",
    "write {}",
    "write env:CORP_TOKEN, without $",
    "write file:/folder/file or file:~/folder/file",
    "name the file that holds the secret",
    "quote it as in a shell: command:op read op://x/y",
    "name one that is, or give its absolute path",
    "--client-id pip, or what the provider calls the client for pip and uv",
    "give the same server, and a folder that {} is below",
)
@pytest.mark.parametrize(("read", "wrong", "hint", "right"), FIELDS, ids=[case[1] for case in FIELDS])
def test_an_answer_of_setup_is_taken_once_its_hint_is_followed(
    read: Callable[[str], object], wrong: str, hint: str, right: str
) -> None:
    assert hint_of(lambda: read(wrong)).startswith(hint)
    read(right)


@follows("give the PEM file: it has a line -----BEGIN CERTIFICATE-----")
def test_a_file_of_authorities_is_taken_once_it_is_one(tmp_path: Path) -> None:
    file, host = tmp_path / "corp.pem", Host({}, "/")
    file.write_text("x")
    assert hint_of(lambda: read_bundle(str(file), host)).startswith("give the PEM file")
    file.write_text("-----BEGIN CERTIFICATE-----\n")
    assert read_bundle(str(file), host) == str(file)


@follows("shim setup asks for one", "give its path: shim setup --from /folder/{}", "give the URL itself: shim setup URL")
def test_a_file_to_take_over_is_named_or_left_alone(tmp_path: Path) -> None:
    host = Host({"HOME": str(tmp_path)}, str(tmp_path))

    def take(name: str) -> object:
        return read_tables(name, "no", Settings(), "x", host)

    assert hint_of(lambda: take("Pipfile")) == "give its path: shim setup --from /folder/Pipfile"
    (tmp_path / "Pipfile").write_text("[packages]\n")
    assert hint_of(lambda: take("Pipfile")) == "shim setup asks for one"
    (tmp_path / "Pipfile").write_text("[[[")
    assert hint_of(lambda: take(str(tmp_path / "Pipfile"))) == "give the URL itself: shim setup URL"
    assert fields.read_url(URL)[0].text == URL
    (tmp_path / "Pipfile").write_text(f'[[source]]\nname = "corp"\nurl = "{URL}"\n')
    assert take(str(tmp_path / "Pipfile"))


def test_the_namespace_of_options_is_what_the_parser_makes() -> None:
    """`setup_ask` goes by three of them."""
    from shim.cli import setup
    from shim.cli.usage import Parser

    parser = Parser(prog="shim setup")
    setup.configure(parser)
    assert {"yes", "dry_run", "url", *setup.OF_ONE_INDEX} <= set(vars(parser.read([])))
    assert isinstance(parser.read([]), argparse.Namespace)
