"""`daypass backup`, `daypass restore`, `daypass quarantine` and `daypass keys`."""

from datetime import timedelta
from pathlib import Path

import click
import msgspec

from service.cli.desk import failing_clearly, json_option, opened, print_json
from service.clock import machine_time
from service.db.engine import hold_alone
from service.entropy import SystemEntropy
from service.epoch import read_mark
from service.errors import StartError
from service.keyring import add_key, create_key_file, load_key_file
from service.recovery.backup import Contents, read_backup, restore_backup, write_backup
from service.settings import Settings, load_settings
from workflows import quarantine as use_cases
from workflows.authentication import deployment_of
from workflows.resealing import reseal

_FILE = click.Path(path_type=Path, dir_okay=False)
_key_option = click.option(
    "--key", "key_path", type=_FILE, required=True, help="The backup's own key file (daypass keys create FILE)."
)


def _backup_key(settings: Settings, path: Path) -> bytes:
    if settings.key_file.exists() and path.exists() and path.samefile(settings.key_file):
        raise StartError("a backup has a key of its own: whoever holds it must not hold the master key as well")
    ring = load_key_file(path)
    return ring.master(ring.newest)


def _say(value: object, line: str, *, as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        click.echo(line)


def _tell(contents: Contents, verb: str, *, as_json: bool) -> None:
    if as_json:
        print_json(contents)
        return
    rows = sum(contents.rows.values())
    made = contents.made_at.isoformat(timespec="seconds")
    click.echo(f"{verb}: {rows} rows of {contents.deployment}, schema {contents.schema}, made {made}")


@click.command()
@click.argument("file", type=_FILE)
@_key_option
@click.option("--check", is_flag=True, help="Only read an existing backup to its end.")
@json_option
@failing_clearly
def backup(file: Path, key_path: Path, check: bool, as_json: bool) -> None:
    """Write every record of this instant into FILE, encrypted, while the service goes on; then read it back."""
    settings = load_settings()
    key = _backup_key(settings, key_path)
    if check:
        _tell(read_backup(file, key), "whole", as_json=as_json)
        return
    contents = write_backup(settings.url, file, key, entropy=SystemEntropy(), now=machine_time())
    _tell(contents, "written and read back", as_json=as_json)


@click.command()
@click.argument("file", type=_FILE)
@_key_option
@json_option
@failing_clearly
def restore(file: Path, key_path: Path, as_json: bool) -> None:
    """Put a backup into an empty database. It is in quarantine afterwards: nothing in it counts until you say so.

    Needs the master key file that the backup's deployment had. Then look, and run: daypass quarantine leave
    """
    settings = load_settings()
    held = hold_alone(settings.url)
    try:
        mark = read_mark(settings.mark_file)
        key, now = _backup_key(settings, key_path), machine_time()
        contents = restore_backup(settings.url, file, key, epoch=mark.epoch if mark else 0, now=now)
        with opened() as (ports, call):
            use_cases.enter(ports, call, f"restored from a backup made at {contents.made_at.isoformat()}")
    finally:
        held.release()
    _tell(contents, "restored, in quarantine", as_json=as_json)


@click.group()
def quarantine() -> None:
    """Look at, enter and leave the state in which nothing in the database counts."""


@quarantine.command("status")
@json_option
@failing_clearly
def status(as_json: bool) -> None:
    """Say whether this deployment is in quarantine, and since when."""
    with opened() as (ports, _):
        deployment = ports.store.read(deployment_of)
    since = deployment.quarantined_at
    if as_json:
        print_json({"quarantined": since is not None, "since": since, "epoch": deployment.epoch})
    else:
        click.echo(f"in quarantine since {since.isoformat(timespec='seconds')}" if since else "not in quarantine")


@quarantine.command("enter")
@click.option("--because", required=True, help="Why; it is written to the audit trail.")
@json_option
@failing_clearly
def enter(because: str, as_json: bool) -> None:
    """Stop believing anything in this database; every process notices within a second or two."""
    with opened() as (ports, call):
        use_cases.enter(ports, call, because)
    _say({"quarantined": True}, "in quarantine", as_json=as_json)


@quarantine.command("leave")
@click.option("--keep-credentials", is_flag=True, help="Leave access keys and API tokens alone; end the rest.")
@json_option
@failing_clearly
def leave(keep_credentials: bool, as_json: bool) -> None:
    """End every grant, credential and sign-in that the restore would have brought back; then serve again.

    Review first what the backup cannot know: users, policies and passkeys that were withdrawn after it was made.
    """
    with opened() as (ports, call):
        taken = use_cases.leave(ports, call, keep_credentials=keep_credentials)
    if as_json:
        print_json(taken)
    else:
        click.echo(f"ended {taken.grants} grants, {taken.credentials} credentials, {taken.sign_ins} sign-ins")


@click.group()
def keys() -> None:
    """Make key files and rotate the master key."""


@keys.command("create")
@click.argument("file", type=_FILE)
@json_option
@failing_clearly
def create(file: Path, as_json: bool) -> None:
    """Make a key file with one fresh key, readable by its owner alone; for a backup, or before the first start."""
    if file.exists():
        raise StartError(f"{file} is there already")
    create_key_file(file, SystemEntropy())
    _say({"file": str(file)}, f"made {file}; keep a copy of it elsewhere", as_json=as_json)


@keys.command("list")
@json_option
@failing_clearly
def list_keys(as_json: bool) -> None:
    """List the ids of the master keys, the newest last."""
    ring = load_key_file(load_settings().key_file)
    if as_json:
        print_json({"keys": ring.ids, "newest": ring.newest})
    else:
        click.echo("\n".join(ring.ids))


@keys.command("add")
@json_option
@failing_clearly
def add(as_json: bool) -> None:
    """Add a key that is known and not used yet: copy the file to every replica before `daypass keys rotate`."""
    name = add_key(load_settings().key_file, SystemEntropy(), newest=False)
    _say({"added": name}, f"added {name}", as_json=as_json)


@keys.command("rotate")
@json_option
@failing_clearly
def rotate(as_json: bool) -> None:
    """Use a new master key from now on, and seal again what older ones sealed; the service goes on meanwhile.

    Takes the key that `daypass keys add` added, or makes one. Older keys stay: sessions and the audit trail name them.
    """
    began = machine_time()
    newest = add_key(load_settings().key_file, SystemEntropy(), newest=True)
    with opened() as (ports, _):
        count = reseal(ports)
    seconds = (machine_time() - began) / timedelta(seconds=1)
    if as_json:
        print_json(msgspec.to_builtins({"newest": newest, "resealed": count}))
    else:
        click.echo(f"{newest} is the newest key; {count} secrets sealed again in {seconds:.1f} s")
