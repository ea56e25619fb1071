"""The AWS endpoint: one raw ASGI callable that authenticates, dispatches and owns all of its errors.

Order: size, then signature, then what the form means. It looks at raw bytes only, never at cookies.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import structlog
from anyio import CapacityLimiter, to_thread
from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send

from service.aws import account, analyzer, form, iam, model, policies, query, rest, roles, simulator, sts
from service.aws.protocol import ProtocolError, malformed
from service.aws.xml import render_error, render_result
from service.circumstances import Disconnected, TooLarge, call_of, new_call_id, read_limited
from service.db.store import SqlStore
from service.failures import face_of, json_name_of, safe_message
from service.ledger import Ledger
from service.observe.metrics import AWS_CALLS
from service.signing import Signatures, Signed
from service.throttle import Throttles
from workflows.authentication import confirm
from workflows.callers import Call, CallerKind
from workflows.credentials.sigv4 import HttpRequest
from workflows.errors import (
    DomainError,
    IncompleteSignature,
    Throttled,
    Unavailable,
)
from workflows.ports import Expectation, Ports, Store

_BODY_LIMIT: Final = 256 * 1024
# A simulation carries whole policy documents, as does what looks at them. A larger form has to begin with what it
# calls; it takes no second Action, so that no other operation can be smuggled in behind it.
_LARGE_BODY_LIMIT: Final = 1024 * 1024
_LARGE_BODIES: Final = (b"Action=SimulateCustomPolicy&", b"Action=SimulatePrincipalPolicy&")
_MOST_HEADERS: Final = 64
_HEADER_BYTES: Final = 16 * 1024
_SERVICES: Final = frozenset({"iam", "sts"})
_REST_SERVICES: Final = frozenset({rest.SERVICE})
_XML: Final = b"text/xml"
_JSON: Final = b"application/json"

Handler = Callable[[Ports, Call, Mapping[str, object]], Mapping[str, object]]
HANDLERS: Final[Mapping[str, Handler]] = {
    **iam.HANDLERS,
    **roles.HANDLERS,
    **policies.HANDLERS,
    **account.HANDLERS,
    **sts.HANDLERS,
    **simulator.HANDLERS,
    **analyzer.HANDLERS,
}
# What does little but write goes from the event loop straight to the writing thread, if its form is short and begins
# with what it calls, and if who signed it is known already. All else, and all that is odd, goes through a worker.
_HANDED_OVER: Final[Mapping[str, Callable[[Call, Mapping[str, object]], Expectation]]] = {
    "GetDelegatedAccessToken": sts.expected_of_exchange,
}
_HANDED_OVER_BODIES: Final = tuple(f"Action={name}&".encode() for name in _HANDED_OVER)
_HANDED_OVER_LIMIT: Final = 4 * 1024
_ASIDE: Final = frozenset({*simulator.HANDLERS, *analyzer.HANDLERS})
# What looks at policies takes a lane of its own, so that approving, revoking and trading never queue behind them.
_SIMULATED_AT_ONCE: Final = 2
_SIMULATIONS_IN_ALL: Final = 32

_log = structlog.get_logger(__name__)


class Answer:
    """What goes back: status, body of a type, further headers, and what the log may say of it."""

    def __init__(
        self, status: int, body: bytes, call_id: str, *, kind: bytes = _XML, more: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        self.status, self.body, self.call_id = status, body, call_id
        self._kind, self._more = kind, more

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the response headers; answers carry secrets, so none may be stored."""
        return [
            (b"content-type", self._kind),
            (b"content-length", str(len(self.body)).encode()),
            (b"x-amzn-requestid", self.call_id.encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *self._more,
        ]


@dataclass(slots=True)
class _Seen:
    """What is known of a call so far, for its log line."""

    call_id: str
    is_rest: bool
    service: str = "iam"
    action: str | None = None
    principal: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call that was authenticated and read, and is still to be answered."""

    operation: model.Operation
    call: Call
    given: Mapping[str, object]


def _limit_of(beginning: bytes) -> int:
    """How large a form may grow that begins like this."""
    return _LARGE_BODY_LIMIT if beginning.startswith(_LARGE_BODIES) else _BODY_LIMIT


def _code_of(failure: DomainError | ProtocolError, *, is_rest: bool) -> str:
    if isinstance(failure, ProtocolError):
        return failure.code
    return json_name_of(failure)[1] if is_rest else face_of(failure).aws_code


class Gateway:
    """`POST /` of the service's port, and the paths of `rest`, for boto3, aws-cli and every other AWS client."""

    def __init__(
        self, ports: Ports, writer: SqlStore, signatures: Signatures, throttles: Throttles, ledger: Ledger
    ) -> None:
        self._ports, self._writer = ports, writer
        self._signatures, self._throttles, self._ledger = signatures, throttles, ledger
        self._lane, self._simulations = CapacityLimiter(_SIMULATED_AT_ONCE), 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; anything else is closed."""
        if scope["type"] != ScopeType.HTTP:
            await send({"type": "websocket.close", "code": 1000, "reason": None})
            return
        seen = _Seen(new_call_id(self._ports), rest.claims(scope.get("raw_path") or b"/"))
        try:
            most = _LARGE_BODY_LIMIT if seen.is_rest else _BODY_LIMIT
            body = await read_limited(receive, most, raised=_limit_of)
        except Disconnected:
            return
        except TooLarge:
            problem = f"a request has at most {_BODY_LIMIT} bytes, a simulation {_LARGE_BODY_LIMIT}"
            answer = self._refusal(ProtocolError("RequestEntityTooLarge", 413, problem), seen)
        else:
            answer = await self._answered(scope, body, seen)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})

    async def unavailable(self, scope: HTTPScope, send: Send, problem: str) -> None:
        """Answer that nothing is answered now, in the form that AWS clients try again on."""
        seen = _Seen(new_call_id(self._ports), rest.claims(scope.get("raw_path") or b"/"))
        answer = self._refusal(Unavailable(problem), seen)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})

    async def _answered(self, scope: HTTPScope, body: bytes, seen: _Seen) -> Answer:
        """Return the answer to one request whose body was read whole."""
        if body.startswith(_HANDED_OVER_BODIES) and len(body) <= _HANDED_OVER_LIMIT and not seen.is_rest:
            try:
                if (recalled := self._read_at_once(scope, body, seen)) is not None:
                    return await self._handed_over(*recalled, seen)
            except Exception as failure:  # noqa: BLE001  the last resort: an answer in the wire's own form
                return self._logged(self._failed(failure, seen), seen)
        begun = await to_thread.run_sync(self._begin, scope, body, seen)
        if isinstance(begun, Answer):
            return begun
        # Only the event loop counts, so no two can take the last place.
        if self._simulations >= _SIMULATIONS_IN_ALL:
            return self._logged(self._failed(Throttled("Rate exceeded"), seen), seen)
        self._simulations += 1
        try:
            return await to_thread.run_sync(self._finish, begun, seen, limiter=self._lane)
        finally:
            self._simulations -= 1

    def _begin(self, scope: HTTPScope, body: bytes, seen: _Seen) -> Answer | _Asked:
        """Return the answer, or of what looks at policies the call that is to be answered in its lane."""
        try:
            asked = self._read(scope, body, seen)
            if asked.operation.name in _ASIDE:
                return asked
        except Exception as failure:  # noqa: BLE001  the last resort: an answer in the wire's own form
            return self._logged(self._failed(failure, seen), seen)
        return self._finish(asked, seen)

    async def _handed_over(self, asked: _Asked, authority: int, seen: _Seen) -> Answer:
        """Return the answer to a call that the writing thread carries out; raises what the call raises.

        Its caller was recalled under this count of authority, and is confirmed where the call is carried out.
        """
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Mapping[str, object]] = loop.create_future()

        def act(store: Store) -> Mapping[str, object]:
            store.read(lambda tx: confirm(tx, self._ports, asked.call.caller, authority))
            return HANDLERS[asked.operation.name](replace(self._ports, store=store), asked.call, asked.given)

        def resolve(result: Mapping[str, object] | None, failure: BaseException | None) -> None:
            if answered.done():
                return
            if failure is not None:
                answered.set_exception(failure)
            else:
                answered.set_result(result or {})

        def tell(result: Mapping[str, object] | None, failure: BaseException | None) -> None:
            # A loop that is closed has nobody waiting on it.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(resolve, result, failure)

        expected = _HANDED_OVER[asked.operation.name](asked.call, asked.given)
        self._writer.hand_over(act, tell, expected=expected)
        result = await answered
        self._count(asked)
        return self._logged(self._result(asked.operation, result, seen), seen)

    def _finish(self, asked: _Asked, seen: _Seen) -> Answer:
        try:
            result = HANDLERS[asked.operation.name](self._ports, asked.call, asked.given)
            self._count(asked)
            answer = self._result(asked.operation, result, seen)
        except Exception as failure:  # noqa: BLE001  the last resort: an answer in the wire's own form
            answer = self._failed(failure, seen)
        return self._logged(answer, seen)

    def _count(self, asked: _Asked) -> None:
        """Note a call that succeeded: for the grant of a delegated session, for anybody else's principal and key."""
        caller, now = asked.call.caller, self._ports.clock.now()
        action = f"{asked.operation.service}:{asked.operation.name}"
        if caller.kind is CallerKind.SESSION:
            self._ledger.note(caller.grant_id or "", action, now)
            return
        self._ledger.note(caller.principal_id, action, now)
        if caller.kind is not CallerKind.ROLE and caller.credential:
            self._ledger.note(caller.credential, action, now)

    def _failed(self, failure: Exception, seen: _Seen) -> Answer:
        if isinstance(failure, (DomainError, ProtocolError)):
            seen.code = _code_of(failure, is_rest=seen.is_rest)
        else:
            _log.error("aws.failed", call=seen.call_id, action=seen.action, exc_info=failure)
        if isinstance(failure, DomainError) and seen.principal:
            self._throttles.after(failure, seen.principal)
        return self._refusal(failure, seen)

    @staticmethod
    def _logged(answer: Answer, seen: _Seen) -> Answer:
        AWS_CALLS.labels(seen.action or "-", seen.code or "-").inc()
        _log.info(
            "aws.call",
            call=seen.call_id,
            action=seen.action,
            principal=seen.principal,
            status=answer.status,
            code=seen.code,
        )
        return answer

    def _read(self, scope: HTTPScope, body: bytes, seen: _Seen) -> _Asked:
        """Return what an authenticated call asks; what was learnt on the way is in `seen`, also when this raises."""
        request = _request_of(scope, body)
        signed = self._signatures.caller_of(request, _REST_SERVICES if seen.is_rest else _SERVICES)
        return self._asked(scope, request, signed, seen)

    def _read_at_once(self, scope: HTTPScope, body: bytes, seen: _Seen) -> tuple[_Asked, int] | None:
        """Return what a call asks whose signer is recalled, and under which authority; None when nobody is.

        Waits for nothing.
        """
        request = _request_of(scope, body)
        recalled = self._signatures.recalled(request, _SERVICES)
        if recalled is None:
            return None
        signed, authority = recalled
        return self._asked(scope, request, signed, seen), authority

    def _asked(self, scope: HTTPScope, request: HttpRequest, signed: Signed, seen: _Seen) -> _Asked:
        seen.service, seen.principal = signed.service, signed.caller.principal_id
        operation, read = rest.called_by(request) if seen.is_rest else _called_by(request)
        seen.action = operation.name
        if operation.service != signed.service:
            raise IncompleteSignature(f"Credential should be scoped to correct service: '{operation.service}'")
        call = call_of(scope, signed.caller, seen.call_id, wire="aws", signature=signed.signature)
        self._throttles.before(operation.name, call.caller.principal_id)
        return _Asked(operation, call, read())

    @staticmethod
    def _result(operation: model.Operation, result: Mapping[str, object], seen: _Seen) -> Answer:
        if seen.is_rest:
            return Answer(200, rest.render_result(operation, result), seen.call_id, kind=_JSON)
        return Answer(200, render_result(operation, result, seen.call_id), seen.call_id)

    @staticmethod
    def _refusal(failure: Exception, seen: _Seen) -> Answer:
        if seen.is_rest:
            status, headers, body = rest.render_error(failure)
            return Answer(status, body, seen.call_id, kind=_JSON, more=headers)
        if isinstance(failure, ProtocolError):
            status, code, sender, message = failure.status, failure.code, True, failure.message
        else:
            face = face_of(failure)
            status, code, sender = face.aws_status, face.aws_code, face.sender
            message = safe_message(failure)
        body = render_error(service=seen.service, code=code, message=message, sender=sender, request_id=seen.call_id)
        return Answer(status, body, seen.call_id)


def _request_of(scope: HTTPScope, body: bytes) -> HttpRequest:
    headers = list(scope["headers"])
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > _MOST_HEADERS or size > _HEADER_BYTES:
        problem = f"a request has at most {_MOST_HEADERS} headers of {_HEADER_BYTES} bytes together"
        raise ProtocolError("RequestHeaderFieldsTooLarge", 431, problem)
    return HttpRequest(
        method=scope["method"],
        raw_path=scope.get("raw_path") or b"/",
        query_string=scope["query_string"],
        headers=[(bytes(name), bytes(value)) for name, value in headers],
        body=body,
    )


def _called_by(request: HttpRequest) -> tuple[model.Operation, Callable[[], Mapping[str, object]]]:
    """Return the operation that the body names and what reads its input; all but a form posted to `/` is refused."""
    if request.raw_path != b"/":
        raise ProtocolError("NotFound", 404, "this endpoint has no other path than /")
    if request.method != "POST":
        raise ProtocolError("MethodNotAllowed", 405, "operations are posted as a form")
    if request.query_string:
        raise malformed("operations and their parameters belong in the body, not in the address")
    content_type = next((value for name, value in request.headers if name == b"content-type"), None)
    parameters = form.parse_form(request.body, content_type)
    operation = model.named_in(parameters)
    if operation.name not in HANDLERS:
        raise ProtocolError("InvalidAction", 400, f"Could not find operation {operation.name}")
    return operation, partial(query.read_input, operation, parameters)
