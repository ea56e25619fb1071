"""What is shown of a request to somebody who is to decide: the check, what is new, what it risks, and less of it."""

import json
from datetime import datetime
from typing import Any

import msgspec

from service.views.partners import AcceptedView, accepted_reviews
from workflows.least_privilege import Finding, GrantUse
from workflows.narrowing import as_asked, difference
from workflows.policy.permission_check import PermissionCheck, Witness
from workflows.records.request import DelegationRequest
from workflows.review import Review


class WitnessView(msgspec.Struct):
    """A request that the policy allows and the caller may not make.

    `asked_statement` is the place, from 0, of the statement that allows it. `denied_by` labels the one that denies it
    to the caller; without one, `missing` is what the layer lacks.
    """

    action: str
    resource: str
    context: dict[str, Any]
    asked_statement: int
    layer: str | None
    denied_by: str | None
    missing: Any


class PermissionCheckView(msgspec.Struct):
    """Whether the caller could lend what is asked: proven, refuted by a witness, or the bound that left it open."""

    result: str
    because: str | None
    rests_on_variables: bool
    witness: WitnessView | None


class NarrowingView(msgspec.Struct):
    """A narrowing that is proven to stay within its request: what would be lent, and how its policy differs by line."""

    digest: str
    permission_policy: Any
    session_duration: int
    difference: list[str]


class RiskView(msgspec.Struct):
    """Why a request could do harm: by which statement (from 0), through how many actions, and some of them."""

    risk: str
    statement: int
    actions: tuple[str, ...]
    count: int
    everywhere: bool
    conditional: bool


class DeadView(msgspec.Struct):
    """A statement (from 0) that changes nothing, and the statements that see to that."""

    statement: int
    why: str
    because_of: list[int]


class UsedActionView(msgspec.Struct):
    """An action that was used: how often, when last, and on what (null: not known in full)."""

    action: str
    count: int
    last_at: datetime
    resources: tuple[str, ...] | None


class GrantUseView(msgspec.Struct):
    """What became of a grant; `policy` would have done for it, and is proven to stay within what was lent."""

    grant_id: str
    used: list[UsedActionView]
    unused: list[str]
    policy: Any


class FindingView(msgspec.Struct):
    """Something that is lent and never used; `action` is null for all of a grant."""

    finding: str
    grant_id: str
    partner_id: str
    action: str | None
    last_used: datetime | None
    lent_since: datetime
    deadline: datetime


class ReviewView(msgspec.Struct):
    """What a decision needs; `new` are actions that were never lent to this partner here, by statement (from 0).

    `suggested_policy` would cover what the partner used of the same template here before.
    """

    state: str
    digest: str
    permission_check: PermissionCheckView | None
    new: list[dict[str, Any]]
    gone: list[str]
    risks: list[RiskView]
    dead: list[DeadView]
    suggested_policy: Any
    accepted: list[AcceptedView]


def permission_check(check: PermissionCheck, policy: Any) -> PermissionCheckView:  # noqa: ANN401  a JSON document
    """Show the answer of the permission check on a request with this policy."""
    witness = check.witness
    return PermissionCheckView(
        result=check.result.value,
        because=witness.because if witness else check.because,
        rests_on_variables=check.rests_on_variables,
        witness=None if witness is None else _witness(witness, policy),
    )


def _witness(witness: Witness, policy: Any) -> WitnessView:  # noqa: ANN401  a JSON document
    statements = policy["Statement"]
    statement = statements[witness.asked.index] if isinstance(statements, list) else statements
    return WitnessView(
        action=witness.request.action,
        resource=witness.request.resource,
        context=dict(witness.request.context.as_mapping()),
        asked_statement=witness.asked.index,
        layer=witness.layer_kind.value if witness.layer_kind else None,
        denied_by=witness.denied_by,
        missing=None if witness.denied_by else statement,
    )


def narrowing(record: DelegationRequest) -> NarrowingView:
    """Show what a narrowing would make of a request."""
    changed = difference(as_asked(record).permission_policy, record.permission_policy)
    return NarrowingView(
        digest=record.digest,
        permission_policy=json.loads(record.permission_policy),
        session_duration=record.session_duration,
        difference=[f"{mark} {line}" for mark, line in changed],
    )


def grant_use(found: GrantUse) -> GrantUseView:
    """Show what became of a grant."""
    used = [UsedActionView(one.action, one.count, one.last_at, one.resources) for one in found.used]
    return GrantUseView(found.grant.id, used, list(found.unused), json.loads(found.policy) if found.policy else None)


def finding(found: Finding) -> FindingView:
    """Show something that is lent and never used."""
    grant = found.grant
    return FindingView(
        finding=found.kind.value,
        grant_id=grant.id,
        partner_id=grant.partner_id,
        action=found.action,
        last_used=found.last_used,
        lent_since=grant.created_at,
        deadline=grant.deadline,
    )


def review(seen: Review) -> ReviewView:
    """Show what a decision about a request needs."""
    policy = json.loads(seen.request.permission_policy)
    fresh = [line for line in seen.lines if line.new]
    return ReviewView(
        state=seen.state.value,
        digest=seen.request.digest,
        permission_check=permission_check(seen.check, policy) if seen.check else None,
        new=[{"statement": line.statement, "action": line.action, "level": line.level.value} for line in fresh],
        gone=list(seen.before.gone) if seen.before else [],
        risks=[
            RiskView(one.risk.value, one.statement.index, one.actions, one.count, one.everywhere, one.conditional)
            for one in seen.risks
        ],
        suggested_policy=json.loads(seen.suggestion) if seen.suggestion else None,
        dead=[DeadView(one.statement.index, one.why.value, [by.index for by in one.because_of]) for one in seen.dead],
        accepted=accepted_reviews(seen.accepted),
    )
