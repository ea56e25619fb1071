"""The bell of a deployment on PostgreSQL: LISTEN on a connection of its own, so that news need not wait for a look.

It makes things faster and nothing true: whoever missed the bell finds out at the next look.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

import psycopg
import structlog
from sqlalchemy.engine import URL

from service.db import postgres
from service.observe.metrics import REVOCATION_LAG

_EVERYTHING: Final = "authority work "
_LOOK_UP: Final = 0.2
_PAUSE: Final = 1.0
_log = structlog.get_logger(__name__)


class Bell:
    """Calls `heard` with the news of every commit that rang and the number of the connection that wrote it."""

    def __init__(self, address: str, arguments: dict[str, object], heard: Callable[[str, int], None]) -> None:
        self._address, self._arguments, self._heard = address, arguments, heard
        self._was_deaf = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="daypass-bell", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hear nothing more."""
        self._stopping.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error as failure:
                _log.warning("bell.silent", error=type(failure).__name__)
                self._stopping.wait(_PAUSE)

    def _listen(self) -> None:
        connection = psycopg.connect(self._address, autocommit=True, **self._arguments)  # type: ignore[arg-type]
        with connection:
            connection.execute(f"LISTEN {postgres.CHANNEL}")
            if self._was_deaf:
                # What was said meanwhile is unknown.
                self._heard(_EVERYTHING, 0)
            self._was_deaf = True
            while not self._stopping.is_set():
                # Taken in whole first: while they come in, the connection answers nothing else.
                for news in list(connection.notifies(timeout=_LOOK_UP, stop_after=1)):
                    self._heard(news.payload, news.pid)
                    if news.payload.startswith("authority"):
                        self._note_lag(connection, news.payload)

    @staticmethod
    def _note_lag(connection: psycopg.Connection[Any], news: str) -> None:
        now = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float").fetchone()
        if now is not None:
            REVOCATION_LAG.observe(max(0.0, now[0] - float(news.rpartition(" ")[2])))


def bell_at(url: URL, heard: Callable[[str, int], None]) -> Bell:
    """Return the bell of the deployment whose database is at this address."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return Bell(address, postgres.arguments(writing=False, idle_in_transaction_session_timeout=0), heard)
