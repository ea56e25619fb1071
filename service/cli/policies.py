"""`daypass policy`: create managed policies, and ask the engine what policies allow and why."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from service import views
from service.cli.comparing import compare_policies
from service.cli.desk import failing_clearly, json_option, opened, print_json, read_document, show
from service.cli.reviewing import review_bundle
from service.cli.validation import validate_files
from workflows import onboarding
from workflows.errors import BadInput
from workflows.policy.cases import answer_line, answered, read_case
from workflows.policy.context import RequestContext
from workflows.policy.decision import Decision
from workflows.policy.explanation import sentences
from workflows.policy.strict_json import read_json
from workflows.role_standing import standing_of_subject
from workflows.sessions import judge, supplied_context

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_LONGEST_LINE = 32 * 1024 * 1024


@click.group()
def policy() -> None:
    """Create managed policies; ask what policies allow, and why."""


policy.add_command(validate_files)


@policy.command("create")
@click.option("--account", required=True, metavar="ID", help="The account's 12 digits.")
@click.option("--name", required=True, help="The name of the policy.")
@click.option("--file", "path", required=True, type=_FILE, help="The policy document.")
@json_option
@failing_clearly
def create_policy(account: str, name: str, path: Path, as_json: bool) -> None:
    """Create a managed policy."""
    document = read_document(path)
    with opened() as (ports, call):
        made = onboarding.create_policy(ports, call, account_id=account, name=name, document=document)
    show(views.policy(made), as_json=as_json)


policy.add_command(review_bundle)
policy.add_command(compare_policies)


# --- many questions, for programs ------------------------------------------------------------------------


@policy.command("evaluate")
@click.option(
    "--cases", required=True, type=click.File("rb"), metavar="FILE", help="JSON lines; - reads standard input."
)
def evaluate(cases: BinaryIO) -> None:
    """Answer cases: one JSON object a line in, one a line out, in the same order. Needs no deployment.

    A case holds "id", "principal" (ARN, service name, or null for anonymous), "action" and "resource" and, as far as
    they apply, "resource_account", "context" (a text is a single-valued key, a list a multi-valued one),
    "identity_policies", "resource_policy" (the trust policy of a role that is assumed, the key policy of a KMS key),
    "permission_boundaries", "session_policy", "scps" and "rcps" (lists of levels of policies).

    An answer holds "id" with "decision" (Allowed, ImplicitlyDenied, ExplicitlyDenied) and "detail", or with "error": a
    bad line is answered by an error line, and the run goes on.
    """
    output, failed, count = sys.stdout.buffer, 0, 0
    for count, line in enumerate(_lines(cases), 1):
        answer = _answer(line)
        failed += "error" in answer
        output.write(msgspec.json.encode(answer) + b"\n")
        output.flush()
        if sys.stderr.isatty() and count % 100 == 0:
            click.echo(f"\r{count} cases", nl=False, err=True)
    if failed or sys.stderr.isatty():
        click.echo(f"\r{count} cases answered, {failed} of them with an error", err=True)


def _lines(source: BinaryIO) -> Iterator[bytes]:
    while line := source.readline(_LONGEST_LINE):
        if line.strip():
            yield line


def _answer(line: bytes) -> dict[str, object]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as failure:
        return {"id": None, "error": f"`$` is not UTF-8 text: {failure.reason} at byte {failure.start}"}
    return answer_line(text)


# --- one question, for people ----------------------------------------------------------------------------


@policy.command("explain")
@click.option(
    "--case", type=click.File("rb"), metavar="FILE", help="One case as `policy evaluate` takes it; - for stdin."
)
@click.option("--principal", metavar="ARN", help="A user or the root of an account here, with its live policies.")
@click.option("--session", metavar="ID", help="A delegated session here, by its access key id.")
@click.option("--action", metavar="NAME", help="What is asked for, such as s3:GetObject.")
@click.option("--resource", metavar="ARN", default="*", show_default=True, help="On what.")
@click.option(
    "--context", metavar="KEY=VALUE", multiple=True, help="A condition key; several times for several values."
)
@json_option
@failing_clearly
def explain(
    case: BinaryIO | None,
    principal: str | None,
    session: str | None,
    action: str | None,
    resource: str,
    context: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say what the answer to one question is, which statement decided it, and what is missing.

    The question is a case from a file, or one about a principal or session of this deployment.
    """
    if sum(given is not None for given in (case, principal, session)) != 1:
        raise click.UsageError("give exactly one of --case, --principal and --session")
    if case is not None:
        decision = read_case(read_json(case.read(_LONGEST_LINE).decode("utf-8", "replace"))).decide()
    elif action is None:
        raise click.UsageError("--action is required")
    else:
        decision = _live_decision(principal, session, action, resource, _context(context))
    if as_json:
        print_json(answered(decision))
        return
    for sentence in sentences(decision):
        click.echo("".join(letter if letter.isprintable() else "?" for letter in sentence))


def _live_decision(
    principal: str | None, session: str | None, action: str, resource: str, context: RequestContext
) -> Decision:
    with opened() as (ports, _call):
        standing = ports.store.read(
            lambda tx: (
                standing_of_subject(tx, ports, "principal", principal)
                if principal
                else standing_of_subject(tx, ports, "session", session or "")
            )
        )
        now = ports.clock.now()
    decision = judge(standing, action=action, resource=resource, context=context, now=now)
    if decision is None:
        raise BadInput("session", "is past its deadline, so every use of it is refused")
    return decision


def _context(given: tuple[str, ...]) -> RequestContext:
    values: dict[str, tuple[str, ...]] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or ":" not in key:
            raise click.UsageError(f"--context {each} is not written as prefix:name=value")
        values[key] = (*values.get(key, ()), value)
    return supplied_context({key: several[0] if len(several) == 1 else several for key, several in values.items()})
