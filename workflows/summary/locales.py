"""Which languages a summary can be given in."""

from typing import Final

SUPPORTED_LOCALES: Final = ("en", "de")


def resolve_locale(text: str) -> str | None:
    """The supported locale that `text` asks for, or None.

    Letter case is ignored, and a region that we do not have falls back to its language: `EN-gb` is `en`.
    """
    asked = text.lower().replace("_", "-")
    return next((each for each in (asked, asked.partition("-")[0]) if each in SUPPORTED_LOCALES), None)
