"""What a partner hands in: a template, boundaries, and what their names will be. Read into subjects, or refused.

What cannot be read is a finding like any other (S1 where the text breaks a hard limit, S10 where it is no policy), so
that one look tells everything that is wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.errors import MalformedPolicy
from workflows.policy.document import OLD_VERSION
from workflows.policy.reviewing.finding import Finding, Severity
from workflows.policy.reviewing.subject import Subject
from workflows.policy.strict_json import Json, read_json
from workflows.templates import canonical_boundary_arn, parse_boundary, parse_template

_HARD_LIMITS: Final = ("$",)


@dataclass(frozen=True, slots=True)
class Document:
    """A text under the name that findings call it by."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class BoundaryDocument:
    """A boundary; `arn` is the one that it has or will have, None where that is not known."""

    name: str
    text: str
    arn: str | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that is reviewed together. `known_boundaries` are ARNs of boundaries that the partner has registered."""

    template: Document | None = None
    boundaries: tuple[BoundaryDocument, ...] = ()
    domain: str | None = None
    wildcard_safe: frozenset[str] = frozenset()
    known_boundaries: frozenset[str] = frozenset()

    @property
    def boundary_arns(self) -> frozenset[str]:
        """The canonical ARNs of all boundaries that may be named."""
        own = {one.arn for one in self.boundaries if one.arn is not None}
        return frozenset(map(canonical_boundary_arn, own | self.known_boundaries))


def subjects_of(bundle: Bundle) -> tuple[list[Subject], list[Finding]]:
    """Return the documents that can be read, and a finding for each that cannot."""
    subjects: list[Subject] = []
    findings: list[Finding] = []
    for name, text, is_template in _documents(bundle):
        try:
            subjects.append(_subject(bundle, name, text, is_template=is_template))
        except MalformedPolicy as refused:
            findings.append(_unreadable(name, text, refused))
    return subjects, findings


def _documents(bundle: Bundle) -> Iterator[tuple[str, str, bool]]:
    if bundle.template is not None:
        yield bundle.template.name, bundle.template.text, True
    yield from ((one.name, one.text, False) for one in bundle.boundaries)


def _subject(bundle: Bundle, name: str, text: str, *, is_template: bool) -> Subject:
    if is_template:
        parse_template(text, wildcard_safe=bundle.wildcard_safe)
    else:
        parse_boundary(text)
    tree = read_json(text)
    assert isinstance(tree, dict)
    version = tree.get("Version", OLD_VERSION)
    assert isinstance(version, str)
    return Subject(
        name=name,
        is_template=is_template,
        members=tuple(_members(tree["Statement"])),
        version=version,
        domain=bundle.domain,
        wildcard_safe=bundle.wildcard_safe if is_template else frozenset(),
        boundary_arns=bundle.boundary_arns,
        text=text,
    )


def _members(statements: Json) -> Iterator[Mapping[str, Json]]:
    several: Sequence[Json] = statements if isinstance(statements, list) else [statements]
    for one in several:
        assert isinstance(one, dict)
        yield one


def _unreadable(name: str, text: str, refused: MalformedPolicy) -> Finding:
    rule = "S1" if refused.path in _HARD_LIMITS or "parameter" in refused.problem or not _is_json(text) else "S10"
    return Finding(rule, Severity.CRITICAL, name, str(refused), refused.path)


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except MalformedPolicy:
        return False
    return True
