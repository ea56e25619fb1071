"""`daypass grant`."""

import click

from service import views
from service.cli.desk import failing_clearly, json_option, opened, show, show_many
from workflows import inquiry, revocation
from workflows.ids import parse_account_id


@click.group()
def grant() -> None:
    """Look at grants and revoke them."""


@grant.command("list")
@click.option("--account", metavar="ID", help="Only grants of this account.")
@click.option("--limit", default=100, show_default=True, help="How many at most, newest first.")
@json_option
@failing_clearly
def list_grants(account: str | None, limit: int, as_json: bool) -> None:
    """List grants, newest first."""
    chosen = parse_account_id(account) if account else None
    with opened() as (ports, call):
        page = inquiry.list_grants(ports, call, account_id=chosen, limit=limit, after=None)
        found = [views.grant(one, ports) for one in page.grants]
    columns = ("id", "state", "account_id", "partner_id", "deadline", "exchanges", "end_reason")
    show_many("grants", found, columns, as_json=as_json)


@grant.command("show")
@click.argument("grant_id")
@json_option
@failing_clearly
def show_grant(grant_id: str, as_json: bool) -> None:
    """Show one grant."""
    with opened() as (ports, call):
        view = views.grant(inquiry.show_grant(ports, call, grant_id), ports)
    show(view, as_json=as_json)


@grant.command("revoke")
@click.argument("grant_id")
@json_option
@failing_clearly
def revoke_grant(grant_id: str, as_json: bool) -> None:
    """End a grant at once, with every credential under it. Needs only the database and the master key."""
    with opened() as (ports, call):
        view = views.grant(revocation.revoke_grant(ports, call, grant_id), ports)
    show(view, as_json=as_json)
