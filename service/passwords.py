"""Argon2id behind the `Passwords` port, with as many hashes at once as the machine can hold in memory."""

from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# RFC 9106, second recommended option: 64 MiB, three passes. Four at once are a quarter of a gigabyte.
_AT_ONCE: Final = 4
_PASSES: Final = 3
_LANES: Final = 4


class Argon2Passwords:
    """Slow hashes; `memory_kib` is lowered by tests alone."""

    def __init__(self, *, memory_kib: int = 65_536) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=memory_kib, parallelism=_LANES)
        self._slots = BoundedSemaphore(_AT_ONCE)
        # Of no password at all, and as dear to try as any. To make a real one would slow every command down.
        self._nobody = f"$argon2id$v=19$m={memory_kib},t={_PASSES},p={_LANES}${'A' * 22}${'A' * 43}"

    def hash(self, password: str) -> str:
        """Return what is stored instead of a password."""
        with self._slots:
            return self._hasher.hash(password)

    def matches(self, password: str, stored: str | None) -> bool:
        """Tell whether this is the password; without a stored one, take as long as with one and say no."""
        with self._slots:
            try:
                self._hasher.verify(stored or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None
