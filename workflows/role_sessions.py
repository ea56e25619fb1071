"""Stepping into a role: who may, for how long, under which policies and tags. API: AssumeRole of STS.

The role's trust document must let the caller in, by whatever name it knows it. What descends from a delegation stays
within it: it is capped by the policy that was lent and ends with the grant, however long the chain of roles.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from workflows import guards
from workflows.acts import perform
from workflows.audit import Draft
from workflows.authority import compiled, ready_made_name
from workflows.callers import Call, CallerKind
from workflows.credentials.keys import new_access_key_id, session_secret, session_token
from workflows.errors import (
    AccessDenied,
    BadInput,
    ConstraintViolation,
    MalformedDocument,
    MalformedPolicy,
    NoSuchEntity,
    PackedPolicyTooLarge,
)
from workflows.guards import Refused, approved_by
from workflows.ids import AccessKeyId
from workflows.managed_policies import READY_MADE
from workflows.permits import Act, Asking, asking, decision_on, refusal
from workflows.policy.context import fold
from workflows.policy.document import PolicyKind, parse_policy
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import ManagedPolicy
from workflows.records.role import Role, RoleSession
from workflows.role_documents import Tags, parse_tags, resource_keys, significant_size, tag_keys
from workflows.role_standing import Held, ancestors_of, held_session, session_arn

_ACTION: Final = "sts:AssumeRole"
CHAINED: Final = 3600
"""The longest life, in seconds, of a session that was stepped into from another session."""

_POLICY_SIZE: Final = 2048
_MOST_POLICIES: Final = 10
# What policies and tags of a session may take together, by our own count of characters.
_PACKED_SIZE: Final = 4096


@dataclass(frozen=True, slots=True)
class NewSession:
    """What AssumeRole is asked for; `duration` is in seconds."""

    role_arn: str
    name: str
    duration: int | None = None
    external_id: str | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    tags: Tags = ()
    transitive: tuple[str, ...] = ()
    source_identity: str | None = None


@dataclass(frozen=True, slots=True)
class Assumed:
    """A fresh session of a role with its credentials; `packed` is how full it is, in percent, or None when empty."""

    session: RoleSession
    role: Role
    secret_access_key: str
    session_token: str
    packed: int | None

    @property
    def arn(self) -> str:
        """The session's own ARN."""
        return session_arn(self.role, self.session.name)


def _invalid(problem: str) -> ConstraintViolation:
    return ConstraintViolation([problem])


# --- what it carries -------------------------------------------------------------------------------------


def _session_policies(tx: Reading, role: Role, new: NewSession) -> tuple[tuple[str, str], ...]:
    """Return the session policies as `[name, text]`; what an ARN names is read now and stays as it was."""
    if len(new.policy_arns) > _MOST_POLICIES:
        raise _invalid(f"a session takes up to {_MOST_POLICIES} policy ARNs")
    found: list[tuple[str, str]] = []
    for arn in new.policy_arns:
        policy = tx.get(ManagedPolicy, arn)
        if name := ready_made_name(arn):
            found.append((arn, READY_MADE[name]))
        elif policy is not None and policy.account_id == role.account_id:
            found.append((arn, policy.document))
        else:
            raise NoSuchEntity("policy", arn)
    if new.policy is not None:
        found.append(("session policy", new.policy))
    if sum(significant_size(text) for _, text in found) > _POLICY_SIZE:
        raise PackedPolicyTooLarge(f"the session policies have together more than {_POLICY_SIZE} characters")
    try:
        for _, text in found:
            parse_policy(text, kind=PolicyKind.SESSION)
    except MalformedPolicy as refused:
        raise MalformedDocument(refused.path, refused.problem) from None
    return tuple(found)


def _session_tags(new: NewSession, parent: Held | None) -> tuple[Tags, Tags, tuple[str, ...]]:
    """Return the tags that are asked for, all tags, and the keys that go on to the next session of a chain."""
    asked = parse_tags(new.tags)
    known = {fold(key) for key, _ in asked}
    if strange := [key for key in new.transitive if fold(key) not in known]:
        raise _invalid(f"the transitive tag key `{strange[0]}` is not among the tags")
    inherited: Tags = ()
    if parent is not None:
        handed = {fold(key) for key in parent.session.transitive}
        inherited = tuple(each for each in parent.session.tags if fold(each[0]) in handed)
    if clash := [key for key, _ in inherited if fold(key) in known]:
        raise _invalid(f"the tag key `{clash[0]}` is handed down and cannot be set again")
    transitive = (*new.transitive, *(key for key, _ in inherited))
    return asked, (*inherited, *asked), transitive


def _source_identity(call: Call, new: NewSession, parent: Held | None) -> str | None:
    before = parent.session.source_identity if parent else None
    if before is not None and new.source_identity not in (None, before):
        raise AccessDenied(
            principal=call.caller.arn,
            action="sts:SetSourceIdentity",
            resource=new.role_arn,
            because="because the source identity of a chain is set once",
            explicit=True,
        )
    return before or new.source_identity


def _packed(policies: tuple[tuple[str, str], ...], tags: Tags) -> int | None:
    size = sum(significant_size(text) for _, text in policies) + sum(len(key) + len(value) for key, value in tags)
    if size > _PACKED_SIZE:
        raise PackedPolicyTooLarge("the policies and tags of the session are together too large")
    return -(-100 * size // _PACKED_SIZE) if size else None


# --- who may ---------------------------------------------------------------------------------------------


def _trust_layer(role: Role) -> Layer:
    policy = compiled(role.trust, PolicyKind.TRUST)
    return Layer(LayerKind.RESOURCE, role.arn, (NamedPolicy("trust policy", policy),))


def _as_bound(who: Asking, role: Role, unique_id: str) -> Asking:
    """Return the caller without the names that the trust document means for somebody who is gone."""
    bound, caller = dict(role.trusted), who.principal
    name = caller.name if bound.get(caller.name, unique_id) == unique_id else ""
    key = caller.role if bound.get(caller.role, unique_id) == unique_id else ""
    return replace(who, principal=replace(caller, name=name, role=key))


def _keys(role: Role, new: NewSession, asked: Tags, source_identity: str | None) -> Mapping[str, str | tuple[str, ...]]:
    keys = {**resource_keys(role.tags), **tag_keys(asked, "aws:RequestTag"), "sts:RoleSessionName": new.name}
    if new.external_id is not None:
        keys["sts:ExternalId"] = new.external_id
    if new.transitive:
        keys["sts:TransitiveTagKeys"] = new.transitive
    if source_identity is not None:
        keys["sts:SourceIdentity"] = source_identity
    return keys


def _authorize(
    tx: Reading, ports: Ports, call: Call, role: Role, keys: Mapping[str, str | tuple[str, ...]], *, tagged: bool
) -> str:
    """Return what let the caller in; every action that the call amounts to must be allowed by both sides."""
    who = _as_bound(asking(tx, ports, call), role, call.caller.principal_id)
    actions = [_ACTION, *(["sts:TagSession"] if tagged else [])]
    actions += ["sts:SetSourceIdentity"] if "sts:SourceIdentity" in keys else []
    decided_by = ""
    for action in actions:
        act = Act(action, role.arn, keys, (_trust_layer(role),), role.account_id)
        decision = decision_on(who, act)
        if not decision.allowed:
            raise refusal(ports, call, act, decision)
        decided_by = decided_by or (decision.deciding.label if decision.deciding else decision.because)
    if request := approved_by(tx, call):
        guards.role_was_named(Refused(call, _ACTION, role.arn), request, role)
    return decided_by


def _unknown(call: Call, arn: str) -> AccessDenied:
    # Whether a role exists is not told to whoever may not step into it.
    because = "because no resource-based policy allows the sts:AssumeRole action"
    return AccessDenied(principal=call.caller.arn, action=_ACTION, resource=arn, because=because)


# --- for how long ----------------------------------------------------------------------------------------


def _seconds(call: Call, role: Role, new: NewSession) -> int:
    chained = call.caller.kind in (CallerKind.SESSION, CallerKind.ROLE)
    if new.duration is None:
        return CHAINED
    if chained and new.duration > CHAINED:
        raise _invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    if new.duration > role.max_session_duration:
        raise _invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return new.duration


def _end(tx: Reading, call: Call, role: Role, lineage: tuple[str, ...], seconds: int, now: datetime) -> datetime:
    """Return when the session ends: never after anything that it descends from; raises `AccessDenied` if that ended."""
    ancestors = ancestors_of(tx, lineage, now)
    if ancestors is None:
        raise _unknown(call, role.arn)
    own = now.replace(microsecond=0) + timedelta(seconds=seconds)
    return min([own, *(one.grant.deadline for one in ancestors)])


# --- the act ---------------------------------------------------------------------------------------------


def _credentials(ports: Ports, session: RoleSession, role: Role, packed: int | None) -> Assumed:
    key_id, access_key_id = session.master_key, session.access_key_id
    return Assumed(
        session=session,
        role=role,
        secret_access_key=session_secret(ports.keyring, key_id, access_key_id),
        session_token=session_token(ports.keyring, key_id, access_key_id),
        packed=packed,
    )


def _minted(tx: Writing, ports: Ports, call: Call, role: Role, new: NewSession) -> Assumed:
    now = ports.clock.now()
    parent = held_session(tx, call.caller.credential or "", now) if call.caller.kind is CallerKind.ROLE else None
    asked, tags, transitive = _session_tags(new, parent)
    source_identity = _source_identity(call, new, parent)
    _authorize(tx, ports, call, role, _keys(role, new, asked, source_identity), tagged=bool(tags))
    seconds = _seconds(call, role, new)
    policies = _session_policies(tx, role, new)
    lineage = guards.lineage_after(call, parent.session.lineage if parent else (), role)
    session = RoleSession(
        access_key_id=AccessKeyId(new_access_key_id(ports.entropy, session=True)),
        role_id=role.id,
        name=new.name,
        minted_by=call.caller.arn,
        master_key=ports.keyring.newest,
        lineage=lineage,
        policies=policies,
        tags=tags,
        transitive=transitive,
        source_identity=source_identity,
        issued_at=now,
        expires_at=_end(tx, call, role, lineage, seconds, now),
    )
    tx.add(session)
    return _credentials(ports, session, role, _packed(policies, tags))


def assume(ports: Ports, call: Call, new: NewSession) -> Assumed:
    """Step into a role. API: AssumeRole.

    Raises `AccessDenied` for a role that is unknown, has ended or does not let the caller in, `ConstraintViolation`
    for a duration or tags that do not fit, `PackedPolicyTooLarge` and `MalformedDocument` for session policies.
    """

    def recall(tx: Reading, outcome: Mapping[str, str]) -> Assumed:
        held = held_session(tx, outcome["access_key_id"], ports.clock.now())
        if held is None:
            raise _unknown(call, new.role_arn)
        return _credentials(ports, held.session, held.role, _packed(held.session.policies, held.session.tags))

    def work(tx: Writing, draft: Draft) -> Assumed:
        found = tx.find(Role, arn=new.role_arn)
        if not found:
            raise _unknown(call, new.role_arn)
        role = found[0]
        assumed = _minted(tx, ports, call, role, new)
        draft.chain, draft.resource = role.account_id, role.arn
        draft.request_id, draft.partner_id = role.request_id, role.partner_id or call.caller.partner_id
        session = assumed.session
        draft.answered = {"accessKeyId": session.access_key_id, "expiresAt": session.expires_at.isoformat()}
        draft.outcome = {"access_key_id": session.access_key_id}
        return assumed

    if not new.name:
        raise BadInput("RoleSessionName", "is required")
    asked = {"roleArn": new.role_arn, "roleSessionName": new.name, "durationSeconds": new.duration}
    return perform(ports, call, "AssumeRole", work, recall=recall, asked=asked)
