"""Which texts are secrets in clear, and where exactly they stand."""

import pytest

from shim.formats.clear_text import find_in_pypirc, find_secrets


@pytest.mark.parametrize(
    ("text", "cleaned", "password"),
    [
        ("-i https://u:p@h/simple/", "-i https://u@h/simple/", "p"),
        ("-i https://u:p@ss@h/@scope/simple/", "-i https://u@h/@scope/simple/", "p@ss"),
        ("https://u:p%40%2Fq@h", "https://u@h", "p@/q"),
    ],
)
def test_the_password_of_a_url_ends_where_every_tool_ends_it(text: str, cleaned: str, password: str) -> None:
    (found,) = find_secrets(text)

    assert found.secret is not None
    assert found.secret.reveal() == password
    assert text[: found.start] + text[found.end :] == cleaned
    assert str(found.url) == cleaned.replace("u@", "").removeprefix("-i ")


def test_a_pypirc_has_passwords_in_urls_as_well() -> None:
    found = find_in_pypirc("[a]\nrepository = https://u:p@h/\n[b]\nrepository = https://i/\npassword = q\n")

    assert [(one.line, str(one.url)) for one in found] == [(2, "https://h/"), (5, "https://i/")]
