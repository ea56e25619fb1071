"""Failures of the Query protocol itself: the request cannot even be read as a call of one operation.

What is wrong with the *values* of a call that can be read is `workflows.errors.ConstraintViolation` instead.
"""

from typing import Final


class ProtocolError(Exception):
    """A request that is no call of an operation; carries the code, the HTTP status and a safe message."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code: Final = code
        self.status: Final = status
        self.message: Final = message


def malformed(problem: str) -> ProtocolError:
    """The failure of a body that is not one well-formed form (`MalformedQueryString`)."""
    return ProtocolError("MalformedQueryString", 404, f"the request body is not a well-formed form: {problem}")


def missing_action() -> ProtocolError:
    """The failure of a form without `Action` (`MissingAction`)."""
    return ProtocolError("MissingAction", 400, "the request needs the parameter `Action`")


def invalid_action(action: str, version: str | None) -> ProtocolError:
    """The failure of an operation that this service does not offer under this version (`InvalidAction`)."""
    shown = "NO_VERSION_SPECIFIED" if version is None else _brief(version)
    return ProtocolError("InvalidAction", 400, f"Could not find operation {_brief(action)} for version {shown}")


def _brief(text: str, limit: int = 64) -> str:
    return text if len(text) <= limit else text[:limit] + "..."
