"""Comparisons with a lone asterisk, which ask for nothing but the presence of their key, or for nothing at all."""

from collections.abc import Iterator
from typing import Final

from workflows.policy.conditions import Quantifier
from workflows.policy.global_keys import GLOBAL_KEYS
from workflows.policy.validate.draft import Clause, Draft, StatementDraft
from workflows.policy.validate.rules import Finding, Rule, clause_check, suggestion

_PRESENT: Final = suggestion(
    "EQUIVALENT_TO_NULL_FALSE",
    "The comparison asks only whether the request has {key}.",
    'Compare {key} with "false" under Null.',
)
_ABSENT: Final = suggestion(
    "EQUIVALENT_TO_NULL_TRUE",
    "The comparison asks only whether the request lacks {key}.",
    'Compare {key} with "true" under Null.',
)
_ALWAYS: Final = suggestion(
    "REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION",
    "The wildcard makes the comparison of {key} always true.",
    "Leave it out.",
)
_NEVER: Final = suggestion(
    "REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION",
    "The wildcard makes the comparison of {key} never true, so that the statement does nothing.",
    "Correct the value, or remove the statement.",
)


@clause_check
def check_lone_wildcards(_draft: Draft, _statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Values that every text fits."""
    if clause.base not in ("StringLike", "StringNotLike"):
        return
    value = next((value for value in clause.values if value.text and not value.text.strip("*")), None)
    if value is not None:
        yield _meaning(clause).at(value.place, key=clause.key.text)


def _meaning(clause: Clause) -> Rule:
    known = GLOBAL_KEYS.find(clause.folded)
    if known is not None and known.is_always_present:
        return _NEVER if clause.is_negated else _ALWAYS
    is_true_when_absent = clause.operator is not None and clause.operator.if_exists
    is_true_when_absent |= clause.quantifier is Quantifier.ALL
    is_true_when_absent |= clause.is_negated and clause.quantifier is Quantifier.NONE
    if clause.is_negated:
        return _ABSENT if is_true_when_absent else _NEVER
    return _ALWAYS if is_true_when_absent else _PRESENT
