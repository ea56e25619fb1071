"""Use-cases of the release: send the exchange token, and trade it for credentials.

The clock starts at the release. Every set of credentials traded for one token ends at the same instant, however late
it is traded and however often.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from workflows import role_grants
from workflows.acts import perform
from workflows.approval import repeats
from workflows.audit import Draft
from workflows.authentication import deployment_of
from workflows.authority import Question, authorize
from workflows.callers import Call, CallerKind
from workflows.credentials.keys import new_access_key_id, session_secret, session_token
from workflows.credentials.tokens import TokenMark, hash_of, new_token, well_formed
from workflows.errors import (
    AccessDenied,
    ExpiredExchangeToken,
    InvalidExchangeToken,
    LimitExceeded,
    WrongState,
)
from workflows.grants import usable_at
from workflows.ids import AccessKeyId
from workflows.lifecycle import Act, step
from workflows.notifications import store_move
from workflows.ports import Expectation, Expected, FieldOf, Ports, Reading, Writing
from workflows.records.account import Principal
from workflows.records.audit import AuditHead, Replay
from workflows.records.grant import Grant, GrantKind, GrantState, Session
from workflows.records.partner import Partner
from workflows.records.request import DelegationRequest, State
from workflows.role_grants import new_grant_id
from workflows.role_plans import plan_of
from workflows.standing import (
    KIND,
    action_of,
    admitted,
    arn_of,
    check_partner,
    unchanged_since,
)
from workflows.step_up import Proof, confirm
from workflows.submission import first_look, note_move, recall_request

_EXCHANGE: Final = "GetDelegatedAccessToken"
_EXCHANGE_ACTION: Final = f"sts:{_EXCHANGE}"


@dataclass(frozen=True, slots=True)
class Minted:
    """One set of temporary credentials; `expires_at` is the grant's deadline."""

    access_key_id: AccessKeyId
    secret_access_key: str
    session_token: str
    expires_at: datetime
    assumed_principal: str


def _deadline(now: datetime, request: DelegationRequest) -> datetime:
    """Return the end of the grant in whole seconds, rounded down: the wire cannot say more, and never longer."""
    return (now + timedelta(seconds=request.session_duration)).replace(microsecond=0)


def _check_sender(ports: Ports, call: Call, request: DelegationRequest) -> None:
    if request.only_send_by_owner and call.caller.principal_id != request.owner_principal_id:
        raise AccessDenied(
            principal=call.caller.arn,
            action=action_of(Act.SEND),
            resource=arn_of(ports, request),
            because="because this request can be released by its owner alone",
        )


def _plan(ports: Ports, request: DelegationRequest, token_hash: str | None, now: datetime) -> Grant:
    """Return the grant of a released request: a session's is live at once, a role's when the role is made."""
    if request.owner_account_id is None or request.approver_arn is None or request.approver_principal_id is None:
        raise WrongState(KIND, request.state.value, Act.SEND.value)
    grant_id = new_grant_id(ports)
    lends_role = token_hash is None
    return Grant(
        id=grant_id,
        kind=GrantKind.ROLE if lends_role else GrantKind.SESSION,
        request_id=request.id,
        account_id=request.owner_account_id,
        partner_id=request.requestor_id,
        approver_arn=request.approver_arn,
        approver_principal_id=request.approver_principal_id,
        # No token stands for a role; a hash never looks like this.
        token_hash=token_hash or f"none:{grant_id}",
        deadline=_deadline(now, request),
        exchanges=0,
        exchange_cap=0 if lends_role else ports.terms.exchange_cap,
        state=GrantState.PLANNED if lends_role else GrantState.LIVE,
        end_reason=None,
        ended_by=None,
        ended_at=None,
        stuck_because=None,
        revision=0,
        created_at=now,
    )


def _released(tx: Writing, ports: Ports, request: DelegationRequest, now: datetime) -> tuple[str | None, Grant]:
    """Store what the release puts into the world; return the grant, and the exchange token where there is one."""
    role = plan_of(request)
    if role is not None and role.extends is not None:
        return None, role_grants.extend(tx, ports, request, role, _deadline(now, request))
    if role is not None:
        grant = _plan(ports, request, None, now)
        tx.add(grant)
        tx.add(role_grants.creation(grant, now))
        return None, grant
    token = new_token(ports.entropy, TokenMark.EXCHANGE)
    grant = _plan(ports, request, hash_of(token, deployment_of(tx).id), now)
    tx.add(grant)
    return token, grant


def send(ports: Ports, call: Call, request_id: str, *, proof: Proof | None = None) -> DelegationRequest:
    """Release an accepted request: its grant goes live and the partner is sent the exchange token, once.

    Where a role was asked for, its grant is planned and the role made by an errand; no token is sent.

    API: SendDelegationToken. Irreversible; the grant can be revoked. Where a passkey is demanded, raises
    `StepUpRefused`, or `AccessDenied` without its `proof`.
    """

    def work(tx: Writing, draft: Draft) -> DelegationRequest:
        request, decided_by = admitted(tx, ports, call, action_of(Act.SEND), request_id)
        _check_sender(ports, call, request)
        check_partner(tx, ports, call, Act.SEND, request)
        now = ports.clock.now()
        if seen and seen.state is State.FINALIZED and repeats(ports, call, request, State.FINALIZED, now):
            note_move(ports, draft, request, request, decided_by)
            return request
        unchanged_since(seen, request)
        moved = step(request, Act.SEND, now=now, by=call.caller.principal_id)
        confirm(tx, ports, call, draft, Act.SEND, request, proof=proof)
        note_move(ports, draft, request, moved, decided_by)
        token, grant = _released(tx, ports, moved, now)
        draft.answered |= {"grantId": grant.id, "deadline": grant.deadline.isoformat()}
        return store_move(tx, ports, request, moved, now=now, token=(token, grant.deadline) if token else None)

    seen = first_look(ports, call, Act.SEND, request_id)
    asked = {"delegationRequestId": request_id}
    return perform(ports, call, Act.SEND.value, work, recall=recall_request, asked=asked)


def _credentials(ports: Ports, grant: Grant, session: Session) -> Minted:
    return Minted(
        access_key_id=session.access_key_id,
        secret_access_key=session_secret(ports.keyring, session.master_key, session.access_key_id),
        session_token=session_token(ports.keyring, session.master_key, session.access_key_id),
        expires_at=grant.deadline,
        assumed_principal=grant.approver_arn,
    )


def _grant_of(tx: Reading, call: Call, token: str) -> Grant:
    """Return the grant that a token stands for; raises the refusals of GetDelegatedAccessToken."""
    if not well_formed(token, TokenMark.EXCHANGE):
        raise InvalidExchangeToken
    found = tx.find(Grant, token_hash=hash_of(token, deployment_of(tx).id))
    if not found:
        raise InvalidExchangeToken
    if found[0].partner_id != call.caller.account_id or call.caller.kind is not CallerKind.PARTNER:
        raise AccessDenied(
            principal=call.caller.arn,
            action=_EXCHANGE_ACTION,
            resource="*",
            because="because the token was issued to another account",
        )
    return found[0]


def _check_usable(tx: Reading, ports: Ports, grant: Grant) -> None:
    approver_id, partner_id = grant.approver_principal_id, grant.partner_id
    approver = tx.remembered("principal", approver_id, lambda: tx.get(Principal, approver_id))
    partner = tx.remembered("partner", partner_id, lambda: tx.get(Partner, partner_id))
    alive = approver is not None and approver.active and partner is not None and partner.active
    if not alive or not usable_at(grant, ports.clock.now()):
        raise ExpiredExchangeToken


def expected_of_exchange(call: Call, token: str) -> Expectation:
    """Return what an exchange of this token will look for, so that a store can look for several at once."""

    def look(deployment_id: str) -> list[Expected]:
        found = hash_of(token, deployment_id)
        lent: list[Expected] = [
            (Grant, "token_hash", found),
            (AuditHead, "chain", FieldOf(Grant, "account_id", "token_hash", found)),
        ]
        return [*lent, (Replay, "signature", call.signature)] if call.signature else lent

    return look


def exchange(ports: Ports, call: Call, token: str) -> Minted:
    """Trade an exchange token for credentials. API: GetDelegatedAccessToken.

    Raises `InvalidExchangeToken` for what is no token, `AccessDenied` for another account's, `ExpiredExchangeToken`
    at or after the deadline and after revocation, `LimitExceeded` when it was traded as often as it may be.
    """

    def recall(tx: Reading, outcome: Mapping[str, str]) -> Minted:
        session = tx.get(Session, outcome["access_key_id"])
        grant = tx.get(Grant, session.grant_id) if session else None
        if session is None or grant is None:
            raise InvalidExchangeToken
        _check_usable(tx, ports, grant)
        return _credentials(ports, grant, session)

    def work(tx: Writing, draft: Draft) -> Minted:
        draft.decided_by = authorize(tx, ports, call, Question(_EXCHANGE_ACTION, "*", {}))
        grant = _grant_of(tx, call, token)
        draft.request_id, draft.partner_id = grant.request_id, grant.partner_id
        _check_usable(tx, ports, grant)
        if grant.exchanges >= grant.exchange_cap:
            raise LimitExceeded(f"an exchange token can be traded {grant.exchange_cap} times")
        counted = tx.swap(grant, replace(grant, exchanges=grant.exchanges + 1))
        session = Session(
            access_key_id=new_access_key_id(ports.entropy, session=True),
            grant_id=grant.id,
            number=counted.exchanges,
            master_key=ports.keyring.newest,
            minted_by=call.caller.principal_id,
            issued_at=ports.clock.now(),
        )
        tx.add(session)
        draft.chain = grant.account_id
        draft.answered = {"accessKeyId": session.access_key_id, "grantId": grant.id, "number": session.number}
        draft.outcome = {"access_key_id": session.access_key_id}
        return _credentials(ports, grant, session)

    return perform(ports, call, _EXCHANGE, work, recall=recall, expected=expected_of_exchange(call, token))
