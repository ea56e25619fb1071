"""What a document can grant, asked of the comparison: an action on resources of its type, beyond what is excused.

Every answer that says yes carries a request, and the engine has replayed it against all the statements of the world
in which it is allowed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from workflows.errors import LimitExceeded
from workflows.policy.asking import AT_HOME
from workflows.policy.catalogue import ActionEntry, catalogue
from workflows.policy.compare import Counterexample, Verdict, compare
from workflows.policy.context import fold
from workflows.policy.document import Effect, Statement
from workflows.policy.evaluate import decide
from workflows.policy.layers import NamedPolicy
from workflows.policy.patterns import ARN_FIELDS, Work, action_pattern, split_arn
from workflows.policy.request import Request
from workflows.policy.reviewing.finding import Step
from workflows.policy.reviewing.places import ACCOUNT
from workflows.policy.reviewing.scope import deny, resource_pattern
from workflows.policy.reviewing.subject import Subject, World, policy_of
from workflows.policy.variables import ResourcePattern

_REGION: Final = "eu-west-1"
_STEPS: Final = 2_000_000
_MOST_QUESTIONS: Final = 3000


@dataclass(frozen=True, slots=True)
class Grant:
    """An action that can be granted: by which statement, and the call."""

    action: str
    statement: Statement
    step: Step


@dataclass
class Reach:
    """Answers questions about one document, each once. `unproven` gathers what could not be decided, by action."""

    subject: Subject
    unproven: dict[str, str] = field(default_factory=dict)
    _asked: dict[tuple[object, ...], tuple[Grant, ...]] = field(default_factory=dict)

    def covering(self, action: str) -> tuple[Statement, ...]:
        """The Allows whose text covers an action, whatever their conditions are."""
        return _covering(self.subject.allows, fold(action))

    def grants(
        self, action: str, *, beyond: Sequence[Statement] = (), kinds: Sequence[str] = (), every: bool = False
    ) -> tuple[Grant, ...]:
        """Return how an action can be granted outside of what the Denies of `beyond` leave out.

        `kinds` are the types of resources that count, all of the action's by default. With `every` each Allow is looked
        at, else the first that grants it is enough.
        """
        allows = self.covering(action)
        if not allows:
            return ()
        key = (fold(action), tuple(map(_said, beyond)), tuple(kinds), every)
        if key not in self._asked:
            self._asked[key] = self._found(action, allows, (*beyond, *_on_kinds(action, tuple(kinds))), every=every)
        return self._asked[key]

    def _found(
        self, action: str, allows: Sequence[Statement], beyond: Sequence[Statement], *, every: bool
    ) -> tuple[Grant, ...]:
        if len(self._asked) > _MOST_QUESTIONS:
            self.unproven.setdefault(action, "questions")
            return ()
        folded = fold(action)
        denies = [one for one in self.subject.statements if one.effect is Effect.DENY and _covers(one, folded)]
        worlds = self.subject.worlds((*allows, *denies))
        if worlds is None:
            self.unproven.setdefault(action, "switches")
            return ()
        found: dict[int, Grant] = {}
        for world in worlds:
            for grant in self._in_world(action, world, beyond, every=every):
                found.setdefault(grant.statement.index, grant)
            if found and not every:
                break
        return tuple(found.values())

    def _in_world(self, action: str, world: World, beyond: Sequence[Statement], *, every: bool) -> Iterator[Grant]:
        asked = fold(action)
        relevant = [one for one in world.statements if _covers(one, asked)]
        narrowed = [replace(one, actions=(action_pattern(action),), not_actions=()) for one in relevant]
        first = [NamedPolicy("review", policy_of((*narrowed, *beyond)))]
        answer = compare(first, (), every=every, steps=_STEPS)
        if answer.verdict is Verdict.UNKNOWN:
            self.unproven.setdefault(action, answer.because or "unknown")
        for one in answer.counterexamples:
            yield self._grant(action, one, world, beyond)

    def _grant(self, action: str, found: Counterexample, world: World, beyond: Sequence[Statement]) -> Grant:
        request = _likely(replace(found.request, action=action), (*world.statements, *beyond))
        statement = self.subject.statements[found.statement.index]
        return Grant(action, statement, Step(request, statement.index, _told(world, self.subject)))


def _told(world: World, subject: Subject) -> Mapping[str, str]:
    return dict(world.parameters) if subject.is_template else {}


def _said(statement: Statement) -> tuple[object, ...]:
    return (statement.actions, statement.resources, statement.not_resources, frozenset(statement.conditions))


def _covers(statement: Statement, folded: str) -> bool:
    try:
        return statement.covers_action(folded, Work())
    except LimitExceeded:
        return True


def _covering(statements: Sequence[Statement], folded: str) -> tuple[Statement, ...]:
    return tuple(one for one in statements if _covers(one, folded))


# --- resources of a type ---------------------------------------------------------------------------------


def kinds_of(entry: ActionEntry, names: Sequence[str] = ()) -> tuple[str, ...]:
    """The ARN patterns of the resources that an action names, of these types alone where some are given."""
    uses = [use for use in entry.resources if not names or use.name in names]
    service = catalogue().service(entry.service)
    assert service is not None
    types = (service.resource_types.get(fold(use.name)) for use in uses)
    return tuple(dict.fromkeys(_pattern(one.fields) for one in types if one is not None))


def _pattern(fields: Sequence[str]) -> str:
    return ":".join(fields)


@lru_cache(maxsize=4096)
def _on_kinds(action: str, names: tuple[str, ...]) -> tuple[Statement, ...]:
    """A Deny on whatever is no resource of the action; `*` is what actions without one are asked on."""
    entry = catalogue().action(action)
    if entry is None:
        return ()
    kinds = kinds_of(entry, names)
    if not kinds:
        return (_ONLY_ON_STAR,)
    spared: tuple[ResourcePattern, ...] = tuple(map(resource_pattern, map(_with_names, kinds)))
    return (deny(but_on=spared),)


def _with_names(kind: str) -> str:
    """The pattern of a type, but names are not empty."""
    *fields, resource = kind.split(":", ARN_FIELDS - 1)
    return ":".join((*fields, resource.replace("*", "?*")))


# Of ARNs this spares none: what is asked on `*` is no ARN.
_ONLY_ON_STAR: Final = deny(resources=(resource_pattern("arn:*:*:*:*:*"),))


# --- requests that look like real ones -------------------------------------------------------------------


def _likely(request: Request, statements: Sequence[Statement]) -> Request:
    """The request with a partition, a region and an account that exist, if it is allowed then as well."""
    fields = split_arn(request.resource)
    if fields is None or len(fields) != ARN_FIELDS:
        return request
    shape = _shape_of(request.action, fields)
    likely = [
        fields[0],
        "aws",
        fields[2],
        _REGION if shape[3] == "*" and _region_is_made_up(fields[3]) else fields[3],
        ACCOUNT if shape[4] == "*" and not fields[4].isdigit() else fields[4],
        fields[5],
    ]
    tried = replace(request, resource=":".join(likely))
    return tried if tried != request and allowed(statements, tried) else request


def _region_is_made_up(region: str) -> bool:
    return "-" not in region


def _shape_of(action: str, fields: Sequence[str]) -> Sequence[str]:
    entry = catalogue().action(action)
    for kind in kinds_of(entry) if entry is not None else ():
        if resource_pattern(kind).matches(":".join(fields), {}, Work()):
            return kind.split(":", ARN_FIELDS - 1)
    return ("arn", "*", "*", "", "", "*")


def allowed(statements: Sequence[Statement], request: Request) -> bool:
    """Whether the ordinary engine allows a request under these statements alone."""
    layers = AT_HOME.layers([NamedPolicy("review", policy_of(statements))])
    return decide(layers, AT_HOME.request(request)).allowed
