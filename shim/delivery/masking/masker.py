"""A streaming redactor: every secret in a stream of bytes becomes `****`, in whichever usual form
it is written.

The laws, which tests/property/test_mask_laws.py holds against a naive reference:
the bytes of every form of every secret are masked, overlapping ones together, wherever the stream
is cut into chunks; no other byte changes; only a tail that may be the beginning of a form is held
back; memory is bounded by the longest form.

How it is fast: ten secrets have some 150 forms, too many to look for one after the other. Each form
is represented by four of its bytes that begin with one that logs seldom have; a handful of rare
bytes serve all forms. One regular expression for each such byte skips from one to the next (memchr,
some GB/s), and only where four bytes match, the whole form is compared.

Sources: RFC 3986 section 2.1, RFC 4648 sections 4 and 5, RFC 8259 section 7, POSIX shell 2.2; the
encodings that the log masker of actions/runner looks for (ValueEncoders).
"""

from __future__ import annotations

import re
from bisect import bisect_right

from shim.core.model import Secret
from shim.core.typing import Iterable
from shim.delivery.masking.encodings import MASKED_FROM_BYTES, forms_of

MASK = b"****"

#: How many bytes represent a form in the search. More would be more selective and slower to
#: compare; no form is shorter.
SAMPLE_BYTES = 4
#: The bytes of logs, the most frequent first (counted in `pip -vvv`, `uv -v` and compiler output);
#: the others are rare.
FREQUENT = b" eitoanrslpcd-m/uh._g01f:2bvyk,w3x5894=67'j(q)z\"\nTPSCADILERF"


class Masker:
    """Masks secrets in one stream. Secrets shorter than MASKED_FROM_BYTES are not masked: they are
    words of everyday logs.

    `feed` takes what arrives and returns what may go on at once, `close` the rest at the end of the
    stream.
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        forms = {form for secret in secrets for form in forms_of(secret)}
        self._forms = sorted(forms)
        self._longest = max(map(len, forms), default=0)
        self._heads = {form[:length] for form in forms for length in (1, 2)}
        self._samples = _choose_samples(self._forms)
        self._finders = [re.compile(pattern) for pattern in _patterns(self._samples)]
        self._held = b""
        self._covered = 0
        """How many of the first held bytes a mask that went out already stands for."""

    def feed(self, data: bytes) -> bytes:
        """Return what is certain now: all but a tail that may be the beginning of a secret."""
        if not self._forms:
            return data
        data = self._held + data
        return self._advance(data, self._find_possible_beginning(data))

    def close(self) -> bytes:
        """Return what was held back, masked where it holds a whole form."""
        return self._advance(self._held, len(self._held)) if self._held else b""

    def _advance(self, data: bytes, end: int) -> bytes:
        """Return `data` up to `end` with its secrets masked, and hold the rest."""
        parts: list[bytes] = []
        position = self._covered
        for start, stop in self._find_forms(data):
            if start >= end:
                break  # inside what may be a longer form: decided later
            if start >= position:
                parts += (data[position:start], MASK)
            position = max(position, stop)
        if position < end:
            parts.append(data[position:end])
            position = end
        self._held = data[end:]
        self._covered = position - end
        return b"".join(parts)

    def _find_forms(self, data: bytes) -> list[tuple[int, int]]:
        """Return (start, end) of every form in `data`, by their starts, also where they overlap."""
        found: list[tuple[int, int]] = []
        for finder in self._finders:
            match = finder.search(data)
            while match:
                position = match.start()
                for form, offset in self._samples[match[0]]:
                    start = position - offset
                    if start >= 0 and data.startswith(form, start):
                        found.append((start, start + len(form)))
                match = finder.search(data, position + 1)
        return sorted(found)

    def _find_possible_beginning(self, data: bytes) -> int:
        """Return where the longest tail starts that a form may begin with; else the end."""
        for position in range(max(0, len(data) - self._longest + 1), len(data)):
            if data[position : position + 2] in self._heads:
                tail = data[position:]
                following = bisect_right(self._forms, tail)
                if following < len(self._forms) and self._forms[following].startswith(tail):
                    return position
        return len(data)


def _choose_samples(forms: Iterable[bytes]) -> dict[bytes, list[tuple[bytes, int]]]:
    """Return sample -> (form, where the sample stands in it), so that few and rare bytes begin all
    samples.

    Greedy: again and again the byte that begins a sample in the most forms left, for its frequency
    in logs.
    """
    samples: dict[bytes, list[tuple[bytes, int]]] = {}
    left = {form: form[: len(form) - SAMPLE_BYTES + 1] for form in forms}
    while left:
        counts: dict[int, int] = {}
        for beginnings in left.values():
            for byte in set(beginnings):
                counts[byte] = counts.get(byte, 0) + 1
        best = max(counts, key=lambda byte: (counts[byte] / _frequency(byte), -byte))
        for form in [form for form, beginnings in left.items() if best in beginnings]:
            offset = left.pop(form).index(best)
            samples.setdefault(form[offset : offset + SAMPLE_BYTES], []).append((form, offset))
    return samples


def _frequency(byte: int) -> float:
    rank = FREQUENT.find(byte)
    return 1.0 if rank < 0 else 2.0 + 100.0 / (rank + 1)


def _patterns(samples: Iterable[bytes]) -> list[bytes]:
    """Return a pattern for each first byte: `re` looks for a literal in front with memchr."""
    groups: dict[bytes, list[bytes]] = {}
    for sample in sorted(samples):
        groups.setdefault(sample[:1], []).append(re.escape(sample[1:]))
    return [re.escape(first) + b"(?:" + b"|".join(rests) + b")" for first, rests in groups.items()]


__all__ = ["MASK", "MASKED_FROM_BYTES", "Masker"]
