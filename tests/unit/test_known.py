"""Known package hosts: whose command is run for whom, and that nobody who only looks like one gets anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import shim
from shim.config.settings import Settings
from shim.core.dataclass import replace
from shim.core.errors import SourceError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Origin, Resolution
from shim.core.urls import BadUrl, parse_url
from shim.core.verdict import VerificationResult
from shim.credentials.helper_program import find_program
from shim.credentials.known_hosts import load_tables
from shim.credentials.sources import SOURCES, Query, known, load_source
from shim.preflight.failures import refusal
from shim.storage import approved_origins
from shim.storage.audit_log import read_entries, record_release
from tests.support.vendors import Vendors

AWS = "https://my-team-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/repo/simple/"
GOOGLE = "https://europe-west1-python.pkg.dev/project/repo/simple/"
AZURE = "https://pkgs.dev.azure.com/corp/project/_packaging/feed/pypi/simple/"
VISUAL_STUDIO = "https://corp.pkgs.visualstudio.com/_packaging/feed/pypi/simple/"
GITLAB = "https://gitlab.com/api/v4/groups/7/-/packages/pypi/simple"
CLOUDSMITH = "https://dl.cloudsmith.io/basic/corp/repo/python/simple/"
GEMFURY = "https://pypi.fury.io/corp/"
HOSTS = [AWS, GOOGLE, AZURE, VISUAL_STUDIO, GITLAB, CLOUDSMITH, GEMFURY]
TYPED = Origin("argv", "--index-url")
PROJECT = Origin("file", "requirements.txt", project=True, line=1)
JWT = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.x"


def ask(host: Host, url: str, origin: Origin = TYPED) -> Query:
    return Query(Endpoint(parse_url(url), origin), None, host)


@pytest.fixture
def vendors(tmp_path: Path) -> Vendors:
    return Vendors(tmp_path, "canary")


@pytest.fixture
def host(tmp_path: Path, vendors: Vendors) -> Host:
    return Host({"HOME": str(tmp_path), "PATH": vendors.path}, str(tmp_path), clock=lambda: 1e9)


@pytest.mark.parametrize(
    ("url", "username", "scope", "call"),
    [
        (
            AWS,
            "aws",
            "https://my-team-123456789012.d.codeartifact.eu-west-1.amazonaws.com/",
            "aws codeartifact get-authorization-token --domain my-team --domain-owner 123456789012 --region eu-west-1 --output json [/]",
        ),
        (
            GOOGLE,
            "oauth2accesstoken",
            "https://europe-west1-python.pkg.dev/project/repo/",
            "gcloud config config-helper --format=json(credential) [/]",
        ),
        (
            AZURE,
            "VssSessionToken",
            "https://pkgs.dev.azure.com/corp/",
            "az account get-access-token --resource 499b84ac-1321-427f-aa17-267ca6975798 --output json [/]",
        ),
        (
            VISUAL_STUDIO,
            "VssSessionToken",
            "https://corp.pkgs.visualstudio.com/",
            "az account get-access-token --resource 499b84ac-1321-427f-aa17-267ca6975798 --output json [/]",
        ),
        (GITLAB, "oauth2", "https://gitlab.com/api/v4/", "glab auth git-credential get [/]"),
        (CLOUDSMITH, "token", "https://dl.cloudsmith.io/basic/corp/repo/", "cloudsmith credential-helper generic [/]"),
    ],
    ids=["aws", "google", "azure", "visual studio", "gitlab", "cloudsmith"],
)
def test_the_vendors_command_answers_for_its_host(host: Host, vendors: Vendors, url: str, username: str, scope: str, call: str) -> None:
    found = known.find(ask(host, url))

    assert found is not None
    assert (found.username, found.secret.reveal(), str(found.scope), found.source) == (username, "canary", scope, "known")
    assert vendors.calls() == [call]
    assert load_source("known").find_program(ask(host, url)) == call.split()[0]


def test_the_end_of_a_token_is_what_the_vendor_says_or_what_is_known_of_it(tmp_path: Path, host: Host, vendors: Vendors) -> None:
    ends = {url: known.find(ask(host, url)).expires_at for url in (AWS, GOOGLE, AZURE, CLOUDSMITH)}  # type: ignore[union-attr]
    assert ends == {AWS: 4102444800.0, GOOGLE: 4102444800.0, AZURE: 1e9 + 1800, CLOUDSMITH: None}

    (tmp_path / "vendor-answers" / "az").write_text(f'{{"accessToken": "{JWT}"}}')
    assert known.find(ask(host, AZURE)).expires_at == 4102444800.0  # type: ignore[union-attr]


HOSTILE = [
    "https://my-team-123456789012.d.codeartifact.eu-west-1.amazonaws.com.evil.example/pypi/repo/simple/",
    "https://my-team-123456789012.d.codeartifact.evil.example.eu-west-1.amazonaws.com/simple/",
    "https://evil.my-team-123456789012.d.codeartifact.eu-west-1.amazonaws.com/simple/",
    "https://my-team-123456789012.d.codeartifact.eu-west-1.s3.amazonaws.com/simple/",
    "https://bucket.s3.amazonaws.com/simple/",
    "https://--profile-evil-1.d.codeartifact.eu-west-1.amazonaws.com/simple/",
    "https://-x-123456789012.d.codeartifact.eu-west-1.amazonaws.com/simple/",
    "https://my-team-123456789012.d.codeartifact.eu-west-1.amazonaws.com:8443/simple/",
    "http://my-team-123456789012.d.codeartifact.eu-west-1.amazonaws.com/simple/",
    "https://evil.example/my-team-123456789012.d.codeartifact.eu-west-1.amazonaws.com/",
    "https://my-team-123456789012.d.codeartifact.eu-west-1.amazonaws.com:443@evil.example/simple/",
    "https://my-team-123456789012.d.codeartifact.eu-west-1.amazonaws.com\\@evil.example/simple/",
    "https://my_team-123456789012.d.codeartifact.eu-west-1.amazonaws.com/simple/",
    "https://europe-west1-python.pkg.dev.evil.example/simple/",
    "https://evil.example-python.pkg.dev/simple/",
    "https://-python.pkg.dev/simple/",
    "https://europe-west1-pythonxpkg.dev.example/simple/",
    "https://europe-west1_python.pkg.dev/simple/",
    "https://evilpkgs.dev.azure.com/corp/simple/",
    "https://x.pkgs.dev.azure.com/corp/simple/",
    "https://a.b.pkgs.visualstudio.com/simple/",
    "https://pkgs.visualstudio.com/simple/",
    "https://evilgitlab.com/simple/",
    "https://x.gitlab.com/simple/",
    "https://gitlab.com.evil.example/simple/",
    "https://gıtlab.com/simple/",
    "https://pypi.fury.io.evil.example/corp/",
    "https://xdl.cloudsmith.io/basic/corp/repo/python/simple/",
    "https://127.0.0.1/simple/",
    "https://[::1]/simple/",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_a_host_that_only_looks_like_one_gets_nothing_and_nothing_is_run(host: Host, vendors: Vendors, url: str) -> None:
    environ = {
        **host.environ,
        "CI_SERVER_URL": "https://gitlab.com",
        "CI_JOB_TOKEN": "canary",
        "FURY_AUTH": "canary",
        "CLOUDSMITH_API_KEY": "canary",
    }
    try:
        asked = ask(replace(host, environ=environ), url)
    except BadUrl:
        return
    assert known.find(asked) is None
    assert vendors.calls() == []


def test_a_job_token_goes_to_the_server_that_runs_the_job_only(host: Host) -> None:
    environ = {**host.environ, "CI_SERVER_URL": "https://git.corp.example:8443/gitlab", "CI_JOB_TOKEN": "canary"}
    job = replace(host, environ=environ)
    found = known.find(ask(job, "https://git.corp.example:8443/api/v4/projects/1/packages/pypi/simple", PROJECT))

    assert found is not None
    assert (found.username, found.secret.reveal(), str(found.scope)) == (
        "gitlab-ci-token",
        "canary",
        "https://git.corp.example:8443/api/v4/",
    )
    for url in (
        "https://git.corp.example/api/v4/",
        "http://git.corp.example:8443/api/v4/",
        "https://evil.example:8443/api/v4/",
        "https://x.git.corp.example:8443/",
    ):
        assert known.find(ask(job, url)) is None
    for server in ("", "git.corp.example:8443", "https://git.corp.example:8443@evil.example", "https://git.corp.example:8443\\@x"):
        other = replace(host, environ={**environ, "CI_SERVER_URL": server})
        assert known.find(ask(other, "https://git.corp.example:8443/api/v4/")) is None


def test_a_token_that_stands_as_the_user_name_is_not_shown(host: Host, vendors: Vendors) -> None:
    found = known.find(ask(replace(host, environ={**host.environ, "FURY_AUTH": "canary"}), GEMFURY))

    assert found is not None
    assert (found.username, str(found.scope), found.shown_username) == ("canary", "https://pypi.fury.io/corp/", "****")


def test_a_token_that_stands_as_the_user_name_is_in_no_log_and_in_no_message(host: Host, tmp_path: Path) -> None:
    asked = ask(replace(host, environ={**host.environ, "FURY_AUTH": "canary", "XDG_STATE_HOME": str(tmp_path / "state")}), GEMFURY)
    found = known.find(asked)
    assert found is not None
    record_release((found,), "/usr/bin/pip", "delivered by netrc", Settings().audit, asked.host)
    (entry,) = read_entries(asked.host)
    message = refusal(Resolution(asked.endpoint, found), None, VerificationResult("rejected", "it answers 401", "refused"), None).message

    assert entry["username"] == "****"
    assert "canary" not in repr(entry) + message


def test_a_variable_goes_before_the_command_and_needs_no_program(host: Host, vendors: Vendors) -> None:
    asked = ask(replace(host, environ={**host.environ, "CLOUDSMITH_API_KEY": "from-variable"}), CLOUDSMITH, PROJECT)

    assert known.find(asked).secret.reveal() == "from-variable"  # type: ignore[union-attr]
    assert load_source("known").find_program(asked) is None
    assert vendors.calls() == []


def test_without_the_vendors_command_there_is_no_answer_and_it_says_why(host: Host) -> None:
    asked = ask(replace(host, environ={**host.environ, "PATH": "/usr/bin:/bin"}), CLOUDSMITH)

    assert known.find(asked) is None
    assert asked.notes == [("known", "Cloudsmith: CLOUDSMITH_API_KEY is not set and no cloudsmith on PATH")]


def test_a_command_on_a_path_that_everybody_can_write_does_not_count(host: Host, vendors: Vendors) -> None:
    vendors.bin.chmod(0o777)

    assert known.find(ask(host, AWS)) is None
    assert vendors.calls() == []


def test_who_is_not_logged_in_is_told_the_vendors_way_to_do_it(host: Host, vendors: Vendors) -> None:
    vendors.log_out("aws")
    with pytest.raises(SourceError, match="AWS CodeArtifact: the command `aws` failed") as caught:
        known.find(ask(host, AWS))

    assert caught.value.hint == "log in: aws sso login"


@pytest.mark.parametrize("url", [url for url in HOSTS if url != GEMFURY])
def test_what_only_a_project_names_is_not_asked_until_it_is_approved(host: Host, vendors: Vendors, url: str) -> None:
    with pytest.raises(SourceError, match=r"only requirements\.txt:1 names it") as caught:
        known.find(ask(host, url, PROJECT))
    assert caught.value.hint == f"shim login {url} approves it, once"
    assert load_source("known").find_program(ask(host, url, PROJECT)) is None
    assert vendors.calls() == []

    approved_origins.approve(parse_url(url), host)
    assert isinstance(known.find(ask(host, url, PROJECT)), Credential)
    assert len(vendors.calls()) == 1


def test_an_approval_is_for_one_origin_and_can_be_taken_back(host: Host) -> None:
    approved_origins.approve(parse_url(AWS), host)
    approved_origins.approve(parse_url(GITLAB), host)

    assert approved_origins.is_approved(parse_url("https://gitlab.com/other/"), host)
    assert not approved_origins.is_approved(parse_url("http://gitlab.com/"), host)
    assert not approved_origins.is_approved(parse_url("https://gitlab.com:8443/"), host)
    assert approved_origins.forget(host, parse_url(GITLAB)) == ["https://gitlab.com"]
    assert approved_origins.forget(host) == [parse_url(AWS).origin]
    assert approved_origins.read_approvals(host) == []


@pytest.mark.parametrize("mode", [0o622, 0o606])
def test_approvals_that_others_could_have_written_are_none(host: Host, tmp_path: Path, mode: int) -> None:
    approved_origins.approve(parse_url(GITLAB), host)
    (tmp_path / ".local/state/shim/approved-origins").chmod(mode)

    assert not approved_origins.is_approved(parse_url(GITLAB), host)


def test_approvals_behind_a_link_are_none(host: Host, tmp_path: Path) -> None:
    approved_origins.approve(parse_url(GITLAB), host)
    (tmp_path / ".local/state/shim/approved-origins").rename(tmp_path / "elsewhere")
    (tmp_path / ".local/state/shim/approved-origins").symlink_to(tmp_path / "elsewhere")

    assert not approved_origins.is_approved(parse_url(GITLAB), host)


def test_the_quick_look_lets_through_what_the_table_has() -> None:
    # `.d.codeartifact.…` would need the region, so it is what follows the last `{part}`.
    suffixes = {pattern.rpartition("}")[2] for table in load_tables() for pattern in table.get("hosts", ())}

    assert all(suffix.endswith(known.SUFFIXES) for suffix in suffixes)
    assert {table["variable"] for table in load_tables() if "origin" in table} == {known.JOB_TOKEN}


def test_every_row_says_who_it_is_and_how_it_answers() -> None:
    for table in load_tables():
        assert table["name"]
        assert ("hosts" in table) != ("origin" in table)
        assert "variable" in table or "command" in table
        assert "login" in table or "command" not in table
        assert not any("*" in pattern or pattern.startswith(".") for pattern in table.get("hosts", ()))


def test_other_hosts_load_neither_the_table_nor_its_parser() -> None:
    program = (
        "import sys; from shim.credentials.sources import Query, known; from shim.core.model import *; from shim.core.host import Host; from shim.core.urls import parse_url\n"
        "before = set(sys.modules)\n"
        "assert known.find(Query(Endpoint(parse_url('https://pypi.corp.example/simple/'), Origin('argv', '-i')), None, Host({}, '/'))) is None\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-IS", "-c", f"import sys; sys.path.insert(0, {str(Path(shim.__file__).parents[1])!r})\n" + program],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == []


def test_find_program_takes_no_folder_and_nothing_that_cannot_run(tmp_path: Path) -> None:
    (tmp_path / "aws").mkdir()
    (tmp_path / "az").write_text("")

    assert find_program("aws", str(tmp_path)) is None
    assert find_program("az", f":{tmp_path}") is None
    assert "known" in SOURCES
