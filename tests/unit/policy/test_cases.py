"""A case says everything itself; what it says wrongly is named, and the answer is a line either way."""

import json
from typing import Any

import pytest

from workflows.policy.cases import answer_line

_USER = "arn:aws:iam::111122223333:user/ann"
_ALLOW = {"Version": "2012-10-17", "Statement": {"Sid": "All", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
_CASE: dict[str, Any] = {
    "id": "one",
    "principal": _USER,
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::bucket/key",
    "resource_account": "111122223333",
    "context": {},
    "identity_policies": [_ALLOW],
    "resource_policy": None,
    "permission_boundaries": None,
    "session_policy": None,
    "scps": [],
    "rcps": [],
}


def _answer(**changes: object) -> dict[str, Any]:
    return answer_line(json.dumps({**_CASE, **changes}))


def test_an_answer_names_the_case_the_decision_and_its_reasons() -> None:
    answer = _answer()
    statement = {"layer": "identity", "policy": "identity_policies[0]", "index": 0, "sid": "All", "path": "$.Statement"}
    assert answer == {
        "id": "one",
        "decision": "Allowed",
        "detail": {
            "because": "because every layer allows it",
            "deciding": statement,
            "layers": [
                {"kind": "identity", "layer": "identity_policies", "decision": "Allowed", "statement": statement}
            ],
            "missing": [],
            "absent_keys": [],
        },
    }


@pytest.mark.parametrize("name", ["x", 5, -1, "", True, None])
def test_the_id_comes_back_as_it_was(name: object) -> None:
    assert _answer(id=name)["id"] == name
    assert _answer(id=name, action=5)["id"] == name


def test_an_id_that_is_no_name_becomes_null_and_the_case_is_answered() -> None:
    assert (_answer(id={"a": 1})["id"], _answer(id=[1])["decision"]) == (None, "Allowed")


@pytest.mark.parametrize(
    "left_out",
    [
        ["resource_account", "context", "resource_policy", "permission_boundaries", "session_policy", "scps", "rcps"],
        ["id"],
    ],
)
def test_what_does_not_apply_may_be_left_out(left_out: list[str]) -> None:
    kept = {name: value for name, value in _CASE.items() if name not in left_out}
    assert answer_line(json.dumps(kept))["decision"] == "Allowed"


def test_members_that_mean_nothing_here_are_named_in_the_answer() -> None:
    assert _answer(scp=[[]], expected="Allowed")["ignored"] == ["expected", "scp"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"principal": 5}, "`principal` is no caller"),
        ({"principal": "arn:aws:iam::111122223333:group/x"}, "`principal` is no caller"),
        ({"action": None}, "`action` is missing"),
        ({"action": "GetObject"}, "`action` is not an action"),
        ({"action": "s3:Get Object"}, "`action` is not an action"),
        ({"resource": ""}, "`resource` is not a text"),
        ({"resource_account": "12"}, "`resource_account` is not an account"),
        ({"context": []}, "`context` is not an object"),
        ({"context": {"aws:x": {"a": "b"}}}, "`context.aws:x` is not a value"),
        ({"context": {"aws:x": [["b"]]}}, "`context.aws:x` is not a value"),
        ({"context": {"aws:x": "1", "AWS:X": "2"}}, "given twice in different case"),
        ({"identity_policies": _ALLOW}, "`identity_policies` is not a list"),
        ({"identity_policies": [{"Statement": []}]}, "`identity_policies[0].Statement` has 0 statements"),
        ({"identity_policies": ["x"]}, "`identity_policies[0]` is not an object"),
        ({"session_policy": {"Version": "x"}}, "`session_policy.Version` is not a version"),
        ({"permission_boundaries": _ALLOW}, "`permission_boundaries` is not a list"),
        ({"scps": [_ALLOW]}, "`scps[0]` is not a list"),
        ({"scps": [[], [_ALLOW, {}]]}, "`scps[1][1].Statement` is missing"),
        ({"rcps": [[_ALLOW]]}, "`rcps[0][0].Statement.Principal` is missing"),
        ({"resource_policy": _ALLOW}, "`resource_policy.Statement.Principal` is missing"),
    ],
)
def test_a_bad_case_is_an_error_that_names_the_place(changes: dict[str, Any], problem: str) -> None:
    answer = _answer(**changes)
    assert answer.keys() == {"id", "error"}
    assert problem in answer["error"]


@pytest.mark.parametrize("line", ["", "{", "[]", "5", '{"a":1,"a":2}', "\ufeff{}", '{"id":NaN}', "[" * 5000])
def test_a_line_that_is_no_case_is_an_error_line(line: str) -> None:
    answer = answer_line(line)
    assert (answer["id"], "error" in answer) == (None, True)


def test_a_missing_principal_is_not_an_anonymous_one() -> None:
    kept = {name: value for name, value in _CASE.items() if name != "principal"}
    assert "`principal` is missing" in str(answer_line(json.dumps(kept))["error"])


def _with_condition(operator: str, key: str, value: object) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {key: value}}}
    return {"Version": "2012-10-17", "Statement": statement}


@pytest.mark.parametrize(
    ("given", "operator", "wanted"),
    [
        (True, "Bool", "true"),
        (5, "NumericEquals", "5"),
        (["a", "b"], "ForAnyValue:StringEquals", "b"),
        ([1, True], "ForAnyValue:StringEquals", "true"),
        (None, "Null", "true"),
        ("a", "StringEquals", "a"),
    ],
)
def test_context_values_are_read_as_policies_write_them(given: object, operator: str, wanted: str) -> None:
    policies = [_with_condition(operator, "aws:x", wanted)]
    assert _answer(context={"aws:x": given}, identity_policies=policies)["decision"] == "Allowed"


def test_nothing_is_filled_in() -> None:
    policies = [_with_condition("Null", key, "true") for key in ("aws:PrincipalArn", "aws:username", "aws:CurrentTime")]
    for policy in policies:
        assert _answer(identity_policies=[policy])["decision"] == "Allowed"


@pytest.mark.parametrize(
    ("resource", "account", "decision"),
    [
        ("arn:aws:sqs:eu-west-1:444455556666:q", None, "ImplicitlyDenied"),
        ("arn:aws:sqs:eu-west-1:111122223333:q", None, "Allowed"),
        ("arn:aws:s3:::bucket/key", None, "Allowed"),
        ("arn:aws:s3:::bucket/key", "444455556666", "ImplicitlyDenied"),
        ("arn:aws:sqs:eu-west-1:444455556666:q", "111122223333", "Allowed"),
        ("*", None, "Allowed"),
    ],
)
def test_the_owner_of_a_resource_is_given_or_read_from_its_arn(
    resource: str, account: str | None, decision: str
) -> None:
    policies = [{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]
    assert _answer(resource=resource, resource_account=account, identity_policies=policies)["decision"] == decision


@pytest.mark.parametrize(
    ("changes", "decision"),
    [
        ({"permission_boundaries": None}, "Allowed"),
        ({"permission_boundaries": []}, "ImplicitlyDenied"),
        ({"permission_boundaries": [_ALLOW, _ALLOW]}, "Allowed"),
        ({"scps": [[]]}, "ImplicitlyDenied"),
        ({"scps": [[_ALLOW]]}, "Allowed"),
        ({"scps": [[_ALLOW], []]}, "ImplicitlyDenied"),
        ({"rcps": [[]]}, "ImplicitlyDenied"),
    ],
)
def test_an_empty_list_is_not_the_same_as_none(changes: dict[str, Any], decision: str) -> None:
    assert _answer(**changes)["decision"] == decision


def test_a_large_document_is_no_reason_to_refuse_a_question() -> None:
    many = {"Effect": "Allow", "Action": [f"s3:Get{number}*" for number in range(3000)], "Resource": "*"}
    starred = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::" + "*a" * 500}
    answer = _answer(identity_policies=[{"Statement": [many, *[starred] * 70]}])
    assert answer["decision"] == "ImplicitlyDenied"


def test_reasons_that_cost_too_much_are_left_out_and_the_answer_stands() -> None:
    dear = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringLike": {"aws:x": "*e?*b"}}}
    silent = [{"Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}]
    costly = {"permission_boundaries": [{"Statement": [dear] * 40}], "context": {"aws:x": "d" * 60_000 + "b"}}
    told = _answer(identity_policies=silent, **costly)
    assert (told["decision"], told["detail"]["layers"]) == ("ImplicitlyDenied", [])
    assert "steps" in told["detail"]["unexplained"]


def test_what_nearly_fitted_is_told_whole() -> None:
    statement = {"Sid": "Mfa", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    wanted = {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "StringLike": {"aws:username": ["a", "b"]}}
    policies = [{"Statement": [{**statement, "Condition": wanted}]}]
    answer = json.loads(json.dumps(_answer(identity_policies=policies, context={"aws:username": ["c", "d"]})))
    assert answer["detail"]["missing"] == [
        {
            "kind": "identity",
            "layer": "identity_policies",
            "near": [
                {
                    "statement": {
                        "layer": "identity",
                        "policy": "identity_policies[0]",
                        "index": 0,
                        "sid": "Mfa",
                        "path": "$.Statement[0]",
                    },
                    "names_the_caller": True,
                    "unmet": [
                        {"operator": "Bool", "key": "aws:MultiFactorAuthPresent", "wanted": ["true"], "given": None},
                        {"operator": "StringLike", "key": "aws:username", "wanted": ["a", "b"], "given": ["c", "d"]},
                    ],
                }
            ],
        }
    ]
    assert answer["detail"]["absent_keys"] == ["aws:MultiFactorAuthPresent"]
