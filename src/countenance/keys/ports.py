"""What others need of keys, and what keys need from outside: a store, a key-encryption key, a record."""

from collections.abc import Callable, Sequence
from typing import Protocol

from countenance.keys.model import KeyEntry, KeyringContent, KeyState


class Keyring(Protocol):
    """Seals what is personal, each scope under a key of its own. Thread-safe.

    Scopes are `keys.model.HOME`, `source_scope(id)`, `org_scope(id)` and `case_scope(id)`; others are a ValueError.
    What is sealed opens in its own place only: the same scope, record and column. A key that another process destroyed
    is noticed before the next use.
    """

    def seal(self, scope: str, plaintext: bytes, *, record: str, column: str) -> bytes:
        """Seal bytes; the scope's first use makes its key.

        Args:
            record: Which record they belong to; its identifier.
            column: Which part of it they are.

        Raises:
            NotFoundError: code `key-destroyed`; nothing was written.
            UnavailableError: code `keyring-unwritable`, a new key could not be kept; or the key service's own codes.
        """

    def open(self, scope: str, sealed: bytes, *, record: str, column: str) -> bytes:
        """Return what was sealed.

        Raises:
            NotFoundError: code `key-destroyed`.
            IntegrityError: codes `sealed-damaged`, `key-missing`.
        """

    def seal_many(self, scope: str, plaintexts: Sequence[bytes], *, records: Sequence[str], column: str) -> list[bytes]:
        """Seal many values of one column, as `seal` would one by one."""

    def open_many(self, scope: str, sealed: Sequence[bytes], *, records: Sequence[str], column: str) -> list[bytes]:
        """Open many values of one column, as `open` would one by one."""

    def fingerprint(self, scope: str, value: bytes, *, column: str) -> bytes:
        """Return 32 bytes that are equal for equal values of a column, and say nothing without the scope's key.

        For look-ups and uniqueness of sealed values: HMAC-SHA256. The scope's first use makes its key.

        Raises:
            NotFoundError: code `key-destroyed`.
        """

    def destroy(self, scope: str, *, reason: str) -> KeyEntry:
        """Destroy a scope's key for good, one that was never made too; again is no harm.

        Returns:
            The mark that stays: when, and the sealed reason.

        Raises:
            ValueError: the scope is `home`, which every record needs.
            UnavailableError: code `keyring-unwritable`; the key is still there.
        """

    def state(self, scope: str) -> KeyState:
        """Say what has become of a scope's key."""

    def destroyed(self) -> frozenset[str]:
        """Return the scopes whose keys were destroyed."""


class KeyEncryptionKey(Protocol):
    """What wraps data keys, and lies outside the data."""

    @property
    def kek_id(self) -> str:
        """Which one it is: its kind, `:`, and what tells it from others of its kind; nothing secret."""

    def wrap(self, key: bytes, *, scope: str) -> bytes:
        """Wrap a data key, bound to its scope."""

    def unwrap(self, wrapped: bytes, *, scope: str) -> bytes:
        """Return the data key.

        Raises:
            IntegrityError: code `key-wrong`: wrapped by another key, for another scope, or changed.
        """


class KeyringStore(Protocol):
    """Where the keyring is kept. Several processes may share it."""

    def read(self) -> KeyringContent:
        """Return what is kept now; the very same object for as long as nothing changed.

        Raises:
            NotFoundError: code `keyring-missing`.
            IntegrityError: code `keyring-damaged`.
            UnavailableError: code `keyring-unreadable`.
        """

    def change(self, changed: Callable[[KeyringContent], KeyringContent]) -> KeyringContent:
        """Replace what is kept, all or nothing, alone among all processes.

        Args:
            changed: Returns the new content from the current one; the current one itself means no change. Others wait
                for it: it asks no key-encryption key.

        Raises:
            UnavailableError: code `keyring-unwritable`; nothing was changed.
        """


class Record(Protocol):
    """Puts on record what is done with keys."""

    def __call__(self, **facts: object) -> None:
        """Say what is about to be done: ids, hashes and counts.

        Raises:
            UnavailableError: code `audit-unwritable`; it must not be done.
        """
