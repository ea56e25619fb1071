"""Use-cases of the policy simulator: what given documents, or a principal's live policies, answer to many questions.

Nothing is done and nothing is stored. Reading what is attached happens in one transaction and answering outside of
it, so that a long simulation holds up nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Final

from workflows.acts import consult
from workflows.arns import parse_arn
from workflows.audit import Draft
from workflows.authority import (
    Question,
    attached_policy,
    authorize,
    boundary_policy,
    guardrail_policies,
    identity_context,
    ready_made_name,
    root_policy,
)
from workflows.callers import Call
from workflows.errors import BadInput, NoSuchEntity
from workflows.policy.context import RequestContext, fold
from workflows.policy.document import PolicyKind
from workflows.policy.explanation import mentioned_keys
from workflows.policy.layers import Layer, LayerKind, NamedPolicy, guardrail_layer
from workflows.policy.principal import CallingPrincipal, Form
from workflows.ports import Ports, Reading
from workflows.records.account import Attachment, Principal, PrincipalKind
from workflows.simulation_inputs import (
    BOUNDARY,
    GUARDRAILS,
    ContextEntry,
    Exclusion,
    Source,
    SourceType,
    caller_keys,
    check_actions,
    check_exclusions,
    check_handling,
    check_resources,
    read_caller,
    read_context,
    read_document,
    read_documents,
    read_owner,
)
from workflows.simulation_results import (
    ANY_RESOURCE,
    ResourceSide,
    Result,
    Sources,
    Stage,
    policy_kind_on_resource,
)

MOST_PAIRS: Final = 500
# A page that takes longer, or has more statements and keys to name, ends early; the rest is on the next one.
PAGE_TIME: Final = timedelta(seconds=2)
PAGE_NAMES: Final = 10_000
_POLICIES: Final = "PolicyInputList"
_BOUNDARIES: Final = "PermissionsBoundaryPolicyInputList"
_LEVELS: Final = "OrderedOrganizationPolicyInputList"
_RESOURCE_POLICY: Final = "ResourcePolicy"
_ENTITIES: Final = ("user", "group", "role")


@dataclass(frozen=True, slots=True)
class Asked:
    """What both kinds of simulation take, as it was sent; no resources stand for `*`."""

    actions: Sequence[str]
    resources: Sequence[str] = ()
    policies: Sequence[str] = ()
    boundaries: Sequence[str] = ()
    resource_policy: str | None = None
    resource_owner: str | None = None
    caller_arn: str | None = None
    entries: Sequence[ContextEntry] = ()
    handling: str | None = None


@dataclass(frozen=True, slots=True)
class ResultPage:
    """Some results, in the order of the actions and within one of the resources.

    `after` is how many results came before the next page, or None at the end.
    """

    results: tuple[Result, ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class _Held:
    """What is attached to a principal and set for its account at this moment."""

    principal: Principal
    identity: tuple[Source, ...]
    boundary: Source | None
    guardrails: tuple[Source, ...]


# --- simulations -----------------------------------------------------------------------------------------


def simulate_custom(
    ports: Ports,
    call: Call,
    asked: Asked,
    *,
    levels: Sequence[Sequence[str]] = (),
    limit: int,
    after: int = 0,
) -> ResultPage:
    """Return what given documents answer. API: SimulateCustomPolicy.

    Each of `levels` is one level of an organisation, and every level must allow. Raises `BadInput` naming the input
    that cannot be used, `SimulationStopped` when an answer costs too much.
    """
    _permitted(ports, call, "SimulateCustomPolicy")
    _check(asked)
    if asked.resource_policy is not None and asked.caller_arn is None:
        raise BadInput("CallerArn", f"is required beside {_RESOURCE_POLICY}, whose Principal has to name somebody")
    caller = CallingPrincipal(Form.USER, account=call.caller.account_id)
    known: Mapping[str, str] = {}
    if asked.caller_arn is not None:
        caller = read_caller(asked.caller_arn)
        known = caller_keys(caller)
    sources = Sources()
    layers = [_identity(sources, read_documents(asked.policies, _POLICIES, PolicyKind.IDENTITY))]
    layers += _boundary(sources, _given_boundary(asked))
    for place, level in enumerate(levels, 1):
        name = f"{_LEVELS}.{place}"
        documents = read_documents(level, f"{name}.ServiceControlPolicyInputList", PolicyKind.GUARDRAIL)
        layers.append(sources.layer(LayerKind.GUARDRAIL, name, documents))
    stage = Stage(caller, _context(known, asked), _resource_side(asked), layers, sources)
    return _page(ports, stage, asked, limit=limit, after=after)


def simulate_principal(
    ports: Ports,
    call: Call,
    asked: Asked,
    *,
    source_arn: str,
    exclusions: Sequence[Exclusion] = (),
    limit: int,
    after: int = 0,
) -> ResultPage:
    """Return what the live policies of a user or of root answer, with changes. API: SimulatePrincipalPolicy.

    Given policies are added, a given boundary takes the place of the principal's own, `exclusions` are left out.
    Raises `NoSuchEntity` for whoever is no principal of the caller's account, and what `simulate_custom` raises.
    """
    held = _held(ports, call, "SimulatePrincipalPolicy", source_arn)
    _check(asked)
    check_exclusions(exclusions)
    held = _without(held, exclusions)
    principal = held.principal
    form = Form.ROOT if principal.kind is PrincipalKind.ROOT else Form.USER
    caller = CallingPrincipal(form, principal.arn, principal.account_id)
    now = ports.clock.now()
    known = identity_context(principal, now)
    if asked.caller_arn not in (None, principal.arn):
        caller = read_caller(str(asked.caller_arn))
        del known["aws:userid"]
        known |= caller_keys(caller)
    sources = Sources()
    given = read_documents(asked.policies, _POLICIES, PolicyKind.IDENTITY)
    layers = [_identity(sources, (*held.identity, *given))]
    layers += _boundary(sources, _given_boundary(asked) or held.boundary)
    if held.guardrails:
        named = sources.layer(LayerKind.GUARDRAIL, "guardrails", held.guardrails)
        layers.append(guardrail_layer(named.policies, name=named.name))
    stage = Stage(caller, _context(known, asked), _resource_side(asked), layers, sources)
    return _page(ports, stage, asked, limit=limit, after=after)


def _check(asked: Asked) -> None:
    """Refuse what can be refused without reading a document."""
    check_actions(asked.actions)
    check_resources(asked.resources)
    check_handling(asked.handling, asked.resources)
    pairs = len(asked.actions) * max(1, len(asked.resources))
    if pairs > MOST_PAIRS:
        raise BadInput("ActionNames", f"times ResourceArns makes {pairs} questions; at most {MOST_PAIRS} are answered")
    if len(asked.boundaries) > 1:
        raise BadInput(_BOUNDARIES, f"has {len(asked.boundaries)} policies; a principal has at most one boundary")


def _context(known: Mapping[str, str], asked: Asked) -> RequestContext:
    """What is known of the caller, unless the simulation says otherwise."""
    return RequestContext(known).extended(read_context(asked.entries))


def _identity(sources: Sources, policies: Sequence[Source]) -> Layer:
    return sources.layer(LayerKind.IDENTITY, "identity", policies)


def _given_boundary(asked: Asked) -> Source | None:
    found = read_documents(asked.boundaries, _BOUNDARIES, PolicyKind.BOUNDARY)
    return found[0] if found else None


def _boundary(sources: Sources, boundary: Source | None) -> list[Layer]:
    return [sources.layer(LayerKind.BOUNDARY, "boundary", (boundary,))] if boundary is not None else []


def _resource_side(asked: Asked) -> ResourceSide:
    """The owner of the resources and their policy, read as every kind that the actions need."""
    owner = read_owner(asked.resource_owner) if asked.resource_owner is not None else None
    text = asked.resource_policy
    if text is None:
        return ResourceSide(owner, {})
    kinds = dict.fromkeys(map(policy_kind_on_resource, asked.actions))
    return ResourceSide(
        owner, {kind: read_document(text, _RESOURCE_POLICY, kind, SourceType.RESOURCE) for kind in kinds}
    )


def _page(ports: Ports, stage: Stage, asked: Asked, *, limit: int, after: int) -> ResultPage:
    """The results behind the first `after`, at least one; only they are worked out."""
    pairs = list(product(asked.actions, asked.resources or (ANY_RESOURCE,)))
    ends, names = ports.clock.now() + PAGE_TIME, 0
    results: list[Result] = []
    for action, resource in pairs[after : after + limit]:
        result = stage.result(action, resource)
        results.append(result)
        names += len(result.matches) + len(result.missing_keys)
        if names >= PAGE_NAMES or ports.clock.now() >= ends:
            break
    reached = after + len(results)
    return ResultPage(tuple(results), reached if reached < len(pairs) else None)


# --- condition keys --------------------------------------------------------------------------------------


def custom_context_keys(ports: Ports, call: Call, policies: Sequence[str]) -> tuple[str, ...]:
    """Return the condition keys that given policies mention. API: GetContextKeysForCustomPolicy."""
    _permitted(ports, call, "GetContextKeysForCustomPolicy")
    return _keys(read_documents(policies, _POLICIES, PolicyKind.IDENTITY))


def principal_context_keys(ports: Ports, call: Call, source_arn: str, policies: Sequence[str]) -> tuple[str, ...]:
    """Return the condition keys that a principal's identity policies and the given ones mention.

    API: GetContextKeysForPrincipalPolicy.
    """
    held = _held(ports, call, "GetContextKeysForPrincipalPolicy", source_arn)
    return _keys((*held.identity, *read_documents(policies, _POLICIES, PolicyKind.IDENTITY)))


def _keys(sources: Sequence[Source]) -> tuple[str, ...]:
    """Every key once, as it is first written, in alphabetical order."""
    found: dict[str, str] = {}
    for source in sources:
        for statement in source.policy.statements:
            for key in mentioned_keys(statement):
                found.setdefault(fold(key), key)
    return tuple(sorted(found.values()))


# --- who may ask, and what is attached -------------------------------------------------------------------


def _permitted(ports: Ports, call: Call, act: str) -> None:
    def work(tx: Reading, _draft: Draft) -> None:
        authorize(tx, ports, call, Question(f"iam:{act}", "*", {}))

    consult(ports, call, act, work)


def _held(ports: Ports, call: Call, act: str, source_arn: str) -> _Held:
    """What is attached to a principal of the caller's account; another account's is as unknown as none."""

    def work(tx: Reading, _draft: Draft) -> _Held:
        authorize(tx, ports, call, Question(f"iam:{act}", source_arn, {}))
        _check_entity(source_arn)
        found = tx.find(Principal, arn=source_arn, account_id=call.caller.account_id)
        if not found or found[0].kind not in (PrincipalKind.USER, PrincipalKind.ROOT):
            raise NoSuchEntity("principal", source_arn)
        return _gathered(tx, found[0])

    return consult(ports, call, act, work, asked={"policySourceArn": source_arn})


def _check_entity(arn: str) -> None:
    parsed = parse_arn(arn, "PolicySourceArn")
    kind, _, name = parsed.resource.partition("/")
    if parsed.service != "iam" or not (parsed.resource == "root" or (kind in _ENTITIES and name)):
        raise BadInput("PolicySourceArn", "is not the ARN of a user, group, role or root")


def _gathered(tx: Reading, principal: Principal) -> _Held:
    boundary = boundary_policy(principal)
    return _Held(
        principal,
        _identity_sources(tx, principal),
        _unlisted(boundary) if boundary is not None else None,
        tuple(map(_unlisted, guardrail_policies(tx, principal.account_id))),
    )


def _unlisted(named: NamedPolicy) -> Source:
    """A ceiling: the wire has no word for its type."""
    return Source(named.name, SourceType.NONE, named.policy)


def _identity_sources(tx: Reading, principal: Principal) -> tuple[Source, ...]:
    if principal.kind is PrincipalKind.ROOT:
        named = root_policy()
        return (Source(named.name, SourceType.AWS_MANAGED, named.policy),)
    try:
        return tuple(_attached(tx, one) for one in tx.find(Attachment, principal_id=principal.id))
    except LookupError:
        # An attached policy is gone, which denies at every live decision too.
        return ()


def _attached(tx: Reading, attachment: Attachment) -> Source:
    named = attached_policy(tx, attachment)
    arn = attachment.policy_arn
    if attachment.document is not None:
        return Source(named.name, SourceType.USER, named.policy)
    managed_by = SourceType.AWS_MANAGED if ready_made_name(arn or "") else SourceType.USER_MANAGED
    return Source(named.name, managed_by, named.policy, arn)


def _without(held: _Held, exclusions: Sequence[Exclusion]) -> _Held:
    """What would be attached without these; a given boundary is not attached, so it stays."""

    def stays(source: Source) -> bool:
        return not any(each.hits(source, held.principal.name) for each in exclusions)

    types = {each.type for each in exclusions}
    return _Held(
        held.principal,
        tuple(filter(stays, held.identity)),
        None if BOUNDARY in types else held.boundary,
        () if GUARDRAILS in types else held.guardrails,
    )
