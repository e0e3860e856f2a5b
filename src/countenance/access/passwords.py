"""Passwords: argon2id, a few at a time, and as slow for nobody as for somebody."""

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from countenance.core.errors import InvalidInputError, UnavailableError

SHORTEST = 12
LONGEST = 256
"""Characters of a password."""

AT_ONCE = 2
"""Hashes made at the same time: each takes 64 MiB and a core."""

PATIENCE = 10.0
"""How long a sign-in waits for its turn, s."""


class Passwords:
    """Makes and checks hashes. Thread-safe.

    Source:
        RFC 9106, section 4, second recommended option: argon2id, 64 MiB, 3 passes, 4 lanes.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Prepare; a hash of nobody's password is made at once, so that unknown people take as long as known ones."""
        self._hasher = hasher or PasswordHasher()
        self._turns = BoundedSemaphore(AT_ONCE)
        self._nobodys = self._hasher.hash("nobody's password")

    def hash(self, password: str, *, login: str) -> str:
        """Return the hash of a new password, with its parameters and salt.

        Raises:
            InvalidInputError: code `password-weak`.
            UnavailableError: code `sign-in-busy`; safe to retry.
        """
        plain = len(set(password)) < 5 or login.casefold() in password.casefold()
        if not SHORTEST <= len(password) <= LONGEST or plain:
            raise InvalidInputError(
                f"a password has {SHORTEST} to {LONGEST} characters, five different ones, and not the login in it",
                code="password-weak",
                hint="four words that have nothing to do with each other are a good one",
            )
        with self._turn():
            return self._hasher.hash(password)

    def fits(self, kept: str | None, password: str) -> bool:
        """Return whether a password is the one that was hashed; None is nobody's and takes as long.

        Raises:
            UnavailableError: code `sign-in-busy`; safe to retry.
        """
        with self._turn():
            try:
                return self._hasher.verify(kept or self._nobodys, password[: LONGEST + 1]) and kept is not None
            except (VerifyMismatchError, VerificationError, InvalidHashError):
                return False

    def _turn(self) -> "_Turn":
        """Wait for a turn."""
        return _Turn(self._turns)


class _Turn:
    """One of the hashes that may be made at a time."""

    def __init__(self, turns: BoundedSemaphore) -> None:
        """Keep where turns are taken."""
        self._turns = turns

    def __enter__(self) -> None:
        """Take one."""
        if not self._turns.acquire(timeout=PATIENCE):
            raise UnavailableError("too many people sign in at once", code="sign-in-busy", hint="try again in a minute")

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._turns.release()
