"""Failures of the house itself: settings and start-up. They are for the operator, never for a caller."""


class StartError(Exception):
    """The service cannot start; the message says why and what to do."""


class WrongSetting(StartError):
    """A setting is wrong; the message names it, what is wrong and what is accepted."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name
