"""The policies around a request, in layers: ceilings that all must allow, and the two kinds that grant."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workflows.policy.document import Effect, Policy, PolicyKind, parse_policy


class LayerKind(StrEnum):
    """What a layer is, in the order in which a refusal names them."""

    GUARDRAIL = "guardrail"
    RESOURCE_GUARDRAIL = "resource guardrail"
    RESOURCE = "resource"
    IDENTITY = "identity"
    BOUNDARY = "boundary"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy under the name or ARN that people know it by."""

    name: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Layer:
    """Policies whose Allows add up; a layer without policies allows nothing.

    Each level of an organisation is a layer of its own, and so is each boundary.
    """

    kind: LayerKind
    name: str
    policies: tuple[NamedPolicy, ...]


@dataclass(frozen=True, slots=True)
class StatementRef:
    """Where a statement stands: `index` counts from 0 within its policy, `path` is its JSON path there."""

    layer_kind: LayerKind
    layer_name: str
    policy_name: str
    index: int
    path: str
    sid: str | None

    @property
    def label(self) -> str:
        """The statement in one word: layer, policy, and its Sid or its place in the policy."""
        return f"{self.layer_kind.value}:{self.policy_name}:{self.sid or self.index}"


# --- ready-made layers -----------------------------------------------------------------------------------

_FULL_ACCESS_TEXT: Final = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
FULL_ACCESS: Final = NamedPolicy("FullAccess", parse_policy(_FULL_ACCESS_TEXT, kind=PolicyKind.IDENTITY))


def guardrail_layer(
    policies: Sequence[NamedPolicy], *, name: str = "guardrails", kind: LayerKind = LayerKind.GUARDRAIL
) -> Layer:
    """The layer that guardrails make which only take away, as an account's and an organisation's resource ones do.

    Without any Allow among them full access is implied at this level; with at least one Allow they are a list of what
    may be done at all.
    """
    allows = any(statement.effect is Effect.ALLOW for named in policies for statement in named.policy.statements)
    return Layer(kind, name, tuple(policies) if allows else (*policies, FULL_ACCESS))
