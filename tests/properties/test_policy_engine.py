"""Laws of patterns and of the permission check, and a parser that hostile text cannot upset."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import policy_documents as made

from workflows.errors import MalformedPolicy
from workflows.policy import evaluate
from workflows.policy.asking import AT_HOME
from workflows.policy.containment import contains, overlaps
from workflows.policy.context import RequestContext
from workflows.policy.decision import Decision
from workflows.policy.document import PolicyKind, parse_policy, policy_from_tree
from workflows.policy.index import Layers
from workflows.policy.layers import FULL_ACCESS, Layer, LayerKind, NamedPolicy
from workflows.policy.patterns import Glob, Work, resource_tokens, text_tokens
from workflows.policy.permission_check import CheckResult, covers
from workflows.policy.request import Request
from workflows.policy.strict_json import minified, read_json

Document = dict[str, Any]


_LAW = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def _requests(draw: st.DrawFn) -> Request:
    context = RequestContext(draw(made.contexts()))
    return Request(draw(st.sampled_from(made.ACTIONS)), draw(st.sampled_from(made.RESOURCES)), context)


def decide(layers: list[Layer], request: Request) -> Decision:
    return evaluate.decide(Layers(layers), request)


def _layer(documents: list[Document], kind: LayerKind = LayerKind.IDENTITY) -> Layer:
    policies = (parse_policy(json.dumps(document), kind=PolicyKind.IDENTITY) for document in documents)
    return Layer(kind, "layer", tuple(NamedPolicy("policy", policy) for policy in policies))


def _allowed(layers: list[list[Document]], request: Request) -> bool:
    return decide([_layer(layer) for layer in layers], request).allowed


# --- patterns --------------------------------------------------------------------------------------------


@_LAW
@given(st.text("aA", min_size=1, max_size=6), st.text("aA", min_size=1, max_size=6))
def test_the_case_of_a_resource_counts(named: str, asked: str) -> None:
    document = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": f"arn:aws:s3:::{named}"}}
    assert _allowed([[document]], Request("s3:GetObject", f"arn:aws:s3:::{asked}")) == (named == asked)


# --- the permission check --------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made.layers(), made.documents(), st.lists(_requests(), min_size=4, max_size=8))
def test_the_permission_check_is_never_wrong(
    layers: list[list[Document]], document: Document, requests: list[Request]
) -> None:
    caller = [_layer(layer) for layer in layers]
    asked = _layer([document])
    policy = asked.policies[0].policy
    answer = covers(caller, policy)
    if answer.result is CheckResult.ALLOWED and not answer.rests_on_variables:
        for request in requests:
            assert decide(caller, request).allowed or not decide([asked], request).allowed
    if answer.witness is not None:
        # A role or key that guards itself is taken to leave the decision to the account's policies.
        assert evaluate.decide(AT_HOME.layers(asked.policies), answer.witness.request).allowed
        assert not decide(caller, answer.witness.request).allowed
    assert (answer.witness is not None) == (answer.result is CheckResult.DENIED)


_ARN_PATTERNS = st.tuples(*[st.text("a*?", max_size=3)] * 2, st.text("a*?:", max_size=5)).map(
    lambda fields: "arn:::" + ":".join(fields)
)


@settings(max_examples=1500, deadline=None)
@given(_ARN_PATTERNS, _ARN_PATTERNS, st.data())
def test_containment_and_disjointness_hold_for_every_text(wide: str, narrow: str, data: st.DataObject) -> None:
    """Wildcards of the narrow pattern are filled in at random; a filling that does not fit says nothing."""
    outer, inner = Glob(resource_tokens(wide)), Glob(resource_tokens(narrow))
    fill = {"*": st.text("a:", max_size=3), "?": st.sampled_from("a:")}
    text = "".join(data.draw(fill[char]) if char in fill else char for char in narrow)
    fits_outer, fits_inner = outer.matches(text, Work()), inner.matches(text, Work())
    if contains(outer, inner, Work()):
        assert fits_outer or not fits_inner
    if not overlaps(outer, inner, Work()):
        assert not (fits_outer and fits_inner)


@_LAW
@given(made.documents())
def test_full_access_covers_whatever_is_asked(document: Document) -> None:
    full = Layer(LayerKind.IDENTITY, "caller", (FULL_ACCESS,))
    assert covers([full], _layer([document]).policies[0].policy).result is CheckResult.ALLOWED


# --- the parser ------------------------------------------------------------------------------------------


@_LAW
@given(made.documents())
def test_a_document_survives_the_round_trip(document: Document) -> None:
    text = json.dumps(document, indent=2)
    policy = parse_policy(text, kind=PolicyKind.IDENTITY)
    short = minified(read_json(text))
    assert json.loads(short) == document
    assert parse_policy(short, kind=PolicyKind.IDENTITY) == policy
    assert policy_from_tree(read_json(text), kind=PolicyKind.IDENTITY) == policy
    assert minified(read_json(short)) == short


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(made.RESOURCE_PATTERNS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Version",
                    "Statement",
                    "Effect",
                    "Action",
                    "Resource",
                    "Condition",
                    "StringLike",
                    "aws:x",
                    "Sid",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.text(),
        _JSON.map(json.dumps),
        st.text('{}[]",:\\u0e1 \n\ud800'),
        st.binary().map(lambda b: b.decode("latin-1")),
    )
)
def test_hostile_text_meets_only_a_malformed_policy(text: str) -> None:
    for kind in PolicyKind:
        with suppress(MalformedPolicy):
            parse_policy(text, kind=kind, max_chars=5000)


@settings(max_examples=500, deadline=None)
@given(made.statements(), st.data())
def test_a_document_with_one_member_spoilt_meets_only_a_malformed_policy(
    statement: Document, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(statement)))
    document = {"Version": "2012-10-17", "Statement": [{**statement, name: data.draw(_JSON)}]}
    with suppress(MalformedPolicy):
        parse_policy(json.dumps(document), kind=PolicyKind.IDENTITY)


@_LAW
@given(
    made.layers(),
    st.text(),
    st.text(),
    st.dictionaries(st.text(max_size=3), st.text() | st.lists(st.text()), max_size=2),
)
def test_a_hostile_request_is_answered_and_never_raises(
    layers: list[list[Document]], action: str, resource: str, values: dict[str, str | list[str]]
) -> None:
    context = RequestContext({f"aws:{index}{name}": value for index, (name, value) in enumerate(values.items())})
    assert decide([_layer(layer) for layer in layers], Request(action, resource, context)).because


@settings(max_examples=500, deadline=None)
@given(st.text("ab*?:", max_size=60), st.text("ab:", max_size=400))
def test_a_match_takes_at_most_one_step_for_each_character(pattern: str, text: str) -> None:
    for tokens in (text_tokens(pattern), resource_tokens(pattern)):
        work = Work()
        Glob(tokens).matches(text, work)
        assert work.limit - work.left <= len(text)
