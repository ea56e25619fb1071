"""What a principal may do now. There is no second permission system: every call is asked of the policy engine.

Policies are read live, at each use. Identity attributes in the condition context are made here and only here; a
caller cannot supply them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from workflows.callers import Call, Caller, CallerKind
from workflows.errors import AccessDenied
from workflows.ids import AccountId
from workflows.managed_policies import READY_MADE, partner_integration, ready_made
from workflows.policy.context import RequestContext
from workflows.policy.decision import Decision, Outcome
from workflows.policy.document import Policy, PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.layers import Layer, LayerKind, NamedPolicy, guardrail_layer
from workflows.policy.request import Request
from workflows.ports import Ports, Reading
from workflows.records.account import Attachment, Guardrail, ManagedPolicy, Principal, PrincipalKind

# Keys that only this service may state: who the principal is and how the credential came about, and when it is.
STATED_KEYS: Final = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:principaltag/",
    "aws:principalisawsservice",
    "aws:userid",
    "aws:username",
    "aws:multifactorauth",
    "aws:sourceidentity",
)
RESERVED_KEYS: Final = (*STATED_KEYS, "aws:currenttime", "aws:epochtime", "aws:tokenissuetime")

_FULL_ACCESS: Final = "AdministratorAccess"


@lru_cache(maxsize=4096)
def compiled(document: str, kind: PolicyKind) -> Policy:
    """Return the parsed form of a stored document; raises `MalformedPolicy` if it is no policy."""
    return parse_policy(document, kind=kind)


def ready_made_name(arn: str) -> str | None:
    """Return the name of a ready-made policy from its ARN in any partition, or None."""
    prefix, _, name = arn.partition(":policy/")
    return name if prefix.endswith(":iam::aws") and name in READY_MADE else None


def attached_policy(tx: Reading, attachment: Attachment) -> NamedPolicy:
    """Return the policy that an attachment stands for; raises `LookupError` if it is gone, which has to deny."""
    if attachment.document is not None:
        return NamedPolicy(attachment.name, compiled(attachment.document, PolicyKind.IDENTITY))
    arn = attachment.policy_arn or ""
    if name := ready_made_name(arn):
        return NamedPolicy(name, ready_made(name))
    policy = tx.get(ManagedPolicy, arn)
    if policy is None:
        # A policy in use cannot be deleted, so this is damage.
        raise LookupError(arn)
    return NamedPolicy(policy.name, compiled(policy.document, PolicyKind.IDENTITY))


def root_policy() -> NamedPolicy:
    """Return the one identity policy of an account's root."""
    return NamedPolicy(_FULL_ACCESS, ready_made(_FULL_ACCESS))


def boundary_policy(principal: Principal) -> NamedPolicy | None:
    """Return a principal's permissions boundary, or None when it has none."""
    if principal.boundary is None:
        return None
    return NamedPolicy("boundary", compiled(principal.boundary, PolicyKind.BOUNDARY))


def guardrail_policies(tx: Reading, account_id: AccountId) -> tuple[NamedPolicy, ...]:
    """Return the account's guardrails."""
    found = tx.find(Guardrail, account_id=account_id)
    return tuple(NamedPolicy(one.name, compiled(one.document, PolicyKind.GUARDRAIL)) for one in found)


def _identity_layer(tx: Reading, principal: Principal) -> Layer:
    if principal.kind in (PrincipalKind.ROOT, PrincipalKind.OPERATOR):
        policies: tuple[NamedPolicy, ...] = (root_policy(),)
    elif principal.kind is PrincipalKind.PARTNER:
        policies = (NamedPolicy("PartnerIntegration", partner_integration()),)
    else:
        policies = tuple(attached_policy(tx, one) for one in tx.find(Attachment, principal_id=principal.id))
    return Layer(LayerKind.IDENTITY, principal.arn, policies)


def guardrails_of(tx: Reading, account_id: AccountId) -> tuple[Layer, ...]:
    """Return the account's guardrails as one layer, or nothing when it has none."""
    found = guardrail_policies(tx, account_id)
    return (guardrail_layer(found),) if found else ()


def layers_of(tx: Reading, principal: Principal) -> tuple[Layer, ...]:
    """Return everything that decides over a principal's calls: guardrails, its boundary, its identity policies."""
    try:
        identity = _identity_layer(tx, principal)
    except LookupError:
        identity = Layer(LayerKind.IDENTITY, principal.arn, ())
    named = boundary_policy(principal)
    boundary = (Layer(LayerKind.BOUNDARY, principal.arn, (named,)),) if named is not None else ()
    return (*guardrails_of(tx, principal.account_id), *boundary, identity)


def principal_keys(principal: Principal) -> dict[str, str]:
    """Return the condition keys that say who a principal is."""
    context = {
        "aws:PrincipalArn": principal.arn,
        "aws:PrincipalAccount": principal.account_id,
        "aws:PrincipalType": "User" if principal.kind is PrincipalKind.USER else "Account",
        "aws:PrincipalIsAWSService": "false",
        "aws:userid": principal.id,
    }
    if principal.kind is PrincipalKind.USER:
        context["aws:username"] = principal.name
    return context


def time_keys(now: datetime) -> dict[str, str]:
    """Return the condition keys that say when it is."""
    return {
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
    }


def identity_context(principal: Principal, now: datetime) -> dict[str, str]:
    """Return the condition keys that say who a principal is and when it acts."""
    return {**principal_keys(principal), **time_keys(now)}


def call_keys(call: Call, now: datetime) -> dict[str, str]:
    """Return the condition keys that say how a call came in."""
    context = {"aws:SecureTransport": "true" if call.secure else "false"}
    if call.source_ip:
        context["aws:SourceIp"] = call.source_ip
    if call.user_agent:
        context["aws:UserAgent"] = call.user_agent
    if call.proved_at is not None:
        context["aws:MultiFactorAuthPresent"] = "true"
        context["aws:MultiFactorAuthAge"] = str(max(0, int((now - call.proved_at).total_seconds())))
    return context


@dataclass(frozen=True, slots=True)
class Question:
    """One action on one resource, with the condition keys that the action carries and the rights given by default."""

    action: str
    resource: str
    keys: Mapping[str, str]
    defaults: tuple[NamedPolicy, ...] = ()


# Layers keep what they gather of an action, so they are made once for as long as the rights are remembered.
Rights = tuple[Layers, Principal | None]


def _rights_of_caller(tx: Reading, caller: Caller) -> Rights:
    if caller.kind is CallerKind.OPERATOR and caller.credential is None:
        policies = (NamedPolicy(_FULL_ACCESS, ready_made(_FULL_ACCESS)),)
        return Layers((Layer(LayerKind.IDENTITY, caller.arn, policies),)), None
    rights = tx.remembered("rights", caller.principal_id, lambda: _rights_by_id(tx, caller.principal_id))
    return rights or (Layers(()), None)


def _rights_by_id(tx: Reading, principal_id: str) -> Rights | None:
    principal = tx.get(Principal, principal_id)
    return None if principal is None or not principal.active else (Layers(layers_of(tx, principal)), principal)


def _with_defaults(layers: Layers, defaults: tuple[NamedPolicy, ...]) -> Layers:
    if not defaults:
        return layers
    return Layers(
        Layer(layer.kind, layer.name, (*layer.policies, *defaults)) if layer.kind is LayerKind.IDENTITY else layer
        for layer in layers
    )


def rights_of(tx: Reading, call: Call) -> Rights:
    """Return what decides over the caller's acts now, for several questions of one moment."""
    return _rights_of_caller(tx, call.caller)


def decision_for(tx: Reading, ports: Ports, call: Call, question: Question) -> Decision:
    """Return the engine's answer to one question of the caller, with the caller's live policies."""
    return decision_among(rights_of(tx, call), ports, call, question)


def decision_among(rights: Rights, ports: Ports, call: Call, question: Question) -> Decision:
    """Return the engine's answer to one question, with rights that were read before in the same moment."""
    layers, principal = rights
    now = ports.clock.now()
    identity = identity_context(principal, now) if principal else {}
    context = RequestContext({**identity, **call_keys(call, now), **question.keys})
    return decide(
        _with_defaults(layers, question.defaults),
        Request(action=question.action, resource=question.resource, context=context),
    )


def denied(call: Call, question: Question, because: str, *, explicit: bool = False) -> AccessDenied:
    """Return the refusal of one question, for the reason `because`."""
    return AccessDenied(
        principal=call.caller.arn,
        action=question.action,
        resource=question.resource,
        because=because,
        explicit=explicit,
    )


def authorize(tx: Reading, ports: Ports, call: Call, question: Question) -> str:
    """Return which statement allowed the caller to do this; raises `AccessDenied` saying what denied it.

    Sessions are refused whatever their policies say: what was lent can neither approve nor lend again. Where they have
    a part, `permits.permit` is asked.
    """
    if call.caller.kind in (CallerKind.SESSION, CallerKind.ROLE):
        name = "delegated session" if call.caller.kind is CallerKind.SESSION else "session of a role"
        raise denied(call, question, f"because a {name} may not call this service")
    decision = decision_for(tx, ports, call, question)
    if not decision.allowed:
        explicit = decision.outcome is Outcome.EXPLICIT_DENY
        raise denied(call, question, decision.because, explicit=explicit)
    return decision.deciding.label if decision.deciding else decision.because


def operator_only(call: Call, action: str) -> None:
    """Refuse everybody but the operator, before anything is looked up."""
    if call.caller.kind is not CallerKind.OPERATOR:
        raise AccessDenied(
            principal=call.caller.arn,
            action=action,
            resource="*",
            because="because only the operator may do this",
        )
