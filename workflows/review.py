"""Use-cases of the review: everything that somebody needs who is to decide, read in one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workflows.acts import consult
from workflows.approval import could_lend
from workflows.audit import Draft
from workflows.authority import Rights, compiled, decision_among, rights_of
from workflows.callers import OWNERS, Call
from workflows.deeds import Deeds, deeds_under
from workflows.errors import BadInput
from workflows.grants import seen_at
from workflows.ids import AccountId
from workflows.least_privilege import suggestion
from workflows.lifecycle import MOVES, Act, state_at
from workflows.novelty import gone, is_new, parts
from workflows.policy.context import RequestContext, fold
from workflows.policy.decision import Decision
from workflows.policy.document import Effect, Policy, PolicyKind, Statement
from workflows.policy.patterns import Work
from workflows.policy.permission_check import PermissionCheck
from workflows.policy.questions import DeadStatement, dead_statements
from workflows.ports import Ports, Reading
from workflows.records.account import Account, Principal
from workflows.records.audit import AuditEntry
from workflows.records.grant import Grant, GrantState, Session
from workflows.records.partner import Boundary, Partner, PolicyTemplate
from workflows.records.request import DelegationRequest, State
from workflows.records.sign_in import Evidence
from workflows.registration import Accepted, accepted_for
from workflows.risk import Reason, risks
from workflows.role_grants import STANDING, released_grant
from workflows.sessions import Standing, judge, standing_lent
from workflows.standing import action_of, authorize_on, find_request, question_on, refuse_outsiders
from workflows.summary.levels import GRAVITY, Level, level_of

# Enough to say "often"; what is beyond is not counted.
MOST_COUNTED: Final = 100
_COMPARED: Final = 20
# The steps that may be spent on telling what is new, and on telling what is gone.
_WORK: Final = 1_000_000
_HISTORY: Final = 60
_LONGEST_ACTION: Final = 128
_LONGEST_RESOURCE: Final = 512
_REVOKE: Final = "iam:RevokeDelegation"


class Step(StrEnum):
    """What somebody can do to a request from its page."""

    CLAIM = "claim"
    ACCEPT = "accept"
    REJECT = "reject"
    FORWARD = "forward"
    SEND = "send"
    REVOKE = "revoke"


_ACTS: Final = {
    Step.CLAIM: Act.ASSOCIATE,
    Step.ACCEPT: Act.ACCEPT,
    Step.REJECT: Act.REJECT,
    Step.FORWARD: Act.UPDATE,
    Step.SEND: Act.SEND,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One action of one statement: what it is, how grave, on what, and under which conditions it is meant."""

    service: str
    action: str
    level: Level
    resources: tuple[str, ...]
    conditional: bool
    statement: int
    new: bool


@dataclass(frozen=True, slots=True)
class Before:
    """What this partner was lent in this account before."""

    approvals: int
    live: int
    first: Grant | None
    latest: Grant | None
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """Everything on the page of one request, for one reader."""

    request: DelegationRequest
    state: State
    partner: Partner | None
    account: Account | None
    lines: tuple[Line, ...]
    denies: int
    risks: tuple[Reason, ...]
    dead: Sequence[DeadStatement]
    suggestion: str | None
    before: Before | None
    check: PermissionCheck | None
    possible: frozenset[Step]
    template: PolicyTemplate | None
    boundaries: Mapping[str, Boundary | None]
    accepted: Sequence[Accepted]
    grant: Grant | None
    deeds: Deeds | None
    sessions: Sequence[Session]
    evidence: Sequence[Evidence]
    history: Sequence[AuditEntry]

    @property
    def worst(self) -> tuple[Level, ...]:
        """The levels that are asked for, the gravest first."""
        return tuple(sorted({line.level for line in self.lines}, key=lambda level: GRAVITY[level]))

    @property
    def everywhere(self) -> bool:
        """Whether any action is asked for on every resource."""
        return any("*" in line.resources for line in self.lines)


def worst_of(request: DelegationRequest) -> tuple[Level, ...]:
    """Return the levels of what a request lends, the gravest first."""
    found = {line.level for line in _lines(compiled(request.permission_policy, PolicyKind.SESSION), ())}
    return tuple(sorted(found, key=lambda level: GRAVITY[level]))


def look(ports: Ports, call: Call, request_id: str) -> Review:
    """Return the review of a request that the caller may see; raises `NoSuchEntity` for every other id."""

    def work(tx: Reading, draft: Draft) -> Review:
        refuse_outsiders(call, "iam:GetDelegationRequest")
        request = find_request(tx, call, request_id)
        draft.request_id = request.id
        authorize_on(tx, ports, call, "iam:GetDelegationRequest", request)
        return _review(tx, ports, call, request)

    return consult(ports, call, "GetDelegationRequest", work, asked={"delegationRequestId": request_id})


def _review(tx: Reading, ports: Ports, call: Call, request: DelegationRequest) -> Review:
    now = ports.clock.now()
    state = state_at(request, now)
    policy = compiled(request.permission_policy, PolicyKind.SESSION)
    account_id = request.owner_account_id or request.target_account_id or call.caller.account_id
    decided = state in (State.ACCEPTED, State.FINALIZED, State.REJECTED, State.EXPIRED)
    earlier = _policies_before(tx, request, account_id)
    rights = rights_of(tx, call)
    check = None if decided else could_lend(*rights, request)
    released = released_grant(tx, request)
    grant = seen_at(released, now) if released else None
    return Review(
        request=request,
        state=state,
        partner=tx.get(Partner, request.requestor_id),
        account=tx.get(Account, account_id),
        lines=_lines(policy, earlier),
        denies=sum(one.effect is Effect.DENY for one in policy.statements),
        risks=risks(policy),
        dead=dead_statements(policy),
        suggestion=None if decided else suggestion(tx, request),
        before=_before(tx, request, account_id, policy, earlier),
        check=check,
        possible=_possible(ports, call, request, rights, grant),
        template=tx.get(PolicyTemplate, request.template_arn),
        boundaries={arn: tx.get(Boundary, arn) for arn, _ in request.boundaries},
        accepted=accepted_for(tx, request),
        grant=grant,
        deeds=deeds_under(tx, grant, request) if grant else None,
        sessions=tx.find(Session, grant_id=grant.id) if grant else (),
        evidence=tx.find(Evidence, request_id=request.id),
        history=_history(tx, request),
    )


def _history(tx: Reading, request: DelegationRequest) -> Sequence[AuditEntry]:
    if request.owner_account_id is None:
        return ()
    return tx.trail(request.owner_account_id, before=None, limit=_HISTORY, request_id=request.id)


def _possible(
    ports: Ports,
    call: Call,
    request: DelegationRequest,
    rights: Rights,
    grant: Grant | None,
) -> frozenset[Step]:
    state = state_at(request, ports.clock.now())

    def allowed(action: str) -> bool:
        return decision_among(rights, ports, call, question_on(ports, call, action, request)).allowed

    found = {step for step, act in _ACTS.items() if (state, act) in MOVES and allowed(action_of(act))}
    if request.only_send_by_owner and request.owner_principal_id != call.caller.principal_id:
        found.discard(Step.SEND)
    if call.caller.kind not in OWNERS:
        found &= {Step.REVOKE}
    if grant is not None and grant.state in (*STANDING, GrantState.STUCK) and allowed(_REVOKE):
        found.add(Step.REVOKE)
    return frozenset(found)


# --- what is asked, and what of it is new ----------------------------------------------------------------


def _places(statement: Statement) -> tuple[str, ...]:
    if statement.not_resources:
        return ("NotResource:" + ",".join(one.text for one in statement.not_resources),)
    return tuple(one.text for one in statement.resources)


def _lines(policy: Policy, earlier: Sequence[Policy]) -> tuple[Line, ...]:
    lines, work = [], Work(_WORK)
    for statement, pattern in parts(policy):
        action = pattern.text if pattern else "NotAction:" + ",".join(one.text for one in statement.not_actions)
        service, colon, name = action.partition(":")
        plain = bool(colon) and pattern is not None
        lines.append(
            Line(
                service=fold(service) if plain else "*",
                action=action,
                level=level_of(fold(service), name) if plain else Level.EVERYTHING,
                resources=_places(statement),
                conditional=bool(statement.conditions),
                statement=statement.index,
                new=is_new(policy, statement, pattern, earlier, work),
            ),
        )
    return tuple(sorted(lines, key=lambda line: (line.service, GRAVITY[line.level], line.action)))


def _grants_before(tx: Reading, request: DelegationRequest, account_id: AccountId) -> list[Grant]:
    """Return what the partner was lent here most recently, the newest first; without this request's own."""
    found: list[Grant] = []
    for state in (GrantState.LIVE, GrantState.REVOKED):
        found += tx.page(
            Grant,
            limit=_COMPARED,
            after=None,
            account_id=account_id,
            partner_id=request.requestor_id,
            state=state,
        )
    newest = sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)
    own = next((one.created_at for one in tx.find(Grant, request_id=request.id, parent_id=None)), None)
    before = (one for one in newest if own is None or one.created_at < own)
    return [one for one in before if one.request_id != request.id][:_COMPARED]


def _policies_before(tx: Reading, request: DelegationRequest, account_id: AccountId) -> list[Policy]:
    before = _grants_before(tx, request, account_id)
    if not before:
        return []
    found = tx.find(DelegationRequest, id=frozenset(one.request_id for one in before))
    return [compiled(one.permission_policy, PolicyKind.SESSION) for one in found]


def _before(
    tx: Reading,
    request: DelegationRequest,
    account_id: AccountId,
    policy: Policy,
    earlier: Sequence[Policy],
) -> Before:
    grants = _grants_before(tx, request, account_id)
    counted = {
        state: tx.count(
            Grant,
            limit=MOST_COUNTED,
            account_id=account_id,
            partner_id=request.requestor_id,
            state=state,
        )
        for state in (GrantState.LIVE, GrantState.REVOKED)
    }
    latest = grants[0] if grants else None
    return Before(
        approvals=min(MOST_COUNTED, sum(counted.values())),
        live=counted[GrantState.LIVE],
        first=grants[-1] if grants else None,
        latest=latest,
        gone=gone(policy, earlier, Work(_WORK)) if latest else (),
    )


# --- try it ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trial:
    """One question to the engine about what a session of this request could do, and its answer.

    `depends_on` are the statements (counted from one) that would allow it under their conditions; the circumstances of
    a call that has not been made are not known, so a no with such statements is no no.
    """

    action: str
    resource: str
    decision: Decision
    depends_on: tuple[int, ...] = ()


def try_out(ports: Ports, call: Call, request_id: str, *, action: str, resource: str) -> Trial:
    """Return what the engine would answer a session of this request, lent by its approver or else by the caller.

    Without a resource, the ones that the policy itself names for the action are tried. Raises `BadInput`.
    """

    def work(tx: Reading, draft: Draft) -> Trial:
        refuse_outsiders(call, "iam:GetDelegationRequest")
        request = find_request(tx, call, request_id)
        draft.request_id = request.id
        authorize_on(tx, ports, call, "iam:GetDelegationRequest", request)
        approver = tx.get(Principal, request.approver_principal_id or call.caller.principal_id)
        if approver is None:
            raise BadInput("approver", "is nobody who is known here")
        standing = standing_lent(tx, approver, request)
        policy = compiled(request.permission_policy, PolicyKind.SESSION)
        places = (resource,) if resource else _examples(policy, action)
        trials = [
            Trial(action, place, _judged(ports, standing, action, place), _depends_on(policy, action, place))
            for place in places
        ]
        return min(trials, key=_comfort)

    _check_question(action, resource)
    return consult(ports, call, "GetDelegationRequest", work, asked={"delegationRequestId": request_id})


def _comfort(trial: Trial) -> int:
    """Order answers from the one that an approver has to know to the one that says least."""
    return 0 if trial.decision.allowed else 1 if trial.depends_on else 2


def _depends_on(policy: Policy, action: str, resource: str) -> tuple[int, ...]:
    return tuple(
        one.index + 1
        for one in policy.statements
        if one.effect is Effect.ALLOW
        and one.conditions
        and one.covers_action(fold(action), Work())
        and one.covers_resource(resource, {}, Work())
    )


def _judged(ports: Ports, standing: Standing, action: str, resource: str) -> Decision:
    decision = judge(standing, action=action, resource=resource, context=RequestContext(), now=ports.clock.now())
    assert decision is not None  # a standing without an end has not ended
    return decision


def _check_question(action: str, resource: str) -> None:
    service, colon, name = action.partition(":")
    if not colon or not service or not name or len(action) > _LONGEST_ACTION or set(action) & set("*? \n"):
        raise BadInput("action", "is not one action such as s3:DeleteBucket")
    if len(resource) > _LONGEST_RESOURCE or not resource.isprintable():
        raise BadInput("resource", "is not an ARN such as arn:aws:s3:::name")
    if resource.startswith("arn:") and resource.count(":") < 5:  # noqa: PLR2004  an ARN has six fields
        raise BadInput("resource", "is not an ARN such as arn:aws:s3:::name")


def _examples(policy: Policy, action: str) -> Sequence[str]:
    """Return resources that the policy names for this action, wildcards filled in; `*` when it names none."""
    places = [
        one.text.replace("*", "example").replace("?", "x") if one.text != "*" else "*"
        for statement in policy.statements
        if statement.effect is Effect.ALLOW and statement.covers_action(fold(action), Work())
        for one in statement.resources
    ]
    return list(dict.fromkeys(places))[:_COMPARED] or ["*"]
