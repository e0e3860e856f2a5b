"""The exact engine with its blocks on disk."""

import logging
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

from countenance.adapters.exact.blocks import BlockStore, DamagedError
from countenance.adapters.exact.engine import ExactIndex
from countenance.adapters.exact.segments import rising
from countenance.core.arrays import Templates
from countenance.index.model import BlockRows, IndexState, Nearest, index_mismatch, index_unwritable
from countenance.index.ports import Originals, RowNumbers
from countenance.index.rotation import Rotation
from countenance.keys.ports import Keyring

logger = logging.getLogger(__name__)

SAVE_ROWS = 65_536
"""New rows from which they are stored: as many are read from the records again after a crash, in two seconds.

Storing writes the last file of each source that has new rows again: fewer rows would cost more the more sources there
are.
"""


class Erasure(NamedTuple):
    """Rows that are overwritten on disk, or will be."""

    rows: RowNumbers
    ended: Future[None]

    @property
    def succeeded(self) -> bool:
        """Whether they are gone from there."""
        return self.ended.done() and self.ended.exception() is None


class StoredExactIndex:
    """Implements `FollowingIndex`: an `ExactIndex` that is read from a folder, and kept there. Thread-safe.

    What can't be stored is not lost: the folder is derived from the records. Searches don't wait for the disk: what is
    removed is overwritten there by a thread of its own, at once.
    """

    def __init__(
        self,
        folder: Path,
        dim: int,
        *,
        originals: Originals,
        keyring: Keyring,
        index: ExactIndex | None = None,
        rotation: Rotation | None = None,
    ) -> None:
        """Read what is stored; what is damaged is thrown away, to be filled from the records again.

        Args:
            index: An empty index of another kind, that holds the same rows, under the same rotation.
            rotation: See `ExactIndex`; a folder holds rows of one rotation.
        """
        self._store = BlockStore(folder, dim, keyring)
        self._index = ExactIndex(dim, originals=originals, rotation=rotation) if index is None else index
        self.revision = -1
        self._saved_row = 0
        self._condemned = False
        self._eraser = ThreadPoolExecutor(1, thread_name_prefix="eraser")
        self._erasures: list[Erasure] = []
        self._erasures_lock = Lock()
        try:
            manifest, segments = self._store.load()
        except DamagedError as error:
            logger.warning("the stored index is damaged and is made again: %s", error)
            self._discard()
            return
        self._index.put(*segments)
        self._index.last_row = self._saved_row = manifest.last_row

    @property
    def dim(self) -> int:
        """See the port."""
        return self._index.dim

    @property
    def last_row(self) -> int:
        """See the port."""
        return self._index.last_row

    @property
    def nbytes(self) -> int:
        """Bytes that the rows take in memory."""
        return self._index.nbytes

    def __len__(self) -> int:
        """See the port."""
        return len(self._index)

    def following(self) -> AbstractContextManager[None]:
        """See the port; each process has rows of its own in memory, and the folder has a lock of its own."""
        return nullcontext()

    def rows(self, block: str | None = None) -> RowNumbers:
        """See the port."""
        return self._index.rows(block)

    def count(self, block: str) -> int:
        """See the port."""
        return self._index.count(block)

    def blocks(self) -> Collection[str]:
        """See the port."""
        return self._index.blocks()

    def newest(self) -> Collection[int]:
        """See the port."""
        return [int(self.rows(block)[-1]) for block in self.blocks()]

    def keep(self, block: str, rows: RowNumbers) -> None:
        """See the port."""
        held = self.rows(block)
        # A million rows need not be compared with none.
        self.remove(np.setdiff1d(held, rows) if len(rows) else held)

    def differing(self, part: BlockRows) -> RowNumbers:
        """See the port."""
        return self._index.differing(part)

    def add(self, *parts: BlockRows) -> None:
        """See the port."""
        self._index.add(*parts)
        if self.last_row - self._saved_row >= SAVE_ROWS:
            self.save()

    def remove(self, rows: Collection[int] | RowNumbers) -> None:
        """See the port; what stood there is overwritten in memory before this returns, and on disk when `settle` does.

        `close` waits for that as well; a process that is killed leaves rows that the next one takes out.
        """
        gone = rising(rows)
        if not len(gone):
            return
        self._index.remove(gone)
        with self._erasures_lock:
            self._erasures = [one for one in self._erasures if not one.succeeded]
            self._erasures.append(self._erasure(gone))

    def settle(self) -> str:
        """See the port."""
        with self._erasures_lock:
            while self._erasures:
                wait([self._erasures[0].ended])
                if not self._erasures[0].succeeded:
                    self._erasures[0] = self._erasure(self._erasures[0].rows)
                try:
                    self._erasures[0].ended.result()
                except OSError as error:
                    raise index_unwritable(error) from None
                self._erasures.pop(0)
        return ""

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """See the port; what is answered is the index's."""
        if self._condemned or self._store.condemned:
            self._condemned = True
            raise index_mismatch("`countenance doctor` found it so")
        return self._index.search(probes, blocks=blocks, limit=limit, threshold=threshold)

    def condemn(self) -> None:
        """See the port."""
        self._store.condemn()

    def clear(self) -> None:
        """See the port."""
        self._index.clear()
        with self._erasures_lock:
            wait([one.ended for one in self._erasures])
            self._erasures.clear()
            self._discard()
        self._condemned = False
        self.revision = -1

    def state(self) -> IndexState:
        """See the port; every file is read and checked."""
        return self._store.state()

    def save(self) -> None:
        """Store what is not stored yet."""
        if self.last_row == self._saved_row:
            return
        last_row = self.last_row
        try:
            self._store.append(self._index.segments_after, last_row)
        except DamagedError as error:
            logger.warning("the stored index is damaged and is stored again: %s", error)
            self._discard()
            self._store.append(self._index.segments_after, last_row)
        except OSError as error:
            logger.warning("the index can't be stored: %s", error.strerror)
            return
        self._saved_row = last_row

    def close(self) -> None:
        """Store what is not stored yet, and end once what was removed is overwritten; what failed is in the log."""
        self.save()
        self._eraser.shutdown()

    def _erasure(self, rows: RowNumbers) -> Erasure:
        """Have rows overwritten on disk."""
        return Erasure(rows, self._eraser.submit(self._erase, rows))

    def _erase(self, rows: RowNumbers) -> None:
        """Overwrite rows on disk."""
        try:
            self._store.erase(rows)
        except DamagedError as error:
            logger.warning("the stored index is damaged and is made again: %s", error)
            self._discard()
        except OSError as error:
            logger.warning("what was erased may still stand in the stored index: %s", error.strerror)
            raise

    def _discard(self) -> None:
        """Throw away what is stored."""
        self._saved_row = 0
        try:
            self._store.clear()
        except OSError as error:
            raise index_unwritable(error) from None
