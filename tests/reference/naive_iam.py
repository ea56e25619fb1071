"""A second evaluator, written for obviousness from the public description of IAM's evaluation logic.

It works on plain dictionaries, shares no code with the engine and makes no attempt to be fast. Its only
purpose is to disagree with the engine when one of the two is wrong.
"""

import base64
import ipaddress
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

Document = dict[str, Any]
Context = dict[str, "str | list[str]"]

# A pattern is a tuple of cells: ("char", c), ("star", crosses_colon) or ("one", crosses_colon).
Cell = tuple[str, Any]
Pattern = tuple[Cell, ...]


def decide(layers: list[list[Document]], action: str, resource: str, context: Context) -> str:
    """The answer as "allowed", "explicitDeny" or "implicitDeny"."""
    keys = {name.lower(): value for name, value in context.items()}
    effects = [
        {
            statement["Effect"]
            for document in layer
            for statement in as_list(document["Statement"])
            if applies(
                statement,
                action,
                resource,
                Known(keys, has_variables=document.get("Version") == "2012-10-17"),
            )
        }
        for layer in layers
    ]
    if any("Deny" in layer for layer in effects):
        return "explicitDeny"
    if layers and all("Allow" in layer for layer in effects):
        return "allowed"
    return "implicitDeny"


class Known(NamedTuple):
    """What a document may look at: the context by lower-case key, and whether its version has variables."""

    context: Context
    has_variables: bool


def applies(statement: Document, action: str, resource: str, known: Known) -> bool:
    """Whether the statement speaks of the request."""
    if "Action" in statement:
        action_fits = any(action_matches(entry, action) for entry in as_list(statement["Action"]))
    else:
        action_fits = not any(action_matches(entry, action) for entry in as_list(statement["NotAction"]))
    if "Resource" in statement:
        entries = as_list(statement["Resource"])
        resource_fits = any(resource_matches(entry, resource, known) for entry in entries)
    else:
        entries = as_list(statement["NotResource"])
        resource_fits = not any(resource_matches(entry, resource, known) for entry in entries)
    clauses_hold = all(
        clause_holds(operator, key, as_list(values), known)
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )
    return action_fits and resource_fits and clauses_hold


def as_list(value: Any) -> list[Any]:
    """A list as it is, anything else as the only entry of one."""
    return value if isinstance(value, list) else [value]


# --- patterns --------------------------------------------------------------------------------------------


def glob_matches(pattern: Pattern, text: str) -> bool:
    """Try everything that a star could stand for."""

    @cache
    def from_here(cell: int, char: int) -> bool:
        if cell == len(pattern):
            return char == len(text)
        kind, detail = pattern[cell]
        if kind == "star":
            if from_here(cell + 1, char):
                return True
            return char < len(text) and (detail or text[char] != ":") and from_here(cell, char + 1)
        if char == len(text):
            return False
        if kind == "char":
            return bool(text[char] == detail) and from_here(cell + 1, char + 1)
        return (detail or text[char] != ":") and from_here(cell + 1, char + 1)

    return from_here(0, 0)


def free_cells(text: str) -> Pattern:
    """Cells of a pattern in which wildcards cross everything."""
    kinds = {"*": ("star", True), "?": ("one", True)}
    return tuple(kinds.get(char, ("char", char)) for char in text)


def action_matches(entry: str, action: str) -> bool:
    """Actions know no case."""
    return glob_matches(free_cells(entry.lower()), action.lower())


def resource_matches(entry: str, resource: str, known: Known) -> bool:
    """The first five fields confine their wildcards, save a star at the end of its field."""
    if entry == "*":
        return True
    *fields, last = entry.split(":", 5)
    cells: list[Cell] = []
    for field in fields:
        for place, char in enumerate(field):
            if char == "*":
                cells.append(("star", place == len(field) - 1))
            elif char == "?":
                cells.append(("one", False))
            else:
                cells.append(("char", char))
        cells.append(("char", ":"))
    rest = substituted(last, known)
    return rest is not None and glob_matches((*cells, *rest), resource)


def substituted(text: str, known: Known) -> Pattern | None:
    """Cells of a text after its variables; None when one has no value."""
    if not known.has_variables:
        return free_cells(text)
    cells: list[Cell] = []
    for part in re.split(r"(\$\{[^}]*\})", text):
        if not part.startswith("${"):
            cells += free_cells(part)
            continue
        inside = part[2:-1]
        if inside in ("*", "?", "$"):
            cells.append(("char", inside))
            continue
        name, comma, default = inside.partition(", ")
        value = known.context.get(name.lower())
        if isinstance(value, str):
            cells += [("char", char) for char in value]
        elif comma:
            cells += [("char", char) for char in default[1:-1]]
        else:
            return None
    return tuple(cells)


# --- conditions ------------------------------------------------------------------------------------------

NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}


def clause_holds(operator: str, key: str, values: list[Any], known: Known) -> bool:
    """One operator and key of a Condition block."""
    wanted = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    actual = known.context.get(key.lower())
    if operator == "Null":
        absent = actual is None or actual in ("", [], [""])
        return any(absent == (word.lower() == "true") for word in wanted if word.lower() in ("true", "false"))
    prefix, _, rest = operator.rpartition(":")
    if_exists = rest.endswith("IfExists")
    base = rest.removesuffix("IfExists")
    positive = NEGATED.get(base, base)

    def fits(one: str) -> bool:
        return any(value_fits(positive, one, value, known) for value in wanted)

    def passes(one: str) -> bool:
        return not fits(one) if base in NEGATED else fits(one)

    missing = actual is None or actual == []
    if prefix == "ForAllValues":
        return missing or actual in ("", [""]) or all(passes(one) for one in as_list(actual))
    if prefix == "ForAnyValue":
        return if_exists if missing else any(passes(one) for one in as_list(actual))
    if missing:
        return if_exists or base in NEGATED
    some_fit = any(fits(one) for one in as_list(actual))
    return not some_fit if base in NEGATED else some_fit


def value_fits(operator: str, actual: str, wanted: str, known: Known) -> bool:
    """One request value against one policy value, for a positive operator."""
    family = next(
        name for name in ("String", "Arn", "Numeric", "Date", "Bool", "Binary", "Ip") if operator.startswith(name)
    )
    match family:
        case "String":
            answer = string_fits(operator, actual, substituted(wanted, known))
        case "Arn":
            answer = arn_fits(actual, wanted, known)
        case "Numeric":
            answer = ordered(operator.removeprefix(family), as_number(actual), as_number(wanted))
        case "Date":
            answer = ordered(operator.removeprefix(family), as_instant(actual), as_instant(wanted))
        case "Bool":
            answer = actual.lower() == wanted.lower() and wanted.lower() in ("true", "false")
        case "Binary":
            answer = as_bytes(actual) is not None and as_bytes(actual) == as_bytes(wanted)
        case _:
            answer = address_fits(actual, wanted)
    return answer


def string_fits(operator: str, actual: str, wanted: Pattern | None) -> bool:
    """Exact, case folded, or with wildcards."""
    if wanted is None:
        return False
    if operator == "StringLike":
        return glob_matches(wanted, actual)
    spelt = {"star": "*", "one": "?"}
    text = "".join(str(spelt.get(kind, detail)) for kind, detail in wanted)
    return text.casefold() == actual.casefold() if operator == "StringEqualsIgnoreCase" else text == actual


def arn_fits(actual: str, wanted: str, known: Known) -> bool:
    """Six fields one by one; colons inside variables separate nothing."""
    protected = wanted
    if known.has_variables:
        protected = re.sub(r"\$\{[^}]*\}", lambda found: found[0].replace(":", "\0"), wanted)
    patterns = [field.replace("\0", ":") for field in protected.split(":", 5)]
    fields = actual.split(":", 5)
    if len(patterns) < 6 or len(fields) < 6:
        return False
    for pattern, field in zip(patterns, fields, strict=True):
        cells = substituted(pattern, known)
        if cells is None or not glob_matches(cells, field):
            return False
    return True


def ordered(relation: str, actual: Decimal | None, wanted: Decimal | None) -> bool:
    """Equals, LessThan, LessThanEquals, GreaterThan, GreaterThanEquals."""
    if actual is None or wanted is None:
        return False
    return {
        "Equals": actual == wanted,
        "LessThan": actual < wanted,
        "LessThanEquals": actual <= wanted,
        "GreaterThan": actual > wanted,
        "GreaterThanEquals": actual >= wanted,
    }[relation]


def as_number(text: str) -> Decimal | None:
    """An integer or decimal."""
    return Decimal(text) if re.fullmatch(r"[+-]?\d+(\.\d+)?", text, re.ASCII) else None


def as_instant(text: str) -> Decimal | None:
    """Seconds since 1970."""
    if (epoch := as_number(text)) is not None:
        return epoch
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return Decimal(str(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()))


def as_bytes(text: str) -> bytes | None:
    """What base64 stands for."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def address_fits(actual: str, wanted: str) -> bool:
    """An address in a network of its own family."""
    try:
        return ipaddress.ip_network(actual, strict=False).subnet_of(
            ipaddress.ip_network(wanted, strict=False),  # type: ignore[arg-type]
        )
    except (ValueError, TypeError):
        return False
