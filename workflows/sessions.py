"""Who a credential is and what it may do now: the standing of delegated sessions and of principals.

A session can do what its rendered policy allows AND the approver may do now AND the account's guardrails allow, until
the grant's deadline. The registered boundary of a partner is no part of this: it caps roles, not sessions.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Final

from workflows import guards
from workflows.arns import parse_arn
from workflows.authority import RESERVED_KEYS, compiled, layers_of, principal_keys, time_keys
from workflows.credentials.keys import access_key_id_of_token, same_text, session_token
from workflows.errors import BadInput, NoSuchEntity
from workflows.ids import AccessKeyId, AccountId
from workflows.narrowing import original_of
from workflows.policy.context import RequestContext, fold
from workflows.policy.decision import Decision
from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.policy.principal import ACCOUNT_ID, CallingPrincipal, Form
from workflows.policy.request import Request
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
    "iam:*Group",
    "iam:*GroupPolicy",
    "iam:*InstanceProfile*",
    "iam:*ServiceLinkedRole*",
    "iam:*UserPolicy",
    "iam:CreateUser",
    "iam:Delete*PermissionsBoundary",
    "iam:DeleteUser",
    "iam:PutUserPermissionsBoundary",
    "iam:UpdateUser",
    "organizations:*Policy*",
    "sts:GetDelegatedAccessToken",
    "sts:GetFederationToken",
    "sts:GetSessionToken",
)


@cache
def never_lent() -> Policy:
    """Return the guardrail around everything that acts on lent authority."""
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
    """What a subject may do until something changes: its layers, its identity, and when it ends by itself.

    `caller` is the subject as policies see it; of a session that is its approver, acting under a delegation. `counted`
    is whom its use is counted for: a principal, a role, or the grant of a delegated session.
    """

    layers: Layers
    caller: CallingPrincipal
    identity: RequestContext
    ends_at: datetime | None
    counted: str = ""


def _alive(principal: Principal | None) -> Principal:
    if principal is None or not principal.active:
        raise NoSuchEntity("subject", "")
    return principal


def delegated_layers(tx: Reading, request: DelegationRequest, account: AccountId) -> tuple[Layer, ...]:
    """Return the ceilings over everything that acts on the authority of this request."""
    return (
        Layer(LayerKind.GUARDRAIL, "delegated sessions", (NamedPolicy("never-lent", never_lent()),)),
        guards.passing_layer(tx, request, account),
    )


def rendered_layers(request: DelegationRequest) -> tuple[Layer, ...]:
    """Return what a request lends, as the ceiling that it is; one that was narrowed has what was asked as another."""
    original = original_of(request)
    texts = (request.permission_policy, *((original.permission_policy,) if original else ()))
    rendered = (NamedPolicy(request.template_arn, compiled(text, PolicyKind.SESSION)) for text in texts)
    return tuple(Layer(LayerKind.SESSION, request.id, (one,)) for one in rendered)


def lent_identity(approver: Principal) -> dict[str, str]:
    """Return the condition keys that say who calls with what this approver lends; a session proved no second factor."""
    return {**principal_keys(approver), "aws:MultiFactorAuthPresent": "false"}


def standing_lent(
    tx: Reading,
    approver: Principal,
    request: DelegationRequest,
    *,
    issued_at: datetime | None = None,
    ends_at: datetime | None = None,
    counted: str = "",
) -> Standing:
    """Return the standing of a session of this request which this approver has lent, or would lend."""
    layers = (
        *delegated_layers(tx, request, approver.account_id),
        *layers_of(tx, approver),
        *rendered_layers(request),
    )
    identity = lent_identity(approver)
    if issued_at is not None:
        identity["aws:TokenIssueTime"] = issued_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Standing(
        layers=Layers(layers),
        caller=_caller(approver, is_delegated=True),
        identity=RequestContext(identity),
        ends_at=ends_at,
        counted=counted,
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
    issued, ends = session.issued_at, grant.deadline
    return standing_lent(tx, approver, request, issued_at=issued, ends_at=ends, counted=grant.id)


def standing_of_principal(tx: Reading, arn: str) -> Standing:
    """Return the standing of a user or root from its ARN; raises `NoSuchEntity` for any other."""
    found = tx.find(Principal, arn=arn)
    principal = _alive(found[0] if found else None)
    if principal.kind not in (PrincipalKind.USER, PrincipalKind.ROOT):
        raise NoSuchEntity("subject", arn)
    return Standing(
        layers=Layers(layers_of(tx, principal)),
        caller=_caller(principal),
        identity=RequestContext(principal_keys(principal)),
        ends_at=None,
        counted=principal.id,
    )


def _caller(principal: Principal, *, is_delegated: bool = False) -> CallingPrincipal:
    form = Form.ROOT if principal.kind is PrincipalKind.ROOT else Form.USER
    return CallingPrincipal(form, principal.arn, principal.account_id, is_delegated=is_delegated)


def supplied_context(given: Mapping[str, str | tuple[str, ...]]) -> RequestContext:
    """Return the context that a resource server states.

    Raises `BadInput` for a key that it must not state, because that is this service's to say, and for one given twice.
    """
    for key in given:
        if fold(key).startswith(RESERVED_KEYS):
            raise BadInput(f"context.{key}", "is a key that the service itself supplies; leave it out")
    return RequestContext(given)


def judge(standing: Standing, *, action: str, resource: str, context: RequestContext, now: datetime) -> Decision | None:
    """Return the engine's decision, or None when the standing has ended: it is valid while `now` is before its end.

    `context` is what the resource server states, see `supplied_context`; who calls and when is said here.
    """
    if standing.ends_at is not None and now >= standing.ends_at:
        return None
    known = standing.identity.extended(time_context(now.replace(microsecond=0))).extended(context)
    owner = known.get("aws:ResourceAccount")
    if owner is None and resource.startswith("arn:") and (named := parse_arn(resource).account):
        owner = named
        known = known.extended({"aws:ResourceAccount": named})
    request = Request(
        action=action,
        resource=resource,
        context=known,
        principal=standing.caller,
        resource_account=owner if isinstance(owner, str) and ACCOUNT_ID.fullmatch(owner) else "",
    )
    return decide(standing.layers, request)


@lru_cache(maxsize=2)
def time_context(now: datetime) -> RequestContext:
    """Return the time of a decision, in whole seconds as policies see it; a second holds many decisions."""
    return RequestContext(time_keys(now))
