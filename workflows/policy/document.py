"""Policy documents: from text to an immutable structure that engine, displays and checks share.

There is one parser for validation, display and enforcement. It refuses whatever it does not understand, by
the JSON path of the offending place, because a policy that is half understood grants something nobody meant.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeVar

from workflows.errors import MalformedPolicy
from workflows.policy.action_index import ActionIndex
from workflows.policy.conditions import Clause, Operator, Test, read_operator
from workflows.policy.context import Value, fold
from workflows.policy.patterns import ARN_FIELDS, ActionPattern, Work, action_pattern
from workflows.policy.principal import (
    EVERYBODY,
    NAMES_EVERYBODY,
    PRINCIPAL_KINDS,
    PrincipalElement,
    is_principal_text,
    principal_element,
)
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
LONGEST_DOCUMENT: Final = 131_072


@dataclass(frozen=True, slots=True)
class Caps:
    """How much of each thing a document may hold; what is stored for later use is held tighter than a question."""

    nodes: int
    statements: int
    list_values: int
    pattern_characters: int
    pattern_stars: int


STORED: Final = Caps(nodes=20_000, statements=64, list_values=256, pattern_characters=512, pattern_stars=32)
ASKED: Final = Caps(
    nodes=LONGEST_DOCUMENT,
    statements=LONGEST_DOCUMENT,
    list_values=LONGEST_DOCUMENT,
    pattern_characters=LONGEST_DOCUMENT,
    pattern_stars=LONGEST_DOCUMENT,
)
"""For documents that are only asked about: their length alone bounds them."""

OUTSIDE_CHARACTER_SET: Final = re.compile("[^\t\n\r\u0020-\u00ff]")
_ACTION: Final = re.compile(r"\*|[A-Za-z0-9*?-]+:[A-Za-z0-9*?_.-]+")
_TRUST_ACTION: Final = re.compile(r"sts:.*", re.IGNORECASE)
_SID: Final = re.compile("[A-Za-z0-9]*")
KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*:[\x20-\xff]+")
_TAG_KEYS: Final = frozenset(("aws:requesttag/", "aws:resourcetag/", "aws:principaltag/"))


class PolicyKind(StrEnum):
    """What a document is for; it decides which elements it may hold and how its length is counted."""

    IDENTITY = "identity"
    BOUNDARY = "boundary"
    SESSION = "session"
    GUARDRAIL = "guardrail"
    RESOURCE_GUARDRAIL = "resource guardrail"
    RESOURCE = "resource"
    TRUST = "trust"


@dataclass(frozen=True, slots=True)
class _Grammar:
    """The elements of one kind of document, and the rules that only some kinds have."""

    policy: frozenset[str]
    statement: frozenset[str]
    counts_white_space: bool = False
    any_sid: bool = False
    only_everybody: bool = False
    only_trust: bool = False


_POLICY: Final = frozenset(("Version", "Statement"))
_POLICY_WITH_ID: Final = _POLICY | {"Id"}
_STATEMENT: Final = frozenset(("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"))
_IDENTITY_GRAMMAR: Final = _Grammar(_POLICY, _STATEMENT)
_GRAMMARS: Final[Mapping[PolicyKind, _Grammar]] = {
    PolicyKind.IDENTITY: _IDENTITY_GRAMMAR,
    PolicyKind.BOUNDARY: _IDENTITY_GRAMMAR,
    PolicyKind.SESSION: _IDENTITY_GRAMMAR,
    PolicyKind.GUARDRAIL: _Grammar(_POLICY, _STATEMENT, counts_white_space=True),
    PolicyKind.RESOURCE_GUARDRAIL: _Grammar(
        _POLICY_WITH_ID, (_STATEMENT | {"Principal"}) - {"NotAction"}, counts_white_space=True, only_everybody=True
    ),
    PolicyKind.RESOURCE: _Grammar(_POLICY_WITH_ID, _STATEMENT | {"Principal", "NotPrincipal"}, any_sid=True),
    PolicyKind.TRUST: _Grammar(
        _POLICY_WITH_ID, (_STATEMENT | {"Principal"}) - {"Resource", "NotResource"}, any_sid=True, only_trust=True
    ),
}


class Effect(StrEnum):
    """What a statement does with the requests it fits."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; of `actions` and `not_actions` exactly one is filled, and at most one of the resources.

    A statement without resources speaks of the one that its document is attached to. `path` is its JSON path.
    """

    index: int
    path: str
    sid: str | None
    effect: Effect
    actions: tuple[ActionPattern, ...]
    not_actions: tuple[ActionPattern, ...]
    resources: tuple[ResourcePattern, ...]
    not_resources: tuple[ResourcePattern, ...]
    conditions: tuple[Clause, ...]
    principals: PrincipalElement | None = None
    not_principals: PrincipalElement | None = None
    tests: tuple[Test, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # The cheap ones first; what people see keeps the order of the document.
        ordered = sorted(self.conditions, key=lambda clause: clause.cost)
        object.__setattr__(self, "tests", tuple(clause.test for clause in ordered))

    def covers_action(self, action: str, work: Work) -> bool:
        """Whether Action names, or NotAction leaves out, the action (in lower case)."""
        if self.actions:
            return any(pattern.matches(action, work) for pattern in self.actions)
        return not any(pattern.matches(action, work) for pattern in self.not_actions)

    def covers_resource(self, resource: str, values: Mapping[str, Value], work: Work) -> bool:
        """Whether Resource names, or NotResource leaves out, the resource; `values` are by lower-case key."""
        if self.resources:
            return any(pattern.matches(resource, values, work) for pattern in self.resources)
        return not any(pattern.matches(resource, values, work) for pattern in self.not_resources)


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed document; `text`, which is not compared, is its source (minified when that was a tree)."""

    version: str
    statements: tuple[Statement, ...]
    text: str = field(compare=False)
    index: ActionIndex = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        index = ActionIndex((each.actions, each.not_actions) for each in self.statements)
        object.__setattr__(self, "index", index)


def parse_policy(text: str, *, kind: PolicyKind, max_chars: int | None = None, caps: Caps = STORED) -> Policy:
    """The policy that `text` spells; raises `MalformedPolicy` for everything that AWS would refuse to store.

    `max_chars` counts characters without the white space outside strings, except for guardrails, where all
    count.
    """
    _refuse_characters(text, "$")
    if max_chars is not None and len(text) > max_chars:
        length = len(text) if _GRAMMARS[kind].counts_white_space else count_significant(text)
        if length > max_chars:
            raise MalformedPolicy("$", f"has {length} characters; at most {max_chars} are accepted")
    return _policy(read_json(text, max_nodes=caps.nodes), kind, text, caps)


def policy_from_tree(tree: Json, *, kind: PolicyKind, caps: Caps = STORED) -> Policy:
    """The policy that an already parsed tree holds; raises `MalformedPolicy` as `parse_policy` does."""
    return _policy(tree, kind, minified(tree), caps)


def _policy(tree: Json, kind: PolicyKind, text: str, caps: Caps) -> Policy:
    grammar = _GRAMMARS[kind]
    document = _object(tree, "$")
    _refuse_unknown(document, grammar.policy, "$")
    version = document.get("Version", OLD_VERSION)
    if version not in (OLD_VERSION, VERSION_WITH_VARIABLES):
        raise MalformedPolicy(
            "$.Version", f'is not a version; accepted are "{VERSION_WITH_VARIABLES}", "{OLD_VERSION}"'
        )
    assert isinstance(version, str)
    if not isinstance(document.get("Id", ""), str):
        raise MalformedPolicy("$.Id", "is not a text")
    reader = _StatementReader(grammar, caps, with_variables=version == VERSION_WITH_VARIABLES)
    statements = tuple(
        reader.read(_object(value, path), path, index)
        for index, (path, value) in enumerate(_statements(document, caps.statements))
    )
    if not grammar.any_sid:
        _refuse_equal_sids(statements)
    return Policy(version, statements, text)


def _statements(document: Mapping[str, Json], most: int) -> Iterator[tuple[str, Json]]:
    path = "$.Statement"
    if "Statement" not in document:
        raise MalformedPolicy(path, "is missing; a policy has at least one statement")
    value = document["Statement"]
    if not isinstance(value, list):
        yield path, value
        return
    if not 1 <= len(value) <= most:
        raise MalformedPolicy(path, f"has {len(value)} statements; accepted are 1 to {most}")
    yield from ((item(path, index), each) for index, each in enumerate(value))


def _refuse_equal_sids(statements: tuple[Statement, ...]) -> None:
    seen: set[str] = set()
    for statement in statements:
        if statement.sid is not None and statement.sid in seen:
            path = member(statement.path, "Sid")
            raise MalformedPolicy(path, f"repeats {quoted(statement.sid)}; the Sids of a policy differ")
        seen.add(statement.sid or "")


@dataclass(frozen=True, slots=True)
class _StatementReader:
    """Reads statements of one document; what a document-wide choice decides is a field."""

    grammar: _Grammar
    caps: Caps
    with_variables: bool

    def read(self, members: Mapping[str, Json], path: str, index: int) -> Statement:
        """The statement at `path`; raises `MalformedPolicy`."""
        _refuse_unknown(members, self.grammar.statement, path)
        actions, not_actions = self._either(members, "Action", "NotAction", path, self._action)
        resources: tuple[ResourcePattern, ...] = ()
        not_resources: tuple[ResourcePattern, ...] = ()
        if "Resource" in self.grammar.statement:
            resources, not_resources = self._either(members, "Resource", "NotResource", path, self._resource)
        principals, not_principals = self._principals(members, path)
        return Statement(
            index=index,
            path=path,
            sid=_sid(members, path, self.grammar.any_sid),
            effect=_effect(members, path),
            actions=actions,
            not_actions=not_actions,
            resources=resources,
            not_resources=not_resources,
            conditions=tuple(self._clauses(members, member(path, "Condition"))),
            principals=principals,
            not_principals=not_principals,
        )

    def _principals(
        self, members: Mapping[str, Json], path: str
    ) -> tuple[PrincipalElement | None, PrincipalElement | None]:
        """The one of Principal and NotPrincipal that is there, in its place."""
        if "Principal" not in self.grammar.statement:
            return None, None
        accepted = [name for name in ("Principal", "NotPrincipal") if name in self.grammar.statement]
        given = [name for name in accepted if name in members]
        if len(given) != 1:
            problem = "stands beside NotPrincipal" if given else "is missing"
            raise MalformedPolicy(member(path, "Principal"), f"{problem}; accepted is {' or '.join(accepted)}")
        (name,) = given
        element = self._principal_element(members[name], member(path, name))
        if self.grammar.only_everybody and not element.everybody:
            raise MalformedPolicy(member(path, name), 'is not everybody; accepted here is only "*"')
        return (element, None) if name == "Principal" else (None, element)

    def _principal_element(self, value: Json, path: str) -> PrincipalElement:
        if value == EVERYBODY:
            return NAMES_EVERYBODY
        kinds = ", ".join(PRINCIPAL_KINDS)
        if not isinstance(value, dict):
            raise MalformedPolicy(path, f'is not a principal; accepted are "*" and an object with any of {kinds}')
        _refuse_unknown(value, frozenset(PRINCIPAL_KINDS), path)
        entries: dict[str, tuple[str, ...]] = {}
        for kind, texts in value.items():
            inner = member(path, kind)
            read = _aws_principal if kind == "AWS" else _other_principal
            entries[kind] = () if texts == [] else self._entries(texts, inner, read)
        return principal_element(entries)

    def _pieces(self, text: str, path: str) -> tuple[Piece, ...]:
        return read_pieces(text, path) if self.with_variables else (text,)

    def _action(self, text: str, path: str) -> ActionPattern:
        self._refuse_wild_pattern(text, path)
        if _ACTION.fullmatch(text) is None:
            raise MalformedPolicy(path, f'is {quoted(text)}; accepted are "*" and service:name with * and ?')
        if self.grammar.only_trust and _TRUST_ACTION.fullmatch(text) is None:
            raise MalformedPolicy(path, f"is {quoted(text)}; a trust policy speaks of sts actions only")
        return action_pattern(text)

    def _resource(self, text: str, path: str) -> ResourcePattern:
        _refuse_characters(text, path)
        self._refuse_wild_pattern(text, path)
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
            if KEY.fullmatch(key) is None or "${" in key or folded in _TAG_KEYS:
                raise MalformedPolicy(inner, "is not a condition key; accepted is prefix:name")
            if folded in seen:
                raise MalformedPolicy(inner, "is given twice in different case; condition keys know no case")
            seen.add(folded)
            texts = tuple(self._scalars(value, inner))
            make = _shared_clause if sum(map(len, texts)) <= _LONGEST_SHARED else Clause
            yield make(operator, key, texts, tuple(self._value(text, operator, inner) for text in texts))

    def _value(self, text: str, operator: Operator, path: str) -> tuple[Piece, ...]:
        _refuse_characters(text, path)
        comparison = operator.comparison
        if comparison is not None and comparison.takes_wildcards:
            self._refuse_wild_pattern(text, path)
        if comparison is not None and comparison.takes_variables:
            return self._pieces(text, path)
        if self.with_variables and "${" in text:
            raise MalformedPolicy(path, f"holds a variable; {operator.base} takes none, String and Arn operators do")
        return (text,)

    def _either(
        self,
        members: Mapping[str, Json],
        plain: str,
        negated: str,
        path: str,
        read: Callable[[str, str], _Pattern],
    ) -> tuple[tuple[_Pattern, ...], tuple[_Pattern, ...]]:
        """The patterns of the one element of a pair that is there, in its place; the other place stays empty."""
        if (plain in members) == (negated in members):
            problem = f"stands beside {negated}" if plain in members else "is missing"
            names = f"exactly one of {plain} and {negated}" if negated in self.grammar.statement else plain
            raise MalformedPolicy(member(path, plain), f"{problem}; accepted is {names}")
        if plain in members:
            return self._entries(members[plain], member(path, plain), read), ()
        return (), self._entries(members[negated], member(path, negated), read)

    def _entries(self, value: Json, path: str, read: Callable[[str, str], _Pattern]) -> tuple[_Pattern, ...]:
        """One text or a list of them, each read with its own path."""
        if isinstance(value, str):
            return (read(value, path),)
        entries = self._list(value, path, "a text or a list of texts")
        if not entries:
            raise MalformedPolicy(path, "is empty; at least one entry is needed")
        patterns: list[_Pattern] = []
        for index, entry in enumerate(entries):
            if not isinstance(entry, str):
                raise MalformedPolicy(item(path, index), "is not a text")
            patterns.append(read(entry, item(path, index)))
        return tuple(patterns)

    def _scalars(self, value: Json, path: str) -> Iterator[str]:
        """The values of one condition key as texts; they share one JSON type."""
        if not isinstance(value, list):
            yield _scalar(value, path)
            return
        entries = self._list(value, path, "a value or a list of values")
        if len({type(entry) for entry in entries}) > 1:
            raise MalformedPolicy(
                path, "mixes JSON types; the values of one key are all texts, all numbers or all booleans"
            )
        for index, entry in enumerate(entries):
            yield _scalar(entry, item(path, index))

    def _list(self, value: Json, path: str, accepted: str) -> list[Json]:
        if not isinstance(value, list):
            raise MalformedPolicy(path, f"is neither; accepted is {accepted}")
        if len(value) > self.caps.list_values:
            raise MalformedPolicy(path, f"has {len(value)} entries; at most {self.caps.list_values} are accepted")
        return value

    def _refuse_wild_pattern(self, text: str, path: str) -> None:
        caps = self.caps
        stars = text.count("*")
        if stars > caps.pattern_stars or ((stars or "?" in text) and len(text) > caps.pattern_characters):
            raise MalformedPolicy(
                path,
                f"is too long a pattern; one with wildcards has at most {caps.pattern_characters} characters"
                f" and {caps.pattern_stars} stars",
            )


# The same conditions stand in most statements of a document, so those of ordinary length are shared.
_LONGEST_SHARED: Final = 1024
_shared_clause: Final = lru_cache(maxsize=4096)(Clause)


# --- single elements -------------------------------------------------------------------------------------


def _sid(members: Mapping[str, Json], path: str, any_text: bool) -> str | None:  # noqa: FBT001  one flag of the grammar
    sid = members.get("Sid", "")
    if not isinstance(sid, str):
        raise MalformedPolicy(member(path, "Sid"), "is not a text")
    if not any_text and _SID.fullmatch(sid) is None:
        raise MalformedPolicy(member(path, "Sid"), "is not a Sid; accepted are the letters A-Z, a-z and digits")
    return sid or None


def _effect(members: Mapping[str, Json], path: str) -> Effect:
    effect = members.get("Effect")
    if effect not in tuple(Effect):
        problem = "is missing" if "Effect" not in members else "is not an effect"
        raise MalformedPolicy(member(path, "Effect"), f'{problem}; accepted are "Allow" and "Deny"')
    assert isinstance(effect, str)
    return Effect(effect)


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


def _refuse_unknown(members: Mapping[str, Json], known: frozenset[str], path: str) -> None:
    for name in members:
        if name not in known:
            accepted = ", ".join(sorted(known))
            raise MalformedPolicy(member(path, name), f"is not an element here; accepted are {accepted}")


def _refuse_characters(text: str, path: str) -> None:
    if (found := OUTSIDE_CHARACTER_SET.search(text)) is not None:
        raise MalformedPolicy(
            path,
            f"holds the character U+{ord(found[0]):04X};"
            " accepted are tab, line feed, carriage return and U+0020 to U+00FF",
        )


def _aws_principal(text: str, path: str) -> str:
    if not is_principal_text(text):
        raise MalformedPolicy(path, f'is {quoted(text)}; accepted are "*", an account id, and the ARN of a principal')
    return text


def _other_principal(text: str, path: str) -> str:
    if not text or "${" in text:
        raise MalformedPolicy(
            path, f"is {quoted(text)}; accepted is the name or ARN of who is meant, without variables"
        )
    return text
