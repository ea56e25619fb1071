"""The receiving side of Signature Version 4, one rule at a time."""

import dataclasses
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from workflows.credentials.sigv4 import Claim, HttpRequest, SigningRules, read_claim, signing_key, verify
from workflows.errors import IncompleteSignature, MissingAuthentication, SignatureExpired, SignatureMismatch

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RULES = SigningRules(hosts=frozenset({"daypass.example", "[::1]:8443"}), services=frozenset({"iam", "sts"}))
FORM = b"application/x-www-form-urlencoded; charset=utf-8"
BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
Headers = dict[str, bytes]


def headers(**changes: bytes | None) -> Headers:
    given: dict[str, bytes | None] = {
        "content-type": FORM,
        "host": b"daypass.example",
        "x-amz-date": b"20260102T030405Z",
    }
    given |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in given.items() if value is not None}


def sign(
    of: Headers | None = None,
    *,
    signed: tuple[str, ...] | None = None,
    body: bytes = BODY,
    path: bytes = b"/",
    query: bytes = b"",
    stamp: str = "20260102T030405Z",
    service: str = "sts",
    secret: str = SECRET,
) -> HttpRequest:
    """A request signed by the book, with nothing checked: the signer may break any rule that it wants to."""
    of = headers() if of is None else of
    names = tuple(sorted(of)) if signed is None else signed
    pairs = sorted(pair.partition(b"=")[::2] for pair in query.split(b"&")) if query else []
    canonical = b"\n".join(
        [
            b"POST",
            quote(path, safe="/~").encode(),
            b"&".join(b"=".join(pair) for pair in pairs),
            *(name.encode() + b":" + b" ".join(of.get(name, b"").split()) for name in names),
            b"",
            ";".join(names).encode(),
            hashlib.sha256(body).hexdigest().encode(),
        ]
    )
    scope = f"{stamp[:8]}/eu-west-1/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
    key = signing_key(secret, stamp[:8], "eu-west-1", service)
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    sent = [(name.encode(), value) for name, value in of.items()]
    return HttpRequest("POST", path, query, [*sent, (b"authorization", authorization.encode())], body)


def check(request: HttpRequest, *, now: datetime = NOW, rules: SigningRules = RULES, secret: str = SECRET) -> Claim:
    claim = read_claim(request)
    verify(request, claim, secret=secret, now=now, rules=rules)
    return claim


def with_authorization(old: str, new: str) -> HttpRequest:
    request = sign()
    *rest, (name, value) = request.headers
    assert old.encode() in value
    return dataclasses.replace(request, headers=[*rest, (name, value.replace(old.encode(), new.encode()))])


def test_a_request_signed_by_the_book_is_accepted_and_its_claim_is_told() -> None:
    claim = check(sign(headers(x_amz_security_token=b"token/+=")))
    assert (claim.access_key_id, claim.date, claim.region, claim.service) == (
        "AKIAIOSFODNN7EXAMPLE",
        "20260102",
        "eu-west-1",
        "sts",
    )
    assert claim.signed_at == NOW
    assert claim.session_token == "token/+="
    assert claim.signed_headers == ("content-type", "host", "x-amz-date", "x-amz-security-token")
    assert "token/+=" not in repr(claim)


def test_the_signing_key_is_the_one_of_the_published_example() -> None:
    # The worked example of the AWS guide to Signature Version 4 (service iam).
    key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam")
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


def test_a_request_without_any_credential_is_missing_one() -> None:
    with pytest.raises(MissingAuthentication):
        read_claim(HttpRequest("POST", b"/", b"", [(b"host", b"daypass.example")], BODY))


def test_two_authorization_headers_are_refused() -> None:
    request = sign()
    twice = dataclasses.replace(request, headers=[*request.headers, request.headers[-1]])
    with pytest.raises(IncompleteSignature, match="more than one"):
        read_claim(twice)


@pytest.mark.parametrize(
    "query",
    [
        b"X-Amz-Signature=0",
        b"a=1&x-amz-credential=k",
        b"X%2dAmz%2DAlgorithm=AWS4-HMAC-SHA256",
        b"X-Amz-Security-Token",
        b"AWSAccessKeyId=k",
        b"Signature=s",
        b"X-Amz-SignedHeaders=host",
    ],
)
@pytest.mark.parametrize("beside_a_header", [True, False])
def test_a_signature_in_the_query_string_is_refused(query: bytes, beside_a_header: bool) -> None:  # noqa: FBT001  parametrized
    request = sign(query=query)
    if not beside_a_header:
        request = dataclasses.replace(request, headers=request.headers[:-1])
    with pytest.raises(IncompleteSignature, match="query string"):
        read_claim(request)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA1 "),
        ("AWS4-HMAC-SHA256 ", "aws4-hmac-sha256 "),
        ("AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 "),
        ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256\t"),
        ("AWS4-HMAC-SHA256 ", "Bearer "),
        ("AWS4-HMAC-SHA256 ", ""),
        ("/aws4_request", "/AWS4_REQUEST"),
        ("/aws4_request", "/aws4_request/x"),
        ("/eu-west-1", ""),
        ("/eu-west-1", "/"),
        ("/eu-west-1", "/EU-west-1"),
        ("/eu-west-1", "/" + "a" * 33),
        ("/20260102", "/\uff12\uff10260102"),
        ("/20260102", "/2026012"),
        ("Credential=AKIAIOSFODNN7EXAMPLE", "Credential="),
        ("Credential=AKIAIOSFODNN7EXAMPLE", "Credential=AKIA IOSFODNN7EXAMPLE"),
        ("Credential=", "credential="),
        ("SignedHeaders=content-type;host;x-amz-date, ", ""),
        ("SignedHeaders=content-type;host;x-amz-date", "SignedHeaders=host;content-type;x-amz-date"),
        ("SignedHeaders=content-type;host;x-amz-date", "SignedHeaders=content-type;host;host;x-amz-date"),
        ("SignedHeaders=content-type;host;x-amz-date", "SignedHeaders=Content-Type;host;x-amz-date"),
        ("SignedHeaders=content-type;host;x-amz-date", "SignedHeaders=content-type;;host;x-amz-date"),
        ("SignedHeaders=content-type;host;x-amz-date", "SignedHeaders=content-type;host;x-amz-date;"),
        ("SignedHeaders=content-type;host;x-amz-date", "SignedHeaders="),
        ("SignedHeaders=", "SignedHeaders=authorization;"),
        ("Signature=", "Signature=0"),
        ("Signature=", "Extra=1, Signature="),
        ("Signature=", "Signature=1, Signature="),
    ],
)
def test_a_malformed_authorization_header_is_refused(old: str, new: str) -> None:
    with pytest.raises(IncompleteSignature):
        read_claim(with_authorization(old, new))


def test_an_upper_case_signature_is_refused() -> None:
    request = sign()
    *rest, (name, value) = request.headers
    head, _, signature = value.rpartition(b"=")
    with pytest.raises(IncompleteSignature):
        read_claim(dataclasses.replace(request, headers=[*rest, (name, head + b"=" + signature.upper() + b"A")]))


def test_the_parts_of_the_authorization_header_may_stand_without_blanks() -> None:
    assert check(with_authorization(", ", ",")).service == "sts"


def test_the_parts_of_the_scope_decide_the_key() -> None:
    with pytest.raises(SignatureMismatch):
        check(with_authorization("/eu-west-1/", "/us-east-1/"))
    with pytest.raises(SignatureMismatch):
        check(with_authorization("/sts/", "/iam/"))


@pytest.mark.parametrize(
    "leave_out",
    ["host", "content-type", "x-amz-date", "x-amz-security-token", "x-amz-anything"],
)
def test_a_header_with_a_meaning_that_is_not_signed_is_refused(leave_out: str) -> None:
    of = headers(x_amz_security_token=b"t", x_amz_anything=b"1")
    with pytest.raises(IncompleteSignature, match=leave_out):
        read_claim(sign(of, signed=tuple(sorted(of.keys() - {leave_out}))))


def test_headers_that_proxies_and_retries_write_may_stay_unsigned() -> None:
    of = headers(x_amzn_trace_id=b"Root=1", amz_sdk_request=b"attempt=1", amz_sdk_invocation_id=b"1", user_agent=b"u")
    check(sign(of, signed=("content-type", "host", "x-amz-date")))


def test_the_content_type_of_an_empty_body_may_stay_unsigned() -> None:
    check(sign(body=b"", signed=("host", "x-amz-date")))


def test_a_signed_header_that_is_not_there_is_refused() -> None:
    with pytest.raises(IncompleteSignature, match="x-extra"):
        check(sign(signed=("content-type", "host", "x-amz-date", "x-extra")))


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-security-token", "content-type", "x-amz-content-sha256"])
def test_a_header_with_one_meaning_given_twice_is_refused(name: str) -> None:
    request = sign(headers(x_amz_security_token=b"t"))
    doubled = dataclasses.replace(request, headers=[*request.headers, *[(name.encode(), b"x")] * 2])
    with pytest.raises(IncompleteSignature, match="more than once"):
        read_claim(doubled)


def test_a_body_under_a_content_encoding_is_refused() -> None:
    with pytest.raises(IncompleteSignature, match="content-encoding"):
        check(sign(headers(content_encoding=b"gzip")))


def test_a_declared_body_hash_has_to_be_the_hash_of_the_body() -> None:
    right = hashlib.sha256(BODY).hexdigest().encode()
    check(sign(headers(x_amz_content_sha256=right)))
    with pytest.raises(SignatureMismatch):
        check(sign(headers(x_amz_content_sha256=hashlib.sha256(b"").hexdigest().encode())))


@pytest.mark.parametrize(
    "declared",
    [
        b"UNSIGNED-PAYLOAD",
        b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        b"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        b"",
        b"00",
    ],
)
def test_a_body_that_is_not_under_the_signature_is_refused(declared: bytes) -> None:
    with pytest.raises(IncompleteSignature, match="x-amz-content-sha256"):
        check(sign(headers(x_amz_content_sha256=declared)))


@pytest.mark.parametrize(
    "host", [b"iam.amazonaws.com", b"daypass.example:443", b"daypass.example.", b"xdaypass.example", b""]
)
def test_a_request_signed_for_another_host_is_refused(host: bytes) -> None:
    with pytest.raises(IncompleteSignature, match="host"):
        check(sign(headers(host=host)))


def test_a_request_without_a_host_is_refused_whatever_it_says_to_have_signed() -> None:
    with pytest.raises(IncompleteSignature, match="host"):
        check(sign(headers(host=None), signed=("content-type", "host", "x-amz-date")))


@pytest.mark.parametrize("host", [b"Daypass.Example", b" daypass.example ", b"[::1]:8443"])
def test_every_spelling_of_our_own_host_is_accepted(host: bytes) -> None:
    check(sign(headers(host=host)))


def test_a_credential_for_another_service_is_refused() -> None:
    with pytest.raises(IncompleteSignature, match="service"):
        check(sign(service="s3"))


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-01-02T03:04:05Z",
        "20260102T030405",
        "20260102T0304056",
        "20261302T030405Z",
        "00000102T030405Z",
        "",
        "é",
    ],
)
def test_a_timestamp_that_is_none_is_refused(stamp: str) -> None:
    with pytest.raises(IncompleteSignature):
        read_claim(sign(headers(x_amz_date=stamp.encode())))


def test_the_date_of_the_scope_has_to_be_the_date_of_the_timestamp() -> None:
    with pytest.raises(IncompleteSignature, match="scope"):
        read_claim(sign(headers(x_amz_date=b"20260103T030405Z")))


@pytest.mark.parametrize("zone", [b"GMT", b"-0000", b"+0000"])
def test_a_signed_date_header_serves_where_x_amz_date_is_absent(zone: bytes) -> None:
    claim = check(sign(headers(x_amz_date=None, date=b"Fri, 02 Jan 2026 03:04:05 " + zone)))
    assert claim.signed_at == NOW


@pytest.mark.parametrize(
    "text",
    [
        b"Fri, 02 Jan 2026 03:04:05 CET",
        b"Fri, 02 Foo 2026 03:04:05 GMT",
        b"02 Jan 2026",
        b"",
        b"20260102T030405Z",
    ],
)
def test_a_date_header_of_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(IncompleteSignature, match="timestamp"):
        read_claim(sign(headers(x_amz_date=None, date=text)))


def test_an_unsigned_date_header_is_no_timestamp() -> None:
    of = headers(x_amz_date=None, date=b"Fri, 02 Jan 2026 03:04:05 GMT")
    with pytest.raises(IncompleteSignature, match="x-amz-date"):
        read_claim(sign(of, signed=("content-type", "host")))


WINDOW = timedelta(minutes=15)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize("now", [NOW - WINDOW, NOW, NOW + WINDOW])
def test_a_signature_is_good_up_to_both_ends_of_the_window(now: datetime) -> None:
    check(sign(), now=now)


@pytest.mark.parametrize(
    ("now", "message"),
    [(NOW + WINDOW + TICK, "expired: 20260102T030405Z"), (NOW - WINDOW - TICK, "not yet current")],
)
def test_a_signature_outside_the_window_is_refused(now: datetime, message: str) -> None:
    with pytest.raises(SignatureExpired, match=message):
        check(sign(), now=now)


def test_the_window_is_the_one_of_the_rules() -> None:
    narrow = dataclasses.replace(RULES, window=timedelta(minutes=5))
    with pytest.raises(SignatureExpired, match=r"\(20260102T030906Z - 5 min\.\)"):
        check(sign(), now=NOW + timedelta(minutes=5, seconds=1), rules=narrow)


@pytest.mark.parametrize("token", [b"", b"  ", b"two words", b"t\xc3\xa9"])
def test_a_session_token_that_cannot_be_one_is_refused(token: bytes) -> None:
    with pytest.raises(IncompleteSignature, match="security-token"):
        read_claim(sign(headers(x_amz_security_token=token)))


def test_another_secret_does_not_match() -> None:
    with pytest.raises(SignatureMismatch):
        check(sign(), secret=SECRET.lower())


def test_a_caller_may_serve_derived_keys_from_a_cache() -> None:
    request, asked = sign(), list[tuple[str, str]]()

    def cached(secret: str, claim: Claim) -> bytes:
        asked.append((secret, claim.access_key_id))
        return signing_key(secret, claim.date, claim.region, claim.service)

    claim = read_claim(request)
    verify(request, claim, secret=SECRET, now=NOW, rules=RULES, key_for=cached)
    assert asked == [(SECRET, "AKIAIOSFODNN7EXAMPLE")]
    with pytest.raises(SignatureMismatch):
        verify(request, claim, secret=SECRET, now=NOW, rules=RULES, key_for=lambda *_: b"wrong")


def test_a_refusal_never_repeats_what_was_signed() -> None:
    with pytest.raises(SignatureMismatch) as refused:
        check(dataclasses.replace(sign(), body=b"Action=other"))
    assert refused.value.__context__ is None
    assert not any(word in str(refused.value) for word in ("Action", "AWS4", "POST", "host:"))
