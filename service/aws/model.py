"""The operations of the wire-compatible face: what each one is called, takes, returns and fails with.

The descriptions are the ones that botocore ships, read from its own folder only: a model in the home
directory of the account we run under must not change what we accept. Operations of our own are written in
the same language.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from botocore.loaders import Loader

from service.aws.protocol import invalid_action, missing_action
from service.aws.shapes import Description, Structure, build_shape

SERVICES: Final[Mapping[str, str]] = {"2010-05-08": "iam", "2011-06-15": "sts"}
"""The service that each API version belongs to; a request names the version, its scope the service."""

NAMESPACES: Final[Mapping[str, str]] = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}
"""The XML namespace of each service's answers."""

# Our extensions, merged into botocore's description of the service before any shape is built.
_EXTENSIONS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "iam": {
        "operations": {
            "RevokeDelegation": {
                "name": "RevokeDelegation",
                "http": {"method": "POST", "requestUri": "/"},
                "input": {"shape": "RevokeDelegationRequest"},
                "errors": [
                    {"shape": "NoSuchEntityException"},
                    {"shape": "InvalidInputException"},
                    {"shape": "ConcurrentModificationException"},
                    {"shape": "ServiceFailureException"},
                ],
            },
        },
        "shapes": {
            "RevokeDelegationRequest": {
                "type": "structure",
                "required": ["DelegationRequestId"],
                "members": {
                    "DelegationRequestId": {"shape": "delegationRequestIdType"},
                    "Notes": {"shape": "notesType"},
                },
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of one service; `errors` maps the documented wire codes to their HTTP status.

    `output` is None for an operation that answers with its request id alone.
    """

    name: str
    service: str
    version: str
    namespace: str
    input: Structure
    output: Structure | None
    result_name: str
    errors: Mapping[str, int]


def named_in(form: Mapping[str, str]) -> Operation:
    """The operation that a form calls; raises `ProtocolError` (`MissingAction`, `InvalidAction`)."""
    action = form.get("Action")
    if not action:
        raise missing_action()
    if "Version" not in form:
        raise invalid_action(action, None)
    return operation(action, form["Version"])


def operation(action: str, version: str) -> Operation:
    """The operation of exactly this name and version; raises `ProtocolError` (`InvalidAction`)."""
    service = SERVICES.get(version)
    if service is None or action not in description(service)["operations"]:
        raise invalid_action(action, version)
    return _build(service, version, action)


@cache
def description(service: str) -> Description:
    """The model of `iam` or `sts` in botocore's JSON language, with our extensions; loaded only once."""
    version = next(version for version, name in SERVICES.items() if name == service)
    loader = Loader(include_default_search_paths=False, extra_search_paths=[Loader.BUILTIN_DATA_PATH])
    loaded: dict[str, Any] = dict(loader.load_service_model(service, "service-2", version))
    for part, added in _EXTENSIONS.get(service, {}).items():
        loaded[part] = {**loaded[part], **added}
    return loaded


@cache
def _build(service: str, version: str, action: str) -> Operation:
    model = description(service)
    raw = model["operations"][action]
    output = raw.get("output")
    return Operation(
        name=action,
        service=service,
        version=version,
        namespace=NAMESPACES[service],
        input=_structure(model, raw["input"]["shape"]) if "input" in raw else Structure({}),
        output=_structure(model, output["shape"]) if output else None,
        result_name=output.get("resultWrapper", f"{action}Result") if output else "",
        errors=dict(_documented_error(model, reference["shape"]) for reference in raw.get("errors", ())),
    )


def _structure(model: Description, name: str) -> Structure:
    shape = build_shape(model, name)
    assert isinstance(shape, Structure)
    return shape


def _documented_error(model: Description, shape: str) -> tuple[str, int]:
    # A few newer shapes carry no trait: their own name is the code then, and 400 the status.
    error = model["shapes"][shape].get("error", {})
    return error.get("code", shape), error.get("httpStatusCode", 400)
