"""A form has one reading or none."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.aws.form import MAX_NAMES, parse_form
from service.aws.protocol import ProtocolError

TYPE = b"application/x-www-form-urlencoded; charset=utf-8"

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
values = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


@given(st.dictionaries(names, values, max_size=8))
def test_whatever_is_encoded_by_the_book_is_read_back(form: dict[str, str]) -> None:
    lower = [name.lower() for name in form]
    body = urlencode(form).encode()
    if len(set(lower)) < len(lower):
        with pytest.raises(ProtocolError):
            parse_form(body, TYPE)
    else:
        assert parse_form(body, TYPE) == form


def test_names_keep_the_order_of_the_body_and_values_may_be_empty() -> None:
    assert list(parse_form(b"b=&a=x=y&c=%3D+%2B%0a", TYPE).items()) == [
        ("b", ""),
        ("a", "x=y"),
        ("c", "= +\n"),
    ]


def test_an_empty_body_is_an_empty_form() -> None:
    assert parse_form(b"", TYPE) == {}


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/x-www-form-urlencoded",
        b"Application/X-WWW-Form-Urlencoded;charset=UTF-8",
        b'application/x-www-form-urlencoded ; charset="utf-8"',
    ],
)
def test_every_spelling_of_the_form_type_is_accepted(content_type: bytes) -> None:
    assert parse_form(b"a=1", content_type) == {"a": "1"}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        b"",
        b"application/json",
        b"multipart/form-data; boundary=x",
        b"application/x-www-form-urlencoded; charset=latin-1",
        b"application/x-www-form-urlencoded; charset=utf-8; charset=utf-8",
        b"application/x-www-form-urlencoded; charset=utf-8; x=y",
        b"application/x-www-form-urlencoded, text/plain",
        b"\xff",
    ],
)
def test_another_content_type_is_refused(content_type: bytes | None) -> None:
    with pytest.raises(ProtocolError) as refused:
        parse_form(b"a=1", content_type)
    assert (refused.value.code, refused.value.status) == ("MalformedQueryString", 404)


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&a=1",
        b"a=1&A=1",
        b"a=1&%61=2",
        b"Action=x&action=y",
        "é=1&É=2".encode(),
        b"a",
        b"a=1&",
        b"&a=1",
        b"a=1&&b=2",
        b"=1",
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"a=%u0041",
        b"a=\xff",
        b"a=%ff",
        b"a=%c3",
        b"a=%ed%a0%80",
        b"a=%c0%af",
        b"a=%f4%90%80%80",
        b"a=%00",
        b"%00=1",
        b"a=\x00",
        b"a=b c",
        b"a=b\n",
        b"a" * 513 + b"=1",
    ],
)
def test_a_body_with_two_readings_or_none_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError) as refused:
        parse_form(body, TYPE)
    assert (refused.value.code, refused.value.status) == ("MalformedQueryString", 404)


def test_the_number_of_names_is_limited() -> None:
    full = "&".join(f"n{at}=" for at in range(MAX_NAMES)).encode()
    assert len(parse_form(full, TYPE)) == MAX_NAMES
    with pytest.raises(ProtocolError, match="1000 names"):
        parse_form(full + b"&one=more", TYPE)


@given(st.binary(max_size=60) | st.text("ab=&%0123fF+.", max_size=40).map(str.encode), st.none() | st.just(TYPE))
def test_arbitrary_bytes_are_a_form_or_a_protocol_failure(body: bytes, content_type: bytes | None) -> None:
    try:
        form = parse_form(body, content_type)
    except ProtocolError:
        return
    assert not any("\0" in name + value for name, value in form.items())
    assert all(form)
