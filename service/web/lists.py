"""The owner's lists: inbox, live access, partners, and the trail of what happened."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from service.markers import Position, make_marker, read_marker
from service.web.shell import answer, render, see
from service.web.trail import as_csv, as_json_lines, told
from service.web.visits import Visit, require
from service.web.words import DRIFT, TABS
from workflows import farewell, inventory, overview, revocation
from workflows.callers import OWNERS, Call
from workflows.errors import BadInput
from workflows.ids import is_request_id
from workflows.overview import About, Tab
from workflows.records.audit import AuditEntry
from workflows.review import MOST_COUNTED

_PAGE: Final = 25
_ACTIVITY_PAGE: Final = 50
# Each partner costs a handful of counts.
_PARTNERS_PAGE: Final = 10
_EXPORTED: Final = 10_000
_EXPORT_PAGE: Final = 1000
_LONGEST_SEARCH: Final = 128


def position_of(visit: Visit, call: Call, *binding: str) -> Position | None:
    """Return where the asked page begins; raises `BadInput` for a marker of another list or another person."""
    marker = visit.query.get("after")
    if not marker:
        return None
    return read_marker(visit.ports, marker, ("web", call.caller.principal_id, *binding), field="after")


def marker_of(visit: Visit, call: Call, position: tuple[datetime, str] | None, *binding: str) -> str:
    """Return the marker of the page behind a position, or nothing at the end."""
    if position is None:
        return ""
    return quote(make_marker(visit.ports, position, ("web", call.caller.principal_id, *binding)), safe="")


@get("/inbox", sync_to_thread=True, include_in_schema=False)
def inbox(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the requests that wait, are approved, live or over, or what a search finds."""
    call = require(visit, *OWNERS)
    asked = visit.query.get("tab", "")
    tab = Tab(asked) if asked in set(Tab) else Tab.PENDING
    search = visit.query.get("q", "").strip()[:_LONGEST_SEARCH]
    binding = ("inbox", tab.value, search)
    page = overview.inbox(
        visit.ports,
        call,
        tab=tab,
        search=search,
        limit=_PAGE,
        after=position_of(visit, call, *binding),
    )
    return render(
        visit,
        "inbox.html",
        page=page,
        tab=tab,
        tabs=TABS,
        search=search,
        most=MOST_COUNTED,
        after=marker_of(visit, call, page.after, *binding),
    )


@get("/grants", sync_to_thread=True, include_in_schema=False)
def grants(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show what is lent now, each with its countdown and its end."""
    call = require(visit, *OWNERS)
    page = overview.inbox(visit.ports, call, tab=Tab.LIVE, limit=_PAGE, after=position_of(visit, call, "grants"))
    return render(
        visit,
        "grants.html",
        page=page,
        most=MOST_COUNTED,
        live=Tab.LIVE,
        after=marker_of(visit, call, page.after, "grants"),
    )


@post("/grants/{grant_id:str}/revoke", sync_to_thread=True, include_in_schema=False)
def revoke(grant_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """End one grant."""
    revocation.revoke_grant(visit.ports, require(visit, *OWNERS), grant_id)
    return see(visit, "/grants?done=revoked")


@get("/roles", sync_to_thread=True, include_in_schema=False)
def roles(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show every role that a delegation made here, what it is used for, and what changed outside of delegations."""
    call = require(visit, *OWNERS)
    return render(
        visit,
        "roles.html",
        lines=inventory.inventory(visit.ports, call),
        drift=inventory.drift(visit.ports, call),
        drift_words=DRIFT,
    )


# --- partners --------------------------------------------------------------------------------------------


@get("/partners", sync_to_thread=True, include_in_schema=False)
def partners(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the partners that the account has dealt with."""
    call = require(visit, *OWNERS)
    after = visit.query.get("after", "")
    if after and not (after.isascii() and after.isdigit()):
        raise BadInput("after", "is not a place in this list")
    page = overview.partners(visit.ports, call, after=after, limit=_PARTNERS_PAGE)
    return render(visit, "partners.html", page=page, most=MOST_COUNTED)


@get("/partners/{partner_id:str}", sync_to_thread=True, include_in_schema=False)
def partner(partner_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Show one partner with its requests here, and the way to end everything it was lent."""
    call = require(visit, *OWNERS)
    binding = ("partner", partner_id[:_LONGEST_SEARCH])
    here = overview.partner(
        visit.ports,
        call,
        partner_id,
        limit=_PAGE,
        after=position_of(visit, call, *binding),
    )
    return render(
        visit,
        "partner.html",
        here=here,
        most=MOST_COUNTED,
        after=marker_of(visit, call, here.after, *binding),
    )


@post("/partners/{partner_id:str}/revoke", sync_to_thread=True, include_in_schema=False)
def revoke_everything(partner_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """End everything that a partner was lent here, and whatever it still asks for."""
    farewell.revoke_everything(visit.ports, require(visit, *OWNERS), partner_id)
    return see(visit, f"/partners/{partner_id}?done=revoked")


@get("/partners/{partner_id:str}/report", sync_to_thread=True, include_in_schema=False)
def partner_report(partner_id: FromPath[str], visit: NamedDependency[Visit]) -> Response[Any]:
    """Hand over the signed report of what a partner still has here."""
    call = require(visit, *OWNERS)
    report = farewell.report(visit.ports, call, partner_id)
    given = answer(visit, json.dumps(report, indent=1), media_type="application/json")
    given.headers["content-disposition"] = f'attachment; filename="daypass-partner-{call.caller.account_id}.json"'
    return given


# --- activity --------------------------------------------------------------------------------------------


def _about(visit: Visit) -> About:
    request_id, partner_id = visit.query.get("request", "").strip(), visit.query.get("partner", "").strip()
    until = None
    if day := visit.query.get("until", "").strip():
        try:
            last = date.fromisoformat(day)
            until = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(visit.reader.zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise BadInput("until", "is not a day such as 2026-01-31") from None
    if request_id and not is_request_id(request_id):
        raise BadInput("request", "is not the id of a request")
    if partner_id and not (partner_id.isascii() and partner_id.isdigit()):
        raise BadInput("partner", "is not a 12-digit account id")
    return About(request_id or None, partner_id or None, until)


def _before(visit: Visit) -> int | None:
    text = visit.query.get("before", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 15:  # noqa: PLR2004  numbers of entries are shorter
        raise BadInput("before", "is not the number of an entry")
    return int(text)


@get("/activity", sync_to_thread=True, include_in_schema=False)
def activity(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the account's audit trail, newest first."""
    call = require(visit, *OWNERS)
    mistake, entries = "", []
    try:
        found = overview.activity(visit.ports, call, _about(visit), before=_before(visit), limit=_ACTIVITY_PAGE + 1)
        entries = [told(entry) for entry in found]
    except BadInput as wrong:
        mistake = wrong.field
    shown = entries[:_ACTIVITY_PAGE]
    given = {name: visit.query.get(name, "") for name in ("request", "partner", "until")}
    return render(
        visit,
        "activity.html",
        status=400 if mistake else 200,
        entries=shown,
        before=shown[-1].number if len(entries) > _ACTIVITY_PAGE else None,
        given=given,
        filters="".join(f"&{name}={quote(value, safe='')}" for name, value in given.items() if value),
        mistake=mistake,
    )


@get("/activity/export", sync_to_thread=True, include_in_schema=False)
def export(visit: NamedDependency[Visit]) -> Response[Any]:
    """Hand out the newest entries of the trail, as events or as a table; `before` continues where one ended."""
    call = require(visit, *OWNERS)
    about, before = _about(visit), _before(visit)
    entries: list[AuditEntry] = []
    while len(entries) < _EXPORTED:
        found = overview.activity(visit.ports, call, about, before=before, limit=_EXPORT_PAGE)
        entries += found
        if len(found) < _EXPORT_PAGE:
            break
        before = found[-1].number
    as_table = visit.query.get("as") == "csv"
    text = as_csv(entries) if as_table else as_json_lines(entries)
    response = answer(visit, text, media_type="text/csv" if as_table else "application/x-ndjson")
    name = f"activity-{call.caller.account_id}.{'csv' if as_table else 'jsonl'}"
    response.headers["content-disposition"] = f'attachment; filename="{name}"'
    return response


HANDLERS = [roles, partner_report, inbox, grants, revoke, partners, partner, revoke_everything, activity, export]
