"""The whole summary in English: who, where, for how long, what, what never, and what stays behind."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.policy.context import fold
from workflows.policy.document import Effect, Policy, Statement
from workflows.policy.patterns import Work
from workflows.summary.durations import duration_in_words
from workflows.summary.phrases import (
    WHOLE_SERVICE,
    conditions_in_words,
    deeds_in_words,
    exceptions_in_words,
    listed,
    pattern_in_words,
    resources_in_words,
    shown,
)
from workflows.summary.vocabulary import Deed, deed_of, service_title
from workflows.templates import demanded_boundaries

MAX_SUMMARY_CHARACTERS: Final = 10_000
_MAX_BOUNDARIES: Final = 10
_MAX_ARN_CHARACTERS: Final = 512
_MAX_NAME_CHARACTERS: Final = 128
_CREATE_ROLE: Final = "iam:createrole"
_ANY_SERVICE: Final = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """One sentence and the statement it comes from, so that a cut can say how many statements it hides."""

    text: str
    statement: int


@dataclass(frozen=True, slots=True)
class _Section:
    """Sentences under one heading."""

    heading: str
    lines: tuple[_Line, ...]


def summarise(
    policy: Policy,
    *,
    partner_name: str,
    partner_id: str,
    account_id: str | None,
    duration_seconds: int,
    boundaries: Sequence[str],
) -> str:
    """What `policy` allows whom, where and for how long, in at most 10000 characters of plain text.

    `boundaries` are the ARNs that roles made under the policy must carry. When not every statement fits, the
    text says how many are missing.
    """
    opening = [_headline(partner_name, partner_id, account_id, duration_seconds), *_warnings(policy)]
    closing = [*_roles(policy, boundaries), _ending(duration_seconds)]
    sections = [*_allowed(policy), *_denied(policy)]
    return _fitted(opening, sections, closing, len(policy.statements))


def _headline(partner_name: str, partner_id: str, account_id: str | None, duration_seconds: int) -> str:
    name = shown(partner_name[:_MAX_NAME_CHARACTERS])
    place = f"account {account_id}" if account_id else "the account of whoever approves the request"
    return (
        f"{name} (account {partner_id}) asks for temporary access to {place}"
        f" for {duration_in_words(duration_seconds)}, counted from the moment the access is shared."
        " It acts in the name of the person who approves, and can never do more than that person may do."
    )


# --- what deserves attention first -----------------------------------------------------------------------


def _warnings(policy: Policy) -> Iterator[str]:
    allows = _of(policy, Effect.ALLOW)
    names = [action for statement in allows for action in _split(statement)]
    deeds = {deed_of(*action) for action in names}
    if any(statement.not_actions for statement in allows):
        yield "Attention: it may do everything that is not on a list of exceptions, in every service."
    if any(_service(service) == _ANY_SERVICE for service, _ in names):
        yield "Attention: it may act in services that the policy does not name."
    if Deed.EVERYTHING in deeds:
        yield "Attention: it may do everything that a service offers."
    if Deed.PERMISSIONS in deeds:
        yield "Attention: it may manage permissions, and thereby change what others may do."
    if Deed.SECRETS in deeds:
        yield "Attention: it may obtain secrets or credentials."
    if any("*" in name or "?" in name for service, name in names if deed_of(service, name) is not Deed.READ):
        yield "Attention: what begins with or fits a pattern may include actions that manage permissions."


def _of(policy: Policy, effect: Effect) -> list[Statement]:
    return [statement for statement in policy.statements if statement.effect is effect]


def _split(statement: Statement) -> list[tuple[str, str]]:
    """Service (lower case) and name of each Action entry; the lone `*` is every name of every service."""
    parts = (pattern.text.partition(":") for pattern in statement.actions)
    return [(fold(service), name if colon else "*") for service, colon, name in parts]


def _service(prefix: str) -> str:
    """The heading that an action belongs under: its service, or any when the prefix has wildcards."""
    return _ANY_SERVICE if "*" in prefix or "?" in prefix else prefix


# --- what it may and may never do ------------------------------------------------------------------------


def _allowed(policy: Policy) -> Iterator[_Section]:
    """One section for each service, in the order of first mention; any service comes first."""
    lines: dict[str, list[_Line]] = {_ANY_SERVICE: []}
    for statement in _of(policy, Effect.ALLOW):
        for service, deeds in _deeds(statement).items():
            text = f"It may {deeds} on {resources_in_words(statement)}{_tail(statement, 'only if')}."
            lines.setdefault(service, []).append(_Line(text, statement.index))
    for service, sentences in lines.items():
        heading = service_title(service) if service else "Any service"
        if sentences:
            yield _Section(f"{heading}:", tuple(sentences))


def _denied(policy: Policy) -> Iterator[_Section]:
    lines = tuple(
        _Line(
            f"It may never {deeds} on {resources_in_words(statement)}{_tail(statement, 'when')}.",
            statement.index,
        )
        for statement in _of(policy, Effect.DENY)
        for deeds in _forbidden(statement)
    )
    if lines:
        yield _Section("Limits, which win over everything above:", lines)


def _deeds(statement: Statement) -> dict[str, str]:
    """What the statement is about, by service and in words."""
    if statement.not_actions:
        left_out = exceptions_in_words(pattern.text for pattern in statement.not_actions)
        return {_ANY_SERVICE: f"do everything except {left_out}"}
    names: dict[str, list[str]] = {}
    phrases: dict[str, str] = {}
    for service, name in _split(statement):
        if _service(service) == _ANY_SERVICE:
            phrases[_ANY_SERVICE] = _joined(phrases.get(_ANY_SERVICE), _wild(service, name))
        else:
            names.setdefault(service, []).append(name)
    return phrases | {service: deeds_in_words(service, entries) for service, entries in names.items()}


def _joined(before: str | None, phrase: str) -> str:
    return phrase if before is None else f"{before} and {phrase}"


def _wild(service: str, name: str) -> str:
    """An action whose service is a pattern."""
    if not service.strip("*") and not name.strip("*"):
        return "do everything"
    return f"do {pattern_in_words(f'{service}:{name}', 'an action name')}"


def _forbidden(statement: Statement) -> Iterator[str]:
    if statement.not_actions:
        yield f"do anything except {exceptions_in_words(pattern.text for pattern in statement.not_actions)}"
        return
    for service, deeds in _deeds(statement).items():
        if service == _ANY_SERVICE:
            yield deeds.replace("do everything", "do anything")
        elif deeds == WHOLE_SERVICE:
            yield f"do anything in {service_title(service)}"
        else:
            yield f"{deeds}, in {service_title(service)},"


def _tail(statement: Statement, word: str) -> str:
    conditions = conditions_in_words(statement)
    return f", {word} {conditions}" if conditions else ""


# --- what stays behind -----------------------------------------------------------------------------------


def _roles(policy: Policy, boundaries: Sequence[str]) -> Iterator[str]:
    makers = [each for each in _of(policy, Effect.ALLOW) if each.covers_action(_CREATE_ROLE, Work())]
    if boundaries:
        named = [shown(arn)[:_MAX_ARN_CHARACTERS] for arn in boundaries[:_MAX_BOUNDARIES]]
        if more := len(boundaries) - len(named):
            named.append(f"{more} more that are not shown here")
        yield f"Boundaries that the policy demands of roles, which limit what they may do: {listed(named)}."
    if not all(any(demanded_boundaries(each)) for each in makers):
        yield "Attention: it may create roles that no boundary limits."
    if makers or boundaries:
        yield "Roles that it creates stay when the access ends, until you delete them."


def _ending(duration_seconds: int) -> str:
    return f"The access ends by itself after {duration_in_words(duration_seconds)}."


# --- putting it together ---------------------------------------------------------------------------------


def _fitted(opening: Iterable[str], sections: Iterable[_Section], closing: Iterable[str], statements: int) -> str:
    """The text with as many sentences as fit; a cut is said aloud, with the number of statements cut."""
    before, after = "\n".join(opening), "\n".join(closing)
    room = MAX_SUMMARY_CHARACTERS - len(before) - len(after) - len(_cut_notice(statements, statements)) - 8
    hidden: set[int] = set()
    blocks: list[str] = []
    for section in sections:
        block = section.heading
        for line in section.lines:
            longer = f"{block}\n- {line.text}"
            if len(longer) + 2 > room:
                hidden.add(line.statement)
            else:
                block = longer
        if block != section.heading:
            blocks.append(block)
            room -= len(block) + 2
    notice = [_cut_notice(len(hidden), statements)] if hidden else []
    return "\n\n".join([before, *notice, *blocks, after])


def _cut_notice(hidden: int, statements: int) -> str:
    return (
        f"Attention: this summary is not complete. {hidden} of the {statements} statements of the policy are"
        " not fully shown here; read the policy itself before you decide."
    )
