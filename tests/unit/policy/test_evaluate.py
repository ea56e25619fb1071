"""A decision says what was decided, by whom, and in words that fit behind a refusal."""

import json
from typing import Any

import pytest

from workflows.errors import BadInput
from workflows.policy import evaluate
from workflows.policy.context import RequestContext
from workflows.policy.decision import Decision, Outcome
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.index import Layers
from workflows.policy.layers import FULL_ACCESS, Layer, LayerKind, NamedPolicy, StatementRef, guardrail_layer
from workflows.policy.principal import CallingPrincipal, Form
from workflows.policy.request import Request

_REQUEST = Request("s3:GetObject", "arn:aws:s3:::bucket/key")


def _policy(name: str, *statements: dict[str, Any]) -> NamedPolicy:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return NamedPolicy(name, parse_policy(text, kind=PolicyKind.IDENTITY))


def _allow(action: str = "*", **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": "*", **more}


def _deny(action: str, **more: object) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": "*", **more}


def decide(layers: list[Layer], request: Request) -> Decision:
    return evaluate.decide(Layers(layers), request)


def _layer(kind: LayerKind, *policies: NamedPolicy) -> Layer:
    return Layer(kind, f"my {kind.value}", policies)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (LayerKind.IDENTITY, "because no identity-based policy allows the s3:GetObject action"),
        (LayerKind.BOUNDARY, "because no permissions boundary allows the s3:GetObject action"),
        (LayerKind.SESSION, "because no session policy allows the s3:GetObject action"),
        (LayerKind.GUARDRAIL, "because no service control policy allows the s3:GetObject action"),
    ],
)
def test_an_implicit_deny_names_the_kind_that_allows_nothing(kind: LayerKind, reason: str) -> None:
    others = [_layer(LayerKind.IDENTITY, FULL_ACCESS)] if kind is not LayerKind.IDENTITY else []
    decision = decide([*others, _layer(kind, _policy("p", _allow("ec2:*")))], _REQUEST)
    assert (decision.allowed, decision.outcome, decision.because) == (False, Outcome.IMPLICIT_DENY, reason)
    assert decision.deciding is None


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (LayerKind.IDENTITY, "with an explicit deny in an identity-based policy"),
        (LayerKind.BOUNDARY, "with an explicit deny in a permissions boundary"),
        (LayerKind.SESSION, "with an explicit deny in a session policy"),
        (LayerKind.GUARDRAIL, "with an explicit deny in a service control policy"),
    ],
)
def test_an_explicit_deny_names_its_kind_and_its_statement(kind: LayerKind, reason: str) -> None:
    policy = _policy("Limits", _allow(), _deny("s3:*", Sid="NoS3"))
    decision = decide([_layer(LayerKind.IDENTITY, FULL_ACCESS), _layer(kind, policy)], _REQUEST)
    assert (decision.outcome, decision.because) == (Outcome.EXPLICIT_DENY, reason)
    assert decision.deciding == StatementRef(kind, f"my {kind.value}", "Limits", 1, "$.Statement[1]", "NoS3")


def test_an_allowed_request_names_the_statement_of_every_layer() -> None:
    layers = [
        _layer(LayerKind.SESSION, _policy("rendered", _allow("ec2:*"), _allow("s3:Get*", Sid="Read"))),
        _layer(LayerKind.IDENTITY, _policy("a", _allow("iam:*")), FULL_ACCESS),
    ]
    decision = decide(layers, _REQUEST)
    assert decision.allowed
    assert decision.outcome is Outcome.ALLOWED
    assert [verdict.kind for verdict in decision.layers] == [LayerKind.IDENTITY, LayerKind.SESSION]
    assert [v.statement and (v.statement.policy_name, v.statement.index) for v in decision.layers] == [
        ("FullAccess", 0),
        ("rendered", 1),
    ]


def test_an_explicit_deny_is_reported_although_an_earlier_layer_is_silent() -> None:
    layers = [_layer(LayerKind.IDENTITY), _layer(LayerKind.SESSION, _policy("p", _deny("s3:*")))]
    decision = decide(layers, _REQUEST)
    assert decision.outcome is Outcome.EXPLICIT_DENY
    assert [verdict.outcome for verdict in decision.layers] == [Outcome.IMPLICIT_DENY, Outcome.EXPLICIT_DENY]


def test_a_caller_without_any_layer_may_do_nothing() -> None:
    decision = decide([], _REQUEST)
    assert (decision.allowed, decision.because) == (
        False,
        "because no identity-based policy allows the s3:GetObject action",
    )


def test_several_layers_of_one_kind_must_all_allow() -> None:
    wide, narrow = _policy("wide", _allow("s3:*")), _policy("narrow", _allow("s3:Put*"))
    caller = _layer(LayerKind.IDENTITY, FULL_ACCESS)
    assert decide([caller, _layer(LayerKind.SESSION, wide), _layer(LayerKind.SESSION, wide)], _REQUEST).allowed
    assert not decide([caller, _layer(LayerKind.SESSION, wide), _layer(LayerKind.SESSION, narrow)], _REQUEST).allowed


def test_guardrails_of_only_denies_imply_full_access_and_one_allow_ends_that() -> None:
    denies = _policy("NoIam", _deny("iam:*"))
    caller = _layer(LayerKind.IDENTITY, FULL_ACCESS)
    assert decide([caller, guardrail_layer([])], _REQUEST).allowed
    assert decide([caller, guardrail_layer([denies])], _REQUEST).allowed
    assert not decide([caller, guardrail_layer([denies, _policy("List", _allow("ec2:*"))])], _REQUEST).allowed
    assert not decide([caller, guardrail_layer([denies])], Request("iam:CreateUser", "*")).allowed


_HOME = "111122223333"
_ANN = f"arn:aws:iam::{_HOME}:user/ann"


def _names(principal: str, kind: str = "AWS") -> Layer:
    statement = {**_allow(), "Principal": {kind: principal}}
    policy = parse_policy(json.dumps({"Statement": statement}), kind=PolicyKind.RESOURCE)
    return Layer(LayerKind.RESOURCE, "bucket policy", (NamedPolicy("bucket", policy),))


def _asks(*, is_delegated: bool, form: Form = Form.USER, user: str = "", owner: str = _HOME) -> Request:
    caller = CallingPrincipal(form, _ANN, _HOME, user=user, is_delegated=is_delegated)
    return Request("s3:GetObject", "arn:aws:s3:::bucket/key", RequestContext(), caller, owner)


@pytest.mark.parametrize("named", [_ANN, "*", _HOME])
def test_no_resource_policy_lifts_a_limit_of_a_delegated_caller(named: str) -> None:
    ceiling = _layer(LayerKind.SESSION, _policy("rendered", _allow("ec2:*")))
    limited = [_layer(LayerKind.IDENTITY, FULL_ACCESS), ceiling, _names(named)]
    assert decide(limited, _asks(is_delegated=False)).allowed is (named != _HOME)
    assert not decide(limited, _asks(is_delegated=True)).allowed
    assert not decide([_names(named)], _asks(is_delegated=True)).allowed
    assert decide([_layer(LayerKind.IDENTITY, FULL_ACCESS), _names(named)], _asks(is_delegated=True)).allowed


def test_a_delegated_caller_crosses_accounts_only_where_both_sides_allow() -> None:
    caller = _layer(LayerKind.IDENTITY, FULL_ACCESS)
    abroad = _asks(is_delegated=True, owner="444455556666")
    assert decide([caller, _names(_ANN)], abroad).allowed
    assert not decide([caller], abroad).allowed
    assert not decide([_names(_ANN)], abroad).allowed


def test_what_no_policy_governs_is_governed_for_a_delegated_caller() -> None:
    for is_delegated in (False, True):
        caller = CallingPrincipal(Form.USER, _ANN, _HOME, is_delegated=is_delegated)
        asked = Request("sts:GetSessionToken", "*", RequestContext(), caller)
        assert decide([_layer(LayerKind.IDENTITY, _policy("p", _deny("*")))], asked).allowed is not is_delegated


def test_the_user_behind_a_federated_session_is_named_with_its_ceilings_in_force() -> None:
    asked = _asks(is_delegated=False, form=Form.FEDERATED_USER, user="arn:aws:iam::111122223333:user/behind")
    named = _names("arn:aws:iam::111122223333:user/behind")
    wide, narrow = _policy("wide", _allow("s3:*")), _policy("narrow", _allow("ec2:*"))
    assert decide([named, _layer(LayerKind.SESSION, wide)], asked).allowed
    assert not decide([named, _layer(LayerKind.SESSION, narrow)], asked).allowed
    assert not decide([named], asked).allowed
    assert decide([_names(_ANN)], asked).allowed


def test_work_that_runs_out_is_a_refusal() -> None:
    costly = {"StringLike": {"aws:x": ["a*d?*" + str(number) + "*" for number in range(200)]}}
    layer = _layer(LayerKind.IDENTITY, _policy("p", *[_deny("*", Condition=costly)] * 60, _allow()))
    decision = decide([layer], Request("s3:GetObject", "*", RequestContext({"aws:x": "a" * 1000 + "b" * 9000 + "cx0"})))
    assert (decision.allowed, decision.outcome, decision.layers) == (False, Outcome.IMPLICIT_DENY, ())
    assert "steps" in decision.because


def test_a_key_given_twice_in_different_case_is_refused_before_any_decision() -> None:
    with pytest.raises(BadInput):
        RequestContext({"aws:RequestTag/Team": "red", "aws:requesttag/team": "blue"})


def test_a_context_can_be_extended_without_being_changed() -> None:
    base = RequestContext({"aws:username": "alice", "aws:userid": "1"})
    more = base.extended({"AWS:UserName": "bob"})
    assert (base.get("aws:username"), more.get("AWS:username"), more.get("aws:userid")) == (
        "alice",
        "bob",
        "1",
    )


def test_a_look_alike_of_a_tag_key_is_another_key() -> None:
    context = RequestContext({"aws:PrincipalTag/\u212a": "spoof", "aws:PrincipalTag/k": "real"})
    assert context.get("aws:principaltag/K") == "real"
