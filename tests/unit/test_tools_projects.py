"""Where the tools that install by pip, uv or themselves, and those that upload, are told of servers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shim.core.host import Host
from shim.core.model import Endpoints, Invocation
from shim.tools import load_tool

ROWS = """
[[source]]
name = "corp"
url = "https://${WHO}@pypi.corp.example/simple/"
[[source]]
name = "mine"
url = "https://me:pw@pypi.corp.example/simple/"
"""
POETRY = '[[tool.poetry.source]]\nname = "corp-a"\nurl = "https://pypi.corp.example/simple/"\n'
PDM = POETRY.replace("poetry", "pdm")
CORP, UPLOAD = "https://pypi.corp.example/simple/", "https://pypi.corp.example/upload/"
OTHER = "https://other.example/simple/"


def look(folder: Path, line: str, files: dict[str, str] | None = None, **environ: str) -> tuple[Invocation, Endpoints]:
    """Return what a typed line comes to, in a folder with these files and for a user whose home is `home` in it."""
    for name, text in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "home").mkdir(exist_ok=True)
    name, *argv = line.split(" ")
    host = Host({"HOME": str(folder / "home"), "PIP_CONFIG_FILE": "/dev/null", "UV_NO_CONFIG": "1", "PATH": "/bin", **environ}, str(folder))
    tool = load_tool(name)
    invocation = tool.read_invocation(name, tuple(argv), host, "/nonexistent")
    return invocation, tool.read_endpoints(invocation, host)


def urls(endpoints: Endpoints) -> set[str]:
    return {endpoint.url.text for endpoint in endpoints.items if not endpoint.url.is_public}


PIPX = {"home/.local/share/pipx/venvs/x-y/pipx_metadata.json": f'{{"main_package": {{"pip_args": ["-i", "{CORP}"]}}}}'}
LOCK = f'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "x"\n[packages.archive]\nurl = "{CORP}x.whl"\nhashes = {{sha256 = "00"}}\n'

#: What is typed -> files beside it, variables, and the private URLs that it asks.
ASKED = {
    "pipenv": ("pipenv --python 3.11 install x", {"Pipfile": ROWS}, {"WHO": "bob"}, {CORP}),
    "pipenv, another Pipfile": ("pipenv lock", {"sub/Pipfile": ROWS}, {"WHO": "bob", "PIPENV_PIPFILE": "sub/Pipfile"}, {CORP}),
    "pipenv -i": (f"pipenv install -i {OTHER} x", {}, {}, {OTHER}),
    "pipenv -i with a name": ("pipenv install -i corp x", {}, {}, set()),
    "pipenv, a mirror": (f"pipenv install --pypi-mirror={CORP} x", {}, {}, {CORP}),
    "pipenv, a mirror in a variable": ("pipenv sync", {}, {"PIPENV_PYPI_MIRROR": CORP}, {CORP}),
    "pipenv, arguments for pip": (f"pipenv install --extra-pip-args=--extra-index-url={CORP} x", {}, {}, {CORP}),
    "pipenv, arguments for pip in a variable": ("pipenv install x", {}, {"PIPENV_EXTRA_PIP_ARGS": f"-i {CORP}"}, {CORP}),
    "poetry": ("poetry lock", {"pyproject.toml": POETRY}, {}, {CORP}),
    "poetry from above": ("poetry -C sub lock", {"pyproject.toml": POETRY, "sub/x": ""}, {}, {CORP}),
    "poetry elsewhere": ("poetry --project=sub install", {"sub/pyproject.toml": POETRY}, {}, {CORP}),
    "pdm": ("pdm lock -p sub", {"sub/pyproject.toml": PDM}, {}, {CORP}),
    "pdm's own": (
        "pdm add x",
        {"home/.config/pdm/config.toml": f'[pypi]\nurl = "{OTHER}"\n[pypi.corp]\nurl = "{CORP}"\n'},
        {},
        {CORP, OTHER},
    ),
    "pipx, a requirements file": ("pipx install -r a.txt", {"a.txt": f"-i {CORP}\ny\n"}, {}, {CORP}),
    "a URL in a Pipfile": (
        "pipenv lock",
        {"Pipfile": f'[packages]\nx = {{file = "{CORP}x.whl"}}\ny = {{git = "{OTHER}"}}\n'},
        {},
        {f"{CORP}x.whl"},
    ),
    "a URL in pyproject.toml": (
        "pdm lock",
        {
            "pyproject.toml": f'[project]\nurls.home = "{OTHER}"\n[dependency-groups]\ndev = ["x[y] @ {CORP}x.whl ; python_version > \'3\'"]\n'
        },
        {},
        {f"{CORP}x.whl"},
    ),
    "a URL in a lock": (
        "poetry install",
        {"poetry.lock": f'[package.source]\ntype = "url"\nurl = "{CORP}x.whl"\n[package.source]\ntype = "git"\nurl = "{OTHER}"\n'},
        {},
        {f"{CORP}x.whl"},
    ),
    "a URL in Pipfile.lock": ("pipenv sync", {"Pipfile.lock": f'{{"default": {{"x": {{"file": "{CORP}x.whl"}}}}}}'}, {}, {f"{CORP}x.whl"}),
    "a URL in a lock, in single quotes": ("pdm sync", {"pdm.lock": f"[[package]]\n'url' = '{CORP}x.whl'\n"}, {}, {f"{CORP}x.whl"}),
    "a URL in a lock, over two lines": ("pdm sync", {"pdm.lock": f'[[package]]\nurl = """\n{CORP}x.whl"""\n'}, {}, {f"{CORP}x.whl"}),
    "a URL in a lock, escaped": (
        "poetry install",
        {"poetry.lock": '[[package]]\n[package.source]\n"\\u0075rl" = "' + CORP.replace("/", "\\u002F") + 'x.whl"\n'},
        {},
        {f"{CORP}x.whl"},
    ),
    "a URL in Pipfile.lock, escaped": (
        "pipenv sync",
        {"Pipfile.lock": f'{{"default": {{"x": {{"file": "{CORP}x.whl"}}}}}}'.replace("/", "\\/")},
        {},
        {f"{CORP}x.whl"},
    ),
    "a URL that is typed": (f"poetry add {CORP}x.whl", {}, {}, {f"{CORP}x.whl"}),
    "a URL in hatch's environment": (
        "hatch run x",
        {"pyproject.toml": f'[tool.hatch.envs.default]\ndependencies = ["x @ {CORP}x.whl"]\n'},
        {"PIP_INDEX_URL": CORP},
        {CORP, f"{CORP}x.whl"},
    ),
    "a URL that a build needs": (
        "pyproject-build sub",
        {"sub/pyproject.toml": f'[build-system]\nrequires = ["x @ {CORP}x.whl"]\n'},
        {"PIP_INDEX_URL": CORP},
        {CORP, f"{CORP}x.whl"},
    ),
    "a URL for pipx": (f"pipx install {CORP}x.whl", {}, {}, {f"{CORP}x.whl"}),
    "pdm.toml": ("pdm lock", {"pdm.toml": f'[pypi]\nurl = "{OTHER}"\n'}, {}, {OTHER}),
    "pipx": (f"pipx install -i {OTHER} x", {}, {"PIP_INDEX_URL": CORP, "UV_INDEX_URL": CORP}, {OTHER}),
    "pipx --pip-args": (f"pipx install --pip-args=--extra-index-url={OTHER} x", {}, {"PIP_INDEX_URL": CORP}, {CORP, OTHER}),
    "pipx, pip alone": ("pipx install --backend pip x", {}, {"UV_INDEX_URL": OTHER}, set()),
    "pipx run": (f"pipx -q run --index-url {OTHER} x -i {CORP} {CORP}", {}, {}, {OTHER}),
    "pipx run, a script": ("pipx run ./a.py", {"a.py": f"# /// script\n# dependencies = ['x @ {CORP}x.whl']\n# ///\n"}, {}, {f"{CORP}x.whl"}),
    "pipx upgrade": ("pipx upgrade X_y", PIPX, {"PIP_INDEX_URL": OTHER}, {CORP}),
    "pipx upgrade, others typed": (f"pipx upgrade x-y -i {OTHER}", PIPX, {}, {OTHER}),
    "pipx upgrade, another": ("pipx upgrade z", PIPX, {"PIP_INDEX_URL": OTHER}, {OTHER}),
    "pipx upgrade-all": ("pipx upgrade-all", PIPX, {}, {CORP}),
    "pipx inject": ("pipx inject x-y z", PIPX, {}, set()),
    "pipx inject, itself": ("pipx inject x-y x-y[z]", PIPX, {}, {CORP}),
    "pipx install anew": ("pipx install -f x-y", PIPX, {}, set()),
    "pipx list": ("pipx list", PIPX, {}, set()),
    "pipx list --outdated": ("pipx list --outdated", PIPX, {}, {CORP}),
    "pipx, a broken record": ("pipx upgrade-all", {name: text[:-1] for name, text in PIPX.items()}, {}, set()),
    "pipx --pip-args, a file": ("pipx install --pip-args=-ra.txt x", {"a.txt": f"-i {CORP}\n"}, {}, {CORP}),
    "pipx manifest": ("pipx manifest sync a.toml", {"a.toml": "[tools.x]\nlock='pylock.toml'\n", "pylock.toml": LOCK}, {}, {f"{CORP}x.whl"}),
    "pipx runpip": (f"pipx runpip x install -i {OTHER} y", {}, {}, {OTHER}),
    "pipx runpip freeze": (f"pipx runpip x freeze -i {OTHER} y", {}, {"PIP_INDEX_URL": CORP}, set()),
    "hatch": ("hatch -e dev run x --help", {}, {"PIP_INDEX_URL": CORP, "UV_INDEX_URL": OTHER}, {CORP, OTHER}),
    "hatch shell": ("hatch shell", {}, {"PIP_INDEX_URL": CORP}, set()),
    "build": ("pyproject-build .", {}, {"PIP_INDEX_URL": CORP, "UV_INDEX_URL": OTHER}, {CORP}),
    "build with uv": ("pyproject-build --installer uv", {}, {"PIP_INDEX_URL": CORP, "UV_INDEX_URL": OTHER}, {OTHER}),
    "build without isolation": ("pyproject-build -nw", {}, {"PIP_INDEX_URL": CORP}, set()),
    "tox": ("tox -e py -- --help", {}, {"PIP_INDEX_URL": CORP, "UV_INDEX_URL": OTHER}, {CORP}),
    "tox, set_env": ("tox", {"tox.ini": f"[testenv]\nset_env =\n  PIP_INDEX_URL={CORP}\n  PIP_EXTRA_INDEX_URL =\n    {OTHER}\n"}, {}, {CORP, OTHER}),
    "tox, a comment": ("tox", {"tox.ini": f"[testenv]\n# -i {CORP}\ncommands = curl -i {OTHER}\n"}, {}, set()),
    "tox, install_command": ("tox", {"tox.ini": f"[testenv]\ninstall_command = pip install -i {CORP} {{opts}} {{packages}}\n"}, {}, {CORP}),
    "tox, deps": ("tox", {"tox.ini": f"[testenv]\ndeps =\n  -i {CORP}\n  x\n"}, {}, {CORP}),
    "tox, a file": ("tox", {"tox.ini": "[testenv]\ndeps = -r {toxinidir}/a.txt\n  -r b.txt\n", "a.txt": f"-i {CORP}\n"}, {}, {CORP}),
    "tox, a variable": ("tox", {"tox.ini": "[testenv]\nset_env = PIP_INDEX_URL={env:CORP}\n"}, {"CORP": CORP}, {CORP}),
    "tox, a variable's default": ("tox", {"tox.ini": f"[testenv]\nset_env = PIP_INDEX_URL={{env:CORP:{CORP}}}\n"}, {}, {CORP}),
    "tox.toml": ("tox", {"tox.toml": f'[env_run_base]\nset_env = {{ PIP_INDEX_URL = "{CORP}" }}\n'}, {}, {CORP}),
    "tox in pyproject.toml": ("tox", {"pyproject.toml": f'[project]\nurls.x = "{OTHER}"\n[tool.tox.env_run_base.set_env]\nPIP_INDEX_URL = "{CORP}"\n'}, {}, {CORP}),
    "nox, a noxfile": ("nox", {"noxfile.py": f"def a(s):\n    s.install('--extra-index-url', '{CORP}', '-i', '{OTHER}', 'x')\n"}, {}, {CORP, OTHER}),
    "nox, a session's variables": ("nox", {"noxfile.py": f"def a(s):\n    s.env['PIP_INDEX_URL'] = '{CORP}'\n"}, {}, {CORP}),
    "hatch, env-vars": ("hatch env create", {"pyproject.toml": f'[tool.hatch.envs.default.env-vars]\nPIP_INDEX_URL = "{CORP}"\n'}, {}, {CORP}),
    "hatch.toml": ("hatch env create", {"hatch.toml": f'[envs.default.env-vars]\nPIP_INDEX_URL = "{CORP}"\n'}, {}, {CORP}),
    "tox, in parallel": ("tox -p auto -e py", {}, {"PIP_INDEX_URL": CORP}, {CORP}),
    "tox, an option of old": ("tox --force-dep x<2 -e py", {}, {"PIP_INDEX_URL": CORP}, {CORP}),
    "tox, a verb behind options": ("tox -p 2 quickstart", {}, {"PIP_INDEX_URL": CORP}, set()),
    "tox help": ("tox run --help", {}, {"PIP_INDEX_URL": CORP}, set()),
    "nox": ("nox -s tests -- --help", {}, {"PIP_INDEX_URL": CORP}, {CORP}),
    "nox list": ("nox -l", {}, {"PIP_INDEX_URL": CORP}, set()),
    "pip-compile": ("pip-compile", {"requirements.in": f"--extra-index-url {OTHER}\nx"}, {"PIP_INDEX_URL": CORP}, {CORP, OTHER}),
    "pip-compile, other sources": ("pip-compile a.in", {"requirements.in": f"-i {OTHER}", "a.in": "x"}, {"PIP_INDEX_URL": CORP}, {CORP}),
    "pip-compile, configured": (
        "pip-compile",
        {"pyproject.toml": f'[tool.pip-tools]\nindex_url = "{OTHER}"'},
        {"PIP_INDEX_URL": CORP},
        {OTHER},
    ),
    "pip-compile, configured and not": (
        "pip-compile --no-config",
        {"pyproject.toml": f'[tool.pip-tools]\nindex_url = "{OTHER}"'},
        {},
        set(),
    ),
    "pip-sync": ("pip-sync", {"requirements.txt": f"-i {OTHER}", "requirements.in": f"-i {CORP}"}, {}, {OTHER}),
    "twine": (f"twine upload --repository-url {UPLOAD} x", {}, {}, {UPLOAD}),
    "hatch publish": (f"hatch publish -r {UPLOAD}", {}, {}, {UPLOAD}),
    "hatch publish, named": (
        "hatch publish",
        {"home/.config/hatch/config.toml": f'[publish.index]\nrepo = "c"\nrepos.c = "{UPLOAD}"'},
        {},
        {UPLOAD},
    ),
    "pdm publish, named": ("pdm publish -r c", {"home/.config/pdm/config.toml": f'[repository.c]\nurl = "{UPLOAD}"'}, {}, {UPLOAD}),
    "pdm publish, variable": ("pdm publish", {}, {"PDM_PUBLISH_REPO": UPLOAD}, {UPLOAD}),
    "poetry publish": (
        "poetry publish -r c-d",
        {"home/.config/pypoetry/config.toml": f'[repositories.c-d]\nurl = "{UPLOAD}"'},
        {},
        {UPLOAD},
    ),
    "poetry publish, variable": ("poetry publish --repository=c-d", {}, {"POETRY_REPOSITORIES_C_D_URL": UPLOAD}, {UPLOAD}),
    "poetry publish, public": ("poetry publish", {}, {}, set()),
}


@pytest.mark.parametrize("case", ASKED)
def test_the_private_servers_are_those_that_the_tool_would_ask(case: str, tmp_path: Path) -> None:
    line, files, environ, expected = ASKED[case]

    assert urls(look(tmp_path, line, files, **environ)[1]) == expected


#: What is typed, and the same without the password, which stands in argv, a variable or a file of the user's.
OWN = {
    "poetry's variable": ("poetry lock", {"pyproject.toml": POETRY}, {"POETRY_HTTP_BASIC_CORP_A_PASSWORD": "x"}),
    "poetry's token": ("poetry publish -r c", {"poetry.toml": f'[repositories]\nc.url = "{UPLOAD}"'}, {"POETRY_PYPI_TOKEN_C": "x"}),
    "poetry's auth.toml": (
        "poetry publish -r c",
        {
            "poetry.toml": f'[repositories]\nc.url = "{UPLOAD}"',
            "home/.config/pypoetry/auth.toml": '[http-basic.c]\nusername = "a"\npassword = "b"',
        },
        {},
    ),
    "hatch's option": (f"hatch publish -r {UPLOAD} -a x", {}, {}),
    "hatch's file": (
        "hatch publish -r c",
        {"home/.config/hatch/config.toml": f'[publish.index.repos.c]\nurl = "{UPLOAD}"\nuser = "a"\nauth = "b"'},
        {},
    ),
    "hatch's pypirc": (
        "hatch publish -r c",
        {
            "home/.config/hatch/config.toml": f'[publish.index]\nrepos.c = "{UPLOAD}"',
            "home/.pypirc": f"[d]\nrepository = {UPLOAD}\npassword = x",
        },
        {},
    ),
    "pdm's option": (f"pdm publish -r {UPLOAD} -P x", {}, {}),
    "pdm's variable": (f"pdm publish -r {UPLOAD}", {}, {"PDM_PUBLISH_PASSWORD": "x"}),
    "pdm's file": ("pdm publish -r c", {"home/.config/pdm/config.toml": f'[repository.c]\nurl = "{UPLOAD}"\npassword = "x"'}, {}),
}


@pytest.mark.parametrize("case", OWN)
def test_what_the_user_told_the_tool_itself_answers_first(case: str, tmp_path: Path) -> None:
    line, files, environ = OWN[case]
    (endpoint,) = look(tmp_path, line, files, **environ)[1].items

    assert endpoint.provided_by


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("pipenv lock", {"Pipfile": ROWS}),
        ("poetry lock", {"pyproject.toml": POETRY}),
        ("pdm lock", {"pyproject.toml": PDM}),
        ("pip-compile", {"requirements.in": f"-i {CORP}"}),
        ("pip-compile", {".pip-tools.toml": f'[tool.pip-tools]\npip-args = "-i {CORP}"'}),
        ("pdm publish -r c", {"pdm.toml": f'[repository.c]\nurl = "{UPLOAD}"'}),
        ("poetry publish -r c", {"poetry.toml": f'[repositories.c]\nurl = "{UPLOAD}"'}),
    ],
)
def test_what_a_file_of_the_project_names_is_somebody_elses_text(line: str, files: dict[str, str], tmp_path: Path) -> None:
    endpoints = look(tmp_path, line, files, WHO="bob")[1]

    assert [endpoint.origin.project for endpoint in endpoints.items if not endpoint.url.is_public] == [True]


@pytest.mark.parametrize("line", ["pip-compile setup.py", "pipx install ./", "pip-sync"])
def test_what_code_may_name_is_kept_beside_what_the_tools_own_files_say(line: str, tmp_path: Path) -> None:
    """A netrc goes to every port of its host: what the project's files mention there has to be known."""
    files = {"setup.py": f"X = 'x @ {OTHER}x.whl'\n", "requirements.txt": "./\ny\n"}
    endpoints = look(tmp_path, line, files)[1]

    assert len(endpoints.built) == 1
    assert endpoints.mentioned == (f"{OTHER}x.whl",)


def test_files_that_make_no_sense_name_nothing(tmp_path: Path) -> None:
    for text in (
        "[",
        "source = 3",
        '[source]\nurl = "x"',
        "\0",
        '[[source]]\nurl = ["x"]\n',
        '[[source]]\nurl = "http://["\n',
        json.dumps({}),
    ):
        for line in ("pipenv lock", "poetry lock", "pdm lock", "pip-compile", "hatch publish", "pdm publish", "poetry publish -r x"):
            names = (
                "Pipfile",
                "pyproject.toml",
                "poetry.toml",
                "pdm.toml",
                "home/.config/hatch/config.toml",
                "home/.config/pdm/config.toml",
            )
            assert urls(look(tmp_path, line, dict.fromkeys(names, text))[1]) == set()
