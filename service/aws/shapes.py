"""The shapes of inputs and outputs, as small immutable values made from botocore's description of a service.

Only what the two services use is supported; a wire name that differs from the member's name, a flattened
list or another time format would silently change the wire, so the builder refuses them instead of ignoring
them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from service.aws.patterns import compile_pattern

Description: TypeAlias = Mapping[str, Any]
"""A service's model as botocore loads it from JSON."""

# The published examples write `String` and `StringList` where the model has `string` and `stringList`.
_ANY_LETTER_CASE: Final = frozenset({"PolicyParameterTypeEnum"})
_CHANGES_THE_WIRE: Final = frozenset(
    {"locationName", "queryName", "flattened", "xmlNamespace", "xmlAttribute", "timestampFormat"}
)
_SCALARS: Final = frozenset({"string", "integer", "long", "boolean", "timestamp", "blob"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value: `kind` is string, integer, long, boolean, timestamp or blob; limits are inclusive."""

    kind: str
    minimum: int | None = None
    maximum: int | None = None
    pattern: re.Pattern[str] | None = None
    pattern_text: str = ""
    enum: tuple[str, ...] = ()
    any_letter_case: bool = False
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class ListOf:
    """Values of one shape in order; the limits are numbers of values."""

    member: "Shape"
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class MapOf:
    """Values of one shape by their keys; the limits are numbers of entries."""

    key: Scalar
    value: "Shape"
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Structure:
    """Named members in the order of the model; `required` names those that must be present."""

    members: Mapping[str, "Shape"]
    required: tuple[str, ...] = ()


Shape: TypeAlias = Scalar | ListOf | MapOf | Structure


def build_shape(service: Description, name: str) -> Shape:
    """The shape of this name with all that it refers to; raises `TypeError` for one we could not carry."""
    raw = service["shapes"][name]
    if _CHANGES_THE_WIRE & raw.keys():
        raise TypeError(f"the shape {name} asks for a wire form that is not supported")
    limits = (raw.get("min"), raw.get("max"))
    match raw["type"]:
        case "structure":
            members = {member: _refer(service, ref) for member, ref in raw.get("members", {}).items()}
            return Structure(members, tuple(raw.get("required", ())))
        case "list":
            return ListOf(_refer(service, raw["member"]), *limits)
        case "map":
            key = _refer(service, raw["key"])
            assert isinstance(key, Scalar)
            return MapOf(key, _refer(service, raw["value"]), *limits)
        case kind if kind in _SCALARS:
            return _build_scalar(name, raw)
        case kind:
            raise TypeError(f"the shape {name} is of the type {kind}, which is not supported")


def _refer(service: Description, reference: Description) -> Shape:
    if _CHANGES_THE_WIRE & reference.keys():
        raise TypeError(f"a reference to {reference['shape']} asks for a wire form that is not supported")
    return build_shape(service, reference["shape"])


def _build_scalar(name: str, raw: Description) -> Scalar:
    pattern = raw.get("pattern")
    return Scalar(
        kind=raw["type"],
        minimum=raw.get("min"),
        maximum=raw.get("max"),
        pattern=compile_pattern(pattern) if pattern else None,
        pattern_text=pattern or "",
        enum=tuple(raw.get("enum", ())),
        any_letter_case=name in _ANY_LETTER_CASE,
        sensitive=bool(raw.get("sensitive")),
    )
