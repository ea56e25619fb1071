"""Findings in German."""

from collections.abc import Mapping
from typing import Final

from workflows.policy.validate import german_errors, german_warnings
from workflows.policy.validate.rules import Finding

TEXTS: Final[Mapping[str, str]] = {**german_errors.TEXTS, **german_warnings.TEXTS}
"""What is wrong and what to do, by the code of the rule."""

# What the reader of documents says; names that the message quotes stand for themselves.
PHRASES: Final[Mapping[str, str]] = {
    "it is too long to be read": "es ist zu lang, um gelesen zu werden",
    "it holds a character that no policy may": "es enthält ein Zeichen, das keine Richtlinie enthalten darf",
    "it is nested too deep": "es ist zu tief geschachtelt",
    "something follows the end of the document": "hinter dem Ende des Dokuments folgt noch etwas",
    "a name stands twice in one object": "ein Name steht zweimal in einem Objekt",
    "a number is too long": "eine Zahl ist zu lang",
    "a text holds an escape that JSON does not have": "ein Text enthält eine Maskierung, die JSON nicht kennt",
    "a value is missing": "ein Wert fehlt",
    "a colon is missing": "ein Doppelpunkt fehlt",
    "a name in double quotes is missing": "ein Name in doppelten Anführungszeichen fehlt",
    "a comma or `]` is missing": "ein Komma oder `]` fehlt",
    "a comma or `}` is missing": "ein Komma oder `}` fehlt",
}


def message_of(finding: Finding) -> str:
    """Return what is wrong and what to do."""
    values = {name: PHRASES.get(value, value) for name, value in finding.values.items()}
    return TEXTS[finding.rule.id].format_map(values)
