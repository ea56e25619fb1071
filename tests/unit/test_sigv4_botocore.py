"""Laws of the verifier with botocore's own signer on the other side."""

import dataclasses
from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.credentials.sigv4 import HttpRequest, SigningRules, read_claim, verify
from workflows.errors import IncompleteSignature, SignatureMismatch, Unauthenticated

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
HOST = "daypass.example:8443"
RULES = SigningRules(hosts=frozenset({HOST}), services=frozenset({"iam", "sts"}))

printable = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
secrets = st.text(printable, min_size=1, max_size=60)
tokens = st.none() | st.text(printable, min_size=1, max_size=80)
segments = (
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
    .filter(lambda text: not {"/", "\\", "."} & set(text))
    .map(lambda text: quote(text, safe="-_~"))
)
paths = st.builds(
    lambda parts, tail: "/" + "/".join(parts) + (tail if parts else ""),
    st.lists(segments),
    st.sampled_from(["", "/"]),
)
# A name that could be a credential of its own is refused before the signature is looked at.
query_texts = st.text(st.characters(codec="utf-8"), max_size=6).map(lambda text: quote(text, safe="-_.~"))
queries = st.lists(st.tuples(query_texts, query_texts), max_size=4).map(
    lambda pairs: "&".join(f"q{name}={value}" if value else f"q{name}" for name, value in pairs)
)
header_names = st.sampled_from(["x-amz-target", "x-extra", "accept", "x-amz-meta-a", "cache-control", "user-agent"])
header_values = st.text(st.sampled_from("ab,;=\"' \t~"), max_size=12)


def signed_by_botocore(
    *,
    secret: str,
    token: str | None = None,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    extra: dict[str, str] | None = None,
    body: bytes = b"",
    region: str = "eu-west-1",
    service: str = "iam",
) -> HttpRequest:
    """What a server would receive of a request that botocore signed."""
    url = f"https://{HOST}{path}" + (f"?{query}" if query else "")
    unsigned = AWSRequest(method=method, url=url, data=body, headers={"Content-Type": "text/plain", **(extra or {})})
    with patch.object(botocore.auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None)):
        SigV4Auth(Credentials(KEY_ID, secret, token), service, region).add_auth(unsigned)
    headers = [(name.lower().encode(), value.encode()) for name, value in unsigned.headers.items()]
    return HttpRequest(method, path.encode(), query.encode(), [(b"host", HOST.encode()), *headers], body)


def check(request: HttpRequest, secret: str, rules: SigningRules = RULES) -> None:
    verify(request, read_claim(request), secret=secret, now=NOW, rules=rules)


@settings(max_examples=300, deadline=None)
@given(
    secret=secrets,
    token=tokens,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    target=st.tuples(paths, queries),
    content=st.tuples(st.dictionaries(header_names, header_values, max_size=4), st.binary(max_size=200)),
    scope=st.tuples(st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True), st.sampled_from(["iam", "sts"])),
)
def test_whatever_botocore_signs_is_accepted(
    secret: str,
    token: str | None,
    method: str,
    target: tuple[str, str],
    content: tuple[dict[str, str], bytes],
    scope: tuple[str, str],
) -> None:
    (path, query), (extra, body), (region, service) = target, content, scope
    request = signed_by_botocore(
        secret=secret,
        token=token,
        method=method,
        path=path,
        query=query,
        extra=extra,
        body=body,
        region=region,
        service=service,
    )
    claim = read_claim(request)
    verify(request, claim, secret=secret, now=NOW, rules=RULES)
    assert (claim.access_key_id, claim.region, claim.service) == (KEY_ID, region, service)
    assert claim.session_token == token


EXAMPLE = signed_by_botocore(
    secret="s",
    token="tokenA",
    path="/requests/one",
    query="after=1&limit=20",
    extra={"x-amz-target": "t 1"},
    body=b"Action=AcceptDelegationRequest&Version=2010-05-08",
)
PARTS = ("method", "raw_path", "query_string", "body", *(name.decode() for name, _ in EXAMPLE.headers))


def flipped(part: str, at: int, change: int) -> HttpRequest:
    """The example with one byte of one part changed; `at` and `change` wrap around."""

    def flip(value: bytes) -> bytes:
        where = at % len(value)
        return value[:where] + bytes([value[where] ^ (1 + change % 255)]) + value[where + 1 :]

    if part == "method":
        return dataclasses.replace(EXAMPLE, method=flip(EXAMPLE.method.encode()).decode("latin-1"))
    if part == "raw_path":
        return dataclasses.replace(EXAMPLE, raw_path=flip(EXAMPLE.raw_path))
    if part == "query_string":
        return dataclasses.replace(EXAMPLE, query_string=flip(EXAMPLE.query_string))
    if part == "body":
        return dataclasses.replace(EXAMPLE, body=flip(EXAMPLE.body))
    headers = [(name, flip(value) if name.decode() == part else value) for name, value in EXAMPLE.headers]
    return dataclasses.replace(EXAMPLE, headers=headers)


def with_header(changed: bytes, to: bytes) -> HttpRequest:
    headers = [(name, to if name == changed else value) for name, value in EXAMPLE.headers]
    return dataclasses.replace(EXAMPLE, headers=headers)


def meaning(request: HttpRequest) -> object:
    """What a server may tell apart: a tab in a header value stands for a blank."""
    headers = [(name, value.replace(b"\t", b" ")) for name, value in request.headers]
    return request.method, request.raw_path, request.query_string, request.body, headers


@settings(max_examples=600, deadline=None)
@given(part=st.sampled_from(PARTS), at=st.integers(0, 400), change=st.integers(0, 254))
def test_no_byte_under_the_signature_can_be_changed(part: str, at: int, change: int) -> None:
    request = flipped(part, at, change)
    if meaning(request) == meaning(EXAMPLE):
        return
    if part == "authorization":
        # The key id is not signed: it only names the secret, and another name has another secret.
        check_or_other_key(request)
        return
    with pytest.raises(Unauthenticated) as refused:
        check(request, "s")
    if part == "body":
        assert isinstance(refused.value, SignatureMismatch)


def check_or_other_key(request: HttpRequest) -> None:
    with pytest.raises(Unauthenticated):
        check(request, "s" if read_claim(request).access_key_id == KEY_ID else "another")


@pytest.mark.parametrize(
    "changed",
    [
        dataclasses.replace(EXAMPLE, method="PUT"),
        dataclasses.replace(EXAMPLE, raw_path=b"/requests/two"),
        dataclasses.replace(EXAMPLE, query_string=b"after=2&limit=20"),
        dataclasses.replace(EXAMPLE, query_string=b""),
        dataclasses.replace(EXAMPLE, body=b""),
        with_header(b"x-amz-security-token", b"tokenB"),
        with_header(b"x-amz-target", b"t 2"),
        with_header(b"content-type", b"text/html"),
    ],
    ids=["method", "path", "query", "no query", "body", "token", "signed header", "content type"],
)
def test_a_well_formed_change_is_a_mismatch(changed: HttpRequest) -> None:
    check(EXAMPLE, "s")
    with pytest.raises(SignatureMismatch):
        check(changed, "s")


def test_the_host_is_under_the_signature_even_if_both_names_are_ours() -> None:
    both = dataclasses.replace(RULES, hosts=frozenset({HOST, "other.example"}))
    with pytest.raises(SignatureMismatch):
        check(with_header(b"host", b"other.example"), "s", both)


@settings(max_examples=300, deadline=None)
@given(
    method=st.text(max_size=5),
    path=st.binary(max_size=20),
    query=st.binary(max_size=20),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"host", b"authorization", b"x-amz-date", b"date", b"x-amz-\xff", b"content-type"]),
            st.binary(max_size=40) | st.sampled_from([value for _, value in EXAMPLE.headers]),
        ),
        max_size=6,
    ),
    body=st.binary(max_size=10),
)
def test_arbitrary_bytes_are_refused_in_words_of_the_domain(
    method: str, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    with pytest.raises(Unauthenticated):
        check(HttpRequest(method, path, query, headers, body), "s")


@pytest.mark.parametrize("path", ["/a//b", "/a/../b", "/./a", "/a%2Fb"])
def test_a_path_that_botocore_normalises_or_hides_is_refused(path: str) -> None:
    with pytest.raises(IncompleteSignature, match="path"):
        check(signed_by_botocore(secret="s", path=path), "s")
