"""Spans of time in words, without rounding."""

from typing import Final

_UNITS: Final = ((3600, "hour"), (60, "minute"), (1, "second"))


def duration_in_words(seconds: int) -> str:
    """`seconds` as hours, minutes and seconds: 5400 is "1 hour 30 minutes"."""
    words: list[str] = []
    left = seconds
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}" if count == 1 else f"{count} {unit}s")
    return " ".join(words) or "0 seconds"
