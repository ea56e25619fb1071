"""How grave an action is, in the levels that AWS sorts actions by, judged by its name alone."""

from enum import StrEnum
from typing import Final

from workflows.summary.vocabulary import Deed, deed_of


class Level(StrEnum):
    """Access levels, the gravest first. Two are ours: a whole service, and what hands out secrets."""

    EVERYTHING = "everything"
    PERMISSIONS = "permissions"
    SECRETS = "secrets"
    DELETE = "delete"
    WRITE = "write"
    TAGGING = "tagging"
    READ = "read"
    LIST = "list"


_OF_DEED: Final = {
    Deed.EVERYTHING: Level.EVERYTHING,
    Deed.PERMISSIONS: Level.PERMISSIONS,
    Deed.SECRETS: Level.SECRETS,
    Deed.DELETE: Level.DELETE,
    Deed.CHANGE: Level.WRITE,
    Deed.USE: Level.WRITE,
    Deed.READ: Level.READ,
}
GRAVITY: Final = {level: place for place, level in enumerate(Level)}


def level_of(service: str, name: str) -> Level:
    """Return the level of the action pattern `name` of `service` (lower case)."""
    level = _OF_DEED[deed_of(service, name)]
    if level is Level.READ and name.startswith("List"):
        return Level.LIST
    if level is Level.WRITE and name.startswith(("Tag", "Untag")):
        return Level.TAGGING
    return level
