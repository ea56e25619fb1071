"""The whole summary in German: the same facts in the same order as in English, from the same parsed policy.

A cut is said aloud with the number of statements it hides, as there.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from workflows.policy.conditions import NULL, Clause, Quantifier
from workflows.policy.context import fold
from workflows.policy.document import Effect, Policy, Statement
from workflows.policy.operators import truth
from workflows.policy.patterns import Work
from workflows.policy.variables import ResourcePattern
from workflows.summary.phrases import shown
from workflows.summary.vocabulary import SERVICE_NAMES, Deed, deed_of
from workflows.templates import demanded_boundaries

_LONGEST: Final = 10_000
_MOST_BOUNDARIES: Final = 10
_LONGEST_ARN: Final = 512
_LONGEST_NAME: Final = 128
_CREATE_ROLE: Final = "iam:createrole"
_FILLED_IN: Final = " (jedes ${...} wird aus dem Aufruf eingesetzt)"
_WHOLE: Final = "alles tun, was dieser Dienst bietet (auch Berechtigungen verwalten)"
_UNITS: Final = ((3600, "Stunde"), (60, "Minute"), (1, "Sekunde"))
_DEEDS: Final = {
    Deed.EVERYTHING: "alles tun",
    Deed.PERMISSIONS: "Berechtigungen verwalten",
    Deed.SECRETS: "Geheimnisse oder Zugangsdaten erhalten",
    Deed.DELETE: "löschen",
    Deed.CHANGE: "ändern",
    Deed.USE: "benutzen",
    Deed.READ: "lesen",
}
_GRAVITY: Final = {deed: place for place, deed in enumerate(Deed)}
_RELATIONS: Final = {
    "StringEquals": "ist",
    "StringNotEquals": "ist nicht",
    "StringEqualsIgnoreCase": "ist, gleich in welcher Schreibung,",
    "StringNotEqualsIgnoreCase": "ist, gleich in welcher Schreibung, nicht",
    "StringLike": "passt auf das Muster",
    "StringNotLike": "passt nicht auf das Muster",
    "ArnEquals": "ist die ARN oder passt auf",
    "ArnNotEquals": "ist nicht die ARN und passt nicht auf",
    "ArnLike": "ist die ARN oder passt auf",
    "ArnNotLike": "ist nicht die ARN und passt nicht auf",
    "NumericEquals": "ist die Zahl",
    "NumericNotEquals": "ist nicht die Zahl",
    "NumericLessThan": "ist kleiner als",
    "NumericLessThanEquals": "ist höchstens",
    "NumericGreaterThan": "ist größer als",
    "NumericGreaterThanEquals": "ist mindestens",
    "DateEquals": "ist der Zeitpunkt",
    "DateNotEquals": "ist nicht der Zeitpunkt",
    "DateLessThan": "liegt vor",
    "DateLessThanEquals": "liegt nicht nach",
    "DateGreaterThan": "liegt nach",
    "DateGreaterThanEquals": "liegt nicht vor",
    "Bool": "ist",
    "BinaryEquals": "hat die Bytes",
    "IpAddress": "liegt im Adressbereich",
    "NotIpAddress": "liegt nicht im Adressbereich",
}


def summarise(
    policy: Policy,
    *,
    partner_name: str,
    partner_id: str,
    account_id: str | None,
    duration_seconds: int,
    boundaries: Sequence[str],
) -> str:
    """Return in German what `policy` allows whom, where and for how long, in at most 10000 characters."""
    place = f"das Konto {account_id}" if account_id else "das Konto dessen, der die Anfrage genehmigt"
    headline = (
        f"{shown(partner_name[:_LONGEST_NAME])} (Konto {partner_id}) bittet um vorübergehenden Zugriff auf {place},"
        f" für {_span(duration_seconds)} ab der Freigabe. Gehandelt wird im Namen dessen, der genehmigt, und nie"
        " weiter, als dieser selbst darf."
    )
    opening = [headline, *_warnings(policy)]
    closing = [*_roles(policy, boundaries), f"Der Zugriff endet von selbst nach {_span(duration_seconds)}."]
    return _fitted(opening, [*_allowed(policy), *_denied(policy)], closing, len(policy.statements))


def _span(seconds: int) -> str:
    words, left = [], seconds
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}{'' if count == 1 else 'n'}")
    return " ".join(words) or "0 Sekunden"


def _listed(words: Sequence[str], last: str = "und") -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def _allows(policy: Policy) -> list[Statement]:
    return [one for one in policy.statements if one.effect is Effect.ALLOW]


def _split(statement: Statement) -> list[tuple[str, str]]:
    """Return service (lower case, empty when it is a pattern) and name of each Action entry."""
    found = []
    for pattern in statement.actions:
        service, colon, name = pattern.text.partition(":")
        wild = "*" in service or "?" in service
        found.append(("" if wild else fold(service), (pattern.text if wild else name) if colon else "*"))
    return found


def _warnings(policy: Policy) -> Iterator[str]:
    allows = _allows(policy)
    names = [action for statement in allows for action in _split(statement)]
    deeds = {deed_of(service, name if service else name.rpartition(":")[2]) for service, name in names}
    if any(statement.not_actions for statement in allows):
        yield "Achtung: Erlaubt ist in jedem Dienst alles, was nicht auf einer Liste von Ausnahmen steht."
    if any(not service for service, _ in names):
        yield "Achtung: Erlaubt ist etwas in Diensten, die die Richtlinie nicht nennt."
    if Deed.EVERYTHING in deeds:
        yield "Achtung: Erlaubt ist alles, was ein Dienst bietet."
    if Deed.PERMISSIONS in deeds:
        yield "Achtung: Erlaubt ist, Berechtigungen zu verwalten und damit zu ändern, was andere dürfen."
    if Deed.SECRETS in deeds:
        yield "Achtung: Erlaubt ist, Geheimnisse oder Zugangsdaten zu erhalten."
    if any("*" in name or "?" in name for service, name in names if deed_of(service, name) is not Deed.READ):
        yield "Achtung: Was auf ein Muster passt, kann Aktionen enthalten, die Berechtigungen verwalten."


def _allowed(policy: Policy) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    lines: dict[str, list[tuple[str, int]]] = {"": []}
    for statement in _allows(policy):
        for service, deeds in _deeds(statement).items():
            text = f"Erlaubt: {deeds}; bei {_resources(statement)}{_tail(statement, 'nur wenn')}."
            lines.setdefault(service, []).append((text, statement.index))
    for service, sentences in lines.items():
        if sentences:
            name = SERVICE_NAMES.get(service)
            known = f"{name} ({service}):" if name else f"Der Dienst mit dem Präfix {service}:"
            yield (known if service else "Jeder Dienst:"), sentences


def _denied(policy: Policy) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    lines = [
        (f"Nie erlaubt{place}: {deeds}; bei {_resources(statement)}{_tail(statement, 'wenn')}.", statement.index)
        for statement in policy.statements
        if statement.effect is Effect.DENY
        for place, deeds in _forbidden(statement)
    ]
    if lines:
        yield "Grenzen, die über alles oben gehen:", lines


def _forbidden(statement: Statement) -> Iterator[tuple[str, str]]:
    for service, deeds in _deeds(statement).items():
        yield (f", in {SERVICE_NAMES.get(service, service)}" if service else ""), deeds


def _deeds(statement: Statement) -> dict[str, str]:
    if statement.not_actions:
        names = [_pattern(one.text, "einem Aktionsnamen") for one in statement.not_actions]
        return {"": f"alles tun außer {_listed(names)}"}
    found: dict[str, list[str]] = {}
    for service, name in _split(statement):
        found.setdefault(service, []).append(name)
    return {service: _graded(service, names) if service else _wild(names) for service, names in found.items()}


def _wild(names: Sequence[str]) -> str:
    return _listed(
        [
            "alles tun" if not name.strip("*:") else f"tun, was {_pattern(name, 'einem Aktionsnamen')} ist"
            for name in names
        ],
    )


def _graded(service: str, names: Sequence[str]) -> str:
    pairs = [(deed_of(service, name), name) for name in dict.fromkeys(names)]
    phrases = []
    for deed, group in groupby(sorted(pairs, key=lambda pair: _GRAVITY[pair[0]]), key=lambda pair: pair[0]):
        if deed is Deed.EVERYTHING:
            return _WHOLE
        phrases.append(f"{_DEEDS[deed]} ({', '.join(_name(name) for _, name in group)})")
    return _listed(phrases)


def _name(name: str) -> str:
    plain = name.rstrip("*")
    if "*" in plain or "?" in plain:
        return f"alle, die auf {name} passen, mit * für beliebigen Text und ? für ein Zeichen"
    return name if plain == name else f"alle, die mit {plain} beginnen"


def _pattern(text: str, what: str) -> str:
    plain = text.rstrip("*")
    if "*" not in plain and "?" not in plain:
        return shown(text) if plain == text else f"allem mit {what}, der mit {shown(plain)} beginnt"
    return f"allem mit {what}, der auf {shown(text)} passt (* ist beliebiger Text, ? ein Zeichen)"


def _resources(statement: Statement) -> str:
    if statement.not_resources:
        return f"allem außer {_listed([_resource(one) for one in statement.not_resources])}"
    if any(one.text == "*" for one in statement.resources):
        return "jeder Ressource"
    return _listed([_resource(one) for one in statement.resources], "oder")


def _resource(pattern: ResourcePattern) -> str:
    if pattern.text == "*":
        return "allem"
    text = _pattern(pattern.text, "einem ARN-Text")
    return text if pattern.is_fixed else f"{text}{_FILLED_IN}"


def _tail(statement: Statement, word: str) -> str:
    conditions = _listed([_clause(one) for one in statement.conditions])
    return f", {word} gilt: {conditions}" if conditions else ""


def _clause(clause: Clause) -> str:
    operator, key = clause.operator, shown(clause.key)
    if operator.base == NULL:
        wanted = {truth(text) for text in clause.texts} - {None}
        told = {(True,): "fehlt", (False,): "ist vorhanden", (False, True): "fehlt oder ist vorhanden"}
        return f"{key} {told.get(tuple(sorted(map(bool, wanted))), 'fehlt weder noch ist es vorhanden')}"
    subject = {Quantifier.ALL: f"jeder einzelne Wert von {key}", Quantifier.ANY: f"mindestens ein Wert von {key}"}
    values = _listed([shown(text) for text in clause.texts], "oder") if clause.texts else "(gar nichts)"
    said = f"{subject.get(operator.quantifier, key)} {_RELATIONS[operator.base]} {values}"
    negated = operator.comparison is not None and operator.comparison.negated
    without = operator.if_exists or operator.quantifier is Quantifier.ALL
    without = without or (negated and operator.quantifier is Quantifier.NONE)
    filled = _FILLED_IN if clause.has_variables else ""
    return said + filled + (" (das gilt auch, wenn der Aufruf keinen solchen Wert hat)" if without else "")


def _roles(policy: Policy, boundaries: Sequence[str]) -> Iterator[str]:
    makers = [one for one in _allows(policy) if one.covers_action(_CREATE_ROLE, Work())]
    if boundaries:
        named = [shown(arn)[:_LONGEST_ARN] for arn in boundaries[:_MOST_BOUNDARIES]]
        if more := len(boundaries) - len(named):
            named.append(f"{more} weitere, die hier nicht gezeigt werden")
        yield f"Grenzen, die die Richtlinie von Rollen verlangt und die deren Rechte beschränken: {_listed(named)}."
    if not all(any(demanded_boundaries(one)) for one in makers):
        yield "Achtung: Erlaubt ist, Rollen anzulegen, die keine Grenze beschränkt."
    if makers or boundaries:
        yield "Angelegte Rollen bleiben, wenn der Zugriff endet, bis Sie sie löschen."


def _fitted(
    opening: Iterable[str],
    sections: Iterable[tuple[str, list[tuple[str, int]]]],
    closing: Iterable[str],
    statements: int,
) -> str:
    before, after = "\n".join(opening), "\n".join(closing)
    room = _LONGEST - len(before) - len(after) - len(_cut(statements, statements)) - 8
    hidden: set[int] = set()
    blocks: list[str] = []
    for heading, lines in sections:
        block = heading
        for text, statement in lines:
            longer = f"{block}\n- {text}"
            if len(longer) + 2 > room:
                hidden.add(statement)
            else:
                block = longer
        if block != heading:
            blocks.append(block)
            room -= len(block) + 2
    notice = [_cut(len(hidden), statements)] if hidden else []
    return "\n\n".join([before, *notice, *blocks, after])


def _cut(hidden: int, statements: int) -> str:
    return (
        f"Achtung: Diese Zusammenfassung ist nicht vollständig. {hidden} der {statements} Statements der Richtlinie"
        " sind hier nicht ganz gezeigt; lesen Sie die Richtlinie selbst, bevor Sie entscheiden."
    )
