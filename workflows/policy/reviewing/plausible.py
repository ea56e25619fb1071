"""Requests that look like real ones, and the parameters under which a template grants them.

Whatever is made here is shown only if the ordinary engine allows it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, islice, product
from typing import Final

from workflows.errors import LimitExceeded
from workflows.policy.asking import AT_HOME
from workflows.policy.catalogue import catalogue
from workflows.policy.circumstances import Circumstances, Wish, keys_of
from workflows.policy.conditions import Clause
from workflows.policy.context import RequestContext
from workflows.policy.document import Statement
from workflows.policy.evaluate import decide
from workflows.policy.joint import Undecided
from workflows.policy.layers import NamedPolicy
from workflows.policy.patterns import ARN_FIELDS, Work, split_arn
from workflows.policy.request import Asked, Request
from workflows.policy.reviewing.kinds import kinds_of
from workflows.policy.reviewing.places import ACCOUNT, ANY_IN_FIELD
from workflows.policy.reviewing.scope import resource_pattern
from workflows.policy.reviewing.subject import UNLIKELY, Subject, policy_of

_REGION: Final = "eu-west-1"
_FEW: Final = 4
_PLACEHOLDERS: Final = re.compile(r"\*\*\??|[*?]")
_MOST_CHOICES: Final = 64


def at_a_glance(action: str, allow: Statement, denies: Sequence[Statement], names: Sequence[str]) -> Request | None:
    """A request on a plain name under what the Allow demands, if that is granted: most of what is granted is."""
    context = _demanded(allow.conditions)
    for resource in _plain_resources(action, allow, names) if context is not None else ():
        request = Request(action, resource, context or RequestContext())
        asked = Asked(request)
        fits = allow.covers_resource(resource, asked.values, asked) and all(test(asked) for test in allow.tests)
        if fits and not any(
            one.covers_resource(resource, asked.values, asked) and all(test(asked) for test in one.tests)
            for one in denies
        ):
            return request if allowed((allow, *denies), request) else None
    return None


@lru_cache(maxsize=1024)
def _demanded(clauses: tuple[Clause, ...]) -> RequestContext | None:
    """Circumstances in which clauses hold; none where that is not easily told."""
    if not clauses:
        return RequestContext()
    if keys_of(clauses):
        return None
    try:
        found = Circumstances({}, Work()).grant(Wish.of(clauses, ()))
    except (Undecided, LimitExceeded):
        return None
    return None if found is None else RequestContext(found)


def _plain_resources(action: str, allow: Statement, names: Sequence[str]) -> Iterator[str]:
    entry = catalogue().action(action)
    if entry is None:
        return
    kinds = kinds_of(entry, names)
    if not kinds:
        yield "*"
    for kind in kinds[:_FEW]:
        yield _filled(kind, kind)
    globs = [resource_pattern(kind) for kind in kinds]
    for pattern in allow.resources[:_FEW]:
        if pattern.is_fixed and pattern.text != "*":
            for glob in globs[:_FEW]:
                text = _filled(pattern.text, glob.text)
                if glob.matches(text, {}, Work()):
                    yield text


def _filled(text: str, kind: str) -> str:
    """A pattern with plain words in place of its wildcards, and an account and a region where its kind has them."""
    shape = kind.split(":", ARN_FIELDS - 1)
    fields = text.split(":", ARN_FIELDS - 1)
    words = ("arn", "aws", shape[2], _REGION, ACCOUNT, "x")
    plain = [_PLACEHOLDERS.sub("x", field) for field in fields]
    named = zip(fields, plain, words, strict=False)
    head = [word if field in ("*", ANY_IN_FIELD) else told for field, told, word in named]
    return ":".join((*head[:-1], plain[-1]))


def likely(request: Request, statements: Sequence[Statement]) -> Request:
    """The request with a partition, a region and an account that exist, if it is allowed then as well."""
    fields = split_arn(request.resource)
    if fields is None or len(fields) != ARN_FIELDS:
        return request
    shape = _shape_of(request.action, fields)
    likely = [
        fields[0],
        "aws",
        fields[2],
        _REGION if shape[3] == "*" and _region_is_made_up(fields[3]) else fields[3],
        ACCOUNT if shape[4] == "*" and not fields[4].isdigit() else fields[4],
        fields[5],
    ]
    tried = replace(request, resource=":".join(likely))
    return tried if tried != request and allowed(statements, tried) else request


def _region_is_made_up(region: str) -> bool:
    return "-" not in region


def _shape_of(action: str, fields: Sequence[str]) -> Sequence[str]:
    entry = catalogue().action(action)
    for kind in kinds_of(entry) if entry is not None else ():
        if resource_pattern(kind).matches(":".join(fields), {}, Work()):
            return kind.split(":", ARN_FIELDS - 1)
    return ("arn", "*", "*", "", "", "*")


def allowed(statements: Sequence[Statement], request: Request) -> bool:
    """Whether the ordinary engine allows a request under these statements alone."""
    layers = AT_HOME.layers([NamedPolicy("review", policy_of(statements))])
    return decide(layers, AT_HOME.request(request)).allowed


def chosen(
    subject: Subject, values: Mapping[str, str], request: Request, statements: Sequence[Statement]
) -> Mapping[str, str]:
    """Return values of all parameters under which some statements grant a request; none if no choice was found.

    Where a value stood for many, the one that this request takes is looked for.
    """
    if not subject.is_template:
        return {}
    places = tuple(one.index for one in statements)
    involved = {name for place in places for name in subject.names[place]}
    switching = {switch.name for switch in subject.switches if switch is not None}
    free = subject.wildcard_safe - switching
    known = {**values, **{name: "*" for name in free if values.get(name, UNLIKELY) != UNLIKELY}}
    unsettled = sorted(involved & subject.opened.union(subject.wildcard_safe))
    if not unsettled or allowed(subject.rendered(known, places), request):
        return known
    candidates = _candidates(request)
    plain = [name for name in unsettled if known[name].startswith("named")]
    alike = ({**known, **dict.fromkeys(plain, text)} for text in candidates)
    choices = (dict.fromkeys((known[name], values[name], *candidates)) for name in unsettled[:_FEW])
    apart = ({**known, **dict(zip(unsettled, choice, strict=False))} for choice in product(*choices))
    for tried in islice(chain(alike, apart), _MOST_CHOICES):
        if allowed(subject.rendered(tried, places), request):
            return tried
    return {}


def _candidates(request: Request) -> list[str]:
    """Values that a parameter may have had to have: pieces of the resource, and what the circumstances hold."""
    fields = request.resource.split(":", ARN_FIELDS - 1)
    resource = fields[-1]
    name = resource.rpartition("/")[2]
    last = name.rpartition(":")[2]
    held = [value if isinstance(value, str) else value[0] for value in request.context.folded.values() if value]
    beginnings = (value.rpartition(":")[0] for value in held if split_arn(value) is not None)
    pieces = (name, name[:1], last, last[:1], resource.partition("/")[0], resource, request.resource, *fields[3:5], "x")
    return list(dict.fromkeys(text for text in (*pieces, *held, *beginnings, UNLIKELY) if text))
