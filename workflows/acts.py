"""One act, one transaction: the change, its audit entry, its errands and the memory of its signature commit together.

A failed act changes nothing and is still written down. A byte-identical repeat of a signed call has no second effect
and gets the first answer, because honest clients repeat signatures too (their resolution is one second).
"""

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from workflows import audit
from workflows.audit import Draft
from workflows.callers import Call
from workflows.errors import DomainError, SealBroken, Unavailable
from workflows.ids import AccountId
from workflows.ports import Expectation, Ports, Reading, Writing
from workflows.records.audit import Replay

T = TypeVar("T")


def perform(
    ports: Ports,
    call: Call,
    act: str,
    work: Callable[[Writing, Draft], T],
    *,
    recall: Callable[[Reading, Mapping[str, str]], T] | None = None,
    chain: AccountId | None = None,
    asked: Mapping[str, object] | None = None,
    expected: Expectation | None = None,
) -> T:
    """Run a changing act and return its result once it is durable; raises what `work` raises, after writing it down.

    `recall` rebuilds the result from the remembered outcome when the very same signed call comes again.
    """

    def begin() -> Draft:
        return Draft(act=act, chain=chain or call.caller.account_id, asked=dict(asked or {}))

    draft = begin()

    def attempt(tx: Writing) -> T:
        nonlocal draft
        draft = begin()
        if call.signature and recall and (replay := tx.get(Replay, call.signature)):
            return recall(tx, json.loads(replay.outcome))
        result = work(tx, draft)
        now = ports.clock.now()
        audit.append(tx, ports, [(call, draft, None)], now=now)
        if call.signature and recall:
            memory = json.dumps(draft.outcome)
            tx.add(Replay(call.signature, memory, now + ports.terms.replay_memory))
        return result

    try:
        return ports.store.write(attempt, expected=expected)
    except (Unavailable, SealBroken):
        raise
    except DomainError as failure:
        _write_down(ports, call, draft, failure)
        raise


def consult(
    ports: Ports,
    call: Call,
    act: str,
    work: Callable[[Reading, Draft], T],
    *,
    asked: Mapping[str, object] | None = None,
) -> T:
    """Run an act that only reads and return its result; a refusal is written down, a success changes nothing."""
    draft = Draft(act=act, chain=call.caller.account_id, asked=dict(asked or {}))
    try:
        return ports.store.read(lambda tx: work(tx, draft))
    except (Unavailable, SealBroken):
        raise
    except DomainError as failure:
        _write_down(ports, call, draft, failure)
        raise


def _write_down(ports: Ports, call: Call, draft: Draft, failure: DomainError) -> None:
    # INVARIANT: a failure is written to the caller's own chain, so nobody writes into a stranger's history.
    draft.chain = call.caller.account_id
    ports.store.write(
        lambda tx: audit.append(tx, ports, [(call, draft, failure)], now=ports.clock.now()),
    )
