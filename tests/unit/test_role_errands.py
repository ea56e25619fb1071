"""Roles of grants are made once and taken away wholly, whatever fails on the way and however often it is tried."""

from datetime import timedelta

import pytest
from staging.clocks import StillClock
from staging.houses import OPERATOR, PARTNER, People
from staging.roles import ROLE_PERMISSIONS, register_role_work, role_grant

from service.house import House
from service.jobs.sweep import Sweeper
from workflows import dismissal, farewell, removal, revocation, role_errands, role_policies
from workflows.errors import DeleteConflict
from workflows.records.errand import Errand
from workflows.records.grant import Grant, GrantState
from workflows.records.partner import Partner, PolicyTemplate
from workflows.records.request import DelegationRequest
from workflows.records.role import Role, RoleErrand, RoleTask
from workflows.role_plans import plan_of


@pytest.fixture
def template(house: House, people: People) -> str:
    return register_role_work(house.ports, ROLE_PERMISSIONS)


def stored(house: House, grant: Grant) -> Grant:
    found = house.ports.store.read(lambda tx: tx.get(Grant, grant.id))
    assert found is not None
    return found


def roles(house: House) -> list[Role]:
    return list(house.ports.store.read(lambda tx: tx.find(Role)))


def errands(house: House) -> list[RoleErrand]:
    return list(house.ports.store.read(lambda tx: tx.find(RoleErrand)))


def test_a_grant_is_there_before_its_role_and_live_with_it(house: House, people: People, template: str) -> None:
    grant = role_grant(house.ports, people, template, made=False)
    assert (grant.state, roles(house)) == (GrantState.PLANNED, [])
    assert [one.task for one in errands(house)] == [RoleTask.CREATE]
    Sweeper(house.ports).run()
    (role,) = roles(house)
    assert (stored(house, grant).state, role.grant_id) == (GrantState.LIVE, grant.id)
    assert errands(house) == []


def test_an_errand_that_is_done_twice_makes_one_role_and_tells_once(
    house: House, people: People, template: str
) -> None:
    role_grant(house.ports, people, template, made=False)
    (errand,) = errands(house)
    assert role_errands.perform(house.ports, errand)
    assert role_errands.perform(house.ports, errand)
    assert len(roles(house)) == 1
    told = house.ports.store.read(lambda tx: tx.find(Errand, message_type="RoleReady"))
    assert len(told) == 1


def test_a_role_whose_grant_ended_before_it_was_made_is_never_made(
    house: House, people: People, template: str, clock: StillClock
) -> None:
    revoked = role_grant(house.ports, people, template, "wf-revoked", made=False)
    (late,) = errands(house)
    revocation.revoke_grant(house.ports, people.call("approver"), revoked.id)
    assert role_errands.perform(house.ports, late)
    expired = role_grant(house.ports, people, template, "wf-expired", made=False)
    clock.advance(days=1)
    Sweeper(house.ports).run()
    assert roles(house) == []
    assert [stored(house, one).state for one in (revoked, expired)] == [GrantState.REVOKED] * 2
    assert errands(house) == []


def test_an_existing_role_is_never_adopted_and_the_grant_says_what_is_in_the_way(
    house: House, people: People, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = role_grant(house.ports, people, template, "wf-first")
    (before,) = roles(house)
    second = role_grant(house.ports, people, template, "wf-second", made=False)
    (errand,) = errands(house)
    request = house.ports.store.read(lambda tx: tx.get(DelegationRequest, first.request_id))
    assert request is not None
    plan = plan_of(request)
    monkeypatch.setattr(role_errands, "plan_of", lambda _request: plan)
    assert not role_errands.perform(house.ports, errand)
    assert roles(house) == [before]
    assert stored(house, second).state is GrantState.PLANNED
    assert "exists already" in (stored(house, second).stuck_because or "")


@pytest.mark.parametrize("broken", range(5))
def test_what_cannot_be_taken_away_is_stuck_visible_of_no_use_and_tried_until_it_works(
    house: House, people: People, template: str, clock: StillClock, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    grant = role_grant(house.ports, people, template)
    revocation.revoke_grant(house.ports, people.call("approver"), grant.id)

    def out_of_order(*_given: object) -> None:
        raise OSError("a secret detail")

    steps = role_errands._STEPS[RoleTask.DISMANTLE]
    wrong = (*steps[:broken], out_of_order, *steps[broken + 1 :])
    with monkeypatch.context() as patched:
        patched.setitem(role_errands._STEPS, RoleTask.DISMANTLE, wrong)
        for attempt in range(1, 4):
            Sweeper(house.ports).run()
            assert [one.attempts for one in errands(house)] == [attempt]
            assert (stored(house, grant).state, stored(house, grant).stuck_because) == (GrantState.STUCK, "OSError")
            clock.advance(seconds=role_errands.pause(attempt).total_seconds())
    Sweeper(house.ports).run()
    assert (stored(house, grant).state, stored(house, grant).stuck_because) == (GrantState.REVOKED, None)
    assert (roles(house), errands(house)) == ([], [])


def test_the_pause_doubles_and_is_an_hour_at_most() -> None:
    pauses = [role_errands.pause(attempt) for attempt in (1, 2, 3, 11, 12, 100)]
    assert pauses[:3] == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]
    assert max(pauses) <= timedelta(hours=1)


def test_what_is_put_on_a_role_while_it_is_taken_away_goes_with_it(
    house: House, people: People, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = role_grant(house.ports, people, template)
    (role,) = roles(house)
    revocation.revoke_grant(house.ports, people.call("approver"), grant.id)
    steps = role_errands._STEPS[RoleTask.DISMANTLE]

    def meanwhile(*_given: object) -> None:
        arn = "arn:aws:iam::aws:policy/AdministratorAccess"
        role_policies.attach(house.ports, people.call("approver"), role.name, arn)

    (errand,) = errands(house)
    for at, step in enumerate(steps):
        if at == 3:
            meanwhile()
        house.ports.store.write(lambda tx, step=step: role_errands._taken(tx, house.ports, OPERATOR, errand, step))  # type: ignore[misc]
    assert (roles(house), stored(house, grant).state) == ([], GrantState.REVOKED)


def test_stopping_a_partner_ends_its_roles_those_planned_among_them(
    house: House, people: People, template: str
) -> None:
    live = role_grant(house.ports, people, template, "wf-live")
    planned = role_grant(house.ports, people, template, "wf-planned", made=False)
    dismissal.stop_partner(house.ports, OPERATOR, PARTNER)
    Sweeper(house.ports).run()
    assert [stored(house, one).state for one in (live, planned)] == [GrantState.REVOKED] * 2
    assert roles(house) == []


def test_a_partner_is_deleted_only_when_nothing_of_it_is_alive(
    house: House, people: People, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    role_grant(house.ports, people, template)
    with monkeypatch.context() as patched:
        patched.setattr(farewell, "_dismantle", lambda *_given: None)
        with pytest.raises(DeleteConflict):
            removal.delete_partner(house.ports, OPERATOR, PARTNER)
        with pytest.raises(DeleteConflict):
            removal.delete_template(house.ports, OPERATOR, template)
        with pytest.raises(DeleteConflict):
            removal.delete_account(house.ports, OPERATOR, people.root.account_id)
    Sweeper(house.ports).run()
    removal.delete_template(house.ports, OPERATOR, template)
    assert house.ports.store.read(lambda tx: tx.get(PolicyTemplate, template)) is None
    removal.delete_partner(house.ports, OPERATOR, PARTNER)
    assert house.ports.store.read(lambda tx: tx.get(Partner, PARTNER)) is None
    removal.delete_account(house.ports, OPERATOR, people.root.account_id)


def test_deleting_revokes_first(house: House, people: People, template: str) -> None:
    grant = role_grant(house.ports, people, template)
    removal.delete_account(house.ports, OPERATOR, people.root.account_id)
    assert (stored(house, grant).state, roles(house)) == (GrantState.REVOKED, [])


def test_unfinished_endings_leave_room_in_a_batch_for_what_is_due(
    house: House, people: People, template: str, clock: StillClock
) -> None:
    stuck = [role_grant(house.ports, people, template, f"wf-stuck-{number}") for number in range(3)]
    for one in stuck:
        revocation.revoke_grant(house.ports, people.call("approver"), one.id)
    live = role_grant(house.ports, people, template, "wf-live", made=False)
    clock.advance(days=1)
    assert [one.id for one in house.ports.store.read(lambda tx: tx.due_grants(clock.now(), 1))] == [live.id]
