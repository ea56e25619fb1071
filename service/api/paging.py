"""Pages of the JSON API: a signed marker in, a list and the next marker out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter

from service.markers import make_marker, read_marker
from workflows.callers import Call
from workflows.ports import Ports

T = TypeVar("T")

Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=1000, description="how many items at most")]
Marker = Annotated[
    str | None,
    QueryParameter(name="marker", max_length=320, description="where to go on: `next_marker` of the page before"),
]


class Page(msgspec.Struct, Generic[T]):
    """Some items, newest first, and where to go on if there are more."""

    items: Sequence[T]
    next_marker: str | None


def position(ports: Ports, call: Call, marker: str | None, *binding: str) -> tuple[datetime, str] | None:
    """Return where a page begins; raises `BadInput` for a marker of another list or caller."""
    bound = (call.caller.principal_id, *binding)
    return read_marker(ports, marker, bound, field="marker") if marker else None


def page(
    ports: Ports,
    call: Call,
    items: Sequence[T],
    after: tuple[datetime, str] | None,
    *binding: str,
) -> Page[T]:
    """Return a page whose marker is good for this caller and list only."""
    bound = (call.caller.principal_id, *binding)
    return Page(items, make_marker(ports, after, bound) if after else None)
