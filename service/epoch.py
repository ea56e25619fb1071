"""What this machine remembers of the database, in a file outside it: how far it had come when it was last seen.

A database that knows less than that is an older copy of itself, put back. It would bring back to life what ended since.
"""

import os
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from workflows.records.deployment import Deployment

_log = structlog.get_logger(__name__)


class Mark(msgspec.Struct, frozen=True):
    """How far a database had come: its restores, its changes of authority, and the latest instant acted upon."""

    deployment: str
    epoch: int
    authority: int
    high_water: datetime


def mark_of(deployment: Deployment) -> Mark:
    """Return how far a deployment has come."""
    return Mark(deployment.id, deployment.epoch, deployment.authority, deployment.high_water)


def is_older(deployment: Deployment, mark: Mark) -> bool:
    """Tell whether a database knows less than what was seen of it before. A restore on purpose has a later epoch."""
    if deployment.id != mark.deployment or deployment.epoch > mark.epoch:
        return False
    return (
        deployment.epoch < mark.epoch
        or deployment.authority < mark.authority
        or deployment.high_water < mark.high_water
    )


def read_mark(path: Path) -> Mark | None:
    """Return what was remembered, or None when nothing was, or nothing that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Mark)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError):
        _log.error("epoch.unreadable", file=str(path))
        return None


def write_mark(path: Path, mark: Mark) -> bool:
    """Remember; the file is whole at every instant. Return whether that was possible."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(mark))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as failure:
        _log.warning("epoch.not_written", file=str(path), error=failure.strerror)
        return False
    return True
