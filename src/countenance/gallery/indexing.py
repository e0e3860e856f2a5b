"""Keeping the index equal to the records: it is filled from them, follows them, and is thrown away when in doubt."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from threading import Lock
from typing import TypeVar

import numpy as np

from countenance.core.errors import IntegrityError
from countenance.gallery.model import Snapshot
from countenance.gallery.ports import Records
from countenance.gallery.references import ReferenceBatch
from countenance.index.model import IndexChangedError, index_behind, index_mismatch
from countenance.index.ports import FollowingIndex, Originals, RowNumbers, TemplateSearch

logger = logging.getLogger(__name__)

ATTEMPTS = 5
"""Times that the records may change while they are read."""

SEARCHES = 3
"""Times that one search is begun, where what it needs is taken out under it; the last time nothing may change."""

T = TypeVar("T")

NO_ROWS: RowNumbers = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where index and records disagree.

    Attributes:
        revision: The records' that were compared.
        compared: Subjects on record, each with what it is compared by.
        differing: Rows that the index does not hold as they are on record; int64.
        extra: Rows of the index that are not on record; int64.
    """

    revision: int
    compared: int
    differing: RowNumbers
    extra: RowNumbers

    @property
    def agree(self) -> bool:
        """Whether index and records are equal."""
        return not len(self.differing) and not len(self.extra)


def originals_of(records: Records) -> Originals:
    """Return where an engine over the records gets what its rows are compared by."""
    return lambda rows: {row: one.template for row, one in records.references(rows).items()}


class IndexedGallery:
    """An index over the gallery's records, brought up to date before each search. Thread-safe."""

    def __init__(self, records: Records, open_index: Callable[[], FollowingIndex]) -> None:
        """Keep both; the index is opened at first need.

        Args:
            open_index: Returns an index of the model pack's dimension, empty or as it was left.
        """
        self._records = records
        self._open_index = open_index
        self._lock = Lock()

    @cached_property
    def index(self) -> FollowingIndex:
        """The index, perhaps behind the records."""
        return self._open_index()

    def refresh(self, *, on_progress: Callable[[int], None] = lambda _: None) -> tuple[FollowingIndex, Snapshot]:
        """Bring the index up to what is committed now.

        Args:
            on_progress: Called with the number of subjects that were added since the last call.

        Returns:
            The index and the snapshot that it is equal to.

        Raises:
            IntegrityError: code `index-mismatch`: also a rebuilt index does not hold what the records count; code
                `template-damaged`: a stored template is none. Nothing may be searched.
            UnavailableError: code `index-behind`, and those of `FollowingIndex.following`; safe to retry.
        """
        with self._lock:
            return self._refreshed(on_progress)

    def searched(self, search: Callable[[TemplateSearch, Snapshot], T]) -> T:
        """Search what is committed now, and nothing else: what is added under the search is not seen.

        Args:
            search: Makes the search of the index at a snapshot. It is called again, with another of both, where it
                raises `IndexChangedError`: something that it needed is gone.

        Raises:
            IndexChangedError: code `index-behind`: somebody was erased under each of the searches, who would have been
                in the answer; safe to retry.
            IntegrityError, UnavailableError: as `refresh`, and what `search` raises.
        """
        for _ in range(SEARCHES - 1):
            with self._lock:
                index, snapshot = self._refreshed()
                pinned = index.pinned()
            try:
                return search(pinned, snapshot)
            except IndexChangedError:
                logger.debug("the index changed under a search, which is made again")
        # Nobody else changes the index meanwhile; others' searches wait for this one.
        with self._lock, self.index.following():
            index, snapshot = self._refreshed()
            try:
                return search(index.pinned(), snapshot)
            except IndexChangedError:
                if self._records.snapshot().revision == snapshot.revision:
                    raise index_mismatch("it holds somebody who is not on record") from None
                raise

    def settle(self, gone: Collection[int] = ()) -> str:
        """Bring the index up to date, and wait until what went is overwritten on disk too.

        Args:
            gone: Rows that were erased, whether this process's index ever held them or not.

        Returns:
            See `FollowingIndex.settle`.

        Raises:
            IntegrityError: as `refresh`.
            UnavailableError: as `refresh`; code `index-unwritable`: it may still stand on the disk; run it again.
        """
        return self.refresh()[0].settle(gone)

    def rebuild(self, *, on_progress: Callable[[int], None] = lambda _: None) -> Snapshot:
        """Throw the index away and fill it from the records.

        Args:
            on_progress: See `refresh`.

        Raises:
            IntegrityError: as `refresh`.
        """
        with self._lock:
            self.index.clear()
        return self.refresh(on_progress=on_progress)[1]

    def compare(self, *, on_progress: Callable[[int], None] = lambda _: None) -> Difference:
        """Compare the index with the records, row by row.

        Where something differs and others changed the index meanwhile, it is compared once more while they wait.

        Args:
            on_progress: Called with the number of subjects that were compared since the last call; with the negative
                of their sum before it begins again.

        Raises:
            IntegrityError: as `refresh`.
            UnavailableError: as `refresh`.
        """
        difference = self._compared(self.refresh, on_progress)
        if difference.agree or self.index.revision == difference.revision:
            return difference
        on_progress(-difference.compared)
        with self._lock, self.index.following():
            return self._compared(self._refreshed, on_progress)

    def _refreshed(self, on_progress: Callable[[int], None] = lambda _: None) -> tuple[FollowingIndex, Snapshot]:
        """Do what `refresh` says; only with the lock."""
        snapshot = self._records.snapshot()
        if snapshot.revision != self.index.revision:
            with self.index.following():
                snapshot = self._brought_up(on_progress)
            logger.debug("the index holds revision %d", snapshot.revision)
        return self.index, snapshot

    def _compared(
        self, refresh: Callable[[], tuple[FollowingIndex, Snapshot]], on_progress: Callable[[int], None]
    ) -> Difference:
        """Compare with the records as they are when the index is equal to them."""
        for _ in range(ATTEMPTS):
            index, snapshot = refresh()
            # The records are read as they stand when this begins, also if they change meanwhile.
            batches = self._records.reference_batches(after_row=0, last_row=snapshot.last_row)
            first = list(islice(batches, 1))
            if self._records.snapshot().revision == snapshot.revision:
                return _difference(index, snapshot, chain(first, batches), on_progress)
        raise index_behind()

    def _brought_up(self, on_progress: Callable[[int], None]) -> Snapshot:
        """Follow the records; again where they changed meanwhile, so that what was read does not fit together."""
        for _ in range(ATTEMPTS):
            snapshot = self._records.snapshot()
            if snapshot.revision == self.index.revision:  # somebody else did
                return snapshot
            try:
                self._follow(snapshot, on_progress)
            except IntegrityError:
                if self._records.snapshot().revision == snapshot.revision:
                    raise
            else:
                self.index.revision = snapshot.revision
                return snapshot
        raise index_behind()

    def _follow(self, snapshot: Snapshot, on_progress: Callable[[int], None]) -> None:
        """Add what came, take out what went, and begin anew where that does not do."""
        if self.index.revision < 0 and not self._is_of_these_records():
            self.index.clear()
        self._load(snapshot, on_progress)
        if len(self.index) != snapshot.subjects:
            self._take_out_what_went()
        if len(self.index) != snapshot.subjects and self._records.snapshot().revision == snapshot.revision:
            self.index.clear()
            self._load(snapshot, on_progress)
        if len(self.index) != snapshot.subjects:
            raise IntegrityError(
                f"the index holds {len(self.index)} subjects, the records count {snapshot.subjects}",
                code="index-mismatch",
                hint="restore the records from a backup",
            )

    def _load(self, snapshot: Snapshot, on_progress: Callable[[int], None]) -> None:
        """Add what came since the last row that is in the index, in the place of what it was before."""
        before, read = self.index.last_row, 0
        try:
            for batch in self._records.reference_batches(after_row=before, last_row=snapshot.last_row):
                self.index.add(*batch.parts)
                # Afterwards, so that nobody is missing meanwhile.
                held = batch.superseded[batch.superseded <= before]
                read += len(batch) + len(batch.superseded)
                if len(held):
                    self.index.remove(held)
                on_progress(len(batch))
        except ValueError as error:
            raise IntegrityError(
                f"the records hold templates that can't be: {error}",
                code="template-damaged",
                hint="restore the records from a backup",
            ) from None
        if not before and read != snapshot.templates:
            raise IntegrityError(
                f"the records hold {read} templates and count {snapshot.templates}",
                code="index-mismatch",
                hint="restore the records from a backup",
            )

    def _take_out_what_went(self) -> None:
        """Take out rows that stand for nobody any more; sources that still have as many subjects are passed over."""
        counts = {summary.source.source_id: summary.subjects for summary in self._records.sources()}
        for block in tuple(self.index.blocks()):
            if counts.get(block, 0) != self.index.count(block):
                # Asked of the rows themselves: counts that say that there are none may be wrong.
                self.index.keep(block, self._records.reference_rows(block))

    def _is_of_these_records(self) -> bool:
        """Look at the last row of each block: an index of other records, or of a backup's future, shows there."""
        return all(
            not len(self.index.differing(part))
            for batch in self._single_rows(sorted(self.index.newest()))
            for part in batch.parts
        )

    def _single_rows(self, rows: list[int]) -> Iterator[ReferenceBatch]:
        """Read rows one by one."""
        for row in rows:
            yield from self._records.reference_batches(after_row=row - 1, last_row=row)


def _difference(
    index: FollowingIndex, snapshot: Snapshot, batches: Iterable[ReferenceBatch], on_progress: Callable[[int], None]
) -> Difference:
    """Compare an index with the references of a snapshot."""
    compared, differing, seen = 0, [NO_ROWS], [NO_ROWS]
    for batch in batches:
        differing += [index.differing(part) for part in batch.parts]
        seen += [part.rows for part in batch.parts]
        compared += len(batch)
        on_progress(len(batch))
    held = index.rows()
    return Difference(
        revision=snapshot.revision,
        compared=compared,
        differing=np.concatenate(differing),
        extra=np.setdiff1d(held[held <= snapshot.last_row], np.concatenate(seen)),
    )
