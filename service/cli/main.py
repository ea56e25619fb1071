"""`daypass`: finds the command's module and loads that one alone, so that `--help` need not wait for the rest."""

import importlib
from collections.abc import Mapping
from typing import Final

import click

_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "serve": ("service.cli.serve", "Run the service."),
    "demo": ("service.cli.demo", "Run a service with a believable story in it, or play the whole story."),
    "check": ("service.cli.check", "Print the settings and say what is wrong with this deployment."),
    "migrate": ("service.cli.check", "Bring the database schema to this release."),
    "backup": ("service.cli.recovery", "Write an encrypted backup while the service goes on."),
    "restore": ("service.cli.recovery", "Put a backup into an empty database, in quarantine."),
    "quarantine": ("service.cli.recovery", "Look at, enter and leave quarantine after a restore."),
    "keys": ("service.cli.recovery", "Make key files and rotate the master key."),
    "account": ("service.cli.accounts", "Open accounts."),
    "user": ("service.cli.accounts", "Create users in an account and give them credentials."),
    "policy": ("service.cli.policies", "Create managed policies; ask what policies allow, and why."),
    "guardrail": ("service.cli.accounts", "Limit everything in an account."),
    "partner": ("service.cli.partners", "Register partners."),
    "template": ("service.cli.partners", "Register policy templates of a partner."),
    "boundary": ("service.cli.partners", "Register permissions boundaries of a partner."),
    "channel": ("service.cli.partners", "Register notification channels of a partner."),
    "resource-server": ("service.cli.credentials", "Register resource servers, which ask for access decisions."),
    "identity-provider": (
        "service.cli.identity_providers",
        "Let the people of an account sign in at its OpenID Connect provider.",
    ),
    "operator": ("service.cli.credentials", "Give operators access to the JSON API."),
    "token": ("service.cli.credentials", "Make and revoke API tokens."),
    "request": ("service.cli.requests", "Look at delegation requests."),
    "grant": ("service.cli.grants", "Look at grants and revoke them."),
    "audit": ("service.cli.audit", "Verify and export the audit trail."),
}


class _Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  as above
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(_COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="daypass", prog_name="daypass")
def main() -> None:
    """Temporary delegation: partners ask, owners approve, access ends on time.

    Settings come from DAYPASS_* variables; `daypass check` prints them. Every command takes --json and then prints
    one JSON object (`policy evaluate` always, one a line). Exit codes: 0 done, 1 refused or failed, 2 wrong usage,
    3 this deployment cannot be opened.
    """
