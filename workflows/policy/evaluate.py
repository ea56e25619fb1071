"""The decision: may this caller do this to that, and which statement says so.

A Deny anywhere wins; what is unclear, missing or too costly to work out is a refusal. The rules are those of IAM's
policy evaluation logic; `decide` is all of them, in their order.
"""

from typing import Final

from workflows.errors import LimitExceeded
from workflows.policy.decision import Decision, Ground, Hearing
from workflows.policy.index import Layers
from workflows.policy.layers import LayerKind
from workflows.policy.principal import Form, Grip
from workflows.policy.request import Request

UNGOVERNED: Final = frozenset(("sts:getcalleridentity", "sts:getsessiontoken"))
"""Actions, in lower case, that no policy governs: everybody with an account may do them."""


def decide(layers: Layers, request: Request) -> Decision:  # noqa: C901, PLR0911  the whole flow, to be read at once
    """The answer to `request` under these layers; never raises. Their order has no weight."""
    caller = request.principal
    hearing = Hearing(layers.heard_by(caller), request)
    try:
        hearing.open()
        if hearing.concern.action in UNGOVERNED and caller.has_account and not caller.is_delegated:
            return hearing.allowed(Ground.UNGOVERNED)
        if (denied := hearing.denied()) is not None:
            return hearing.denied_by(denied)
        for kind in (LayerKind.RESOURCE_GUARDRAIL, LayerKind.GUARDRAIL):
            if hearing.is_silent(kind):
                return hearing.lacking(kind)

        grip = hearing.grip()
        if not caller.has_account:
            return hearing.allowed(Ground.NAMED) if grip else hearing.lacking(LayerKind.RESOURCE)
        at_home = request.stays_at_home
        if at_home and grip is Grip.DIRECT and not caller.is_delegated:
            return hearing.allowed(Ground.NAMED)
        if not grip and (not at_home or hearing.resource_guards_itself):
            return hearing.lacking(LayerKind.RESOURCE)

        vouched = at_home and grip is Grip.BEHIND and not caller.is_delegated
        if not vouched and caller.form is not Form.ROOT and hearing.is_silent(LayerKind.IDENTITY, unless_absent=False):
            return hearing.lacking(LayerKind.IDENTITY)
        if hearing.is_silent(LayerKind.BOUNDARY):
            return hearing.lacking(LayerKind.BOUNDARY)
        if hearing.is_silent(LayerKind.SESSION, unless_absent=caller.form is not Form.FEDERATED_USER):
            return hearing.lacking(LayerKind.SESSION)
        return hearing.allowed()
    except LimitExceeded as stopped:
        return hearing.stopped(stopped)
