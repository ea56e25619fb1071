"""Use-cases of an account's roles: make, show, list, change, tag, bound and delete them.

They are those of the IAM API and obey its limits and refusals. Every call is authorised by the policy engine on the
role's ARN; whoever acts on lent authority meets the rules of `guards` as well. A role that a delegation makes gets a
grant of its own in the same transaction, so that it has an end from its first moment.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from workflows import guards
from workflows.acts import consult, perform
from workflows.arns import role_arn
from workflows.audit import Draft
from workflows.boundaries import spellings, usable_boundary
from workflows.callers import Call
from workflows.credentials.keys import new_principal_id
from workflows.drift import note_change
from workflows.errors import AlreadyExists, BadInput, DeleteConflict, LimitExceeded, NoSuchEntity
from workflows.guards import Refused, approved_by
from workflows.ids import parse_entity_name
from workflows.permits import Act, permit
from workflows.policy.context import fold
from workflows.policy.document import Policy
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import Attachment
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest
from workflows.records.role import Role
from workflows.role_documents import (
    Tags,
    bound_principals,
    merged_tags,
    parse_path,
    parse_tags,
    refuse_reserved_role,
    resource_keys,
    tag_keys,
    trust_document,
)
from workflows.role_grants import end_role_grant, grant_for_role

T = TypeVar("T")
Keys = Mapping[str, str | tuple[str, ...]]
KIND: Final = "role"
DEFAULT_SESSION: Final = 3600
LONGEST_SESSION: Final = 43_200
_DESCRIPTION_LENGTH: Final = 1000


@dataclass(frozen=True, slots=True)
class NewRole:
    """What CreateRole is asked to make; `max_session_duration` is in seconds."""

    name: str
    trust: str
    path: str = "/"
    description: str | None = None
    max_session_duration: int = DEFAULT_SESSION
    boundary_arn: str | None = None
    tags: Tags = ()


# --- how every act on a role begins ----------------------------------------------------------------------


def role_named(tx: Reading, call: Call, name: str) -> Role | None:
    """Return the role of the caller's account with this name, which knows no case, or None."""
    found = tx.find(Role, account_id=call.caller.account_id, name_key=fold(name))
    return found[0] if found else None


def _bounded(action: str, resource: str, keys: Keys, boundary_arn: str | None) -> list[Act]:
    """The act in every spelling that a policy may have of the boundary."""
    return [
        Act(action, resource, {**keys, **({"iam:PermissionsBoundary": arn} if arn else {})})
        for arn in spellings(boundary_arn)
    ]


def admitted_role(tx: Reading, ports: Ports, call: Call, action: str, name: str, keys: Keys | None = None) -> Role:
    """Return the role that the caller may do this to: how every act on an existing role begins.

    Raises `AccessDenied` before `NoSuchEntity`: whether a role exists is told to those who may ask.
    """
    role = role_named(tx, call, name)
    more = dict(keys or {})
    if role is None:
        permit(tx, ports, call, Act(action, role_arn(ports.terms.partition, call.caller.account_id, name), more))
        raise NoSuchEntity(KIND, name)
    known = {**resource_keys(role.tags), **more}
    boundary = str(more["iam:PermissionsBoundary"]) if "iam:PermissionsBoundary" in more else role.boundary_arn
    permit(tx, ports, call, *_bounded(action, role.arn, known, boundary))
    return role


def change_role(
    ports: Ports,
    call: Call,
    act: str,
    name: str,
    work: Callable[[Writing, Draft, Role], T],
    *,
    keys: Keys | None = None,
    asked: Mapping[str, object] | None = None,
) -> T:
    """Run an act that changes a role: authorised, within reach of a delegation, written down. API: the act's name."""
    action = f"iam:{act}"

    def attempt(tx: Writing, draft: Draft) -> T:
        role = admitted_role(tx, ports, call, action, name, keys)
        if request := approved_by(tx, call):
            guards.role_is_in_reach(Refused(call, action, role.arn), request, role)
        note_role(draft, call, role)
        note_change(tx, call, act, role, ports.clock.now())
        result = work(tx, draft, role)
        tx.authority_changed()
        return result

    return perform(ports, call, act, attempt, asked={"roleName": name, **(asked or {})})


def note_role(draft: Draft, call: Call, role: Role) -> None:
    """Write into the audit draft which role an act is about."""
    draft.chain, draft.resource = role.account_id, role.arn
    draft.request_id, draft.partner_id = role.request_id, role.partner_id or call.caller.partner_id


# --- making ----------------------------------------------------------------------------------------------


def _authorize_create(tx: Reading, ports: Ports, call: Call, new: NewRole, boundary: str | None) -> str:
    arn = role_arn(ports.terms.partition, call.caller.account_id, new.name, new.path)
    keys = tag_keys(new.tags, "aws:RequestTag")
    decided_by = permit(tx, ports, call, *_bounded("iam:CreateRole", arn, keys, boundary))
    if new.tags:
        permit(tx, ports, call, Act("iam:TagRole", arn, keys))
    return decided_by


def _guard_create(act: Refused, request: DelegationRequest, new: NewRole, boundary: str | None, trust: Policy) -> None:
    guards.boundary_was_shown(act, request, boundary)
    guards.path_is_the_partners(act, request, new.path)
    guards.trusts_no_stranger(act, request, trust)
    guards.tags_were_listed(act, request, [key for key, _ in new.tags])


def _checked(new: NewRole) -> NewRole:
    parse_entity_name(new.name, "roleName")
    parse_path(new.path)
    refuse_reserved_role(new.path, new.name)
    if not DEFAULT_SESSION <= new.max_session_duration <= LONGEST_SESSION:
        raise BadInput("maxSessionDuration", f"is not {DEFAULT_SESSION} to {LONGEST_SESSION} seconds")
    if len(new.description or "") > _DESCRIPTION_LENGTH:
        raise BadInput("description", f"is longer than {_DESCRIPTION_LENGTH} characters")
    return replace(new, tags=merged_tags((), parse_tags(new.tags)))


def create_role(ports: Ports, call: Call, new: NewRole) -> Role:
    """Make a role in the caller's account. API: CreateRole. An existing role is never adopted.

    A repeated call meets the role that the first one made, as in AWS: within one second the same name may rightly be
    made, deleted and made again by calls that are the same to the byte.
    """

    def work(tx: Writing, draft: Draft) -> Role:
        asked = _checked(new)
        account = call.caller.account_id
        boundary = None if asked.boundary_arn is None else usable_boundary(tx, account, asked.boundary_arn)
        draft.decided_by = _authorize_create(tx, ports, call, asked, boundary)
        trust = trust_document(asked.trust)
        request = approved_by(tx, call)
        arn = role_arn(ports.terms.partition, account, asked.name, asked.path)
        if request is not None:
            _guard_create(Refused(call, "iam:CreateRole", arn), request, asked, boundary, trust)
        role = store_role(tx, ports, call, replace(asked, boundary_arn=boundary), trust)
        if request is not None:
            role = _lent(tx, ports, call, role, request)
        note_role(draft, call, role)
        draft.answered = {"roleId": role.id, "grantId": role.grant_id}
        tx.authority_changed()
        return role

    asked = {"roleName": new.name, "path": new.path, "permissionsBoundary": new.boundary_arn}
    return perform(ports, call, "CreateRole", work, asked=asked)


def store_role(
    tx: Writing, ports: Ports, call: Call, new: NewRole, trust: Policy, *, grant: Grant | None = None
) -> Role:
    """Store a role whose parts were checked, for the caller's account or that of a grant; raises `AlreadyExists`."""
    account = call.caller.account_id if grant is None else grant.account_id
    if tx.find(Role, account_id=account, name_key=fold(new.name)):
        raise AlreadyExists(KIND, new.name)
    if tx.count(Role, limit=ports.terms.roles_per_account, account_id=account) >= ports.terms.roles_per_account:
        raise LimitExceeded(f"Cannot exceed quota for RolesPerAccount: {ports.terms.roles_per_account}")
    role = Role(
        id=new_principal_id(ports.entropy, "AROA"),
        account_id=account,
        path=new.path,
        name=new.name,
        name_key=fold(new.name),
        arn=role_arn(ports.terms.partition, account, new.name, new.path),
        trust=new.trust,
        trusted=bound_principals(tx, trust),
        description=new.description,
        max_session_duration=new.max_session_duration,
        boundary_arn=new.boundary_arn,
        tags=new.tags,
        made_by=call.caller.arn,
        grant_id=grant.id if grant else None,
        request_id=grant.request_id if grant else None,
        partner_id=grant.partner_id if grant else None,
        revision=0,
        created_at=ports.clock.now(),
    )
    tx.add(role)
    return role


def _lent(tx: Writing, ports: Ports, call: Call, role: Role, request: DelegationRequest) -> Role:
    """Give a role that a delegation makes its grant, and the tag that says which request it was made under."""
    grant = grant_for_role(tx, ports, call, request)
    tags = (*role.tags, (f"{guards.OWN_TAGS}request", request.id))
    born = replace(role, grant_id=grant.id, request_id=request.id, partner_id=request.requestor_id, tags=tags)
    return tx.swap(role, born)


# --- looking ---------------------------------------------------------------------------------------------


def get_role(ports: Ports, call: Call, name: str) -> Role:
    """Return a role of the caller's account. API: GetRole."""

    def work(tx: Reading, _draft: Draft) -> Role:
        return admitted_role(tx, ports, call, "iam:GetRole", name)

    return consult(ports, call, "GetRole", work, asked={"roleName": name})


def list_roles(ports: Ports, call: Call, path_prefix: str = "/") -> Sequence[Role]:
    """Return the roles of the caller's account under a path, by name. API: ListRoles."""

    def work(tx: Reading, _draft: Draft) -> Sequence[Role]:
        account = call.caller.account_id
        permit(tx, ports, call, Act("iam:ListRoles", f"arn:{ports.terms.partition}:iam::{account}:role{path_prefix}*"))
        found = [role for role in tx.find(Role, account_id=account) if role.path.startswith(path_prefix)]
        return sorted(found, key=lambda role: role.name_key)

    return consult(ports, call, "ListRoles", work)


def list_role_tags(ports: Ports, call: Call, name: str) -> Tags:
    """Return a role's tags. API: ListRoleTags."""

    def work(tx: Reading, _draft: Draft) -> Tags:
        return admitted_role(tx, ports, call, "iam:ListRoleTags", name).tags

    return consult(ports, call, "ListRoleTags", work, asked={"roleName": name})


# --- changing --------------------------------------------------------------------------------------------


def update_role(
    ports: Ports, call: Call, name: str, *, description: str | None, max_session_duration: int | None
) -> Role:
    """Change a role's description or its longest session; what is None stays. API: UpdateRole."""

    def work(tx: Writing, _draft: Draft, role: Role) -> Role:
        longest = role.max_session_duration if max_session_duration is None else max_session_duration
        if not DEFAULT_SESSION <= longest <= LONGEST_SESSION:
            raise BadInput("maxSessionDuration", f"is not {DEFAULT_SESSION} to {LONGEST_SESSION} seconds")
        text = role.description if description is None else description
        return tx.swap(role, replace(role, description=text, max_session_duration=longest))

    return change_role(ports, call, "UpdateRole", name, work)


def update_trust(ports: Ports, call: Call, name: str, trust: str) -> Role:
    """Change who may step into a role; sessions already made stay. API: UpdateAssumeRolePolicy."""

    def work(tx: Writing, _draft: Draft, role: Role) -> Role:
        policy = trust_document(trust)
        if request := approved_by(tx, call):
            act = Refused(call, "iam:UpdateAssumeRolePolicy", role.arn)
            guards.trust_is_of_this_request(act, request, role)
            guards.trusts_no_stranger(act, request, policy)
        return tx.swap(role, replace(role, trust=trust, trusted=bound_principals(tx, policy)))

    return change_role(ports, call, "UpdateAssumeRolePolicy", name, work)


def put_boundary(ports: Ports, call: Call, name: str, boundary_arn: str) -> Role:
    """Set a role's permissions boundary. API: PutRolePermissionsBoundary.

    For a role of a delegation this takes a delegation of the same partner whose approver saw the new boundary.
    """
    action = "iam:PutRolePermissionsBoundary"

    def work(tx: Writing, draft: Draft) -> Role:
        account = call.caller.account_id
        canonical = usable_boundary(tx, account, boundary_arn)
        role = admitted_role(tx, ports, call, action, name, {"iam:PermissionsBoundary": canonical})
        request = approved_by(tx, call)
        if request is None:
            guards.boundary_stays(role)
        else:
            act = Refused(call, action, role.arn)
            guards.boundary_is_upgraded(act, request, role)
            guards.boundary_was_shown(act, request, canonical)
        note_role(draft, call, role)
        tx.authority_changed()
        return tx.swap(role, replace(role, boundary_arn=canonical))

    asked = {"roleName": name, "permissionsBoundary": boundary_arn}
    return perform(ports, call, "PutRolePermissionsBoundary", work, asked=asked)


def delete_boundary(ports: Ports, call: Call, name: str) -> Role:
    """Take a role's permissions boundary away. API: DeleteRolePermissionsBoundary. Never from a delegation's role."""

    def work(tx: Writing, _draft: Draft, role: Role) -> Role:
        guards.boundary_stays(role)
        if role.boundary_arn is None:
            raise NoSuchEntity("permissions boundary of the role", name)
        return tx.swap(role, replace(role, boundary_arn=None))

    return change_role(ports, call, "DeleteRolePermissionsBoundary", name, work)


def tag_role(ports: Ports, call: Call, name: str, tags: Tags) -> Role:
    """Add or replace tags of a role. API: TagRole."""

    def work(tx: Writing, _draft: Draft, role: Role) -> Role:
        added = parse_tags(tags)
        _guard_tags(tx, call, "iam:TagRole", role, [key for key, _ in added])
        return tx.swap(role, replace(role, tags=merged_tags(role.tags, added)))

    return change_role(ports, call, "TagRole", name, work, keys=_tag_conditions(tags))


def untag_role(ports: Ports, call: Call, name: str, keys: Sequence[str]) -> Role:
    """Take tags from a role; one that is not there is no failure. API: UntagRole."""

    def work(tx: Writing, _draft: Draft, role: Role) -> Role:
        gone = {fold(key) for key in keys}
        if any(key.startswith(guards.OWN_TAGS) for key in gone):
            raise BadInput("tagKeys", "names a tag of the service, which stays")
        _guard_tags(tx, call, "iam:UntagRole", role, keys)
        return tx.swap(role, replace(role, tags=tuple(each for each in role.tags if fold(each[0]) not in gone)))

    return change_role(ports, call, "UntagRole", name, work, keys={"aws:TagKeys": tuple(keys)})


def _tag_conditions(tags: Tags) -> Keys:
    # The keys are judged before the tags are: two that differ in case alone must not stop the engine.
    distinct = {fold(key): (key, value) for key, value in tags}
    return tag_keys(tuple(distinct.values()), "aws:RequestTag")


def _guard_tags(tx: Reading, call: Call, action: str, role: Role, keys: Sequence[str]) -> None:
    if request := approved_by(tx, call):
        guards.tags_were_listed(Refused(call, action, role.arn), request, keys)


def delete_role(ports: Ports, call: Call, name: str) -> None:
    """Delete a role without policies; sessions of it stop at once, its grant ends. API: DeleteRole."""

    def work(tx: Writing, _draft: Draft, role: Role) -> None:
        for attachment in tx.find(Attachment, principal_id=role.id):
            what = "delete policies" if attachment.policy_arn is None else "detach all policies"
            raise DeleteConflict(f"Cannot delete entity, must {what} first.")
        tx.remove(role)
        end_role_grant(tx, ports, call, role)

    change_role(ports, call, "DeleteRole", name, work)
