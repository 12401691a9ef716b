"""Every key of config.toml and policy.toml and every SHIM_* variable, as data: `settings.py` and `policy.py` read by these tables, and
docs/reference.md shows them.
"""

from __future__ import annotations

from shim.core.typing import Mapping, NamedTuple


class Key(NamedTuple):
    """One key of config.toml, or one variable: its name, the type as TOML calls it, what it does, and an example."""

    name: str
    kind: str
    meaning: str
    example: str = ""
    choices: tuple[str, ...] = ()


TOP_KEYS = (
    Key(
        "channel",
        "string",
        "how a secret may be handed over: `auto`, `strict` (never a secret in an environment), `env` (the environment is fine)",
        '"auto"',
        ("auto", "strict", "env"),
    ),
    Key(
        "keyring-timeout",
        "string",
        "how long the OS keyring's answer is remembered in the kernel's memory (never on a disk); `0`: not at all",
        '"5m"',
    ),
    Key(
        "keyring-wait",
        "string",
        "how long the OS keyring may take to answer; default: `30s`, and `5m` on a terminal, where it may ask you something",
        '"2m"',
    ),
    Key(
        "redact",
        "string",
        "mask secrets in the tool's output: `auto` (where the tool has one in its environment and writes a log into a pipe), `always` (every command with a credential, but never on a terminal), `never`",
        '"auto"',
        ("auto", "always", "never"),
    ),
    Key(
        "audit",
        "string",
        "write down each release of a credential, never the secret (`shim doctor --audit` reads it): `on`, `syslog` (in the system's log as well), `off`",
        '"on"',
        ("on", "off", "syslog"),
    ),
    Key(
        "login",
        "string",
        "may a command that needs it begin a login by itself: `auto` (on a terminal, never in CI), or `manual` (`shim login` alone)",
        '"auto"',
        ("auto", "manual"),
    ),
    Key(
        "store",
        "array of strings",
        "where `shim login` keeps a secret: the first of `keyring`, `memory`, `file` that works on this machine; default: `keyring`, else a person is asked",
        '["keyring", "memory"]',
        ("keyring", "memory", "file"),
    ),
    Key(
        "index-strategy",
        "string",
        "`first-index`: pip takes each name from the first of its indexes that has it, private ones first, as uv does",
        '"first-index"',
        ("first-index",),
    ),
    Key("index", "tables", "one `[[index]]` for each private index, see below", "[[index]]"),
)

INDEX_KEYS = (
    Key("name", "string", "for messages and commands; a name never widens a scope", '"corp"'),
    Key("url", "string", "the index, as pip and uv are told it", '"https://pypi.corp.example/simple/"'),
    Key("scope", "string", "who may receive the credential; default: `url` without a trailing `simple/`", '"https://pypi.corp.example/"'),
    Key(
        "publish-url",
        "string",
        "where packages of this index are uploaded to, if that is not below `scope`; it gets a credential of its own",
        '"https://upload.corp.example/legacy/"',
    ),
    Key("username", "string", "default: what the URL says, else what the source says, else `__token__`", '"alice"'),
    Key(
        "source",
        "array of strings",
        "who is asked, in order; default: what the keys below name, else `agent`, `netrc`, `pypirc`, `known`, `keyring`, `stored`",
        '["keyring"]',
    ),
    Key(
        "use-as",
        "string",
        "give this index to pip, `uv pip`, `uv tool`, `uvx` and pipx where a command names none: as their `default`, or as an `extra` one",
        '"default"',
        ("default", "extra"),
    ),
    Key(
        "packages",
        "array of strings",
        "names that pip takes from this index and from nowhere else, whatever other indexes say; `*` stands for any letters",
        '["corp-*", "acme-lib"]',
    ),
    Key(
        "ca-bundle",
        "string",
        "PEM file of the authority that signs the index's certificate, or `system` for the operating system's authorities",
        '"/etc/ssl/certs/corp.pem"',
    ),
    Key("insecure", "boolean", "allow plain http to a host that is not this machine, and a certificate that nobody checks", "false"),
    Key("max-age", "string", "how long a command's secret without an expiry of its own is cached; default: not at all", '"12h"'),
    Key(
        "on-failure",
        "string",
        "a private index that is not proven to take our credential while pip could turn to another one: `stop`, `warn`, or `pass`",
        '"stop"',
        ("stop", "warn", "pass"),
    ),
    Key("agent", "boolean", "`shim agent` may give its credential to a container: one that has an end of its own", "true"),
    Key("agent-permanent", "boolean", "with `agent`: also a password or token without an end", "false"),
    Key("verify-url", "string", "what to ask when verifying a credential; default: `url`", '"https://pypi.corp.example/simple/corp-ping/"'),
    Key(
        "command",
        "table",
        "run a program that gives the secret (no shell)",
        '{ argv = ["op", "read", "op://x/y"], timeout = "30s" }',
    ),
    Key("env", "table", "take the secret from a variable", '{ password = "CORP_TOKEN" }'),
    Key("file", "table", "take the secret from a file", '{ password = "/run/secrets/corp" }'),
    Key("posit", "table", "log in at a Posit Package Manager", '{ address = "https://packagemanager.example" }'),
    Key(
        "oidc",
        "table",
        "log in at an OpenID Connect or OAuth provider, on any device",
        '{ issuer = "https://login.corp.example", client-id = "pip" }',
    ),
    Key(
        "ambient",
        "table",
        "use the identity of a CI job",
        '{ audience = "pypi.corp.example", exchange-url = "https://pypi.corp.example/token" }',
    ),
)

#: The keys of the inline tables: required ones first.
TABLE_KEYS: Mapping[str, tuple[Key, ...]] = {
    "command": (
        Key("argv", "array of strings", "the program and its arguments"),
        Key("timeout", "string", "how long it may take", '"30s"'),
        Key("interactive", "boolean", "let it talk to the terminal", "false"),
        Key(
            "protocol",
            "string",
            "how it answers: `plain` (one line, the secret), `first` (the first line), `json`, or as a credential helper of `git`, `docker` or `bazel`",
            '"json"',
            ("plain", "first", "json", "git", "docker", "bazel"),
        ),
        Key("password", "string", "`json`: dotted path of the secret; default: `password`", '"credential.access_token"'),
        Key("username", "string", "`json`: dotted path of the user name; default: `username`, if there is one", '"user"'),
        Key(
            "expires",
            "string",
            "`json`: dotted path of its end (a time, or seconds from now); default: `expires` or `expires_in`, if there is one",
            '"credential.token_expiry"',
        ),
        Key(
            "obeys",
            "array of strings",
            "variables that change whose secret it gives (`OP_*`: all that begin so): another value, another answer; those of the vendors' own commands are known",
            '["OP_ACCOUNT"]',
        ),
        Key("use-path", "boolean", "`git`: name the URL's path too, as git's `useHttpPath` does", "false"),
    ),
    "env": (
        Key("password", "string", "name of the variable with the secret"),
        Key("username", "string", "name of the variable with the user name"),
        Key(
            "file",
            "string",
            "dotenv file with the variables that the environment has not (needs `shim backend add python-dotenv`)",
            '"~/.config/corp.env"',
        ),
    ),
    "file": (Key("password", "string", "file with the secret"), Key("username", "string", "file with the user name")),
    "posit": (
        Key(
            "address",
            "string",
            "the server, as R and `PACKAGEMANAGER_ADDRESS` spell it (that variable alone does it, too)",
            '"https://packagemanager.example"',
        ),
    ),
    "oidc": (
        Key("issuer", "string", "the provider; its own metadata say where to log in", '"https://login.corp.example"'),
        Key("client-id", "string", "the public client that is registered there for this", '"pip"'),
        Key("scopes", "array of strings", "what is asked for; default: `openid`, `offline_access`", '["openid"]'),
        Key(
            "token",
            "string",
            "which of its tokens is the password: `access_token` or `id_token`",
            '"access_token"',
            ("access_token", "id_token"),
        ),
        Key("exchange-url", "string", "where the index exchanges that token for its own (RFC 8693)", '"https://pypi.corp.example/token"'),
    ),
    "ambient": (
        Key("audience", "string", "for whom the CI job's identity is said", '"pypi.corp.example"'),
        Key(
            "exchange-url",
            "string",
            "where the index exchanges the identity for a token of its own (RFC 8693)",
            '"https://pypi.corp.example/token"',
        ),
        Key("provider", "string", "Artifactory: the name of its OpenID Connect provider; the exchange is JSON then", '"github"'),
    ),
}

#: Root's policy. A switch that is left out allows.
POLICY_KEYS = (
    Key("allow-insecure", "boolean", "may an `[[index]]` say `insecure = true`", "false"),
    Key("allow-command", "boolean", "may a program give the secret (`command`)", "false"),
    Key("allow-file-store", "boolean", "may `shim login` keep secrets in files, and what lies in them be read", "false"),
    Key("allow-on-failure", "boolean", "may `on-failure` be `warn` or `pass`", "false"),
    Key("allow-audit-off", "boolean", 'may the audit log be turned off (`audit = "off"`)', "false"),
    Key("allow-agent", "boolean", "may `shim agent` give credentials to containers (`agent = true`)", "false"),
    Key("index-strategy", "string", "`first-index` counts for everybody, whatever a configuration says", '"first-index"'),
    Key(
        "packages",
        "array of strings",
        "names that some `[[index]]` has to claim with its own `packages`; without that, a command that asks an index stops",
        '["corp-*"]',
    ),
    Key(
        "indexes",
        "array of strings",
        "URLs: only what lies below one of them gets a credential; default: any index",
        '["https://pypi.corp.example/"]',
    ),
    Key(
        "logins",
        "array of strings",
        "URLs: only servers below one of them may log people and jobs in; default: any server",
        '["https://login.corp.example/"]',
    ),
    Key(
        "trusted-setups",
        "array of strings",
        "URLs: a file from below one of them may say everything that `shim setup --from` otherwise takes with `--allow` alone; default: none",
        '["https://conf.corp.example/"]',
    ),
)

VARIABLES = (
    Key("PACKAGEMANAGER_ADDRESS", "word", "a Posit Package Manager: like an `[[index]]` with `posit`, and then the default chain"),
    Key("PACKAGEMANAGER_IDENTITY_TOKEN_FILE", "path", "an identity to exchange at a Posit Package Manager instead of logging in"),
    Key("PACKAGEMANAGER_SSO_TOKEN_FILE", "path", "the shared file of tokens, if it is not `~/.ppm/tokens.toml`"),
    Key("SHIM_BYPASS", "switch", "run the real tool at once, without us"),
    Key("SHIM_CONFIG_FILE", "path", "read this file instead of the user's and the machine's config"),
    Key("SHIM_CACHE_DIR", "path", "keep the token cache here"),
    Key("SHIM_CHANNEL", "word", "overrides `channel`", choices=("auto", "strict", "env")),
    Key("SHIM_REDACT", "word", "overrides `redact`", choices=("auto", "always", "never")),
    Key("SHIM_REFRESH", "switch", "ignore cached tokens for this command"),
    Key("SHIM_AGENT_SOCKET", "path", "ask the `shim agent` that listens here, first of all (absolute; set it in a container)"),
    Key("SHIM_NO_INPUT", "switch", "never ask a person"),
    Key("SHIM_DEBUG", "switch", "a trace on stderr, secrets masked; tracebacks for our own bugs"),
)

#: Sources that may be named in `source`, and the order of the chain for an index that names none.
SOURCE_NAMES = ("env", "file", "command", "posit", "oidc", "ambient", "netrc", "pypirc", "known", "keyring", "stored", "agent")
DEFAULT_CHAIN = ("agent", "netrc", "pypirc", "known", "keyring", "stored")


def render_tables() -> str:
    """Return the Markdown tables of docs/reference.md: config.toml, `[[index]]`, the inline tables, policy.toml and the variables."""
    lines: list[str] = []
    rows: list[tuple[str, tuple[Key, ...]]] = [("config.toml", TOP_KEYS), ("`[[index]]`", INDEX_KEYS)]
    rows += [(f"`{name} = {{…}}`", keys) for name, keys in TABLE_KEYS.items()] + [("policy.toml (root's)", POLICY_KEYS)]
    for title, keys in rows:
        lines += [f"| {title} | type | meaning | example |", "|---|---|---|---|"]
        lines += [f"| `{key.name}` | {key.kind} | {key.meaning} | {f'`{key.example}`' if key.example else ''} |" for key in keys]
        lines.append("")
    lines += ["| variable | type | meaning |", "|---|---|---|"]
    lines += [f"| `{key.name}` | {key.kind} | {key.meaning} |" for key in VARIABLES]
    return "\n".join(lines) + "\n"
