"""Condition clauses: one operator, one key, a list of values.

All clauses of a statement must hold; the values of one clause are alternatives, and for a negated operator
none of them may fit.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from workflows.policy.context import RequestContext, Value, fold
from workflows.policy.operators import COMPARISONS, Comparison, Test, truth
from workflows.policy.patterns import Work
from workflows.policy.variables import Piece, has_variable

NULL: Final = "Null"
_IF_EXISTS: Final = "IfExists"


class Quantifier(StrEnum):
    """How the values of a multi-valued request key are put together."""

    NONE = ""
    ALL = "ForAllValues"
    ANY = "ForAnyValue"


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator in its parts; `base` is a name of the comparison table or `Null`."""

    base: str
    quantifier: Quantifier = Quantifier.NONE
    if_exists: bool = False

    @property
    def comparison(self) -> Comparison | None:
        """How values are compared; None for `Null`, which compares nothing."""
        return COMPARISONS.get(self.base)


def read_operator(name: str) -> Operator | None:
    """The operator that `name` spells (case-sensitive), or None when there is no such operator.

    `Null` takes neither a set prefix nor IfExists: both would make it say nothing.
    """
    prefix, colon, rest = name.rpartition(":")
    if name == NULL:
        return Operator(NULL)
    if colon and prefix not in (Quantifier.ALL, Quantifier.ANY):
        return None
    base = rest.removesuffix(_IF_EXISTS)
    return Operator(base, Quantifier(prefix), base != rest) if base in COMPARISONS else None


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison of a Condition; `key` and `texts` as written, `values` are the texts cut into pieces."""

    operator: Operator
    key: str
    texts: tuple[str, ...]
    values: tuple[tuple[Piece, ...], ...]
    _folded_key: str = field(init=False, compare=False, repr=False)
    _tests: tuple[Test, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        comparison = self.operator.comparison
        tests = tuple(map(comparison.read, self.values)) if comparison else ()
        object.__setattr__(self, "_folded_key", fold(self.key))
        object.__setattr__(self, "_tests", tests)

    @property
    def has_variables(self) -> bool:
        """Whether a value of the clause depends on the request."""
        return any(map(has_variable, self.values))

    def holds(self, context: RequestContext, work: Work) -> bool:
        """Whether the clause is satisfied; raises `LimitExceeded` when `work` runs out."""
        value = context.get_folded(self._folded_key)
        comparison = self.operator.comparison
        if comparison is None:
            return _is_null(value) in map(truth, self.texts)
        if value is None or value == ():
            return self._holds_without_value(negated=comparison.negated)
        values = (value,) if isinstance(value, str) else value
        match self.operator.quantifier:
            case Quantifier.ALL:
                return values == ("",) or all(self._fits(v, context, work) != comparison.negated for v in values)
            case Quantifier.ANY:
                return any(self._fits(v, context, work) != comparison.negated for v in values)
            case Quantifier.NONE:
                return any(self._fits(v, context, work) for v in values) != comparison.negated

    def _holds_without_value(self, *, negated: bool) -> bool:
        match self.operator.quantifier:
            case Quantifier.ALL:
                return True
            case Quantifier.ANY:
                return self.operator.if_exists
            case Quantifier.NONE:
                return negated or self.operator.if_exists

    def _fits(self, actual: str, context: RequestContext, work: Work) -> bool:
        return any(test(actual, context, work) for test in self._tests)


def _is_null(value: Value | None) -> bool:
    """The empty text and the empty list count as absent, for this operator only."""
    return value is None or value in ("", (), ("",))
