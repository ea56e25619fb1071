"""Does a caller hold everything that a policy asks for? Proven, or refuted by a request that the caller may not make.

Every layer over the caller is a ceiling that the policy has to stay within, so each is a comparison of its own. What is
known of the caller's requests counts: who the caller is, and what the service never says of it. UNSURE is only said
when a proof met one of its bounds, and names it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workflows.policy.asking import AT_HOME, Asking
from workflows.policy.circumstances import keys_of
from workflows.policy.compare import Counterexample, Verdict, compare
from workflows.policy.context import Value, fold
from workflows.policy.decision import refusal_reason
from workflows.policy.document import Policy, Statement
from workflows.policy.familiar import in_known_words
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.policy.patterns import Work
from workflows.policy.request import Request
from workflows.policy.variables import Variable

# All layers together: some tenths of a second at worst.
_WORK: Final = 2_000_000


class CheckResult(StrEnum):
    """The three answers of the check."""

    ALLOWED = "ALLOWED"
    DENIED = "DENIED"
    UNSURE = "UNSURE"


@dataclass(frozen=True, slots=True)
class Witness:
    """A request that the policy allows by `asked` and the caller may not make, and the layer that refuses it.

    `denied_by` labels the statement that denies; without one, a statement like `asked` is what the layer lacks.
    """

    request: Request
    layer_kind: LayerKind | None
    layer_name: str
    because: str
    asked: Statement
    denied_by: str | None


@dataclass(frozen=True, slots=True)
class PermissionCheck:
    """The answer; with DENIED its witness, with UNSURE the bound that was met.

    A yes that `rests_on_variables` took each policy variable for a value that nothing else names.
    """

    result: CheckResult
    witness: Witness | None = None
    because: str | None = None
    rests_on_variables: bool = False


def covers(
    layers: Sequence[Layer],
    policy: Policy,
    *,
    identity: Mapping[str, str] | None = None,
    stated: Sequence[str] = (),
) -> PermissionCheck:
    """Tell whether `layers` allow everything that `policy` allows. Never raises.

    `identity` has the condition values that the caller's requests are known to carry; of keys that begin with one of
    `stated` (lower case) and are not in it, it is known that they are absent.
    """
    asking = Asking(AT_HOME.caller, _known(layers, policy, identity or {}, tuple(stated)))
    asked = (NamedPolicy("asked", policy),)
    because: str | None = None
    rests, work = False, Work(_WORK)
    for layer in layers or (Layer(LayerKind.IDENTITY, "", ()),):
        answer = compare(asked, layer.policies, asking=asking, work=work)
        if answer.verdict is Verdict.REFUTED:
            found = in_known_words(answer.counterexamples[0], asked, layer.policies, asking=asking)
            return PermissionCheck(CheckResult.DENIED, _witness(found, layer if layers else None))
        because = because or answer.because
        rests = rests or answer.rests_on_variables
    if because is not None:
        return PermissionCheck(CheckResult.UNSURE, because=because)
    return PermissionCheck(CheckResult.ALLOWED, rests_on_variables=rests)


def _witness(found: Counterexample, layer: Layer | None) -> Witness:
    request = found.request
    if layer is None:
        because = f"because no policy allows the {request.action} action"
        return Witness(request, None, "", because, found.statement, None)
    because = refusal_reason(layer.kind, None if found.denied_by else request.action)
    return Witness(request, layer.kind, layer.name, because, found.statement, found.denied_by)


def _known(
    layers: Iterable[Layer], policy: Policy, identity: Mapping[str, str], stated: tuple[str, ...]
) -> Mapping[str, Value | None]:
    given: dict[str, Value | None] = {fold(key): value for key, value in identity.items()}
    policies = (policy, *(named.policy for layer in layers for named in layer.policies))
    absent = (key for key in _keys(policies) if stated and key.startswith(stated) and key not in given)
    return {**dict.fromkeys(absent), **given}


def _keys(policies: Iterable[Policy]) -> Iterator[str]:
    """Every condition key, in lower case, that a policy compares or puts into a text."""
    for statement in (each for policy in policies for each in policy.statements):
        yield from (fold(clause.key) for clause in statement.conditions)
        yield from keys_of(statement.conditions)
        for pattern in (*statement.resources, *statement.not_resources):
            yield from (piece.key for piece in pattern.pieces if isinstance(piece, Variable))
