"""What stands in a memory file is the same whether the channel wrote it or the hot path, which has no urllib."""

import os
import sysconfig
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.core.files import is_file, list_folder, real_path
from shim.core.host import Host
from shim.delivery.netrc import _render_token
from shim.delivery.store import render_string
from shim.hotpath.replay import BARE_LETTERS, TOKEN, decode_percent, encode_percent, fill_template
from shim.pipeline.observing import observe

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_percent_encoding_is_that_of_urllib(text: str) -> None:
    assert encode_percent(text) == quote(text, safe="")
    assert decode_percent(quote(text, safe="")) == unquote(quote(text, safe="")) == text


@given(st.text(st.sampled_from(sorted(BARE_LETTERS)), min_size=1), st.sampled_from([None, (3, 6), (3, 10), (3, 11), (3, 13)]))
def test_bare_letters_need_no_escape_in_any_netrc_nor_in_toml(text: str, python: tuple[int, int] | None) -> None:
    assert _render_token(text, python) == text
    assert render_string(text) == f'"{text}"'


@pytest.mark.parametrize("secret", ['a"b', "a\\b", "a b", "ä", "a\nb"])
def test_other_letters_are_left_to_the_long_way(secret: str) -> None:
    assert fill_template(f"password {TOKEN}0{TOKEN}", [secret], "bare") is None
    assert fill_template(f"password {TOKEN}0{TOKEN}", ["a:b"], "plain") is None


def test_a_number_without_a_secret_is_no_text() -> None:
    assert fill_template(f"password {TOKEN}1{TOKEN}", ["a"], "bare") is None


@pytest.mark.parametrize("kind", ["site-packages", "dist-packages"])
def test_what_is_installed_for_the_interpreter_that_we_run_on_counts(kind: str) -> None:
    """The pip of a container image lies inside the library of the only Python there, which is ours as well."""
    library = sysconfig.get_path("stdlib")
    folder = os.path.join(library, kind)
    with observe(Host({}, "/")) as (_, observer):
        is_file(os.path.join(folder, "pip", "__init__.py"))
        is_file(os.path.join(library, "os.py"))
        with suppress(OSError):
            list_folder(folder)

    assert [*observer.paths] == [os.path.join(folder, "pip", "__init__.py")]
    assert [*observer.folders] == [folder]


def test_every_step_of_a_path_is_seen_and_each_link_followed_once(tmp_path: Path) -> None:
    """Links that name each other twice would take as many steps as two to the number of links."""
    (tmp_path / "l0").symlink_to(".")
    for number in range(1, 60):
        (tmp_path / f"l{number}").symlink_to(f"l{number - 1}/l{number - 1}")
    (tmp_path / "loop").symlink_to("loop")
    with observe(Host({}, "/")) as (_, observer):
        assert real_path(f"{tmp_path}/l59/file") == os.path.realpath(tmp_path / "file")
        real_path(f"{tmp_path}/loop")

    inside = {path.removeprefix(f"{tmp_path}/") for path in observer.paths if path.startswith(f"{tmp_path}/")}
    assert inside == {"file", "loop", *(f"l{number}" for number in range(60))}
    assert {*map(str, tmp_path.parents)} - {"/"} <= {*observer.paths}
