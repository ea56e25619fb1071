"""Who stands outside of everything that a resource policy trusts: the conditions under which access is public.

An outsider is none of the fixed organisations, accounts, networks and principals that conditions of the policy name.
This is written as Denies that are laid over the policy: what it still allows is public (AWS: CheckNoPublicAccess).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from workflows.policy.conditions import NULL, Clause, Operator, Quantifier
from workflows.policy.context import fold
from workflows.policy.document import Effect, Statement
from workflows.policy.layers import NamedPolicy
from workflows.policy.operators import address_range
from workflows.policy.patterns import action_pattern, split_arn
from workflows.policy.principal import ACCOUNT_ID, NAMES_EVERYBODY
from workflows.policy.variables import Variable

_WILD: Final = re.compile(r"[*?]")
_IPV4: Final = 4
# Wider than this, a range of addresses is as good as everywhere.
_FEW_IPV4, _FEW_IPV6 = 1 << 24, 1 << 96
_OWN: Final = frozenset(("aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths"))


def _whole(text: str) -> bool:
    return text != "" and _WILD.search(text) is None


def _up_to(mark: str) -> Callable[[str], bool]:
    return lambda text: _whole(text.partition(mark)[0])


def _arn(text: str) -> bool:
    fields = split_arn(text)
    if fields is None:
        return False
    return ACCOUNT_ID.fullmatch(fields[4]) is not None or _whole(text)


_FIXED: Final[Mapping[str, Callable[[str], bool]]] = {
    **dict.fromkeys(("aws:principalorgid", "aws:sourceorgid", "aws:vpceorgid"), _whole),
    **dict.fromkeys(("aws:principalaccount", "aws:sourceaccount", "aws:vpceaccount", "aws:sourceowner"), _whole),
    **dict.fromkeys(("s3:dataaccesspointaccount", "kms:calleraccount", "aws:sourcevpc", "aws:sourcevpce"), _whole),
    **dict.fromkeys(("aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths"), _up_to("/")),
    **dict.fromkeys(("aws:principalarn", "aws:sourcearn", "aws:sourcevpcarn", "s3:dataaccesspointarn"), _arn),
    "aws:userid": _up_to(":"),
}
_ADDRESSES: Final = frozenset(("aws:sourceip", "aws:vpcsourceip"))


def shut_out(policies: Iterable[NamedPolicy], *, more: Iterable[str] = ()) -> tuple[Statement, ...]:
    """Return Denies for whoever is inside: of an organisation, account, network or name that conditions fix.

    `more` are prefixes, in lower case, of further keys whose fixed values are trusted, such as a provider's.
    """
    clauses = (clause for each in policies for one in each.policy.statements for clause in one.conditions)
    prefixes = tuple(more)
    return tuple(_deny(inside) for clause in clauses for inside in _insiders(clause, prefixes))


def _insiders(clause: Clause, prefixes: tuple[str, ...]) -> Iterator[Clause]:
    """The clause as it holds for those inside, without values that fix nobody."""
    key = fold(clause.key)
    if clause.operator.base == NULL:
        return
    if key in _ADDRESSES:
        kept = _few(clause.texts)
    else:
        is_fixed = _FIXED.get(key) or (_whole if key.startswith(prefixes) and prefixes else None)
        if is_fixed is None:
            return
        kept = [at for at, text in enumerate(clause.texts) if is_fixed(text) or _is_own(clause, at)]
    if kept:
        several = Quantifier.ANY if clause.operator.quantifier is not Quantifier.NONE else Quantifier.NONE
        operator = Operator(_positive(clause.operator.base), several)
        texts, values = (tuple(row[at] for at in kept) for row in (clause.texts, clause.values))
        yield Clause(operator, clause.key, texts, values)  # type: ignore[arg-type]


def _positive(base: str) -> str:
    return base.replace("Not", "", 1) if base != NULL else base


def _is_own(clause: Clause, at: int) -> bool:
    """Whether a value is whatever the resource itself belongs to."""
    pieces = clause.values[at]
    return len(pieces) == 1 and isinstance(pieces[0], Variable) and pieces[0].key in _OWN


def _few(texts: Sequence[str]) -> list[int]:
    """The places of all ranges, unless they are so many addresses that they shut nobody out."""
    total = {_IPV4: 0, 6: 0}
    for text in texts:
        found = address_range(text)
        if found is not None:
            version, _, mask = found
            full = (1 << (32 if version == _IPV4 else 128)) - 1
            total[version] += full - mask + 1
    return list(range(len(texts))) if total[_IPV4] <= _FEW_IPV4 and total[6] <= _FEW_IPV6 else []


def _deny(clause: Clause) -> Statement:
    return replace(_EVERYTHING, conditions=(clause,))


_EVERYTHING: Final = Statement(
    index=0,
    path="$.Statement",
    sid=None,
    effect=Effect.DENY,
    actions=(action_pattern("*"),),
    not_actions=(),
    resources=(),
    not_resources=(),
    conditions=(),
    principals=NAMES_EVERYBODY,
)
