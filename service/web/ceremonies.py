"""What the browser is asked when a passkey is to be made or used, as JSON for the page's form."""

import base64
import json
from collections.abc import Sequence
from typing import Final

from service.web.visits import Visit
from workflows.records.account import Principal
from workflows.records.sign_in import Challenge, Passkey
from workflows.step_up import challenge_bytes

_TIMEOUT: Final = 300_000
# EdDSA, ES256, RS256: what the verifier accepts.
_ALGORITHMS: Final = (-8, -7, -257)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _listed(passkeys: Sequence[Passkey]) -> list[dict[str, str]]:
    return [{"type": "public-key", "id": one.id} for one in passkeys]


def using(visit: Visit, challenge: Challenge, passkeys: Sequence[Passkey]) -> str:
    """Return the question to one of these passkeys; the person has to be verified."""
    return json.dumps(
        {
            "challenge": _text(challenge_bytes(challenge)),
            "rpId": visit.site.host,
            "allowCredentials": _listed(passkeys),
            "userVerification": "required",
            "timeout": _TIMEOUT,
        },
    )


def making(visit: Visit, challenge: Challenge, principal: Principal, passkeys: Sequence[Passkey]) -> str:
    """Return the question for a new passkey of this principal, on an authenticator that has none yet."""
    name = f"{principal.name}@{visit.place or principal.account_id}"
    return json.dumps(
        {
            "challenge": _text(challenge_bytes(challenge)),
            "rp": {"id": visit.site.host, "name": "Daypass"},
            "user": {"id": _text(principal.id.encode()), "name": name, "displayName": name},
            "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in _ALGORITHMS],
            "excludeCredentials": _listed(passkeys),
            "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
            "attestation": "none",
            "timeout": _TIMEOUT,
        },
    )
