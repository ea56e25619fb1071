"""A policy cut to what was used covers that use and stays within what was lent."""

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.policy.compare import Verdict, compare
from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.policy.fitting import Use, fitted
from workflows.policy.layers import NamedPolicy

LOGS: Final = "arn:aws:s3:::logs/*"


def policy(*statements: dict[str, Any]) -> Policy:
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), kind=PolicyKind.SESSION)


def allow(actions: Any, resources: Any = LOGS, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def cut(lent: Policy, *uses: Use) -> list[dict[str, Any]]:
    text = fitted(lent, uses)
    assert text is not None
    statements: list[dict[str, Any]] = json.loads(text)["Statement"]
    return statements


def test_only_used_actions_stay_and_few_resources_are_named() -> None:
    lent = policy(allow(["s3:GetObject", "s3:PutObject", "s3:List*"], [LOGS, "arn:aws:s3:::other/*"], Sid="Files"))
    uses = [Use("s3:GetObject", ("arn:aws:s3:::logs/a", "arn:aws:s3:::logs/b")), Use("s3:ListBucket", None)]
    assert cut(lent, *uses) == [
        {
            "Sid": "Files",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::logs/a", "arn:aws:s3:::logs/b"],
        },
        {"Sid": "Files2", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [LOGS, "arn:aws:s3:::other/*"]},
    ]


@pytest.mark.parametrize(
    ("pattern", "used", "resource"),
    [
        (LOGS, [f"arn:aws:s3:::logs/2026/{day}" for day in range(9)], "arn:aws:s3:::logs/2026/*"),
        (LOGS, [f"arn:aws:s3:::logs/{day}/x" for day in range(10, 19)], "arn:aws:s3:::logs/*"),
        ("arn:aws:s3:::l*/x?", [f"arn:aws:s3:::log/x{day}" for day in range(9)], "arn:aws:s3:::l*/x?"),
        ("*", [f"arn:aws:sqs:eu:1:q{day}" for day in range(9)], "arn:aws:sqs:eu:1:*"),
        ("*", ["arn:aws:s3:::a", "arn:aws:sqs:eu:1:q", "arn:aws:sns:eu:1:t", "arn:aws:sns:eu:1:u"], "*"),
        ("arn:aws:s3:::home/${aws:username}/*", ["arn:aws:s3:::home/ann/x"], "arn:aws:s3:::home/${aws:username}/*"),
    ],
)
def test_resources_are_generalised_no_further_than_what_lent_them(pattern: str, used: list[str], resource: str) -> None:
    (statement,) = cut(policy(allow("s3:*", pattern)), Use("s3:GetObject", tuple(used)))
    assert statement["Resource"] == [resource]


def test_conditions_and_denies_stay() -> None:
    condition = {"Bool": {"aws:SecureTransport": "true"}}
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::logs/secret"}
    kept, still = cut(policy(allow("s3:*", Condition=condition), deny), Use("s3:GetObject", None))
    assert (kept["Condition"], still) == (condition, deny)


def test_a_use_stays_with_the_statements_that_lent_it() -> None:
    lent = policy(allow("s3:Get*", LOGS), allow("s3:*", "arn:aws:s3:::other/*"))
    (statement,) = cut(lent, Use("s3:GetObject", ("arn:aws:s3:::logs/a",)))
    assert statement["Resource"] == ["arn:aws:s3:::logs/a"]


def test_what_is_left_out_gives_way_to_what_was_used() -> None:
    (statement,) = cut(policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}), Use("s3:GetObject", None))
    assert (statement["Action"], "NotAction" in statement) == (["s3:GetObject"], False)


def test_nothing_used_makes_no_policy() -> None:
    assert fitted(policy(allow("s3:GetObject")), []) is None
    assert fitted(policy(allow("s3:GetObject")), [Use("ec2:RunInstances", None)]) is None


_ACTIONS = st.sampled_from(["s3:Get*", "s3:*", "s3:PutObject", "sqs:*"])
_PLACES = st.sampled_from(
    ["*", "arn:aws:s3:::a/*", "arn:aws:s3:::a/b*", "arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::?/b"]
)
_USES = st.builds(
    Use,
    st.sampled_from(["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]),
    st.none()
    | st.lists(st.sampled_from([f"arn:aws:s3:::a/b{n}" for n in range(6)]), min_size=1, unique=True).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["Allow", "Allow", "Deny"]), _ACTIONS, _PLACES), min_size=1, max_size=4),
    st.lists(_USES, max_size=3, unique_by=lambda use: use.action),
)
def test_whatever_was_used_what_comes_out_is_no_wider(rows: list[tuple[str, str, str]], uses: list[Use]) -> None:
    lent = policy(*({"Effect": effect, "Action": action, "Resource": place} for effect, action, place in rows))
    text = fitted(lent, uses)
    if text is not None:
        made = (NamedPolicy("made", parse_policy(text, kind=PolicyKind.SESSION)),)
        assert compare(made, (NamedPolicy("lent", lent),)).verdict is Verdict.PROVEN
