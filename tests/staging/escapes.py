"""An account with tempting things in it, a delegated session that may ask for everything, and what must never happen.

A call is data, so that a sequence of calls can be made up, repeated and shrunk. `violations` looks at what is stored
and at what the engine says of every principal; it shares no code with the rules that it watches.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from staging.houses import ACCOUNT, OPERATOR, OTHER_PARTNER, People, earlier_template, settle_people
from staging.roles import (
    ACCOUNT_ROOT,
    BOUNDARY,
    DOMAIN,
    PARTNER_ROOT,
    PARTNER_TRUST,
    READ_LOGS,
    WIDE_OPEN,
    register_role_work,
    role_session,
    trusting,
)

from service.house import House
from workflows import (
    account_users,
    credentialing,
    customer_policies,
    role_policies,
    role_sessions,
    roles,
)
from workflows.authentication import candidate_for
from workflows.callers import Call
from workflows.customer_policies import NewPolicy
from workflows.errors import DomainError
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import AccessKey, Attachment, ManagedPolicy, PolicyVersion, Principal
from workflows.records.grant import Grant, GrantKind
from workflows.records.role import Role, RoleSession
from workflows.role_sessions import NewSession
from workflows.role_standing import standing_of_subject
from workflows.roles import NewRole
from workflows.sessions import judge, supplied_context

PATH: Final = f"/{DOMAIN}/"
ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
LIMIT: Final = f"arn:aws:iam::{ACCOUNT}:policy/Limit"
DEPLOY: Final = f"arn:aws:iam::{ACCOUNT}:role/Deploy"
OWN_TRUST: Final = trusting(ACCOUNT_ROOT, external_id=None)
STRANGER_TRUST: Final = trusting(f"arn:aws:iam::{OTHER_PARTNER}:root")

# Nothing of this is inside the boundary that was shown.
OUTSIDE: Final = (
    ("s3:DeleteBucket", "arn:aws:s3:::logs"),
    ("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:queue"),
    ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/new"),
    ("iam:PutRolePolicy", DEPLOY),
    ("ec2:RunInstances", "*"),
)
PASSING: Final = (("iam:PassRole", DEPLOY), ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Plain"))
_LISTED_TAGS: Final = {"team", "purpose", "daypass:request"}


def _template() -> dict[str, Any]:
    condition = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    passing = {"Sid": "Pass", "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": condition}
    naming = {"Sid": "Step", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": DEPLOY}
    return {**WIDE_OPEN, "Statement": [*WIDE_OPEN["Statement"], passing, naming]}


@dataclass(frozen=True, slots=True)
class Move:
    """One call: by whom, which, with what."""

    actor: str
    act: str
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class World:
    """The account before anybody tries anything, and the credentials that were gained since."""

    house: House
    people: People
    session: Call
    earlier_request: str
    request: str
    gained: list[Call] = field(default_factory=list)
    baseline: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ports(self) -> Ports:
        return self.house.ports

    def caller(self, actor: str) -> Call:
        """The call of an actor; `gained` stands for the last credentials that were gained."""
        if actor == "gained" and self.gained:
            return self.gained[-1]
        return self.people.call("partner") if actor == "partner" else self.session


def _call_with(ports: Ports, access_key_id: str, token: str) -> Call:
    candidate = ports.store.read(lambda tx: candidate_for(tx, ports, access_key_id, token))
    assert candidate.caller is not None, candidate.refusal
    return Call(candidate.caller, id="call-attempt", wire="aws")


def settled(house: House) -> World:
    """Everybody, the owner's own roles and policies, and a session that may ask for everything."""
    ports, people = house.ports, settle_people(house.ports)
    register_role_work(ports)
    admin = people.call("approver")
    customer_policies.create(ports, admin, NewPolicy("Limit", READ_LOGS))
    credentialing.create_access_key(ports, OPERATOR, people.owner.arn)
    for name, trust, boundary in (
        ("Deploy", OWN_TRUST, None),
        ("Bounded", PARTNER_TRUST, LIMIT),
        ("Plain", PARTNER_TRUST, None),
        ("Quiet", OWN_TRUST, None),
    ):
        roles.create_role(ports, admin, NewRole(name, trust, boundary_arn=boundary))
        if name in ("Deploy", "Bounded"):
            role_policies.attach(ports, admin, name, ADMINISTRATOR)
    template = earlier_template(ports, "Escape_2026_01_01", _template())
    calls = []
    for workflow_id in ("wf-earlier", "wf-present"):
        minted = role_session(ports, people, template, workflow_id)
        calls.append(_call_with(ports, minted.access_key_id, minted.session_token))
    earlier, present = calls
    made = NewRole("Earlier", PARTNER_TRUST, path=PATH, boundary_arn=BOUNDARY)
    roles.create_role(ports, earlier, made)
    requests = [_request_of(ports, call) for call in calls]
    world = World(house, people, present, requests[0], requests[1])
    world.baseline = ports.store.read(_everything)
    return world


def _request_of(ports: Ports, call: Call) -> str:
    grant = ports.store.read(lambda tx: tx.get(Grant, call.caller.grant_id or ""))
    assert grant is not None
    return grant.request_id


_KINDS: Final = (Role, RoleSession, Attachment, ManagedPolicy, PolicyVersion, AccessKey, Principal, Grant)


def _everything(tx: Reading) -> dict[str, Any]:
    return {kind.__name__: tuple(tx.find(kind)) for kind in _KINDS}


def reset(world: World) -> None:
    """Put everything back as it was, so that many sequences can be tried in one house."""

    def work(tx: Writing) -> None:
        for kind in _KINDS:
            before = world.baseline[kind.__name__]
            for record in tx.find(kind):
                if record not in before:
                    tx.remove(record)
            now = tx.find(kind)
            for record in before:
                if record not in now:
                    tx.put(record)

    world.ports.store.write(work)
    world.gained.clear()


# --- what can be tried -----------------------------------------------------------------------------------


def _assume(world: World, call: Call, **given: Any) -> None:
    made = role_sessions.assume(world.ports, call, NewSession(name="attempt", **given))
    world.gained.append(_call_with(world.ports, made.session.access_key_id, made.session_token))


def _use(act: Callable[..., Any]) -> Callable[..., Any]:
    return lambda world, call, **given: act(world.ports, call, **given)


ACTS: Final[Mapping[str, Callable[..., Any]]] = {
    "create_role": lambda world, call, **given: roles.create_role(world.ports, call, NewRole(**given)),
    "put_policy": _use(role_policies.put_inline),
    "drop_policy": _use(role_policies.delete_inline),
    "attach": _use(role_policies.attach),
    "detach": _use(role_policies.detach),
    "trust": _use(roles.update_trust),
    "put_boundary": _use(roles.put_boundary),
    "drop_boundary": _use(roles.delete_boundary),
    "tag": _use(roles.tag_role),
    "untag": _use(roles.untag_role),
    "delete_role": _use(roles.delete_role),
    "create_policy": lambda world, call, **given: customer_policies.create(world.ports, call, NewPolicy(**given)),
    "new_version": _use(customer_policies.create_version),
    "set_default": _use(customer_policies.set_default),
    "delete_policy": _use(customer_policies.delete),
    "create_key": _use(account_users.create_key),
    "delete_key": lambda world, call, name: account_users.delete_key(
        world.ports, call, name, world.baseline["AccessKey"][0].id
    ),
    "assume": _assume,
}


def play(world: World, moves: Sequence[Move]) -> None:
    """Try every move in its turn; what is refused is refused."""
    for move in moves:
        try:
            ACTS[move.act](world, world.caller(move.actor), **move.given)
        except DomainError:
            continue


# --- what must never happen ------------------------------------------------------------------------------


def violations(world: World) -> list[str]:
    """Everything that is other than it may be, in words."""
    return world.ports.store.read(lambda tx: [*_stored_wrong(tx, world), *_allowed_too_much(tx, world)])


def _stored_wrong(tx: Reading, world: World) -> Iterator[str]:
    before = {one.id: one for one in world.baseline["Role"]}
    for role in tx.find(Role):
        if role.partner_id is not None:
            yield from _born_wrong(role)
        if role.request_id != world.request and before.get(role.id, role).trust != role.trust:
            yield f"{role.name} trusts somebody else"
        if role.partner_id is None and before.get(role.id) != role:
            yield f"the owner's role {role.name} changed"
    for kind in (AccessKey, Principal):
        if tuple(tx.find(kind)) != world.baseline[kind.__name__]:
            yield f"{kind.__name__} changed"
    for policy in tx.find(ManagedPolicy):
        if policy.partner_id is not None and policy.path != PATH:
            yield f"the policy {policy.name} stands at {policy.path}"
    live = {grant.id for grant in tx.find(Grant) if grant.kind is GrantKind.ROLE}
    yield from (f"{role.name} has no grant" for role in tx.find(Role) if role.partner_id and role.grant_id not in live)


def _born_wrong(role: Role) -> Iterator[str]:
    if role.boundary_arn != BOUNDARY:
        yield f"{role.name} carries {role.boundary_arn}"
    if role.path != PATH:
        yield f"{role.name} stands at {role.path}"
    if strange := {key for key, _ in role.tags} - _LISTED_TAGS:
        yield f"{role.name} is tagged {sorted(strange)}"
    for statement in json.loads(role.trust)["Statement"]:
        named = statement["Principal"]
        demanded = statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")
        if named != {"AWS": PARTNER_ROOT} or not demanded:
            yield f"{role.name} trusts {named}"


def _allowed(tx: Reading, world: World, kind: str, subject: str, question: tuple[str, str]) -> bool:
    try:
        standing = standing_of_subject(tx, world.ports, kind, subject)
    except DomainError:
        return False
    context = supplied_context({"iam:PassedToService": "lambda.amazonaws.com"})
    answer = judge(standing, action=question[0], resource=question[1], context=context, now=world.ports.clock.now())
    return answer is not None and answer.allowed


def _allowed_too_much(tx: Reading, world: World) -> Iterator[str]:
    may_itself = {one: _allowed(tx, world, "session", world.session.caller.credential or "", one) for one in OUTSIDE}
    for role in tx.find(Role):
        yield from _of_role(tx, world, role)
    through = {world.session.caller.arn}
    for call in world.gained:
        session = tx.get(RoleSession, call.caller.credential or "")
        entered = tx.get(Role, session.role_id) if session else None
        if session is None or entered is None:
            continue
        through_session = session.minted_by in through
        through |= {call.caller.arn} if through_session else set()
        if through_session and entered.arn != DEPLOY:
            yield f"the session stepped into {entered.name}"
        for question in OUTSIDE:
            allowed = _allowed(tx, world, "session", session.access_key_id, question)
            limit = through_session and may_itself[question]
            if allowed and not limit:
                yield f"a session of {entered.name} may {question[0]}"
    for question in PASSING:
        if _allowed(tx, world, "session", world.session.caller.credential or "", question):
            yield f"the session may pass {question[1]}"


def _of_role(tx: Reading, world: World, role: Role) -> Iterator[str]:
    may = [question for question in OUTSIDE if _allowed(tx, world, "principal", role.arn, question)]
    if role.partner_id is not None and may:
        yield f"{role.name} may {may}"
    if role.name in ("Bounded", "Plain") and may:
        yield f"the owner's role {role.name} may {may}"
