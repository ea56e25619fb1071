"""`daypass user invite` and `daypass partner invite`: the one-time link of a first sign-in."""

from datetime import datetime

import msgspec

from service.cli.desk import opened, show
from workflows import signing_in
from workflows.arns import root_arn, user_arn


class InvitationView(msgspec.Struct):
    """A fresh invitation; its link is shown this once."""

    name: str
    account_id: str
    link: str
    expires_at: datetime


def make_invitation(account_id: str, name: str, *, as_json: bool) -> None:
    """Make an invitation for a user, or for `root`, and print its link."""
    with opened() as (ports, call):
        partition = ports.terms.partition
        arn = root_arn(partition, account_id) if name == "root" else user_arn(partition, account_id, name)
        invited = signing_in.invite(ports, call, arn)
        view = InvitationView(
            name=name,
            account_id=account_id,
            link=f"{ports.terms.base_url}/welcome/{invited.token}",
            expires_at=invited.expires_at,
        )
    show(view, as_json=as_json)
