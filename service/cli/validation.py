"""`daypass policy validate`: findings in policy files for people, for programs, and for code hosts."""

import sys
from pathlib import Path, PurePath
from typing import Final

import click
import msgspec

from service.cli.desk import json_option, print_json, read_document
from service.cli.sarif import Annotation, Level, Region, Rule, sarif_log
from workflows.policy.document import PolicyKind
from workflows.policy.validate.messages import Locale, message_of
from workflows.policy.validate.rules import RULES, FindingType
from workflows.policy.validate.validation import Located, Validation, validate

_KINDS: Final = {kind.value.replace(" ", "-"): kind for kind in PolicyKind}
_LEVELS: Final = {
    FindingType.ERROR: Level.ERROR,
    FindingType.SECURITY_WARNING: Level.ERROR,
    FindingType.WARNING: Level.WARNING,
    FindingType.SUGGESTION: Level.NOTE,
}
_FAILING: Final = (FindingType.ERROR, FindingType.SECURITY_WARNING)


class FindingView(msgspec.Struct):
    """One finding; lines and columns count from 1, the end lies behind the last character."""

    type: str
    code: str
    message: str
    line: int
    column: int
    end_line: int
    end_column: int
    page: str


class FileView(msgspec.Struct):
    """What was found in one file."""

    file: str
    findings: list[FindingView]
    is_complete: bool


class ValidationView(msgspec.Struct):
    """What was found in all files, by the catalogue of this version."""

    files: list[FileView]
    catalogue: str


@click.command("validate")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--kind",
    type=click.Choice(sorted(_KINDS)),
    default="identity",
    show_default=True,
    help="What the policies are for.",
)
@click.option("--resource-type", metavar="NAME", help="What a resource policy is attached to, such as AWS::S3::Bucket.")
@json_option
@click.option("--sarif", "as_sarif", is_flag=True, help="Print a SARIF 2.1.0 log.")
@click.option(
    "--locale",
    type=click.Choice([one.value for one in Locale]),
    default=Locale.ENGLISH.value,
    show_default=True,
    help="Of messages.",
)
def validate_files(
    files: tuple[Path, ...], kind: str, resource_type: str | None, as_json: bool, as_sarif: bool, locale: str
) -> None:
    """Say what is wrong, dangerous, doubtful or needless in policy files. Needs no deployment.

    Exit codes: 0 nothing graver than a warning, 1 an error or a security warning, 2 a file cannot be read.
    """
    if as_json and as_sarif:
        raise click.UsageError("give one of --json and --sarif")
    texts = {path: read_document(path) for path in files}
    found = {path: validate(text, _KINDS[kind], resource_type) for path, text in texts.items()}
    language = Locale(locale)
    if as_sarif:
        print_json(_sarif(found, language))
    elif as_json:
        print_json(_view(found, language))
    else:
        _tell(found, language)
    sys.exit(any(each.type in _FAILING for validation in found.values() for each in validation.findings))


def _region(located: Located) -> Region:
    """The first place of a finding, counted from 1."""
    start, end = located.locations[0].span
    return Region(start.line, start.column + 1, end.line, end.column + 1)


def _tell(found: dict[Path, Validation], locale: Locale) -> None:
    for path, validation in found.items():
        for each in validation.findings:
            region, message = _region(each), message_of(each.finding, locale)
            line = f"{path}:{region.line}:{region.column}: {each.type.value} {each.code} {message}"
            click.echo("".join(letter if letter.isprintable() else "?" for letter in line))
        if not validation.is_complete:
            click.echo(f"{path}: there are more findings than are shown", err=True)


def _view(found: dict[Path, Validation], locale: Locale) -> ValidationView:
    files = [
        FileView(str(path), [_finding(each, locale) for each in validation.findings], validation.is_complete)
        for path, validation in found.items()
    ]
    return ValidationView(files, next(iter(found.values())).catalogue_version)


def _finding(located: Located, locale: Locale) -> FindingView:
    region = _region(located)
    return FindingView(
        type=located.type.value,
        code=located.code,
        message=message_of(located.finding, locale),
        line=region.line,
        column=region.column,
        end_line=region.end_line,
        end_column=region.end_column,
        page=located.finding.rule.page,
    )


def _sarif(found: dict[Path, Validation], locale: Locale) -> dict[str, object]:
    # The log's own descriptions name no value.
    rules = [
        Rule(one.id, _LEVELS[one.type], one.id.replace("_", " ").capitalize(), page=one.page) for one in RULES.values()
    ]
    annotations = [
        Annotation(each.code, _LEVELS[each.type], message_of(each.finding, locale), PurePath(path), _region(each))
        for path, validation in found.items()
        for each in validation.findings
    ]
    return sarif_log(rules, annotations)
