"""The keyring in a file of its own, apart from the data. Several processes may share it.

Whoever changes it takes the lock beside it, writes a new file, syncs it, puts it in the old one's place, and overwrites
the old one: a key that was destroyed is not left on the disk. Readers take no lock: they hold the file open that they
read, so that its number on the disk can't be given to another, and look whether the path still leads to it.
"""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from countenance.adapters.durable import overwrite, replace_synced
from countenance.core.errors import ConflictError, IntegrityError, NotFoundError, UnavailableError
from countenance.keys.model import KeyEntry, KeyringContent

FORMAT = 1
ATTEMPTS = 5
"""Readings that another process's change may spoil."""


class FileKeyringStore:
    """Implements `KeyringStore` with one file. Thread-safe."""

    def __init__(self, path: Path) -> None:
        """Remember the path."""
        self.path = path
        self._lock = Lock()
        self._held: int | None = None
        self._place: tuple[int, int] | None = None
        self._content: KeyringContent | None = None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._let_go()

    def create(self, content: KeyringContent) -> None:
        """Write a keyring where there is none.

        Raises:
            ConflictError: code `keyring-exists`; nothing was changed.
            UnavailableError: code `keyring-unwritable`; nothing was changed.
        """
        self._make_folder()
        with self._changing():
            if self.path.exists():
                raise ConflictError(
                    f"there is a keyring at {self.path} already",
                    code="keyring-exists",
                    hint="move it away if it is of no use",
                )
            try:
                replace_synced(self.path, packed(content))
            except OSError as error:
                raise _unwritable(self.path, error) from None

    def read(self) -> KeyringContent:
        """See the port."""
        with self._lock:
            try:
                now = self.path.stat()
            except FileNotFoundError:
                self._let_go()
                raise _missing(self.path) from None
            if self._content is None or (now.st_dev, now.st_ino) != self._place:
                self._content = self._load()
            return self._content

    def change(self, changed: Callable[[KeyringContent], KeyringContent]) -> KeyringContent:
        """See the port."""
        with self._changing():
            before = self.read()
            after = changed(before)
            if after is before:
                return before
            try:
                old = os.open(self.path, os.O_RDWR)
                try:
                    replace_synced(self.path, packed(after))
                    overwrite(old)
                finally:
                    os.close(old)
            except OSError as error:
                raise _unwritable(self.path, error) from None
            return self.read()

    def put(self, content: Callable[[KeyringContent | None], KeyringContent]) -> KeyringContent:
        """Replace what is kept, also where that is missing or damaged.

        Args:
            content: Returns the new content from the current one; None where that can't be read.

        Raises:
            UnavailableError: code `keyring-unwritable`; nothing was changed.
        """
        self._make_folder()
        with self._changing():
            try:
                current = self.read()
            except (NotFoundError, IntegrityError):
                current = None
            after = content(current)
            try:
                replace_synced(self.path, packed(after))
            except OSError as error:
                raise _unwritable(self.path, error) from None
            return self.read()

    @contextmanager
    def rotating(self) -> Iterator[None]:
        """Take turns with whoever else gives the keyring another key-encryption key; all others use it meanwhile.

        Raises:
            UnavailableError: code `keyring-unwritable`; nothing was changed.
        """
        self._make_folder()
        with self._locked("rotation-lock"):
            yield

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock that lets one process change the keyring at a time: for a moment, nothing is asked under it."""
        with self._locked("lock"):
            yield

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Hold a lock in a file beside the keyring."""
        try:
            descriptor = os.open(self.path.with_name(f"{self.path.name}.{name}"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unwritable(self.path, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_folder(self) -> None:
        """Make the folder that the keyring lies in."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def _load(self) -> KeyringContent:
        """Open the file, read it, and hold it open."""
        for _ in range(ATTEMPTS):
            self._let_go()
            try:
                held = os.open(self.path, os.O_RDONLY)
            except FileNotFoundError:
                raise _missing(self.path) from None
            except OSError as error:
                raise UnavailableError(
                    f"the keyring {self.path} can't be read: {error.strerror}",
                    code="keyring-unreadable",
                    hint="only the account that runs Countenance may read it, and that account must",
                ) from None
            opened = os.fstat(held)
            self._held, self._place = held, (opened.st_dev, opened.st_ino)
            data = os.pread(held, opened.st_size, 0)
            now = self.path.stat()
            # Replaced meanwhile: what was read may be zeros already.
            if (now.st_dev, now.st_ino) == self._place:
                return unpacked(data)
        raise UnavailableError("the keyring changes all the time", code="keyring-unreadable", hint="try again")

    def _let_go(self) -> None:
        """Close the file that is held."""
        self._content = self._place = None
        if self._held is not None:
            os.close(self._held)
            self._held = None


def packed(content: KeyringContent) -> bytes:
    """Return the bytes of a keyring: one line of JSON, and one with its SHA-256."""
    keys = {scope: _packed_entry(entry) for scope, entry in content.entries.items()}
    body = json.dumps({"format": FORMAT, "kek": content.kek_id, "keys": keys}, indent=1).encode()
    return body + b"\n" + hashlib.sha256(body).hexdigest().encode() + b"\n"


def unpacked(data: bytes) -> KeyringContent:
    """Return the keyring in bytes that `packed` made.

    Raises:
        IntegrityError: code `keyring-damaged`.
    """
    body, _, digest = data.rstrip(b"\n").rpartition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise IntegrityError(
            "the keyring is damaged", code="keyring-damaged", hint="restore it with `countenance keys restore`"
        )
    read = json.loads(body)
    if read["format"] != FORMAT:
        raise ConflictError(
            "the keyring was made by a newer version of Countenance",
            code="keyring-newer",
            hint="install that version or a later one",
        )
    return KeyringContent(
        kek_id=read["kek"], entries={scope: _unpacked_entry(entry) for scope, entry in read["keys"].items()}
    )


def _packed_entry(entry: KeyEntry) -> dict[str, str]:
    """Return one key as JSON."""
    packed_entry = {"made_at": entry.made_at.isoformat()}
    if entry.destroyed_at is None:
        return packed_entry | {"wrapped": base64.b64encode(entry.wrapped).decode()}
    reason = base64.b64encode(entry.reason).decode()
    return packed_entry | {"destroyed_at": entry.destroyed_at.isoformat(), "reason": reason}


def _unpacked_entry(read: Mapping[str, Any]) -> KeyEntry:
    """Return one key from JSON."""
    made_at = datetime.fromisoformat(read["made_at"])
    if "destroyed_at" not in read:
        return KeyEntry(wrapped=base64.b64decode(read["wrapped"]), made_at=made_at)
    return KeyEntry(
        wrapped=b"",
        made_at=made_at,
        destroyed_at=datetime.fromisoformat(read["destroyed_at"]),
        reason=base64.b64decode(read["reason"]),
    )


def _missing(path: Path) -> NotFoundError:
    return NotFoundError(
        f"the keyring {path} is missing",
        code="keyring-missing",
        hint="put it back with `countenance keys restore`, or name its place with COUNTENANCE_KEYRING",
    )


def _unwritable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"the keyring {path} can't be written: {error.strerror}",
        code="keyring-unwritable",
        hint="see to the disk and the folder's permissions, then run the same command again",
    )
