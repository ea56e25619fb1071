"""What was read of authority and has not changed since, by the count that every change of authority moves on.

The count is read in each transaction that asks, so what is remembered is never older than what the transaction would
read itself. A transaction that changed authority neither asks nor keeps: what it sees may never be committed.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

R = TypeVar("R")

_MOST: Final = 4096


class Memory:
    """The latest of what one store was asked, shared by its threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[int, object]] = OrderedDict()
        self._lock = threading.Lock()
        # The id of the deployment, which never changes, once it was seen.
        self.deployment_id: str | None = None

    def recall(self, kind: str, key: str, authority: int, load: Callable[[], R | None]) -> R | None:
        """Return what `load` returned under this count of authority, or what it returns now; None is never kept."""
        with self._lock:
            known = self._kept.get((kind, key))
        if known is not None and known[0] == authority:
            found: R = known[1]  # type: ignore[assignment]
            return found
        loaded = load()
        if loaded is not None:
            with self._lock:
                self._kept[kind, key] = (authority, loaded)
                if len(self._kept) > _MOST:
                    self._kept.popitem(last=False)
        return loaded
