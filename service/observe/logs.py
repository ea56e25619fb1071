"""Structured logs. Fields are written only where a call names them; nothing dumps a request, a body or a header."""

import logging
import sys
from typing import Final

import structlog

from service.settings import LogFormat

_SHARED: Final = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure_logs(style: LogFormat, *, for_good: bool = False) -> None:
    """Send every log line to standard error in the chosen style; exceptions without their local variables.

    `for_good` holds until the process ends, whatever is configured later, and makes each line cost less.
    """
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    exceptions = [structlog.processors.format_exc_info] if style is LogFormat.JSON else []
    structlog.configure(
        processors=[*_SHARED, *exceptions, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=for_good,
    )


def silence_logs() -> None:
    """Let only errors through, for a command whose output is the point."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
