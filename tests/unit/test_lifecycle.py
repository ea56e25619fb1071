"""Every move of a request that there is, every one that there is not, and the microseconds around each timer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from staging.clocks import NOON, StillClock
from staging.houses import People, a_request
from staging.wires import arrived

from service.house import House
from workflows import approval, inquiry, release, submission
from workflows.errors import WrongState
from workflows.ids import PrincipalId
from workflows.lifecycle import LIFETIMES, MOVES, OPEN_STATES, Act, state_at, step
from workflows.records.request import DelegationRequest, State
from workflows.revocation import sweep

DAY = timedelta(days=1)
MICRO = timedelta(microseconds=1)
BY = PrincipalId("AIDATESTS")

# The published life cycle of IAM temporary delegation, written down a second time.
PUBLISHED: dict[tuple[State, Act], State] = {
    (State.UNASSIGNED, Act.ASSOCIATE): State.ASSIGNED,
    (State.ASSIGNED, Act.UPDATE): State.PENDING_APPROVAL,
    (State.PENDING_APPROVAL, Act.UPDATE): State.PENDING_APPROVAL,
    (State.ASSIGNED, Act.ACCEPT): State.ACCEPTED,
    (State.PENDING_APPROVAL, Act.ACCEPT): State.ACCEPTED,
    (State.ACCEPTED, Act.SEND): State.FINALIZED,
    (State.ASSIGNED, Act.REJECT): State.REJECTED,
    (State.PENDING_APPROVAL, Act.REJECT): State.REJECTED,
    (State.ACCEPTED, Act.REJECT): State.REJECTED,
    **{(state, Act.EXPIRE): State.EXPIRED for state in State if state is not State.EXPIRED},
}
PUBLISHED_TIMERS = {state: 7 * DAY for state in State if state not in (State.UNASSIGNED, State.EXPIRED)} | {
    State.UNASSIGNED: DAY,
}
PAIRS = [(state, act) for state in State for act in Act]


def in_state(state: State, **more: Any) -> DelegationRequest:
    """A request that entered this state at noon."""
    given: dict[str, Any] = {
        "id": "dr-" + "0" * 32,
        "requestor_id": "444455556666",
        "requestor_name": "Lumenwatch",
        "requestor_domain": "lumenwatch.example",
        "workflow_id": "wf-00001",
        "target_account_id": None,
        "description": "",
        "request_message": None,
        "template_arn": "arn:aws:iam::partner:policy-template/lumenwatch.example/Read_2026_01_01",
        "parameters": (),
        "permission_policy": "{}",
        "boundaries": (),
        "session_duration": 3600,
        "redirect_url": None,
        "only_send_by_owner": False,
        "channel_arn": "arn:aws:sns:local:444455556666:main",
        "digest": "",
        "created_at": NOON,
        "revision": 0,
        "owner_account_id": None,
        "owner_arn": None,
        "owner_principal_id": None,
        "approver_arn": None,
        "approver_principal_id": None,
        "notes": None,
        "rejection_reason": None,
        "moved_by": None,
        "entered_state_at": NOON,
        "expires_at": NOON + LIFETIMES.get(state, timedelta()),
        "updated_at": NOON,
        "notified": 0,
    }
    return DelegationRequest(state=state, **{**given, **more})


def moment_of(request: DelegationRequest, act: Act) -> Any:
    return request.expires_at if act is Act.EXPIRE else NOON + timedelta(seconds=1)


def test_the_table_of_moves_is_the_published_one() -> None:
    assert dict(MOVES) == PUBLISHED


def test_the_timers_are_the_published_ones() -> None:
    assert dict(LIFETIMES) == PUBLISHED_TIMERS


@pytest.mark.parametrize(("state", "act"), [pair for pair in PAIRS if pair in PUBLISHED], ids=str)
def test_a_published_move_enters_its_state_names_who_moved_it_and_starts_the_timer(state: State, act: Act) -> None:
    request = in_state(state)
    now = moment_of(request, act)
    moved = step(request, act, now=now, by=BY)
    assert moved.state is PUBLISHED[state, act]
    assert moved.updated_at == now
    if moved.state is not state:
        assert (moved.entered_state_at, moved.moved_by) == (now, BY)
    if moved.state not in (state, State.EXPIRED):
        assert moved.expires_at == now + PUBLISHED_TIMERS[moved.state]


@pytest.mark.parametrize(("state", "act"), [pair for pair in PAIRS if pair not in PUBLISHED], ids=str)
def test_there_is_no_other_move(state: State, act: Act) -> None:
    request = in_state(state, expires_at=NOON + DAY)
    with pytest.raises(WrongState) as refusal:
        step(request, act, now=NOON + (DAY if act is Act.EXPIRE else timedelta()), by=BY)
    assert (refusal.value.state, refusal.value.act) == (state.value, act.value)


@pytest.mark.parametrize("state", sorted(PUBLISHED_TIMERS), ids=str)
@pytest.mark.parametrize(("off", "expired"), [(-MICRO, False), (timedelta(), True), (MICRO, True)], ids=str)
def test_a_request_expires_at_its_instant_and_not_a_microsecond_before(
    state: State,
    off: timedelta,
    expired: bool,  # noqa: FBT001  a parametrised case
) -> None:
    request = in_state(state)
    now = request.expires_at + off
    assert (state_at(request, now) is State.EXPIRED) is expired
    if expired:
        assert step(request, Act.EXPIRE, now=now, by=None).state is State.EXPIRED
    else:
        assert state_at(request, now) is state
        with pytest.raises(WrongState):
            step(request, Act.EXPIRE, now=now, by=None)


@pytest.mark.parametrize(
    ("state", "act"),
    [pair for pair in PUBLISHED if pair[1] is not Act.EXPIRE],
    ids=str,
)
def test_nobody_can_move_a_request_from_the_instant_at_which_it_expires(state: State, act: Act) -> None:
    request = in_state(state)
    assert step(request, act, now=request.expires_at - MICRO, by=BY).state is PUBLISHED[state, act]
    for late in (request.expires_at, request.expires_at + MICRO):
        with pytest.raises(WrongState) as refusal:
            step(request, act, now=late, by=BY)
        assert refusal.value.state == "EXPIRED"


def test_forwarding_again_does_not_restart_the_timer() -> None:
    request = in_state(State.PENDING_APPROVAL)
    again = step(request, Act.UPDATE, now=NOON + 6 * DAY, by=PrincipalId("AIDAOTHER"))
    assert again == replace(request, updated_at=NOON + 6 * DAY)


def test_only_what_still_waits_for_somebody_is_open() -> None:
    assert {State.UNASSIGNED, State.ASSIGNED, State.PENDING_APPROVAL, State.ACCEPTED} == OPEN_STATES


@pytest.mark.parametrize("off", [-MICRO, timedelta(), MICRO], ids=str)
def test_every_use_case_keeps_to_the_timer_though_nothing_was_swept(
    house: House,
    people: People,
    clock: StillClock,
    off: timedelta,
) -> None:
    request = submission.create(house.ports, people.call("partner"), a_request(people))
    clock.set(request.expires_at + off)
    if off < timedelta():
        claimed = submission.associate(house.ports, people.call("owner"), request.id)
        assert claimed.state is State.ASSIGNED
        return
    with pytest.raises(WrongState):
        submission.associate(house.ports, people.call("owner"), request.id)


@pytest.mark.parametrize("swept", [False, True])
def test_everybody_who_could_see_a_request_nobody_claimed_sees_that_it_expired_swept_or_not(
    house: House,
    people: People,
    clock: StillClock,
    swept: bool,  # noqa: FBT001  a parametrised case
) -> None:
    request = submission.create(house.ports, people.call("partner"), a_request(people))
    clock.set(request.expires_at)
    if swept:
        assert sweep(house.ports, limit=10).requests == 1
    shown = inquiry.show(house.ports, people.call("bystander"), request.id, check=False).request
    assert state_at(shown, clock.now()) is State.EXPIRED


def test_an_approval_can_be_taken_back_until_it_is_released_and_not_after(house: House, people: People) -> None:
    owner = people.call("owner")
    accepted = arrived(house.ports, people, State.ACCEPTED, "wf-taken-back")
    assert approval.reject(house.ports, owner, accepted.id, None).state is State.REJECTED
    released = arrived(house.ports, people, State.FINALIZED, "wf-released")
    with pytest.raises(WrongState):
        approval.reject(house.ports, owner, released.id, None)


@pytest.mark.parametrize("off", [timedelta(), MICRO], ids=str)
def test_repeating_a_move_within_a_minute_is_no_error_and_afterwards_is_one(
    house: House,
    people: People,
    clock: StillClock,
    off: timedelta,
) -> None:
    released = arrived(house.ports, people, State.FINALIZED, "wf-00001")
    clock.set(released.entered_state_at + timedelta(seconds=60) + off)
    if off:
        with pytest.raises(WrongState):
            release.send(house.ports, people.call("approver"), released.id)
    else:
        assert release.send(house.ports, people.call("approver"), released.id) == released
