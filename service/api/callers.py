"""Who is calling the JSON API: an API token as a bearer, or an AWS signature for the service `daypass`."""

from typing import Final

from anyio import to_thread
from litestar import Request
from litestar.datastructures import State
from litestar.types import HTTPScope

from service.circumstances import call_of, new_call_id
from service.signing import Signatures
from service.throttle import Throttles
from workflows.authentication import caller_of_token, note_use
from workflows.callers import Call, Caller
from workflows.credentials.sigv4 import HttpRequest
from workflows.errors import AccessDenied, DomainError, IncompleteSignature, MissingAuthentication
from workflows.ports import Ports

# `execute-api` is what generic signers use by default for an HTTP API.
_SERVICES: Final = frozenset({"daypass", "execute-api"})
_PRINCIPAL: Final = "principal_id"
# The throttled acts by the last part of their path; everything else counts as a look.
_ACTS: Final = {
    ("POST", "requests"): "CreateDelegationRequest",
    ("POST", "exchange"): "GetDelegatedAccessToken",
    ("POST", "reject"): "RejectDelegationRequest",
    ("POST", "revoke"): "RevokeDelegation",
}
_READING: Final = frozenset({"GET", "HEAD"})


class Callers:
    """Turns a request of the JSON API into a call."""

    def __init__(self, ports: Ports, signatures: Signatures, throttles: Throttles) -> None:
        self._ports, self._signatures, self._throttles = ports, signatures, throttles

    async def call_of(self, request: Request[object, object, State]) -> Call:
        """Return the authenticated call; raises `Unauthenticated`, or `AccessDenied` beyond a token's scopes."""
        body = await request.body()
        call = await to_thread.run_sync(self._authenticate, request.scope, body)
        request.state[_PRINCIPAL] = call.caller.principal_id
        self._throttles.before(_act_of(request.scope), call.caller.principal_id)
        return call

    def failed(self, request: Request[object, object, State], failure: DomainError) -> None:
        """Count a failure against the principal that met it, if the call was authenticated."""
        if principal := request.state.get(_PRINCIPAL):
            self._throttles.after(failure, principal)

    def _authenticate(self, scope: HTTPScope, body: bytes) -> Call:
        headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
        given = [value for name, value in headers if name == b"authorization"]
        if not given:
            raise MissingAuthentication
        if len(given) > 1:
            raise IncompleteSignature("the request has more than one Authorization header")
        call_id = new_call_id(self._ports)
        scheme, _, text = given[0].decode("latin-1").partition(" ")
        if scheme.lower() == "bearer":
            caller = self._bearer(text, scope["method"])
            return call_of(scope, caller, call_id, wire="api", signature=None)
        signed = self._signatures.caller_of(
            HttpRequest(
                method=scope["method"],
                raw_path=scope.get("raw_path") or b"/",
                query_string=scope["query_string"],
                headers=headers,
                body=body,
            ),
            _SERVICES,
        )
        return call_of(scope, signed.caller, call_id, wire="api", signature=signed.signature)

    def _bearer(self, token: str, method: str) -> Caller:
        caller, record = self._ports.store.read(lambda tx: caller_of_token(tx, self._ports, token))
        needed = "read" if method in _READING else "write"
        if needed not in caller.scopes:
            raise AccessDenied(
                principal=caller.arn,
                action=f"daypass:{method}",
                resource="*",
                because=f"because the API token has no `{needed}` scope",
            )
        note_use(self._ports, record)
        return caller


def _act_of(scope: HTTPScope) -> str:
    return _ACTS.get((scope["method"], scope["path"].rpartition("/")[2]), "")
