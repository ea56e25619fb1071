"""What checks ask of the catalogue, at a price that a hostile document cannot raise."""

from bisect import bisect_left
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from workflows.policy.catalogue import ActionEntry, Catalogue, Service, catalogue
from workflows.policy.containment import overlaps
from workflows.policy.context import fold
from workflows.policy.patterns import Glob, Work, text_tokens
from workflows.policy.validate.draft import Draft, StatementDraft
from workflows.policy.validate.rules import Words

_MOST_GUESSES: Final = 10
_LONGEST_GUESSED: Final = 100
_NONE: Final = Words("-")


def nearest(draft: Draft, text: str, known: Collection[str]) -> str:
    """Return the known text that is most like another, or a dash; only a document's first questions are answered."""
    draft.guesses += 1
    if draft.guesses > _MOST_GUESSES or len(text) > _LONGEST_GUESSED:
        return _NONE
    by_folded = {fold(one): one for one in sorted(known)}
    found = get_close_matches(fold(text), by_folded, n=1, cutoff=0.7)
    return by_folded[found[0]] if found else _NONE


def has_action(service: Service, pattern: Glob, work: Work) -> bool:
    """Tell whether a pattern of this service's prefix covers any of its actions."""
    return next(matching(service, pattern, work), None) is not None


def matching(service: Service, pattern: Glob, work: Work) -> Iterator[ActionEntry]:
    """Yield the actions of a service that a pattern of its prefix covers."""
    prefix = f"{service.prefix}:"
    if pattern.is_literal:
        found = service.actions.get(pattern.head.removeprefix(prefix))
        if found is not None:
            yield found
        return
    # Names are sorted, so those that begin as the pattern does stand together.
    names, begins = _names(service), pattern.head.removeprefix(prefix)
    for name in names[bisect_left(names, begins) :]:
        if not name.startswith(begins):
            return
        work.spend(1)
        if pattern.matches(prefix + name, work):
            yield service.actions[name]


@lru_cache(maxsize=1024)
def _names(service: Service) -> tuple[str, ...]:
    return tuple(service.actions)


def named_services(statement: StatementDraft) -> tuple[str, ...]:
    """Return the prefixes that the actions of a statement name without a wildcard, each once."""
    prefixes = (fold(entry.text.partition(":")[0]) for entry in statement.actions if ":" in entry.text)
    return tuple(dict.fromkeys(prefix for prefix in prefixes if "*" not in prefix and "?" not in prefix))


# --- ARNs ------------------------------------------------------------------------------------------------


class ArnForm(NamedTuple):
    """What an ARN of one type of resource looks like: region and account (`*` for any), and a pattern of the rest."""

    region: str
    account: str
    rest: Glob


class ArnForms:
    """The forms of the ARNs of all services, by the service that stands in the ARN."""

    def __init__(self, known: Catalogue) -> None:
        self._catalogue: Final = known

    @cached_property
    def _forms(self) -> dict[str, tuple[ArnForm, ...]]:
        found: dict[str, dict[ArnForm, None]] = {}
        for prefix in sorted(self._catalogue.services):
            service = self._catalogue.service(prefix)
            for kind in service.resource_types.values() if service is not None else ():
                fields = kind.fields
                form = ArnForm(fields[3], fields[4], Glob(text_tokens(fields[5])))
                # Some types are at home in every service; the one that lists them is known to use them.
                owner = prefix if fields[2] == "*" else fields[2]
                found.setdefault(owner, {})[form] = None
        return {service: tuple(forms) for service, forms in found.items()}

    def knows(self, service: str) -> bool:
        """Tell whether ARNs name this service."""
        return service in self._catalogue.services or service in self._forms

    def fitting(self, service: str, rest: str, work: Work) -> tuple[ArnForm, ...] | None:
        """Return the forms that the last field of a pattern may fit, None when none of the service is known."""
        forms = self._forms.get(service)
        if not forms:
            return None
        # What begins with a wildcard may fit anywhere, so that all of it is looked at.
        work.spend(len(forms) * (len(rest) if rest[:1] in ("*", "?") else 1))
        return _fitting(forms, rest)


@lru_cache(maxsize=8192)
def _fitting(forms: tuple[ArnForm, ...], rest: str) -> tuple[ArnForm, ...]:
    work, wanted = Work(), Glob(text_tokens(rest))
    return tuple(form for form in forms if overlaps(form.rest, wanted, work))


@lru_cache(maxsize=1)
def arn_forms() -> ArnForms:
    """Return the forms that the process's catalogue knows."""
    return ArnForms(catalogue())
