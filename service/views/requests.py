"""What is shown of delegation requests, grants and fresh credentials."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from service.views.partners import AcceptedView, accepted_reviews
from service.views.reviews import PermissionCheckView, permission_check
from workflows.arns import grant_arn, role_arn
from workflows.grants import seen_at
from workflows.lifecycle import state_at
from workflows.narrowing import original_of
from workflows.policy.permission_check import PermissionCheck
from workflows.ports import Ports
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest
from workflows.registration import Accepted
from workflows.release import Minted
from workflows.role_plans import plan_of
from workflows.standing import arn_of
from workflows.submission import deep_link


class ParameterView(msgspec.Struct):
    """One parameter of a request, as submitted."""

    name: str
    type: str
    values: tuple[str, ...]


class RoleView(msgspec.Struct):
    """The role that a request asks for; `lifetime` is in seconds, null until it is revoked."""

    arn: str | None
    name: str
    path: str
    trusted_principals: tuple[str, ...]
    external_id: str
    boundary_arn: str
    lifetime: int | None
    extends: str | None


class AskedView(msgspec.Struct):
    """What was asked of a request before its owner approved less."""

    permission_policy: Any
    session_duration: int
    digest: str


class RequestView(msgspec.Struct):
    """A delegation request as its owner's account sees it; `accepted` is told where one request is looked at."""

    id: str
    arn: str
    state: str
    digest: str
    requestor_id: str
    requestor_name: str
    requestor_domain: str
    workflow_id: str
    owner_account_id: str | None
    owner_id: str | None
    approver_id: str | None
    description: str
    request_message: str | None
    policy_template_arn: str
    parameters: list[ParameterView]
    permission_policy: Any
    role_permission_restriction_arns: list[str]
    boundaries: dict[str, Any]
    session_duration: int
    redirect_url: str | None
    only_send_by_owner: bool
    notes: str | None
    rejection_reason: str | None
    deep_link: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    narrowed_from: AskedView | None = None
    permission_check: str | None = None
    permission_check_detail: PermissionCheckView | None = None
    role: RoleView | None = None
    accepted: list[AcceptedView] | None = None


class PartnerRequestView(msgspec.Struct):
    """A delegation request as the partner that filed it sees it: its own fields and where it stands.

    When it is `narrowed`, less is lent than was asked, and the policy is shown that is lent.
    """

    id: str
    state: str
    workflow_id: str
    owner_account_id: str | None
    policy_template_arn: str
    session_duration: int
    narrowed: bool
    deep_link: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    role: RoleView | None = None
    permission_policy: Any = msgspec.UNSET


class SummaryView(msgspec.Struct):
    """A request in words."""

    locale: str
    state: str
    content: str


class GrantView(msgspec.Struct):
    """What an approval put into the world, and when and why it ends."""

    id: str
    arn: str
    kind: str
    state: str
    request_id: str
    account_id: str
    partner_id: str
    approver_id: str
    deadline: datetime
    exchanges: int
    exchange_cap: int
    end_reason: str | None
    ended_by: str | None
    ended_at: datetime | None
    stuck_because: str | None
    created_at: datetime
    parent_id: str | None


class CredentialsView(msgspec.Struct):
    """Temporary credentials; shown this once."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime
    assumed_principal: str


def planned_role(record: DelegationRequest, ports: Ports) -> RoleView | None:
    """Show the role that a request asks for, if it does; its ARN is known once the account is."""
    plan = plan_of(record)
    if plan is None:
        return None
    account = record.owner_account_id or record.target_account_id
    return RoleView(
        arn=role_arn(ports.terms.partition, account, plan.name, plan.path) if account else None,
        name=plan.name,
        path=plan.path,
        trusted_principals=plan.trusted,
        external_id=plan.external_id,
        boundary_arn=plan.boundary_arn,
        lifetime=plan.lifetime,
        extends=plan.extends,
    )


def _asked(record: DelegationRequest) -> AskedView | None:
    original = original_of(record)
    if original is None:
        return None
    return AskedView(json.loads(original.permission_policy), original.session_duration, original.digest)


def request(
    record: DelegationRequest,
    ports: Ports,
    *,
    check: PermissionCheck | None = None,
    accepted: Sequence[Accepted] | None = None,
) -> RequestView:
    """Show a request to its owner's account."""
    return RequestView(
        id=record.id,
        arn=arn_of(ports, record),
        state=state_at(record, ports.clock.now()).value,
        digest=record.digest,
        requestor_id=record.requestor_id,
        requestor_name=record.requestor_name,
        requestor_domain=record.requestor_domain,
        workflow_id=record.workflow_id,
        owner_account_id=record.owner_account_id or record.target_account_id,
        owner_id=record.owner_arn,
        approver_id=record.approver_arn,
        description=record.description,
        request_message=record.request_message,
        policy_template_arn=record.template_arn,
        parameters=[ParameterView(name, kind, values) for name, kind, values in record.parameters],
        permission_policy=json.loads(record.permission_policy),
        role_permission_restriction_arns=[arn for arn, _ in record.boundaries],
        boundaries={arn: json.loads(document) for arn, document in record.boundaries},
        session_duration=record.session_duration,
        redirect_url=record.redirect_url,
        only_send_by_owner=record.only_send_by_owner,
        notes=record.notes,
        rejection_reason=record.rejection_reason,
        deep_link=deep_link(ports, record.id),
        created_at=record.created_at,
        updated_at=record.updated_at,
        expires_at=record.expires_at,
        narrowed_from=_asked(record),
        permission_check=check.result.value if check else None,
        permission_check_detail=permission_check(check, json.loads(record.permission_policy)) if check else None,
        role=planned_role(record, ports),
        accepted=None if accepted is None else accepted_reviews(accepted),
    )


def partner_request(record: DelegationRequest, ports: Ports) -> PartnerRequestView:
    """Show a request to the partner that filed it."""
    return PartnerRequestView(
        id=record.id,
        state=state_at(record, ports.clock.now()).value,
        workflow_id=record.workflow_id,
        owner_account_id=record.owner_account_id or record.target_account_id,
        policy_template_arn=record.template_arn,
        session_duration=record.session_duration,
        narrowed=record.narrowed_from is not None,
        deep_link=deep_link(ports, record.id),
        created_at=record.created_at,
        updated_at=record.updated_at,
        expires_at=record.expires_at,
        role=planned_role(record, ports),
        permission_policy=json.loads(record.permission_policy) if record.narrowed_from else msgspec.UNSET,
    )


def grant(record: Grant, ports: Ports) -> GrantView:
    """Show a grant as it stands now: past its deadline it has ended, swept or not."""
    seen = seen_at(record, ports.clock.now())
    return GrantView(
        id=seen.id,
        arn=grant_arn(ports.terms.partition, seen.account_id, seen.id),
        kind=seen.kind.value,
        state=seen.state.value,
        request_id=seen.request_id,
        account_id=seen.account_id,
        partner_id=seen.partner_id,
        approver_id=seen.approver_arn,
        deadline=seen.deadline,
        exchanges=seen.exchanges,
        exchange_cap=seen.exchange_cap,
        end_reason=seen.end_reason.value if seen.end_reason else None,
        ended_by=seen.ended_by,
        ended_at=seen.ended_at,
        stuck_because=seen.stuck_because,
        created_at=seen.created_at,
        parent_id=seen.parent_id,
    )


def credentials(minted: Minted) -> CredentialsView:
    """Show fresh temporary credentials."""
    return CredentialsView(
        access_key_id=minted.access_key_id,
        secret_access_key=minted.secret_access_key,
        session_token=minted.session_token,
        expires_at=minted.expires_at,
        assumed_principal=minted.assumed_principal,
    )
