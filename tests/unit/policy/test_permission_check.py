"""The permission check proves, refutes with a request in hand, or says that it does not know."""

import json
from typing import Any

import pytest

from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.layers import FULL_ACCESS, Layer, LayerKind, NamedPolicy, guardrail_layer
from workflows.policy.permission_check import CheckResult, covers

_BUCKET = "arn:aws:s3:::bucket/*"
_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def _policy(*statements: dict[str, Any]) -> Policy:
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), kind=PolicyKind.SESSION)


def _st(effect: str = "Allow", action: object = "*", resource: object = "*", **more: object) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def _layer(*statements: dict[str, Any], kind: LayerKind = LayerKind.IDENTITY) -> Layer:
    return Layer(kind, "caller", (NamedPolicy("p", _policy(*statements)),))


_FULL = Layer(LayerKind.IDENTITY, "caller", (FULL_ACCESS,))


@pytest.mark.parametrize(
    "asked",
    [
        _policy(_st(action=["s3:*", "iam:Pass?ole"], resource=_BUCKET)),
        _policy(_st()),
        _policy({"Effect": "Allow", "NotAction": "iam:*", "NotResource": _BUCKET}),
        _policy(_st(resource="arn:aws:s3:::${aws:username}/*", Condition=_MFA), _st("Deny", action="iam:*")),
    ],
)
def test_full_access_without_ceilings_covers_every_policy(asked: Policy) -> None:
    assert covers([_FULL, guardrail_layer([])], asked) == (CheckResult.ALLOWED, None)


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        (_st(action="s3:*", resource="arn:aws:s3:::*"), _st(action="s3:Get*", resource=_BUCKET)),
        (_st(action="S3:GET*"), _st(action="s3:GetObject", resource=_BUCKET)),
        (_st(action="s3:*Object*"), _st(action="s3:?etObject?", resource=_BUCKET)),
        (_st(resource="arn:aws:sqs:*:*:q*"), _st(resource="arn:aws:sqs:eu-*:111122223333:q1")),
        (_st(resource="arn:aws:s3:::home/*"), _st(resource="arn:aws:s3:::home/${aws:username}")),
        (_st(Condition=_MFA), _st(action="s3:*", Condition={**_MFA, "StringEquals": {"aws:x": "y"}})),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, _st(action="s3:*", resource=_BUCKET)),
        (
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            {"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"},
        ),
    ],
)
def test_plain_containment_is_proven(held: dict[str, Any], asked: dict[str, Any]) -> None:
    assert covers([_layer(held)], _policy(asked)) == (CheckResult.ALLOWED, None)


def test_statements_may_cover_together_what_none_covers_alone() -> None:
    held = _layer(_st(action="s3:*", resource=_BUCKET), _st(action="s3:*", resource="arn:aws:s3:::other/*"))
    asked = _policy(_st(action="s3:Get*", resource=[_BUCKET, "arn:aws:s3:::other/x"]))
    assert covers([held], asked)[0] is CheckResult.ALLOWED


def test_an_action_of_one_statement_and_a_resource_of_another_cover_nothing_together() -> None:
    held = _layer(_st(action="s3:*", resource=_BUCKET), _st(action="ec2:*", resource="*"))
    result, witness = covers([held], _policy(_st(action="s3:Get*", resource="arn:aws:s3:::other/*")))
    assert result is CheckResult.DENIED
    assert witness is not None
    assert witness.request.action == "s3:GetExample"


@pytest.mark.parametrize(
    ("layers", "asked", "reason"),
    [
        ([_layer(_st(action="ec2:*"))], _st(action="s3:Get*"), "no identity-based policy allows"),
        (
            [_FULL, _layer(_st(action="ec2:*"), kind=LayerKind.BOUNDARY)],
            _st(action="s3:*"),
            "no permissions boundary",
        ),
        ([_layer(_st(), _st("Deny", action="s3:*"))], _st(action="s3:Get*"), "with an explicit deny"),
        ([], _st(action="s3:Get*"), "no policy allows"),
        (
            [_layer(_st(action="s3:*", resource=_BUCKET))],
            _st(action="s3:*"),
            "no identity-based policy allows",
        ),
        (
            [_layer(_st(action="ec2:*", Condition=_MFA))],
            _st(action="s3:*"),
            "no identity-based policy allows",
        ),
    ],
)
def test_a_request_that_is_refused_in_all_circumstances_is_a_witness(
    layers: list[Layer], asked: dict[str, Any], reason: str
) -> None:
    result, witness = covers(layers, _policy(asked))
    assert result is CheckResult.DENIED
    assert witness is not None
    assert reason in witness.because
    assert not decide(Layers(layers), witness.request).allowed


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ([_st(Condition=_MFA)], _st(action="s3:*")),
        ([_st(), _st("Deny", action="s3:*", Condition=_MFA)], _st(action="s3:Get*")),
        ([_st(), _st("Deny", resource="arn:aws:s3:::bucket/secret/*")], _st(action="s3:*", resource=_BUCKET)),
        (
            [_st(resource="arn:aws:s3:::${aws:username}/*")],
            _st(action="s3:*", resource="arn:aws:s3:::alice/*"),
        ),
        (
            [_st(), {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::${aws:username}/*"}],
            _st(action="s3:*", resource="arn:aws:s3:::alice/*"),
        ),
        ([_st(action="ec2:*")], {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
    ],
)
def test_what_hangs_on_circumstances_is_unsure(held: list[dict[str, Any]], asked: dict[str, Any]) -> None:
    assert covers([_layer(*held)], _policy(asked)) == (CheckResult.UNSURE, None)


def test_a_policy_that_allows_nothing_is_covered_by_anybody() -> None:
    assert covers([], _policy(_st("Deny")))[0] is CheckResult.ALLOWED


def test_a_part_that_the_policy_denies_itself_is_no_witness() -> None:
    asked = _policy(_st(action="s3:GetObject"), _st("Deny", action="s3:GetObject"))
    assert covers([_layer(_st(action="ec2:*"))], asked)[0] is CheckResult.UNSURE


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:x": "y"}},
        {"StringLike": {"aws:x": "y?*"}},
        {"NumericLessThan": {"aws:x": 5}, "DateGreaterThan": {"aws:CurrentTime": "2025-01-01T00:00:00Z"}},
        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "Null": {"aws:y": "false", "aws:z": "true"}},
        {
            "ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]},
        },
        {"StringNotEquals": {"aws:x": "y"}, "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}},
    ],
)
def test_a_witness_satisfies_the_conditions_of_its_statement(condition: dict[str, Any]) -> None:
    asked = _policy(_st(action="s3:*", Condition=condition))
    result, witness = covers([_layer(_st(action="ec2:*"))], asked)
    assert result is CheckResult.DENIED
    assert witness is not None
    asking = Layer(LayerKind.IDENTITY, "asked", (NamedPolicy("asked", asked),))
    assert decide(Layers([asking]), witness.request).allowed


def test_too_much_work_is_unsure() -> None:
    actions = [f"s3:{'a*' * 30}{number}" for number in range(200)]
    assert covers([_layer(_st(action=actions))], _policy(_st(action=actions[::-1])))[0] is CheckResult.UNSURE


@pytest.mark.parametrize(
    ("operator", "wanted", "made"),
    [
        ("NumericLessThan", "5", "4"),
        ("NumericGreaterThan", "5", "6"),
        ("NumericLessThanEquals", "5", "5"),
        ("NumericGreaterThanEquals", "5.5", "5.5"),
        ("DateLessThan", "1970-01-02", "86399"),
        ("DateGreaterThan", "1970-01-02", "86401"),
        ("StringLike", "a*b?", "aExamplebx"),
        ("IpAddress", "10.0.0.0/8", "10.0.0.0"),
        ("Null", "false", "Example"),
        ("StringEquals", "x", "x"),
        ("ForAnyValue:StringEquals", "x", ("x",)),
        ("Null", "true", None),
        ("StringNotEquals", "x", None),
    ],
)
def test_a_witness_carries_what_the_condition_asks_for(operator: str, wanted: str, made: object) -> None:
    asked = _policy(
        _st(action="iam:Create?", resource="arn:aws:iam::*:role/x", Condition={operator: {"aws:x": wanted}})
    )
    result, witness = covers([_layer(_st(action="s3:*"))], asked)
    assert result is CheckResult.DENIED
    assert witness is not None
    assert witness.request.context.get("aws:x") == made
    assert (witness.request.action, witness.request.resource) == ("iam:Createx", "arn:aws:iam::Example:role/x")
    assert witness.because == "because no identity-based policy allows the iam:Createx action"
