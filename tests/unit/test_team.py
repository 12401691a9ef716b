"""`shim setup` with a team's file: shown, asked about, pinned, fetched again, taken away, and never more than it may say."""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shim import cli
from shim.cli.setup import team
from shim.config import policy, settings
from shim.config.schema import INDEX_KEYS, SOURCE_NAMES, TOP_KEYS
from shim.config.settings import load_settings
from shim.config.team_files import FREE_INDEX_KEYS, FREE_KEYS, find_bold
from shim.core.host import Host
from tests.support import machine
from tests.support.hints import follows
from tests.support.proxy import leading_to
from tests.support.shared_files import FileServer, serving
from tests.support.tls import Authority, make_authority

TEAM = '# ours\n[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\nuse-as = "default"\n'


@dataclass
class Here:
    """A home of a test's own, a server, and `shim setup` in this process."""

    folder: Path
    server: FileServer
    captured: pytest.CaptureFixture[str]
    said: str = ""

    @property
    def url(self) -> str:
        return f"{self.server.url}/shim.toml"

    @property
    def host(self) -> Host:
        return Host(dict(os.environ), str(self.folder))

    @property
    def place(self) -> Path:
        return self.folder / "config" / "shim" / "config.d"

    def setup(self, *words: object) -> int:
        """Return the exit status; `said` is what it printed, both streams."""
        status = cli.main(["setup", *map(str, words)])
        self.said = "".join(self.captured.readouterr())
        return status

    def hint(self) -> str:
        """Return the one hint."""
        (hint,) = (line.removeprefix("hint: ") for line in self.said.splitlines() if line.startswith("hint: "))
        return hint

    def files(self) -> list[str]:
        return sorted(path.name for path in self.place.glob("*"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Here]:
    for name in [name for name in os.environ if name.startswith(("SHIM_", "PIP_", "XDG_")) or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(policy, "policy_file", lambda: str(tmp_path / "policy.toml"))
    for module in (settings, cli.load_verb("setup")):
        monkeypatch.setattr(module, "machine_config_file", lambda: str(tmp_path / "etc" / "config.toml"))
    monkeypatch.chdir(tmp_path)
    with serving() as server:
        server.files["/shim.toml"] = TEAM
        yield Here(tmp_path, server, capfd)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"), "corp", "conf.corp.example")


def test_a_file_from_a_url_is_shown_written_pinned_and_undone(here: Here) -> None:
    assert here.setup("--from", here.url, "--yes") == 0, here.said
    pin = hashlib.sha256(TEAM.encode()).hexdigest()

    assert f"sha256 {pin}" in here.said
    assert all(f"    {line}\n" in here.said for line in TEAM.splitlines())
    assert "next: shim login corp\nnext: shim status\n" in here.said
    (file,) = here.place.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().endswith(TEAM)
    assert here.url in file.read_text()
    assert pin in file.read_text()
    (index,) = load_settings(here.host).indexes
    assert (index.name, index.defined_in) == ("corp", str(file))
    undo = here.said.partition("to undo it: ")[2].partition(";")[0]
    assert here.setup(*shlex.split(undo)[2:], "--yes") == 0, here.said
    assert here.files() == []


def test_nothing_is_written_without_a_yes(here: Here) -> None:
    assert here.setup("--from", here.url) == 64
    assert here.hint() == "--yes writes it without a question"
    assert here.setup("--from", here.url, "--dry-run") == 0
    assert 'name = "corp"' in here.said
    assert not here.place.exists()


def test_a_path_is_taken_over_in_the_same_way(here: Here) -> None:
    (here.folder / "team.toml").write_text(TEAM)
    assert here.setup("--from", "team.toml", "--yes") == 0, here.said
    assert here.files() == ["team.toml"]
    (here.folder / "team.toml").write_text(TEAM.replace("default", "extra"))
    assert here.setup("--update", "--yes") == 0, here.said
    assert load_settings(here.host).indexes[0].use_as == "extra"


def test_a_changed_file_is_shown_and_pinned_anew(here: Here) -> None:
    here.setup("--from", here.url, "--yes")
    assert here.setup("--update", "--yes") == 0
    assert "nothing has changed" in here.said
    here.server.files["/shim.toml"] = TEAM.replace("pypi.corp", "new.corp")

    assert here.setup("--update") == 64
    assert '-url = "https://pypi.corp.example/simple/"' in here.said
    assert '+url = "https://new.corp.example/simple/"' in here.said
    assert load_settings(here.host).indexes[0].url.host == "pypi.corp.example"
    for words in (["--update"], ["--from", here.url]):  # the second time nothing is left to do
        assert here.setup(*words, "--yes") == 0
    assert "nothing has changed" in here.said
    assert load_settings(here.host).indexes[0].url.host == "new.corp.example"
    assert len(here.files()) == 1


def test_what_was_edited_here_is_said_and_stays_until_the_file_changes(here: Here) -> None:
    here.setup("--from", here.url, "--yes")
    file = here.place / here.files()[0]
    file.write_text(file.read_text() + 'username = "alice"\n')
    assert here.setup("--update", "--yes") == 0
    assert "it has been edited here, which stays" in here.said
    here.server.files["/shim.toml"] = TEAM + 'max-age = "1h"\n'
    assert here.setup("--update", "--yes") == 0
    assert '-username = "alice"' in here.said
    assert "alice" not in file.read_text()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('command = { argv = ["/bin/sh"] }', "command"),
        ('env = { password = "AWS_SECRET_ACCESS_KEY" }', "env"),
        ('file = { password = "~/.ssh/id_ed25519" }', "file"),
        ('ambient = { audience = "aws", exchange-url = "https://evil.example/" }', "ambient"),
        ('posit = { address = "https://pypi.corp.example" }', "posit"),
        ('source = ["keyring", "pypirc"]', "pypirc"),
        ("insecure = true", "insecure"),
        ('ca-bundle = "/tmp/evil.pem"', "ca-bundle"),
        ('on-failure = "pass"', "on-failure"),
        ("agent = true", "agent"),
        ("agent-permanent = true", "agent-permanent"),
    ],
)
@follows("if that is meant, add{}")
def test_what_could_run_weaken_or_give_away_needs_its_name(line: str, word: str, here: Here) -> None:
    here.server.files["/shim.toml"] = f"{TEAM}{line}\n"
    assert here.setup("--from", here.url, "--yes") == 78
    assert f"{word} in [[index]] corp" in here.said
    assert not here.place.exists()
    assert here.setup("--from", here.url, "--yes", *here.hint().removeprefix("if that is meant, add ").split()) == 0, here.said
    assert len(load_settings(here.host).indexes) == 1


@pytest.mark.parametrize("line", ['channel = "env"', 'redact = "never"', 'audit = "off"', 'store = ["keyring", "file"]'])
def test_a_weaker_setting_for_all_needs_its_name(line: str, here: Here) -> None:
    here.server.files["/shim.toml"] = f"{line}\n{TEAM}"
    assert here.setup("--from", here.url, "--yes") == 78
    assert f"{line.partition(' ')[0]} at the top" in here.said


def test_an_update_may_not_smuggle_in_what_the_first_one_may_not_say(here: Here) -> None:
    here.setup("--from", here.url, "--yes")
    here.server.files["/shim.toml"] = TEAM + 'command = { argv = ["/bin/sh"] }\n'
    before = (here.place / here.files()[0]).read_text()
    assert here.setup("--update", "--yes") == 78
    assert (here.place / here.files()[0]).read_text() == before


@machine.endpoints(machine.lacks_root())
def test_the_policy_can_name_whose_files_may_say_everything(here: Here) -> None:
    here.server.files["/shim.toml"] = TEAM + 'env = { password = "CORP_TOKEN" }\n'
    (here.folder / "policy.toml").write_text('trusted-setups = ["https://conf.corp.example/"]\n')
    assert here.setup("--from", here.url, "--yes") == 78
    (here.folder / "policy.toml").write_text(f'trusted-setups = ["{here.server.url}/"]\n')
    assert here.setup("--from", here.url, "--yes") == 0, here.said


@machine.endpoints(machine.lacks_root())
def test_what_the_policy_forbids_no_file_brings(here: Here) -> None:
    (here.folder / "policy.toml").write_text('indexes = ["https://other.example/"]\n')
    assert here.setup("--from", here.url, "--yes") == 78
    assert "forbids a credential for https://pypi.corp.example/" in here.said
    assert here.files() == []


def test_every_key_and_source_is_either_free_or_needs_its_name() -> None:
    """A new key is bold until somebody has thought about it."""
    assert set(FREE_KEYS) <= {key.name for key in TOP_KEYS}
    assert set(FREE_INDEX_KEYS) <= {key.name for key in INDEX_KEYS}
    assert set(FREE_INDEX_KEYS["source"] or ()) <= set(SOURCE_NAMES)
    assert find_bold({"index": [{"name": "a", "packages": ["a-*"]}], "index-strategy": "first-index"}, "") == []
    assert find_bold({"index": [{"name": "a", "brand-new": 1}], "newer": 2}, "") == [
        ("newer", "at the top"),
        ("brand-new", "in [[index]] a"),
    ]


@follows("shim setup --from {} --ca-bundle /path/of/its/authority.pem")
def test_an_authority_that_the_user_names_is_one_the_file_may_name(here: Here, authority: Authority) -> None:
    with serving(authority) as server:
        server.files["/shim.toml"] = f'{TEAM}ca-bundle = "{authority.certificate}"\n'
        url = f"{server.url}/shim.toml"
        assert here.setup("--from", url, "--yes") == 69
        assert "its certificate is not trusted" in here.said
        assert here.hint() == f"shim setup --from {url} --ca-bundle /path/of/its/authority.pem"
        assert here.setup("--from", url, "--yes", "--ca-bundle", authority.certificate) == 0, here.said
        server.files["/shim.toml"] = TEAM
        assert here.setup("--update", "--yes") == 0, here.said  # it remembers the authority


@follows("https://{}, if {} offers it")
def test_variables_name_the_authority_and_the_proxy_as_for_login(here: Here, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(authority) as server, leading_to(int(server.url.rpartition(":")[2])) as (proxy, asked):
        server.files["/shim.toml"] = TEAM
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        monkeypatch.setenv("https_proxy", proxy)
        assert here.setup("--from", "http://conf.corp.example/shim.toml", "--yes") == 64
        assert here.setup("--from", here.hint().partition(",")[0], "--yes") == 0, here.said
        assert asked == ["conf.corp.example:443"]
        assert here.files() == ["corp.toml"]


@follows("--yes writes it without a question")
def test_a_pin_takes_that_file_and_no_other(here: Here) -> None:
    pin = hashlib.sha256(TEAM.encode()).hexdigest()
    assert here.setup("--from", here.url, "--sha256", "0" * 64, "--yes") == 69
    assert f"its sha256 is {pin}" in here.said
    assert not here.place.exists()
    assert here.setup("--from", here.url, "--sha256", pin) == 64
    assert here.setup("--from", here.url, "--sha256", pin.upper(), *here.hint().split()[:1]) == 0
    here.server.files["/shim.toml"] = TEAM + "# changed\n"
    assert here.setup("--update", "--sha256", pin, "--yes") == 69


LEADS_AWAY = (302, {"Location": "http://files.corp.example/shim.toml"}, b"")
ANSWERS: dict[str, tuple[object, str, str]] = {
    "login": ((401, {}, b""), "answers 401", "download it by hand, then: shim setup --from FILE"),
    "forbidden": ((403, {}, b""), "answers 403", "download it by hand, then: shim setup --from FILE"),
    "missing": ((404, {}, b""), "answers 404", "check the spelling of "),
    "broken": ((500, {}, b""), "answers 500", "try again later, or ask who runs 127.0.0.1"),
    "http": (LEADS_AWAY, "leads to http://files.corp.example/shim.toml, which is plain http", "who runs 127.0.0.1 must lead to https; or "),
    "round": ((302, {"Location": "/bad"}, b""), "redirects more than 5 times", "download it by hand"),
    "nowhere": ((302, {"Location": "ftp://x/"}, b""), "no http(s) URL", "try again later"),
    "page": (b"<!DOCTYPE html><html>login</html>", "is a web page", "give the URL of the file itself"),
    "large": (b"#" * 70000, "is larger than 64 KB", "check what lies there"),
    "endless": ((200, {}, b"#" * 2_000_000), "is larger than 64 KB", "check what lies there"),
    "cut": ((200, {"Content-Length": "4000"}, TEAM.encode()), "hangs up in the middle", "check the network"),
    "letters": (b"# \xff\n", "is not UTF-8 (byte 2)", "who publishes it must save it as UTF-8"),
    "no TOML": (b"[[index]\n", "/bad: ", "who publishes it must correct that line"),
    "unknown key": (b"[[index]]\nurll = 'x'\n", "unknown key 'urll'", "did you mean 'url'?"),
    "nothing": (b"# nothing\n", "says nothing", "check what lies there"),
    "a command for a name": (
        b"[[index]]\nname = 'x; id'\nurl = 'https://x.example/'\n",
        "a strange name",
        "who publishes it must choose another",
    ),
    "letters for a name": (
        b'[[index]]\nname = "\\u001b[2J"\nurl = "https://x.example/"\n',
        "a strange name",
        "who publishes it must choose",
    ),
    "no settings": (b"[[index]]\nname = 'x'\n", "has no url", "the file is as it was"),
}


@pytest.mark.parametrize("case", ANSWERS)
@follows(
    "download it by hand, then: shim setup --from FILE",
    "check the spelling of {}; who publishes the file knows it",
    "try again later, or ask who runs {}",
    "who runs {} must lead to https; or {}",
    "give the URL of the file itself, which a code host calls raw",
    "check what lies there",
    "who publishes it must save it as UTF-8",
    "who publishes it must correct that line",
    "who publishes it must choose another: {}",
)
def test_each_cause_has_one_message_and_one_hint_which_mends_it(case: str, here: Here) -> None:
    here.server.files["/bad"], message, hint = ANSWERS[case]  # type: ignore[assignment]
    bad = f"{here.server.url}/bad"
    assert here.setup("--from", bad, "--yes") in (69, 78), here.said
    assert message in here.said
    assert here.hint().startswith(hint)
    assert here.said.count("error[") == 1
    assert here.files() == []
    if "by hand" in hint or "must lead to https" in hint:
        (here.folder / "FILE.toml").write_text(TEAM)
        bad = "FILE.toml"
    elif hint.startswith(("check the spelling", "give the URL")):
        bad = here.url
    else:  # whose file it is has mended it
        here.server.files["/bad"] = TEAM
    assert here.setup("--from", bad, "--yes") == 0, here.said


FILE = ["--from", "team.toml"]


@pytest.mark.parametrize(
    ("words", "message", "then"),
    [
        (["--from", "https://a:secret-word@conf.corp.example/shim.toml"], "a login in that URL", FILE),
        (["--from", "missing.toml"], "there is no file", FILE),
        (["--from", "a\nb.toml"], "a control character", FILE),
        (["--from", "ftp://x/y.toml"], "not a usable URL", FILE),
        (["--from", "fifo.toml"], "is a pipe", FILE),
        (["--update"], "no such file was taken over", FILE),
        ([*FILE, "--login", "none"], "the file says what it says", FILE),
        ([*FILE, "--use-as", "extra"], "the file says what it says", FILE),
        ([*FILE, "--name", "../x"], "a name is made of", [*FILE, "--name", "corp"]),
        ([*FILE, "--sha256", "abc"], "64 hexadecimal digits", [*FILE, "--sha256", hashlib.sha256(TEAM.encode()).hexdigest()]),
        ([*FILE, "--sha256", "0" * 64], "is not the file that is meant", [*FILE, "--dry-run"]),
        (["--sha256", "0" * 64, "https://pypi.corp.example/simple/"], "is for a file of settings", FILE),
        ([*FILE, "--ca-bundle", "/missing.pem"], "there is no file", FILE),
    ],
)
@follows(
    "give the file another name",
    "give its path or its URL",
    "shim setup --from URL takes one over",
    "shim setup --from URL takes --name and --ca-bundle, and no other option of an index",
    "sha256sum FILE prints it",
    "shim setup --from {} --dry-run shows it; ask who gave you the hash",
    "shim setup --from URL, or --update",
)
def test_bad_words_are_one_message_whose_hint_helps(words: list[str], message: str, then: list[str], here: Here) -> None:
    (here.folder / "team.toml").write_text(TEAM)
    os.mkfifo(here.folder / "fifo.toml")
    assert here.setup(*words, "--yes") in (64, 69)
    assert message in here.said
    assert (here.said.count("error["), here.said.count("hint: ")) == (1, 1)
    assert "secret-word" not in here.said
    assert not here.place.exists()
    assert here.setup(*then, "--yes") == 0, here.said


@follows("taken over are: {}", "shim setup --remove {}")
def test_only_what_was_taken_over_is_removed(here: Here) -> None:
    here.setup("--from", here.url, "--name", "corp", "--yes")
    for name in ("crop.toml", "../config.toml", "/etc/passwd.toml"):
        assert here.setup("--remove", name, "--yes") == 64
        assert "was not taken over" in here.said
    assert here.hint() == "taken over are: corp.toml"
    assert here.setup("--remove", "corp", "--yes") == 64
    hint = here.hint()
    assert hint == "shim setup --remove corp.toml"
    own = here.place.parent / "config.toml"
    own.write_text('[[index]]\nname = "corp"\nusername = "alice"\n')
    assert here.setup("--remove", "corp", "--yes") == 0  # the user's own table of that name
    assert not own.exists()
    assert here.setup("--remove", hint.rpartition(" ")[2], "--yes") == 0
    assert here.files() == []


@follows("unset SHIM_CONFIG_FILE, and say it again")
def test_where_one_file_stands_for_all_nothing_is_taken_over(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIM_CONFIG_FILE", str(here.folder / "one.toml"))
    assert here.setup("--from", here.url, "--yes") == 64
    assert here.hint() == "unset SHIM_CONFIG_FILE, and say it again"
    monkeypatch.delenv("SHIM_CONFIG_FILE")
    assert here.setup("--from", here.url, "--yes") == 0


@follows("choose another name: --name NAME")
def test_what_is_there_already_stays(here: Here) -> None:
    here.place.mkdir(parents=True)
    (here.place / "127.0.0.1.toml").write_text("# mine\n")
    assert here.setup("--from", here.url, "--yes") == 64
    assert "it is your own" in here.said
    assert here.setup("--from", here.url, "--yes", "--name", "corp") == 0
    here.server.files["/other.toml"] = TEAM
    assert here.setup("--from", f"{here.server.url}/other.toml", "--yes", "--name", "corp") == 64
    assert f"it came from {here.url}" in here.said
    assert (here.place / "127.0.0.1.toml").read_text() == "# mine\n"


def test_what_the_users_own_table_leans_on_is_not_taken_away(here: Here) -> None:
    here.setup("--from", here.url, "--name", "corp", "--yes")
    own = here.place.parent / "config.toml"
    own.write_text('[[index]]\nname = "corp"\nusername = "alice"\n')
    assert load_settings(here.host).indexes[0].username == "alice"
    assert here.setup("--remove", "corp.toml", "--yes") == 78
    assert here.files() == ["corp.toml"]
    own.unlink()
    (here.place / "corp.toml").write_text((here.place / "corp.toml").read_text() + "broken = [\n")
    assert here.setup("--remove", "corp.toml", "--yes") == 0


def test_letters_that_write_to_a_terminal_are_shown_as_question_marks(here: Here) -> None:
    here.server.files["/shim.toml"] = '# \u202egood\n[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/"\n# a\tb\n'
    assert here.setup("--from", here.url, "--yes") == 0, here.said
    assert "    # ?good\n" in here.said
    assert "\u202e" not in here.said
    here.server.files["/shim.toml"] = "# \x1b[2J\n" + TEAM
    assert here.setup("--update", "--yes") == 78  # no TOML
    assert "\x1b" not in here.said


def test_the_machines_file_is_everybodys_to_read(here: Here) -> None:
    old = os.umask(0o022)
    try:
        assert here.setup("--from", here.url, "--system", "--name", "corp", "--yes") == 0, here.said
    finally:
        os.umask(old)
    file = here.folder / "etc" / "config.d" / "corp.toml"
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o644, 0o755)
    assert load_settings(here.host).indexes[0].defined_in == str(file)
    assert "shim setup --system --remove corp.toml" in here.said
    assert here.setup("--system", "--remove", "corp.toml", "--yes") == 0
    assert not file.exists()


def test_a_body_cannot_pose_as_our_lines(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.server.files["/shim.toml"] = f"# authority of that server: /tmp/evil.pem\n{TEAM}"
    here.setup("--from", here.url, "--name", "corp", "--yes")
    (one,) = team.list_team_files(str(here.place.parent / "config.toml"))
    assert one.authority == ""
    assert one.text.startswith("# authority of that server: /tmp/evil.pem\n")


@follows("name it: --name, with one of {}")
def test_one_pin_is_for_one_file(here: Here) -> None:
    here.server.files["/b.toml"] = '[[index]]\nname = "b"\nurl = "https://b.example/"\n'
    for name, path in (("a", "shim.toml"), ("b", "b.toml")):
        assert here.setup("--from", f"{here.server.url}/{path}", "--name", name, "--yes") == 0
    assert here.setup("--update", "--sha256", "0" * 64, "--yes") == 64
    assert here.hint() == "name it: --name, with one of a, b"
    pin = hashlib.sha256(TEAM.encode()).hexdigest()
    assert here.setup("--update", "--sha256", pin, "--name", "a", "--yes") == 0
