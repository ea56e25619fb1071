"""The canonical form: each trap of spelling, and the promise that every changed byte is noticed."""

import dataclasses

import pytest

from workflows.credentials.canonical import (
    HttpRequest,
    canonical_headers,
    canonical_path,
    canonical_query,
    canonical_request,
    fold,
)
from workflows.errors import IncompleteSignature


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"/", b"/"),
        (b"/a/b/", b"/a/b/"),
        (b"/a~b-c_d.e", b"/a~b-c_d.e"),
        (b"/a+b", b"/a%2Bb"),
        (b"/a%20b", b"/a%2520b"),
        (b"/%c3%a9", b"/%25c3%25a9"),
        (b"/%C3%A9", b"/%25C3%25A9"),
        ("/é".encode(), b"/%C3%A9"),
        (b"/...", b"/..."),
        (b"/a:b=c", b"/a%3Ab%3Dc"),
    ],
)
def test_a_path_is_percent_encoded_once_more_as_it_stands(raw: bytes, canonical: bytes) -> None:
    assert canonical_path(raw) == canonical


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"a",
        b"//",
        b"//a",
        b"/a//b",
        b"/a//",
        b"/.",
        b"/..",
        b"/a/../b",
        b"/a/./b",
        b"/%2e%2E/a",
        b"/a%2Fb",
        b"/a%2fb",
        b"/a\\b",
        b"/a%5Cb",
        b"/a%",
        b"/a%4",
        b"/a%zz",
        b"/a b",
        b"/a\nb",
        b"/a?b",
        b"/a#b",
        b"/\x00",
        b"http://x/",
    ],
)
def test_a_path_with_two_readings_is_refused(raw: bytes) -> None:
    with pytest.raises(IncompleteSignature):
        canonical_path(raw)


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"", b""),
        (b"b=2&a=1", b"a=1&b=2"),
        (b"a=2&a=1&a=10", b"a=1&a=10&a=2"),
        (b"a", b"a="),
        (b"a=", b"a="),
        (b"a=b=c", b"a=b=c"),
        (b"=v", b"=v"),
        (b"&", b"=&="),
        (b"B=1&a=1", b"B=1&a=1"),
        (b"a-b=1&a=1", b"a=1&a-b=1"),
        ("%C3%A9=1&z=ü".encode(), "%C3%A9=1&z=ü".encode()),
    ],
)
def test_a_query_is_sorted_by_name_and_value_and_otherwise_untouched(raw: bytes, canonical: bytes) -> None:
    assert canonical_query(raw) == canonical


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"a=b+c", b"a=b%20c"),
        (b"a=%2f", b"a=%2F"),
        (b"a=~", b"a=%7E"),
        (b"a=b%20c", b"a=b%2520c"),
        (b"a=/", b"a=%2F"),
    ],
)
def test_two_spellings_of_a_query_do_not_share_a_signature(one: bytes, other: bytes) -> None:
    assert canonical_query(one) != canonical_query(other)


@pytest.mark.parametrize("raw", [b"a=b c", b"a=1\nhost:x", b"a=\x7f", b"a#b"])
def test_a_query_that_would_imitate_other_lines_is_refused(raw: bytes) -> None:
    with pytest.raises(IncompleteSignature):
        canonical_query(raw)


@pytest.mark.parametrize(
    ("raw", "folded"),
    [
        (b"  a   b  ", b"a b"),
        (b"\ta\t \tb\t", b"a b"),
        (b'"a   b"', b'"a b"'),
        (b"", b""),
        (b" \t ", b""),
        (b"a\xa0 b", b"a\xa0 b"),
    ],
)
def test_blanks_and_tabs_of_a_header_value_are_folded_and_nothing_else_is(raw: bytes, folded: bytes) -> None:
    assert fold(raw) == folded


def test_the_values_of_a_repeated_header_are_joined_in_the_order_of_arrival() -> None:
    request = HttpRequest("GET", b"/", b"", [(b"a", b" 2"), (b"b", b"x"), (b"a", b"1  1")], b"")
    assert canonical_headers(request, ["a", "b"]) == b"a:2,1 1\nb:x\n"


@pytest.mark.parametrize("value", [b"x\ny:1", b"x\r", b"\x00", b"\x0b", b"\x7f"])
def test_a_header_value_that_would_imitate_another_line_is_refused(value: bytes) -> None:
    with pytest.raises(IncompleteSignature, match="control"):
        canonical_headers(HttpRequest("GET", b"/", b"", [(b"a", value)], b""), ["a"])


@pytest.mark.parametrize("method", ["", "post", "POST\n/", "PÖST", "P" * 17])
def test_a_method_that_is_none_is_refused(method: str) -> None:
    with pytest.raises(IncompleteSignature, match="method"):
        canonical_request(HttpRequest(method, b"/", b"", [], b""), [], "0")


def test_the_canonical_request_is_the_one_of_the_published_example() -> None:
    # "get-vanilla" of the test suite that AWS published for Signature Version 4.
    request = HttpRequest(
        "GET", b"/", b"", [(b"host", b"example.amazonaws.com"), (b"x-amz-date", b"20150830T123600Z")], b""
    )
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    lines = canonical_request(request, ["host", "x-amz-date"], empty).decode().split("\n")
    assert lines == [
        "GET",
        "/",
        "",
        "host:example.amazonaws.com",
        "x-amz-date:20150830T123600Z",
        "",
        "host;x-amz-date",
        empty,
    ]


def test_a_request_is_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        HttpRequest("GET", b"/", b"", [], b"").body = b"x"  # type: ignore[misc]
