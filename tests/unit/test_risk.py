"""What could go wrong with a policy is told by class and statement, and only where the policy really allows it."""

import json
from typing import Any

import pytest

from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.risk import Risk, risks


def policy(*statements: dict[str, Any]) -> Policy:
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), kind=PolicyKind.SESSION)


def statement(actions: Any, resources: Any = "arn:aws:s3:::b/*", effect: Any = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": actions, "Resource": resources, **more}


@pytest.mark.parametrize(
    ("actions", "classes"),
    [
        ("s3:ListAllMyBuckets", set()),
        ("s3:GetObject", {Risk.DATA_READ}),
        ("s3:DeleteObject", {Risk.DATA_WRITE}),
        ("s3:PutObjectTagging", {Risk.DATA_WRITE}),
        ("s3:PutBucketPolicy", {Risk.PERMISSIONS, Risk.EXPOSURE}),
        ("iam:PassRole", {Risk.PERMISSIONS}),
        ("iam:TagRole", {Risk.PERMISSIONS}),
        ("sts:AssumeRole", {Risk.CREDENTIALS, Risk.DATA_WRITE}),
        ("secretsmanager:GetSecretValue", {Risk.CREDENTIALS, Risk.DATA_READ}),
        ("iam:Create*Key", {Risk.PERMISSIONS, Risk.CREDENTIALS}),
        ("nosuch:Thing", {Risk.DATA_WRITE}),
        ("sqs:*", {Risk.PERMISSIONS, Risk.EXPOSURE, Risk.DATA_WRITE, Risk.DATA_READ, Risk.WILDCARD}),
    ],
)
def test_an_action_is_in_the_classes_of_what_it_can_do(actions: str, classes: set[Risk]) -> None:
    assert {reason.risk for reason in risks(policy(statement(actions, "arn:aws:x:::y")))} == classes


def test_every_resource_is_far_where_an_action_could_be_held_to_one() -> None:
    assert [one.risk for one in risks(policy(statement("s3:GetObject", "*")))] == [Risk.DATA_READ, Risk.WILDCARD]
    assert [one.risk for one in risks(policy(statement("s3:ListAllMyBuckets", "*")))] == []


def test_what_a_deny_takes_away_is_no_risk() -> None:
    kept = policy(statement(["s3:Get*", "s3:PutObject"]), statement("s3:Put*", "*", "Deny"))
    assert {reason.risk for reason in risks(kept)} == {Risk.DATA_READ}
    partly = policy(statement("s3:PutObject"), statement("s3:Put*", "arn:aws:s3:::b/secret", "Deny"))
    assert {reason.risk for reason in risks(partly)} == {Risk.DATA_WRITE}


def test_a_reason_names_its_statement_and_says_how_far_and_whether_under_conditions() -> None:
    condition = {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    first, second = risks(policy(statement("s3:GetObject"), statement("iam:Pass*", "*", **condition, Sid="Pass")))[
        ::-1
    ][-2:]
    assert (first.risk, first.statement.index, first.actions, first.count) == (Risk.DATA_READ, 0, ("s3:GetObject",), 1)
    assert (second.statement.sid, second.everywhere, second.conditional) == ("Pass", True, True)


def test_the_gravest_comes_first_and_few_actions_stand_for_many() -> None:
    found = risks(policy(statement("s3:Get*"), statement("iam:*")))
    assert found[0].risk is Risk.PERMISSIONS
    assert (len(found[-2].actions), found[-2].count > 20) == (3, True)


def test_leaving_actions_out_lends_everything_else() -> None:
    wide = policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})
    assert {one.risk for one in risks(wide)} == set(Risk)
