"""`daypass audit`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from service.cli.desk import failing_clearly, json_option, opened, print_json
from workflows import audit as trail
from workflows.cloudtrail import event_of
from workflows.ids import AccountId
from workflows.ports import Ports
from workflows.records.audit import AuditEntry, AuditHead

_BROKEN = 1
_BATCH = 1000


@click.group()
def audit() -> None:
    """Verify and export the audit trail."""


def _read_anchor(path: Path) -> dict[str, tuple[int, str]]:
    try:
        heads = json.loads(path.read_text(encoding="utf-8"))["heads"]
        return {str(chain): (int(number), str(mac)) for chain, (number, mac) in heads.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise click.UsageError(f"{path} is not the output of `daypass audit verify --json`") from None


@audit.command("verify")
@click.option(
    "--anchor",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The output of an earlier `audit verify --json`, kept elsewhere: also notices a trail that was cut back to "
    "an older state.",
)
@json_option
@failing_clearly
def verify(anchor: Path | None, as_json: bool) -> None:
    """Check every chain from its first entry to its head; exit code 1 if any entry was altered, removed or moved."""
    expected = _read_anchor(anchor) if anchor else None
    with opened() as (ports, _call):
        verdict = ports.store.read(lambda tx: trail.verify(tx, ports.keyring, anchor=expected))
    if as_json:
        print_json({"ok": not verdict.faults, **msgspec.to_builtins(verdict)})
    else:
        for fault in verdict.faults:
            click.echo(f"account {fault.chain}, entry {fault.number}: {fault.problem}", err=True)
        state = "BROKEN" if verdict.faults else "whole"
        click.echo(f"{verdict.entries} entries in {len(verdict.heads)} chains: {state}")
    if verdict.faults:
        sys.exit(_BROKEN)


@audit.command("export")
@click.option("--account", metavar="ID", help="Only the chain of this account.")
@click.option("--json", "_as_json", is_flag=True, help="The export is JSON lines with or without this.")
@failing_clearly
def export(account: str | None, _as_json: bool) -> None:
    """Write the trail as JSON lines in CloudTrail's shape, chain by chain, oldest first."""
    with opened() as (ports, _call):
        heads = ports.store.read(lambda tx: tx.find(AuditHead))
        for head in heads:
            if account in (None, head.chain):
                _export_chain(ports, head)


def _export_chain(ports: Ports, head: AuditHead) -> None:
    for first in range(1, head.number + 1, _BATCH):
        numbers = range(first, min(first + _BATCH, head.number + 1))
        for entry in _entries(ports, head.chain, numbers):
            click.echo(json.dumps(event_of(entry), separators=(",", ":")))


def _entries(ports: Ports, chain: AccountId, numbers: range) -> Sequence[AuditEntry]:
    return ports.store.read(lambda tx: tx.find(AuditEntry, chain=chain, number=numbers))
