"""A TCP proxy of ours that shares connections out and, when told, delays, cuts, half-closes or never ends them."""

import contextlib
import socket
import threading
from collections.abc import Sequence
from itertools import cycle
from types import TracebackType
from typing import Self

_CHUNK = 65_536
_PAUSE = threading.Event()


class Proxy:
    """Listens on a free port of this machine and passes connections on to its targets in turn."""

    def __init__(self, *targets: tuple[str, int]) -> None:
        self.targets: Sequence[tuple[str, int]] = targets
        self.delay = 0.0
        # How often a client spoke that had heard its target, or nobody yet.
        self.trips = 0
        self._asked, self._passing_ends = threading.Event(), threading.Event()
        self.pass_ends()
        self._turns = cycle(range(1_000_000))
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(256)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.pass_ends()
        self.cut()
        self._thread.join()

    @property
    def origin(self) -> str:
        """Its address for HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break every connection, both ways and at once."""
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def half_close(self) -> None:
        """Let nothing more through from the clients to the targets; the other way stays open."""
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RD)

    def hold_ends(self) -> None:
        """From now on keep from each side that the other has closed.

        What a target says is still passed on, but no sooner than its client says something more.
        """
        self._asked.clear()
        self._passing_ends.clear()

    def pass_ends(self) -> None:
        """Let each side know again when the other closes, or has closed meanwhile."""
        self._asked.set()
        self._passing_ends.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        turn = next(self._turns)
        for at in range(len(self.targets)):
            try:
                target = socket.create_connection(self.targets[(turn + at) % len(self.targets)], timeout=5)
            except OSError:
                continue
            target.settimeout(None)
            break
        else:
            client.close()
            return
        with self._lock:
            self._open |= {client, target}
        speaking = [target]
        back = threading.Thread(target=self._pump, args=(target, client, client, speaking), daemon=True)
        back.start()
        self._pump(client, target, client, speaking)
        back.join()
        with self._lock:
            self._open -= {client, target}
        client.close()
        target.close()

    def _pump(
        self, source: socket.socket, sink: socket.socket, client: socket.socket, speaking: list[socket.socket]
    ) -> None:
        try:
            while data := source.recv(_CHUNK):
                if source is client:
                    self._asked.set()
                    with self._lock:
                        self.trips += speaking[0] is not client
                speaking[0] = source
                self._asked.wait()
                if self.delay:
                    _PAUSE.wait(self.delay)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            self._passing_ends.wait()
            for one in (source, sink):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
