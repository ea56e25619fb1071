"""`daypass partner`, `template`, `boundary` and `channel`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from service import views
from service.cli.desk import failing_clearly, json_option, opened, print_json, read_document, show, show_many
from service.cli.people import make_invitation
from workflows import attestation, credentialing, dismissal, farewell, partnering, removal, templates
from workflows.arns import root_arn

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_partner_option = click.option("--partner", required=True, metavar="ID", help="The partner's 12-digit account id.")


@click.group()
def partner() -> None:
    """Register partners: the products that ask for access."""


@partner.command("create")
@click.option("--id", "partner_id", required=True, metavar="ID", help="The partner's 12-digit account id.")
@click.option("--name", required=True, help="The display name approvers will read, up to 30 characters.")
@click.option("--domain", required=True, help="The partner's domain, such as www.example.com.")
@json_option
@failing_clearly
def create_partner(partner_id: str, name: str, domain: str, as_json: bool) -> None:
    """Register a partner, with an access key and an API token for its programs; both are shown this once."""
    with opened() as (ports, call):
        made = partnering.create_partner(ports, call, partner_id=partner_id, name=name, domain=domain)
        arn = root_arn(ports.terms.partition, made.id)
        key = credentialing.create_access_key(ports, call, arn)
        token = credentialing.create_api_token(ports, call, arn)
        view = views.partner(made, ports.terms.partition, fresh_key=key, fresh_token=token)
    show(view, as_json=as_json)


@partner.command("invite")
@_partner_option
@json_option
@failing_clearly
def invite(partner: str, as_json: bool) -> None:
    """Make a one-time link by which the partner's people sign in to the pages, as `root` of the partner's account."""
    make_invitation(partner, "root", as_json=as_json)


@partner.command("list")
@json_option
@failing_clearly
def list_partners(as_json: bool) -> None:
    """List every partner."""
    with opened() as (ports, call):
        found = [views.partner(one, ports.terms.partition) for one in partnering.list_partners(ports, call)]
    show_many("partners", found, ("id", "name", "domain", "active"), as_json=as_json)


def _set_active(partner_id: str, *, active: bool, as_json: bool) -> None:
    change = dismissal.resume_partner if active else dismissal.stop_partner
    with opened() as (ports, call):
        changed = change(ports, call, partner_id)
        view = views.partner(changed, ports.terms.partition)
    show(view, as_json=as_json)


@partner.command("disable")
@click.option("--id", "partner_id", required=True, metavar="ID", help="The partner's 12-digit account id.")
@json_option
@failing_clearly
def disable(partner_id: str, as_json: bool) -> None:
    """Stop a partner: its keys, its open requests and every session that it was lent, for good."""
    _set_active(partner_id, active=False, as_json=as_json)


@partner.command("enable")
@click.option("--id", "partner_id", required=True, metavar="ID", help="The partner's 12-digit account id.")
@json_option
@failing_clearly
def enable(partner_id: str, as_json: bool) -> None:
    """Let a stopped partner ask again; what was ended stays ended."""
    _set_active(partner_id, active=True, as_json=as_json)


def _tell(told: Mapping[str, Any], signed: Mapping[str, Any] | None, *, as_json: bool) -> None:
    """Print a report: as JSON with its signature if it is fresh, or what is left of a partner for people."""
    if as_json:
        print_json(signed or told)
        return
    click.echo(f"partner {told['partner']}, account {told['account'] or 'all'}, {told['at']}")
    for name, words in (("openRequests", "open requests"), ("grantsLeft", "grants not over"), ("rolesLeft", "roles")):
        click.echo(f"{words}: {len(told[name])}")
    click.echo("complete" if told["complete"] else "not complete yet; ask for a report again shortly")


@partner.command("revoke")
@click.argument("partner_id")
@click.option("--account", metavar="ID", help="Only in this account; by default in all.")
@json_option
@failing_clearly
def revoke(partner_id: str, account: str | None, as_json: bool) -> None:
    """End all that a partner has: requests, tokens, sessions and roles. With --json prints the signed report."""
    with opened() as (ports, call):
        signed = farewell.revoke_everything(ports, call, partner_id, account)
    _tell(signed["report"], signed, as_json=as_json)


@partner.command("delete")
@click.argument("partner_id")
@json_option
@failing_clearly
def delete(partner_id: str, as_json: bool) -> None:
    """Revoke all that a partner has, then delete it for good; refused while any of it still stands."""
    with opened() as (ports, call):
        removal.delete_partner(ports, call, partner_id)
    show(views.RemovedView(partner_id), as_json=as_json)


@partner.command("report")
@click.argument("partner_id")
@click.option("--account", metavar="ID", help="Only of this account; by default of all.")
@json_option
@failing_clearly
def report(partner_id: str, account: str | None, as_json: bool) -> None:
    """Report what a partner still has. With --json prints the signed report."""
    with opened() as (ports, call):
        signed = farewell.report(ports, call, partner_id, account)
    _tell(signed["report"], signed, as_json=as_json)


@partner.command("report-key")
@json_option
@failing_clearly
def report_key(as_json: bool) -> None:
    """Print the public key that this deployment's reports are verified with."""
    with opened() as (ports, _call):
        show(views.ReportKeyView(attestation.public_key(ports.keyring)), as_json=as_json)


@partner.command("verify")
@click.argument("path", metavar="FILE", type=_FILE)
@click.option("--key", required=True, help="The deployment's public key, as `partner report-key` prints it.")
@json_option
@failing_clearly
def verify(path: Path, key: str, as_json: bool) -> None:
    """Verify a signed report, offline: neither database nor master key is needed. Prints what was signed."""
    _tell(attestation.verified(path.read_text(encoding="utf-8"), key), None, as_json=as_json)


_accept_option = click.option(
    "--accept", metavar="REASON", help="Why what the review found is accepted; owners are shown it."
)


@click.group()
def template() -> None:
    """Register policy templates of a partner."""


@template.command("register")
@_partner_option
@click.option("--name", required=True, help="The name; today's date is added unless it ends in _YYYY_MM_DD.")
@click.option("--file", "path", required=True, type=_FILE, help="The policy template.")
@click.option(
    "--wildcard-safe",
    multiple=True,
    metavar="PARAMETER",
    help="A parameter whose values may hold * and ?. May be repeated.",
)
@_accept_option
@json_option
@failing_clearly
def register_template(
    partner: str, name: str, path: Path, wildcard_safe: tuple[str, ...], accept: str | None, as_json: bool
) -> None:
    """Register a policy template; it is immutable, a new version is a new name.

    It is reviewed first, as `policy review` does it: what is critical is refused, all else needs --accept.
    """
    document = read_document(path)
    with opened() as (ports, call):
        made = partnering.register_template(
            ports,
            call,
            partner_id=partner,
            name=name,
            document=document,
            wildcard_safe=wildcard_safe,
            accept=accept,
        )
    parsed = templates.parse_template(document, wildcard_safe=frozenset(wildcard_safe))
    show(views.template(made, [parameter.name for parameter in parsed.parameters]), as_json=as_json)


@template.command("delete")
@click.argument("arn")
@json_option
@failing_clearly
def delete_template(arn: str, as_json: bool) -> None:
    """Revoke all that requests of a template lent, then delete it."""
    with opened() as (ports, call):
        removal.delete_template(ports, call, arn)
    show(views.RemovedView(arn), as_json=as_json)


@click.group()
def boundary() -> None:
    """Register permissions boundaries of a partner."""


@boundary.command("register")
@_partner_option
@click.option("--name", required=True, help="The name; today's date is added unless it ends in _YYYY_MM_DD.")
@click.option("--file", "path", required=True, type=_FILE, help="The policy document.")
@click.option("--description", default="", help="What the boundary is for.")
@_accept_option
@json_option
@failing_clearly
def register_boundary(partner: str, name: str, path: Path, description: str, accept: str | None, as_json: bool) -> None:
    """Register a permissions boundary, reviewed as a template is; it is immutable, a new version is a new name."""
    document = read_document(path)
    with opened() as (ports, call):
        made = partnering.register_boundary(
            ports,
            call,
            partner_id=partner,
            name=name,
            document=document,
            description=description,
            accept=accept,
        )
    show(views.boundary(made), as_json=as_json)


@click.group()
def channel() -> None:
    """Register notification channels of a partner."""


@channel.command("register")
@_partner_option
@click.option("--name", required=True, help="The name: letters, digits, hyphens and underscores.")
@click.option("--url", help="The https receiver to post signed notifications to.")
@click.option("--poll", is_flag=True, help="A mailbox that the partner fetches with GET /v1/notifications.")
@json_option
@failing_clearly
def register_channel(partner: str, name: str, url: str | None, poll: bool, as_json: bool) -> None:
    """Register a notification channel; give either --url or --poll."""
    if (url is None) is not poll:
        raise click.UsageError("give either --url or --poll")
    with opened() as (ports, call):
        fresh = partnering.register_channel(ports, call, partner_id=partner, name=name, url=url)
    show(views.new_channel(fresh), as_json=as_json)
