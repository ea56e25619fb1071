"""What could be left out of a document without changing what it says.

A pattern is called redundant only where one other surely covers it; the work spent on looking is bounded.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from workflows.policy.containment import PatternSet, contains
from workflows.policy.document import PolicyKind
from workflows.policy.patterns import Glob, Work
from workflows.policy.validate.draft import Clause, Draft, StatementDraft, Text, action_glob, resource_glob
from workflows.policy.validate.rules import Finding, Rule, clause_check, document_check, statement_check, suggestion

_MOST_STATEMENTS: Final = 100
_MOST_PLACES: Final = 20
_ORDERINGS: Final = ("LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")

_ACTION: Final = suggestion(
    "REDUNDANT_ACTION",
    "{count} of the actions are covered by others of the statement, such as {example} by {other}.",
    "Remove them.",
)
_RESOURCE: Final = suggestion(
    "REDUNDANT_RESOURCE",
    "{count} of the resources are covered by others of the statement, such as {example} by {other}.",
    "Remove them.",
)
_BOUNDS: Final = suggestion(
    "REDUNDANT_CONDITION_VALUE_NUM",
    "Of several bounds for {key} under {operator} one decides.",
    "Keep that one.",
)
_STATEMENT: Final = suggestion(
    "REDUNDANT_STATEMENT",
    "Statement number {other} says all that this one says.",
    "Remove this one.",
)


@statement_check
def check_patterns(draft: Draft, statement: StatementDraft) -> Iterator[Finding]:
    """Actions and resources that others of their list cover."""
    work = draft.redundancy_work
    for entries in (statement.actions, statement.not_actions):
        yield from _covered(entries, action_glob, _ACTION, work)
    for entries in (statement.resources, statement.not_resources):
        yield from _covered(entries, resource_glob, _RESOURCE, work)


def _covered(entries: Sequence[Text], read: Callable[[str], Glob], rule: Rule, work: Work) -> Iterator[Finding]:
    if len(entries) < 2:  # noqa: PLR2004  one alone is covered by nothing
        return
    pairs = list(_pairs(entries, read, work))
    if pairs:
        (example, other), places = pairs[0], [entry.place for entry, _ in pairs[:_MOST_PLACES]]
        yield rule.at(*places, count=len(pairs), example=example.text, other=other.text)


def _pairs(entries: Sequence[Text], read: Callable[[str], Glob], work: Work) -> Iterator[tuple[Text, Text]]:
    """Each entry that is covered, with one that covers it; of two that mean the same the later one is."""
    globs = [read(entry.text) for entry in entries]
    first: dict[Glob, int] = {}
    for at, glob in enumerate(globs):
        first.setdefault(glob, at)
    wild = _ByHead(first)
    for at, glob in enumerate(globs):
        if first[glob] != at:
            yield entries[at], entries[first[glob]]
            continue
        for other, wide in wild.that_may_hold(glob):
            if other != at and _lies_in(glob, wide, work) and not (other > at and _lies_in(wide, glob, work)):
                yield entries[at], entries[other]
                break


def _lies_in(narrow: Glob, wide: Glob, work: Work) -> bool:
    """Whether all of a pattern surely lies in another; most that do not are told by the other's plain text."""
    texts = [run for run in wide.runs if isinstance(run, str)]
    plain = [run for run in narrow.runs if isinstance(run, str)]
    work.spend(1)
    return all(any(text in run for run in plain) for text in texts) and contains(wide, narrow, work)


class _ByHead:
    """Patterns with wildcards, by the plain text they begin with: only what begins as they do can lie in them."""

    def __init__(self, places: Mapping[Glob, int]) -> None:
        self._found: dict[str, list[tuple[int, Glob]]] = {}
        for glob, at in places.items():
            if not glob.is_literal:
                self._found.setdefault(glob.head, []).append((at, glob))
        self._lengths = sorted({len(head) for head in self._found})

    def that_may_hold(self, narrow: Glob) -> Iterator[tuple[int, Glob]]:
        head = narrow.head
        for length in self._lengths:
            if length > len(head):
                return
            yield from self._found.get(head[:length], ())


@clause_check
def check_bounds(_draft: Draft, _statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Bounds of which one decides."""
    if clause.base.endswith(_ORDERINGS) and len(clause.values) > 1:
        yield _BOUNDS.at(clause.held.place, key=clause.key.text, operator=clause.operator_name)


# --- statements ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    """What a statement says, in a form that can be compared."""

    statement: StatementDraft
    actions: PatternSet
    resources: PatternSet
    services: frozenset[str]
    clauses: frozenset[tuple[object, ...]]
    principals: object


@document_check
def check_statements(draft: Draft) -> Iterator[Finding]:
    """Statements all of whose requests another one of the same effect fits; of equal ones the later is redundant."""
    if len(draft.statements) < 2:  # noqa: PLR2004  one alone is covered by nothing
        return
    said = [one for each in islice(draft.statements, _MOST_STATEMENTS) if (one := _said(draft, each)) is not None]
    dropped: set[int] = set()
    for narrow in reversed(said):
        for wide in said:
            if wide is narrow or wide.statement.index in dropped or not _holds(wide, narrow, draft.redundancy_work):
                continue
            dropped.add(narrow.statement.index)
            yield _STATEMENT.at(narrow.statement.place, wide.statement.place, other=wide.statement.index + 1)
            break


def _said(draft: Draft, statement: StatementDraft) -> _Said | None:
    """None for a statement that is not whole enough to be compared."""
    named = statement.actions or statement.not_actions
    where = statement.resources or statement.not_resources
    is_whole = named and (where or draft.kind is PolicyKind.TRUST) and all(each.operator for each in statement.clauses)
    if not is_whole or statement.effect is None:
        return None
    everything = not where
    resources = tuple(resource_glob(each.text) for each in where) or (resource_glob("*"),)
    services = frozenset(each.text.partition(":")[0].lower() for each in named)
    return _Said(
        statement,
        PatternSet(tuple(action_glob(each.text) for each in named), bool(statement.not_actions)),
        PatternSet(resources, bool(statement.not_resources) and not everything),
        services,
        frozenset(
            (each.operator_name, each.folded, frozenset(value.text for value in each.values))
            for each in statement.clauses
        ),
        (_spelt(statement.principals), _spelt(statement.not_principals)),
    )


def _spelt(principals: Mapping[str, Sequence[Text]]) -> frozenset[tuple[str, frozenset[str]]]:
    return frozenset((kind, frozenset(entry.text for entry in entries)) for kind, entries in principals.items())


def _holds(wide: _Said, narrow: _Said, work: Work) -> bool:
    """Whether a statement surely fits all that another one does."""
    if wide.statement.effect != narrow.statement.effect or wide.principals != narrow.principals:
        return False
    if not wide.clauses <= narrow.clauses or not _may_hold(wide, narrow):
        return False
    return wide.actions.holds(narrow.actions, work) and wide.resources.holds(narrow.resources, work)


def _may_hold(wide: _Said, narrow: _Said) -> bool:
    """What can be seen from the services alone, quicker than from the patterns."""
    if wide.actions.is_complement or narrow.actions.is_complement:
        return True
    return narrow.services <= wide.services or any("*" in each or "?" in each for each in wide.services)
