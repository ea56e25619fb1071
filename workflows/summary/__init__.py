"""A request in words that a non-expert can read, made from the parsed policy and nothing else.

The same policy gives the same text, always. No text that a partner wrote freely is ever an input.
"""

from workflows.summary.english import MAX_SUMMARY_CHARACTERS, summarise
from workflows.summary.locales import SUPPORTED_LOCALES, resolve_locale

__all__ = ["MAX_SUMMARY_CHARACTERS", "SUPPORTED_LOCALES", "resolve_locale", "summarise"]
