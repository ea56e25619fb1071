"""The review of a partner's bundle: template and boundaries are judged by what they can grant, not by how they look.

AWS has people do this by mail. The rows of its guidelines (V1 to V21), of its review tool (S1 to S10) and the ways to
escalate privileges are asked of the engine that compares policies, so a wildcard meets what it hides, a Deny takes away
what it covers, and every grave finding shows the calls. A good bundle has no finding; what cannot be decided is one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from workflows.errors import LimitExceeded
from workflows.policy.reviewing import (
    action_rules,
    condition_rules,
    form_rules,
    iam_rules,
    passing_rules,
    reference_rules,
    service_rules,
    unproven_rules,
)
from workflows.policy.reviewing.bundle import BoundaryDocument, Bundle, Document, subjects_of
from workflows.policy.reviewing.corrections import Correction, correction
from workflows.policy.reviewing.finding import Finding, Severity, Step, in_order
from workflows.policy.reviewing.folder import NAMES, bundle_of
from workflows.policy.reviewing.reach import Reach

__all__ = [
    "NAMES",
    "BoundaryDocument",
    "Bundle",
    "Correction",
    "Document",
    "Finding",
    "Severity",
    "Step",
    "bundle_of",
    "corrected",
    "review",
]

Rule = Callable[[Reach], Iterator[Finding]]

# What could not be decided is told at the end, when everything has been asked.
_RULES: Final[tuple[Rule, ...]] = (
    iam_rules.role_rules,
    iam_rules.identity_rules,
    iam_rules.tagging_rules,
    iam_rules.stepping_rules,
    passing_rules.passing_rules,
    passing_rules.takeover_rules,
    service_rules.scoping_rules,
    service_rules.whole_service_rules,
    service_rules.credential_rules,
    service_rules.account_rules,
    action_rules.naming_rules,
    action_rules.hidden_rules,
    action_rules.dead_rules,
    condition_rules.key_rules,
    condition_rules.absence_rules,
    condition_rules.overlap_rules,
    condition_rules.guard_rules,
    reference_rules.reference_rules,
    form_rules.form_rules,
    form_rules.size_rules,
    unproven_rules.unproven_rules,
)


def review(bundle: Bundle) -> tuple[Finding, ...]:
    """Return everything that is wrong with a bundle, the gravest first. Never raises for what a partner wrote."""
    subjects, findings = subjects_of(bundle)
    for subject in subjects:
        reach = Reach(subject)
        for rule in _RULES:
            findings += _asked(rule, reach)
    return in_order(findings)


def corrected(bundle: Bundle, finding: Finding, findings: Sequence[Finding]) -> Correction | None:
    """Return a checked correction of one of the findings of this bundle, None where there is none to offer."""
    return correction(bundle, finding, findings, review)


def _asked(rule: Rule, reach: Reach) -> list[Finding]:
    """What a rule finds; one that ran out of steps has not proven what it asks."""
    found: list[Finding] = []
    try:
        found.extend(rule(reach))
    except LimitExceeded:
        reach.unproven.setdefault(f"a rule on {rule.__name__.removesuffix('_rules')}", "steps")
    return found
