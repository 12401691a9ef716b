"""Puts the two halves of a remembered record together: the kernel's, and the pad in a file
(`kernel_store.py` says why there are two).

On the hot path of everybody who keeps a password in a keyring, so it imports only what a bare
interpreter has loaded, and C modules.
"""

import posix

from shim.hotpath import kernel_keyring

DIGEST_BYTES = 16
#: A record begins with the number of its pad, in hexadecimal: a new record has a new pad, and the
#: old pair stays whole meanwhile.
NUMBER_CHARACTERS = 12


def read_sealed(name: str, pads: str) -> bytes | None:
    """Return the record that the kernel keeps under `name` and whose pad is the file `pads` + its
    number; None if there is no such pair.
    """
    data = kernel_keyring.get(name)
    if data is None:
        return None
    number = data[:NUMBER_CHARACTERS]
    if not number.isalnum():
        return None
    try:
        descriptor = posix.open(
            pads + number.decode("ascii"), posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_CLOEXEC
        )
        try:
            plain = xor(data[NUMBER_CHARACTERS:], posix.read(descriptor, kernel_keyring.MAX_BYTES))
        finally:
            posix.close(descriptor)
    except (OSError, ValueError):
        return None
    text = plain[DIGEST_BYTES:]
    return text if digest(text) == plain[:DIGEST_BYTES] else None


def digest(data: bytes) -> bytes:
    """Return the beginning of the SHA-256 of some bytes. `hashlib` would cost 2 ms, for the OpenSSL
    in it.
    """
    try:
        from _sha2 import sha256  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        try:
            # before Python 3.12
            from _sha256 import sha256  # type: ignore[import-not-found, unused-ignore]
        except ImportError:
            from hashlib import sha256
    return bytes(sha256(data).digest()[:DIGEST_BYTES])


def xor(data: bytes, pad: bytes) -> bytes:
    """Return data and pad, bit by bit. Raises ValueError if they do not belong together."""
    if len(data) != len(pad):
        raise ValueError("this pad belongs to another record")
    return (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(data), "big")
