"""Questions from outside, one JSON object each: all policies around a request and the request itself.

Nothing is taken from this deployment and nothing is filled in: a condition key that a case does not give is absent. A
case's documents may be as large as the wire allows.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from workflows.errors import BadInput, LimitExceeded, MalformedPolicy
from workflows.policy.context import RequestContext, Value
from workflows.policy.decision import ROLE_ACTIONS, Decision, LayerVerdict, Outcome
from workflows.policy.document import ASKED, Policy, PolicyKind, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.explanation import Missing, NearMiss, absent_keys, missing
from workflows.policy.index import Layers
from workflows.policy.layers import Layer, LayerKind, NamedPolicy, StatementRef, guardrail_layer
from workflows.policy.patterns import split_arn
from workflows.policy.principal import ACCOUNT_ID, CallingPrincipal, calling_principal
from workflows.policy.request import Request
from workflows.policy.strict_json import Json, Number, minified, read_json

_MOST_NODES: Final = 1_000_000
_ACTION: Final = re.compile(r"[A-Za-z0-9-]+:[^\s:]+")
_FEDERATING: Final = ("sts:assumerolewithwebidentity", "sts:assumerolewithsaml")
_KNOWN: Final = frozenset(
    (
        "id",
        "principal",
        "action",
        "resource",
        "resource_account",
        "context",
        "identity_policies",
        "resource_policy",
        "permission_boundaries",
        "session_policy",
        "scps",
        "rcps",
    )
)
_WORDS: Final = {
    Outcome.ALLOWED: "Allowed",
    Outcome.IMPLICIT_DENY: "ImplicitlyDenied",
    Outcome.EXPLICIT_DENY: "ExplicitlyDenied",
}

_parsed: Final[Callable[[str, PolicyKind], Policy]] = lru_cache(maxsize=256)(
    lambda text, kind: parse_policy(text, kind=kind, caps=ASKED)
)


@dataclass(frozen=True, slots=True)
class Case:
    """A question with everything that bears on it; `ignored` are members of the object that mean nothing here."""

    layers: Layers
    request: Request
    ignored: tuple[str, ...]

    def decide(self) -> Decision:
        """The answer."""
        return decide(self.layers, self.request)


def answer_line(line: str) -> dict[str, object]:
    """The answer to one case as JSON text: `id` with `decision` and `detail`, or with `error`; never raises."""
    name: object = None
    try:
        tree = read_json(line, max_nodes=_MOST_NODES)
        name = _plain(tree.get("id")) if isinstance(tree, dict) else None
        case = read_case(tree)
    except BadInput as failure:
        return {"id": name, "error": str(failure)}
    answer = {"id": name, **answered(case.decide())}
    return {**answer, "ignored": list(case.ignored)} if case.ignored else answer


def answered(decision: Decision) -> dict[str, object]:
    """A decision as plain data: `decision` in one word, and `detail` with everything that explains it."""
    return {"decision": _WORDS[decision.outcome], "detail": _detail(decision)}


def read_case(tree: Json) -> Case:
    """The case that a JSON object spells; raises `BadInput` naming the member (for a document with its JSON path)."""
    if not isinstance(tree, dict):
        raise BadInput("$", "is not a JSON object")
    action = _text(tree, "action")
    if _ACTION.fullmatch(action) is None:
        raise BadInput("action", "is not an action; accepted is service:name")
    resource = _text(tree, "resource")
    principal = _principal(tree, action)
    request = Request(action, resource, _context(tree.get("context")), principal, _resource_account(tree, resource))
    ignored = tuple(sorted(tree.keys() - _KNOWN))
    return Case(Layers(_layers(tree, action.lower())), request, ignored)


# --- the request -----------------------------------------------------------------------------------------


def _text(tree: Mapping[str, Json], name: str) -> str:
    value = tree.get(name)
    if not isinstance(value, str) or not value:
        raise BadInput(name, "is missing" if value is None else "is not a text of at least one character")
    return value


def _principal(tree: Mapping[str, Json], action: str) -> CallingPrincipal:
    if "principal" not in tree:
        raise BadInput("principal", "is missing; null stands for an anonymous caller")
    text = tree["principal"]
    found = None
    if text is None or isinstance(text, str):
        found = calling_principal(text, federates=action.lower() in _FEDERATING)
    if found is None:
        raise BadInput(
            "principal",
            "is no caller; accepted are the ARN of a root user, user, role, role session, federated user or identity"
            " provider, the name of a service, a canonical user id, and null",
        )
    return found


def _resource_account(tree: Mapping[str, Json], resource: str) -> str:
    account = tree.get("resource_account")
    if account is None or account == "":
        fields = split_arn(resource)
        return fields[4] if fields is not None and ACCOUNT_ID.fullmatch(fields[4]) else ""
    if not isinstance(account, str) or ACCOUNT_ID.fullmatch(account) is None:
        raise BadInput("resource_account", "is not an account; accepted are 12 digits, and null")
    return account


def _context(value: Json) -> RequestContext:
    if value is None:
        return RequestContext()
    if not isinstance(value, dict):
        raise BadInput("context", "is not an object from condition key to value")
    values: dict[str, Value] = {}
    for key, given in value.items():
        if given is not None:
            values[key] = (
                tuple(_scalar(each, key) for each in given) if isinstance(given, list) else _scalar(given, key)
            )
    return RequestContext(values)


def _scalar(value: Json, key: str) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Number(text):
            return text
        case _:
            raise BadInput(f"context.{key}", "is not a value; accepted are a text and a list of texts")


# --- the layers ------------------------------------------------------------------------------------------


def _layers(tree: Mapping[str, Json], action: str) -> Iterator[Layer]:
    identity = _list(tree.get("identity_policies"), "identity_policies")
    yield Layer(LayerKind.IDENTITY, "identity_policies", _named(identity, "identity_policies", PolicyKind.IDENTITY))
    yield from _boundaries(tree.get("permission_boundaries"))
    if (session := tree.get("session_policy")) is not None:
        yield Layer(LayerKind.SESSION, "session_policy", (_document(session, "session_policy", PolicyKind.SESSION),))
    if (resource := tree.get("resource_policy")) is not None:
        kind = PolicyKind.TRUST if action in ROLE_ACTIONS else PolicyKind.RESOURCE
        yield Layer(LayerKind.RESOURCE, "resource_policy", (_document(resource, "resource_policy", kind),))
    for name, level in _levels(tree.get("scps"), "scps"):
        yield Layer(LayerKind.GUARDRAIL, name, _named(level, name, PolicyKind.GUARDRAIL))
    for name, level in _levels(tree.get("rcps"), "rcps"):
        policies = _named(level, name, PolicyKind.RESOURCE_GUARDRAIL)
        # Full access stands at every level beside what customers write, so a level of Denies only takes away.
        kind_of_layer = LayerKind.RESOURCE_GUARDRAIL
        yield guardrail_layer(policies, name=name, kind=kind_of_layer) if policies else Layer(kind_of_layer, name, ())


def _boundaries(value: Json) -> Iterator[Layer]:
    """A ceiling for each document; an empty list is a boundary that allows nothing, null is none."""
    if value is None:
        return
    documents = _list(value, "permission_boundaries")
    if not documents:
        yield Layer(LayerKind.BOUNDARY, "permission_boundaries", ())
    for named in _named(documents, "permission_boundaries", PolicyKind.BOUNDARY):
        yield Layer(LayerKind.BOUNDARY, named.name, (named,))


def _levels(value: Json, name: str) -> Iterator[tuple[str, Sequence[Json]]]:
    for index, level in enumerate(_list(value, name)):
        yield f"{name}[{index}]", _list(level, f"{name}[{index}]")


def _list(value: Json, name: str) -> Sequence[Json]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadInput(name, "is not a list")
    return value


def _named(documents: Sequence[Json], name: str, kind: PolicyKind) -> tuple[NamedPolicy, ...]:
    return tuple(_document(each, f"{name}[{index}]", kind) for index, each in enumerate(documents))


def _document(tree: Json, name: str, kind: PolicyKind) -> NamedPolicy:
    try:
        return NamedPolicy(name, _parsed(minified(tree), kind))
    except MalformedPolicy as failure:
        raise BadInput(name + failure.path.removeprefix("$"), failure.problem) from None


# --- the answer ------------------------------------------------------------------------------------------


def _detail(decision: Decision) -> dict[str, object]:
    detail: dict[str, object] = {
        "because": decision.because,
        "deciding": _statement(decision.deciding),
        "layers": [_verdict(each) for each in decision.layers],
    }
    try:
        wanted, absent = missing(decision), absent_keys(decision)
    except LimitExceeded as stopped:
        return {**detail, "missing": [], "absent_keys": [], "unexplained": str(stopped)}
    return {**detail, "missing": [_wanted(each) for each in wanted], "absent_keys": list(absent)}


def _wanted(wanted: Missing) -> dict[str, object]:
    return {"kind": wanted.kind.value, "layer": wanted.layer, "near": [_near(each) for each in wanted.near]}


def _near(near: NearMiss) -> dict[str, object]:
    unmet = [
        {"operator": one.operator, "key": one.key, "wanted": list(one.wanted), "given": one.given} for one in near.unmet
    ]
    return {"statement": _statement(near.statement), "names_the_caller": near.names_the_caller, "unmet": unmet}


def _verdict(verdict: LayerVerdict) -> dict[str, object]:
    return {
        "kind": verdict.kind.value,
        "layer": verdict.name,
        "decision": _WORDS[verdict.outcome],
        "statement": _statement(verdict.statement),
    }


def _statement(reference: StatementRef | None) -> dict[str, object] | None:
    if reference is None:
        return None
    return {
        "layer": reference.layer_kind.value,
        "policy": reference.policy_name,
        "index": reference.index,
        "sid": reference.sid,
        "path": reference.path,
    }


def _plain(value: Json) -> object:
    """An id as it may stand in an answer: a text, a number as its text, or nothing."""
    if isinstance(value, Number):
        return int(value.text) if value.text.lstrip("-").isdigit() else value.text
    return value if isinstance(value, str | bool) else None
