"""Answers "may this subject do that?" from memory, and never from memory that could be stale.

A subject's standing is loaded once and kept until any authority changes: in this process that shows at the next
decision, in another within `_RECHECK`. When the store cannot be asked whether something changed, the answer is no.
Deadlines are compared at every decision.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from anyio import to_thread

from service.ledger import Ledger
from service.observe.metrics import DECISIONS
from workflows.authentication import caller_of_token, deployment_of
from workflows.callers import Caller
from workflows.errors import NoSuchEntity, UnknownCredential
from workflows.policy.context import RequestContext
from workflows.policy.decision import Decision
from workflows.ports import Ports, Reading
from workflows.role_standing import standing_of_subject
from workflows.sessions import Standing, judge

K = TypeVar("K")
V = TypeVar("V")

_ALLOWED: Final = DECISIONS.labels("allow")
_DENIED: Final = DECISIONS.labels("deny")
_RECHECK: Final = timedelta(milliseconds=500)
_MOST_SUBJECTS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """One answer: yes or no, why, and the statement that decided if one did."""

    decision: bool
    reason: str
    matched: tuple[str, ...] = ()


class Decider:
    """The decisions of one process. Its methods run in the event loop; only a cache miss leaves it."""

    def __init__(self, ports: Ports, local_changes: Callable[[], int], ledger: Ledger) -> None:
        self._ports, self._local_changes, self._ledger = ports, local_changes, ledger
        self._standings: OrderedDict[tuple[str, str], Standing] = OrderedDict()
        self._callers: OrderedDict[str, tuple[Caller, datetime]] = OrderedDict()
        self._authority = -1
        self._local = -1
        self._checked_at: datetime | None = None

    async def refresh(self) -> None:
        """Forget everything if any authority changed since it was loaded; raises `Unavailable` when unknown."""
        now = self._ports.clock.now()
        local = self._local_changes()
        fresh = self._checked_at is not None and now - self._checked_at < _RECHECK
        if fresh and local == self._local:
            return
        authority = await to_thread.run_sync(self._ports.store.read, lambda tx: deployment_of(tx).authority)
        if authority != self._authority or local != self._local:
            self._standings.clear()
            self._callers.clear()
        self._authority, self._local, self._checked_at = authority, local, now

    async def caller_of(self, token: str) -> Caller:
        """Return whom an API token authenticates; raises `UnknownCredential`."""
        await self.refresh()
        known = self._callers.get(token)
        if known is not None:
            caller, expires_at = known
            if self._ports.clock.now() >= expires_at:
                raise UnknownCredential
            return caller
        caller, expires_at = await to_thread.run_sync(self._load_caller, token)
        _remember(self._callers, token, (caller, expires_at))
        return caller

    def _load_caller(self, token: str) -> tuple[Caller, datetime]:
        caller, record = self._ports.store.read(lambda tx: caller_of_token(tx, self._ports, token))
        return caller, record.expires_at

    async def decide(
        self,
        subject_type: str,
        subject_id: str,
        *,
        action: str,
        resource: str,
        context: RequestContext,
    ) -> Verdict:
        """Return the answer to one question; call `refresh` first. Raises `BadInput` for a malformed question."""
        verdict = await self._decided(subject_type, subject_id, action=action, resource=resource, context=context)
        (_ALLOWED if verdict.decision else _DENIED).inc()
        return verdict

    async def _decided(
        self,
        subject_type: str,
        subject_id: str,
        *,
        action: str,
        resource: str,
        context: RequestContext,
    ) -> Verdict:
        key = (subject_type, subject_id)
        standing = self._standings.get(key)
        if standing is None:
            loaded_at = self._local_changes()
            try:
                standing = await to_thread.run_sync(self._load_standing, subject_type, subject_id)
            except NoSuchEntity:
                return Verdict(decision=False, reason="the subject is unknown, has ended or was revoked")
            # A change that came while this was loading may not be in it: it serves once and is not kept.
            if loaded_at == self._local:
                _remember(self._standings, key, standing)
        now = self._ports.clock.now()
        answer = judge(standing, action=action, resource=resource, context=context, now=now)
        if answer is None:
            return Verdict(decision=False, reason="the session is past its deadline")
        if answer.allowed:
            lent = standing.caller.is_delegated
            self._ledger.note(standing.counted, action, now, resource=resource if lent else None)
        return Verdict(answer.allowed, answer.because, _matched(answer))

    def _load_standing(self, subject_type: str, subject_id: str) -> Standing:
        def work(tx: Reading) -> Standing:
            return standing_of_subject(tx, self._ports, subject_type, subject_id)

        return self._ports.store.read(work)


def _matched(answer: Decision) -> tuple[str, ...]:
    """Name the statement of each layer that spoke, the deciding one first."""
    spoken = [answer.deciding, *(layer.statement for layer in answer.layers)]
    return tuple(dict.fromkeys(one.label for one in spoken if one is not None))


def _remember(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    if len(memory) > _MOST_SUBJECTS:
        memory.popitem(last=False)
