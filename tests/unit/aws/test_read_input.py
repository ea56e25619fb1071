"""Every constraint of the interface, with an example on each side of it, and every way to misplace a name."""

from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.aws.form import parse_form
from service.aws.model import Operation, description, operation
from service.aws.protocol import ProtocolError
from service.aws.query import MAX_INDEX, read_input
from service.aws.shapes import MapOf, Scalar, Structure
from workflows.errors import ConstraintViolation

IAM, STS = "2010-05-08", "2011-06-15"
CREATE = operation("CreateDelegationRequest", IAM)
TEMPLATE = "arn:aws:iam::partner:policy-template/example.com/T_2026_01_02"
VALID: Mapping[str, str] = {
    "Action": "CreateDelegationRequest",
    "Version": IAM,
    "Description": "d",
    "Permissions.PolicyTemplateArn": TEMPLATE,
    "RequestorWorkflowId": "wf-01",
    "NotificationChannel": "arn:x",
    "SessionDuration": "300",
}
LATIN = "Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]"
URL = "^http(s?)://[a-zA-Z0-9._/-]*(\\?[a-zA-Z0-9._=&-]*)?(#[a-zA-Z0-9._/-]*)?$"


def length(limit: int, *, most: bool) -> str:
    return f"Member must have length {'less' if most else 'greater'} than or equal to {limit}"


def violations(of: Operation, params: Mapping[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConstraintViolation) as refused:
        read_input(of, params)
    return refused.value.violations


def parameters(count: int, **first: str) -> dict[str, str]:
    return {f"Permissions.Parameters.member.{at}.Name": "abcde" for at in range(1, count + 1)} | {
        f"Permissions.Parameters.member.1.{name.replace('__', '.')}": value for name, value in first.items()
    }


def test_the_smallest_valid_form_is_read_with_types() -> None:
    assert read_input(CREATE, VALID) == {
        "Description": "d",
        "Permissions": {"PolicyTemplateArn": TEMPLATE},
        "RequestorWorkflowId": "wf-01",
        "NotificationChannel": "arn:x",
        "SessionDuration": 300,
    }


# operation, changed parameters, member name in the message, constraint
Case = tuple[str, dict[str, str], str, str]
REQUEST_ID = "d" * 16
P = "permissions.parameters.1.member"
BROKEN: list[Case] = [
    ("Get", {"DelegationRequestId": "d" * 15}, "delegationRequestId", length(16, most=False)),
    ("Get", {"DelegationRequestId": "d" * 129}, "delegationRequestId", length(128, most=True)),
    ("Get", {"DelegationRequestId": "d" * 15 + "."}, "delegationRequestId", "pattern: [\\w-]+"),
    ("Get", {"DelegationRequestId": "d" * 15 + "é"}, "delegationRequestId", "pattern: [\\w-]+"),
    ("Get", {"DelegationRequestId": REQUEST_ID + "\n"}, "delegationRequestId", "pattern: [\\w-]+"),
    ("Create", {"OwnerAccountId": "11112222333"}, "ownerAccountId", "pattern: \\d{12}"),
    ("Create", {"OwnerAccountId": "1111222233334"}, "ownerAccountId", "pattern: \\d{12}"),
    ("Create", {"OwnerAccountId": "\uff11" * 12}, "ownerAccountId", "pattern: \\d{12}"),
    ("Create", {"Description": "d" * 1001}, "description", length(1000, most=True)),
    ("Create", {"Description": "\u0100"}, "description", LATIN + "*"),
    ("Create", {"RequestMessage": "d" * 201}, "requestMessage", length(200, most=True)),
    ("Create", {"RequestMessage": "\x7f"}, "requestMessage", LATIN + "*"),
    ("Reject", {"Notes": "d" * 501}, "notes", length(500, most=True)),
    ("Update", {"Notes": "\x01"}, "notes", LATIN + "*"),
    ("Create", {"RequestorWorkflowId": "wf-0"}, "requestorWorkflowId", length(5, most=False)),
    ("Create", {"RequestorWorkflowId": "w" * 401}, "requestorWorkflowId", length(400, most=True)),
    ("Create", {"RequestorWorkflowId": "wf-0\u2028"}, "requestorWorkflowId", LATIN + "+"),
    ("Create", {"RedirectUrl": ""}, "redirectUrl", length(1, most=False)),
    ("Create", {"RedirectUrl": "https://" + "a" * 248}, "redirectUrl", length(255, most=True)),
    ("Create", {"RedirectUrl": "javascript:alert(1)"}, "redirectUrl", URL),
    ("Create", {"NotificationChannel": "a"}, "notificationChannel", length(2, most=False)),
    ("Create", {"NotificationChannel": "a" * 401}, "notificationChannel", length(400, most=True)),
    ("Create", {"NotificationChannel": "a/b"}, "notificationChannel", "pattern: ^[a-zA-Z0-9:_.-]+$"),
    (
        "Create",
        {"SessionDuration": "299"},
        "sessionDuration",
        "Member must have value greater than or equal to 300",
    ),
    (
        "Create",
        {"SessionDuration": "43201"},
        "sessionDuration",
        "Member must have value less than or equal to 43200",
    ),
    *[
        ("Create", {"SessionDuration": text}, "sessionDuration", "Member must be a decimal integer")
        for text in [
            "",
            "3e2",
            "300.0",
            " 300",
            "+300",
            "0x12c",
            "\u0663\u0660\u0660",
            "300\n",
            "9" * 19,
            "--300",
        ]
    ],
    *[
        ("Create", {"OnlySendByOwner": text}, "onlySendByOwner", "Member must be true or false")
        for text in ["", "True", "TRUE", "1", "yes", "true "]
    ],
    (
        "Create",
        {"Permissions.PolicyTemplateArn": "a" * 19},
        "permissions.policyTemplateArn",
        length(20, most=False),
    ),
    (
        "Create",
        {"Permissions.PolicyTemplateArn": "a" * 2049},
        "permissions.policyTemplateArn",
        length(2048, most=True),
    ),
    ("Create", parameters(51), "permissions.parameters", length(50, most=True)),
    ("Create", parameters(1, Name="abcd"), f"{P}.name", length(5, most=False)),
    ("Create", parameters(1, Name="a" * 257), f"{P}.name", length(256, most=True)),
    ("Create", parameters(1, Name="abcdé"), f"{P}.name", "pattern: [ -~]+"),
    ("Create", parameters(1, Values__member__1=""), f"{P}.values.1.member", "pattern: [ -~]+"),
    ("Create", parameters(1, Values__member__1="\n"), f"{P}.values.1.member", "pattern: [ -~]+"),
    ("Create", parameters(1, Type="number"), f"{P}.type", "enum value set: [string, stringList]"),
    ("Create", parameters(1, Type="\u017ftring"), f"{P}.type", "enum value set: [string, stringList]"),
    ("List", {"OwnerId": "a" * 19}, "ownerId", length(20, most=False)),
    ("List", {"OwnerId": "a" * 2049}, "ownerId", length(2048, most=True)),
    ("List", {"OwnerId": "a" * 20 + " "}, "ownerId", "pattern: ^[a-zA-Z0-9:/+=,.@_-]+$"),
    ("List", {"Marker": ""}, "marker", length(1, most=False)),
    ("List", {"Marker": "m" * 321}, "marker", length(320, most=True)),
    ("List", {"Marker": "\n"}, "marker", "pattern: [\\u0020-\\u00FF]+"),
    ("List", {"MaxItems": "0"}, "maxItems", "Member must have value greater than or equal to 1"),
    ("List", {"MaxItems": "1001"}, "maxItems", "Member must have value less than or equal to 1000"),
    ("List", {"MaxItems": "-5"}, "maxItems", "Member must have value greater than or equal to 1"),
    ("Summary", {"EntityArn": "a" * 19}, "entityArn", length(20, most=False)),
    ("Summary", {"Locale": "e"}, "locale", length(2, most=False)),
    ("Summary", {"Locale": "e" * 13}, "locale", length(12, most=True)),
]
OPERATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "Create": ("CreateDelegationRequest", dict(VALID)),
    "Get": ("GetDelegationRequest", {"DelegationRequestId": REQUEST_ID}),
    "Update": ("UpdateDelegationRequest", {"DelegationRequestId": REQUEST_ID}),
    "Reject": ("RejectDelegationRequest", {"DelegationRequestId": REQUEST_ID}),
    "Revoke": ("RevokeDelegation", {"DelegationRequestId": REQUEST_ID}),
    "List": ("ListDelegationRequests", {}),
    "Summary": ("GetHumanReadableSummary", {"EntityArn": "a" * 20}),
}


def called(name: str, changes: Mapping[str, str]) -> tuple[Operation, dict[str, str]]:
    action, params = OPERATIONS[name]
    return operation(action, IAM), params | dict(changes)


@pytest.mark.parametrize(("name", "changes", "member", "constraint"), BROKEN)
def test_a_value_beyond_a_limit_is_refused_by_name(
    name: str, changes: dict[str, str], member: str, constraint: str
) -> None:
    found = violations(*called(name, changes))
    # A value may break more than one constraint, as an empty one does, but nobody else's.
    assert all(f" at '{member}' failed to satisfy constraint: Member must" in each for each in found)
    assert any(each.endswith(constraint) for each in found)


BOUNDARY: list[tuple[str, dict[str, str]]] = [
    ("Get", {"DelegationRequestId": "d" * 128}),
    ("Get", {"DelegationPermissionCheck": "false"}),
    ("Create", {"OwnerAccountId": "000000000000"}),
    ("Create", {"Description": ""}),
    ("Create", {"Description": "\t\n\r\xa1\xff" * 200}),
    ("Create", {"RequestMessage": "d" * 200}),
    ("Create", {"RequestorWorkflowId": "w" * 400}),
    ("Create", {"RedirectUrl": "https://" + "a" * 247}),
    ("Create", {"RedirectUrl": "http://"}),
    ("Create", {"NotificationChannel": "ab"}),
    ("Create", {"NotificationChannel": "a" * 400}),
    ("Create", {"SessionDuration": "43200"}),
    ("Create", {"OnlySendByOwner": "true"}),
    ("Create", {"Permissions.PolicyTemplateArn": "a" * 20}),
    ("Create", {"Permissions.PolicyTemplateArn": "a" * 2048}),
    ("Create", {"Permissions.Parameters": ""}),
    ("Create", parameters(50)),
    ("Create", parameters(1, Name="a" * 256, Type="stringList", Values="")),
    ("Create", parameters(1, **{f"Values__member__{at}": " " for at in range(1, MAX_INDEX + 1)})),
    ("Update", {"Notes": ""}),
    ("Reject", {"Notes": "d" * 500}),
    ("Revoke", {"Notes": "d" * 500}),
    ("List", {"OwnerId": "a" * 20, "Marker": " ", "MaxItems": "1"}),
    ("List", {"OwnerId": "a" * 2048, "Marker": "\xff" * 320, "MaxItems": "1000"}),
    ("Summary", {"EntityArn": "a" * 2048, "Locale": "en"}),
    ("Summary", {"Locale": "e" * 12}),
]


@pytest.mark.parametrize(("name", "changes"), BOUNDARY)
def test_a_value_at_a_limit_is_accepted(name: str, changes: dict[str, str]) -> None:
    assert read_input(*called(name, changes))


def test_the_pattern_is_only_tried_on_a_text_of_legal_length() -> None:
    told = violations(CREATE, {**VALID, "Description": "\x01" * 1001})
    assert [each.rpartition(": ")[2] for each in told] == [length(1000, most=True)]


@pytest.mark.parametrize("left_out", ["Description", "RequestorWorkflowId", "NotificationChannel", "SessionDuration"])
def test_a_required_member_that_is_missing_is_named(left_out: str) -> None:
    found = violations(CREATE, {name: value for name, value in VALID.items() if name != left_out})
    member = left_out[0].lower() + left_out[1:]
    assert found == (f"Value null at '{member}' failed to satisfy constraint: Member must not be null",)


def test_a_required_structure_that_was_sent_empty_is_missing() -> None:
    # An empty structure leaves no trace in a form.
    found = violations(CREATE, {name: value for name, value in VALID.items() if "." not in name})
    assert found == ("Value null at 'permissions' failed to satisfy constraint: Member must not be null",)


def test_all_violations_are_told_at_once_in_the_wording_of_aws() -> None:
    with pytest.raises(ConstraintViolation) as refused:
        read_input(operation("ListDelegationRequests", IAM), {"MaxItems": "0", "Marker": "", "OwnerId": "x y"})
    assert str(refused.value).startswith("5 validation errors detected: ")
    at_least_one = "Member must have value greater than or equal to 1"
    told = f"Value '0' at 'maxItems' failed to satisfy constraint: {at_least_one}"
    assert told in refused.value.violations


@pytest.mark.parametrize(
    ("sent", "read"), [("String", "string"), ("STRINGLIST", "stringList"), ("stringlist", "stringList")]
)
def test_a_parameter_type_may_have_any_letter_case(sent: str, read: str) -> None:
    found = read_input(CREATE, {**VALID, **parameters(1, Type=sent)})
    assert found["Permissions"] == {
        "PolicyTemplateArn": TEMPLATE,
        "Parameters": [{"Name": "abcde", "Type": read}],
    }


def test_an_empty_list_and_an_absent_one_are_different() -> None:
    assert read_input(CREATE, {**VALID, "Permissions.Parameters": ""})["Permissions"] == {
        "PolicyTemplateArn": TEMPLATE,
        "Parameters": [],
    }


Q = "Permissions.Parameters"
MISPLACED: list[dict[str, str]] = [
    {f"{Q}.member.2.Name": "abcde"},
    {f"{Q}.member.1.Name": "abcde", f"{Q}.member.3.Name": "abcde"},
    {f"{Q}.member.0.Name": "abcde"},
    {f"{Q}.member.01.Name": "abcde"},
    {f"{Q}.member.-1.Name": "abcde"},
    {f"{Q}.member.x.Name": "abcde"},
    {f"{Q}.member.\u0661.Name": "abcde"},
    {f"{Q}.member.999999999999999999999.Name": "abcde"},
    {f"{Q}.member.1": "x"},
    {f"{Q}.member": "x"},
    {f"{Q}.member": ""},
    {Q: "x"},
    {Q: "", f"{Q}.member.1.Name": "abcde"},
    {f"{Q}.1.Name": "abcde"},
    {f"{Q}.entry.1.Name": "abcde"},
    {f"{Q}.Member.1.Name": "abcde"},
    {f"{Q}.member.1.Name.x": "abcde"},
    {f"{Q}.member.1.Values.member.1.x": "abcde"},
    {f"{Q}.member.1.Bogus": "abcde"},
    {"Permissions": "x"},
    {"Permissions": ""},
    {"Description.x": "d"},
    {"description": "d"},
    {"Bogus": "d"},
    {"X-Amz-Signature": "d"},
    {".": ""},
    {"Permissions.": "x"},
    {"Permissions..PolicyTemplateArn": "x"},
    {".".join("a" * 20): "x"},
    parameters(MAX_INDEX + 1),
]


@pytest.mark.parametrize("added", MISPLACED)
def test_a_name_that_the_operation_does_not_have_is_refused(added: dict[str, str]) -> None:
    assert violations(CREATE, {**VALID, **added})


def test_an_unknown_name_is_told_without_its_value() -> None:
    found = violations(operation("GetDelegatedAccessToken", STS), {"TradeInToken": "t", "tradeInToken": "s3cret"})
    assert found == ("Value at 'tradeInToken' failed to satisfy constraint: Member must be known to the operation",)


def test_an_index_above_the_cap_is_refused_even_where_the_model_has_no_limit() -> None:
    many = {f"Values__member__{at}": "v" for at in range(1, MAX_INDEX + 2)}
    found = violations(CREATE, {**VALID, **parameters(1, **many)})
    assert found[0].endswith("Member must have indices from 1 to at most 100")


def test_a_list_may_be_longer_than_the_cap_where_the_model_says_how_long() -> None:
    simulate = operation("SimulatePrincipalPolicy", IAM)

    def exclusions(count: int) -> dict[str, str]:
        given = {"PolicySourceArn": "arn:aws:iam::111122223333:user/ann", "ActionNames.member.1": "s3:GetObject"}
        return {**given, **{f"PolicyExclusionList.member.{at}.PolicyType": "scp" for at in range(1, count + 1)}}

    assert list(read_input(simulate, exclusions(256))) == ["PolicySourceArn", "PolicyExclusionList", "ActionNames"]
    (found,) = violations(simulate, exclusions(257))
    assert found.endswith("Member must have indices from 1 to at most 256")


def test_a_secret_is_never_repeated() -> None:
    secret = Structure({"Token": Scalar("string", 5, 6, enum=("x",), sensitive=True)})
    pin = Structure({"Token": Scalar("integer", sensitive=True)})
    flag = Structure({"Token": Scalar("boolean", sensitive=True)})
    for shape in (secret, pin, flag):
        told = violations(Operation("X", "iam", IAM, "", shape, None, "", {}), {"Token": "hush"})
        assert told
        assert not any("hush" in violation for violation in told)


def test_long_values_and_names_are_cut_and_the_number_of_violations_is_limited() -> None:
    flood = {f"{at}{'n' * 400}": "v" for at in range(990)}
    told = violations(CREATE, {**VALID, "Description": "\x01" + "v" * 900, **flood})
    assert len(told) == 100
    assert max(map(len, told)) < 400
    assert "v" * 200 not in "".join(violations(CREATE, {**VALID, "Description": "\x01" + "v" * 900}))


ENTRY = Structure({"Map": MapOf(Scalar("string"), Scalar("integer"), maximum=2)})
MAPPING = Operation("X", "iam", IAM, "", ENTRY, None, "", {})


def test_a_map_is_read_from_its_entries() -> None:
    sent = {
        "Map.entry.1.key": "a",
        "Map.entry.1.value": "1",
        "Map.entry.2.key": "b",
        "Map.entry.2.value": "2",
    }
    assert read_input(MAPPING, sent) == {"Map": {"a": 1, "b": 2}}


@pytest.mark.parametrize(
    "sent",
    [
        {"Map.entry.1.key": "a"},
        {"Map.entry.1.value": "1"},
        {"Map.entry.1.key": "a", "Map.entry.1.value": "x"},
        {"Map.entry.1.key": "a", "Map.entry.1.value": "1", "Map.entry.2.key": "a", "Map.entry.2.value": "2"},
        {f"Map.entry.{at}.{part}": f"{at}" for at in (1, 2, 3) for part in ("key", "value")},
    ],
)
def test_a_map_with_half_an_entry_or_one_key_twice_is_refused(sent: dict[str, str]) -> None:
    assert violations(MAPPING, sent)


every_operation = st.sampled_from(
    [
        operation(action, version)
        for version, service in ((IAM, "iam"), (STS, "sts"))
        for action in description(service)["operations"]
    ]
)
steps = st.sampled_from(
    [
        "Permissions",
        "Parameters",
        "member",
        "entry",
        "key",
        "1",
        "2",
        "03",
        "Name",
        "Values",
        "Type",
        "Description",
        "é",
        "",
    ]
)


@settings(max_examples=400)
@given(
    every_operation,
    st.dictionaries(st.lists(steps, max_size=7).map(".".join) | st.text(max_size=9), st.text(max_size=9)),
)
def test_arbitrary_names_and_values_are_an_input_or_a_violation(of: Operation, params: dict[str, str]) -> None:
    with suppress(ConstraintViolation):
        read_input(of, params)


@settings(max_examples=300)
@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_an_input_or_a_named_failure(tail: bytes) -> None:
    body = b"Action=CreateDelegationRequest&Version=2010-05-08&" + tail
    with suppress(ProtocolError, ConstraintViolation):
        read_input(CREATE, parse_form(body, b"application/x-www-form-urlencoded"))
