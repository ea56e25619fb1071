"""What a policy would lend that was not lent before, and what it lends no more, by proof and not by text."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from workflows.policy.compare import Verdict, compare
from workflows.policy.document import Effect, Policy, Statement
from workflows.policy.layers import NamedPolicy
from workflows.policy.patterns import ActionPattern, Work


def parts(policy: Policy) -> Iterator[tuple[Statement, ActionPattern | None]]:
    """Yield every Allow with each of its actions; one that leaves actions out instead stays whole."""
    for statement in policy.statements:
        if statement.effect is Effect.ALLOW:
            yield from ((statement, action) for action in statement.actions or (None,))


def is_new(
    policy: Policy, statement: Statement, action: ActionPattern | None, earlier: Sequence[Policy], work: Work
) -> bool:
    """Tell whether an Allow with one of its actions lends anything that none of the earlier policies lent.

    What cannot be proven to be old with the `work` that is left is new.
    """
    asked = _alone(policy, statement, action)
    # Policies of different grants add up only where no Deny of one could speak against another.
    plain = [one for one in earlier if all(each.effect is Effect.ALLOW for each in one.statements)]
    together = [NamedPolicy(f"earlier {number}", one) for number, one in enumerate(plain)]
    if together and compare(asked, together, work=work).verdict is Verdict.PROVEN:
        return False
    guarded = (one for one in earlier if one not in plain)
    answers = (compare(asked, (NamedPolicy("earlier", one),), work=work) for one in guarded)
    return all(answer.verdict is not Verdict.PROVEN for answer in answers)


def gone(policy: Policy, earlier: Sequence[Policy], work: Work) -> tuple[str, ...]:
    """Return the actions, as they were written, that an earlier policy lent and this one does not lend in full."""
    found = {
        action.text if action else "NotAction"
        for one in earlier
        for statement, action in parts(one)
        if is_new(one, statement, action, (policy,), work)
    }
    return tuple(sorted(found))


def _alone(policy: Policy, statement: Statement, action: ActionPattern | None) -> tuple[NamedPolicy, ...]:
    narrowed = statement if action is None else replace(statement, actions=(action,))
    denies = (one for one in policy.statements if one.effect is Effect.DENY)
    return (NamedPolicy("asked", Policy(policy.version, (narrowed, *denies), policy.text)),)
