"""The permission check proves, refutes with a request in hand, or names the bound that left it open."""

import json
from typing import Any

import pytest

from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.layers import FULL_ACCESS, Layer, LayerKind, NamedPolicy, guardrail_layer
from workflows.policy.permission_check import CheckResult, PermissionCheck, Witness, covers

_BUCKET = "arn:aws:s3:::bucket/*"
_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def _policy(*statements: dict[str, Any]) -> Policy:
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), kind=PolicyKind.SESSION)


def _st(effect: str = "Allow", action: object = "*", resource: object = "*", **more: object) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def _layer(*statements: dict[str, Any], kind: LayerKind = LayerKind.IDENTITY) -> Layer:
    return Layer(kind, "caller", (NamedPolicy("p", _policy(*statements)),))


_FULL = Layer(LayerKind.IDENTITY, "caller", (FULL_ACCESS,))


def refuted(answer: PermissionCheck) -> Witness:
    assert answer.result is CheckResult.DENIED
    assert answer.witness is not None
    return answer.witness


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
    assert covers([_FULL, guardrail_layer([])], asked) == PermissionCheck(CheckResult.ALLOWED)


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ([_st(action="s3:*", resource="arn:aws:s3:::*")], _st(action="s3:Get*", resource=_BUCKET)),
        ([_st(action="S3:GET*")], _st(action="s3:GetObject", resource=_BUCKET)),
        ([_st(resource="arn:aws:sqs:*:*:q*")], _st(resource="arn:aws:sqs:eu-*:111122223333:q1")),
        ([_st(resource="arn:aws:s3:::home/*")], _st(resource="arn:aws:s3:::home/${aws:username}")),
        ([_st(Condition=_MFA)], _st(action="s3:*", Condition={**_MFA, "StringEquals": {"aws:x": "y"}})),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], _st(action="s3:*", resource=_BUCKET)),
        (
            [_st(action="s3:*", resource=_BUCKET), _st(action="s3:*", resource="arn:aws:s3:::other/*")],
            _st(action="s3:Get*", resource=[_BUCKET, "arn:aws:s3:::other/x"]),
        ),
        (
            [_st(), _st("Deny", action="s3:*", resource="arn:aws:s3:::bucket/secret/*")],
            _st(action="s3:*", resource="arn:aws:s3:::bucket/open/*"),
        ),
        (
            [_st(Condition={"StringEquals": {"aws:x": "y"}}), _st(Condition={"StringNotEquals": {"aws:x": "y"}})],
            _st(action="s3:*"),
        ),
    ],
)
def test_what_lies_within_what_is_held_is_proven(held: list[dict[str, Any]], asked: dict[str, Any]) -> None:
    assert covers([_layer(*held)], _policy(asked)).result is CheckResult.ALLOWED


@pytest.mark.parametrize(
    ("layers", "asked", "reason"),
    [
        ([_layer(_st(action="ec2:*"))], _st(action="s3:Get*"), "no identity-based policy allows"),
        ([_FULL, _layer(_st(action="ec2:*"), kind=LayerKind.BOUNDARY)], _st(action="s3:*"), "no permissions boundary"),
        ([_layer(_st(), _st("Deny", action="s3:*"))], _st(action="s3:Get*"), "with an explicit deny"),
        ([], _st(action="s3:Get*"), "no policy allows"),
        ([_layer(_st(action="s3:*", resource=_BUCKET))], _st(action="s3:*"), "no identity-based policy allows"),
        ([_layer(_st(Condition=_MFA))], _st(action="s3:*"), "no identity-based policy allows"),
        ([_layer(_st(), _st("Deny", action="s3:*", Condition=_MFA))], _st(action="s3:Get*"), "with an explicit deny"),
        (
            [_layer(_st(), _st("Deny", resource="arn:aws:s3:::bucket/secret/*"))],
            _st(action="s3:*", resource=_BUCKET),
            "with an explicit deny",
        ),
        (
            [_layer(_st(action="s3:*", resource=_BUCKET), _st(action="ec2:*"))],
            _st(action="s3:Get*", resource="arn:aws:s3:::other/*"),
            "no identity-based policy allows",
        ),
    ],
)
def test_a_request_that_the_caller_may_not_make_is_a_witness(
    layers: list[Layer], asked: dict[str, Any], reason: str
) -> None:
    policy = _policy(asked)
    witness = refuted(covers(layers, policy))
    assert reason in witness.because
    assert not decide(Layers(layers), witness.request).allowed
    asking = Layer(LayerKind.IDENTITY, "asked", (NamedPolicy("asked", policy),))
    assert decide(Layers([asking]), witness.request).allowed


def test_a_witness_names_the_statement_that_asks_and_the_one_that_denies() -> None:
    held = _layer(_st(), _st("Deny", action="s3:DeleteObject", Sid="Kept"))
    asked = _policy(_st(action="s3:GetObject", Sid="Read"), _st(action="s3:*", Sid="Everything"))
    witness = refuted(covers([held], asked))
    assert (witness.asked.sid, witness.denied_by) == ("Everything", "identity:p:Kept")


@pytest.mark.parametrize(
    ("asked", "named"),
    [("s3:*", "s3:AbortMultipartUpload"), ("s3:Put*Acl", "s3:PutBucketAcl"), ("*", "s3:GetObject")],
)
def test_a_witness_names_an_action_that_exists(asked: str, named: str) -> None:
    assert refuted(covers([_layer(_st(action="ec2:*"))], _policy(_st(action=asked)))).request.action == named


def test_a_policy_that_allows_nothing_is_covered_by_anybody() -> None:
    assert covers([], _policy(_st("Deny"))).result is CheckResult.ALLOWED


def test_a_part_that_the_policy_denies_itself_is_not_asked_for() -> None:
    asked = _policy(_st(action="s3:GetObject"), _st("Deny", action="s3:GetObject"))
    assert covers([_layer(_st(action="ec2:*"))], asked).result is CheckResult.ALLOWED


@pytest.mark.parametrize(
    ("held", "result"),
    [
        (_st(resource="arn:aws:s3:::${aws:username}/*"), CheckResult.ALLOWED),
        (_st(resource="arn:aws:s3:::${aws:userid}/*"), CheckResult.DENIED),
        (_st(Condition={"StringEquals": {"aws:PrincipalTag/team": "a"}}), CheckResult.DENIED),
        (_st(Condition={"Null": {"aws:PrincipalTag/team": "true"}}), CheckResult.ALLOWED),
        (_st(Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}), CheckResult.ALLOWED),
        (_st(Condition={"Bool": {"aws:SecureTransport": "true"}}), CheckResult.DENIED),
    ],
)
def test_what_is_known_of_the_caller_counts(held: dict[str, Any], result: CheckResult) -> None:
    asked = _policy(_st(action="s3:*", resource="arn:aws:s3:::alice/*"))
    identity = {"aws:username": "alice", "aws:userid": "AIDAX", "aws:MultiFactorAuthPresent": "false"}
    assert covers([_layer(held)], asked, identity=identity, stated=["aws:principaltag/"]).result is result


def test_a_yes_that_rests_on_variables_says_so() -> None:
    asked = _policy(_st(action="s3:*", resource="arn:aws:s3:::${aws:PrincipalTag/home}/*"))
    held = _layer(_st(action="s3:*", resource="arn:aws:s3:::${aws:PrincipalTag/home}*"))
    assert covers([held], asked) == PermissionCheck(CheckResult.ALLOWED, rests_on_variables=True)


def test_a_bound_that_was_met_is_named() -> None:
    held = _layer(_st(Condition={"NumericEquals": {"k:n": "1"}, "StringLike": {"k:n": "1*"}}))
    answer = covers([held], _policy(_st(action="s3:*", Condition={"NumericEquals": {"k:n": "1"}})))
    assert answer == PermissionCheck(CheckResult.UNSURE, because="mixed-types")
