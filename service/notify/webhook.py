"""Signed delivery of one message to one receiver.

Messages are signed as the Standard Webhooks specification describes: an HMAC-SHA256 over id, time and body,
under a secret of 24 to 64 bytes that is written as `whsec_` and base64. The body is shaped like a
notification of SNS, so that a receiver written for AWS reads it; the envelope has no `Signature`,
`SigningCertURL` or `UnsubscribeURL` of SNS, because the headers prove where it comes from.
"""

import base64
import binascii
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import httpcore

from service.notify.guard import (
    AddressRefused,
    GuardedBackend,
    NameUnresolved,
    Network,
    Resolver,
    Target,
    TlsFailed,
    check_url,
    system_resolver,
)
from workflows.errors import BadInput

MAX_RESPONSE: Final = 64 * 1024
"""Bytes of an answer's body that are read, and thrown away, before the connection is closed."""

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105  the mark of a secret, not one
_SECRET_BYTES: Final = range(24, 65)
_GONE: Final = 410
_OUR_HEADERS: Final[dict[str, str]] = {
    "content-type": "application/json",
    "user-agent": "Daypass-Webhook/1",
    "accept": "*/*",
    # An answer that we would have to unpack could be far larger than what is read of it.
    "accept-encoding": "identity",
    "connection": "close",
}


class Outcome(StrEnum):
    """What a delivery came to: the receiver took it, wants no more of them, or did not take it."""

    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"


class Failure(StrEnum):
    """Why a delivery failed, as far as a partner may know; `REFUSED`: we would not connect there."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    STATUS = "status"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The outcome of one attempt; `failure` is set if it failed, `status` if the receiver answered."""

    outcome: Outcome
    failure: Failure | None = None
    status: int | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver took the message."""
        return self.outcome is Outcome.DELIVERED

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no more messages at this address (status 410)."""
        return self.outcome is Outcome.GONE


# --- the message -----------------------------------------------------------------------------------------


def secret_text(secret: bytes) -> str:
    """The text form of a signing secret, as its owner keeps it; raises `BadInput` unless 24-64 bytes."""
    if len(secret) not in _SECRET_BYTES:
        raise BadInput("secret", "has to be 24 to 64 bytes long")
    return _SECRET_PREFIX + base64.b64encode(secret).decode("ascii")


def read_secret(text: str) -> bytes:
    """The bytes of a signing secret from its text form; raises `BadInput` without repeating it."""
    if not text.startswith(_SECRET_PREFIX):
        raise BadInput("secret", f"has to begin with {_SECRET_PREFIX}")
    try:
        secret = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("secret", f"is not base64 behind {_SECRET_PREFIX}") from None
    if len(secret) not in _SECRET_BYTES:
        raise BadInput("secret", "has to be 24 to 64 bytes long")
    return secret


def sign(secret: bytes, *, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of one message as Standard Webhooks writes it: `v1,` and base64; Unix seconds.

    Raises `ValueError` for an id with a dot, which would let bytes move between the id and the time.
    """
    if not message_id or "." in message_id or not message_id.isascii():
        raise ValueError("a message id is ASCII, not empty and has no dot")
    signed = f"{message_id}.{timestamp}.".encode("ascii") + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode("ascii")


def signature_headers(secrets: Sequence[bytes], *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks; several secrets sign side by side while one replaces another."""
    signatures = (sign(secret, message_id=message_id, timestamp=timestamp, body=body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def envelope(*, message_id: str, topic_arn: str, message: Mapping[str, object], timestamp: datetime) -> bytes:
    """The body of a delivery: an SNS notification whose `Message` is a JSON text; `timestamp` is aware.

    The fields that SNS uses to prove its own authorship are left out: the headers do that.
    """
    if timestamp.tzinfo is None:
        raise ValueError("the timestamp needs a time zone")
    moment = timestamp.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    fields = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic_arn,
        "Message": _json(message),
        "Timestamp": moment,
    }
    return _json(fields).encode("ascii")


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


# --- the delivery ----------------------------------------------------------------------------------------


class WebhookSender:
    """Posts messages to receivers that the guard allows; times are in seconds. It may be shared by threads.

    Each delivery has a connection of its own, so that its address is judged anew. Redirects are failures, and
    proxies, cookies and credentials of the environment are not looked at.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        allow_loopback: bool = False,
        also_denied: Sequence[Network] = (),
        resolve: Resolver = system_resolver,
        connect_timeout: float = 5.0,
        total_timeout: float = 15.0,
        dial: httpcore.NetworkBackend | None = None,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tls = tls or httpcore.default_ssl_context()
        self._allow_loopback, self._also_denied = allow_loopback, also_denied
        self._resolve, self._dial, self._tick = resolve, dial, tick
        self._connect_timeout, self._total_timeout = connect_timeout, total_timeout

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> DeliveryResult:
        """Post one message and say what became of it; never raises for anything that the receiver did."""
        try:
            target = check_url(url, allow_loopback=self._allow_loopback)
            return _judge(self._post(target, headers, body))
        except (BadInput, AddressRefused):
            return _failed(Failure.REFUSED)
        except NameUnresolved:
            return _failed(Failure.DNS)
        except TlsFailed:
            return _failed(Failure.TLS)
        except httpcore.TimeoutException:
            return _failed(Failure.TIMEOUT)
        except (httpcore.NetworkError, httpcore.RemoteProtocolError):
            return _failed(Failure.CONNECT)

    def _post(self, target: Target, headers: Mapping[str, str], body: bytes) -> int:
        """The status that the receiver answered with; its body is read up to a limit and thrown away."""
        backend = GuardedBackend(
            deadline=self._tick() + self._total_timeout,
            allow_loopback=self._allow_loopback,
            resolve=self._resolve,
            also_denied=self._also_denied,
            dial=self._dial,
            tick=self._tick,
        )
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        named = _OUR_HEADERS | {name.lower(): value for name, value in headers.items()}
        sent = [(name.encode(), value.encode()) for name, value in (named | {"host": target.host_header}).items()]
        timeouts = {"connect": min(self._connect_timeout, self._total_timeout), "pool": self._total_timeout}
        with (
            httpcore.ConnectionPool(ssl_context=self._tls, network_backend=backend, retries=0) as pool,
            pool.stream("POST", url, headers=sent, content=body, extensions={"timeout": timeouts}) as response,
        ):
            _drain(response)
            return response.status


def _drain(response: httpcore.Response) -> None:
    """Read a little of the answer, so that an honest receiver can finish; the status has spoken."""
    left = MAX_RESPONSE
    with suppress(httpcore.NetworkError, httpcore.TimeoutException, httpcore.RemoteProtocolError):
        for chunk in response.iter_stream():
            left -= len(chunk)
            if left <= 0:
                return


def _judge(status: int) -> DeliveryResult:
    if status in range(200, 300):
        return DeliveryResult(Outcome.DELIVERED, None, status)
    if status == _GONE:
        return DeliveryResult(Outcome.GONE, None, status)
    return DeliveryResult(Outcome.FAILED, Failure.STATUS, status)


def _failed(failure: Failure) -> DeliveryResult:
    return DeliveryResult(Outcome.FAILED, failure)
