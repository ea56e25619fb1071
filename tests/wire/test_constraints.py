"""Every limit of the wire's model is enforced by the service, because clients enforce few of them, and is named."""

from collections.abc import Mapping

import httpx
import pytest
from staging.houses import ACCOUNT
from staging.wires import IAM_VERSION, STS_VERSION, Cast, arrived, error_of, nothing_written

from workflows.records.request import State

TEMPLATE = "arn:aws:iam::partner:policy-template/lumenwatch.example/Read_2026_01_01"
CHANNEL = "arn:aws:sns:local:444455556666:main"
REQUEST = "dr-0123456789abcdef"
PARAMETER = "Permissions.Parameters.member.1"
LATIN = "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]"
FILED = {
    "OwnerAccountId": ACCOUNT,
    "Description": "Reads your logs",
    "Permissions.PolicyTemplateArn": TEMPLATE,
    f"{PARAMETER}.Name": "bucketName",
    f"{PARAMETER}.Values.member.1": "logs",
    f"{PARAMETER}.Type": "string",
    "RequestorWorkflowId": "wf-00001",
    "NotificationChannel": CHANNEL,
    "SessionDuration": "3600",
}
GIVEN: dict[str, dict[str, str]] = {
    "CreateDelegationRequest": FILED,
    "AssociateDelegationRequest": {"DelegationRequestId": REQUEST},
    "GetDelegationRequest": {"DelegationRequestId": REQUEST},
    "UpdateDelegationRequest": {"DelegationRequestId": REQUEST},
    "AcceptDelegationRequest": {"DelegationRequestId": REQUEST},
    "RejectDelegationRequest": {"DelegationRequestId": REQUEST},
    "SendDelegationToken": {"DelegationRequestId": REQUEST},
    "RevokeDelegation": {"DelegationRequestId": REQUEST},
    "ListDelegationRequests": {},
    "GetHumanReadableSummary": {"EntityArn": f"arn:aws:iam::{ACCOUNT}:delegation-request/{REQUEST}"},
    "GetDelegatedAccessToken": {"TradeInToken": "token"},
}


def at_least(number: int, what: str = "length") -> str:
    return f"Member must have {what} greater than or equal to {number}"


def at_most(number: int, what: str = "length") -> str:
    return f"Member must have {what} less than or equal to {number}"


PATTERN = "Member must satisfy regular expression pattern: "
NULL = "Member must not be null"
UNKNOWN = "Member must be known to the operation"

BY_ID = [name for name, given in GIVEN.items() if "DelegationRequestId" in given]
# Operation, member, its value (None: left out), and the constraint that the answer must name.
CASES: list[tuple[str, str, str | None, str]] = [
    *((name, "DelegationRequestId", None, NULL) for name in BY_ID),
    *((name, "DelegationRequestId", "dr-0123456789ab", at_least(16)) for name in BY_ID),
    *((name, "DelegationRequestId", "d" * 129, at_most(128)) for name in BY_ID),
    *((name, "DelegationRequestId", "dr-0123456789/../", PATTERN) for name in BY_ID),
    ("GetDelegationRequest", "DelegationRequestId", "dr-" + "\uff11" * 16, PATTERN),
    ("GetDelegationRequest", "DelegationRequestId", REQUEST + "\n", PATTERN),
    ("GetDelegationRequest", "DelegationPermissionCheck", "TRUE", "Member must be true or false"),
    ("GetDelegationRequest", "DelegationPermissionCheck", "1", "Member must be true or false"),
    ("GetDelegationRequest", "Notes", "not a member here", UNKNOWN),
    ("CreateDelegationRequest", "OwnerAccountId", "1", PATTERN),
    ("CreateDelegationRequest", "OwnerAccountId", "1111222233334", PATTERN),
    ("CreateDelegationRequest", "OwnerAccountId", "\uff11" * 12, PATTERN),
    ("CreateDelegationRequest", "OwnerAccountId", "111122223333\n", PATTERN),
    ("CreateDelegationRequest", "Description", None, NULL),
    ("CreateDelegationRequest", "Description", "x" * 1001, at_most(1000)),
    ("CreateDelegationRequest", "Description", "Zażółć", PATTERN + LATIN + "*"),
    ("CreateDelegationRequest", "Description", "\u202etxet", PATTERN),
    ("CreateDelegationRequest", "RequestMessage", "x" * 201, at_most(200)),
    ("CreateDelegationRequest", "RequestMessage", "\u0007", PATTERN),
    ("CreateDelegationRequest", "RequestorWorkflowId", None, NULL),
    ("CreateDelegationRequest", "RequestorWorkflowId", "wf-1", at_least(5)),
    ("CreateDelegationRequest", "RequestorWorkflowId", "w" * 401, at_most(400)),
    ("CreateDelegationRequest", "RequestorWorkflowId", "wf-\u20ac\u20ac\u20ac", PATTERN),
    ("CreateDelegationRequest", "RedirectUrl", "", at_least(1)),
    ("CreateDelegationRequest", "RedirectUrl", "https://lumenwatch.example/" + "x" * 229, at_most(255)),
    ("CreateDelegationRequest", "RedirectUrl", "javascript:alert(1)", PATTERN),
    ("CreateDelegationRequest", "RedirectUrl", "https://lumenwatch.example:8443/", PATTERN),
    ("CreateDelegationRequest", "RedirectUrl", "https://user@lumenwatch.example/", PATTERN),
    ("CreateDelegationRequest", "NotificationChannel", None, NULL),
    ("CreateDelegationRequest", "NotificationChannel", "a", at_least(2)),
    ("CreateDelegationRequest", "NotificationChannel", "a" * 401, at_most(400)),
    ("CreateDelegationRequest", "NotificationChannel", "https://hook.example/x", PATTERN),
    ("CreateDelegationRequest", "SessionDuration", None, NULL),
    ("CreateDelegationRequest", "SessionDuration", "299", at_least(300, "value")),
    ("CreateDelegationRequest", "SessionDuration", "43201", at_most(43200, "value")),
    ("CreateDelegationRequest", "SessionDuration", "-3600", at_least(300, "value")),
    ("CreateDelegationRequest", "SessionDuration", "3600.0", "Member must be a decimal integer"),
    ("CreateDelegationRequest", "SessionDuration", "", "Member must be a decimal integer"),
    ("CreateDelegationRequest", "SessionDuration", "\uff13\uff16\uff10\uff10", "Member must be a decimal integer"),
    ("CreateDelegationRequest", "SessionDuration", "9" * 30, "Member must be a decimal integer"),
    ("CreateDelegationRequest", "OnlySendByOwner", "True", "Member must be true or false"),
    ("CreateDelegationRequest", "OnlySendByOwner", "", "Member must be true or false"),
    ("CreateDelegationRequest", "Permissions.PolicyTemplateArn", "arn:aws:iam::p:x", at_least(20)),
    ("CreateDelegationRequest", "Permissions.PolicyTemplateArn", "a" * 2049, at_most(2048)),
    ("CreateDelegationRequest", "Permissions.Policy", "{}", UNKNOWN),
    ("CreateDelegationRequest", f"{PARAMETER}.Name", "name", at_least(5)),
    ("CreateDelegationRequest", f"{PARAMETER}.Name", "n" * 257, at_most(256)),
    ("CreateDelegationRequest", f"{PARAMETER}.Name", "bucketN\u00e4me", PATTERN),
    ("CreateDelegationRequest", f"{PARAMETER}.Values.member.1", "", PATTERN),
    ("CreateDelegationRequest", f"{PARAMETER}.Values.member.1", "l\u00f6gs", PATTERN),
    ("CreateDelegationRequest", f"{PARAMETER}.Values.member.1", "logs\n", PATTERN),
    ("CreateDelegationRequest", f"{PARAMETER}.Values.member.3", "gap", "leave none out"),
    ("CreateDelegationRequest", f"{PARAMETER}.Values.member.0", "zero", "indices"),
    ("CreateDelegationRequest", f"{PARAMETER}.Values.member.999", "far", "leave none out"),
    (
        "CreateDelegationRequest",
        f"{PARAMETER}.Type",
        "number",
        "Member must satisfy enum value set: [string, stringList]",
    ),
    ("CreateDelegationRequest", "PolicyDocument", "{}", UNKNOWN),
    ("CreateDelegationRequest", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r", "deep", UNKNOWN),
    ("UpdateDelegationRequest", "Notes", "x" * 501, at_most(500)),
    ("UpdateDelegationRequest", "Notes", "\u4f60\u597d", PATTERN),
    ("RejectDelegationRequest", "Notes", "x" * 501, at_most(500)),
    ("RevokeDelegation", "Notes", "x" * 501, at_most(500)),
    ("ListDelegationRequests", "OwnerId", "arn:aws:iam::1:x", at_least(20)),
    ("ListDelegationRequests", "OwnerId", "arn:aws:iam::111122223333:user/a b", PATTERN),
    ("ListDelegationRequests", "OwnerId", "a" * 2049, at_most(2048)),
    ("ListDelegationRequests", "Marker", "", at_least(1)),
    ("ListDelegationRequests", "Marker", "m" * 321, at_most(320)),
    ("ListDelegationRequests", "Marker", "mark\ter", PATTERN),
    ("ListDelegationRequests", "MaxItems", "0", at_least(1, "value")),
    ("ListDelegationRequests", "MaxItems", "1001", at_most(1000, "value")),
    ("GetHumanReadableSummary", "EntityArn", None, NULL),
    ("GetHumanReadableSummary", "EntityArn", "arn:aws:iam::1:x", at_least(20)),
    ("GetHumanReadableSummary", "Locale", "e", at_least(2)),
    ("GetHumanReadableSummary", "Locale", "en-GB-oxendict", at_most(12)),
    ("GetDelegatedAccessToken", "TradeInToken", None, NULL),
    ("GetDelegatedAccessToken", "Token", "x", UNKNOWN),
]


def answer_to(cast: Cast, operation: str, members: Mapping[str, str | None]) -> httpx.Response:
    """The answer to an operation with its usual members, but for the ones given here (None: left out)."""
    service = "sts" if operation == "GetDelegatedAccessToken" else "iam"
    version = STS_VERSION if service == "sts" else IAM_VERSION
    given = {**GIVEN[operation], **members}
    form = {name: value for name, value in given.items() if value is not None}
    return cast.post("partner", {"Action": operation, "Version": version, **form}, service=service)


@pytest.mark.parametrize("operation", GIVEN)
def test_a_value_outside_its_limits_is_named_with_the_limit_that_it_breaks(cast: Cast, operation: str) -> None:
    cast.key("partner")
    unexpected = {}
    with nothing_written(cast.live, audited=False):
        for _, member, value, constraint in (case for case in CASES if case[0] == operation):
            status, code, message = error_of(answer_to(cast, operation, {member: value}))
            if (
                (status, code) != (400, "ValidationError")
                or constraint not in message
                or member_of(member) not in message.lower()
            ):
                unexpected[member, value] = (status, code, message)
    assert unexpected == {}


def member_of(member: str) -> str:
    """The innermost name of a member, without regard to letter case."""
    return next(part.lower() for part in reversed(member.split(".")) if part != "member" and not part.isdigit())


def test_every_broken_limit_is_named_at_once(cast: Cast) -> None:
    answer = answer_to(
        cast, "CreateDelegationRequest", {"SessionDuration": "1", "RequestorWorkflowId": "w", "Description": None}
    )
    status, code, message = error_of(answer)
    assert (status, code) == (400, "ValidationError")
    assert message.startswith("3 validation errors detected: ")
    assert "Value '1' at 'sessionDuration' failed to satisfy constraint: " + at_least(300, "value") in message
    assert "Value 'w' at 'requestorWorkflowId' failed to satisfy constraint: " + at_least(5) in message
    assert "Value null at 'description' failed to satisfy constraint: " + NULL in message


def test_fifty_parameters_are_the_most(cast: Cast) -> None:
    def parameters(count: int) -> dict[str, str]:
        form: dict[str, str] = {}
        for number in range(1, count + 1):
            at = f"Permissions.Parameters.member.{number}"
            form |= {f"{at}.Name": f"name{number:03}", f"{at}.Values.member.1": "x", f"{at}.Type": "string"}
        return form

    cast.key("partner")
    with nothing_written(cast.live):
        fifty = error_of(answer_to(cast, "CreateDelegationRequest", parameters(50)))
        more = error_of(answer_to(cast, "CreateDelegationRequest", parameters(51)))
    assert fifty[:2] == (400, "InvalidInput")
    assert more[:2] == (400, "ValidationError")
    assert at_most(50) in more[2]


def test_a_secret_is_never_repeated_in_the_answer_that_refuses_it(cast: Cast) -> None:
    secret = "dpx1_looks-like-a-token"
    for member in ("TradeInToken", "TradeInTokn"):
        members = {"TradeInToken": None, member: secret}
        assert secret not in answer_to(cast, "GetDelegatedAccessToken", members).text


def test_a_refusal_repeats_hostile_text_harmlessly(cast: Cast) -> None:
    hostile = "]]><Code>Ok</Code>&amp;\r\u0001\ufffe" + "x" * 5000
    answer = answer_to(cast, "GetDelegationRequest", {"DelegationRequestId": hostile})
    status, code, message = error_of(answer)
    assert (status, code) == (400, "ValidationError")
    assert "]]><Code>Ok</Code>&amp;\r\ufffd\ufffd" in message
    assert len(message) < 1000


@pytest.mark.parametrize(
    "members",
    [
        {"SessionDuration": "300", "RequestorWorkflowId": "wf-05", "Description": "", "RequestMessage": ""},
        {
            "SessionDuration": "43200",
            "RequestorWorkflowId": "\u00ff" * 400,
            "Description": "\t\n\r ~\u00a1" + "\u00ff" * 994,
            "RequestMessage": "m" * 200,
            "RedirectUrl": "https://lumenwatch.example/" + "x" * 228,
            "OnlySendByOwner": "false",
        },
    ],
)
def test_values_at_their_limits_are_accepted_and_come_back_unchanged(cast: Cast, members: dict[str, str]) -> None:
    assert answer_to(cast, "CreateDelegationRequest", members).status_code == 200
    owner = cast.iam("approver")
    with cast.api("partner") as api:
        (filed,) = api.get("/v1/requests").json()["items"]
    shown = owner.get_delegation_request(DelegationRequestId=filed["id"])["DelegationRequest"]
    told = {name: str(shown[name]) for name in members if name in ("Description", "RequestMessage", "SessionDuration")}
    assert told == {name: value for name, value in members.items() if name in told}
    assert filed["workflow_id"] == members["RequestorWorkflowId"]


def test_notes_and_pages_at_their_limits_are_accepted(cast: Cast) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001").id
    owner = cast.iam("owner")
    owner.update_delegation_request(DelegationRequestId=request_id, Notes="n" * 500)
    owner.reject_delegation_request(DelegationRequestId=request_id, Notes="")
    for size in (1, 1000):
        (shown,) = owner.list_delegation_requests(MaxItems=size)["DelegationRequests"]
        assert (shown["Notes"], shown["RejectionReason"]) == ("n" * 500, "")
