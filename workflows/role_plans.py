"""The role that a request asks for: planned whole when the request is filed, frozen with it, made after the release.

Its name, its external id and whom it trusts are fixed before anybody decides, so that the approver sees exactly the
role that will stand there. `session_duration` of such a request is the life of the role.
"""

import json
from dataclasses import asdict, dataclass
from typing import Final

from workflows.arns import parse_arn, root_arn
from workflows.boundaries import boundary_text
from workflows.errors import BadInput
from workflows.ids import GrantId, parse_entity_name
from workflows.ports import Ports, Reading
from workflows.records.grant import Grant, GrantKind, GrantState
from workflows.records.partner import Boundary, Partner
from workflows.records.request import DelegationRequest
from workflows.role_documents import bound_principals, trust_document
from workflows.templates import canonical_boundary_arn

SHORTEST_LIFE: Final = 3600
LONGEST_LIFE: Final = 365 * 86_400
UNTIL_REVOKED: Final = 50 * 365 * 86_400
"""The life, in seconds, of a role that nothing but a revocation is meant to end: so long that nobody waits for it."""

_SUFFIX_BYTES: Final = 4
_LONGEST_NAME: Final = 64 - 1 - 2 * _SUFFIX_BYTES
_MOST_PRINCIPALS: Final = 10
_FIELD: Final = "role"


@dataclass(frozen=True, slots=True)
class AskedRole:
    """What a partner asks for; `lifetime` is in seconds, None means until it is revoked.

    `extends` is the id of a standing role grant: then nothing is made, and the deadline of that grant moves.
    """

    name: str
    boundary_arn: str
    lifetime: int | None
    trusted: tuple[str, ...] = ()
    extends: str | None = None


@dataclass(frozen=True, slots=True)
class RolePlan:
    """A role as it will be made, under the partner's own path; `lifetime` as in `AskedRole`."""

    name: str
    path: str
    trusted: tuple[str, ...]
    external_id: str
    boundary_arn: str
    lifetime: int | None
    extends: GrantId | None

    @property
    def seconds(self) -> int:
        """How long the role lives, in seconds."""
        return UNTIL_REVOKED if self.lifetime is None else self.lifetime

    @property
    def text(self) -> str:
        """The plan as canonical JSON, as a request keeps it."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @property
    def trust(self) -> str:
        """The trust document of the role."""
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": list(self.trusted)},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": self.external_id}},
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def plan_of(request: DelegationRequest) -> RolePlan | None:
    """Return the role that a request asks for, or None when it asks for a session."""
    if request.role_plan is None:
        return None
    fields = json.loads(request.role_plan)
    return RolePlan(**{**fields, "trusted": tuple(fields["trusted"])})


def planned(tx: Reading, ports: Ports, partner: Partner, asked: AskedRole) -> RolePlan:
    """Return the plan for what a partner asks; raises `BadInput` naming what of it cannot be."""
    if asked.lifetime is not None and not SHORTEST_LIFE <= asked.lifetime <= LONGEST_LIFE:
        raise BadInput(f"{_FIELD}.lifetime", f"is {asked.lifetime}; {SHORTEST_LIFE} to {LONGEST_LIFE} seconds fit")
    boundary = canonical_boundary_arn(asked.boundary_arn)
    registered = tx.get(Boundary, boundary)
    if registered is None or registered.partner_id != partner.id:
        raise BadInput(f"{_FIELD}.boundary", f"names `{asked.boundary_arn}`, which you have not registered")
    if asked.extends is not None:
        return _extension(tx, partner, asked, boundary)
    if len(parse_entity_name(asked.name, f"{_FIELD}.name")) > _LONGEST_NAME:
        raise BadInput(f"{_FIELD}.name", f"is longer than {_LONGEST_NAME} characters, to which a suffix is added")
    plan = RolePlan(
        # The suffix keeps the name from being guessed, or taken, before the role is there.
        name=f"{asked.name}-{ports.entropy.token_bytes(_SUFFIX_BYTES).hex()}",
        path=f"/{partner.domain}/",
        trusted=_trusted(ports, partner, asked.trusted),
        external_id=f"dpx-{ports.entropy.token_bytes(16).hex()}",
        boundary_arn=boundary,
        lifetime=asked.lifetime,
        extends=None,
    )
    bound_principals(tx, trust_document(plan.trust))
    return plan


def _trusted(ports: Ports, partner: Partner, asked: tuple[str, ...]) -> tuple[str, ...]:
    principals = asked or (root_arn(ports.terms.partition, partner.id),)
    if len(principals) > _MOST_PRINCIPALS:
        raise BadInput(f"{_FIELD}.trusted_principals", f"names more than {_MOST_PRINCIPALS} principals")
    for arn in principals:
        if "*" in arn or parse_arn(arn, f"{_FIELD}.trusted_principals").account != partner.id:
            raise BadInput(f"{_FIELD}.trusted_principals", f"names `{arn}`, which is no principal of your account")
    return principals


def _extension(tx: Reading, partner: Partner, asked: AskedRole, boundary: str) -> RolePlan:
    grant = tx.get(Grant, asked.extends or "")
    standing = grant is not None and grant.partner_id == partner.id and grant.kind is GrantKind.ROLE
    before = tx.get(DelegationRequest, grant.request_id) if grant is not None and standing else None
    plan = plan_of(before) if before else None
    if grant is None or plan is None or grant.state is not GrantState.LIVE:
        raise BadInput(f"{_FIELD}.extends", "is not the id of a role grant of yours that stands")
    if boundary != plan.boundary_arn or boundary_text(tx, boundary) is None:
        raise BadInput(f"{_FIELD}.boundary", "is not the boundary of the role that is to be extended")
    return RolePlan(**{**asdict(plan), "lifetime": asked.lifetime, "extends": grant.id, "trusted": plan.trusted})
