"""Strict reading of `application/x-www-form-urlencoded` bodies.

A form has one reading or none: a name given twice, or twice in different letter case, a broken percent
escape or bytes that are not UTF-8 end the request, because two readers of such a form could see different
calls.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from service.aws.protocol import malformed

MAX_NAMES: Final = 1000
_MAX_NAME_LENGTH: Final = 512
_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
_CHARSETS: Final = frozenset({"charset=utf-8", 'charset="utf-8"'})
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_BLANK_OR_CONTROL: Final = re.compile(rb"[\x00-\x20\x7f]")


def parse_form(body: bytes, content_type: bytes | None) -> dict[str, str]:
    """The names and values of a form, in the order of the body; an empty body is an empty form.

    Raises `ProtocolError` (`MalformedQueryString`) for anything that is not strictly such a form in UTF-8.
    Values hold no NUL; other characters are judged against the model of the operation.
    """
    _check_type(content_type)
    if not body:
        return {}
    if body.count(b"&") >= MAX_NAMES:
        raise malformed(f"it has more than {MAX_NAMES} names")
    if _BLANK_OR_CONTROL.search(body):
        raise malformed("it contains blanks or control characters that are not percent-encoded")
    if _BAD_ESCAPE.search(body):
        raise malformed("it contains a broken percent escape")
    form: dict[str, str] = {}
    seen: set[str] = set()
    for pair in body.split(b"&"):
        name, value = _read_pair(pair)
        if name.lower() in seen:
            raise malformed("a name is given more than once")
        seen.add(name.lower())
        form[name] = value
    return form


def _check_type(content_type: bytes | None) -> None:
    if content_type is None:
        raise malformed(f"the header `content-type` is missing; send {_MEDIA_TYPE}")
    media_type, *parameters = (part.strip(" \t").lower() for part in content_type.decode("latin-1").split(";"))
    if media_type != _MEDIA_TYPE or len(parameters) > 1 or not _CHARSETS.issuperset(parameters):
        raise malformed(f"the header `content-type` is not {_MEDIA_TYPE} in utf-8")


def _read_pair(pair: bytes) -> tuple[str, str]:
    raw_name, equals, raw_value = pair.partition(b"=")
    name, value = _decode(raw_name), _decode(raw_value)
    if not equals or not name:
        raise malformed("a part of it is not `name=value`")
    if len(name) > _MAX_NAME_LENGTH:
        raise malformed(f"a name is longer than {_MAX_NAME_LENGTH} characters")
    return name, value


def _decode(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise malformed("it is not UTF-8") from None
    if "\0" in text:
        raise malformed("it contains the character U+0000")
    return text
