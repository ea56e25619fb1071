"""The canonical form of an HTTP request, as Signature Version 4 signs it.

It works on the bytes that the HTTP server received and never on values that a framework decoded and wrote
again, because two spellings of one meaning have two signatures. Where one signature would stand for two
spellings of a path, the request is refused instead. Nothing here decides whether a signature is good.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from workflows.errors import IncompleteSignature

# Control characters would let one header value imitate several lines of the canonical request; tab is legal
# (RFC 9110).
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# An encoded dot, slash or backslash means another path to whoever decodes it before routing.
_HIDDEN_SEPARATOR: Final = re.compile(rb"%(?:2e|2f|5c)|\\", re.IGNORECASE)
# A fragment or query mark inside the path would be split off by some parsers and not by others.
_OUTSIDE_A_PATH: Final = re.compile(rb"[\x00-\x20\x7f#?]")
_OUTSIDE_A_QUERY: Final = re.compile(rb"[\x00-\x20\x7f#]")
_METHOD: Final = re.compile(r"[A-Z]{1,16}")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request exactly as the HTTP server received it; header names are lower-case, as ASGI gives them."""

    method: str
    raw_path: bytes
    query_string: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def values_of(self, name: bytes) -> list[bytes]:
        """All values of a header, in order of arrival; `name` is lower-case."""
        return [value for given, value in self.headers if given == name]


def body_hash(body: bytes) -> str:
    """The lower-case hexadecimal SHA-256 of the bytes received, whatever the client says it is."""
    return hashlib.sha256(body).hexdigest()


def canonical_path(raw_path: bytes) -> bytes:
    """The path, percent-encoded once more, as every service but S3 signs it.

    Raises `IncompleteSignature` for a path that normalisation would change (dot segments, doubled slashes)
    or that reads differently once decoded, because its signature would also fit another path.
    """
    if not raw_path.startswith(b"/") or _OUTSIDE_A_PATH.search(raw_path):
        raise IncompleteSignature("the path is not an absolute path")
    inner = raw_path.split(b"/")[1:]
    if any(part in (b".", b"..") for part in inner) or b"" in inner[:-1]:
        raise IncompleteSignature("the path contains dot segments or empty segments; send it normalised")
    if _HIDDEN_SEPARATOR.search(raw_path) or _BAD_ESCAPE.search(raw_path):
        raise IncompleteSignature("the path contains an encoded separator or a broken percent escape")
    return quote(raw_path, safe="/~").encode("ascii")


def canonical_query(query_string: bytes) -> bytes:
    """The query as sent, its pairs sorted by name and then by value; a bare name gets an equals sign.

    Raises `IncompleteSignature` for blanks and control characters, which would imitate other lines of the
    canonical request. Nothing is decoded or encoded again: `+` and `%20`, or `%2f` and `%2F`, stay
    different (botocore signs so too).
    """
    if not query_string:
        return b""
    if _OUTSIDE_A_QUERY.search(query_string):
        raise IncompleteSignature("the query string contains blanks or control characters")
    pairs = sorted(pair.partition(b"=")[::2] for pair in query_string.split(b"&"))
    return b"&".join(name + b"=" + value for name, value in pairs)


def fold(value: bytes) -> bytes:
    """A header value without outer white space, each inner run of blanks and tabs as one space."""
    return b" ".join(part for part in value.replace(b"\t", b" ").split(b" ") if part)


def canonical_headers(request: HttpRequest, names: Iterable[str]) -> bytes:
    """The lines of the signed headers; the values of a repeated header are joined with commas as they came.

    Raises `IncompleteSignature` when a signed header is missing or carries control characters.
    """
    lines = []
    for name in names:
        values = request.values_of(name.encode("ascii"))
        if not values:
            raise IncompleteSignature(f"the header `{name}` is signed but not present")
        if any(_CONTROL.search(value) for value in values):
            raise IncompleteSignature(f"the header `{name}` contains control characters")
        lines.append(name.encode("ascii") + b":" + b",".join(map(fold, values)) + b"\n")
    return b"".join(lines)


def canonical_request(request: HttpRequest, signed_headers: Sequence[str], payload_hash: str) -> bytes:
    """The canonical request of the AWS Signature Version 4 guide; never shown to a caller."""
    if not _METHOD.fullmatch(request.method):
        raise IncompleteSignature("the method is not one of upper-case letters")
    return b"\n".join(
        (
            request.method.encode("ascii"),
            canonical_path(request.raw_path),
            canonical_query(request.query_string),
            canonical_headers(request, signed_headers),
            ";".join(signed_headers).encode("ascii"),
            payload_hash.encode("ascii"),
        )
    )
