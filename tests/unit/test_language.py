"""The pages speak every language whole, and tell instants in the reader's zone with its name."""

from datetime import UTC, datetime, timedelta

import pytest
from staging.messages import catalogue, extracted

from service.web.browsers import browser_name
from service.web.language import SOURCE, Reader, languages, pick_language
from service.web.shell import breakable
from workflows.role_plans import UNTIL_REVOKED

OTHERS = [language for language in languages() if language != SOURCE]


def test_german_is_spoken() -> None:
    assert "de" in OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_text_of_the_pages_and_no_other(language: str) -> None:
    told = {message.id if isinstance(message.id, str) else message.id[0]: message for message in catalogue(language)}
    assert set(told) - {""} == set(extracted())
    assert [key for key, message in told.items() if key and not message.string] == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_names_the_same_values_as_its_original(language: str) -> None:
    wrong = [error for message in catalogue(language) if message.id for error in message.check(catalogue(language))]
    assert wrong == []


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("de", "en", "de"),
        (None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "fr-FR,fr;q=0.9,en;q=0.8", "en"),
        ("xx", None, "en"),
        (None, ",;," * 1000, "en"),
    ],
)
def test_the_reader_s_choice_comes_before_the_browser_s_and_english_before_nothing(
    chosen: str | None,
    accepted: str | None,
    language: str,
) -> None:
    assert pick_language(chosen, accepted) == language


def test_an_instant_is_told_in_the_reader_s_zone_with_the_zone_named() -> None:
    noon = datetime(2026, 7, 2, 12, 0, tzinfo=UTC)
    assert "2 Jul 2026, 14:00 CEST" in Reader("en", "Europe/Berlin").instant(noon)
    assert "2. Juli 2026" in Reader("de", "Europe/Berlin").day(noon)
    assert "12:00 UTC" in Reader.of("en", "No/Where").instant(noon)


def test_a_span_is_told_without_rounding_and_a_count_that_was_stopped_says_so() -> None:
    assert Reader("en").span(5430) == "1 hour 30 minutes 30 seconds"
    assert Reader("de").span(90_000) == "1 Tag 1 Stunde"
    assert (Reader("en").bounded(100, 100), Reader("de").bounded(7, 100)) == ("99+", "7")


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36",
            "Chrome, Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0", "Edge, Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 20_0 like Mac OS X) Version/20 Safari/604",
            "Safari, iPhone",
        ),
        ("curl/8.9", "curl/8.9"),
        (None, ""),
    ],
)
def test_a_session_is_told_by_the_name_of_its_browser(told: str | None, name: str) -> None:
    assert browser_name(told) == name


def test_a_long_name_breaks_between_its_parts_and_stays_text() -> None:
    assert breakable("arn:aws:iam::1:user/<b>") == "arn:<wbr>aws:<wbr>iam:<wbr>:<wbr>1:<wbr>user/<wbr>&lt;b&gt;"


def test_what_ends_only_when_it_is_revoked_is_told_so_and_not_as_fifty_years() -> None:
    reader, now = Reader("en"), datetime(2026, 7, 2, tzinfo=UTC)
    assert reader.lasting(3600) == "1 hour"
    assert reader.lasting(UNTIL_REVOKED) == "until it is revoked"
    assert reader.until(now + timedelta(seconds=UNTIL_REVOKED - 60), now) == "until it is revoked"
    assert "2 Jul 2026" in reader.until(now + timedelta(hours=1), now)
