"""Use-cases that only look: one request, an account's list, the summary in words, grants and the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workflows.acts import consult, perform
from workflows.approval import check_permissions
from workflows.arns import grant_arn, parse_arn
from workflows.audit import Draft
from workflows.authority import Question, authorize, compiled, operator_only
from workflows.callers import OWNERS, Call, Caller, CallerKind
from workflows.errors import AccessDenied, BadInput, NoSuchEntity
from workflows.ids import AccountId
from workflows.policy.document import PolicyKind
from workflows.policy.permission_check import PermissionCheck
from workflows.ports import Ports, Reading, Writing
from workflows.records.audit import AuditEntry, AuditHead
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest
from workflows.registration import Accepted, accepted_for
from workflows.standing import KIND, authorize_on, find_request, refuse_outsiders
from workflows.summary import resolve_locale, summarise

_GET: Final = "GetDelegationRequest"
_LIST: Final = "ListDelegationRequests"
_SUMMARY: Final = "GetHumanReadableSummary"
LARGEST_PAGE: Final = 1000

Position = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """A request as its reader may see it, the permission check if one was asked for, and what reviews let pass."""

    request: DelegationRequest
    check: PermissionCheck | None
    accepted: Sequence[Accepted] = ()


@dataclass(frozen=True, slots=True)
class RequestPage:
    """One page of requests, newest first; `after` is where the next page begins, or None at the end."""

    requests: tuple[DelegationRequest, ...]
    after: Position | None


@dataclass(frozen=True, slots=True)
class Summary:
    """A request in words; `content` is None when the locale is not one we speak."""

    content: str | None
    locale: str


def identify(ports: Ports, call: Call) -> Caller:
    """Return who the caller is. API: GetCallerIdentity. Every use of a lent credential that we see is written down."""
    if not call.caller.is_delegated:
        return call.caller

    def work(_tx: Writing, draft: Draft) -> Caller:
        draft.partner_id = call.caller.partner_id
        return call.caller

    return perform(ports, call, "GetCallerIdentity", work)


def show(ports: Ports, call: Call, request_id: str, *, check: bool) -> Shown:
    """Return a request the caller may see, and whether the caller could lend it. API: GetDelegationRequest."""

    def work(tx: Reading, draft: Draft) -> Shown:
        refuse_outsiders(call, f"iam:{_GET}")
        request = find_request(tx, call, request_id)
        draft.request_id = request.id
        authorize_on(tx, ports, call, f"iam:{_GET}", request)
        return Shown(request, check_permissions(tx, call, request) if check else None, accepted_for(tx, request))

    return consult(ports, call, _GET, work, asked={"delegationRequestId": request_id})


def may_list_all(tx: Reading, ports: Ports, call: Call, owner_arn: str | None) -> bool:
    """Tell whether the caller may list beyond its own requests; raises `AccessDenied` when it may not list at all.

    A caller without the permission may still list its own: that is an owner's default. An explicit deny wins.
    """
    keys = {"iam:DelegationRequestOwner": owner_arn} if owner_arn else {}
    try:
        authorize(tx, ports, call, Question(f"iam:{_LIST}", "*", keys))
    except AccessDenied as denied:
        own = owner_arn is None or owner_arn == call.caller.arn
        if not own or call.caller.kind not in OWNERS or denied.explicit:
            raise
        return False
    return True


def list_requests(
    ports: Ports,
    call: Call,
    *,
    owner_arn: str | None,
    limit: int,
    after: Position | None,
) -> RequestPage:
    """Return owned requests of the caller's account, newest first. API: ListDelegationRequests.

    Requests that nobody has claimed are never listed.
    """

    def work(tx: Reading, _draft: Draft) -> RequestPage:
        refuse_outsiders(call, f"iam:{_LIST}")
        if owner_arn is not None and parse_arn(owner_arn, "OwnerId").account != call.caller.account_id:
            raise NoSuchEntity("owner", owner_arn)
        everything = may_list_all(tx, ports, call, owner_arn)
        equal: dict[str, object] = {"owner_account_id": call.caller.account_id}
        if not everything:
            equal["owner_principal_id"] = call.caller.principal_id
        elif owner_arn is not None:
            equal["owner_arn"] = owner_arn
        return _page(tx, limit, after, equal)

    if not 1 <= limit <= LARGEST_PAGE:
        raise BadInput("MaxItems", f"is {limit}; 1 to {LARGEST_PAGE} are accepted")
    return consult(ports, call, _LIST, work)


def _page(tx: Reading, limit: int, after: Position | None, equal: dict[str, object]) -> RequestPage:
    found = tx.page(DelegationRequest, limit=limit + 1, after=after, **equal)
    shown = tuple(found[:limit])
    more = len(found) > limit
    return RequestPage(shown, (shown[-1].created_at, shown[-1].id) if more else None)


def partner_requests(ports: Ports, call: Call, *, limit: int, after: Position | None) -> RequestPage:
    """Return the calling partner's own requests, newest first; the partner's view shows no note of the owner."""

    def work(tx: Reading, _draft: Draft) -> RequestPage:
        authorize(tx, ports, call, Question("daypass:ListPartnerRequests", "*", {}))
        return _page(tx, limit, after, {"requestor_id": call.caller.account_id})

    return consult(ports, call, "ListPartnerRequests", work)


def partner_request(ports: Ports, call: Call, request_id: str) -> DelegationRequest:
    """Return one of the calling partner's own requests; raises `NoSuchEntity` for anybody else's."""

    def work(tx: Reading, _draft: Draft) -> DelegationRequest:
        authorize(tx, ports, call, Question("daypass:GetPartnerRequest", "*", {}))
        request = tx.get(DelegationRequest, request_id)
        if request is None or request.requestor_id != call.caller.account_id:
            raise NoSuchEntity(KIND, request_id)
        return request

    return consult(ports, call, "GetPartnerRequest", work, asked={"delegationRequestId": request_id})


def all_requests(ports: Ports, call: Call, *, limit: int, after: Position | None) -> RequestPage:
    """Return every request of the deployment, claimed or not, newest first; for the operator alone."""

    def work(tx: Reading, _draft: Draft) -> RequestPage:
        operator_only(call, "daypass:ListRequests")
        return _page(tx, limit, after, {})

    return consult(ports, call, "ListRequests", work)


def _request_of_entity(arn: str) -> str:
    """Return the request id in the ARN of a delegation request; raises `BadInput` for any other entity."""
    parsed = parse_arn(arn, "EntityArn")
    kind, _, request_id = parsed.resource.partition("/")
    if parsed.service != "iam" or kind != "delegation-request":
        raise BadInput("EntityArn", "is not the ARN of a delegation request, the one entity that has a summary")
    return request_id


def describe(ports: Ports, call: Call, entity_arn: str, locale: str | None) -> Summary:
    """Return what a request would allow, in words made from the parsed policy alone. API: GetHumanReadableSummary."""

    def work(tx: Reading, draft: Draft) -> Summary:
        refuse_outsiders(call, f"iam:{_SUMMARY}")
        request = find_request(tx, call, _request_of_entity(entity_arn))
        draft.request_id = request.id
        authorize_on(tx, ports, call, f"iam:{_SUMMARY}", request)
        return summary_of(request, locale)

    return consult(ports, call, _SUMMARY, work, asked={"entityArn": entity_arn})


def summary_of(request: DelegationRequest, locale: str | None) -> Summary:
    """Return a request in words; an unknown locale is echoed and has no content."""
    spoken = resolve_locale(locale or "en")
    if spoken is None:
        return Summary(None, locale or "en")
    content = summarise(
        compiled(request.permission_policy, PolicyKind.SESSION),
        partner_name=request.requestor_name,
        partner_id=request.requestor_id,
        account_id=request.owner_account_id or request.target_account_id,
        duration_seconds=request.session_duration,
        boundaries=[arn for arn, _ in request.boundaries],
        locale=spoken,
    )
    return Summary(content, locale or "en")


# --- grants ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GrantPage:
    """One page of grants, newest first; `after` is where the next page begins, or None at the end."""

    grants: tuple[Grant, ...]
    after: Position | None


def list_grants(
    ports: Ports,
    call: Call,
    *,
    account_id: AccountId | None,
    limit: int,
    after: Position | None,
) -> GrantPage:
    """Return an account's grants, newest first; a partner lists what it was lent, the operator may list all."""

    def work(tx: Reading, _draft: Draft) -> GrantPage:
        caller = call.caller
        equal: dict[str, object] = {"account_id": account_id or caller.account_id}
        if caller.kind is CallerKind.PARTNER:
            authorize(tx, ports, call, Question("daypass:ListPartnerGrants", "*", {}))
            equal = {"partner_id": caller.account_id}
        else:
            authorize(tx, ports, call, Question("daypass:ListGrants", "*", {}))
        if caller.kind is CallerKind.OPERATOR and account_id is None:
            equal = {}
        elif account_id not in (None, caller.account_id) and caller.kind is not CallerKind.OPERATOR:
            raise NoSuchEntity("account", str(account_id))
        found = tx.page(Grant, limit=limit + 1, after=after, **equal)
        shown = tuple(found[:limit])
        return GrantPage(shown, (shown[-1].created_at, shown[-1].id) if len(found) > limit else None)

    return consult(ports, call, "ListGrants", work)


def find_grant(tx: Reading, call: Call, grant_id: str) -> Grant:
    """Return a grant of the caller's account (any, for the operator; its own, for a partner) or `NoSuchEntity`."""
    grant = tx.get(Grant, grant_id)
    sides = () if grant is None else (grant.account_id, grant.partner_id)
    if grant is None or (call.caller.kind is not CallerKind.OPERATOR and call.caller.account_id not in sides):
        raise NoSuchEntity("grant", grant_id)
    return grant


def show_grant(ports: Ports, call: Call, grant_id: str) -> Grant:
    """Return one grant; raises the same `NoSuchEntity` for an unknown one and another account's."""

    def work(tx: Reading, _draft: Draft) -> Grant:
        refuse_outsiders(call, "daypass:GetGrant")
        grant = find_grant(tx, call, grant_id)
        action = "daypass:GetPartnerGrant" if call.caller.kind is CallerKind.PARTNER else "daypass:GetGrant"
        owner = tx.get(DelegationRequest, grant.request_id)
        if owner is None or owner.owner_principal_id != call.caller.principal_id:
            authorize(
                tx,
                ports,
                call,
                Question(action, grant_arn(ports.terms.partition, grant.account_id, grant.id), {}),
            )
        return grant

    return consult(ports, call, "GetGrant", work, asked={"grantId": grant_id})


# --- audit -----------------------------------------------------------------------------------------------


def list_audit(
    ports: Ports,
    call: Call,
    *,
    account_id: AccountId | None,
    before: int | None,
    limit: int,
) -> Sequence[AuditEntry]:
    """Return entries of an account's chain, newest first, below the entry number `before`."""

    def work(tx: Reading, _draft: Draft) -> Sequence[AuditEntry]:
        chain = account_id or call.caller.account_id
        if chain != call.caller.account_id and call.caller.kind is not CallerKind.OPERATOR:
            raise NoSuchEntity("account", chain)
        authorize(tx, ports, call, Question("daypass:ListAuditEntries", "*", {}))
        head = tx.get(AuditHead, chain)
        end = head.number + 1 if head else 1
        if before is not None:
            end = min(end, before)
        entries = tx.find(AuditEntry, chain=chain, number=range(max(1, end - limit), end))
        return list(reversed(entries))

    return consult(ports, call, "ListAuditEntries", work)
