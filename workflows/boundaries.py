"""Permissions boundaries by ARN: what one says now, and the spellings under which it may be asked for."""

from workflows.authority import compiled, ready_made_name
from workflows.errors import NoSuchEntity, NotAttachable
from workflows.ids import AccountId
from workflows.managed_policies import READY_MADE
from workflows.policy.document import PolicyKind
from workflows.policy.layers import Layer, LayerKind, NamedPolicy
from workflows.ports import Reading
from workflows.records.account import ManagedPolicy
from workflows.records.partner import Boundary
from workflows.templates import canonical_boundary_arn

_FOLDER = "permissions-boundary/"


def boundary_text(tx: Reading, arn: str) -> str | None:
    """Return the document of a boundary by its canonical ARN, or None when there is no such policy."""
    if boundary := tx.get(Boundary, arn):
        return boundary.document
    if name := ready_made_name(arn):
        return READY_MADE[name]
    policy = tx.get(ManagedPolicy, arn)
    return policy.document if policy else None


def boundary_layer(tx: Reading, arn: str) -> Layer:
    """Return what a boundary allows; one that is gone allows nothing, because a missing limit must not be none."""
    text = boundary_text(tx, arn)
    policies = () if text is None else (NamedPolicy(arn, compiled(text, PolicyKind.BOUNDARY)),)
    return Layer(LayerKind.BOUNDARY, arn, policies)


def usable_boundary(tx: Reading, account: AccountId, arn: str) -> str:
    """Return the canonical ARN of a policy that may bound a role of this account.

    Raises `NoSuchEntity` for an unknown policy and `NotAttachable` for one of another account.
    """
    canonical = canonical_boundary_arn(arn)
    policy = tx.get(ManagedPolicy, canonical)
    if policy is not None and policy.account_id != account:
        raise NotAttachable("a permissions boundary is a policy of the same account, of AWS, or of a partner")
    if boundary_text(tx, canonical) is None:
        raise NoSuchEntity("permissions boundary", arn)
    return canonical


def spellings(arn: str | None) -> tuple[str | None, ...]:
    """Return the ways in which a policy may spell this boundary; partners write it with and without its folder."""
    if arn is None or f":policy/{_FOLDER}" not in arn:
        return (arn,)
    before, _, name = arn.partition(_FOLDER)
    return (arn, f"{before}{name}", f"{before}permission_boundary/{name}")
