"""One document under review: its statements with the worst values in them, and which of them can stand together.

Statements keep the places that they have in the document. A switch keeps a statement or drops it, so what a template
becomes is a choice of switches and values; the choice that allows most is looked at first, and only where it cannot
be made are choices tried one after the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count, product
from typing import Final

from workflows.errors import MalformedPolicy
from workflows.policy.binding import SWITCH_ELEMENT
from workflows.policy.document import OLD_VERSION, Effect, Policy, PolicyKind, Statement, policy_from_tree
from workflows.policy.reviewing.places import PLAIN, Fill, Notes, filled
from workflows.policy.strict_json import Json

ON: Final = "True"
_OFF: Final = "False"
_MOST_OPEN_CHOICES: Final = 5
UNLIKELY: Final = "nothing-of-that-name"


@dataclass(frozen=True, slots=True)
class Switch:
    """The parameter that keeps a statement, and whether it does so by being on or by being off."""

    name: str
    on: bool

    @classmethod
    def of(cls, members: Mapping[str, Json]) -> "Switch | None":
        """The switch of a statement, if it has one."""
        named = members.get(SWITCH_ELEMENT)
        return cls(named.removeprefix("!"), not named.startswith("!")) if isinstance(named, str) else None

    def keeps(self, values: Mapping[str, str]) -> bool:
        """Whether the statement stays under these values."""
        return (values[self.name] == ON) is self.on


@dataclass(frozen=True, slots=True)
class World:
    """What the document becomes under some values of its parameters."""

    statements: tuple[Statement, ...]
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Subject:
    """A template or a boundary that parses. `boundary_arns` are the canonical boundaries that roles may be held to."""

    name: str
    is_template: bool
    members: tuple[Mapping[str, Json], ...]
    version: str
    domain: str | None = None
    wildcard_safe: frozenset[str] = frozenset()
    boundary_arns: frozenset[str] = frozenset()
    text: str = field(default="", repr=False)

    @cached_property
    def switches(self) -> tuple[Switch | None, ...]:
        """The switch of each statement."""
        return tuple(map(Switch.of, self.members))

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement: Allows as wide and Denies as narrow as values can make them."""
        return self._parsed(self._worst({}))

    @cached_property
    def everything(self) -> tuple[Statement, ...]:
        """Every statement with `*` for every value: what its texts can cover at all."""
        return self._parsed(Fill(self.wildcard_safe, {}, everything=True))

    @cached_property
    def allows(self) -> tuple[Statement, ...]:
        """The Allow statements."""
        return tuple(one for one in self.statements if one.effect is Effect.ALLOW)

    @cached_property
    def denies(self) -> tuple[Statement, ...]:
        """The Deny statements."""
        return tuple(one for one in self.statements if one.effect is Effect.DENY)

    @cached_property
    def samples(self) -> Mapping[str, str]:
        """A value for every parameter that is one of a text."""
        return self._notes.samples

    @cached_property
    def opened(self) -> frozenset[str]:
        """The parameters that stand for more than one value where the worst is looked for, as values or as switches."""
        both = (switch.name for switch in self.switches if switch is not None and switch.name in self.samples)
        return frozenset((*self._notes.opened, *both))

    def _worst(self, fixed: Mapping[str, str]) -> Fill:
        return Fill(self.wildcard_safe, fixed, unwritten=self._unwritten)

    @cached_property
    def _unwritten(self) -> str:
        """An ending that stands nowhere in the document."""
        written = repr(self.members)
        return next(ending for at in count() if (ending := f"-{at}") not in written)

    @cached_property
    def _notes(self) -> Notes:
        notes = Notes()
        for members in self.members:
            filled(members, self._worst({}), notes)
        return notes

    def rendered(self, values: Mapping[str, str], places: Sequence[int]) -> tuple[Statement, ...]:
        """Those of the statements at these places that stay, under these values of every parameter."""
        fill, notes = Fill(self.wildcard_safe, values, exact=True), Notes()
        found = []
        for index in places:
            switch = self.switches[index]
            if switch is not None and not switch.keeps(values):
                continue
            one = self.statements[index]
            if self.names[index]:
                one = replace(self._statement(self.members[index], fill, notes), index=index, path=one.path)
            found.append(one)
        return tuple(found)

    def worlds(self, allow: Statement | None, denies: Sequence[Statement]) -> Iterator[World] | None:
        """Return the worlds in which an Allow stands that matter where these Denies do; None when there are too many.

        One is enough unless a choice that helps against one Deny hurts elsewhere. Without an Allow, each is kept as far
        as that can be.
        """
        wanted = self._wanted(allow, denies)
        open_choices = [name for name, values in wanted.items() if len(values) > 1]
        if len(open_choices) > _MOST_OPEN_CHOICES:
            return None
        return self._each_world(wanted, open_choices)

    def _each_world(self, wanted: Mapping[str, Sequence[str]], open_choices: Sequence[str]) -> Iterator[World]:
        fixed = {name: values[0] for name, values in wanted.items()}
        for choice in product(*(wanted[name] for name in open_choices)):
            chosen = dict(zip(open_choices, choice, strict=True))
            values = {**self._indifferent, **self.samples, **fixed, **chosen}
            worth_fixing = {name: value for name, value in chosen.items() if name in self.samples}
            statements = self._parsed(self._worst(worth_fixing)) if worth_fixing else self.statements
            kept = tuple(
                one
                for one, switch in zip(statements, self.switches, strict=True)
                if switch is None or switch.keeps(values)
            )
            yield World(kept, values)

    @cached_property
    def _indifferent(self) -> Mapping[str, str]:
        """A value for every switch, the one that keeps an Allow or drops a Deny."""
        values: dict[str, str] = {}
        for statement, switch in zip(self.statements, self.switches, strict=True):
            if switch is not None:
                values.setdefault(switch.name, _value(switch, statement))
        return values

    def _wanted(self, allow: Statement | None, denies: Sequence[Statement]) -> dict[str, list[str]]:
        """For each parameter the values that the statements would have it take, each for its own sake."""
        wanted: dict[str, list[str]] = {}
        own = None if allow is None else self.switches[allow.index]
        for statement in (*((allow,) if allow is not None else ()), *denies):
            switch = self.switches[statement.index]
            if switch is not None and (own is None or statement is allow or switch.name != own.name):
                _note(wanted, switch.name, _value(switch, statement))
            for name in self._safe_names(statement.index):
                _note(wanted, name, "*" if statement.effect is Effect.ALLOW else UNLIKELY)
        return wanted

    @cached_property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """For each statement the parameters whose values are put into it."""
        found = []
        for members in self.members:
            notes = Notes()
            filled(members, PLAIN, notes)
            found.append(tuple(notes.samples))
        return tuple(found)

    def _safe_names(self, index: int) -> list[str]:
        return [name for name in self.names[index] if name in self.wildcard_safe]

    @cached_property
    def doubtful(self) -> tuple[str, ...]:
        """The statements that the worst values make no policy of, so that milder ones stand for them."""
        notes = Notes()
        return tuple(
            f"statement {index}"
            for index, members in enumerate(self.members)
            if self._read(filled(members, self._worst({}), notes)) is None
        )

    def _parsed(self, fill: Fill) -> tuple[Statement, ...]:
        notes = Notes()
        return tuple(
            replace(self._statement(members, fill, notes), index=index, path=f"$.Statement[{index}]")
            for index, members in enumerate(self.members)
        )

    def _statement(self, members: Mapping[str, Json], fill: Fill, notes: Notes) -> Statement:
        found = self._read(filled(members, fill, notes)) or self._read(filled(members, PLAIN, notes))
        if found is None:
            raise MalformedPolicy("$.Statement", "makes no policy with plain values in it")
        return found

    def _read(self, statement: Json) -> Statement | None:
        try:
            (one,) = policy_from_tree(
                {"Version": self.version, "Statement": statement}, kind=PolicyKind.SESSION
            ).statements
        except MalformedPolicy:
            return None
        return one


def _value(switch: Switch, statement: Statement) -> str:
    """The value of a switch that keeps an Allow, or drops a Deny."""
    keep = statement.effect is Effect.ALLOW
    return ON if switch.on is keep else _OFF


def _note(wanted: dict[str, list[str]], name: str, value: str) -> None:
    values = wanted.setdefault(name, [])
    if value not in values:
        values.append(value)


def label(statement: Statement) -> str:
    """What people call a statement: its Sid, else its place counted from nought."""
    return statement.sid or str(statement.index)


def policy_of(statements: Sequence[Statement]) -> Policy:
    """The statements as a policy that can be asked."""
    return Policy(OLD_VERSION, tuple(statements), "{}")
