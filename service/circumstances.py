"""What every HTTP wire reads off a request the same way: its body within bounds, and where the call came from."""

from collections.abc import Callable

from litestar.types import Receive, Scope

from workflows.callers import Call, Caller
from workflows.ports import Ports

_LONGEST_USER_AGENT = 256


class TooLarge(Exception):
    """The body is larger than is accepted; nothing more of it was read."""


class Disconnected(Exception):
    """The client went away before its request was complete."""


async def read_limited(receive: Receive, limit: int, *, raised: Callable[[bytes], int] | None = None) -> bytes:
    """Return the whole body of at most `limit` bytes; raises `TooLarge` as soon as it is longer.

    `raised` is asked once, with the beginning of a body that grew beyond the limit, for the limit of such a body.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        if message["type"] != "http.request":
            continue
        chunk = message["body"]
        size += len(chunk)
        chunks.append(chunk)
        if size > limit and raised is not None:
            limit, raised = raised(b"".join(chunks)), None
        if size > limit:
            raise TooLarge
        if not message["more_body"]:
            return b"".join(chunks)


def new_call_id(ports: Ports) -> str:
    """Return an id for one call, in the shape of a UUID."""
    digits = ports.entropy.token_bytes(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def call_of(scope: Scope, caller: Caller, call_id: str, *, wire: str, signature: str | None) -> Call:
    """Return the circumstances of a call. The source is the socket's peer: forwarded headers are not believed."""
    client = scope.get("client")
    agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
    text = agent.decode("ascii", "replace")[:_LONGEST_USER_AGENT]
    return Call(
        caller=caller,
        id=call_id,
        wire=wire,
        source_ip=client[0] if client else None,
        user_agent="".join(letter if letter.isprintable() else "?" for letter in text) or None,
        signature=signature,
        secure=scope["scheme"] == "https",
    )
