"""Notifications: written with the move they tell of, signed, tried for days under one id, and never sent elsewhere."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import event, text
from staging.clocks import OffsetClock, StillClock
from staging.houses import OPERATOR, OTHER_PARTNER, PARTNER, People, a_request, house_in, settle_people
from staging.polling import until
from staging.receivers import Receiver, receiving, verified
from staging.wires import arrived, exchange_token_of
from standardwebhooks import WebhookVerificationError

from service.house import House
from service.jobs.errands import Courier
from service.jobs.sweep import Sweeper
from service.notify.webhook import WebhookSender, secret_text
from workflows import approval, delivery, inquiry, partnering, release, revocation, submission
from workflows.credentials.keys import unseal
from workflows.delivery import LEASE, SCHEDULE, delay_before
from workflows.errors import BadInput, NoSuchEntity, Unavailable
from workflows.ports import Ports, Writing
from workflows.records.errand import Errand, ErrandState
from workflows.records.partner import Channel
from workflows.records.request import DelegationRequest, State

MICRO: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Post:
    """A house whose partner has a webhook receiver, with everybody settled in it."""

    house: House
    clock: StillClock
    people: People
    receiver: Receiver
    courier: Courier

    @property
    def ports(self) -> Ports:
        return self.house.ports

    def carry(self, limit: int = 100) -> int:
        """Deliver everything that is due, in order; returns how many deliveries were tried."""
        taken = delivery.lease(self.ports, limit)
        for errand in taken:
            self.courier.perform(errand)
        return len(taken)

    def waiting(self) -> list[Errand]:
        return list(self.ports.store.read(lambda tx: tx.find(Errand)))

    def claimed(self, workflow_id: str = "wf-00001") -> DelegationRequest:
        """A request that was just claimed, whose first message waits."""
        return arrived(self.ports, self.people, State.ASSIGNED, workflow_id)

    def signing_secret(self) -> str:
        channel = self.ports.store.read(lambda tx: tx.get(Channel, self.people.channel_arn))
        assert channel is not None
        assert channel.sealed_secret is not None
        sealed = channel.sealed_secret
        return secret_text(unseal(self.ports.keyring, sealed, purpose="channel", owner=channel.arn))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A partner's receiver."""
    with receiving() as one:
        yield one


@pytest.fixture
def post(tmp_path: Path, receiver: Receiver) -> Iterator[Post]:
    """Everybody settled, and the partner's receiver running."""
    # A receiver that keeps to the standard refuses what is older than five minutes by the machine's clock.
    clock = StillClock(OffsetClock().now())
    house = house_in(tmp_path, clock, insecure_allow_loopback_receivers=True)
    people = settle_people(house.ports, url=receiver.url)
    courier = Courier(house.ports, WebhookSender(allow_loopback=True))
    yield Post(house, clock, people, receiver, courier)
    courier.stop()
    house.close()


# --- in the same transaction --------------------------------------------------------------------------------


def test_a_move_and_its_message_are_written_together_or_not_at_all(post: Post) -> None:
    request = submission.create(post.ports, post.people.call("partner"), a_request(post.people))

    def crash(_connection: object) -> None:
        raise OSError

    event.listen(post.house.store._writing, "commit", crash)
    with pytest.raises(Unavailable):
        submission.associate(post.ports, post.people.call("owner"), request.id)
    event.remove(post.house.store._writing, "commit", crash)
    assert post.waiting() == []
    assert stored(post, request).state is State.UNASSIGNED
    submission.associate(post.ports, post.people.call("owner"), request.id)
    assert [one.message_type for one in post.waiting()] == ["StateChange"]


def test_a_move_whose_message_cannot_be_written_does_not_happen(post: Post) -> None:
    request = arrived(post.ports, post.people, State.ACCEPTED, "wf-00001")
    sql(post, "CREATE TRIGGER full BEFORE INSERT ON errands BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(Unavailable):
        release.send(post.ports, post.people.call("owner"), request.id)
    sql(post, "DROP TRIGGER full")
    assert stored(post, request).state is State.ACCEPTED
    assert inquiry.list_grants(post.ports, OPERATOR, account_id=None, limit=1, after=None).grants == ()


def sql(post: Post, statement: str) -> None:
    def work(tx: Writing) -> None:
        tx._connection.execute(text(statement))  # type: ignore[attr-defined]

    post.ports.store.write(work)


def stored(post: Post, request: DelegationRequest) -> DelegationRequest:
    found = post.ports.store.read(lambda tx: tx.get(DelegationRequest, request.id))
    assert found is not None
    return found


# --- what a receiver gets -----------------------------------------------------------------------------------


def test_a_delivery_verifies_with_the_standards_own_library_and_reads_like_a_notification_of_sns(post: Post) -> None:
    request = post.claimed()
    assert post.carry() == 1
    (received,) = post.receiver.received
    envelope = verified(post.signing_secret(), received)
    assert envelope["Type"] == "Notification"
    assert envelope["TopicArn"] == post.people.channel_arn
    assert envelope["MessageId"] == received.id
    assert datetime.fromisoformat(envelope["Timestamp"]) <= post.clock.now()
    assert json.loads(envelope["Message"])["RequestId"] == request.id
    assert received.headers["content-type"] == "application/json"
    assert post.waiting() == [], "what was taken is done"


def test_an_altered_delivery_does_not_verify(post: Post) -> None:
    post.claimed()
    post.carry()
    (received,) = post.receiver.received
    altered = replace(received, body=received.body.replace(b"ASSIGNED", b"ACCEPTED"))
    with pytest.raises(WebhookVerificationError):
        verified(post.signing_secret(), altered)


def test_each_state_a_request_enters_is_told_once_with_the_published_members(post: Post) -> None:
    ports, people = post.ports, post.people
    request = submission.create(ports, people.call("partner"), a_request(people))
    assert post.carry() == 0, "nobody is told that nobody has claimed it"
    submission.associate(ports, people.call("owner"), request.id)
    submission.forward(ports, people.call("owner"), request.id, "please")
    submission.forward(ports, people.call("owner"), request.id, "once more")
    approval.accept(ports, people.call("approver"), request.id, digest=request.digest)
    released = release.send(ports, people.call("owner"), request.id)
    token = exchange_token_of(ports, request.id)
    revocation.revoke(ports, people.call("owner"), request.id, None)
    post.carry()
    told = {one["Sequence"]: one for one in post.receiver.messages}
    assert [(told[n]["Type"], told[n]["State"]) for n in sorted(told)] == [
        ("StateChange", "ASSIGNED"),
        ("StateChange", "PENDING_APPROVAL"),
        ("StateChange", "ACCEPTED"),
        ("StateChange", "FINALIZED"),
        ("ExchangeToken", "FINALIZED"),
        ("GrantEnded", "FINALIZED"),
    ]
    common = {"Type", "RequestId", "RequestorWorkflowId", "State", "OwnerAccountId", "UpdatedAt", "Sequence"}
    assert [set(told[n]) - common for n in sorted(told)] == [
        *[set()] * 4,
        {"ExchangeToken", "ExpiresAt"},
        {"Reason", "EndedAt"},
    ]
    assert told[5]["ExchangeToken"] == token
    ends = datetime.fromisoformat(told[5]["ExpiresAt"])
    assert ends == (released.entered_state_at + timedelta(hours=1)).replace(microsecond=0)
    assert all(one["UpdatedAt"].endswith("Z") and len(one["UpdatedAt"]) == 24 for one in told.values())


@pytest.mark.parametrize("state", [State.UNASSIGNED, State.ASSIGNED, State.PENDING_APPROVAL, State.ACCEPTED], ids=str)
def test_an_open_request_that_expires_is_told_of_once(post: Post, state: State) -> None:
    request = arrived(post.ports, post.people, state, "wf-00001")
    post.carry()
    post.clock.set(request.expires_at)
    Sweeper(post.ports).run()
    post.carry()
    assert [one["State"] for one in post.receiver.messages if one["State"] == "EXPIRED"] == ["EXPIRED"]


def test_a_rejection_is_told_and_the_reason_is_not(post: Post) -> None:
    approval.reject(post.ports, post.people.call("owner"), post.claimed().id, "we do not trust them")
    post.carry()
    assert [one["State"] for one in post.receiver.messages] == ["ASSIGNED", "REJECTED"]
    assert b"trust" not in b"".join(one.body for one in post.receiver.received)


@pytest.mark.parametrize("state", [State.FINALIZED, State.REJECTED], ids=str)
def test_a_decided_request_that_is_retired_is_no_news(post: Post, state: State) -> None:
    request = arrived(post.ports, post.people, state, "wf-00001")
    post.carry()
    post.clock.set(request.expires_at)
    Sweeper(post.ports).run()
    post.carry()
    told = [(one["Type"], one["State"]) for one in post.receiver.messages]
    assert ("StateChange", "EXPIRED") not in told


# --- trying again -------------------------------------------------------------------------------------------


class Loaded:
    """Randomness that always comes out the same."""

    def __init__(self, byte: bytes) -> None:
        self._byte = byte

    def token_bytes(self, count: int) -> bytes:
        return self._byte * count


@pytest.mark.parametrize("byte", [b"\x00", b"\x80", b"\xff"], ids=["least", "middle", "most"])
def test_a_receiver_that_fails_is_tried_under_the_same_id_for_at_least_three_days(post: Post, byte: bytes) -> None:
    post.claimed()
    post.receiver.status = 500
    ports = replace(post.ports, entropy=Loaded(byte))
    courier = Courier(ports, WebhookSender(allow_loopback=True))
    times = []
    while (errand := post.waiting()[0]).state is ErrandState.WAITING:
        post.clock.set(errand.due_at)
        times.append(post.clock.now())
        (taken,) = delivery.lease(ports, 10)
        courier.perform(taken)
    courier.stop()
    assert len(times) == len(post.receiver.received) == len(SCHEDULE) + 1
    assert times == sorted(times)
    assert times[-1] - times[0] >= timedelta(hours=72)
    assert len({one.id for one in post.receiver.received}) == 1
    assert len({one.body for one in post.receiver.received}) == 1
    assert len({one.headers["webhook-timestamp"] for one in post.receiver.received}) == len(times)


@pytest.mark.parametrize("attempts", range(1, len(SCHEDULE) + 1))
def test_the_next_try_is_never_sooner_than_scheduled_and_at_most_a_fifth_later(post: Post, attempts: int) -> None:
    waits = [delay_before(replace(post.ports, entropy=Loaded(byte)), attempts) for byte in (b"\x00", b"\x7f", b"\xff")]
    due = timedelta(seconds=SCHEDULE[attempts - 1])
    assert waits[0] == due
    assert all(wait is not None and due <= wait <= due * 1.2 for wait in waits)


def test_after_the_last_try_there_is_no_next_one(post: Post) -> None:
    assert delay_before(post.ports, len(SCHEDULE) + 1) is None


def test_nothing_is_tried_before_it_is_due(post: Post) -> None:
    post.claimed()
    post.receiver.status = 503
    assert post.carry() == 1
    (errand,) = post.waiting()
    post.clock.set(errand.due_at - MICRO)
    assert post.carry() == 0
    post.clock.set(errand.due_at)
    post.receiver.status = 200
    assert post.carry() == 1
    assert post.waiting() == []


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_will_do(post: Post, status: int) -> None:
    post.claimed()
    post.receiver.status = status
    post.carry()
    assert post.waiting() == []


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 429, 500, 503])
def test_anything_else_is_tried_again_and_only_its_class_is_kept(post: Post, status: int) -> None:
    post.claimed()
    post.receiver.status, post.receiver.says = status, b"canary: the receiver's own words"
    post.carry()
    (errand,) = post.waiting()
    assert (errand.state, errand.attempts, errand.last_failure) == (ErrandState.WAITING, 1, "status")


def test_a_receiver_that_is_not_there_is_tried_again(post: Post) -> None:
    post.claimed()
    post.receiver.close()
    post.carry()
    (errand,) = post.waiting()
    assert (errand.state, errand.last_failure) == (ErrandState.WAITING, "connect")


def test_a_receiver_that_is_gone_for_good_is_not_tried_again(post: Post) -> None:
    post.claimed()
    post.receiver.status = 410
    post.carry()
    (errand,) = post.waiting()
    assert errand.state is ErrandState.PARKED
    post.clock.advance(days=30)
    assert post.carry() == 0


def test_a_message_that_was_tampered_with_is_parked_and_not_sent(post: Post) -> None:
    post.claimed()
    (errand,) = post.waiting()
    altered = bytes([*errand.sealed_body[:-1], errand.sealed_body[-1] ^ 1])
    post.ports.store.write(lambda tx: tx.put(replace(errand, sealed_body=altered)))
    post.carry()
    assert post.receiver.received == []
    (parked,) = post.waiting()
    assert (parked.state, parked.last_failure) == (ErrandState.PARKED, "seal")


def test_a_message_moved_to_another_row_does_not_open(post: Post) -> None:
    first, second = post.claimed("wf-00001"), post.claimed("wf-00002")
    one, other = (find(post, request) for request in (first, second))
    post.ports.store.write(lambda tx: tx.put(replace(one, sealed_body=other.sealed_body)))
    post.carry()
    assert [message["RequestId"] for message in post.receiver.messages] == [second.id]


def find(post: Post, request: DelegationRequest) -> Errand:
    (errand,) = post.ports.store.read(lambda tx: tx.find(Errand, request_id=request.id))
    return errand


# --- dead letters -------------------------------------------------------------------------------------------


def test_a_dead_letter_is_listed_to_its_partner_alone_and_replayed_under_its_own_id(post: Post) -> None:
    post.claimed()
    post.receiver.status = 410
    post.carry()
    partner, other = post.people.call("partner"), post.people.call("other_partner")
    (letter,) = delivery.dead_letters(post.ports, partner, limit=10)
    assert delivery.dead_letters(post.ports, other, limit=10) == []
    with pytest.raises(NoSuchEntity):
        delivery.replay(post.ports, other, letter.id)
    delivery.replay(post.ports, partner, letter.id)
    post.receiver.status = 200
    assert post.carry() == 1
    assert {one.id for one in post.receiver.received} == {letter.id}
    assert post.waiting() == []
    with pytest.raises(NoSuchEntity):
        delivery.replay(post.ports, partner, letter.id)


def test_only_a_dead_letter_can_be_replayed(post: Post) -> None:
    post.claimed()
    (errand,) = post.waiting()
    with pytest.raises(NoSuchEntity):
        delivery.replay(post.ports, post.people.call("partner"), errand.id)


# --- the message that carries the token ---------------------------------------------------------------------


def test_the_exchange_token_is_not_sent_from_the_deadline_on_though_nothing_was_swept(post: Post) -> None:
    request = arrived(post.ports, post.people, State.FINALIZED, "wf-00001")
    (grant,) = inquiry.list_grants(post.ports, OPERATOR, account_id=None, limit=1, after=None).grants
    post.receiver.status = 500
    post.carry()
    token = exchange_token_of(post.ports, request.id)
    before = len(post.receiver.received)
    post.clock.set(grant.deadline)
    post.receiver.status = 200
    post.carry()
    late = post.receiver.received[before:]
    assert late, "the other messages still arrive"
    assert token.encode() not in b"".join(one.body for one in late)


def test_the_exchange_token_is_deleted_at_the_deadline_even_as_a_dead_letter(post: Post) -> None:
    arrived(post.ports, post.people, State.FINALIZED, "wf-00001")
    (grant,) = inquiry.list_grants(post.ports, OPERATOR, account_id=None, limit=1, after=None).grants
    post.receiver.status = 410
    post.carry()
    assert [one.state for one in post.waiting()] == [ErrandState.PARKED] * 4
    post.clock.set(grant.deadline - MICRO)
    Sweeper(post.ports).run()
    assert "ExchangeToken" in [one.message_type for one in post.waiting()]
    post.clock.set(grant.deadline)
    Sweeper(post.ports).run()
    assert "ExchangeToken" not in [one.message_type for one in post.waiting()]


# --- several workers ----------------------------------------------------------------------------------------


def test_an_errand_is_leased_to_one_worker_at_a_time(post: Post) -> None:
    for number in range(5):
        post.claimed(f"wf-{number:05}")
    first = delivery.lease(post.ports, 3)
    second = delivery.lease(post.ports, 10)
    assert (len(first), len(second)) == (3, 2)
    assert {one.id for one in first}.isdisjoint(one.id for one in second)
    assert delivery.lease(post.ports, 10) == []


def test_a_worker_that_died_after_the_delivery_is_followed_by_another_under_the_same_id(post: Post) -> None:
    post.claimed()
    (lost,) = delivery.lease(post.ports, 1)
    post.clock.advance(seconds=LEASE.total_seconds())
    (again,) = delivery.lease(post.ports, 1)
    assert (again.id, again.attempts) == (lost.id, 2)


def test_a_worker_that_wakes_up_after_its_lease_settles_nothing(post: Post) -> None:
    post.claimed()
    (frozen,) = delivery.lease(post.ports, 1)
    post.clock.advance(seconds=LEASE.total_seconds())
    (current,) = delivery.lease(post.ports, 1)
    delivery.delivered(post.ports, frozen)
    assert post.waiting() == [current]
    delivery.failed(post.ports, frozen, "timeout", hopeless=True)
    assert post.waiting() == [current]
    delivery.postponed(post.ports, frozen, timedelta(days=1))
    assert post.waiting() == [current]
    delivery.delivered(post.ports, current)
    assert post.waiting() == []


def test_a_slow_receiver_holds_up_nobody_else_and_gets_two_deliveries_at_a_time(post: Post) -> None:
    with receiving() as quick:
        channel = partnering.register_channel(
            post.ports, OPERATOR, partner_id=PARTNER, name="quick", url=quick.url
        ).channel
        for number in range(6):
            post.claimed(f"wf-slow{number}")
        post.receiver.hold()
        request = submission.create(
            post.ports, post.people.call("partner"), a_request(post.people, "wf-quick", channel_arn=channel.arn)
        )
        submission.associate(post.ports, post.people.call("owner"), request.id)
        assert post.courier.run() == 7
        until(lambda: quick.received)
        until(lambda: len(post.receiver.received) == 2)
        assert [one["RequestId"] for one in quick.messages] == [request.id]
        post.receiver.let_go()

        def rest() -> bool:
            post.clock.advance(seconds=2)
            post.courier.run()
            return len({one.id for one in post.receiver.received}) == 6

        until(rest)
        assert post.receiver.most_at_once <= 2


def test_the_backlog_of_a_slow_receiver_is_not_in_the_way_of_another(post: Post) -> None:
    with receiving() as quick:
        channel = partnering.register_channel(
            post.ports, OPERATOR, partner_id=PARTNER, name="quick", url=quick.url
        ).channel
        for number in range(30):
            post.claimed(f"wf-slow{number:02}")
        post.receiver.hold()
        post.courier.run()
        until(lambda: len(post.receiver.received) == 2)
        request = submission.create(
            post.ports, post.people.call("partner"), a_request(post.people, "wf-quick", channel_arn=channel.arn)
        )
        submission.associate(post.ports, post.people.call("owner"), request.id)
        assert post.courier.run() == 1
        until(lambda: quick.received)
        post.receiver.let_go()


# --- channels -----------------------------------------------------------------------------------------------


def test_a_request_cannot_name_another_partners_channel(post: Post) -> None:
    theirs = partnering.register_channel(
        post.ports, OPERATOR, partner_id=OTHER_PARTNER, name="theirs", url=post.receiver.url
    )
    with pytest.raises(BadInput):
        submission.create(
            post.ports,
            post.people.call("partner"),
            a_request(post.people, channel_arn=theirs.channel.arn),
        )


def test_each_channel_has_a_secret_of_its_own(post: Post) -> None:
    fresh = [
        partnering.register_channel(
            post.ports, OPERATOR, partner_id=PARTNER, name=f"more-{number}", url=post.receiver.url
        ).signing_secret
        for number in range(3)
    ]
    assert len({*fresh, None}) == 4
    assert all(secret is not None and 24 <= len(secret) <= 64 for secret in fresh)


# --- the mailbox --------------------------------------------------------------------------------------------


def types(waiting: Any) -> list[tuple[int, str]]:
    return [(one.sequence, one.message_type) for one in waiting]


def test_a_mailbox_shows_its_own_messages_in_order_until_each_is_acknowledged(house: House, people: People) -> None:
    arrived(house.ports, people, State.FINALIZED, "wf-00001")
    mine, other = people.call("partner"), people.call("other_partner")
    waiting = delivery.mailbox(house.ports, mine, limit=10)
    assert sorted(types(waiting)) == [
        (1, "StateChange"),
        (2, "StateChange"),
        (3, "StateChange"),
        (4, "ExchangeToken"),
    ]
    assert delivery.mailbox(house.ports, other, limit=10) == []
    assert delivery.mailbox(house.ports, mine, limit=10) == waiting, "looking takes nothing away"
    for errand in waiting:
        with pytest.raises(NoSuchEntity):
            delivery.acknowledge(house.ports, other, errand.id)
    delivery.acknowledge(house.ports, mine, waiting[0].id)
    assert delivery.mailbox(house.ports, mine, limit=10) == waiting[1:]
    with pytest.raises(NoSuchEntity):
        delivery.acknowledge(house.ports, mine, waiting[0].id)


def test_a_mailbox_is_read_in_the_order_in_which_it_was_filled(house: House, people: People, clock: StillClock) -> None:
    made = []
    for number in range(5):
        made.append(arrived(house.ports, people, State.ASSIGNED, f"wf-{number:05}").id)
        clock.advance(seconds=1)
    waiting = delivery.mailbox(house.ports, people.call("partner"), limit=3)
    assert [one.request_id for one in waiting] == made[:3]


@pytest.mark.parametrize("off", [-MICRO, timedelta(), MICRO], ids=str)
def test_the_token_leaves_the_mailbox_at_the_deadline_swept_or_not(
    house: House, people: People, clock: StillClock, off: timedelta
) -> None:
    arrived(house.ports, people, State.FINALIZED, "wf-00001")
    (grant,) = inquiry.list_grants(house.ports, OPERATOR, account_id=None, limit=1, after=None).grants
    clock.set(grant.deadline + off)
    waiting = delivery.mailbox(house.ports, people.call("partner"), limit=10)
    assert ("ExchangeToken" in [one.message_type for one in waiting]) is (off < timedelta())


def test_a_mailbox_is_never_carried_anywhere(house: House, people: People) -> None:
    arrived(house.ports, people, State.FINALIZED, "wf-00001")
    assert delivery.lease(house.ports, 100) == []
