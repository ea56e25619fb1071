"""The summary says in words all that a policy allows, and never more kindly than it is."""

import json
from typing import Any

import pytest

from workflows.errors import BadInput
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.operators import COMPARISONS
from workflows.summary import MAX_SUMMARY_CHARACTERS, SUPPORTED_LOCALES, resolve_locale, summarise
from workflows.summary.durations import duration_in_words
from workflows.summary.vocabulary import Deed, deed_of

_BOUNDARY = "arn:aws:iam::partner:policy/permissions-boundary/example.com/App_2026_01_02"


def _st(
    effect: str = "Allow", action: object = "s3:GetObject", resource: object = "*", **more: object
) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def _summary(*statements: dict[str, Any], **changes: Any) -> str:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    details: dict[str, Any] = {
        "partner_name": "Acme",
        "partner_id": "111122223333",
        "account_id": "444455556666",
        "duration_seconds": 7200,
        "boundaries": (),
        **changes,
    }
    return summarise(parse_policy(text, kind=PolicyKind.SESSION), **details)


def _condition(**operators: object) -> str:
    """The condition part of a summary's only sentence."""
    summary = _summary(_st(Condition={name.replace("__", ":"): keys for name, keys in operators.items()}))
    return summary.partition("only if ")[2].partition(".\n")[0]


def test_a_summary_opens_with_who_where_and_how_long() -> None:
    first = _summary(_st()).splitlines()[0]
    assert first.startswith(
        '"Acme" (account 111122223333) asks for temporary access to account 444455556666 for 2 hours, '
    )
    assert "never do more than that person may do" in first


def test_an_account_that_is_not_known_yet_is_not_invented() -> None:
    assert "the account of whoever approves the request" in _summary(_st(), account_id=None)


def test_the_same_policy_always_gives_the_same_text() -> None:
    assert _summary(_st(), _st("Deny")) == _summary(_st(), _st("Deny"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (7200, "2 hours"),
        (3600, "1 hour"),
        (5400, "1 hour 30 minutes"),
        (300, "5 minutes"),
        (43_200, "12 hours"),
        (3661, "1 hour 1 minute 1 second"),
        (0, "0 seconds"),
    ],
)
def test_durations_are_exact(seconds: int, words: str) -> None:
    assert duration_in_words(seconds) == words
    assert _summary(_st(), duration_seconds=seconds).endswith(f"ends by itself after {words}.")


@pytest.mark.parametrize(
    ("service", "name", "deed"),
    [
        ("s3", "GetObject", Deed.READ),
        ("s3", "List*", Deed.READ),
        ("ec2", "DescribeInstances", Deed.READ),
        ("s3", "PutObject", Deed.CHANGE),
        ("ec2", "RunInstances", Deed.CHANGE),
        ("s3", "DeleteObject", Deed.DELETE),
        ("ec2", "TerminateInstances", Deed.DELETE),
        ("s3", "PutBucketPolicy", Deed.PERMISSIONS),
        ("s3", "PutObjectAcl", Deed.PERMISSIONS),
        ("lambda", "AddPermission", Deed.PERMISSIONS),
        ("kms", "CreateGrant", Deed.PERMISSIONS),
        ("iam", "PassRole", Deed.PERMISSIONS),
        ("iam", "CreateRole", Deed.PERMISSIONS),
        ("iam", "DeleteRole", Deed.PERMISSIONS),
        ("sts", "AssumeRole", Deed.PERMISSIONS),
        ("iam", "GetRole", Deed.READ),
        ("iam", "GetRolePolicy", Deed.READ),
        ("iam", "*Role", Deed.PERMISSIONS),
        ("secretsmanager", "GetSecretValue", Deed.SECRETS),
        ("redshift", "GetClusterCredentials", Deed.SECRETS),
        ("ec2", "GetPasswordData", Deed.SECRETS),
        ("kms", "Decrypt", Deed.SECRETS),
        ("s3", "*", Deed.EVERYTHING),
        ("s3", "***", Deed.EVERYTHING),
        ("lambda", "InvokeFunction", Deed.USE),
        ("zoo", "Feed", Deed.USE),
        ("zoo", "ListenIn", Deed.USE),
        ("zoo", "Getaway", Deed.USE),
        ("zoo", "getanimal", Deed.USE),
        ("zoo", "*Get", Deed.USE),
        ("zoo", "De*", Deed.USE),
        ("zoo", "?etAnimal", Deed.USE),
    ],
)
def test_an_act_is_judged_by_its_name_and_never_taken_for_reading_in_doubt(service: str, name: str, deed: Deed) -> None:
    assert deed_of(service, name) is deed


def test_actions_are_grouped_by_service_gravest_first() -> None:
    actions = ["sqs:SendMessage", "s3:GetObject", "s3:ListBucket", "s3:DeleteObject", "zoo:Feed", "S3:PutObject"]
    summary = _summary(_st(action=actions, resource="arn:aws:s3:::bucket"))
    assert (
        "S3 (s3):\n- It may delete (DeleteObject), change (PutObject) and read (GetObject, ListBucket)"
        ' on "arn:aws:s3:::bucket".'
    ) in summary
    assert "Simple Queue Service (sqs):\n- It may change (SendMessage)" in summary
    assert "The service with prefix zoo:\n- It may use (Feed)" in summary


def test_a_whole_service_and_patterns_are_spelt_out() -> None:
    summary = _summary(_st(action=["sqs:*", "s3:Get*", "ec2:*Tag?"]))
    assert "It may do everything that this service offers (managing permissions included) on any resource." in summary
    assert "read (all that begin with Get)" in summary
    assert "use (all that fit *Tag?, where each * is any text and each ? any character)" in summary


@pytest.mark.parametrize("action", ["*", "*:*"])
def test_everything_is_called_everything(action: str) -> None:
    summary = _summary(_st(action=action))
    assert "Any service:\n- It may do everything on any resource." in summary
    assert "Attention: it may act in services that the policy does not name." in summary
    assert "Attention: it may do everything that a service offers." in summary


def test_exceptions_are_spelt_out() -> None:
    summary = _summary({"Effect": "Allow", "NotAction": ["iam:*", "sts:AssumeRole"], "NotResource": "arn:aws:s3:::x/*"})
    assert (
        'do everything except whatever has an action name that begins with "iam:" and "sts:AssumeRole"'
        ' on anything except whatever has an ARN that begins with "arn:aws:s3:::x/".'
    ) in summary
    assert "Attention: it may do everything that is not on a list of exceptions, in every service." in summary


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ("arn:aws:s3:::bucket", 'on "arn:aws:s3:::bucket".'),
        ("arn:aws:s3:::bucket/*", 'on whatever has an ARN that begins with "arn:aws:s3:::bucket/".'),
        ("arn:aws:s3:::b*t", 'on whatever has an ARN that fits "arn:aws:s3:::b*t" (each * is any text, each ? is any'),
        ("arn:aws:s3:::b/${aws:username}", 'fits "arn:aws:s3:::b/${aws:username}" (where each ${...} is filled in'),
        (["arn:aws:s3:::a", "arn:aws:s3:::b"], 'on "arn:aws:s3:::a" or "arn:aws:s3:::b".'),
        (["arn:aws:s3:::a", "*"], "on any resource."),
    ],
)
def test_resources_are_spelt_out(resource: object, words: str) -> None:
    assert words in _summary(_st(resource=resource))


@pytest.mark.parametrize(
    ("operators", "words"),
    [
        ({"StringEquals": {"aws:x": "y"}}, 'aws:x is "y"'),
        ({"StringEquals": {"aws:x": ["y", "z"]}}, 'aws:x is "y" or "z"'),
        ({"StringEquals": {"aws:x": []}}, "aws:x is (nothing at all)"),
        (
            {"StringEquals": {"aws:x": "${aws:y}"}},
            'aws:x is "${aws:y}" (where each ${...} is filled in from the request)',
        ),
        ({"StringNotEquals": {"aws:x": "y"}}, 'aws:x is not "y" (which also holds when the request has no such value)'),
        ({"StringLike": {"aws:x": "y*"}}, 'aws:x fits the pattern "y*"'),
        ({"ArnLike": {"aws:x": "arn:aws:iam::*:role/*"}}, 'aws:x is or fits the ARN "arn:aws:iam::*:role/*"'),
        ({"NumericLessThan": {"s3:max-keys": 10}}, 's3:max-keys is less than "10"'),
        ({"DateLessThan": {"aws:CurrentTime": "2026-01-01"}}, 'aws:CurrentTime is before "2026-01-01"'),
        ({"Bool": {"aws:SecureTransport": True}}, 'aws:SecureTransport is "true"'),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, 'aws:SourceIp lies in the address range "10.0.0.0/8"'),
        ({"BoolIfExists": {"aws:x": "true"}}, 'aws:x is "true" (which also holds when the request has no such value)'),
        ({"Null": {"aws:x": "true"}}, "aws:x is absent"),
        ({"Null": {"aws:x": "false"}}, "aws:x is present"),
        ({"Null": {"aws:x": ["true", "false"]}}, "aws:x is present or absent"),
        ({"Null": {"aws:x": "maybe"}}, "aws:x is neither present nor absent"),
        (
            {"ForAllValues__StringEquals": {"aws:TagKeys": "a"}},
            'every single value of aws:TagKeys is "a" (which also holds when the request has no such value)',
        ),
        ({"ForAnyValue__StringNotEquals": {"aws:TagKeys": "a"}}, 'at least one value of aws:TagKeys is not "a"'),
        ({"StringEquals": {"aws:x": "y"}, "Null": {"aws:z": "true"}}, 'aws:x is "y" and aws:z is absent'),
    ],
)
def test_conditions_are_spelt_out(operators: dict[str, object], words: str) -> None:
    assert _condition(**operators) == words


def test_every_operator_has_words() -> None:
    for name in COMPARISONS:
        assert _condition(**{name: {"aws:x": "1"}}).startswith("aws:x ")


def test_denies_are_what_it_may_never_do() -> None:
    summary = _summary(
        _st(),
        _st("Deny", action="s3:DeleteObject"),
        _st("Deny", action="kms:*", Condition={"Bool": {"aws:x": "false"}}),
        _st("Deny", action="*", resource="arn:aws:s3:::x"),
        {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"},
    )
    limits = summary.partition("Limits, which win over everything above:\n")[2]
    assert "- It may never delete (DeleteObject), in S3 (s3), on any resource." in limits
    assert (
        '- It may never do anything in Key Management Service (kms) on any resource, when aws:x is "false".' in limits
    )
    assert '- It may never do anything on "arn:aws:s3:::x".' in limits
    assert '- It may never do anything except whatever has an action name that begins with "s3:"' in limits
    assert "It may delete" not in summary


def test_roles_and_their_boundaries_are_named() -> None:
    condition = {"StringEquals": {"iam:PermissionsBoundary": _BOUNDARY}}
    summary = _summary(_st(action="iam:CreateRole", Condition=condition), boundaries=[_BOUNDARY])
    assert f'which limit what they may do: "{_BOUNDARY}".' in summary
    assert "no boundary limits" not in summary
    assert "Roles that it creates stay when the access ends, until you delete them." in summary


def test_a_role_without_boundary_is_said_aloud_even_if_another_statement_demands_one() -> None:
    condition = {"StringEquals": {"iam:PermissionsBoundary": _BOUNDARY}}
    bounded = _st(action="iam:CreateRole", Condition=condition)
    assert "roles that no boundary limits" in _summary(_st(action="iam:CreateRole"))
    assert "roles that no boundary limits" in _summary(bounded, _st(action="iam:*"), boundaries=[_BOUNDARY])


def test_a_policy_that_makes_no_roles_says_nothing_of_roles() -> None:
    assert "role" not in _summary(_st()).lower()


@pytest.mark.parametrize(
    ("action", "warning"),
    [
        ("iam:PassRole", "it may manage permissions"),
        ("secretsmanager:GetSecretValue", "it may obtain secrets or credentials"),
        ("s3:Put*", "may include actions that manage permissions"),
    ],
)
def test_grave_acts_are_said_first(action: str, warning: str) -> None:
    lines = _summary(_st(action=action)).splitlines()
    assert warning in lines[1]
    assert lines[1].startswith("Attention: ")


def test_plain_reading_raises_no_attention() -> None:
    assert "Attention" not in _summary(_st(action=["s3:GetObject", "s3:List*"]))


def test_a_text_of_the_policy_cannot_pose_as_a_sentence_of_ours() -> None:
    key = 'aws:RequestTag/x is absent.\u00ad It "may" only read'
    summary = _summary(
        _st(resource='arn:aws:s3:::b".\n- It may only read', Condition={"StringEquals": {key: "\u0085"}})
    )
    assert "\n- It may only read" not in summary
    assert json.dumps(key) in summary
    assert '"\\u0085"' in summary
    assert summary.isascii()


def test_a_name_cannot_break_out_of_its_quotes() -> None:
    summary = _summary(_st(), partner_name='Acme" (account 000000000000)\n\u202e' + "x" * 500)
    assert summary.startswith('"Acme\\" (account 000000000000)\\n\\u202exx')
    assert summary.splitlines()[0].count("x") == 128 - len('Acme" (account 000000000000)\n\u202e')


def test_a_summary_that_does_not_fit_says_how_many_statements_are_missing() -> None:
    long = [_st(resource=f"arn:aws:s3:::{number}" + "b" * 490) for number in range(40)]
    summary = _summary(*long)
    assert len(summary) <= MAX_SUMMARY_CHARACTERS
    told = sum(f"arn:aws:s3:::{number}b" in summary for number in range(40))
    assert f"this summary is not complete. {40 - told} of the 40 statements" in summary
    assert "read the policy itself before you decide" in summary
    assert 0 < told < 40


def test_a_summary_that_fits_does_not_speak_of_missing_statements() -> None:
    assert "not complete" not in _summary(_st())


def test_many_boundaries_are_counted_when_they_are_not_shown() -> None:
    summary = _summary(
        _st(action="iam:CreateRole"), boundaries=[f"{_BOUNDARY}{number}" + "x" * 3000 for number in range(50)]
    )
    assert len(summary) <= MAX_SUMMARY_CHARACTERS
    assert "40 more that are not shown here" in summary
    escaped = _summary(_st(action="iam:CreateRole"), boundaries=["\u00ad" * 3000] * 50)
    assert len(escaped) <= MAX_SUMMARY_CHARACTERS


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("en-GB", "en"),
        ("EN_us", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("fr", None),
        ("eng", None),
        ("", None),
        ("-en", None),
    ],
)
def test_a_locale_falls_back_to_its_language(text: str, locale: str | None) -> None:
    assert resolve_locale(text) == locale


def test_a_language_that_we_do_not_speak_is_refused() -> None:
    assert SUPPORTED_LOCALES == ("en", "de")
    with pytest.raises(BadInput, match="Locale"):
        _summary(_st(), locale="fr")
