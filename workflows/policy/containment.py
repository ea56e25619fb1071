"""Patterns as sets of texts: whether one holds all of another, and whether two could share a text.

Both answers err on the side that a proof needs: "holds" is only said when it is certain, "shares nothing"
likewise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workflows.policy.patterns import Glob, Mark, Token, Work

_STARS = (Mark.MANY, Mark.MANY_BUT_COLON)


def contains(wide: Glob, narrow: Glob, work: Work) -> bool:
    """Whether every text that fits `narrow` surely fits `wide`; raises `LimitExceeded` when `work` runs out.

    `narrow` is read as if it were a text whose wildcards are letters that only a wildcard at least as free
    can take.
    """
    if not narrow.head.startswith(wide.head):
        work.spend(1)
        return False
    if narrow.is_literal:
        work.spend(1)
        return wide.matches(narrow.head, work)
    tokens = wide.tokens
    places = _skipped({0}, tokens)
    for token in narrow.tokens:
        work.spend(len(places) + 1)
        places = _skipped(_advanced(places, tokens, token), tokens)
        if not places:
            return False
    return len(tokens) in places


def _advanced(places: Iterable[int], wide: Sequence[Token], token: Token) -> set[int]:
    after: set[int] = set()
    for place in places:
        if place == len(wide):
            continue
        if wide[place] in _STARS:
            if _takes(wide[place], token):
                after.add(place)
        elif _takes(wide[place], token):
            after.add(place + 1)
    return after


def _takes(wide: Token, token: Token) -> bool:
    """Whether one token of the wide pattern takes whatever one token of the narrow pattern may stand for."""
    if isinstance(wide, str):
        return wide == token
    if token is Mark.MANY:
        return wide is Mark.MANY
    if token is Mark.MANY_BUT_COLON:
        return wide in _STARS
    may_be_colon = token in (":", Mark.ONE)
    return not may_be_colon or wide in (Mark.MANY, Mark.ONE)


def _skipped(places: set[int], wide: Sequence[Token]) -> set[int]:
    """The places together with those reached by letting stars stand for nothing."""
    reached = set(places)
    for start in places:
        place = start
        while place < len(wide) and wide[place] in _STARS:
            place += 1
            reached.add(place)
    return reached


def overlaps(one: Glob, other: Glob, work: Work) -> bool:
    """Whether some text might fit both; raises `LimitExceeded` when `work` runs out.

    Wildcards are taken to cross colons, which can only turn a no into a yes.
    """
    work.spend(1)
    if not (one.head.startswith(other.head) or other.head.startswith(one.head)):
        return False
    if one.is_literal or other.is_literal:
        return other.matches(one.head, work) if one.is_literal else one.matches(other.head, work)
    if one.is_prefix and other.is_prefix:
        return True
    tokens, twins = one.tokens, other.tokens
    ends = (len(tokens), len(twins))
    waiting = [(0, 0)]
    seen = {(0, 0)}
    while waiting:
        work.spend(1)
        places = waiting.pop()
        if places == ends:
            return True
        for following in _both_advanced(places, tokens, twins):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return False


def _both_advanced(places: tuple[int, int], one: Sequence[Token], other: Sequence[Token]) -> Iterable[tuple[int, int]]:
    here, there = places
    token = one[here] if here < len(one) else None
    twin = other[there] if there < len(other) else None
    star, twin_star = token in _STARS, twin in _STARS
    if star:
        yield here + 1, there
    if twin_star:
        yield here, there + 1
    if star and twin is not None:
        yield here, there + 1
    elif twin_star and token is not None:
        yield here + 1, there
    elif token is not None and twin is not None and (token == twin or not _both_text(token, twin)):
        yield here + 1, there + 1


def _both_text(token: Token, twin: Token) -> bool:
    return isinstance(token, str) and isinstance(twin, str)


@dataclass(frozen=True, slots=True)
class PatternSet:
    """The texts that fit one of the patterns or, when `is_complement`, the texts that fit none of them."""

    patterns: tuple[Glob, ...]
    is_complement: bool = False

    def parts(self) -> tuple["PatternSet", ...]:
        """Sets that make up this one: one for each pattern; a complement stays whole."""
        return (self,) if self.is_complement else tuple(PatternSet((each,)) for each in self.patterns)

    def holds(self, part: "PatternSet", work: Work) -> bool:
        """Whether all of `part` surely lies in this set; patterns that only do so together do not count."""
        match self.is_complement, part.is_complement:
            case False, False:
                return all(any(contains(wide, each, work) for wide in self.patterns) for each in part.patterns)
            case True, False:
                return not any(overlaps(out, each, work) for out in self.patterns for each in part.patterns)
            case False, True:
                return any(contains(wide, _EVERYTHING, work) for wide in self.patterns)
            case _:
                return all(any(contains(wide, out, work) for wide in part.patterns) for out in self.patterns)

    def may_meet(self, other: "PatternSet", work: Work) -> bool:
        """Whether some text might lie in both sets."""
        match self.is_complement, other.is_complement:
            case False, False:
                return any(overlaps(one, twin, work) for one in self.patterns for twin in other.patterns)
            case True, True:
                return True
            case True, False:
                return not PatternSet(self.patterns).holds(other, work)
            case _:
                return not PatternSet(other.patterns).holds(self, work)


_EVERYTHING = Glob((Mark.MANY,))
