"""The forms of a secret in output: raw, percent-encoded, base64, escaped as text, quoted."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

from shim.core.model import Secret
from shim.core.typing import Iterable, Iterator

#: A shorter secret is not masked: as `****` in every log line that has the word by chance, it would
#: say more than it hides.
MASKED_FROM_BYTES = 8

#: What different programs leave as it is when they percent-encode: everything but letters and
#: digits is encoded, a path, the userinfo of RFC 3986, what requests leaves.
SAFE_LETTERS = ("", "/", "!$&'()*+,;=", "!$&'()*+,;=:", "!#$%&'()*+,/:;=?@[]~")
#: Python's `quote` never encodes these; others do.
ALWAYS_SAFE = ("_", ".", "-", "~")

#: What Go and others write as \u00xx in JSON that may stand in HTML.
HTML_LETTERS = "&<>"
SHELL_SPECIAL = re.compile(r"([^A-Za-z0-9%+,./:=@_^-])")


def forms_of(secret: Secret) -> set[bytes]:
    """Return the forms of one secret of at least MASKED_FROM_BYTES; none for a short secret."""
    text = secret.reveal()
    forms: set[bytes] = set()
    for raw in _encodings(text):
        if len(raw) >= MASKED_FROM_BYTES:
            forms |= {raw, *_percent_encoded(raw), *_base64(raw)}
    if forms:
        forms |= {
            form.encode("utf-8", "surrogateescape")
            for form in (*_json(text), *_source_text(text), *_shell_quoted(text))
        }
    return {form for form in forms if len(form) >= MASKED_FROM_BYTES}


def _encodings(text: str) -> Iterator[bytes]:
    """Yield the text in UTF-8, and in Latin-1, in which requests sends it."""
    yield text.encode("utf-8", "surrogateescape")
    try:
        yield text.encode("latin-1")
    except UnicodeEncodeError:
        return


def _percent_encoded(raw: bytes) -> Iterator[bytes]:
    texts = [quote(raw, safe=safe) for safe in SAFE_LETTERS] + [quote_plus(raw)]
    strict = texts[0]
    for letter in ALWAYS_SAFE:
        strict = strict.replace(letter, f"%{ord(letter):02X}")
    for text in (*texts, strict, "".join(f"%{byte:02X}" for byte in raw)):
        yield text.encode()
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text).encode()


def _base64(raw: bytes) -> Iterator[bytes]:
    """Yield what is certain of the secret's base64 behind nought, one or two other bytes and before
    any.

    The first and last letter of a misaligned secret hold bits of its neighbours and are left out.
    """
    for before in range(3):
        bits = 8 * before
        first, last = -(-bits // 6), (bits + 8 * len(raw)) // 6
        form = base64.b64encode(bytes(before) + raw)[first:last]
        yield form
        yield form.translate(bytes.maketrans(b"+/", b"-_"))


def _json(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        plain = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        for form in (plain, plain.replace("/", "\\/"), _escape(plain, HTML_LETTERS, "\\u{:04x}")):
            yield form
            yield re.sub(r"\\u[0-9a-f]{4}", lambda match: "\\u" + match[0][2:].upper(), form)


def _source_text(text: str) -> Iterator[str]:
    """Yield what Python's repr, Rust's Debug and C-like strings make of it, in any quotes."""
    doubled = text.replace("\\", "\\\\")
    for quotes in ("", "'", '"', "'\""):
        yield _escape(doubled, quotes, "\\{}")
    yield repr(text)[1:-1]
    yield ascii(text)[1:-1]


def _shell_quoted(text: str) -> Iterator[str]:
    yield text.replace("'", "'\\''")
    yield text.replace("'", "'\"'\"'")
    yield re.sub(r'([$`"\\])', r"\\\1", text)
    yield SHELL_SPECIAL.sub(r"\\\1", text)


def _escape(text: str, letters: Iterable[str], template: str) -> str:
    """Return the text with each of the letters put into the template, itself or its number."""
    for letter in letters:
        text = text.replace(letter, template.format(ord(letter) if "x" in template else letter))
    return text
