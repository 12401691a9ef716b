"""Tells whether a command is the one that a launcher started last: then its target was another
shim, and has led back to us.

`python -IS repeated_command.py COUNT:SUM`, with the working directory and the words on standard
input, each ended by a NUL. The exit status is `OTHER` if the words are others, or stand elsewhere.
The launcher asks only if their lengths are the same, where a sum is all that is needed: the words
themselves may hold a secret, and children inherit the variable, `_SHIM_WORDS`. `exec_target.py`
sums what it starts; the launcher has no more than cksum(1) for what it starts by itself, whose sum
has the length behind it.

Sources: POSIX cksum.
"""

import sys

POLYNOMIAL = 0x04C11DB7
OTHER = 3


def checksum(data: bytes) -> str:
    """Return what cksum(1) prints of the data."""
    size, tail = len(data), []
    while size:
        tail.append(size & 255)
        size >>= 8
    value = 0
    for byte in (*data, *tail):
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (POLYNOMIAL if value & 1 << 31 else 0)) & 0xFFFFFFFF
    return f"{value ^ 0xFFFFFFFF} {len(data)}"


def is_same(said: str, folder: bytes, words: "list[bytes]") -> bool:
    """Whether the words, or some that stand together among them, are those of `said`: a shim may
    add some of its own.
    """
    from shim.hotpath.exec_target import sum_of

    count, _, known = said.partition(":")
    number = int(count)
    candidates = [words[start : start + number] for start in range(len(words) - number + 1)]
    if " " in known:
        return any(
            checksum(b"".join(word + b"\0" for word in (folder, *some))) == known
            for some in candidates
        )
    return any(str(sum_of(b"\0".join(some))) == known for some in candidates)


if __name__ == "__main__":
    sys.path.insert(0, __file__.rpartition("/shim/")[0])
    folder, *words = sys.stdin.buffer.read().split(b"\0")[:-1]
    sys.exit(0 if is_same(sys.argv[1], folder, words) else OTHER)
