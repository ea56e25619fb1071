"""A folder of files as a bundle: which file is what, and which ARNs its boundaries will have.

The names are those that AWS's review tool reads: `permissions.json` or `delegation_template.json`, `boundary.json` or
`permission_boundary.json`, and `bundle_metadata.json` with `partner_domain`, `template_name` and `boundary_name`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.errors import BadInput, MalformedPolicy
from workflows.ids import parse_domain
from workflows.policy.reviewing.bundle import BoundaryDocument, Bundle, Document
from workflows.policy.reviewing.finding import Finding, Severity
from workflows.policy.strict_json import read_json
from workflows.templates import canonical_boundary_arn

TEMPLATES: Final = ("permissions.json", "delegation_template.json")
BOUNDARIES: Final = ("boundary.json", "permission_boundary.json")
METADATA: Final = "bundle_metadata.json"
NAMES: Final = (*TEMPLATES, *BOUNDARIES, METADATA)
_REFERENCE: Final = re.compile(r"arn:[a-z-]+:iam::partner:policy/[^\"*?\s\\]+")
_DATE: Final = re.compile(r"(_[0-9]{4}_?-?[0-9]{2}_?-?[0-9]{2})?", re.ASCII)
_MAKES_ROLES: Final = re.compile(r"iam:(\*|Create[*R]|PutRole|permissions?boundary)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Named:
    """What the metadata says, as far as it says it."""

    domain: str | None = None
    boundary: str | None = None
    wildcard_safe: frozenset[str] = frozenset()


def bundle_of(files: Mapping[str, str]) -> tuple[Bundle, list[Finding]]:
    """Return the bundle that files make, by name, and what is wrong with the folder itself."""
    findings: list[Finding] = []
    named = _named(files.get(METADATA), findings)
    template = _only(files, TEMPLATES, findings)
    if template is None:
        findings.append(_missing(TEMPLATES[0], "there is no template to review"))
    boundary = _only(files, BOUNDARIES, findings)
    text = files[template] if template else ""
    if template and boundary is None and _MAKES_ROLES.search(text):
        findings.append(_missing(BOUNDARIES[0], "the template speaks of roles and their boundary, and there is none"))
    references = sorted({canonical_boundary_arn(found) for found in _REFERENCE.findall(text)})
    boundaries = (BoundaryDocument(boundary, files[boundary], _arn(named, references)),) if boundary else ()
    document = Document(template, text) if template else None
    return Bundle(document, boundaries, named.domain, named.wildcard_safe), findings


def _only(files: Mapping[str, str], names: Sequence[str], findings: list[Finding]) -> str | None:
    there = [name for name in names if name in files]
    if len(there) > 1:
        message = f"stands beside {there[0]}; one of the two is meant"
        findings.append(Finding("S1", Severity.CRITICAL, there[1], message))
    return there[0] if there else None


def _missing(name: str, why: str) -> Finding:
    return Finding("S1", Severity.CRITICAL, name, f"is missing: {why}")


def _named(text: str | None, findings: list[Finding]) -> _Named:
    if text is None:
        return _Named()
    try:
        return _read(text)
    except (BadInput, MalformedPolicy) as refused:
        findings.append(Finding("S1", Severity.CRITICAL, METADATA, str(refused)))
        return _Named()


def _read(text: str) -> _Named:
    tree = read_json(text)
    if not isinstance(tree, dict):
        raise BadInput("$", "is not an object")
    domain, boundary = (_text(tree, name) for name in ("partner_domain", "boundary_name"))
    _text(tree, "template_name")
    safe = tree.get("wildcard_safe", [])
    if not isinstance(safe, list) or not all(isinstance(one, str) for one in safe):
        raise BadInput("wildcard_safe", "is not a list of names of parameters")
    names = frozenset(one for one in safe if isinstance(one, str))
    return _Named(parse_domain(domain, "partner_domain") if domain else None, boundary, names)


def _text(tree: Mapping[str, object], name: str) -> str | None:
    value = tree.get(name)
    if value is not None and not isinstance(value, str):
        raise BadInput(name, "is not a text")
    return value


def _arn(named: _Named, references: Sequence[str]) -> str | None:
    """The ARN that a boundary will have: as the template spells it, with or without the date, or by its name alone."""
    if named.domain is None or named.boundary is None:
        return references[0] if len(references) == 1 and named.boundary is None and _own(named, references[0]) else None
    plain = f"arn:aws:iam::partner:policy/permissions-boundary/{named.domain}/{named.boundary}"
    dated = (one for one in references if one.startswith(plain) and _DATE.fullmatch(one.removeprefix(plain)))
    return next(dated, plain)


def _own(named: _Named, reference: str) -> bool:
    return named.domain is None or f"/{named.domain}/" in reference
