"""A view of the store inside one transaction: what the domain's `Reading` and `Writing` ports ask for.

Statements are Core, not ORM: the ORM costs an order of magnitude on the paths that matter.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Select,
    Update,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)

from service.db.clauses import are_single, matches, standing, unended, unexpired, waiting_webhooks
from service.db.dead_rows import dead_rows
from service.db.endings import claim_unannounced, parts_of
from service.db.mapping import reader_for, table_of, value_of
from service.db.memory import Memory
from service.db.pending import Misjudged, Pending, refusal
from service.db.prepared import Cursor, Said
from service.db.statements import key_columns, key_of, statements_of
from workflows.errors import AlreadyExists, DomainError, LostRace
from workflows.ids import AccountId
from workflows.lifecycle import OPEN_STATES
from workflows.ports import Expectation
from workflows.records.audit import AuditEntry
from workflows.records.deployment import Deployment
from workflows.records.errand import Errand, ErrandKind, ErrandState
from workflows.records.grant import Expired, Grant
from workflows.records.request import DelegationRequest
from workflows.records.role import RoleErrand, Usage

R = TypeVar("R")

_SAVEPOINT, _ROLLBACK, _RELEASE = "SAVEPOINT act", "ROLLBACK TO act", "RELEASE act"
_BATCH = 1000
# What time will end or a courier carry: when one is written, somebody may have to wake up earlier.
_TIMED = (Errand, Grant)


def _batches(records: Iterable[R]) -> Iterator[list[R]]:
    rest = iter(records)
    while several := list(islice(rest, _BATCH)):
        yield several


class TakenBack(Exception):
    """An act raised after it had written something, and what its transaction wrote is undone with it."""


class View:
    """Reads and writes records on one connection, inside the transaction its owner opened."""

    def __init__(self, connection: Connection, memory: Memory, *, writing: bool = False) -> None:
        self._connection = connection
        self._memory = memory
        # Whatever a transaction that is settled sees of authority is committed.
        self._settled = True
        self._deployment: Deployment | None = None
        self._cursor = Cursor(connection)
        self._statements = statements_of(connection)
        self._writing = writing
        self._pending = Pending(self._cursor, self._statements)
        # What a reader would write, the database refuses.
        self._pending.at_once = not writing
        self._authority_changes = 0
        self.changes_authority = self.makes_work = self.wrote = False

    # --- one act after another, in one transaction ----------------------------------------------------

    def foresee(self, expectations: Sequence[Expectation]) -> None:
        """Look for what the acts to come will ask for, all together; raises `DBAPIError`."""
        if not expectations:
            return
        own = self._memory.deployment_id or self.deployment().id
        expected = [one for expectation in expectations for one in expectation(own)]
        self._pending.foresee([(Deployment, "id", own), *expected])
        if found := self._pending.foreseen(Deployment, {"id": own}):
            self._deployment = found[0]

    def begin_act(self) -> None:
        """Forget what the act before made known of itself."""
        self.changes_authority = self.makes_work = self.wrote = False

    def write_out(self, *, last: Said | None = None) -> None:
        """Write what is not written yet; raises `Misjudged`, after which nothing may stay, or `DBAPIError`."""
        self._pending.write_out(last)
        if self._authority_changes:
            table, more = table_of(Deployment), self._authority_changes
            self._connection.execute(update(table).values(authority=table.c["authority"] + more))
            self._authority_changes = 0
            self._pending.lost_sight_of(Deployment)

    def guard_act(self) -> None:
        """Let what follows be undone alone, and be written at once; raises `DBAPIError`."""
        self.write_out()
        self._pending.at_once = True
        self._cursor.say(_SAVEPOINT)

    def undo_act(self) -> None:
        """Take back what was written since `guard_act`, and what was seen of it; raises `DBAPIError`."""
        self._cursor.say(_ROLLBACK)
        self._pending.forget()
        self._authority_changes = 0
        self._deployment = None

    def release_act(self) -> None:
        """End what `guard_act` began; raises `DBAPIError`."""
        self.write_out()
        self._cursor.say(_RELEASE)

    def part(self, work: Callable[["View"], R]) -> R:
        """Return what `work` returns; nothing stays of it if it raises.

        Raises what it raises, or `TakenBack` where the transaction has to be run again with its acts guarded.
        """
        if not self._pending.at_once:
            try:
                return work(self)
            except DomainError:
                if self.wrote:
                    raise TakenBack from None
                raise
        told = self.changes_authority, self.makes_work
        self.guard_act()
        try:
            result = work(self)
        except DomainError:
            self.undo_act()
            self.changes_authority, self.makes_work = told
            self.release_act()
            raise
        self.release_act()
        return result

    # --- reading ---------------------------------------------------------------------------------------

    def deployment(self) -> Deployment:
        """Return the deployment's row, which start-up made sure of."""
        if self._deployment is None:
            self.write_out()
            self._deployment = self._found(Deployment, {})[0]
            self._memory.deployment_id = self._deployment.id
        return self._deployment

    def remembered(self, kind: str, key: str, load: Callable[[], R | None]) -> R | None:
        """Return what `load` returns, without asking again while nobody's authority changes."""
        if not self._settled:
            return load()
        return self._memory.recall(kind, key, self.deployment().authority, load)

    def get(self, kind: type[R], /, *key: object) -> R | None:
        """Return the record of this kind with this primary key, or None."""
        own = tuple(map(value_of, key))
        if self._writing and (row := self._pending.known(kind, own)):
            known: R | None = row.now
            return known
        named = {f"key_{at}": part for at, part in enumerate(own)}
        found = self._cursor.records(kind, self._statements.by_key(kind), named)
        record = found[0] if found else None
        if self._writing:
            self._pending.saw(kind, own, record)
        return record

    def find(self, kind: type[R], /, **equal: object) -> Sequence[R]:
        """Return records whose fields equal these values (or are in a `range` or `frozenset`), in key order."""
        if not self._writing:
            return self._found(kind, equal)
        found = self._pending.foreseen(kind, equal)
        if found is None:
            found = self._found(kind, equal)
        revised = self._pending.revised(kind, equal, found)
        if revised is None:
            self.write_out()
            revised = self._found(kind, equal)
        return revised

    def _found(self, kind: type[R], equal: dict[str, object]) -> list[R]:
        if are_single(equal):
            named = {f"equal_{name}": value_of(value) for name, value in equal.items()}
            return self._seen(self._cursor.records(kind, self._statements.by_fields(kind, tuple(equal)), named))
        table = table_of(kind)
        query = select(table).where(*matches(table, equal)).order_by(*key_columns(table))
        return self._records(kind, query)

    def _records(self, kind: type[R], query: Select[Any] | Update) -> list[R]:
        """Return what a statement finds after everything before it is written."""
        found = self._execute(query)
        # The driver's own rows: to make records of them, SQLAlchemy's would have to be taken apart again.
        rows = found.cursor.fetchall()
        found.close()
        return self._seen(list(map(reader_for(kind, self._connection.dialect), rows)))

    def _seen(self, records: list[R]) -> list[R]:
        """Remember what was found, so that nobody has to look again before writing it."""
        if self._writing:
            for record in records:
                self._pending.saw(type(record), key_of(record), record)
        return records

    def _execute(self, statement: Executable) -> Any:  # noqa: ANN401  what SQLAlchemy returns
        """Run a statement of its own, after everything before it is written."""
        self.write_out()
        return self._connection.execute(statement)

    def page(
        self,
        kind: type[R],
        /,
        *,
        limit: int,
        after: tuple[datetime, str] | None,
        **equal: object,
    ) -> Sequence[R]:
        """Return up to `limit` records, newest first (by id within one instant), behind the `after` position."""
        table = table_of(kind)
        created, key = table.c["created_at"], key_columns(table)[0]
        clauses = matches(table, equal)
        if after is not None:
            # The first bound is implied by the second; it lets the index seek instead of scan.
            clauses.append(created <= after[0])
            clauses.append(or_(created < after[0], and_(created == after[0], key < after[1])))
        query = select(table).where(*clauses).order_by(created.desc(), key.desc()).limit(limit)
        return self._records(kind, query)

    def count_open_requests(self, *, now: datetime, limit: int, **equal: object) -> int:
        """Count requests that time has not ended and nobody has decided for good; stops counting at `limit`."""
        table = table_of(DelegationRequest)
        still_open = table.c["state"].in_([state.value for state in OPEN_STATES])
        inner = (
            select(table.c["id"])
            .where(*matches(table, equal), still_open, table.c["expires_at"] > now)
            .limit(limit)
            .subquery()
        )
        return int(self._execute(select(func.count()).select_from(inner)).scalar_one())

    def count(self, kind: type[Any], /, *, limit: int, **equal: object) -> int:
        """Count records whose fields equal these values; stops counting at `limit`."""
        table = table_of(kind)
        inner = select(literal(1)).select_from(table).where(*matches(table, equal)).limit(limit).subquery()
        return int(self._execute(select(func.count()).select_from(inner)).scalar_one())

    def trail(
        self,
        chain: AccountId,
        *,
        before: int | None,
        limit: int,
        until: datetime | None = None,
        **about: object,
    ) -> Sequence[AuditEntry]:
        """Return up to `limit` entries of a chain below the number `before`, newest first."""
        table = table_of(AuditEntry)
        clauses = matches(table, {"chain": chain, **about})
        if before is not None:
            clauses.append(table.c["number"] < before)
        if until is not None:
            # Numbers and instants rise together: the last number up to an instant bounds the rest by the key alone.
            last = select(table.c["number"]).where(table.c["chain"] == chain, table.c["at"] <= until)
            newest = last.order_by(table.c["at"].desc(), table.c["number"].desc()).limit(1)
            clauses.append(table.c["number"] <= (self._execute(newest).scalar_one_or_none() or 0))
        query = select(table).where(*clauses).order_by(table.c["number"].desc()).limit(limit)
        return self._records(AuditEntry, query)

    def partners_of(self, account_id: AccountId, *, after: str, limit: int) -> Sequence[AccountId]:
        """Return up to `limit` partners that an account has had requests of, by id, behind `after`.

        One seek for each partner: the rows of a partner are never walked.
        """
        requests = table_of(DelegationRequest).c
        found: list[AccountId] = []
        while len(found) < limit:
            query = select(func.min(requests["requestor_id"])).where(
                requests["owner_account_id"] == account_id,
                requests["requestor_id"] > after,
            )
            following = self._execute(query).scalar_one()
            if following is None:
                break
            after = following
            found.append(AccountId(following))
        return found

    def _due(
        self,
        kind: type[R],
        by: str,
        now: datetime,
        limit: int,
        *clauses: ColumnElement[bool],
    ) -> Sequence[R]:
        table = table_of(kind)
        query = select(table).where(*clauses, table.c[by] <= now).order_by(table.c[by]).limit(limit)
        if self._writing:
            # What another process is about to take is left to it. (SQLite has one writer and leaves this out.)
            query = query.with_for_update(skip_locked=True)
        return self._records(kind, query)

    def due_requests(self, now: datetime, limit: int) -> Sequence[DelegationRequest]:
        """Return requests whose stored state is past its time, the longest overdue first."""
        return self._due(DelegationRequest, "expires_at", now, limit, unexpired())

    def due_grants(self, now: datetime, limit: int) -> Sequence[Grant]:
        """Return grants that are planned or live and past their deadline, longest overdue first."""
        return self._due(Grant, "deadline", now, limit, unended(), standing())

    def due_role_errands(self, now: datetime, limit: int) -> Sequence[RoleErrand]:
        """Return what is to be done about roles by now, the longest waiting first."""
        return self._due(RoleErrand, "due_at", now, limit)

    def due_errands(self, now: datetime, limit: int, *, without: frozenset[str] = frozenset()) -> Sequence[Errand]:
        """Return webhook errands that are due, the longest waiting first, leaving out the channels `without`."""
        clauses = waiting_webhooks()
        if without:
            clauses.append(table_of(Errand).c["channel_arn"].not_in(sorted(without)))
        return self._due(Errand, "due_at", now, limit, *clauses)

    def oldest_errands(
        self,
        partner_id: AccountId,
        kind: ErrandKind,
        state: ErrandState,
        limit: int,
    ) -> Sequence[Errand]:
        """Return a partner's errands of this kind and state, the oldest first."""
        table = table_of(Errand)
        clauses = matches(table, {"partner_id": partner_id, "kind": kind, "state": state})
        # Messages of one instant and one request keep the order they were written in.
        oldest_first = (table.c["created_at"], table.c["request_id"], table.c["sequence"])
        query = select(table).where(*clauses).order_by(*oldest_first).limit(limit)
        return self._records(Errand, query)

    def last_use(self, principal_id: str) -> datetime | None:
        """Return when a principal, a role or a grant (by its id) last used anything, or None."""
        used = table_of(Usage).c
        mine = used["principal_id"] == principal_id
        latest_day = select(func.max(used["day"])).where(mine).scalar_subquery()
        query = select(func.max(used["last_at"])).where(mine, used["day"] == latest_day)
        found: datetime | None = self._execute(query).scalar_one()
        return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found

    def chains(self) -> Sequence[AccountId]:
        """Return the chain of every audit entry, each once."""
        chain = table_of(AuditEntry).c["chain"]
        return [AccountId(name) for name in self._execute(select(chain).distinct()).scalars()]

    def next_due(self) -> datetime | None:
        """Return the earliest instant at which any request, grant or errand becomes due."""
        # The first in order, not the least: a plan made for few rows would gather all of them to find that.
        timed: tuple[tuple[ColumnElement[Any], list[ColumnElement[bool]]], ...] = (
            (table_of(DelegationRequest).c["expires_at"], [unexpired()]),
            (table_of(Grant).c["deadline"], [unended(), standing()]),
            (table_of(Grant).c["unannounced_since"], [table_of(Grant).c["unannounced_since"].is_not(None)]),
            (table_of(RoleErrand).c["due_at"], []),
            (table_of(Errand).c["due_at"], waiting_webhooks()),
        )
        queries = [select(at).where(*clauses).order_by(at).limit(1) for at, clauses in timed]
        found = [self._execute(query).scalar() for query in queries]
        return min((instant for instant in found if instant is not None), default=None)

    # --- writing ---------------------------------------------------------------------------------------

    def add(self, record: object) -> None:
        """Insert a record; raises `AlreadyExists` when its key or a unique field is taken."""
        self.wrote = True
        self._pending.add(record)
        self.makes_work |= isinstance(record, _TIMED)
        self._written(record)

    def _written(self, record: object, because: type[AlreadyExists | LostRace] = AlreadyExists) -> None:
        """Write at once where that is asked for; raises that refusal when the database holds something else."""
        if not self._pending.at_once:
            if self._pending.many:
                self.write_out()
            return
        try:
            self.write_out()
        except Misjudged:
            self._pending.forget()
            raise refusal(because, record) from None

    def add_all(self, records: Iterable[object]) -> None:
        """Insert many records of one kind at once; raises `AlreadyExists` when a key of any of them is taken."""
        for several in _batches(records):
            self.wrote = True
            for record in several:
                self._pending.add(record)
            self.makes_work |= isinstance(several[0], _TIMED)
            self._written(several[0])

    def swap(self, before: R, after: R) -> R:
        """Replace `before` by `after` if nobody changed it since; returns it with its new revision or `LostRace`."""
        old: Any = before
        written: Any = replace(after, revision=old.revision + 1)  # type: ignore[type-var]
        self.wrote = True
        self._pending.swap(before, written)
        self._written(before, LostRace)
        result: R = written
        return result

    def _swap_all(self, before: Sequence[Any], after: Sequence[Any]) -> None:
        self.wrote |= bool(before)
        for old, new in zip(before, after, strict=True):
            self._pending.swap(old, replace(new, revision=old.revision + 1))
        if before:
            self._written(before[0], LostRace)

    def end_requests(self, before: Sequence[DelegationRequest], after: Sequence[DelegationRequest]) -> None:
        """Swap many requests at once; raises `LostRace` when any of them was changed."""
        self._swap_all(before, after)

    def end_grants(self, before: Sequence[Grant], after: Sequence[Grant]) -> None:
        """Swap many grants at once; raises `LostRace` when any of them was changed."""
        self._swap_all(before, after)

    def lapse_sessions(self, now: datetime, limit: int, each: Callable[[Sequence[Expired]], None]) -> None:
        """End up to `limit` live sessions past their deadline, the longest overdue first, and mark them unannounced."""
        self._about_to_change_grants()
        turns = [{"now": now, "limit": part} for part in parts_of(limit)]
        with self._pending.judged():
            self._cursor.in_turn(Expired, self._statements.lapse, turns, use=each, between=self._pending.send_inserts)

    def claim_unannounced(self, now: datetime, limit: int) -> Sequence[Grant]:
        """Take the mark off up to `limit` grants whose end is to be announced, the longest unannounced first."""
        self._about_to_change_grants()
        return self._records(Grant, claim_unannounced(now, limit))

    def _about_to_change_grants(self) -> None:
        """Forget grants that a statement of its own is about to change."""
        self.write_out()
        self._pending.lost_sight_of(Grant)
        self.wrote = True

    def put(self, record: object) -> None:
        """Insert the record or replace the one with the same primary key."""
        self.wrote = True
        if isinstance(record, Deployment):
            self._deployment = None
        if self.get(type(record), *key_of(record)) is None:
            self.makes_work |= isinstance(record, _TIMED)
        self._pending.put(record)
        self._written(record)

    def remove(self, record: object) -> None:
        """Delete the record with this primary key, if it is there."""
        self.wrote = True
        kind, key = type(record), key_of(record)
        clauses = [column == value_of(part) for column, part in zip(key_columns(table_of(kind)), key, strict=True)]
        self._execute(delete(table_of(kind)).where(*clauses))
        self._pending.removed(kind, key)

    def purge(self, now: datetime, *, expired_before: datetime, limit: int) -> int:
        """Delete requests expired before then with their evidence, and what is stale; returns how many rows went."""
        self.wrote = True
        hanging, limited = dead_rows(now, expired_before=expired_before, limit=limit)
        for statement in hanging:
            self._execute(statement)
        gone: int = sum(self._execute(statement).rowcount for statement in limited)
        self._pending.forget()
        return gone

    def authority_changed(self) -> None:
        """Make every cache of decisions, on every replica, look again."""
        # Each act that changes authority counts; they are written together.
        self._authority_changes += 1
        self.changes_authority = self.wrote = True
        self._settled = False
        self._deployment = None
