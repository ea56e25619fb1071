"""Free text from outside: bounded, and in the alphabet that the wire's models give it.

The alphabet is that of the IAM model (tab, line feed, carriage return, U+0020-U+007E, U+00A1-U+00FF). U+00AD, the
soft hyphen, lies in it but is invisible, so it is refused: an approver must see every character that is there.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from workflows.errors import BadInput

_ALPHABET: Final = re.compile("[\t\n\r\u0020-\u007e\u00a1-\u00ac\u00ae-\u00ff]*")
_LINE: Final = re.compile("[\u0020-\u007e\u00a1-\u00ac\u00ae-\u00ff]*")
_REDIRECT: Final = re.compile(
    r"https://[a-zA-Z0-9._-]+(/[a-zA-Z0-9._/-]*)?(\?[a-zA-Z0-9._=&-]*)?(#[a-zA-Z0-9._/-]*)?",
    re.ASCII,
)
_REDIRECT_LENGTH: Final = 255


def parse_text(text: str, field: str, *, longest: int, shortest: int = 0, one_line: bool = False) -> str:
    """Return the text if it has `shortest` to `longest` characters of the alphabet; raises `BadInput`."""
    if not shortest <= len(text) <= longest:
        raise BadInput(field, f"has {len(text)} characters; {shortest} to {longest} are accepted")
    pattern = _LINE if one_line else _ALPHABET
    if not pattern.fullmatch(text):
        raise BadInput(field, "holds a character outside the printable Latin-1 alphabet, or an invisible one")
    return text


def parse_redirect_url(text: str, domain: str) -> str:
    """Return the URL if it is https and its host is the partner's registered domain or lies under it.

    Raises `BadInput`. The pattern leaves no room for user info, a port or an escape.
    """
    field = "RedirectUrl"
    if len(text) > _REDIRECT_LENGTH or not _REDIRECT.fullmatch(text):
        raise BadInput(field, "is not an https URL of at most 255 plain characters without a port")
    host = (urlsplit(text).hostname or "").lower()
    registrable = domain.removeprefix("www.")
    if host.endswith(".") or not (host == registrable or host.endswith(f".{registrable}")):
        raise BadInput(field, f"leads to a host outside the partner's registered domain `{domain}`")
    return text
