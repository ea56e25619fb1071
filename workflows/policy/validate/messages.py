"""What people are told of a finding, in the languages that there are."""

from enum import StrEnum

from workflows.policy.validate import german
from workflows.policy.validate.rules import Finding


class Locale(StrEnum):
    """The languages of messages."""

    ENGLISH = "en"
    GERMAN = "de"


def message_of(finding: Finding, locale: Locale) -> str:
    """Return what is wrong and what to do."""
    return finding.message if locale is Locale.ENGLISH else german.message_of(finding)
