"""What is known about one request, by condition key.

A value that is a text is single-valued, a tuple of texts is multi-valued; the difference decides how set
operators and policy variables read it. Keys that are not known are absent, never empty.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from workflows.errors import BadInput

Value: TypeAlias = str | tuple[str, ...]

BOUNDARY_KEY: Final = "iam:permissionsboundary"
"""The key, folded, by which a policy demands a permissions boundary of the roles that are made."""

_ASCII_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def fold(name: str) -> str:
    """`name` with A-Z in lower case and nothing else changed.

    Unicode folding would let a look-alike such as the Kelvin sign stand for a plain letter.
    """
    return name.lower() if name.isascii() else name.translate(_ASCII_LOWER)


class RequestContext:
    """An immutable map from condition key (case-insensitive) to value.

    Raises `BadInput` when one key is given twice in different case: which of the two a policy would see must
    not be a matter of chance.
    """

    __slots__ = ("folded",)

    def __init__(self, values: Mapping[str, str | Iterable[str]] | None = None) -> None:
        folded: dict[str, Value] = {}
        for name, value in (values or {}).items():
            key = fold(name)
            if key in folded:
                raise BadInput(name, "is given twice in different case; condition keys know no case")
            folded[key] = value if isinstance(value, str) else tuple(value)
        # By lower-case key, for the engine's inner loop; nobody changes it.
        self.folded: dict[str, Value] = folded

    def get(self, name: str) -> Value | None:
        """The value of the key `name` in any case, or None when it is absent."""
        return self.folded.get(fold(name))

    def extended(self, more: "Mapping[str, str | Iterable[str]] | RequestContext") -> "RequestContext":
        """This context with `more` laid over it; raises `BadInput` as the constructor does."""
        over = more if isinstance(more, RequestContext) else RequestContext(more)
        both = object.__new__(RequestContext)
        both.folded = {**self.folded, **over.folded}
        return both

    def as_mapping(self) -> Mapping[str, Value]:
        """A read-only view with lower-case keys, for records and displays."""
        return MappingProxyType(self.folded)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RequestContext) and self.folded == other.folded

    def __hash__(self) -> int:
        return hash(frozenset(self.folded.items()))

    def __repr__(self) -> str:
        return f"RequestContext({dict(self.folded)!r})"
