"""Master keys in a file that only its owner can read: one line per key, `id:base64`, the newest last."""

import base64
import binascii
import os
import re
import stat
from pathlib import Path
from typing import Final

import structlog

from service.errors import StartError
from workflows.errors import SealBroken
from workflows.ports import Entropy

_KEY_BYTES: Final = 32
_LINE: Final = re.compile(r"([a-z0-9]{1,16}):([A-Za-z0-9+/]{43}=)", re.ASCII)
_OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_log = structlog.get_logger(__name__)


class FileKeyring:
    """The keys of one file; `refresh` takes in what was added to it since."""

    def __init__(self, keys: dict[str, bytes], path: Path | None = None) -> None:
        self._keys, self._path = keys, path
        self._stamp = _stamp(path)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the newest last."""
        return tuple(self._keys)

    @property
    def newest(self) -> str:
        """The id of the key that new secrets are sealed under."""
        return next(reversed(self._keys))

    def refresh(self) -> None:
        """Read the file again if it changed; one that is broken, or has lost a key, changes nothing here."""
        stamp = _stamp(self._path)
        if self._path is None or stamp in (None, self._stamp):
            return
        try:
            fresh = load_key_file(self._path)
        except StartError as failure:
            _log.error("keyring.not_refreshed", problem=str(failure))
            return
        if all(fresh._keys.get(name) == key for name, key in self._keys.items()):  # noqa: SLF001  one of its own kind
            self._keys, self._stamp = fresh._keys, stamp  # noqa: SLF001  as above

    def master(self, key_id: str) -> bytes:
        """Return the 32 bytes of a key; raises `SealBroken` when the ring does not hold it."""
        key = self._keys.get(key_id)
        if key is None:
            # Another process may have begun to use a key that was added a moment ago.
            self.refresh()
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
    return FileKeyring(keys, path)


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found else None


def add_key(path: Path, entropy: Entropy, *, newest: bool) -> str:
    """Add a fresh key to the file, whole at every instant; return its id. Raises `StartError`.

    Not `newest`, it stands before the key in use: known, so that it can be carried to other machines, and unused.
    `newest` then makes that key the newest, or adds one if none waits.
    """
    ring = load_key_file(path)
    lines = path.read_text(encoding="ascii").splitlines()
    # Keys are numbered as they are made: one with a higher number than the newest has never been in use.
    waiting = [name for name in ring.ids if _number(name) > _number(ring.newest)]
    if newest and waiting:
        name = waiting[-1]
        line = next(one for one in lines if one.strip().startswith(f"{name}:"))
        lines = [*(one for one in lines if one != line), line]
    else:
        name = f"k{1 + max(map(_number, ring.ids))}"
        line = f"{name}:{base64.b64encode(entropy.token_bytes(_KEY_BYTES)).decode('ascii')}"
        lines = [*lines, line] if newest else [*lines[:-1], line, lines[-1]]
    _replace(path, "".join(f"{one.strip()}\n" for one in lines))
    return name


def _number(name: str) -> int:
    digits = name.lstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits) if digits.isdigit() else 0


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as failure:
        raise StartError(f"the master key file {path} cannot be changed: {failure.strerror}") from None
