"""What a session of a role may do is decided at use, by everything that it descends from as it stands then."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from staging.clocks import StillClock
from staging.houses import ACCOUNT, OPERATOR, PARTNER, People
from staging.roles import (
    ACCOUNT_ROOT,
    OUTSIDE,
    ROLE_PERMISSIONS,
    WIDE_OPEN,
    WITHIN,
    register_role_work,
    role_grant,
    role_session,
    trusting,
)

from service.house import House
from workflows import dismissal, onboarding, partnering, role_policies, role_sessions, roles
from workflows.authentication import candidate_for
from workflows.callers import Call
from workflows.errors import AccessDenied, NoSuchEntity
from workflows.policy.context import RequestContext
from workflows.ports import Ports, Writing
from workflows.records.partner import Boundary
from workflows.records.role import Role
from workflows.release import Minted
from workflows.role_sessions import Assumed, NewSession
from workflows.role_standing import standing_of_subject
from workflows.roles import NewRole
from workflows.sessions import judge

DEPLOY = f"arn:aws:iam::{ACCOUNT}:role/Deploy"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
DENY_S3 = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}'


def allowed(ports: Ports, subject: str, question: tuple[str, str] = WITHIN, kind: str = "session") -> bool:
    try:
        standing = ports.store.read(lambda tx: standing_of_subject(tx, ports, kind, subject))
    except NoSuchEntity:
        return False
    now = ports.clock.now()
    answer = judge(standing, action=question[0], resource=question[1], context=RequestContext(), now=now)
    return answer is not None and answer.allowed


@dataclass(frozen=True)
class Stage:
    """A session of a role that a grant made, and one of the owner's role that descends from a lent session."""

    house: House
    people: People
    born: Assumed
    descended: Assumed

    @property
    def ports(self) -> Ports:
        return self.house.ports

    def both(self) -> list[bool]:
        """What the two sessions may, within what was lent."""
        return [allowed(self.ports, one.session.access_key_id) for one in (self.born, self.descended)]


def call_with(ports: Ports, minted: Minted) -> Call:
    found = ports.store.read(lambda tx: candidate_for(tx, ports, minted.access_key_id, minted.session_token))
    assert found.caller is not None
    return Call(found.caller, id="call-lent", wire="aws")


@pytest.fixture
def stage(house: House, people: People) -> Stage:
    ports, admin = house.ports, people.call("approver")
    grant = role_grant(ports, people, register_role_work(ports, ROLE_PERMISSIONS))
    (role,) = ports.store.read(lambda tx: tx.find(Role, grant_id=grant.id))
    external_id = json.loads(role.trust)["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
    born = role_sessions.assume(ports, people.call("partner"), NewSession(role.arn, "night", external_id=external_id))
    roles.create_role(ports, admin, NewRole("Deploy", trusting(ACCOUNT_ROOT, external_id=None)))
    role_policies.attach(ports, admin, "Deploy", ADMINISTRATOR)
    step = {"Sid": "Step", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": DEPLOY}
    template = {"Version": "2012-10-17", "Statement": [step, WIDE_OPEN["Statement"][-1]]}
    registered = partnering.register_template(
        ports, OPERATOR, partner_id=PARTNER, name="Step_2026_01_01", document=json.dumps(template)
    )
    lent = role_session(ports, people, registered.arn)
    descended = role_sessions.assume(ports, call_with(ports, lent), NewSession(DEPLOY, "chain"))
    return Stage(house, people, born, descended)


def test_both_may_what_was_lent_and_nothing_outside(stage: Stage) -> None:
    assert stage.both() == [True, True]
    for one in (stage.born, stage.descended):
        assert not allowed(stage.ports, one.session.access_key_id, OUTSIDE)
        assert allowed(stage.ports, one.session_token)
        assert not allowed(stage.ports, one.session_token + "x")


def _stop_partner(stage: Stage) -> None:
    dismissal.stop_partner(stage.ports, OPERATOR, PARTNER)


def _disable_approver(stage: Stage) -> None:
    onboarding.set_user_active(stage.ports, OPERATOR, account_id=ACCOUNT, user_name="approver", active=False)


def _guardrail(stage: Stage) -> None:
    onboarding.put_guardrail(stage.ports, OPERATOR, account_id=ACCOUNT, name="NoS3", document=DENY_S3)


def _delete_deploy(stage: Stage) -> None:
    role_policies.detach(stage.ports, stage.people.call("approver"), "Deploy", ADMINISTRATOR)
    roles.delete_role(stage.ports, stage.people.call("approver"), "Deploy")


def _lose_boundaries(stage: Stage) -> None:
    def work(tx: Writing) -> None:
        for one in tx.find(Boundary):
            tx.remove(one)

    stage.ports.store.write(work)


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (_stop_partner, [False, False]),
        (_disable_approver, [True, False]),
        (_guardrail, [False, False]),
        (_delete_deploy, [True, False]),
        (_lose_boundaries, [False, True]),
    ],
)
def test_what_is_changed_counts_from_the_next_decision_on(
    stage: Stage, change: Callable[[Stage], None], after: list[bool]
) -> None:
    change(stage)
    assert stage.both() == after


def test_a_session_ends_with_its_own_time_or_with_the_first_of_its_lineage(stage: Stage, clock: StillClock) -> None:
    ends = [one.session.expires_at for one in (stage.born, stage.descended)]
    assert ends == [clock.now() + timedelta(hours=1)] * 2
    clock.set(ends[0])
    assert stage.both() == [False, False]


def test_a_role_that_comes_under_a_grant_later_is_not_the_one_that_was_stepped_into(stage: Stage) -> None:
    def lend(tx: Writing) -> None:
        (deploy,) = tx.find(Role, name="Deploy")
        tx.put(replace(deploy, grant_id=stage.born.role.grant_id))

    stage.ports.store.write(lend)
    assert stage.both() == [True, False]


def test_a_role_can_be_asked_about_by_its_arn_while_its_grant_stands(stage: Stage, clock: StillClock) -> None:
    arn = stage.born.role.arn
    assert allowed(stage.ports, arn, kind="principal")
    assert not allowed(stage.ports, arn, OUTSIDE, kind="principal")
    clock.advance(days=1)
    assert not allowed(stage.ports, arn, kind="principal")
    assert allowed(stage.ports, DEPLOY, OUTSIDE, kind="principal")


def test_a_session_that_has_ended_steps_nowhere(stage: Stage, clock: StillClock) -> None:
    def authenticated() -> bool:
        key_id, token = stage.born.session.access_key_id, stage.born.session_token
        return stage.ports.store.read(lambda tx: candidate_for(tx, stage.ports, key_id, token)).caller is not None

    assert authenticated()
    clock.advance(days=1)
    assert not authenticated()
    with pytest.raises(AccessDenied):
        role_sessions.assume(stage.ports, stage.people.call("partner"), NewSession(stage.born.role.arn, "again"))
