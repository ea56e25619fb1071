"""Carries errands to their receivers: lease, perform outside any transaction, settle.

Each receiver gets at most two deliveries at a time and never holds up another's: what finds its receiver busy is put
back for a moment. Failures are kept as classes; what a receiver answered is nobody's business.
"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import structlog

from service.notify.webhook import DeliveryResult, WebhookSender, envelope, signature_headers
from workflows import delivery, notifications
from workflows.credentials.keys import unseal
from workflows.errors import SealBroken, Unavailable
from workflows.ports import Ports
from workflows.records.errand import Errand
from workflows.records.partner import Channel

_WORKERS: Final = 8
_PER_RECEIVER: Final = 2
_BUSY: Final = timedelta(seconds=2)
_log = structlog.get_logger(__name__)


class Courier:
    """Delivers due errands with a few threads of its own."""

    def __init__(self, ports: Ports, sender: WebhookSender) -> None:
        self._ports, self._sender = ports, sender
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="daypass-courier")
        self._lock = threading.Lock()
        self._busy: Counter[str] = Counter()

    def run(self) -> int:
        """Take as many due errands as there are free hands, and set about them; return how many were taken."""
        with self._lock:
            free = _WORKERS - self._busy.total()
            busy = frozenset(receiver for receiver, count in self._busy.items() if count >= _PER_RECEIVER)
        taken = delivery.lease(self._ports, free, busy=busy) if free > 0 else []
        for errand in taken:
            if self._claim(errand.channel_arn):
                self._pool.submit(self._carry, errand)
            else:
                delivery.postponed(self._ports, errand, _BUSY)
        return len(taken)

    def stop(self) -> None:
        """Finish what was set about."""
        self._pool.shutdown(wait=True)

    def _claim(self, receiver: str) -> bool:
        with self._lock:
            if self._busy[receiver] >= _PER_RECEIVER:
                return False
            self._busy[receiver] += 1
            return True

    def _carry(self, errand: Errand) -> None:
        try:
            self.perform(errand)
        except Unavailable:
            # The lease runs out by itself and the errand is tried again under the same id.
            _log.warning("errand.store_unavailable", errand=errand.id)
        except Exception:  # noqa: BLE001  one errand must not end the courier
            _log.exception("errand.failed", errand=errand.id)
        finally:
            with self._lock:
                self._busy[errand.channel_arn] -= 1

    def perform(self, errand: Errand) -> None:
        """Deliver one leased errand and settle it."""
        channel = self._ports.store.read(lambda tx: tx.get(Channel, errand.channel_arn))
        if channel is None or channel.url is None or channel.sealed_secret is None or not channel.active:
            delivery.failed(self._ports, errand, "channel", hopeless=True)
            return
        try:
            result = self._send(errand, channel, channel.url, channel.sealed_secret)
        except SealBroken:
            _log.error("errand.seal_broken", errand=errand.id)
            delivery.failed(self._ports, errand, "seal", hopeless=True)
            return
        if result.delivered:
            delivery.delivered(self._ports, errand)
        else:
            delivery.failed(self._ports, errand, result.failure or "status", hopeless=result.gone)
        _log.info("errand.tried", errand=errand.id, attempt=errand.attempts, outcome=result.outcome.value)

    def _send(self, errand: Errand, channel: Channel, url: str, sealed_secret: bytes) -> DeliveryResult:
        secret = unseal(self._ports.keyring, sealed_secret, purpose="channel", owner=channel.arn)
        body = envelope(
            message_id=errand.id,
            topic_arn=channel.arn,
            message=notifications.body_of(self._ports, errand),
            timestamp=errand.created_at,
        )
        timestamp = int(self._ports.clock.now().timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "daypass",
            **signature_headers([secret], message_id=errand.id, timestamp=timestamp, body=body),
        }
        return self._sender.send(url, headers, body)
