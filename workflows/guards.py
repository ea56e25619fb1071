"""No way out: what delegated authority may never do with roles, whatever its policies say.

Each rule is one function, asked by name where its act happens; ROL-numbers in the tests name the escape that it
closes. A rule looks at what is stored (the request as it was approved, the role as it stands), never at a claim.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from workflows.authority import compiled
from workflows.callers import Call
from workflows.errors import AccessDenied, NoSuchEntity, UnmodifiableEntity
from workflows.ids import AccountId
from workflows.policy.conditions import Clause, Quantifier
from workflows.policy.context import fold
from workflows.policy.document import ASKED, Effect, Policy, PolicyKind, Statement, parse_policy
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.policy.patterns import Work
from workflows.policy.principal import Form
from workflows.ports import Reading
from workflows.records.account import ManagedPolicy
from workflows.records.grant import Grant
from workflows.records.request import DelegationRequest
from workflows.records.role import Role

OWN_TAGS: Final = "daypass:"


@dataclass(frozen=True, slots=True)
class Refused:
    """The act that a rule is asked about, for the words of its refusal."""

    call: Call
    action: str
    resource: str

    def because(self, reason: str) -> AccessDenied:
        """Return the refusal."""
        return AccessDenied(
            principal=self.call.caller.arn,
            action=self.action,
            resource=self.resource,
            because=f"because {reason}",
            explicit=True,
        )


def approved_by(tx: Reading, call: Call) -> DelegationRequest | None:
    """Return the approved request that a caller's authority comes from, or None when none was lent to it."""
    caller = call.caller
    if not caller.is_delegated:
        return None
    grant = tx.get(Grant, caller.grant_id) if caller.grant_id else None
    request = tx.get(DelegationRequest, grant.request_id) if grant else None
    if request is None:
        raise NoSuchEntity("grant", str(caller.grant_id))
    return request


def shown_boundaries(request: DelegationRequest) -> frozenset[str]:
    """Return the boundaries that the approver of a request saw."""
    return frozenset(arn for arn, _ in request.boundaries)


# --- the rules -------------------------------------------------------------------------------------------


def boundary_was_shown(act: Refused, request: DelegationRequest, boundary_arn: str | None) -> None:
    """A role is made, and a boundary set, only with a boundary that the approver of this very request saw."""
    if boundary_arn is None or boundary_arn not in shown_boundaries(request):
        raise act.because("a role of a delegation carries a permissions boundary that its approver was shown")


def role_is_in_reach(act: Refused, request: DelegationRequest, role: Role) -> None:
    """A role is changed only if this delegation made it, or if it carries a boundary that its approver saw."""
    ours = role.partner_id == request.requestor_id
    if not ours or (role.request_id != request.id and role.boundary_arn not in shown_boundaries(request)):
        raise act.because("this delegation did not make the role")


def trust_is_of_this_request(act: Refused, request: DelegationRequest, role: Role) -> None:
    """Who may step into a role is changed only by the delegation that made it."""
    if role.request_id != request.id:
        raise act.because("only the delegation that made a role may change whom it trusts")


def path_is_the_partners(act: Refused, request: DelegationRequest, path: str) -> None:
    """Roles and policies of a delegation stand under the partner's own path."""
    if not path.startswith(f"/{request.requestor_domain}/"):
        raise act.because(f"what a delegation makes stands under the path /{request.requestor_domain}/")


def boundary_stays(role: Role) -> None:
    """A role that was born of a delegation keeps its boundary, whoever asks, but for a new approved request."""
    if role.partner_id is not None:
        raise UnmodifiableEntity(
            f"the role `{role.name}` was made by a delegation: its boundary changes by a new approved request alone"
        )


def boundary_is_upgraded(act: Refused, request: DelegationRequest, role: Role) -> None:
    """A delegation sets the boundary only of a role that carries one of its own partner's already."""
    ours = role.partner_id == request.requestor_id and role.path.startswith(f"/{request.requestor_domain}/")
    if not ours or role.boundary_arn is None:
        raise act.because("the role carries no boundary that this partner's delegations gave it")


def trusts_no_stranger(act: Refused, request: DelegationRequest, trust: Policy) -> None:
    """A role of a delegation trusts the partner, with an external id, and services that the approver was shown."""
    for statement in trust.statements:
        if statement.effect is Effect.ALLOW:
            _refuse_strangers(act, request, statement)


def _refuse_strangers(act: Refused, request: DelegationRequest, statement: Statement) -> None:
    named = statement.principals
    if named is None or named.everybody:
        raise act.because("a role of a delegation does not trust everybody")
    accounts = {
        *named.accounts,
        *(arn.split(":")[4] for arn in named.arns),
        *(key.split(":")[1] for key in named.roles),
    }
    if accounts - {request.requestor_id}:
        raise act.because("a role of a delegation trusts no account but the partner's")
    if accounts and not any(_demands_external_id(clause) for clause in statement.conditions):
        raise act.because("a role of a delegation demands an external id (sts:ExternalId) of the partner")
    outside = {form: names for form, names in named.others.items() if names}
    services = outside.pop(Form.SERVICE, frozenset())
    if outside or not services <= listed_services(request):
        raise act.because("a role of a delegation trusts no service that its approver was not shown")


def _demands_external_id(clause: Clause) -> bool:
    operator = clause.operator
    plain = operator.quantifier is Quantifier.NONE and not operator.if_exists and operator.base == "StringEquals"
    return plain and fold(clause.key) == "sts:externalid" and all(clause.texts)


def tags_were_listed(act: Refused, request: DelegationRequest, keys: Sequence[str]) -> None:
    """A delegation sets and takes only tags that its policy names: a tag can be what another policy looks at."""
    if strange := [key for key in keys if key not in listed_tags(request)]:
        raise act.because(f"the tag `{strange[0]}` is not one that its policy lists")


def policy_is_the_partners(act: Refused, request: DelegationRequest, policy: ManagedPolicy) -> None:
    """A delegation changes and deletes only policies that a delegation to the same partner made."""
    if policy.partner_id != request.requestor_id:
        raise act.because("this partner's delegations did not make the policy")


def role_was_named(act: Refused, request: DelegationRequest, role: Role) -> None:
    """Delegated authority steps only into roles that its policy names one by one, without a wildcard."""
    named = {
        pattern.text
        for statement in _allowing(request, "sts:assumerole")
        for pattern in statement.resources
        if pattern.is_fixed and not set("*?") & set(pattern.text)
    }
    if role.arn not in named:
        raise act.because("its policy does not name this role")


def lineage_after(call: Call, inherited: Sequence[str], role: Role) -> tuple[str, ...]:
    """Return what caps and ends a session of this role: all that its maker descends from, and the role's own birth."""
    lent = (call.caller.grant_id,) if call.caller.is_delegated and not inherited and call.caller.grant_id else ()
    own = (role.id,) if role.grant_id is not None else ()
    return tuple(dict.fromkeys((*inherited, *lent, *own)))


def passing_layer(tx: Reading, request: DelegationRequest, account: AccountId) -> Layer:
    """Return the ceiling over iam:PassRole: only to listed services, only roles with a shown boundary or named ones."""
    services = tuple(sorted(listed_services(request)))
    passable = sorted(_passable(tx, request, account)) if services else []
    document = _passing_document(tuple(passable), services)
    return Layer(LayerKind.GUARDRAIL, "passing roles", (NamedPolicy("pass-role", document),))


def _passable(tx: Reading, request: DelegationRequest, account: AccountId) -> set[str]:
    shown = shown_boundaries(request)
    born = tx.find(Role, partner_id=request.requestor_id, account_id=account)
    roles = {role.arn for role in born if role.boundary_arn in shown}
    named = {
        pattern.text
        for statement in _allowing(request, "iam:passrole")
        for pattern in statement.resources
        if pattern.is_fixed
    }
    # A path may hold characters that would be wildcards here; such a role cannot be passed.
    return {arn for arn in roles | named if not set("*?$") & set(arn)}


# --- what a rendered policy lists ------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _passing_document(roles: tuple[str, ...], services: tuple[str, ...]) -> Policy:
    statements: list[Mapping[str, object]] = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    deny = {"Sid": "PassRole", "Effect": "Deny", "Action": "iam:PassRole"}
    if roles and services:
        elsewhere = {"StringNotEquals": {"iam:PassedToService": list(services)}}
        statements += [
            {**deny, "NotResource": list(roles)},
            {**deny, "Sid": "PassedToService", "Resource": "*", "Condition": elsewhere},
        ]
    else:
        statements.append({**deny, "Resource": "*"})
    # An account may hold more roles than a stored document may name.
    return parse_policy(
        json.dumps({"Version": "2012-10-17", "Statement": statements}), kind=PolicyKind.GUARDRAIL, caps=ASKED
    )


def _allowing(request: DelegationRequest, action: str) -> Iterator[Statement]:
    """The Allow statements of a request's policy that cover an action (in lower case)."""
    policy = compiled(request.permission_policy, PolicyKind.SESSION)
    for statement in policy.statements:
        if statement.effect is Effect.ALLOW and statement.covers_action(action, Work()):
            yield statement


def _clauses(request: DelegationRequest, *actions: str) -> Iterator[Clause]:
    for action in actions:
        for statement in _allowing(request, action):
            yield from statement.conditions


def listed_services(request: DelegationRequest) -> frozenset[str]:
    """Return the services that a request's policy lets roles be passed to, as its conditions list them."""
    return frozenset(
        text
        for clause in _clauses(request, "iam:passrole")
        if fold(clause.key) == "iam:passedtoservice" and clause.operator.base in ("StringEquals", "StringLike")
        for text in clause.texts
        if not set("*?$") & set(text)
    )


def listed_tags(request: DelegationRequest) -> frozenset[str]:
    """Return the tag keys that a request's policy lists in conditions on what tags are set."""
    found: set[str] = set()
    for clause in _clauses(request, "iam:createrole", "iam:tagrole", "iam:untagrole", "iam:createpolicy"):
        key = fold(clause.key)
        if key.startswith("aws:requesttag/"):
            found.add(clause.key.partition("/")[2])
        elif key == "aws:tagkeys":
            found |= {text for text in clause.texts if not set("*?$") & set(text)}
    return frozenset(found)
