"""What a document can grant, asked of the comparison: an action on resources of its type, beyond what is excused.

Every answer that says yes carries a request, and the engine has replayed it against all the statements of the world
in which it is allowed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice, product
from typing import Final

from workflows.errors import LimitExceeded
from workflows.policy.asking import AT_HOME
from workflows.policy.catalogue import ActionEntry, catalogue
from workflows.policy.circumstances import Circumstances, Wish, keys_of
from workflows.policy.compare import Verdict, compare
from workflows.policy.conditions import Clause
from workflows.policy.containment import overlaps
from workflows.policy.context import RequestContext, fold
from workflows.policy.document import Statement
from workflows.policy.evaluate import decide
from workflows.policy.joint import Undecided
from workflows.policy.layers import NamedPolicy
from workflows.policy.patterns import ARN_FIELDS, Work, action_pattern, split_arn
from workflows.policy.request import Asked, Request
from workflows.policy.reviewing.finding import Step
from workflows.policy.reviewing.places import ACCOUNT
from workflows.policy.reviewing.scope import deny, resource_pattern
from workflows.policy.reviewing.subject import UNLIKELY, Subject, World, policy_of
from workflows.policy.variables import ResourcePattern

_REGION: Final = "eu-west-1"
_STEPS: Final = 2_000_000
_MOST_QUESTIONS: Final = 3000
_FEW: Final = 4
_MOST_CHOICES: Final = 64


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
        policy = NamedPolicy("review", policy_of((allow, *_touching(allow, beyond))))
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
                return self._grant(question.action, request, allow.index, world)
        return None

    def _grant(self, action: str, request: Request, index: int, world: World) -> Grant:
        parameters = chosen(self.subject, world.parameters, request)
        return Grant(action, self.subject.statements[index], Step(request, index, parameters))


def chosen(subject: Subject, values: Mapping[str, str], request: Request) -> Mapping[str, str]:
    """Return values of all parameters under which a request is granted; none if no single choice was found.

    Where a value stood for many, the one that this request takes is looked for.
    """
    if not subject.is_template:
        return {}
    safe = [name for name in subject.wildcard_safe if name in values]
    known = {**values, **{name: "*" for name in safe if values[name] != UNLIKELY}}
    unsettled = sorted(subject.opened.union(safe))[:_FEW]
    if not unsettled or allowed(subject.rendered(known), request):
        return known
    resource = request.resource.split(":", ARN_FIELDS - 1)[-1]
    pieces = (resource.partition("/")[0], resource.rpartition("/")[2])
    candidates = [text for text in (request.resource, resource, *pieces, pieces[1][:1], UNLIKELY) if text]
    choices = (dict.fromkeys((known[name], values[name], *candidates)) for name in unsettled)
    for choice in islice(product(*choices), _MOST_CHOICES):
        tried = {**known, **dict(zip(unsettled, choice, strict=True))}
        if allowed(subject.rendered(tried), request):
            return tried
    return {}


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
        asked = [one for one in _on_kinds(self.action, self.kinds) if _may_concern(allow, one)]
        if not asked:
            return None, None
        others = tuple(_touching(allow, (*denies, *self.beyond)))
        if len(asked) == 1:
            return self._searched(allow, others, asked[0])
        request = _at_a_glance(self.action, allow, others, self.kinds)
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
        glance = _at_a_glance(self.action, allow, others, self.kinds)
        if glance is not None:
            return glance, None
        answer = compare(self._named(allow, others), (), steps=_STEPS)
        if answer.verdict is Verdict.UNKNOWN:
            return None, answer.because or "unknown"
        if answer.verdict is Verdict.PROVEN:
            return None, None
        found = replace(answer.counterexamples[0].request, action=self.action)
        return _likely(found, (allow, *others)), None

    def _named(self, allow: Statement, others: Sequence[Statement]) -> list[NamedPolicy]:
        narrowed = replace(allow, actions=(action_pattern(self.action),), not_actions=())
        return [NamedPolicy("review", policy_of((narrowed, *others)))]


def _may_concern(allow: Statement, on_kind: Sequence[Statement]) -> bool:
    """Whether an Allow may cover a resource of this type at all."""
    kinds = [kind for one in on_kind for kind in one.not_resources]
    if not kinds or not allow.resources:
        return True
    return any(may_share(kind, own) for kind in kinds for own in allow.resources)


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
def _on_kinds(action: str, names: tuple[str, ...]) -> tuple[tuple[Statement, ...], ...]:
    """For each type of resource a Deny on whatever is no such; `*` is what actions without one are asked on."""
    entry = catalogue().action(action)
    if entry is None:
        return ((),)
    kinds = kinds_of(entry, names)
    if not kinds:
        return ((_ONLY_ON_STAR,),)
    return tuple((deny(but_on=(resource_pattern(_with_names(kind)),)),) for kind in kinds)


def _with_names(kind: str) -> str:
    """The pattern of a type, but no name is empty, and no field runs on into the next."""
    *fields, resource = kind.split(":", ARN_FIELDS - 1)
    return ":".join((*("*?" if field == "*" else field for field in fields), resource.replace("*", "?*")))


# Of ARNs this spares none: what is asked on `*` is no ARN.
_ONLY_ON_STAR: Final = deny(resources=(resource_pattern("arn:*:*:*:*:*"),))


# --- requests that look like real ones -------------------------------------------------------------------


def _at_a_glance(action: str, allow: Statement, denies: Sequence[Statement], names: Sequence[str]) -> Request | None:
    """A request on a plain name under what the Allow demands, if that is granted: most of what is granted is."""
    context = _demanded(allow.conditions)
    for resource in _plain_resources(action, allow, names) if context is not None else ():
        request = Request(action, resource, context or RequestContext())
        asked = Asked(request)
        fits = allow.covers_resource(resource, asked.values, asked) and all(test(asked) for test in allow.tests)
        if fits and not any(
            one.covers_resource(resource, asked.values, asked) and all(test(asked) for test in one.tests)
            for one in denies
        ):
            return request if allowed((allow, *denies), request) else None
    return None


@lru_cache(maxsize=1024)
def _demanded(clauses: tuple[Clause, ...]) -> RequestContext | None:
    """Circumstances in which clauses hold; none where that is not easily told."""
    if not clauses:
        return RequestContext()
    if keys_of(clauses):
        return None
    try:
        found = Circumstances({}).grant(Wish.of(clauses, ()))
    except (Undecided, LimitExceeded):
        return None
    return None if found is None else RequestContext(found)


def _plain_resources(action: str, allow: Statement, names: Sequence[str]) -> Iterator[str]:
    entry = catalogue().action(action)
    if entry is None:
        return
    kinds = kinds_of(entry, names)
    if not kinds:
        yield "*"
    for kind in kinds[:_FEW]:
        yield _filled(kind, kind)
    globs = [resource_pattern(kind) for kind in kinds]
    for pattern in allow.resources[:_FEW]:
        if pattern.is_fixed and pattern.text != "*":
            for glob in globs[:_FEW]:
                text = _filled(pattern.text, glob.text)
                if glob.matches(text, {}, Work()):
                    yield text


def _filled(text: str, kind: str) -> str:
    """A pattern with plain words in place of its wildcards, and an account and a region where its kind has them."""
    shape = kind.split(":", ARN_FIELDS - 1)
    fields = text.split(":", ARN_FIELDS - 1)
    words = ("arn", "aws", shape[2], _REGION, ACCOUNT, "x")
    return ":".join(
        word if field == "*" and at < ARN_FIELDS - 1 else field.replace("*", "x").replace("?", "x")
        for at, (field, word) in enumerate(zip(fields, words, strict=False))
    )


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
