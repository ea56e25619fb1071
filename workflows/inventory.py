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
from workflows.errors import NoSuchEntity
from workflows.grants import seen_at
from workflows.inquiry import find_grant
from workflows.policy.context import fold
from workflows.policy.document import Effect, Policy
from workflows.policy.patterns import Work, action_pattern
from workflows.ports import Ports, Reading
from workflows.records.account import Attachment
from workflows.records.grant import Grant, GrantKind
from workflows.records.partner import PolicyTemplate
from workflows.records.request import DelegationRequest
from workflows.records.role import Drift, Role
from workflows.role_grants import role_of_grant
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
    used = used_by(tx, role.id)
    attachments = tx.find(Attachment, principal_id=role.id)
    patterns = [text for one in attachments for text in _allowed_actions(attached_policy(tx, one).policy)]
    return Line(
        role=role,
        grant=seen_at(grant, ports.clock.now()) if grant else None,
        last_used=max((use.last_at for use in used.values()), default=None),
        used=sorted(used.values(), key=lambda use: use.action),
        unused=[text for text in dict.fromkeys(patterns) if not matching(text, used)],
    )


def _allowed_actions(policy: Policy) -> list[str]:
    return [
        pattern.text
        for statement in policy.statements
        if statement.effect is Effect.ALLOW
        for pattern in statement.actions
    ]


def matching(pattern_text: str, used: Mapping[str, Used]) -> list[str]:
    """Return the used actions that a pattern of a policy covers, as they were used."""
    pattern = action_pattern(pattern_text)
    return [use.action for action, use in used.items() if pattern.matches(fold(action), Work())]


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
        role = role_of_grant(tx, grant) if grant.kind is GrantKind.ROLE else None
        used = used_by(tx, role.id if role else grant.id)
        return _proposal(template, used)

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
