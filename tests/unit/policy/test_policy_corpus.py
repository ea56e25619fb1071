"""Every case of the policy corpus: documents, a request, and the answer that the documentation calls for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workflows.policy.context import RequestContext
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.evaluate import Layer, LayerKind, NamedPolicy, Request, decide, guardrail_layer

_CORPUS = Path(__file__).parents[2] / "corpus" / "policy"


def _read() -> Iterator[Any]:
    for path in sorted(_CORPUS.glob("*.json")):
        for case in json.loads(path.read_text("utf-8")):
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


_CASES = list(_read())


def _layer(kind: str, documents: list[dict[str, Any]]) -> Layer:
    parsed = [parse_policy(json.dumps(document), kind=PolicyKind(kind)) for document in documents]
    named = tuple(NamedPolicy(f"{kind} {number}", policy) for number, policy in enumerate(parsed))
    if LayerKind(kind) is LayerKind.GUARDRAIL:
        return guardrail_layer(named)
    return Layer(LayerKind(kind), kind, named)


@pytest.mark.parametrize("case", _CASES)
def test_the_documented_answer_is_given(case: dict[str, Any]) -> None:
    layers = [_layer(kind, documents) for kind, documents in case["policies"].items()]
    asked = case["request"]
    request = Request(asked["action"], asked["resource"], RequestContext(asked["context"]))
    assert decide(layers, request).outcome == case["expected"]


def test_the_corpus_is_large_and_says_where_each_case_comes_from() -> None:
    cases = [param.values[0] for param in _CASES]
    assert len(cases) >= 120
    assert all(case["source"] for case in cases)
    assert len({case["name"] for case in cases}) == len(cases)
