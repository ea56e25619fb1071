"""`daypass request`."""

import click

from service import views
from service.cli.desk import failing_clearly, json_option, opened, show, show_many
from workflows import inquiry


@click.group()
def request() -> None:
    """Look at delegation requests."""


@request.command("list")
@click.option("--limit", default=100, show_default=True, help="How many at most, newest first.")
@json_option
@failing_clearly
def list_requests(limit: int, as_json: bool) -> None:
    """List delegation requests of every account, newest first."""
    with opened() as (ports, call):
        page = inquiry.all_requests(ports, call, limit=limit, after=None)
        found = [views.request(one, ports) for one in page.requests]
    columns = ("id", "state", "requestor_name", "owner_account_id", "session_duration", "created_at")
    show_many("requests", found, columns, as_json=as_json)


@request.command("show")
@click.argument("request_id")
@click.option("--summary", is_flag=True, help="Tell in words what the request would allow.")
@json_option
@failing_clearly
def show_request(request_id: str, summary: bool, as_json: bool) -> None:
    """Show one delegation request with its digest and rendered policy."""
    with opened() as (ports, call):
        shown = inquiry.show(ports, call, request_id, check=False).request
        view = views.request(shown, ports)
    if summary and not as_json:
        click.echo(inquiry.summary_of(shown, "en").content)
        return
    show(view, as_json=as_json)
