"""A view of the store inside one transaction: what the domain's `Reading` and `Writing` ports ask for.

Statements are Core, not ORM: the ORM costs an order of magnitude on the paths that matter.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from service.db.mapping import record_of, table_of, value_of, values_of
from service.db.memory import Memory
from service.db.prepared import Cursor, Prepared, one_dialect
from workflows.errors import AlreadyExists, LostRace
from workflows.ids import AccountId
from workflows.lifecycle import OPEN_STATES
from workflows.records.audit import AuditEntry, Replay
from workflows.records.deployment import Deployment
from workflows.records.errand import Errand, ErrandKind, ErrandState
from workflows.records.grant import Grant, GrantState
from workflows.records.request import DelegationRequest, State
from workflows.records.role import AccessReport, RoleErrand, RoleSession, Usage, UsedResource
from workflows.records.sign_in import Challenge, Evidence, Invitation, SignInAttempt, WebSession

R = TypeVar("R")

_SAVEPOINT, _ROLLBACK, _RELEASE = "SAVEPOINT act", "ROLLBACK TO act", "RELEASE act"
_USE_REMEMBERED = timedelta(days=400)
# What time will end or a courier carry: when one is written, somebody may have to wake up earlier.
_TIMED = (Errand, Grant)
_UNENDED = (GrantState.PLANNED, GrantState.LIVE, GrantState.REVOKING, GrantState.STUCK)


def _written_out(name: str, values: str | list[str]) -> BindParameter[Any]:
    """Return what is written out in the statement, not bound: only then is a partial index seen to answer it.

    A plan that a server keeps for any value has to do without that index, and would scan the table.
    """
    return bindparam(name, values, expanding=isinstance(values, list), literal_execute=True)


def _unended() -> ColumnElement[bool]:
    return table_of(Grant).c["state"].in_(_written_out("unended", [one.value for one in _UNENDED]))


def _standing() -> ColumnElement[bool]:
    # Those that are on their way out already are past time too; a batch must not fill up with them. Said by what they
    # are not: by what they are, an index that begins with the state looks as good, and it is not in order of time.
    leaving = [GrantState.REVOKING.value, GrantState.STUCK.value]
    return table_of(Grant).c["state"].not_in(_written_out("leaving", leaving))


def _unexpired() -> ColumnElement[bool]:
    return table_of(DelegationRequest).c["state"] != _written_out("expired", State.EXPIRED.value)


def _waiting_webhooks() -> list[ColumnElement[bool]]:
    columns = table_of(Errand).c
    return [
        columns["state"] == _written_out("waiting", ErrandState.WAITING.value),
        columns["kind"] == _written_out("webhook", ErrandKind.WEBHOOK.value),
    ]


def _key_columns(table: Table) -> list[ColumnElement[Any]]:
    return list(table.primary_key.columns)


def _by_key(table: Table) -> list[ColumnElement[bool]]:
    return [column == bindparam(f"key_{at}") for at, column in enumerate(_key_columns(table))]


# What every call runs is prepared once per table and engine.
@cache
def _get(table: Table, dialect: Dialect) -> Prepared:
    return Prepared(select(table).where(*_by_key(table)), dialect)


@cache
def _find(table: Table, names: tuple[str, ...], dialect: Dialect) -> Prepared:
    equal = (table.c[name] == bindparam(f"equal_{name}") for name in names)
    return Prepared(select(table).where(*equal).order_by(*_key_columns(table)), dialect)


def _named(table: Table) -> list[str]:
    return [column.name for column in table.columns]


@cache
def _replace(table: Table, dialect: Dialect) -> Prepared:
    return Prepared(update(table).where(*_by_key(table)), dialect, _named(table))


@cache
def _swap(table: Table, dialect: Dialect) -> Prepared:
    old = [table.c[name] == bindparam(f"old_{name}") for name in ("revision", "state") if name in table.c]
    return Prepared(update(table).where(*_by_key(table), *old), dialect, _named(table))


@cache
def _append(table: Table, dialect: Dialect) -> Prepared:
    return Prepared(insert(table), dialect, _named(table))


@cache
def _insert(table: Table, dialect: Dialect) -> Prepared:
    """Return the insert that leaves the transaction whole when a key is taken; then it inserts nothing."""
    made = postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)
    return Prepared(made.on_conflict_do_nothing(), dialect, _named(table))


@cache
def _key_names(table: Table) -> tuple[tuple[str, str], ...]:
    return tuple((f"key_{at}", column.name) for at, column in enumerate(table.primary_key.columns))


def _keyed(table: Table, record: object) -> dict[str, object]:
    """Return the parameters that name a record by its primary key."""
    return {parameter: value_of(getattr(record, name)) for parameter, name in _key_names(table)}


def _matches(table: Table, equal: dict[str, object]) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    for name, value in equal.items():
        column = table.c[name]
        if isinstance(value, range):
            # Its bounds may lie beyond what the column can hold.
            first, last = (literal(bound, BigInteger) for bound in (value.start, value.stop - 1))
            clauses.append(column.between(first, last))
        elif isinstance(value, frozenset):
            clauses.append(column.in_(sorted(value)))
        else:
            clauses.append(column.is_(None) if value is None else column == value_of(value))
    return clauses


def _name_of(record: Any) -> str:  # noqa: ANN401  any record
    return str(next(iter(values_of(record).values())))


class View:
    """Reads and writes records on one connection, inside the transaction its owner opened."""

    def __init__(self, connection: Connection, memory: Memory, *, writing: bool = False) -> None:
        self._connection = connection
        self._memory = memory
        # Whatever a transaction that is settled sees of authority is committed.
        self._settled = True
        self._deployment: Deployment | None = None
        self._cursor = Cursor(connection)
        self._dialect = one_dialect(connection)
        self._writing = writing
        self.changes_authority = False
        self.makes_work = False

    # --- one act after another, in one transaction ----------------------------------------------------

    def begin_act(self) -> None:
        """Forget what the act before made known of itself."""
        self.changes_authority = self.makes_work = False

    def guard_act(self) -> None:
        """Let what follows be undone alone; raises `DBAPIError`."""
        self._cursor.say(_SAVEPOINT)

    def undo_act(self) -> None:
        """Take back what was written since `guard_act`, and what was seen of it; raises `DBAPIError`."""
        self._cursor.say(_ROLLBACK)
        self._deployment = None

    def release_act(self) -> None:
        """End what `guard_act` began; raises `DBAPIError`."""
        self._cursor.say(_RELEASE)

    # --- reading ---------------------------------------------------------------------------------------

    def deployment(self) -> Deployment:
        """Return the deployment's row, which start-up made sure of."""
        if self._deployment is None:
            self._deployment = self.find(Deployment)[0]
        return self._deployment

    def remembered(self, kind: str, key: str, load: Callable[[], R | None]) -> R | None:
        """Return what `load` returns, without asking again while nobody's authority changes."""
        if not self._settled:
            return load()
        return self._memory.recall(kind, key, self.deployment().authority, load)

    def get(self, kind: type[R], /, *key: object) -> R | None:
        """Return the record of this kind with this primary key, or None."""
        named = {f"key_{at}": value_of(part) for at, part in enumerate(key)}
        found = self._cursor.records(kind, _get(table_of(kind), self._dialect), named)
        return found[0] if found else None

    def find(self, kind: type[R], /, **equal: object) -> Sequence[R]:
        """Return records whose fields equal these values (or are in a `range` or `frozenset`), in key order."""
        table = table_of(kind)
        if not any(value is None or isinstance(value, (range, frozenset)) for value in equal.values()):
            named = {f"equal_{name}": value_of(value) for name, value in equal.items()}
            return self._cursor.records(kind, _find(table, tuple(equal), self._dialect), named)
        query = select(table).where(*_matches(table, equal)).order_by(*_key_columns(table))
        return [record_of(kind, row) for row in self._connection.execute(query)]

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
        created, key = table.c["created_at"], _key_columns(table)[0]
        clauses = _matches(table, equal)
        if after is not None:
            # The first bound is implied by the second; it lets the index seek instead of scan.
            clauses.append(created <= after[0])
            clauses.append(or_(created < after[0], and_(created == after[0], key < after[1])))
        query = select(table).where(*clauses).order_by(created.desc(), key.desc()).limit(limit)
        return [record_of(kind, row) for row in self._connection.execute(query)]

    def count_open_requests(self, *, now: datetime, limit: int, **equal: object) -> int:
        """Count requests that time has not ended and nobody has decided for good; stops counting at `limit`."""
        table = table_of(DelegationRequest)
        still_open = table.c["state"].in_([state.value for state in OPEN_STATES])
        inner = (
            select(table.c["id"])
            .where(*_matches(table, equal), still_open, table.c["expires_at"] > now)
            .limit(limit)
            .subquery()
        )
        return int(self._connection.execute(select(func.count()).select_from(inner)).scalar_one())

    def count(self, kind: type[Any], /, *, limit: int, **equal: object) -> int:
        """Count records whose fields equal these values; stops counting at `limit`."""
        table = table_of(kind)
        inner = select(literal(1)).select_from(table).where(*_matches(table, equal)).limit(limit).subquery()
        return int(self._connection.execute(select(func.count()).select_from(inner)).scalar_one())

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
        clauses = _matches(table, {"chain": chain, **about})
        if before is not None:
            clauses.append(table.c["number"] < before)
        if until is not None:
            # Numbers and instants rise together: the last number up to an instant bounds the rest by the key alone.
            last = select(table.c["number"]).where(table.c["chain"] == chain, table.c["at"] <= until)
            newest = last.order_by(table.c["at"].desc(), table.c["number"].desc()).limit(1)
            clauses.append(table.c["number"] <= (self._connection.execute(newest).scalar_one_or_none() or 0))
        query = select(table).where(*clauses).order_by(table.c["number"].desc()).limit(limit)
        return [record_of(AuditEntry, row) for row in self._connection.execute(query)]

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
            following = self._connection.execute(query).scalar_one()
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
        return [record_of(kind, row) for row in self._connection.execute(query)]

    def due_requests(self, now: datetime, limit: int) -> Sequence[DelegationRequest]:
        """Return requests whose stored state is past its time, the longest overdue first."""
        return self._due(DelegationRequest, "expires_at", now, limit, _unexpired())

    def due_grants(self, now: datetime, limit: int) -> Sequence[Grant]:
        """Return grants that are planned or live and past their deadline, longest overdue first."""
        return self._due(Grant, "deadline", now, limit, _unended(), _standing())

    def due_role_errands(self, now: datetime, limit: int) -> Sequence[RoleErrand]:
        """Return what is to be done about roles by now, the longest waiting first."""
        return self._due(RoleErrand, "due_at", now, limit)

    def due_errands(self, now: datetime, limit: int, *, without: frozenset[str] = frozenset()) -> Sequence[Errand]:
        """Return webhook errands that are due, the longest waiting first, leaving out the channels `without`."""
        clauses = _waiting_webhooks()
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
        clauses = _matches(table, {"partner_id": partner_id, "kind": kind, "state": state})
        # Messages of one instant and one request keep the order they were written in.
        oldest_first = (table.c["created_at"], table.c["request_id"], table.c["sequence"])
        query = select(table).where(*clauses).order_by(*oldest_first).limit(limit)
        return [record_of(Errand, row) for row in self._connection.execute(query)]

    def last_use(self, principal_id: str) -> datetime | None:
        """Return when a principal, a role or a grant (by its id) last used anything, or None."""
        used = table_of(Usage).c
        mine = used["principal_id"] == principal_id
        latest_day = select(func.max(used["day"])).where(mine).scalar_subquery()
        query = select(func.max(used["last_at"])).where(mine, used["day"] == latest_day)
        found: datetime | None = self._connection.execute(query).scalar_one()
        return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found

    def chains(self) -> Sequence[AccountId]:
        """Return the chain of every audit entry, each once."""
        chain = table_of(AuditEntry).c["chain"]
        return [AccountId(name) for name in self._connection.execute(select(chain).distinct()).scalars()]

    def next_due(self) -> datetime | None:
        """Return the earliest instant at which any request, grant or errand becomes due."""
        # The first in order, not the least: a plan made for few rows would gather all of them to find that.
        timed: tuple[tuple[ColumnElement[Any], list[ColumnElement[bool]]], ...] = (
            (table_of(DelegationRequest).c["expires_at"], [_unexpired()]),
            (table_of(Grant).c["deadline"], [_unended(), _standing()]),
            (table_of(RoleErrand).c["due_at"], []),
            (table_of(Errand).c["due_at"], _waiting_webhooks()),
        )
        queries = [select(at).where(*clauses).order_by(at).limit(1) for at, clauses in timed]
        found = [self._connection.execute(query).scalar() for query in queries]
        return min((instant for instant in found if instant is not None), default=None)

    # --- writing ---------------------------------------------------------------------------------------

    def add(self, record: object) -> None:
        """Insert a record; raises `AlreadyExists` when its key or a unique field is taken."""
        if self._cursor.change(_insert(table_of(type(record)), self._dialect), values_of(record)) != 1:
            raise AlreadyExists(type(record).__name__.lower(), _name_of(record))
        self.makes_work |= isinstance(record, _TIMED)

    def add_all(self, records: Iterable[object]) -> None:
        """Insert many records of one kind at once."""
        rows = list(records)
        if rows:
            self._cursor.change_all(_append(table_of(type(rows[0])), self._dialect), map(values_of, rows))
            self.makes_work |= isinstance(rows[0], _TIMED)

    def swap(self, before: R, after: R) -> R:
        """Replace `before` by `after` if nobody changed it since; returns it with its new revision or `LostRace`."""
        table = table_of(type(before))
        old: Any = before
        written: Any = replace(after, revision=old.revision + 1)  # type: ignore[type-var]
        named = {**_keyed(table, before), "old_revision": old.revision}
        if "state" in table.c:
            named["old_state"] = old.state.value
        if self._cursor.change(_swap(table, self._dialect), {**values_of(written), **named}) != 1:
            raise LostRace(type(before).__name__.lower(), _name_of(before))
        result: R = written
        return result

    def _swap_all(self, kind: type[Any], before: Sequence[Any], after: Sequence[Any]) -> None:
        if not before:
            return
        table = table_of(kind)
        statement = update(table).where(
            table.c["id"] == bindparam("old_key"),
            table.c["revision"] == bindparam("old_revision"),
        )
        rows = [
            {
                **values_of(replace(new, revision=old.revision + 1)),
                "old_key": old.id,
                "old_revision": old.revision,
            }
            for old, new in zip(before, after, strict=True)
        ]
        if self._connection.execute(statement, rows).rowcount != len(rows):
            raise LostRace(kind.__name__.lower(), f"{len(rows)} at once")

    def end_requests(self, before: Sequence[DelegationRequest], after: Sequence[DelegationRequest]) -> None:
        """Swap many requests at once; raises `LostRace` when any of them was changed."""
        self._swap_all(DelegationRequest, before, after)

    def end_grants(self, before: Sequence[Grant], after: Sequence[Grant]) -> None:
        """Swap many grants at once; raises `LostRace` when any of them was changed."""
        self._swap_all(Grant, before, after)

    def put(self, record: object) -> None:
        """Insert the record or replace the one with the same primary key."""
        self._deployment = None
        table = table_of(type(record))
        named = {**values_of(record), **_keyed(table, record)}
        if self._cursor.change(_replace(table, self._dialect), named) == 0:
            self.add(record)

    def remove(self, record: object) -> None:
        """Delete the record with this primary key, if it is there."""
        table = table_of(type(record))
        values = values_of(record)
        clauses = [column == values[column.name] for column in table.primary_key.columns]
        self._connection.execute(delete(table).where(*clauses))

    def purge(self, now: datetime, *, expired_before: datetime, limit: int) -> int:
        """Delete requests expired before then with their evidence, and what is stale; returns how many rows went."""
        requests, replays, errands = table_of(DelegationRequest), table_of(Replay), table_of(Errand)
        sessions, reports = table_of(RoleSession), table_of(AccessReport)
        over = and_(requests.c["state"] == "EXPIRED", requests.c["expires_at"] <= expired_before)
        doomed = select(requests.c["id"]).where(over).limit(limit)
        evidence = table_of(Evidence)
        self._connection.execute(delete(evidence).where(evidence.c["request_id"].in_(doomed)))
        stale = (
            *((table_of(kind), "id") for kind in (WebSession, Challenge)),
            *((table_of(kind), "hash") for kind in (Invitation, SignInAttempt)),
        )
        victims = (
            *((table, key, table.c["expires_at"] <= now) for table, key in stale),
            (requests, "id", over),
            (sessions, "access_key_id", sessions.c["expires_at"] <= expired_before),
            (reports, "id", reports.c["created_at"] <= expired_before),
            (replays, "signature", replays.c["expires_at"] <= now),
            (errands, "id", and_(errands.c["expires_at"].is_not(None), errands.c["expires_at"] <= now)),
        )
        used = table_of(Usage)
        self._connection.execute(delete(used).where(used.c["day"] < (now - _USE_REMEMBERED).strftime("%Y-%m-%d")))
        places = table_of(UsedResource)
        self._connection.execute(delete(places).where(places.c["last_at"] < now - _USE_REMEMBERED))
        gone = 0
        for table, key, dead in victims:
            chosen = select(table.c[key]).where(dead).limit(limit)
            gone += self._connection.execute(delete(table).where(table.c[key].in_(chosen))).rowcount
        return gone

    def authority_changed(self) -> None:
        """Make every cache of decisions, on every replica, look again."""
        table = table_of(Deployment)
        self._connection.execute(update(table).values(authority=table.c["authority"] + 1))
        self.changes_authority = True
        self._settled = False
        self._deployment = None
