"""What the policy parser takes, and where and why it refuses."""

import json
from typing import Any

import pytest

from workflows.errors import MalformedPolicy
from workflows.policy.document import Effect, Policy, PolicyKind, parse_policy, policy_from_tree
from workflows.policy.patterns import Work
from workflows.policy.strict_json import read_json


def _statement(**changes: object) -> dict[str, Any]:
    """A good statement; a change to None takes the member away."""
    members = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **changes}
    return {name: value for name, value in members.items() if value is not None}


def _document(*statements: object, **changes: object) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements), **changes}


def _parse(document: object, kind: PolicyKind = PolicyKind.IDENTITY) -> Policy:
    return parse_policy(json.dumps(document), kind=kind)


def _refusal(document: object) -> MalformedPolicy:
    with pytest.raises(MalformedPolicy) as caught:
        _parse(document)
    return caught.value


def test_a_good_document_is_read_into_its_parts() -> None:
    condition = {"StringLike": {"s3:prefix": ["a*", "b"]}, "Bool": {"aws:SecureTransport": True}}
    policy = _parse(_document(_statement(Sid="Read1", Condition=condition)))
    statement = policy.statements[0]
    assert (policy.version, statement.index, statement.sid, statement.effect) == (
        "2012-10-17",
        0,
        "Read1",
        Effect.ALLOW,
    )
    assert [pattern.text for pattern in statement.actions] == ["s3:GetObject"]
    assert (statement.not_actions, statement.not_resources) == ((), ())
    assert [(clause.key, clause.texts) for clause in statement.conditions] == [
        ("s3:prefix", ("a*", "b")),
        ("aws:SecureTransport", ("true",)),
    ]


def test_a_single_statement_needs_no_list() -> None:
    assert _parse({"Statement": _statement()}).statements[0].index == 0


def test_an_absent_version_is_the_old_one() -> None:
    assert _parse({"Statement": _statement()}).version == "2008-10-17"


def test_a_tree_and_its_text_make_the_same_policy() -> None:
    text = json.dumps(_document(_statement()))
    assert policy_from_tree(read_json(text), kind=PolicyKind.SESSION) == parse_policy(text, kind=PolicyKind.SESSION)


def test_an_empty_sid_is_no_sid_and_may_stand_twice() -> None:
    assert [s.sid for s in _parse(_document(_statement(Sid=""), _statement(Sid=""))).statements] == [
        None,
        None,
    ]


@pytest.mark.parametrize("document", [[], "x", 1, None, True])
def test_a_document_that_is_no_object_is_refused(document: object) -> None:
    assert _refusal(document).path == "$"


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"Version": "2012-10-17"}, "$.Statement"),
        (_document(), "$.Statement"),
        ({"Statement": "x"}, "$.Statement"),
        ({"Statement": ["x"]}, "$.Statement[0]"),
        (_document(*[_statement()] * 65), "$.Statement"),
        (_document(_statement(), Version="2012-10-18"), "$.Version"),
        (_document(_statement(), Version=["2012-10-17"]), "$.Version"),
        (_document(_statement(), Version=None), "$.Version"),
        (_document(_statement(), Id="x"), "$.Id"),
        (_document(_statement(), statement=[]), "$.statement"),
        (_document(_statement(), version="2012-10-17"), "$.version"),
    ],
)
def test_a_wrong_policy_level_is_refused_at_its_path(document: object, path: str) -> None:
    assert _refusal(document).path == path


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"Effect": None}, ".Effect"),
        ({"Effect": "allow"}, ".Effect"),
        ({"Effect": "ALLOW"}, ".Effect"),
        ({"Effect": ["Allow"]}, ".Effect"),
        ({"effect": "Deny"}, ".effect"),
        ({"Principal": "*"}, ".Principal"),
        ({"NotPrincipal": {"AWS": "*"}}, ".NotPrincipal"),
        ({"Actions": "s3:*"}, ".Actions"),
        ({"Sid": "a b"}, ".Sid"),
        ({"Sid": "a-b"}, ".Sid"),
        ({"Sid": 1}, ".Sid"),
        ({"Action": None}, ".Action"),
        ({"NotAction": "iam:*"}, ".Action"),
        ({"Action": []}, ".Action"),
        ({"Action": {}}, ".Action"),
        ({"Action": 1}, ".Action"),
        ({"Action": ["s3:*", 1]}, ".Action[1]"),
        ({"Action": ["s3:*", ["s3:*"]]}, ".Action[1]"),
        ({"Action": ""}, ".Action"),
        ({"Action": "s3"}, ".Action"),
        ({"Action": "s3:"}, ".Action"),
        ({"Action": ":Get"}, ".Action"),
        ({"Action": "s3:Get Object"}, ".Action"),
        ({"Action": "s3:Get:Object"}, ".Action"),
        ({"Action": " s3:Get"}, ".Action"),
        ({"Action": "s3:Get\n"}, ".Action"),
        ({"Action": "s3:${aws:username}"}, ".Action"),
        ({"Action": "s3:G\u00e9t"}, ".Action"),
        ({"Action": "**"}, ".Action"),
        ({"Action": ["s3:*"] * 257}, ".Action"),
        ({"Action": "s3:" + "a*" * 33}, ".Action"),
        ({"Action": "s3:" + "a" * 510 + "*"}, ".Action"),
        ({"Resource": None}, ".Resource"),
        ({"NotResource": "*"}, ".Resource"),
        ({"Resource": []}, ".Resource"),
        ({"Resource": ""}, ".Resource"),
        ({"Resource": "bucket"}, ".Resource"),
        ({"Resource": "arn:aws:s3:::"[:-1]}, ".Resource"),
        ({"Resource": "arn:*"}, ".Resource"),
        ({"Resource": "ARN:aws:s3:::b"}, ".Resource"),
        ({"Resource": ["*", "b"]}, ".Resource[1]"),
        ({"Resource": "arn:aws:s3:::b\u20ac"}, ".Resource"),
        ({"Resource": "arn:aws:s3:::b\u0007"}, ".Resource"),
        ({"Resource": "arn:aws:sqs:${aws:RequestedRegion}:1:q"}, ".Resource"),
        ({"Resource": "arn:aws:s3:${*}::b"}, ".Resource"),
        ({"Resource": "arn:aws:s3:::${aws:username"}, ".Resource"),
        ({"Resource": "arn:aws:s3:::${}"}, ".Resource"),
        ({"Resource": "arn:aws:s3:::${username}"}, ".Resource"),
        ({"Resource": "arn:aws:s3:::${aws:user name}"}, ".Resource"),
        ({"Resource": "arn:aws:s3:::${aws:username,'x'}"}, ".Resource"),
        ({"Resource": "arn:aws:s3:::${aws:username, x}"}, ".Resource"),
        ({"Resource": "arn:aws:s3:::${aws:username, 'x}"}, ".Resource"),
        ({"Resource": "arn:aws:s3:::${*, 'x'}"}, ".Resource"),
        ({"Condition": []}, ".Condition"),
        ({"Condition": {"StringEquals": []}}, ".Condition.StringEquals"),
        ({"Condition": {"stringEquals": {"aws:x": "y"}}}, ".Condition.stringEquals"),
        ({"Condition": {"StringEqual": {"aws:x": "y"}}}, ".Condition.StringEqual"),
        ({"Condition": {"NullIfExists": {"aws:x": "true"}}}, ".Condition.NullIfExists"),
        ({"Condition": {"ForAllValues:Null": {"aws:x": "true"}}}, '.Condition["ForAllValues:Null"]'),
        ({"Condition": {"ForAll:StringLike": {"aws:x": "y"}}}, '.Condition["ForAll:StringLike"]'),
        ({"Condition": {":StringLike": {"aws:x": "y"}}}, '.Condition[":StringLike"]'),
        (
            {"Condition": {"StringLikeIfExistsIfExists": {"aws:x": "y"}}},
            ".Condition.StringLikeIfExistsIfExists",
        ),
        ({"Condition": {"StringLike": {"username": "y"}}}, ".Condition.StringLike.username"),
        ({"Condition": {"StringLike": {"aws:": "y"}}}, '.Condition.StringLike["aws:"]'),
        ({"Condition": {"StringLike": {":x": "y"}}}, '.Condition.StringLike[":x"]'),
        ({"Condition": {"StringLike": {"aws:${aws:x}": "y"}}}, '.Condition.StringLike["aws:${aws:x}"]'),
        ({"Condition": {"StringLike": {"aws:RequestTag/": "y"}}}, '.Condition.StringLike["aws:RequestTag/"]'),
        ({"Condition": {"StringLike": {"aws:x": "1", "AWS:X": "2"}}}, '.Condition.StringLike["AWS:X"]'),
        ({"Condition": {"StringLike": {"aws:x": None}}}, '.Condition.StringLike["aws:x"]'),
        ({"Condition": {"StringLike": {"aws:x": {}}}}, '.Condition.StringLike["aws:x"]'),
        ({"Condition": {"StringLike": {"aws:x": ["a", "b", None]}}}, '.Condition.StringLike["aws:x"]'),
        ({"Condition": {"StringLike": {"aws:x": [["a"]]}}}, '.Condition.StringLike["aws:x"][0]'),
        ({"Condition": {"StringLike": {"aws:x": ["1", 1]}}}, '.Condition.StringLike["aws:x"]'),
        ({"Condition": {"StringLike": {"aws:x": ["a"] * 257}}}, '.Condition.StringLike["aws:x"]'),
        ({"Condition": {"StringLike": {"aws:x": "*" * 33}}}, '.Condition.StringLike["aws:x"]'),
        ({"Condition": {"StringEquals": {"aws:x": "${aws:y"}}}, '.Condition.StringEquals["aws:x"]'),
        ({"Condition": {"NumericEquals": {"aws:x": "${aws:y}"}}}, '.Condition.NumericEquals["aws:x"]'),
        ({"Condition": {"Bool": {"aws:x": "${aws:y}"}}}, '.Condition.Bool["aws:x"]'),
        ({"Condition": {"StringEquals": {"aws:x": "\u200b"}}}, '.Condition.StringEquals["aws:x"]'),
    ],
)
def test_a_wrong_statement_is_refused_at_its_path(changes: dict[str, object], member: str) -> None:
    assert _refusal(_document(_statement(), _statement(**changes))).path == "$.Statement[1]" + member


def test_two_equal_sids_are_refused() -> None:
    assert _refusal(_document(_statement(Sid="A"), _statement(Sid="A"))).path == "$.Statement[1].Sid"


def test_sids_that_differ_in_case_differ() -> None:
    assert len(_parse(_document(_statement(Sid="A"), _statement(Sid="a"))).statements) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"Action": "*"},
        {"Action": "*:*"},
        {"Action": "s3-object-lambda:Get?bject*"},
        {"Resource": "arn:aws:s3:::"},
        {"Resource": "arn:*:*:*:*:*"},
        {"Resource": "arn:aws:s3:::${aws:PrincipalTag/team, 'a, {b} c'}/x"},
        {"Resource": "arn:aws:s3:::a$b{c}"},
        {"Condition": {}},
        {"Condition": {"StringEquals": {}}},
        {"Condition": {"StringEquals": {"aws:x": []}}},
        {"Condition": {"StringEquals": {"aws:RequestTag/cost center": "\u00e9"}}},
        {"Condition": {"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub": "x"}}},
        {"Condition": {"ForAnyValue:StringNotLikeIfExists": {"aws:TagKeys": ["a*"]}}},
        {"Condition": {"StringEquals": {"aws:x": "*" * 40}}},
        {"Condition": {"NumericLessThan": {"aws:x": [1, 2.5]}}},
    ],
)
def test_what_the_grammar_allows_is_taken(changes: dict[str, object]) -> None:
    assert len(_parse(_document(_statement(**changes))).statements) == 1


def test_in_the_old_version_variables_are_text_wherever_they_stand() -> None:
    condition = {"Bool": {"aws:x": "${aws:y}"}, "StringEquals": {"aws:x": "${"}}
    policy = _parse({"Statement": _statement(Resource="arn:aws:sqs:${x:1:q", Condition=condition)})
    assert policy.statements[0].resources[0].is_fixed


_WITHOUT_PRINCIPAL = [PolicyKind.IDENTITY, PolicyKind.BOUNDARY, PolicyKind.SESSION, PolicyKind.GUARDRAIL]


@pytest.mark.parametrize("kind", _WITHOUT_PRINCIPAL)
def test_what_is_attached_to_a_caller_takes_no_principal(kind: PolicyKind) -> None:
    with pytest.raises(MalformedPolicy):
        _parse(_document(_statement(Principal="*")), kind)


def test_length_is_counted_without_white_space_except_for_guardrails() -> None:
    text = json.dumps(_document(_statement()), indent=8)
    short = json.dumps(_document(_statement()), separators=(",", ":"))
    assert parse_policy(text, kind=PolicyKind.SESSION, max_chars=len(short)).text == text
    with pytest.raises(MalformedPolicy, match="at most"):
        parse_policy(text, kind=PolicyKind.SESSION, max_chars=len(short) - 1)
    with pytest.raises(MalformedPolicy, match="at most"):
        parse_policy(text, kind=PolicyKind.GUARDRAIL, max_chars=len(text) - 1)


def test_raw_characters_outside_the_documented_set_are_refused() -> None:
    text = json.dumps(_document(_statement(Sid="x")), ensure_ascii=False).replace("x", "\u2019")
    with pytest.raises(MalformedPolicy, match=r"U\+2019"):
        parse_policy(text, kind=PolicyKind.IDENTITY)


def test_a_refusal_never_repeats_more_than_a_little_of_the_input() -> None:
    assert len(str(_refusal(_document(_statement(Action="x" * 100_000))))) < 300


def test_a_statement_knows_which_resources_it_speaks_of() -> None:
    named = _parse(_document(_statement(Resource=["arn:aws:s3:::a/*", "arn:aws:s3:::${aws:username}"]))).statements[0]
    spoken = [
        named.covers_resource(f"arn:aws:s3:::{name}", {"aws:username": "ann"}, Work()) for name in ("a/b", "ann", "b")
    ]
    assert spoken == [True, True, False]
    left_out = {name: value for name, value in _statement(NotResource="arn:aws:s3:::a/*").items() if name != "Resource"}
    rest = _parse(_document(left_out)).statements[0]
    assert [rest.covers_resource(f"arn:aws:s3:::{name}", {}, Work()) for name in ("a/b", "b")] == [False, True]


def test_a_statement_knows_which_actions_it_speaks_of() -> None:
    named = _parse(_document(_statement(Action=["s3:Get*", "s3:PutObject"]))).statements[0]
    assert [named.covers_action(name, Work()) for name in ("s3:getobject", "s3:putobject", "s3:put")] == [
        True,
        True,
        False,
    ]
    left_out = {name: value for name, value in _statement(NotAction="s3:*").items() if name != "Action"}
    rest = _parse(_document(left_out)).statements[0]
    assert [rest.covers_action(name, Work()) for name in ("s3:getobject", "iam:x")] == [False, True]
