"""The engine and a naive evaluator that shares no code with it must agree on everything.

`pytest tests/reference -n 0 --hypothesis-show-statistics` lists how often each rule gave which answer.
"""

import json
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, seed, settings
from hypothesis import strategies as st
from reference.naive_conditions import CLAUSES, STATES_OF_A_KEY
from reference.naive_iam import decide
from reference.naive_rules import RULES, RULES_SEEN, all_walks
from reference.policy_cases import Case, cases
from reference.policy_documents import OPERATOR_TABLE

from workflows.policy.cases import answer_line

EXAMPLES = 5_000
CHUNKS, CHUNK = 100, 2_000
MATRIX = "form of a clause"  # an operator, a set, IfExists and a state of the key: every one of them is made below

_PLAIN = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


def _engine(line: str) -> str:
    answer = answer_line(line)
    return str(answer.get("decision", answer))


def _agree_on(case: Case) -> None:
    """Both give the same answer; the message is the case, ready for `daypass policy evaluate --cases -`."""
    line = json.dumps(case)
    answer, naive = _engine(line), decide(case)
    assert answer == naive, f"the engine says {answer}, the naive evaluator {naive}:\n{line}"


def _walks_of(case: Case) -> Counter[tuple[str, Any]]:
    """Which rules the naive evaluator walks for a case, and what they said."""
    RULES_SEEN.clear()
    decide(case)
    return Counter(RULES_SEEN)


def _generated(number: int, examples: int, body: Callable[[Case], None]) -> Callable[[], None]:
    """A run over generated cases, the same ones each time for the same number."""

    @seed(number)
    @settings(_PLAIN, max_examples=examples)
    @given(cases())
    def run(case: Case) -> None:
        body(case)

    return run


def test_the_engine_agrees_with_the_naive_evaluator_while_every_rule_is_walked_each_way() -> None:
    """The rules themselves make the list of what they can say; every outcome is met often."""
    walked: Counter[tuple[str, Any]] = Counter()

    def compared_and_counted(case: Case) -> None:
        walks = _walks_of(case)
        for name, answer in walks:
            event(f"{name}: {answer}")
        walked.update(walks)
        _agree_on(case)

    _generated(1, EXAMPLES, compared_and_counted)()
    assert {walk for walk in all_walks() - set(walked) if walk[0] != MATRIX} == set()
    outcomes = [walked["decide", answer] for answer in RULES["decide"]]
    assert min(outcomes) >= 0.15 * sum(outcomes), outcomes


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_engine_agrees_with_the_naive_evaluator_on_a_great_many_cases(chunk: int) -> None:
    _generated(1_000 + chunk, CHUNK, _agree_on)()


# --- one operator, one pattern ---------------------------------------------------------------------------


def _allowed_when(line: dict[str, Any]) -> Case:
    """A case in which everything hangs on one statement of the user's own."""
    return {
        "id": "one statement",
        "principal": "arn:aws:iam::111122223333:user/alice",
        "action": "s3:GetObject",
        "resource": "*",
        "identity_policies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", **line}}],
    }


@pytest.mark.parametrize(("operator", "key", "wanted", "held"), OPERATOR_TABLE, ids=[row[0] for row in OPERATOR_TABLE])
def test_every_operator_agrees_in_every_set_and_on_every_state_of_its_key(
    operator: str, key: str, wanted: list[Any], held: list[Any]
) -> None:
    forms = [clause for clause in CLAUSES if clause.split(":")[-1].removesuffix("IfExists") == operator]
    walked: set[Any] = set()
    for clause, policy_value, value in product(forms, wanted, held):
        statement = {"Resource": "*", "Condition": {clause: {key: policy_value}}}
        case = _allowed_when(statement) | {"context": {} if value is None else {key: value}}
        walked |= {answer for name, answer in _walks_of(case) if name == MATRIX}
        _agree_on(case)
    assert walked == {f"{clause}, key {state}" for clause in forms for state in STATES_OF_A_KEY}


@st.composite
def _patterns_with_resources(draw: st.DrawFn) -> tuple[str, str]:
    """A pattern, and a resource that fits it if its wildcards may stand for what was drawn for them."""
    fields = draw(st.tuples(*[st.text("a*?", max_size=4)] * 4, st.text("a*?:/", max_size=6)))
    pattern = ":".join(("arn", *fields))
    stands_for = {"*": st.text("a:/", max_size=3), "?": st.sampled_from(["a", ":", "/", "", "aa"])}
    return pattern, "".join(draw(stands_for[char]) if char in stands_for else char for char in pattern)


@settings(_PLAIN, max_examples=1_500)
@given(_patterns_with_resources())
def test_resource_patterns_agree_with_the_naive_matcher(drawn: tuple[str, str]) -> None:
    pattern, resource = drawn
    _agree_on(_allowed_when({"Resource": pattern}) | {"resource": resource, "resource_account": "111122223333"})


@settings(_PLAIN, max_examples=1_500)
@given(st.text("aA*?:", max_size=8), st.text("aA:", max_size=8))
def test_texts_agree_with_the_naive_matcher(pattern: str, text: str) -> None:
    statement = {"Resource": "*", "Condition": {"StringLike": {"s3:prefix": pattern}}}
    _agree_on(_allowed_when(statement) | {"context": {"s3:prefix": text}})


@settings(_PLAIN, max_examples=1_500)
@given(st.text("aA*?", min_size=1, max_size=8), st.text("aA", min_size=1, max_size=8))
def test_actions_agree_with_the_naive_matcher(pattern: str, name: str) -> None:
    _agree_on(_allowed_when({"Resource": "*", "Action": f"s3:{pattern}"}) | {"action": f"s3:{name}"})
