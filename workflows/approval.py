"""Use-cases of the decision: accept (over a digest), reject, and the check of what the caller could lend at all."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from workflows.acts import consult, perform
from workflows.audit import Draft
from workflows.authority import STATED_KEYS, compiled, rights_of
from workflows.callers import OWNERS, Call, CallerKind
from workflows.credentials.keys import same_text
from workflows.digest import digest_of
from workflows.errors import AccessDenied, DigestMismatch, RootDurationExceeded, SealBroken
from workflows.lifecycle import Act, state_at, step
from workflows.narrowing import Narrowing, narrowed
from workflows.notifications import store_move
from workflows.policy.document import PolicyKind
from workflows.policy.layers import Layer
from workflows.policy.permission_check import CheckResult, PermissionCheck, covers
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import Principal
from workflows.records.request import DelegationRequest, State
from workflows.sessions import lent_identity
from workflows.standing import (
    action_of,
    admitted,
    arn_of,
    authorize_on,
    check_partner,
    find_request,
    refuse_outsiders,
    unchanged_since,
)
from workflows.step_up import Proof, confirm
from workflows.submission import NOTES_LENGTH, first_look, note_move, recall_request
from workflows.text import parse_text

ROOT_LONGEST_SESSION: Final = 14_400


def repeats(ports: Ports, call: Call, request: DelegationRequest, state: State, now: datetime) -> bool:
    """Tell whether the caller has just made this very move: repeating it within a minute is no error and no act."""
    return (
        state_at(request, now) is state
        and request.moved_by == call.caller.principal_id
        and now - request.entered_state_at <= ports.terms.repeat_window
    )


def _check_approver(ports: Ports, call: Call, request: DelegationRequest, digest: str | None) -> None:
    caller = call.caller
    if caller.kind not in OWNERS:
        raise AccessDenied(
            principal=caller.arn,
            action=action_of(Act.ACCEPT),
            resource=arn_of(ports, request),
            because="because only an identity of the owner's account can approve",
        )
    if digest is not None and not same_text(digest, request.digest):
        raise DigestMismatch
    if digest_of(request) != request.digest:
        raise SealBroken("the stored request is not the one that was created; it cannot be approved")


def _check_length(call: Call, lent: DelegationRequest) -> None:
    if call.caller.kind is CallerKind.ROOT and lent.session_duration > ROOT_LONGEST_SESSION:
        raise RootDurationExceeded(
            f"root can approve at most {ROOT_LONGEST_SESSION} seconds and this request asks for "
            f"{lent.session_duration}; shorten it, or let another identity of the account approve it",
        )


def accept(
    ports: Ports,
    call: Call,
    request_id: str,
    *,
    digest: str | None,
    proof: Proof | None = None,
    narrowing: Narrowing | None = None,
) -> DelegationRequest:
    """Approve a request as the calling identity, whose rights then bound the session. API: AcceptDelegationRequest.

    `digest` is what the reviewer saw; the AWS wire has no member for it, and there None stands for the frozen
    request, which nothing can have changed. With a `narrowing`, less than was asked is approved and from then on is the
    request; a passkey has signed that. Raises `DigestMismatch` when the reviewer saw something else, `NotNarrower` or
    `BadInput` for what is not less, and where a passkey is demanded, `StepUpRefused` or `AccessDenied` without its
    `proof`.
    """

    def work(tx: Writing, draft: Draft) -> DelegationRequest:
        request, decided_by = admitted(tx, ports, call, action_of(Act.ACCEPT), request_id)
        _check_approver(ports, call, request, digest)
        check_partner(tx, ports, call, Act.ACCEPT, request)
        now = ports.clock.now()
        if seen and seen.state is State.ACCEPTED and repeats(ports, call, request, State.ACCEPTED, now):
            note_move(ports, draft, request, request, decided_by)
            return request
        unchanged_since(seen, request)
        lent = narrowed(request, narrowing) if narrowing else request
        _check_length(call, lent)
        moved = replace(
            step(lent, Act.ACCEPT, now=now, by=call.caller.principal_id),
            approver_arn=call.caller.arn,
            approver_principal_id=call.caller.principal_id,
        )
        confirm(tx, ports, call, draft, Act.ACCEPT, lent, proof=proof)
        if narrowing is not None:
            draft.answered |= {"narrowedFrom": request.digest, "narrowedTo": lent.digest}
        note_move(ports, draft, request, moved, decided_by)
        return store_move(tx, ports, request, moved, now=now)

    seen = first_look(ports, call, Act.ACCEPT, request_id)
    asked = {"delegationRequestId": request_id, "digest": digest}
    return perform(ports, call, Act.ACCEPT.value, work, recall=recall_request, asked=asked)


def preview(ports: Ports, call: Call, request_id: str, narrowing: Narrowing) -> DelegationRequest:
    """Return what a request would be if it were approved with less; nothing is stored.

    Raises `NotNarrower` or `BadInput` for what is not less, and what looking at the request raises.
    """

    def work(tx: Reading, draft: Draft) -> DelegationRequest:
        refuse_outsiders(call, "iam:GetDelegationRequest")
        request = find_request(tx, call, request_id)
        draft.request_id = request.id
        authorize_on(tx, ports, call, "iam:GetDelegationRequest", request)
        return narrowed(request, narrowing)

    return consult(ports, call, "GetDelegationRequest", work, asked={"delegationRequestId": request_id})


def reject(ports: Ports, call: Call, request_id: str, reason: str | None) -> DelegationRequest:
    """Turn a request down, or take an approval back before release; final. API: RejectDelegationRequest."""

    def work(tx: Writing, draft: Draft) -> DelegationRequest:
        request, decided_by = admitted(tx, ports, call, action_of(Act.REJECT), request_id)
        if reason is not None:
            parse_text(reason, "Notes", longest=NOTES_LENGTH)
        now = ports.clock.now()
        if seen and seen.state is State.REJECTED and repeats(ports, call, request, State.REJECTED, now):
            note_move(ports, draft, request, request, decided_by)
            return request
        unchanged_since(seen, request)
        moved = step(request, Act.REJECT, now=now, by=call.caller.principal_id)
        moved = replace(moved, rejection_reason=reason)
        note_move(ports, draft, request, moved, decided_by)
        return store_move(tx, ports, request, moved, now=now)

    seen = first_look(ports, call, Act.REJECT, request_id)
    asked = {"delegationRequestId": request_id}
    return perform(ports, call, Act.REJECT.value, work, recall=recall_request, asked=asked)


def check_permissions(tx: Reading, call: Call, request: DelegationRequest) -> PermissionCheck:
    """Return whether the caller could lend everything that is asked, by proof. Advisory: use is judged live."""
    return could_lend(*rights_of(tx, call), request)


def could_lend(layers: Iterable[Layer], principal: Principal | None, request: DelegationRequest) -> PermissionCheck:
    """Return whether a session of this request that this principal lends would reach everything that is asked."""
    if principal is None:
        return PermissionCheck(CheckResult.UNSURE, because="no-principal")
    policy = compiled(request.permission_policy, PolicyKind.SESSION)
    return covers(tuple(layers), policy, identity=lent_identity(principal), stated=STATED_KEYS)
