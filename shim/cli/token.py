"""`shim token URL`: print the secret for an index, which nothing else does."""

from __future__ import annotations

import argparse
import sys

from shim.cli.answer import write_json
from shim.cli.named_index import find_index
from shim.cli.usage import Parser
from shim.config.settings import load_settings
from shim.core.errors import NoCredential
from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Origin
from shim.credentials.missing import hint_for
from shim.credentials.resolve import resolve
from shim.formats.times import render_time
from shim.storage.audit_log import record_release

HELP = "print the secret for an index, for a program that can take it no other way"
EXAMPLE = "curl -u alice:$(shim token corp) https://pypi.corp.example/simple/"


def configure(parser: Parser) -> None:
    """Add the arguments of `shim token`."""
    parser.add("index NAME|URL", "an [[index]] of the configuration, or a URL")
    parser.add("--json", "with user name, scope, source and expiry")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Print the secret and nothing else; 77 if nobody has one."""
    settings = load_settings(host)
    url, index, username = find_index(arguments.index, settings)
    endpoint = Endpoint(url, Origin("argv", "shim token"), username=username)
    (resolution,) = resolve(Endpoints((endpoint,)), settings, host)
    credential = resolution.credential
    if credential is None:
        raise NoCredential(
            f"no credential for {url}", tried=resolution.tried, hint=hint_for(resolution, index)
        )
    record_release((credential,), "shim token", "printed", settings.audit, host)
    if not arguments.json:
        sys.stdout.write(credential.secret.reveal() + "\n")
        return 0
    values = {
        "username": credential.username,
        "secret": credential.secret.reveal(),
        "scheme": credential.scheme,
        "scope": str(credential.scope),
        "source": credential.source,
        "expires_at": render_time(credential.expires_at),
    }
    write_json(values)
    return 0
