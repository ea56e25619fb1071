"""An authenticator in software: makes passkeys and signs challenges the way a browser's answer carries them."""

import base64
import hashlib
import json
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT_AND_VERIFIED = 0x05
_WITH_CREDENTIAL = 0x40


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


class SoftAuthenticator:
    """One passkey of one origin; `flags` and `origin` can be made to lie."""

    def __init__(self, origin: str, *, name: bytes = b"soft-credential-1") -> None:
        self.origin, self.credential, self.count = origin, name, 0
        self.flags = _PRESENT_AND_VERIFIED
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._host = origin.split("//")[1].split(":", maxsplit=1)[0]

    def _client_data(self, kind: str, challenge: bytes) -> bytes:
        return json.dumps({"type": kind, "challenge": _text(challenge), "origin": self.origin}).encode()

    def _data(self, flags: int) -> bytes:
        self.count += 1
        return hashlib.sha256(self._host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _answer(self, **response: str) -> str:
        inner: dict[str, Any] = {"id": _text(self.credential), "rawId": _text(self.credential), "type": "public-key"}
        return json.dumps({**inner, "clientExtensionResults": {}, "response": response})

    def enrol(self, challenge: bytes) -> str:
        """The browser's answer to an enrolment."""
        numbers = self._key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = b"\0" * 16 + len(self.credential).to_bytes(2, "big") + self.credential + key
        data = self._data(self.flags | _WITH_CREDENTIAL) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client_data("webauthn.create", challenge)
        return self._answer(clientDataJSON=_text(client), attestationObject=_text(statement))

    def sign(self, challenge: bytes) -> str:
        """The browser's answer to a challenge."""
        client, data = self._client_data("webauthn.get", challenge), self._data(self.flags)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=_text(client), authenticatorData=_text(data), signature=_text(signature))
