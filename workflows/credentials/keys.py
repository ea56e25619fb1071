"""Access keys: ids, secrets, and how secrets are kept.

Two designs, on purpose. A long-lived secret is random and sealed (AES-256-GCM) with the row it belongs to as
associated data, so that a blob moved to another row does not open. A session's secret and token are derived from a
master key and the access key id and are stored nowhere; the row alone decides whether they are accepted.
"""

import base64
import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workflows.errors import SealBroken
from workflows.ids import AccessKeyId, PrincipalId
from workflows.ports import Entropy, Keyring

LONG_LIVED_PREFIX: Final = "AKIA"
SESSION_PREFIX: Final = "ASIA"
_ID_BYTES: Final = 10
_SECRET_BYTES: Final = 30
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


def _random_id(entropy: Entropy, prefix: str) -> str:
    return prefix + base64.b32encode(entropy.token_bytes(_ID_BYTES)).decode("ascii")


def new_access_key_id(entropy: Entropy, *, session: bool) -> AccessKeyId:
    """Return a fresh access key id with 80 random bits: `ASIA…` for a session, `AKIA…` otherwise."""
    return AccessKeyId(_random_id(entropy, SESSION_PREFIX if session else LONG_LIVED_PREFIX))


def new_principal_id(entropy: Entropy, prefix: str = "AIDA") -> PrincipalId:
    """Return a fresh immutable principal id."""
    return PrincipalId(_random_id(entropy, prefix))


def new_secret(entropy: Entropy) -> str:
    """Return a fresh 40-character secret access key with 240 random bits."""
    return base64.b64encode(entropy.token_bytes(_SECRET_BYTES)).decode("ascii")


def derive(keyring: Keyring, key_id: str, purpose: str, context: str) -> bytes:
    """Return 32 bytes bound to a master key, a purpose and a context (HKDF, RFC 5869)."""
    info = f"daypass/{purpose}/v1/{context}".encode()
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(keyring.master(key_id))


def seal(keyring: Keyring, entropy: Entropy, plain: bytes, *, purpose: str, owner: str) -> bytes:
    """Return `plain` sealed under the newest master key for one purpose and one owning row."""
    key_id = keyring.newest
    nonce = entropy.token_bytes(_NONCE_BYTES)
    header = f"v1.{key_id}.".encode()
    key = derive(keyring, key_id, f"seal/{purpose}", owner)
    return header + nonce + AESGCM(key).encrypt(nonce, plain, header + owner.encode())


def unseal(keyring: Keyring, blob: bytes, *, purpose: str, owner: str) -> bytes:
    """Return what was sealed for this purpose and owner; raises `SealBroken` when it does not open."""
    version, _, rest = blob.partition(b".")
    key_name, separator, body = rest.partition(b".")
    if version != b"v1" or not separator:
        raise SealBroken(f"a sealed {purpose} has no readable header")
    header = version + b"." + key_name + b"."
    key = derive(keyring, key_name.decode("ascii", "replace"), f"seal/{purpose}", owner)
    try:
        return AESGCM(key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], header + owner.encode())
    except (InvalidTag, ValueError):
        raise SealBroken(
            f"a sealed {purpose} does not open under key `{key_name.decode('ascii', 'replace')}`"
        ) from None


def session_secret(keyring: Keyring, key_id: str, access_key_id: AccessKeyId) -> str:
    """Return the 40-character secret of a session, derived from the master key `key_id` and the access key id."""
    secret = derive(keyring, key_id, "session-secret", access_key_id)[:_SECRET_BYTES]
    return base64.b64encode(secret).decode("ascii")


def session_token(keyring: Keyring, key_id: str, access_key_id: AccessKeyId) -> str:
    """Return the session token that belongs to this access key id; it carries nothing but its own proof."""
    proof = derive(keyring, key_id, "session-token", access_key_id)
    return f"dps1.{access_key_id}.{base64.urlsafe_b64encode(proof).rstrip(b'=').decode('ascii')}"


def access_key_id_of_token(token: str) -> AccessKeyId | None:
    """Return the access key id that a session token claims to belong to, unproven, or None if it is no such token."""
    version, _, rest = token.partition(".")
    access_key_id, separator, _ = rest.partition(".")
    return AccessKeyId(access_key_id) if version == "dps1" and separator else None


def same_text(one: str, other: str) -> bool:
    """Compare two secrets whole and in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def key_check(keyring: Keyring, key_id: str, deployment_id: str) -> str:
    """Return a value that only this master key makes for this deployment, safe to keep in its database."""
    return hashlib.sha256(derive(keyring, key_id, "key-check", deployment_id)).hexdigest()
