"""Managed policies of an account and their versions, as records."""

from workflows.arns import managed_policy_arn
from workflows.credentials.keys import new_principal_id
from workflows.ids import AccountId
from workflows.ports import Ports
from workflows.records.account import ManagedPolicy, PolicyVersion


def fresh_policy(
    ports: Ports,
    account: AccountId,
    name: str,
    document: str,
    *,
    path: str = "/",
    description: str | None = None,
    tags: tuple[tuple[str, str], ...] = (),
    partner_id: AccountId | None = None,
) -> tuple[ManagedPolicy, PolicyVersion]:
    """Return a new managed policy with its first version, neither of them stored; names were checked before."""
    now = ports.clock.now()
    arn = managed_policy_arn(ports.terms.partition, account, name, path)
    policy = ManagedPolicy(
        arn=arn,
        account_id=account,
        name=name,
        document=document,
        created_at=now,
        id=new_principal_id(ports.entropy, "ANPA"),
        path=path,
        description=description,
        default_version=1,
        next_version=2,
        tags=tags,
        partner_id=partner_id,
        updated_at=now,
    )
    return policy, PolicyVersion(arn, 1, document, now)
