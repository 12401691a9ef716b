"""The source `keyring` with keyring backends as PyPI has them, the vendors' among them with their servers played on loopback."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_real_vendors import AWS, GOOGLE
from tests.support import machine, toolchains
from tests.support.password_store import PROGRAMS, insert, password_store
from tests.support.vendor_apis import VendorApis, write_aws

URL = "https://pypi.corp.example/simple/"
PACKAGES = (
    "keyring",
    "keyrings.alt",
    "keyrings.cryptfile",
    "keyrings.codeartifact",
    "keyrings.google-artifactregistry-auth",
    "artifacts-keyring",
    "--only-binary=artifacts-keyring",  # its newest release has no wheel for each Python, and its build loads a program from GitHub
    "keyring-pass",
    "posit-keyring",
    "keyrings.envvars",
    "keyrings.efile",
    "keyrings.unixpass",
)
ASK = """
import json, sys
from shim.core.errors import ShimError
from shim.core.host import this_host
from shim.core.model import Endpoint, Origin
from shim.credentials.sources import Query, keyring
from shim.core.urls import parse_url
query = Query(Endpoint(parse_url(sys.argv[1]), Origin("argv", "-i"), username=sys.argv[2] or None), None, this_host(), keyring_wait_s=20.0)
try:
    found = keyring.find(query)
    said = {"found": found and [found.username, found.secret.reveal()], "notes": [words for _, words in query.notes]}
except ShimError as error:
    said = {"error": error.message, "hint": error.hint}
print(json.dumps(said))
"""
STORE = "import keyring, sys; keyring.set_password(sys.argv[1], sys.argv[2], sys.stdin.read())"
#: Backends that must ask a person before they can give anything.
ASKING = [
    "keyrings.alt.file.EncryptedKeyring",
    "keyrings.cryptfile.cryptfile.CryptFileKeyring",
    "keyrings.efile.encryptedfile.EncryptedFile",
]
endpoints_pass = machine.endpoints(machine.lacks_programs(*PROGRAMS))


@pytest.fixture(scope="module")
def python() -> str:
    return str(toolchains.program("keyring", *PACKAGES).python)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def run(python: str, home: Path, program: str, *words: str, backend: str = "", input: str = "", **environ: str) -> str:
    fixed = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(toolchains.ROOT), "HTTPS_PROXY": "http://127.0.0.1:9"}
    chosen = {"PYTHON_KEYRING_BACKEND": backend} if backend else {}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", program, *words],
        env={**fixed, **chosen, **environ},
        input=input,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=home,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(python: str, home: Path, url: str = URL, username: str = "alice", **options: str) -> dict[str, Any]:
    """Return what our source says; its output is one line of JSON, or the backend has written into it."""
    answer: dict[str, Any] = json.loads(run(python, home, ASK, url, username, **options))
    return answer


def test_a_backend_in_a_file_gives_what_was_put_there(python: str, home: Path) -> None:
    backend = "keyrings.alt.file.PlaintextKeyring"
    run(python, home, STORE, URL, "alice", backend=backend, input="secret")

    assert ask(python, home, backend=backend)["found"] == ["alice", "secret"]
    assert ask(python, home, username="bob", backend=backend)["found"] is None


@pytest.mark.parametrize("backend", ASKING)
def test_a_backend_that_must_ask_for_its_password_fails_at_once_where_nobody_can_be_asked(backend: str, python: str, home: Path) -> None:
    began = time.monotonic()
    said = ask(python, home, backend=backend, input="requirements\n")

    assert "error" in said or said["found"] is None
    assert time.monotonic() - began < 60


def test_the_environment_is_a_keyring_too(python: str, home: Path) -> None:
    given = {"KEYRING_SERVICE_NAME_0": URL, "KEYRING_SERVICE_USERNAME_0": "alice", "KEYRING_SERVICE_PASSWORD_0": "secret"}

    assert ask(python, home, backend="keyrings.envvars.keyring.EnvvarsKeyring", **given)["found"] == ["alice", "secret"]


@pytest.fixture
def apis() -> Iterator[VendorApis]:
    with VendorApis() as made:
        yield made


def test_codeartifacts_backend_answers_for_its_host_and_each_profile(python: str, home: Path, apis: VendorApis) -> None:
    environ = write_aws(home, apis)
    backend = "keyrings.codeartifact.CodeArtifactBackend"

    for profile, key in (("work", "AKIAWORK"), ("publisher", "AKIAPUBLISHER")):
        said = ask(python, home, AWS, "", backend=backend, AWS_PROFILE=profile, **environ)
        assert said["found"] == ["aws", f"token-of-{key}"]
    assert ask(python, home, backend=backend, AWS_PROFILE="work", **environ)["found"] is None


def test_googles_backend_answers_for_its_host(python: str, home: Path, apis: VendorApis) -> None:
    machine.skip_without(machine.lacks_programs("openssl"))
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], capture_output=True, check=True)
    account = {"type": "service_account", "client_email": "work@p.example", "token_uri": f"{apis.url}/token", "private_key": key.stdout.decode()}
    (home / "work.json").write_text(json.dumps(account))
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(home / "work.json")}
    backend = "keyrings.gauth.GooglePythonAuth"

    assert ask(python, home, GOOGLE, "", backend=backend, **environ)["found"] == ["oauth2accesstoken", "token-of-work@p.example"]
    assert ask(python, home, backend=backend, **environ)["found"] is None


def test_azures_backend_is_not_in_the_way_of_other_hosts(python: str, home: Path) -> None:
    """Its credential provider is a download of its own: no test has it."""
    assert ask(python, home, backend="artifacts_keyring.ArtifactsKeyringBackend")["found"] is None


def test_posits_backend_shares_its_tokens_with_us(python: str, home: Path, apis: VendorApis) -> None:
    token = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.x"
    (home / ".ppm").mkdir(mode=0o700)
    (home / ".ppm" / "tokens.toml").write_text(f'[[connections]]\naddress = "{apis.url}"\ntoken = "{token}"\nauth_type = "sso"\n')
    (home / ".ppm" / "tokens.toml").chmod(0o600)
    backend = "posit_keyring.backends.PackageManagerKeyring"
    said = ask(python, home, f"{apis.url}/", "__token__", backend=backend, PACKAGEMANAGER_ADDRESS=apis.url)

    assert said["found"] == ["__token__", token]


@endpoints_pass
@pytest.mark.parametrize("backend", ["keyring_pass.PasswordStoreBackend", "keyrings.unixpass.Keyring"])
def test_a_password_store_is_a_keyring_too(backend: str, python: str, home: Path) -> None:
    with password_store(home) as variables:
        run(python, home, STORE, URL, "alice", backend=backend, input="secret", **variables)

        assert ask(python, home, backend=backend, **variables)["found"] == ["alice", "secret"]


@endpoints_pass  # keyrings.unixpass raises without it
def test_all_of_them_together_are_one_chain_that_answers(python: str, home: Path, apis: VendorApis) -> None:
    """posit-keyring and the chain have the same priority; nobody has chosen one here."""
    run(python, home, STORE, URL, "alice", backend="keyrings.alt.file.PlaintextKeyring", input="secret")
    environ = write_aws(home, apis)
    told = run(python, home, "from shim.storage import os_keyring as keys; print(type(keys.load_keyring().get_keyring()).__name__)").strip()

    assert told == "ChainerBackend"
    assert ask(python, home, AWS, "", AWS_PROFILE="work", **environ)["found"] == ["aws", "token-of-AKIAWORK"]
    found = ask(python, home)
    assert found.get("found") == ["alice", "secret"] or "error" in found


@endpoints_pass
def test_pass_itself_gives_the_first_line_or_says_how_to_get_it(home: Path) -> None:
    from shim.config.index import CommandSource
    from shim.core.errors import SourceError
    from shim.credentials.sources import load_source
    from tests.contract.test_sources import host_in, query

    with password_store(home) as variables:
        insert({"HOME": str(home), **variables}, "pypi", "secret\nuser: alice\nurl: pypi.corp.example\n")
        host = host_in(home, **variables)
        first = load_source("command").find(query(host, command=CommandSource(("pass", "show", "pypi"), 30.0, False, "first")))
        with pytest.raises(SourceError, match="printed 3 lines") as caught:
            load_source("command").find(query(host, command=CommandSource(("pass", "show", "pypi"), 30.0, False)))

    assert first is not None
    assert first.secret.reveal() == "secret"
    assert 'protocol = "first"' in (caught.value.hint or "")
