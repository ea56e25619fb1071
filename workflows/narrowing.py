"""Less than was asked: what an owner would lend instead, proven to stay within the request, and frozen in its place.

A narrowed request carries the policy and the time that are lent, and a digest over them; what was asked first is kept
beside them with the digest that it had. Nothing wider can come of it: a narrowing that is not proven to stay within the
request is refused with a request that shows it, and what is asked of a session is held against both policies.
"""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from workflows.authority import compiled
from workflows.digest import digest_of
from workflows.errors import BadInput, MalformedPolicy, NotNarrower
from workflows.policy.compare import Comparison, Verdict, compare
from workflows.policy.document import Effect, Policy, PolicyKind, Statement, parse_policy
from workflows.policy.familiar import in_known_words
from workflows.policy.layers import NamedPolicy
from workflows.policy.operators import address_range
from workflows.policy.strict_json import minified, read_json
from workflows.records.request import DelegationRequest
from workflows.role_plans import SHORTEST_LIFE, plan_of
from workflows.submission import SHORTEST_SESSION
from workflows.templates import MAX_RENDERED_CHARACTERS

_POLICY: Final = "narrowing.permission_policy"
_SECONDS: Final = "narrowing.session_duration"
_MOST_ADDRESSES: Final = 20


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What an owner would lend instead of all that is asked: another policy document, fewer seconds, or both."""

    policy: str | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """What was asked before an owner narrowed it, and the digest that it had; `session_duration` is in seconds."""

    permission_policy: str
    session_duration: int
    role_plan: str | None
    digest: str


def original_of(request: DelegationRequest) -> Original | None:
    """Return what was asked of a request that was narrowed, None for any other."""
    return None if request.narrowed_from is None else Original(**json.loads(request.narrowed_from))


def as_asked(request: DelegationRequest) -> DelegationRequest:
    """Return a request as it was filed, with its own digest."""
    original = original_of(request)
    if original is None:
        return request
    return replace(
        request,
        permission_policy=original.permission_policy,
        session_duration=original.session_duration,
        role_plan=original.role_plan,
        digest=original.digest,
        narrowed_from=None,
    )


def narrowed(request: DelegationRequest, narrowing: Narrowing) -> DelegationRequest:
    """Return the request with less in it and a digest of its own.

    Raises `NotNarrower` with a request that the new policy allows and the asked one does not, or with the bound that
    left it open; `BadInput` for a time that is no shorter, a policy that allows nothing, and what changes nothing.
    """
    asked = as_asked(request)
    text = asked.permission_policy if narrowing.policy is None else _policy_text(narrowing.policy)
    seconds = asked.session_duration if narrowing.seconds is None else narrowing.seconds
    _check_seconds(asked, seconds)
    if text != asked.permission_policy:
        _check_within(text, asked.permission_policy)
    if (text, seconds) == (asked.permission_policy, asked.session_duration):
        raise BadInput("narrowing", "changes nothing; approve the request as it is")
    original = Original(asked.permission_policy, asked.session_duration, asked.role_plan, asked.digest)
    plan = plan_of(asked)
    lasting = plan is not None and seconds != asked.session_duration
    less = replace(
        request,
        permission_policy=text,
        session_duration=seconds,
        role_plan=replace(plan, lifetime=seconds).text if plan and lasting else asked.role_plan,
        narrowed_from=json.dumps(_fields(original), sort_keys=True, separators=(",", ":")),
    )
    return replace(less, digest=digest_of(less))


def _fields(original: Original) -> Mapping[str, object]:
    return {name: getattr(original, name) for name in Original.__slots__}


def _policy_text(document: str) -> str:
    try:
        text = minified(read_json(document))
        parse_policy(text, kind=PolicyKind.SESSION)
    except MalformedPolicy as refused:
        raise BadInput(f"{_POLICY}{refused.path.removeprefix('$')}", refused.problem) from None
    if len(text) > MAX_RENDERED_CHARACTERS:
        raise BadInput(_POLICY, f"has {len(text)} characters; at most {MAX_RENDERED_CHARACTERS} are accepted")
    return text


def _check_seconds(asked: DelegationRequest, seconds: int) -> None:
    shortest = SHORTEST_SESSION if asked.role_plan is None else SHORTEST_LIFE
    if not shortest <= seconds <= asked.session_duration:
        longest = asked.session_duration
        raise BadInput(_SECONDS, f"is {seconds}; accepted are {min(shortest, longest)} to {longest} seconds")


def _check_within(text: str, asked_text: str) -> None:
    less, asked = compiled(text, PolicyKind.SESSION), compiled(asked_text, PolicyKind.SESSION)
    first, second = (NamedPolicy("narrowed", less),), (NamedPolicy("asked", asked),)
    answer = compare(first, second)
    if answer.verdict is Verdict.REFUTED:
        found = in_known_words(answer.counterexamples[0], first, second).request
        raise NotNarrower(_POLICY, f"allows {found.action} on {found.resource}, which was not asked for")
    if answer.verdict is Verdict.UNKNOWN:
        raise NotNarrower(_POLICY, f"could not be proven to stay within what was asked (bound: {answer.because})")
    if answer.rests_on_variables and not _is_cut_out(less, asked):
        raise NotNarrower(_POLICY, "could not be proven to stay within what was asked (bound: variables)")
    if _allows_nothing(compare(first, ())):
        raise BadInput(_POLICY, "allows nothing any more; reject the request instead")


def _allows_nothing(answer: Comparison) -> bool:
    return answer.verdict is Verdict.PROVEN


def _is_cut_out(less: Policy, asked: Policy) -> bool:
    """Whether each Allow is a part of one that was asked and each Deny that was asked still stands.

    Then it stays within what was asked whatever the values of variables are.
    """
    allows = [one for one in asked.statements if one.effect is Effect.ALLOW]
    denies = [one for one in asked.statements if one.effect is Effect.DENY]
    kept = [one for one in less.statements if one.effect is Effect.DENY]
    parts = (one for one in less.statements if one.effect is Effect.ALLOW)
    return all(any(_is_part(one, whole) for whole in allows) for one in parts) and all(
        any(_is_part(one, still) and _is_part(still, one) for still in kept) for one in denies
    )


def _is_part(one: Statement, whole: Statement) -> bool:
    return (
        set(one.actions) <= set(whole.actions)
        and one.not_actions == whole.not_actions
        and set(one.resources) <= set(whole.resources)
        and one.not_resources == whole.not_resources
        and set(one.conditions) >= set(whole.conditions)
    )


# --- making less of a policy -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays of one Allow: the places of its actions and of its resources, from 0."""

    actions: frozenset[int]
    resources: frozenset[int]


def choices(policy: str) -> list[tuple[int, str, Sequence[str], Sequence[str]]]:
    """Return what can be dropped, for each Allow: its place, its Sid or number, its actions, and its resources.

    Of one that says what it leaves out, the whole is one choice.
    """
    found = []
    for place, statement in enumerate(_statements(json.loads(policy))):
        if statement["Effect"] == "Allow":
            title = str(statement.get("Sid", place + 1))
            found.append((place, title, _listed(statement, "Action"), _listed(statement, "Resource")))
    return found


def trimmed(policy: str, kept: Mapping[int, Kept], addresses: Sequence[str] = ()) -> str:
    """Return a policy with only what is kept of its Allows, by their place, and every Deny.

    With `addresses` (CIDR ranges) a Deny on all other source addresses is added. Raises `BadInput` where nothing is
    left, or for a range that is none.
    """
    tree = json.loads(policy)
    statements = [one for place, each in enumerate(_statements(tree)) for one in _cut(each, kept.get(place))]
    if not any(one["Effect"] == "Allow" for one in statements):
        raise BadInput("narrowing", "keeps nothing; reject the request instead")
    if addresses:
        statements.append(_only_from(addresses))
    return minified(read_json(json.dumps({**tree, "Statement": statements})))


def _cut(statement: dict[str, Any], kept: Kept | None) -> Iterator[dict[str, Any]]:
    if statement["Effect"] != "Allow":
        yield statement
        return
    if kept is None:
        return
    cut = dict(statement)
    for name, places in (("Action", kept.actions), ("Resource", kept.resources)):
        chosen = [text for place, text in enumerate(_listed(statement, name)) if place in places]
        if not chosen:
            return
        if name in statement:
            cut[name] = chosen[0] if isinstance(statement[name], str) else chosen
    yield cut


def _only_from(addresses: Sequence[str]) -> dict[str, Any]:
    if len(addresses) > _MOST_ADDRESSES:
        raise BadInput("addresses", f"are {len(addresses)}; at most {_MOST_ADDRESSES} ranges are accepted")
    for one in addresses:
        if address_range(one) is None:
            raise BadInput("addresses", f"hold {one!r}, which is no range such as 192.0.2.0/24")
    condition = {"NotIpAddress": {"aws:SourceIp": list(addresses)}}
    return {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}


def _statements(tree: Any) -> list[dict[str, Any]]:  # noqa: ANN401  JSON is untyped by nature
    found = tree["Statement"]
    return found if isinstance(found, list) else [found]


def _listed(statement: Mapping[str, Any], name: str) -> Sequence[str]:
    negated = f"Not{name}"
    if negated in statement:
        return (f"{negated}: {json.dumps(statement[negated])}",)
    found = statement[name]
    return (found,) if isinstance(found, str) else tuple(found)


# --- what was taken away ---------------------------------------------------------------------------------


def difference(before: str, after: str) -> list[tuple[str, str]]:
    """Return two policy documents line by line as they differ: a mark ("-", "+" or " ") and the line."""
    first, second = (json.dumps(json.loads(text), indent=2).splitlines() for text in (before, after))
    found: list[tuple[str, str]] = []
    for kind, start, end, into, until in difflib.SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if kind == "equal":
            found += [(" ", line) for line in first[start:end]]
        else:
            found += [("-", line) for line in first[start:end]]
            found += [("+", line) for line in second[into:until]]
    return found


def stays_within(request: DelegationRequest) -> Iterable[str]:
    """Yield what is wrong with a narrowed request: nothing, unless what is stored was changed."""
    original = original_of(request)
    if original is None:
        return
    if digest_of(as_asked(request)) != original.digest:
        yield "what was asked first is not what was filed: its digest differs"
    if request.session_duration > original.session_duration:
        yield "what is lent lasts longer than what was asked"
    if request.permission_policy != original.permission_policy:
        try:
            _check_within(request.permission_policy, original.permission_policy)
        except BadInput as wider:
            yield f"what is lent is not proven to stay within what was asked: {wider}"
