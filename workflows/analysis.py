"""Use-cases that look at policy documents and at nothing else: what is wrong with one, and what a few together allow.

Nothing is stored. Whether the caller may ask is decided in a transaction; what the answer costs is spent outside of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workflows.acts import consult
from workflows.audit import Draft
from workflows.authority import Question, authorize
from workflows.callers import Call
from workflows.errors import BadInput, MalformedPolicy, NotDecided, UnusableDocument
from workflows.policy.compare import Comparison, Counterexample, Verdict
from workflows.policy.document import ASKED, LONGEST_DOCUMENT, PolicyKind, parse_policy
from workflows.policy.layers import NamedPolicy
from workflows.policy.questions import granted_access, new_access, public_access
from workflows.policy.validate.validation import Validation, validate
from workflows.ports import Ports, Reading

_RESOURCE_KINDS: Final = (PolicyKind.RESOURCE, PolicyKind.TRUST)


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to a question: whether it passes, and for each statement that goes too far a request that shows it."""

    passes: bool
    counterexamples: Sequence[Counterexample]


def validate_policy(
    ports: Ports, call: Call, text: str, *, kind: PolicyKind, resource_type: str | None = None
) -> Validation:
    """Return what is wrong with a document. API: ValidatePolicy. Raises `BadInput` for one that is too long."""
    _permitted(ports, call, "ValidatePolicy")
    _check_length(text, "policyDocument")
    return validate(text, kind, resource_type)


def check_no_new_access(ports: Ports, call: Call, *, new: str, existing: str, kind: PolicyKind) -> Checked:
    """Tell whether a document allows nothing that another does not. API: CheckNoNewAccess.

    Raises `UnusableDocument` for what cannot be read and `NotDecided`, as the other checks do.
    """
    _permitted(ports, call, "CheckNoNewAccess")
    first = _policy(new, "newPolicyDocument", kind)
    second = _policy(existing, "existingPolicyDocument", kind)
    return _checked(new_access([first], [second], kind=kind, every=True))


def check_access_not_granted(
    ports: Ports, call: Call, text: str, *, actions: Sequence[str], resources: Sequence[str], kind: PolicyKind
) -> Checked:
    """Tell whether a document grants none of some actions on any of some resources. API: CheckAccessNotGranted."""
    _permitted(ports, call, "CheckAccessNotGranted")
    if not actions and not resources:
        raise UnusableDocument("access", "names neither actions nor resources; name at least one of either")
    policy = _policy(text, "policyDocument", kind)
    try:
        answer = granted_access([policy], actions=actions, resources=resources, kind=kind, every=True)
    except MalformedPolicy as failure:
        raise UnusableDocument("access", f"cannot be asked about: {failure.problem}") from None
    return _checked(answer)


def check_no_public_access(ports: Ports, call: Call, text: str, *, kind: PolicyKind) -> Checked:
    """Tell whether a resource policy lets in nobody whom it does not fix. API: CheckNoPublicAccess."""
    _permitted(ports, call, "CheckNoPublicAccess")
    return _checked(public_access([_policy(text, "policyDocument", kind)], every=True))


def _permitted(ports: Ports, call: Call, act: str) -> None:
    def work(tx: Reading, _draft: Draft) -> None:
        authorize(tx, ports, call, Question(f"access-analyzer:{act}", "*", {}))

    consult(ports, call, act, work)


def _check_length(text: str, field: str) -> None:
    if len(text) > LONGEST_DOCUMENT:
        raise BadInput(field, f"has {len(text)} characters; at most {LONGEST_DOCUMENT} are accepted")


def _policy(text: str, field: str, kind: PolicyKind) -> NamedPolicy:
    """The document of a field; a resource policy may be the trust policy of a role, which names no resources."""
    _check_length(text, field)
    refusals: list[MalformedPolicy] = []
    for each in _RESOURCE_KINDS if kind is PolicyKind.RESOURCE else (kind,):
        try:
            return NamedPolicy(field, parse_policy(text, kind=each, caps=ASKED))
        except MalformedPolicy as failure:
            refusals.append(failure)
    raise UnusableDocument(field, f"at {refusals[0].path} {refusals[0].problem}")


def _checked(answer: Comparison) -> Checked:
    if answer.verdict is Verdict.UNKNOWN:
        raise NotDecided(answer.because or "work")
    return Checked(answer.verdict is Verdict.PROVEN, answer.counterexamples)
