"""The one file that asks the machine for randomness."""

import secrets  # noqa: TID251  this is the file the ban points to


class SystemEntropy:
    """The operating system's cryptographic generator."""

    def token_bytes(self, count: int) -> bytes:
        """Return `count` unpredictable bytes."""
        return secrets.token_bytes(count)
