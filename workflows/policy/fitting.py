"""A policy cut to what was used of it: the same statements with the actions and, where known, the resources used.

A resource is generalised at most to the pattern that lent it. What comes out is proven to stay within the policy and is
asked of the engine to allow every use that it was made from.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

from workflows.policy.asking import AT_HOME
from workflows.policy.compare import Verdict, compare
from workflows.policy.containment import contains
from workflows.policy.context import RequestContext, fold
from workflows.policy.document import Effect, Policy, PolicyKind, Statement, parse_policy
from workflows.policy.evaluate import decide
from workflows.policy.layers import NamedPolicy
from workflows.policy.patterns import Work
from workflows.policy.request import Request
from workflows.policy.variables import ResourcePattern

_MOST_LITERALS: Final = 3
_PARTS: Final = "/:"


@dataclass(frozen=True, slots=True)
class Use:
    """An action as it was used, and on what; None where that is not known."""

    action: str
    resources: tuple[str, ...] | None


def fitted(policy: Policy, uses: Sequence[Use]) -> str | None:
    """Return the text of a policy that allows these uses and nothing that `policy` does not.

    None when nothing of it was used, or when no such policy can be proven to stay within.
    """
    for narrow in (True, False):
        text = _cut(policy, uses, narrow=narrow)
        if text is None:
            return None
        made = parse_policy(text, kind=PolicyKind.SESSION)
        within = compare((NamedPolicy("fitted", made),), (NamedPolicy("lent", policy),))
        if within.verdict is Verdict.PROVEN and _covers(made, policy, uses):
            return text
    return None


def _cut(policy: Policy, uses: Sequence[Use], *, narrow: bool) -> str | None:
    tree = json.loads(policy.text)
    written = tree["Statement"] if isinstance(tree["Statement"], list) else [tree["Statement"]]
    statements: list[dict[str, Any]] = []
    for statement, source in zip(policy.statements, written, strict=True):
        if statement.effect is Effect.DENY:
            statements.append(source)
        else:
            statements += _of_statement(statement, source, uses, narrow=narrow)
    if all(one["Effect"] == "Deny" for one in statements):
        return None
    return json.dumps({**tree, "Statement": _with_own_sids(statements)}, separators=(",", ":"))


def _of_statement(
    statement: Statement, source: Mapping[str, Any], uses: Sequence[Use], *, narrow: bool
) -> list[dict[str, Any]]:
    """One statement for all actions that were used on the same resources."""
    grouped: dict[tuple[str, ...], list[str]] = {}
    for use in uses:
        if not statement.covers_action(fold(use.action), Work()):
            continue
        resources = _reach(statement, use.resources) if narrow else ()
        if resources is not None:
            grouped.setdefault(resources, []).append(use.action)
    kept = {name: value for name, value in source.items() if name not in ("Action", "NotAction")}
    made = []
    for resources, actions in grouped.items():
        narrowed = {**kept, "Action": sorted(actions)}
        if resources:
            narrowed.pop("NotResource", None)
            narrowed["Resource"] = sorted(resources)
        made.append(_in_order(narrowed))
    return made


def _in_order(statement: Mapping[str, Any]) -> dict[str, Any]:
    order = ("Sid", "Effect", "Action", "Resource", "NotResource", "Condition")
    return {name: statement[name] for name in order if name in statement}


def _with_own_sids(statements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Number the Sids that stand more than once, since those of a policy differ."""
    taken: dict[str, int] = {}
    made = []
    for one in statements:
        sid = one.get("Sid")
        if sid is not None:
            taken[sid] = taken.get(sid, 0) + 1
            one = {**one, "Sid": sid if taken[sid] == 1 else f"{sid}{taken[sid]}"}  # noqa: PLW2901  a copy, not a change
        made.append(one)
    return made


def _reach(statement: Statement, resources: Sequence[str] | None) -> tuple[str, ...] | None:
    """The resources to name instead of the statement's, none to leave it as it is; None when it lent none of these."""
    if resources is None or statement.not_resources or not statement.resources:
        return ()
    found: dict[str, None] = {}
    for pattern in statement.resources:
        fitting = [one for one in resources if pattern.widest.matches(one, Work())]
        if fitting:
            found |= dict.fromkeys(_generalised(pattern, fitting))
    return tuple(sorted(found)) or None


def _generalised(pattern: ResourcePattern, resources: Sequence[str]) -> Sequence[str]:
    if not pattern.is_fixed or any(set("*?$") & set(one) for one in resources):
        return (pattern.text,)
    if len(resources) <= _MOST_LITERALS:
        return resources
    # What the first and the last in order share, all share.
    head = "".join(one for one, _ in takewhile(_same, zip(min(resources), max(resources), strict=False)))
    place = max(head.rfind(mark) for mark in _PARTS)
    wide = ResourcePattern(f"{head[: place + 1]}*", (f"{head[: place + 1]}*",))
    is_arn = wide.text.startswith("arn:") and wide.text.count(":") >= 5  # noqa: PLR2004  an ARN has six fields
    return (wide.text,) if is_arn and contains(pattern.widest, wide.widest, Work()) else (pattern.text,)


def _same(letters: tuple[str, str]) -> bool:
    return letters[0] == letters[1]


def _covers(made: Policy, policy: Policy, uses: Sequence[Use]) -> bool:
    """Whether the new policy allows whatever the old one allows among the uses, their circumstances aside."""
    new, old = (AT_HOME.layers((NamedPolicy("policy", one),)) for one in (made, policy))
    for use in uses:
        for resource in use.resources or ():
            request = AT_HOME.request(Request(use.action, resource, RequestContext()))
            if decide(old, request).allowed and not decide(new, request).allowed:
                return False
    return True
