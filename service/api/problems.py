"""Failures as problem+json (RFC 9457): type, title, status, detail, and the id of the call."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from service import views
from service.failures import Face, face_of, safe_message
from workflows.errors import BadInput, DomainError, ReviewRefused

_MEDIA_TYPE: Final = "application/problem+json"
# How the framework reports a body that is missing altogether, and the decoder a member that is.
_NO_BODY: Final = "'data'"
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_log = structlog.get_logger(__name__)

AnyRequest = Request[Any, Any, Any]


def _problem(status: int, slug: str, title: str, detail: str, **more: object) -> Response[bytes]:
    body = {"type": f"urn:daypass:problem:{slug}", "title": title, "status": status, "detail": detail, **more}
    headers = {"cache-control": "no-store"}
    if status == 401:  # noqa: PLR2004  RFC 9110, section 15.5.2 asks for the challenge
        headers["www-authenticate"] = 'Bearer realm="daypass"'
    return Response(msgspec.json.encode(body), status_code=status, media_type=_MEDIA_TYPE, headers=headers)


def domain_problem(_request: AnyRequest, failure: DomainError) -> Response[bytes]:
    """Show a domain error."""
    face: Face = face_of(failure)
    more: Mapping[str, object] = {"field": failure.field} if isinstance(failure, BadInput) else {}
    if isinstance(failure, ReviewRefused):
        more = {"findings": views.accepted_findings(failure.findings)}
    if not face.sender:
        _log.error("api.failed", error=type(failure).__name__, status=face.status)
    return _problem(face.status, face.problem, face.title, safe_message(failure), **more)


def _named(item: Mapping[str, Any]) -> dict[str, str]:
    """Return one error with the field that is wrong and what about it."""
    field, problem = str(item.get("key", "body")), str(item.get("message", "is wrong"))
    if problem == _NO_BODY:
        return {"field": "body", "problem": "is empty; this call needs a JSON object"}
    if missing := _MISSING.fullmatch(problem):
        inside = "" if field == "body" else f"{field}."
        return {"field": f"{inside}{missing[1]}", "problem": "is required"}
    return {"field": field, "problem": problem}


def validation_problem(_request: AnyRequest, failure: ValidationException) -> Response[bytes]:
    """Show what is wrong with a body or a parameter, field by field."""
    extra = failure.extra if isinstance(failure.extra, list) else []
    errors = [_named(item) for item in extra if isinstance(item, dict)]
    detail = "; ".join(f"`{one['field']}`: {one['problem']}" for one in errors) or str(failure.detail)
    return _problem(400, "invalid-input", "A field is wrong", detail, errors=errors)


def http_problem(_request: AnyRequest, failure: HTTPException) -> Response[bytes]:
    """Show a failure of the protocol: no such path, wrong method, too large, not JSON."""
    status = failure.status_code
    detail = str(failure.detail) if status < 500 else safe_message(failure)  # noqa: PLR2004  status classes
    return _problem(status, "http", type(failure).__name__.removesuffix("Exception"), detail)


def unexpected_problem(_request: AnyRequest, failure: Exception) -> Response[bytes]:
    """Show that something failed, and nothing of what."""
    _log.error("api.failed", exc_info=failure)
    face = face_of(failure)
    return _problem(face.status, face.problem, face.title, safe_message(failure))


HANDLERS: Final[Mapping[int | type[Exception], Callable[[AnyRequest, Any], Response[bytes]]]] = {
    DomainError: domain_problem,
    ValidationException: validation_problem,
    HTTPException: http_problem,
    Exception: unexpected_problem,
}
