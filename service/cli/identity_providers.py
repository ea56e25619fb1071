"""`daypass identity-provider`: where the people of an account sign in."""

from pathlib import Path

import click

from service import views
from service.cli.desk import failing_clearly, json_option, opened, show
from workflows import identity_providers
from workflows.errors import NoSuchEntity

_account_option = click.option("--account", required=True, metavar="ID", help="The 12-digit id of the account.")


@click.group()
def identity_provider() -> None:
    """Let the people of an account sign in at its OpenID Connect provider; the passkey stays the second step."""


@identity_provider.command("set")
@_account_option
@click.option("--issuer", required=True, metavar="URL", help="The provider's issuer, spelt as the provider spells it.")
@click.option("--client-id", required=True, help="The client that the provider registered for this service.")
@click.option(
    "--client-secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the client's secret, on one line; without it the client proves itself by PKCE alone.",
)
@click.option("--passwords", is_flag=True, help="Keep accepting passwords beside it; root's is always accepted.")
@json_option
@failing_clearly
def set_provider(
    account: str,
    issuer: str,
    client_id: str,
    client_secret_file: Path | None,
    passwords: bool,
    as_json: bool,
) -> None:
    """Set an account's provider, after asking it for its description.

    At the provider, register {base url}/sign-in/provider/back as the redirect URI. Users come in by `daypass user
    invite`, or by `daypass user link` with the subject that the provider has for them.
    """
    secret = client_secret_file.read_text(encoding="utf-8").strip() if client_secret_file else None
    with opened() as (ports, call):
        made = identity_providers.put(
            ports,
            call,
            account_id=account,
            issuer=issuer,
            client_id=client_id,
            client_secret=secret,
            passwords=passwords,
        )
        view = views.identity_provider(made, ports.terms.base_url)
    show(view, as_json=as_json)


@identity_provider.command("show")
@_account_option
@json_option
@failing_clearly
def show_provider(account: str, as_json: bool) -> None:
    """Show an account's provider; its client secret is never shown."""
    with opened() as (ports, call):
        found = identity_providers.provider_of(ports, call, account)
        if found is None:
            raise NoSuchEntity("identity provider", account)
        view = views.identity_provider(found, ports.terms.base_url)
    show(view, as_json=as_json)


@identity_provider.command("remove")
@_account_option
@json_option
@failing_clearly
def remove_provider(account: str, as_json: bool) -> None:
    """Go back to passwords. Whoever came from the provider is signed out, and needs an invitation to come again."""
    with opened() as (ports, call):
        identity_providers.remove(ports, call, account)
    show(views.RemovedView(account), as_json=as_json)
