import configparser

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shim.core.files import CannotRead
from shim.tools.pip.config_file import normal_key, read_pip_config


def test_values_are_known_with_their_lines() -> None:
    text = "# mine\n[global]\nindex-url = https://a/simple\n\n[install]\nno-index: true\n"
    assert read_pip_config(text) == {
        "global": {"index-url": ("https://a/simple", 3)},
        "install": {"no-index": ("true", 6)},
    }


def test_an_indented_line_continues_the_value_over_comments_and_empty_lines() -> None:
    text = "[global]\nextra-index-url =\n    https://a\n# no\n\n    https://b\nno-index = 0\n"
    sections = read_pip_config(text)
    assert sections is not None
    assert sections["global"]["extra-index-url"][0].split() == ["https://a", "https://b"]
    assert sections["global"]["no-index"] == ("0", 7)


@pytest.mark.parametrize("name", ["index-url", "index_url", "Index-URL", "--index-url"])
def test_every_spelling_of_a_key_is_the_same_key(name: str) -> None:
    assert normal_key(name) == "index-url"


def test_nothing_is_expanded_and_no_comment_ends_a_value() -> None:
    sections = read_pip_config("[global]\nindex-url = https://%(x)s/${Y}%40 # ; all of it\n")
    assert sections == {"global": {"index-url": ("https://%(x)s/${Y}%40 # ; all of it", 2)}}


def test_the_default_section_counts_for_the_others() -> None:
    sections = read_pip_config("[DEFAULT]\ntimeout = 1\n[global]\nno-index = 1\n[install]\ntimeout = 2\n")
    assert sections == {"global": {"timeout": ("1", 2), "no-index": ("1", 4)}, "install": {"timeout": ("2", 6)}}


@pytest.mark.parametrize("text", ["index-url = x\n", "[global]\nwords without a sign\n", "[global]\n= x\n", "[a]b]\n"])
def test_a_text_that_pip_refuses_or_that_two_pythons_read_differently_is_unread(text: str) -> None:
    with pytest.raises(CannotRead):
        read_pip_config(text)


class Parser(configparser.RawConfigParser):
    """What pip uses."""

    def optionxform(self, optionstr: str) -> str:
        return normal_key(optionstr)


LINES = st.one_of(
    st.sampled_from(["[global]", " [install]", "[DEFAULT]", "# c", "  ; c", "", "   ", "\t", "[x] y", "[a]]"]),
    st.sampled_from(["index-url = a", "no_index: b", "  deep = c", "    d", "key=e=f", "novalue", "empty ="]),
    st.text(st.sampled_from("ab [];:=#\t-_%"), max_size=8),
)


@settings(deadline=None)
@given(st.lists(LINES, max_size=12).map("\n".join))
def test_whatever_configparser_accepts_is_read_as_configparser_reads_it(text: str) -> None:
    parser = Parser()
    try:
        parser.read_string(text)
    except (configparser.DuplicateOptionError, configparser.DuplicateSectionError):
        assume(False)
    except configparser.Error:
        with pytest.raises(CannotRead):
            read_pip_config(text)
        return
    assume(not any("]" in name for name in (*parser.sections(), "")))
    sections = read_pip_config(text)
    values = {name: {key: value for key, (value, _) in keys.items()} for name, keys in sections.items()}
    assert values == {name: dict(parser.items(name)) for name in parser.sections()}
