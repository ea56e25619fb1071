"""Waiting for what another thread is about to do: looked for again and again, and given up after a while."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_LONGEST = 30.0
_PAUSE = threading.Event()


def until(look: Callable[[], T]) -> T:
    """Return the first answer that counts as true; fails when there is none for a long time."""
    end = time.monotonic() + _LONGEST
    while not (found := look()):
        assert time.monotonic() < end, "it never came about"
        _PAUSE.wait(0.01)
    return found
