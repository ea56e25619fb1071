"""Ids are what they look like: ASCII, whole, and of the one spelling that everybody reads the same."""

from collections.abc import Callable

import pytest

from workflows import ids
from workflows.errors import BadInput

ACCOUNT = "111122223333"
REQUEST = "dr-5f0c2a7e9b1d4c3f8a6e0b2d4c6f8a1e"

Parser = Callable[[str, str], object]


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (ids.parse_account_id, ACCOUNT),
        (ids.parse_alias, "abc"),
        (ids.parse_alias, "a" * 63),
        (ids.parse_entity_name, "a"),
        (ids.parse_entity_name, "Read_+=,.@-2026" + "x" * 49),
        (ids.parse_channel_name, "a-B_9" * 25),
        (ids.parse_domain, "www.lumenwatch.example"),
        (ids.parse_domain, "xn--bcher-kva.example"),
    ],
)
def test_a_well_formed_id_is_taken_as_it_is(parse: Parser, text: str) -> None:
    assert parse(text, "field") == text


HOSTILE_ACCOUNTS = [
    "",
    ACCOUNT[:-1],
    ACCOUNT + "4",
    "１" * 12,  # noqa: RUF001  full-width digits
    "١" * 12,  # noqa: RUF001  Arabic-Indic digits
    "²" * 12,
    ACCOUNT + "\n",
    "\n" + ACCOUNT,
    " " + ACCOUNT,
    ACCOUNT[:6] + "\u200b" + ACCOUNT[6:],
    ACCOUNT[:-1] + "\x00",
    "-" + ACCOUNT[1:],
    "0x1111111111",
]


@pytest.mark.parametrize("text", HOSTILE_ACCOUNTS, ids=ascii)
def test_an_account_id_is_twelve_ascii_digits_and_nothing_else(text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        ids.parse_account_id(text, "OwnerAccountId")
    assert refusal.value.field == "OwnerAccountId"


def test_nobody_can_have_the_account_id_of_the_operator() -> None:
    with pytest.raises(BadInput):
        ids.parse_account_id(ids.OPERATOR_ACCOUNT)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (ids.parse_alias, "ab"),
        (ids.parse_alias, "a" * 64),
        (ids.parse_alias, "-ab"),
        (ids.parse_alias, "ab-"),
        (ids.parse_alias, "Abc"),
        (ids.parse_alias, "abc\n"),
        (ids.parse_alias, "аbc"),  # noqa: RUF001  a Cyrillic letter
        (ids.parse_entity_name, ""),
        (ids.parse_entity_name, "a" * 65),
        (ids.parse_entity_name, "a/b"),
        (ids.parse_entity_name, "a b"),
        (ids.parse_entity_name, "a\n"),
        (ids.parse_entity_name, "ü"),
        (ids.parse_entity_name, "../x"),
        (ids.parse_channel_name, "a:b"),
        (ids.parse_channel_name, "a/b"),
        (ids.parse_channel_name, "a" * 129),
        (ids.parse_channel_name, "a\n"),
        (ids.parse_domain, "localhost"),
        (ids.parse_domain, "Example.com"),
        (ids.parse_domain, "example.com."),
        (ids.parse_domain, "example.com\n"),
        (ids.parse_domain, "-a.example"),
        (ids.parse_domain, "a..example"),
        (ids.parse_domain, "127.0.0.1"),
        (ids.parse_domain, "example.com:443"),
        (ids.parse_domain, "user@example.com"),
        (ids.parse_domain, "exämple.com"),
        (ids.parse_domain, "a" * 64 + ".example"),
        (ids.parse_domain, ("a" * 60 + ".") * 5 + "example"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or ascii(value),
)
def test_a_name_of_another_form_is_refused_by_the_field_it_came_in(parse: Parser, text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse(text, "the-field")
    assert refusal.value.field == "the-field"
    assert "`the-field`" in str(refusal.value)


@pytest.mark.parametrize("text", [REQUEST, "a" * 16, "A_-9" * 32])
def test_what_could_be_a_request_id_is_looked_up(text: str) -> None:
    assert ids.is_request_id(text)


@pytest.mark.parametrize(
    "text",
    ["", "a" * 15, "a" * 129, REQUEST + "\n", REQUEST[:-1] + "é", REQUEST + "/..", REQUEST + "%", "ａ" * 16],  # noqa: RUF001  a full-width letter
    ids=lambda value: getattr(value, "__name__", None) or ascii(value),
)
def test_what_could_not_be_a_request_id_is_not_looked_up(text: str) -> None:
    assert not ids.is_request_id(text)
