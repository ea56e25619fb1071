"""A file that is encrypted as it is written: chunks under AES-256-GCM, each in its place, the last one marked.

This is the STREAM construction (Hoang and others, 2015): a nonce counts the chunks and says which is the last, so that
no chunk can be altered, moved, left out or cut off unnoticed. Every file has a key of its own.
"""

import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.errors import StartError

_MAGIC: Final = b"daypass backup 1\n"
_SALT: Final = 16
_CHUNK: Final = 1024 * 1024
_TAG: Final = 16


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"daypass/backup/v1").derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class SealingWriter:
    """Compresses and encrypts what is written to it; the file counts only after `close`."""

    def __init__(self, file: BinaryIO, key: bytes, salt: bytes) -> None:
        self._file, self._cipher = file, _cipher(key, salt)
        self._zip = zlib.compressobj(6)
        self._buffer = bytearray()
        self._number = 0
        file.write(_MAGIC + salt)

    def write(self, data: bytes) -> None:
        """Take in some bytes."""
        self._buffer += self._zip.compress(data)
        while len(self._buffer) > _CHUNK:
            self._put(bytes(self._buffer[:_CHUNK]), last=False)
            del self._buffer[:_CHUNK]

    def close(self) -> None:
        """Write what is left, and the mark of the end."""
        self._buffer += self._zip.flush()
        while len(self._buffer) > _CHUNK:
            self._put(bytes(self._buffer[:_CHUNK]), last=False)
            del self._buffer[:_CHUNK]
        self._put(bytes(self._buffer), last=True)

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, _MAGIC))
        self._number += 1


def _chunks(file: BinaryIO, cipher: AESGCM) -> Iterator[bytes]:
    number, chunk = 0, file.read(_CHUNK + _TAG)
    while True:
        following = file.read(_CHUNK + _TAG)
        try:
            yield cipher.decrypt(_nonce(number, last=not following), chunk, _MAGIC)
        except (InvalidTag, ValueError):
            raise StartError("the backup does not open: another key, or it was altered or cut off") from None
        if not following:
            return
        number, chunk = number + 1, following


def opened_lines(file: BinaryIO, key: bytes) -> Iterator[bytes]:
    """Yield the lines of a sealed file; raises `StartError` for one that does not open to its very end."""
    head = file.read(len(_MAGIC) + _SALT)
    if not head.startswith(_MAGIC) or len(head) != len(_MAGIC) + _SALT:
        raise StartError("this is no backup of Daypass")
    unzip, rest = zlib.decompressobj(), b""
    for chunk in _chunks(file, _cipher(key, head[len(_MAGIC) :])):
        *lines, rest = (rest + unzip.decompress(chunk)).split(b"\n")
        yield from lines
    *lines, rest = (rest + unzip.flush()).split(b"\n")
    yield from lines
    if rest:
        raise StartError("the backup ends in the middle of a line")
