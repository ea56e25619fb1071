"""Condition clauses: one operator, one key, a list of values.

All clauses of a statement must hold; the values of one clause are alternatives, and for a negated operator
none of them may fit.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Final, TypeAlias

from workflows.policy.context import Value, fold
from workflows.policy.operators import COMPARISONS, Among, Comparison, Fits, Pieces, truth
from workflows.policy.request import Asked
from workflows.policy.variables import Variable

Test: TypeAlias = Callable[[Asked], bool]

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
    def name(self) -> str:
        """The operator as a policy spells it."""
        prefix = f"{self.quantifier}:" if self.quantifier else ""
        return f"{prefix}{self.base}{_IF_EXISTS if self.if_exists else ''}"

    @property
    def comparison(self) -> Comparison | None:
        """How values are compared; None for `Null`, which compares nothing."""
        return COMPARISONS.get(self.base)


@cache
def _known_operators() -> Mapping[str, Operator]:
    """Every operator by the name that spells it."""
    operators = (
        Operator(base, quantifier, if_exists)
        for base in COMPARISONS
        for quantifier in Quantifier
        for if_exists in (False, True)
    )
    return {each.name: each for each in (Operator(NULL), *operators)}


def read_operator(name: str) -> Operator | None:
    """The operator that `name` spells (case-sensitive), or None when there is no such operator.

    `Null` takes neither a set prefix nor IfExists: both would make it say nothing.
    """
    return _known_operators().get(name)


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison of a Condition; `key` and `texts` as written, `values` are the texts cut into pieces.

    `test` says whether the clause holds for a request; it raises `LimitExceeded` when the request's work runs out.
    """

    operator: Operator
    key: str
    texts: tuple[str, ...]
    values: tuple[Pieces, ...]
    test: Test = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "test", _test(self.operator, fold(self.key), self.values, self.texts))

    @property
    def has_variables(self) -> bool:
        """Whether a value of the clause depends on the request."""
        return any(True for _ in self.variables)

    @property
    def variables(self) -> Iterator[Variable]:
        """The variables in the values of the clause."""
        return (piece for pieces in self.values for piece in pieces if isinstance(piece, Variable))

    @property
    def cost(self) -> int:
        """How dear the test is, to ask the cheap ones first."""
        comparison = self.operator.comparison
        return 0 if comparison is None else comparison.cost + self.has_variables


def _test(operator: Operator, key: str, values: tuple[Pieces, ...], texts: tuple[str, ...]) -> Test:
    comparison = operator.comparison
    if comparison is None:
        wanted = frozenset(map(truth, texts))
        return lambda asked: is_null(asked.values.get(key)) in wanted
    fits = comparison.read(values)
    match operator.quantifier:
        case Quantifier.ALL:
            return _for_all_values(key, fits, negated=comparison.negated)
        case Quantifier.ANY:
            return _for_any_value(key, fits, negated=comparison.negated, absent=operator.if_exists)
        case Quantifier.NONE:
            return _for_the_value(
                key, fits, negated=comparison.negated, absent=comparison.negated or operator.if_exists
            )


def _for_the_value(key: str, fits: Fits, *, negated: bool, absent: bool) -> Test:
    """The three bodies differ only in how many calls a value costs: this is the innermost place of a decision."""

    def several(values: tuple[str, ...] | None, asked: Asked) -> bool:
        return any(fits(each, asked) for each in values) is not negated if values else absent

    def compared(asked: Asked) -> bool:
        value = asked.values.get(key)
        return fits(value, asked) is not negated if isinstance(value, str) else several(value, asked)

    if not isinstance(fits, Among):
        return compared
    wanted, understand = fits.wanted, fits.understand

    def among_texts(asked: Asked) -> bool:
        value = asked.values.get(key)
        return (value in wanted) is not negated if isinstance(value, str) else several(value, asked)

    if understand is None:
        return among_texts

    def among_meanings(asked: Asked) -> bool:
        value = asked.values.get(key)
        return (understand(value) in wanted) is not negated if isinstance(value, str) else several(value, asked)

    return among_meanings


def _for_all_values(key: str, fits: Fits, *, negated: bool) -> Test:
    def test(asked: Asked) -> bool:
        values = _as_several(asked.values.get(key))
        return values == ("",) or all(fits(each, asked) is not negated for each in values)

    return test


def _for_any_value(key: str, fits: Fits, *, negated: bool, absent: bool) -> Test:
    def test(asked: Asked) -> bool:
        values = _as_several(asked.values.get(key))
        for each in values:
            if fits(each, asked) is not negated:
                return True
        return absent and not values

    return test


def _as_several(value: Value | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def is_null(value: Value | None) -> bool:
    """Whether a value counts as absent for `Null`, as the empty text and the empty list do."""
    return value is None or value in ("", (), ("",))
