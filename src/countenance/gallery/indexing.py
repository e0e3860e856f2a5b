"""Keeping the index equal to the records: it is filled from them, follows them, and is thrown away when in doubt."""

import logging
from collections.abc import Callable
from threading import Lock

from countenance.core.errors import IntegrityError
from countenance.gallery.model import Snapshot
from countenance.gallery.ports import Records
from countenance.index.ports import TemplateIndex

logger = logging.getLogger(__name__)


class IndexedGallery:
    """An index over the gallery's records, brought up to date before each search. Thread-safe."""

    def __init__(self, records: Records, make_index: Callable[[], TemplateIndex]) -> None:
        """Start with an empty index.

        Args:
            make_index: Returns an empty index of the model pack's dimension.
        """
        self._records = records
        self._make_index = make_index
        self._index = make_index()
        self._revision = -1
        self._last_row = 0
        self._lock = Lock()

    def refresh(self) -> tuple[TemplateIndex, Snapshot]:
        """Bring the index up to what is committed now.

        Returns:
            The index and the snapshot that it is equal to.

        Raises:
            IntegrityError: code `index-mismatch`: also a rebuilt index does not hold what the records count; code
                `template-damaged`: a stored template is none. Nothing may be searched.
        """
        with self._lock:
            snapshot = self._records.snapshot()
            if snapshot.revision != self._revision:
                self._load(snapshot)
                if len(self._index) != snapshot.templates:
                    self._index, self._last_row = self._make_index(), 0
                    self._load(snapshot)
                if len(self._index) != snapshot.templates:
                    raise IntegrityError(
                        f"the index holds {len(self._index)} templates, the records count {snapshot.templates}",
                        code="index-mismatch",
                        hint="restore the records from a backup",
                    )
                self._revision = snapshot.revision
                logger.debug("the index holds %d templates, revision %d", snapshot.templates, snapshot.revision)
            return self._index, snapshot

    def _load(self, snapshot: Snapshot) -> None:
        """Add what came since the last row that is in the index."""
        try:
            for batch in self._records.template_batches(after_row=self._last_row, last_row=snapshot.last_row):
                self._index.add(batch.source_id, rows=batch.rows, subjects=batch.subjects, templates=batch.templates)
                self._last_row = int(batch.rows[-1])
        except ValueError as error:
            raise IntegrityError(
                f"the records hold templates that can't be: {error}",
                code="template-damaged",
                hint="restore the records from a backup",
            ) from None
