"""A partner's webhook receiver: a real HTTP server on this machine that answers as it is told and keeps what it got."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True, slots=True)
class Received:
    """One delivery as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The message id, the same on every try."""
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        """The inner message, as a receiver of SNS notifications reads it."""
        envelope = json.loads(self.body)
        message: dict[str, Any] = json.loads(envelope["Message"])
        return message


class Receiver:
    """Answers every delivery with `status`, but holds it first while `held` is set."""

    def __init__(self) -> None:
        self.status, self.says = 204, b""
        self.received: list[Received] = []
        self.most_at_once = 0
        self._at_once, self._lock = 0, threading.Lock()
        self._go_on = threading.Event()
        self._go_on.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where to post to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The inner messages, in the order in which they came."""
        return [one.message for one in self.received]

    def hold(self) -> None:
        """Let deliveries wait for an answer until `let_go`."""
        self._go_on.clear()

    def let_go(self) -> None:
        """Answer what waits, and everything from now on."""
        self._go_on.set()

    def close(self) -> None:
        """Answer nothing any more; connections are refused."""
        self.let_go()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, one: Received) -> None:
        with self._lock:
            self.received.append(one)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self._go_on.wait()
        with self._lock:
            self._at_once -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver._take(Received({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("content-length", str(len(receiver.says)))
                self.end_headers()
                self.wfile.write(receiver.says)

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        return Handler


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()


def verified(signing_secret: str, one: Received) -> Any:
    """Return the envelope if the signature holds, by the Standard Webhooks reference library; raises otherwise."""
    return Webhook(signing_secret).verify(one.body, one.headers)
