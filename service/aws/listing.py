"""Lists on the IAM wire, a page at a time, and what their items are made of."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote

from service.markers import NO_INSTANT, make_marker, read_marker
from workflows.callers import Call
from workflows.ports import Ports
from workflows.role_documents import Tags

T = TypeVar("T")
Input = Mapping[str, Any]

_DEFAULT_PAGE: Final = 100
_NOT_A_FILTER: Final = frozenset({"Marker", "MaxItems"})


def page_of(
    ports: Ports, call: Call, operation: str, given: Input, items: Sequence[T], key: Callable[[T], str]
) -> tuple[Sequence[T], dict[str, object]]:
    """Return one page of items that are sorted by `key`, and the members that say where the next begins.

    A marker is bound to the operation, the caller and the filters; raises `BadInput` for any other.
    """
    filters = sorted(f"{name}={value}" for name, value in given.items() if name not in _NOT_A_FILTER)
    binding = (operation, call.caller.account_id, call.caller.principal_id, *filters)
    marker, limit = given.get("Marker"), given.get("MaxItems", _DEFAULT_PAGE)
    first = 0
    if marker:
        _, place = read_marker(ports, marker, binding, field="Marker")
        first = _behind([_mark(key(item)) for item in items], place)
    shown = items[first : first + limit]
    if len(items) <= first + limit:
        return shown, {"IsTruncated": False}
    place = f"{first + limit} {_mark(key(shown[-1]))}"
    return shown, {"IsTruncated": True, "Marker": make_marker(ports, (NO_INSTANT, place), binding)}


def question_binding(operation: str, call: Call, given: Input, about_the_page: Sequence[str]) -> Sequence[str]:
    """Return what a marker is good for: this caller, and a question that differs in nothing but the page."""
    question = {name: value for name, value in given.items() if name not in about_the_page}
    digest = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
    return (operation, call.caller.account_id, call.caller.principal_id, digest)


def _mark(text: str) -> str:
    # Short, whatever the item is called: a marker has a longest length.
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _behind(marks: Sequence[str], place: str) -> int:
    """Return where the page behind a place begins: behind the very item if it is there still, else at its number."""
    number, _, mark = place.partition(" ")
    return marks.index(mark) + 1 if mark in marks else min(int(number), len(marks))


def encoded(document: str) -> str:
    """Return a policy document as the IAM API answers with it: percent-encoded as RFC 3986 says."""
    return quote(document, safe="-_.~")


def tag_list(tags: Tags) -> list[dict[str, str]]:
    """Return tags as the API writes them."""
    return [{"Key": key, "Value": value} for key, value in tags]


def read_tags(given: Sequence[Input] | None) -> Tags:
    """Return tags as the API sends them."""
    return tuple((str(tag["Key"]), str(tag["Value"])) for tag in given or ())


def boundary(arn: str | None) -> dict[str, str] | None:
    """Return a permissions boundary as the API writes it, or None when there is none."""
    kind = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy"}
    return None if arn is None else {**kind, "PermissionsBoundaryArn": arn}
