"""The engine and a naive evaluator that shares no code with it must agree on everything."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflows.policy.context import RequestContext
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.evaluate import Layer, LayerKind, NamedPolicy, Request, decide


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


naive = _load("naive_iam")
made = _load("policy_documents")


def _layer(documents: list[dict[str, Any]]) -> Layer:
    policies = (parse_policy(json.dumps(document), kind=PolicyKind.IDENTITY) for document in documents)
    return Layer(LayerKind.IDENTITY, "layer", tuple(NamedPolicy("policy", policy) for policy in policies))


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made.layers(), st.sampled_from(made.ACTIONS), st.sampled_from(made.RESOURCES), made.contexts())
def test_the_engine_agrees_with_the_naive_evaluator(
    layers: list[list[dict[str, Any]]], action: str, resource: str, context: dict[str, str | list[str]]
) -> None:
    answer = decide([_layer(layer) for layer in layers], Request(action, resource, RequestContext(context)))
    assert answer.outcome == naive.decide(layers, action, resource, context)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made.clauses(), made.contexts())
def test_every_condition_operator_agrees_with_the_naive_evaluator(
    clause: tuple[str, dict[str, Any]], context: dict[str, str | list[str]]
) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": dict([clause])}
    document = {"Version": "2012-10-17", "Statement": statement}
    answer = decide([_layer([document])], Request("s3:GetObject", "*", RequestContext(context)))
    assert answer.outcome == naive.decide([[document]], "s3:GetObject", "*", context)


@st.composite
def _patterns_with_resources(draw: st.DrawFn) -> tuple[str, str]:
    """A pattern, and a resource that fits it if its wildcards may stand for what was drawn for them."""
    fields = draw(st.tuples(*[st.text("a*?", max_size=4)] * 4, st.text("a*?:/", max_size=6)))
    pattern = ":".join(("arn", *fields))
    stands_for = {"*": st.text("a:/", max_size=3), "?": st.sampled_from(["a", ":", "/", "", "aa"])}
    return pattern, "".join(draw(stands_for[char]) if char in stands_for else char for char in pattern)


@settings(max_examples=1500, deadline=None)
@given(_patterns_with_resources())
def test_resource_patterns_agree_with_the_naive_matcher(drawn: tuple[str, str]) -> None:
    pattern, resource = drawn
    document = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": pattern}}
    answer = decide([_layer([document])], Request("s3:GetObject", resource))
    assert answer.allowed == naive.resource_matches(pattern, resource, naive.Known({}, has_variables=False))
