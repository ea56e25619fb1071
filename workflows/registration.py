"""The review at registration: what is critical is refused, all else needs somebody who answers for it with a reason.

A boundary is reviewed alone; a template beside the boundaries that its partner has registered. What was accepted stays
with the record, and is shown to every owner who is asked for it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from workflows.callers import Call, CallerKind
from workflows.errors import AcceptanceNeeded, BadInput, DomainError, ReviewRefused
from workflows.policy.review import BoundaryDocument, Bundle, Document, Finding, Severity, review
from workflows.ports import Ports, Reading
from workflows.records.partner import Boundary, Partner, PolicyTemplate
from workflows.records.request import DelegationRequest
from workflows.text import parse_text

_FIELD: Final = "accept"
_SHORTEST_REASON: Final = 10
_LONGEST_REASON: Final = 500
_LONGEST_MESSAGE: Final = 400

Told = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the review found (rule, severity, statement, message), and why that was accepted."""

    name: str
    findings: tuple[Told, ...]
    because: str | None


# A review can take as long as many writes, so it is made before the transaction, which finds the answer here.
_findings: Final = lru_cache(maxsize=16)(review)


def template_bundle(tx: Reading, partner: Partner, name: str, document: str, wildcard_safe: Sequence[str]) -> Bundle:
    """Return a template as it is reviewed: beside the boundaries that its partner has registered."""
    known = frozenset(one.arn for one in tx.find(Boundary, partner_id=partner.id))
    return Bundle(Document(name, document), (), partner.domain, frozenset(wildcard_safe), known)


def boundary_bundle(partner: Partner, name: str, arn: str, document: str) -> Bundle:
    """Return a boundary as it is reviewed: alone."""
    return Bundle(boundaries=(BoundaryDocument(name, document, arn),), domain=partner.domain)


def look_ahead(ports: Ports, call: Call, bundle: Callable[[Reading], Bundle]) -> None:
    """Review before the transaction, for whoever may register; what else is wrong the transaction will say."""
    if call.caller.kind is not CallerKind.OPERATOR:
        return
    with suppress(DomainError):
        _findings(ports.store.read(bundle))


def accepted(bundle: Bundle, name: str, accept: str | None) -> Accepted:
    """Return what is accepted of a bundle; raises `ReviewRefused`, `AcceptanceNeeded`, or `BadInput` for the reason."""
    return _accepted(name, _findings(bundle), accept)


def _accepted(name: str, findings: Sequence[Finding], accept: str | None) -> Accepted:
    because = _reason(accept)
    critical = [one for one in findings if one.severity is Severity.CRITICAL]
    if critical:
        raise ReviewRefused(_told(critical), "the review refuses this, and nobody can accept it")
    if findings and because is None:
        raise AcceptanceNeeded(_told(findings), f"`{_FIELD}` needs a reason why this is accepted")
    if because is not None and not findings:
        raise BadInput(_FIELD, "is given, but the review found nothing that had to be accepted; leave it out")
    return Accepted(name, _told(findings), because)


def _reason(accept: str | None) -> str | None:
    if accept is None:
        return None
    if accept.strip() != accept:
        raise BadInput(_FIELD, "begins or ends with white space")
    return parse_text(accept, _FIELD, shortest=_SHORTEST_REASON, longest=_LONGEST_REASON)


def _told(findings: Sequence[Finding]) -> tuple[Told, ...]:
    return tuple((one.rule, one.severity.value, one.statement, one.message[:_LONGEST_MESSAGE]) for one in findings)


def accepted_for(tx: Reading, request: DelegationRequest) -> tuple[Accepted, ...]:
    """Return what was accepted about the template and the boundaries of a request, as far as they still stand."""
    return tuple(_of_request(tx, request))


def _of_request(tx: Reading, request: DelegationRequest) -> Iterator[Accepted]:
    template = tx.get(PolicyTemplate, request.template_arn)
    boundaries = (tx.get(Boundary, arn) for arn, _ in request.boundaries)
    for one in (template, *boundaries):
        if one is not None and one.findings:
            yield Accepted(one.arn, one.findings, one.accepted_because)
