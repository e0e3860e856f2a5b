"""The key-encryption key in a file, outside the data: the default."""

import base64
import binascii
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from countenance.adapters.durable import (
    locked,
    overwrite,
    overwrite_and_delete,
    replace_synced,
    sync_folder,
    write_synced,
)
from countenance.adapters.keys.aead_kek import AeadKek
from countenance.core.errors import IntegrityError, NotFoundError, UnavailableError
from countenance.keys.envelope import KEY_BYTES
from countenance.keys.model import key_wrong

KIND = "file"
MARK = b"countenance-kek-1"


class FileKek:
    """A file with a key-encryption key. One line: a mark, and the key in base64.

    Several processes may share it: whoever puts another key in its place, or takes it away, holds the lock beside it.
    """

    def __init__(self, path: Path) -> None:
        """Remember the file; it is read each time, so that a new one is noticed."""
        self.path = path

    def make(self) -> AeadKek:
        """Return the file's key, written with a new one where there is no file.

        Raises:
            UnavailableError: code `key-file-unwritable`; nothing is left behind.
            IntegrityError, UnavailableError: as `load`.
        """
        if not self.path.exists():
            beside = self.path.with_name(f"{self.path.name}.{secrets.token_hex(8)}")
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                try:
                    write_synced(beside, _new_line())
                    # Of several processes that make one, the first wins, and a file is never written over.
                    self.path.hardlink_to(beside)
                except FileExistsError:
                    pass
                finally:
                    beside.unlink(missing_ok=True)
                sync_folder(self.path.parent)
            except OSError as error:
                raise _unwritable(self.path, error) from None
        return self._read(self.path)

    def load(self, kek_id: str) -> AeadKek:
        """Return the key-encryption key of an identifier; a rotation that was cut short is finished.

        Raises:
            NotFoundError: code `key-file-missing`.
            UnavailableError: codes `key-file-unreadable`; `key-file-unwritable`, the key still lies beside its place.
            IntegrityError: code `key-wrong`: it is another key, or no key.
        """
        if self._waits(kek_id):
            self._promote(kek_id)
        kek = self._read(self.path)
        if kek.kek_id != kek_id:
            raise key_wrong(kek_id)
        return kek

    def make_next(self) -> AeadKek:
        """Write a new key beside the one in use, in the place of one that never came into use.

        Raises:
            UnavailableError: code `key-file-unwritable`; the one in use stays.
        """
        with self._changing():
            # Whole or not at all: whoever opens the keyring reads it.
            replace_synced(self._next, _new_line())
        return self._read(self._next)

    def retire(self, kek_id: str) -> None:
        """Overwrite and delete the key file where it holds a key that another kind of key took the place of.

        Raises:
            UnavailableError: code `key-file-unwritable`; it is still there.
        """
        with self._changing():
            if self.path.exists() and self._read(self.path).kek_id == kek_id:
                overwrite_and_delete(self.path)
                sync_folder(self.path.parent)

    def _promote(self, kek_id: str) -> None:
        """Put a new key in the old one's place, and overwrite the old one, unless another process has done it.

        Steps, each of which may be the last before a crash; until the last one is done, `load` does all of them again:
        1. What lies beside is read once more, now that nobody else can move it.
        2. The old key is overwritten where it lies. The keyring names the new one by now.
        3. The new file takes the old one's name, which always leads to a file.

        Raises:
            UnavailableError: code `key-file-unwritable`; the new key still lies beside its place.
        """
        with self._changing():
            if not self._waits(kek_id):  # 1
                return
            if self.path.exists():  # 2
                with self.path.open("r+b") as old:
                    overwrite(old.fileno())
            self._next.replace(self.path)  # 3
            sync_folder(self.path.parent)

    def _waits(self, kek_id: str) -> bool:
        """Say whether a key lies beside the one in use."""
        try:
            return self._next.exists() and self._read(self._next).kek_id == kek_id
        except (IntegrityError, NotFoundError):
            # Cut short as it was written, or moved since.
            return False

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock that lets one process change the files at a time, and say what can't be written."""
        try:
            with locked(self.path.with_name(f"{self.path.name}.lock")):
                yield
        except OSError as error:
            raise _unwritable(self.path, error) from None

    @property
    def _next(self) -> Path:
        """Where a new key lies until it is in use."""
        return self.path.with_name(f"{self.path.name}.next")

    @staticmethod
    def _read(path: Path) -> AeadKek:
        """Read a key file."""
        try:
            mark, _, encoded = path.read_bytes().strip().partition(b" ")
        except FileNotFoundError:
            raise NotFoundError(
                f"the key file {path} is missing",
                code="key-file-missing",
                hint="put it back from its backup, or name its place with COUNTENANCE_KEY_FILE: nothing can be read "
                "without it",
            ) from None
        except OSError as error:
            raise UnavailableError(
                f"the key file {path} can't be read: {error.strerror}",
                code="key-file-unreadable",
                hint="only the account that runs Countenance may read it, and that account must",
            ) from None
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if mark != MARK or len(key) != KEY_BYTES:
            raise IntegrityError(f"{path} is not a key file", code="key-wrong", hint="put it back from its backup")
        return AeadKek(key, KIND)


def _new_line() -> bytes:
    """Return the content of a key file with a new key."""
    return MARK + b" " + base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"


def _unwritable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"the key file {path} can't be written: {error.strerror}",
        code="key-file-unwritable",
        hint="name another place for it with COUNTENANCE_KEY_FILE",
    )
