"""Counterexamples in words that people know: the same proof with an action that the catalogue has.

A search finds the shortest text that proves its point, and that may name no action of any service. Where an action that
exists proves the same, it is shown instead; the engine is asked again, so nothing is shown that does not hold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from workflows.policy.asking import AT_HOME, Asking
from workflows.policy.catalogue import catalogue
from workflows.policy.compare import Counterexample
from workflows.policy.context import fold
from workflows.policy.document import Statement
from workflows.policy.evaluate import decide
from workflows.policy.layers import NamedPolicy
from workflows.policy.patterns import Work

_MOST_TRIED: Final = 100
# Tried where a pattern leaves the service open.
_WELL_KNOWN: Final = (
    "s3:GetObject",
    "ec2:DescribeInstances",
    "iam:CreateUser",
    "dynamodb:GetItem",
    "lambda:InvokeFunction",
    "sqs:SendMessage",
    "kms:Decrypt",
)


def in_known_words(
    found: Counterexample,
    first: Sequence[NamedPolicy],
    second: Sequence[NamedPolicy],
    *,
    asking: Asking = AT_HOME,
) -> Counterexample:
    """Return the counterexample to `first` staying within `second`, with an action that exists if one serves."""
    own = catalogue().action(found.request.action)
    if own is not None:
        return replace(found, request=replace(found.request, action=own.full_name))
    allowing, refusing = asking.layers(first), asking.layers(second)
    for name in islice(_names(found.statement), _MOST_TRIED):
        request = replace(found.request, action=name)
        if decide(allowing, request).allowed and not decide(refusing, request).allowed:
            return replace(found, request=request)
    return found


def _names(statement: Statement) -> Iterator[str]:
    for pattern in statement.actions or ():
        service = pattern.text.partition(":")[0]
        if "*" in service or "?" in service:
            yield from (name for name in _WELL_KNOWN if pattern.glob.matches(fold(name), Work()))
        else:
            yield from (entry.full_name for entry in catalogue().matching(pattern))
    if statement.not_actions:
        yield from _WELL_KNOWN
