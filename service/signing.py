"""The one place where a signed request becomes a caller, for every route that accepts signatures.

The order matters: the claim's form, then its secret, then the signature; only then is anything said about the
credential. Derived signing keys are cached, the standing of a credential never is: who is recalled without a look at
the store has to be confirmed in the transaction that acts (`workflows.authentication.confirm`).
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

from workflows.authentication import Candidate, candidate_for, deployment_of
from workflows.callers import Caller
from workflows.credentials.sigv4 import Claim, HttpRequest, SigningRules, read_claim, signing_key, verify
from workflows.errors import IncompleteSignature, SignatureMismatch, UnknownCredential
from workflows.ports import Ports, Reading

_MOST_RECALLED: Final = 1024


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
        self._seen: OrderedDict[str, tuple[int, Candidate]] = OrderedDict()
        self._lock = threading.Lock()

    def caller_of(self, request: HttpRequest, services: frozenset[str]) -> Signed:
        """Return who signed this request for one of `services`; raises the `Unauthenticated` that fits."""
        claim = self._claim_of(request, services)

        def look(tx: Reading) -> tuple[int, Candidate]:
            found = candidate_for(tx, self._ports, claim.access_key_id, claim.session_token)
            return deployment_of(tx).authority, found

        authority, candidate = self._ports.store.read(look)
        signed = self._verified(request, claim, candidate)
        if claim.session_token is None:
            with self._lock:
                self._seen[claim.access_key_id] = (authority, candidate)
                if len(self._seen) > _MOST_RECALLED:
                    self._seen.popitem(last=False)
        return signed

    def recalled(self, request: HttpRequest, services: frozenset[str]) -> tuple[Signed, int] | None:
        """Return who signed this request, with the count of authority under which that was true; None if unknown.

        Nothing is looked up, so that this can be asked where nothing may wait. Only who holds a long-lived key is
        recalled, and only a signature that is good; raises the `Unauthenticated` that fits a malformed one.
        """
        claim = self._claim_of(request, services)
        with self._lock:
            seen = self._seen.get(claim.access_key_id)
        if seen is None or claim.session_token is not None:
            return None
        authority, candidate = seen
        try:
            return self._verified(request, claim, candidate), authority
        except SignatureMismatch:
            return None

    @staticmethod
    def _claim_of(request: HttpRequest, services: frozenset[str]) -> Claim:
        claim = read_claim(request)
        if claim.service not in services:
            accepted = "' or '".join(sorted(services))
            raise IncompleteSignature(f"the credential must be scoped to the service '{accepted}'")
        return claim

    def _verified(self, request: HttpRequest, claim: Claim, candidate: Candidate) -> Signed:
        services = frozenset({claim.service})
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
