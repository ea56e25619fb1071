"""Bodies of the JSON API: read once and straight into the type of their route, without bending any value to fit.

Litestar would first read a body into plain values and then convert those: a policy document would no longer be the
bytes that came, and a text would pass for a number.
"""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException

from workflows.errors import MalformedPolicy
from workflows.policy.strict_json import read_json


class BodyReader(Request[Any, Any, Any]):
    """A request whose JSON body has the type that its route declares."""

    async def json(self) -> Any:  # noqa: ANN401  the type is the route's own
        """Return the body; raises `ValidationException` naming the place that is wrong."""
        field = self.route_handler.parsed_data_field
        body = await self.body()
        try:
            # The decoder would keep the last of two equal keys and say nothing.
            read_json(body.decode())
            return msgspec.json.decode(body, type=Any if field is None else field.annotation)
        except MalformedPolicy as failure:
            raise _refusal(failure.path, failure.problem) from None
        except (msgspec.MsgspecError, UnicodeDecodeError) as failure:
            problem, _, place = str(failure).partition(" - at `")
            raise _refusal(place.removesuffix("`"), problem) from None


def _refusal(path: str, problem: str) -> ValidationException:
    key = path.removeprefix("$").removeprefix(".") or "body"
    return ValidationException(problem, extra=[{"key": key, "message": problem}])
