"""Where a template takes values, and which values a partner that means harm would put there.

A partner chooses values; the approver sees them. So a value that cannot hold a wildcard names one thing, but nobody
knows which: it is written `**`, which the engine reads as anything and the rules on names as a name. One that may hold
a wildcard is `*` wherever that widens what is allowed. So is a value next to a wildcard, because a list of values, one
for each letter, makes it so, and one that stands for a type of resource or for a whole path.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Final

from workflows.policy.binding import bound, joined, parts
from workflows.policy.catalogue import catalogue
from workflows.policy.conditions import NULL, Operator, Quantifier, read_operator
from workflows.policy.context import fold
from workflows.policy.global_keys import KeyType
from workflows.policy.patterns import ARN_FIELDS, action_pattern
from workflows.policy.strict_json import Json

ACCOUNT: Final = "123456789012"
_REGION: Final = "eu-west-1"
_WILD: Final = ("*", "?")
_STARS: Final = re.compile(r"\*{2,}")
_ARN_TYPES: Final = (KeyType.ARN, KeyType.ARNS)
ANY: Final = "**"
# In front of the fifth colon: a star at the end of a field may run on past colons, which no value can.
ANY_IN_FIELD: Final = "**?"
# Stands for ANY until stars that the partner wrote have been run together.
_MARK: Final = "\ue000"
_MARK_OF_FIELD: Final = "\ue000?"
_OPEN_VALUES: Final = ("*", _MARK, _MARK_OF_FIELD)
_MARKED: Final = re.compile("\ue000+")
_SWALLOWED: Final = re.compile("\\*\ue000|\ue000\\*")
# Comparisons of whole texts, and the one of patterns that says the same of them.
_LIKE: Final[Mapping[str, str]] = {
    "StringEquals": "StringLike",
    "StringEqualsIgnoreCase": "StringLike",
    "StringNotEquals": "StringNotLike",
    "StringNotEqualsIgnoreCase": "StringNotLike",
    "ArnEquals": "ArnLike",
    "ArnNotEquals": "ArnNotLike",
}
# How operators begin that compare no text.
_UNTEXTUAL: Final = ("Numeric", "Date", "Bool", "Binary", "IpAddress", "NotIpAddress", NULL)
_EVERY_ADDRESS, _ONE_ADDRESS = "0.0.0.0/0", "192.0.2.1/32"
_PLAIN_TYPED: Final[Mapping[str, str]] = {"Bool": "true", "Null": "true", "BinaryEquals": "eA=="}
_PATHS: Final = ("role/", "policy/", "user/", "group/", "instance-profile/")
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

    @property
    def compares_arns(self) -> bool:
        """Whether texts are compared field by field here, so that one with fewer fields than an ARN fits nothing."""
        return self.operator is not None and self.operator.base.startswith("Arn")


@dataclass(frozen=True, slots=True)
class Fill:
    """How parameters are filled in: `safe` may hold wildcards; `fixed` have the same value in every place.

    With `everything` each value is `*`, to see whatever a text can cover at all; `mild` values are never wildcards.
    `unwritten` ends a value of which nothing is to come, so that it is none that the partner wrote down elsewhere.
    With `exact` the fixed values are all there is: `*` stands for no other value.
    """

    safe: frozenset[str]
    fixed: Mapping[str, str]
    everything: bool = False
    mild: bool = False
    exact: bool = False
    unwritten: str = ""

    @property
    def seeks_the_worst(self) -> bool:
        """Whether values stand for whatever they could be."""
        return not (self.everything or self.mild or self.exact)


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
        chosen = islice(product(*choices), _MOST_TYPES)
        texts = (one for values in chosen for one in self._texts(literals, values))
        return [self._tidied(one) for one in texts]

    def _texts(self, literals: Sequence[str], values: Sequence[str]) -> list[str]:
        """The text that values make; where ARNs are compared, an open value may also hold the fields that it lacks."""
        written = joined(literals, values)
        opened = [at for at, value in enumerate(values) if value in _OPEN_VALUES]
        is_open = opened and self._place.compares_arns and not self._fill.exact
        if not is_open or written.count(":") >= ARN_FIELDS - 1:
            return [written]
        first, last = opened[0], opened[-1]
        before = joined(literals[: first + 1], values[:first])
        after = joined(literals[last + 1 :], values[last + 1 :])
        mark = "*" if "*" in values else _MARK
        # Colons behind the value may be those between fields, or lie within the last one.
        lacking = ARN_FIELDS - 1 - before.count(":")
        return [
            f"{before}{':'.join([mark] * (lacking - between + 1))}{after}" for between in range(after.count(":") + 1)
        ]

    def _tidied(self, text: str) -> str:
        if self._place.takes_wildcards or _MARK in text:
            text = _MARKED.sub(_MARK, _STARS.sub("*", text))
            while _SWALLOWED.search(text):
                text = _SWALLOWED.sub("*", text)
        return text.replace(_MARK, ANY)

    def _values(self, name: str, literals: Sequence[str], at: int) -> list[str]:
        fill, place, notes = self._fill, self._place, self._notes
        types = _types(place, literals, at)
        plain = [one.replace(_MARK, f"named{len(notes.samples)}") for one in types]
        typed = _typed(place)
        sample = notes.samples.setdefault(
            name, typed or (plain or [_sample(place, literals, at, len(notes.samples))])[0]
        )
        if fill.everything or fill.mild:
            return ["*"] if fill.everything else [sample]
        if name in fill.fixed:
            return [fill.fixed[name]]
        if typed:
            notes.opened.update((name,) if typed != sample else ())
            return [typed]
        if not place.wants_wide:
            is_compared = place.operator is not None
            notes.opened.update((name,) if is_compared else ())
            return [f"{sample}{fill.unwritten}" if is_compared else sample]
        notes.opened.add(name)
        if place.takes_wildcards and (name in fill.safe or _is_open(place, literals, at)):
            return ["*"]
        return types or [_MARK_OF_FIELD if _is_field(literals, at) else _MARK]


def _is_open(place: Place, literals: Sequence[str], at: int) -> bool:
    """Whether what a value cannot do alone it can do beside what is written: next to a wildcard, or as an exception.

    A value that can be a type of resource or a path makes a wildcard behind it one for all of that.
    """
    if not place.allows or literals[at].endswith(_WILD) or literals[at + 1].startswith(_WILD):
        return True
    behind = "".join(literals[at + 1 :])
    chooses = _chooses_type(literals, at) or _chooses_path(literals, at)
    return chooses and any(mark in behind for mark in _WILD)


def _is_field(literals: Sequence[str], at: int) -> bool:
    written = "".join(literals[: at + 1])
    return written.startswith("arn:") and written.count(":") < ARN_FIELDS - 1


def _chooses_path(literals: Sequence[str], at: int) -> bool:
    """Whether a value stands where the path of an identity begins, which could be one that crowds stand under."""
    fields = "@".join(literals[: at + 1]).split(":", ARN_FIELDS - 1)
    return len(fields) == ARN_FIELDS and fields[2] == "iam" and fields[5] in _PATHS


def _chooses_type(literals: Sequence[str], at: int) -> bool:
    """Whether a value stands where the resource part begins, of a service whose resources tell their types there."""
    written = "@".join(literals[: at + 1])
    if not written.endswith(":") or written.count(":") != ARN_FIELDS - 1 or not written.startswith("arn:"):
        return False
    service = catalogue().service(written.split(":")[2])
    kinds = [one.fields[5] for one in service.resource_types.values()] if service is not None else []
    return bool(kinds) and not any(kind.startswith("*") for kind in kinds)


def _types(place: Place, literals: Sequence[str], at: int) -> list[str]:
    """The values that name a resource of each type that the statement's actions act on, where a value chooses it."""
    if place.operator is not None or (at > 0 and literals[0] == ""):
        return []
    if literals[0] == "" and at == 0:
        return list(dict.fromkeys(_arn_of(action) for action in place.actions)) or [_arn_of("")]
    if not _chooses_type(literals, at):
        return []
    whole = (_arn_of(action).split(":", ARN_FIELDS - 1)[-1] for action in place.actions)
    cut = literals[at + 1][:1]
    return list(dict.fromkeys(one.partition(cut)[0] if cut in ("/", ":") else one for one in whole))


def _sample(place: Place, literals: Sequence[str], at: int, number: int) -> str:
    if place.operator is not None:
        return _sample_of_key(place, place.operator, number)
    before = sum(literal.count(":") for literal in literals[: at + 1])
    if before == _ACCOUNT_FIELD:
        return ACCOUNT
    return _REGION if before == _REGION_FIELD else f"named{number}"


def _typed(place: Place) -> str | None:
    """The value that lets the most through, where what is compared is no text."""
    base = place.operator.base if place.operator is not None else ""
    if base in ("IpAddress", "NotIpAddress"):
        return _EVERY_ADDRESS if place.wants_wide else _ONE_ADDRESS
    if base.startswith(("Date", "Numeric")):
        high = ("Less" in base) is place.wants_wide
        if base.startswith("Date"):
            return _LATEST if high else _EARLIEST
        return "999999999" if high else "0"
    return _PLAIN_TYPED.get(base)


def _sample_of_key(place: Place, operator: Operator, number: int) -> str:
    if fold(place.key).endswith("account"):
        return ACCOUNT
    known = catalogue().key(place.key)
    if operator.base.startswith("Arn") or (known is not None and known.type in _ARN_TYPES):
        return f"arn:aws:iam::{ACCOUNT}:policy/named{number}"
    return f"named{number}"


def _arn_of(action: str) -> str:
    """The ARN of any resource of the first type that an action acts on."""
    entry = catalogue().action(action)
    service = catalogue().service(entry.service) if entry is not None else None
    if entry is None or service is None or not entry.resources:
        return f"arn:aws:s3:::{_MARK}"
    arn = service.resource_types[fold(entry.resources[0].name)].fields
    region = _REGION if arn[_REGION_FIELD] else ""
    account = ACCOUNT if arn[_ACCOUNT_FIELD] == "*" else arn[_ACCOUNT_FIELD]
    return ":".join(("arn", "aws", arn[2], region, account, arn[5].replace("*", _MARK)))


def filled(statement: Mapping[str, Json], fill: Fill, notes: Notes) -> dict[str, Json]:
    """The statement with values put in and its switch left out."""
    allows = statement.get("Effect") == "Allow"
    actions = _actions(statement)
    result: dict[str, Json] = {}
    for name, value in statement.items():
        if name in ("Resource", "NotResource"):
            result |= _bound(name, _run_together(value), Filler(Place(allows, name, actions), fill, notes))
        elif name == "Condition" and isinstance(value, dict):
            result[name] = _condition(value, (allows, actions), fill, notes)
        elif name != "@Enabled":
            result[name] = value
    return result


def _run_together(value: Json) -> Json:
    """The value with stars that stand side by side as one, so that nobody can write ANY."""
    if isinstance(value, list):
        return [_run_together(one) for one in value]
    return _STARS.sub("*", value) if isinstance(value, str) else value


def _condition(
    condition: Mapping[str, Json], statement: tuple[bool, tuple[str, ...]], fill: Fill, notes: Notes
) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, keys in condition.items():
        operator = read_operator(name)
        if operator is None or not isinstance(keys, dict):
            found[name] = keys
            continue
        for key, value in keys.items():
            place = Place(statement[0], "Condition", statement[1], operator, key)
            put = _bound("Resource", _run_together(value), Filler(place, fill, notes), key)
            names = _names(value)
            if names and fill.seeks_the_worst and operator.base.startswith(_UNTEXTUAL):
                notes.opened.update(names)
                if (left := _left_of(place, operator, fill)) is not None:
                    _put(found, left[0], {key: left[1]})
                continue
            like = name.replace(operator.base, _LIKE.get(operator.base, operator.base))
            _put(found, like if ANY in str(put[key]) else name, put)
    return found


def _left_of(place: Place, operator: Operator, fill: Fill) -> tuple[str, str] | None:
    """What is left of a clause of which some value holds, or does not, whatever a call brings: operator and text.

    An Allow can demand no more than that its key is there, a Deny be met by calls without the key alone; None is
    nothing. Where not even that is left of a Deny, it is compared with what nobody has.
    """
    never = ("StringEquals", f"named{fill.unwritten}")
    if operator.base == NULL:
        return None if place.allows else never
    comparison = operator.comparison
    negated = comparison is not None and comparison.negated
    holds_without = operator.if_exists or operator.quantifier is Quantifier.ALL
    if holds_without or (negated and operator.quantifier is not Quantifier.ANY):
        return None if place.allows else (NULL, "true")
    return (NULL, "false") if place.allows else never


def _put(found: dict[str, Json], name: str, keys: dict[str, Json]) -> None:
    """Put what an operator demands of a key beside what it demands of it already, after a change of operators."""
    (key,) = keys
    there = found.setdefault(name, {})
    assert isinstance(there, dict)
    if key not in there:
        there[key] = keys[key]
        return
    operator = read_operator(name)
    comparison = operator.comparison if operator is not None else None
    if comparison is not None and comparison.negated:
        # None of these and none of those is none of all.
        there[key] = [*_listed(there[key]), *_listed(keys[key])]
    elif operator is not None and operator == Operator(operator.base) and operator.base != NULL:
        # Of the one value of a key this says the same.
        _put(found, f"{Quantifier.ANY.value}:{name}", keys)


def _names(value: Json) -> list[str]:
    """The parameters in a value or in one of several."""
    return [name for text in _listed(value) if isinstance(text, str) for name in parts(text)[1]]


def _listed(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list) else [value]


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
