"""One question, and what it carries while it is being answered."""

from dataclasses import dataclass
from typing import Final

from workflows.policy.context import RequestContext, Value
from workflows.policy.patterns import MAX_STEPS, Work
from workflows.policy.principal import SOMEBODY, CallingPrincipal


@dataclass(frozen=True, slots=True)
class Request:
    """One question: whether `principal` may do `action` (in any case) to `resource`.

    The resource is taken exactly; it is `*` where the action has none. `resource_account` is the 12-digit account
    that owns the resource; empty stands for the principal's own.
    """

    action: str
    resource: str
    context: RequestContext = RequestContext()  # noqa: RUF009  immutable, so one empty context serves all
    principal: CallingPrincipal = SOMEBODY
    resource_account: str = ""

    @property
    def stays_at_home(self) -> bool:
        """Whether the resource belongs to the principal's own account."""
        return not self.resource_account or self.resource_account == self.principal.account


class Asked(Work):
    """A request under evaluation: what tests look at, and the work that is left."""

    __slots__ = ("principal", "resource", "values")

    def __init__(self, request: Request) -> None:
        self.limit = self.left = MAX_STEPS
        self.resource: Final[str] = request.resource
        self.principal: Final[CallingPrincipal] = request.principal
        self.values: Final[dict[str, Value]] = request.context.folded
