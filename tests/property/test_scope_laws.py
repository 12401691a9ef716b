"""A credential never goes to another scheme, host, port or sibling path, however the URL is spelled."""

from __future__ import annotations

from urllib.parse import urlsplit

from hypothesis import assume, example, given
from hypothesis import strategies as st

from shim.core.urls import (
    BadUrl,
    Scope,
    Url,
    find_userinfo,
    parse_url,
    scope_of,
    scope_of_index,
    scope_of_origin,
    with_userinfo,
)

hosts = st.sampled_from(
    [
        "corp.example",
        "CORP.example",
        "corp.example.",
        "corp.example.evil.example",
        "evil-corp.example",
        "127.0.0.1",
        "127.0.0.1.evil.example",
        "[::1]",
        "[2001:db8::1]",
        "bücher.example",
        "straße.example",
        "strasse.example",
        "xn--bcher-kva.example",
        "localhost",
        "localhost.evil.example",
    ]
)
segments = st.sampled_from(
    [
        "simple",
        "simple-evil",
        "team",
        "Team",
        "a",
        "..",
        ".",
        "%2e%2e",
        "%2E",
        "%2e",
        "",
        "%2F",
        "a%2F..%2Fb",
        "\\",
        "%5c..",
        "..;x",
        "x y",
        "é",
        "@",
        ":",
    ]
)
paths = st.lists(segments, max_size=4).map(lambda parts: "/" + "/".join(parts))
ports = st.sampled_from(["", ":80", ":443", ":8443", ":0", ":99999", ":x"])
userinfos = st.sampled_from(["", "u@", "u:p@", ":p@", "u:@", "a@b@", "corp.example@", "corp.example:443@", "u%40x:p%3a@"])
urls = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(["https://", "http://", "HTTPS://"]),
    userinfos,
    hosts,
    ports,
    paths,
    st.sampled_from(["", "?q=1", "#f"]),
)


def parsed(text: str) -> Url | None:
    try:
        return parse_url(text)
    except BadUrl:
        return None


@given(urls, urls)
@example("https://corp.example/team/", "https://corp.example/team/../other/")
@example("https://corp.example/team/", "https://corp.example/team/%2e%2e/other/")
@example("https://corp.example/", "https://corp.example@evil.example/")
@example("https://corp.example/", "https://corp.example\\@evil.example/")
@example("https://strasse.example/", "https://straße.example/")
@example("https://corp.example/simple//", "https://corp.example/simple//")
def test_what_a_scope_covers_is_on_its_scheme_host_port_and_below_its_path(one: str, other: str) -> None:
    issued, asked = parsed(one), parsed(other)
    assume(issued is not None and asked is not None)
    scope = scope_of(issued)  # type: ignore[arg-type]
    if scope.covers(asked):  # type: ignore[arg-type]
        split = urlsplit(asked.text)  # type: ignore[union-attr]
        assert (split.scheme, split.hostname and split.hostname.lower().encode("idna").decode()) == (scope.scheme, scope.host)
        assert (split.port or {"http": 80, "https": 443}[split.scheme]) == scope.port
        assert f"{split.path}/".startswith("/" + "".join(f"{segment}/" for segment in scope.segments))
        assert not any(
            part in ("..", ".") for part in split.path.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/").split("/")
        )


@given(urls)
def test_a_scope_covers_the_url_it_was_made_from_unless_that_is_slippery(text: str) -> None:
    url = parsed(text)
    assume(url is not None)
    slippery = (
        any(part.partition(";")[0] in ("..", ".") for part in url.path.lower().replace("%2e", ".").replace("%2f", "/").split("/"))
        or "%5c" in url.path.lower()
        or "\\" in url.path
    )  # type: ignore[union-attr]

    assert scope_of(url).covers(url) is not slippery  # type: ignore[arg-type]


@given(urls, urls)
def test_wider_scopes_cover_what_narrower_ones_cover(one: str, other: str) -> None:
    issued, asked = parsed(one), parsed(other)
    assume(issued is not None and asked is not None)
    narrow, index, origin = scope_of(issued), scope_of_index(issued), scope_of_origin(issued)  # type: ignore[arg-type]

    assert index.covers(asked) or not narrow.covers(asked)  # type: ignore[arg-type]
    assert origin.covers(asked) or not index.covers(asked)  # type: ignore[arg-type]


@given(urls)
def test_a_url_never_carries_userinfo(text: str) -> None:
    url = parsed(text)
    assume(url is not None)

    assert find_userinfo(url.text) is None  # type: ignore[union-attr]
    assert "@" not in urlsplit(url.text).netloc  # type: ignore[union-attr]


@given(st.one_of(urls, st.text("htps:/?#@[]%.0128afx-_ \\é").map("http://".__add__), st.text("htp:/.[]@")))
@example("http://[::1]x:80/")
@example("http://[v1.fe]/")
@example("http://[::1]:80:90/")
@example("http:/corp.example/")
@example("http:corp.example://corp.example/")
@example("http://corp.example:²/")
def test_a_url_is_read_as_the_library_reads_it(text: str) -> None:
    url = parsed(text)
    assume(url is not None)
    split = urlsplit(url.text)  # type: ignore[union-attr]

    host = split.hostname or ""
    host = host if host.isascii() else host.encode("idna").decode()
    ours = (url.scheme, url.host, url.port, url.path)  # type: ignore[union-attr]
    assert ours == (split.scheme, host, split.port or {"http": 80, "https": 443}[split.scheme], split.path or "/")


@given(urls, st.text(min_size=1), st.text())
def test_putting_userinfo_in_and_taking_it_out_gives_the_same_url(text: str, username: str, password: str) -> None:
    assume(not any(0xD800 <= ord(character) < 0xE000 for character in username + password))
    url = parsed(text)
    assume(url is not None)
    again = with_userinfo(url, username, password)  # type: ignore[arg-type]
    userinfo = find_userinfo(again)

    assert parse_url(again) == url
    assert userinfo is not None
    assert (userinfo.username, userinfo.password) == (username, password)
    assert again[: userinfo.start] + again[userinfo.end :] == url.text  # type: ignore[union-attr]


@given(st.text())
def test_no_text_whatever_makes_parsing_fail_otherwise(text: str) -> None:
    for candidate in (text, "https://" + text, f"https://{text}@corp.example/"):
        parsed(candidate)


@given(paths, paths)
def test_siblings_never_share(one: str, other: str) -> None:
    left, right = Scope("https", "corp.example", 443, ("team", "a")), Scope("https", "corp.example", 443, ("team", "b"))
    url = parsed("https://corp.example/team/a" + one)
    assume(url is not None)

    assert not (left.covers(url) and right.covers(url))  # type: ignore[arg-type]
