"""`daypass check` and `daypass migrate`: what this deployment is, and what is wrong with it."""

import os
import sys
from datetime import timedelta
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from service.cli.desk import failing_clearly, json_option, print_json
from service.clock import machine_time
from service.db.engine import Ways, is_shared, reading_engine
from service.db.memory import Memory
from service.db.schema import HEAD, schema_version
from service.db.schema import migrate as run_migrations
from service.db.view import View
from service.errors import StartError
from service.keyring import load_key_file
from service.settings import Settings, example, load_settings
from workflows.records.deployment import Deployment, Replica

_PROBLEMS = 1
_ALIVE = timedelta(seconds=15)
_SPREAD = timedelta(seconds=1)


def _masked(settings: Settings) -> dict[str, Any]:
    """Return every setting as text; a password in the database address is not shown."""
    shown = {name: getattr(settings, name) for name in Settings.model_fields}
    shown["database_url"] = settings.url.render_as_string(hide_password=True)
    shown["master_key_file"] = settings.key_file
    shown["base_url"] = settings.origin
    return {f"DAYPASS_{name.upper()}": str(value) for name, value in shown.items()}


def _problems(settings: Settings) -> list[str]:
    problems = []
    try:
        version = schema_version(settings.url)
    except StartError as failure:
        return [str(failure)]
    key_exists = settings.key_file.exists()
    if version is None:
        if not is_shared(settings.url) and not os.access(settings.database_file.parent, os.W_OK):
            problems.append(f"{settings.database_file.parent} cannot be written to")
    elif version != HEAD:
        problems.append(f"the database has schema {version}, this release needs {HEAD}; run: daypass migrate")
    if version is not None and not key_exists:
        problems.append(f"there is a database but no master key file at {settings.key_file}")
    if key_exists:
        try:
            load_key_file(settings.key_file)
        except StartError as failure:
            problems.append(str(failure))
    return problems


def _standing(settings: Settings) -> list[str]:
    """Return what there is to say of a deployment that can be read: who serves it, and whether it may be believed."""
    engine = reading_engine(settings.url, connections=1)
    now = machine_time()
    try:
        with engine.connect() as connection, connection.begin():
            deployment, replicas = View(connection, Memory()).find(Deployment), View(connection, Memory()).find(Replica)
            offset = Ways(settings.url, engine).time(connection) - now if is_shared(settings.url) else timedelta()
    except DBAPIError:
        return ["the database cannot be read"]
    finally:
        engine.dispose()
    alive = [one.host for one in replicas if now + offset - one.seen_at < _ALIVE]
    found = [f"served by {len(alive)} processes: {', '.join(sorted(alive))}"] if alive else []
    if abs(offset) > _SPREAD:
        found.append(f"this machine's clock is {abs(offset).total_seconds():.1f} s off the database's, which is used")
    if deployment and deployment[0].quarantined_at is not None:
        found.append(f"in quarantine since {deployment[0].quarantined_at.isoformat(timespec='seconds')}")
    return found


@click.command()
@click.option("--example", "as_example", is_flag=True, help="Print every setting with its default instead.")
@json_option
@failing_clearly
def check(as_example: bool, as_json: bool) -> None:
    """Print the settings, secrets masked, and say what is wrong; changes nothing. Exit code 1 if anything is."""
    if as_example:
        click.echo(example(), nl=False)
        return
    settings = load_settings()
    shown, problems = _masked(settings), _problems(settings)
    readable = not problems and schema_version(settings.url) is not None
    warnings = [*settings.warnings, *(_standing(settings) if readable else [])]
    if as_json:
        print_json({"ok": not problems, "settings": shown, "problems": problems, "warnings": warnings})
    else:
        for name, value in shown.items():
            click.echo(f"{name}={value}")
        for line in warnings:
            click.echo(f"note: {line}")
        for line in problems:
            click.echo(f"problem: {line}")
        click.echo("problems found" if problems else "everything is in order")
    if problems:
        sys.exit(_PROBLEMS)


@click.command()
@json_option
@failing_clearly
def migrate(as_json: bool) -> None:
    """Bring the database schema to this release, in one transaction; does nothing when it is there already."""
    before, after = run_migrations(load_settings().url)
    if as_json:
        print_json({"before": before, "after": after})
    else:
        click.echo(f"schema {after}: nothing to do" if before == after else f"schema {before or 'none'} -> {after}")
