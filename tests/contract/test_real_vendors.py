"""Vendors' real commands, asked as `builtin.toml` says, with their servers played on loopback. What a machine lacks is skipped by name.

azure-cli and glab are not here: the one is too large, the other on no registry that tests may use. What is said of them follows their
documentation, and stand-ins answer for them in tests/e2e.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.config.settings import Settings
from shim.core.errors import SourceError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Endpoints, Origin
from shim.core.urls import parse_url
from shim.credentials.resolve import resolve
from shim.credentials.sources import Query, known
from tests.support import toolchains
from tests.support.terminal import Terminal
from tests.support.vendor_apis import AWS_END, VendorApis, log_in_google, write_aws

AWS = "https://corp-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/repo/simple/"
DUAL_STACK = "https://corp-123456789012.codeartifact.eu-west-1.on.aws/pypi/repo/simple/"
GOOGLE = "https://europe-west1-python.pkg.dev/project/repo/simple/"
CLOUDSMITH = "https://dl.cloudsmith.io/basic/corp/repo/python/simple/"
GCLOUD = shutil.which("gcloud")
endpoints_gcloud = pytest.mark.skipif(GCLOUD is None, reason="gcloud is not installed here: cloud.google.com/sdk has it")


@pytest.fixture
def apis() -> Iterator[VendorApis]:
    with VendorApis() as made:
        yield made


def host_in(folder: Path, program: str, **environ: str) -> Host:
    """Return surroundings in which nothing is remembered but below `folder`, and nobody answers for a host without a vendor."""
    (folder / "tokens").mkdir(mode=0o700, exist_ok=True)
    fixed = {"HOME": str(folder), "PATH": f"{Path(program).parent}:/usr/bin:/bin", "SHIM_CACHE_DIR": str(folder / "tokens")}
    return Host({**fixed, "HTTPS_PROXY": "http://127.0.0.1:9", **environ, "NO_PROXY": "127.0.0.1"}, str(folder))


def find(url: str, host: Host) -> Credential | None:
    return known.find(Query(Endpoint(parse_url(url), Origin("argv", "-i")), None, host))


def ask(url: str, host: Host) -> Credential | None:
    (answer,) = resolve(Endpoints((Endpoint(parse_url(url), Origin("argv", "-i")),)), Settings(), host)
    return answer.credential


@pytest.fixture(scope="module")
def aws() -> str:
    return str(toolchains.program("awscli").bin / "aws")


@pytest.mark.parametrize("url", [AWS, DUAL_STACK], ids=["ipv4", "dual stack"])
def test_aws_gives_a_token_and_its_end(url: str, aws: str, apis: VendorApis, tmp_path: Path) -> None:
    found = find(url, host_in(tmp_path, aws, AWS_PROFILE="work", **write_aws(tmp_path, apis)))

    assert found is not None
    assert (found.username, found.secret.reveal(), found.expires_at) == ("aws", "token-of-AKIAWORK", AWS_END)


def test_aws_answers_each_profile_for_itself_and_each_once(aws: str, apis: VendorApis, tmp_path: Path) -> None:
    environ = write_aws(tmp_path, apis)
    secrets = {profile: ask(AWS, host_in(tmp_path, aws, AWS_PROFILE=profile, **environ)) for profile in ("work", "publisher")}
    apis.is_over = True  # from now on only what is remembered answers
    again = {profile: ask(AWS, host_in(tmp_path, aws, AWS_PROFILE=profile, **environ)) for profile in ("work", "publisher")}

    for found in (secrets, again):
        assert [one and one.secret.reveal() for one in found.values()] == ["token-of-AKIAWORK", "token-of-AKIAPUBLISHER"]


def test_an_aws_login_that_has_ended_is_said_with_the_way_to_log_in(aws: str, apis: VendorApis, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="AWS CodeArtifact: the command `aws` failed") as caught:
        find(AWS, host_in(tmp_path, aws, AWS_PROFILE="sso", **write_aws(tmp_path, apis)))

    assert caught.value.hint == "log in: aws sso login"


def test_aws_asks_for_its_code_on_the_terminal_and_fails_at_once_without_one(aws: str, apis: VendorApis, tmp_path: Path) -> None:
    host = host_in(tmp_path, aws, AWS_PROFILE="mfa", **write_aws(tmp_path, apis))
    with pytest.raises(SourceError):
        find(AWS, host)
    assert apis.codes == []

    program = (
        "from shim.core.host import this_host; from shim.core.model import Endpoint, Origin; from shim.credentials.sources import Query, known\n"
        "from shim.core.urls import parse_url\n"
        f"found = known.find(Query(Endpoint(parse_url('{AWS}'), Origin('argv', '-i')), None, this_host()))\n"
        "print('got', found.secret.reveal())"
    )
    environ = {**host.environ, "PYTHONPATH": str(toolchains.ROOT), "TERM": "dumb"}
    with Terminal([sys.executable, "-c", program], environ, str(tmp_path)) as terminal:
        terminal.until("Enter MFA code for arn:aws:iam::123456789012:mfa/alice: ")
        terminal.press("123456\n")
        terminal.until("got token-of-ASIAROLE")
    assert apis.codes == ["123456"]


@endpoints_gcloud
@pytest.mark.parametrize("way", ["variable", "file"])
def test_gcloud_gives_a_token_without_an_end_that_somebody_gave_it(way: str, tmp_path: Path) -> None:
    (tmp_path / "given").write_text("given")
    given = {"CLOUDSDK_AUTH_ACCESS_TOKEN": "given"} if way == "variable" else {"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(tmp_path / "given")}
    found = find(GOOGLE, host_in(tmp_path, str(GCLOUD), **given))

    assert found is not None
    assert (found.username, found.secret.reveal(), found.expires_at) == ("oauth2accesstoken", "given", None)


@endpoints_gcloud
def test_gcloud_answers_for_the_account_that_is_active(apis: VendorApis, tmp_path: Path) -> None:
    for name in ("work", "publisher"):
        environ = log_in_google(tmp_path, apis, str(GCLOUD), name)
    host = host_in(tmp_path, str(GCLOUD), **environ)
    publisher = ask(GOOGLE, host)
    work = ask(GOOGLE, host_in(tmp_path, str(GCLOUD), CLOUDSDK_ACTIVE_CONFIG_NAME="work", **environ))
    (tmp_path / ".config/gcloud/active_config").write_text("work")  # as `gcloud config configurations activate work` writes it
    activated = ask(GOOGLE, host)

    assert [one and one.secret.reveal() for one in (publisher, work, activated)] == [
        "token-of-publisher@p.example",
        "token-of-work@p.example",
        "token-of-work@p.example",
    ]
    assert publisher is not None
    assert publisher.expires_at is not None


@endpoints_gcloud
def test_a_gcloud_that_nobody_is_logged_in_at_says_how_to_do_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Google Artifact Registry: the command `gcloud` failed") as caught:
        find(GOOGLE, host_in(tmp_path, str(GCLOUD)))

    assert caught.value.hint == "log in: gcloud auth login"


@pytest.fixture(scope="module")
def cloudsmith() -> str:
    return str(toolchains.program("cloudsmith-cli").bin / "cloudsmith")


def test_cloudsmith_gives_the_key_of_its_file_or_says_how_to_log_in(cloudsmith: str, tmp_path: Path) -> None:
    host = host_in(tmp_path, cloudsmith, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring")
    with pytest.raises(SourceError, match="Cloudsmith: the command `cloudsmith` failed") as caught:
        find(CLOUDSMITH, host)
    (tmp_path / ".config" / "cloudsmith").mkdir(parents=True)
    (tmp_path / ".config" / "cloudsmith" / "credentials.ini").write_text("[default]\napi_key = from-file\n")
    found = find(CLOUDSMITH, host)

    assert caught.value.hint == "log in: cloudsmith login"
    assert found is not None
    assert (found.username, found.secret.reveal()) == ("token", "from-file")


def test_nobody_is_asked_about_what_cloudsmith_shows_to_everybody(cloudsmith: str, tmp_path: Path) -> None:
    asked = Query(Endpoint(parse_url("https://dl.cloudsmith.io/public/corp/repo/python/simple/"), Origin("argv", "-i")), None, host_in(tmp_path, cloudsmith))

    assert known.find(asked) is None
    assert asked.notes == []
