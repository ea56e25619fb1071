"""WebAuthn behind the `Authenticators` port. Relying party and origin come from the settings, never from a header."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from webauthn import base64url_to_bytes, verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_authenticator_data,
    parse_client_data_json,
    verify_signature,
)
from webauthn.helpers.exceptions import WebAuthnException

from workflows.errors import StepUpRefused
from workflows.ports import Enrolled, Signed

_LONGEST: Final = 16_384
_UNREADABLE: Final = "its answer cannot be read"


@dataclass(frozen=True, slots=True)
class WebAuthn:
    """Passkeys of one origin, such as `https://daypass.example.com`."""

    origin: str

    @property
    def rp_id(self) -> str:
        """The name that passkeys are bound to: the origin's host."""
        return urlsplit(self.origin).hostname or ""

    def credential_id(self, response: str) -> str:
        """Return the credential id that an answer claims to come from; raises `StepUpRefused` if it is none."""
        return str(_read(response)["id"])

    def enrolled(self, response: str, challenge: bytes) -> Enrolled:
        """Return the passkey that an answer to an enrolment brings."""
        try:
            verified = verify_registration_response(
                credential=_read(response),
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, InvalidSignature, ValueError, KeyError, TypeError) as failure:
            raise StepUpRefused(_reason(failure)) from None
        return Enrolled(
            bytes_to_base64url(verified.credential_id),
            verified.credential_public_key,
            verified.sign_count,
        )

    def signed(self, response: str, challenge: bytes, public_key: bytes) -> Signed:
        """Return what was signed with the key, the person having been verified by the authenticator."""
        answer = _read(response)
        try:
            verified = verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=self.origin,
                credential_public_key=public_key,
                # The domain judges the counter: synced passkeys may step back.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
            inner = answer["response"]
            return Signed(
                client_data=base64url_to_bytes(inner["clientDataJSON"]),
                authenticator_data=base64url_to_bytes(inner["authenticatorData"]),
                signature=base64url_to_bytes(inner["signature"]),
                sign_count=verified.new_sign_count,
            )
        except (WebAuthnException, InvalidSignature, ValueError, KeyError, TypeError) as failure:
            raise StepUpRefused(_reason(failure)) from None

    def holds(self, signed: Signed, challenge: bytes, public_key: bytes) -> bool:
        """Tell whether stored bytes are a signature of this key over this challenge, now as then.

        The origin is not compared: a deployment may have moved since.
        """
        try:
            client = parse_client_data_json(signed.client_data)
            flags = parse_authenticator_data(signed.authenticator_data).flags
            key = decode_credential_public_key(public_key)
            covered = signed.authenticator_data + hashlib.sha256(signed.client_data).digest()
            verify_signature(
                public_key=decoded_public_key_to_cryptography(key),
                signature_alg=key.alg,
                signature=signed.signature,
                data=covered,
            )
        except (WebAuthnException, InvalidSignature, ValueError, KeyError, TypeError):
            return False
        return client.type == "webauthn.get" and client.challenge == challenge and flags.up and flags.uv


def _read(response: str) -> dict[str, Any]:
    """Return the browser's JSON; raises `StepUpRefused` for anything else."""
    if not response or len(response) > _LONGEST:
        raise StepUpRefused(_UNREADABLE)
    try:
        answer = json.loads(response)
    except (ValueError, RecursionError):
        raise StepUpRefused(_UNREADABLE) from None
    if not isinstance(answer, dict) or not isinstance(answer.get("id"), str):
        raise StepUpRefused(_UNREADABLE)
    return answer


def _reason(failure: Exception) -> str:
    # The library's messages name what differs, and can hold bytes of the answer: only the kind is told.
    return f"its answer is not one to this question ({type(failure).__name__})"
