"""Keys of tags in statements about services whose requests never carry them."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from workflows.policy.catalogue import catalogue
from workflows.policy.context import fold
from workflows.policy.validate.draft import Clause, Draft, StatementDraft
from workflows.policy.validate.lookup import named_services
from workflows.policy.validate.rules import (
    Finding,
    Words,
    clause_check,
    security_warning,
    suggestion,
)

_FAMILIES: Final = ("aws:resourcetag/", "aws:requesttag/", "aws:tagkeys")
_MOST_SHOWN: Final = 5

_DENY: Final = security_warning(
    "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    "Requests to {services} never carry the key {key}, so that they are not denied.",
    "Deny them without the key, by a condition that they do carry.",
)
_DENY_NOT_ACTION: Final = security_warning(
    "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    "There are services whose requests never carry the key {key}, such as {services}; they are not denied.",
    "Deny by Action what the key can be asked about, and the rest without it.",
)
_ALLOW: Final = suggestion(
    "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    "Requests to {services} never carry the key {key}, so that they are not allowed.",
    "Allow them in a statement without the key.",
)
_ALLOW_NOT_ACTION: Final = suggestion(
    "ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
    "There are services whose requests never carry the key {key}, such as {services}; they are not allowed.",
    "Allow by Action what the key can be asked about.",
)


@clause_check
def check_services_without_tags(_draft: Draft, statement: StatementDraft, clause: Clause) -> Iterator[Finding]:
    """Services that never send the key which a statement demands."""
    family = next((each for each in _FAMILIES if clause.folded.startswith(each)), None)
    if family is None or not clause.demands or not (statement.allows or statement.denies):
        return
    if statement.not_actions:
        rule, found = (_DENY_NOT_ACTION if statement.denies else _ALLOW_NOT_ACTION), _beside(statement, family)
    else:
        rule = _DENY if statement.denies else _ALLOW
        found = [name for name in named_services(statement) if _sends(name, family) is False]
    if found:
        yield rule.at(clause.key.place, services=Words(", ".join(found[:_MOST_SHOWN])), key=clause.key.text)


def _beside(statement: StatementDraft, family: str) -> list[str]:
    """The first service of which NotAction leaves nothing out and that never sends the key."""
    prefixes = [fold(entry.text.partition(":")[0]) for entry in statement.not_actions]
    if any("*" in prefix or "?" in prefix for prefix in prefixes):
        return []
    others = (name for name in sorted(catalogue().services) if name not in prefixes)
    found = next((name for name in others if _sends(name, family) is False), None)
    return [found] if found is not None else []


@lru_cache(maxsize=2048)
def _sends(prefix: str, family: str) -> bool | None:
    """Whether any request to a service carries keys of a family; None for a service that is not known."""
    known = catalogue()
    service = known.service(prefix)
    if service is None:
        return None
    key = f"{family}any" if family.endswith("/") else family
    return any(known.carries(action, key) for action in service.actions.values())
