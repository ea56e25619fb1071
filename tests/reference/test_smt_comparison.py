"""An SMT solver comes to the same answer on policies of AWS, wherever it comes to one."""

import json
from random import Random  # noqa: TID251  the same pairs for the same number, and no secrets
from typing import Any, Final

import pytest
from reference.smt import Question, readable
from staging.aws_policies import readable_documents

from workflows.policy.compare import Verdict, compare
from workflows.policy.document import ASKED, Policy, PolicyKind, parse_policy
from workflows.policy.layers import NamedPolicy

LONGEST: Final = 4_000
PAIRS: Final = 25
CHUNKS: Final = 20
EFFORT: Final = 200_000


def parsed(document: dict[str, Any]) -> Policy:
    return parse_policy(json.dumps(document), kind=PolicyKind.IDENTITY, caps=ASKED)


def candidates() -> list[Policy]:
    """Policies that the solver's side can read and that are not too long for it."""
    documents = (one for one in readable_documents().values() if len(json.dumps(one)) < LONGEST)
    return [policy for policy in map(parsed, documents) if readable(policy)]


def pairs(number: int, count: int) -> list[tuple[Policy, Policy]]:
    """Pairs that are likely to have something to do with one another, and some that are not."""
    random, found = Random(number), candidates()  # noqa: S311  as above
    made = []
    for _ in range(count):
        one = random.choice(found)
        kept = list(one.statements)
        kept.pop(random.randrange(len(kept)))
        shorter = Policy(one.version, tuple(kept), "{}")
        choice = random.randrange(4)
        made.append([(one, one), (shorter, one), (one, shorter), (one, random.choice(found))][choice])
    return made


def agree(number: int, count: int) -> int:
    """How many pairs the solver decided, each of them as we did."""
    decided = 0
    for first, second in pairs(number, count):
        answer = Question(EFFORT).goes_beyond(first, second)
        if answer is None:
            continue
        decided += 1
        ours = compare([NamedPolicy("first", first)], [NamedPolicy("second", second)]).verdict
        assert ours is (Verdict.REFUTED if answer else Verdict.PROVEN), (first.text, second.text)
    return decided


def test_a_solver_agrees_on_a_sample_of_managed_policies() -> None:
    assert agree(1, PAIRS) > PAIRS * 0.8


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_solver_agrees_on_many_managed_policies(chunk: int) -> None:
    assert agree(1_000 + chunk, PAIRS) > PAIRS * 0.7
