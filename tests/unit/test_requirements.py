import codecs
import os
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shim.core.files import CannotRead
from shim.formats.html_links import find_linked_files, is_page
from shim.formats.requirements import (
    Line,
    decode_requirements,
    find_direct_url,
    find_locked_urls,
    is_pylock,
    may_apply,
    read_group_requirements,
    read_lines,
    read_project_requirements,
    read_script_requirements,
)
from shim.formats.script import script_block
from tests.support.calls import count_calls


def lines(text: str, **environ: str) -> list[Line]:
    return list(read_lines(text, environ))


def test_only_options_and_requirements_with_a_url_or_a_path_are_yielded() -> None:
    text = "requests==2\n-i https://a\nx @ https://b/x.whl --hash=sha256:0\n# -i https://c\n./folder\n.\n"
    direct = [Line(3, requirement="x @ https://b/x.whl"), Line(5, requirement="./folder"), Line(6, requirement=".")]
    assert lines(text) == [Line(2, ("-i", "https://a")), *direct]


def test_options_beside_a_requirement_are_left_out() -> None:
    assert lines("requests --index-url https://a") == []
    assert lines("x @ https://a --index-url https://b") == [Line(1, requirement="x @ https://a")]


def test_a_continued_line_has_the_number_of_its_beginning() -> None:
    assert lines("\n--extra-index-url \\\n  https://a\n-r x") == [
        Line(2, ("--extra-index-url", "https://a")),
        Line(4, ("-r", "x")),
    ]


def test_a_comment_ends_a_continued_line() -> None:
    assert lines("-i \\\n# no\nhttps://a\n") == [Line(1, ("-i",)), Line(3, requirement="https://a")]


def test_a_fragment_is_no_comment() -> None:
    assert lines("-i https://a/#part # but this is") == [Line(1, ("-i", "https://a/#part"))]


def test_only_upper_case_variables_with_a_value_are_expanded() -> None:
    expanded = lines("-i https://${USER_1}:${EMPTY}${UNSET}$USER_1${user}@h/", USER_1="me", EMPTY="", user="no")
    assert expanded == [Line(1, ("-i", "https://me:${EMPTY}${UNSET}$USER_1${user}@h/"))]


def test_a_variable_may_hold_a_whole_option() -> None:
    assert lines("${OPTION}", OPTION="-i https://a") == [Line(1, ("-i", "https://a"))]


def test_quotes_are_taken_off_and_an_open_one_spoils_its_line_only() -> None:
    open_one = Line(2, unread="leaves a quote open")
    assert lines("-f 'a b'\n-i 'x\n-i y") == [Line(1, ("-f", "a b")), open_one, Line(3, ("-i", "y"))]


def test_a_bare_name_of_an_archive_is_a_place_too() -> None:
    assert lines("x-1.whl\nx-1.tar.gz[a] ; os_name == 'x'\nx.whl.txt\nx==1.zip2\n") == [
        Line(1, requirement="x-1.whl"),
        Line(2, requirement="x-1.tar.gz[a] ; os_name == 'x'"),
    ]


def test_a_variable_whose_value_names_another_is_unread() -> None:
    found = lines("-i https://${A}/", A="${B}", B="b")
    assert [bool(line.unread) for line in found] == [True, False]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF32_BE, "utf-32-be")],
)
def test_a_byte_order_mark_names_the_encoding(mark: bytes, encoding: str) -> None:
    assert decode_requirements(mark + "-i é".encode(encoding)) == "-i é"


def test_a_coding_comment_names_the_encoding() -> None:
    assert decode_requirements("# coding: latin-1\né".encode("latin-1")).endswith("é")


@pytest.mark.parametrize(
    "data", [b"# coding: nonsense\nx", b"# coding: utf-7\n-i http+ADo-//x", b"#\n# coding=punycode", b"# \x85\n", b"\xff\xfe\x00\xd8"]
)
def test_bytes_that_pip_may_read_otherwise_are_unread(data: bytes) -> None:
    with pytest.raises(CannotRead):
        decode_requirements(data)


def test_any_bytes_are_some_text_or_unread() -> None:
    for noise in (bytes(range(256)) * 40, os.urandom(4096)):
        with pytest.raises(CannotRead):
            decode_requirements(noise)


@pytest.mark.parametrize(
    ("requirement", "url"),
    [
        ("https://h/x.whl", "https://h/x.whl"),
        ("HTTPS://h/x.whl[extra]", "HTTPS://h/x.whl"),
        ("x @ https://u:p@h/x.whl#sha256=0", "https://u:p@h/x.whl#sha256=0"),
        ('x[a,b]@https://h/x.whl ; python_version > "3"', "https://h/x.whl"),
        ("https://h/x.whl; sys_platform == 'linux'", "https://h/x.whl"),
        ("x @ https://h/x.whl;sys_platform == 'linux'", "https://h/x.whl"),
        ("x @ https://h\n:81/x.whl ; extra == 'x'", "https://h\n:81/x.whl"),
        ("x @ https://h\r\x0b\u2028:81/x.whl\tx", "https://h\r\x0b\u2028:81/x.whl"),
        ("git+https://h/x", None),
        ("x @ git+https://h/x", None),
        ("x @ file:///x.whl", None),
        ("./x.whl", None),
        ("requests>=2", None),
        ("", None),
    ],
)
def test_a_direct_url_is_found_without_what_surrounds_it(requirement: str, url: str | None) -> None:
    found = find_direct_url(requirement)
    assert (requirement[slice(*found)] if found else None) == url


@pytest.mark.parametrize("name", ["pylock.toml", "a/pylock.dev.toml", "pylock.toml[extra]", "https://h/pylock.toml"])
def test_a_lock_is_known_by_its_name(name: str) -> None:
    assert is_pylock(name)


@pytest.mark.parametrize("name", ["requirements.txt", "pylock.a.b.toml", "mypylock.toml", "pylock.toml.txt"])
def test_other_names_are_no_lock(name: str) -> None:
    assert not is_pylock(name)


def test_the_urls_of_a_lock_are_found_with_their_lines() -> None:
    text = "[[packages]]\nwheels = [{ url = \"https://a/x.whl\", size = 1 }]\n\n[packages.sdist]\nurl = 'https://b/x.tar.gz'\n"
    assert list(find_locked_urls(text)) == [(2, "https://a/x.whl"), (5, "https://b/x.tar.gz")]


def test_the_dependencies_of_a_script_are_read_from_its_one_block() -> None:
    script = '#!/usr/bin/python\n# /// script\n# dependencies = [\n#   "x @ https://h/x.whl",\n# ]\n# ///\nprint(1)\n'
    assert read_script_requirements(script_block(script)) == ["x @ https://h/x.whl"]
    assert read_script_requirements(script_block(script.replace("\n", "\r\n"))) == ["x @ https://h/x.whl"]
    assert read_script_requirements(script_block(script + script.replace("h/x", "i/x"))) == ["x @ https://h/x.whl"]
    with pytest.raises(CannotRead):
        read_script_requirements(script_block("# /// script\n# dependencies = [\n# ///\n"))


def test_a_block_ends_at_the_last_line_that_may_end_it() -> None:
    assert script_block("# /// script\n# a = 1\n# ///\n# b = 2\n# ///\n#\n\n# ///\n") == "a = 1\n///\nb = 2\n"
    assert script_block("# /// script\n#a\n# ///\n") == script_block("# /// script\n# ///\n") == script_block("# /// script\n# a\n") == ""


def test_a_group_holds_what_it_includes_even_in_a_circle() -> None:
    circle = 'Test_It = ["a", {include-group = "b.c"}]\nb-c = ["d", {include-group = "test-it"}, 1]\n'
    text = "[dependency-groups]\n" + circle
    assert read_group_requirements(text, "test.it") == ["a", "d"]
    assert read_group_requirements(text, "missing") == []
    assert read_group_requirements("dependency-groups = 1", "a") == []
    with pytest.raises(CannotRead):
        read_group_requirements("[[[", "a")


def test_a_hashed_line_costs_a_few_calls_however_many_there_are() -> None:
    for count in (100, 10_000):
        text = "".join(f"package-{number}==1.0 \\\n    --hash=sha256:{number:064x}\n" for number in range(count // 2))
        assert count_calls(lambda text=text: lines(text)) < 10 * count + 100
        assert lines(text + "-i https://a\n") == [Line(count + 1, ("-i", "https://a"))]


@pytest.mark.parametrize(
    ("rest", "python", "expected"),
    [
        ("", (3, 11), True),
        (" ; python_version < '3.8'", (3, 11), False),
        (" ; python_version < '3.8'", (3, 7), True),
        ("; python_version >= '3.8' and sys_platform != 'linux'", (3, 11), not sys.platform.startswith("linux")),
        ("; python_version < '3.8'", None, True),
        ("; python_full_version < '3'", (3, 11), True),
        ("; extra == 'x'", (3, 11), False),
        ("; extra == 'x'", None, False),
        ("; extra == 'x' or os_name == 'posix'", (3, 11), os.name == "posix"),
        ("; extra == 'x' or os_name == 'nobody'", None, True),
        ("; " + "(" * 900 + "os_name == 'x'", (3, 11), True),
        ("; os_name == 'nobody'" + " " * 1000 + "or os_name == 'nobody'", (3, 11), True),
        ("; implementation_name == 'nobody'", (3, 11), True),
        ("; this is no marker", (3, 11), True),
    ],
)
def test_a_marker_rules_out_only_what_it_surely_does(rest: str, python: tuple[int, int] | None, expected: bool) -> None:
    assert may_apply(rest, python) is expected


def test_a_marker_counts_with_the_extras_that_are_asked_for() -> None:
    assert may_apply("; extra == 'dev-x'", None, ["Dev_X"])
    assert not may_apply("; extra == 'dev'", None, ["other"])


def test_a_page_names_distributions_on_other_servers() -> None:
    text = """<a href="x-1.whl">here</a>
        <a class=b href='https://a/y-1.tar.gz#sha256=0'>y</a> <a href="https://a/about">about</a>
        <A
          HREF=https://b/z-1.zip?a=1&amp;b=2>z</A>"""
    assert list(find_linked_files(text.encode())) == [(2, "https://a/y-1.tar.gz#sha256=0"), (4, "https://b/z-1.zip?a=1&b=2")]
    assert list(find_linked_files(b'<base href="https://c/d/"><a href="x-1.whl">')) == [(1, "https://c/d/x-1.whl")]
    # What ends this comment, the first `>` or the page's end, depends on the release of pip, and of Python.
    assert (1, "https://c/d/x-1.whl") in find_linked_files(b"<!--><base href=https://c/d/><a href='x-1.whl'>")
    with pytest.raises(CannotRead):
        list(find_linked_files(b"<base href=https://c/d/><a href='x-1.whl'>" * 200))
    odd = "\n<base title='>' href='https://c/d/'>\r\n<a/href=x-1.whl>\n<a href='//e/y-1.zip'>\n<link href='z-1.zip'>"
    found = list(find_linked_files(odd.encode()))
    assert found == [(3, "https://c/d/x-1.whl"), (4, "https://e/y-1.zip"), (5, "https://c/d/z-1.zip")]  # whatever the tag


@pytest.mark.parametrize("data", [b'<a href="https://a/x-1.whl">\xff', '<a href="https://a/x-1.whl">'.encode("utf-16"), b"<base>" + b" " * 200_000])
def test_a_page_in_an_encoding_that_some_pip_may_find_is_unread(data: bytes) -> None:
    with pytest.raises(CannotRead):
        list(find_linked_files(data))


@pytest.mark.parametrize("name", ["a.html", "A.HTM", "x.html.gz", "x.shtml", "a.b/x.html%20"])
def test_a_page_is_known_by_its_name(name: str) -> None:
    assert is_page(name)
    assert not is_page("x-1.0.whl")


def test_hostile_texts_take_no_longer_than_their_length() -> None:
    """Each of these took minutes with a pattern that tries every split: the test's own time limit is the measure."""
    assert list(find_linked_files(b"<a " * 1_000_000)) == []
    assert find_direct_url("a" + " " * 1_000_000 + "x/") is None
    assert find_direct_url("a" * 1_000_000 + "/") is None
    assert read_project_requirements("[project]\n@" + " " * 1_000_000, []) == []


def test_a_project_needs_what_builds_it_its_dependencies_and_those_of_the_extras_asked_for() -> None:
    text = """
        [build-system]
        requires = ["a @ https://a/a.whl"]
        [project]
        dependencies = ["b"]
        [project.optional-dependencies]
        C_c = ["c"]
        d = ["d"]
    """
    assert read_project_requirements(text, ["c-C"]) == ["a @ https://a/a.whl", "b", "c"]
    assert read_project_requirements(text, None) == ["a @ https://a/a.whl"]
    assert read_project_requirements('[project]\ndependencies = "x @ https://a"', []) == []


@pytest.mark.parametrize(
    ("text", "extras"),
    [("@ https://", []), ("", []), ("[tool.poetry]\nname = 'x'", []), ("[project]\ndynamic = ['dependencies']", []), ("[project]\ndynamic = ['optional-dependencies']", ["a"])],
)
def test_what_code_says_about_a_project_is_unread(text: str, extras: list[str]) -> None:
    with pytest.raises(CannotRead):
        read_project_requirements(text, extras)


PIECES = st.one_of(
    st.sampled_from(["-i", "--extra-index-url", " ", "https://a/b", "x", "@", "${V}", "${W}"]),
    st.sampled_from([" ", "\\\n", "\n", "#", " #c", "'a b'", '"', "\t"]),
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_lines_are_cut_as_pip_cuts_them(text: str) -> None:
    req_file = pytest.importorskip("pip._internal.req.req_file")
    from shlex import split

    expected: list[Line] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("V", "https://v -")
        patch.delenv("W", raising=False)
        preprocessed = list(req_file.preprocess(text))
    for number, line in preprocessed:
        arguments, options = req_file.break_args_options(line)
        if arguments:
            # A requirement without a URL is nobody's need: leaving it out is right, and so is keeping it.
            expected += [Line(number, requirement=arguments)] if "://" in arguments else []
            continue
        try:
            expected += [Line(number, tuple(split(options)))]
        except ValueError:
            continue
    found = lines(text, V="https://v -")
    assert [line for line in found if line.options] == [line for line in expected if line.options]
    assert [line.requirement.rstrip() for line in found if "://" in line.requirement] == [
        line.requirement.rstrip() for line in expected if line.requirement
    ]
