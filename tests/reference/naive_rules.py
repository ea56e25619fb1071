"""The rules that the naive evaluator is made of, and a tally of the answers that they gave."""

from collections import Counter
from collections.abc import Callable, Hashable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
Answer = TypeVar("Answer", bound=Hashable)

YES_OR_NO = (True, False)
RULES: dict[str, tuple[Hashable, ...]] = {}
RULES_SEEN: Counter[tuple[str, Hashable]] = Counter()


def rule(*answers: Hashable) -> Callable[[Callable[P, Answer]], Callable[P, Answer]]:
    """The function is a rule that can give these answers; each time it gives one, that is counted."""

    def register(function: Callable[P, Answer]) -> Callable[P, Answer]:
        name = function.__name__.replace("_", " ")
        RULES[name] = answers

        @wraps(function)
        def counted(*args: P.args, **kwargs: P.kwargs) -> Answer:
            answer = function(*args, **kwargs)
            assert answer in answers, (name, answer)
            RULES_SEEN[name, answer] += 1
            return answer

        return counted

    return register


def yes_or_no(function: Callable[P, bool]) -> Callable[P, bool]:
    """The function is a rule that is true or false."""
    return rule(*YES_OR_NO)(function)


def all_walks() -> set[tuple[str, Hashable]]:
    """Every rule with every answer that it can give."""
    return {(name, answer) for name, answers in RULES.items() for answer in answers}
