"""The exact engine with its blocks on disk."""

import logging
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

from countenance.adapters.exact.blocks import BlockStore, DamagedError
from countenance.adapters.exact.engine import ExactIndex
from countenance.adapters.exact.segments import rising
from countenance.core.arrays import Templates
from countenance.core.errors import UnavailableError
from countenance.index.model import BlockRows, IndexState, Nearest, index_mismatch, index_unwritable
from countenance.index.ports import Originals, RowNumbers, TemplateSearch
from countenance.index.rotation import Rotation
from countenance.keys.ports import Keyring

logger = logging.getLogger(__name__)

SAVE_ROWS = 65_536
"""New rows from which they are stored: as many are read from the records again after a crash, in two seconds.

Storing writes the last file of each source that has new rows again: fewer rows would cost more the more sources there
are.
"""


class Erasure(NamedTuple):
    """Rows that are overwritten on disk, or will be; see `BlockStore.erase`."""

    rows: RowNumbers
    for_good: bool
    ended: Future[None]

    @property
    def succeeded(self) -> bool:
        """Whether they are gone from there."""
        return self.ended.done() and self.ended.exception() is None

    @property
    def failed(self) -> bool:
        """Whether they may still stand there, and nobody is at it."""
        return self.ended.done() and self.ended.exception() is not None


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
        in_force: Callable[[], bool] = lambda: True,
    ) -> None:
        """Read what is stored; what is damaged is thrown away, to be filled from the records again.

        Args:
            index: An empty index of another kind, that holds the same rows, under the same rotation.
            rotation: See `ExactIndex`; a folder holds rows of one rotation.
            in_force: Says whether that rotation is still the gallery's; asked before the records are followed, before
                each change of the folder, and before anything is certified. From then on nothing is stored or erased.
        """
        self._store = BlockStore(folder, dim, keyring, in_force=in_force)
        self._index = ExactIndex(dim, originals=originals, rotation=rotation) if index is None else index
        self._revision = -1
        self._saved_row = 0
        self._filling = self._next_filling = ""
        self._condemned = False
        self._eraser = ThreadPoolExecutor(1, thread_name_prefix="eraser")
        self._erasures: list[Erasure] = []
        self._erasures_lock = Lock()
        try:
            manifest, segments = self._store.load()
        except DamagedError as error:
            logger.warning("the stored index is damaged and is made again: %s", error)
            self._filling = self._next_filling = self._discarded()
            return
        self._index.put(*segments)
        self._index.last_row = self._saved_row = manifest.last_row
        self._filling = self._next_filling = manifest.filling

    @property
    def revision(self) -> int:
        """See the port."""
        return self._revision

    @revision.setter
    def revision(self, revision: int) -> None:
        self._revision, self._filling = revision, self._next_filling
        self._save_if_many()

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

    @contextmanager
    def following(self) -> Iterator[None]:
        """See the port; each process has rows of its own in memory, and the folder has a lock of its own.

        What is held once it follows the records may be stored in the folder as it was before: whatever was erased for
        good from there since is on the manifest's list. A folder that was taken away is not made again.
        """
        self._store.require_in_force()
        with suppress(DamagedError):
            self._next_filling = self._store.manifest().filling or self._filling
        if not len(self._index):
            self._filling = self._next_filling
        yield

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
        self._save_if_many()

    def remove(self, rows: Collection[int] | RowNumbers) -> None:
        """See the port; what stood there is overwritten in memory before this returns, and on disk when `settle` does.

        `close` waits for that as well; a process that is killed leaves rows that the next one takes out.
        """
        gone = rising(rows)
        if len(gone):
            self._index.remove(gone)
            self._overwrite(gone, for_good=False)

    def settle(self, gone: Collection[int] = ()) -> str:
        """See the port.

        Another rotation's folder may hold what was erased, if it was filled before: asked here, after the rows left the
        records. One that is filled later holds none of them.
        """
        self._store.require_in_force()
        if len(gone):
            self._overwrite(rising(gone), for_good=True)
        with self._erasures_lock:
            self._erasures = [
                self._erasure(one.rows, for_good=one.for_good) if one.failed else one for one in self._erasures
            ]
            waited = tuple(self._erasures)
        # Without the lock: whoever removes rows meanwhile, while searches wait for it, need not wait for the disk.
        for one in waited:
            try:
                one.ended.result()
            except OSError as error:
                raise index_unwritable(error) from None
        return ""

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """See the port; what is answered is the index's."""
        self._require_good()
        return self._index.search(probes, blocks=blocks, limit=limit, threshold=threshold)

    def pinned(self) -> TemplateSearch:
        """See the port; what is answered is the index's."""
        self._require_good()
        return self._index.pinned()

    def condemn(self) -> None:
        """See the port."""
        self._store.condemn()

    def clear(self) -> None:
        """See the port."""
        self._index.clear()
        with self._erasures_lock:
            under_way, self._erasures = self._erasures, []
        wait([one.ended for one in under_way])
        self._filling = self._next_filling = self._discarded()
        self._condemned = False

    def state(self) -> IndexState:
        """See the port; every file is read and checked."""
        return self._store.state()

    def save(self) -> None:
        """Store what is not stored yet; what is damaged is thrown away, and stored once the records were followed."""
        if self.last_row == self._saved_row:
            return
        last_row = self.last_row
        try:
            filling = self._store.append(self._index.segments_after, last_row, filling=self._filling)
        except DamagedError as error:
            logger.warning("the stored index is damaged and is stored again: %s", error)
            self._discarded()
        except OSError as error:
            logger.warning("the index can't be stored: %s", error.strerror)
        except UnavailableError as error:
            logger.info("the index is not stored: %s", error)
        else:
            if filling is not None:
                self._filling = self._next_filling = filling
                self._saved_row = last_row

    def close(self) -> None:
        """Store what is not stored yet, and end once what was removed is overwritten; what failed is in the log."""
        self.save()
        self._eraser.shutdown()

    def _require_good(self) -> None:
        """Refuse what was condemned, here or by another process."""
        if self._condemned or self._store.condemned:
            self._condemned = True
            raise index_mismatch("`countenance doctor` found it so")

    def _save_if_many(self) -> None:
        """Store what is not stored yet, where it is much."""
        if self.last_row - self._saved_row >= SAVE_ROWS:
            self.save()

    def _overwrite(self, rows: RowNumbers, *, for_good: bool) -> None:
        """Have rows overwritten on disk; `settle` waits for it."""
        with self._erasures_lock:
            self._erasures = [one for one in self._erasures if not one.succeeded]
            self._erasures.append(self._erasure(rows, for_good=for_good))

    def _erasure(self, rows: RowNumbers, *, for_good: bool) -> Erasure:
        """Have rows overwritten on disk."""
        return Erasure(rows, for_good, self._eraser.submit(self._erase, rows, for_good=for_good))

    def _erase(self, rows: RowNumbers, *, for_good: bool) -> None:
        """Overwrite rows on disk."""
        try:
            self._store.erase(rows, for_good=for_good)
        except DamagedError as error:
            logger.warning("the stored index is damaged and is made again: %s", error)
            self._discarded()
        except OSError as error:
            logger.warning("what was erased may still stand in the stored index: %s", error.strerror)
            raise
        except UnavailableError as error:
            logger.warning("what was erased may still stand in another stored index: %s", error)
            raise

    def _discarded(self) -> str:
        """Throw away what is stored; nothing is stored again before the records were followed.

        Returns:
            What the folder's filling is called now.
        """
        self._saved_row, self._revision = 0, -1
        try:
            return self._store.clear()
        except OSError as error:
            raise index_unwritable(error) from None
