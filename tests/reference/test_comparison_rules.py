"""Whatever rule of a proof is gone, the comparison with the naive evaluator notices."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from reference.test_comparison import HARD, compared, examine

from workflows.policy import circumstances, compare, coverage, joint, representatives

PAIRS: Final = 150


def _plain(*_: Any, **__: Any) -> bool:
    return True


def _never(*_: Any, **__: Any) -> bool:
    return False


def _without(value: object) -> Callable[..., Any]:
    """`values` as it is, but for one kind of value."""
    real = representatives.values

    def broken(*given: Any) -> list[Any]:
        return [one for one in real(*given) if one != value]

    return broken


def _without_several(*given: Any) -> list[Any]:
    return [one for one in _VALUES(*given) if not isinstance(one, tuple) or len(one) < 2]


def _ends_only(bounds: Any) -> Any:
    return iter(sorted(bounds))


def _first_only(text: str) -> Any:
    return iter([text])


def _granting_nothing(*_: Any) -> None:
    return None


_VALUES: Final = representatives.values
_COVERS: Final = coverage.Part.covers
_LETTERS: Final = joint.Joint.letters


def _blind_to_negation(part: coverage.Part, text: str, work: Any) -> bool:
    return _COVERS(coverage.Part(part.patterns, negated=False), text, work)


def _without_colon(machine: joint.Joint, state: int, needed: int) -> Any:
    return (letter for letter in _LETTERS(machine, state, needed) if letter != ":")


RULES: Final[list[tuple[str, object, str, object]]] = [
    ("an Allow holds another only under no more conditions", compare, "_holds", compare._holds_resources),
    ("an Allow holds another only on all of its resources", compare, "_holds_resources", _plain),
    ("a pattern holds another only if all of its texts fit", compare, "contains", _plain),
    ("patterns that share a text may both speak", coverage, "overlaps", _never),
    ("only a Deny that stands on both sides is left out", compare, "_says", lambda _: 0),
    ("a key can be absent", circumstances, "values", _without(None)),
    ("a key can have several values", circumstances, "values", _without_several),
    ("there are numbers between and beside bounds", representatives, "bounds_and_between", _ends_only),
    ("texts come in any case", representatives, "variants", _first_only),
    ("what is negated covers the rest", coverage.Part, "covers", _blind_to_negation),
    ("a star can stand for colons", joint.Joint, "letters", _without_colon),
    ("circumstances are looked for", circumstances, "_covering", _granting_nothing),
]


def examined() -> None:
    """Compare pairs at random and hard ones; raises `AssertionError` where an answer is wrong."""
    for title, first, second, verdict in HARD:
        cleaned = ([{name: one[name] for name in one if one[name] != []} for one in side] for side in (first, second))
        documents = [{"Version": "2012-10-17", "Statement": side} for side in cleaned]
        assert compared(*documents).verdict is verdict, title
    examine(3, PAIRS)


@pytest.mark.parametrize(("owner", "name", "broken"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_a_rule_that_is_gone_is_noticed(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, broken: object
) -> None:
    monkeypatch.setattr(owner, name, broken)
    with pytest.raises(AssertionError):
        examined()


def test_with_every_rule_in_place_nothing_is_noticed() -> None:
    examined()
