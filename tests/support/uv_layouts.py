"""Random worlds for one uv command each: where indexes are named, in every place that uv reads.

The packages: `known-...` are wherever one asks. `nobody` is nowhere, so that every index is asked; or, where a layout is `satisfied`,
only in the index that is to be asked last.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.recorder import sha256_of, wheel_of

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
        self.says_no_index = False
        self.base = self.folder / "base"
        self.project = self.base / "project"
        self.here = self.cwd = self.project
        self.project.mkdir(parents=True)
        words, scene = self.chance.choice([(words, scene) for words, scene, first in SCENES if self.release >= first])
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
            if kind in ("name", "explicit = true") or self.maybe(0.3):
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


# Scenes: what a verb wants around it. Each returns the last words of the command.


def plain(layout: Layout) -> list[str]:
    """`uv pip install`: names, URLs, files."""
    if layout.maybe(0.4):
        layout.pyproject(layout.project, "p")
    words = [
        ["nobody"],
        ["-r", layout.requirements()],
        ["nobody", layout.wheel("known-x")],
        [f"known-x @ {layout.wheel('known-x')}", "nobody"],
    ]
    words += [["-r", layout.url("more.txt"), "nobody"]]
    if (layout.project / "pyproject.toml").exists():
        words += [["-r", "pyproject.toml"]]
    chosen = layout.chance.choice(words)
    limits = ["-c", layout.requirements("constraints.txt")] if layout.maybe(0.3) and "requirements.txt" not in chosen else []
    return ["--target", "out", *chosen, *limits]


def compiled(layout: Layout) -> list[str]:
    if layout.maybe(0.4):
        layout.pyproject(layout.project, "p")
        return ["pyproject.toml"]
    return [layout.requirements()]


def synced(layout: Layout) -> list[str]:
    return ["--target", "out", layout.requirements()]


def pylocked(layout: Layout) -> list[str]:
    """A pylock.toml: it names files; the indexes in it are for the record."""
    digest = sha256_of("known_one")
    layout.write(
        layout.here / "pylock.toml",
        f'''lock-version = "1.0"
created-by = "test"
[[packages]]
name = "known-one"
version = "1.0"
index = "{layout.url()}"
wheels = [{{ url = "{layout.wheel("known-one")}", hashes = {{ sha256 = "{digest}" }} }}]
''',
    )
    return ["--target", "out", "pylock.toml"]


def bumped(layout: Layout) -> list[str]:
    in_project(layout)
    return ["--bump", "minor"]


def listed(layout: Layout) -> list[str]:
    upgraded(layout)
    return ["--outdated"]


def seeded(layout: Layout) -> list[str]:
    return ["--seed", "made"]


def outdated(layout: Layout) -> list[str]:
    return ["--outdated"]


def in_project(layout: Layout) -> list[str]:
    """A project, or a member of a workspace."""
    layout.pyproject(layout.project, "p", requires=("nobody", "nobody-too"))
    if layout.satisfied and layout.maybe(0.6):  # else uv may give up before it looked at every member
        members = layout.chance.choice(['["project", "packages/*"]', '["pro*", "**/p[ab]"]', '["packages/*"]'])
        excluded = layout.chance.choice(["", "", 'exclude = ["packages/pb"]\n'])
        more = f"[tool.uv.workspace]\nmembers = {members}\n{excluded}"
        layout.pyproject(layout.base, "root", more) if layout.maybe(0.5) else layout.write(layout.base / "pyproject.toml", more)
        for name in layout.chance.sample(["pa", "pb"], k=layout.chance.randint(0, 2)):
            layout.pyproject(layout.base / "packages" / name, name)
    if layout.verb[0] in ("lock", "tree", "export") and layout.maybe(0.4):
        layout.pyproject(layout.base / "local", "known-local", requires=())
        path = layout.project / "pyproject.toml"
        text = path.read_text().replace("dependencies = [", "dependencies = ['known-local', ", 1)
        source = 'known-local = { path = "../local" }\n'
        table = "[tool.uv.sources]\n"
        layout.write(path, text.replace(table, table + source) if table in text else f"{text}{table}{source}")
    rest = {"run": ["true"], "add": ["nobody-else"], "remove": ["nobody"]}
    return rest.get(layout.verb[0], [])


def frozen(layout: Layout) -> list[str]:
    """A project with a lock, frozen or not: its files lie on servers of their own."""
    text = 'version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "p"\nversion = "1"\nsource = { virtual = "." }\n'
    names = ["known-one", "known-two"][: layout.chance.randint(1, 2)]
    text += "dependencies = [" + "".join(f'{{ name = "{name}" }},' for name in names) + "]\n"
    for name in names:
        file = (
            f'{{ url = "{layout.wheel(name).replace("alice:not-a-password@", "")}", hash = "sha256:{sha256_of(name.replace("-", "_"))}" }}'
        )
        registry = layout.url().replace("alice:not-a-password@", "")
        text += f'\n[[package]]\nname = "{name}"\nversion = "1.0"\nsource = {{ registry = "{registry}" }}\nwheels = [\n    {file},\n]\n'
    layout.pyproject(layout.project, "p", requires=tuple(names))
    layout.write(layout.project / "uv.lock", text)
    rest = ["true"] if layout.verb == ["run"] else []
    return ["--frozen", *rest] if layout.maybe(0.5) else rest


def built(layout: Layout) -> list[str]:
    system = '[build-system]\nrequires = ["nobody"]\nbuild-backend = "x"\n'
    layout.pyproject(layout.project, "p", system)
    layout.pyproject(layout.project / "inner", "inner", system)
    return layout.chance.choice([[], ["inner"]])


def script(layout: Layout) -> list[str]:
    """A PEP 723 script, here or below, beside a project or not."""
    if layout.maybe(0.4):
        layout.pyproject(layout.project, "p")
    text, pinned = layout.settings("tool.uv", owner="x", pip=False)
    metadata = f'requires-python = ">=3.11"\ndependencies = {["nobody", *pinned]}\n{text}'
    block = "".join(f"# {line}\n" for line in metadata.splitlines())
    where = layout.chance.choice(["x.py", "scripts/x.py"])
    layout.write(layout.here / where, f"# /// script\n{block}# ///\n")
    if layout.maybe(0.2):
        layout.write(layout.here / "scripts" / "uv.toml", layout.settings()[0])
    if layout.verb == ["run"]:
        return layout.chance.choice([[where], ["--script", where], [where, "--index", layout.url()]])
    return ["--script", where, *{"add": ["nobody-else"], "remove": ["nobody-else"]}.get(layout.verb[0], [])]


def with_packages(layout: Layout) -> list[str]:
    """`uv run --with`, without a project or with one that needs nothing."""
    if layout.maybe(0.5):
        layout.pyproject(layout.project, "p", requires=())
    words = [
        ["--with", "nobody"],
        ["--with", f"known-x @ {layout.wheel('known-x')},nobody"],
        ["--with-requirements", layout.requirements()],
    ]
    return [*layout.chance.choice(words), "true", "--index-url", layout.url()]


def tool(layout: Layout) -> list[str]:
    if layout.maybe(0.3):
        layout.pyproject(layout.project, "p")
    words = [["nobody"], ["--from", "nobody", "x"], ["nobody", "--with", f"known-x @ {layout.wheel('known-x')}"]]
    words += [["--with-requirements", layout.requirements(), "nobody"]]
    if layout.verb[1] == "run":
        words += [["nobody", "--index", layout.url()], ["nobody", layout.wheel("known-x")]]
        words[2] = ["--with", f"known-x @ {layout.wheel('known-x')}", "nobody"]
    else:
        del words[1]
    return layout.chance.choice(words)


def upgraded(layout: Layout) -> list[str]:
    """A tool that was installed from indexes of its own, and now needs one package more."""
    shutil.copytree(layout.tools, layout.folder / "tools", symlinks=True)
    receipt = layout.folder / "tools" / "nobody-tool" / "uv-receipt.toml"
    head = (
        receipt.read_text()
        .partition("[tool.options]")[0]
        .replace('[{ name = "nobody-tool" }]', '[{ name = "nobody-tool" }, { name = "nobody" }]')
    )
    kinds = layout.chance.sample(["default", "explicit", ""], k=layout.chance.randint(0, 2))
    rows = "".join(
        f'{{ name = "{name}", url = "{layout.url()}", default = {str(kind == "default").lower()}, explicit = {str(kind == "explicit").lower()} }}, '
        for name, kind in zip(NAMES, kinds, strict=False)
    )
    receipt.write_text(f"{head}[tool.options]\nindex = [{rows}]\n{layout.keys()}")
    return layout.chance.choice([["nobody-tool"], ["--all"]])


def published(layout: Layout) -> list[str]:
    """An upload: by URL, or to an index of the configuration."""
    text = f'[[index]]\nname = "corp"\nurl = "{layout.url()}"\npublish-url = "{layout.url("upload")}"\n'
    if layout.maybe(0.3):
        text = f'publish-url = "{layout.url("upload")}"\n' + (f'check-url = "{layout.url()}"\n' if layout.maybe(0.5) else "") + text
    layout.write(layout.project / "uv.toml", text.replace("alice:not-a-password@", ""))
    (layout.project / "dist").mkdir()
    (layout.project / "dist" / "fresh_x-1.0-py3-none-any.whl").write_bytes(wheel_of("fresh_x"))
    words = [
        ["--index", "corp"],
        ["--publish-url", layout.url("upload")],
        ["--publish-url", layout.url("upload"), "--check-url", layout.url()],
        [],
    ]
    chosen = [word.replace("alice:not-a-password@", "") for word in layout.chance.choice(words)]
    if layout.maybe(0.2) and "--index" not in chosen:
        layout.environ["UV_PUBLISH_URL"] = layout.url("upload").replace("alice:not-a-password@", "")
    if layout.maybe(0.2) and "--index" not in chosen:
        layout.environ["UV_PUBLISH_CHECK_URL"] = layout.url()
    layout.environ["UV_INDEX"] = layout.url()
    return [
        *chosen,
        *layout.chance.choice([["-t", "not-a-token"], ["-u", "alice", "-p", "not-a-password"]]),
        "dist/fresh_x-1.0-py3-none-any.whl",
    ]


#: Words, what is around them, and the first release that has both.
SCENES: list[tuple[str, Callable[[Layout], list[str]], tuple[int, ...]]] = [
    *([("pip install", plain, (0,))] * 4),
    *([("pip compile", compiled, (0,))] * 2),
    ("pip sync", synced, (0,)),
    ("pip sync", pylocked, (0, 7)),
    ("pip list", outdated, (0,)),
    ("venv", seeded, (0,)),
    *((verb, in_project, (0,)) for verb in ("lock", "lock", "sync", "run", "add", "tree", "export", "remove")),
    ("version", bumped, (0, 9)),
    *((verb, frozen, (0,)) for verb in ("sync", "run", "export")),
    ("build", built, (0,)),
    *((verb, script, (0,)) for verb in ("run", "run", "lock", "sync", "add", "tree", "export")),
    *([("run", with_packages, (0,))] * 2),
    *((verb, tool, (0,)) for verb in ("tool run", "tool install")),
    ("tool upgrade", upgraded, (0,)),
    ("tool list", listed, (0, 13)),
    *([("publish", published, (0,))] * 2),
]
