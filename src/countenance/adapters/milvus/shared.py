"""One gallery's collection on a Milvus server, that several processes search and one at a time changes."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import RLock
from uuid import uuid4

from countenance.adapters.milvus.engine import MilvusIndex
from countenance.adapters.milvus.server import Filter, MilvusServer, TemplateCollection
from countenance.adapters.milvus.state import SharedState, StateFile
from countenance.core.arrays import Templates
from countenance.core.errors import UnavailableError
from countenance.index.model import BlockRows, IndexState, Nearest, index_behind, index_mismatch
from countenance.index.ports import Originals, RowNumbers, TemplateSearch
from countenance.index.rotation import Rotation

logger = logging.getLogger(__name__)

FLUSH_ROWS = 10_000
"""Added rows from which the server is told to write its buffer away; smaller additions it writes when it wants to."""

COPIES = (
    "what the index's Milvus server keeps of removed rows, turned by a secret rotation, until it compacts them away"
)


class SharedMilvusIndex:
    """Implements `FollowingIndex`. Thread-safe, and safe among processes.

    Whoever changes the collection holds the lock beside the state's file. First the state says that it is being changed
    (revision -1), then the rows change, then it says what is held. So a process that was killed in between leaves a
    state that the next one does not trust: it takes out rows past the last one that is known to be whole, and follows
    the records from there.
    """

    def __init__(
        self,
        state: StateFile,
        dim: int,
        *,
        server: MilvusServer,
        prefix: str,
        originals: Originals,
        rotation: Rotation,
    ) -> None:
        """Open the collection that the state names, or make one.

        Args:
            prefix: What the names of this gallery's collections begin with, and of no other's.
            rotation: See `MilvusIndex`; a state's file is of one rotation.

        Raises:
            UnavailableError: codes `index-unavailable`, `index-unwritable`.
        """
        self._file = state
        self._server = server
        self._prefix = prefix
        self._dim = dim
        self._lock = RLock()
        self._changing = False
        self._verified: str | None = None
        self._added = 0
        with self._file.locked():
            self._state, collection = self._opened()
        self._index = MilvusIndex(dim, originals, collection=collection, rotation=rotation)
        self._index.last_row = self._state.last_row

    @property
    def dim(self) -> int:
        """See the port."""
        return self._dim

    @property
    def last_row(self) -> int:
        """See the port."""
        return self._index.last_row

    @property
    def revision(self) -> int:
        """See the port; -1 until this process has looked at the collection since it last reached the server."""
        state = self._file.read()
        return state.revision if state is not None and state.collection == self._verified else -1

    @revision.setter
    def revision(self, revision: int) -> None:
        with self.following():
            if self._added >= FLUSH_ROWS:
                self._index.collection.flush()
                self._added = 0
            if self._state.revision != revision:
                self._write(replace(self._state, revision=revision))
            self._verified = self._state.collection

    def state(self) -> IndexState:
        """See the port."""
        return IndexState(place=f"{self._server.uri} {self._index.collection.name}", rows=len(self))

    def __len__(self) -> int:
        """See the port."""
        with self._heeding():
            return len(self._index)

    @contextmanager
    def following(self) -> Iterator[None]:
        """See the port."""
        with self._lock:
            if self._changing:
                yield
                return
            with self._file.locked(), self._heeding():
                self._changing = True
                try:
                    self._state, self._index.collection = self._opened()
                    self._index.last_row = self._state.last_row
                    yield
                finally:
                    self._changing = False

    def add(self, *parts: BlockRows) -> None:
        """See the port."""
        with self.following():
            self._begin()
            self._index.add(*parts)
            newest = dict(self._state.newest)
            for part in parts:
                if len(part.rows):
                    self._added += len(part.rows)
                    newest[part.block] = max(int(part.rows.max()), newest.get(part.block, 0))
            self._write(replace(self._state, last_row=self.last_row, newest=newest))

    def remove(self, rows: Collection[int] | RowNumbers) -> None:
        """See the port."""
        with self.following():
            self._begin()
            self._index.remove(rows)

    def keep(self, block: str, rows: RowNumbers) -> None:
        """See the port."""
        with self.following():
            self._begin()
            self._index.keep(block, rows)

    def blocks(self) -> Collection[str]:
        """See the port."""
        return [block for block in self._state.newest if self.count(block)]

    def newest(self) -> Collection[int]:
        """See the port."""
        return self._state.newest.values()

    def count(self, block: str) -> int:
        """See the port."""
        with self._heeding():
            return self._index.count(block)

    def rows(self, block: str | None = None) -> RowNumbers:
        """See the port."""
        with self.following():
            return self._index.rows(block)

    def differing(self, part: BlockRows) -> RowNumbers:
        """See the port."""
        with self._heeding():
            return self._index.differing(part)

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """See the port; what is answered is the index's, as far as the state says that it is whole."""
        if self._now().condemned:
            raise index_mismatch("`countenance doctor` found it so")
        with self._heeding():
            return self._index.search(
                probes, blocks=blocks, limit=limit, threshold=threshold, last_row=lambda: self._now().last_row
            )

    def pinned(self) -> TemplateSearch:
        """See the port; a server keeps nothing as it was: what anybody changes under a search spoils it."""
        return partial(self._searched, self._now())

    def _searched(
        self,
        state: SharedState,
        probes: Templates,
        *,
        blocks: Collection[str],
        limit: int,
        threshold: float | None = None,
    ) -> list[Nearest]:
        """Search while a state lasts.

        Raises:
            IndexChangedError: it lasted no longer, or somebody near is not on record any more.
        """
        if state.condemned:
            raise index_mismatch("`countenance doctor` found it so")
        with self._heeding():
            found = self._index.search(
                probes,
                blocks=blocks,
                limit=limit,
                threshold=threshold,
                last_row=lambda: state.last_row,
                passes_over=False,
            )
        if self._now() != state:
            raise index_behind()
        return found

    def condemn(self) -> None:
        """See the port."""
        with self.following():
            self._write(replace(self._state, condemned=True))

    def settle(self, gone: Collection[int] = ()) -> str:
        """See the port; when the server overwrites its disk is its own affair.

        All processes share the one collection, which holds nothing of what was erased once it follows the records.
        """
        del gone
        return COPIES

    def clear(self) -> None:
        """See the port."""
        with self.following():
            self._state, self._index.collection = self._made()
            self._index.last_row = 0

    def close(self) -> None:
        """See the port."""
        self._server.close()

    def _now(self) -> SharedState:
        """Return what the state says now, whoever wrote it; where the file can't be read, what it said last."""
        return self._file.read() or self._state

    def _begin(self) -> None:
        """Say that what is held is about to change."""
        if self._state.revision >= 0:
            self._write(replace(self._state, revision=-1))

    def _opened(self) -> tuple[SharedState, TemplateCollection]:
        """Return the state and the collection that it names, without rows that a change which was cut short left."""
        if (state := self._file.read()) is None:
            return self._made()
        verified = state.collection == self._verified
        collection = self._index.collection if verified else self._server.loaded(state.collection)
        if collection is None:
            return self._made()
        if state.revision < 0:
            collection.delete(Filter.of(low=state.last_row + 1))
        return state, collection

    def _made(self) -> tuple[SharedState, TemplateCollection]:
        """Drop what there is, and make a collection under a name that never was; the state names it first."""
        for name in self._server.collections(self._prefix):
            self._server.drop(name)
        state = SharedState(collection=f"{self._prefix}{uuid4().hex}")
        self._file.write(state)
        return state, self._server.make(state.collection, self._dim)

    def _write(self, state: SharedState) -> None:
        """Put a state on disk; only while following."""
        self._file.write(state)
        self._state = state

    @contextmanager
    def _heeding(self) -> Iterator[None]:
        """Trust the collection no more once the server could not be reached."""
        try:
            yield
        except UnavailableError:
            self._verified = None
            raise
