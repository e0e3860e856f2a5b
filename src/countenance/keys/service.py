"""The keyring at work: data keys made at first use, unwrapped at first need, destroyed for good."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

from countenance.core.clock import utc_now
from countenance.core.errors import CountenanceError
from countenance.keys.envelope import KEY_BYTES, Envelope
from countenance.keys.model import (
    HOME,
    KeyEntry,
    KeyringContent,
    KeyState,
    checked_scope,
    key_destroyed,
    key_missing,
)
from countenance.keys.ports import KeyEncryptionKey, KeyringStore

REASON = "destroyed-reason"
"""The column that reasons are sealed as; the record is the destroyed scope."""


class WrappedKeyring:
    """Implements `Keyring`: data keys wrapped by a key-encryption key, in a store. Thread-safe."""

    def __init__(self, store: KeyringStore, kek: Callable[[str], KeyEncryptionKey]) -> None:
        """Open the home's key, which shows whether the key-encryption key is the right one.

        Args:
            kek: Returns the key-encryption key of an identifier; asked at each wrapping, which is rare, so that a
                rotation by another process is followed.

        Raises:
            IntegrityError: code `key-wrong`.
        """
        self._store = store
        self._kek = kek
        self._lock = Lock()
        self._content: KeyringContent | None = None
        self._envelopes: dict[str, Envelope] = {}
        self._envelope(HOME, make=False)

    def seal(self, scope: str, plaintext: bytes, *, record: str, column: str) -> bytes:
        """See the port."""
        return self._envelope(scope, make=True).seal(plaintext, record=record, column=column)

    def open(self, scope: str, sealed: bytes, *, record: str, column: str) -> bytes:
        """See the port."""
        return self._envelope(scope, make=False).open(sealed, record=record, column=column)

    def seal_many(self, scope: str, plaintexts: Sequence[bytes], *, records: Sequence[str], column: str) -> list[bytes]:
        """See the port."""
        seal = self._envelope(scope, make=True).seal
        return [
            seal(plaintext, record=record, column=column) for plaintext, record in zip(plaintexts, records, strict=True)
        ]

    def open_many(self, scope: str, sealed: Sequence[bytes], *, records: Sequence[str], column: str) -> list[bytes]:
        """See the port."""
        unseal = self._envelope(scope, make=False).open
        return [unseal(one, record=record, column=column) for one, record in zip(sealed, records, strict=True)]

    def fingerprint(self, scope: str, value: bytes, *, column: str) -> bytes:
        """See the port."""
        return self._envelope(scope, make=True).fingerprint(value, column=column)

    def state(self, scope: str) -> KeyState:
        """See the port."""
        entry = self._current().entries.get(checked_scope(scope))
        if entry is None:
            return KeyState.NONE
        return KeyState.ACTIVE if entry.destroyed_at is None else KeyState.DESTROYED

    def destroyed(self) -> frozenset[str]:
        """See the port."""
        entries = self._current().entries
        return frozenset(scope for scope, entry in entries.items() if entry.destroyed_at is not None)

    def destroy(self, scope: str, *, reason: str) -> KeyEntry:
        """See the port."""
        if checked_scope(scope) == HOME:
            raise ValueError("the home's key seals what every record needs")
        sealed = self.seal(HOME, reason.encode(), record=scope, column=REASON)
        now = utc_now()

        def without(content: KeyringContent) -> KeyringContent:
            entry = content.entries.get(scope, KeyEntry(wrapped=b"", made_at=now))
            if entry.destroyed_at is not None:
                return content
            mark = replace(entry, wrapped=b"", destroyed_at=now, reason=sealed)
            return replace(content, entries={**content.entries, scope: mark})

        return self._store.change(without).entries[scope]

    def _envelope(self, scope: str, *, make: bool) -> Envelope:
        """Return a scope's key at work, made where it is new and may be."""
        while True:
            content = self._current()
            envelope = self._envelopes.get(scope)
            if envelope is not None:
                return envelope
            entry = content.entries.get(checked_scope(scope))
            if entry is None and not make:
                raise key_missing(scope)
            if entry is not None and entry.destroyed_at is not None:
                raise key_destroyed(scope)
            try:
                if entry is None:
                    self._add_key(scope, content.kek_id)
                    continue
                envelope = Envelope(self._kek(content.kek_id).unwrap(entry.wrapped, scope=scope), scope)
            except CountenanceError:
                # A rotation by another process may have destroyed the key-encryption key meanwhile.
                if self._store.read().kek_id == content.kek_id:
                    raise
                continue
            with self._lock:
                # Kept only where the key was not destroyed or wrapped anew meanwhile.
                if self._content is not None and self._content.entries.get(scope) == entry:
                    self._envelopes[scope] = envelope
            return envelope

    def _add_key(self, scope: str, kek_id: str) -> None:
        """Give a scope its key, unless it got or lost one, or the keyring another key-encryption key, meanwhile."""
        wrapped = self._kek(kek_id).wrap(secrets.token_bytes(KEY_BYTES), scope=scope)

        def added(content: KeyringContent) -> KeyringContent:
            if scope in content.entries or content.kek_id != kek_id:
                return content
            return replace(content, entries={**content.entries, scope: KeyEntry(wrapped=wrapped, made_at=utc_now())})

        self._store.change(added)

    def _current(self) -> KeyringContent:
        """Return the keyring as it stands, and forget keys that are no longer in it."""
        content = self._store.read()
        if content is not self._content:
            with self._lock:
                before = {} if self._content is None else self._content.entries
                self._content = content
                self._envelopes = {
                    scope: envelope
                    for scope, envelope in self._envelopes.items()
                    if content.entries.get(scope) == before[scope]
                }
        return content


def new_content(kek: KeyEncryptionKey) -> KeyringContent:
    """Return the content of a new keyring: the home's key alone."""
    wrapped = kek.wrap(secrets.token_bytes(KEY_BYTES), scope=HOME)
    return KeyringContent(kek_id=kek.kek_id, entries={HOME: KeyEntry(wrapped=wrapped, made_at=utc_now())})
