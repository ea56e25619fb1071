"""Ending everything that a partner has, in one account or in all, in one act, and the report of what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from workflows.acts import consult, perform
from workflows.arns import request_arn
from workflows.attestation import attested
from workflows.audit import Draft
from workflows.authentication import deployment_of
from workflows.authority import Question, authorize, operator_only
from workflows.callers import Call, CallerKind
from workflows.errors import NoSuchEntity
from workflows.ids import AccountId, parse_account_id
from workflows.lifecycle import OPEN_STATES, state_at
from workflows.partnering import existing_partner
from workflows.ports import Ports, Reading, Writing
from workflows.records.grant import Grant, GrantKind, GrantState
from workflows.records.partner import Partner
from workflows.records.request import DelegationRequest
from workflows.records.role import Role, RoleErrand
from workflows.retirement import retire_grants, retire_requests
from workflows.role_errands import perform as perform_role_errand
from workflows.role_grants import STANDING
from workflows.standing import refuse_outsiders

_ACT: Final = "RevokePartner"
# A statement can name only so many rows.
_BATCH: Final = 500
_AT_ONCE: Final = 200
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Ended:
    """What one act ended: which requests and which grants, and when."""

    at: datetime
    requests: Sequence[str]
    grants: Sequence[Grant]


def _in_batches(rows: Sequence[R]) -> Iterator[Sequence[R]]:
    return (rows[first : first + _BATCH] for first in range(0, len(rows), _BATCH))


def _scope(tx: Reading, ports: Ports, call: Call, account_id: str | None) -> AccountId | None:
    """Return the account that the caller may end things in; None, which is all, is the operator's alone."""
    refuse_outsiders(call, "iam:RevokeDelegation")
    if call.caller.kind is CallerKind.OPERATOR:
        return None if account_id is None else parse_account_id(account_id)
    account = call.caller.account_id
    if account_id not in (None, account):
        operator_only(call, "iam:RevokeDelegation")
    authorize(tx, ports, call, Question("iam:RevokeDelegation", request_arn(ports.terms.partition, account, "*"), {}))
    return account


def _known_partner(tx: Reading, call: Call, partner_id: str) -> Partner:
    """Return the partner; to an account that it never asked for anything it looks like an unknown one."""
    if call.caller.kind is not CallerKind.OPERATOR:
        account = call.caller.account_id
        asked = (
            tx.count(DelegationRequest, limit=1, requestor_id=partner_id, **{field: account})
            for field in ("owner_account_id", "target_account_id")
        )
        if not any(asked):
            raise NoSuchEntity("partner", partner_id)
    return existing_partner(tx, partner_id)


def _of(account: AccountId | None) -> dict[str, object]:
    return {} if account is None else {"account_id": account}


def _open_requests(tx: Reading, ports: Ports, account: AccountId | None, **equal: object) -> list[DelegationRequest]:
    now = ports.clock.now()
    return [
        request
        for state in sorted(OPEN_STATES)
        for request in tx.find(DelegationRequest, state=state, **equal)
        if account in (None, request.owner_account_id or request.target_account_id) and state_at(request, now) is state
    ]


def _end(
    tx: Writing, ports: Ports, call: Call, requests: Sequence[DelegationRequest], grants: Sequence[Grant]
) -> Ended:
    now = ports.clock.now()
    for some in _in_batches(requests):
        retire_requests(tx, ports, call, some, now=now)
    for some_grants in _in_batches(grants):
        retire_grants(tx, ports, call, some_grants, now=now)
    tx.authority_changed()
    return Ended(now, [one.id for one in requests], grants)


def _standing(tx: Reading, **equal: object) -> list[Grant]:
    return [grant for state in STANDING for grant in tx.find(Grant, state=state, **equal)]


def revoke_everything(ports: Ports, call: Call, partner_id: str, account_id: str | None = None) -> dict[str, Any]:
    """End a partner's open requests, tokens, sessions and roles, here or everywhere, and return the signed report.

    All of it is of no use any more when this returns. Roles are then taken away one by one; what is left of them is in
    the report, which can be made again later.
    """

    def work(tx: Writing, draft: Draft) -> Ended:
        account = _scope(tx, ports, call, account_id)
        partner = _known_partner(tx, call, partner_id)
        requests = _open_requests(tx, ports, account, requestor_id=partner.id)
        ended = _end(tx, ports, call, requests, _standing(tx, partner_id=partner.id, **_of(account)))
        draft.partner_id, draft.resource = partner.id, partner.id
        draft.answered = {"requestsEnded": len(ended.requests), "grantsEnded": len(ended.grants)}
        return ended

    asked = {"partnerId": partner_id, "accountId": account_id}
    ended = perform(ports, call, _ACT, work, asked=asked)
    _dismantle(ports, ended.grants[:_AT_ONCE])
    return report(ports, call, partner_id, account_id, ended=ended)


def end_all(ports: Ports, call: Call, *, template_arn: str | None = None, account_id: AccountId | None = None) -> None:
    """End everything that requests of a template, or to an account, have lent or still ask for. Operator only."""

    def work(tx: Writing, draft: Draft) -> Ended:
        operator_only(call, "iam:RevokeDelegation")
        if template_arn is not None:
            requests = _open_requests(tx, ports, None, template_arn=template_arn)
            made = frozenset(one.id for one in tx.find(DelegationRequest, template_arn=template_arn))
            grants = [one for one in _standing(tx) if one.request_id in made]
        else:
            requests = _open_requests(tx, ports, account_id)
            grants = _standing(tx, account_id=account_id)
        draft.resource = template_arn or str(account_id)
        ended = _end(tx, ports, call, requests, grants)
        draft.answered = {"requestsEnded": len(ended.requests), "grantsEnded": len(ended.grants)}
        return ended

    ended = perform(ports, call, "RevokeAll", work)
    _dismantle(ports, ended.grants)


def _dismantle(ports: Ports, grants: Sequence[Grant]) -> None:
    """Take away the roles that can be taken away at once; the rest is left to the periodic work."""

    def errands(tx: Reading) -> list[RoleErrand]:
        found = [tx.get(RoleErrand, grant.id) for grant in grants if grant.kind is GrantKind.ROLE]
        return [one for one in found if one is not None]

    for errand in ports.store.read(errands):
        perform_role_errand(ports, errand)


def report(
    ports: Ports, call: Call, partner_id: str, account_id: str | None = None, *, ended: Ended | None = None
) -> dict[str, Any]:
    """Return a signed report of what a partner has here or everywhere now, and of what one act ended if it is given.

    It is `complete` when the partner has no open request, no grant that is not over and no role.
    """

    def work(tx: Reading, _draft: Draft) -> dict[str, object]:
        account = _scope(tx, ports, call, account_id)
        partner = _known_partner(tx, call, partner_id)
        left = [
            grant
            for state in GrantState
            if state is not GrantState.REVOKED
            for grant in tx.find(Grant, partner_id=partner.id, state=state, **_of(account))
        ]
        roles = tx.find(Role, partner_id=partner.id, **_of(account))
        still_open = _open_requests(tx, ports, account, requestor_id=partner.id)
        told: dict[str, object] = {
            "deployment": deployment_of(tx).id,
            "partner": partner.id,
            "account": account,
            "by": call.caller.arn,
            "at": ports.clock.now().isoformat(),
            "openRequests": [one.id for one in still_open],
            "grantsLeft": [
                {"id": one.id, "kind": one.kind.value, "state": one.state.value, "because": one.stuck_because}
                for one in left
            ],
            "rolesLeft": [one.arn for one in roles],
            "complete": not left and not roles and not still_open,
        }
        return {**told, "ended": _told(tx, ended)} if ended else told

    asked = {"partnerId": partner_id, "accountId": account_id}
    return attested(ports.keyring, consult(ports, call, "ReportPartner", work, asked=asked))


def _told(tx: Reading, ended: Ended) -> dict[str, object]:
    now = [
        grant for some in _in_batches([one.id for one in ended.grants]) for grant in tx.find(Grant, id=frozenset(some))
    ]
    return {
        "at": ended.at.isoformat(),
        "requests": list(ended.requests),
        "grants": [
            {"id": one.id, "kind": one.kind.value, "account": one.account_id, "state": one.state.value} for one in now
        ],
    }
