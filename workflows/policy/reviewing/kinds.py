"""The resources that an action names: the patterns of their types, and Denies on whatever is of no such type."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from workflows.policy.catalogue import ActionEntry, catalogue
from workflows.policy.containment import overlaps
from workflows.policy.context import fold
from workflows.policy.document import Statement
from workflows.policy.patterns import ARN_FIELDS, Glob, Work, resource_tokens, split_arn, text_tokens
from workflows.policy.reviewing.scope import deny, resource_pattern
from workflows.policy.variables import ResourcePattern

_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")


def kinds_of(entry: ActionEntry, names: Sequence[str] = ()) -> tuple[str, ...]:
    """The ARN patterns of the resources that an action names, of these types alone where some are given."""
    uses = [use for use in entry.resources if not names or use.name in names]
    service = catalogue().service(entry.service)
    assert service is not None
    types = (service.resource_types.get(fold(use.name)) for use in uses)
    return tuple(dict.fromkeys(_pattern(one.fields) for one in types if one is not None))


def _pattern(fields: Sequence[str]) -> str:
    return ":".join(fields)


def may_be_of_kind(kind: str, pattern: ResourcePattern, *, as_written: bool = False) -> bool:
    """Whether a Resource may cover something of a kind, told field by field: within its fields no ARN holds a colon.

    A `*` that ends a field may run on past colons; `as_written` it stays where its author put it.
    """
    fields, own = kind.split(":", ARN_FIELDS - 1), split_arn(_VARIABLE.sub("*", pattern.text))
    if own is None or len(fields) != ARN_FIELDS or own[-1].startswith("/"):
        return overlaps(Glob(resource_tokens(kind)), pattern.widest, Work())
    for field, written in zip(fields, own, strict=True):
        if not overlaps(Glob(text_tokens(field)), Glob(text_tokens(written)), Work()):
            return False
        if written.endswith("*") and not as_written:
            return overlaps(Glob(resource_tokens(kind)), pattern.widest, Work())
    return True


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
