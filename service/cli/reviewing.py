"""`daypass policy review`: judge a partner's bundle, a folder of files or a template alone."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final

import click
import msgspec

from service.cli.desk import failing_clearly, json_option, print_json
from service.cli.sarif import Annotation, Level, Region, Rule, sarif_log
from workflows.policy.positions import statement_spans
from workflows.policy.review import NAMES, Bundle, Document, Finding, Severity, Step, bundle_of, corrected, review

_LARGEST_FILE: Final = 1024 * 1024
_FOUND: Final = 1
_CRITICAL: Final = 2
_UNREADABLE: Final = 3
_LEVELS: Final[Mapping[Severity, Level]] = {
    Severity.CRITICAL: Level.ERROR,
    Severity.HIGH: Level.ERROR,
    Severity.MEDIUM: Level.WARNING,
    Severity.LOW: Level.NOTE,
}


class StepView(msgspec.Struct):
    """One call of an attack; `parameters` are the values that a request of the partner would have."""

    action: str
    resource: str
    context: dict[str, object]
    statement: int
    parameters: dict[str, str]


class FindingView(msgspec.Struct):
    """One finding; `fix` is a diff that was reviewed again, null where there is none to offer."""

    id: str
    severity: str
    artifact_ref: str
    statement: str
    path: str
    message: str
    attack: list[StepView]
    fix: str | None


@click.command("review")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH...")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print a SARIF 2.1.0 log, which code hosts show at the lines.")
@json_option
@failing_clearly
def review_bundle(paths: tuple[Path, ...], as_sarif: bool, as_json: bool) -> None:
    """Review bundles of partners as registration does. Needs no deployment.

    A PATH is a folder with permissions.json (or delegation_template.json), boundary.json (or permission_boundary.json)
    where roles are made, and bundle_metadata.json (partner_domain, template_name, boundary_name) if there is one; or a
    file, which is a template alone. --json prints an array of findings.

    Exit codes: 0 nothing found, 1 findings that an operator may accept, 2 critical ones, which are refused (and wrong
    usage), 3 a path that cannot be read.
    """
    if as_sarif and as_json:
        raise click.UsageError("give either --sarif or --json")
    found: list[tuple[FindingView, Finding, Path]] = []
    for path in paths:
        found += _reviewed(path)
    if len(paths) > 1:
        for view, _, folder in found:
            view.artifact_ref = str(folder / view.artifact_ref)
    if as_json:
        print_json([view for view, _, _ in found])
    elif as_sarif:
        print_json(_sarif(found))
    else:
        _tell([view for view, _, _ in found])
    sys.exit(_exit_code([finding for _, finding, _ in found]))


def _exit_code(findings: Sequence[Finding]) -> int:
    if any(one.severity is Severity.CRITICAL for one in findings):
        return _CRITICAL
    return _FOUND if findings else 0


def _reviewed(path: Path) -> list[tuple[FindingView, Finding, Path]]:
    try:
        files = _files(path)
    except OSError as failure:
        click.echo(f"daypass: {path} cannot be read: {failure.strerror}", err=True)
        sys.exit(_UNREADABLE)
    texts = {name: text for name, text in files.items() if text is not None}
    unread = (
        Finding("S1", Severity.CRITICAL, name, "is not UTF-8 text, or too large") for name in files.keys() - texts
    )
    if path.is_dir():
        folder, (bundle, wrong) = path, bundle_of(texts)
    else:
        folder, wrong = path.parent, []
        bundle = Bundle(Document(path.name, texts[path.name])) if texts else Bundle()
    # What could not be read is not missing.
    told = {one.artefact: one for one in (*wrong, *unread)}
    findings = (*told.values(), *review(bundle))
    return [(_view(bundle, one, findings), one, folder) for one in findings]


def _files(path: Path) -> dict[str, str | None]:
    """The texts of the files by name; None for one that is not text or larger than a policy can be."""
    if not path.is_dir():
        return {path.name: _text(path)}
    return {name: _text(path / name) for name in NAMES if (path / name).is_file()}


def _text(path: Path) -> str | None:
    if path.stat().st_size > _LARGEST_FILE:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _view(bundle: Bundle, finding: Finding, findings: Sequence[Finding]) -> FindingView:
    better = corrected(bundle, finding, findings)
    return FindingView(
        id=finding.rule,
        severity=finding.severity.value,
        artifact_ref=finding.artefact,
        statement=finding.statement,
        path=finding.path,
        message=finding.message,
        attack=[_step(one) for one in finding.attack],
        fix=better.diff if better else None,
    )


def _step(step: Step) -> StepView:
    return StepView(
        action=step.request.action,
        resource=step.request.resource,
        context=dict(step.request.context.as_mapping()),
        statement=step.statement,
        parameters=dict(step.parameters),
    )


# --- for people ------------------------------------------------------------------------------------------


def _tell(views: Sequence[FindingView]) -> None:
    for view in views:
        place = f" statement {view.statement}" if view.statement else ""
        _echo(f"{view.severity} {view.id} {view.artifact_ref}{place}: {view.message}")
        for number, step in enumerate(view.attack, 1):
            under = f" with {msgspec.json.encode(step.context).decode()}" if step.context else ""
            _echo(f"  {number}. {step.action} on {step.resource}{under}")
        if view.attack and view.attack[0].parameters:
            _echo(f"  once the parameters are {msgspec.json.encode(view.attack[0].parameters).decode()}")
        for line in view.fix.splitlines() if view.fix else ():
            _echo(f"  {line}")
    click.echo(f"{len(views)} findings" if len(views) != 1 else "1 finding")


def _echo(text: str) -> None:
    click.echo("".join(letter if letter.isprintable() else "?" for letter in text))


# --- for code hosts --------------------------------------------------------------------------------------


def _sarif(found: Sequence[tuple[FindingView, Finding, Path]]) -> Mapping[str, object]:
    rules = {one.rule: Rule(one.rule, _LEVELS[one.severity], one.message) for _, one, _ in reversed(found)}
    annotations = [
        Annotation(one.rule, _LEVELS[one.severity], one.message, PurePath(folder / one.artefact), _region(folder, one))
        for _, one, folder in found
    ]
    return sarif_log(rules.values(), annotations)


def _region(folder: Path, finding: Finding) -> Region | None:
    """The lines of the finding's statement, where the document can be read that far."""
    file, number = folder / finding.artefact, finding.place
    text = _text(file) if file.is_file() else None
    if text is None or number is None:
        return None
    span = statement_spans(text)[number]
    return Region(span.start.line, span.start.column, span.end.line, span.end.column)
