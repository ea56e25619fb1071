"""Wildcards and variables, one cell at a time: no compiled pattern, no cleverness."""

from typing import Any, NamedTuple

from reference.naive_rules import rule, yes_or_no

Context = dict[str, "str | list[str]"]

# A pattern is a tuple of cells: ("char", c), ("star", crosses_colon) or ("one", crosses_colon).
Cell = tuple[str, Any]
Pattern = tuple[Cell, ...]

# A text taken apart: ("text", text), ("escape", character) or ("variable", (key, default or None)).
Piece = tuple[str, Any]


class Known(NamedTuple):
    """What a document may look at: the context by lower-case key, and whether its version has variables."""

    context: Context
    has_variables: bool


def without_case(text: str) -> str:
    """The text with A-Z made small; no other letter is a spelling of one of these."""
    return "".join(chr(ord(char) + 32) if "A" <= char <= "Z" else char for char in text)


def glob_matches(pattern: Pattern, text: str) -> bool:
    """Keep all places of the text that the cells so far can have brought us to."""
    places = {0}
    for kind, detail in pattern:
        if kind == "star":
            places = behind_a_star(text, places, crosses_colon=detail)
        elif kind == "one":
            places = {place + 1 for place in places if place < len(text) and (detail or text[place] != ":")}
        else:
            places = {place + 1 for place in places if text[place : place + 1] == detail}
    return len(text) in places


def behind_a_star(text: str, places: set[int], *, crosses_colon: bool) -> set[int]:
    """A star stays where it is, or takes one character more and then may take the next."""
    reached = set(places)
    for place in range(len(text)):
        if place in reached and (crosses_colon or text[place] != ":"):
            reached.add(place + 1)
    return reached


def free_cells(text: str) -> Pattern:
    """Cells of a pattern in which wildcards cross everything."""
    kinds = {"*": ("star", True), "?": ("one", True)}
    return tuple(kinds.get(char, ("char", char)) for char in text)


def plain_cells(text: str) -> Pattern:
    """Cells of a text in which nothing is a wildcard."""
    return tuple(("char", char) for char in text)


def confined_cells(field: str) -> Pattern:
    """Cells of one of the first five fields of a resource: only a star at its end may leave the field."""
    cells: list[Cell] = []
    for place, char in enumerate(field):
        if char == "*":
            cells.append(("star", place == len(field) - 1))
        elif char == "?":
            cells.append(("one", False))
        else:
            cells.append(("char", char))
    return tuple(cells)


@yes_or_no
def action_matches(entry: str, action: str) -> bool:
    """Actions know no case, and their wildcards cross everything."""
    return glob_matches(free_cells(without_case(entry)), without_case(action))


@rule("the lone star", "fits", "does not fit", "a variable without value")
def resource_entry(entry: str, resource: str, known: Known) -> str:
    """The first five fields confine their wildcards, the sixth is one text with variables in it."""
    if entry == "*":
        return "the lone star"
    *fields, last = entry.split(":", 5)
    cells: list[Cell] = []
    for field in fields:
        cells += [*confined_cells(field), ("char", ":")]
    rest = substituted(last, known)
    if rest is None:
        return "a variable without value"
    return "fits" if glob_matches((*cells, *rest), resource) else "does not fit"


def resource_matches(entry: str, resource: str, known: Known) -> bool:
    """Whether an entry of Resource or NotResource covers the resource; one without value covers nothing."""
    return resource_entry(entry, resource, known) in ("the lone star", "fits")


# --- variables -------------------------------------------------------------------------------------------


def pieces(text: str, known: Known) -> list[Piece]:
    """Take a text apart at its variables; in the old version there are none."""
    found: list[Piece] = []
    while known.has_variables and "${" in text:
        before, text = text.split("${", 1)
        found.append(("text", before))
        if text[:1] in ("*", "?", "$") and text[1:2] == "}":
            found.append(("escape", text[0]))
            text = text[2:]
            continue
        plain_end, default_start = text.index("}"), text.find(", '")
        if 0 <= default_start < plain_end:
            default_end = text.index("'}", default_start + 3)
            found.append(("variable", (text[:default_start], text[default_start + 3 : default_end])))
            text = text[default_end + 2 :]
        else:
            found.append(("variable", (text[:plain_end], None)))
            text = text[plain_end + 1 :]
    return [*found, ("text", text)]


@rule("its value", "its default", "none: absent", "none: several values")
def source_of_a_variable(key: str, default: str | None, known: Known) -> str:
    """A single-valued key has a value, else the default serves; a list is no value, even of one."""
    value = known.context.get(without_case(key))
    if isinstance(value, str):
        return "its value"
    if default is not None:
        return "its default"
    return "none: absent" if value is None else "none: several values"


def value_of_a_variable(key: str, default: str | None, known: Known) -> str | None:
    """The text that takes the place of a variable, None when there is none."""
    source = source_of_a_variable(key, default, known)
    if source == "its value":
        return str(known.context[without_case(key)])
    return default if source == "its default" else None


@rule("*", "?", "$")
def escaped_character(char: str) -> str:
    """What is written as a variable to be no wildcard."""
    return char


def cells_of(piece: Piece, known: Known) -> Pattern | None:
    """Cells of one piece; what a variable brings in is no wildcard; None when it has no value."""
    kind, content = piece
    if kind == "text":
        return free_cells(content)
    if kind == "escape":
        return plain_cells(escaped_character(content))
    key, default = content
    value = value_of_a_variable(key, default, known)
    return None if value is None else plain_cells(value)


def substituted(text: str, known: Known) -> Pattern | None:
    """Cells of a text after its variables; None when one has no value."""
    parts = [cells_of(piece, known) for piece in pieces(text, known)]
    return None if None in parts else tuple(cell for part in parts if part for cell in part)


def substituted_fields(text: str, known: Known) -> list[Pattern] | None:
    """The same for the fields of an ARN; only a colon that the policy itself writes ends a field."""
    fields: list[list[Cell]] = [[]]
    for piece in pieces(text, known):
        cells = cells_of(piece, known)
        if cells is None:
            return None
        for cell in cells:
            if piece[0] == "text" and cell == ("char", ":") and len(fields) < 6:
                fields.append([])
            else:
                fields[-1].append(cell)
    return [tuple(field) for field in fields]
