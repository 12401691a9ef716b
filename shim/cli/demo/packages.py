"""Three small packages, written with the standard library alone: a wheel, a private build backend, and an sdist that needs it.

Sources: wheel and sdist formats (packaging.python.org, binary-distribution-format 1.0), PEP 517, PEP 503.
"""

from __future__ import annotations

import io
import os
import tarfile
import zipfile

LIBRARY = "corp-lib"
BACKEND = "corp-build"
FROM_SOURCE = "corp-sdist"

#: The PEP 517 backend of the private build dependency: it builds a wheel, and first writes down what it can see.
BACKEND_SOURCE = """
import json, os, sys, zipfile

def _look_around():
    with open({report!r}, "a", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(json.dumps({{"environ": dict(os.environ), "argv": getattr(sys, "orig_argv", sys.argv)}}) + "\\n")

def get_requires_for_build_wheel(config_settings=None):
    return []

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _look_around()
    name = "corp_sdist-1.0-py3-none-any.whl"
    files = {{
        "corp_sdist.py": "VALUE = 1\\n",
        "corp_sdist-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: corp-sdist\\nVersion: 1.0\\n",
        "corp_sdist-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: corp\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }}
    record = "corp_sdist-1.0.dist-info/RECORD"
    files[record] = "".join(path + ",,\\n" for path in [*files, record])
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
"""


def build_packages(folder: str, report: str) -> dict[str, list[str]]:
    """Write the three packages into `folder`; return project name -> file names.

    The backend appends one JSON line ({"environ", "argv"}) to the file `report` whenever it builds.
    """
    os.makedirs(folder, exist_ok=True)
    files = {
        LIBRARY: build_wheel(folder, LIBRARY, {"corp_lib.py": "VALUE = 1\n"}),
        BACKEND: build_wheel(folder, BACKEND, {"corp_build.py": BACKEND_SOURCE.format(report=report)}),
        FROM_SOURCE: build_sdist(folder, FROM_SOURCE, BACKEND, "corp_build"),
    }
    return {project: [name] for project, name in files.items()}


def build_wheel(folder: str, project: str, modules: dict[str, str], version: str = "1.0") -> str:
    """Write a pure Python wheel of `modules` (file name -> source) into `folder`; return its file name."""
    module = project.replace("-", "_")
    information = f"{module}-{version}.dist-info"
    files = {
        **modules,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: shim-demo\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{information}/RECORD"
    files[record] = "".join(f"{path},,\n" for path in [*files, record])
    name = f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name


def build_sdist(folder: str, project: str, requirement: str, backend: str, version: str = "1.0") -> str:
    """Write an sdist whose build needs `requirement` and the module `backend` in it; return its file name."""
    module = project.replace("-", "_")
    root = f"{module}-{version}"
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n",
        "pyproject.toml": f'[build-system]\nrequires = ["{requirement}"]\nbuild-backend = "{backend}"\n\n[project]\nname = "{project}"\nversion = "{version}"\n',
    }
    with tarfile.open(os.path.join(folder, f"{root}.tar.gz"), "w:gz") as archive:
        for path, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(f"{root}/{path}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return f"{root}.tar.gz"
