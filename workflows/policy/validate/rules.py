"""What can be found in a document: one rule for each kind of finding, by the codes of AWS's policy validation."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from workflows.policy.strict_json import quoted
from workflows.policy.validate.draft import Clause, Draft, StatementDraft
from workflows.policy.validate.places import Place

_PAGE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"


class FindingType(StrEnum):
    """How grave a finding is, the gravest first."""

    ERROR = "ERROR"
    SECURITY_WARNING = "SECURITY_WARNING"
    WARNING = "WARNING"
    SUGGESTION = "SUGGESTION"


_IN_LINKS: Final = {
    FindingType.ERROR: "error",
    FindingType.SECURITY_WARNING: "security-warning",
    FindingType.WARNING: "general-warning",
    FindingType.SUGGESTION: "suggestion",
}


class Words(str):
    """A value of a message that no stranger wrote, so that it stands there without quotes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding: its code, what is wrong and what to do, both with the names of values in braces."""

    id: str
    type: FindingType
    problem: str
    advice: str

    @property
    def page(self) -> str:
        """The address of AWS's own explanation."""
        name = self.id.lower().replace("_", "-")
        return f"{_PAGE}#access-analyzer-reference-policy-checks-{_IN_LINKS[self.type]}-{name}"

    def at(self, *places: Place, **values: object) -> "Finding":
        """Return a finding of this rule; texts among the values are quoted and cut, for strangers wrote them."""
        shown = {name: _shown(each) for name, each in values.items()}
        return Finding(self, places, shown)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found, where, and the values its message names."""

    rule: Rule
    places: tuple[Place, ...]
    values: Mapping[str, str]

    @property
    def message(self) -> str:
        """What is wrong and what to do, in English."""
        return f"{self.rule.problem} {self.rule.advice}".format_map(self.values)


def _shown(value: object) -> str:
    return quoted(value) if isinstance(value, str) and not isinstance(value, Words) else str(value)


RULES: Final[dict[str, Rule]] = {}
"""Every rule by its code."""

DocumentCheck: TypeAlias = Callable[[Draft], Iterable[Finding]]
StatementCheck: TypeAlias = Callable[[Draft, StatementDraft], Iterable[Finding]]
ClauseCheck: TypeAlias = Callable[[Draft, StatementDraft, Clause], Iterable[Finding]]

_DOCUMENT_CHECKS: Final[list[DocumentCheck]] = []
_STATEMENT_CHECKS: Final[list[StatementCheck]] = []
_CLAUSE_CHECKS: Final[list[ClauseCheck]] = []


def error(code: str, problem: str, advice: str) -> Rule:
    """Register a rule about what the language does not allow."""
    return _registered(Rule(code, FindingType.ERROR, problem, advice))


def security_warning(code: str, problem: str, advice: str) -> Rule:
    """Register a rule about access that is wider than it looks."""
    return _registered(Rule(code, FindingType.SECURITY_WARNING, problem, advice))


def warning(code: str, problem: str, advice: str) -> Rule:
    """Register a rule about what may not do what was meant."""
    return _registered(Rule(code, FindingType.WARNING, problem, advice))


def suggestion(code: str, problem: str, advice: str) -> Rule:
    """Register a rule about what could be left out or said better."""
    return _registered(Rule(code, FindingType.SUGGESTION, problem, advice))


def _registered(rule: Rule) -> Rule:
    if RULES.setdefault(rule.id, rule) is not rule:
        raise ValueError(f"the rule {rule.id} is registered twice")
    return rule


def document_check(check: DocumentCheck) -> DocumentCheck:
    """Have a check asked once for each document."""
    _DOCUMENT_CHECKS.append(check)
    return check


def statement_check(check: StatementCheck) -> StatementCheck:
    """Have a check asked for each statement."""
    _STATEMENT_CHECKS.append(check)
    return check


def clause_check(check: ClauseCheck) -> ClauseCheck:
    """Have a check asked for each comparison of each statement."""
    _CLAUSE_CHECKS.append(check)
    return check


def asked(draft: Draft) -> Iterator[Iterable[Finding]]:
    """Yield what each check answers, check by check."""
    for check in _DOCUMENT_CHECKS:
        yield check(draft)
    for statement in draft.statements:
        for statement_check_ in _STATEMENT_CHECKS:
            yield statement_check_(draft, statement)
        for clause in statement.clauses:
            for clause_check_ in _CLAUSE_CHECKS:
                yield clause_check_(draft, statement, clause)
