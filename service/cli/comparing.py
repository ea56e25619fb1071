"""`daypass policy compare`: prove that one policy stays within another, or show where it does not."""

import sys
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Final

import click
import msgspec

from service.cli.desk import failing_clearly, json_option, print_json, read_document
from service.cli.sarif import Annotation, Level, Region, Rule, sarif_log
from workflows.errors import MalformedPolicy
from workflows.policy.compare import Comparison, Counterexample, Verdict, compare
from workflows.policy.document import ASKED, PolicyKind, parse_policy
from workflows.policy.familiar import in_known_words
from workflows.policy.layers import NamedPolicy
from workflows.policy.positions import statement_spans

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_ACCESS: Final = Rule("NEW_ACCESS", Level.ERROR, "A statement allows what the other policy does not.")
_NOT_KNOWN: Final = Rule(
    "NOT_PROVEN", Level.ERROR, "It could not be decided whether the policy stays within the other."
)


class ComparisonView(msgspec.Struct):
    """Whether a policy stays within another; a request for each statement that does not."""

    verdict: str
    because: str | None
    rests_on_variables: bool
    counterexamples: list[dict[str, object]]


@click.command("compare")
@click.argument("policy_file", type=_FILE)
@click.argument("within_file", type=_FILE)
@click.option("--sarif", "as_sarif", is_flag=True, help="Print a SARIF 2.1.0 log, which code hosts show at the lines.")
@json_option
@failing_clearly
def compare_policies(policy_file: Path, within_file: Path, as_sarif: bool, as_json: bool) -> None:
    """Prove that POLICY_FILE allows nothing that WITHIN_FILE does not, or show requests for which it does.

    Exit codes: 0 proven, 1 refuted or not known, 2 a file that is no policy (and wrong usage).
    """
    if as_sarif and as_json:
        raise click.UsageError("give one of --sarif and --json")
    first, second = ([_named(path)] for path in (policy_file, within_file))
    answer = compare(first, second, every=True)
    found = [in_known_words(one, first, second) for one in answer.counterexamples]
    view = ComparisonView(
        verdict=answer.verdict.value,
        because=answer.because,
        rests_on_variables=answer.rests_on_variables,
        counterexamples=[_counterexample(one) for one in found],
    )
    if as_json:
        print_json(view)
    elif as_sarif:
        print_json(sarif_log((_NEW_ACCESS, _NOT_KNOWN), list(_annotations(policy_file, answer, found))))
    else:
        _tell(view)
    sys.exit(answer.verdict is not Verdict.PROVEN)


def _named(path: Path) -> NamedPolicy:
    try:
        document = parse_policy(read_document(path), kind=PolicyKind.IDENTITY, caps=ASKED)
    except MalformedPolicy as refused:
        raise click.UsageError(f"{path} is no policy: {refused}") from None
    return NamedPolicy(path.name, document)


def _counterexample(found: Counterexample) -> dict[str, object]:
    return {
        "statement": found.statement.sid or found.statement.index,
        "action": found.request.action,
        "resource": found.request.resource,
        "context": dict(found.request.context.as_mapping()),
        "denied_by": found.denied_by,
    }


def _tell(view: ComparisonView) -> None:
    ending = f" ({view.because})" if view.because else ""
    click.echo(f"{view.verdict}{ending}")
    if view.verdict == Verdict.PROVEN and view.rests_on_variables:
        click.echo("each policy variable was taken for a value that nothing else in the documents names")
    for one in view.counterexamples:
        click.echo(f"statement {one['statement']}: {_sentence(one)}")
        if one["context"]:
            click.echo(f"  with {_circumstances(one)}")


def _sentence(shown: dict[str, object]) -> str:
    beyond = f"denied by {shown['denied_by']}" if shown["denied_by"] else "allowed by nothing"
    return f"{shown['action']} on {shown['resource']} is {beyond}"


def _circumstances(shown: dict[str, object]) -> str:
    return msgspec.json.encode(shown["context"]).decode()


# --- for code hosts --------------------------------------------------------------------------------------


def _annotations(path: Path, answer: Comparison, found: list[Counterexample]) -> Iterator[Annotation]:
    if answer.verdict is Verdict.UNKNOWN:
        message = f"not proven: {answer.because} was met first"
        yield Annotation(_NOT_KNOWN.id, Level.ERROR, message, PurePath(path))
    spans = statement_spans(read_document(path)) if found else ()
    for one in found:
        shown = _counterexample(one)
        under = f" with {_circumstances(shown)}" if shown["context"] else ""
        start, end = spans[one.statement.index]
        region = Region(start.line, start.column, end.line, end.column)
        yield Annotation(_NEW_ACCESS.id, Level.ERROR, f"{_sentence(shown)}{under}", PurePath(path), region)
