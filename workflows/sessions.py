"""Who a credential is and what it may do now: the standing of delegated sessions and of principals.

A session can do what its rendered policy allows AND the approver may do now AND the account's guardrails allow, until
the grant's deadline. The registered boundary of a partner is no part of this: it caps roles, not sessions.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from workflows.arns import parse_arn
from workflows.authority import RESERVED_KEYS, compiled, identity_context, layers_of
from workflows.credentials.keys import access_key_id_of_token, same_text, session_token
from workflows.errors import BadInput, NoSuchEntity
from workflows.ids import AccessKeyId
from workflows.policy.context import RequestContext
from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.policy.evaluate import Decision, Layer, LayerKind, NamedPolicy, Request, decide
from workflows.ports import Ports, Reading
from workflows.records.account import Principal, PrincipalKind
from workflows.records.grant import Grant, GrantState, Session
from workflows.records.partner import Partner
from workflows.records.request import DelegationRequest

# What no policy can lend: approving and lending again, and everything that would outlive the session by itself.
_NEVER_LENT: Final = (
    "daypass:*",
    "iam:*DelegationRequest*",
    "iam:GetHumanReadableSummary",
    "iam:RevokeDelegation",
    "iam:SendDelegationToken",
    "iam:*AccessKey*",
    "iam:*LoginProfile*",
    "iam:*MFADevice*",
    "iam:*OpenIDConnectProvider*",
    "iam:*SAMLProvider*",
    "iam:*SSHPublicKey*",
    "iam:*ServiceSpecificCredential*",
    "iam:*SigningCertificate*",
    "iam:ChangePassword",
    "iam:CreateUser",
    "iam:Delete*PermissionsBoundary",
    "iam:PutUserPermissionsBoundary",
    "organizations:*Policy*",
    "sts:GetDelegatedAccessToken",
    "sts:GetFederationToken",
    "sts:GetSessionToken",
)


@cache
def _never_lent() -> Policy:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Sid": "NeverLent", "Effect": "Deny", "Action": list(_NEVER_LENT), "Resource": "*"},
        ],
    }
    return parse_policy(json.dumps(document), kind=PolicyKind.GUARDRAIL)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a subject may do until something changes: its layers, its identity, and when it ends by itself."""

    layers: tuple[Layer, ...]
    identity: Mapping[str, str]
    ends_at: datetime | None
    principal: Principal
    token_issue_time: datetime | None = None


def _alive(principal: Principal | None) -> Principal:
    if principal is None or not principal.active:
        raise NoSuchEntity("subject", "")
    return principal


def layers_lent(tx: Reading, approver: Principal, request: DelegationRequest) -> tuple[Layer, ...]:
    """Return everything that decides over a session of this request which this approver has lent, or would lend."""
    rendered = NamedPolicy(request.template_arn, compiled(request.permission_policy, PolicyKind.SESSION))
    return (
        Layer(LayerKind.GUARDRAIL, "delegated sessions", (NamedPolicy("never-lent", _never_lent()),)),
        *layers_of(tx, approver),
        Layer(LayerKind.SESSION, request.id, (rendered,)),
    )


def standing_of_session(tx: Reading, ports: Ports, subject_id: str) -> Standing:
    """Return the standing of a session from its access key id or its session token.

    Raises `NoSuchEntity` for what is not a live session of a live approver; why is not told apart.
    """
    claimed = access_key_id_of_token(subject_id)
    session = tx.get(Session, claimed or AccessKeyId(subject_id))
    grant = tx.get(Grant, session.grant_id) if session else None
    if session is None or grant is None or grant.state is not GrantState.LIVE:
        raise NoSuchEntity("subject", "")
    if claimed and not same_text(subject_id, session_token(ports.keyring, session.master_key, claimed)):
        raise NoSuchEntity("subject", "")
    approver = _alive(tx.get(Principal, grant.approver_principal_id))
    request = tx.get(DelegationRequest, grant.request_id)
    partner = tx.get(Partner, grant.partner_id)
    if request is None or partner is None or not partner.active:
        raise NoSuchEntity("subject", "")
    return Standing(
        layers=layers_lent(tx, approver, request),
        identity={"aws:MultiFactorAuthPresent": "false"},
        ends_at=grant.deadline,
        principal=approver,
        token_issue_time=session.issued_at,
    )


def standing_of_principal(tx: Reading, arn: str) -> Standing:
    """Return the standing of a user or root from its ARN; raises `NoSuchEntity` for any other."""
    found = tx.find(Principal, arn=arn)
    principal = _alive(found[0] if found else None)
    if principal.kind not in (PrincipalKind.USER, PrincipalKind.ROOT):
        raise NoSuchEntity("subject", arn)
    return Standing(layers=layers_of(tx, principal), identity={}, ends_at=None, principal=principal)


def check_supplied(context: Mapping[str, object]) -> None:
    """Raise `BadInput` for a condition key that a resource server must not state: those are this service's to say."""
    for key in context:
        lowered = key.lower()
        if any(lowered == own or (lowered.startswith(own)) for own in RESERVED_KEYS):
            raise BadInput(f"context.{key}", "is a key that the service itself supplies; leave it out")


def judge(
    standing: Standing,
    *,
    action: str,
    resource: str,
    context: Mapping[str, str | tuple[str, ...]],
    now: datetime,
) -> Decision | None:
    """Return the engine's decision, or None when the standing has ended: it is valid while `now` is before its end."""
    if standing.ends_at is not None and now >= standing.ends_at:
        return None
    known: dict[str, str | tuple[str, ...]] = {**identity_context(standing.principal, now), **standing.identity}
    if standing.token_issue_time is not None:
        known["aws:TokenIssueTime"] = standing.token_issue_time.strftime("%Y-%m-%dT%H:%M:%SZ")
    account = parse_arn(resource).account if resource.startswith("arn:") else ""
    if account and not any(key.lower() == "aws:resourceaccount" for key in context):
        known["aws:ResourceAccount"] = account
    return decide(
        standing.layers,
        Request(action=action, resource=resource, context=RequestContext({**known, **context})),
    )
