"""In which words and in whose time a page speaks: message catalogues, and instants and spans for one reader.

English is written in the templates and is its own catalogue; every other language is one `.po` file in `locales/`,
read when the process starts. A language is there as soon as its file is; a test holds that each is complete.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from markupsafe import Markup

from workflows.role_plans import UNTIL_REVOKED

LOCALES: Final = Path(__file__).parent / "locales"
SOURCE: Final = "en"
_MOST_RANGES: Final = 10


def N_(text: str) -> str:  # noqa: N802  the name that every message extractor knows
    """Mark a text for the catalogues; it is translated where it is shown."""
    return text


# How a day is written, as patterns of CLDR: a language has its own order and its own full stops.
_SHORT_DAY: Final = N_("d MMM y")
_LONG_DAY: Final = N_("d MMMM y")


@cache
def languages() -> tuple[str, ...]:
    """Return every language the pages speak, the source's first."""
    return (SOURCE, *sorted(path.stem for path in LOCALES.glob("*.po")))


@cache
def _catalogue(language: str) -> Catalog | None:
    if language == SOURCE:
        return None
    with (LOCALES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


@cache
def _texts(language: str) -> dict[str, tuple[str, ...]]:
    catalogue = _catalogue(language)
    found: dict[str, tuple[str, ...]] = {}
    for message in catalogue or ():
        key = message.id if isinstance(message.id, str) else message.id[0]
        told = message.string or ""
        found[key] = (told,) if isinstance(told, str) else tuple(told)
    return found


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def pick_language(chosen: str | None, accepted: str | None) -> str:
    """Return the reader's language: what was chosen on a page, else what the browser asks for, else English."""
    if chosen in languages():
        return str(chosen)
    for part in (accepted or "").split(",")[:_MOST_RANGES]:
        wanted = part.partition(";")[0].strip().lower().partition("-")[0]
        if wanted in languages():
            return wanted
    return SOURCE


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a page is written: the language, and the zone that instants are told in."""

    language: str = SOURCE
    zone: str = "UTC"

    @classmethod
    def of(cls, language: str, zone: str | None) -> "Reader":
        """Return the reader; a zone that does not exist is UTC."""
        return cls(language, zone if zone in _zones() and zone else "UTC")

    @property
    def locale(self) -> Locale:
        """The conventions of the language."""
        return Locale.parse(self.language)

    def gettext(self, text: str) -> str:
        """Return a text in the reader's language; one without a translation stays as it is."""
        found = _texts(self.language).get(text)
        return (found[0] if found else "") or text

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return the form of a text that fits the count."""
        catalogue, found = _catalogue(self.language), _texts(self.language).get(one)
        if catalogue is None or not found:
            return one if count == 1 else many
        # Both languages here have two forms; a catalogue with others says so in its header.
        place = 0 if count == 1 else min(1, len(found) - 1)
        return found[place] or (one if count == 1 else many)

    def _local(self, instant: datetime) -> datetime:
        return instant.astimezone(ZoneInfo(self.zone))

    def instant(self, instant: datetime) -> Markup:
        """Return an instant with its zone named, as a `time` element."""
        local = self._local(instant)
        pattern = f"{self.gettext(_SHORT_DAY)}, HH:mm"
        words = f"{format_datetime(local, pattern, locale=self.language)} {self.zone_name(local)}"
        return Markup('<time datetime="{}">{}</time>').format(instant.astimezone(UTC).isoformat(), words)

    def clock(self, instant: datetime) -> Markup:
        """Return an instant to the second, for records."""
        local = self._local(instant)
        words = (
            f"{format_date(local.date(), self.gettext(_SHORT_DAY), locale=self.language)}, "
            f"{format_time(local, 'HH:mm:ss', locale=self.language)} {self.zone_name(local)}"
        )
        return Markup('<time datetime="{}">{}</time>').format(instant.astimezone(UTC).isoformat(), words)

    def day(self, instant: datetime) -> Markup:
        """Return the day of an instant."""
        local = self._local(instant)
        words = format_date(local.date(), self.gettext(_LONG_DAY), locale=self.language)
        return Markup('<time datetime="{}">{}</time>').format(local.date().isoformat(), words)

    def zone_name(self, instant: datetime) -> str:
        """Return the short name of the reader's zone at an instant."""
        if self.zone == "UTC":
            return "UTC"
        return self._local(instant).tzname() or self.zone

    def span(self, seconds: float) -> str:
        """Return a span in hours, minutes and seconds, nothing rounded away but fractions of a second."""
        left, words = max(0, int(seconds)), []
        days, left = divmod(left, 86_400)
        hours, left = divmod(left, 3600)
        minutes, left = divmod(left, 60)
        for count, one, many in (
            (days, N_("%(num)d day"), N_("%(num)d days")),
            (hours, N_("%(num)d hour"), N_("%(num)d hours")),
            (minutes, N_("%(num)d minute"), N_("%(num)d minutes")),
            (left, N_("%(num)d second"), N_("%(num)d seconds")),
        ):
            if count:
                words.append(self.gettext(one if count == 1 else many) % {"num": count})
        return " ".join(words) or self.gettext("0 seconds")

    def lasting(self, seconds: float) -> str:
        """Return for how long something is asked; what ends only when it is revoked says so."""
        return self.gettext(N_("until it is revoked")) if seconds >= UNTIL_REVOKED else self.span(seconds)

    def until(self, end: datetime, now: datetime) -> str:
        """Return until when something lasts; what ends only when it is revoked says so."""
        if self.endless(end, now):
            return self.gettext(N_("until it is revoked"))
        return Markup("{} {}").format(self.gettext(N_("until")), self.instant(end))

    def endless(self, end: datetime, now: datetime) -> bool:
        """Tell whether an end is so far away that it only stands for none."""
        return (end - now).total_seconds() > UNTIL_REVOKED / 2

    def about(self, span: timedelta) -> str:
        """Return a span in its largest unit alone, for ages."""
        seconds = int(span.total_seconds())
        for size, one, many in (
            (86_400, N_("%(num)d day"), N_("%(num)d days")),
            (3600, N_("%(num)d hour"), N_("%(num)d hours")),
            (60, N_("%(num)d minute"), N_("%(num)d minutes")),
        ):
            if (count := seconds // size) > 0:
                return self.gettext(one if count == 1 else many) % {"num": count}
        return self.gettext("less than a minute")

    def number(self, value: int) -> str:
        """Return a number with the language's separators."""
        return format_decimal(value, locale=self.language)

    def bounded(self, count: int, limit: int) -> str:
        """Return a count that was stopped at `limit`."""
        return f"{self.number(limit - 1)}+" if count >= limit else self.number(count)
