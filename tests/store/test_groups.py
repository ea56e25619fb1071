"""Acts that are committed together see and leave what they would one after another, each committed by itself."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staging.accounts import account
from staging.clocks import NOON
from staging.groups import together

from service.db.store import SqlStore, _Job
from workflows.errors import AlreadyExists
from workflows.ids import AccountId, PrincipalId
from workflows.ports import Expected, FieldOf, Reading, Writing
from workflows.records.account import Account, Principal, PrincipalKind
from workflows.records.deployment import Deployment

KINDS: Final = (Account, Principal, Deployment)
IDS: Final = st.integers(1, 3)
ALIASES: Final = st.sampled_from("abc")
Step = Callable[[Writing], object]


def principal(number: int, name: str) -> Principal:
    return Principal(
        id=PrincipalId(f"AIDA{number}"),
        account_id=AccountId(f"{number:012}"),
        kind=PrincipalKind.USER,
        name=name,
        arn=f"arn:aws:iam::{number:012}:user/{name}",
        boundary=None,
        active=True,
        revision=0,
        created_at=NOON,
    )


# --- what an act can do -------------------------------------------------------------------------------------


def add(tx: Writing, record: object) -> None:
    tx.add(record)


def add_if_free(tx: Writing, record: object) -> str:
    try:
        tx.add(record)
    except AlreadyExists:
        return "taken"
    return "added"


def rename(tx: Writing, number: int, name: str, *, late: bool) -> int | None:
    """Swap a principal for one of another name; `late`, as one who looked before somebody else's swap."""
    found = tx.get(Principal, f"AIDA{number}")
    if found is None:
        return None
    before = replace(found, revision=found.revision - 1) if late else found
    return tx.swap(before, replace(before, name=name, arn=f"arn:aws:iam::{number:012}:user/{name}")).revision


def drop(tx: Writing, record: object) -> None:
    tx.remove(record)


def look(tx: Reading, number: int) -> object:
    return tx.get(Account, f"{number:012}"), tx.get(Principal, f"AIDA{number}")


def search(tx: Reading, alias: str) -> object:
    return tx.find(Account, alias=alias), tx.find(Principal, name=alias), tx.find(Principal, name=alias, active=True)


def count(tx: Reading) -> object:
    numbers = frozenset(f"{number:012}" for number in (1, 2, 3))
    return tx.find(Account), tx.find(Account, id=numbers), tx.count(Principal, limit=9)


def empower(tx: Writing) -> int:
    before = tx.deployment()
    tx.authority_changed()
    tx.put(replace(before, high_water=NOON))
    return tx.deployment().authority


def fail(_tx: Writing) -> None:
    raise ValueError("on purpose")


STEPS: Final[st.SearchStrategy[Step]] = st.one_of(
    st.builds(lambda number, alias: partial(add, record=account(number, alias)), IDS, ALIASES),
    st.builds(lambda number, alias: partial(add_if_free, record=account(number, alias)), IDS, ALIASES),
    st.builds(lambda number, alias: partial(add_if_free, record=principal(number, alias)), IDS, ALIASES),
    # A name of its own: that a name is free is for `add` to find out.
    st.builds(lambda number, alias: lambda tx: tx.put(account(number, f"{alias}{number}")), IDS, ALIASES),
    st.builds(
        lambda number, alias, late: partial(rename, number=number, name=alias, late=late),
        IDS,
        ALIASES,
        st.sampled_from([False, False, True]),
    ),
    st.builds(lambda number: partial(drop, record=account(number, "a")), IDS),
    st.builds(lambda number: partial(look, number=number), IDS),
    st.builds(lambda alias: partial(search, alias=alias), ALIASES),
    st.sampled_from([count, empower, fail]),
)


@dataclass(frozen=True)
class Act:
    """What one of a group does, and what it has said that it will look for."""

    steps: tuple[Step, ...]
    expected: tuple[Expected, ...]

    def __call__(self, tx: Writing) -> list[object]:
        return [step(tx) for step in self.steps]


EXPECTED: Final[st.SearchStrategy[Expected]] = st.one_of(
    IDS.map(lambda number: (Account, "id", f"{number:012}")),
    ALIASES.map(lambda alias: (Account, "alias", alias)),
    IDS.map(lambda number: (Principal, "id", f"AIDA{number}")),
    IDS.map(lambda number: (Account, "id", FieldOf(Principal, "account_id", "id", f"AIDA{number}"))),
)
ACTS: Final = st.builds(
    Act, st.lists(STEPS, min_size=1, max_size=4).map(tuple), st.lists(EXPECTED, max_size=2).map(tuple)
)


# --- one after another, and together ------------------------------------------------------------------------


def outcome(run: Callable[[], Any]) -> object:
    try:
        return run()
    except Exception as failure:  # noqa: BLE001  whatever it is, it has to be the same
        return type(failure), str(failure)


def alone(store: SqlStore, act: Act) -> Any:
    """Run an act in a transaction of its own in which nothing is put off; nothing else uses the store meanwhile."""
    job = _Job(act, None)
    store._transact([job], lost_before=False, guarded=True)
    job.settle()
    return job.outcome()


def contents(store: SqlStore) -> list[Sequence[object]]:
    return store.read(lambda tx: [tx.find(kind) for kind in KINDS])


@contextmanager
def begun_anew(store: SqlStore) -> Iterator[None]:
    """Begin with the deployment's row, two accounts and two principals."""

    def work(tx: Writing) -> None:
        for kind in KINDS:
            for record in tx.find(kind):
                tx.remove(record)
        tx.add(Deployment("dp-1", "k1:check", authority=0, high_water=NOON, created_at=NOON))
        tx.add_all([account(1, "a"), account(2, "b")])
        tx.add_all([principal(1, "a"), principal(2, "b")])

    store.write(work)
    yield


@given(acts=st.lists(ACTS, min_size=1, max_size=6))
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_group_sees_and_leaves_what_its_acts_would_one_after_another(store: SqlStore, acts: list[Act]) -> None:
    with begun_anew(store):
        told = [outcome(partial(alone, store, act)) for act in acts]
        left = contents(store)
    with begun_anew(store):
        futures = together(store, acts, [lambda _id, act=act: act.expected for act in acts])  # type: ignore[misc]
        assert [outcome(future.result) for future in futures] == told
        assert contents(store) == left
