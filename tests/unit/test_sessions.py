"""What a session may do now: what was rendered, and what its approver may do, and what the account allows; no more."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from staging.clocks import NOON, OffsetClock, StillClock
from staging.houses import ACCOUNT, OPERATOR, OTHER_ACCOUNT, PARTNER, People, house_in, settle_people
from staging.servers import LiveServer
from staging.wires import arrived, exchange_token_of, minted

from service.house import House
from service.jobs.sweep import Sweeper
from workflows import approval, credentialing, dismissal, inquiry, onboarding, release, revocation, submission
from workflows.authentication import candidate_for
from workflows.callers import Call
from workflows.errors import AccessDenied, BadInput, ExpiredExchangeToken, NoSuchEntity, SessionExpired
from workflows.onboarding import PolicyChoice
from workflows.policy.context import RequestContext
from workflows.policy.decision import Decision, Outcome
from workflows.policy.layers import LayerKind
from workflows.ports import Ports
from workflows.records.account import PrincipalKind
from workflows.records.request import State
from workflows.release import Minted
from workflows.sessions import judge, standing_of_principal, standing_of_session, supplied_context

OBJECT = "arn:aws:s3:::logs/2026/01/02"


def policy(effect: str, action: str | list[str], resource: str, **more: Any) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def decision(ports: Ports, session: Minted, action: str, resource: str, **context: str) -> Decision | None:
    """What a resource server would be told, or None when the session has ended."""
    standing = ports.store.read(lambda tx: standing_of_session(tx, ports, session.access_key_id))
    return judge(standing, action=action, resource=resource, context=RequestContext(context), now=ports.clock.now())


def allowed(ports: Ports, session: Minted, action: str = "s3:GetObject", resource: str = OBJECT) -> bool:
    try:
        answer = decision(ports, session, action, resource)
    except NoSuchEntity:
        return False
    return answer is not None and answer.allowed


def authenticates(ports: Ports, session: Minted) -> bool:
    found = ports.store.read(lambda tx: candidate_for(tx, ports, session.access_key_id, session.session_token))
    return found.caller is not None


@pytest.fixture
def session(house: House, people: People) -> Minted:
    """A session that may read the objects of one bucket, on the approver's authority."""
    return minted(house.ports, people, "wf-00001")


def test_a_session_may_do_what_was_rendered_and_nothing_beside_it(house: House, session: Minted) -> None:
    assert allowed(house.ports, session)
    assert not allowed(house.ports, session, "s3:PutObject")
    assert not allowed(house.ports, session, "s3:GetObject", "arn:aws:s3:::payroll/2026")
    assert not allowed(house.ports, session, "s3:GetObject", OBJECT.replace("logs", "LOGS"))


def test_the_answer_names_the_layer_that_refused(house: House, session: Minted) -> None:
    answer = decision(house.ports, session, "s3:PutObject", OBJECT)
    assert answer is not None
    assert answer.outcome is Outcome.IMPLICIT_DENY
    assert "session policy" in answer.because


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_session_ends_at_its_deadline_and_not_a_microsecond_before(
    house: House,
    session: Minted,
    clock: StillClock,
    off: int,
) -> None:
    clock.set(session.expires_at + timedelta(microseconds=off))
    assert allowed(house.ports, session) is (off < 0)
    assert authenticates(house.ports, session) is (off < 0)


def test_a_session_that_was_judged_before_is_still_refused_from_its_deadline_on(
    house: House,
    session: Minted,
) -> None:
    standing = house.ports.store.read(lambda tx: standing_of_session(tx, house.ports, session.access_key_id))

    def at(off: int) -> Decision | None:
        now = session.expires_at + timedelta(microseconds=off)
        return judge(standing, action="s3:GetObject", resource=OBJECT, context=RequestContext(), now=now)

    last = at(-1)
    assert last is not None
    assert last.allowed
    assert at(0) is None
    assert at(1) is None


# --- the approver's live rights -----------------------------------------------------------------------------


def test_what_the_approver_loses_the_session_loses_at_once_and_gets_back_with_it(house: House, session: Minted) -> None:
    who: dict[str, Any] = {"account_id": ACCOUNT, "user_name": "approver"}
    onboarding.detach_policy(house.ports, OPERATOR, policy_name="AdministratorAccess", **who)
    assert not allowed(house.ports, session)
    choice = PolicyChoice("Reader", policy("Allow", "s3:Get*", "arn:aws:s3:::logs/2026/*"))
    onboarding.attach_policy(house.ports, OPERATOR, choice=choice, **who)
    assert allowed(house.ports, session)
    assert not allowed(house.ports, session, "s3:GetObject", "arn:aws:s3:::logs/2025")


def test_an_explicit_deny_of_the_approver_wins(house: House, session: Minted) -> None:
    choice = PolicyChoice("NoLogs", policy("Deny", "s3:*", "arn:aws:s3:::logs/*"))
    onboarding.attach_policy(house.ports, OPERATOR, account_id=ACCOUNT, user_name="approver", choice=choice)
    answer = decision(house.ports, session, "s3:GetObject", OBJECT)
    assert answer is not None
    assert answer.outcome is Outcome.EXPLICIT_DENY


def test_a_disabled_approver_takes_its_sessions_along(house: House, people: People, session: Minted) -> None:
    onboarding.set_user_active(house.ports, OPERATOR, account_id=ACCOUNT, user_name="approver", active=False)
    assert not allowed(house.ports, session)
    assert not authenticates(house.ports, session)
    with pytest.raises(ExpiredExchangeToken):
        minted_again(house.ports, people)


def minted_again(ports: Ports, people: People) -> Minted:
    """Trade the token of the only request once more."""
    (request,) = inquiry.all_requests(ports, OPERATOR, limit=10, after=None).requests
    return release.exchange(ports, people.call("partner"), exchange_token_of(ports, request.id))


def test_the_approvers_boundary_caps_the_session(house: House, people: People) -> None:
    chief = onboarding.create_user(
        house.ports,
        OPERATOR,
        account_id=ACCOUNT,
        name="chief",
        policies=[PolicyChoice("AdministratorAccess")],
        boundary=policy("Allow", ["iam:*", "s3:ListBucket"], "*"),
    )
    session = minted(house.ports, replace(people, approver=chief), "wf-00001")
    assert not allowed(house.ports, session)


def test_a_guardrail_that_is_added_later_bites_at_once_and_one_of_another_account_does_not(
    house: House,
    session: Minted,
) -> None:
    deny = policy("Deny", "s3:GetObject", "*")
    onboarding.put_guardrail(house.ports, OPERATOR, account_id=OTHER_ACCOUNT, name="no-reading", document=deny)
    assert allowed(house.ports, session)
    onboarding.put_guardrail(house.ports, OPERATOR, account_id=ACCOUNT, name="no-reading", document=deny)
    assert not allowed(house.ports, session)
    onboarding.remove_guardrail(house.ports, OPERATOR, account_id=ACCOUNT, name="no-reading")
    assert allowed(house.ports, session)


def test_a_guardrail_with_an_allow_is_an_allow_list(house: House, session: Minted) -> None:
    allow = policy("Allow", "sqs:*", "*")
    onboarding.put_guardrail(house.ports, OPERATOR, account_id=ACCOUNT, name="queues-only", document=allow)
    assert not allowed(house.ports, session)


@pytest.mark.parametrize("name", ["owner", "stranger", "bystander"])
def test_nobody_elses_rights_count(house: House, people: People, session: Minted, name: str) -> None:
    account = ACCOUNT if name != "stranger" else OTHER_ACCOUNT
    onboarding.set_user_active(house.ports, OPERATOR, account_id=account, user_name=name, active=False)
    assert allowed(house.ports, session)


def test_a_stopped_partner_loses_its_sessions_and_resuming_it_does_not_bring_them_back(
    house: House,
    session: Minted,
) -> None:
    dismissal.stop_partner(house.ports, OPERATOR, PARTNER)
    assert not allowed(house.ports, session)
    assert not authenticates(house.ports, session)
    dismissal.resume_partner(house.ports, OPERATOR, PARTNER)
    assert not allowed(house.ports, session)
    assert not authenticates(house.ports, session)


def test_a_revoked_session_is_refused_from_the_next_call_on(house: House, people: People, session: Minted) -> None:
    (request,) = inquiry.all_requests(house.ports, OPERATOR, limit=10, after=None).requests
    revocation.revoke(house.ports, people.call("owner"), request.id, None)
    assert not allowed(house.ports, session)
    found = house.ports.store.read(
        lambda tx: candidate_for(tx, house.ports, session.access_key_id, session.session_token),
    )
    assert isinstance(found.refusal, SessionExpired)


# --- what is never lent -------------------------------------------------------------------------------------

NEVER_LENT = (
    *(f"iam:{name}DelegationRequest" for name in ("Create", "Associate", "Get", "Update", "Accept", "Reject")),
    "iam:ListDelegationRequests",
    "iam:SendDelegationToken",
    "iam:RevokeDelegation",
    "iam:GetHumanReadableSummary",
    "sts:GetDelegatedAccessToken",
    "sts:GetFederationToken",
    "sts:GetSessionToken",
    "iam:CreateAccessKey",
    "iam:UpdateAccessKey",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:ChangePassword",
    "iam:CreateVirtualMFADevice",
    "iam:DeactivateMFADevice",
    "iam:CreateSAMLProvider",
    "iam:CreateOpenIDConnectProvider",
    "iam:UploadSSHPublicKey",
    "iam:UploadSigningCertificate",
    "iam:CreateServiceSpecificCredential",
    "iam:CreateUser",
    "iam:PutUserPermissionsBoundary",
    "iam:DeleteRolePermissionsBoundary",
    "organizations:UpdatePolicy",
    "daypass:PutGuardrail",
    "daypass:RegisterChannel",
    "DayPass:CreateApiToken",
)


EVERYTHING: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Action": list(NEVER_LENT), "Resource": "*"},
    ],
}


def test_no_policy_lends_what_would_widen_or_outlive_the_session(house: House) -> None:
    people = settle_people(house.ports, template=EVERYTHING)
    session = minted(house.ports, people, "wf-00001", parameters=[])
    assert allowed(house.ports, session, "s3:PutObject", OBJECT)
    spelt = [spelling for action in NEVER_LENT for spelling in (action, action.lower(), action.upper())]
    assert [action for action in spelt if allowed(house.ports, session, action, "*")] == []


ACTS: Final[dict[str, Callable[[Ports, Call, str], object]]] = {
    "AssociateDelegationRequest": submission.associate,
    "UpdateDelegationRequest": lambda ports, call, one: submission.forward(ports, call, one, None),
    "AcceptDelegationRequest": lambda ports, call, one: approval.accept(ports, call, one, digest=None),
    "RejectDelegationRequest": lambda ports, call, one: approval.reject(ports, call, one, None),
    "SendDelegationToken": release.send,
    "RevokeDelegation": lambda ports, call, one: revocation.revoke(ports, call, one, None),
    "GetDelegationRequest": lambda ports, call, one: inquiry.show(ports, call, one, check=False),
    "ListDelegationRequests": lambda ports, call, _: inquiry.list_requests(
        ports, call, owner_arn=None, limit=10, after=None
    ),
    "GetDelegatedAccessToken": lambda ports, call, _: release.exchange(ports, call, "dpx1_"),
    "CreateUser": lambda ports, call, _: onboarding.create_user(
        ports, call, account_id=ACCOUNT, name="heir", policies=()
    ),
    "CreateAccessKey": lambda ports, call, _: credentialing.create_access_key(ports, call, call.caller.arn),
    "CreateApiToken": lambda ports, call, _: credentialing.create_api_token(ports, call, call.caller.arn),
    "PutGuardrail": lambda ports, call, _: onboarding.put_guardrail(
        ports, call, account_id=ACCOUNT, name="x", document=policy("Allow", "*", "*")
    ),
    "ListAuditEntries": lambda ports, call, _: inquiry.list_audit(ports, call, account_id=None, before=None, limit=1),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_session_may_neither_decide_nor_change_anything_here_and_every_attempt_is_written_down(
    house: House, act: str
) -> None:
    people = settle_people(house.ports, template=EVERYTHING)
    session = minted(house.ports, people, "wf-00001", parameters=[])
    found = house.ports.store.read(
        lambda tx: candidate_for(tx, house.ports, session.access_key_id, session.session_token),
    )
    assert found.caller is not None
    waiting = arrived(house.ports, people, State.ASSIGNED, "wf-00002", parameters=[])
    with pytest.raises(AccessDenied):
        ACTS[act](house.ports, Call(caller=found.caller, id="call-session", wire="aws"), waiting.id)
    (entry,) = inquiry.list_audit(house.ports, people.call("approver"), account_id=None, before=None, limit=1)
    body = json.loads(entry.body)
    assert (body["act"], body["failure"]) == (act, "AccessDenied")
    assert body["caller"]["delegate"] == PARTNER
    assert body["caller"]["credential"] == session.access_key_id


# --- what a resource server may state -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "aws:PrincipalArn",
        "AWS:principalaccount",
        "aws:PrincipalTag/team",
        "aws:MultiFactorAuthPresent",
        "aws:userid",
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:TokenIssueTime",
        "aws:SourceIdentity",
        "aws:MultiFactorAuthAge",
    ],
)
def test_a_resource_server_cannot_say_who_the_caller_is_or_when_it_acts(key: str) -> None:
    with pytest.raises(BadInput) as refusal:
        supplied_context({"aws:SourceIp": "192.0.2.1", key: "x"})
    assert key in refusal.value.field


@pytest.mark.parametrize(("owner", "expected"), [("111122223333", True), ("999988887777", False)])
def test_a_session_reaches_no_resource_of_another_account(
    house: House, session: Minted, owner: str, *, expected: bool
) -> None:
    answer = decision(house.ports, session, "s3:GetObject", OBJECT, **{"aws:ResourceAccount": owner})
    assert answer is not None
    assert answer.allowed is expected


def test_a_resource_server_can_say_where_the_call_came_from() -> None:
    supplied_context({"aws:SourceIp": "192.0.2.1", "s3:prefix": "2026/", "aws:SecureTransport": "true"})


def test_a_session_is_its_approver_without_a_second_factor(house: House, people: People, session: Minted) -> None:
    standing = house.ports.store.read(lambda tx: standing_of_session(tx, house.ports, session.session_token))
    assert (standing.caller.name, standing.caller.is_delegated) == (people.approver.arn, True)
    assert standing.identity.get("aws:PrincipalArn") == people.approver.arn
    assert standing.identity.get("aws:MultiFactorAuthPresent") == "false"
    assert standing.identity.get("aws:TokenIssueTime") == NOON.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [layer.kind for layer in standing.layers].count(LayerKind.SESSION) == 1


@pytest.mark.parametrize("mangle", [lambda token: token + "x", lambda token: token[:-2], lambda token: token.upper()])
def test_a_mangled_session_token_is_no_subject(
    house: House,
    session: Minted,
    mangle: Callable[[str], str],
) -> None:
    with pytest.raises(NoSuchEntity):
        house.ports.store.read(lambda tx: standing_of_session(tx, house.ports, mangle(session.session_token)))


def test_users_and_root_have_a_standing_of_their_own_and_partners_have_none(house: House, people: People) -> None:
    for name in ("root", "approver"):
        standing = house.ports.store.read(lambda tx, n=name: standing_of_principal(tx, getattr(people, n).arn))  # type: ignore[misc]
        assert standing.ends_at is None
    for arn in (people.partner.arn, f"arn:aws:iam::{ACCOUNT}:user/nobody"):
        with pytest.raises(NoSuchEntity):
            house.ports.store.read(lambda tx, arn=arn: standing_of_principal(tx, arn))  # type: ignore[misc]


# --- over a real socket, from a cache -----------------------------------------------------------------------


def asked(live: LiveServer, token: str, subject: str) -> bool:
    body = {
        "subject": {"type": "session", "id": subject},
        "action": {"name": "s3:GetObject"},
        "resource": {"type": "s3:object", "id": OBJECT},
    }
    with live.http(token) as http:
        return bool(http.post("/access/v1/evaluation", json=body).raise_for_status().json()["decision"])


def test_a_cached_decision_ends_with_the_grant_the_approvers_right_and_the_deadline(
    live: LiveServer,
    live_people: People,
    live_clock: OffsetClock,
) -> None:
    ports, kind = live.ports, PrincipalKind.RESOURCE_SERVER
    server = onboarding.create_housed_principal(ports, OPERATOR, kind=kind, name="objects")
    token = credentialing.create_api_token(ports, OPERATOR, server.arn, scopes=("decide",)).token
    first, second = (minted(ports, live_people, f"wf-0000{number}") for number in (1, 2))
    assert asked(live, token, first.access_key_id)
    assert asked(live, token, second.session_token)
    (_, older) = inquiry.list_grants(ports, OPERATOR, account_id=None, limit=10, after=None).grants
    revocation.revoke_grant(ports, OPERATOR, older.id)
    assert not asked(live, token, first.access_key_id)
    assert asked(live, token, second.session_token)
    document = policy("Deny", "s3:*", "*")
    onboarding.put_guardrail(ports, OPERATOR, account_id=ACCOUNT, name="none", document=document)
    assert not asked(live, token, second.session_token)
    onboarding.remove_guardrail(ports, OPERATOR, account_id=ACCOUNT, name="none")
    assert asked(live, token, second.session_token)
    live_clock.advance(hours=1)
    assert not asked(live, token, second.session_token)


# --- a clock that is set back -------------------------------------------------------------------------------


def test_a_clock_that_was_set_back_before_a_restart_brings_nothing_to_life(tmp_path: Path) -> None:
    ahead = StillClock(NOON.replace(year=2999))
    house = house_in(tmp_path, ahead)
    session = minted(house.ports, settle_people(house.ports), "wf-00001")
    ahead.set(session.expires_at)
    Sweeper(house.ports).tidy()
    house.close()
    again = house_in(tmp_path)  # under the machine's own clock, centuries behind
    try:
        assert again.ports.clock.now() >= session.expires_at
        assert not authenticates(again.ports, session)
        assert not allowed(again.ports, session)
    finally:
        again.close()
