"""Random pip commands with their surroundings: argv, variables, configuration files, requirements, groups, scripts, locks.

Each URL in a layout begins with `/L<number>/`, so that a server can tell who asked. Nothing that is asked for is there but wheels
named by their URL, so that pip asks every index before it gives up.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.pip_recorder import make_wheel
from tests.support.toolchains import Tool, pip_environment

PASSWORD = "not-a-real-password"
NOBODY = "nobody-has-this"
#: Commands, from which release on, and how often one is taken.
VERBS = (
    *(("install", (), 6), ("download", (), 2), ("wheel", (), 2), ("search", (), 1), ("list", (), 1), ("uninstall", (), 1)),
    *(("index", (21, 2), 2), ("lock", (25, 1), 2)),
)
#: Builds a wheel of nothing but metadata.
BACKEND = """
import os, zipfile
METADATA = "Metadata-Version: 2.1\\nName: local\\nVersion: 1.0\\n" + REQUIRES + "\\n"
WHEEL = "Wheel-Version: 1.0\\nGenerator: nobody\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
def prepare_metadata_for_build_wheel(folder, settings=None):
    os.mkdir(os.path.join(folder, "local-1.0.dist-info"))
    for name, text in (("METADATA", METADATA), ("WHEEL", WHEEL)):
        with open(os.path.join(folder, "local-1.0.dist-info", name), "w") as file:
            file.write(text)
    return "local-1.0.dist-info"
def build_wheel(folder, settings=None, metadata=None):
    with zipfile.ZipFile(os.path.join(folder, "local-1.0-py3-none-any.whl"), "w") as archive:
        for name, text in (("METADATA", METADATA), ("WHEEL", WHEEL), ("RECORD", "")):
            archive.writestr("local-1.0.dist-info/" + name, text)
    return "local-1.0-py3-none-any.whl"
"""
TAKING_REQUIREMENTS = ("install", "download", "wheel", "lock")


@dataclass
class Layout:
    """One command: `argv` is what follows `pip`, in groups that may change places. Files lie below `folder`."""

    number: int
    folder: Path
    port: int
    release: tuple[int, ...]
    chance: random.Random
    general: list[str] = field(default_factory=list)
    argv: list[list[str]] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    verb: str = ""
    names: int = 0
    #: Whether all that is asked for is there; else pip gives up before it fetches what was not named by URL on its command line.
    is_complete: bool = False
    #: Whether a package is asked for that has to be looked for at the indexes.
    asks_indexes: bool = True

    def maybe(self, probability: float, since: tuple[int, ...] = ()) -> bool:
        return self.chance.random() < probability and self.release >= since

    def fresh(self) -> str:
        self.names += 1
        return f"n{self.names}"

    def url(self, kind: str = "simple") -> str:
        """Return a URL that nobody else asks, some with a user name or a password."""
        host = self.chance.choice(["127.0.0.1", "localhost"])
        user = self.chance.choice(["", "", "", "alice@", f"alice:{PASSWORD}@", f"token%40x:{PASSWORD}@"])
        slash = "/" if kind == "simple" and self.chance.random() < 0.5 else ""
        return f"http://{user}{host}:{self.port}/L{self.number}/{self.fresh()}/{kind}{slash}"

    def wheel(self) -> str:
        """Return the URL of a wheel that is there."""
        return self.url(f"{self.fresh()}-1.0-py3-none-any.whl")

    def direct(self, *, named: bool = False) -> str:
        """Return a requirement with such a URL."""
        url = self.wheel()
        name = url.rpartition("/")[2].partition("-")[0]
        markers = ["python_version > '3'", "python_version < '3' or sys_platform == 'linux'", "python_version < '3'", "os_name == 'nt'"]
        spellings = [f"{name} @ {url}", f"{name}@{url}", f"{name} @ {url} ; {self.chance.choice(markers)}"]
        bare = [url, f"{name} @ {url};{self.chance.choice(markers)}", f"{url} ; {self.chance.choice(markers)}"]
        return self.chance.choice(spellings if named else spellings + bare)

    def write(self, path: str, text: str, encoding: str = "utf-8") -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode(encoding))
        return target

    @property
    def words(self) -> tuple[str, ...]:
        """argv after `pip`."""
        return (*self.general, self.verb, *(word for group in self.argv for word in group))


def make_layout(number: int, seed: str, folder: Path, port: int, tool: Tool, release: tuple[int, ...]) -> tuple[Layout, Path]:
    """Return a layout and the `pip` that it runs."""
    layout = Layout(number, folder, port, release, random.Random(f"{seed} {number}"))
    (folder / "work").mkdir(parents=True)
    (folder / "home").mkdir()
    script = pip_environment(tool, folder / "environment").path
    verbs = [(verb, often) for verb, since, often in VERBS if release >= since]
    layout.verb = layout.chance.choices([verb for verb, _ in verbs], [often for _, often in verbs])[0]
    layout.is_complete = layout.verb in ("download", "wheel") and layout.maybe(0.5)
    layout.asks_indexes = not layout.is_complete
    layout.general = ["--no-input", "--disable-pip-version-check", "--retries", "0", "--timeout", "20", "--no-cache-dir"]
    ADDERS.get(layout.verb, add_index_options)(layout)
    add_environment(layout)
    add_configuration(layout)
    if layout.verb in TAKING_REQUIREMENTS:
        add_inputs(layout)
    add_other_python(layout, tool)
    layout.chance.shuffle(layout.argv)
    last = {"index": ["versions", NOBODY], "list": []}.get(layout.verb, [NOBODY])
    layout.argv.append([] if layout.is_complete else last)
    layout.environ |= {
        "HOME": str(folder / "home"),
        "PATH": "/usr/bin:/bin",
        "XDG_CONFIG_DIRS": f"{folder}/xdg:{folder}/xdg2",
        "TMPDIR": str(folder),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",  # for the pip that installs what builds a project
        "https_proxy": f"http://L{number}:x@127.0.0.1:{port}",
    }
    return layout, script


def add_index_options(layout: Layout) -> None:
    """Add options that name indexes, in every spelling, and others whose value must not be mistaken for one."""
    url, chance = layout.url, layout.chance
    spellings: list[Callable[[], list[str]]] = [
        lambda: ["-i", url()],
        lambda: ["-i" + url()],
        lambda: ["-qi", url()],
        lambda: ["-qqi" + url()],
        lambda: ["--index-url=" + url()],
        lambda: ["--index-u", url()],
        lambda: ["--pypi-url", url()],
        lambda: ["--pypi=" + url()],
        lambda: ["--extra-index-url", url()],
        lambda: ["--extra-i=" + url()],
        lambda: ["-f", url()],
        lambda: ["-qvf" + url()],
        lambda: ["--find-l", url()],
    ]
    if layout.verb == "install":
        spellings += [lambda: ["-Ui", url()], lambda: ["-qUIi" + url()]]
    layout.argv += [chance.choice(spellings)() for _ in range(chance.choice([0, 0, 1, 2, 3]))]
    swallowed: list[list[str]] = [
        ["--log", str(layout.folder / "--index-url")],
        ["--cache-dir", "-i"],
        ["--exists-action", "i"],
        ["--trusted-host", "localhost"],
        ["--default-timeout", "20"],
        ["-vv"],
        ["--pre"],
    ]
    if layout.verb in TAKING_REQUIREMENTS:
        swallowed += [["--no-binary", ":none:"], ["--src", "--find-links"], ["--progress-bar", "off"]]
    if layout.verb in ("install", "wheel") and layout.release >= (23, 1):
        swallowed += [["-C", "a=-i"], ["--config-settings", "--index-url=b"]]
    layout.argv += chance.sample(swallowed, chance.choice([0, 0, 1, 2]))
    if layout.maybe(0.12):
        layout.argv.append([chance.choice(["--no-index", "--no-ind"])])
    if layout.maybe(0.12):
        (layout.general if layout.maybe(0.5) else layout.argv.__iadd__([["-q"]])[-1]).append("--isolated")
    if layout.verb == "list":
        layout.argv.append([chance.choice(["-o", "--outdated", "--uptodate"])])


def add_search_options(layout: Layout) -> None:
    choices = [["-i", layout.url()], [f"--index={layout.url()}"], ["-i" + layout.url()]]
    layout.argv += layout.chance.choice([[], [layout.chance.choice(choices)], choices])
    if layout.maybe(0.4):
        layout.environ["PIP_INDEX"] = layout.url()


def add_uninstall_options(layout: Layout) -> None:
    layout.argv += [["-y"], ["-r", layout.url("remote.txt")]]
    if layout.maybe(0.5):
        layout.argv.append(["-r", add_requirements(layout).name])


ADDERS = {"search": add_search_options, "uninstall": add_uninstall_options}


def add_environment(layout: Layout) -> None:
    """Add variables that name indexes."""
    choices: dict[str, Callable[[], str]] = {
        "PIP_INDEX_URL": layout.url,
        "PIP_index_url": layout.url,
        "PIP_PYPI_URL": layout.url,
        "PIP_EXTRA_INDEX_URL": lambda: f" {layout.url()}\n{layout.url()} ",
        "PIP_FIND_LINKS": layout.url,
        "PIP_NO_INDEX": lambda: layout.chance.choice(["0", "false", "1", "yes"]),
        "PIP_REQUIREMENT": lambda: f"{add_requirements(layout)} {add_requirements(layout)}",
        "PIP_CONSTRAINT": lambda: f"{layout.url('constraints.txt')} {add_requirements(layout, is_constraint=True)}",
        "pip_index_url": layout.url,
        "PIP_INDEXURL": layout.url,
    }
    for name in layout.chance.sample(list(choices), layout.chance.choice([0, 1, 1, 2])):
        layout.environ[name] = "" if layout.maybe(0.15) else choices[name]()


def add_configuration(layout: Layout) -> None:
    """Write some of the pip.conf files that pip reads."""
    chance = layout.chance
    folders = ["xdg/pip", "xdg2/pip", "home/.pip", "home/.config/pip", "environment"]
    for file in chance.sample([*(f"{folder}/pip.conf" for folder in folders), "named.conf"], chance.choice([0, 1, 2, 3])):
        lines = ["# who wrote this?", ""]
        for section in chance.sample(["global", layout.verb, "freeze", "DEFAULT"], chance.choice([1, 2])):
            index = chance.choice(["index-url", "index_url", "Index-URL", "--index-url", "pypi-url"])
            values: dict[str, Callable[[], str]] = {
                index: lambda: "" if layout.maybe(0.1) else layout.url(),
                "extra-index-url": lambda: f"\n    {layout.url()}\n    ; not this\n    {layout.url()}",
                "find-links": layout.url,
                "no-index": lambda: chance.choice(["0", "true"]) if layout.maybe(0.3) else "no",
                "timeout": lambda: "20",
            }
            if layout.verb in TAKING_REQUIREMENTS:
                values["requirement"] = lambda: str(add_requirements(layout))
            lines.append(f"[{section}]")
            lines += [
                f"{key}{chance.choice([' = ', '=', ': '])}{values[key]()}" for key in chance.sample(list(values), chance.choice([1, 2]))
            ]
        layout.write(file, "\n".join(lines) + "\n")
    named = chance.choice([None, None, "named.conf", "missing.conf", os.devnull])
    if named:
        layout.environ["PIP_CONFIG_FILE"] = str(layout.folder / named)


def add_inputs(layout: Layout) -> None:
    """Add requirements files, direct URLs, and what else may name them, as far as the release knows it."""
    if layout.maybe(0.5):
        option = layout.chance.choice(["-r", "--requirement", "-qr"])
        layout.argv.append([option, add_requirements(layout).name])
    if layout.maybe(0.2):
        layout.argv.append([layout.chance.choice(["-c", "--constraint"]), add_requirements(layout, is_constraint=True).name])
    if layout.maybe(0.15):
        layout.argv.append(["-r", layout.url("remote.txt")])
    if layout.maybe(0.15):
        layout.argv.append([layout.direct()])
    if layout.maybe(0.2, since=(25, 1)):
        add_groups(layout)
    if layout.maybe(0.15, since=(26, 0)):
        dependencies = ", ".join(f'"{layout.direct(named=True)}"' for _ in range(2))
        layout.write("work/script.py", f"import os\n# /// script\n# dependencies = [{dependencies}]\n# ///\nos.abort()\n")
        layout.argv.append(["--requirements-from-script", "script.py"])
    if layout.is_complete:
        layout.argv.append([f"last @ {layout.url('last-1.0-py3-none-any.whl')}"])
        for add in layout.chance.sample([add_lock, add_page, add_project], layout.chance.choice([1, 1, 2])):
            add(layout)


def add_groups(layout: Layout) -> None:
    """Write dependency groups, one of which includes another, and name one."""
    folder = layout.chance.choice(["work", "work/sub"])
    text = f'[dependency-groups]\none = ["{layout.direct(named=True)}", {{include-group = "Two.x"}}]\ntwo-x = ["{layout.direct(named=True)}"]\nthree = ["n @ http://unasked/"]\n'
    layout.write(f"{folder}/pyproject.toml", text)
    prefix = "sub/pyproject.toml:" if folder == "work/sub" else layout.chance.choice(["", "pyproject.toml:"])
    layout.argv.append(["--group", prefix + layout.chance.choice(["one", "Two_X"])])


def add_lock(layout: Layout) -> None:
    """Write a lock of two wheels and name it."""
    if layout.release < (26, 2):
        return
    text = 'lock-version = "1.0"\ncreated-by = "nobody"\n'
    for url in (layout.wheel(), layout.wheel()):
        name = url.rpartition("/")[2].partition("-")[0]
        digest = hashlib.sha256(make_wheel(url.rpartition("/")[2])).hexdigest()
        text += (
            f'\n[[packages]]\nname = "{name}"\nversion = "1.0"\n\n[[packages.wheels]]\nurl = "{url}"\nhashes = {{sha256 = "{digest}"}}\n'
        )
    name = layout.chance.choice(["pylock.toml", "pylock.dev.toml"])
    layout.write(f"work/{name}", text)
    layout.argv += [["-r", name], ["--no-require-hashes"]]


def add_page(layout: Layout) -> None:
    """Write a page of links to files elsewhere, and ask for one of them."""
    url = layout.wheel()
    project, _, _ = url.rpartition("/")[2].partition("-")
    folder, _, file = url.rpartition("/")
    links = layout.chance.choice(
        [f"<a href='{url}'>x</a>", f"<base href='{folder}/'>\n<a class=x\n HREF={file}#sha>x</a>", f'<a href="{url}?a=1&amp;b=2">x</a>']
    )
    page = layout.write(
        "work/pages/links.html", f'<!DOCTYPE html><html><body>\n{links}\n<a href="http://127.0.0.1:1/home">home</a></body></html>\n'
    )
    where = layout.chance.choice(["pages/links.html", "pages", str(page), f"file://{page}", "requirements"])
    if where == "requirements":
        layout.write("work/pages/requirements.txt", "-f links.html\n")
        layout.argv.append(["-r", "pages/requirements.txt"])
    else:
        layout.argv.append(["-f", where])
    layout.argv.append([project])
    layout.asks_indexes = True


def add_project(layout: Layout) -> None:
    """Write a project that needs a wheel by URL to be built, another one, and a third for an extra; name the project."""
    if "--isolated" in layout.words:  # the pip that installs what builds it is not isolated, and reads PIP_REQUIREMENT again
        return
    tool, needed, extra = (layout.direct(named=True) for _ in range(3))
    dependencies = f'dependencies = ["{needed}"]\n\n[project.optional-dependencies]\nMore = ["{extra}"]\n'
    build = f'[build-system]\nrequires = ["{tool}"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    layout.write("work/project/pyproject.toml", f'[project]\nname = "local"\nversion = "1.0"\n{dependencies}\n{build}')
    text, _, marker = extra.partition(" ; ")
    requires = [
        f"Requires-Dist: {needed}",
        "Provides-Extra: more",
        f"Requires-Dist: {text} ; {f'({marker}) and ' * bool(marker)}extra == 'more'",
    ]
    layout.write("work/project/backend.py", BACKEND.replace("REQUIRES", repr("\n".join(requires))))
    path = layout.chance.choice(
        ["./project", "./project[more]", f"{layout.folder}/work/project", f"local @ file://{layout.folder}/work/project"]
    )
    if layout.maybe(0.3):
        layout.write("work/projects.txt", f"{path}\n")
        layout.argv.append(["-r", "projects.txt"])
    else:
        layout.argv.append([path])


def add_other_python(layout: Layout, tool: Tool) -> None:
    """Let pip run in another environment, whose pip.conf counts then."""
    if not layout.maybe(0.1, since=(22, 3)):
        return
    pip_environment(tool, layout.folder / "other")
    layout.write("other/pip.conf", f"[{layout.chance.choice(['global', layout.verb])}]\nextra-index-url = {layout.url()}\n")
    where = layout.chance.choice(["argv", "variable", "file"])
    path = str(layout.folder / layout.chance.choice(["other", "other/bin/python"]))
    if where == "argv":
        layout.general += layout.chance.choice([["--python", path], [f"--python={path}"]])
    elif where == "variable":
        layout.environ["PIP_PYTHON"] = path
    else:
        layout.write("home/.config/pip/pip.conf", f"[global]\npython = {path}\n")


def add_requirements(layout: Layout, depth: int = 0, *, is_constraint: bool = False, is_plain: bool = False) -> Path:
    """Write a requirements file, and those it includes; return the first one's path. A plain one is UTF-8, as its includes are."""
    chance = layout.chance
    layout.environ["SECRET_PART"] = f"alice:{PASSWORD}@"

    def more(constraint: bool) -> Path:
        return add_requirements(layout, depth + 1, is_constraint=constraint, is_plain=is_plain)

    lines: dict[str, Callable[[], str]] = {
        "index": lambda: f"--index-url {layout.url()}",
        "short": lambda: f"-i{layout.url()}  # with a comment",
        "extra": lambda: f"--extra-index-url={layout.url()} --extra-index-url {layout.url()}",
        "extra again": lambda: f"--extra-index-url \\\n    {layout.url()}",
        "variable": lambda: f"--extra-i http://${{SECRET_PART}}localhost:{layout.port}/L{layout.number}/{layout.fresh()}/v",
        "links": lambda: f"-f {layout.url()} -f {layout.url()}",
        "quoted": lambda: f"--find-links '{layout.url()}'",
        "no index": lambda: "--no-index" if layout.maybe(0.3) else "--pre",
        "beside": lambda: f"{NOBODY} --index-url {layout.url()}" if not is_constraint and not layout.is_complete else "",
        "commented": lambda: f"# --index-url {layout.url()}",
        "continued": lambda: f"# not continued \\\n--extra-index-url {layout.url()}",
        "nested": lambda: f"-r {more(is_constraint).name}" if depth < 2 else "",
        "constraint": lambda: f"-c {more(True).name} -i {layout.url()}" if depth < 2 else "",
        "by url": lambda: (
            f"-r file://{add_requirements(layout, depth + 1, is_constraint=is_constraint, is_plain=True)}" if depth < 2 else ""
        ),
        "remote": lambda: f"-r {layout.url('more.txt')}",
        "direct": lambda: "" if is_constraint else layout.direct(),
    }
    text = "\n".join(lines[kind]() for kind in chance.sample(list(lines), chance.choice([1, 2, 4]))) + "\n"
    encoding = "utf-8" if is_plain else chance.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"])
    heading = "# -*- coding: latin-1 -*-\n# caf\xe9\n" if encoding == "latin-1" else ""
    return layout.write(f"work/{layout.fresh()}.txt", heading + text, encoding)
