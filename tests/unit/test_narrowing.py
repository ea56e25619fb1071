"""An owner who approves less lends less: proven, signed, told to the partner, enforced; never more than was asked."""

import json
from dataclasses import replace
from typing import Any, Final

import pytest
from staging.approvers import sign_up
from staging.clocks import StillClock
from staging.houses import People, a_request, settle_people
from staging.roles import ROLE_PERMISSIONS, asked_role, register_role_work

from service.house import House
from workflows import approval, delivery, release, step_up, submission
from workflows.digest import digest_of
from workflows.errors import BadInput, NotNarrower, RootDurationExceeded, SealBroken, StepUpRefused
from workflows.narrowing import Kept, Narrowing, as_asked, choices, difference, original_of, trimmed
from workflows.notifications import body_of
from workflows.policy.context import RequestContext
from workflows.policy.decision import Outcome
from workflows.ports import Ports
from workflows.records.account import Attachment
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest, State
from workflows.records.role import Role
from workflows.role_errands import due_role_errands
from workflows.role_plans import plan_of
from workflows.sessions import judge, standing_of_session

BUCKET: Final = "arn:aws:s3:::@{bucketName}/*"
ASKED: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Read",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": [BUCKET, "arn:aws:s3:::x"],
        },
        {"Sid": "Own", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::home-${aws:username}"},
        {"Sid": "Never", "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::@{bucketName}/secret/*"},
    ],
}
LESS: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"},
        {"Sid": "Never", "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::logs/secret/*"},
    ],
}


@pytest.fixture
def cast(house: House) -> People:
    return settle_people(house.ports, template=ASKED)


@pytest.fixture
def waiting(house: House, cast: People) -> DelegationRequest:
    request = submission.create(house.ports, cast.call("partner"), a_request(cast))
    return submission.associate(house.ports, cast.call("owner"), request.id)


def text(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def accept(
    ports: Ports, cast: People, request: DelegationRequest, less: Narrowing, by: str = "approver"
) -> DelegationRequest:
    return approval.accept(ports, cast.call(by), request.id, digest=request.digest, narrowing=less)


def told(ports: Ports, cast: People, kind: str) -> list[dict[str, object]]:
    messages = (body_of(ports, one) for one in delivery.mailbox(ports, cast.call("partner"), limit=100))
    return [one for one in messages if one["Type"] == kind]


def may(ports: Ports, key: str, action: str, resource: str, **context: str) -> bool:
    standing = ports.store.read(lambda tx: standing_of_session(tx, ports, key))
    known = RequestContext(context)
    decision = judge(standing, action=action, resource=resource, context=known, now=ports.clock.now())
    return decision is not None and decision.outcome is Outcome.ALLOWED


def test_what_is_lent_is_the_narrowed_policy_for_the_shorter_time(
    house: House, cast: People, waiting: DelegationRequest, clock: StillClock
) -> None:
    ports = house.ports
    moved = accept(ports, cast, waiting, Narrowing(text(LESS), 900))
    assert (json.loads(moved.permission_policy), moved.session_duration) == (LESS, 900)
    release.send(ports, cast.call("approver"), waiting.id)
    (message,) = told(ports, cast, "ExchangeToken")
    minted = release.exchange(ports, cast.call("partner"), str(message["ExchangeToken"]))
    assert (minted.expires_at - clock.now()).total_seconds() <= 900
    assert may(ports, minted.access_key_id, "s3:GetObject", "arn:aws:s3:::logs/today")
    assert not may(ports, minted.access_key_id, "s3:PutObject", "arn:aws:s3:::logs/today")
    assert not may(ports, minted.access_key_id, "s3:GetObject", "arn:aws:s3:::logs/secret/x")
    assert not may(ports, minted.access_key_id, "s3:ListBucket", "arn:aws:s3:::home-approver")


def test_a_narrowed_request_has_a_digest_of_its_own_and_keeps_what_was_asked(
    house: House, cast: People, waiting: DelegationRequest
) -> None:
    moved = accept(house.ports, cast, waiting, Narrowing(text(LESS)))
    assert moved.digest == digest_of(moved) != waiting.digest
    original = original_of(moved)
    assert original is not None
    assert (original.permission_policy, original.digest) == (waiting.permission_policy, waiting.digest)
    assert digest_of(as_asked(moved)) == waiting.digest


def test_the_partner_is_told_what_it_got_and_only_then(house: House, cast: People, waiting: DelegationRequest) -> None:
    accept(house.ports, cast, waiting, Narrowing(text(LESS), 1800))
    assigned, accepted = told(house.ports, cast, "StateChange")
    assert "PermissionPolicy" not in assigned
    assert json.loads(str(accepted["PermissionPolicy"])) == LESS
    assert accepted["SessionDuration"] == 1800


def wider(**more: Any) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **more}],
    }


@pytest.mark.parametrize(
    ("document", "evidence"),
    [
        (wider(), "allows s3:GetObject on"),
        (wider(Action="s3:DeleteObject", Resource="arn:aws:s3:::logs/*"), "allows s3:DeleteObject on"),
        (wider(Resource="arn:aws:s3:::logs/*"), "allows s3:GetObject on arn:aws:s3:::logs/secret/"),
        (wider(Action="s3:ListBucket", Resource="arn:aws:s3:::home-${aws:userid}"), "allows s3:ListBucket on"),
    ],
    ids=["another resource", "another action", "without the Deny", "another variable"],
)
def test_what_is_wider_is_refused_with_a_request_that_shows_it(
    house: House, cast: People, waiting: DelegationRequest, document: dict[str, Any], evidence: str
) -> None:
    with pytest.raises(NotNarrower, match=r"narrowing.permission_policy") as refused:
        accept(house.ports, cast, waiting, Narrowing(text(document)))
    assert evidence in str(refused.value)
    assert house.store.read(lambda tx: tx.get(DelegationRequest, waiting.id)) == waiting


@pytest.mark.parametrize(
    ("less", "problem"),
    [
        (Narrowing(), "changes nothing"),
        (Narrowing(seconds=3601), "accepted are 300 to 3600"),
        (Narrowing(seconds=299), "accepted are 300 to 3600"),
        (Narrowing(text({"Version": "2012-10-17", "Statement": LESS["Statement"][1:]})), "allows nothing any more"),
        (Narrowing("{"), "narrowing.permission_policy"),
        (Narrowing(text({**LESS, "Statement": [{"Effect": "Allow"}]})), r"narrowing.permission_policy.Statement\[0\]"),
        (
            Narrowing(text({**LESS, "Statement": [{**LESS["Statement"][0], "Sid": f"R{n}"} for n in range(30)]})),
            "at most 2048",
        ),
    ],
)
def test_what_is_no_narrowing_is_refused_by_field(
    house: House, cast: People, waiting: DelegationRequest, less: Narrowing, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        accept(house.ports, cast, waiting, less)


def test_a_variable_that_stays_as_it_was_asked_is_no_obstacle(
    house: House, cast: People, waiting: DelegationRequest
) -> None:
    own = {**ASKED["Statement"][1], "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    never = json.loads(waiting.permission_policy)["Statement"][2]
    moved = accept(house.ports, cast, waiting, Narrowing(text({"Version": "2012-10-17", "Statement": [own, never]})))
    assert moved.state is State.ACCEPTED


def test_root_may_approve_what_was_shortened_to_its_limit(house: House, cast: People) -> None:
    request = submission.create(house.ports, cast.call("partner"), a_request(cast, session_duration=40_000))
    submission.associate(house.ports, cast.call("owner"), request.id)
    with pytest.raises(RootDurationExceeded):
        approval.accept(house.ports, cast.call("root"), request.id, digest=request.digest)
    assert accept(house.ports, cast, request, Narrowing(seconds=14_400), by="root").session_duration == 14_400


def test_a_passkey_signs_exactly_what_stays(house: House, cast: People, waiting: DelegationRequest) -> None:
    ports, approver = house.ports, sign_up(house.ports, cast.approver)
    less = Narrowing(text(LESS), 900)
    with pytest.raises(StepUpRefused):
        approval.accept(
            ports, approver.call, waiting.id, digest=waiting.digest, proof=approver.proof(waiting), narrowing=less
        )
    proof = approver.proof(waiting, narrowing=less)
    with pytest.raises(StepUpRefused):
        approval.accept(ports, approver.call, waiting.id, digest=waiting.digest, proof=proof)
    other = replace(less, seconds=1200)
    with pytest.raises(StepUpRefused):
        approval.accept(ports, approver.call, waiting.id, digest=waiting.digest, proof=proof, narrowing=other)
    moved = approval.accept(ports, approver.call, waiting.id, digest=waiting.digest, proof=proof, narrowing=less)
    kept, faults = ports.store.read(lambda tx: step_up.verify_request(tx, ports, moved))
    assert ([one.digest for one in kept], faults) == ([moved.digest], [])


@pytest.mark.parametrize(
    ("forged", "fault"),
    [
        ({"permission_policy": text(wider())}, "not proven to stay within"),
        ({"session_duration": 7200}, "lasts longer"),
    ],
)
def test_what_was_changed_in_the_store_afterwards_is_found(
    house: House, cast: People, waiting: DelegationRequest, forged: dict[str, Any], fault: str
) -> None:
    moved = accept(house.ports, cast, waiting, Narrowing(text(LESS), 900))
    changed = replace(moved, **forged)
    changed = replace(changed, digest=digest_of(changed))
    _, faults = house.store.read(lambda tx: step_up.verify_request(tx, house.ports, changed))
    assert any(fault in one for one in faults)


def test_even_a_policy_that_was_made_wider_in_the_store_reaches_no_further_than_what_was_asked(
    house: House, cast: People, waiting: DelegationRequest
) -> None:
    ports = house.ports
    moved = accept(ports, cast, waiting, Narrowing(text(LESS), 900))
    release.send(ports, cast.call("approver"), waiting.id)
    (message,) = told(ports, cast, "ExchangeToken")
    minted = release.exchange(ports, cast.call("partner"), str(message["ExchangeToken"]))
    stored = house.store.read(lambda tx: tx.get(DelegationRequest, moved.id))
    assert stored is not None
    house.store.write(lambda tx: tx.put(replace(stored, permission_policy=text(wider(Action="s3:*")))))
    assert not may(ports, minted.access_key_id, "s3:DeleteObject", "arn:aws:s3:::logs/today")
    assert may(ports, minted.access_key_id, "s3:PutObject", "arn:aws:s3:::logs/today")


def test_a_request_whose_frozen_part_was_altered_cannot_be_narrowed(
    house: House, cast: People, waiting: DelegationRequest
) -> None:
    house.store.write(lambda tx: tx.put(replace(waiting, description="something else")))
    with pytest.raises(SealBroken):
        accept(house.ports, cast, waiting, Narrowing(text(LESS)))


def test_the_grant_ends_with_the_shorter_time(house: House, cast: People, waiting: DelegationRequest) -> None:
    accept(house.ports, cast, waiting, Narrowing(seconds=300))
    release.send(house.ports, cast.call("approver"), waiting.id)
    (grant,) = house.store.read(lambda tx: tx.find(Grant, request_id=waiting.id))
    assert (grant.deadline - grant.created_at).total_seconds() <= 300


def test_a_role_is_made_with_the_less_that_was_approved_and_ends_with_the_shorter_time(
    house: House, cast: People
) -> None:
    ports = house.ports
    asked = a_request(cast, template_arn=register_role_work(ports, ROLE_PERMISSIONS), role=asked_role())
    request = submission.create(ports, cast.call("partner"), asked)
    submission.associate(ports, cast.call("owner"), request.id)
    only = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"}
    less = Narrowing(text({"Version": "2012-10-17", "Statement": only}), 7200)
    moved = accept(ports, cast, request, less)
    plan = plan_of(moved)
    assert plan is not None
    assert (plan.lifetime, moved.session_duration) == (7200, 7200)
    release.send(ports, cast.call("approver"), request.id)
    due_role_errands(ports, 10)
    (role,) = ports.store.read(lambda tx: tx.find(Role, request_id=request.id))
    (attached,) = ports.store.read(lambda tx: tx.find(Attachment, principal_id=role.id))
    assert json.loads(attached.document or "")["Statement"] == only
    (grant,) = ports.store.read(lambda tx: tx.find(Grant, request_id=request.id))
    assert (grant.deadline - grant.created_at).total_seconds() <= 7200


# --- making less of a policy -----------------------------------------------------------------------------


def test_choices_are_the_actions_and_resources_of_every_allow(waiting: DelegationRequest) -> None:
    assert choices(waiting.permission_policy) == [
        (0, "Read", ("s3:GetObject", "s3:PutObject"), ("arn:aws:s3:::logs/*", "arn:aws:s3:::x")),
        (1, "Own", ("s3:ListBucket",), ("arn:aws:s3:::home-${aws:username}",)),
    ]


def test_what_is_trimmed_keeps_what_was_ticked_and_every_deny(
    house: House, cast: People, waiting: DelegationRequest
) -> None:
    kept = {0: Kept(frozenset({0}), frozenset({0})), 1: Kept(frozenset(), frozenset({0}))}
    less = trimmed(waiting.permission_policy, kept, ["192.0.2.0/24"])
    read, never, only = json.loads(less)["Statement"]
    assert (read["Action"], read["Resource"], never["Sid"]) == (["s3:GetObject"], ["arn:aws:s3:::logs/*"], "Never")
    assert only["Condition"] == {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}}
    assert accept(house.ports, cast, waiting, Narrowing(less)).state is State.ACCEPTED


def test_nothing_kept_and_what_is_no_range_are_refused(waiting: DelegationRequest) -> None:
    with pytest.raises(BadInput, match="keeps nothing"):
        trimmed(waiting.permission_policy, {})
    everything = {0: Kept(frozenset({0}), frozenset({0}))}
    for addresses in (["everywhere"], ["10.0.0.0/33"], ["10.0.0.0/8"] * 21):
        with pytest.raises(BadInput, match="addresses"):
            trimmed(waiting.permission_policy, everything, addresses)


def test_a_difference_is_told_line_by_line(waiting: DelegationRequest) -> None:
    lines = difference(waiting.permission_policy, text(LESS))
    assert any(mark == "-" and "s3:PutObject" in line for mark, line in lines)
    assert [line for mark, line in difference(text(LESS), text(LESS)) if mark != " "] == []
