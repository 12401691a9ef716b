"""One small task for every tool that we wrap: the files of a project, what is typed, and what must be there afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.support import toolchains

PROJECT = '[project]\nname = "corp-app"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = ["corp-lib"]\n'
PRIVATE_BUILD = '[build-system]\nrequires = ["corp-build"]\nbuild-backend = "corp_build"\n[project]\nname = "corp-sdist"\nversion = "1.0"\n'
USE_IT = "import corp_lib; print('it is', corp_lib.VALUE)"
#: What a tool that is run prints by USE_IT.
IN_USE = "it is 1"


@dataclass(frozen=True)
class Scene:
    """`files` are written first; `{index}` and `{upload}` in them, in `words` and in `environ` become the server's URLs.

    `result` is a file (a pattern) that the tool writes, `says` what it prints. `is_text` marks results that a bare tool writes to the byte. The tool
    is the pip of that release, else the `program`, made of `requirements`.
    """

    files: Mapping[str, str]
    words: tuple[str, ...]
    result: str = ""
    says: str = ""
    is_text: bool = False
    program: str = ""
    requirements: tuple[str, ...] = ()
    pip: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)

    def tool(self) -> toolchains.Tool:
        """Return the real tool."""
        if self.pip:
            return toolchains.pip(self.pip)
        if self.words[0] == "uv":
            return toolchains.uv()
        name = self.program or self.words[0]
        return toolchains.program(name, *self.requirements)

    def prepare(self, folder: Path, urls: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """Write the files; return what to type and the variables to set."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(_fill(text, urls))
        return [_fill(word, urls) for word in self.words], {name: _fill(text, urls) for name, text in self.environ.items()}


def _fill(text: str, urls: Mapping[str, str]) -> str:
    for name, url in urls.items():
        text = text.replace("{" + name + "}", url)
    return text


#: pdm does not start with the newest releases of all that it depends on; these are the ones it was tested with.
PDM = ("pdm[locked]",)

INSTALLING = {
    "pip": Scene({}, ("pip", "install", "--target", "lib", "corp-lib"), "lib/corp_lib.py", pip="newest"),
    "uv": Scene({}, ("uv", "pip", "install", "--target", "lib", "corp-lib"), "lib/corp_lib.py"),
    "pip-compile": Scene(
        {"requirements.in": "corp-lib\n"}, ("pip-compile", "--quiet"), "requirements.txt", is_text=True, program="pip-tools"
    ),
    "pip-sync": Scene(
        {"requirements.txt": "corp-lib\n"},
        ("pip-sync", "--pip-args", "--target lib"),
        "lib/corp_lib.py",
        program="pip-tools",
    ),
    "pipenv": Scene(
        {"Pipfile": '[[source]]\nurl = "{index}"\nverify_ssl = false\nname = "corp"\n\n[packages]\ncorp-lib = "*"\n'},
        ("pipenv", "lock"),
        "Pipfile.lock",
        is_text=True,
    ),
    "poetry": Scene(
        {"pyproject.toml": PROJECT + '[[tool.poetry.source]]\nname = "corp"\nurl = "{index}"\n'},
        ("poetry", "lock", "--no-interaction"),
        "poetry.lock",
        is_text=True,
    ),
    "pdm": Scene(
        {"pyproject.toml": PROJECT + '[[tool.pdm.source]]\nname = "pypi"\nurl = "{index}"\n'},
        ("pdm", "lock"),
        "pdm.lock",
        is_text=True,
        requirements=PDM,
    ),
    "hatch": Scene(
        {"pyproject.toml": PROJECT + '[tool.hatch.envs.default]\nskip-install = true\ndependencies = ["corp-lib"]\n'},
        ("hatch", "run", "python", "-c", USE_IT),
        says=IN_USE,
    ),
    "build": Scene(
        {"pyproject.toml": PRIVATE_BUILD},
        ("pyproject-build", "--wheel"),
        "dist/corp_sdist-1.0-py3-none-any.whl",
        program="build",
        requirements=("build", "pip>=26.2"),
    ),
    "tox": Scene(
        {"tox.ini": f'[testenv]\npackage = skip\ndeps = corp-lib\ncommands = python -c "{USE_IT}"\n'}, ("tox", "-e", "py"), says=IN_USE
    ),
    "tox, in parallel": Scene(
        {"tox.ini": f'[testenv]\npackage = skip\ndeps = corp-lib\ncommands = python -c "{USE_IT}"\n'},
        ("tox", "-p", "auto", "-o", "-e", "py"),
        says=IN_USE,
    ),
    "nox": Scene(
        {
            "noxfile.py": "import nox\n\n@nox.session\ndef tests(session):\n    session.install('corp-lib')\n"
            f"    session.run('python', '-c', {USE_IT!r})\n"
        },
        ("nox", "-s", "tests"),
        says=IN_USE,
    ),
    "pipx": Scene({}, ("pipx", "install", "corp-tool"), says="installed package corp-tool"),
}

#: Beside `package = skip`: without it tox keeps from its children how to find the desktop's keyring.
TOX_PASSES = "pass_env = DBUS_SESSION_BUS_ADDRESS, PYTHON_KEYRING_BACKEND, XDG_*"
#: What starts a pip by itself, where no launcher of ours is in between. {python} is the tool's own.
CHILDREN = {
    "python -m pip": Scene({}, ("{python}", "-m", "pip", "install", "--target", "lib", "corp-lib"), "lib/corp_lib.py", pip="newest"),
    ".venv/bin/pip": Scene({}, ("{venv}/bin/pip", "install", "--target", "lib", "corp-lib"), "lib/corp_lib.py", pip="newest"),
    # What conda runs for the `pip:` section of an environment.yml (`conda/env/installers/pip.py`), less the folder.
    "conda's pip section": Scene(
        {"condaenv.requirements.txt": "corp-lib\n"},
        (*("{venv}/bin/python", "-m", "pip", "install", "-U", "-r", "condaenv.requirements.txt", "--exists-action=b"), "--target", "lib"),
        "lib/corp_lib.py",
        pip="newest",
    ),
    "tox": replace(
        INSTALLING["tox"],
        files={name: text.replace("package = skip", f"package = skip\n{TOX_PASSES}") for name, text in INSTALLING["tox"].files.items()},
        words=("{python}", "-m", "tox", "-e", "py"),
        program="tox",
    ),
    "nox": replace(INSTALLING["nox"], words=("{python}", "-m", "nox", "-s", "tests"), program="nox"),
    "build": replace(INSTALLING["build"], words=("{python}", "-m", "build", "--wheel")),
    "pdm": replace(INSTALLING["pdm"], words=("{python}", "-m", "pdm", "lock"), program="pdm"),
    "pipx": replace(
        INSTALLING["pipx"], words=("{python}", "-m", "pipx", "install", "corp-tool"), program="pipx", environ={"PIPX_SHARED_LIBS": "{venv}"}
    ),
    "pipenv": replace(
        INSTALLING["pipenv"], words=("{python}", "-m", "pipenv", "lock"), program="pipenv", environ={"PIP_KEYRING_PROVIDER": "subprocess"}
    ),
    "pre-commit": Scene(
        {
            ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks:\n  - id: it\n    name: it\n    language: python\n    entry: corp-tool\n"
            "    additional_dependencies: [corp-tool]\n    pass_filenames: false\n    always_run: true\n    verbose: true\n"
        },
        ("sh", "-c", "git init -q && git add .pre-commit-config.yaml && exec pre-commit run"),
        says="it runs",
        program="pre-commit",
    ),
}

#: A password that somebody writes into a URL, and that the bare tools write into files: {typed} has it.
TYPED = {
    "pip-compile -i": replace(INSTALLING["pip-compile"], words=("pip-compile", "--quiet", "-i", "{typed}")),
    "pip-compile --pip-args": replace(INSTALLING["pip-compile"], words=("pip-compile", "--quiet", "--pip-args", "-i {typed}")),
    "pip-compile, variable": replace(INSTALLING["pip-compile"], environ={"PIP_INDEX_URL": "{typed}"}),
    "tox, variable": replace(INSTALLING["tox"], environ={"PIP_INDEX_URL": "{typed}"}),
    "pipx -i": replace(INSTALLING["pipx"], words=("pipx", "install", "-i", "{typed}", "corp-tool")),
}

_TWO_OF_POETRY = "".join(f'[[tool.poetry.source]]\nname = "corp-{name}"\nurl = "{{{name}}}"\npriority = "explicit"\n' for name in "ab")
#: A project with two private sources on one host, for the tools that can have two credentials there.
TWO_SOURCES = {
    "pipenv": Scene(
        {
            "Pipfile": "".join(f'[[source]]\nurl = "{{{name}}}"\nverify_ssl = false\nname = "corp-{name}"\n\n' for name in "ab")
            + '[packages]\ncorp-lib = {version = "*", index = "corp-a"}\ncorp-build = {version = "*", index = "corp-b"}\n'
        },
        ("pipenv", "lock"),
    ),
    "poetry": Scene(
        {
            "pyproject.toml": PROJECT.replace('"corp-lib"', '"corp-lib", "corp-build"')
            + '[tool.poetry.dependencies]\ncorp-lib = {source = "corp-a"}\ncorp-build = {source = "corp-b"}\n'
            + _TWO_OF_POETRY
        },
        ("poetry", "lock", "--no-interaction"),
    ),
    "pdm": Scene(
        {
            "pyproject.toml": PROJECT
            + "".join(f'[[tool.pdm.source]]\nname = "{name}"\nurl = "{{{url}}}"\n' for name, url in (("pypi", "a"), ("corp", "b")))
        },
        ("pdm", "lock"),
        requirements=PDM,
    ),
}

WHEEL = "dist/corp_{name}-1.0-py3-none-any.whl"
PUBLISHING = {
    "twine": Scene({}, ("twine", "upload", "--non-interactive", "--repository-url", "{upload}", WHEEL.format(name="twine"))),
    "uv publish": Scene({}, ("uv", "publish", "--trusted-publishing", "never", "--publish-url", "{upload}", WHEEL.format(name="uv"))),
    "hatch": Scene({"pyproject.toml": PROJECT}, ("hatch", "publish", "--no-prompt", "--repo", "{upload}", WHEEL.format(name="hatch"))),
    "pdm": Scene({"pyproject.toml": PROJECT}, ("pdm", "publish", "--no-build", "--repository", "{upload}"), requirements=PDM),
    "poetry": Scene(
        {
            "pyproject.toml": '[project]\nname = "corp-poetry"\nversion = "1.0"\n',
            "poetry.toml": '[repositories.corp]\nurl = "{upload}"\n',
        },
        ("poetry", "publish", "--no-interaction", "--repository", "corp"),
    ),
    "flit": Scene(
        {
            "corp_flit.py": '"""A module."""\n__version__ = "1.0"\n',
            "pyproject.toml": '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
            '[project]\nname = "corp-flit"\nauthors = [{name = "Alice"}]\ndynamic = ["version", "description"]\n',
        },
        ("flit", "publish", "--format", "wheel"),
        environ={"FLIT_INDEX_URL": "{upload}"},
    ),
}
