"""The index that finds the few statements that can matter to a request.

Documents are compiled once, when they are parsed. What a set of layers has to say about an action is gathered when the
action is first asked about, and kept; within that a resource is found by the plain text that its patterns begin with.
So a decision looks at a handful of statements, however many there are.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Final, TypeAlias

from workflows.policy.conditions import Test
from workflows.policy.context import fold
from workflows.policy.document import Effect, Statement
from workflows.policy.layers import Layer, LayerKind, NamedPolicy, StatementRef
from workflows.policy.patterns import Glob, Mark, Work
from workflows.policy.principal import CallingPrincipal, Grip, PrincipalElement
from workflows.policy.request import Asked
from workflows.policy.resource_guardrails import reaches_service
from workflows.policy.variables import ResourcePattern

# How many statements a set of layers keeps gathered, each action counting as a few of its own.
_MOST_GATHERED: Final = 16_384
_ACTION_WEIGHT: Final = 8
_MOST_PLACES: Final = 1024
_HANDFUL: Final = 4
_ANYTHING: Final = Glob((Mark.MANY,))
_ORDER: Final = {kind: place for place, kind in enumerate(LayerKind)}
_RESOURCE_SIDE: Final = (LayerKind.RESOURCE_GUARDRAIL, LayerKind.RESOURCE)
_OF_THE_ORGANISATION: Final = (LayerKind.GUARDRAIL, LayerKind.RESOURCE_GUARDRAIL)


class Candidate:
    """A statement that speaks of an action, and what is left to ask about a request: all `tests` must hold."""

    __slots__ = ("_layer", "_policy", "number", "statement", "tests")

    def __init__(
        self, number: int, layer: Layer, policy: NamedPolicy, statement: Statement, tests: tuple[Test, ...]
    ) -> None:
        self.number: Final = number
        self._layer: Final = layer
        self._policy: Final = policy
        self.statement: Final = statement
        self.tests: Final = tests

    @property
    def reference(self) -> StatementRef:
        """Where the statement stands."""
        statement = self.statement
        return StatementRef(
            self._layer.kind, self._layer.name, self._policy.name, statement.index, statement.path, statement.sid
        )

    def reaches(self, asked: Asked) -> bool:
        """Whether the resource is among those the statement speaks of; raises `LimitExceeded` as tests do."""
        return all(test(asked) for test in self.tests[: len(self.tests) - len(self.statement.tests)])

    def grip(self, caller: CallingPrincipal) -> Grip:
        """How the statement names the caller; a NotPrincipal speaks of all whom it does not list, by themselves."""
        if self.statement.principals is not None:
            return self.statement.principals.grip(caller)
        listed = self.statement.not_principals
        return Grip.NONE if listed is not None and listed.grip(caller) else Grip.DIRECT


Candidates: TypeAlias = tuple[Candidate, ...]


def first_fitting(candidates: Iterable[Candidate], asked: Asked) -> Candidate | None:
    """The first statement that fits the request; raises `LimitExceeded` when its work runs out."""
    for candidate in candidates:
        for test in candidate.tests:
            if not test(asked):
                break
        else:
            return candidate
    return None


class Here:
    """The statements that can matter to one action on resources that begin alike.

    `denies` are those of all layers; `allows` are given for each layer, by its number.
    """

    __slots__ = ("allows", "denies")

    def __init__(self, candidates: Iterable[Candidate], layers: int) -> None:
        allows: list[list[Candidate]] = [[] for _ in range(layers)]
        denies: list[Candidate] = []
        for each in candidates:
            (denies if each.statement.effect is Effect.DENY else allows[each.number]).append(each)
        self.denies: Final = tuple(sorted(denies, key=lambda each: (each.number, each.statement.index)))
        self.allows: Final = tuple(tuple(sorted(each, key=lambda one: len(one.tests))) for each in allows)


class Concern:
    """What a set of layers has to say about one action.

    A statement is found by the plain text that its resource pattern begins with or, where such patterns abound and
    begin too early with a wildcard, by a word that they demand. `numbers` are those of the layers that have a say, by
    kind.
    """

    __slots__ = (
        "_by_head",
        "_by_word",
        "_heads",
        "_here",
        "_layers",
        "_parents",
        "action",
        "numbers",
        "service",
    )

    def __init__(self, layers: "Layers", action: str, work: Work) -> None:
        self.action: Final = action
        self.service: Final = action.partition(":")[0]
        self.numbers: Final = {
            kind: numbers if kind is not LayerKind.RESOURCE_GUARDRAIL or reaches_service(self.service) else ()
            for kind, numbers in layers.numbers.items()
        }
        by_head: dict[str, list[Candidate]] = {"": []}
        loose: list[tuple[Glob, Candidate]] = []
        for number in chain.from_iterable(self.numbers.values()):
            for glob, candidate in layers.speaking_of(number, action, work):
                if glob.is_literal or glob.is_prefix:
                    by_head.setdefault(glob.head, []).append(candidate)
                else:
                    loose.append((glob, candidate))
        self._by_word: Final = _by_word(loose, by_head)
        self._layers: Final = len(layers)
        self._heads: Final = sorted(by_head)
        self._by_head: Final = [by_head[head] for head in self._heads]
        self._parents: Final = _parents(self._heads)
        self._here: Final[dict[tuple[int, tuple[str, ...]], Here]] = {}

    @property
    def size(self) -> int:
        """How many statements it holds, counted once for each way to reach a resource."""
        return sum(map(len, self._by_head)) + sum(map(len, self._by_word.values()))

    def at(self, resource: str) -> Here:
        """The statements whose resource patterns may fit the resource."""
        heads, parents, by_word = self._heads, self._parents, self._by_word
        place = bisect_right(heads, resource) - 1
        while not resource.startswith(heads[place]):
            place = parents[place]
        words = tuple([word for word in words_of(resource) if word in by_word]) if by_word else ()
        here = self._here.get((place, words))
        if here is None:
            here = Here(self._found(place, words), self._layers)
            if len(self._here) >= _MOST_PLACES:
                self._here.clear()
            self._here[place, words] = here
        return here

    def _found(self, place: int, words: tuple[str, ...]) -> Iterator[Candidate]:
        """The candidates of a head, of all shorter ones that it begins with, and of the words."""
        while place >= 0:
            yield from self._by_head[place]
            place = self._parents[place]
        for word in dict.fromkeys(words):
            yield from self._by_word[word]


def words_of(resource: str) -> list[str]:
    """The stretches of an ARN between its colons and slashes."""
    return resource.replace("/", ":").split(":")


def _by_word(loose: list[tuple[Glob, Candidate]], by_head: dict[str, list[Candidate]]) -> Mapping[str, list[Candidate]]:
    """The candidates by the rarest word that they demand; those without one, and a handful, go to their heads."""
    demands = [_words_demanded(glob) if len(loose) > _HANDFUL else () for glob, _ in loose]
    frequency = Counter(chain.from_iterable(demands))
    found: dict[str, list[Candidate]] = {}
    for (glob, candidate), words in zip(loose, demands, strict=True):
        if words:
            found.setdefault(min(words, key=frequency.__getitem__), []).append(candidate)
        else:
            by_head.setdefault(glob.head, []).append(candidate)
    return found


def _words_demanded(glob: Glob) -> Collection[str]:
    """The words that stand whole in every text that fits: between two separators, or at an end of the pattern."""
    words: set[str] = set()
    for place, run in enumerate(glob.runs):
        if isinstance(run, str):
            first, *others = words_of(run)
            if others:
                *between, last = others
                words.update(between)
                if place == 0:
                    words.add(first)
                if place == len(glob.runs) - 1:
                    words.add(last)
    return words


def _parents(heads: list[str]) -> list[int]:
    """For each of the sorted heads the place of the longest other one that it begins with, -1 for the first, ``""``."""
    parents: list[int] = []
    open_heads: list[int] = []
    for place, head in enumerate(heads):
        while open_heads and not head.startswith(heads[open_heads[-1]]):
            open_heads.pop()
        parents.append(open_heads[-1] if open_heads else -1)
        open_heads.append(place)
    return parents


class Layers:
    """All layers around a caller, in the order in which they speak; immutable but for what it has gathered."""

    __slots__ = ("_by_hearer", "_concerns", "_gathered", "_layers", "numbers")

    def __init__(self, layers: Iterable[Layer]) -> None:
        self._layers: Final = tuple(sorted(layers, key=lambda layer: _ORDER[layer.kind]))
        self.numbers: Final[Mapping[LayerKind, tuple[int, ...]]] = {
            kind: tuple(number for number, layer in enumerate(self._layers) if layer.kind is kind) for kind in LayerKind
        }
        self._concerns: Final[dict[str, Concern]] = {}
        self._gathered = 0
        self._by_hearer: Final[dict[tuple[LayerKind, ...], Layers]] = {}

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    def __getitem__(self, number: int) -> Layer:
        return self._layers[number]

    def __len__(self) -> int:
        return len(self._layers)

    def heard_by(self, caller: CallingPrincipal) -> "Layers":
        """The layers that have a say over the caller.

        A caller without an account meets only what guards the resource; service-linked roles are exempt from what an
        organisation sets.
        """
        if not caller.has_account:
            return self._only(_RESOURCE_SIDE)
        if caller.is_service_linked:
            return self._only(tuple(kind for kind in LayerKind if kind not in _OF_THE_ORGANISATION))
        return self

    def _only(self, kinds: tuple[LayerKind, ...]) -> "Layers":
        if kinds not in self._by_hearer:
            self._by_hearer[kinds] = Layers(layer for layer in self._layers if layer.kind in kinds)
        return self._by_hearer[kinds]

    def concerning(self, action: str, work: Work) -> Concern:
        """What the layers say about an action in any case; raises `LimitExceeded` when `work` runs out."""
        concern = self._concerns.get(action)
        if concern is None:
            concern = Concern(self, fold(action), work)
            self._gathered += concern.size + _ACTION_WEIGHT
            if self._gathered > _MOST_GATHERED:
                self._concerns.clear()
                self._gathered = 0
            self._concerns[action] = concern
        return concern

    def speaking_of(self, number: int, action: str, work: Work) -> Iterator[tuple[Glob, Candidate]]:
        """The statements of a layer that cover the action (in lower case), once for each way to reach a resource."""
        layer = self._layers[number]
        for named in layer.policies:
            for place in named.policy.index.covering(action, work):
                statement = named.policy.statements[place]
                tests = (*self._principal_tests(statement), *statement.tests)
                for glob, reach in _reaches(statement):
                    yield glob, Candidate(number, layer, named, statement, (*reach, *tests))

    def _principal_tests(self, statement: Statement) -> tuple[Test, ...]:
        """What a Deny asks of the caller; the Allows of a resource policy are asked for their grip instead."""
        if statement.effect is Effect.ALLOW:
            return ()
        if statement.principals is not None and not statement.principals.everybody:
            return (_names(statement.principals),)
        if statement.not_principals is not None:
            # AWS: such a Deny hits every caller with a boundary, whatever the list says.
            return (_leaves_out(statement.not_principals, unless_bounded=bool(self.numbers[LayerKind.BOUNDARY])),)
        return ()


def _names(element: PrincipalElement) -> Test:
    return lambda asked: element.grip(asked.principal) is not Grip.NONE


def _leaves_out(element: PrincipalElement, *, unless_bounded: bool) -> Test:
    return lambda asked: (
        (unless_bounded and asked.principal.can_be_bounded) or element.grip(asked.principal) is Grip.NONE
    )


def _reaches(statement: Statement) -> Iterator[tuple[Glob, tuple[Test, ...]]]:
    """For each way in which the statement can reach a resource: the widest pattern, and what is left to test."""
    if statement.not_resources:
        yield _ANYTHING, (_outside(statement.not_resources),)
    elif not statement.resources:
        yield _ANYTHING, ()
    for pattern in statement.resources:
        glob = pattern.widest
        if pattern.is_fixed and glob.is_prefix:
            yield glob, ()
        elif pattern.is_fixed and glob.is_literal:
            yield glob, (_is(glob.head),)
        else:
            yield glob, (_fits(pattern),)


def _is(resource: str) -> Test:
    return lambda asked: asked.resource == resource


def _fits(pattern: ResourcePattern) -> Test:
    return lambda asked: pattern.matches(asked.resource, asked.values, asked)


def _outside(patterns: tuple[ResourcePattern, ...]) -> Test:
    return lambda asked: not any(pattern.matches(asked.resource, asked.values, asked) for pattern in patterns)
