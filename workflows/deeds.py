"""What was done with lent authority: which actions were used and when last, and which were lent but never used."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from workflows.authority import compiled
from workflows.policy.context import fold
from workflows.policy.document import Effect, Policy, PolicyKind
from workflows.policy.patterns import Work, action_pattern
from workflows.ports import Reading
from workflows.records.grant import Grant, GrantKind
from workflows.records.request import DelegationRequest
from workflows.role_grants import role_of_grant
from workflows.usage import Used, used_by


@dataclass(frozen=True, slots=True)
class Deeds:
    """`used` are actions that were seen to be used; `unused` what policies allow beyond them, as they write it."""

    used: Sequence[Used]
    unused: Sequence[str]

    @property
    def last_used(self) -> datetime | None:
        """When anything was used last."""
        return max((use.last_at for use in self.used), default=None)


def deeds_of(tx: Reading, principal_id: str, policies: Iterable[Policy]) -> Deeds:
    """Return what a principal, a role or a grant (by its id) did with these policies."""
    used = used_by(tx, principal_id)
    allowed = dict.fromkeys(text for policy in policies for text in _allowed_actions(policy))
    unused = [text for text in allowed if not matching(text, used)]
    return Deeds(sorted(used.values(), key=lambda use: use.action), unused)


def holder_of(tx: Reading, grant: Grant) -> str:
    """Return the id under which the use of a grant is counted: that of its role, or its own."""
    role = role_of_grant(tx, grant) if grant.kind is GrantKind.ROLE else None
    return role.id if role else grant.id


def deeds_under(tx: Reading, grant: Grant, request: DelegationRequest) -> Deeds:
    """Return what was done under a grant with what its request asked for."""
    policy = compiled(request.permission_policy, PolicyKind.SESSION)
    return deeds_of(tx, holder_of(tx, grant), [policy])


def _allowed_actions(policy: Policy) -> list[str]:
    return [
        pattern.text
        for statement in policy.statements
        if statement.effect is Effect.ALLOW
        for pattern in statement.actions
    ]


def matching(pattern_text: str, used: Mapping[str, Used]) -> list[str]:
    """Return the used actions that a pattern of a policy covers, as they were used."""
    pattern = action_pattern(pattern_text)
    return [use.action for action, use in used.items() if pattern.matches(fold(action), Work())]
