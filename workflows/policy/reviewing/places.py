"""Where a template takes values, and which values a partner that means harm would put there.

A partner chooses values; the approver sees them. So a value that cannot hold a wildcard names one thing, whichever.
One that may hold a wildcard is `*` wherever that widens what is allowed. A value next to a wildcard counts as part
of it, because a list of values, one for each letter, makes it so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Final

from workflows.policy.binding import bound, joined, parts
from workflows.policy.catalogue import catalogue
from workflows.policy.conditions import Operator, read_operator
from workflows.policy.context import fold
from workflows.policy.global_keys import KeyType
from workflows.policy.patterns import ARN_FIELDS, action_pattern
from workflows.policy.strict_json import Json

ACCOUNT: Final = "123456789012"
_REGION: Final = "eu-west-1"
_WILD: Final = ("*", "?")
_STARS: Final = re.compile(r"\*{2,}")
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
_ACTION: Final = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_MOST_TYPES: Final = 8
_MOST_COVERED: Final = 400
_ACCOUNT_FIELD: Final = ARN_FIELDS - 2
_REGION_FIELD: Final = ARN_FIELDS - 3


@dataclass(frozen=True, slots=True)
class Place:
    """An element of a statement that takes values; `operator` and `key` where it is a condition."""

    allows: bool
    element: str
    actions: tuple[str, ...]
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

    With `everything` each value is `*`, to see whatever a text can cover at all; `mild` values are never wildcards.
    """

    safe: frozenset[str]
    fixed: Mapping[str, str]
    everything: bool = False
    mild: bool = False


PLAIN: Final = Fill(frozenset(), {}, mild=True)


@dataclass(frozen=True, slots=True)
class Notes:
    """What filling in notes: the value of a parameter for its next use, and those for which another value stood."""

    samples: dict[str, str] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)


class Filler:
    """The binder of the review for one place."""

    def __init__(self, place: Place, fill: Fill, notes: Notes) -> None:
        self._place, self._fill, self._notes = place, fill, notes

    def keeps(self, switch: Json, path: str) -> bool:  # noqa: ARG002  the protocol's signature
        """Always; which statements stay is looked at afterwards."""
        return True

    def expanded(self, text: str, path: str) -> list[str]:  # noqa: ARG002  as above
        """The text with values for its placeholders: one, or one for each type that a value could choose."""
        literals, names = parts(text)
        choices = [self._values(name, literals, at) for at, name in enumerate(names)]
        texts = [joined(literals, values) for values in islice(product(*choices), _MOST_TYPES)]
        return [_STARS.sub("*", one) for one in texts] if self._place.takes_wildcards else texts

    def _values(self, name: str, literals: Sequence[str], at: int) -> list[str]:
        fill, place = self._fill, self._place
        samples = self._notes.samples
        types = _types(place, literals, at, len(samples))
        sample = samples.setdefault(name, types[0] if types else _sample(place, literals, at, len(samples)))
        if fill.everything or fill.mild:
            return ["*"] if fill.everything else [sample]
        if name in fill.fixed:
            return [fill.fixed[name]]
        if place.wants_wide and place.takes_wildcards:
            if name in fill.safe:
                return ["*"]
            if _is_open(place, literals, at):
                self._notes.opened.add(name)
                return ["*"]
        if len(types) > 1:
            self._notes.opened.add(name)
        return types if len(types) > 1 else [sample]


def _is_open(place: Place, literals: Sequence[str], at: int) -> bool:
    """Whether what a value cannot do alone it can do beside what is written: next to a wildcard, or as an exception.

    A value that a type of resource begins with can be that type, so a wildcard anywhere behind it is one for all of it.
    """
    if not place.allows or literals[at].endswith(_WILD) or literals[at + 1].startswith(_WILD):
        return True
    behind = "".join(literals[at + 1 :])
    return _chooses_type(literals, at) and any(mark in behind for mark in _WILD)


def _chooses_type(literals: Sequence[str], at: int) -> bool:
    """Whether a value stands where the resource part begins, of a service whose resources tell their types there."""
    written = "@".join(literals[: at + 1])
    if not written.endswith(":") or written.count(":") != ARN_FIELDS - 1 or not written.startswith("arn:"):
        return False
    service = catalogue().service(written.split(":")[2])
    kinds = [one.fields[5] for one in service.resource_types.values()] if service is not None else []
    return bool(kinds) and not any(kind.startswith("*") for kind in kinds)


def _types(place: Place, literals: Sequence[str], at: int, number: int) -> list[str]:
    """The values that name a resource of each type that the statement's actions act on, where a value chooses it."""
    if place.operator is not None or (at > 0 and literals[0] == ""):
        return []
    if literals[0] == "" and at == 0:
        return list(dict.fromkeys(_sample_arn(action, number) for action in place.actions)) or [_sample_arn("", number)]
    if not _chooses_type(literals, at):
        return []
    whole = (_sample_arn(action, number).split(":", ARN_FIELDS - 1)[-1] for action in place.actions)
    cut = literals[at + 1][:1]
    return list(dict.fromkeys(one.partition(cut)[0] if cut in ("/", ":") else one for one in whole))


def _sample(place: Place, literals: Sequence[str], at: int, number: int) -> str:
    if place.operator is not None:
        return _sample_of_key(place, place.operator, number)
    before = sum(literal.count(":") for literal in literals[: at + 1])
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


def filled(statement: Mapping[str, Json], fill: Fill, notes: Notes) -> dict[str, Json]:
    """The statement with values put in and its switch left out."""
    allows = statement.get("Effect") == "Allow"
    actions = _actions(statement)
    result: dict[str, Json] = {}
    for name, value in statement.items():
        if name in ("Resource", "NotResource"):
            result |= _bound(name, value, Filler(Place(allows, name, actions), fill, notes))
        elif name == "Condition" and isinstance(value, dict):
            result[name] = {
                operator: _filled_keys(operator, keys, (allows, actions), fill, notes)
                for operator, keys in value.items()
            }
        elif name != "@Enabled":
            result[name] = value
    return result


def _filled_keys(operator: str, keys: Json, statement: tuple[bool, tuple[str, ...]], fill: Fill, notes: Notes) -> Json:
    read = read_operator(operator)
    if read is None or not isinstance(keys, dict):
        return keys
    (allows, actions), found = statement, dict[str, Json]()
    for key, value in keys.items():
        place = Place(allows, "Condition", actions, read, key)
        found |= _bound("Resource", value, Filler(place, fill, notes), key)
    return found


def _bound(name: str, value: Json, filler: Filler, key: str | None = None) -> dict[str, Json]:
    """One element bound by the binding that rendering uses."""
    tree = bound({"Statement": {name: value}}, filler)
    assert isinstance(tree, dict)
    statement = tree["Statement"]
    assert isinstance(statement, dict)
    return {key if key is not None else name: statement[name]}


def _actions(statement: Mapping[str, Json]) -> tuple[str, ...]:
    """Some actions that a statement names or covers by its wildcards."""
    named = statement.get("Action", [])
    found: dict[str, None] = {}
    for text in named if isinstance(named, list) else [named]:
        if isinstance(text, str) and _ACTION.fullmatch(text):
            entries = islice(catalogue().matching(action_pattern(text)), _MOST_COVERED)
            found |= dict.fromkeys((text,) if not set(text) & set(_WILD) else (one.full_name for one in entries))
    return tuple(found)
