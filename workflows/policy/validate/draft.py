"""A document as far as it can be understood: the view of it that checks look at, each part with its place.

Unlike the engine's parser this one takes whatever is there. A part that is missing or of the wrong type is empty.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from workflows.policy.catalogue import Catalogue, KeyEntry
from workflows.policy.conditions import Operator, Quantifier, read_operator
from workflows.policy.context import fold
from workflows.policy.document import OLD_VERSION, PolicyKind
from workflows.policy.patterns import Glob, Work, action_pattern, resource_tokens
from workflows.policy.strict_json import Number
from workflows.policy.validate.places import KeyStep, Part, Path, Place
from workflows.policy.validate.source import Member, Node, written_places

ALLOW: Final = "Allow"
DENY: Final = "Deny"
_WORK: Final = 2_000_000
_REDUNDANCY_WORK: Final = 300_000
_ARN_WORK: Final = 150_000
_LONGEST_ACTION: Final = 256
_LONGEST_RESOURCE: Final = 2048


@dataclass(slots=True)
class Text:
    """A text of the document (numbers and booleans as they are written), its node and the way to it."""

    text: str
    node: Node
    path: Path

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.path, self.node.start, self.node.end)

    @property
    def is_wild(self) -> bool:
        """Whether a wildcard is in it."""
        return "*" in self.text or "?" in self.text


@dataclass(slots=True)
class Clause:
    """One comparison: an operator (None if there is no such), a key, and its values with what holds them."""

    operator_name: str
    operator: Operator | None
    operator_place: Place
    key: Text
    folded: str
    held: Text
    values: tuple[Text, ...]
    is_list: bool

    @property
    def base(self) -> str:
        """The operator without set prefix and IfExists."""
        return self.operator.base if self.operator is not None else ""

    @property
    def quantifier(self) -> Quantifier:
        """The set prefix of the operator."""
        return self.operator.quantifier if self.operator is not None else Quantifier.NONE

    @property
    def is_negated(self) -> bool:
        """Whether none of the values may fit."""
        comparison = self.operator.comparison if self.operator is not None else None
        return comparison is not None and comparison.negated

    @property
    def demands(self) -> bool:
        """Whether the statement never applies to a request without the key."""
        if self.operator is None or self.operator.if_exists or self.quantifier is Quantifier.ALL:
            return False
        if self.base == "Null":
            return [value.text.lower() for value in self.values] == ["false"]
        return not self.is_negated or self.quantifier is Quantifier.ANY


@dataclass(slots=True)
class StatementDraft:
    """One statement; `members` are its elements by name, the rest is what could be read of them."""

    index: int
    node: Node
    path: Path
    members: Mapping[str, Member]
    effect: str | None
    actions: tuple[Text, ...]
    not_actions: tuple[Text, ...]
    resources: tuple[Text, ...]
    not_resources: tuple[Text, ...]
    principals: Mapping[str, tuple[Text, ...]]
    not_principals: Mapping[str, tuple[Text, ...]]
    clauses: tuple[Clause, ...]
    keys: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.keys = frozenset(clause.folded for clause in self.clauses)

    @property
    def allows(self) -> bool:
        """Whether its effect is Allow."""
        return self.effect == ALLOW

    @property
    def denies(self) -> bool:
        """Whether its effect is Deny."""
        return self.effect == DENY

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.path, self.node.start, self.node.end)

    def element(self, name: str) -> Place:
        """Where the value of a member stands that is there."""
        node = self.members[name].node
        return Place((*self.path, name), node.start, node.end)

    def name_of(self, name: str) -> Place:
        """Where the name of a member stands that is there."""
        found = self.members[name]
        return Place((*self.path, KeyStep(name)), found.start, found.end)

    def named(self, kind: str) -> tuple[Text, ...]:
        """Return the entries of one kind of its Principal."""
        return self.principals.get(kind, ())


class Draft:
    """A document of some kind, for a resource type if one is named; `work` and `guesses` bound what is spent on it."""

    def __init__(self, text: str, root: Node, kind: PolicyKind, resource_type: str | None, known: Catalogue) -> None:
        self.text: Final = text
        self.root: Final = root
        self.kind: Final = kind
        self.resource_type: Final = resource_type
        self.catalogue: Final = known
        self.work: Final = Work(_WORK)
        self.redundancy_work: Final = Work(_REDUNDANCY_WORK)
        self.arn_work: Final = Work(_ARN_WORK)
        self.guesses = 0
        self.members: Final = members_of(root)
        self._keys: dict[str, KeyEntry | None] = {}
        version = self.members.get("Version")
        self.version: Final = version.node.value if version is not None else OLD_VERSION

    @cached_property
    def statements(self) -> tuple[StatementDraft, ...]:
        """The statements that are objects."""
        found = self.members.get("Statement")
        if found is None:
            return ()
        if isinstance(found.node.value, list):
            nodes: Iterable[tuple[int, Node, Path]] = (
                (index, node, ("Statement", index)) for index, node in enumerate(found.node.value)
            )
        else:
            nodes = ((0, found.node, ("Statement",)),)
        return tuple(_statement(index, node, path) for index, node, path in nodes if isinstance(node.value, dict))

    def key(self, folded: str) -> KeyEntry | None:
        """What is known of a condition key, by its name in lower case."""
        if folded not in self._keys:
            self._keys[folded] = self.catalogue.key(folded)
        return self._keys[folded]

    def element(self, name: str) -> Place:
        """Where the value of a member of the document stands that is there."""
        node = self.members[name].node
        return Place((name,), node.start, node.end)

    @property
    def whole(self) -> Place:
        """The whole document."""
        return Place((), self.root.start, self.root.end)

    def part(self, text: Text, start: int, end: int) -> Place:
        """Where the characters from `start` to `end` of a text stand."""
        if not isinstance(text.node.value, str):
            return text.place
        first, last = written_places(self.text, text.node, start, end)
        return Place((*text.path, Part(start, end - start)), first, last)


def members_of(node: Node) -> Mapping[str, Member]:
    """Return the members of an object, none of anything else."""
    return node.value if isinstance(node.value, dict) else {}


def action_glob(text: str) -> Glob:
    """Return the pattern of an entry of Action; one that is too long for any action stands for itself."""
    return action_pattern(text).glob if len(text) <= _LONGEST_ACTION else Glob((text,))


def resource_glob(text: str) -> Glob:
    """Return the pattern of an entry of Resource; variables, and all of one that is too long, are plain text."""
    return Glob(resource_tokens(text)) if len(text) <= _LONGEST_RESOURCE else Glob((text,))


# --- reading ---------------------------------------------------------------------------------------------


def _statement(index: int, node: Node, path: Path) -> StatementDraft:
    members = members_of(node)
    effect = members.get("Effect")
    effect_text = effect.node.value if effect is not None else None
    return StatementDraft(
        index=index,
        node=node,
        path=path,
        members=members,
        effect=effect_text if isinstance(effect_text, str) else None,
        actions=_texts(members, "Action", path),
        not_actions=_texts(members, "NotAction", path),
        resources=_texts(members, "Resource", path),
        not_resources=_texts(members, "NotResource", path),
        principals=_principals(members, "Principal", path),
        not_principals=_principals(members, "NotPrincipal", path),
        clauses=tuple(_clauses(members, path)),
    )


def _texts(members: Mapping[str, Member], name: str, path: Path) -> tuple[Text, ...]:
    """The texts under a name: one, or a list of which what is no text is left out."""
    found = members.get(name)
    if found is None:
        return ()
    node = found.node
    if isinstance(node.value, str):
        return (Text(node.value, node, (*path, name)),)
    if not isinstance(node.value, list):
        return ()
    return tuple(
        Text(each.value, each, (*path, name, index))
        for index, each in enumerate(node.value)
        if isinstance(each.value, str)
    )


def _principals(members: Mapping[str, Member], name: str, path: Path) -> Mapping[str, tuple[Text, ...]]:
    """The entries by their kind; a lone `*` is one of the kind AWS."""
    found = members.get(name)
    if found is None:
        return {}
    if isinstance(found.node.value, str):
        return {"AWS": (Text(found.node.value, found.node, (*path, name)),)}
    inner = members_of(found.node)
    return {kind: _texts(inner, kind, (*path, name)) for kind in inner}


def _clauses(members: Mapping[str, Member], path: Path) -> Iterator[Clause]:
    found = members.get("Condition")
    if found is None:
        return
    for name, operator_member in members_of(found.node).items():
        here = (*path, "Condition")
        operator = read_operator(name)
        place = Place((*here, KeyStep(name)), operator_member.start, operator_member.end)
        for key, member in members_of(operator_member.node).items():
            inner = (*here, name, key)
            key_text = Text(key, Node(key, member.start, member.end), (*here, name, KeyStep(key)))
            yield Clause(
                operator_name=name,
                operator=operator,
                operator_place=place,
                key=key_text,
                folded=fold(key),
                held=Text(key, member.node, inner),
                values=tuple(_values(member.node, inner)),
                is_list=isinstance(member.node.value, list),
            )


def _values(node: Node, path: Path) -> Iterator[Text]:
    several = node.value if isinstance(node.value, list) else None
    for index, each in enumerate(several if several is not None else (node,)):
        text = _scalar(each)
        if text is not None:
            yield Text(text, each, (*path, index) if several is not None else path)


def _scalar(node: Node) -> str | None:
    match node.value:
        case str():
            return node.value
        case bool():
            return "true" if node.value else "false"
        case Number(text):
            return text
        case _:
            return None
