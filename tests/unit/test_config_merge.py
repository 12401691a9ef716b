"""The user's and the machine's configuration together: by name, key by key, and nobody's secret to somebody else's server."""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.config import settings as settings_module
from shim.config.policy import Policy
from shim.config.settings import Settings, config_files, load_settings
from shim.core.errors import ConfigError
from shim.core.host import Host

CORP = '[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\n'


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(settings_module, "machine_config_file", lambda: str(tmp_path / "machine" / "config.toml"))
    return Host({"XDG_CONFIG_HOME": str(tmp_path / "user"), "HOME": str(tmp_path)}, "/")


def write(tmp_path: Path, **files: str) -> None:
    """`user`, `machine`, `user_d_NAME`, `machine_d_NAME`."""
    for name, text in files.items():
        level, _, part = name.partition("_d_")
        folder = tmp_path / level / "shim" if level == "user" else tmp_path / level
        path = folder / "config.d" / f"{part}.toml" if part else folder / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)


def load(host: Host) -> Settings:
    return load_settings(host)


def test_a_user_adds_a_key_to_what_the_organisation_says(tmp_path: Path, host: Host) -> None:
    write(tmp_path, user='[[index]]\nname = "corp"\nusername = "alice"\n', machine=CORP + 'max-age = "1h"\nusername = "everybody"\n')
    (index,) = load(host).indexes

    assert (index.name, index.username, index.max_age_s, str(index.url)) == ("corp", "alice", 3600.0, "https://pypi.corp.example/simple/")
    files = {key: Path(file).parent.name for key, file in index.keys}
    assert files == {"name": "shim", "username": "shim", "url": "machine", "max-age": "machine"}


def test_the_folder_beside_each_file_counts_after_it_in_the_order_of_names(tmp_path: Path, host: Host) -> None:
    write(
        tmp_path,
        user='channel = "strict"\n',
        user_d_20='redact = "always"\nchannel = "env"\n',
        user_d_10='redact = "never"\n',
        machine_d_corp=CORP,
        machine_d_other=CORP.replace("corp", "other"),
    )
    loaded = load(host)

    assert (loaded.channel, loaded.redact, [index.name for index in loaded.indexes]) == ("strict", "never", ["corp", "other"])
    names = [Path(file).name for file in config_files(host)]
    assert names == ["config.toml", "10.toml", "20.toml", "config.toml", "corp.toml", "other.toml"]
    (tmp_path / "machine" / "config.d" / ".hidden.toml").write_text("broken")
    (tmp_path / "machine" / "config.d" / "notes.txt").write_text("broken")
    assert len(load(host).indexes) == 2


def test_a_namesake_on_another_server_takes_nothing(tmp_path: Path, host: Host) -> None:
    write(tmp_path, user=CORP.replace("pypi.corp", "mine"), machine=CORP + 'command = { argv = ["corp-token"] }\n')
    mine, theirs = load(host).indexes

    assert (mine.name, mine.command) == ("corp", None)
    assert (theirs.name, theirs.command is not None) == ("corp-2", True)
    assert load(host).index_for(theirs.url) is theirs or load(host).index_for(theirs.url) == theirs


def test_two_of_one_name_in_one_file_are_a_mistake(tmp_path: Path, host: Host) -> None:
    write(tmp_path, user=CORP + CORP)
    with pytest.raises(ConfigError, match="two \\[\\[index\\]\\] are named 'corp'"):
        load(host)


def test_a_name_that_nobody_gives_a_url_is_a_mistake_of_the_file_that_says_it(tmp_path: Path, host: Host) -> None:
    write(tmp_path, user='[[index]]\nname = "crop"\nusername = "alice"\n', machine=CORP)
    with pytest.raises(ConfigError, match="has no url") as raised:
        load(host)
    assert raised.value.message.startswith(str(tmp_path / "user"))


def test_the_policy_judges_what_comes_out(tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "load_policy", lambda: Policy("/etc/xdg/shim/policy.toml", allow_insecure=False))
    write(tmp_path, user='[[index]]\nname = "corp"\ninsecure = true\n', machine=CORP)
    with pytest.raises(ConfigError, match="forbids insecure = true"):
        load(host)


def test_a_file_in_the_folder_that_others_can_write_is_refused(tmp_path: Path, host: Host) -> None:
    write(tmp_path, user_d_corp=CORP)
    (tmp_path / "user" / "shim" / "config.d" / "corp.toml").chmod(0o666)
    with pytest.raises(ConfigError, match="can be written by others"):
        load(host)
