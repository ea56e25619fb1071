"""The resources that an action names: the patterns of their types, and Denies on whatever is of no such type."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from workflows.policy.catalogue import ActionEntry, catalogue
from workflows.policy.context import fold
from workflows.policy.document import Statement
from workflows.policy.patterns import ARN_FIELDS
from workflows.policy.reviewing.scope import deny, resource_pattern


def kinds_of(entry: ActionEntry, names: Sequence[str] = ()) -> tuple[str, ...]:
    """The ARN patterns of the resources that an action names, of these types alone where some are given."""
    uses = [use for use in entry.resources if not names or use.name in names]
    service = catalogue().service(entry.service)
    assert service is not None
    types = (service.resource_types.get(fold(use.name)) for use in uses)
    return tuple(dict.fromkeys(_pattern(one.fields) for one in types if one is not None))


def _pattern(fields: Sequence[str]) -> str:
    return ":".join(fields)


@lru_cache(maxsize=4096)
def on_kinds(action: str, names: tuple[str, ...]) -> tuple[tuple[Statement, ...], ...]:
    """For each type of resource a Deny on whatever is no such; `*` is what actions without one are asked on."""
    entry = catalogue().action(action)
    if entry is None:
        return ((),)
    kinds = kinds_of(entry, names)
    if not kinds:
        return ((_ONLY_ON_STAR,),)
    more = (_WITHOUT_COLONS,) if entry.service == "iam" else ()
    return tuple((deny(but_on=(resource_pattern(_with_names(kind)),)), *more) for kind in kinds)


def _with_names(kind: str) -> str:
    """The pattern of a type, but no name is empty, and no field runs on into the next."""
    *fields, resource = kind.split(":", ARN_FIELDS - 1)
    return ":".join((*("*?" if field == "*" else field for field in fields), resource.replace("*", "?*")))


# No name or path of an identity holds a colon.
_WITHOUT_COLONS: Final = deny(resources=(resource_pattern("arn:*:iam:*:*:*:*"),))
# Of ARNs this spares none: what is asked on `*` is no ARN.
_ONLY_ON_STAR: Final = deny(resources=(resource_pattern("arn:*:*:*:*:*"),))
