"""What every command does the same way: open the house, act as the operator, print, fail with a cause."""

import functools
import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import click
import msgspec

from service.errors import StartError
from service.house import open_house
from service.observe.logs import configure_logs
from service.settings import load_settings
from workflows.callers import Call, operator
from workflows.errors import DomainError
from workflows.ports import Ports

P = ParamSpec("P")
T = TypeVar("T")

_REFUSED: Final = 1
_UNOPENED: Final = 3
_LARGEST_FILE: Final = 1024 * 1024

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@contextmanager
def opened() -> Iterator[tuple[Ports, Call]]:
    """Open the house named by the settings and yield its ports with a call of the operator."""
    settings = load_settings()
    configure_logs(settings.log_format)
    house = open_house(settings)
    try:
        call_id = house.ports.entropy.token_bytes(16).hex()
        yield house.ports, Call(caller=operator(_login()), id=call_id, wire="cli")
    finally:
        house.close()


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def failing_clearly(command: Callable[P, T]) -> Callable[P, T]:
    """Turn what the service refuses into a line on standard error and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except StartError as failure:
            click.echo(f"daypass: {failure}", err=True)
            sys.exit(_UNOPENED)
        except DomainError as failure:
            click.echo(f"daypass: {failure}", err=True)
            sys.exit(_REFUSED)

    return run


def read_document(path: Path) -> str:
    """Return the text of a policy file; raises a usage error for a file that is too large or not UTF-8."""
    if path.stat().st_size > _LARGEST_FILE:
        raise click.UsageError(f"{path} is larger than a policy can be")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise click.UsageError(f"{path} is not UTF-8 text") from None


def print_json(value: object) -> None:
    """Print one JSON object."""
    click.echo(msgspec.json.encode(value).decode())


def show(value: msgspec.Struct, *, as_json: bool) -> None:
    """Print one thing: as JSON, or a line per field for people."""
    if as_json:
        print_json(value)
        return
    fields: dict[str, Any] = msgspec.to_builtins(value)
    width = max(map(len, fields), default=0)
    for name, field in fields.items():
        if field is not None:
            click.echo(f"{name:<{width}}  {_readable(field)}")


def show_many(name: str, values: list[Any], columns: tuple[str, ...], *, as_json: bool) -> None:
    """Print many things: as one JSON object with one member, or a table of some columns for people."""
    if as_json:
        print_json({name: values})
        return
    if not values:
        click.echo(f"no {name}")
        return
    rows = [[_readable(getattr(value, column)) for column in columns] for value in values]
    widths = [max(len(column), *(len(row[at]) for row in rows)) for at, column in enumerate(columns)]
    for row in ([column.upper() for column in columns], *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _readable(value: object) -> str:
    if isinstance(value, str):
        return "".join(letter if letter.isprintable() else "?" for letter in value)
    if value is None:
        return "-"
    encoded = msgspec.json.encode(value).decode()
    return encoded.strip('"')
