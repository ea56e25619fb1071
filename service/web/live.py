"""Changes as they happen: one stream of events for each open page, which ends when its session does."""

from collections.abc import AsyncIterator
from typing import Final

import anyio
from anyio import to_thread
from litestar import get
from litestar.di import NamedDependency
from litestar.response import ServerSentEvent, ServerSentEventMessage

from service.web.shell import HEADERS
from service.web.visits import Visit
from workflows.errors import NotSignedIn, Throttled, Unavailable
from workflows.ports import Reading
from workflows.records.audit import AuditHead
from workflows.signing_in import session_of

_EVERY: Final = 1.0
# A browser opens a new stream by itself; until then nothing is lost but a little time.
_LONGEST: Final = 600
_MOST: Final = 500


class Streams:
    """The open streams of this process; none outlives it."""

    def __init__(self) -> None:
        self._open = 0
        self.closing = False

    def enter(self) -> None:
        """Count a stream in; raises `Throttled` when there are too many."""
        if self._open >= _MOST:
            raise Throttled("Too many open pages")
        self._open += 1

    def leave(self) -> None:
        """Count a stream out."""
        self._open -= 1


def _number(visit: Visit) -> int:
    """Return the number of the account's newest audit entry: every change writes one. Raises `NotSignedIn`."""

    def look(tx: Reading) -> int:
        _, principal = session_of(tx, visit.ports, visit.secret)
        head = tx.get(AuditHead, principal.account_id)
        return head.number if head else 0

    return visit.ports.store.read(look)


async def _events(visit: Visit, streams: Streams) -> AsyncIterator[ServerSentEventMessage]:
    last: int | None = None
    try:
        for _ in range(_LONGEST):
            if streams.closing:
                return
            try:
                number = await to_thread.run_sync(_number, visit)
            except NotSignedIn:
                yield ServerSentEventMessage(event="ended", data="session")
                return
            except Unavailable:
                number = last or 0
            if last is None:
                yield ServerSentEventMessage(comment="open", retry=2000)
            elif number != last:
                yield ServerSentEventMessage(event="changed", data=str(number))
            last = number
            await anyio.sleep(_EVERY)
    finally:
        streams.leave()


@get("/events", include_in_schema=False)
async def events(visit: NamedDependency[Visit], streams: NamedDependency[Streams]) -> ServerSentEvent:
    """Tell an open page of every change in its account."""
    if not visit.signed_in:
        raise NotSignedIn
    streams.enter()
    return ServerSentEvent(_events(visit, streams), headers=dict(HEADERS))
