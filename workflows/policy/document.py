"""Policy documents: from text to an immutable structure that engine, displays and checks share.

There is one parser for validation, display and enforcement. It refuses whatever it does not understand, by
the JSON path of the offending place, because a policy that is half understood grants something nobody meant.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from workflows.errors import MalformedPolicy
from workflows.policy.conditions import Clause, Operator, read_operator
from workflows.policy.context import fold
from workflows.policy.patterns import ARN_FIELDS, ActionPattern
from workflows.policy.strict_json import (
    Json,
    Number,
    count_significant,
    item,
    member,
    minified,
    quoted,
    read_json,
)
from workflows.policy.variables import Piece, ResourcePattern, read_pieces

_Pattern = TypeVar("_Pattern")

VERSION_WITH_VARIABLES: Final = "2012-10-17"
OLD_VERSION: Final = "2008-10-17"
MAX_STATEMENTS: Final = 64
MAX_LIST_VALUES: Final = 256
MAX_PATTERN_CHARACTERS: Final = 512
MAX_PATTERN_STARS: Final = 32

_OUTSIDE_CHARACTER_SET: Final = re.compile("[^\t\n\r\u0020-\u00ff]")
_ACTION: Final = re.compile(r"\*|[A-Za-z0-9*?-]+:[A-Za-z0-9*?_.-]+")
_SID: Final = re.compile("[A-Za-z0-9]*")
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*:[\x20-\xff]+")
_TAG_KEYS: Final = frozenset(("aws:requesttag/", "aws:resourcetag/", "aws:principaltag/"))


class PolicyKind(StrEnum):
    """What a document is for; it decides which elements it may hold and how its length is counted."""

    IDENTITY = "identity"
    BOUNDARY = "boundary"
    SESSION = "session"
    GUARDRAIL = "guardrail"


@dataclass(frozen=True, slots=True)
class _Grammar:
    """The elements of one kind of document."""

    policy: frozenset[str]
    statement: frozenset[str]
    counts_white_space: bool = False


_IDENTITY_POLICY: Final = frozenset(("Version", "Statement"))
_IDENTITY_STATEMENT: Final = frozenset(
    ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"),
)
_IDENTITY_GRAMMAR: Final = _Grammar(_IDENTITY_POLICY, _IDENTITY_STATEMENT)
# A kind that carries a Principal gets its own row here when it comes.
_GRAMMARS: Final[Mapping[PolicyKind, _Grammar]] = {
    PolicyKind.IDENTITY: _IDENTITY_GRAMMAR,
    PolicyKind.BOUNDARY: _IDENTITY_GRAMMAR,
    PolicyKind.SESSION: _IDENTITY_GRAMMAR,
    PolicyKind.GUARDRAIL: _Grammar(_IDENTITY_POLICY, _IDENTITY_STATEMENT, counts_white_space=True),
}


class Effect(StrEnum):
    """What a statement does with the requests it fits."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; of `actions` and `not_actions` exactly one is filled, and so with the resources."""

    index: int
    sid: str | None
    effect: Effect
    actions: tuple[ActionPattern, ...]
    not_actions: tuple[ActionPattern, ...]
    resources: tuple[ResourcePattern, ...]
    not_resources: tuple[ResourcePattern, ...]
    conditions: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed document; `text`, which is not compared, is its source (minified when that was a tree)."""

    version: str
    statements: tuple[Statement, ...]
    text: str = field(compare=False)


def parse_policy(text: str, *, kind: PolicyKind, max_chars: int | None = None) -> Policy:
    """The policy that `text` spells; raises `MalformedPolicy` for everything that AWS would refuse to store.

    `max_chars` counts characters without the white space outside strings, except for guardrails, where all
    count.
    """
    _refuse_characters(text, "$")
    length = len(text) if _GRAMMARS[kind].counts_white_space else count_significant(text)
    if max_chars is not None and length > max_chars:
        raise MalformedPolicy("$", f"has {length} characters; at most {max_chars} are accepted")
    return _policy(read_json(text), kind, text)


def policy_from_tree(tree: Json, *, kind: PolicyKind) -> Policy:
    """The policy that an already parsed tree holds; raises `MalformedPolicy` as `parse_policy` does."""
    return _policy(tree, kind, minified(tree))


def _policy(tree: Json, kind: PolicyKind, text: str) -> Policy:
    grammar = _GRAMMARS[kind]
    document = _object(tree, "$")
    _refuse_unknown(document, grammar.policy, "$")
    version = document.get("Version", OLD_VERSION)
    if version not in (OLD_VERSION, VERSION_WITH_VARIABLES):
        raise MalformedPolicy(
            "$.Version", f'is not a version; accepted are "{VERSION_WITH_VARIABLES}", "{OLD_VERSION}"'
        )
    assert isinstance(version, str)
    reader = _StatementReader(grammar, with_variables=version == VERSION_WITH_VARIABLES)
    statements = tuple(
        reader.read(_object(value, path), path, index) for index, (path, value) in enumerate(_statements(document))
    )
    _refuse_equal_sids(statements)
    return Policy(version, statements, text)


def _statements(document: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    path = "$.Statement"
    if "Statement" not in document:
        raise MalformedPolicy(path, "is missing; a policy has at least one statement")
    value = document["Statement"]
    if not isinstance(value, list):
        yield path, value
        return
    if not 1 <= len(value) <= MAX_STATEMENTS:
        raise MalformedPolicy(path, f"has {len(value)} statements; accepted are 1 to {MAX_STATEMENTS}")
    yield from ((item(path, index), each) for index, each in enumerate(value))


def _refuse_equal_sids(statements: tuple[Statement, ...]) -> None:
    seen: set[str] = set()
    for statement in statements:
        if statement.sid is not None and statement.sid in seen:
            path = member(item("$.Statement", statement.index), "Sid")
            raise MalformedPolicy(path, f"repeats {quoted(statement.sid)}; the Sids of a policy differ")
        seen.add(statement.sid or "")


@dataclass(frozen=True, slots=True)
class _StatementReader:
    """Reads statements of one document; what a document-wide choice decides is a field."""

    grammar: _Grammar
    with_variables: bool

    def read(self, members: Mapping[str, Json], path: str, index: int) -> Statement:
        """The statement at `path`; raises `MalformedPolicy`."""
        _refuse_unknown(members, self.grammar.statement, path)
        actions, not_actions = _either(members, "Action", "NotAction", path, self._action)
        resources, not_resources = _either(members, "Resource", "NotResource", path, self._resource)
        return Statement(
            index=index,
            sid=_sid(members, path),
            effect=_effect(members, path),
            actions=actions,
            not_actions=not_actions,
            resources=resources,
            not_resources=not_resources,
            conditions=tuple(self._clauses(members, member(path, "Condition"))),
        )

    def _pieces(self, text: str, path: str) -> tuple[Piece, ...]:
        return read_pieces(text, path) if self.with_variables else (text,)

    def _action(self, text: str, path: str) -> ActionPattern:
        _refuse_wild_pattern(text, path)
        if _ACTION.fullmatch(text) is None:
            raise MalformedPolicy(path, f'is {quoted(text)}; accepted are "*" and service:name with * and ?')
        return ActionPattern(text)

    def _resource(self, text: str, path: str) -> ResourcePattern:
        _refuse_characters(text, path)
        _refuse_wild_pattern(text, path)
        pieces = self._pieces(text, path)
        if text == "*":
            return ResourcePattern(text, pieces)
        if not text.startswith("arn:") or text.count(":") < ARN_FIELDS - 1:
            raise MalformedPolicy(path, f'is {quoted(text)}; accepted are "*" and an ARN with six fields')
        first = pieces[0]
        if not isinstance(first, str) or first.count(":") < ARN_FIELDS - 1:
            raise MalformedPolicy(path, "holds a variable before the fifth colon; only the last field takes variables")
        return ResourcePattern(text, pieces)

    def _clauses(self, members: Mapping[str, Json], path: str) -> Iterator[Clause]:
        if "Condition" not in members:
            return
        for name, keys in _object(members["Condition"], path).items():
            inner = member(path, name)
            operator = read_operator(name)
            if operator is None:
                raise MalformedPolicy(inner, "is not a condition operator; names are case-sensitive")
            yield from self._comparisons(operator, _object(keys, inner), inner)

    def _comparisons(self, operator: Operator, keys: Mapping[str, Json], path: str) -> Iterator[Clause]:
        seen: set[str] = set()
        for key, value in keys.items():
            inner = member(path, key)
            folded = fold(key)
            if _KEY.fullmatch(key) is None or "${" in key or folded in _TAG_KEYS:
                raise MalformedPolicy(inner, "is not a condition key; accepted is prefix:name")
            if folded in seen:
                raise MalformedPolicy(inner, "is given twice in different case; condition keys know no case")
            seen.add(folded)
            texts = tuple(_scalars(value, inner))
            yield Clause(operator, key, texts, tuple(self._value(text, operator, inner) for text in texts))

    def _value(self, text: str, operator: Operator, path: str) -> tuple[Piece, ...]:
        _refuse_characters(text, path)
        comparison = operator.comparison
        if comparison is not None and comparison.takes_wildcards:
            _refuse_wild_pattern(text, path)
        if comparison is not None and comparison.takes_variables:
            return self._pieces(text, path)
        if self.with_variables and "${" in text:
            raise MalformedPolicy(path, f"holds a variable; {operator.base} takes none, String and Arn operators do")
        return (text,)


# --- single elements -------------------------------------------------------------------------------------


def _sid(members: Mapping[str, Json], path: str) -> str | None:
    sid = members.get("Sid", "")
    if not isinstance(sid, str) or _SID.fullmatch(sid) is None:
        raise MalformedPolicy(member(path, "Sid"), "is not a Sid; accepted are the letters A-Z, a-z and digits")
    return sid or None


def _effect(members: Mapping[str, Json], path: str) -> Effect:
    effect = members.get("Effect")
    if effect not in tuple(Effect):
        problem = "is missing" if "Effect" not in members else "is not an effect"
        raise MalformedPolicy(member(path, "Effect"), f'{problem}; accepted are "Allow" and "Deny"')
    assert isinstance(effect, str)
    return Effect(effect)


def _either(
    members: Mapping[str, Json],
    plain: str,
    negated: str,
    path: str,
    read: Callable[[str, str], _Pattern],
) -> tuple[tuple[_Pattern, ...], tuple[_Pattern, ...]]:
    """The patterns of the one element of a pair that is there, in its place; the other place stays empty."""
    if (plain in members) == (negated in members):
        problem = f"stands beside {negated}" if plain in members else "is missing"
        raise MalformedPolicy(member(path, plain), f"{problem}; accepted is exactly one of {plain} and {negated}")
    if plain in members:
        return _patterns(members[plain], member(path, plain), read), ()
    return (), _patterns(members[negated], member(path, negated), read)


def _patterns(value: Json, path: str, read: Callable[[str, str], _Pattern]) -> tuple[_Pattern, ...]:
    if isinstance(value, str):
        return (read(value, path),)
    entries = _list(value, path, "a text or a list of texts")
    if not entries:
        raise MalformedPolicy(path, "is empty; at least one entry is needed")
    patterns: list[_Pattern] = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise MalformedPolicy(item(path, index), "is not a text")
        patterns.append(read(entry, item(path, index)))
    return tuple(patterns)


def _scalars(value: Json, path: str) -> Iterator[str]:
    """The values of one condition key as texts; they share one JSON type."""
    if not isinstance(value, list):
        yield _scalar(value, path)
        return
    entries = _list(value, path, "a value or a list of values")
    if len({type(entry) for entry in entries}) > 1:
        raise MalformedPolicy(
            path, "mixes JSON types; the values of one key are all texts, all numbers or all booleans"
        )
    for index, entry in enumerate(entries):
        yield _scalar(entry, item(path, index))


def _scalar(value: Json, path: str) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Number(text):
            return text
        case _:
            raise MalformedPolicy(path, "is not a value; accepted are texts, numbers and booleans")


# --- shapes ----------------------------------------------------------------------------------------------


def _object(value: Json, path: str) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise MalformedPolicy(path, "is not an object")
    return value


def _list(value: Json, path: str, accepted: str) -> list[Json]:
    if not isinstance(value, list):
        raise MalformedPolicy(path, f"is neither; accepted is {accepted}")
    if len(value) > MAX_LIST_VALUES:
        raise MalformedPolicy(path, f"has {len(value)} entries; at most {MAX_LIST_VALUES} are accepted")
    return value


def _refuse_unknown(members: Mapping[str, Json], known: frozenset[str], path: str) -> None:
    for name in members:
        if name not in known:
            accepted = ", ".join(sorted(known))
            raise MalformedPolicy(member(path, name), f"is not an element here; accepted are {accepted}")


def _refuse_characters(text: str, path: str) -> None:
    if (found := _OUTSIDE_CHARACTER_SET.search(text)) is not None:
        raise MalformedPolicy(
            path,
            f"holds the character U+{ord(found[0]):04X};"
            " accepted are tab, line feed, carriage return and U+0020 to U+00FF",
        )


def _refuse_wild_pattern(text: str, path: str) -> None:
    stars = text.count("*")
    if stars > MAX_PATTERN_STARS or ((stars or "?" in text) and len(text) > MAX_PATTERN_CHARACTERS):
        raise MalformedPolicy(
            path,
            f"is too long a pattern; one with wildcards has at most {MAX_PATTERN_CHARACTERS} characters"
            f" and {MAX_PATTERN_STARS} stars",
        )
