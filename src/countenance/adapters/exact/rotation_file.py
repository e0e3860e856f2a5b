"""The rotation of a home's indexed templates in a file, sealed under the home's key."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import numpy as np

from countenance.adapters.durable import locked, overwrite_and_delete, replace_synced
from countenance.core.errors import IntegrityError
from countenance.index.model import index_unwritable
from countenance.index.rotation import Rotation
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring

COLUMN = "rotation"


class RotationFile:
    """A file with one rotation; none where there is no file."""

    def __init__(self, path: Path, dim: int, keyring: Keyring) -> None:
        """Remember the place."""
        self.path = path
        self._dim = dim
        self._keyring = keyring
        self._seen: tuple[tuple[int, ...], str] | None = None

    def read(self) -> tuple[str, Rotation] | None:
        """Return the rotation and its identifier.

        Raises:
            IntegrityError: code `rotation-damaged`; the index can't be used, and can be made again.
        """
        try:
            sealed = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            data = self._keyring.open(HOME, sealed, record=self.path.name, column=COLUMN)
            rotation = Rotation(np.frombuffer(data, dtype="<f8").reshape(self._dim, self._dim))
        except (IntegrityError, ValueError):
            raise IntegrityError(
                f"the rotation of indexed templates is damaged: {self.path}",
                code="rotation-damaged",
                hint="`countenance templates rekey` makes another, and the index anew from the records",
            ) from None
        return identifier(sealed), rotation

    def is_in_force(self, name: str | None) -> bool:
        """Say whether what stands there now is the rotation of an identifier, None for none; it is not opened.

        Costs one stat where the file is the one that was looked at before.

        Raises:
            UnavailableError: code `index-unwritable`: the file can't be looked at.
        """
        try:
            found = self.path.stat()
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
            seen = self._seen
            if seen is None or seen[0] != stamp:
                # Read after the stat: of a file that is replaced in between, the next stat differs.
                self._seen = seen = (stamp, identifier(self.path.read_bytes()))
        except FileNotFoundError:
            return name is None
        except OSError as error:
            raise index_unwritable(error) from None
        return seen[1] == name

    def read_or_make(self) -> tuple[str, Rotation]:
        """Return the rotation and its identifier; made now where there is none, the same for all who ask at once.

        Raises:
            IntegrityError: code `rotation-damaged`.
            UnavailableError: code `index-unwritable`.
        """
        try:
            with self._changing():
                if (kept := self.read()) is not None:
                    return kept
                rotation = Rotation.random(self._dim)
                return self._put(rotation), rotation
        except OSError as error:
            raise index_unwritable(error) from None

    def replace(self, rotation: Rotation) -> str:
        """Put another rotation in the old one's place; return its identifier.

        Raises:
            OSError: the old one is still there.
        """
        with self._changing():
            return self._put(rotation)

    def _put(self, rotation: Rotation) -> str:
        """Put a rotation in its place; only under the lock."""
        data = rotation.matrix.astype("<f8").tobytes()
        sealed = self._keyring.seal(HOME, data, record=self.path.name, column=COLUMN)
        replace_synced(self.path, sealed)
        return identifier(sealed)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock that lets one process write the file at a time."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.path.with_name(f"{self.path.name}.lock")):
            yield


def identifier(sealed: bytes) -> str:
    """Tell rotations apart by their sealed bytes, which are never the same twice and say nothing."""
    return hashlib.sha256(sealed).hexdigest()[:16]


def sweep(index: Path, prefix: str, keep: Path | None, *, lock: str | None = None) -> None:
    """Overwrite and delete folders of stored indexes but the one that is kept.

    Args:
        lock: The file in each whose lock is held by whoever changes it, who is waited for; None waits for nobody.

    Raises:
        OSError: some are still there; run it again.
    """
    for folder in index.glob(f"{prefix}*"):
        if folder != keep and folder.is_dir():
            # Where the folder is gone by now, another process took it away.
            with suppress(FileNotFoundError), nullcontext() if lock is None else locked(folder / lock):
                for path in sorted(folder.iterdir(), key=lambda path: path.name == lock):
                    overwrite_and_delete(path)
                folder.rmdir()
