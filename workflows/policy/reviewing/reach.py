"""What a document can grant, asked of the comparison: an action on resources of its type, beyond what is excused.

Every answer that says yes carries a request, and the engine has replayed it against all the statements of the world
in which it is allowed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from workflows.errors import LimitExceeded
from workflows.policy.catalogue import catalogue
from workflows.policy.compare import Verdict, compare
from workflows.policy.containment import overlaps
from workflows.policy.context import fold
from workflows.policy.document import Statement
from workflows.policy.layers import NamedPolicy
from workflows.policy.patterns import ARN_FIELDS, Work, action_pattern, split_arn
from workflows.policy.request import Request
from workflows.policy.reviewing.finding import Step
from workflows.policy.reviewing.kinds import kinds_of, on_kinds
from workflows.policy.reviewing.places import ANY
from workflows.policy.reviewing.plausible import at_a_glance, chosen, likely
from workflows.policy.reviewing.subject import Subject, World, policy_of
from workflows.policy.variables import ResourcePattern

_STEPS: Final = 2_000_000
_MOST_QUESTIONS: Final = 3000


@dataclass(frozen=True, slots=True)
class Grant:
    """An action that can be granted: by which statement, and the call."""

    action: str
    statement: Statement
    step: Step

    def of(self, action: str) -> "Grant":
        """The same of another action that the same statements speak of."""
        if action == self.action:
            return self
        return replace(self, action=action, step=replace(self.step, request=replace(self.step.request, action=action)))


@dataclass
class Reach:
    """Answers questions about one document, each once. `unproven` gathers what could not be decided, by action."""

    subject: Subject
    unproven: dict[str, str] = field(default_factory=dict)
    _asked: dict[tuple[object, ...], tuple[Grant, ...]] = field(default_factory=dict)
    _spoken: dict[str, tuple[tuple[Statement, ...], tuple[Statement, ...]]] = field(default_factory=dict)

    def covering(self, action: str) -> tuple[Statement, ...]:
        """The Allows whose text covers an action, whatever their conditions are."""
        return self._speaking_of(fold(action))[0]

    def never_beyond(self, allow: Statement, beyond: Sequence[Statement]) -> bool:
        """Whether an Allow surely grants nothing at all outside of what these Denies leave out."""
        left, denies = _but_excused(allow, beyond)
        if left is None:
            return True
        policy = NamedPolicy("review", policy_of((left, *_touching(left, denies))))
        return compare([policy], (), steps=_STEPS).verdict is Verdict.PROVEN

    def _speaking_of(self, folded: str) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
        if folded not in self._spoken:
            subject = self.subject
            self._spoken[folded] = (_covering(subject.allows, folded), _covering(subject.denies, folded))
        return self._spoken[folded]

    def grants(
        self, action: str, *, beyond: Sequence[Statement] = (), kinds: Sequence[str] = (), every: bool = False
    ) -> tuple[Grant, ...]:
        """Return how an action can be granted outside of what the Denies of `beyond` leave out.

        `kinds` are the types of resources that count, all of the action's by default. With `every` each Allow is looked
        at, else the first that grants it is enough.
        """
        allows, denies = self._speaking_of(fold(action))
        if not allows:
            return ()
        question = _Question(action, tuple(kinds), tuple(beyond))
        # What is granted depends on an action only through the statements that cover it and the types it names.
        key = (_places(allows), _places(denies), question.kinds_asked, tuple(map(_said, beyond)), every)
        if key not in self._asked:
            self._asked[key] = self._found(question, allows, denies, every=every)
        return tuple(one.of(action) for one in self._asked[key])

    def _found(
        self, question: "_Question", allows: Sequence[Statement], denies: Sequence[Statement], *, every: bool
    ) -> tuple[Grant, ...]:
        if len(self._asked) > _MOST_QUESTIONS:
            self.unproven.setdefault(question.action, "questions")
            return ()
        found: dict[int, Grant] = {}
        for allow in allows:
            if (grant := self._granted(question, allow, denies)) is not None:
                found[allow.index] = grant
                if not every:
                    break
        return tuple(found.values())

    def _granted(self, question: "_Question", allow: Statement, denies: Sequence[Statement]) -> Grant | None:
        """How an Allow grants the action in some world in which it stands."""
        worlds = self.subject.worlds(allow, denies)
        if worlds is None:
            self.unproven.setdefault(question.action, "switches")
        for world in worlds or ():
            here = {one.index: one for one in world.statements}
            standing = [here[one.index] for one in denies if one.index in here]
            if allow.index not in here or any(map(_refuses_all, standing)):
                continue
            try:
                request, because = question.answered(here[allow.index], standing)
            except LimitExceeded:
                request, because = None, "steps"
            if because is not None:
                self.unproven.setdefault(question.action, because)
            if request is not None:
                return self._grant(question.action, request, here[allow.index], denies, world)
        return None

    def _grant(
        self, action: str, request: Request, allow: Statement, denies: Sequence[Statement], world: World
    ) -> Grant:
        parameters = chosen(self.subject, world.parameters, request, (allow, *denies))
        return Grant(action, self.subject.statements[allow.index], Step(request, allow.index, parameters))


@dataclass(frozen=True, slots=True)
class _Question:
    """Whether an Allow grants an action on resources of its types, of `kinds` alone if any, outside of `beyond`."""

    action: str
    kinds: tuple[str, ...]
    beyond: tuple[Statement, ...]

    @property
    def kinds_asked(self) -> tuple[str, ...] | None:
        """The types of resources that are asked about, None where they are not known."""
        entry = catalogue().action(self.action)
        return None if entry is None else kinds_of(entry, self.kinds)

    def answered(self, allow: Statement, denies: Sequence[Statement]) -> tuple[Request | None, str | None]:
        """Return a request that is granted, or the bound that was met before that could be told."""
        left, beyond = _but_excused(allow, self.beyond)
        if left is None:
            return None, None
        asked = [one for one in on_kinds(self.action, self.kinds) if _may_concern(left, one)]
        if not asked:
            return None, None
        asked.sort(key=lambda one: not _is_named(left, one))
        allow, others = left, tuple(_touching(left, (*denies, *beyond)))
        if len(asked) == 1:
            return self._searched(allow, others, asked[0])
        request = at_a_glance(self.action, allow, others, self.kinds)
        if request is not None or self._holds(allow, others):
            return request, None
        met = None
        for kind in asked:
            request, because = self._searched(allow, others, kind)
            met = met or because
            if request is not None:
                return request, None
        return None, met

    def _holds(self, allow: Statement, denies: Sequence[Statement]) -> bool:
        """Whether nothing is granted on any resource, of whatever type."""
        return compare(self._named(allow, denies), (), steps=_STEPS).verdict is Verdict.PROVEN

    def _searched(
        self, allow: Statement, denies: Sequence[Statement], on_kind: Sequence[Statement]
    ) -> tuple[Request | None, str | None]:
        others = (*denies, *on_kind)
        glance = at_a_glance(self.action, allow, others, self.kinds)
        if glance is not None:
            return glance, None
        answer = compare(self._named(allow, others), (), steps=_STEPS)
        if answer.verdict is Verdict.UNKNOWN:
            return None, answer.because or "unknown"
        if answer.verdict is Verdict.PROVEN:
            return None, None
        found = replace(answer.counterexamples[0].request, action=self.action)
        return likely(found, (allow, *others)), None

    def _named(self, allow: Statement, others: Sequence[Statement]) -> list[NamedPolicy]:
        narrowed = replace(allow, actions=(action_pattern(self.action),), not_actions=())
        return [NamedPolicy("review", policy_of((narrowed, *others)))]


def _but_excused(allow: Statement, beyond: Sequence[Statement]) -> tuple[Statement | None, Sequence[Statement]]:
    """The Allow without what it names by parameters and is excused for that, None where nothing is left of it.

    A Deny on such a pattern would excuse whatever fits it, whoever grants it.
    """
    marked = {one.text for deny_ in beyond if not deny_.conditions for one in deny_.resources if ANY in one.text}
    if not marked:
        return allow, beyond
    denies = [
        replace(one, resources=tuple(each for each in one.resources if each.text not in marked)) for one in beyond
    ]
    left = tuple(one for one in allow.resources if one.text not in marked)
    kept = [one for one in denies if one.resources or one.not_resources]
    return (None if allow.resources and not left else replace(allow, resources=left)), kept


def _may_concern(allow: Statement, on_kind: Sequence[Statement]) -> bool:
    """Whether an Allow may cover a resource of this type at all."""
    kinds = [kind for one in on_kind for kind in one.not_resources]
    if not kinds or not allow.resources:
        return True
    return any(may_share(kind, own) for kind in kinds for own in allow.resources)


def _is_named(allow: Statement, on_kind: Sequence[Statement]) -> bool:
    """Whether an Allow begins with the word of this type, so that what is found looks like what was meant."""
    heads = {
        kind.text.split(":", ARN_FIELDS - 1)[-1].partition("?")[0] for one in on_kind for kind in one.not_resources
    }
    return any(own.text.split(":", ARN_FIELDS - 1)[-1].startswith(head) for own in allow.resources for head in heads)


def may_share(one: ResourcePattern, other: ResourcePattern) -> bool:
    """Whether two patterns may have a resource in common; ARNs of two services never have."""
    fields, others = split_arn(one.text), split_arn(other.text)
    if fields is not None and others is not None:
        services = {fields[2], others[2]}
        if len(services) > 1 and not any(set("*?") & set(service) for service in services):
            return False
    return overlaps(one.widest, other.widest, Work())


def _touching(allow: Statement, denies: Sequence[Statement]) -> Iterator[Statement]:
    """The Denies without patterns that share nothing with what an Allow names; the search is dear in patterns."""
    for one in denies:
        if not allow.resources or not one.resources:
            yield one
            continue
        shared = tuple(wide for wide in one.resources if any(may_share(wide, own) for own in allow.resources))
        if shared:
            yield one if len(shared) == len(one.resources) else replace(one, resources=shared)


def _refuses_all(deny_: Statement) -> bool:
    return not deny_.conditions and any(one.text == "*" for one in deny_.resources)


def _places(statements: Sequence[Statement]) -> tuple[int, ...]:
    return tuple(one.index for one in statements)


def _said(statement: Statement) -> tuple[object, ...]:
    return (statement.actions, statement.resources, statement.not_resources, frozenset(statement.conditions))


def _covers(statement: Statement, folded: str) -> bool:
    try:
        return statement.covers_action(folded, Work())
    except LimitExceeded:
        return True


def _covering(statements: Sequence[Statement], folded: str) -> tuple[Statement, ...]:
    return tuple(one for one in statements if _covers(one, folded))
