"""Access decisions: what a resource server is told of sessions and principals, until the very instant that it ends."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from staging.clocks import StillClock
from staging.houses import ACCOUNT, OPERATOR, PARTNER, earlier_template
from staging.wires import Cast, arrived, exchange_token_of, minted, nothing_written, send, signed

from workflows import credentialing, dismissal, onboarding, release, revocation
from workflows.onboarding import PolicyChoice
from workflows.records.account import PrincipalKind
from workflows.records.request import State

LOGS, GOLD = "arn:aws:s3:::logs/today", "arn:aws:s3:::gold/bar"
DENY_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def guard(cast: Cast) -> Iterator[httpx.Client]:
    """The client of a resource server."""
    made = onboarding.create_housed_principal(
        cast.live.ports, OPERATOR, kind=PrincipalKind.RESOURCE_SERVER, name="store"
    )
    fresh = credentialing.create_api_token(cast.live.ports, OPERATOR, made.arn, scopes=("decide",))
    with cast.live.http(fresh.token) as client:
        yield client


def question(subject: str, resource: str = LOGS, action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    kind = "principal" if subject.startswith("arn:") else "session"
    return {
        "subject": {"type": kind, "id": subject},
        "action": {"name": action},
        "resource": {"type": "s3:object", "id": resource},
        **more,
    }


def asked(guard: httpx.Client, *given: str, **more: Any) -> bool:
    answer = guard.post("/access/v1/evaluation", json=question(*given, **more))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told.keys() == {"decision", "context"}
    assert told["context"]["reason"]
    return bool(told["decision"])


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].removeprefix("urn:daypass:problem:")


# --- decisions -------------------------------------------------------------------------------------------


def test_a_session_may_do_what_was_approved_and_nothing_else(cast: Cast, guard: httpx.Client) -> None:
    session = minted(cast.live.ports, cast.people, "wf-00001")
    for subject in (session.access_key_id, session.session_token):
        assert asked(guard, subject)
        assert not asked(guard, subject, GOLD)
        assert not asked(guard, subject, LOGS, "s3:PutObject")
    answer = guard.post("/access/v1/evaluation", json=question(session.session_token)).json()
    assert any(name.endswith(":Read") for name in answer["context"]["matched"])


@pytest.mark.parametrize("subject", ["", "x", "ASIAAAAAAAAAAAAAAAAA", "dps1.ASIAAAAAAAAAAAAAAAAA.x", "\U0001f511"])
def test_a_subject_that_does_not_exist_may_do_nothing(cast: Cast, guard: httpx.Client, subject: str) -> None:
    answer = guard.post("/access/v1/evaluation", json=question(subject))
    if subject:
        assert answer.json()["decision"] is False
    else:
        assert (refused(answer), answer.json()["field"]) == ((400, "invalid-input"), "subject.id")


def test_a_session_token_is_compared_whole(cast: Cast, guard: httpx.Client) -> None:
    session = minted(cast.live.ports, cast.people, "wf-00001")
    token = session.session_token
    for wrong in (token[:-1], token + "A", token[:-1] + ("A" if token[-1] != "A" else "B"), token.lower()):
        assert not asked(guard, wrong)


def test_a_principal_may_do_what_its_policies_say(cast: Cast, guard: httpx.Client) -> None:
    people = cast.people
    assert asked(guard, people.approver.arn, GOLD, "s3:DeleteObject")
    assert asked(guard, people.root.arn, GOLD)
    assert not asked(guard, people.bystander.arn)
    for nobody in (people.partner.arn, "arn:aws:iam::111122223333:user/nobody"):
        assert not asked(guard, nobody)


def test_conditions_are_judged_by_what_the_resource_server_states(cast: Cast, guard: httpx.Client) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}, "Bool": {"aws:SecureTransport": "true"}},
    }
    choice = PolicyChoice("own", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    onboarding.attach_policy(cast.live.ports, OPERATOR, account_id=ACCOUNT, user_name="bystander", choice=choice)
    arn = cast.people.bystander.arn
    assert asked(guard, arn, context={"aws:SourceIp": "192.0.2.7", "aws:SecureTransport": True})
    assert not asked(guard, arn, context={"aws:SourceIp": "192.0.3.7", "aws:SecureTransport": True})
    assert not asked(guard, arn, context={"aws:SourceIp": "192.0.2.7"})
    assert not asked(guard, arn)


@pytest.mark.parametrize(
    "key",
    [
        "aws:PrincipalArn",
        "AWS:PRINCIPALARN",
        "aws:PrincipalAccount",
        "aws:PrincipalTag/team",
        "aws:userid",
        "aws:username",
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:TokenIssueTime",
        "aws:MultiFactorAuthPresent",
        "aws:MultiFactorAuthAge",
        "aws:SourceIdentity",
    ],
)
def test_who_it_is_and_when_is_for_the_service_to_say(cast: Cast, guard: httpx.Client, key: str) -> None:
    one = question(cast.people.approver.arn, context={key: "x"})
    for path, body in (("evaluation", one), ("evaluations", {**one, "evaluations": [{}]})):
        answer = guard.post(f"/access/v1/{path}", json=body)
        assert refused(answer) == (400, "invalid-input")
        assert key in answer.json()["field"]


def test_no_policy_lends_what_would_outlive_or_widen_the_session(cast: Cast, guard: httpx.Client) -> None:
    ports = cast.live.ports
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    template = earlier_template(ports, "All_2026_01_01", everything)
    session = minted(ports, cast.people, "wf-00001", template_arn=template, parameters=[])
    assert asked(guard, session.access_key_id, GOLD)
    for action in (
        "iam:AcceptDelegationRequest",
        "iam:SendDelegationToken",
        "iam:CreateAccessKey",
        "iam:CreateUser",
        "iam:DeleteRolePermissionsBoundary",
        "sts:GetFederationToken",
        "sts:GetSessionToken",
        "IAM:createaccesskey",
        "daypass:CreateApiToken",
    ):
        assert not asked(guard, session.access_key_id, "*", action), action


# --- batches ---------------------------------------------------------------------------------------------


def batch(guard: httpx.Client, **body: Any) -> list[bool]:
    answer = guard.post("/access/v1/evaluations", json=body)
    assert answer.status_code == 200, answer.text
    return [one["decision"] for one in answer.json()["evaluations"]]


def test_a_batch_takes_what_its_questions_leave_out_from_itself_and_answers_in_order(
    cast: Cast, guard: httpx.Client
) -> None:
    session = minted(cast.live.ports, cast.people, "wf-00001")
    shared = question(session.access_key_id)
    gold, logs = {"resource": {"id": GOLD}}, {"resource": {"id": LOGS}}
    put, other = {"action": {"name": "s3:PutObject"}}, {"subject": {"type": "principal", "id": cast.people.root.arn}}
    assert batch(guard, **shared, evaluations=[{}, gold, logs, put, other | put]) == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("semantic", "answers"),
    [
        (None, [True, False, True, False]),
        ("execute_all", [True, False, True, False]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_a_batch_stops_where_its_semantic_says(
    cast: Cast, guard: httpx.Client, semantic: str | None, answers: list[bool]
) -> None:
    options = {"options": {"evaluations_semantic": semantic}} if semantic else {}
    questions = [{"resource": {"id": one}} for one in (LOGS, GOLD, LOGS, GOLD)]
    session = minted(cast.live.ports, cast.people, "wf-00001")
    assert batch(guard, **question(session.access_key_id), evaluations=questions, **options) == answers


def test_a_batch_of_nothing_is_one_question(cast: Cast, guard: httpx.Client) -> None:
    answer = guard.post("/access/v1/evaluations", json=question(cast.people.root.arn))
    assert answer.json()["decision"] is True


def test_a_question_of_the_wrong_shape_is_a_problem_and_changes_nothing(cast: Cast, guard: httpx.Client) -> None:
    good = question(cast.people.root.arn)
    wrong: list[dict[str, Any]] = [
        {},
        {**good, "subject": None},
        {**good, "subject": {"type": "user", "id": "x"}},
        {**good, "action": {"name": ""}},
        {**good, "action": {"name": "x" * 2049}},
        {**good, "resource": {"id": ["x"]}},
        {**good, "context": {f"key{number}": "x" for number in range(65)}},
        {**good, "context": {"key": {"nested": "x"}}},
        {**good, "context": "text"},
    ]
    batches: list[dict[str, Any]] = [
        {**good, "evaluations": [{}] * 501},
        {**good, "evaluations": [{}], "options": {"evaluations_semantic": "guess"}},
        {**good, "evaluations": [{}, {"subject": {"type": "nobody", "id": "x"}}]},
        {"evaluations": [{}]},
    ]
    with nothing_written(cast.live, audited=False):
        for path, bodies in (("evaluation", wrong), ("evaluations", batches)):
            for body in bodies:
                assert refused(guard.post(f"/access/v1/{path}", json=body)) == (400, "invalid-input")
            for raw in (b"", b"{", b"[" * 100_000, b'{"subject":' * 50_000, b"\xff", b'{"x":' + b"[" * 90_000):
                assert refused(guard.post(f"/access/v1/{path}", content=raw))[0] == 400


# --- who may ask -----------------------------------------------------------------------------------------


def test_only_a_registered_resource_server_may_ask(cast: Cast) -> None:
    body = question(cast.people.root.arn)
    for name in ("root", "approver", "partner"):
        with cast.api(name) as client:
            assert refused(client.post("/access/v1/evaluation", json=body)) == (403, "access-denied")
            assert refused(client.post("/access/v1/evaluations", json=body)) == (403, "access-denied")
    with cast.live.http() as client, cast.live.http("dpa1_nonsense") as wrong:
        assert refused(client.post("/access/v1/evaluation", json=body))[0] == 401
        assert refused(wrong.post("/access/v1/evaluation", json=body))[0] == 401
    raw = json.dumps(body).encode()
    more = {"service": "daypass", "path": "/access/v1/evaluation", "headers": {"content-type": "application/json"}}
    assert refused(send(signed(cast.live.origin, cast.key("approver"), raw, **more)))[0] == 401  # type: ignore[arg-type]


def test_a_resource_server_may_do_nothing_but_ask(guard: httpx.Client) -> None:
    for method, path in (("GET", "/v1/me"), ("GET", "/v1/requests"), ("POST", "/v1/tokens"), ("GET", "/v1/audit")):
        assert refused(guard.request(method, path, json={}))[0] == 403


def test_a_resource_server_whose_token_was_revoked_is_refused_at_its_next_question(cast: Cast) -> None:
    ports = cast.live.ports
    made = onboarding.create_housed_principal(ports, OPERATOR, kind=PrincipalKind.RESOURCE_SERVER, name="store")
    fresh = credentialing.create_api_token(ports, OPERATOR, made.arn, scopes=("decide",), days=1)
    with cast.live.http(fresh.token) as client:
        assert asked(client, cast.people.root.arn)
        credentialing.revoke_api_token(ports, OPERATOR, fresh.record.id)
        assert refused(client.post("/access/v1/evaluation", json=question(cast.people.root.arn)))[0] == 401


# --- the end ---------------------------------------------------------------------------------------------


def test_a_session_is_refused_at_its_very_deadline(cast: Cast, guard: httpx.Client, still: StillClock) -> None:
    session = minted(cast.live.ports, cast.people, "wf-00001")
    assert asked(guard, session.access_key_id)
    still.set(session.expires_at)
    still.advance(microseconds=-1)
    assert asked(guard, session.access_key_id)
    still.advance(microseconds=1)
    assert not asked(guard, session.access_key_id)
    assert not asked(guard, session.session_token)


def test_a_revoked_session_is_refused_at_the_next_question(cast: Cast, guard: httpx.Client) -> None:
    ports = cast.live.ports
    request = arrived(ports, cast.people, State.FINALIZED, "wf-00001")
    partner, token = cast.people.call("partner"), exchange_token_of(ports, request.id)
    sessions = [release.exchange(ports, partner, token).access_key_id for _ in range(2)]
    assert all(asked(guard, one) for one in sessions)
    revocation.revoke(ports, cast.people.call("owner"), request.id, None)
    assert not any(asked(guard, one) for one in sessions)


def no_approver(cast: Cast) -> None:
    onboarding.set_user_active(cast.live.ports, OPERATOR, account_id=ACCOUNT, user_name="approver", active=False)


def no_rights(cast: Cast) -> None:
    names = {"account_id": ACCOUNT, "user_name": "approver", "policy_name": "AdministratorAccess"}
    onboarding.detach_policy(cast.live.ports, OPERATOR, **names)


def a_guardrail(cast: Cast) -> None:
    onboarding.put_guardrail(cast.live.ports, OPERATOR, account_id=ACCOUNT, name="stop", document=json.dumps(DENY_ALL))


def no_partner(cast: Cast) -> None:
    dismissal.stop_partner(cast.live.ports, OPERATOR, PARTNER)


@pytest.mark.parametrize("change", [no_approver, no_rights, a_guardrail, no_partner])
def test_a_session_ends_with_what_it_stands_on(cast: Cast, guard: httpx.Client, change: Callable[[Cast], None]) -> None:
    session = minted(cast.live.ports, cast.people, "wf-00001")
    assert asked(guard, session.access_key_id)
    change(cast)
    assert not asked(guard, session.access_key_id)
    assert not asked(guard, session.session_token)


def test_what_root_approved_ends_when_root_is_disabled(cast: Cast, guard: httpx.Client) -> None:
    ports = cast.live.ports
    request = arrived(ports, cast.people, State.ASSIGNED, "wf-00001")
    cast.iam("root").accept_delegation_request(DelegationRequestId=request.id)
    cast.iam("owner").send_delegation_token(DelegationRequestId=request.id)
    token = exchange_token_of(ports, request.id)
    session = release.exchange(ports, cast.people.call("partner"), token)
    assert asked(guard, session.access_key_id)
    onboarding.set_user_active(ports, OPERATOR, account_id=ACCOUNT, user_name="root", active=False)
    assert not asked(guard, session.access_key_id)
    assert not asked(guard, cast.people.root.arn)
