"""Bearer secrets: exchange tokens, API tokens, and what browsers and links carry.

They are random, marked, checksummed, and kept only as hashes. The mark says what leaked and in which version; the
checksum lets a scanner tell a real one from a look-alike without asking us. High-entropy secrets need no slow hash.
"""

import base64
import hashlib
import zlib
from enum import StrEnum
from typing import Final

from workflows.ports import Entropy

_SECRET_BYTES: Final = 32
_BODY_LENGTH: Final = 43
_CHECK_LENGTH: Final = 8


class TokenMark(StrEnum):
    """What a bearer secret is for."""

    EXCHANGE = "dpx1"
    API = "dpa1"
    INVITATION = "dpi1"
    WEB = "dpw1"
    STATE = "dpo1"


def _check(text: str) -> str:
    return f"{zlib.crc32(text.encode()):0{_CHECK_LENGTH}x}"


def new_token(entropy: Entropy, mark: TokenMark) -> str:
    """Return a fresh token with 256 random bits: mark, body and checksum, joined by underscores."""
    body = base64.urlsafe_b64encode(entropy.token_bytes(_SECRET_BYTES)).rstrip(b"=").decode("ascii")
    text = f"{mark.value}_{body}"
    return f"{text}_{_check(text)}"


def well_formed(token: str, mark: TokenMark) -> bool:
    """Tell whether a text has the mark, length and checksum of such a token; nothing is said of its validity."""
    expected = len(mark.value) + 1 + _BODY_LENGTH + 1 + _CHECK_LENGTH
    if len(token) != expected or not token.isascii() or not token.startswith(f"{mark.value}_"):
        return False
    text, check = token[: -_CHECK_LENGTH - 1], token[-_CHECK_LENGTH:]
    return token[-_CHECK_LENGTH - 1] == "_" and check == _check(text)


def hash_of(token: str, deployment_id: str) -> str:
    """Return what is stored instead of a token; a hash made for one deployment means nothing in another."""
    return hashlib.sha256(f"daypass-token-v1/{deployment_id}/{token}".encode()).hexdigest()
