"""Signature Version 4, the receiving side: what a request claims about its signer, and whether it is true.

Only the Authorization header is read; a signature in the query string is refused. `read_claim` judges the
form of the request alone, so that the caller can look up the secret in between; `verify` judges it against
the secret, the clock and the names of this service. Neither puts the canonical request or any part of the
secret into an error.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final
from urllib.parse import unquote_to_bytes

from workflows.credentials.canonical import HttpRequest, body_hash, canonical_request
from workflows.errors import IncompleteSignature, MissingAuthentication, SignatureExpired, SignatureMismatch

__all__ = ["Claim", "HttpRequest", "SigningRules", "read_claim", "signing_key", "verify"]

ALGORITHM: Final = "AWS4-HMAC-SHA256"
_TERMINATOR: Final = "aws4_request"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_PARTS: Final = frozenset({"Credential", "SignedHeaders", "Signature"})
_SCOPE: Final = re.compile(r"(\w{1,128})/([0-9]{8})/([a-z0-9-]{1,32})/([a-z0-9-]{1,32})/aws4_request", re.ASCII)
_HEADER_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,256}")
_HEX_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_AMZ_DATE: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
# RFC 9110 says GMT; botocore writes the RFC 5322 zone of a time without place, -0000.
_HTTP_DATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), "
    r"([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}) (?:GMT|[+-]0000)"
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# One meaning each: a second copy would let two readers of the request disagree.
_AT_MOST_ONCE: Final = (
    b"host",
    b"x-amz-date",
    b"date",
    b"x-amz-security-token",
    b"x-amz-content-sha256",
    b"content-type",
)
_QUERY_CREDENTIALS: Final = frozenset(
    {
        b"x-amz-algorithm",
        b"x-amz-credential",
        b"x-amz-signature",
        b"x-amz-signedheaders",
        b"x-amz-security-token",
        b"x-amz-date",
        b"x-amz-expires",
        b"awsaccesskeyid",
        b"signature",
    }
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a signed request says about its signer; nothing of it is proven before `verify` has returned."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_at: datetime
    signed_headers: tuple[str, ...]
    signature: str
    session_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SigningRules:
    """What this deployment accepts: its host names (lower-case, with a port unless default) and services.

    `window` limits the distance between the signing time and now, in both directions; its ends are inside.
    """

    hosts: frozenset[str]
    services: frozenset[str]
    window: timedelta = timedelta(minutes=15)


def read_claim(request: HttpRequest) -> Claim:
    """What the request claims about its signer, read from its headers; the secret is not needed yet.

    Raises `MissingAuthentication` when there is no credential at all, and `IncompleteSignature` when there
    is more than one, when one is malformed, or when the signature leaves out a header that it has to cover.
    """
    access_key_id, date, region, service, names, signature = _read_authorization(_one_authorization(request))
    for name in _AT_MOST_ONCE:
        if len(request.values_of(name)) > 1:
            raise IncompleteSignature(f"the header `{name.decode()}` is present more than once")
    if request.values_of(b"content-encoding"):
        raise IncompleteSignature("a request with `content-encoding` is not accepted")
    _check_coverage(request, frozenset(names))
    signed_at = _read_time(request, names)
    if signed_at.strftime("%Y%m%d") != date:
        raise IncompleteSignature("the date of the credential scope is not the date of the timestamp")
    return Claim(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        signed_at=signed_at,
        signed_headers=names,
        signature=signature,
        session_token=_read_token(request),
    )


def verify(
    request: HttpRequest,
    claim: Claim,
    *,
    secret: str,
    now: datetime,
    rules: SigningRules,
    key_for: Callable[[str, Claim], bytes] | None = None,
) -> None:
    """Returns only if the holder of `secret` signed exactly this request, for this service, about now.

    `claim` must come from `read_claim` of the same request. `key_for(secret, claim)` may serve derived keys
    from a cache; without it they are derived each time. Raises `IncompleteSignature` for a request
    addressed to somebody else, `SignatureExpired` outside the window, and `SignatureMismatch` otherwise.
    """
    _check_address(request, claim, rules)
    _check_window(claim, now, rules.window)
    payload_hash = body_hash(request.body)
    matches = _declared_hash(request) in (None, payload_hash)
    scope = f"{claim.date}/{claim.region}/{claim.service}/{_TERMINATOR}"
    canonical = canonical_request(request, claim.signed_headers, payload_hash)
    to_sign = "\n".join(
        (ALGORITHM, claim.signed_at.strftime(_STAMP), scope, hashlib.sha256(canonical).hexdigest()),
    )
    key = key_for(secret, claim) if key_for else signing_key(secret, claim.date, claim.region, claim.service)
    ours = hmac.new(key, to_sign.encode("ascii"), hashlib.sha256).hexdigest()
    if not (hmac.compare_digest(ours, claim.signature) and matches):
        raise SignatureMismatch


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key that a secret yields for one day (YYYYMMDD), region and service."""
    key = b"AWS4" + secret.encode("utf-8")
    for part in (date, region, service, _TERMINATOR):
        key = hmac.new(key, part.encode("utf-8"), hashlib.sha256).digest()
    return key


# --- the form of the request -----------------------------------------------------------------------------


def _one_authorization(request: HttpRequest) -> str:
    """The only credential of the request: one Authorization header and nothing in the query."""
    in_query = any(
        unquote_to_bytes(pair.partition(b"=")[0]).lower() in _QUERY_CREDENTIALS
        for pair in request.query_string.split(b"&")
    )
    given = request.values_of(b"authorization")
    if in_query:
        raise IncompleteSignature("a signature in the query string is not accepted; sign with the Authorization header")
    if not given:
        raise MissingAuthentication
    if len(given) > 1:
        raise IncompleteSignature("there is more than one Authorization header")
    return _ascii(given[0], "authorization")


def _read_authorization(text: str) -> tuple[str, str, str, str, tuple[str, ...], str]:
    """Key id, date, region, service, signed header names and signature of an Authorization header."""
    algorithm, _, rest = text.partition(" ")
    if algorithm != ALGORITHM:
        raise IncompleteSignature(f"the algorithm of the Authorization header is not {ALGORITHM}")
    pairs = [part.strip(" ").partition("=") for part in rest.split(",")]
    parts = {name: value for name, _, value in pairs}
    if len(pairs) != len(_PARTS) or parts.keys() != _PARTS:
        raise IncompleteSignature("the Authorization header needs Credential, SignedHeaders and Signature, once each")
    scope = _SCOPE.fullmatch(parts["Credential"])
    if scope is None:
        raise IncompleteSignature("Credential is not `key id/date/region/service/aws4_request`")
    if not _HEX_DIGEST.fullmatch(parts["Signature"]):
        raise IncompleteSignature("Signature is not 64 lower-case hexadecimal digits")
    key_id, date, region, service = scope.groups()
    return key_id, date, region, service, _read_names(parts["SignedHeaders"]), parts["Signature"]


def _read_names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(";"))
    if not all(map(_HEADER_NAME.fullmatch, names)) or "authorization" in names:
        raise IncompleteSignature("SignedHeaders is not a list of lower-case header names")
    if any(before >= after for before, after in pairwise(names)):
        raise IncompleteSignature("SignedHeaders is not sorted or names a header twice")
    return names


def _check_coverage(request: HttpRequest, signed: frozenset[str]) -> None:
    """Every header that could change the meaning of the request has to be under the signature.

    `x-amzn-trace-id` and `amz-sdk-*` are written by proxies and retries; they fall outside on purpose.
    """
    needed = {name for name, _ in request.headers if name.startswith(b"x-amz-")} | {b"host"}
    if request.body and request.values_of(b"content-type"):
        needed.add(b"content-type")
    for name in sorted(needed):
        if name.decode("latin-1") not in signed:
            raise IncompleteSignature(f"the header `{name.decode('ascii', 'backslashreplace')}` has to be signed")


def _read_time(request: HttpRequest, names: tuple[str, ...]) -> datetime:
    """The signing time in UTC, from `x-amz-date` or, without one, from a signed `date`."""
    if stamped := request.values_of(b"x-amz-date"):
        text = _ascii(stamped[0], "x-amz-date")
    elif (dated := request.values_of(b"date")) and "date" in names:
        text = _stamp_of_http_date(_ascii(dated[0], "date"))
    else:
        raise IncompleteSignature("the request needs a signed `x-amz-date` header")
    if _AMZ_DATE.fullmatch(text):
        with suppress(ValueError):
            # The form is checked above; this reads ISO 8601's basic form, and far quicker than strptime.
            return datetime.fromisoformat(text)
    raise IncompleteSignature("the timestamp is not a time such as 20260102T030405Z")


def _stamp_of_http_date(text: str) -> str:
    """A fixed-length HTTP date in the basic ISO form, or an empty text when it is none."""
    found = _HTTP_DATE.fullmatch(text)
    if found is None or found[2] not in _MONTHS:
        return ""
    year, clock = found[3].split(" ")
    return f"{year}{_MONTHS.index(found[2]) + 1:02}{found[1]}T{clock.replace(':', '')}Z"


def _read_token(request: HttpRequest) -> str | None:
    given = request.values_of(b"x-amz-security-token")
    if not given:
        return None
    token = _ascii(given[0], "x-amz-security-token")
    if not token or " " in token or "\t" in token:
        raise IncompleteSignature("the header `x-amz-security-token` is empty or contains white space")
    return token


def _ascii(value: bytes, name: str) -> str:
    try:
        return value.decode("ascii").strip(" \t")
    except UnicodeDecodeError:
        raise IncompleteSignature(f"the header `{name}` contains characters outside ASCII") from None


# --- the claim against this service ----------------------------------------------------------------------


def _check_address(request: HttpRequest, claim: Claim, rules: SigningRules) -> None:
    """A request signed for another host or service must not be of use here."""
    hosts = request.values_of(b"host")
    if len(hosts) != 1 or _ascii(hosts[0], "host").lower() not in rules.hosts:
        raise IncompleteSignature("the request was signed for a host that is not this service")
    if claim.service not in rules.services:
        raise IncompleteSignature("the credential is scoped to a service that is not offered here")


def _check_window(claim: Claim, now: datetime, window: timedelta) -> None:
    if abs(now - claim.signed_at) <= window:
        return
    signed, limit = claim.signed_at.strftime(_STAMP), int(window.total_seconds() // 60)
    if now - claim.signed_at > window:
        earliest, today = (now - window).strftime(_STAMP), now.strftime(_STAMP)
        raise SignatureExpired(
            f"Signature expired: {signed} is now earlier than {earliest} ({today} - {limit} min.)",
        )
    latest, today = (now + window).strftime(_STAMP), now.strftime(_STAMP)
    raise SignatureExpired(
        f"Signature not yet current: {signed} is still later than {latest} ({today} + {limit} min.)",
    )


def _declared_hash(request: HttpRequest) -> str | None:
    """The body hash that the client declared, if any; it is compared, never used."""
    given = request.values_of(b"x-amz-content-sha256")
    if not given:
        return None
    declared = _ascii(given[0], "x-amz-content-sha256")
    if not _HEX_DIGEST.fullmatch(declared):
        raise IncompleteSignature(
            "`x-amz-content-sha256` has to be the SHA-256 of the body; unsigned bodies are refused"
        )
    return declared
