"""Questions about policies that come down to comparing them: what is new, granted, public, equal, or dead.

Each answer is a comparison's: proven, refuted by a request that the engine itself has replayed, or not known.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Final

from workflows.policy.asking import Asking, accounts_named, everybody, providers, strangers
from workflows.policy.compare import Comparison, Counterexample, Verdict, compare
from workflows.policy.document import ASKED, Effect, Policy, PolicyKind, Statement, parse_policy
from workflows.policy.layers import NamedPolicy
from workflows.policy.outsiders import shut_out
from workflows.policy.patterns import Work

_MOST_CALLERS: Final = 200
# The steps of all comparisons of one question together: some two seconds, or where people wait for a page much less.
_WORK: Final = 10_000_000
_LITTLE_WORK: Final = 1_000_000
_NAMING: Final = (PolicyKind.RESOURCE, PolicyKind.TRUST)


def new_access(
    new: Sequence[NamedPolicy],
    existing: Sequence[NamedPolicy],
    *,
    kind: PolicyKind = PolicyKind.IDENTITY,
    every: bool = False,
) -> Comparison:
    """Tell whether `new` allows nothing that `existing` does not (AWS: CheckNoNewAccess).

    Resource and trust policies are asked for everybody whom either names and for strangers of each kind.
    """
    if kind not in _NAMING:
        return compare(new, existing, every=every)
    return _for_all(everybody((*new, *existing)), new, existing, every=every)


def within(policies: Sequence[NamedPolicy], ceilings: Iterable[NamedPolicy], *, every: bool = False) -> Comparison:
    """Tell whether policies stay within each of these ceilings, such as permissions boundaries."""
    return _all(compare(policies, [ceiling], every=every) for ceiling in ceilings)


def equivalent(one: Sequence[NamedPolicy], other: Sequence[NamedPolicy]) -> Comparison:
    """Tell whether two sets of policies allow the same; a counterexample is allowed by one of them alone."""
    return _all(compare(*pair) for pair in ((one, other), (other, one)))


def granted_access(
    policies: Sequence[NamedPolicy],
    *,
    actions: Sequence[str] = (),
    resources: Sequence[str] = (),
    kind: PolicyKind = PolicyKind.IDENTITY,
    every: bool = False,
) -> Comparison:
    """Tell whether none of these actions is granted on any of these resources (AWS: CheckAccessNotGranted).

    Both may hold wildcards; none at all stands for all. Refuted is granted. Raises `MalformedPolicy` where an action or
    resource is none.
    """
    asked = (*policies, *_only(actions, resources))
    if kind not in _NAMING:
        return compare(asked, (), every=every)
    return _for_all(everybody(policies), asked, (), every=every)


def public_access(policies: Sequence[NamedPolicy], *, every: bool = False) -> Comparison:
    """Tell whether resource or trust policies let in nobody whom they do not fix (AWS: CheckNoPublicAccess).

    Fixed are principals that are named, and organisations, accounts, networks and principals in conditions, unless a
    wildcard leaves them open. Refuted is public.
    """
    inside = Policy("2012-10-17", shut_out(policies), "{}")
    asked = (*policies, NamedPolicy("inside", inside))
    found = _for_all(strangers(accounts_named(policies)), asked, (), every=every)
    federated = [caller for caller in providers(policies) if not caller.name.startswith("arn:")]
    for caller in federated:
        own = Policy("2012-10-17", shut_out(policies, more=(f"{caller.name.lower()}:",)), "{}")
        answer = compare((*policies, NamedPolicy("inside", own)), (), every=every, asking=Asking(caller, names=True))
        found = _all((found, answer))
    return found


# --- within one document ---------------------------------------------------------------------------------


class Dead(StrEnum):
    """Why a statement changes nothing."""

    NEVER_APPLIES = "never applies"
    HELD_BY_OTHERS = "held by others"


@dataclass(frozen=True, slots=True)
class DeadStatement:
    """A statement without which the same would be allowed, and the fewest others that see to that."""

    statement: Statement
    why: Dead
    because_of: tuple[Statement, ...] = ()


def dead_statements(policy: Policy) -> Sequence[DeadStatement]:
    """Return the statements that change nothing, proven; what is not known counts as alive.

    Of several that hold one another only the later ones are dead.
    """
    work = Work(_LITTLE_WORK)
    found: list[DeadStatement] = []
    kept = list(policy.statements)
    for statement in reversed(policy.statements):
        others = [each for each in kept if each is not statement]
        look = _dead_allow if statement.effect is Effect.ALLOW else _dead_deny
        dead = look(statement, others, work)
        if dead is not None:
            found.append(dead)
            kept = others
    return found[::-1]


def _dead_allow(statement: Statement, others: Sequence[Statement], work: Work) -> DeadStatement | None:
    denies = [each for each in others if each.effect is Effect.DENY]
    allows = [each for each in others if each.effect is Effect.ALLOW]

    def never_applies(beside: Sequence[Statement]) -> bool:
        return _stays((statement, *beside), (), work)

    if never_applies(denies):
        return DeadStatement(statement, Dead.NEVER_APPLIES, _fewest(never_applies, denies))
    alone = (statement, *denies)
    if not allows or not _stays(alone, allows, work):
        return None
    return DeadStatement(statement, Dead.HELD_BY_OTHERS, explaining(_of(alone), _of(allows), work=work))


def _dead_deny(statement: Statement, others: Sequence[Statement], work: Work) -> DeadStatement | None:
    denies = [each for each in others if each.effect is Effect.DENY]
    allows = [each for each in others if each.effect is Effect.ALLOW]

    def adds_nothing(beside: Sequence[Statement]) -> bool:
        return _stays((*allows, *beside), (*allows, *beside, statement), work)

    if not adds_nothing(denies):
        return None
    because_of = _fewest(adds_nothing, denies)
    return DeadStatement(statement, Dead.HELD_BY_OTHERS if because_of else Dead.NEVER_APPLIES, because_of)


def explaining(
    policies: Sequence[NamedPolicy], within_policies: Sequence[NamedPolicy], *, work: Work | None = None
) -> tuple[Statement, ...]:
    """Return the fewest Allows of the second side, none of which can be left out, that still hold the first.

    What is given has to be proven; where leaving out cannot be decided with the `work` there is, the statement stays.
    """
    statements = [each for named in within_policies for each in named.policy.statements]
    denies = [each for each in statements if each.effect is Effect.DENY]
    allows = [each for each in statements if each.effect is Effect.ALLOW]

    left = work or Work(_LITTLE_WORK)

    def hold(some: Sequence[Statement]) -> bool:
        return compare(policies, _of((*some, *denies)), work=left).verdict is Verdict.PROVEN

    # What holds everything alone is the best explanation.
    alone = next((each for each in allows if hold((each,))), None)
    return (alone,) if alone is not None else _fewest(hold, allows)


def _fewest(suffice: Callable[[Sequence[Statement]], bool], statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Leave out one statement after the other while those that stay suffice."""
    kept = tuple(statements)
    for each in statements:
        fewer = tuple(one for one in kept if one is not each)
        if suffice(fewer):
            kept = fewer
    return kept


def _stays(first: Sequence[Statement], second: Sequence[Statement], work: Work) -> bool:
    return compare(_of(first), _of(second), work=work).verdict is Verdict.PROVEN


def _of(statements: Sequence[Statement]) -> tuple[NamedPolicy, ...]:
    return (NamedPolicy("policy", Policy("2012-10-17", tuple(statements), "{}")),)


# --- putting answers together ----------------------------------------------------------------------------


def _only(actions: Sequence[str], resources: Sequence[str]) -> tuple[NamedPolicy, ...]:
    """Denies on everything but these."""
    denies = [
        *([{"Effect": "Deny", "NotAction": list(actions), "Resource": "*"}] if actions else []),
        *([{"Effect": "Deny", "Action": "*", "NotResource": list(resources)}] if resources else []),
    ]
    if not denies:
        return ()
    text = json.dumps({"Version": "2008-10-17", "Statement": denies})
    parsed = parse_policy(text, kind=PolicyKind.IDENTITY, caps=ASKED)
    return (NamedPolicy("asked", parsed),)


def _for_all(
    callers: Iterable[Asking], first: Sequence[NamedPolicy], second: Sequence[NamedPolicy], *, every: bool
) -> Comparison:
    asking = list(callers)
    if len(asking) > _MOST_CALLERS:
        return Comparison(Verdict.UNKNOWN, because="principals")
    work = Work(_WORK)
    return _all(compare(first, second, every=every, asking=each, work=work) for each in asking)


def _all(answers: Iterable[Comparison]) -> Comparison:
    """One answer to several questions: proven if all are, refuted if any is; a statement goes too far once."""
    gathered = list(answers)
    found: dict[tuple[str, int], Counterexample] = {}
    for one in chain.from_iterable(answer.counterexamples for answer in gathered):
        found.setdefault((one.policy, one.statement.index), one)
    because = next((answer.because for answer in gathered if answer.because), None)
    verdict = Verdict.REFUTED if found else Verdict.UNKNOWN if because else Verdict.PROVEN
    rests = any(answer.rests_on_variables for answer in gathered)
    return Comparison(verdict, tuple(found.values()), None if found else because, rests)
