"""Why a decision came out as it did, in data and in sentences: who spoke, and what would have had to be different.

Everything here is read off a decision that has been made; nothing here can change one.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from workflows.errors import LimitExceeded
from workflows.policy.context import Value, fold
from workflows.policy.decision import Decision, Ground, LayerVerdict, Outcome
from workflows.policy.document import Statement
from workflows.policy.index import Candidate, Candidates, first_fitting
from workflows.policy.layers import LayerKind, StatementRef
from workflows.policy.patterns import MAX_STEPS
from workflows.policy.principal import CallingPrincipal, Form
from workflows.policy.variables import Variable

_MOST_NEAR: Final = 8


@dataclass(frozen=True, slots=True)
class UnmetCondition:
    """A condition that did not hold: what was wanted, and what the request said (None: nothing)."""

    operator: str
    key: str
    wanted: tuple[str, ...]
    given: Value | None


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An Allow that speaks of the action and the resource, and what kept it from fitting."""

    statement: StatementRef
    names_the_caller: bool
    unmet: tuple[UnmetCondition, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """An Allow that would have to be there: in which layer (None when there is none of its kind)."""

    kind: LayerKind
    layer: str | None
    near: tuple[NearMiss, ...]


def missing(decision: Decision) -> tuple[Missing, ...]:
    """What would have let the request through: every layer that lacks an Allow, with the Allows that nearly fit.

    Empty for an allowed request and for an explicit denial, which no Allow can lift. A resource policy that could have
    granted it, but need not, is left out. Raises `LimitExceeded` where looking closer costs too much.
    """
    if not isinstance(decision.reason, LayerKind):
        return ()
    if len(decision.hearing.layers) and not decision.layers:
        raise LimitExceeded("what each layer says takes too many steps to find out")
    needless = {LayerKind.RESOURCE} - {decision.reason}
    if decision.hearing.principal.form is Form.ROOT:
        needless.add(LayerKind.IDENTITY)
    silent = [each for each in decision.layers if each.outcome is Outcome.IMPLICIT_DENY and each.kind not in needless]
    found = tuple(Missing(each.kind, each.name, tuple(_near(decision, each.number))) for each in silent)
    if any(each.kind is decision.reason for each in found):
        return found
    return (Missing(decision.reason, None, ()), *found)


def _near(decision: Decision, number: int) -> Iterator[NearMiss]:
    hearing = decision.hearing
    seen: set[StatementRef] = set()
    for candidate in hearing.here.allows[number]:
        if len(seen) < _MOST_NEAR and candidate.reference not in seen and candidate.reaches(hearing):
            seen.add(candidate.reference)
            unmet = tuple(
                UnmetCondition(clause.operator.name, clause.key, clause.texts, hearing.request.context.get(clause.key))
                for clause in candidate.statement.conditions
                if not clause.test(hearing)
            )
            yield NearMiss(candidate.reference, bool(candidate.grip(hearing.principal)), unmet)


def fitting(decision: Decision) -> tuple[StatementRef, ...]:
    """Every statement that fits and speaks for the answer, each once.

    Those are all Denies of an explicit denial, and of what is allowed all Allows, ceilings included, that name the
    caller; nothing speaks for an implicit deny. Raises `LimitExceeded`: to look at all of them can cost more than the
    decision, which stops at the first.
    """
    hearing = decision.hearing
    hearing.left = MAX_STEPS
    speaking: Candidates = ()
    if decision.outcome is Outcome.EXPLICIT_DENY:
        speaking = hearing.here.denies
    elif decision.allowed and decision.reason is not Ground.UNGOVERNED:
        allows = chain.from_iterable(hearing.here.allows)
        speaking = tuple(each for each in allows if each.grip(hearing.principal))
    fits = (each for each in speaking if first_fitting((each,), hearing) is not None)
    return tuple(dict.fromkeys(each.reference for each in fits))


def absent_keys(decision: Decision, kinds: Collection[LayerKind] = tuple(LayerKind)) -> tuple[str, ...]:
    """The condition keys that statements about this action and resource mention and the request does not carry.

    Only layers of these `kinds` are looked at; raises `LimitExceeded` as `fitting` does.
    """
    if not decision.layers:
        return ()
    hearing = decision.hearing
    hearing.left = MAX_STEPS
    found: dict[str, str] = {}
    for candidate in chain(hearing.here.denies, *hearing.here.allows):
        if hearing.layers[candidate.number].kind in kinds and candidate.reaches(hearing):
            for key in mentioned_keys(candidate.statement):
                if hearing.request.context.get(key) is None:
                    found.setdefault(fold(key), key)
    return tuple(sorted(found.values()))


def mentioned_keys(statement: Statement) -> Iterator[str]:
    """Every condition key that a statement mentions, also as a variable, as written."""
    for clause in statement.conditions:
        yield clause.key
        yield from (variable.name for variable in clause.variables)
    for pattern in (*statement.resources, *statement.not_resources):
        yield from (piece.name for piece in pattern.pieces if isinstance(piece, Variable))


# --- in sentences ----------------------------------------------------------------------------------------

_NOUNS: Final = {
    LayerKind.GUARDRAIL: "guardrail",
    LayerKind.RESOURCE_GUARDRAIL: "resource guardrail",
    LayerKind.RESOURCE: "resource policy",
    LayerKind.IDENTITY: "identity policy",
    LayerKind.BOUNDARY: "permissions boundary",
    LayerKind.SESSION: "session policy",
}


def sentences(decision: Decision) -> list[str]:
    """The decision for people: the answer, who decided it, what each layer said, and what is missing."""
    request = decision.hearing.request
    who = caller_in_words(request.principal)
    told = [f"{'Allowed' if decision.allowed else 'Refused'}: {who} asks for {request.action} on {request.resource}."]
    told.append(_decided(decision))
    told += [_word_of(each) for each in decision.layers]
    try:
        told += chain.from_iterable(_wish(each) for each in missing(decision))
    except LimitExceeded as stopped:
        told.append(f"What is missing stays open: {stopped}.")
    return told


def caller_in_words(caller: CallingPrincipal) -> str:
    """The caller as the subject of a sentence."""
    words = f"{caller.form.value} {caller.name}".strip() if caller.form is not Form.ANONYMOUS else "anybody"
    return f"{words}, under a delegation," if caller.is_delegated else words


def _decided(decision: Decision) -> str:
    deciding = decision.deciding
    match decision.reason:
        case Candidate() if deciding is not None:
            return f"The {_place(deciding)} denies it, and a denial cannot be outweighed."
        case LayerKind() as kind:
            return f"No {_NOUNS[kind]} allows it."
        case Ground.NAMED if deciding is not None:
            return f"The {_place(deciding)} names the caller, and that is enough."
        case Ground.UNGOVERNED:
            return "No policy governs this action: every caller of an account may use it."
        case Ground.EVERY_LAYER:
            return "Nothing denies it, and every layer that must allow it does."
        case _:
            return f"It could not be decided: {decision.because.removeprefix('because ')}."


def _place(statement: StatementRef) -> str:
    sid = f"statement {statement.sid}" if statement.sid else "the statement"
    return f"{_NOUNS[statement.layer_kind]} {statement.policy_name} ({sid} at {statement.path})"


def _word_of(verdict: LayerVerdict) -> str:
    layer = f"{_NOUNS[verdict.kind].capitalize()} ({verdict.name})"
    match verdict.outcome:
        case Outcome.ALLOWED if verdict.statement is not None:
            return f"- {layer}: allowed by {_place(verdict.statement)}."
        case Outcome.EXPLICIT_DENY if verdict.statement is not None:
            return f"- {layer}: denied by {_place(verdict.statement)}."
        case _:
            return f"- {layer}: nothing allows it."


def _wish(wanted: Missing) -> Iterator[str]:
    where = f"in {wanted.layer}" if wanted.layer else "(there is none)"
    yield f"Missing: an Allow, {_NOUNS[wanted.kind]} {where}."
    for near in wanted.near:
        if not near.names_the_caller:
            yield f"  The {_place(near.statement)} allows it to others."
        for unmet in near.unmet:
            given = "the request does not say" if unmet.given is None else f"it is {_listed(unmet.given)}"
            wants = _listed(unmet.wanted)
            yield f"  The {_place(near.statement)} would, if {unmet.key} met {unmet.operator} {wants}; {given}."


def _listed(value: Value) -> str:
    return value if isinstance(value, str) else " or ".join(value) or "nothing"
