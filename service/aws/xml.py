"""Answers of the Query protocol: a result or an error as XML, exactly as botocore's parser expects it.

The result is written in the order of the model. A key that the model does not have, or a value of the wrong
type, is a mistake of ours and raises `TypeError` instead of reaching a client.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from service.aws.model import NAMESPACES, Operation
from service.aws.shapes import ListOf, MapOf, Scalar, Shape, Structure

# The complement of the Char production of XML 1.0, section 2.2; such characters cannot be written, not even
# escaped.
_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A bare carriage return would be read back as a line feed (XML 1.0, section 2.11).
_ODD: Final = re.compile("[^\t\n\x20-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


def render_result(operation: Operation, result: Mapping[str, object], request_id: str) -> bytes:
    """The success answer of an operation, UTF-8; a member that is None is left out, times lose fractions.

    Raises `TypeError` for a result that the model of the operation does not describe.
    """
    output = operation.output
    if output is None and result:
        raise TypeError(f"{operation.name} returns nothing")
    body = "" if output is None else _element(operation.result_name, _structure(output, result, operation.name))
    name = f"{operation.name}Response"
    request = f"<ResponseMetadata>{_element('RequestId', _escape(request_id))}</ResponseMetadata>"
    return f'<{name} xmlns="{operation.namespace}">{body}{request}</{name}>'.encode()


def render_error(*, service: str, code: str, message: str, sender: bool, request_id: str) -> bytes:
    """The error answer of `iam` or `sts`, UTF-8; `sender` tells whether the caller is at fault, or we are."""
    error = (
        _element("Type", "Sender" if sender else "Receiver")
        + _element("Code", _escape(code))
        + _element("Message", _escape(message))
    )
    request = _element("RequestId", _escape(request_id))
    body = _element("Error", error) + request
    return f'<ErrorResponse xmlns="{NAMESPACES[service]}">{body}</ErrorResponse>'.encode()


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"


def _escape(text: str) -> str:
    # Hardly any text has anything to escape, and to look is far quicker than to translate.
    if _ODD.search(text) is None:
        return text
    return _UNWRITABLE.sub("\ufffd", text).translate(_ESCAPES)


def _render(shape: Shape, value: object, path: str) -> str:
    match shape:
        case Structure():
            if not isinstance(value, Mapping):
                raise _wrong(path, value)
            return _structure(shape, value, path)
        case ListOf():
            if not isinstance(value, Sequence) or isinstance(value, str | bytes):
                raise _wrong(path, value)
            return "".join(_element("member", _render(shape.member, item, path)) for item in value)
        case MapOf():
            if not isinstance(value, Mapping):
                raise _wrong(path, value)
            return "".join(_entry(shape, key, item, path) for key, item in value.items())
        case Scalar():
            return _scalar(shape, value, path)


def _structure(shape: Structure, value: Mapping[str, object], path: str) -> str:
    if unknown := value.keys() - shape.members.keys():
        raise TypeError(f"{path} has no member {', '.join(sorted(map(repr, unknown)))}")
    present = {name: item for name, item in value.items() if item is not None}
    if missing := [name for name in shape.required if name not in present]:
        raise TypeError(f"{path} needs the member {', '.join(missing)}")
    return "".join(
        _element(name, _render(member, present[name], f"{path}.{name}"))
        for name, member in shape.members.items()
        if name in present
    )


def _entry(shape: MapOf, key: object, value: object, path: str) -> str:
    return _element(
        "entry",
        _element("key", _scalar(shape.key, key, path)) + _element("value", _render(shape.value, value, path)),
    )


def _scalar(shape: Scalar, value: object, path: str) -> str:
    match shape.kind, value:
        case "boolean", bool():
            return "true" if value else "false"
        case "integer" | "long", int() if not isinstance(value, bool):
            return str(int(value))
        case "timestamp", datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case "blob", bytes():
            return base64.b64encode(value).decode("ascii")
        case "string", str() if not shape.enum or value in shape.enum:
            return _escape(str.__str__(value))
    raise _wrong(path, value)


def _wrong(path: str, value: object) -> TypeError:
    # The value itself may be a secret.
    return TypeError(f"{path} cannot be a value of the type {type(value).__name__}, or not this one")
