"""Random worlds for one uv command each: where indexes are named, in every place that uv reads.

The packages: `known-...` are wherever one asks. `nobody` is nowhere, so that every index is asked; or, where a layout is `satisfied`,
only in the index that is to be asked last.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("a", "b", "corp", "c-x.y")
PROJECT = "[project]\nname = {name!r}\nversion = '1'\nrequires-python = '>=3.11'\ndependencies = {requires}\n"


def pinned_name(index: str, owner: str) -> str:
    """Return the package that a project takes from an index: its own, since two may not differ about one."""
    return f"known-{index.replace('.', '-')}-{owner}"


@dataclass
class Layout:
    """One command: `argv` after uv's name, `environ` to add, `cwd`; `here` is where uv stands after `--directory`. Its URLs are all `ORIGIN/L<seed>/<number>/<kind>`."""

    seed: int
    folder: Path
    origins: list[str]
    tools: Path
    release: tuple[int, ...]
    argv: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.count = 0
        self.satisfied = self.says_no_index = False
        self.base = self.folder / "base"
        self.project = self.base / "project"
        self.here = self.cwd = self.project
        self.project.mkdir(parents=True)
        self.verb: list[str] = []

    def play(self, scenes: list[Scene]) -> None:
        """Choose one of the scenes that the release has, and write all that is around the command."""
        words, scene, _ = self.chance.choice([one for one in scenes if self.release >= one[2]])
        self.verb = words.split()
        self.satisfied = self.maybe(0.5)
        start = self.start()
        rest = scene(self)
        self.surroundings()
        self.argv = [*start, *self.verb, *self.options(), *rest]

    def maybe(self, share: float) -> bool:
        return self.chance.random() < share

    def url(self, kind: str = "simple") -> str:
        self.count += 1
        scheme, _, rest = self.chance.choice(self.origins).partition("://")
        user = self.chance.choice(["", "", "", "", "alice:not-a-password@"])
        slash = "/" if kind == "simple" and self.maybe(0.3) else ""
        return f"{scheme}://{user}{rest}/L{self.seed}/{self.count}/{kind}{slash}"

    def wheel(self, name: str) -> str:
        return self.url(f"files/{name.replace('-', '_')}-1.0-py3-none-any.whl")

    def write(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    # Configuration

    def keys(self) -> str:
        """Return lines of index-url, extra-index-url, find-links, no-index."""
        lines = [f'index-url = "{self.url()}"'] if self.maybe(0.25) else []
        lines += [f'extra-index-url = ["{self.url()}"]'] if self.maybe(0.2) else []
        lines += [f'find-links = ["{self.url("links")}"]'] if self.maybe(0.2) else []
        if self.maybe(0.03):
            self.says_no_index = True
            lines.append("no-index = true")
        return "".join(f"{line}\n" for line in lines)

    def indexes(self, prefix: str) -> tuple[str, list[str]]:
        """Return 0 to 3 [[index]] tables and the names in them."""
        rows, used, free = "", [], list(NAMES)
        kinds = self.chance.choices(["", "default = true", "explicit = true", 'format = "flat"', "name"], k=self.chance.randint(0, 3))
        for kind in dict.fromkeys(kinds):
            rows += f'[[{prefix}index]]\nurl = "{self.url("links" if "flat" in kind else "simple")}"\n'
            # `uv add` puts a default of the command line in place of the file's, whose name a source would miss then.
            if kind in ("name", "explicit = true") or (self.maybe(0.3) and self.verb != ["add"]):
                used.append(free.pop(self.chance.randrange(len(free))))
                rows += f'name = "{used[-1]}"\n'
            rows += f"{kind}\n" if "=" in kind else ""
        return rows, used

    def settings(self, prefix: str = "", *, owner: str = "", pip: bool = True) -> tuple[str, list[str]]:
        """Return a uv.toml, or the `tool.uv` part of a pyproject.toml or script, and the packages that its sources pin."""
        dot = f"{prefix}." if prefix else ""
        tables, names = self.indexes(dot)
        keys = self.keys()
        own = self.keys() if pip and self.maybe(0.25) else ""
        text = (f"[{prefix}]\n" if prefix and keys else "") + keys
        text += f"[{dot}pip]\n{own}" if own else ""
        # Where `nobody` is nowhere, uv may give up before it looks for these.
        pinned = [name for name in names if owner and self.satisfied and self.maybe(0.8)]
        if pinned:
            rows = "".join(f'{pinned_name(name, owner)} = {{ index = "{name}" }}\n' for name in pinned)
            text += f"[{dot}sources]\n{rows}"
        return text + tables, [pinned_name(name, owner) for name in pinned]

    def pyproject(self, folder: Path, name: str, more: str = "", requires: tuple[str, ...] = ("nobody",)) -> Path:
        """Write a pyproject.toml that has indexes, and pins packages to some of them."""
        text, pinned = self.settings("tool.uv", owner=name) if self.maybe(0.7) else ("", [])
        wanted = [*requires, *pinned]
        if self.maybe(0.15):
            wanted.append(f"known-direct-{name} @ {self.wheel(f'known-direct-{name}')}")
        return self.write(folder / "pyproject.toml", PROJECT.format(name=name, requires=wanted) + more + text)

    def requirements(self, name: str = "requirements.txt") -> str:
        """Write a requirements file, which may name another, and return its name."""
        lines = ["nobody"]
        choices = [
            self.chance.choice([f"-i {self.url()}", f"--index-url={self.url()}"]),
            f"--extra-index-url {self.url()}",
            f"--extra-index-url={self.url()}",
        ]
        choices += [f"-f {self.url('links')}", f"--find-links {self.url('links')}", f"known-wheel @ {self.wheel('known-wheel')}"]
        choices += [f"-r {self.url('more.txt')}", "-r nested/more.txt", "# -i http://127.0.0.1:1/comment"]
        lines += self.chance.sample(choices, k=self.chance.randint(0, 3))
        self.chance.shuffle(lines)
        self.write(self.here / "nested" / "more.txt", f"--extra-index-url {self.url()}\n")
        self.write(self.here / name, "\n".join(lines) + "\n")
        return name

    def surroundings(self) -> None:
        """Write the configuration of the parents, the user and the machine."""
        if self.maybe(0.2):
            self.write(self.project / "uv.toml", self.settings()[0])
        if self.maybe(0.25):
            self.write(self.base / "uv.toml", self.settings()[0])
        if self.maybe(0.15) and (self.project / "pyproject.toml").exists() and not (self.base / "pyproject.toml").exists():
            self.write(self.base / "pyproject.toml", self.settings("tool.uv")[0])
        if self.maybe(0.3):
            self.write(self.folder / "user" / "uv" / "uv.toml", self.settings()[0])
        for name in ("machine-1", "machine-2"):
            if self.maybe(0.2):
                self.write(self.folder / name / "uv" / "uv.toml", self.settings()[0])
        self.write(self.folder / "machine-3" / "uv" / "uv.toml", "")  # or this machine's own would count
        self.environ["XDG_CONFIG_HOME"] = str(self.folder / "user")
        self.environ["XDG_CONFIG_DIRS"] = ":".join(str(self.folder / f"machine-{number}") for number in (1, 2, 3))
        if self.maybe(0.2):
            self.environ["UV_NO_SYSTEM_CONFIG"] = self.chance.choice(["1", "true", "false", "0"])

    # The command line

    def start(self) -> list[str]:
        """Return options before the verb: they say where uv stands, and which configuration counts."""
        words: list[str] = []
        place = self.chance.choice(["", "", "", "--project", "UV_PROJECT", "--directory", "UV_WORKING_DIR", "below"])
        if place == "below" and self.verb[0] not in ("pip", "publish", "build"):
            self.here = self.cwd = self.project / "below"
            self.cwd.mkdir()
        elif place == "--project" or (place == "UV_PROJECT" and self.verb[:1] != ["run"]):
            (self.base / "other").mkdir(exist_ok=True)
            if self.maybe(0.5):
                self.write(self.base / "other" / "uv.toml", self.settings()[0])
            where = "../other" if self.verb[0] in ("pip", "tool", "venv", "publish") else "../project"
            words += ["--project", where] if place == "--project" else []
            self.environ |= {"UV_PROJECT": where} if place == "UV_PROJECT" else {}
        elif place == "--directory":
            self.cwd = self.base
            words += [self.chance.choice(["--directory", "--directory="])]
            words = [*words, "project"] if words == ["--directory"] else ["--directory=project"]
        elif place == "UV_WORKING_DIR":
            self.environ["UV_WORKING_DIR"] = str(self.project)
            self.environ["UV_WORKING_DIRECTORY"] = str(self.base)  # by another name, and weaker
        if self.maybe(0.2):
            self.write(self.here / "other.toml", self.settings()[0])
            words += self.chance.choice([["--config-file", "other.toml"], ["--no-config"], ["--config-file=other.toml", "--no-config"]])
            if self.maybe(0.3):
                self.environ["UV_CONFIG_FILE"] = str(self.project / "uv.toml")
                self.write(self.project / "uv.toml", self.settings()[0])
        elif self.maybe(0.1):
            self.environ["UV_NO_CONFIG"] = self.chance.choice(["1", "true", "0", "false"])
        return words

    def index_options(self) -> list[str]:
        """Return index options."""
        words: list[str] = []
        if self.maybe(0.35):
            name = self.chance.choice(NAMES)
            one = [["--index", self.url()], [f"--index={name}={self.url()}"], ["--index", f"{self.url()} z={self.url()}"]]
            words += [word for option in self.chance.sample(one, k=self.chance.randint(1, 2)) for word in option]
        if self.maybe(0.3):
            one = [["--default-index", self.url()], [f"--default-index=d={self.url()}"], ["-i", self.url()], [f"-i{self.url()}"]]
            words += self.chance.choice([*one, [f"-i={self.url()}"], [f"--index-url={self.url()}"]])
        if self.maybe(0.2):
            words += ["--extra-index-url", self.url()]
        if self.maybe(0.15):
            words += self.chance.choice([["-f", self.url("links")], [f"--find-links={self.url('links')},{self.url('links')}"]])
        if self.maybe(0.05):
            self.says_no_index = True
            words += ["--no-index"]
        return words

    def options(self) -> list[str]:
        """Return index options, and set index variables."""
        if self.verb[0] == "publish":
            return []
        words: list[str] = []
        for share, name, values in (
            (0.25, "UV_INDEX", [self.url(), f"{self.chance.choice(NAMES)}={self.url()}", f"{self.url()} e={self.url()} {self.url()}", ""]),
            (0.25, "UV_DEFAULT_INDEX", ["", self.url(), f"d={self.url()}"]),
            (0.15, "UV_EXTRA_INDEX_URL", [f"{self.url()} {self.url()}", self.url()]),
            (0.15, "UV_INDEX_URL", [self.url(), ""]),
            (0.1, "UV_FIND_LINKS", [f"{self.url('links')},{self.url('links')}", self.url("links")]),
        ):
            if self.maybe(share):
                self.environ[name] = self.chance.choice(values)
        return words


#: Words, what is around them, and the first release that has both.
Scene = tuple[str, Callable[[Layout], list[str]], tuple[int, ...]]
