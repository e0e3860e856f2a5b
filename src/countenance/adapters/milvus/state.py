"""What a collection on a Milvus server holds, as a sealed file in the home, and the lock of whoever changes it.

The server is not asked for this: it may have been put back to an older state, and has no transactions.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from countenance.adapters.durable import locked, replace_synced
from countenance.core.errors import IntegrityError
from countenance.index.model import index_superseded, index_unwritable
from countenance.keys.documents import open_document, seal_document
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring

STATE, LOCK = "state", "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedState:
    """What a collection holds.

    Attributes:
        collection: Its name on the server; another one each time that it is filled anew.
        last_row: Rows up to this one were added.
        revision: The records' revision that it is equal to; -1 while it is changed, and where that was cut short.
        newest: The highest row number that was ever added to each block.
        condemned: Whether it must not be searched.
    """

    collection: str
    last_row: int = 0
    revision: int = -1
    newest: Mapping[str, int] = field(default_factory=dict)
    condemned: bool = False


class StateFile:
    """The file, in a folder that names the model pack and the rotation. Thread-safe."""

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        """Remember the folder, which must be there."""
        self.folder = folder
        self._keyring = keyring
        self._read: tuple[tuple[int, ...], SharedState] | None = None

    def read(self) -> SharedState | None:
        """Return what it says now; None where there is no file, or it is damaged."""
        path = self.folder / STATE
        try:
            found = path.stat()
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
            if self._read is not None and self._read[0] == stamp:
                return self._read[1]
            document = open_document(self._keyring, HOME, path.read_bytes(), record=self.folder.name, column=STATE)
        except (OSError, IntegrityError):
            return None
        state = SharedState(**document)
        self._read = (stamp, state)
        return state

    def write(self, state: SharedState) -> None:
        """Put a state in the old one's place; only under the lock.

        Raises:
            UnavailableError: codes `index-unwritable`, `index-superseded`; the old state is still there.
        """
        sealed = seal_document(self._keyring, HOME, asdict(state), record=self.folder.name, column=STATE)
        with self._writing():
            replace_synced(self.folder / STATE, sealed)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of whoever changes the collection; waits for another process that does.

        Raises:
            UnavailableError: codes `index-unwritable`, `index-superseded`; nothing is held.
        """
        lock = locked(self.folder / LOCK)
        with self._writing():
            lock.__enter__()
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say what it means where the folder is gone or can't be written."""
        try:
            yield
        except FileNotFoundError:
            raise index_superseded() from None
        except OSError as error:
            raise index_unwritable(error) from None
