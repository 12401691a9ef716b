import contextlib
import io
import optparse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shim.formats.optparse_scan import Word, read_table, scan

TABLE = read_table(
    """
    -i --index-url --pypi-url =
    --extra-index-url =
    --exists-action =
    -q --quiet
    -r --requirement =
    --no-index
    --no-input
    """,
    frozenset({"index-url", "no-index"}),
)


def said(*argv: str, interspersed: bool = True) -> list[tuple[str | None, str | None]]:
    return [(word.name, word.value) for word in scan(argv, TABLE, interspersed=interspersed)]


@pytest.mark.parametrize(
    "argv",
    [
        ["-i", "URL"],
        ["-iURL"],
        ["-qiURL"],
        ["-qqi", "URL"],
        ["--index-url", "URL"],
        ["--index-url=URL"],
        ["--ind", "URL"],
        ["--pypi=URL"],
    ],
)
def test_every_spelling_of_an_option_with_a_value_is_read(argv: list[str]) -> None:
    found = [word for word in scan(argv, TABLE) if word.name == "index-url"]
    assert len(found) == 1
    assert argv[found[0].position][found[0].start :] == "URL" == found[0].value


def test_an_equals_sign_behind_a_short_option_belongs_to_the_value() -> None:
    assert said("-i=URL") == [("index-url", "=URL")]


def test_a_value_may_look_like_an_option() -> None:
    assert said("-r", "-i", "x") == [("requirement", "-i"), (None, "x")]


def test_nothing_behind_two_dashes_is_an_option() -> None:
    assert said("-q", "--", "-i", "--") == [("quiet", None), (None, "-i"), (None, "--")]


def test_a_lone_dash_is_an_argument() -> None:
    assert said("-") == [(None, "-")]


def test_the_first_argument_ends_the_options_if_they_may_not_be_mixed() -> None:
    assert said("-q", "install", "-i", interspersed=False) == [("quiet", None), (None, "install"), (None, "-i")]


def test_an_abbreviation_that_only_some_releases_understand_is_read_as_what_matters() -> None:
    assert said("--no-in") == [("no-index", None)]


def test_an_ambiguous_abbreviation_of_what_does_not_matter_is_left_out() -> None:
    assert said("--ex", "x") == [(None, "x")]


def test_an_unknown_option_is_left_out_and_takes_no_value() -> None:
    assert said("--newer", "x", "-Zi", "y") == [(None, "x"), (None, "y")]


def test_an_option_without_its_value_says_nothing() -> None:
    assert said("-i") == [] == said("--index-url")


def test_a_flag_with_a_value_says_nothing() -> None:
    assert said("--no-index=1") == []


def test_positions_count_elements_of_argv() -> None:
    assert scan(["a", "-qiU", "b"], TABLE)[1:] == [
        Word("quiet", None, 1),
        Word("index-url", "U", 1, 3),
        Word(None, "b", 2),
    ]


class RefusedError(Exception):
    """optparse would have ended the program."""


def read_with_optparse(argv: list[str]) -> tuple[dict[str, object], list[str]]:
    parser = optparse.OptionParser(add_help_option=False)
    parser.add_option("-i", "--index-url", "--pypi-url", action="append", default=[])
    parser.add_option("--extra-index-url", action="append", default=[])
    parser.add_option("--exists-action", action="append", default=[])
    parser.add_option("-q", "--quiet", action="count", default=0)
    parser.add_option("-r", "--requirement", action="append", default=[])
    parser.add_option("--no-index", action="count", default=0)
    parser.add_option("--no-input", action="count", default=0)
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            options, arguments = parser.parse_args(argv)
        except SystemExit as error:
            raise RefusedError from error
    return vars(options), arguments


PIECES = st.one_of(
    st.sampled_from(["-i", "-iU", "-qi", "-q", "-qq", "--", "-", "x", "--no-index", "--no-inp", "--extra", "-r"]),
    st.sampled_from(["--index-url", "--index-url=U", "--pypi=", "--ind", "--req=f", "-rf", "-qrqi", "--exi=A", "="]),
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=8))
def test_whatever_optparse_accepts_is_read_as_optparse_reads_it(argv: list[str]) -> None:
    try:
        options, arguments = read_with_optparse(argv)
    except RefusedError:
        scan(argv, TABLE)
        return
    words = scan(argv, TABLE)
    assert [word.value for word in words if word.name is None] == arguments
    for name, value in options.items():
        ours = [word.value for word in words if word.name == name.replace("_", "-")]
        assert ours == value if isinstance(value, list) else len(ours) == value
