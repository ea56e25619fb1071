"""Master keys in a file that only its owner can read: one line per key, `id:base64`, the newest last."""

import base64
import binascii
import os
import re
import stat
from pathlib import Path
from typing import Final

from service.errors import StartError
from workflows.errors import SealBroken
from workflows.ports import Entropy

_KEY_BYTES: Final = 32
_LINE: Final = re.compile(r"([a-z0-9]{1,16}):([A-Za-z0-9+/]{43}=)", re.ASCII)
_OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class FileKeyring:
    """The keys of one file, read once."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = keys
        self._newest = next(reversed(keys))

    @property
    def newest(self) -> str:
        """The id of the key that new secrets are sealed under."""
        return self._newest

    def master(self, key_id: str) -> bytes:
        """Return the 32 bytes of a key; raises `SealBroken` when the ring does not hold it."""
        key = self._keys.get(key_id)
        if key is None:
            raise SealBroken(f"the key ring holds no key `{key_id}`")
        return key


def create_key_file(path: Path, entropy: Entropy) -> None:
    """Create the file with one fresh key, readable by its owner alone; raises `StartError` if that is impossible."""
    line = f"k1:{base64.b64encode(entropy.token_bytes(_KEY_BYTES)).decode('ascii')}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as failure:
        raise StartError(f"the master key file {path} cannot be created: {failure.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def load_key_file(path: Path) -> FileKeyring:
    """Read the key ring; raises `StartError` for a file that others can read or that is no key ring."""
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        raise StartError(f"the master key file {path} cannot be read") from None
    if mode & _OPEN_TO_OTHERS:
        raise StartError(f"the master key file {path} is open to other users; run: chmod 600 {path}")
    keys: dict[str, bytes] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line.strip())
        if match is None or match[1] in keys:
            raise StartError(f"line {number} of the master key file {path} is not `id:base64` of a fresh 32-byte key")
        try:
            keys[match[1]] = base64.b64decode(match[2], validate=True)
        except binascii.Error:
            raise StartError(f"line {number} of the master key file {path} is not base64") from None
    if not keys or any(len(set(key)) == 1 for key in keys.values()):
        raise StartError(f"the master key file {path} holds no key, or one that is no secret")
    return FileKeyring(keys)
