"""An unmodified boto3 can do everything, and reads back exactly what was filed and what became of it."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from staging.clocks import StillClock
from staging.houses import ACCOUNT, OPERATOR, OTHER_ACCOUNT, PARTNER
from staging.roles import LOOSE
from staging.wires import Cast, arrived, error_of, exchange_token_of, form_of, grant_of, key_of, minted

from workflows import onboarding, partnering
from workflows.onboarding import PolicyChoice
from workflows.records.request import State

ROLE_MAKER = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["iam:CreateRole"],
            "Resource": f"arn:aws:iam::{ACCOUNT}:role/lumenwatch.example/*",
            "Condition": {
                "StringEquals": {
                    "iam:PermissionsBoundary": (
                        "arn:aws:iam::partner:policy/permissions-boundary/lumenwatch.example/Edge_2026_01_01"
                    ),
                },
            },
        },
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::@{bucketNames}/*"},
    ],
}


def asked(cast: Cast, workflow_id: str = "wf-00001", **more: Any) -> dict[str, Any]:
    """What the partner sends: the required members and the account, unless told otherwise."""
    return {
        "OwnerAccountId": ACCOUNT,
        "Description": "Reads your logs",
        "Permissions": {
            "PolicyTemplateArn": cast.people.template_arn,
            "Parameters": [{"Name": "bucketName", "Values": ["logs"], "Type": "string"}],
        },
        "RequestorWorkflowId": workflow_id,
        "NotificationChannel": cast.people.channel_arn,
        "SessionDuration": 3600,
        **more,
    }


def created(cast: Cast, workflow_id: str = "wf-00001", **more: Any) -> str:
    answer = cast.iam("partner").create_delegation_request(**asked(cast, workflow_id, **more))
    return str(answer["DelegationRequestId"])


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer without what every answer carries."""
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    return answer


def seen(cast: Cast, request_id: str, name: str = "owner") -> dict[str, Any]:
    answer = told(cast.iam(name).get_delegation_request(DelegationRequestId=request_id))
    assert answer.keys() == {"DelegationRequest"}
    request: dict[str, Any] = answer["DelegationRequest"]
    return request


def whole_second(still: StillClock, **later: int) -> datetime:
    return still.now().replace(microsecond=0) + timedelta(**later)


# --- the ten operations ----------------------------------------------------------------------------------


def test_create_answers_with_an_id_and_a_link_that_carries_nothing_else(cast: Cast) -> None:
    answer = told(cast.iam("partner").create_delegation_request(**asked(cast)))
    assert answer.keys() == {"DelegationRequestId", "ConsoleDeepLink"}
    assert re.fullmatch(r"dr-[0-9a-f]{32}", answer["DelegationRequestId"])
    assert answer["ConsoleDeepLink"] == f"{cast.live.origin}/d/{answer['DelegationRequestId']}"


def test_a_bare_request_reads_back_exactly_and_what_it_lacks_is_absent(cast: Cast, still: StillClock) -> None:
    request_id = created(cast)
    request = seen(cast, request_id)
    policy = json.loads(request.pop("PermissionPolicy"))
    statement = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::logs/*"}
    assert policy == {"Version": "2012-10-17", "Statement": [statement]}
    assert request == {
        "DelegationRequestId": request_id,
        "OwnerAccountId": ACCOUNT,
        "Description": "Reads your logs",
        "Permissions": asked(cast)["Permissions"],
        "State": "UNASSIGNED",
        "ExpirationTime": whole_second(still, days=1),
        "RequestorId": PARTNER,
        "RequestorName": "Lumenwatch",
        "CreateDate": whole_second(still),
        "SessionDuration": 3600,
        "OnlySendByOwner": False,
        "UpdatedTime": whole_second(still),
    }


def test_a_full_request_reads_back_exactly_with_the_boundaries_its_policy_names(cast: Cast) -> None:
    ports = cast.live.ports
    boundary = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    )
    edge = partnering.register_boundary(
        ports, OPERATOR, partner_id=PARTNER, name="Edge_2026_01_01", document=boundary, accept=LOOSE
    )
    document = json.dumps(ROLE_MAKER)
    maker = partnering.register_template(ports, OPERATOR, partner_id=PARTNER, name="Make", document=document)
    more: dict[str, Any] = {
        "Description": "Grüße & <tags>\tand\nlines",
        "RequestMessage": "Workspace 7, « démo »",
        "RedirectUrl": "https://app.lumenwatch.example/done?x=1#top",
        "OnlySendByOwner": True,
        "SessionDuration": 43200,
        "Permissions": {
            "PolicyTemplateArn": maker.arn,
            "Parameters": [{"Name": "bucketNames", "Values": ["a-1", "b-2"], "Type": "stringList"}],
        },
    }
    request = seen(cast, created(cast, **more))
    assert {name: request[name] for name in more} == more
    assert request["RolePermissionRestrictionArns"] == [edge.arn]
    resources = json.loads(request["PermissionPolicy"])["Statement"][1]["Resource"]
    assert resources == ["arn:aws:s3:::a-1/*", "arn:aws:s3:::b-2/*"]


def test_the_type_of_a_parameter_is_taken_in_any_letter_case_and_shown_in_the_wires_own(cast: Cast) -> None:
    permissions = {
        "PolicyTemplateArn": cast.people.template_arn,
        "Parameters": [{"Name": "bucketName", "Values": ["logs"], "Type": "String"}],
    }
    request = seen(cast, created(cast, Permissions=permissions))
    assert request["Permissions"]["Parameters"][0]["Type"] == "string"


def test_associate_makes_the_caller_the_owner_and_gives_the_request_seven_days(cast: Cast, still: StillClock) -> None:
    request_id = created(cast)
    still.advance(seconds=90)
    assert told(cast.iam("owner").associate_delegation_request(DelegationRequestId=request_id)) == {}
    request = seen(cast, request_id)
    assert (request["State"], request["OwnerId"]) == ("ASSIGNED", cast.people.owner.arn)
    assert request["UpdatedTime"] == whole_second(still)
    assert request["ExpirationTime"] == whole_second(still, days=7)
    assert "ApproverId" not in request


def test_a_request_for_no_account_in_particular_belongs_to_the_account_that_claims_it(cast: Cast) -> None:
    given = asked(cast)
    del given["OwnerAccountId"]
    request_id = told(cast.iam("partner").create_delegation_request(**given))["DelegationRequestId"]
    assert "OwnerAccountId" not in seen(cast, request_id, "stranger")
    cast.iam("stranger").associate_delegation_request(DelegationRequestId=request_id)
    request = seen(cast, request_id, "stranger")
    assert (request["OwnerAccountId"], request["OwnerId"]) == (OTHER_ACCOUNT, cast.people.stranger.arn)


@pytest.mark.parametrize(
    ("name", "result"),
    [("approver", "ALLOWED"), ("root", "ALLOWED"), ("owner", "DENIED"), ("careful", "DENIED")],
)
def test_get_checks_the_callers_own_permissions_on_demand(cast: Cast, name: str, result: str) -> None:
    request_id = created(cast)
    client = cast.iam(name) if name != "careful" else careful(cast)
    answer = told(client.get_delegation_request(DelegationRequestId=request_id, DelegationPermissionCheck=True))
    assert answer.keys() == {"DelegationRequest", "PermissionCheckStatus", "PermissionCheckResult"}
    assert (answer["PermissionCheckStatus"], answer["PermissionCheckResult"]) == ("COMPLETE", result)
    unasked = told(client.get_delegation_request(DelegationRequestId=request_id, DelegationPermissionCheck=False))
    assert unasked.keys() == {"DelegationRequest"}


def careful(cast: Cast) -> Any:
    """A client of somebody whose right to the bucket hangs on a condition."""
    statement = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
    }
    choice = PolicyChoice("reads", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    user = onboarding.create_user(cast.live.ports, OPERATOR, account_id=ACCOUNT, name="careful", policies=[choice])
    return cast.live.boto("iam", cast.key_of(user))


def test_update_leaves_a_note_and_hands_the_request_to_the_administrators(cast: Cast, still: StillClock) -> None:
    request_id = created(cast)
    owner = cast.iam("owner")
    owner.associate_delegation_request(DelegationRequestId=request_id)
    assert told(owner.update_delegation_request(DelegationRequestId=request_id, Notes="please & check")) == {}
    until = seen(cast, request_id)["ExpirationTime"]
    still.advance(seconds=60)
    assert told(owner.update_delegation_request(DelegationRequestId=request_id)) == {}
    request = seen(cast, request_id)
    assert (request["State"], request["Notes"]) == ("PENDING_APPROVAL", "please & check")
    assert (request["ExpirationTime"], request["UpdatedTime"]) == (until, whole_second(still))


def test_accept_records_the_approver_and_releases_nothing(cast: Cast) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001").id
    assert told(cast.iam("approver").accept_delegation_request(DelegationRequestId=request_id)) == {}
    request = seen(cast, request_id)
    assert (request["State"], request["ApproverId"]) == ("ACCEPTED", cast.people.approver.arn)
    assert [message["message"]["Type"] for message in mailbox(cast)] == ["StateChange", "StateChange"]


def test_reject_keeps_the_reason(cast: Cast) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.PENDING_APPROVAL, "wf-00001").id
    assert told(cast.iam("approver").reject_delegation_request(DelegationRequestId=request_id, Notes="no & no")) == {}
    request = seen(cast, request_id)
    assert (request["State"], request["RejectionReason"], request["Notes"]) == ("REJECTED", "no & no", "please check")


def test_an_approval_can_be_taken_back_before_the_release(cast: Cast) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.ACCEPTED, "wf-00001").id
    cast.iam("owner").reject_delegation_request(DelegationRequestId=request_id)
    request = seen(cast, request_id)
    assert request["State"] == "REJECTED"
    assert "RejectionReason" not in request


def mailbox(cast: Cast) -> list[dict[str, Any]]:
    with cast.api("partner") as api:
        found: list[dict[str, Any]] = api.get("/v1/notifications").raise_for_status().json()
    return found


def test_send_finalizes_and_tells_the_partner_the_state_and_the_token(cast: Cast, still: StillClock) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.ACCEPTED, "wf-00001").id
    still.advance(seconds=30)
    assert told(cast.iam("owner").send_delegation_token(DelegationRequestId=request_id)) == {}
    assert seen(cast, request_id)["State"] == "FINALIZED"
    final = [one["message"] for one in mailbox(cast) if one["message"]["State"] == "FINALIZED"]
    assert sorted(message["Type"] for message in final) == ["ExchangeToken", "StateChange"]
    (token,) = (message for message in final if message["Type"] == "ExchangeToken")
    assert token["ExpiresAt"] == whole_second(still, hours=1).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert (token["RequestId"], token["RequestorWorkflowId"], token["OwnerAccountId"]) == (
        request_id,
        "wf-00001",
        ACCOUNT,
    )


def test_list_pages_through_every_owned_request_once_and_newest_first(cast: Cast, still: StillClock) -> None:
    filed = []
    for number in range(5):
        still.advance(seconds=1)
        filed.append(arrived(cast.live.ports, cast.people, State.ASSIGNED, f"wf-{number:05}").id)
    arrived(cast.live.ports, cast.people, State.UNASSIGNED, "wf-unclaimed")
    pages: list[list[str]] = []
    more: dict[str, str] = {}
    while True:
        answer = told(cast.iam("owner").list_delegation_requests(MaxItems=2, **more))
        pages.append([one["DelegationRequestId"] for one in answer["DelegationRequests"]])
        if not answer["isTruncated"]:
            break
        more = {"Marker": answer["Marker"]}
    assert answer.keys() == {"DelegationRequests", "isTruncated"}
    newest = filed[::-1]
    assert pages == [newest[:2], newest[2:4], newest[4:]]


def test_list_shows_requests_as_get_does_and_an_empty_list_is_a_list(cast: Cast) -> None:
    owner = cast.iam("owner")
    assert told(owner.list_delegation_requests()) == {"DelegationRequests": [], "isTruncated": False}
    request_id = arrived(cast.live.ports, cast.people, State.REJECTED, "wf-00001").id
    answer = told(owner.list_delegation_requests(OwnerId=cast.people.owner.arn, MaxItems=1000))
    assert answer == {"DelegationRequests": [seen(cast, request_id)], "isTruncated": False}


def test_list_filters_by_owner_and_keeps_the_requests_of_others_from_those_without_permission(cast: Cast) -> None:
    arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001")
    own = created(cast, "wf-00002")
    cast.iam("bystander").associate_delegation_request(DelegationRequestId=own)

    def listed(name: str, **more: str) -> int:
        return len(told(cast.iam(name).list_delegation_requests(**more))["DelegationRequests"])

    assert listed("approver") == 2
    assert listed("approver", OwnerId=cast.people.bystander.arn) == 1
    assert listed("bystander") == 1
    assert listed("stranger") == 0


def test_a_summary_is_available_at_once_in_the_locale_that_was_asked_for(cast: Cast) -> None:
    request_id = created(cast)
    arn = f"arn:aws:iam::{ACCOUNT}:delegation-request/{request_id}"
    owner = cast.iam("owner")
    for given, locale in (({}, "en"), ({"Locale": "en"}, "en"), ({"Locale": "en-GB"}, "en-GB")):
        answer = told(owner.get_human_readable_summary(EntityArn=arn, **given))
        assert (answer["SummaryState"], answer["Locale"]) == ("AVAILABLE", locale)
        assert "logs" in answer["SummaryContent"]
    unspoken = told(owner.get_human_readable_summary(EntityArn=arn, Locale="tlh"))
    assert unspoken == {"SummaryState": "NOT_SUPPORTED", "Locale": "tlh", "SummaryContent": ""}


def test_every_exchange_gives_fresh_credentials_with_the_one_deadline(cast: Cast, still: StillClock) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.FINALIZED, "wf-00001").id
    deadline = whole_second(still, hours=1)
    token = exchange_token_of(cast.live.ports, request_id)
    first = told(cast.sts("partner").get_delegated_access_token(TradeInToken=token))
    still.advance(minutes=10)
    second = told(cast.sts("partner", region="eu-central-1").get_delegated_access_token(TradeInToken=token))
    for answer in (first, second):
        assert answer.keys() == {"Credentials", "AssumedPrincipal"}
        assert answer["AssumedPrincipal"] == cast.people.approver.arn
        assert answer["Credentials"].keys() == {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
        assert answer["Credentials"]["Expiration"] == deadline
        assert re.fullmatch(r"ASIA[A-Z2-7]{16}", answer["Credentials"]["AccessKeyId"])
    assert first["Credentials"]["AccessKeyId"] != second["Credentials"]["AccessKeyId"]
    assert first["Credentials"]["SecretAccessKey"] != second["Credentials"]["SecretAccessKey"]


# --- who is calling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["owner", "bystander", "root", "partner"])
def test_a_long_lived_key_is_told_whose_it_is(cast: Cast, name: str) -> None:
    principal = cast.principal(name)
    answer = told(cast.sts(name).get_caller_identity())
    assert answer == {"UserId": principal.id, "Account": principal.account_id, "Arn": principal.arn}


def test_a_delegated_session_is_told_that_it_is_its_approver(cast: Cast) -> None:
    session = minted(cast.live.ports, cast.people, "wf-00001")
    client = cast.live.boto("sts", key_of(session), session.session_token)
    approver = cast.people.approver
    answer = told(client.get_caller_identity())
    assert answer == {"UserId": approver.id, "Account": approver.account_id, "Arn": approver.arn}


# --- beyond boto3's model ----------------------------------------------------------------------------------


def test_revoke_delegation_ends_the_session_for_any_signed_request(cast: Cast, still: StillClock) -> None:
    ports = cast.live.ports
    session = minted(ports, cast.people, "wf-00001")
    (request,) = told(cast.iam("owner").list_delegation_requests())["DelegationRequests"]
    request_id = request["DelegationRequestId"]
    answer = cast.post("owner", form_of("RevokeDelegation", DelegationRequestId=request_id, Notes="enough"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/xml"
    call_id = answer.headers["x-amzn-requestid"]
    assert answer.text == (
        '<RevokeDelegationResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata>'
        f"<RequestId>{call_id}</RequestId></ResponseMetadata></RevokeDelegationResponse>"
    )
    client = cast.live.boto("sts", key_of(session), session.session_token)
    with pytest.raises(client.exceptions.ClientError, match="ExpiredToken"):
        client.get_caller_identity()
    assert seen(cast, request_id)["State"] == "FINALIZED"
    grant = grant_of(ports, request_id)
    assert (grant.state.value, grant.ended_by, grant.ended_at) == ("REVOKED", cast.people.owner.arn, still.now())


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "aws-global", "ap-southeast-7"])
def test_a_client_may_be_configured_for_any_region(cast: Cast, region: str) -> None:
    answer = told(cast.iam("partner", region=region).create_delegation_request(**asked(cast)))
    request_id = answer["DelegationRequestId"]
    got = told(cast.iam("owner", region=region).get_delegation_request(DelegationRequestId=request_id))
    assert got["DelegationRequest"]["State"] == "UNASSIGNED"
    assert told(cast.sts("owner", region=region).get_caller_identity())["Account"] == ACCOUNT


def test_every_answer_carries_its_request_id_and_may_not_be_stored(cast: Cast) -> None:
    answer = cast.post("owner", form_of("ListDelegationRequests"))
    assert answer.headers["cache-control"] == "no-store"
    assert f"<RequestId>{answer.headers['x-amzn-requestid']}</RequestId>" in answer.text
    refusal = cast.post("owner", form_of("ListDelegationRequests", MaxItems="0"))
    assert refusal.headers["cache-control"] == "no-store"
    assert error_of(refusal)[:2] == (400, "ValidationError")
