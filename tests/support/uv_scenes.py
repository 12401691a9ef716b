"""What each verb of uv wants around it. A scene writes it into a layout and returns the last words of the command."""

from __future__ import annotations

import shutil

from tests.support.recorder import sha256_of, wheel_of
from tests.support.uv_layouts import NAMES, Layout, Scene


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


SCENES: list[Scene] = [
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
