"""`daypass account`, `user`, `policy` and `guardrail`."""

from pathlib import Path

import click

from service import views
from service.cli.desk import failing_clearly, json_option, opened, read_document, show, show_many
from service.cli.people import make_invitation
from workflows import account_rules, credentialing, identity_providers, onboarding, removal
from workflows.arns import root_arn
from workflows.onboarding import PolicyChoice

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_account_option = click.option("--account", required=True, metavar="ID", help="The 12-digit id of the account.")


@click.group()
def account() -> None:
    """Open accounts: the places in which partners want access."""


@account.command("create")
@click.option("--id", "account_id", required=True, metavar="ID", help="The 12-digit id of the account.")
@click.option("--alias", required=True, help="A short name: lower-case letters, digits and hyphens.")
@click.option("--root-access-key", is_flag=True, help="Also make an access key for the account's root.")
@json_option
@failing_clearly
def create_account(account_id: str, alias: str, root_access_key: bool, as_json: bool) -> None:
    """Open an account."""
    with opened() as (ports, call):
        made = onboarding.create_account(ports, call, account_id=account_id, alias=alias)
        view = views.account(made, ports.terms.partition)
        if root_access_key:
            arn = root_arn(ports.terms.partition, made.id)
            key = credentialing.create_access_key(ports, call, arn)
            view.access_key_id, view.secret_access_key = key.access_key_id, key.secret_access_key
    show(view, as_json=as_json)


@account.command("delete")
@click.argument("account_id")
@json_option
@failing_clearly
def delete_account(account_id: str, as_json: bool) -> None:
    """Revoke all that an account lent, then delete it for good; refused while any of it still stands."""
    with opened() as (ports, call):
        removal.delete_account(ports, call, account_id)
    show(views.RemovedView(account_id), as_json=as_json)


@account.command("list")
@json_option
@failing_clearly
def list_accounts(as_json: bool) -> None:
    """List every account."""
    with opened() as (ports, call):
        found = [views.account(one, ports.terms.partition) for one in onboarding.list_accounts(ports, call)]
    show_many("accounts", found, ("id", "alias", "created_at"), as_json=as_json)


@account.command("step-up")
@_account_option
@click.option("--on/--off", "demanded", required=True, help="Whether a passkey is demanded.")
@json_option
@failing_clearly
def step_up(account: str, demanded: bool, as_json: bool) -> None:
    """Demand a passkey for accepting and releasing on every wire: then programs alone can do neither."""
    with opened() as (ports, call):
        rules = account_rules.set_step_up(ports, call, account_id=account, demanded=demanded)
    show(views.AccountRulesView(rules.account_id, rules.step_up), as_json=as_json)


@click.group()
def user() -> None:
    """Create users in an account, disable them, and give them credentials."""


def _choice(text: str) -> PolicyChoice:
    """Read a --policy: a JSON file is an inline policy named like the file, anything else a managed policy."""
    path = Path(text)
    if path.suffix == ".json":
        if not path.is_file():
            raise click.UsageError(f"--policy {text}: there is no such file")
        return PolicyChoice(path.stem, read_document(path))
    return PolicyChoice(text)


@user.command("create")
@_account_option
@click.option("--name", required=True, help="The name of the user.")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    help="A managed policy by name or ARN (AdministratorAccess, DelegationApprover, DelegationOwner, "
    "DelegationAuditor or one of the account's own), or a .json file with an inline policy. May be repeated.",
)
@click.option("--boundary", type=_FILE, help="A file with the user's permissions boundary.")
@click.option("--access-key", is_flag=True, help="Also make an access key; its secret is shown this once.")
@click.option("--api-token", is_flag=True, help="Also make an API token; it is shown this once.")
@json_option
@failing_clearly
def create_user(
    account: str,
    name: str,
    policies: tuple[str, ...],
    boundary: Path | None,
    access_key: bool,
    api_token: bool,
    as_json: bool,
) -> None:
    """Create a user with its policies."""
    choices = [_choice(text) for text in policies]
    limit = read_document(boundary) if boundary else None
    with opened() as (ports, call):
        made = onboarding.create_user(
            ports,
            call,
            account_id=account,
            name=name,
            policies=choices,
            boundary=limit,
        )
        key = credentialing.create_access_key(ports, call, made.arn) if access_key else None
        token = credentialing.create_api_token(ports, call, made.arn) if api_token else None
    show(views.user(made, [one.name for one in choices], fresh_key=key, fresh_token=token), as_json=as_json)


@user.command("list")
@_account_option
@json_option
@failing_clearly
def list_users(account: str, as_json: bool) -> None:
    """List an account's users and its root."""
    with opened() as (ports, call):
        people = onboarding.list_users(ports, call, account)
    found = [views.user(one, [attached.name for attached in attachments]) for one, attachments in people]
    show_many("users", found, ("name", "kind", "active", "policies", "arn"), as_json=as_json)


@user.command("attach")
@_account_option
@click.option("--name", required=True, help="The name of the user.")
@click.option("--policy", required=True, help="A managed policy by name or ARN, or a .json file.")
@json_option
@failing_clearly
def attach(account: str, name: str, policy: str, as_json: bool) -> None:
    """Attach a policy to a user; it counts from the next decision on."""
    choice = _choice(policy)
    with opened() as (ports, call):
        changed = onboarding.attach_policy(ports, call, account_id=account, user_name=name, choice=choice)
    show(views.user(changed, [choice.name]), as_json=as_json)


@user.command("detach")
@_account_option
@click.option("--name", required=True, help="The name of the user.")
@click.option("--policy", required=True, help="The policy's name.")
@json_option
@failing_clearly
def detach(account: str, name: str, policy: str, as_json: bool) -> None:
    """Take a policy from a user; it counts from the next decision on."""
    with opened() as (ports, call):
        changed = onboarding.detach_policy(ports, call, account_id=account, user_name=name, policy_name=policy)
    show(views.user(changed, []), as_json=as_json)


@user.command("invite")
@_account_option
@click.option("--name", required=True, help="The name of the user, or `root`.")
@json_option
@failing_clearly
def invite(account: str, name: str, as_json: bool) -> None:
    """Make a one-time link by which a user sets a password and enrols a passkey; what was there before is gone."""
    make_invitation(account, name, as_json=as_json)


@user.command("link")
@_account_option
@click.option("--name", required=True, help="The name of the user, or `root`.")
@click.option("--subject", required=True, help="What the account's identity provider calls this person (`sub`).")
@json_option
@failing_clearly
def link(account: str, name: str, subject: str, as_json: bool) -> None:
    """Say who a subject of the account's identity provider is; an invitation does the same by itself."""
    with opened() as (ports, call):
        linked = identity_providers.link(ports, call, account_id=account, user_name=name, subject=subject)
    show(views.linked_identity(linked, name), as_json=as_json)


def _set_active(account: str, name: str, *, active: bool, as_json: bool) -> None:
    with opened() as (ports, call):
        changed = onboarding.set_user_active(ports, call, account_id=account, user_name=name, active=active)
    show(views.user(changed, []), as_json=as_json)


@user.command("disable")
@_account_option
@click.option("--name", required=True, help="The name of the user, or `root`.")
@json_option
@failing_clearly
def disable(account: str, name: str, as_json: bool) -> None:
    """Disable a user, and with it every session that was lent on its authority."""
    _set_active(account, name, active=False, as_json=as_json)


@user.command("enable")
@_account_option
@click.option("--name", required=True, help="The name of the user, or `root`.")
@json_option
@failing_clearly
def enable(account: str, name: str, as_json: bool) -> None:
    """Enable a user again."""
    _set_active(account, name, active=True, as_json=as_json)


@click.group()
def guardrail() -> None:
    """Limit everything in an account. Guardrails never allow; with an Allow in any of them they are an allow list."""


@guardrail.command("put")
@_account_option
@click.option("--name", required=True, help="The name of the guardrail.")
@click.option("--file", "path", required=True, type=_FILE, help="The policy document.")
@json_option
@failing_clearly
def put_guardrail(account: str, name: str, path: Path, as_json: bool) -> None:
    """Set a guardrail; it counts from the next decision on."""
    document = read_document(path)
    with opened() as (ports, call):
        made = onboarding.put_guardrail(ports, call, account_id=account, name=name, document=document)
    show(views.guardrail(made), as_json=as_json)


@guardrail.command("list")
@_account_option
@json_option
@failing_clearly
def list_guardrails(account: str, as_json: bool) -> None:
    """List an account's guardrails."""
    with opened() as (ports, call):
        found = [views.guardrail(one) for one in onboarding.list_guardrails(ports, call, account)]
    show_many("guardrails", found, ("name", "created_at"), as_json=as_json)


@guardrail.command("remove")
@_account_option
@click.option("--name", required=True, help="The name of the guardrail.")
@json_option
@failing_clearly
def remove_guardrail(account: str, name: str, as_json: bool) -> None:
    """Take a guardrail away; it counts from the next decision on."""
    with opened() as (ports, call):
        onboarding.remove_guardrail(ports, call, account_id=account, name=name)
    show(views.RemovedView(name), as_json=as_json)
