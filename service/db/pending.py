"""What the acts of one transaction have read by key and written, until it is written out together.

A group of acts that are committed together mostly touches the same rows: the head of an audit chain, the grant whose
token is traded. Here each row is read once and written once, however many acts changed it in between, and rows of one
kind go to the engine in one statement. What was read in a transaction that writes cannot be changed by others before
it ends: SQLite has one writer, and PostgreSQL fails one of two transactions that would have to see each other.

Whether a key is free is found out when it is written out. If it was not, the group is run again one act at a time,
each written out at once, so that whoever took the key is told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy.exc import DBAPIError

from service.db.clauses import are_single
from service.db.engine import is_taken
from service.db.mapping import value_of
from service.db.prepared import Cursor, Said
from service.db.statements import MOST, Key, Kind, Statements, Through, key_names, key_of, shared_by_none
from workflows.errors import AlreadyExists, LostRace
from workflows.ports import Expected, FieldOf

R = TypeVar("R")

_MANY_ROWS: Final = 4000


class Misjudged(Exception):
    """A row that was taken to be free was there, or one that was taken to be there had changed."""


@dataclass(slots=True)
class _Row:
    """One row: what the database holds (None for nothing), and what it is to hold."""

    stored: Any
    now: Any


def refusal(of: type[AlreadyExists | LostRace], record: object) -> AlreadyExists | LostRace:
    """Return the refusal to write a record, which names its kind and its key."""
    return of(type(record).__name__.lower(), str(value_of(key_of(record)[0])))


def _fits(record: object, equal: Mapping[str, object]) -> bool:
    return all(getattr(record, name) == value for name, value in equal.items())


class Pending:
    """The rows that one transaction has seen by key, and which of them it has yet to write."""

    def __init__(self, cursor: Cursor, statements: Statements) -> None:
        self._cursor, self._statements = cursor, statements
        # Whether each record is written as soon as it is given, and a taken key must leave the transaction whole.
        self.at_once = False
        self._rows: dict[Kind, dict[Key, _Row]] = {}
        self._unwritten: dict[Kind, dict[Key, _Row]] = {}
        self._foreseen: dict[tuple[Kind, str, object], list[Any]] = {}

    @property
    def many(self) -> bool:
        """Whether so much is unwritten that it should be: a server gives up a transaction that stands idle."""
        return sum(map(len, self._unwritten.values())) >= _MANY_ROWS

    # --- what was read -----------------------------------------------------------------------------------

    def known(self, kind: Kind, key: Key) -> _Row | None:
        """Return what is known of the row with this key, or None when it was not looked for yet."""
        rows = self._rows.get(kind)
        return rows.get(key) if rows is not None else None

    def saw(self, kind: Kind, key: Key, record: object | None) -> None:
        """Remember what the database holds under a key."""
        self._rows.setdefault(kind, {}).setdefault(key, _Row(record, record))

    def lost_sight_of(self, kind: Kind) -> None:
        """Forget the rows of a kind, which are written out and were then changed by a statement of its own."""
        self._rows.pop(kind, None)
        self._foreseen.clear()

    def removed(self, kind: Kind, key: Key) -> None:
        """Remember that the database holds nothing under a key any more; everything before was written out."""
        self._rows.setdefault(kind, {})[key] = _Row(None, None)
        self._foreseen.clear()

    def foresee(self, expected: Iterable[Expected]) -> None:
        """Look in one go for all that the acts of a group are going to ask for; raises `DBAPIError`."""
        wanted: dict[tuple[Kind, str, Through | None], dict[object, None]] = {}
        for kind, name, value in expected:
            through, sought = None, value
            if isinstance(value, FieldOf):
                through, sought = (value.kind, value.field, value.by), value.value
            wanted.setdefault((kind, name, through), {})[sought] = None
        looks = [
            (kind, name, through, list(values)[first : first + MOST])
            for (kind, name, through), values in wanted.items()
            for first in range(0, len(values), MOST)
        ]
        asked = [(look[0], *self._statements.among(*look)) for look in looks]
        for (kind, name, through, several), records in zip(looks, self._cursor.records_of_all(asked), strict=True):
            for record in records:
                self.saw(kind, key_of(record), record)
            if through is None:
                self._found(kind, name, several, records)

    def _found(self, kind: Kind, name: str, values: Sequence[object], records: Sequence[object]) -> None:
        """Remember that these records are all that have one of these values in this field."""
        found: dict[object, list[Any]] = {value: [] for value in values}
        for record in records:
            found[getattr(record, name)].append(record)
        is_key = key_names(kind) == (name,)
        for value, several in found.items():
            self._foreseen[kind, name, value] = several
            if is_key and not several:
                self.saw(kind, (value,), None)

    def foreseen(self, kind: type[R], equal: Mapping[str, object]) -> list[R] | None:
        """Return the rows that were looked for by this one field, or None when they were not."""
        if len(equal) != 1 or not self._foreseen:
            return None
        ((name, value),) = equal.items()
        return self._foreseen.get((kind, name, value))

    def revised(self, kind: type[R], equal: Mapping[str, object], found: list[R]) -> list[R] | None:
        """Return what a query for equal fields found, as it is after what is not written yet.

        None when only the database can say that, after everything is written.
        """
        unwritten = self._unwritten.get(kind)
        if not unwritten:
            return found
        if not are_single(equal):
            return None
        keyed = {key_of(record): record for record in found}
        fitting = {at for at, row in unwritten.items() if row.now is not None and _fits(row.now, equal)}
        if fitting - keyed.keys():
            return None
        return [
            unwritten[at].now if at in unwritten else one
            for at, one in keyed.items()
            if at not in unwritten or at in fitting
        ]

    # --- what is to be written ---------------------------------------------------------------------------

    def add(self, record: object) -> None:
        """Have a record inserted; raises `AlreadyExists` when its key is known to be taken."""
        kind = type(record)
        key = key_of(record)
        row = self.known(kind, key)
        if row is not None and row.now is not None:
            raise refusal(AlreadyExists, record)
        self._write(kind, key, row or _Row(None, None), record)

    def swap(self, before: Any, after: object) -> None:  # noqa: ANN401  a record with a revision
        """Have `after` put in the place of `before`; raises `LostRace` when that is known to have changed."""
        kind = type(before)
        key = key_of(before)
        row = self.known(kind, key) or _Row(before, before)
        now = row.now
        if now is None or now.revision != before.revision or getattr(now, "state", 0) != getattr(before, "state", 0):
            raise refusal(LostRace, before)
        self._write(kind, key, row, after)

    def put(self, record: object) -> None:
        """Have a record written over the one with its key, which was looked for before, or inserted."""
        kind = type(record)
        key = key_of(record)
        row = self.known(kind, key)
        assert row is not None
        self._write(kind, key, row, record)

    def _write(self, kind: Kind, key: Key, row: _Row, record: object) -> None:
        if self._unwritten and row.now is not None and shared_by_none(row.now) != shared_by_none(record):
            # It may free a name: whoever wanted that name before has to be refused.
            self.write_out()
        row.now = record
        self._rows.setdefault(kind, {})[key] = row
        self._unwritten.setdefault(kind, {})[key] = row

    def write_out(self, last: Said | None = None) -> None:
        """Write everything, then run a `last` statement; raises `Misjudged`, when nothing may stay, or `DBAPIError`."""
        if not self._unwritten:
            if last is not None:
                self._cursor.say(*last)
            return
        inserts, updates = [], []
        for kind, rows in self._unwritten.items():
            fresh = [(row.now, None) for row in rows.values() if row.stored is None]
            changed = [(row.now, row.stored) for row in rows.values() if row.stored is not None]
            inserts += [(self._statements.insertion(kind, sparing=self.at_once), fresh)] if fresh else []
            updates += [(self._statements.replacement(kind), changed)] if changed else []
        # Of two processes that race, one is to lose at a row that both change: what it would insert is free for the
        # next try, and it was misjudged only if it is not.
        writes = updates + inserts
        with self.judged():
            written = self._cursor.write_all(writes, last)
        if written != [len(pairs) for _, pairs in writes]:
            raise Misjudged
        for rows in self._unwritten.values():
            for row in rows.values():
                row.stored = row.now
        self._unwritten.clear()
        self._foreseen.clear()

    def send_inserts(self) -> None:
        """Have everything new inserted without asking how that went; raises `DBAPIError`."""
        left: dict[Kind, dict[Key, _Row]] = {}
        for kind, rows in self._unwritten.items():
            fresh = [row for row in rows.values() if row.stored is None]
            if changed := {key: row for key, row in rows.items() if row.stored is not None}:
                left[kind] = changed
            if fresh:
                self._cursor.send(self._statements.insertion(kind, sparing=False), [(row.now, None) for row in fresh])
            for row in fresh:
                row.stored = row.now
        self._unwritten = left
        self._foreseen.clear()

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Have a key that is found to be taken raise `Misjudged`."""
        try:
            yield
        except DBAPIError as failure:
            if is_taken(failure):
                raise Misjudged from None
            raise

    def forget(self) -> None:
        """Forget everything, written or not, because the database holds something else now."""
        self._rows.clear()
        self._unwritten.clear()
        self._foreseen.clear()
