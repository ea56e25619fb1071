"""Use-cases that bring a request in and place it: create, associate (claim), note and forward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from workflows import templates
from workflows.acts import perform
from workflows.audit import Draft
from workflows.authority import Question, authorize
from workflows.callers import OWNERS, Call, CallerKind
from workflows.digest import digest_of
from workflows.errors import AccessDenied, AlreadyExists, BadInput, LimitExceeded, NoSuchEntity
from workflows.ids import AccountId, RequestId, parse_account_id
from workflows.lifecycle import LIFETIMES, Act, state_at, step
from workflows.notifications import store_move
from workflows.ports import Ports, Reading, Writing
from workflows.records.partner import Boundary, Channel, Partner, PolicyTemplate
from workflows.records.request import DelegationRequest, State
from workflows.role_plans import UNTIL_REVOKED, AskedRole, planned
from workflows.standing import (
    KIND,
    action_of,
    admitted,
    arn_of,
    authorize_on,
    find_request,
    refuse_outsiders,
    unchanged_since,
)
from workflows.templates import Parameter
from workflows.text import parse_redirect_url, parse_text

SHORTEST_SESSION: Final = 300
LONGEST_SESSION: Final = 43_200
NOTES_LENGTH: Final = 500
_CREATE: Final = "CreateDelegationRequest"


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What a partner asks for; `session_duration` is in seconds, and of no weight where a `role` is asked for."""

    description: str
    template_arn: str
    parameters: Sequence[Parameter]
    workflow_id: str
    channel_arn: str
    session_duration: int
    owner_account_id: str | None = None
    request_message: str | None = None
    redirect_url: str | None = None
    only_send_by_owner: bool = False
    role: AskedRole | None = None


def deep_link(ports: Ports, request_id: RequestId) -> str:
    """Return the link to send the customer's browser to; it carries the id and nothing else."""
    return f"{ports.terms.base_url}/d/{request_id}"


def recall_request(tx: Reading, outcome: Mapping[str, str]) -> DelegationRequest:
    """Return the request that a repeated call acted on."""
    request = tx.get(DelegationRequest, outcome["request_id"])
    if request is None:
        raise NoSuchEntity(KIND, outcome["request_id"])
    return request


def _check_texts(new: NewRequest, partner: Partner) -> None:
    parse_text(new.description, "Description", longest=1000)
    parse_text(new.workflow_id, "RequestorWorkflowId", shortest=5, longest=400)
    if new.request_message is not None:
        parse_text(new.request_message, "RequestMessage", longest=200)
    if new.redirect_url is not None:
        parse_redirect_url(new.redirect_url, partner.domain)
    if new.role is None and not SHORTEST_SESSION <= new.session_duration <= LONGEST_SESSION:
        raise BadInput(
            "SessionDuration",
            f"is {new.session_duration}; {SHORTEST_SESSION} to {LONGEST_SESSION} seconds are accepted",
        )


def _own(tx: Reading, kind: type[PolicyTemplate] | type[Channel], arn: str, partner: Partner, field: str) -> None:
    found = tx.get(kind, arn)
    if found is None or found.partner_id != partner.id:
        raise BadInput(field, f"names `{arn}`, which you have not registered")


def _boundaries(tx: Reading, partner: Partner, named: Sequence[str]) -> tuple[tuple[str, str], ...]:
    documents = []
    for arn in named:
        boundary = tx.get(Boundary, arn)
        if boundary is None or boundary.partner_id != partner.id:
            raise BadInput("Permissions", f"names the permissions boundary `{arn}`, which you have not registered")
        documents.append((arn, boundary.document))
    return tuple(documents)


def _target(tx: Reading, new: NewRequest, partner: Partner) -> AccountId | None:
    if new.owner_account_id is None:
        return None
    account = parse_account_id(new.owner_account_id, "OwnerAccountId")
    if account == partner.id or tx.get(Partner, account) is not None:
        raise BadInput("OwnerAccountId", "is a partner's own account, which cannot lend to a partner")
    # Whether such an account exists here is not told: the request would simply never be claimed.
    return account


def _check_quotas(tx: Reading, ports: Ports, partner: Partner, target: AccountId | None, now: datetime) -> None:
    terms = ports.terms
    limit = terms.open_requests_per_partner
    if tx.count_open_requests(now=now, limit=limit, requestor_id=partner.id) >= limit:
        raise LimitExceeded(f"a partner can have {limit} open delegation requests")
    limit = terms.open_requests_per_account
    if target and tx.count_open_requests(now=now, limit=limit, target_account_id=target) >= limit:
        raise LimitExceeded(f"an account can be asked by {limit} open delegation requests")


def _assembled(tx: Reading, ports: Ports, partner: Partner, new: NewRequest) -> DelegationRequest:
    """Return the frozen request: template rendered, boundaries copied, digest made. Nothing is looked up again."""
    template = tx.get(PolicyTemplate, new.template_arn)
    assert template is not None  # _own() has seen it in this transaction
    parsed = templates.parse_template(template.document, wildcard_safe=frozenset(template.wildcard_safe))
    rendered = templates.render(parsed, new.parameters)
    plan = planned(tx, ports, partner, new.role) if new.role else None
    named = templates.role_permission_restriction_arns(rendered.policy)
    if plan is not None:
        named = tuple(dict.fromkeys((*named, plan.boundary_arn)))
    now = ports.clock.now()
    request = DelegationRequest(
        id=RequestId("dr-" + ports.entropy.token_bytes(16).hex()),
        requestor_id=partner.id,
        requestor_name=partner.name,
        requestor_domain=partner.domain,
        workflow_id=new.workflow_id,
        target_account_id=_target(tx, new, partner),
        description=new.description,
        request_message=new.request_message,
        template_arn=new.template_arn,
        parameters=tuple((one.name, one.type.value, tuple(one.values)) for one in new.parameters),
        permission_policy=rendered.text,
        boundaries=_boundaries(tx, partner, named),
        session_duration=plan.seconds if plan else new.session_duration,
        redirect_url=new.redirect_url,
        only_send_by_owner=new.only_send_by_owner,
        channel_arn=new.channel_arn,
        digest="",
        created_at=now,
        state=State.UNASSIGNED,
        revision=0,
        owner_account_id=None,
        owner_arn=None,
        owner_principal_id=None,
        approver_arn=None,
        approver_principal_id=None,
        notes=None,
        rejection_reason=None,
        moved_by=None,
        entered_state_at=now,
        expires_at=now + LIFETIMES[State.UNASSIGNED],
        updated_at=now,
        notified=0,
        role_plan=plan.text if plan else None,
    )
    return replace(request, digest=digest_of(request))


def _duration(new: NewRequest) -> int:
    if new.role is None:
        return new.session_duration
    return UNTIL_REVOKED if new.role.lifetime is None else new.role.lifetime


def _authorize_create(tx: Reading, ports: Ports, call: Call, new: NewRequest) -> str:
    resource = f"arn:{ports.terms.partition}:iam::{call.caller.account_id}:delegation-request/*"
    action = f"iam:{_CREATE}"
    if call.caller.kind is not CallerKind.PARTNER:
        because = "because only a registered partner may file delegation requests"
        raise AccessDenied(principal=call.caller.arn, action=action, resource=resource, because=because)
    keys = {
        "iam:DelegationDuration": str(_duration(new)),
        "iam:NotificationChannel": new.channel_arn,
        "iam:TemplateArn": new.template_arn,
    }
    return authorize(tx, ports, call, Question(action, resource, keys))


def create(ports: Ports, call: Call, new: NewRequest) -> DelegationRequest:
    """File a request; it waits unassigned for 24 hours. Raises `AlreadyExists` when the workflow id was used before.

    API: CreateDelegationRequest. The rendered policy and its boundaries are frozen here.
    """

    def work(tx: Writing, draft: Draft) -> DelegationRequest:
        draft.decided_by = _authorize_create(tx, ports, call, new)
        partner = tx.get(Partner, call.caller.account_id)
        if partner is None or not partner.active:
            raise AccessDenied(
                principal=call.caller.arn,
                action=f"iam:{_CREATE}",
                resource="*",
                because="because the partner is not active",
            )
        _check_texts(new, partner)
        _own(tx, PolicyTemplate, new.template_arn, partner, "PolicyTemplateArn")
        _own(tx, Channel, new.channel_arn, partner, "NotificationChannel")
        taken = tx.find(DelegationRequest, requestor_id=partner.id, workflow_id=new.workflow_id)
        if taken:
            raise AlreadyExists("delegation request with workflow id", new.workflow_id, existing_id=taken[0].id)
        request = _assembled(tx, ports, partner, new)
        _check_quotas(tx, ports, partner, request.target_account_id, request.created_at)
        tx.add(request)
        draft.resource = arn_of(ports, request)
        draft.request_id, draft.partner_id = request.id, partner.id
        draft.after, draft.digest = request.state.value, request.digest
        draft.answered = {"delegationRequestId": request.id}
        draft.outcome = {"request_id": request.id}
        return request

    asked = {
        "ownerAccountId": new.owner_account_id,
        "policyTemplateArn": new.template_arn,
        "requestorWorkflowId": new.workflow_id,
        "notificationChannel": new.channel_arn,
        "sessionDuration": _duration(new),
        "role": new.role.name if new.role else None,
        "onlySendByOwner": new.only_send_by_owner,
    }
    return perform(ports, call, _CREATE, work, recall=recall_request, asked=asked)


def note_move(
    ports: Ports,
    draft: Draft,
    before: DelegationRequest,
    after: DelegationRequest,
    decided_by: str,
) -> None:
    """Write into the audit draft what became of a request."""
    draft.resource = arn_of(ports, after)
    draft.request_id, draft.partner_id = after.id, after.requestor_id
    draft.before, draft.after = before.state.value, after.state.value
    draft.digest, draft.decided_by = after.digest, decided_by
    draft.outcome = {"request_id": after.id}


def first_look(ports: Ports, call: Call, act: Act, request_id: str) -> DelegationRequest | None:
    """Return the request as the caller finds it before its transaction, if it may know of it.

    A move is refused when the request changed between this look and the transaction, which is what tells the losers
    of a race that they lost it.
    """
    try:
        refuse_outsiders(call, action_of(act))
        return ports.store.read(lambda tx: find_request(tx, call, request_id))
    except (AccessDenied, NoSuchEntity):
        # The transaction comes to the same answer and writes it down.
        return None


def associate(ports: Ports, call: Call, request_id: str) -> DelegationRequest:
    """Claim an unassigned request for the calling identity and its account. API: AssociateDelegationRequest.

    Exactly one identity wins; claiming one's own request again changes nothing.
    """

    def work(tx: Writing, draft: Draft) -> DelegationRequest:
        refuse_outsiders(call, action_of(Act.ASSOCIATE))
        request = find_request(tx, call, request_id)
        caller = call.caller
        if caller.kind not in OWNERS:
            raise AccessDenied(
                principal=caller.arn,
                action=action_of(Act.ASSOCIATE),
                resource=arn_of(ports, request),
                because="because only an identity of an account can own a delegation request",
            )
        decided_by = authorize_on(tx, ports, call, action_of(Act.ASSOCIATE), request)
        now = ports.clock.now()
        if request.owner_principal_id == caller.principal_id and state_at(request, now) is State.ASSIGNED:
            note_move(ports, draft, request, request, decided_by)
            return request
        if request.state is State.UNASSIGNED:
            unchanged_since(seen, request)
        moved = replace(
            step(request, Act.ASSOCIATE, now=now, by=caller.principal_id),
            owner_account_id=caller.account_id,
            owner_arn=caller.arn,
            owner_principal_id=caller.principal_id,
        )
        note_move(ports, draft, request, moved, decided_by)
        return store_move(tx, ports, request, moved, now=now)

    seen = first_look(ports, call, Act.ASSOCIATE, request_id)
    asked = {"delegationRequestId": request_id}
    return perform(ports, call, Act.ASSOCIATE.value, work, recall=recall_request, asked=asked)


def forward(ports: Ports, call: Call, request_id: str, notes: str | None) -> DelegationRequest:
    """Leave a note and hand the request to the account's administrators. API: UpdateDelegationRequest.

    Without `notes` the earlier note stays.
    """

    def work(tx: Writing, draft: Draft) -> DelegationRequest:
        request, decided_by = admitted(tx, ports, call, action_of(Act.UPDATE), request_id)
        unchanged_since(seen, request)
        if notes is not None:
            parse_text(notes, "Notes", longest=NOTES_LENGTH)
        now = ports.clock.now()
        moved = step(request, Act.UPDATE, now=now, by=call.caller.principal_id)
        moved = replace(moved, notes=request.notes if notes is None else notes)
        note_move(ports, draft, request, moved, decided_by)
        return store_move(tx, ports, request, moved, now=now)

    seen = first_look(ports, call, Act.UPDATE, request_id)
    asked = {"delegationRequestId": request_id}
    return perform(ports, call, Act.UPDATE.value, work, recall=recall_request, asked=asked)
