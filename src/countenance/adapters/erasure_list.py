"""The list of what was erased, in a file of its own, apart from the data.

A line each: kind, id, and a fingerprint under the home's key, so that a line of another home, or one that was changed,
is noticed. Whoever adds takes a lock on the file, and waits until the line is on disk. A last line that was cut short
was never promised to anybody, and is written over.
"""

import fcntl
import hmac
import os
from pathlib import Path

from countenance.adapters.durable import sync_folder
from countenance.core.errors import IntegrityError, UnavailableError
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.erasure import ERASES, Erased
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring

COLUMN = "erasure-list"
KINDS = {kind.value: kind for kind in ERASES}


class FileErasureList:
    """Implements `ErasureList` with one file. Thread-safe."""

    def __init__(self, path: Path, keyring: Keyring) -> None:
        """Remember where it is, and the keyring that lines are checked with."""
        self._path = path
        self._keyring = keyring

    def add(self, erased: Erased) -> None:
        """See the port."""
        line = self._line(erased.kind, erased.target)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                written = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
                whole = written[: written.rfind(b"\n") + 1]
                if line in whole.splitlines(keepends=True):
                    return
                os.ftruncate(descriptor, len(whole))
                os.pwrite(descriptor, line, len(whole))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            sync_folder(self._path.parent)
        except OSError as error:
            raise UnavailableError(
                f"the list of what was erased, {self._path}, can't be written: {error.strerror}",
                code="erasure-list-unwritable",
                hint="see to the disk and the folder's permissions, then run the same command again",
            ) from None

    def all(self) -> frozenset[Erased]:
        """See the port."""
        try:
            written = self._path.read_bytes()
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise UnavailableError(
                f"the list of what was erased, {self._path}, can't be read: {error.strerror}",
                code="erasure-list-unreadable",
                hint="only the account that runs Countenance may read it, and that account must",
            ) from None
        return frozenset(self._read(line) for line in written.splitlines(keepends=True) if line.endswith(b"\n"))

    def _line(self, kind: DestructionKind, target: str) -> bytes:
        """Return the line of one that was erased."""
        words = f"{kind.value} {target}"
        fingerprint = self._keyring.fingerprint(HOME, words.encode(), column=COLUMN)
        return f"{words} {fingerprint.hex()}\n".encode()

    def _read(self, line: bytes) -> Erased:
        """Read one line, and check that it is this home's."""
        name, _, rest = line.decode("ascii", errors="replace").partition(" ")
        target = rest.partition(" ")[0]
        kind = KINDS.get(name)
        if kind is None or not hmac.compare_digest(self._line(kind, target), line):
            raise IntegrityError(
                f"the list of what was erased, {self._path}, is damaged or another home's",
                code="erasure-list-damaged",
                hint="put it back from its copy; where there is none, move it away: it is made again from the records",
            )
        return Erased(kind, target)
