"""The first act: secrets leave our own command line before anything slow happens."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shim
from shim.hotpath import argv_mask

ROOT = str(Path(shim.__file__).parents[1])


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("https://user:pa55@host/simple", "https://*********@host/simple"),
        ("--index-url=https://user:pa55@host/", "--index-url=https://*********@host/"),
        ("-ihttps://t0ken@host/", "-ihttps://*****@host/"),
        ("corp=https://u:p@ss@host/", "corp=https://******@host/"),
        ("git+https://u:p@host/x.git", "git+https://***@host/x.git"),
        ("requests", "requests"),
        ("https://host/simple", "https://host/simple"),
    ],
)
def test_userinfo_is_masked_and_the_length_kept(word: str, shown: str) -> None:
    assert argv_mask.mask_words([word.encode()]) == [shown.encode()]


def test_values_of_secret_options_are_masked_in_both_spellings() -> None:
    words = [b"--token", b"abc", b"--password=xyz", b"-p", b"q", b"-pxyz", b"--proxy", b"u:p@host:1", b"file.whl"]

    shown = [b"--token", b"***", b"--password=***", b"-p", b"*", b"-p***", b"--proxy", b"**********", b"file.whl"]
    assert argv_mask.mask_words(words) == shown


@given(st.lists(st.binary(max_size=40)))
def test_every_word_keeps_its_length(words: list[bytes]) -> None:
    assert [len(word) for word in argv_mask.mask_words(words)] == [len(word) for word in words]


def test_the_kernel_shows_the_masked_line_and_python_keeps_the_typed_one() -> None:
    program = (
        f"import sys; sys.path.insert(0, {ROOT!r}); from shim.hotpath.argv_mask import hide_secrets; hide_secrets();"
        "print(open('/proc/self/cmdline').read().replace(chr(0), ' ')); print(sys.argv[-1])"
    )
    url = "https://alice:s3cret-canary@host/simple"
    result = subprocess.run([sys.executable, "-IS", "-c", program, "-i", url], capture_output=True, text=True, check=True)
    shown, kept = result.stdout.splitlines()

    assert "s3cret" not in shown
    assert "https://*******************@host/simple" in shown
    assert kept == url


def test_an_undecodable_word_is_no_reason_to_fail() -> None:
    program = (
        f"import sys; sys.path.insert(0, {ROOT!r}); from shim.hotpath.argv_mask import hide_secrets; hide_secrets();"
        "sys.stdout.buffer.write(open('/proc/self/cmdline', 'rb').read())"
    )
    result = subprocess.run(
        [sys.executable.encode(), b"-IS", b"-c", program.encode(), b"\xff\xfe", b"http://a:b@c"], capture_output=True, check=True
    )

    assert result.stdout.endswith(b"\xff\xfe\0http://***@c\0")


#: A program that cannot overwrite its line; says which words it has in the end, and which the process list shows.
STARTS_AGAIN = f"""
import sys; sys.path.insert(0, {ROOT!r})
from shim.hotpath import argv_mask
if sys.argv[1].startswith(argv_mask.AGAIN):
    sys.argv = argv_mask.read_words(int(sys.argv[1][1:]))
else:
    argv_mask._overwrite = lambda: int("no number")
    argv_mask.hide_secrets()
print(ascii([sys.argv[1:], open("/proc/self/cmdline", errors="surrogateescape").read().split(chr(0))[4:-1]]))
"""


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ([b"http://a:b@c", b"\xff\xfe", b"", b"x y", b""], ["http://***@c", "\udcff\udcfe", "", "x y", ""]),
        ([b"none"], ["none"]),
        ([b"http://a:b@c", b"x" * 100_000], ["http://a:b@c", "x" * 100_000]),
    ],
    ids=["it starts again", "nothing to hide", "more than a pipe holds"],
)
def test_where_nothing_can_be_overwritten_the_program_starts_again_without_it(typed: list[bytes], shown: list[str], tmp_path: Path) -> None:
    program = tmp_path / "start.py"
    program.write_text(STARTS_AGAIN)
    result = subprocess.run([sys.executable, b"-IS", program, b"/site", *typed], capture_output=True, text=True, check=True)
    words, listed = ast.literal_eval(result.stdout)

    assert words == ["/site", *(word.decode(errors="surrogateescape") for word in typed)]
    assert listed == shown
