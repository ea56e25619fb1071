"""Which statements of a document speak of an action: plain names by hash, patterns only within their service."""

from collections.abc import Iterable, Sequence
from typing import Final

from workflows.policy.patterns import ActionPattern, Work


class ActionIndex:
    """Immutable; made from the Action and NotAction entries of each statement, in document order."""

    __slots__ = ("_anywhere", "_excluding", "_in_service", "_named")

    def __init__(self, entries: Iterable[tuple[Sequence[ActionPattern], Sequence[ActionPattern]]]) -> None:
        named: dict[str, list[int]] = {}
        in_service: dict[str, list[tuple[ActionPattern, int]]] = {}
        anywhere: list[tuple[ActionPattern, int]] = []
        excluding: list[tuple[Sequence[ActionPattern], int]] = []
        for number, (actions, not_actions) in enumerate(entries):
            if not_actions:
                excluding.append((not_actions, number))
            for pattern in actions:
                service, colon, _ = pattern.glob.head.partition(":")
                if pattern.glob.is_literal:
                    named.setdefault(pattern.glob.head, []).append(number)
                elif colon:
                    in_service.setdefault(service, []).append((pattern, number))
                else:
                    anywhere.append((pattern, number))
        self._named: Final = named
        self._in_service: Final = in_service
        self._anywhere: Final = tuple(anywhere)
        self._excluding: Final = tuple(excluding)

    def covering(self, action: str, work: Work) -> list[int]:
        """The numbers of the statements that cover the action (in lower case), in document order.

        Raises `LimitExceeded` when `work` runs out.
        """
        found = set(self._named.get(action, ()))
        for patterns in (self._in_service.get(action.partition(":")[0], ()), self._anywhere):
            found.update(
                number for pattern, number in patterns if number not in found and pattern.glob.matches(action, work)
            )
        for left_out, number in self._excluding:
            if not any(pattern.glob.matches(action, work) for pattern in left_out):
                found.add(number)
        return sorted(found)
