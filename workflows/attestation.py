"""Reports that prove themselves: signed with Ed25519 (RFC 8032), verified with the report and a public key alone.

The private key is derived from a master key, so there is nothing more to keep or lose; the public key may be known.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from workflows.credentials.keys import derive
from workflows.errors import BadInput
from workflows.ports import Keyring

_PURPOSE: Final = "report-signature"
_DOMAIN: Final = b"daypass-report-v1\n"
_PARTS: Final = frozenset({"report", "key", "publicKey", "signature"})


def _private(keyring: Keyring, key_id: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(derive(keyring, key_id, _PURPOSE, ""))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _raw(text: str, field: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error, UnicodeEncodeError):
        raise BadInput(field, "is not base64url") from None


def public_key(keyring: Keyring) -> str:
    """Return the public key (base64url) that reports of the newest master key are verified with."""
    return _text(_private(keyring, keyring.newest).public_key().public_bytes_raw())


def _signed_bytes(report: Mapping[str, object]) -> bytes:
    return _DOMAIN + json.dumps(report, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def attested(keyring: Keyring, report: Mapping[str, object]) -> dict[str, Any]:
    """Return the report with its signature, and with the key that it can be verified with."""
    key_id = keyring.newest
    private = _private(keyring, key_id)
    signature = private.sign(_signed_bytes(report))
    key = _text(private.public_key().public_bytes_raw())
    return {"report": dict(report), "key": key_id, "publicKey": key, "signature": _text(signature)}


def verified(text: str, trusted_key: str) -> dict[str, Any]:
    """Return the report in a signed document; raises `BadInput` unless `trusted_key` signed exactly this.

    Needs no database and no master key. The key that the document names of itself proves nothing and is not used.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput("report", "is not JSON") from None
    if not isinstance(document, dict) or document.keys() != _PARTS or not isinstance(document["report"], dict):
        raise BadInput("report", f"has not exactly the members {', '.join(sorted(_PARTS))}")
    raw = _raw(trusted_key, "public key")
    try:
        key = Ed25519PublicKey.from_public_bytes(raw)
        key.verify(_raw(str(document["signature"]), "signature"), _signed_bytes(document["report"]))
    except (ValueError, InvalidSignature):
        raise BadInput("report", "was not signed by this key, or was changed since") from None
    return document["report"]
