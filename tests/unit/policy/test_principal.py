"""Who a caller is, and how a Principal element takes hold of it."""

import json
from typing import Any

import pytest

from workflows.errors import MalformedPolicy
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.principal import ANONYMOUS, CallingPrincipal, Form, Grip, calling_principal

_HOME = "111122223333"
_USER = f"arn:aws:iam::{_HOME}:user/team/ann"
_ROLE = f"arn:aws:iam::{_HOME}:role/path/app"
_SESSION = f"arn:aws:sts::{_HOME}:assumed-role/app/job-1"
_FEDERATED = f"arn:aws:sts::{_HOME}:federated-user/bob"
_CANONICAL = "a" * 64


def _caller(text: str | None, *, federates: bool = False) -> CallingPrincipal:
    caller = calling_principal(text, federates=federates)
    assert caller is not None
    return caller


@pytest.mark.parametrize(
    ("text", "form", "account"),
    [
        (None, Form.ANONYMOUS, ""),
        (f"arn:aws:iam::{_HOME}:root", Form.ROOT, _HOME),
        (_USER, Form.USER, _HOME),
        (_ROLE, Form.ROLE, _HOME),
        (_SESSION, Form.ROLE_SESSION, _HOME),
        (_FEDERATED, Form.FEDERATED_USER, _HOME),
        ("lambda.amazonaws.com", Form.SERVICE, ""),
        (_CANONICAL, Form.CANONICAL_USER, ""),
        (f"arn:aws:iam::{_HOME}:oidc-provider/token.example", Form.FEDERATED, ""),
        (f"arn:aws:iam::{_HOME}:saml-provider/corp", Form.FEDERATED, ""),
        (f"arn:aws-cn:iam::{_HOME}:user/ann", Form.USER, _HOME),
    ],
)
def test_a_caller_is_read_from_its_name(text: str | None, form: Form, account: str) -> None:
    caller = _caller(text)
    assert (caller.form, caller.account, caller.name) == (form, account, text or "")
    assert caller.has_account == bool(account)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "arn:aws:iam",
        f"arn:aws:iam::{_HOME}:group/admins",
        "arn:aws:iam::1111:user/ann",
        "arn:aws:iam:::user/ann",
        f"arn:aws:iam::{_HOME}:user/",
        f"arn:aws:iam::{_HOME}:user",
        f"arn:aws:iam::{_HOME}:root/x",
        f"arn:aws:sts::{_HOME}:assumed-role/app",
        f"arn:aws:sts::{_HOME}:assumed-role/app/",
        f"arn:aws:sts::{_HOME}:assumed-role/path/app/job",
        f"arn:aws:s3::{_HOME}:user/ann",
    ],
)
def test_what_is_no_caller_is_not_taken_for_one(text: str) -> None:
    assert calling_principal(text) is None


def test_a_plain_name_is_an_identity_provider_where_outside_identities_are_traded() -> None:
    assert _caller("accounts.example.com", federates=True).form is Form.FEDERATED
    assert _caller("accounts.example.com").form is Form.SERVICE


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        (f"arn:aws:iam::{_HOME}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", True),
        (f"arn:aws:iam::{_HOME}:role/aws-service-role/x.amazonaws.com/Odd", True),
        (f"arn:aws:sts::{_HOME}:assumed-role/AWSServiceRoleForX/s", True),
        (f"arn:aws:iam::{_HOME}:role/other/aws-service-role/x", False),
        (_ROLE, False),
        (_SESSION, False),
    ],
)
def test_a_service_linked_role_is_known_by_its_path_or_name(text: str, linked: bool) -> None:  # noqa: FBT001
    assert _caller(text).is_service_linked is linked


def _grip(principal: Any, caller: CallingPrincipal) -> Grip:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}
    policy = parse_policy(json.dumps({"Statement": statement}), kind=PolicyKind.RESOURCE)
    element = policy.statements[0].principals
    assert element is not None
    return element.grip(caller)


@pytest.mark.parametrize(
    ("principal", "text", "expected"),
    [
        ("*", None, Grip.DIRECT),
        ({"AWS": "*"}, None, Grip.DIRECT),
        ({"AWS": ["*", _USER]}, "lambda.amazonaws.com", Grip.DIRECT),
        ({"AWS": _HOME}, _USER, Grip.ACCOUNT),
        ({"AWS": f"arn:aws:iam::{_HOME}:root"}, _SESSION, Grip.ACCOUNT),
        ({"AWS": f"arn:aws:iam::{_HOME}:root"}, f"arn:aws:iam::{_HOME}:root", Grip.ACCOUNT),
        ({"AWS": _HOME}, None, Grip.NONE),
        ({"AWS": "444455556666"}, _USER, Grip.NONE),
        ({"AWS": _USER}, _USER, Grip.DIRECT),
        ({"AWS": _USER.upper()}, _USER, Grip.NONE),
        ({"AWS": f"arn:aws:iam::{_HOME}:user/ann"}, _USER, Grip.NONE),
        ({"AWS": _ROLE}, _SESSION, Grip.BEHIND),
        ({"AWS": f"arn:aws:iam::{_HOME}:role/app"}, _SESSION, Grip.BEHIND),
        ({"AWS": _ROLE}, _ROLE, Grip.BEHIND),
        ({"AWS": "arn:aws:iam::444455556666:role/app"}, _SESSION, Grip.NONE),
        ({"AWS": "arn:aws-cn:iam::111122223333:role/app"}, _SESSION, Grip.NONE),
        ({"AWS": _SESSION}, _SESSION, Grip.DIRECT),
        ({"AWS": _SESSION}, _SESSION + "0", Grip.NONE),
        ({"AWS": _SESSION}, _ROLE, Grip.NONE),
        ({"AWS": [_ROLE, _SESSION]}, _SESSION, Grip.DIRECT),
        ({"AWS": [_HOME, _ROLE]}, _SESSION, Grip.BEHIND),
        ({"AWS": _FEDERATED}, _FEDERATED, Grip.DIRECT),
        ({"AWS": f"arn:aws:iam::{_HOME}:user/*"}, _USER, Grip.NONE),
        ({"AWS": f"arn:aws:sts::{_HOME}:assumed-role/app/*"}, _SESSION, Grip.NONE),
        ({"AWS": "AIDAEXAMPLEEXAMPLE123"}, _USER, Grip.NONE),
        ({"Service": "lambda.amazonaws.com"}, "lambda.amazonaws.com", Grip.DIRECT),
        ({"Service": "lambda.amazonaws.com"}, "sns.amazonaws.com", Grip.NONE),
        ({"Service": "*"}, "lambda.amazonaws.com", Grip.NONE),
        ({"Federated": "lambda.amazonaws.com"}, "lambda.amazonaws.com", Grip.NONE),
        ({"CanonicalUser": _CANONICAL}, _CANONICAL, Grip.DIRECT),
        ({"CanonicalUser": _CANONICAL}, "b" * 64, Grip.NONE),
        ({"Service": ["sns.amazonaws.com"], "AWS": _USER}, _USER, Grip.DIRECT),
        ({}, _USER, Grip.NONE),
        ({"AWS": []}, _USER, Grip.NONE),
    ],
)
def test_an_entry_holds_exactly_whom_it_names(principal: Any, text: str | None, expected: Grip) -> None:
    assert _grip(principal, _caller(text)) is expected


def test_an_entry_for_a_user_holds_the_federated_sessions_of_that_user_from_behind() -> None:
    caller = CallingPrincipal(Form.FEDERATED_USER, _FEDERATED, _HOME, user=_USER)
    assert _grip({"AWS": _USER}, caller) is Grip.BEHIND
    assert _grip({"AWS": _USER}, ANONYMOUS) is Grip.NONE


@pytest.mark.parametrize(
    ("principal", "path"),
    [
        ("bob", "$.Statement.Principal"),
        (["*"], "$.Statement.Principal"),
        (None, "$.Statement.Principal"),
        ({"Aws": _USER}, "$.Statement.Principal.Aws"),
        ({"AWS": 5}, "$.Statement.Principal.AWS"),
        ({"AWS": ["bob"]}, "$.Statement.Principal.AWS[0]"),
        ({"AWS": "1234"}, "$.Statement.Principal.AWS"),
        ({"Service": ""}, "$.Statement.Principal.Service"),
    ],
)
def test_a_misspelt_principal_is_refused_where_it_stands(principal: Any, path: str) -> None:
    with pytest.raises(MalformedPolicy) as refusal:
        _grip(principal, ANONYMOUS)
    assert refusal.value.path == path


_ALLOW = {"Effect": "Allow", "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    ("kind", "statement", "path"),
    [
        (PolicyKind.RESOURCE, {"Effect": "Allow", "Action": "*", "Resource": "*"}, "$.Statement.Principal"),
        (
            PolicyKind.RESOURCE,
            {**_ALLOW, "Resource": "*", "Principal": "*", "NotPrincipal": "*"},
            "$.Statement.Principal",
        ),
        (PolicyKind.RESOURCE, {**_ALLOW, "Principal": "*"}, "$.Statement.Resource"),
        (PolicyKind.TRUST, {**_ALLOW, "Principal": "*", "Resource": "*"}, "$.Statement.Resource"),
        (PolicyKind.TRUST, {**_ALLOW, "NotPrincipal": {"AWS": _USER}}, "$.Statement.NotPrincipal"),
        (PolicyKind.TRUST, {**_ALLOW, "Action": "s3:GetObject", "Principal": "*"}, "$.Statement.Action"),
        (PolicyKind.TRUST, {**_ALLOW, "Action": "*", "Principal": "*"}, "$.Statement.Action"),
        (
            PolicyKind.RESOURCE_GUARDRAIL,
            {"Effect": "Deny", "Principal": {"AWS": _USER}, "Action": "s3:*", "Resource": "*"},
            "$.Statement.Principal",
        ),
        (
            PolicyKind.RESOURCE_GUARDRAIL,
            {"Effect": "Deny", "Principal": "*", "NotAction": "s3:*", "Resource": "*"},
            "$.Statement.NotAction",
        ),
    ],
)
def test_each_kind_of_document_has_its_own_elements(kind: PolicyKind, statement: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedPolicy) as refusal:
        parse_policy(json.dumps({"Statement": statement}), kind=kind)
    assert refusal.value.path == path


def test_documents_of_resources_may_have_an_id_and_any_sid_and_repeat_it() -> None:
    statement = {"Sid": "any words, twice", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    text = json.dumps({"Id": "mine", "Statement": [statement, statement]})
    assert [each.sid for each in parse_policy(text, kind=PolicyKind.RESOURCE).statements] == [statement["Sid"]] * 2
    with pytest.raises(MalformedPolicy, match="Id"):
        parse_policy('{"Id":"x","Statement":{}}', kind=PolicyKind.IDENTITY)
    with pytest.raises(MalformedPolicy, match="Id"):
        parse_policy('{"Id":5,"Statement":{}}', kind=PolicyKind.RESOURCE)
