"""A process dies at every single step of making a role and taking it away; the next one finds nothing half-done."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from staging.houses import house_in, settle_people
from staging.roles import ROLE_PERMISSIONS, asked_role, register_role_work
from staging.wires import arrived

from service.house import House
from service.jobs.sweep import Sweeper
from workflows import revocation
from workflows.grants import seen_at
from workflows.records.account import Attachment
from workflows.records.errand import Errand
from workflows.records.grant import Grant, GrantState
from workflows.records.request import DelegationRequest, State
from workflows.records.role import Role, RoleErrand
from workflows.role_grants import STANDING

ROOT: Final = Path(__file__).parents[2]
# Release, making, revocation, and the five steps of taking away.
WRITES: Final = 8
_STORY: Final = """
import os, sys
from pathlib import Path
from staging.houses import call_by, house_in
from workflows import release, revocation, role_errands
from workflows.records.account import Principal
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest

folder, number, moment = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
house = house_in(folder)
ports, count, write = house.ports, 0, house.store.write

def dying(work, **hints):
    global count
    count += 1
    if count != number:
        return write(work, **hints)
    def last(tx):
        work(tx)
        os._exit(9)
    if moment == "before":
        write(last)
    write(work)
    os._exit(9)

house.store.write = dying
(request,) = ports.store.read(lambda tx: tx.find(DelegationRequest))
approver = call_by(ports.store.read(lambda tx: tx.get(Principal, request.approver_principal_id)))
release.send(ports, approver, request.id)
role_errands.due_role_errands(ports, 10)
(grant,) = ports.store.read(lambda tx: tx.find(Grant))
revocation.revoke_grant(ports, approver, grant.id)
role_errands.due_role_errands(ports, 10)
os._exit(7)
"""


def consistent(house: House) -> None:
    """No role without a grant that stands or is being ended, no grant without an end, nothing twice."""
    with_errand = {one.grant_id for one in house.ports.store.read(lambda tx: tx.find(RoleErrand))}
    grants = {one.id: one for one in house.ports.store.read(lambda tx: tx.find(Grant))}
    roles = house.ports.store.read(lambda tx: tx.find(Role))
    assert len(grants) <= 1
    assert len(roles) <= 1
    for role in roles:
        assert role.grant_id in grants
        assert grants[role.grant_id].state not in (GrantState.PLANNED, GrantState.REVOKED)
    for grant in grants.values():
        assert grant.deadline > grant.created_at
        # Whatever is not settled has somebody who will settle it.
        assert (grant.id in with_errand) == (grant.state not in (GrantState.LIVE, GrantState.REVOKED))
    told = [one.message_type for one in house.ports.store.read(lambda tx: tx.find(Errand))]
    assert told.count("RoleReady") <= 1
    assert told.count("GrantEnded") <= 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_whatever_step_a_process_dies_at_nothing_is_half_done_and_the_next_one_finishes(
    tmp_path: Path, number: int, moment: str
) -> None:
    house = house_in(tmp_path)
    people = settle_people(house.ports)
    template = register_role_work(house.ports, ROLE_PERMISSIONS)
    request = arrived(house.ports, people, State.ACCEPTED, "wf-crash", template_arn=template, role=asked_role())
    house.close()
    died = subprocess.run(
        [sys.executable, "-c", _STORY, str(tmp_path), str(number), moment],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": ""},
        check=False,
        capture_output=True,
    )
    assert died.returncode == 9, died.stderr.decode()
    house = house_in(tmp_path)
    try:
        consistent(house)
        Sweeper(house.ports).run()
        consistent(house)
        for grant in house.ports.store.read(lambda tx: tx.find(Grant)):
            if seen_at(grant, house.ports.clock.now()).state in STANDING:
                revocation.revoke_grant(house.ports, people.call("approver"), grant.id)
        Sweeper(house.ports).run()
        consistent(house)
        assert house.ports.store.read(lambda tx: tx.find(Role)) == []
        roles = [one for one in house.ports.store.read(lambda tx: tx.find(Attachment)) if one.name == "permissions"]
        assert roles == []
        grants = house.ports.store.read(lambda tx: tx.find(Grant))
        assert [one.state for one in grants] == [GrantState.REVOKED] * len(grants)
        assert house.ports.store.read(lambda tx: tx.get(DelegationRequest, request.id)) is not None
    finally:
        house.close()
