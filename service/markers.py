"""Paging markers: opaque, authenticated, bound to who asked for what, and good for a day."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from workflows.credentials.keys import derive
from workflows.errors import BadInput, SealBroken
from workflows.ports import Ports

NO_INSTANT: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The instant of a position in what has no instants, such as a list in order of names."""
_LIFETIME: Final = timedelta(days=1)
_CODE_BYTES: Final = 16
_LONGEST: Final = 320

Position = tuple[datetime, str]


def _code(ports: Ports, key_id: str, body: bytes, binding: Sequence[str]) -> bytes:
    key = derive(ports.keyring, key_id, "marker", "")
    return hmac.new(key, json.dumps(list(binding)).encode() + b"\n" + body, hashlib.sha256).digest()[:_CODE_BYTES]


def make_marker(ports: Ports, position: Position, binding: Sequence[str]) -> str:
    """Return a marker for the page behind `position`; `binding` is the operation, the caller and the filters."""
    key_id = ports.keyring.newest
    until = int((ports.clock.now() + _LIFETIME).timestamp())
    body = json.dumps([key_id, until, position[0].isoformat(), position[1]], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_code(ports, key_id, body, binding) + body).rstrip(b"=").decode("ascii")


def read_marker(ports: Ports, marker: str, binding: Sequence[str], *, field: str) -> Position:
    """Return the position of a marker of ours; raises `BadInput` for any other, for another list, or when stale."""
    refusal = BadInput(field, "is not a marker of this list, or it is older than a day; begin again without one")
    if len(marker) > _LONGEST:
        raise refusal
    try:
        raw = base64.urlsafe_b64decode(marker.encode("ascii") + b"=" * (-len(marker) % 4))
        code, body = raw[:_CODE_BYTES], raw[_CODE_BYTES:]
        key_id, until, instant, key = json.loads(body)
        genuine = hmac.compare_digest(code, _code(ports, str(key_id), body, binding))
        if not genuine or ports.clock.now().timestamp() >= until:
            raise refusal
        return datetime.fromisoformat(instant), str(key)
    except (ValueError, TypeError, binascii.Error, SealBroken):
        raise refusal from None
