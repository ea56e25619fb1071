"""Questions that come down to comparing policies: what is new, granted, public, equal or dead."""

import json
from typing import Any, Final

import pytest

from workflows.errors import MalformedPolicy
from workflows.policy.compare import Comparison, Verdict
from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.layers import NamedPolicy
from workflows.policy.questions import (
    dead_statements,
    equivalent,
    explaining,
    granted_access,
    new_access,
    public_access,
    within,
)

Document = dict[str, Any]
BUCKET: Final = "arn:aws:s3:::reports/*"
OTHER: Final = "222222222222"
OWN: Final = "111122223333"


def policy(*statements: Document, kind: PolicyKind = PolicyKind.IDENTITY) -> Policy:
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), kind=kind)


def named(*statements: Document, kind: PolicyKind = PolicyKind.IDENTITY) -> list[NamedPolicy]:
    return [NamedPolicy("policy", policy(*statements, kind=kind))]


def open_to(principal: Any, effect: Any = "Allow", /, **condition: Any) -> Document:
    made = {"Effect": effect, "Principal": principal, "Action": "s3:GetObject", "Resource": BUCKET}
    return {**made, "Condition": condition} if condition else made


def trusting(principal: Any, action: str = "sts:AssumeRole", **condition: Any) -> Document:
    made = {"Effect": "Allow", "Principal": principal, "Action": action}
    return {**made, "Condition": condition} if condition else made


def statement(actions: Any, resources: Any = "*", effect: str = "Allow", **condition: Any) -> Document:
    made = {"Effect": effect, "Action": actions, "Resource": resources}
    return {**made, "Condition": condition} if condition else made


PUBLIC: Final[list[tuple[str, list[Document]]]] = [
    ("everybody", [open_to("*")]),
    ("everybody of AWS", [open_to({"AWS": "*"})]),
    (
        "everybody but an account",
        [{"Effect": "Allow", "NotPrincipal": {"AWS": OWN}, "Action": "s3:*", "Resource": BUCKET}],
    ),
    ("an organisation left open", [open_to("*", StringLike={"aws:PrincipalOrgID": "o-*"})]),
    ("an organisation, if there is one", [open_to("*", StringEqualsIfExists={"aws:PrincipalOrgID": "o-abc"})]),
    ("all of no paths", [open_to("*", **{"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-abc/r/"}})]),
    ("not an organisation", [open_to("*", StringNotEquals={"aws:PrincipalOrgID": "o-abc"})]),
    ("half of all addresses", [open_to("*", IpAddress={"aws:SourceIp": ["0.0.0.0/1"]})]),
    ("two ranges that are many together", [open_to("*", IpAddress={"aws:SourceIp": ["10.0.0.0/8", "11.0.0.0/8"]})]),
    ("an encrypted connection", [open_to("*", Bool={"aws:SecureTransport": "true"})]),
    ("a name that any account can give", [open_to("*", ArnLike={"aws:PrincipalArn": "arn:aws:iam::*:role/deploy"})]),
    ("a referrer", [open_to("*", StringEquals={"aws:Referer": "https://example.com/"})]),
    ("one of two that is left open", [open_to("*", StringLike={"aws:SourceVpc": ["vpc-12345678", "vpc-*"]})]),
]
NOT_PUBLIC: Final[list[tuple[str, list[Document]]]] = [
    ("an account", [open_to({"AWS": OTHER})]),
    ("a service", [open_to({"Service": "sns.amazonaws.com"})]),
    ("an organisation", [open_to("*", StringEquals={"aws:PrincipalOrgID": "o-abc"})]),
    ("whoever a Deny leaves", [open_to("*"), open_to("*", "Deny", StringNotEquals={"aws:PrincipalOrgID": "o-abc"})]),
    ("few addresses", [open_to("*", IpAddress={"aws:SourceIp": "10.0.0.0/8"})]),
    ("roles of an account", [open_to("*", ArnLike={"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/*"})]),
    ("some paths", [open_to("*", **{"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc/*"}})]),
    ("its own account", [open_to("*", StringEquals={"aws:PrincipalAccount": "${aws:ResourceAccount}"})]),
    ("a network", [open_to("*", StringEquals={"aws:SourceVpce": "vpce-12345678"})]),
    ("nobody", [open_to("*"), open_to("*", "Deny")]),
]


@pytest.mark.parametrize("statements", [row[1] for row in PUBLIC], ids=[row[0] for row in PUBLIC])
def test_access_that_nothing_fixes_is_public(statements: list[Document]) -> None:
    answer = public_access(named(*statements, kind=PolicyKind.RESOURCE))
    assert answer.verdict is Verdict.REFUTED
    assert answer.counterexamples[0].request.principal.account != OWN


@pytest.mark.parametrize("statements", [row[1] for row in NOT_PUBLIC], ids=[row[0] for row in NOT_PUBLIC])
def test_access_of_somebody_fixed_is_not_public(statements: list[Document]) -> None:
    assert public_access(named(*statements, kind=PolicyKind.RESOURCE)).verdict is Verdict.PROVEN


GOOGLE: Final = {"Federated": "accounts.google.com"}


@pytest.mark.parametrize(
    ("trusted", "verdict"),
    [
        (trusting({"AWS": OTHER}), Verdict.PROVEN),
        (trusting({"AWS": "*"}), Verdict.REFUTED),
        (trusting(GOOGLE, "sts:AssumeRoleWithWebIdentity"), Verdict.REFUTED),
        (
            trusting(GOOGLE, "sts:AssumeRoleWithWebIdentity", StringEquals={"accounts.google.com:aud": "ours"}),
            Verdict.PROVEN,
        ),
    ],
    ids=["an account", "everybody", "whoever a provider vouches for", "whoever it vouches for to us"],
)
def test_a_trust_policy_is_public_when_it_fixes_nobody(trusted: Document, verdict: Verdict) -> None:
    assert public_access(named(trusted, kind=PolicyKind.TRUST)).verdict is verdict


@pytest.mark.parametrize(
    ("new", "existing", "verdict"),
    [
        ([trusting({"AWS": [OWN, OTHER]})], [trusting({"AWS": OWN})], Verdict.REFUTED),
        ([trusting({"AWS": f"arn:aws:iam::{OWN}:role/deploy"})], [trusting({"AWS": OWN})], Verdict.PROVEN),
        ([trusting({"AWS": OWN})], [trusting({"AWS": f"arn:aws:iam::{OWN}:role/deploy"})], Verdict.REFUTED),
        (
            [trusting({"Service": "lambda.amazonaws.com"})],
            [trusting({"Service": "ec2.amazonaws.com"})],
            Verdict.REFUTED,
        ),
        ([trusting({"AWS": OWN})], [trusting("*")], Verdict.PROVEN),
        (
            [trusting({"AWS": OWN}, Bool={"aws:MultiFactorAuthPresent": "true"})],
            [trusting({"AWS": OWN})],
            Verdict.PROVEN,
        ),
        ([trusting({"AWS": OWN})], [trusting({"AWS": OWN}, StringEquals={"sts:ExternalId": "x"})], Verdict.REFUTED),
    ],
)
def test_who_is_let_in_is_compared_caller_by_caller(
    new: list[Document], existing: list[Document], verdict: Verdict
) -> None:
    kind = PolicyKind.TRUST
    answer = new_access(named(*new, kind=kind), named(*existing, kind=kind), kind=kind)
    assert answer.verdict is verdict


def test_a_statement_goes_too_far_once_whoever_asks() -> None:
    kind = PolicyKind.RESOURCE
    answer = new_access(named(open_to("*"), kind=kind), named(open_to({"AWS": OWN}), kind=kind), kind=kind, every=True)
    assert [found.statement.index for found in answer.counterexamples] == [0]


@pytest.mark.parametrize(
    ("statements", "actions", "resources", "verdict"),
    [
        ([statement("iam:Create*")], ["iam:CreateAccessKey"], [], Verdict.REFUTED),
        (
            [statement("iam:Create*"), statement("iam:*AccessKey", effect="Deny")],
            ["iam:CreateAccessKey"],
            [],
            Verdict.PROVEN,
        ),
        ([statement("s3:*", BUCKET)], [], ["arn:aws:s3:::reports/secret"], Verdict.REFUTED),
        ([statement("s3:*", BUCKET)], ["s3:DeleteObject"], ["arn:aws:s3:::other/x"], Verdict.PROVEN),
        ([statement("s3:Get*", BUCKET)], ["s3:PutObject", "s3:getobject"], ["arn:aws:s3:::rep*"], Verdict.REFUTED),
    ],
)
def test_what_is_granted_is_asked_by_meaning(
    statements: list[Document], actions: list[str], resources: list[str], verdict: Verdict
) -> None:
    assert granted_access(named(*statements), actions=actions, resources=resources).verdict is verdict


def test_what_is_no_action_or_resource_is_refused() -> None:
    with pytest.raises(MalformedPolicy):
        granted_access(named(statement("s3:*")), actions=["not an action"])
    with pytest.raises(MalformedPolicy):
        granted_access(named(statement("s3:*")), resources=["bucket"])


def test_what_no_policy_governs_is_no_new_access() -> None:
    assert new_access(named(statement("sts:GetCallerIdentity")), named(statement("s3:*"))).verdict is Verdict.PROVEN


def test_every_ceiling_has_to_hold() -> None:
    ceilings = [*named(statement("s3:*")), *named(statement("s3:Get*"))]
    assert within(named(statement("s3:GetObject")), ceilings).verdict is Verdict.PROVEN
    assert within(named(statement("s3:PutObject")), ceilings).verdict is Verdict.REFUTED


def test_policies_are_equivalent_when_each_stays_within_the_other() -> None:
    both = named(statement(["s3:Put*", "s3:Get*"]))
    assert equivalent(named(statement("s3:Get*"), statement("s3:Put*")), both).verdict is Verdict.PROVEN
    assert equivalent(named(statement("s3:Get*")), both).verdict is Verdict.REFUTED


def test_a_statement_that_changes_nothing_is_dead_by_the_fewest_that_see_to_it() -> None:
    checked = policy(
        statement("s3:Get*"),
        statement("s3:GetObject", StringEquals={"aws:PrincipalTag/team": "a"}),
        statement("ec2:*"),
        statement("ec2:*", effect="Deny"),
        statement("sqs:*", effect="Deny"),
        statement("sns:Publish"),
        statement("ec2:Run*", effect="Deny"),
    )
    told = [
        (each.statement.index, each.why.value, [one.index for one in each.because_of])
        for each in dead_statements(checked)
    ]
    assert told == [
        (1, "held by others", [0]),
        (2, "never applies", [3]),
        (4, "never applies", []),
        (6, "held by others", [3]),
    ]


def test_of_two_equal_statements_the_later_one_is_dead() -> None:
    assert [each.statement.index for each in dead_statements(policy(statement("s3:Get*"), statement("s3:Get*")))] == [1]


def test_the_smallest_explanation_is_one_statement_where_one_suffices() -> None:
    wide = named(statement("s3:Get*", BUCKET), statement("s3:Put*", BUCKET), statement("s3:*", BUCKET))
    assert [each.index for each in explaining(named(statement(["s3:GetObject", "s3:PutObject"], BUCKET)), wide)] == [2]
    parts = named(statement("s3:Get*", BUCKET), statement("s3:List*"), statement("s3:Put*", BUCKET))
    asked = named(statement(["s3:GetObject", "s3:PutObject"], BUCKET))
    assert [each.index for each in explaining(asked, parts)] == [0, 2]


def test_more_callers_than_can_be_asked_for_leave_it_open() -> None:
    many = [f"{number:012d}" for number in range(1, 250)]
    answer = new_access(
        named(trusting({"AWS": many}), kind=PolicyKind.TRUST),
        named(trusting("*"), kind=PolicyKind.TRUST),
        kind=PolicyKind.TRUST,
    )
    assert (answer.verdict, answer.because) == (Verdict.UNKNOWN, "principals")


def replays(answer: Comparison, policies: list[NamedPolicy]) -> bool:
    from workflows.policy.asking import Asking  # noqa: PLC0415

    return all(
        decide(Asking(found.request.principal, names=True).layers(policies), found.request).allowed
        for found in answer.counterexamples
    )


def test_a_public_request_replays() -> None:
    policies = named(open_to("*", StringLike={"aws:PrincipalOrgID": "o-*"}), kind=PolicyKind.RESOURCE)
    answer = public_access(policies)
    assert answer.counterexamples
    assert replays(answer, policies)
