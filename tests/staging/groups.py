"""Acts that reach the writing thread of a store as one group."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from staging.polling import until

from service.db.store import SqlStore
from workflows.ports import Expectation, Writing


def together(
    store: SqlStore,
    works: Sequence[Callable[[Writing], Any]],
    expected: Sequence[Expectation | None] | None = None,
) -> list[Future[Any]]:
    """Hand all of these to the writing thread as one group, in this order, and wait until all are answered."""
    hints = expected or [None] * len(works)
    entered, go_on = threading.Event(), threading.Event()

    def block(_tx: Writing) -> None:
        entered.set()
        go_on.wait()

    with ThreadPoolExecutor(len(works) + 1) as pool:
        blocking = pool.submit(store.write, block)
        until(lambda: entered.is_set() or blocking.done())
        futures = []
        for count, (work, hint) in enumerate(zip(works, hints, strict=True), 1):
            futures.append(pool.submit(store.write, work, expected=hint))
            until(lambda count=count: store._jobs.qsize() == count)  # type: ignore[misc]
        go_on.set()
    return futures
