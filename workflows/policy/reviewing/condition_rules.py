"""Rules on conditions: on keys that actions carry (S5, S8), that hold on absence (S8), that others make void (S6).

And on tags: what hangs on one is not opened by setting it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from workflows.policy.catalogue import ActionEntry, Level, catalogue
from workflows.policy.compare import Verdict, compare
from workflows.policy.conditions import NULL, Clause, Operator, Quantifier
from workflows.policy.containment import overlaps
from workflows.policy.context import RequestContext, fold
from workflows.policy.document import Effect, Statement
from workflows.policy.global_keys import GLOBAL_KEYS
from workflows.policy.layers import NamedPolicy
from workflows.policy.patterns import Work, split_arn
from workflows.policy.request import Asked, Request
from workflows.policy.reviewing.action_rules import at
from workflows.policy.reviewing.finding import Finding, Severity, Step
from workflows.policy.reviewing.iam_rules import found_at
from workflows.policy.reviewing.kinds import kinds_of
from workflows.policy.reviewing.plausible import chosen, likely
from workflows.policy.reviewing.reach import Reach, may_share
from workflows.policy.reviewing.scope import deny, equals, is_plain, none_of
from workflows.policy.reviewing.service_rules import matching
from workflows.policy.reviewing.subject import World, label, policy_of
from workflows.policy.strict_json import quoted

_STEPS: Final = 2_000_000
_REQUEST_TAGS: Final = ("aws:requesttag/", "aws:tagkeys")
_RESOURCE_TAG: Final = "aws:resourcetag/"
# Several services have a name of their own for the tags of their resources.
_OWN_RESOURCE_TAG: Final = ":resourcetag/"
_OBJECT_TAG: Final = "s3:existingobjecttag/"


# --- keys that the action carries ------------------------------------------------------------------------


def key_rules(reach: Reach) -> Iterator[Finding]:
    """Conditions stand on keys that their actions carry: on others they never hold, or never enforce anything (S5)."""
    for statement in reach.subject.statements:
        entries = _entries(statement)
        for clause in statement.conditions:
            if entries and _is_known(clause):
                yield from _uncarried(reach, statement, clause, entries)


def _entries(statement: Statement) -> list[tuple[str, tuple[ActionEntry, ...]]]:
    """The action patterns of a statement, each with what the catalogue knows of it."""
    found = []
    for pattern in statement.actions:
        prefix = fold(pattern.text.partition(":")[0])
        if "*" not in prefix and "?" not in prefix and (entries := matching(prefix, pattern)):
            found.append((pattern.text, entries))
    return found


def _is_known(clause: Clause) -> bool:
    """Whether the catalogue knows the key, so that it can tell who carries it."""
    return catalogue().key(clause.key) is not None


def _uncarried(
    reach: Reach, statement: Statement, clause: Clause, entries: Sequence[tuple[str, tuple[ActionEntry, ...]]]
) -> Iterator[Finding]:
    holds = _holds_when_absent(clause)
    known = catalogue()
    bare = [
        pattern
        for pattern, ones in entries
        if (any if holds else all)(not known.carries(one, clause.key) for one in ones)
    ]
    if not bare:
        return
    effect = "grants" if statement.effect is Effect.ALLOW else "denies"
    end = "the condition never limits it" if holds else f"here it {effect} nothing"
    rule = "S8-REQUEST-TAG" if fold(clause.key).startswith(_REQUEST_TAGS) else "S5"
    grave = Severity.HIGH if holds is (statement.effect is Effect.ALLOW) else Severity.MEDIUM
    message = f"{bare[0]} never carries {quoted(clause.key)}: {end}"
    yield at(reach.subject, statement, rule, grave, message, *bare)


def _holds_when_absent(clause: Clause) -> bool:
    return clause.test(Asked(Request("a:b", "*", RequestContext())))


# --- operators that hold on absence ----------------------------------------------------------------------


def absence_rules(reach: Reach) -> Iterator[Finding]:
    """An Allow is limited also where a request lacks its keys (S8-FORALL, S8-IFEXISTS)."""
    for statement in reach.subject.allows:
        by_key: dict[str, list[Clause]] = {}
        for clause in statement.conditions:
            by_key.setdefault(fold(clause.key), []).append(clause)
        loose = [
            key for key, clauses in by_key.items() if not _always_there(key) and all(map(_holds_when_absent, clauses))
        ]
        sets = [key for key in loose if any(one.operator.quantifier is Quantifier.ALL for one in by_key[key])]
        for key in sets:
            named = by_key[key][0].key
            message = f"ForAllValues on {quoted(named)} holds for a request without it; demand it by Null"
            yield at(reach.subject, statement, "S8-FORALL", Severity.MEDIUM, message, named)
        others = [key for key in loose if key not in sets and _compares(by_key[key])]
        if others and len(loose) == len(by_key):
            named = by_key[others[0]][0].key
            message = (
                f"a request without {quoted(named)} meets every condition: IfExists and negations limit nothing alone"
            )
            yield at(reach.subject, statement, "S8-IFEXISTS", Severity.MEDIUM, message, named)


def _always_there(key: str) -> bool:
    known = GLOBAL_KEYS.find(key)
    return known is not None and known.is_always_present


def _compares(clauses: Sequence[Clause]) -> bool:
    return any(one.operator.base != NULL for one in clauses)


# --- Allows that make a condition void -------------------------------------------------------------------


def overlap_rules(reach: Reach) -> Iterator[Finding]:
    """No Allow grants without a condition what another grants under it (S6)."""
    denying = [one for one in reach.subject.statements if one.effect is Effect.DENY]
    worlds = reach.subject.worlds(None, denying)
    for world in worlds or ():
        allows = [one for one in world.statements if one.effect is Effect.ALLOW]
        for statement in allows:
            asked = frozenset(statement.conditions)
            freer = [one for one in allows if frozenset(one.conditions) < asked and _may_meet(one, statement)]
            if freer:
                yield from _voided(reach, statement, freer, world)
        break


def _may_meet(one: Statement, other: Statement) -> bool:
    """Whether two statements may speak of the same action and resource at all."""
    work = Work()
    named = one.actions and other.actions
    if named and not any(overlaps(each.glob, twin.glob, work) for each in one.actions for twin in other.actions):
        return False
    if not one.resources or not other.resources:
        return True
    return any(may_share(each, twin) for each in one.resources for twin in other.resources)


def _voided(reach: Reach, statement: Statement, freer: Sequence[Statement], world: World) -> Iterator[Finding]:
    denies = [one for one in world.statements if one.effect is Effect.DENY]
    bare = replace(statement, conditions=())
    if compare(_named((bare, *denies)), _named((*freer, *denies)), steps=_STEPS).verdict is Verdict.PROVEN:
        grave, how = Severity.HIGH, "all"
    else:
        grave, how = Severity.MEDIUM, "some"
    within = _within(statement)
    holding = deny(conditions=statement.conditions)
    answer = compare(_named((*freer, *denies, *within, holding)), (), steps=_STEPS)
    if answer.verdict is Verdict.UNKNOWN:
        reach.unproven.setdefault(f"whether conditions of {label(statement)} are void", answer.because or "unknown")
    for one in answer.counterexamples:
        message = f"statement {label(one.statement)} grants {how} of this without the condition: it is void there"
        request = likely(one.request, (*freer, *denies, *within, holding))
        speaking = (one.statement, *reach.subject.denies)
        step = Step(request, one.statement.index, chosen(reach.subject, world.parameters, request, speaking))
        actions = tuple(pattern.text for pattern in statement.actions)
        found = at(reach.subject, statement, "S6", grave, message, *actions)
        yield replace(found, attack=(step,))


def _within(statement: Statement) -> tuple[Statement, ...]:
    """Denies on whatever a statement does not speak of, its conditions aside."""
    elsewhere = deny(but_on=statement.resources) if statement.resources else deny(resources=statement.not_resources)
    if statement.actions:
        others = replace(deny(), actions=(), not_actions=statement.actions)
    else:
        others = deny(actions=statement.not_actions)
    return (elsewhere, others)


def _named(statements: Sequence[Statement]) -> list[NamedPolicy]:
    return [NamedPolicy("review", policy_of(statements))]


# --- tags that open what they guard ----------------------------------------------------------------------


def guard_rules(reach: Reach) -> Iterator[Finding]:
    """Rights that hang on a tag are not opened by setting the tag (TAG-OPENS), nor asked of what has no tags (S8)."""
    for statement in reach.subject.allows:
        for clause in statement.conditions:
            key = fold(clause.key)
            if not is_plain(clause.operator):
                continue
            if _OWN_RESOURCE_TAG in key or key.startswith(_OBJECT_TAG):
                yield from _opened(reach, statement, clause)
            if key.startswith(_RESOURCE_TAG):
                yield from _referenced(reach, statement, clause)


def _opened(reach: Reach, statement: Statement, clause: Clause) -> Iterator[Finding]:
    tag = clause.key.partition("/")[2]
    patterns = [pattern for pattern in statement.actions if ":" in pattern.text]
    services = _tagged_services(statement)
    at_creation = none_of((equals("ec2:CreateAction", ("false",), NULL),))
    for prefix in services:
        unset = (*none_of(_spellings(clause, prefix)), *at_creation, *_unlike(tag, clause))
        service = catalogue().service(prefix)
        tagging = [one for one in service.actions.values() if one.level is Level.TAGGING] if service else []
        for entry in tagging:
            if not entry.name.startswith(("Tag", "Create", "Add", "Put")):
                continue
            for grant in reach.grants(entry.full_name, beyond=unset)[:1]:
                guarded = patterns[0].text if patterns else "what is not listed"
                message = (
                    f"{entry.full_name} can set the tag {quoted(tag)} on anything that {guarded} is kept from by it"
                )
                yield replace(
                    found_at(reach, "TAG-OPENS", Severity.HIGH, [grant], message),
                    path=statement.path,
                    statement=label(statement),
                )
                return


def _spellings(clause: Clause, prefix: str) -> Iterator[Clause]:
    """The clause under each name that a service has for the tag; a resource has the tag under all of them."""
    _, _, tag = clause.key.partition("/")
    keys = dict.fromkeys((clause.key, f"aws:ResourceTag/{tag}", f"{prefix}:ResourceTag/{tag}"))
    yield from (replace(clause, key=key) for key in keys)


def _tagged_services(statement: Statement) -> Sequence[str]:
    """The services whose resources a statement speaks of: those of its ARNs, of its actions, and of what these name."""
    arns = (split_arn(pattern.text) for pattern in statement.resources)
    named = [fields[2] for fields in arns if fields is not None]
    prefixes = [fold(pattern.text.partition(":")[0]) for pattern in statement.actions]
    if len(named) < len(statement.resources):
        entries = (catalogue().action(pattern.text) for pattern in statement.actions)
        prefixes += [kind.split(":")[2] for entry in entries if entry is not None for kind in kinds_of(entry)]
    return tuple(dict.fromkeys((*named, *prefixes)))


def _unlike(tag: str, clause: Clause) -> tuple[Statement, ...]:
    """Denies on requests that set another value of the tag, or do not name it among their tags."""
    of_objects = fold(clause.key).startswith(_OBJECT_TAG)
    value, names = (
        ("s3:RequestObjectTag", "s3:RequestObjectTagKeys") if of_objects else ("aws:RequestTag", "aws:TagKeys")
    )
    negated = equals(f"{value}/{tag}", clause.texts, "StringNotLike")
    unnamed = Clause(Operator("StringNotEquals", Quantifier.ALL), names, (tag,), ((tag,),))
    others = (deny(conditions=(negated,)),) if not clause.has_variables else ()
    return (*others, deny(conditions=(unnamed,)))


def _referenced(reach: Reach, statement: Statement, clause: Clause) -> Iterator[Finding]:
    known = catalogue()
    for pattern in statement.actions:
        entry = known.action(pattern.text)
        service = known.service(entry.service) if entry is not None else None
        if entry is None or service is None or clause.key in entry.own_keys:
            continue
        required = [use for use in entry.resources if use.required]
        types = [(use, service.resource_types.get(fold(use.name))) for use in required]
        bare = [
            use.name
            for use, kind in types
            if kind is not None and clause.key not in use.keys and clause.key not in kind.keys
        ]
        if bare and len(bare) < len(required):
            message = f"{pattern.text} is also asked on {bare[0]}, which has no tags: the condition never holds there"
            yield at(reach.subject, statement, "S8-REFERENCED", Severity.LOW, message, pattern.text)
            return
