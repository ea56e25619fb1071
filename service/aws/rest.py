"""The wire of AWS's services that speak JSON over paths of their own (rest-json), driven by botocore's model.

What there is of it is the part of Access Analyzer that looks at policy documents.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from botocore.loaders import Loader

from service.aws.model import Operation
from service.aws.protocol import ProtocolError
from service.aws.query import Node, read_tree
from service.aws.shapes import Description, ListOf, Scalar, Shape, Structure, build_shape
from service.failures import json_name_of, safe_message
from workflows.credentials.sigv4 import HttpRequest
from workflows.errors import BadInput, ConstraintViolation

SERVICE: Final = "access-analyzer"
"""The name in signatures and in the actions of policies."""

_MODEL: Final = ("accessanalyzer", "2019-11-01")
_OPERATIONS: Final = ("ValidatePolicy", "CheckNoNewAccess", "CheckAccessNotGranted", "CheckNoPublicAccess")
_MOST_IN_QUERY: Final = 8
_MOST_DEPTH: Final = 8
_NAMED: Final = re.compile(r"at '([^']*)' failed")
_INVALID: Final = "ValidationException"
_ERROR_HEADER: Final = b"x-amzn-errortype"


@dataclass(frozen=True, slots=True)
class Route:
    """An operation, how it is called, and which of its members stand in the query of the address."""

    operation: Operation
    method: str
    in_query: Mapping[str, str]


def claims(path: bytes) -> bool:
    """Tell whether a path, as it was sent, belongs to an operation here."""
    return path.decode("ascii", "replace") in _routes()


def called_by(request: HttpRequest) -> tuple[Operation, Callable[[], Mapping[str, object]]]:
    """Return what a request calls, and what reads its input; raises `ProtocolError`, as reading does."""
    route = _routes()[request.raw_path.decode("ascii", "replace")]
    if request.method != route.method:
        raise ProtocolError("UnknownOperationException", 405, f"this path is called with {route.method}")
    return route.operation, lambda: read_tree(route.operation, _tree(request, route))


def render_result(operation: Operation, result: Mapping[str, object]) -> bytes:
    """Return the answer as JSON, members that are None left out; raises `TypeError` where it is not the model's."""
    assert operation.output is not None
    return msgspec.json.encode(_shown(operation.output, result, operation.name))


def render_error(failure: Exception) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return status, further headers and body of a refusal."""
    if isinstance(failure, ProtocolError):
        status, code = failure.status, failure.code
        told: dict[str, object] = {"message": failure.message}
    else:
        status, code = json_name_of(failure)
        told = {"message": safe_message(failure)}
        if code == _INVALID:
            told |= {"reason": "fieldValidationFailed", "fieldList": _fields(failure)}
    return status, [(_ERROR_HEADER, code.encode("ascii"))], msgspec.json.encode(told)


def _fields(failure: Exception) -> list[dict[str, str]]:
    """The members that are at fault."""
    if isinstance(failure, BadInput):
        return [{"name": failure.field, "message": failure.problem}]
    violations = failure.violations if isinstance(failure, ConstraintViolation) else ()
    named = ((_NAMED.search(one), one) for one in violations)
    return [{"name": found[1] if found else "input", "message": one} for found, one in named]


# --- the model -------------------------------------------------------------------------------------------


@cache
def _routes() -> Mapping[str, Route]:
    """Every route by its path."""
    loader = Loader(include_default_search_paths=False, extra_search_paths=[Loader.BUILTIN_DATA_PATH])
    name, version = _MODEL
    model: Description = loader.load_service_model(name, "service-2", version)
    routes: dict[str, Route] = {}
    for each in _OPERATIONS:
        raw = model["operations"][each]
        routes[raw["http"]["requestUri"]] = _route(model, each, raw)
    return routes


def _route(model: Description, name: str, raw: Mapping[str, Any]) -> Route:
    given = model["shapes"][raw["input"]["shape"]]
    in_query = {
        reference["locationName"]: member
        for member, reference in given["members"].items()
        if reference.get("location") == "querystring"
    }
    members = {member: build_shape(model, reference["shape"]) for member, reference in given["members"].items()}
    output = build_shape(model, raw["output"]["shape"])
    assert isinstance(output, Structure)
    found = (model["shapes"][reference["shape"]] for reference in raw["errors"])
    errors = {
        reference["shape"]: shape["error"]["httpStatusCode"]
        for reference, shape in zip(raw["errors"], found, strict=True)
    }
    operation = Operation(
        name=name,
        service=SERVICE,
        version=_MODEL[1],
        namespace="",
        input=Structure(members, tuple(given.get("required", ()))),
        output=output,
        result_name="",
        errors=errors,
    )
    return Route(operation, raw["http"]["method"], in_query)


# --- what is asked ---------------------------------------------------------------------------------------


def _tree(request: HttpRequest, route: Route) -> Node:
    """The members of body and query under their names; texts stay texts until the model has judged them."""
    try:
        body = msgspec.json.decode(request.body) if request.body else {}
        query = parse_qsl(
            request.query_string.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(request.query_string),
            max_num_fields=_MOST_IN_QUERY,
        )
    except (msgspec.DecodeError, RecursionError):
        raise ProtocolError("SerializationException", 400, "the body is not JSON") from None
    except ValueError:
        raise ProtocolError("SerializationException", 400, "the query of the address cannot be read") from None
    if not isinstance(body, dict):
        raise ProtocolError("SerializationException", 400, "the body is not a JSON object")
    root = Node(
        None, {name: _node(route.operation.input.members.get(name), value, name) for name, value in body.items()}
    )
    for name in set(route.in_query.values()) & root.children.keys():
        raise ConstraintViolation([f"Value at '{name}' failed to satisfy constraint: Member must stand in the query"])
    for name, value in query:
        member = route.in_query.get(name, name)
        if member in root.children or name not in route.in_query:
            raise ConstraintViolation(
                [f"Value at '{name[:64]}' failed to satisfy constraint: Member must be known, once"]
            )
        root.children[member] = Node(value)
    return root


def _node(shape: Shape | None, value: object, path: str, depth: int = 0) -> Node:
    """A JSON value as the tree of names and texts that forms are read into; raises `ConstraintViolation`."""
    if value is None or shape is None or depth > _MOST_DEPTH:
        return Node(None if shape is not None else "")
    match shape, value:
        case Structure(), dict():
            return Node(
                None,
                {name: _node(shape.members.get(name), one, f"{path}.{name}", depth + 1) for name, one in value.items()},
            )
        case ListOf(), list():
            below = {
                str(at): _node(shape.member, one, f"{path}.{at}.member", depth + 1) for at, one in enumerate(value, 1)
            }
            return Node(None, {"member": Node(None, below)}) if below else Node("")
        case Scalar(kind="string"), str():
            return Node(value)
        case Scalar(kind="integer"), int() if not isinstance(value, bool):
            return Node(str(value))
    raise ConstraintViolation(
        [f"Value at '{path}' failed to satisfy constraint: Member must have the type of the model"]
    )


# --- what is answered ------------------------------------------------------------------------------------


def _shown(shape: Shape, value: object, path: str) -> object:
    match shape, value:
        case Structure(), Mapping():
            present = {name: one for name, one in value.items() if one is not None}
            if unknown := present.keys() - shape.members.keys():
                raise TypeError(f"{path} has no member {', '.join(sorted(unknown))}")
            if missing := [name for name in shape.required if name not in present]:
                raise TypeError(f"{path} needs the member {', '.join(missing)}")
            return {name: _shown(shape.members[name], one, f"{path}.{name}") for name, one in present.items()}
        case ListOf(), list():
            return [_shown(shape.member, one, path) for one in value]
        case Scalar(kind="string"), str() if not shape.enum or value in shape.enum:
            return value
        case Scalar(kind="integer"), int() if not isinstance(value, bool):
            return value
    # The value itself may be a secret.
    raise TypeError(f"{path} cannot be a value of the type {type(value).__name__}, or not this one")
