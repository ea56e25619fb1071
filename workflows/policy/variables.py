"""Policy variables: `${key}`, `${key, 'default'}`, and the three escapes `${*}`, `${?}`, `${$}`.

A text is read once into pieces. What a variable brings in is kept apart as `Literal` until it is matched, so
that a value can never act as a wildcard or as another variable.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from workflows.errors import MalformedPolicy
from workflows.policy.context import Value, fold
from workflows.policy.patterns import ARN_FIELDS, Glob, Mark, Token, Work, resource_tokens, text_tokens
from workflows.policy.strict_json import quoted

RAW: Final = re.compile(r"\$\{[^}]{0,256}\}")
"""A variable in a text that may be misspelt, as validation meets it."""
_OPEN: Final = "${"
_ESCAPES: Final = frozenset("*?$")
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*:[A-Za-z0-9._/:=+@-]+")


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands for itself, wildcards included."""

    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """A condition key (lower case) whose single value is put in; `default` serves when the key has none.

    `name` is the key as written.
    """

    key: str
    default: str | None
    name: str = field(compare=False)


Piece: TypeAlias = str | Literal | Variable
Resolved: TypeAlias = str | Literal


def read_pieces(text: str, path: str) -> tuple[Piece, ...]:
    """`text` cut at its variables; raises `MalformedPolicy` for `path` when one of them is misspelt."""
    return tuple(_cut(text, path))


def _cut(text: str, path: str) -> Iterator[Piece]:
    start = 0
    while (opening := text.find(_OPEN, start)) >= 0:
        if opening > start:
            yield text[start:opening]
        piece, start = _read_variable(text, opening + len(_OPEN), path)
        yield piece
    if start < len(text) or not text:
        yield text[start:]


def _read_variable(text: str, start: int, path: str) -> tuple[Piece, int]:
    """The variable whose name begins at `start`, and the offset behind its brace."""
    brace = text.find("}", start)
    if brace < 0:
        raise MalformedPolicy(path, f"holds a variable without closing brace: {quoted(text[start - 2 :])}")
    comma = text.find(",", start, brace)
    default: str | None = None
    if comma < 0:
        name = text[start:brace]
    else:
        # The default may hold braces of its own, so it ends at the first quote that a brace follows.
        name = text[start:comma]
        brace = text.find("'}", comma + 3) + 1
        if not text.startswith(", '", comma) or not brace:
            raise MalformedPolicy(path, "holds a variable whose default is not written as ${key, 'default'}")
        default = text[comma + 3 : brace - 1]
    if name in _ESCAPES and default is None:
        return Literal(name), brace + 1
    if _KEY.fullmatch(name) is None:
        raise MalformedPolicy(path, f"holds the variable {quoted(name)}, which is not a key such as aws:username")
    return Variable(fold(name), default, name), brace + 1


def has_variable(pieces: Sequence[Piece]) -> bool:
    """Whether the text of the pieces depends on the request."""
    return any(isinstance(piece, Variable) for piece in pieces)


def resolve(pieces: Sequence[Piece], values: Mapping[str, Value]) -> list[Resolved] | None:
    """The pieces with every variable replaced by its value (by lower-case key); None when one of them has none.

    A multi-valued key has no value here, even with a single entry.
    """
    resolved: list[Resolved] = []
    for piece in pieces:
        if isinstance(piece, Variable):
            value = values.get(piece.key)
            text = value if isinstance(value, str) else piece.default
            if text is None:
                return None
            resolved.append(Literal(text))
        else:
            resolved.append(piece)
    return resolved


def plain_text(resolved: Sequence[Resolved]) -> str:
    """The pieces as one text, for operators that know no wildcard."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in resolved)


def like_glob(resolved: Sequence[Resolved]) -> Glob:
    """The pieces as one pattern without field rules, for StringLike."""
    return Glob(_tokens(resolved))


def _tokens(resolved: Sequence[Resolved]) -> Iterator[Token]:
    for piece in resolved:
        yield from text_tokens(piece) if isinstance(piece, str) else (piece.text,)


def arn_globs(resolved: Sequence[Resolved]) -> tuple[Glob, ...] | None:
    """The pieces as six patterns, one for each field of an ARN; None when there are fewer fields.

    Only colons that the policy itself wrote separate fields: one that a variable brings in is text.
    """
    fields: list[list[Resolved]] = [[]]
    for piece in resolved:
        if isinstance(piece, Literal):
            fields[-1].append(piece)
            continue
        first, *rest = piece.split(":", ARN_FIELDS - len(fields))
        fields[-1].append(first)
        fields.extend([text] for text in rest)
    return tuple(map(like_glob, fields)) if len(fields) == ARN_FIELDS else None


class ResourcePattern:
    """One entry of Resource or NotResource; `text` is as written, `pieces` is the same cut at its variables.

    INVARIANT: the first piece holds the first five fields, because variables are refused before the fifth
    colon. `widest` is a pattern for whatever the entry can cover in any request, since a variable may bring in any
    text; of an entry that `is_fixed`, which means the same in every request, it is the pattern itself.
    """

    __slots__ = ("is_fixed", "pieces", "text", "widest")

    def __init__(self, text: str, pieces: tuple[Piece, ...]) -> None:
        self.text: Final = text
        self.pieces: Final = pieces
        self.is_fixed: Final = not has_variable(pieces)
        self.widest: Final = Glob(_resource_tokens(pieces))

    def matches(self, resource: str, values: Mapping[str, Value], work: Work) -> bool:
        """Whether the entry covers `resource` (case-sensitive); an unresolved variable covers nothing.

        `values` are the request's, by lower-case key. Raises `LimitExceeded` when `work` runs out.
        """
        # The widest pattern is quick to refuse by; only what it lets through is worth resolving variables for.
        if not self.widest.matches(resource, work):
            return False
        if self.is_fixed:
            return True
        resolved = resolve(self.pieces, values)
        if resolved is None:
            return False
        work.spend(len(self.text))
        return Glob(_resource_tokens(resolved)).matches(resource, work)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourcePattern) and self.pieces == other.pieces

    def __hash__(self) -> int:
        return hash(self.pieces)

    def __repr__(self) -> str:
        return f"ResourcePattern({self.text!r})"


def resolved_glob(pattern: ResourcePattern, values: Mapping[str, Value]) -> Glob | None:
    """Return what the entry means under these values, by lower-case key; None when a variable has none."""
    if pattern.is_fixed:
        return pattern.widest
    resolved = resolve(pattern.pieces, values)
    return None if resolved is None else Glob(_resource_tokens(resolved))


def _resource_tokens(pieces: Sequence[Piece]) -> Iterator[Token]:
    """Only the first piece has fields to respect; behind it everything is the sixth field."""
    for index, piece in enumerate(pieces):
        if isinstance(piece, Variable):
            yield Mark.MANY
        elif isinstance(piece, Literal):
            yield piece.text
        else:
            yield from text_tokens(piece) if index else resource_tokens(piece)
