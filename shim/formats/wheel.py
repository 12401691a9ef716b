"""What a wheel on disk says that it requires.

Sources: the wheel and core metadata specifications (packaging.python.org); pip 26.3
`_internal/metadata/importlib/_dists.py`.
"""

from __future__ import annotations

import stat

from shim.core.files import MAX_BYTES, CannotRead, read_status


def read_requires(path: str) -> list[str]:
    """Return the `Requires-Dist` of a wheel, as written. Raises CannotRead."""
    import zipfile
    import zlib

    try:
        if not stat.S_ISREG(read_status(path).st_mode):
            raise CannotRead("is no regular file")
        with zipfile.ZipFile(path) as archive:  # the status of which was read
            names = [
                name
                for name in archive.namelist()
                if name.lower().endswith(".dist-info/metadata") and name.count("/") == 1
            ]
            if len(names) != 1:
                raise CannotRead("has no metadata that is the only one")
            if archive.getinfo(names[0]).file_size > MAX_BYTES:
                raise CannotRead("has metadata of many megabytes")
            text = archive.read(names[0]).decode("utf-8", "replace")
    except (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CannotRead(f"is no wheel that shim can read ({type(error).__name__})") from None
    return _requires(text)


def _requires(text: str) -> list[str]:
    """Return the values of the header, which ends at the first empty line; a continued line belongs
    to the one before.
    """
    found: list[str] = []
    is_ours = False
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line.strip():
            break
        if line[0] in " \t":
            found[-1:] = [f"{found[-1]} {line.strip()}"] if is_ours else found[-1:]
            continue
        key, _, value = line.partition(":")
        is_ours = key.strip().lower() == "requires-dist"
        found += [value.strip()] if is_ours else []
    return found
