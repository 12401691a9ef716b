"""Which text is a URL, what its userinfo is, and who its credential is for, case by case."""

from __future__ import annotations

import pytest

from shim.core.urls import (
    BadUrl,
    Userinfo,
    find_userinfo,
    parse_url,
    scope_of,
    scope_of_index,
    scope_of_origin,
    shown_url,
    with_userinfo,
)

CORP = "https://pypi.corp.example/team/simple/"

REFUSED = {
    "": "no scheme",
    "pypi.corp.example/simple/": "no scheme",
    "ftp://corp.example/": "another scheme",
    "file:///srv/simple/": "another scheme",
    "https:///corp.example/": "no host: browsers and uv drop the third slash, Python does not",
    "https://": "no host",
    "https://:443/": "no host",
    "https://corp.example:0/": "no such port",
    "https://corp.example:65536/": "no such port",
    "https://corp.example:port/": "no such port",
    "https://alice:p/w@corp.example/": "a slash in the password ends the host part",
    "https://corp.example\\@evil.example/": "a backslash before the path is a slash to some",
    "https://corp.example\\.evil.example/": "a backslash before the path is a slash to some",
    "https://corp .example/": "white space in the host",
    "https://corp.example/\n": "urlsplit drops line ends silently",
    "https://cor\tp.example/": "urlsplit drops tabs silently",
    " https://corp.example/": "urlsplit drops leading blanks silently",
    "https://corp.example/\x00": "a control character",
    "https://corp.example/\u202egpj": "text that turns round",
    "https://[::1/": "half a bracket",
    "https://corp%2eexample/": "a percent sign in a host",
    "https://corp.example,evil.example/": "two hosts to some",
    "https://corp.example℀/": "a letter that normalises to a slash",
    "https://straße.example/": "strasse.example by IDNA 2003, another host by IDNA 2008",
    "https://βόλος.example/": "final sigma, likewise",
    "https://corp。example/": "a full stop to some only",
    "https://ⅽorp.example/": "a letter that normalises to another one",
    "https://corp\u00ad.example/": "a soft hyphen, which IDNA drops",
    "https://corp\u200b.example/": "a space without a width, likewise",
    "https://127.1/": "an address of four numbers to most, a name to some",
    "https://127.1.1.1.1/": "no address to browsers and uv, a name to others",
    "https://127.0.0.256/": "likewise",
    "https://0x7f.0.0.1/": "a hexadecimal address to some",
    "https://2130706433/": "an address in one number to some",
    "https://127.0.0.01/": "an octal number to some",
    "https://[0:0:0:0:0:0:0:1]/": "an address that some write shorter when they ask",
    "https://[::ffff:127.0.0.1]/": "likewise",
    "https://[::1%25eth0]/": "an address of one network card",
}


@pytest.mark.parametrize("text", REFUSED, ids=[f"{reason} {text!a}" for text, reason in REFUSED.items()])
def test_what_two_parsers_could_read_differently_is_no_url(text: str) -> None:
    with pytest.raises(BadUrl):
        parse_url(text)


def test_who_has_such_a_host_is_told_how_to_write_it() -> None:
    with pytest.raises(BadUrl, match="write its xn-- form"):
        parse_url("https://straße.example/")
    assert parse_url("https://xn--strae-oqa.example/").host == "xn--strae-oqa.example"


def test_the_refusal_does_not_repeat_the_text() -> None:
    for text in ("https://alice:s3cr3t/x@corp.example/", "https://alice:s3cr3t@cor\\p/", "https://alice:s3cr3t@h:x/", "ftp://a:s3cr3t@h/"):
        with pytest.raises(BadUrl) as caught:
            parse_url(text)
        assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "path"),
    [
        ("https://pypi.corp.example", "https", "pypi.corp.example", 443, "/"),
        ("https://pypi.corp.example/simple", "https", "pypi.corp.example", 443, "/simple"),
        ("HTTPS://PyPI.Corp.Example/Simple/", "https", "pypi.corp.example", 443, "/Simple/"),
        ("http://corp.example", "http", "corp.example", 80, "/"),
        ("http://corp.example:80/", "http", "corp.example", 80, "/"),
        ("https://corp.example:8443/x?y=1#z", "https", "corp.example", 8443, "/x"),
        ("https://corp.example:/", "https", "corp.example", 443, "/"),
        ("https://[2001:DB8::1]:8443/", "https", "2001:db8::1", 8443, "/"),
        ("https://bücher.example/", "https", "xn--bcher-kva.example", 443, "/"),
        ("https://BÜCHER.example/", "https", "xn--bcher-kva.example", 443, "/"),
        ("https://xn--strae-oqa.example/", "https", "xn--strae-oqa.example", 443, "/"),
        ("https://corp_1.example./", "https", "corp_1.example.", 443, "/"),
        ("https://alice:p%40w@corp.example/simple/", "https", "corp.example", 443, "/simple/"),
    ],
)
def test_the_normal_form_is_for_comparing(text: str, scheme: str, host: str, port: int, path: str) -> None:
    url = parse_url(text)

    assert (url.scheme, url.host, url.port, url.path) == (scheme, host, port, path)


def test_the_text_is_as_the_user_spelled_it_less_the_userinfo() -> None:
    assert parse_url("HTTPS://alice:pw@PyPI.Corp.Example:443/Simple?x=%7e#f").text == "HTTPS://PyPI.Corp.Example:443/Simple?x=%7e#f"


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Corp.example:443/x", "https://corp.example"),
        ("http://corp.example:443/x", "http://corp.example:443"),
        ("https://[::1]/", "https://[::1]"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
    ],
)
def test_an_origin_names_no_default_port(text: str, origin: str) -> None:
    assert parse_url(text).origin == origin
    assert str(scope_of_origin(parse_url(text))) == origin + "/"


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1", True),
        ("127.255.0.3", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("[::1]", True),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("localhost.", False),
        ("128.0.0.1", False),
        ("10.0.0.1", False),
        ("[::2]", False),
    ],
)
def test_plain_http_is_confidential_on_this_machine_only(host: str, is_ours: bool) -> None:
    """A name that the resolver may look up is not this machine, whatever it begins with."""
    assert parse_url(f"http://{host}:8080/").is_loopback is is_ours
    assert parse_url(f"http://{host}:8080/").is_confidential is is_ours
    assert parse_url(f"https://{host}:8080/").is_confidential is True


def test_the_public_index_is_public_on_its_own_port_only() -> None:
    assert parse_url("https://PyPI.org/simple/").is_public
    assert not parse_url("https://pypi.org:8443/simple/").is_public
    assert not parse_url("https://pypi.org.evil.example/simple/").is_public


@pytest.mark.parametrize(
    ("text", "username", "password"),
    [
        ("https://alice@corp.example/", "alice", None),
        ("https://alice:@corp.example/", "alice", ""),
        ("https://:pw@corp.example/", "", "pw"),
        ("https://@corp.example/", "", None),
        ("https://a%3Ab:p%40%2Fw@corp.example/", "a:b", "p@/w"),
        ("https://alice:p@ss@corp.example/", "alice", "p@ss"),
        ("https://alice:p:w@corp.example/", "alice", "p:w"),
        ("https://alice:p%zz@corp.example/", "alice", "p%zz"),
        ("corp=https://alice:pw@corp.example/", "alice", "pw"),
        ("git+https://alice:pw@corp.example/x.git@main", "alice", "pw"),
        ("ftp://alice:pw@corp.example/", "alice", "pw"),
        ("https://alice:pw@corp.example", "alice", "pw"),
    ],
)
def test_userinfo_is_found_decoded_and_can_be_cut_out(text: str, username: str, password: str | None) -> None:
    found = find_userinfo(text)

    assert found is not None
    assert (found.username, found.password) == (username, password)
    assert text[found.end - 1] == "@"
    assert find_userinfo(text[: found.start] + text[found.end :]) is None


@pytest.mark.parametrize(
    "text",
    [
        "https://corp.example/",
        "https://corp.example/@x",
        "https://corp.example?a@b",
        "https://corp.example#a@b",
        "alice:pw@corp.example",
        "",
    ],
)
def test_an_at_sign_elsewhere_is_no_userinfo(text: str) -> None:
    assert find_userinfo(text) is None


def test_userinfo_is_put_in_so_that_nothing_of_it_can_be_taken_for_another_part() -> None:
    url = parse_url("https://corp.example/simple/?q#f")

    assert with_userinfo(url, "a:b@c/d", "e?f#g h%") == "https://a%3Ab%40c%2Fd:e%3Ff%23g%20h%25@corp.example/simple/?q#f"
    assert with_userinfo(url, "alice") == "https://alice@corp.example/simple/?q#f"
    assert with_userinfo(url, "alice", "") == "https://alice:@corp.example/simple/?q#f"
    assert find_userinfo(with_userinfo(url, "ä", "€")) == Userinfo(8, 8 + len("%C3%A4:%E2%82%AC@"), "ä", "€")


COVERED = ["", "/", "/pkg/", "/pkg?x#y", "//pkg", "/a%20b", "/..a/", "/a..b", "/...", "/;x"]
NOT_COVERED = {
    "https://pypi.corp.example/team/simple-evil/": "a longer word is another folder",
    "https://pypi.corp.example/team/": "above it",
    "https://pypi.corp.example/Team/simple/": "paths have capitals",
    "https://pypi.corp.example/te%61m/simple/": "an encoding is not undone",
    "https://pypi.corp.example//team/simple/": "an empty segment is a segment",
    "http://pypi.corp.example/team/simple/": "another scheme",
    "http://pypi.corp.example:443/team/simple/": "another scheme on that port",
    "https://pypi.corp.example:8443/team/simple/": "another port",
    "https://corp.example/team/simple/": "a parent domain",
    "https://x.pypi.corp.example/team/simple/": "a child domain",
    "https://pypi.corp.example./team/simple/": "another name for some",
    "https://pypi.corp.example/team/simple/../x": "a step up",
    "https://pypi.corp.example/team/simple/./x": "a step that may be left out",
    "https://pypi.corp.example/team/simple/%2E%2e/x": "a step up, encoded",
    "https://pypi.corp.example/team/simple/a%2f..%2fx": "a step up inside a segment",
    "https://pypi.corp.example/team/simple/..%5cx": "a step up, with the other slash",
    "https://pypi.corp.example/team/simple/a\\b": "a slash to some",
    "https://pypi.corp.example/team/simple/..;x=1/y": "a step up with a parameter, to Java servers",
    "https://pypi.corp.example/team/simple/%2e.;/y": "the same, encoded",
}


@pytest.mark.parametrize("tail", COVERED)
def test_a_scope_covers_itself_and_what_is_below(tail: str) -> None:
    assert scope_of(parse_url(CORP)).covers(parse_url(CORP.rstrip("/") + tail))


@pytest.mark.parametrize("text", NOT_COVERED, ids=NOT_COVERED.values())
def test_a_scope_covers_nothing_else(text: str) -> None:
    assert not scope_of(parse_url(CORP)).covers(parse_url(text))


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("https://corp.example/simple/", "https://corp.example/"),
        ("https://corp.example/simple", "https://corp.example/"),
        ("https://corp.example/root/team/+simple/", "https://corp.example/root/team/"),
        ("https://corp.example/api/pypi/team/simple/", "https://corp.example/api/pypi/team/"),
        ("https://corp.example/simple/team/", "https://corp.example/simple/team/"),
        ("https://corp.example/team/Simple/", "https://corp.example/team/Simple/"),
        ("https://corp.example:8443/", "https://corp.example:8443/"),
        ("https://[::1]:8443/simple/", "https://[::1]:8443/"),
    ],
)
def test_files_beside_the_simple_page_belong_to_the_index(text: str, scope: str) -> None:
    assert str(scope_of_index(parse_url(text))) == scope


def test_a_scope_reads_back_as_itself() -> None:
    for text in (CORP, "https://corp.example:8443/", "http://[::1]/a/", "https://corp.example/"):
        scope = scope_of(parse_url(text))
        assert scope_of(parse_url(str(scope))) == scope


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:PW@h/simple/?token=PW&a=PW#sha256=0", "https://h/simple/?token=****&a=****#sha256=0"),
        ("https://h/simple?PW", "https://h/simple?****"),
        ("https://h/@scope/simple", "https://h/@scope/simple"),
        ("http://u:PW@host:99999/", "http://****@host:99999/"),
        ("http://u:P/W#x?y@host/", "http://****@host/"),
        ("http://u:PW@ho st/?t=PW", "http://****@ho st/?t=****"),
        ("x @ http://u:PW@h\\x", "****@h\\x"),
        ("http:\\\\u:PW@h", "http:\\\\****@h"),
        ("./folder", "./folder"),
    ],
)
def test_people_are_shown_a_url_without_what_may_be_secret(text: str, shown: str) -> None:
    assert shown_url(text) == shown
    assert "PW" not in shown


def test_a_parsed_url_shows_no_value_of_its_query_and_is_asked_with_it() -> None:
    url = parse_url("https://h/simple/?token=T")
    assert (str(url), f"{url}", url.text) == ("https://h/simple/?token=****", "https://h/simple/?token=****", "https://h/simple/?token=T")
