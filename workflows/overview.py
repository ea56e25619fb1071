"""Use-cases that list: an account's inbox and live grants, the partners it knows, its people and its policies.

Every list is read by an index in the order it is shown, a page at a time; counts stop at `MOST_COUNTED`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from workflows.acts import consult
from workflows.audit import Draft
from workflows.authority import Question, authorize
from workflows.callers import Call
from workflows.deeds import holder_of
from workflows.errors import AccessDenied, BadInput, NoSuchEntity
from workflows.grants import seen_at
from workflows.ids import AccountId, is_request_id
from workflows.inquiry import may_list_all
from workflows.onboarding import authorize_in
from workflows.ports import Ports, Reading
from workflows.records.account import Attachment, ManagedPolicy, Principal
from workflows.records.audit import AuditEntry
from workflows.records.grant import UNENDED, Grant, GrantState
from workflows.records.partner import Partner
from workflows.records.request import DelegationRequest, State
from workflows.review import MOST_COUNTED
from workflows.standing import refuse_outsiders

Position = tuple[datetime, str]
_LIST: Final = "ListDelegationRequests"
LARGEST_PAGE: Final = 100


class Tab(StrEnum):
    """What part of the inbox is shown."""

    PENDING = "pending"
    APPROVED = "approved"
    LIVE = "live"
    ENDED = "ended"


_STATES: Final[Mapping[Tab, tuple[State, ...]]] = {
    Tab.PENDING: (State.ASSIGNED, State.PENDING_APPROVAL),
    Tab.APPROVED: (State.ACCEPTED,),
    Tab.LIVE: (State.FINALIZED,),
    Tab.ENDED: (State.FINALIZED, State.REJECTED, State.EXPIRED),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One request, and what it lent if it was released, as seen now; among live access, when it was used last."""

    request: DelegationRequest
    grant: Grant | None
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page of an account's requests, newest first; `after` is where the next page begins."""

    rows: tuple[Row, ...]
    after: Position | None
    counts: Mapping[Tab, int]
    everything: bool


@dataclass(frozen=True, slots=True)
class _Scope:
    """What part of an account a caller may list."""

    account: AccountId
    owner: str | None

    @property
    def equal(self) -> dict[str, object]:
        """The fields that every listed request has."""
        return {"owner_principal_id": self.owner} if self.owner else {"owner_account_id": self.account}


def _scope(tx: Reading, ports: Ports, call: Call) -> _Scope:
    refuse_outsiders(call, f"iam:{_LIST}")
    everything = may_list_all(tx, ports, call, None)
    return _Scope(call.caller.account_id, None if everything else call.caller.principal_id)


def _merged(pages: Sequence[Sequence[DelegationRequest]]) -> list[DelegationRequest]:
    return sorted((one for page in pages for one in page), key=lambda one: (one.created_at, one.id), reverse=True)


def inbox(
    ports: Ports,
    call: Call,
    *,
    tab: Tab,
    search: str = "",
    limit: int = 25,
    after: Position | None = None,
) -> Inbox:
    """Return a page of the caller's requests: of the whole account if it may list them, else of its own.

    `search` finds a request by its id, or those of a partner by its id or name.
    """

    def work(tx: Reading, _draft: Draft) -> Inbox:
        scope = _scope(tx, ports, call)
        counts = _counts(tx, scope)
        if search:
            found = _found(tx, scope, search, limit, after)
            shown = found[:limit]
            more: Position | None = (shown[-1].created_at, shown[-1].id) if len(found) > limit else None
            return Inbox(_with_grants(tx, ports, shown), more, counts, scope.owner is None)
        if tab is Tab.LIVE and scope.owner is None:
            rows, more = _live_rows(tx, ports, scope, limit, after)
            return Inbox(rows, more, counts, everything=True)
        pages = [
            tx.page(DelegationRequest, limit=limit + 1, after=after, state=state, **scope.equal)
            for state in _STATES[tab]
        ]
        merged = _merged(pages)
        shown = merged[:limit]
        more = (shown[-1].created_at, shown[-1].id) if len(merged) > limit else None
        return Inbox(_with_grants(tx, ports, shown), more, counts, scope.owner is None)

    _check_limit(limit)
    return consult(ports, call, _LIST, work)


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LARGEST_PAGE:
        raise BadInput("limit", f"is {limit}; 1 to {LARGEST_PAGE} are accepted")


def _with_grants(tx: Reading, ports: Ports, requests: Sequence[DelegationRequest]) -> tuple[Row, ...]:
    released = frozenset(one.id for one in requests if one.approver_principal_id is not None)
    grants = {one.request_id: one for one in tx.find(Grant, request_id=released, parent_id=None)} if released else {}
    now = ports.clock.now()
    return tuple(Row(one, seen_at(grants[one.id], now) if one.id in grants else None) for one in requests)


def _counts(tx: Reading, scope: _Scope) -> dict[Tab, int]:
    def states(*wanted: State) -> int:
        counted = sum(tx.count(DelegationRequest, limit=MOST_COUNTED, state=one, **scope.equal) for one in wanted)
        return min(MOST_COUNTED, counted)

    counts = {tab: states(*wanted) for tab, wanted in _STATES.items()}
    if scope.owner is None:
        counts[Tab.LIVE] = tx.count(Grant, limit=MOST_COUNTED, account_id=scope.account, state=GrantState.LIVE)
    return counts


def _live_rows(
    tx: Reading,
    ports: Ports,
    scope: _Scope,
    limit: int,
    after: Position | None,
) -> tuple[tuple[Row, ...], Position | None]:
    pages = [tx.page(Grant, limit=limit + 1, after=after, account_id=scope.account, state=state) for state in UNENDED]
    grants = sorted((one for page in pages for one in page), key=lambda one: (one.created_at, one.id), reverse=True)
    shown = grants[:limit]
    requests = {one.id: one for one in tx.find(DelegationRequest, id=frozenset(one.request_id for one in shown))}
    now = ports.clock.now()
    rows = tuple(
        Row(requests[one.request_id], seen_at(one, now), tx.last_use(holder_of(tx, one)))
        for one in shown
        if one.request_id in requests
    )
    return rows, (shown[-1].created_at, shown[-1].id) if len(grants) > limit else None


def _found(
    tx: Reading,
    scope: _Scope,
    search: str,
    limit: int,
    after: Position | None,
) -> list[DelegationRequest]:
    wanted = search.strip()
    if is_request_id(wanted):
        request = tx.get(DelegationRequest, wanted)
        mine = request is not None and request.owner_account_id == scope.account
        if request and mine and scope.owner in (None, request.owner_principal_id):
            return [request]
    partner = tx.get(Partner, wanted)
    named = tx.find(Partner, name=wanted)
    found = partner or (named[0] if named else None)
    if found is None:
        return []
    equal: dict[str, object] = {"owner_account_id": scope.account, "requestor_id": found.id}
    if scope.owner is not None:
        equal["owner_principal_id"] = scope.owner
    return list(tx.page(DelegationRequest, limit=limit + 1, after=after, **equal))


# --- partners --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownPartner:
    """A partner that an account has dealt with; counts stop at `MOST_COUNTED`."""

    id: AccountId
    partner: Partner | None
    live: int
    ended: int
    latest: DelegationRequest | None


@dataclass(frozen=True, slots=True)
class KnownPartners:
    """One page of partners, by id; `after` is the last id if there are more."""

    partners: tuple[KnownPartner, ...]
    after: str | None


def partners(ports: Ports, call: Call, *, after: str = "", limit: int = 25) -> KnownPartners:
    """Return the partners that have asked for access to the caller's account, by id."""

    def work(tx: Reading, _draft: Draft) -> KnownPartners:
        _whole_account(tx, ports, call)
        ids = tx.partners_of(call.caller.account_id, after=after, limit=limit + 1)
        shown = tuple(_known(tx, call.caller.account_id, one) for one in ids[:limit])
        return KnownPartners(shown, ids[limit - 1] if len(ids) > limit else None)

    _check_limit(limit)
    return consult(ports, call, "ListKnownPartners", work)


def _whole_account(tx: Reading, ports: Ports, call: Call) -> None:
    refuse_outsiders(call, f"iam:{_LIST}")
    if not may_list_all(tx, ports, call, None):
        raise AccessDenied(
            principal=call.caller.arn,
            action=f"iam:{_LIST}",
            resource="*",
            because="because you may list your own requests alone",
        )


def _known(tx: Reading, account: AccountId, partner_id: AccountId) -> KnownPartner:
    def counted(state: GrantState) -> int:
        return tx.count(Grant, limit=MOST_COUNTED, account_id=account, partner_id=partner_id, state=state)

    latest = tx.page(DelegationRequest, limit=1, after=None, owner_account_id=account, requestor_id=partner_id)
    return KnownPartner(
        id=partner_id,
        partner=tx.get(Partner, partner_id),
        live=counted(GrantState.LIVE),
        ended=counted(GrantState.REVOKED),
        latest=latest[0] if latest else None,
    )


@dataclass(frozen=True, slots=True)
class PartnerHere:
    """One partner as an account knows it, with a page of its requests here."""

    known: KnownPartner
    rows: tuple[Row, ...]
    after: Position | None


def partner(
    ports: Ports,
    call: Call,
    partner_id: str,
    *,
    limit: int = 25,
    after: Position | None = None,
) -> PartnerHere:
    """Return one partner that the caller's account has dealt with; any other is `NoSuchEntity`."""

    def work(tx: Reading, _draft: Draft) -> PartnerHere:
        _whole_account(tx, ports, call)
        account = call.caller.account_id
        known = _known(tx, account, AccountId(partner_id))
        if known.latest is None:
            raise NoSuchEntity("partner", partner_id)
        found = tx.page(
            DelegationRequest,
            limit=limit + 1,
            after=after,
            owner_account_id=account,
            requestor_id=partner_id,
        )
        shown = found[:limit]
        more = (shown[-1].created_at, shown[-1].id) if len(found) > limit else None
        return PartnerHere(known, _with_grants(tx, ports, shown), more)

    _check_limit(limit)
    return consult(ports, call, "GetKnownPartner", work, asked={"partnerId": partner_id})


# --- activity --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class About:
    """What part of the trail is wanted."""

    request_id: str | None = None
    partner_id: str | None = None
    until: datetime | None = None

    @property
    def equal(self) -> dict[str, object]:
        """The fields that every wanted entry has."""
        named = {"request_id": self.request_id, "partner_id": self.partner_id}
        return {name: value for name, value in named.items() if value}


def activity(
    ports: Ports,
    call: Call,
    about: About,
    *,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[AuditEntry]:
    """Return entries of the caller's own account's trail, newest first, below the number `before`."""

    def work(tx: Reading, _draft: Draft) -> Sequence[AuditEntry]:
        authorize(tx, ports, call, Question("daypass:ListAuditEntries", "*", {}))
        return tx.trail(call.caller.account_id, before=before, limit=limit, until=about.until, **about.equal)

    return consult(ports, call, "ListAuditEntries", work)


# --- people and policies ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """One page of an account's principals, the newest first, each with its attachments."""

    people: tuple[tuple[Principal, tuple[Attachment, ...]], ...]
    after: Position | None


def people(ports: Ports, call: Call, *, limit: int = 50, after: Position | None = None) -> PeoplePage:
    """Return a page of the users of the caller's account, its root among them."""

    def work(tx: Reading, _draft: Draft) -> PeoplePage:
        account = call.caller.account_id
        authorize_in(tx, ports, call, account, "iam:ListUsers", "user/*")
        found = tx.page(Principal, limit=limit + 1, after=after, account_id=account)
        shown = found[:limit]
        attached = tx.find(Attachment, principal_id=frozenset(one.id for one in shown))
        rows = tuple((one, tuple(each for each in attached if each.principal_id == one.id)) for one in shown)
        return PeoplePage(rows, (shown[-1].created_at, shown[-1].id) if len(found) > limit else None)

    _check_limit(limit)
    return consult(ports, call, "ListUsers", work)


def policies(ports: Ports, call: Call) -> Sequence[ManagedPolicy]:
    """Return the managed policies of the caller's account, by name."""

    def work(tx: Reading, _draft: Draft) -> Sequence[ManagedPolicy]:
        account = call.caller.account_id
        authorize_in(tx, ports, call, account, "iam:ListPolicies", "policy/*")
        return tx.find(ManagedPolicy, account_id=account)

    return consult(ports, call, "ListPolicies", work)
