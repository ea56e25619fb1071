"""What was done with lent authority is told beside it: used, last used, and lent but never used."""

from staging.clocks import StillClock
from staging.houses import a_request, settle_people
from staging.wires import arrived

from service.house import House
from workflows import approval, overview, release, review, submission, usage
from workflows.overview import Tab
from workflows.records.grant import Grant
from workflows.records.request import State
from workflows.records.role import Usage

TEMPLATE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:List*", "s3:DeleteObject"], "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"},
    ],
}


def test_a_grant_tells_what_was_used_when_last_and_what_never_was(house: House, clock: StillClock) -> None:
    ports = house.ports
    people = settle_people(ports, template=TEMPLATE)
    request = submission.create(ports, people.call("partner"), a_request(people, parameters=[]))
    submission.associate(ports, people.call("owner"), request.id)
    approval.accept(ports, people.call("approver"), request.id, digest=request.digest)
    release.send(ports, people.call("approver"), request.id)
    grant = ports.store.read(lambda tx: tx.find(Grant, request_id=request.id))[0]

    def row() -> overview.Row:
        return overview.inbox(ports, people.call("approver"), tab=Tab.LIVE, limit=10, after=None).rows[0]

    assert row().last_used is None
    early = clock.now()
    clock.advance(days=0, minutes=7)
    late = clock.now()
    usage.record(
        ports,
        [
            Usage(grant.id, early.date().isoformat(), "s3:GetObject", 3, early),  # type: ignore[arg-type]
            Usage(grant.id, late.date().isoformat(), "s3:ListBucket", 1, late),  # type: ignore[arg-type]
            Usage("somebody-else", late.date().isoformat(), "s3:DeleteObject", 1, late),  # type: ignore[arg-type]
        ],
    )
    deeds = review.look(ports, people.call("approver"), request.id).deeds
    assert deeds is not None
    assert [(use.action, use.count) for use in deeds.used] == [("s3:GetObject", 3), ("s3:ListBucket", 1)]
    assert (list(deeds.unused), deeds.last_used) == (["s3:DeleteObject"], late)
    assert row().last_used == late


def test_a_request_that_lent_nothing_has_nothing_to_tell(house: House) -> None:
    people = settle_people(house.ports)
    request = arrived(house.ports, people, State.ASSIGNED, "wf-00001")
    assert review.look(house.ports, people.call("approver"), request.id).deeds is None
