"""The one place where a signed request becomes a caller, for every route that accepts signatures.

The order matters: the claim's form, then its secret, then the signature; only then is anything said about the
credential. Derived signing keys are cached, the standing of a credential never is.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from workflows.authentication import candidate_for
from workflows.callers import Caller
from workflows.credentials.sigv4 import Claim, HttpRequest, SigningRules, read_claim, signing_key, verify
from workflows.errors import IncompleteSignature, SignatureMismatch, UnknownCredential
from workflows.ports import Ports


@dataclass(frozen=True, slots=True)
class Signed:
    """An authenticated caller, the service its signature names, and a hash that stands for this very signature."""

    caller: Caller
    service: str
    signature: str


class Signatures:
    """Verifies signatures for the configured hosts."""

    def __init__(self, ports: Ports, *, hosts: frozenset[str], window: timedelta) -> None:
        self._ports, self._hosts, self._window = ports, hosts, window
        self._signing_key = lru_cache(maxsize=4096)(signing_key)

    def caller_of(self, request: HttpRequest, services: frozenset[str]) -> Signed:
        """Return who signed this request for one of `services`; raises the `Unauthenticated` that fits."""
        claim = read_claim(request)
        if claim.service not in services:
            accepted = "' or '".join(sorted(services))
            raise IncompleteSignature(f"the credential must be scoped to the service '{accepted}'")
        candidate = self._ports.store.read(
            lambda tx: candidate_for(tx, self._ports, claim.access_key_id, claim.session_token),
        )
        rules = SigningRules(hosts=self._hosts, services=services, window=self._window)
        try:
            verify(
                request,
                claim,
                secret=candidate.secret,
                now=self._ports.clock.now(),
                rules=rules,
                key_for=self._key,
            )
        except SignatureMismatch:
            # An unknown key went through the same work; AWS tells the two cases apart by code alone.
            raise (SignatureMismatch() if candidate.known else UnknownCredential()) from None
        if candidate.refusal is not None or candidate.caller is None:
            raise candidate.refusal or UnknownCredential
        scope = f"{claim.access_key_id}/{claim.signature}"
        return Signed(candidate.caller, claim.service, hashlib.sha256(scope.encode()).hexdigest())

    def _key(self, secret: str, claim: Claim) -> bytes:
        return self._signing_key(secret, claim.date, claim.region, claim.service)
