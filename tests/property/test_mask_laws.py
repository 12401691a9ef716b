"""The laws of the masker, against a reference that is too simple to be wrong.

Small alphabets, so that secrets contain, overlap and repeat each other; every stream cut into chunks anywhere.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from shim.core.model import Secret
from shim.delivery.masking.encodings import MASKED_FROM_BYTES, forms_of
from shim.delivery.masking.masker import MASK, Masker

#: Letters that every form writes in its own way, and two that overlap easily.
LETTERS = "ab/+% '\"\\&é"
secrets = st.text(LETTERS, min_size=0, max_size=14)
ascii_secrets = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=MASKED_FROM_BYTES, max_size=40)


def reference(data: bytes, forms: set[bytes], end: int | None = None) -> bytes:
    """Mark every byte of every occurrence, then write each run of overlapping ones as one mask.

    With an `end`, only what begins before it is decided.
    """
    end = len(data) if end is None else end
    found = sorted((start, start + len(form)) for form in forms for start in range(end) if data.startswith(form, start))
    output, position = b"", 0
    for start, stop in found:
        if start >= position:
            output += data[position:start] + MASK
        position = max(position, stop)
    return output + data[position:end]


def possible_beginning(data: bytes, forms: set[bytes]) -> int:
    """Return where the longest tail starts with which a form begins, without ending there."""
    tails = (start for start in range(len(data)) if any(form != data[start:] and form.startswith(data[start:]) for form in forms))
    return next(tails, len(data))


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[str], list[bytes]]:
    """Return secrets and the chunks of a stream that is made of their forms, pieces of forms, and other text."""
    chosen = draw(st.lists(secrets, max_size=4))
    forms = sorted({form for text in chosen for form in forms_of(Secret(text))})
    pieces = [st.binary(max_size=6), st.sampled_from([b"a", b"b", b"\n", b"****"])]
    if forms:
        form = st.sampled_from(forms)
        part = st.tuples(form, st.integers(0, 30), st.integers(0, 30)).map(lambda cut: cut[0][min(cut[1], cut[2]) : max(cut[1], cut[2])])
        pieces += [form, form, part]
    data = b"".join(draw(st.lists(st.one_of(pieces), max_size=12)))
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return chosen, [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def mask(texts: list[str], chunks: list[bytes]) -> bytes:
    masker = Masker(Secret(text) for text in texts)
    return b"".join(masker.feed(chunk) for chunk in chunks) + masker.close()


@given(streams())
def test_it_masks_what_the_reference_masks_wherever_the_stream_is_cut(stream: tuple[list[str], list[bytes]]) -> None:
    texts, chunks = stream
    forms = {form for text in texts for form in forms_of(Secret(text))}

    assert mask(texts, chunks) == reference(b"".join(chunks), forms)


@given(streams())
def test_it_holds_back_what_may_be_the_beginning_of_a_secret_and_nothing_else(stream: tuple[list[str], list[bytes]]) -> None:
    texts, chunks = stream
    forms = {form for text in texts for form in forms_of(Secret(text))}
    masker = Masker(Secret(text) for text in texts)
    seen, out = b"", b""
    for chunk in chunks:
        seen += chunk
        out += masker.feed(chunk)
        assert out == reference(seen, forms, possible_beginning(seen, forms))


@given(streams())
def test_memory_is_bounded_by_the_longest_form(stream: tuple[list[str], list[bytes]]) -> None:
    texts, chunks = stream
    longest = max((len(form) for text in texts for form in forms_of(Secret(text))), default=1)
    masker = Masker(Secret(text) for text in texts)
    for chunk in chunks:
        masker.feed(chunk)
        assert len(masker._held) < longest


@given(ascii_secrets, st.binary(max_size=3))
def test_no_usual_encoding_shows_a_secret(text: str, before: bytes) -> None:
    raw = text.encode()
    percent = quote(text, safe="")
    written = [
        raw,
        percent.encode(),
        re.sub("%..", lambda escape: escape[0].lower(), percent).encode(),
        json.dumps(text).encode(),
        shlex.quote(text).encode(),
        repr(text).encode(),
        repr({"PIP_INDEX_URL": f"https://alice:{percent}@host/simple/"}).encode(),
    ]
    for form in written:
        output = mask([text], [b"<" + form + b">"])
        assert MASK in output
        assert raw not in output
        assert percent.encode() not in output
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        output = mask([text], [encode(before + raw + b"tail")])
        # What is left are the letters at the seams, which also hold bits of the neighbours.
        assert MASK in output
        assert len(output) <= len(encode(before)) + 2 + len(MASK) + len(encode(b"tail")) + 2


@given(st.text(st.characters(max_codepoint=126), max_size=MASKED_FROM_BYTES - 1), st.binary(max_size=60))
def test_short_secrets_are_not_masked(text: str, data: bytes) -> None:
    assert mask([text], [data, text.encode()]) == data + text.encode()


@given(st.binary(max_size=200))
def test_without_secrets_every_byte_passes(data: bytes) -> None:
    assert mask([], [data]) == data
