"""What was used of a grant is told with where and when; what never was is a finding; the next can be smaller."""

import json
from typing import Any, Final

import pytest
from staging.clocks import StillClock
from staging.houses import People, a_request, settle_people

from service.house import House
from service.ledger import Ledger
from workflows import approval, least_privilege, release, review, submission, usage
from workflows.errors import NoSuchEntity
from workflows.least_privilege import FindingKind
from workflows.narrowing import Narrowing
from workflows.ports import Ports
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest, State
from workflows.records.role import UsedResource

TEMPLATE: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::@{bucketName}/*"},
        {"Effect": "Allow", "Action": "s3:List*", "Resource": "*"},
    ],
}


@pytest.fixture
def cast(house: House) -> People:
    return settle_people(house.ports, template=TEMPLATE)


def lent(ports: Ports, cast: People, workflow_id: str) -> Grant:
    request = asked(ports, cast, workflow_id)
    approval.accept(ports, cast.call("approver"), request.id, digest=request.digest)
    release.send(ports, cast.call("approver"), request.id)
    return ports.store.read(lambda tx: tx.find(Grant, request_id=request.id))[0]


def asked(ports: Ports, cast: People, workflow_id: str) -> DelegationRequest:
    request = submission.create(ports, cast.call("partner"), a_request(cast, workflow_id))
    return submission.associate(ports, cast.call("owner"), request.id)


def used(ports: Ports, grant: Grant, action: str, *resources: str) -> None:
    ledger = Ledger(ports)
    for resource in resources or (None,):
        ledger.note(grant.id, action, ports.clock.now(), resource=resource)
    ledger.flush()


def test_the_use_of_a_grant_is_told_with_a_policy_that_would_have_done(
    house: House, cast: People, clock: StillClock
) -> None:
    grant = lent(house.ports, cast, "wf-00001")
    used(house.ports, grant, "s3:GetObject", "arn:aws:s3:::logs/a", "arn:aws:s3:::logs/a", "arn:aws:s3:::logs/b")
    found = least_privilege.use_of_grant(house.ports, cast.call("approver"), grant.id)
    (use,) = found.used
    assert (use.action, use.count, use.last_at) == ("s3:GetObject", 3, clock.now())
    assert use.resources == ("arn:aws:s3:::logs/a", "arn:aws:s3:::logs/b")
    assert list(found.unused) == ["s3:PutObject", "s3:List*"]
    assert found.policy is not None
    (statement,) = json.loads(found.policy)["Statement"]
    assert (statement["Action"], statement["Resource"]) == (
        ["s3:GetObject"],
        ["arn:aws:s3:::logs/a", "arn:aws:s3:::logs/b"],
    )


def test_nobody_else_is_told(house: House, cast: People) -> None:
    grant = lent(house.ports, cast, "wf-00001")
    with pytest.raises(NoSuchEntity):
        least_privilege.use_of_grant(house.ports, cast.call("stranger"), grant.id)
    assert least_privilege.unused_access(house.ports, cast.call("stranger")) == []


def test_what_is_never_used_is_a_finding_until_it_ends(house: House, cast: People, clock: StillClock) -> None:
    idle, busy = lent(house.ports, cast, "wf-00001"), lent(house.ports, cast, "wf-00002")
    used(house.ports, busy, "s3:GetObject")
    found = least_privilege.unused_access(house.ports, cast.call("approver"))
    assert {(one.kind, one.grant.id, one.action) for one in found} == {
        (FindingKind.UNUSED_GRANT, idle.id, None),
        (FindingKind.UNUSED_PERMISSION, busy.id, "s3:PutObject"),
        (FindingKind.UNUSED_PERMISSION, busy.id, "s3:List*"),
    }
    clock.advance(hours=2)
    assert least_privilege.unused_access(house.ports, cast.call("approver")) == []


def test_the_next_request_can_be_approved_with_what_was_used_before(house: House, cast: People) -> None:
    ports = house.ports
    first = asked(ports, cast, "wf-00000")
    assert review.look(ports, cast.call("approver"), first.id).suggestion is None
    grant = lent(ports, cast, "wf-00001")
    used(ports, grant, "s3:PutObject", "arn:aws:s3:::logs/a")
    following = asked(ports, cast, "wf-00002")
    suggestion = review.look(ports, cast.call("approver"), following.id).suggestion
    assert suggestion is not None
    less = Narrowing(suggestion)
    moved = approval.accept(ports, cast.call("approver"), following.id, digest=following.digest, narrowing=less)
    assert (moved.state, json.loads(moved.permission_policy)["Statement"][0]["Action"]) == (
        State.ACCEPTED,
        ["s3:PutObject"],
    )


def test_a_use_whose_resource_nobody_noted_leaves_the_resources_open(house: House, cast: People) -> None:
    grant = lent(house.ports, cast, "wf-00001")
    used(house.ports, grant, "s3:GetObject", "arn:aws:s3:::logs/a")
    used(house.ports, grant, "s3:GetObject")
    (use,) = least_privilege.use_of_grant(house.ports, cast.call("approver"), grant.id).used
    assert (use.count, use.resources) == (2, None)


def test_more_resources_than_are_told_apart_count_as_every_one(house: House, cast: People) -> None:
    grant = lent(house.ports, cast, "wf-00001")
    many = [f"arn:aws:s3:::logs/{number}" for number in range(usage.MOST_RESOURCES + 5)]
    used(house.ports, grant, "s3:GetObject", *many, "arn:aws:s3:::logs/" + "x" * 600)
    (use,) = least_privilege.use_of_grant(house.ports, cast.call("approver"), grant.id).used
    assert (use.count, use.resources) == (len(many) + 1, None)
    places = house.store.read(lambda tx: tx.find(UsedResource, principal_id=grant.id))
    assert sum(place.count for place in places) == len(many) + 1
    assert len(places) == usage.MOST_RESOURCES + 1
