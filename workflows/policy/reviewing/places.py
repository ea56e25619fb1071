"""Where a template takes values, and which values a partner that means harm would put there.

A partner chooses values; the approver sees them. So a value that cannot hold a wildcard names one thing, whichever.
One that may hold a wildcard is `*` wherever that widens what is allowed. A value next to a wildcard counts as part
of it, because a list of values, one for each letter, makes it so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.policy.binding import bound, joined, parts
from workflows.policy.catalogue import catalogue
from workflows.policy.conditions import Operator, read_operator
from workflows.policy.context import fold
from workflows.policy.global_keys import KeyType
from workflows.policy.patterns import ARN_FIELDS
from workflows.policy.strict_json import Json

ACCOUNT: Final = "123456789012"
_REGION: Final = "eu-west-1"
_WILD: Final = ("*", "?")
_ARN_TYPES: Final = (KeyType.ARN, KeyType.ARNS)
# What lets the most through where a typed comparison stands under Allow.
_TYPED: Final[Mapping[str, str]] = {
    "IpAddress": "0.0.0.0/0",
    "NotIpAddress": "192.0.2.1/32",
    "Bool": "true",
    "Null": "true",
    "BinaryEquals": "eA==",
}
_LATEST, _EARLIEST = "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z"
_ACCOUNT_FIELD: Final = ARN_FIELDS - 2
_REGION_FIELD: Final = ARN_FIELDS - 3


@dataclass(frozen=True, slots=True)
class Place:
    """An element of a statement that takes values; `operator` and `key` where it is a condition."""

    allows: bool
    element: str
    action: str
    operator: Operator | None = None
    key: str = ""

    @property
    def wants_wide(self) -> bool:
        """Whether a wider value here lets the policy allow more."""
        if self.operator is None:
            return self.allows is (self.element == "Resource")
        comparison = self.operator.comparison
        return self.allows is not (comparison is not None and comparison.negated)

    @property
    def takes_wildcards(self) -> bool:
        """Whether `*` means anything here but itself."""
        if self.operator is None:
            return True
        comparison = self.operator.comparison
        return comparison is not None and comparison.takes_wildcards


@dataclass(frozen=True, slots=True)
class Fill:
    """How parameters are filled in: `safe` may hold wildcards; `fixed` have the same value in every place.

    With `everything` each value is `*`, to see whatever a text can cover at all.
    """

    safe: frozenset[str]
    fixed: Mapping[str, str]
    everything: bool = False


class Filler:
    """The binder of the review for one place; `samples` remembers the value of a parameter for its next use."""

    def __init__(self, place: Place, fill: Fill, samples: dict[str, str]) -> None:
        self._place, self._fill, self._samples = place, fill, samples

    def keeps(self, switch: Json, path: str) -> bool:  # noqa: ARG002  the protocol's signature
        """Always; which statements stay is looked at afterwards."""
        return True

    def expanded(self, text: str, path: str) -> list[str]:  # noqa: ARG002  as above
        """The text with one value for each placeholder."""
        literals, names = parts(text)
        values = [self._value(name, literals, at) for at, name in enumerate(names)]
        return [joined(literals, values)]

    def _value(self, name: str, literals: Sequence[str], at: int) -> str:
        fill, place = self._fill, self._place
        sample = self._samples.setdefault(name, _sample(place, literals, at, len(self._samples)))
        if fill.everything:
            return "*"
        if name in fill.fixed:
            return fill.fixed[name]
        beside = literals[at].endswith(_WILD) or literals[at + 1].startswith(_WILD)
        widens = place.wants_wide and place.takes_wildcards
        return "*" if widens and (name in fill.safe or beside) else sample


def _sample(place: Place, literals: Sequence[str], at: int, number: int) -> str:
    if place.operator is not None:
        return _sample_of_key(place, place.operator, number)
    before = sum(literal.count(":") for literal in literals[: at + 1])
    if literals[0] == "" and at == 0:
        return _sample_arn(place.action, number)
    if before == _ACCOUNT_FIELD:
        return ACCOUNT
    return _REGION if before == _REGION_FIELD else f"named{number}"


def _sample_of_key(place: Place, operator: Operator, number: int) -> str:
    if operator.base in _TYPED:
        return _TYPED[operator.base]
    if operator.base.startswith("Date"):
        return _LATEST if "Less" in operator.base else _EARLIEST
    if operator.base.startswith("Numeric"):
        return "999999999" if "Less" in operator.base else "0"
    key = fold(place.key)
    if key.endswith("account"):
        return ACCOUNT
    known = catalogue().key(place.key)
    if operator.base.startswith("Arn") or (known is not None and known.type in _ARN_TYPES):
        return f"arn:aws:iam::{ACCOUNT}:policy/named{number}"
    return f"named{number}"


def _sample_arn(action: str, number: int) -> str:
    entry = catalogue().action(action)
    service = catalogue().service(entry.service) if entry is not None else None
    if entry is None or service is None or not entry.resources:
        return f"arn:aws:s3:::named{number}"
    arn = service.resource_types[fold(entry.resources[0].name)].fields
    region = _REGION if arn[_REGION_FIELD] else ""
    account = ACCOUNT if arn[_ACCOUNT_FIELD] == "*" else arn[_ACCOUNT_FIELD]
    return ":".join(("arn", "aws", arn[2], region, account, arn[5].replace("*", f"named{number}")))


def filled(statement: Mapping[str, Json], fill: Fill, samples: dict[str, str]) -> dict[str, Json]:
    """The statement with values put in and its switch left out."""
    allows = statement.get("Effect") == "Allow"
    action = _first_action(statement)
    result: dict[str, Json] = {}
    for name, value in statement.items():
        if name in ("Resource", "NotResource"):
            result |= _bound(name, value, Filler(Place(allows, name, action), fill, samples))
        elif name == "Condition" and isinstance(value, dict):
            result[name] = {
                operator: _filled_keys(operator, keys, (allows, action), fill, samples)
                for operator, keys in value.items()
            }
        elif name != "@Enabled":
            result[name] = value
    return result


def _filled_keys(operator: str, keys: Json, where: tuple[bool, str], fill: Fill, samples: dict[str, str]) -> Json:
    read = read_operator(operator)
    if read is None or not isinstance(keys, dict):
        return keys
    found: dict[str, Json] = {}
    for key, value in keys.items():
        place = Place(where[0], "Condition", where[1], read, key)
        found |= _bound("Resource", value, Filler(place, fill, samples), key)
    return found


def _bound(name: str, value: Json, filler: Filler, key: str | None = None) -> dict[str, Json]:
    """One element bound by the binding that rendering uses."""
    tree = bound({"Statement": {name: value}}, filler)
    assert isinstance(tree, dict)
    statement = tree["Statement"]
    assert isinstance(statement, dict)
    return {key if key is not None else name: statement[name]}


def _first_action(statement: Mapping[str, Json]) -> str:
    action = statement.get("Action", "")
    first = action[0] if isinstance(action, list) and action else action
    return first if isinstance(first, str) else ""
