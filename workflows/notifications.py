"""What partners are told, and when: one message per state that a request enters, and one when what was lent ends.

Messages have the members that IAM temporary delegation publishes for them, plus `Sequence`, because delivery promises
no order. They are sealed from the moment they are written, since one of them carries the exchange token. The message
`GrantEnded` is ours: AWS tells nobody when access ends.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from workflows.credentials.keys import seal, unseal
from workflows.ports import Ports, Writing
from workflows.records.errand import Errand, ErrandKind, ErrandState
from workflows.records.grant import Grant, GrantKind
from workflows.records.partner import Channel, ChannelKind
from workflows.records.request import DelegationRequest, State

MAILBOX_LIFETIME: Final = timedelta(days=30)
_KIND_OF: Final = {ChannelKind.WEBHOOK: ErrandKind.WEBHOOK, ChannelKind.POLL: ErrandKind.POLL}


def wire_time(instant: datetime) -> str:
    """Return an instant as ISO 8601 in UTC with milliseconds, as notifications spell it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def _message(request: DelegationRequest, kind: str, sequence: int, now: datetime) -> dict[str, object]:
    message: dict[str, object] = {
        "Type": kind,
        "RequestId": request.id,
        "RequestorWorkflowId": request.workflow_id,
        "State": request.state.value,
        "UpdatedAt": wire_time(now),
        "Sequence": sequence,
    }
    if account := request.owner_account_id or request.target_account_id:
        message["OwnerAccountId"] = account
    if request.narrowed_from is not None:
        # Less is lent than was asked: the partner has to know with what it can work.
        message |= {"PermissionPolicy": request.permission_policy, "SessionDuration": request.session_duration}
    return message


def _errand(
    ports: Ports,
    channel: Channel,
    request: DelegationRequest,
    message: dict[str, object],
    *,
    now: datetime,
    expires_at: datetime | None,
) -> Errand:
    errand_id = "msg-" + ports.entropy.token_bytes(16).hex()
    body = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
    if channel.kind is ChannelKind.POLL:
        expires_at = min(expires_at or now + MAILBOX_LIFETIME, now + MAILBOX_LIFETIME)
    return Errand(
        id=errand_id,
        kind=_KIND_OF[channel.kind],
        partner_id=request.requestor_id,
        channel_arn=channel.arn,
        request_id=request.id,
        sequence=int(str(message["Sequence"])),
        message_type=str(message["Type"]),
        sealed_body=seal(ports.keyring, ports.entropy, body, purpose="errand", owner=errand_id),
        state=ErrandState.WAITING,
        attempts=0,
        last_failure=None,
        created_at=now,
        due_at=now,
        expires_at=expires_at,
        lease=0,
    )


def body_of(ports: Ports, errand: Errand) -> dict[str, object]:
    """Return the message an errand carries; raises `SealBroken` if the row was tampered with."""
    plain = unseal(ports.keyring, errand.sealed_body, purpose="errand", owner=errand.id)
    message: dict[str, object] = json.loads(plain)
    return message


def announce(
    ports: Ports,
    channel: Channel | None,
    request: DelegationRequest,
    *,
    now: datetime,
    token: tuple[str, datetime] | None = None,
) -> tuple[DelegationRequest, list[Errand]]:
    """Return the request with its messages counted, and the errands that tell the partner of its new state.

    `token` is the exchange token and the instant at which what it stands for ends, on release.
    """
    if channel is None:
        return request, []
    message = _message(request, "StateChange", request.notified + 1, now)
    errands = [_errand(ports, channel, request, message, now=now, expires_at=None)]
    if token is not None:
        secret, deadline = token
        message = _message(request, "ExchangeToken", request.notified + 2, now)
        message |= {"ExchangeToken": secret, "ExpiresAt": wire_time(deadline)}
        errands.append(_errand(ports, channel, request, message, now=now, expires_at=deadline))
    return replace(request, notified=request.notified + len(errands)), errands


def announce_role(
    ports: Ports, channel: Channel | None, request: DelegationRequest, role: Mapping[str, object], *, now: datetime
) -> tuple[DelegationRequest, list[Errand]]:
    """Return the request with its messages counted, and the errand that tells the partner of its role.

    `role` holds the members of the message: which role, by which external id, and until when.
    """
    if channel is None:
        return request, []
    message = {**_message(request, "RoleReady", request.notified + 1, now), **role}
    told = [_errand(ports, channel, request, message, now=now, expires_at=None)]
    return replace(request, notified=request.notified + 1), told


def announce_end(
    ports: Ports, channel: Channel | None, request: DelegationRequest, grant: Grant
) -> tuple[DelegationRequest, list[Errand]]:
    """Return the request with its messages counted, and the errand that tells the partner what it was lent has ended.

    A request that shows a boundary can lend several things, each of which ends by itself: its count has to be stored.
    Of any other nothing is announced after this, and it is returned as it is.
    """
    if channel is None or grant.ended_at is None or grant.end_reason is None:
        return request, []
    message = _message(request, "GrantEnded", request.notified + 1, grant.ended_at)
    message |= {"Reason": grant.end_reason.value, "EndedAt": wire_time(grant.ended_at)}
    if grant.kind is GrantKind.ROLE:
        message["GrantId"] = grant.id
    told = [_errand(ports, channel, request, message, now=grant.ended_at, expires_at=None)]
    return (replace(request, notified=request.notified + 1) if request.boundaries else request), told


def store_move(
    tx: Writing,
    ports: Ports,
    before: DelegationRequest,
    after: DelegationRequest,
    *,
    now: datetime,
    token: tuple[str, datetime] | None = None,
) -> DelegationRequest:
    """Store a request's move and the messages about it; raises `LostRace` when somebody else moved it first."""
    entered = after.state is not before.state and after.state is not State.UNASSIGNED
    errands: Sequence[Errand] = []
    if entered:
        after, errands = announce(ports, tx.get(Channel, after.channel_arn), after, now=now, token=token)
    stored = tx.swap(before, after)
    tx.add_all(errands)
    return stored
