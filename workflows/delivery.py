"""Use-cases of delivery: lease an errand, settle it, fetch and acknowledge a mailbox, list and replay dead letters.

An errand's due time moves into the future before it is tried, and its row goes only after the receiver took it; what
remains is the proof of what is undone. The lease number fences off a worker that wakes up too late.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from workflows.acts import consult, perform
from workflows.audit import Draft
from workflows.authority import Question, authorize
from workflows.callers import Call
from workflows.errors import NoSuchEntity
from workflows.ports import Ports, Reading, Writing
from workflows.records.errand import Errand, ErrandKind, ErrandState

LEASE: Final = timedelta(seconds=60)
# Least seconds until the next try; together a little over three days, after which a message is a dead letter.
SCHEDULE: Final = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 43_200, 43_200, 43_200, 43_200)
_JITTER: Final = 0.2
_RECEIVE: Final = "daypass:ReceiveNotifications"


def lease(ports: Ports, limit: int, *, busy: frozenset[str] = frozenset()) -> Sequence[Errand]:
    """Take up to `limit` due errands for `LEASE`; nobody else gets them meanwhile.

    Errands to the channels that are `busy` wait, so that one receiver's backlog is not in the way of another's.
    """

    def work(tx: Writing) -> list[Errand]:
        now = ports.clock.now()
        taken = []
        for errand in tx.due_errands(now, limit, without=busy):
            if errand.expires_at is not None and now >= errand.expires_at:
                # It carries a token that is worth nothing any more.
                tx.remove(errand)
                continue
            mine = replace(errand, due_at=now + LEASE, lease=errand.lease + 1, attempts=errand.attempts + 1)
            tx.put(mine)
            taken.append(mine)
        return taken

    return ports.store.write(work)


def delay_before(ports: Ports, attempts: int) -> timedelta | None:
    """Return how long to wait after this many tries, up to a fifth more; None when there is no next try."""
    if attempts > len(SCHEDULE):
        return None
    seconds = SCHEDULE[attempts - 1]
    chance = int.from_bytes(ports.entropy.token_bytes(2), "big") / 0xFFFF
    return timedelta(seconds=seconds * (1 + _JITTER * chance))


def _still_mine(tx: Reading, errand: Errand) -> Errand | None:
    current = tx.get(Errand, errand.id)
    return current if current is not None and current.lease == errand.lease else None


def delivered(ports: Ports, errand: Errand) -> None:
    """Let go of an errand that the receiver took."""

    def work(tx: Writing) -> None:
        if current := _still_mine(tx, errand):
            tx.remove(current)

    ports.store.write(work)


def failed(ports: Ports, errand: Errand, failure: str, *, hopeless: bool = False) -> None:
    """Put an errand back for its next try, or park it as a dead letter after the last one (or when it is hopeless).

    `failure` is a class of failure, never the receiver's own words.
    """

    def work(tx: Writing) -> None:
        current = _still_mine(tx, errand)
        if current is None:
            return
        delay = None if hopeless else delay_before(ports, errand.attempts)
        if delay is None:
            tx.put(replace(current, state=ErrandState.PARKED, last_failure=failure))
        else:
            tx.put(replace(current, due_at=ports.clock.now() + delay, last_failure=failure))

    ports.store.write(work)


def postponed(ports: Ports, errand: Errand, wait: timedelta) -> None:
    """Put an errand back untried, because its receiver is busy with others of ours."""

    def work(tx: Writing) -> None:
        if current := _still_mine(tx, errand):
            tx.put(replace(current, attempts=current.attempts - 1, due_at=ports.clock.now() + wait))

    ports.store.write(work)


def mailbox(ports: Ports, call: Call, *, limit: int) -> Sequence[Errand]:
    """Return the calling partner's waiting messages in the order they were written; they stay until acknowledged."""

    def work(tx: Reading, _draft: Draft) -> Sequence[Errand]:
        authorize(tx, ports, call, Question(_RECEIVE, "*", {}))
        now = ports.clock.now()
        waiting = tx.oldest_errands(call.caller.account_id, ErrandKind.POLL, ErrandState.WAITING, limit)
        return [errand for errand in waiting if errand.expires_at is None or now < errand.expires_at]

    return consult(ports, call, "ReceiveNotifications", work)


def acknowledge(ports: Ports, call: Call, message_id: str) -> None:
    """Remove a message from the calling partner's mailbox; raises `NoSuchEntity` for any other."""

    def work(tx: Writing, draft: Draft) -> None:
        draft.decided_by = authorize(tx, ports, call, Question(_RECEIVE, "*", {}))
        errand = tx.get(Errand, message_id)
        if errand is None or errand.partner_id != call.caller.account_id or errand.kind is not ErrandKind.POLL:
            raise NoSuchEntity("notification", message_id)
        draft.request_id, draft.partner_id = errand.request_id, errand.partner_id
        tx.remove(errand)

    perform(ports, call, "AcknowledgeNotification", work, asked={"notificationId": message_id})


def dead_letters(ports: Ports, call: Call, *, limit: int) -> Sequence[Errand]:
    """Return the calling partner's messages that could not be delivered, oldest first."""

    def work(tx: Reading, _draft: Draft) -> Sequence[Errand]:
        authorize(tx, ports, call, Question(_RECEIVE, "*", {}))
        return tx.oldest_errands(call.caller.account_id, ErrandKind.WEBHOOK, ErrandState.PARKED, limit)

    return consult(ports, call, "ListDeadLetters", work)


def replay(ports: Ports, call: Call, message_id: str) -> Errand:
    """Send a dead letter again, from the first try, under the same message id."""

    def work(tx: Writing, draft: Draft) -> Errand:
        draft.decided_by = authorize(tx, ports, call, Question(_RECEIVE, "*", {}))
        errand = tx.get(Errand, message_id)
        if errand is None or errand.partner_id != call.caller.account_id or errand.state is not ErrandState.PARKED:
            raise NoSuchEntity("dead letter", message_id)
        draft.request_id, draft.partner_id = errand.request_id, errand.partner_id
        again = replace(errand, state=ErrandState.WAITING, attempts=0, due_at=ports.clock.now())
        tx.put(again)
        return again

    return perform(ports, call, "ReplayDeadLetter", work, asked={"notificationId": message_id})
