"""`daypass token`, `operator` and `resource-server`."""

import click

from service import views
from service.cli.desk import failing_clearly, json_option, opened, show
from workflows import credentialing, onboarding
from workflows.credentialing import DEFAULT_TOKEN_DAYS
from workflows.records.account import PrincipalKind


@click.group()
def token() -> None:
    """Make and revoke API tokens."""


@token.command("create")
@click.option("--principal", required=True, metavar="ARN", help="The user, root or partner that is to hold it.")
@click.option("--scope", "scopes", multiple=True, default=("read", "write"), help="read or write. May be repeated.")
@click.option("--days", default=DEFAULT_TOKEN_DAYS, show_default=True, help="How long it works, up to 365.")
@json_option
@failing_clearly
def create_token(principal: str, scopes: tuple[str, ...], days: int, as_json: bool) -> None:
    """Make an API token; it is shown this once."""
    with opened() as (ports, call):
        fresh = credentialing.create_api_token(ports, call, principal, scopes=scopes, days=days)
    show(views.token(fresh), as_json=as_json)


@token.command("revoke")
@click.option("--id", "token_id", required=True, help="The id of the token (not the token itself).")
@json_option
@failing_clearly
def revoke_token(token_id: str, as_json: bool) -> None:
    """End an API token; it counts from the next call on."""
    with opened() as (ports, call):
        credentialing.revoke_api_token(ports, call, token_id)
    show(views.RemovedView(token_id), as_json=as_json)


def _housed(kind: PrincipalKind, name: str, scopes: tuple[str, ...], *, as_json: bool) -> None:
    with opened() as (ports, call):
        made = onboarding.create_housed_principal(ports, call, kind=kind, name=name)
        fresh = credentialing.create_api_token(ports, call, made.arn, scopes=scopes)
    show(views.user(made, [], fresh_token=fresh), as_json=as_json)


@click.group()
def operator() -> None:
    """Give operators access to the JSON API."""


@operator.command("create")
@click.option("--name", required=True, help="The name of the operator.")
@json_option
@failing_clearly
def create_operator(name: str, as_json: bool) -> None:
    """Register an operator with an API token, which is shown this once."""
    _housed(PrincipalKind.OPERATOR, name, ("read", "write"), as_json=as_json)


@click.group("resource-server")
def resource_server() -> None:
    """Register resource servers, which ask for access decisions."""


@resource_server.command("create")
@click.option("--name", required=True, help="The name of the resource server.")
@json_option
@failing_clearly
def create_resource_server(name: str, as_json: bool) -> None:
    """Register a resource server with an API token, which is shown this once."""
    _housed(PrincipalKind.RESOURCE_SERVER, name, ("decide",), as_json=as_json)
