"""Every refusal arrives as what it is, by the code, status and class that AWS gives it, and changes nothing."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from staging.clocks import StillClock
from staging.houses import ACCOUNT, OPERATOR, a_request, settle_people
from staging.servers import LiveServer, serving
from staging.wires import (
    FORM,
    UNKNOWN_ID,
    Cast,
    arrived,
    error_of,
    exchange_token_of,
    form_of,
    grant_of,
    key_of,
    minted,
    nothing_written,
    send,
    signed,
)

from workflows import credentialing, onboarding, partnering, release, revocation, submission
from workflows.credentialing import NewKey
from workflows.ids import AccessKeyId
from workflows.onboarding import PolicyChoice
from workflows.records.request import State

Asked = dict[str, Any]


def refused(call: Callable[[], object], kind: str, code: str, status: int) -> str:
    """The message of the refusal, once its class, code, status and fault are as they must be."""
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    assert (type(caught.value).__name__, answer["Error"]["Code"]) == (kind, code)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert answer["Error"]["Type"] == ("Sender" if status < 500 else "Receiver")
    assert answer["ResponseMetadata"]["RequestId"]
    return str(answer["Error"]["Message"])


def asked(cast: Cast, workflow_id: str = "wf-00001", **more: Any) -> Asked:
    """What the partner sends, unless told otherwise."""
    return {
        "OwnerAccountId": ACCOUNT,
        "Description": "Reads your logs",
        "Permissions": permissions(cast),
        "RequestorWorkflowId": workflow_id,
        "NotificationChannel": cast.people.channel_arn,
        "SessionDuration": 3600,
        **more,
    }


def permissions(cast: Cast, *values: str, name: str = "bucketName", kind: str = "string") -> Asked:
    parameter = {"Name": name, "Values": list(values) or ["logs"], "Type": kind}
    return {"PolicyTemplateArn": cast.people.template_arn, "Parameters": [parameter]}


def arn_of(request_id: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:delegation-request/{request_id}"


# --- what is not there -----------------------------------------------------------------------------------

BY_ID = (
    "associate_delegation_request",
    "get_delegation_request",
    "update_delegation_request",
    "accept_delegation_request",
    "reject_delegation_request",
    "send_delegation_token",
)


@pytest.mark.parametrize("operation", BY_ID)
def test_an_unknown_request_is_no_such_entity_to_every_operation(cast: Cast, operation: str) -> None:
    act = getattr(cast.iam("approver"), operation)
    with nothing_written(cast.live):
        message = refused(lambda: act(DelegationRequestId=UNKNOWN_ID), "NoSuchEntityException", "NoSuchEntity", 404)
    assert UNKNOWN_ID in message


def test_a_summary_or_a_list_of_what_is_elsewhere_is_no_such_entity(cast: Cast) -> None:
    client = cast.iam("approver")
    with nothing_written(cast.live):
        for call in (
            lambda: client.get_human_readable_summary(EntityArn=arn_of(UNKNOWN_ID)),
            lambda: client.list_delegation_requests(OwnerId="arn:aws:iam::999999999999:user/somebody"),
        ):
            refused(call, "NoSuchEntityException", "NoSuchEntity", 404)


# --- what is wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "operation"),
    [
        (State.UNASSIGNED, "accept_delegation_request"),
        (State.UNASSIGNED, "send_delegation_token"),
        (State.ASSIGNED, "send_delegation_token"),
        (State.ASSIGNED, "associate_delegation_request"),
        (State.FINALIZED, "reject_delegation_request"),
        (State.REJECTED, "accept_delegation_request"),
        (State.EXPIRED, "update_delegation_request"),
    ],
)
def test_an_act_in_the_wrong_state_is_invalid_input_that_names_the_state(
    cast: Cast, state: State, operation: str
) -> None:
    request_id = arrived(cast.live.ports, cast.people, state, "wf-00001").id
    act = getattr(cast.iam("approver"), operation)
    with nothing_written(cast.live):
        message = refused(lambda: act(DelegationRequestId=request_id), "InvalidInputException", "InvalidInput", 400)
    assert state.value in message


def test_parameters_that_do_not_fit_the_template_are_invalid_input(cast: Cast) -> None:
    partner, template = cast.iam("partner"), cast.people.template_arn
    wrong: list[Asked] = [
        {"PolicyTemplateArn": template},
        {"PolicyTemplateArn": template, "Parameters": permissions(cast)["Parameters"] * 2},
        {"PolicyTemplateArn": template, "Parameters": [{"Name": "bucketName", "Values": ["logs"]}]},
        {"Parameters": permissions(cast)["Parameters"]},
        permissions(cast, name="bucketname"),
        permissions(cast, "two", "values"),
        permissions(cast, "*"),
        permissions(cast, "${aws:username}"),
        permissions(cast, "x" * 2048),
        {"PolicyTemplateArn": template + "1", "Parameters": permissions(cast)["Parameters"]},
    ]
    for given in wrong:
        call = lambda given=given: partner.create_delegation_request(**asked(cast, Permissions=given))  # noqa: E731  one line per case
        with nothing_written(cast.live):
            refused(call, "InvalidInputException", "InvalidInput", 400)


def test_what_another_partner_registered_cannot_be_named(cast: Cast) -> None:
    ports = cast.live.ports
    other = cast.people.other_partner.account_id
    channel = partnering.register_channel(ports, OPERATOR, partner_id=other, name="main", url=None).channel
    foreign = cast.iam("other_partner")
    for more in ({"NotificationChannel": channel.arn}, {}):
        with nothing_written(cast.live):
            call = lambda more=more: foreign.create_delegation_request(**asked(cast, **more))  # noqa: E731  one line per case
            refused(call, "InvalidInputException", "InvalidInput", 400)
    partner = cast.iam("partner")
    with nothing_written(cast.live):
        given = asked(cast, NotificationChannel=channel.arn)
        message = refused(
            lambda: partner.create_delegation_request(**given), "InvalidInputException", "InvalidInput", 400
        )
    assert "NotificationChannel" in message


@pytest.mark.parametrize(
    "url",
    [
        "http://lumenwatch.example/done",
        "https://lumenwatch.example.evil.example/done",
        "https://evil.example/lumenwatch.example",
        "https:///lumenwatch.example/done",
        "https://notlumenwatch.example/",
        "https://lumenwatch.example./",
    ],
)
def test_a_link_back_leads_to_the_partners_own_domain_over_https(cast: Cast, url: str) -> None:
    partner = cast.iam("partner")
    with nothing_written(cast.live):
        given = asked(cast, RedirectUrl=url)
        message = refused(
            lambda: partner.create_delegation_request(**given), "InvalidInputException", "InvalidInput", 400
        )
    assert "RedirectUrl" in message


def test_root_cannot_approve_more_than_four_hours(cast: Cast) -> None:
    ports, people = cast.live.ports, cast.people
    long = arrived(ports, people, State.ASSIGNED, "wf-00001", session_duration=14_401).id
    root = cast.iam("root")
    with nothing_written(cast.live):
        refused(
            lambda: root.accept_delegation_request(DelegationRequestId=long),
            "InvalidInputException",
            "InvalidInput",
            400,
        )
    just = arrived(ports, people, State.ASSIGNED, "wf-00002", session_duration=14_400).id
    root.accept_delegation_request(DelegationRequestId=just)


def test_other_wrong_arguments_are_invalid_input(cast: Cast) -> None:
    owner, partner = cast.iam("owner"), cast.iam("partner")
    someone = "arn:aws:iam::111122223333:user/owner"
    with nothing_written(cast.live):
        for call in (
            lambda: owner.list_delegation_requests(Marker="bm8gbWFya2VyIG9mIG91cnM"),
            lambda: owner.list_delegation_requests(OwnerId="arn-of-somebody-else"),
            lambda: owner.get_human_readable_summary(EntityArn=someone),
            lambda: owner.get_human_readable_summary(EntityArn="not an arn at all, by far"),
            lambda: partner.create_delegation_request(**asked(cast, OwnerAccountId=partner_account(cast))),
            lambda: partner.create_delegation_request(**asked(cast, Description="soft\u00adhyphen")),
        ):
            refused(call, "InvalidInputException", "InvalidInput", 400)


def partner_account(cast: Cast) -> str:
    return cast.people.partner.account_id


def test_a_marker_is_good_for_its_own_list_and_caller_only(cast: Cast) -> None:
    for number in range(2):
        arrived(cast.live.ports, cast.people, State.ASSIGNED, f"wf-{number:05}")
    marker = cast.iam("owner").list_delegation_requests(MaxItems=1)["Marker"]
    owner, approver = cast.iam("owner"), cast.iam("approver")
    for call in (
        lambda: approver.list_delegation_requests(Marker=marker),
        lambda: owner.list_delegation_requests(Marker=marker, OwnerId=cast.people.owner.arn),
        lambda: owner.list_delegation_requests(Marker=marker[:-2] + ("AA" if marker[-2:] != "AA" else "BB")),
    ):
        refused(call, "InvalidInputException", "InvalidInput", 400)


# --- what is taken, used up, or changed meanwhile --------------------------------------------------------


def test_a_workflow_id_is_taken_once_and_the_refusal_tells_which_request_has_it(cast: Cast) -> None:
    partner = cast.iam("partner")
    request_id = partner.create_delegation_request(**asked(cast))["DelegationRequestId"]
    with nothing_written(cast.live):
        given = asked(cast, Description="Reads something else")
        message = refused(
            lambda: partner.create_delegation_request(**given),
            "EntityAlreadyExistsException",
            "EntityAlreadyExists",
            409,
        )
    assert request_id in message


def test_an_account_can_be_asked_by_a_hundred_open_requests(cast: Cast) -> None:
    ports, people = cast.live.ports, cast.people
    for number in range(100):
        submission.create(ports, people.call("partner"), a_request(people, f"wf-{number:05}"))
    partner = cast.iam("partner")
    with nothing_written(cast.live):
        given = asked(cast, "wf-too-many")
        message = refused(
            lambda: partner.create_delegation_request(**given), "LimitExceededException", "LimitExceeded", 409
        )
    assert "100" in message


def test_a_token_can_be_traded_as_often_as_the_house_allows(tmp_path: Path, still: StillClock) -> None:
    with serving(tmp_path, still, scheduler=False, exchange_cap=2) as live:
        cast = Cast(live, settle_people(live.ports))
        request_id = arrived(live.ports, cast.people, State.FINALIZED, "wf-00001").id
        token = exchange_token_of(live.ports, request_id)
        for _ in range(2):
            release.exchange(live.ports, cast.people.call("partner"), token)
        client = cast.sts("partner")
        with nothing_written(live):
            refused(lambda: client.get_delegated_access_token(TradeInToken=token), "ClientError", "LimitExceeded", 409)


def test_the_loser_of_a_race_is_told_that_it_lost(cast: Cast) -> None:
    ports = cast.live.ports
    request_id = arrived(ports, cast.people, State.ASSIGNED, "wf-00001").id
    rivals = [cast.iam("approver").accept_delegation_request, cast.iam("owner").reject_delegation_request]
    failures: list[ClientError] = []

    def act(operation: Callable[..., object]) -> None:
        try:
            operation(DelegationRequestId=request_id)
        except ClientError as failure:
            failures.append(failure)

    # Both have looked at the request and wait for the one writing thread, which is held up meanwhile.
    held, go_on = threading.Event(), threading.Event()

    def hold(_tx: object) -> None:
        held.set()
        go_on.wait(30)

    holder = threading.Thread(target=ports.store.write, args=(hold,))
    threads = [threading.Thread(target=act, args=(operation,)) for operation in rivals]
    holder.start()
    held.wait(30)
    for thread in threads:
        thread.start()
    while ports.store._jobs.qsize() < len(rivals):
        threads[0].join(0.001)
    go_on.set()
    for thread in (holder, *threads):
        thread.join()
    (lost,) = failures
    assert (type(lost).__name__, lost.response["Error"]["Code"]) == (
        "ConcurrentModificationException",
        "ConcurrentModification",
    )
    assert lost.response["ResponseMetadata"]["HTTPStatusCode"] == 409


# --- what the service cannot answer ----------------------------------------------------------------------


def damage(live: LiveServer, statement: str) -> None:
    """Change the database behind the service's back."""
    connection = sqlite3.connect(live.house.settings.database_file)
    with connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def test_a_secret_that_was_tampered_with_is_a_failure_of_the_service_that_tells_nothing(cast: Cast) -> None:
    key = cast.key("owner")
    damage(cast.live, f"UPDATE access_keys SET sealed_secret = X'00' WHERE id = '{key.access_key_id}'")  # noqa: S608  an id of ours
    owner = cast.iam("owner")
    with nothing_written(cast.live, audited=False):
        message = refused(owner.list_delegation_requests, "ServiceFailureException", "ServiceFailure", 500)
    assert "access" not in message
    assert "seal" not in message


def test_a_request_that_was_altered_behind_our_back_cannot_be_accepted(cast: Cast) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001").id
    damage(cast.live, "UPDATE requests SET permission_policy = replace(permission_policy, 'logs', 'gold')")
    approver = cast.iam("approver")
    with nothing_written(cast.live, audited=False):
        refused(
            lambda: approver.accept_delegation_request(DelegationRequestId=request_id),
            "ServiceFailureException",
            "ServiceFailure",
            500,
        )


def test_a_service_that_can_no_longer_write_is_unavailable(cast: Cast) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001").id
    approver = cast.iam("approver")
    cast.live.house.store.close()
    with nothing_written(cast.live, audited=False):
        refused(
            lambda: approver.accept_delegation_request(DelegationRequestId=request_id),
            "ClientError",
            "ServiceUnavailable",
            503,
        )


# --- exchange tokens -------------------------------------------------------------------------------------


def test_a_token_works_until_the_very_deadline_and_not_at_it(cast: Cast, still: StillClock) -> None:
    ports = cast.live.ports
    request_id = arrived(ports, cast.people, State.FINALIZED, "wf-00001", session_duration=300).id
    token, client = exchange_token_of(ports, request_id), cast.sts("partner")
    deadline = grant_of(ports, request_id).deadline
    still.set(deadline)
    still.advance(microseconds=-1)
    assert client.get_delegated_access_token(TradeInToken=token)["Credentials"]["Expiration"] == deadline
    still.set(deadline)
    with nothing_written(cast.live):
        kind = "ExpiredTradeInTokenException"
        refused(lambda: client.get_delegated_access_token(TradeInToken=token), kind, kind, 400)


def test_a_token_has_ended_once_what_it_stands_for_was_revoked(cast: Cast) -> None:
    ports = cast.live.ports
    request_id = arrived(ports, cast.people, State.FINALIZED, "wf-00001").id
    token, client = exchange_token_of(ports, request_id), cast.sts("partner")
    revocation.revoke(ports, cast.people.call("owner"), request_id, None)
    with nothing_written(cast.live):
        kind = "ExpiredTradeInTokenException"
        refused(lambda: client.get_delegated_access_token(TradeInToken=token), kind, kind, 400)


def test_a_made_up_token_is_a_validation_error(cast: Cast) -> None:
    token = exchange_token_of(cast.live.ports, arrived(cast.live.ports, cast.people, State.FINALIZED, "wf-00001").id)
    client = cast.sts("partner")
    for wrong in ("x", token[:-1], token.upper(), "dpx1_" + "A" * 43 + "_00000000"):
        with nothing_written(cast.live):
            call = lambda wrong=wrong: client.get_delegated_access_token(TradeInToken=wrong)  # noqa: E731  one line per case
            assert refused(call, "ClientError", "ValidationError", 400) == "Invalid trade-in token"


def test_a_token_is_worth_nothing_to_anybody_else(cast: Cast) -> None:
    token = exchange_token_of(cast.live.ports, arrived(cast.live.ports, cast.people, State.FINALIZED, "wf-00001").id)
    for name in ("other_partner", "owner", "approver", "root", "stranger"):
        client = cast.sts(name)
        with nothing_written(cast.live):
            call = lambda client=client: client.get_delegated_access_token(TradeInToken=token)  # noqa: E731  one line per case
            refused(call, "ClientError", "AccessDenied", 403)


# --- who may ---------------------------------------------------------------------------------------------


def test_whoever_lacks_the_permission_is_denied_and_told_which_one(cast: Cast) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001").id
    bystander, owner, partner = cast.iam("bystander"), cast.iam("owner"), cast.iam("partner")
    cases = {
        "iam:GetDelegationRequest": lambda: bystander.get_delegation_request(DelegationRequestId=request_id),
        "iam:AcceptDelegationRequest": lambda: owner.accept_delegation_request(DelegationRequestId=request_id),
        "iam:CreateDelegationRequest": lambda: owner.create_delegation_request(**asked(cast)),
        "iam:ListDelegationRequests": partner.list_delegation_requests,
    }
    for action, call in cases.items():
        with nothing_written(cast.live):
            assert action in refused(call, "ClientError", "AccessDenied", 403)


def test_an_explicit_deny_beats_the_rights_that_come_with_owning(cast: Cast) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001").id
    statement = '{"Effect":"Deny","Action":"iam:RejectDelegationRequest","Resource":"*"}'
    choice = PolicyChoice("never", f'{{"Version":"2012-10-17","Statement":[{statement}]}}')
    onboarding.attach_policy(cast.live.ports, OPERATOR, account_id=ACCOUNT, user_name="owner", choice=choice)
    owner = cast.iam("owner")
    with nothing_written(cast.live):
        message = refused(
            lambda: owner.reject_delegation_request(DelegationRequestId=request_id), "ClientError", "AccessDenied", 403
        )
    assert "explicit deny" in message


# --- who is it -------------------------------------------------------------------------------------------


def identity(cast: Cast, key: NewKey, token: str | None = None) -> Callable[[], object]:
    call: Callable[[], object] = cast.live.boto("sts", key, token).get_caller_identity
    return call


def test_a_key_that_does_not_work_is_an_invalid_client_token(cast: Cast) -> None:
    ports = cast.live.ports
    key, off = cast.key("owner"), cast.key("approver")
    credentialing.set_key_active(ports, OPERATOR, off.access_key_id, active=False)
    session = minted(ports, cast.people, "wf-00001")
    disabled = cast.key("bystander")
    onboarding.set_user_active(ports, OPERATOR, account_id=ACCOUNT, user_name="bystander", active=False)
    with nothing_written(cast.live, audited=False):
        for call in (
            identity(cast, NewKey(AccessKeyId("AKIA" + "A" * 16), key.secret_access_key)),
            identity(cast, off),
            identity(cast, disabled),
            identity(cast, key, "a.session.token.that.it.does.not.have"),
            identity(cast, key_of(session)),
            identity(cast, key_of(session), session.session_token[:-1]),
        ):
            refused(call, "ClientError", "InvalidClientTokenId", 403)


def test_a_wrong_secret_is_a_signature_that_does_not_match(cast: Cast) -> None:
    key = cast.key("owner")
    wrong = NewKey(key.access_key_id, key.secret_access_key[::-1])
    with nothing_written(cast.live, audited=False):
        message = refused(identity(cast, wrong), "ClientError", "SignatureDoesNotMatch", 403)
    assert "AWS4" not in message


def test_a_body_that_was_changed_after_signing_does_not_match(cast: Cast) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-00001").id
    form = form_of("RejectDelegationRequest", DelegationRequestId=UNKNOWN_ID)
    request = signed(cast.live.origin, cast.key("owner"), form)
    body = request.content.replace(UNKNOWN_ID.encode(), request_id.encode())
    with nothing_written(cast.live, audited=False):
        answer = send(httpx.Request("POST", request.url, headers=request.headers, content=body))
    assert error_of(answer)[:2] == (403, "SignatureDoesNotMatch")


def test_a_session_has_expired_at_the_very_deadline_and_after_revocation(cast: Cast, still: StillClock) -> None:
    ports = cast.live.ports
    revoked = minted(ports, cast.people, "wf-00001", session_duration=300)
    lasting = minted(ports, cast.people, "wf-00002", session_duration=300)
    revocation.revoke(ports, cast.people.call("owner"), request_of(cast, "wf-00001"), None)
    call = identity(cast, key_of(lasting), lasting.session_token)
    still.set(lasting.expires_at)
    still.advance(microseconds=-1)
    call()
    refused(identity(cast, key_of(revoked), revoked.session_token), "ClientError", "ExpiredToken", 403)
    still.set(lasting.expires_at)
    with nothing_written(cast.live, audited=False):
        refused(call, "ClientError", "ExpiredToken", 403)


def request_of(cast: Cast, workflow_id: str) -> str:
    found = cast.iam("approver").list_delegation_requests()["DelegationRequests"]
    (request_id,) = (one["DelegationRequestId"] for one in found if title(cast, one) == workflow_id)
    return str(request_id)


def title(cast: Cast, shown: Asked) -> str:
    with cast.api("approver") as api:
        return str(api.get(f"/v1/requests/{shown['DelegationRequestId']}").json()["workflow_id"])


def test_an_unsigned_request_lacks_its_authentication(cast: Cast) -> None:
    bodies = (b"Action=GetCallerIdentity&Version=2011-06-15", b"", b"Action=CreateUser&UserName=me", b"\xff\x00")
    with nothing_written(cast.live, audited=False), cast.live.http() as client:
        for body in bodies:
            answer = client.post("/", content=body, headers={"content-type": FORM})
            assert error_of(answer)[:2] == (403, "MissingAuthenticationToken")
        for method, path in (("POST", "/anything"), ("DELETE", "/"), ("PUT", "/bucket/key"), ("GET", "/x")):
            assert error_of(client.request(method, path))[:2] == (403, "MissingAuthenticationToken")


def mangled(cast: Cast, **headers: str) -> httpx.Response:
    request = signed(cast.live.origin, cast.key("owner"), form_of("ListDelegationRequests"))
    request.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return send(request)


def test_an_unusable_signature_is_incomplete(cast: Cast) -> None:
    good = signed(cast.live.origin, cast.key("owner"), form_of("ListDelegationRequests"))
    header = good.headers["authorization"]
    with nothing_written(cast.live, audited=False):
        for answer in (
            mangled(cast, authorization="AWS4-HMAC-SHA256 nonsense"),
            mangled(cast, authorization=f"Bearer {cast.key('owner').secret_access_key}"),
            mangled(cast, authorization=header.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1")),
            mangled(cast, authorization=header.replace(";x-amz-date", "")),
            mangled(cast, authorization=header.replace("/aws4_request", "/aws5_request")),
            mangled(cast, x_amz_meta_unsigned="1"),
            mangled(cast, x_amz_date="yesterday"),
            mangled(cast, host="iam.amazonaws.com"),
            mangled(cast, content_encoding="gzip"),
            cast.post("owner", form_of("ListDelegationRequests"), service="s3"),
            cast.post("owner", form_of("ListDelegationRequests"), service="sts"),
            cast.post("owner", form_of("ListDelegationRequests"), path="/?X-Amz-Signature=00"),
        ):
            assert error_of(answer)[:2] == (400, "IncompleteSignature")


def test_a_second_credential_is_never_chosen_over_the_first(cast: Cast) -> None:
    request = signed(cast.live.origin, cast.key("owner"), form_of("ListDelegationRequests"))
    headers = [*request.headers.multi_items(), ("authorization", request.headers["authorization"])]
    with nothing_written(cast.live, audited=False):
        answer = send(httpx.Request("POST", request.url, headers=headers, content=request.content))
    assert error_of(answer)[:2] == (400, "IncompleteSignature")


@pytest.mark.parametrize("seconds", [900.000001, -901])
def test_a_request_signed_too_long_ago_or_ahead_has_expired(cast: Cast, still: StillClock, seconds: float) -> None:
    signed_at = still.now().replace(microsecond=0)
    request = signed(cast.live.origin, cast.key("owner"), form_of("ListDelegationRequests"), at=signed_at)
    still.set(signed_at)
    still.advance(seconds=900 if seconds > 0 else -900)
    assert send(request).status_code == 200
    still.set(signed_at)
    still.advance(seconds=seconds)
    with nothing_written(cast.live, audited=False):
        status, code, message = error_of(send(request))
    assert (status, code) == (400, "RequestExpired")
    # The words by which botocore notices that its clock is off.
    assert signed_at.strftime("%Y%m%dT%H%M%SZ") in message


# --- what is no call of an operation ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"Action": "CreateUser", "Version": "2010-05-08"}, 400, "InvalidAction"),
        ({"Action": "listDelegationRequests", "Version": "2010-05-08"}, 400, "InvalidAction"),
        ({"Action": "ListDelegationRequests", "Version": "2011-06-15"}, 400, "InvalidAction"),
        ({"Action": "ListDelegationRequests", "Version": "2010-05-09"}, 400, "InvalidAction"),
        ({"Action": "ListDelegationRequests"}, 400, "InvalidAction"),
        ({"Version": "2010-05-08"}, 400, "MissingAction"),
        ({"Action": "", "Version": "2010-05-08"}, 400, "MissingAction"),
        (b"", 400, "MissingAction"),
        (
            b"Action=ListDelegationRequests&Version=2010-05-08&Action=ListDelegationRequests",
            404,
            "MalformedQueryString",
        ),
        (b"Action=ListDelegationRequests&version=2010-05-08&Version=2010-05-08", 404, "MalformedQueryString"),
        (b"Action=ListDelegationRequests&Version=2010-05-08&Notes=%zz", 404, "MalformedQueryString"),
        (b"Action=ListDelegationRequests&Version=2010-05-08&Notes=%ff", 404, "MalformedQueryString"),
        (b"Action=ListDelegationRequests&Version=2010-05-08&Notes=%00", 404, "MalformedQueryString"),
        (b"Action=ListDelegationRequests&&Version=2010-05-08", 404, "MalformedQueryString"),
        (b"Action=ListDelegationRequests Version=2010-05-08", 404, "MalformedQueryString"),
        (b'{"Action": "ListDelegationRequests"}', 404, "MalformedQueryString"),
        (b"&".join(b"a%d=" % number for number in range(1001)), 404, "MalformedQueryString"),
    ],
)
def test_a_signed_form_that_calls_no_operation_is_refused_by_its_protocol(
    cast: Cast, form: dict[str, str] | bytes, status: int, code: str
) -> None:
    key = cast.key("owner")
    with nothing_written(cast.live, audited=False):
        answer = send(signed(cast.live.origin, key, form))
    assert error_of(answer)[:2] == (status, code)


def test_an_operation_is_posted_as_a_form_to_the_root_and_nowhere_else(cast: Cast) -> None:
    form, key = form_of("ListDelegationRequests"), cast.key("owner")
    in_query = "/?Action=ListDelegationRequests&Version=2010-05-08"
    with nothing_written(cast.live, audited=False):
        for more, expected in (
            ({"path": in_query}, (404, "MalformedQueryString")),
            ({"path": "/other"}, (404, "NotFound")),
            ({"method": "PUT"}, (405, "MethodNotAllowed")),
            ({"method": "GET"}, (405, "MethodNotAllowed")),
            ({"headers": {"content-type": "application/json"}}, (404, "MalformedQueryString")),
            ({"headers": {"content-type": f"{FORM}; charset=latin-1"}}, (404, "MalformedQueryString")),
        ):
            answer = send(signed(cast.live.origin, key, form, **more))
            assert error_of(answer)[:2] == expected


def test_a_request_that_is_too_large_is_refused_before_it_is_looked_at(cast: Cast) -> None:
    key = cast.key("owner")
    limit = 256 * 1024
    with nothing_written(cast.live, audited=False):
        most = error_of(send(signed(cast.live.origin, key, b"a" * limit)))
        over = error_of(send(signed(cast.live.origin, key, b"a" * (limit + 1))))
        headers = {f"x-extra-{number}": "1" for number in range(70)}
        many = error_of(send(signed(cast.live.origin, key, form_of("ListDelegationRequests"), headers=headers)))
    assert most[:2] == (404, "MalformedQueryString")
    assert over[:2] == (413, "RequestEntityTooLarge")
    assert many[:2] == (431, "RequestHeaderFieldsTooLarge")


# --- who asks too fast -----------------------------------------------------------------------------------


def until_throttled(act: Callable[[int], object]) -> None:
    """Repeat an act at one instant until it is throttled, which must come before it was done two thousand times."""
    answers = []
    for number in range(2000):
        try:
            act(number)
        except ClientError as failure:
            answers.append(failure.response["Error"]["Code"])
            if answers[-1] == "Throttling":
                break
    assert set(answers[:-1]) <= {"ValidationError", "NoSuchEntity"}
    assert answers[-1] == "Throttling"


def test_a_partner_that_files_too_fast_is_throttled_and_then_may_go_on(cast: Cast, still: StillClock) -> None:
    partner = cast.iam("partner")
    given = asked(cast)
    del given["OwnerAccountId"]
    until_throttled(
        lambda number: partner.create_delegation_request(**{**given, "RequestorWorkflowId": f"wf-{number:05}"})
    )
    with nothing_written(cast.live):
        given["RequestorWorkflowId"] = "wf-too-fast"
        refused(lambda: partner.create_delegation_request(**given), "ClientError", "Throttling", 400)
    still.advance(seconds=1)
    partner.create_delegation_request(**given)


def test_whoever_guesses_tokens_is_stopped_even_with_the_right_one(cast: Cast, still: StillClock) -> None:
    ports = cast.live.ports
    token = exchange_token_of(ports, arrived(ports, cast.people, State.FINALIZED, "wf-00001").id)
    client = cast.sts("partner")
    until_throttled(lambda number: client.get_delegated_access_token(TradeInToken=f"guess {number}"))
    with nothing_written(cast.live):
        refused(lambda: client.get_delegated_access_token(TradeInToken=token), "ClientError", "Throttling", 400)
    still.advance(seconds=3)
    client.get_delegated_access_token(TradeInToken=token)


def test_whoever_guesses_ids_is_stopped_but_may_still_end_what_it_lent(cast: Cast) -> None:
    request_id = arrived(cast.live.ports, cast.people, State.FINALIZED, "wf-00001").id
    approver = cast.iam("approver")
    until_throttled(lambda number: approver.get_delegation_request(DelegationRequestId=f"dr-{number:032}"))
    with nothing_written(cast.live):
        refused(approver.list_delegation_requests, "ClientError", "Throttling", 400)
    assert cast.iam("owner").list_delegation_requests()["DelegationRequests"]
    assert cast.post("approver", form_of("RevokeDelegation", DelegationRequestId=request_id)).status_code == 200
