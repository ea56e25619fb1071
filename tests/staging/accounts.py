"""Accounts as the plainest of records, for tests of the store itself."""

from collections.abc import Callable

from staging.clocks import NOON

from service.db.store import SqlStore
from workflows.ids import AccountId
from workflows.ports import Writing
from workflows.records.account import Account


def account(number: int, alias: str = "") -> Account:
    """Return the account of this number."""
    return Account(AccountId(f"{number:012}"), alias or f"account-{number}", NOON)


def add(number: int, alias: str = "") -> Callable[[Writing], None]:
    """Return the act that adds the account of this number."""
    return lambda tx: tx.add(account(number, alias))


def numbers(store: SqlStore) -> list[int]:
    """Return the numbers of all stored accounts, in order."""
    return [int(one.id) for one in store.read(lambda tx: tx.find(Account))]
