"""What is new against before is told by proof: another spelling is not new, a wider reach is."""

import json
from typing import Any

import pytest

from workflows.novelty import gone, is_new, parts
from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.policy.patterns import Work


def policy(*statements: tuple[str, Any, str]) -> Policy:
    made = [{"Effect": effect, "Action": actions, "Resource": resource} for effect, actions, resource in statements]
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": made}), kind=PolicyKind.SESSION)


def fresh(asked: Policy, *earlier: Policy) -> list[str]:
    return [
        action.text
        for statement, action in parts(asked)
        if action and is_new(asked, statement, action, earlier, Work())
    ]


LOGS = "arn:aws:s3:::logs/*"


@pytest.mark.parametrize(
    ("asked", "earlier", "new"),
    [
        (policy(("Allow", "s3:GetObject", LOGS)), [policy(("Allow", "s3:Get*", "arn:aws:s3:::*"))], []),
        (policy(("Allow", "s3:Get*", LOGS)), [policy(("Allow", "s3:GetObject", LOGS))], ["s3:Get*"]),
        (policy(("Allow", "S3:GETOBJECT", LOGS)), [policy(("Allow", "s3:GetObject", LOGS))], []),
        (
            policy(("Allow", ["s3:GetObject", "s3:PutObject"], LOGS)),
            [policy(("Allow", "s3:GetObject", LOGS))],
            ["s3:PutObject"],
        ),
        (
            policy(("Allow", "s3:GetObject", "arn:aws:s3:::*")),
            [policy(("Allow", "s3:GetObject", LOGS)), policy(("Allow", "s3:GetObject", "arn:aws:s3:::*"))],
            [],
        ),
        (
            policy(("Allow", "s3:GetObject", LOGS)),
            [policy(("Allow", "s3:*", LOGS), ("Deny", "s3:GetObject", "arn:aws:s3:::logs/secret"))],
            ["s3:GetObject"],
        ),
        (
            policy(("Allow", "s3:*", LOGS), ("Deny", "s3:GetObject", "arn:aws:s3:::logs/secret")),
            [policy(("Allow", "s3:*", LOGS), ("Deny", "s3:GetObject", "arn:aws:s3:::logs/secret"))],
            [],
        ),
        (policy(("Allow", "s3:GetObject", LOGS)), [], ["s3:GetObject"]),
    ],
)
def test_what_lies_within_what_was_lent_before_is_not_new(asked: Policy, earlier: list[Policy], new: list[str]) -> None:
    assert fresh(asked, *earlier) == new


def test_a_deny_of_one_grant_does_not_speak_against_what_another_lent() -> None:
    denying = policy(("Allow", "s3:PutObject", LOGS), ("Deny", "s3:GetObject", "*"))
    lending = policy(("Allow", "s3:GetObject", LOGS))
    assert fresh(policy(("Allow", "s3:GetObject", LOGS)), denying, lending) == []


def test_what_is_lent_no_more_is_told_as_it_was_written() -> None:
    now = policy(("Allow", "s3:Get*", LOGS))
    before = [policy(("Allow", ["s3:GetObject", "s3:PutObject"], LOGS)), policy(("Allow", "s3:GetObject", "*"))]
    assert gone(now, before, Work()) == ("s3:GetObject", "s3:PutObject")
    assert gone(now, before[:0], Work()) == ()
