"""The same question, whether one policy allows a request that another does not, put to an SMT solver.

It shares nothing with the engine but the parsed documents. Covered are actions, resources and the operators that most
policies use on single values; `readable` says whether a document holds nothing else.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, Final

import cvc5
from cvc5 import Kind

from workflows.policy.conditions import Clause, Quantifier
from workflows.policy.document import Effect, Policy, Statement

UNGOVERNED: Final = ("sts:getcalleridentity", "sts:getsessiontoken")
_TEXTS: Final = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "Bool", "Null")
_ARNS: Final = ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike")
_FIELDS: Final = 5


def readable(policy: Policy) -> bool:
    """Whether the solver's side knows everything that a policy says."""
    clauses = [clause for one in policy.statements for clause in one.conditions]
    plain = all(
        clause.operator.base in (*_TEXTS, *_ARNS)
        and clause.operator.quantifier is Quantifier.NONE
        and not clause.has_variables
        for clause in clauses
    )
    places = [pattern for one in policy.statements for pattern in (*one.resources, *one.not_resources)]
    return plain and all(pattern.is_fixed for pattern in places)


class Question:
    """One solver with the request that is looked for: an action, a resource, and a value for every key.

    It gives up after `effort` in its own units of work, not of time, so that it comes equally far on every machine.
    """

    def __init__(self, effort: int) -> None:
        self._terms: Any = cvc5.TermManager()
        self._solver: Any = cvc5.Solver(self._terms)
        self._solver.setLogic("QF_SLIA")
        self._solver.setOption("rlimit-per", str(effort))
        text = self._terms.getStringSort()
        self._action = self._terms.mkConst(text, "action")
        self._resource = self._terms.mkConst(text, "resource")
        self._keys: dict[str, tuple[Any, Any]] = {}
        self._shape()

    def goes_beyond(self, first: Policy, second: Policy) -> bool | None:
        """Whether the first allows a request that the second does not; None when the solver gave up."""
        make = self._terms.mkTerm
        self._solver.assertFormula(self._allowed(first))
        self._solver.assertFormula(make(Kind.NOT, self._allowed(second)))
        answer = self._solver.checkSat()
        return None if answer.isUnknown() else bool(answer.isSat())

    # --- the request -------------------------------------------------------------------------------------

    def _shape(self) -> None:
        make, some = self._terms.mkTerm, self._some
        action = self._row([some(), self._star(), self._literal(":"), some(), self._star()])
        self._solver.assertFormula(make(Kind.STRING_IN_REGEXP, self._action, action))
        for name in UNGOVERNED:
            named = make(Kind.EQUAL, self._action, self._terms.mkString(name))
            self._solver.assertFormula(make(Kind.NOT, named))
        within = [self._literal("arn:"), some(but_colon=True), self._star(but_colon=True), self._literal(":")]
        within += [some(but_colon=True), self._star(but_colon=True), self._literal(":")]
        within += [self._star(but_colon=True), self._literal(":"), self._star(but_colon=True), self._literal(":")]
        arn = self._row([*within, some(), self._star()])
        is_arn = make(Kind.STRING_IN_REGEXP, self._resource, arn)
        is_none = make(Kind.EQUAL, self._resource, self._terms.mkString("*"))
        self._solver.assertFormula(make(Kind.OR, is_arn, is_none))

    def _key(self, name: str) -> tuple[Any, Any]:
        folded = name.lower()
        if folded not in self._keys:
            there = self._terms.mkConst(self._terms.getBooleanSort(), f"has {folded}")
            value = self._terms.mkConst(self._terms.getStringSort(), folded)
            self._keys[folded] = (there, value)
        return self._keys[folded]

    # --- policies ----------------------------------------------------------------------------------------

    def _allowed(self, policy: Policy) -> Any:
        by_effect: dict[Effect, list[Any]] = {Effect.ALLOW: [], Effect.DENY: []}
        for one in policy.statements:
            by_effect[one.effect].append(self._matches(one))
        denied = self._any(by_effect[Effect.DENY])
        allowed = self._any(by_effect[Effect.ALLOW])
        return self._terms.mkTerm(Kind.AND, allowed, self._terms.mkTerm(Kind.NOT, denied))

    def _matches(self, one: Statement) -> Any:
        actions = self._any([self._fits(self._action, each.text.lower()) for each in (*one.actions, *one.not_actions)])
        places = (*one.resources, *one.not_resources)
        resources = self._any([self._fits_arn(self._resource, each.text, last_runs_on=True) for each in places])
        parts = [
            self._terms.mkTerm(Kind.NOT, actions) if one.not_actions else actions,
            self._terms.mkTerm(Kind.NOT, resources) if one.not_resources else resources,
            *map(self._holds, one.conditions),
        ]
        return self._all(parts)

    def _holds(self, clause: Clause) -> Any:
        make, base = self._terms.mkTerm, clause.operator.base
        there, value = self._key(clause.key)
        if base == "Null":
            null = make(Kind.OR, make(Kind.NOT, there), make(Kind.EQUAL, value, self._terms.mkString("")))
            wanted = {text.lower() for text in clause.texts}
            return self._any([null if text == "true" else make(Kind.NOT, null) for text in sorted(wanted)])
        fits = self._any([self._compared(base, value, text) for text in clause.texts])
        if "Not" in base:
            return make(Kind.OR, make(Kind.NOT, there), make(Kind.NOT, fits))
        if clause.operator.if_exists:
            return make(Kind.OR, make(Kind.NOT, there), fits)
        return make(Kind.AND, there, fits)

    def _compared(self, base: str, value: Any, text: str) -> Any:
        if base == "Bool":
            spelt = ("".join(letters) for letters in product(*((one, one.upper()) for one in text.lower())))
            return self._any([self._terms.mkTerm(Kind.EQUAL, value, self._terms.mkString(one)) for one in spelt])
        if base in _ARNS:
            return self._fits_arn(value, text, last_runs_on=False)
        if "Like" in base:
            return self._fits(value, text)
        return self._terms.mkTerm(Kind.EQUAL, value, self._terms.mkString(text))

    # --- patterns ----------------------------------------------------------------------------------------

    def _fits(self, value: Any, pattern: str) -> Any:
        return self._terms.mkTerm(Kind.STRING_IN_REGEXP, value, self._row(self._pieces(pattern, but_colon=False)))

    def _fits_arn(self, value: Any, pattern: str, *, last_runs_on: bool) -> Any:
        """Wildcards stay within the first five fields, but a star that ends one may run on in a resource."""
        fields = pattern.split(":", _FIELDS)
        if len(fields) <= _FIELDS:
            return self._fits(value, pattern) if last_runs_on else self._terms.mkFalse()
        row: list[Any] = []
        for field in fields[:-1]:
            runs_on = last_runs_on and field.endswith("*")
            row += self._pieces(field.removesuffix("*") if runs_on else field, but_colon=True)
            row += [self._star()] if runs_on else []
            row.append(self._literal(":"))
        row += self._pieces(fields[-1], but_colon=False)
        return self._terms.mkTerm(Kind.STRING_IN_REGEXP, value, self._row(row))

    def _pieces(self, pattern: str, *, but_colon: bool) -> list[Any]:
        made = {"*": lambda: self._star(but_colon=but_colon), "?": lambda: self._some(but_colon=but_colon)}
        return [made[letter]() if letter in made else self._literal(letter) for letter in pattern]

    def _literal(self, text: str) -> Any:
        return self._terms.mkTerm(Kind.STRING_TO_REGEXP, self._terms.mkString(text))

    def _some(self, *, but_colon: bool = False) -> Any:
        every = self._terms.mkTerm(Kind.REGEXP_ALLCHAR)
        return self._terms.mkTerm(Kind.REGEXP_DIFF, every, self._literal(":")) if but_colon else every

    def _star(self, *, but_colon: bool = False) -> Any:
        return self._terms.mkTerm(Kind.REGEXP_STAR, self._some(but_colon=but_colon))

    def _row(self, pieces: Sequence[Any]) -> Any:
        if not pieces:
            return self._literal("")
        return pieces[0] if len(pieces) == 1 else self._terms.mkTerm(Kind.REGEXP_CONCAT, *pieces)

    def _any(self, parts: Iterable[Any]) -> Any:
        found = list(parts)
        if not found:
            return self._terms.mkFalse()
        return found[0] if len(found) == 1 else self._terms.mkTerm(Kind.OR, *found)

    def _all(self, parts: Iterable[Any]) -> Any:
        found = list(parts)
        return found[0] if len(found) == 1 else self._terms.mkTerm(Kind.AND, *found)
