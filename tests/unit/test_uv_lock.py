"""The scan of a uv.lock finds servers and repositories, whatever the line ends, and not one more than tells them apart."""

from __future__ import annotations

import pytest

from shim.tools.uv.lock_file import MAX_SIBLINGS, find_folders

LOCK = """\
version = 1

[[package]]
name = "mine"
source = { virtual = "." }
dependencies = [{ name = "a", source = { registry = "https://never.example/simple" } }]

[package.metadata]
requires-dist = [{ name = "d", url = "https://direct.example/x/y/z/d-1-py3-none-any.whl" }]

[[package]]
name = "a"
source = { registry = "https://corp.example/api/pypi/team/simple" }
sdist = { url = "https://corp.example/api/pypi/team/packages/12/a-1.tar.gz", hash = "sha256:0" }
wheels = [
    { url = "https://cdn.example/files/a-1-py3-none-any.whl#x", hash = "sha256:0" },
    { url = "https://cdn.example/one.whl" },
]

[[package]]
name = "d"
source = { url = "https://direct.example/x/y/z/d-1-py3-none-any.whl" }

[[package]]
name = "g"
source = { git = "https://git.example/g" }

[[package]]
name = "l"
source = { registry = "../wheels" }
wheels = [{ path = "l-1-py3-none-any.whl" }]
"""

FOUND = {
    "": ["https://direct.example/x/y/"],
    "https://corp.example/api/pypi/team/simple": [
        "https://corp.example/api/pypi/team/",
        "https://cdn.example/files/",
        "https://cdn.example/",
    ],
    "../wheels": [],
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_are_found_under_the_index_they_were_locked_from(end: str) -> None:
    assert find_folders(LOCK.replace("\n", end).encode()) == FOUND


def test_hashes_in_paths_are_no_repositories_of_their_own() -> None:
    rows = "".join(f'    {{ url = "https://files.example/packages/{number:02x}/a-{number}.whl" }},\n' for number in range(MAX_SIBLINGS + 1))
    more = "".join(f'    {{ url = "https://other.example/{number:02x}/{number}/a.whl" }},\n' for number in range(MAX_SIBLINGS + 1))
    lock = f'source = {{ registry = "https://corp.example/simple/" }}\nwheels = [\n{rows}{more}    {{ url = "https://third.example/a/b/c.whl" }}]\n'

    assert find_folders(lock.encode())["https://corp.example/simple/"] == [
        "https://files.example/packages/",
        "https://other.example/",
        "https://third.example/a/b/",
    ]


def test_what_is_no_lock_names_nothing() -> None:
    assert find_folders(b"") == {"": []}
    assert find_folders(b'\xff\x00 url = "https://') == {"": []}


def lock_of(*files: tuple[str, str]) -> bytes:
    """Return a lock with these pairs of an index and a file's URL."""
    return "".join(f'source = {{ registry = "{index}" }}\nsdist = {{ url = "{url}" }}\n' for index, url in files).encode()


def test_a_folder_that_would_hold_another_index_or_its_files_is_longer() -> None:
    """As GitLab has it: indexes of groups, and files with their projects."""
    api = "https://gitlab.example/api/v4"
    one, two = (f"{api}/groups/{number}/-/packages/pypi/simple" for number in (7, 8))
    files = [(one, f"{api}/projects/71/packages/pypi/files/aa/a-1.tar.gz"), (two, f"{api}/projects/81/packages/pypi/files/bb/b-1.tar.gz")]
    apart = {one: [f"{api}/projects/71/packages/pypi/"], two: [f"{api}/projects/81/packages/pypi/"]}

    assert find_folders(lock_of(files[0])) == {"": [], one: [f"{api}/"]}
    assert find_folders(lock_of(files[0]), [one + "/"]) == {"": [], one: [f"{api}/"]}
    assert find_folders(lock_of(files[0]), [two]) == {"": [], one: apart[one]}
    assert find_folders(lock_of(*files)) == {"": [], **apart}
