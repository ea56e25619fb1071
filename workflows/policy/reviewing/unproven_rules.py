"""What could not be decided (UNPROVEN): a bound was met, so it counts as if it were granted.

It is as grave as the grant would be: a document that hides an escalation behind patterns is refused like one that
shows it.
"""

from collections.abc import Iterator
from typing import Final

from workflows.policy.context import fold
from workflows.policy.reviewing.finding import Finding, Severity
from workflows.policy.reviewing.passing_rules import CALLS_THAT_ESCALATE
from workflows.policy.reviewing.reach import Reach

_ALL_OF_THESE: Final = ("iam:", "sts:")


def unproven_rules(reach: Reach) -> Iterator[Finding]:
    """Tell what was not proven, the gravest of it by name."""
    doubts = {**reach.unproven, **dict.fromkeys(reach.subject.doubtful, "values")}
    if not doubts:
        return
    what = min(doubts, key=lambda doubt: (not _is_grave(doubt), doubt))
    more = f" and {len(doubts) - 1} more" if len(doubts) > 1 else ""
    message = f"not proven: {what}{more} could not be decided within its bounds ({doubts[what]}); write fewer patterns"
    severity = Severity.CRITICAL if _is_grave(what) else Severity.HIGH
    yield Finding("UNPROVEN", severity, reach.subject.name, message)


def _is_grave(doubt: str) -> bool:
    """Whether what is in doubt could be an escalation: one of its calls, a whole statement, or a whole rule."""
    folded = fold(doubt)
    return folded.startswith(("statement", "a rule", *_ALL_OF_THESE)) or folded in CALLS_THAT_ESCALATE
