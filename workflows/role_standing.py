"""What roles and their sessions may do now, and whether they still stand.

A session of a role can do what the role's policies AND its boundary AND its own session policies allow, inside the
account's guardrails. One that descends from a delegation is capped by everything it descends from as well, and ends
with the first of it that ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workflows.arns import assumed_role_arn
from workflows.authority import attached_policy, compiled, guardrails_of
from workflows.boundaries import boundary_layer
from workflows.credentials.keys import access_key_id_of_token, same_text, session_token
from workflows.errors import NoSuchEntity
from workflows.grants import usable_at
from workflows.ids import AccessKeyId, AccountId, GrantId
from workflows.policy.context import RequestContext, fold
from workflows.policy.document import PolicyKind
from workflows.policy.index import Layers
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.policy.principal import CallingPrincipal, Form, role_key
from workflows.ports import Ports, Reading
from workflows.records.account import Attachment, Principal
from workflows.records.grant import Grant
from workflows.records.partner import Partner
from workflows.records.request import DelegationRequest
from workflows.records.role import Role, RoleSession
from workflows.sessions import Standing, delegated_layers, rendered_layers, standing_of_principal, standing_of_session

_GRANT: Final = "dg-"


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One delegation that a session descends from: its grant, its request, and how it caps."""

    grant: Grant
    request: DelegationRequest
    caps: tuple[Layer, ...]


def _grant_stands(tx: Reading, grant: Grant, now: datetime) -> bool:
    """Tell whether a grant may be used. That of a session also needs its approver, whose rights it lends."""
    partner = tx.get(Partner, grant.partner_id)
    return usable_at(grant, now) and partner is not None and partner.active


def _ancestor(tx: Reading, link: str, now: datetime) -> Ancestor | None:
    """Return one link of a lineage if it still stands."""
    role = None if link.startswith(_GRANT) else tx.get(Role, link)
    grant_id = GrantId(link) if link.startswith(_GRANT) else role.grant_id if role else None
    grant = tx.get(Grant, grant_id) if grant_id else None
    request = tx.get(DelegationRequest, grant.request_id) if grant else None
    if grant is None or request is None or not _grant_stands(tx, grant, now):
        return None
    if role is not None:
        return Ancestor(grant, request, (boundary_layer(tx, role.boundary_arn or ""),))
    approver = tx.get(Principal, grant.approver_principal_id)
    return Ancestor(grant, request, rendered_layers(request)) if approver is not None and approver.active else None


@dataclass(frozen=True, slots=True)
class Held:
    """A session of a role that stands, with all it descends from."""

    session: RoleSession
    role: Role
    ancestors: tuple[Ancestor, ...]

    @property
    def arn(self) -> str:
        """The session's own ARN."""
        return session_arn(self.role, self.session.name)

    @property
    def ends_at(self) -> datetime:
        """When it ends by itself: its own end, or that of anything it descends from."""
        return min([self.session.expires_at, *(one.grant.deadline for one in self.ancestors)])


def session_arn(role: Role, name: str) -> str:
    """Return the ARN of a session of this role."""
    return assumed_role_arn(role.arn.split(":")[1], role.account_id, role.name, name)


def ancestors_of(tx: Reading, lineage: Sequence[str], now: datetime) -> tuple[Ancestor, ...] | None:
    """Return everything that this lineage names, or None when any of it has ended."""
    found = [_ancestor(tx, link, now) for link in lineage]
    return None if None in found else tuple(one for one in found if one is not None)


def held_session(tx: Reading, access_key_id: str, now: datetime) -> Held | None:
    """Return a session of a role if it stands: the very role exists, nothing it descends from has ended."""
    session = tx.get(RoleSession, access_key_id)
    role = tx.get(Role, session.role_id) if session else None
    if session is None or role is None or now >= session.expires_at:
        return None
    # A role that was born of a delegation since, or under another grant, is not the one that was stepped into.
    if role.grant_id is not None and role.id not in session.lineage:
        return None
    ancestors = ancestors_of(tx, session.lineage, now)
    return None if ancestors is None else Held(session, role, ancestors)


# --- layers ----------------------------------------------------------------------------------------------


def role_layers(tx: Reading, role: Role) -> tuple[Layer, ...]:
    """Return everything that decides over a role's own rights: guardrails, its boundary, its policies."""
    try:
        policies = tuple(attached_policy(tx, one) for one in tx.find(Attachment, principal_id=role.id))
    except LookupError:
        policies = ()
    boundary = () if role.boundary_arn is None else (boundary_layer(tx, role.boundary_arn),)
    return (*guardrails_of(tx, role.account_id), *boundary, Layer(LayerKind.IDENTITY, role.arn, policies))


def _session_layer(held: Held) -> tuple[Layer, ...]:
    given = held.session.policies
    named = tuple(NamedPolicy(name, compiled(text, PolicyKind.SESSION)) for name, text in given)
    return (Layer(LayerKind.SESSION, held.session.name, named),) if given else ()


def _inherited_layers(tx: Reading, ancestors: Sequence[Ancestor], account: AccountId) -> list[Layer]:
    layers: list[Layer] = []
    for one in ancestors:
        layers += [*delegated_layers(tx, one.request, account), *one.caps]
    return layers


def _role_keys(role: Role) -> dict[str, str]:
    tags = {f"aws:PrincipalTag/{key}": value for key, value in role.tags}
    return {
        "aws:PrincipalArn": role.arn,
        "aws:PrincipalAccount": role.account_id,
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalIsAWSService": "false",
        "aws:MultiFactorAuthPresent": "false",
        "aws:userid": role.id,
        **tags,
    }


def _session_keys(held: Held) -> dict[str, str]:
    session = held.session
    keys = {**_role_keys(held.role), "aws:userid": f"{held.role.id}:{session.name}"}
    # Tag keys know no case: a session's tag takes the place of the role's, however either is written.
    given = {f"aws:principaltag/{fold(key)}" for key, _ in session.tags}
    keys = {name: value for name, value in keys.items() if fold(name) not in given}
    keys |= {f"aws:PrincipalTag/{key}": value for key, value in session.tags}
    keys["aws:TokenIssueTime"] = session.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if session.source_identity is not None:
        keys["aws:SourceIdentity"] = session.source_identity
    return keys


def _key_of(role: Role) -> str:
    return role_key(role.arn.split(":")[1], role.account_id, role.name)


def standing_of_held(tx: Reading, held: Held) -> Standing:
    """Return the standing of a session of a role."""
    layers = (
        *role_layers(tx, held.role),
        *_inherited_layers(tx, held.ancestors, held.role.account_id),
        *_session_layer(held),
    )
    caller = CallingPrincipal(
        Form.ROLE_SESSION, held.arn, held.role.account_id, role=_key_of(held.role), is_delegated=bool(held.ancestors)
    )
    return Standing(Layers(layers), caller, RequestContext(_session_keys(held)), held.ends_at, held.role.id)


def standing_of_role(tx: Reading, role: Role, now: datetime) -> Standing:
    """Return the standing of a role itself, as a session of it without policies of its own would have it.

    Raises `NoSuchEntity` for a role whose grant has ended.
    """
    ancestors = ancestors_of(tx, (role.id,) if role.grant_id is not None else (), now)
    if ancestors is None:
        raise NoSuchEntity("subject", role.arn)
    layers = (*role_layers(tx, role), *_inherited_layers(tx, ancestors, role.account_id))
    caller = CallingPrincipal(Form.ROLE, role.arn, role.account_id, role=_key_of(role), is_delegated=bool(ancestors))
    ends_at = min((one.grant.deadline for one in ancestors), default=None)
    return Standing(Layers(layers), caller, RequestContext(_role_keys(role)), ends_at, role.id)


# --- subjects of decisions -------------------------------------------------------------------------------


def _held_by_token(tx: Reading, ports: Ports, subject_id: str) -> Held | None:
    claimed = access_key_id_of_token(subject_id)
    held = held_session(tx, claimed or AccessKeyId(subject_id), ports.clock.now())
    if held is None:
        return None
    proof = session_token(ports.keyring, held.session.master_key, held.session.access_key_id)
    return held if claimed is None or same_text(subject_id, proof) else None


def standing_of_subject(tx: Reading, ports: Ports, kind: str, subject_id: str) -> Standing:
    """Return the standing of a `session` (by access key id or token) or a `principal` (by ARN), roles among both.

    Raises `NoSuchEntity` for what does not stand; why is not told apart.
    """
    return _SUBJECTS[kind](tx, ports, subject_id)


def _session_subject(tx: Reading, ports: Ports, subject_id: str) -> Standing:
    held = _held_by_token(tx, ports, subject_id)
    return standing_of_session(tx, ports, subject_id) if held is None else standing_of_held(tx, held)


def _principal_subject(tx: Reading, ports: Ports, arn: str) -> Standing:
    found = tx.find(Role, arn=arn) if ":role/" in arn else ()
    return standing_of_role(tx, found[0], ports.clock.now()) if found else standing_of_principal(tx, arn)


_SUBJECTS: Final = {"session": _session_subject, "principal": _principal_subject}
