"""Use-cases that look over an account at once: all it holds, who granted which service, what was last accessed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.acts import consult, perform
from workflows.audit import Draft
from workflows.authority import attached_policy, compiled
from workflows.callers import Call
from workflows.customer_policies import Shown, shown_policy, versions_of
from workflows.errors import BadInput, NoSuchEntity
from workflows.permits import Act, permit
from workflows.policy.document import Effect, Policy, PolicyKind
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import Attachment, ManagedPolicy, PolicyVersion, Principal, PrincipalKind
from workflows.records.role import AccessReport, Role
from workflows.usage import Used, used_by

KINDS: Final = ("User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy")
_ANYTHING: Final = "*"


@dataclass(frozen=True, slots=True)
class Entity:
    """A user or a role with its policies."""

    principal: Principal | None
    role: Role | None
    attachments: Sequence[Attachment]

    @property
    def arn(self) -> str:
        """The ARN of the user or role."""
        return self.role.arn if self.role else self.principal.arn if self.principal else ""


@dataclass(frozen=True, slots=True)
class Detail:
    """One line of an account's details: an entity, or a policy with its versions. `order` is its place among all."""

    kind: str
    order: str
    entity: Entity | None = None
    policy: Shown | None = None
    versions: Sequence[tuple[PolicyVersion, bool]] = ()


def _entities(tx: Reading, account: str) -> Iterator[Detail]:
    for user in tx.find(Principal, account_id=account, kind=PrincipalKind.USER):
        entity = Entity(user, None, tx.find(Attachment, principal_id=user.id))
        yield Detail("User", f"1/{user.name}", entity)
    for role in tx.find(Role, account_id=account):
        yield Detail("Role", f"2/{role.name_key}", Entity(None, role, tx.find(Attachment, principal_id=role.id)))


def details(ports: Ports, call: Call, kinds: Sequence[str]) -> Sequence[Detail]:
    """Return the account's users, roles and policies, those `kinds` or all. API: GetAccountAuthorizationDetails."""

    def work(tx: Reading, _draft: Draft) -> Sequence[Detail]:
        permit(tx, ports, call, Act("iam:GetAccountAuthorizationDetails", "*"))
        account = call.caller.account_id
        entities = list(_entities(tx, account))
        attached = {one.policy_arn for detail in entities if detail.entity for one in detail.entity.attachments}
        own = {one.arn for one in tx.find(ManagedPolicy, account_id=account)}
        policies = [("LocalManagedPolicy", f"3/{arn}", arn) for arn in own]
        policies += [("AWSManagedPolicy", f"4/{arn}", arn) for arn in attached - own if arn is not None]
        found = entities + [
            Detail(kind, order, policy=shown_policy(tx, call, arn), versions=versions_of(tx, call, arn))
            for kind, order, arn in policies
        ]
        wanted = set(kinds) or set(KINDS)
        return sorted((one for one in found if one.kind in wanted), key=lambda one: one.order)

    return consult(ports, call, "GetAccountAuthorizationDetails", work)


# --- services ---------------------------------------------------------------------------------------------


def _services(policy: Policy) -> frozenset[str]:
    """Return the services that a policy's Allows speak of; `*` stands for all."""
    found = set()
    for statement in policy.statements:
        if statement.effect is Effect.ALLOW:
            named = [pattern.text.partition(":")[0].lower() for pattern in statement.actions]
            found |= set(named) if statement.actions else {_ANYTHING}
    return frozenset(_ANYTHING if set("*?") & set(name) else name for name in found)


def _entity(tx: Reading, call: Call, arn: str) -> Entity:
    account = call.caller.account_id
    if roles := tx.find(Role, arn=arn, account_id=account):
        return Entity(None, roles[0], tx.find(Attachment, principal_id=roles[0].id))
    if users := tx.find(Principal, arn=arn, account_id=account):
        return Entity(users[0], None, tx.find(Attachment, principal_id=users[0].id))
    raise NoSuchEntity("entity", arn)


def _granted(tx: Reading, call: Call, arn: str) -> Sequence[tuple[str, frozenset[str]]]:
    """Return the ids whose use counts for an entity, each with the services that it was granted."""
    if ":policy/" in arn:
        text = versions_of(tx, call, arn)
        default = next(version.document for version, counts in text if counts)
        granted = _services(compiled(default, PolicyKind.IDENTITY))
        holders = [one.principal_id for one in tx.find(Attachment, policy_arn=arn)]
        return [(holder, granted) for holder in holders] or [("", granted)]
    entity = _entity(tx, call, arn)
    principal_id = entity.role.id if entity.role else entity.principal.id if entity.principal else ""
    services = [_services(attached_policy(tx, one).policy) for one in entity.attachments]
    return [(principal_id, frozenset().union(*services))]


@dataclass(frozen=True, slots=True)
class ServiceUse:
    """A service that an entity was granted or used: its use by action, the most recent first, and by how many."""

    namespace: str
    actions: Sequence[Used]
    entities: int


def _service_uses(tx: Reading, call: Call, arn: str) -> Sequence[ServiceUse]:
    actions: dict[str, dict[str, Used]] = {}
    by: dict[str, set[str]] = {}
    for principal_id, granted in _granted(tx, call, arn):
        for name in granted - {_ANYTHING}:
            actions.setdefault(name, {})
        for action, used in used_by(tx, principal_id).items():
            namespace, colon, _ = action.partition(":")
            if not colon or (namespace not in granted and _ANYTHING not in granted):
                continue
            before = actions.setdefault(namespace, {}).get(action)
            if before is None or before.last_at < used.last_at:
                actions[namespace][action] = used
            by.setdefault(namespace, set()).add(principal_id)
    return [
        ServiceUse(name, sorted(uses.values(), key=lambda use: use.last_at, reverse=True), len(by.get(name, ())))
        for name, uses in sorted(actions.items())
    ]


def generate_report(ports: Ports, call: Call, arn: str, granularity: str) -> AccessReport:
    """Order a report on what an entity or the holders of a policy accessed. API: GenerateServiceLastAccessedDetails."""

    def work(tx: Writing, draft: Draft) -> AccessReport:
        permit(tx, ports, call, Act("iam:GenerateServiceLastAccessedDetails", arn))
        _granted(tx, call, arn)
        digits = ports.entropy.token_bytes(16).hex()
        report_id = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        report = AccessReport(report_id, call.caller.account_id, arn, granularity, ports.clock.now())
        tx.add(report)
        draft.resource = arn
        return report

    return perform(ports, call, "GenerateServiceLastAccessedDetails", work, asked={"arn": arn})


def fetch_report(ports: Ports, call: Call, report_id: str) -> tuple[AccessReport, Sequence[ServiceUse]]:
    """Return a report that the caller's account ordered. API: GetServiceLastAccessedDetails."""

    def work(tx: Reading, _draft: Draft) -> tuple[AccessReport, Sequence[ServiceUse]]:
        permit(tx, ports, call, Act("iam:GetServiceLastAccessedDetails", "*"))
        report = tx.get(AccessReport, report_id)
        if report is None or report.account_id != call.caller.account_id:
            raise NoSuchEntity("job", report_id)
        return report, _service_uses(tx, call, report.arn)

    return consult(ports, call, "GetServiceLastAccessedDetails", work, asked={"jobId": report_id})


def granting_policies(
    ports: Ports, call: Call, arn: str, namespaces: Sequence[str]
) -> tuple[Entity, Mapping[str, Sequence[Attachment]]]:
    """Return which of an entity's policies allow anything of each service. API: ListPoliciesGrantingServiceAccess."""

    def work(tx: Reading, _draft: Draft) -> tuple[Entity, Mapping[str, Sequence[Attachment]]]:
        permit(tx, ports, call, Act("iam:ListPoliciesGrantingServiceAccess", arn))
        entity = _entity(tx, call, arn)
        granted = [(one, _services(attached_policy(tx, one).policy)) for one in entity.attachments]
        return entity, {
            name: [one for one, services in granted if {name.lower(), _ANYTHING} & services] for name in namespaces
        }

    if len(set(namespaces)) < len(namespaces):
        raise BadInput("serviceNamespaces", "names a service twice")
    return consult(ports, call, "ListPoliciesGrantingServiceAccess", work, asked={"arn": arn})
