"""A Secret shows itself nowhere, and the values around it say what people need to know."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from string import Template

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.core import model
from shim.core.dataclass import FrozenInstanceError, fields, replace
from shim.core.model import (
    Credential,
    Delivery,
    Endpoint,
    Endpoints,
    Invocation,
    MemoryFile,
    Origin,
    Resolution,
    Secret,
    Target,
)
from shim.core.urls import parse_url, scope_of

VALUE = "s3cr3t-canary-4711"
URL = parse_url("https://pypi.corp.example/simple/")


def everything() -> list[object]:
    """Return one of each value that can hold a secret, secrets filled in."""
    secret = Secret(VALUE)
    endpoint = Endpoint(URL, Origin("env", "PIP_INDEX_URL"), username="alice", inline_password=secret)
    credential = Credential("alice", secret, scope_of(URL), "keyring")
    return [
        secret,
        endpoint,
        Endpoints((endpoint,)),
        credential,
        Resolution(endpoint, credential),
        MemoryFile(secret, 243),
        Delivery(("install", "x"), {"PIP_INDEX_URL": secret}, MemoryFile(secret, 243)),
    ]


@pytest.mark.parametrize("value", everything(), ids=lambda value: type(value).__name__)
def test_no_way_to_print_a_value_shows_the_secret_in_it(value: object) -> None:
    shown = [str(value), repr(value), f"{value}", f"{value!r}", f"{value!s:>40}", f"{value} {value!r}", ascii(value)]
    shown += [Template("$v").substitute(v=value), str([value]), str({"v": value}), f"{value!r}"]
    shown.append(logging.LogRecord("n", 10, "f", 1, "%s", (value,), None).getMessage())

    assert all(VALUE not in text for text in shown)
    assert all("****" in text for text in shown)


def test_a_format_with_a_width_neither_shows_the_secret_nor_fails() -> None:
    assert f"{Secret(VALUE):>20}" == "****"


def test_a_traceback_with_its_arguments_does_not_show_it() -> None:
    try:
        raise ValueError("broken", *everything())
    except ValueError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert VALUE not in text.replace("VALUE = 's3cr3t-canary-4711'", "")


def test_a_secret_is_neither_copied_nor_pickled_nor_turned_into_json() -> None:
    secret = Secret(VALUE)
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps, json.dumps):
        with pytest.raises(TypeError) as caught:
            attempt(secret)
        assert VALUE not in str(caught.value)
    with pytest.raises(TypeError):
        copy.deepcopy(Credential("alice", secret, scope_of(URL), "keyring"))
    with pytest.raises(TypeError):
        vars(secret)


def test_a_secret_takes_no_further_attributes() -> None:
    with pytest.raises(AttributeError):
        Secret(VALUE).note = "x"  # type: ignore[attr-defined]


def test_secrets_are_compared_by_same_as_only() -> None:
    assert Secret(VALUE) != Secret(VALUE)
    assert Secret(VALUE).same_as(Secret(VALUE))
    assert not Secret(VALUE).same_as(Secret(VALUE + "x"))


@given(st.text(st.characters(categories=None)), st.text(st.characters(categories=None)))
def test_any_two_texts_are_the_same_secret_exactly_when_they_are_the_same_text(one: str, other: str) -> None:
    assert Secret(one).same_as(Secret(other)) == (one == other)
    assert Secret(one).same_as(Secret(one))
    assert Secret(one).reveal() == one
    assert bool(Secret(one)) == bool(one)


@pytest.mark.parametrize("value", [value for value in vars(model).values() if hasattr(value, "_defaults")], ids=lambda value: value.__name__)
def test_values_are_frozen_and_have_no_room_for_more(value: type) -> None:
    blank = object.__new__(value)

    for name in (*(field.name for field in fields(value)), "more"):
        with pytest.raises(FrozenInstanceError):
            setattr(blank, name, "x")


def test_a_changed_copy_leaves_the_first_alone() -> None:
    plain = Invocation("pip", "pip", Target("/usr/bin/pip"), ("list",), ("list",), False, "list asks no index")
    other = replace(plain, touches_index=True)

    assert (plain.touches_index, other.touches_index) == (False, True)


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (Origin("argv", "--index-url"), "argv --index-url"),
        (Origin("env", "PIP_INDEX_URL"), "env PIP_INDEX_URL"),
        (Origin("file", "requirements.txt", project=True, line=3), "requirements.txt:3"),
        (Origin("config", "/etc/pip.conf", line=3), "/etc/pip.conf:3"),
    ],
    ids=str,
)
def test_an_origin_reads_as_people_say_it(origin: Origin, text: str) -> None:
    assert str(origin) == text
