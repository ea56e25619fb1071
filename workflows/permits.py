"""May this caller do this to the account's roles and policies? Asked of the policy engine for callers of every kind.

A delegated session and a session of a role are judged by what they are as subjects of decisions elsewhere, so that
there is one answer to what they may do. Refusals carry an encoded message that tells the account why.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from workflows.acts import consult
from workflows.audit import Draft
from workflows.authority import Question, call_keys, denied, identity_context, rights_of, time_keys
from workflows.callers import Call, CallerKind
from workflows.credentials.keys import seal, unseal
from workflows.errors import AccessDenied, NoSuchEntity, SealBroken, SessionExpired, UnreadableMessage
from workflows.policy.context import RequestContext, Value
from workflows.policy.decision import Decision, Outcome
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.layers import Layer
from workflows.policy.principal import SOMEBODY, CallingPrincipal, Form
from workflows.policy.request import Request
from workflows.ports import Ports, Reading
from workflows.role_standing import standing_of_subject

_MESSAGE: Final = "authorization-message"
# A partner's programs carry the name of its root and have none of its power: their one policy has to allow.
_FORMS: Final = {CallerKind.USER: Form.USER, CallerKind.ROOT: Form.ROOT, CallerKind.PARTNER: Form.USER}


@dataclass(frozen=True, slots=True)
class Asking:
    """A caller as the engine sees it at this moment."""

    layers: tuple[Layer, ...]
    identity: RequestContext
    principal: CallingPrincipal


@dataclass(frozen=True, slots=True)
class Act:
    """One action on one resource, with its condition keys, and the resource's own policy if it has one."""

    action: str
    resource: str
    keys: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    resource_policy: tuple[Layer, ...] = ()
    resource_account: str = ""


def asking(tx: Reading, ports: Ports, call: Call) -> Asking:
    """Return what decides over the caller's acts now; raises `SessionExpired` for a session that no longer stands."""
    now, caller = ports.clock.now(), call.caller
    if caller.kind in (CallerKind.SESSION, CallerKind.ROLE):
        try:
            standing = standing_of_subject(tx, ports, "session", caller.credential or "")
        except NoSuchEntity:
            raise SessionExpired from None
        identity = standing.identity.extended(time_keys(now))
        return Asking(tuple(standing.layers), identity.extended(call_keys(call, now)), standing.caller)
    layers, principal = rights_of(tx, call)
    known = identity_context(principal, now) if principal else {}
    form = _FORMS.get(caller.kind)
    named = CallingPrincipal(form, caller.arn, caller.account_id) if form else SOMEBODY
    return Asking(tuple(layers), RequestContext({**known, **call_keys(call, now)}), named)


def decision_on(who: Asking, act: Act) -> Decision:
    """Return the engine's answer to one act of a caller."""
    context = who.identity.extended({name: _value(value) for name, value in act.keys.items()})
    request = Request(act.action, act.resource, context, who.principal, act.resource_account)
    return decide(Layers((*who.layers, *act.resource_policy)), request)


def _value(value: str | Sequence[str]) -> Value:
    return value if isinstance(value, str) else tuple(value)


def permit(tx: Reading, ports: Ports, call: Call, *acts: Act) -> str:
    """Return what allowed the caller this; raises `AccessDenied` with a message that the account can decode.

    Several acts are one act in spellings of the same thing: one that allows is enough, an explicit deny is final.
    """
    who = asking(tx, ports, call)
    decisions = [(act, decision_on(who, act)) for act in acts]
    refused = next((each for each in decisions if each[1].outcome is Outcome.EXPLICIT_DENY), None)
    allowed = next((each for each in decisions if each[1].allowed), None)
    if refused is None and allowed is not None:
        return allowed[1].deciding.label if allowed[1].deciding else allowed[1].because
    act, decision = refused or decisions[0]
    raise refusal(ports, call, act, decision)


def refusal(ports: Ports, call: Call, act: Act, decision: Decision) -> AccessDenied:
    """Return the refusal of an act, with its reasons sealed for the caller's account."""
    question = Question(act.action, act.resource, {})
    because = f"{decision.because}. Encoded authorization failure message: {_encoded(ports, call, act, decision)}"
    return denied(call, question, because, explicit=decision.outcome is Outcome.EXPLICIT_DENY)


def _encoded(ports: Ports, call: Call, act: Act, decision: Decision) -> str:
    matched = decision.deciding
    told = {
        "allowed": False,
        "explicitDeny": decision.outcome is Outcome.EXPLICIT_DENY,
        "matchedStatements": {"items": [{"statementId": matched.label}] if matched else []},
        "context": {
            "principal": {"id": call.caller.principal_id, "arn": call.caller.arn},
            "action": act.action,
            "resource": act.resource,
            "conditions": {"items": [{"key": key, "values": value} for key, value in act.keys.items()]},
        },
        "reason": decision.because,
    }
    plain = json.dumps(told, separators=(",", ":")).encode()
    sealed = seal(ports.keyring, ports.entropy, plain, purpose=_MESSAGE, owner=call.caller.account_id)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def decode(ports: Ports, call: Call, message: str) -> str:
    """Return the reasons of a refusal as JSON. API: DecodeAuthorizationMessage.

    Raises `UnreadableMessage` for whatever was not written for the caller's account.
    """

    def work(tx: Reading, _draft: Draft) -> str:
        permit(tx, ports, call, Act("sts:DecodeAuthorizationMessage", "*"))
        try:
            sealed = base64.urlsafe_b64decode(message.encode("ascii") + b"=" * (-len(message) % 4))
            return unseal(ports.keyring, sealed, purpose=_MESSAGE, owner=call.caller.account_id).decode()
        except (ValueError, binascii.Error, SealBroken):
            raise UnreadableMessage from None

    return consult(ports, call, "DecodeAuthorizationMessage", work)
