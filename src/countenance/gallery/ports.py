"""What the gallery needs from outside: records, and a place for pictures."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from countenance.audit.model import Acting, Entry, Receipt
from countenance.gallery.model import (
    EnrolledFace,
    KnownImage,
    NewImage,
    Snapshot,
    Source,
    SourceChange,
    SourceSummary,
    Subject,
)
from countenance.gallery.photographs import Photograph, PhotographTask, RefusedPhotograph
from countenance.gallery.references import Reference, ReferenceBatch
from countenance.gallery.terms import Release, Retention
from countenance.index.model import BlockRows
from countenance.index.ports import RowNumbers


class Records(Protocol):
    """Everything that is known, apart from the pictures themselves. Each call is one transaction.

    A call that changes something appends to the audit log in the same transaction, or changes nothing
    (`UnavailableError`, code `audit-unwritable`).
    """

    def register_source(self, source: Source, *, actor: Acting, by: str = "") -> None:
        """Add a source, and keep who did.

        Raises:
            ConflictError: code `source-exists`; nothing was written.
        """

    def source(self, name: str) -> Source:
        """Return a source by its name.

        Raises:
            NotFoundError: code `source-unknown`.
        """

    def sources(self) -> tuple[SourceSummary, ...]:
        """Return all sources by name, with what is enrolled."""

    def active_sources(self) -> tuple[str, ...]:
        """Return the ids of the sources that may be searched."""

    def snapshot(self) -> Snapshot:
        """Return the gallery's revision and counts as of now."""

    def known_images(self, source_id: str, sha256s: Collection[str]) -> Mapping[str, KnownImage]:
        """Return those of the photographs that are on record in this source."""

    def add_images(
        self, source_id: str, images: Sequence[NewImage], *, pack_digest: str, actor: Acting
    ) -> Mapping[str, KnownImage]:
        """Record photographs with faces, subjects and templates, all or none.

        Passed over are those on record already, and those of people who have no release in force now where one is
        needed: in a source that requires releases, and of whoever had one. The audit log says so where any is new.

        Args:
            images: Of different content each.

        Returns:
            Those that were passed over, by hash: as they stand on record, or `RELEASE_MISSING`.

        Raises:
            NotFoundError: code `source-unknown`; nothing was written.
            ConflictError: codes `pack-mismatch`, the gallery holds templates of another pack, and `source-not-active`;
                nothing was written.
        """

    def subjects(
        self,
        *,
        source: str | None = None,
        among: Collection[str] | None = None,
        limit: int,
        offset: int = 0,
    ) -> tuple[Subject, ...]:
        """Return subjects by source, then in the order of their enrolment; oldest first.

        Args:
            source: Only those of the source of this name.
            among: Only those of the sources with these ids; None leaves out nobody.
            limit: How many at most.
            offset: How many of them to pass over.
        """

    def subject(self, subject_id: str) -> Subject:
        """Return one subject.

        Raises:
            NotFoundError: code `subject-unknown`.
        """

    def faces_of(self, subject_id: str) -> tuple[EnrolledFace, ...]:
        """Return the subject's enrolled faces, oldest first.

        Raises:
            NotFoundError: code `subject-unknown`.
        """

    def face_crop_key(self, face_id: str) -> str:
        """Return where one enrolled face's crop is kept.

        Raises:
            NotFoundError: code `face-unknown`.
        """

    def image_location(self, image_id: str) -> tuple[str, str]:
        """Return a photograph's media type and where its bytes are kept.

        Raises:
            NotFoundError: code `image-unknown`.
        """

    def faces(self, rows: Collection[int]) -> Mapping[int, EnrolledFace]:
        """Return the faces behind template rows; rows that don't exist are left out.

        Raises:
            ConflictError: code `source-changed-meanwhile`, a row's source was withdrawn and its key is gone.
        """

    def template_batches(self, *, last_row: int) -> Iterator[BlockRows]:
        """Stream templates with row <= last_row by rising subject: all of a subject, and of one source, at a time."""

    def references(self, rows: Collection[int]) -> Mapping[int, Reference]:
        """Return what rows stand for: their subjects' templates up to them. Rows that don't exist are left out.

        Raises:
            ConflictError: as `faces`.
        """

    def reference_batches(self, *, after_row: int, last_row: int) -> Iterator[ReferenceBatch]:
        """Stream the references that there are up to a row: each batch has all whose rows follow the last one's.

        Args:
            after_row: Leave out references whose newest template is not after it.
            last_row: Pass over templates after it.
        """

    def reference_rows(self, source_id: str) -> RowNumbers:
        """Return the row numbers of a source's references, int64, rising; none where it is unknown."""

    def put_search(self, search_id: str, answer: Mapping[str, object], *, entry: Entry) -> Receipt:
        """Keep a search's answer as it was given, JSON types only, together with its entry in the audit log.

        Returns:
                    The entry's receipt, which is kept with the answer as `receipt`.

        Raises:
            UnavailableError: codes `audit-unwritable`, `records-unavailable`; neither was written.
            ConflictError: codes `source-changed-meanwhile`, a candidate's source was stopped since the scan, and
                `candidate-gone-meanwhile`, a candidate was erased; neither was written.
        """

    def search(self, search_id: str) -> Mapping[str, object]:
        """Return a kept answer, without what it said of candidates that were destroyed since.

        Raises:
            NotFoundError: code `search-unknown`.
        """

    def answers_showing(self, target: str) -> tuple[str, ...]:
        """Return the ids of the kept answers that show a face or a photograph, by its id; newest first."""


class SourceRegister(Protocol):
    """What is kept of sources beside their photographs. Each call is one transaction.

    A call that changes something appends to the audit log in it, or changes nothing (code `audit-unwritable`).
    """

    def change(self, name: str, change: SourceChange, *, actor: Acting) -> Source:
        """Put a source into another state, where it still is in the state that the change begins with.

        Raises:
            NotFoundError: code `source-unknown`.
            ConflictError: code `source-changed-meanwhile`; nothing was written.
        """

    def history(self, name: str) -> tuple[SourceChange, ...]:
        """Return every change of a source's state, oldest first.

        Raises:
            NotFoundError: code `source-unknown`.
        """

    def set_retention(self, name: str, retention: Retention, *, actor: Acting) -> Source:
        """Set a source's clock.

        Raises:
            NotFoundError: code `source-unknown`.
            ConflictError: code `source-state-forbidden`, it is gone; nothing was written.
        """

    def set_keeper(self, name: str, keeper: str, *, actor: Acting) -> Source:
        """Set which organisation keeps a source, by its id.

        Raises:
            NotFoundError: code `source-unknown`; nothing was written.
        """

    def add_release(self, name: str, release: Release, *, actor: Acting) -> None:
        """Keep a subject's release.

        Raises:
            NotFoundError: code `source-unknown`; nothing was written.
        """

    def revoke_release(self, name: str, release_id: str, *, actor: Acting) -> Release:
        """Take a release back, now; one that was taken back stays as it is.

        Raises:
            NotFoundError: codes `source-unknown`, `release-unknown`; nothing was written.
        """

    def releases(self, name: str) -> tuple[Release, ...]:
        """Return a source's releases, oldest first.

        Raises:
            NotFoundError: code `source-unknown`.
        """


class Objects(Protocol):
    """Where bytes are kept, by key.

    Keys are ASCII and `/`-separated: `KIND/OWNER_ID/...` for what belongs to a source (or to an organisation, where the
    kind is `organisations`, or to a case: `cases`), `KIND/NAME` for the rest.
    """

    def put(self, key: str, data: bytes) -> None:
        """Store bytes whole or not at all; the same key again overwrites.

        Raises:
            UnavailableError: code `objects-unavailable`, e.g. the disk is full; what was there before stays.
        """

    def get(self, key: str) -> bytes:
        """Return the bytes.

        Raises:
            NotFoundError: code `object-unknown`.
            UnavailableError: code `objects-unavailable`.
        """

    def delete(self, key: str) -> None:
        """Delete an object; none there is no harm.

        Raises:
            UnavailableError: code `objects-unavailable`; run it again.
        """

    def delete_all(self, prefix: str) -> None:
        """Delete every object whose key begins with a folder, which ends in `/`; none there is no harm.

        Raises:
            UnavailableError: code `objects-unavailable`; some may be left, run it again.
        """


class PhotographReader(Protocol):
    """Reads many photographs, on as many cores as it was made for."""

    def read(self, tasks: Iterable[PhotographTask]) -> Iterator[Photograph | RefusedPhotograph]:
        """Read photographs and give them back in the order of the tasks, one for one.

        A file that kills its worker is refused with code `image-crashed-decoder`; the others go on.
        """


def source_of_key(key: str) -> str:
    """Return the id of the source that the object of a key belongs to."""
    return key.split("/")[1]


def image_key(source_id: str, sha256: str) -> str:
    """Return the key of a photograph's original bytes."""
    return f"images/{source_id}/{sha256}"


def crop_key(source_id: str, sha256: str, number: int) -> str:
    """Return the key of one face's crop."""
    return f"crops/{source_id}/{sha256}/{number}.jpg"
