"""A database that was put back: nothing in it is believed until the operator has taken back what it would resurrect.

What ended after the copy was made is alive in the copy. So leaving quarantine ends every grant, and with it every
exchange token and session, and every other credential and sign-in, unless the operator vouches for the long-lived ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from workflows.acts import perform
from workflows.audit import Draft
from workflows.authentication import deployment_of
from workflows.authority import operator_only
from workflows.callers import Call, CallerKind
from workflows.errors import WrongState
from workflows.ports import Ports, Writing
from workflows.records.account import AccessKey, ApiToken
from workflows.records.grant import Grant
from workflows.records.role import RoleSession
from workflows.records.sign_in import Challenge, Invitation, RecoveryCode, SignInAttempt, WebSession
from workflows.retirement import retire_grants
from workflows.role_grants import STANDING

_AT_ONCE: Final = 400
_ENTER: Final = "EnterQuarantine"
_LEAVE: Final = "LeaveQuarantine"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """How much was ended on the way out of quarantine."""

    grants: int
    credentials: int
    sign_ins: int


def enter(ports: Ports, call: Call, because: str) -> None:
    """Believe nothing in this database from now on; does nothing when it is in quarantine already."""

    def work(tx: Writing, draft: Draft) -> None:
        if call.caller.kind is not CallerKind.TIME:
            operator_only(call, "daypass:EnterQuarantine")
        deployment = deployment_of(tx)
        draft.answered = {"epoch": deployment.epoch, "alreadyThere": deployment.quarantined_at is not None}
        if deployment.quarantined_at is None:
            tx.put(replace(deployment, quarantined_at=ports.clock.now()))
            tx.authority_changed()

    perform(ports, call, _ENTER, work, asked={"because": because})


def leave(ports: Ports, call: Call, *, keep_credentials: bool = False) -> TakenBack:
    """End what a restore would have resurrected, then let the deployment serve again.

    `keep_credentials` leaves access keys and API tokens alone, for an operator who knows that none was withdrawn since
    the copy was made; then the signatures that the copy has forgotten must have become too old first. Raises
    `WrongState` before that, and when there is no quarantine.
    """
    _check(ports, call, keep_credentials=keep_credentials)
    grants = _repeated(ports, call, _end_grants(ports, call))
    credentials = 0 if keep_credentials else _repeated(ports, call, _end_credentials(ports))
    sign_ins = _repeated(ports, call, _end_sign_ins)
    taken = TakenBack(grants, credentials, sign_ins)

    def work(tx: Writing, draft: Draft) -> None:
        deployment = deployment_of(tx)
        # A later epoch: whoever remembers more of this database than it knows can tell that this is on purpose.
        tx.put(replace(deployment, quarantined_at=None, epoch=deployment.epoch + 1))
        tx.authority_changed()
        draft.answered = {"grants": grants, "credentials": credentials, "signIns": sign_ins}

    perform(ports, call, _LEAVE, work, asked={"keepCredentials": keep_credentials})
    return taken


def _check(ports: Ports, call: Call, *, keep_credentials: bool) -> None:
    def work(tx: Writing, draft: Draft) -> None:
        operator_only(call, "daypass:LeaveQuarantine")
        deployment = deployment_of(tx)
        if deployment.quarantined_at is None:
            raise WrongState("deployment", "not in quarantine", _LEAVE)
        earliest = deployment.quarantined_at + ports.terms.replay_memory
        if keep_credentials and ports.clock.now() < earliest:
            wait = timedelta(seconds=round((earliest - ports.clock.now()).total_seconds()))
            raise WrongState("deployment", f"too young to keep credentials: signatures count for {wait} more", _LEAVE)
        draft.answered = {"epoch": deployment.epoch}

    perform(ports, call, "BeginToLeaveQuarantine", work, asked={"keepCredentials": keep_credentials})


def _repeated(ports: Ports, call: Call, work: Callable[[Writing, Draft], int]) -> int:
    """Run an act until it finds nothing more to end; return how much it ended. Each run is small: nobody waits."""
    total = 0
    while count := perform(ports, call, "TakeBackAfterRestore", work):
        total += count
    return total


def _end_grants(ports: Ports, call: Call) -> Callable[[Writing, Draft], int]:
    def work(tx: Writing, draft: Draft) -> int:
        pages = (tx.page(Grant, limit=_AT_ONCE, after=None, state=state) for state in STANDING)
        live = [grant for page in pages for grant in page][:_AT_ONCE]
        retire_grants(tx, ports, call, live, now=ports.clock.now())
        draft.answered = {"grants": len(live)}
        return len(live)

    return work


def _end_credentials(ports: Ports) -> Callable[[Writing, Draft], int]:
    def work(tx: Writing, draft: Draft) -> int:
        keys = tx.find(AccessKey, active=True)[:_AT_ONCE]
        tokens = tx.find(ApiToken, revoked_at=None)[:_AT_ONCE]
        for key in keys:
            tx.put(replace(key, active=False))
        for token in tokens:
            tx.put(replace(token, revoked_at=ports.clock.now()))
        tx.authority_changed()
        draft.answered = {"accessKeys": len(keys), "apiTokens": len(tokens)}
        return len(keys) + len(tokens)

    return work


def _end_sign_ins(tx: Writing, draft: Draft) -> int:
    count = 0
    for kind in (WebSession, Challenge, Invitation, RecoveryCode, SignInAttempt, RoleSession):
        for record in tx.find(kind)[:_AT_ONCE]:
            tx.remove(record)
            count += 1
    draft.answered = {"signIns": count}
    return count
