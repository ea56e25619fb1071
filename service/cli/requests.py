"""`daypass request`."""

import sys

import click
import msgspec

from service import views
from service.cli.desk import failing_clearly, json_option, opened, print_json, show, show_many
from workflows import inquiry, step_up


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


class EvidenceView(msgspec.Struct):
    """One passkey signature that is kept of a request."""

    id: str
    act: str
    principal_id: str
    passkey_id: str
    made_at: str


class VerdictView(msgspec.Struct):
    """What was compared of a request, and what does not fit: nothing, if all is well."""

    id: str
    digest: str
    evidence: list[EvidenceView]
    faults: list[str]


@request.command("verify")
@click.argument("request_id")
@json_option
@failing_clearly
def verify_request(request_id: str, as_json: bool) -> None:
    """Compare the frozen bytes of a request, the passkey signatures over them, and the audit trail. Needs no service.

    Exit code 1 when anything does not fit.
    """
    with opened() as (ports, call):
        shown = inquiry.show(ports, call, request_id, check=False).request
        kept, faults = ports.store.read(lambda tx: step_up.verify_request(tx, ports, shown))
    evidence = [
        EvidenceView(one.id, one.act, one.principal_id, one.passkey_id, one.made_at.isoformat()) for one in kept
    ]
    if as_json:
        print_json(VerdictView(shown.id, shown.digest, evidence, faults))
    else:
        for one in evidence:
            click.echo(f"{one.id}  {one.act} by {one.principal_id} with passkey {one.passkey_id} at {one.made_at}")
        click.echo(f"{len(evidence)} passkey signatures over digest {shown.digest}")
        for fault in faults:
            click.echo(f"WRONG: {fault}", err=True)
    sys.exit(1 if faults else 0)
