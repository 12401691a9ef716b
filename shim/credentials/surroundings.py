"""Whose secret a program gives: the variables and files by which a person tells it who is asking.

A cached token is an answer to the same question only where all of these are as they were:
`AWS_PROFILE=publisher` is another person than `AWS_PROFILE=work`, and so is another account that
`gcloud config set account` has written down.

Sources: AWS CLI user guide, "Environment variables" and "Configuration and credential file
settings"; `gcloud topic configurations`; azure-cli `AZURE_CONFIG_DIR`; cloudsmith-cli README; glab
1.50 "Environment variables"; op, bw, vault and pass: their manuals.
"""

from __future__ import annotations

import os

from shim.config.index import CommandSource
from shim.core.files import identify, is_folder, list_folder
from shim.core.host import Host
from shim.core.typing import NamedTuple


class Obeyed(NamedTuple):
    """What one program obeys. `variables` are names, `AWS_*` all that begin so; `files` are files
    and folders (with what is in them) below the home folder, or in the folder or file that a
    variable names (`$NAME`, `$NAME/file`).
    """

    variables: tuple[str, ...]
    files: tuple[str, ...] = ()


#: Program -> what it obeys. A program that keeps its login in files which change by themselves (a
#: renewed token) has none of these here.
PROGRAMS = {
    "aws": Obeyed(
        ("AWS_*",),
        ("~/.aws/config", "~/.aws/credentials", "$AWS_CONFIG_FILE", "$AWS_SHARED_CREDENTIALS_FILE"),
    ),
    "az": Obeyed(
        ("AZURE_*", "ARM_*"), ("~/.azure/azureProfile.json", "$AZURE_CONFIG_DIR/azureProfile.json")
    ),
    "bw": Obeyed(("BW_*", "BITWARDENCLI_*")),
    "cloudsmith": Obeyed(("CLOUDSMITH_*",), ("~/.config/cloudsmith", "~/.cloudsmith")),
    "gcloud": Obeyed(
        ("CLOUDSDK_*", "GOOGLE_*"),
        (
            "~/.config/gcloud/active_config",
            "~/.config/gcloud/configurations",
            "$CLOUDSDK_CONFIG/active_config",
            "$CLOUDSDK_CONFIG/configurations",
        ),
    ),
    "glab": Obeyed(
        ("GITLAB_*", "GLAB_*", "OAUTH_TOKEN"),
        ("~/.config/glab-cli/config.yml", "$GLAB_CONFIG_DIR/config.yml"),
    ),
    "gopass": Obeyed(("GOPASS_*", "PASSWORD_STORE_*")),
    "jf": Obeyed(("JFROG_*", "JF_*")),
    "op": Obeyed(("OP_*",)),
    "pass": Obeyed(("PASSWORD_STORE_*",)),
    "uv": Obeyed(("UV_*",)),
    "vault": Obeyed(("VAULT_*",), ("~/.vault-token",)),
}
#: Where everybody's files are, and what docker's and git's helpers read.
EVERYBODYS = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DOCKER_CONFIG")


def state_of(program: str, host: Host, own: tuple[str, ...] = ()) -> str:
    """Return what changes when `program` may answer for another; `own` are the user's variables."""
    obeyed = PROGRAMS.get(os.path.basename(program), Obeyed(()))
    files = [_state(path) for named in obeyed.files if (path := _find(named, host))]
    return repr((host.variables((*EVERYBODYS, *obeyed.variables, *own)), files))


def state_of_command(command: CommandSource, host: Host) -> str:
    """Return the same for a command: `env` and `sh` run another one, so every word counts."""
    known = [word for word in command.argv if os.path.basename(word) in PROGRAMS]
    return repr([state_of(word, host, command.obeys) for word in known or command.argv[:1]])


def _find(named: str, host: Host) -> str | None:
    """Return the path that an entry of `files` stands for, None if its variable is not set."""
    if not named.startswith("$"):
        return host.path(named)
    variable, _, rest = named[1:].partition("/")
    folder = host.environ.get(variable)
    return os.path.join(host.path(folder), rest) if folder else None


def _state(path: str) -> object:
    """Return what tells two states of a file or folder apart; None if it is not there."""
    try:
        if is_folder(path):
            names = sorted(list_folder(path))
            return [(name, identify(os.path.join(path, name))) for name in names]
    except OSError:
        return None
    return identify(path)
