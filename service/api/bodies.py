"""Bodies of the JSON API: read once and straight into the type of their route, without bending any value to fit.

Litestar would first read a body into plain values and then convert those: a policy document would no longer be the
bytes that came, and a text would pass for a number.
"""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ValidationException


class BodyReader(Request[Any, Any, Any]):
    """A request whose JSON body has the type that its route declares."""

    async def json(self) -> Any:  # noqa: ANN401  the type is the route's own
        """Return the body; raises `ValidationException` naming the place that is wrong."""
        field = self.route_handler.parsed_data_field
        try:
            return msgspec.json.decode(await self.body(), type=Any if field is None else field.annotation)
        except (msgspec.MsgspecError, UnicodeDecodeError) as failure:
            problem, _, place = str(failure).partition(" - at `")
            key = place.removesuffix("`").removeprefix("$").removeprefix(".") or "body"
            raise ValidationException(problem, extra=[{"key": key, "message": problem}]) from None
        except RecursionError:
            raise ValidationException("The body is nested too deeply") from None
