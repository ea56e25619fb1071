"""What delegations have left in an account: every role, whence, how far, used for what, and what could be less."""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows.acts import consult
from workflows.audit import Draft
from workflows.authority import Question, attached_policy, authorize
from workflows.callers import Call, CallerKind
from workflows.deeds import deeds_of, holder_of, matching
from workflows.errors import NoSuchEntity
from workflows.grants import seen_at
from workflows.inquiry import find_grant
from workflows.ports import Ports, Reading
from workflows.records.account import Attachment
from workflows.records.grant import Grant
from workflows.records.partner import PolicyTemplate
from workflows.records.request import DelegationRequest
from workflows.records.role import Drift, Role
from workflows.usage import Used, used_by

_ACTION = "daypass:GetInventory"


@dataclass(frozen=True, slots=True)
class Line:
    """One role of a delegation. `used` are actions it was seen to use, `unused` what its policies allow beyond them."""

    role: Role
    grant: Grant | None
    last_used: datetime | None
    used: Sequence[Used]
    unused: Sequence[str]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A template that allows only what was used; `diff` (unified) leads there from the present one."""

    template_arn: str
    before: str
    after: str
    diff: str


def _authorize(tx: Reading, ports: Ports, call: Call) -> dict[str, object]:
    """Return which rows the caller may see: those of its account, or for the operator all."""
    authorize(tx, ports, call, Question(_ACTION, "*", {}))
    return {} if call.caller.kind is CallerKind.OPERATOR else {"account_id": call.caller.account_id}


def inventory(
    ports: Ports, call: Call, *, partner_id: str | None = None, request_id: str | None = None
) -> Sequence[Line]:
    """Return the roles of delegations that the caller may see, of one partner or one request if asked, by name."""

    def work(tx: Reading, _draft: Draft) -> Sequence[Line]:
        equal = _authorize(tx, ports, call)
        wanted = {**equal, **({"partner_id": partner_id} if partner_id else {})}
        found = tx.find(Role, **wanted, **({"request_id": request_id} if request_id else {}))
        born = [role for role in found if role.partner_id is not None]
        return [_line(tx, ports, role) for role in sorted(born, key=lambda role: role.arn)]

    return consult(ports, call, "GetInventory", work, asked={"partnerId": partner_id, "requestId": request_id})


def _line(tx: Reading, ports: Ports, role: Role) -> Line:
    grant = tx.get(Grant, role.grant_id) if role.grant_id else None
    attachments = tx.find(Attachment, principal_id=role.id)
    deeds = deeds_of(tx, role.id, [attached_policy(tx, one).policy for one in attachments])
    return Line(
        role=role,
        grant=seen_at(grant, ports.clock.now()) if grant else None,
        last_used=deeds.last_used,
        used=deeds.used,
        unused=deeds.unused,
    )


# --- less next time --------------------------------------------------------------------------------------


def propose(ports: Ports, call: Call, grant_id: str) -> Proposal:
    """Return the template of a grant with only those actions that were really used under it.

    Statements that only deny stay; one that was of no use goes. Raises `NoSuchEntity` for an unknown grant.
    """

    def work(tx: Reading, _draft: Draft) -> Proposal:
        _authorize(tx, ports, call)
        grant = find_grant(tx, call, grant_id)
        request = tx.get(DelegationRequest, grant.request_id)
        template = tx.get(PolicyTemplate, request.template_arn) if request else None
        if template is None:
            raise NoSuchEntity("policy template of the grant", grant_id)
        return _proposal(template, used_by(tx, holder_of(tx, grant)))

    return consult(ports, call, "ProposeTemplate", work, asked={"grantId": grant_id})


def _proposal(template: PolicyTemplate, used: Mapping[str, Used]) -> Proposal:
    tree = json.loads(template.document)
    before = _pretty(tree)
    statements = tree["Statement"] if isinstance(tree["Statement"], list) else [tree["Statement"]]
    after = _pretty({**tree, "Statement": [kept for one in statements if (kept := _narrowed(one, used))]})
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "now", "proposed", lineterm="")
    return Proposal(template.arn, before, after, "\n".join(lines))


def _pretty(tree: object) -> str:
    return json.dumps(tree, indent=2, ensure_ascii=False)


def _narrowed(statement: dict[str, Any], used: Mapping[str, Used]) -> dict[str, Any] | None:
    """Return a statement with its used actions only, or None when none was; what only denies is left alone."""
    if statement.get("Effect") != "Allow" or "Action" not in statement:
        return statement
    given = statement["Action"]
    patterns = given if isinstance(given, list) else [given]
    kept = sorted({action for text in patterns for action in matching(text, used)})
    return {**statement, "Action": kept} if kept else None


# --- drift -----------------------------------------------------------------------------------------------


def drift(ports: Ports, call: Call) -> Sequence[Drift]:
    """Return what the last scan found to be other than the grants say, where the caller may see it."""

    def work(tx: Reading, _draft: Draft) -> Sequence[Drift]:
        return tx.find(Drift, **_authorize(tx, ports, call))

    return consult(ports, call, "GetDrift", work)
