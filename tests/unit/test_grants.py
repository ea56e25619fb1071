"""Every move of a grant that there is, every one that there is not, and the microseconds around its deadline."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from staging.clocks import NOON, StillClock
from staging.houses import People
from staging.wires import arrived, exchange_token_of, grant_of

from service.house import House
from service.views import grant as shown
from workflows import release
from workflows.errors import ExpiredExchangeToken, WrongState
from workflows.grants import MOVES, GrantAct, ended, seen_at, step, usable_at
from workflows.records.grant import EndReason, Grant, GrantKind, GrantState
from workflows.records.request import State
from workflows.revocation import sweep

MICRO = timedelta(microseconds=1)
DEADLINE = NOON + timedelta(hours=1)

# PLANNED is written before anything is made; STUCK is retried for ever; there is no way back to LIVE.
DESIGNED = {
    (GrantState.PLANNED, GrantAct.START): GrantState.LIVE,
    (GrantState.PLANNED, GrantAct.END): GrantState.REVOKING,
    (GrantState.LIVE, GrantAct.END): GrantState.REVOKING,
    (GrantState.REVOKING, GrantAct.CONFIRM): GrantState.REVOKED,
    (GrantState.REVOKING, GrantAct.FAIL): GrantState.STUCK,
    (GrantState.STUCK, GrantAct.RETRY): GrantState.REVOKING,
}
PAIRS = [(state, act) for state in GrantState for act in GrantAct]


def in_state(state: GrantState, kind: GrantKind = GrantKind.SESSION) -> Grant:
    """A grant in this state that ends an hour after noon."""
    given: dict[str, Any] = {
        "id": "dg-" + "0" * 32,
        "request_id": "dr-" + "0" * 32,
        "account_id": "111122223333",
        "partner_id": "444455556666",
        "approver_arn": "arn:aws:iam::111122223333:user/approver",
        "approver_principal_id": "AIDATESTS",
    }
    return Grant(
        kind=kind,
        token_hash="0" * 64,
        deadline=DEADLINE,
        exchanges=0,
        exchange_cap=100,
        state=state,
        end_reason=None,
        ended_by=None,
        ended_at=None,
        stuck_because=None,
        revision=0,
        created_at=NOON,
        **given,
    )


@pytest.mark.parametrize(("state", "act"), PAIRS, ids=str)
def test_a_grant_moves_as_designed_and_in_no_other_way(state: GrantState, act: GrantAct) -> None:
    grant = in_state(state)
    if (state, act) in DESIGNED:
        assert step(grant, act) == replace(grant, state=DESIGNED[state, act])
        return
    with pytest.raises(WrongState):
        step(grant, act)


def test_the_table_of_moves_is_the_designed_one_and_nothing_leads_back_to_life() -> None:
    assert dict(MOVES) == DESIGNED
    assert [state for (state, _), after in MOVES.items() if after is GrantState.LIVE] == [GrantState.PLANNED]


@pytest.mark.parametrize("state", GrantState, ids=str)
@pytest.mark.parametrize("off", [-MICRO, timedelta(), MICRO], ids=str)
def test_only_a_live_grant_is_usable_and_only_before_its_deadline(state: GrantState, off: timedelta) -> None:
    expected = state is GrantState.LIVE and off < timedelta()
    assert usable_at(in_state(state), DEADLINE + off) is expected


@pytest.mark.parametrize("off", [-MICRO, timedelta(), MICRO], ids=str)
def test_a_reader_sees_the_end_at_the_deadline_and_not_a_microsecond_before(off: timedelta) -> None:
    grant = in_state(GrantState.LIVE)
    seen = seen_at(grant, DEADLINE + off)
    if off < timedelta():
        assert seen is grant
    else:
        assert (seen.state, seen.end_reason, seen.ended_at) == (GrantState.REVOKED, EndReason.EXPIRED, DEADLINE)


def test_a_session_has_ended_at_once_and_a_role_is_on_its_way_out() -> None:
    session = ended(in_state(GrantState.LIVE), reason=EndReason.REVOKED, by="somebody", now=NOON)
    assert (session.state, session.ended_by, session.ended_at) == (GrantState.REVOKED, "somebody", NOON)
    role = ended(in_state(GrantState.LIVE, GrantKind.ROLE), reason=EndReason.REVOKED, by="somebody", now=NOON)
    assert role.state is GrantState.REVOKING


def test_what_has_ended_cannot_be_ended_again() -> None:
    with pytest.raises(WrongState):
        ended(in_state(GrantState.REVOKED), reason=EndReason.REVOKED, by=None, now=NOON)


def test_a_deadline_is_in_whole_seconds_and_never_later_than_was_asked(
    house: House,
    people: People,
    clock: StillClock,
) -> None:
    clock.set(NOON + timedelta(microseconds=999_999))
    request = arrived(house.ports, people, State.FINALIZED, "wf-00001", session_duration=300)
    deadline = grant_of(house.ports, request.id).deadline
    assert deadline == NOON + timedelta(seconds=300)
    minted = release.exchange(house.ports, people.call("partner"), exchange_token_of(house.ports, request.id))
    assert minted.expires_at == deadline


def test_every_session_of_a_grant_ends_at_the_same_instant_however_late_it_was_minted(
    house: House,
    people: People,
    clock: StillClock,
) -> None:
    request = arrived(house.ports, people, State.FINALIZED, "wf-00001")
    token = exchange_token_of(house.ports, request.id)
    deadline = grant_of(house.ports, request.id).deadline
    for instant in (NOON, NOON + timedelta(minutes=20), deadline - MICRO):
        clock.set(instant)
        assert release.exchange(house.ports, people.call("partner"), token).expires_at == deadline
    for late in (deadline, deadline + MICRO):
        clock.set(late)
        with pytest.raises(ExpiredExchangeToken):
            release.exchange(house.ports, people.call("partner"), token)


def test_a_grant_looks_the_same_before_and_after_it_is_swept(house: House, people: People, clock: StillClock) -> None:
    request = arrived(house.ports, people, State.FINALIZED, "wf-00001")
    clock.set(grant_of(house.ports, request.id).deadline + timedelta(hours=5))
    before = shown(grant_of(house.ports, request.id), house.ports)
    assert sweep(house.ports, limit=10).grants == 1
    assert shown(grant_of(house.ports, request.id), house.ports) == before
