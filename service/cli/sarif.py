"""SARIF 2.1.0 (OASIS, 2020): findings in files, in the form in which code hosts annotate the lines they are about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import PurePath
from typing import Final
from urllib.parse import quote

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


class Level(StrEnum):
    """How grave a result is (section 3.27.10)."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Rule:
    """What kinds of results there are: a stable id, one line about it, what to do, and a page that says more."""

    id: str
    level: Level
    summary: str
    advice: str = ""
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """Lines and columns from 1; the end lies behind the last character. Columns count characters."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Annotation:
    """One result: what rule, how grave, what to tell, and where; without a region it is about the whole file."""

    rule: str
    level: Level
    message: str
    file: PurePath
    region: Region | None = None


def sarif_log(rules: Iterable[Rule], annotations: Sequence[Annotation]) -> dict[str, object]:
    """Return the log of one run, ready to be written as JSON; raises `KeyError` for a rule that is not among `rules`.

    Rules that no annotation names are left out.
    """
    known = {rule.id: rule for rule in rules}
    used = [known[name] for name in dict.fromkeys(each.rule for each in annotations)]
    places = {rule.id: at for at, rule in enumerate(used)}
    driver = {"name": "daypass", "version": version("daypass"), "rules": [_rule(each) for each in used]}
    results = [_result(each, places[each.rule]) for each in annotations]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, object]:
    told: dict[str, object] = {
        "id": rule.id,
        "shortDescription": {"text": _plain(rule.summary)},
        "defaultConfiguration": {"level": rule.level.value},
    }
    if rule.advice:
        told["help"] = {"text": _plain(rule.advice)}
    if rule.page:
        told["helpUri"] = rule.page
    return told


def _result(annotation: Annotation, place: int) -> dict[str, object]:
    where: dict[str, object] = {"artifactLocation": {"uri": _uri(annotation.file)}}
    if (region := annotation.region) is not None:
        where["region"] = {
            "startLine": region.line,
            "startColumn": region.column,
            "endLine": region.end_line,
            "endColumn": region.end_column,
        }
    return {
        "ruleId": annotation.rule,
        "ruleIndex": place,
        "level": annotation.level.value,
        "message": {"text": _plain(annotation.message)},
        "locations": [{"physicalLocation": where}],
    }


def _uri(file: PurePath) -> str:
    """Return a relative reference, or the URI of a file that was named from the root."""
    return file.as_uri() if file.is_absolute() else quote(file.as_posix())


def _plain(text: str) -> str:
    # `[text](target)` would become a link (section 3.11.6), and messages quote what strangers wrote.
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown.replace("](", "] (")
