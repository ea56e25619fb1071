"""A policy as people read it: indented, its keys and texts told apart, and what the partner filled in marked.

Marks are found from the template's own tree, never by searching the text for values: only what stands where a
parameter stood is marked.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Any, Final

from markupsafe import Markup

from workflows.records.request import DelegationRequest

_OPEN: Final = "@{"
_MOST_FORMS: Final = 2000
Segments = tuple[tuple[str, str | None], ...]


def _strings(tree: Any) -> Iterator[str]:  # noqa: ANN401  JSON is untyped by nature
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from _strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _strings(value)


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a template's text into literal parts and names of parameters."""
    while _OPEN in text:
        before, _, rest = text.partition(_OPEN)
        name, closed, text = rest.partition("}")
        if before:
            yield before, False
        if not closed:
            return
        yield name, True
    if text:
        yield text, False


def _forms(template: str, values: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, Segments]]:
    """Return every text that a template's text can have become, cut where its parameters stood."""
    pieces = list(_pieces(template))
    names = list(dict.fromkeys(text for text, named in pieces if named))
    for choice in product(*(values.get(name, ()) for name in names)):
        chosen = dict(zip(names, choice, strict=True))
        segments = tuple((chosen[text], text) if named else (text, None) for text, named in pieces)
        yield "".join(text for text, _ in segments), segments


def marks_of(request: DelegationRequest, template: str | None) -> Mapping[str, Segments]:
    """Return the texts of the rendered policy that hold parameters' values, each cut into its segments."""
    if template is None:
        return {}
    values = {name: tuple(given) for name, _, given in request.parameters}
    forms = (form for text in _strings(json.loads(template)) if _OPEN in text for form in _forms(text, values))
    return dict(islice(forms, _MOST_FORMS))


def _quoted(text: str, marks: Mapping[str, Segments]) -> Markup:
    """Return a text as JSON in pure ASCII, so that nothing in it can mislead the eye; marked segments inside."""
    segments = marks.get(text, ((text, None),))
    inner = Markup("").join(
        Markup("<mark>{}</mark>").format(json.dumps(part)[1:-1])
        if name
        else Markup("{}").format(json.dumps(part)[1:-1])
        for part, name in segments
    )
    return Markup('<span class="s">"{}"</span>').format(inner)


def highlighted(tree: Any, marks: Mapping[str, Segments], depth: int = 0) -> Markup:  # noqa: ANN401  as above
    """Return a JSON value as indented markup."""
    pad, end = "  " * (depth + 1), "  " * depth
    if isinstance(tree, dict) and tree:
        members = Markup(",\n").join(
            Markup('{}<span class="k">{}</span>: {}').format(
                pad,
                json.dumps(key),
                highlighted(value, marks, depth + 1),
            )
            for key, value in tree.items()
        )
        return Markup("{{\n{}\n{}}}").format(members, end)
    if isinstance(tree, list) and tree:
        items = Markup(",\n").join(Markup("{}{}").format(pad, highlighted(one, marks, depth + 1)) for one in tree)
        return Markup("[\n{}\n{}]").format(items, end)
    return _quoted(tree, marks) if isinstance(tree, str) else Markup("{}").format(json.dumps(tree))


def statements_of(text: str, marks: Mapping[str, Segments]) -> list[tuple[str, str, Markup]]:
    """Return each statement of a policy: its Sid or number, its effect, and its markup."""
    found = json.loads(text)["Statement"]
    listed = found if isinstance(found, list) else [found]
    return [
        (str(one.get("Sid", number)), str(one["Effect"]), highlighted(one, marks))
        for number, one in enumerate(listed, 1)
    ]


def whole(text: str) -> Markup:
    """Return a whole document as markup, nothing marked."""
    return highlighted(json.loads(text), {})
