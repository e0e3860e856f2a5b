"""Records in SQL, behind the gallery's port."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import numpy as np
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.counts import counts_of
from countenance.adapters.sql.database import WRITER, slices, transaction
from countenance.adapters.sql.enrolled import add_images, added, known_images
from countenance.adapters.sql.mapping import (
    STAYS,
    enrolled_faces_of,
    opened_templates,
    select_faces,
    select_subjects,
    subjects_of,
    templates_by_subject,
)
from countenance.adapters.sql.models import FaceRow, GalleryRow, ImageRow, SourceRow, SubjectRow, TemplateRow
from countenance.adapters.sql.references import reference_rows_of, references_between, references_of
from countenance.adapters.sql.releases import unreleased
from countenance.adapters.sql.sealing import IMAGE, RowSeals
from countenance.adapters.sql.searches import add_search, answers_showing, kept_search, source_still_readable
from countenance.adapters.sql.source_register import add_change, find_source
from countenance.adapters.sql.source_values import source_of, source_row
from countenance.audit.model import Acting, Entry, Receipt
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, NotFoundError
from countenance.gallery.enrolment import pack_mismatch
from countenance.gallery.entries import images_added, source_registered
from countenance.gallery.model import (
    UNRELEASED,
    EnrolledFace,
    KnownImage,
    NewImage,
    Snapshot,
    Source,
    SourceChange,
    SourceState,
    SourceSummary,
    Subject,
    face_unknown,
    image_unknown,
    subject_unknown,
)
from countenance.gallery.ports import crop_key, image_key
from countenance.gallery.references import Reference, ReferenceBatch
from countenance.gallery.sources import require_active
from countenance.index.model import BlockRows
from countenance.index.ports import RowNumbers
from countenance.keys.ports import Keyring

BATCH_ROWS = 20_000
"""Templates read at a time: 10 MB at 128 dimensions."""


class SqlRecords:
    """Implements `Records` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, audit: SqlAuditLog, keyring: Keyring) -> None:
        """Keep the engine, the log in the same database, and the keyring; the schema must be up to date."""
        self._engine = engine
        self._seals = RowSeals(keyring)
        self._writer = engine.execution_options(**{WRITER: True})
        self._audit = audit
        # Each change raises the revision, so that one revision has one snapshot.
        self._latest: Snapshot | None = None

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def register_source(self, source: Source, *, actor: Acting, by: str = "") -> None:
        """See the port."""
        with self._changing() as session:
            same_name = SourceRow.name_print == self._seals.name_print(source.name)
            if session.scalar(select(SourceRow.number).where(same_name)) is not None:
                raise ConflictError(
                    f"there is a source {source.name!r} already",
                    code="source-exists",
                    hint="see `countenance source list`; choose another name",
                )
            row = added(session, source_row(source, self._seals))
            registered = SourceChange(at=source.registered_at, by=by, before=None, after=source.state, reason="")
            add_change(session, self._seals, row, registered)
            self._audit.append(session, source_registered(source, actor=actor))

    def source(self, name: str) -> Source:
        """See the port."""
        with self._reading() as session:
            return source_of(find_source(session, self._seals, name), self._seals)

    def sources(self) -> tuple[SourceSummary, ...]:
        """See the port."""
        with self._reading() as session:
            found = [self._summary(row) for row in session.scalars(select(SourceRow))]
        return tuple(sorted(found, key=lambda summary: summary.source.name))

    def active_sources(self) -> tuple[str, ...]:
        """See the port."""
        chosen = select(SourceRow.source_id).where(SourceRow.state == SourceState.ACTIVE.value)
        with self._reading() as session:
            return tuple(session.scalars(chosen.order_by(SourceRow.number)))

    def snapshot(self) -> Snapshot:
        """See the port."""
        with self._reading() as session:
            revision, pack_digest = session.execute(select(GalleryRow.revision, GalleryRow.pack_digest)).one()
            latest = self._latest
            if latest is None or latest.revision != revision:
                counts = [counts_of(row, self._seals) for row in session.scalars(select(SourceRow).where(STAYS))]
                self._latest = latest = Snapshot(
                    revision=revision,
                    pack_digest=pack_digest,
                    sources=len(counts),
                    subjects=sum(one.subjects for one in counts),
                    images=sum(one.images for one in counts),
                    templates=sum(one.templates for one in counts),
                    last_row=session.scalar(select(func.max(TemplateRow.number))) or 0,
                )
        return latest

    def known_images(self, source_id: str, sha256s: Collection[str]) -> Mapping[str, KnownImage]:
        """See the port."""
        with self._reading() as session:
            return known_images(session, self._seals, source_id, sha256s)

    def add_images(
        self, source_id: str, images: Sequence[NewImage], *, pack_digest: str, actor: Acting
    ) -> Mapping[str, KnownImage]:
        """See the port."""
        with self._changing() as session:
            held = session.scalar(select(GalleryRow.pack_digest))
            if held is not None and held != pack_digest:
                raise pack_mismatch(held, pack_digest)
            if held is None:
                session.execute(update(GalleryRow).values(pack_digest=pack_digest))
            source = session.scalar(select(SourceRow).where(SourceRow.source_id == source_id))
            if source is None:
                raise NotFoundError("that source is not on record", code="source-unknown")
            registered = source_of(source, self._seals)
            require_active(registered.state, registered.name)
            known = known_images(session, self._seals, source_id, [image.sha256 for image in images])
            barred = unreleased(
                session,
                self._seals,
                source,
                [image for image in images if image.sha256 not in known],
                required=registered.terms.releases_required,
                today=utc_now().date(),
            )
            known |= dict.fromkeys(barred, UNRELEASED)
            new = [image for image in images if image.sha256 not in known]
            if new:
                add_images(session, self._seals, source, new)
                self._audit.append(session, images_added(source_id, new, pack_digest=pack_digest, actor=actor))
            return known

    def subjects(
        self,
        *,
        source: str | None = None,
        among: Collection[str] | None = None,
        limit: int,
        offset: int = 0,
    ) -> tuple[Subject, ...]:
        """See the port."""
        chosen = select_subjects().order_by(SourceRow.number, SubjectRow.number)
        if source is not None:
            chosen = chosen.where(SourceRow.name_print == self._seals.name_print(source))
        if among is not None:
            chosen = chosen.where(SourceRow.source_id.in_(among))
        with self._reading() as session:
            return tuple(subjects_of(session.execute(chosen.limit(limit).offset(offset)).all(), self._seals))

    def subject(self, subject_id: str) -> Subject:
        """See the port."""
        with self._reading() as session:
            row = session.execute(select_subjects().where(SubjectRow.subject_id == subject_id)).one_or_none()
        if row is None:
            raise subject_unknown()
        return subjects_of([row], self._seals)[0]

    def faces_of(self, subject_id: str) -> tuple[EnrolledFace, ...]:
        """See the port."""
        self.subject(subject_id)
        chosen = select_faces().where(SubjectRow.subject_id == subject_id).order_by(FaceRow.number)
        with self._reading() as session:
            rows = session.execute(chosen).all()
        return tuple(enrolled_faces_of(rows, self._seals))

    def face_crop_key(self, face_id: str) -> str:
        """See the port."""
        chosen = (
            select(SourceRow.source_id, ImageRow.image_id, ImageRow.entry, FaceRow.ordinal)
            .join(ImageRow, ImageRow.source == SourceRow.number)
            .join(FaceRow, FaceRow.image == ImageRow.number)
            .where(FaceRow.face_id == face_id, FaceRow.subject.is_not(None), STAYS)
        )
        with self._reading() as session:
            row = session.execute(chosen).one_or_none()
        if row is None:
            raise face_unknown()
        image = self._seals.open_entry(row.source_id, row.image_id, row.entry, column=IMAGE)
        return crop_key(row.source_id, image["sha256"], row.ordinal)

    def image_location(self, image_id: str) -> tuple[str, str]:
        """See the port."""
        chosen = (
            select(SourceRow.source_id, ImageRow.entry)
            .join(ImageRow, ImageRow.source == SourceRow.number)
            .where(ImageRow.image_id == image_id, STAYS)
        )
        with self._reading() as session:
            row = session.execute(chosen).one_or_none()
        if row is None:
            raise image_unknown()
        image = self._seals.open_entry(row.source_id, image_id, row.entry, column=IMAGE)
        return image["media_type"], image_key(row.source_id, image["sha256"])

    def faces(self, rows: Collection[int]) -> Mapping[int, EnrolledFace]:
        """See the port."""
        found: dict[int, EnrolledFace] = {}
        with self._reading() as session, source_still_readable():
            for wanted in slices(rows):
                chosen = (
                    select_faces()
                    .join(TemplateRow, TemplateRow.face == FaceRow.number)
                    .add_columns(TemplateRow.number)
                    .where(TemplateRow.number.in_(wanted))
                    .order_by(TemplateRow.source, TemplateRow.number)
                )
                selected = session.execute(chosen).all()
                faces = enrolled_faces_of(selected, self._seals)
                found |= {row.number: face for row, face in zip(selected, faces, strict=True)}
        return found

    def template_batches(self, *, last_row: int) -> Iterator[BlockRows]:
        """See the port."""
        with self._reading() as session:
            for rows in templates_by_subject(session, last_row=last_row, most=BATCH_ROWS):
                yield from BlockRows.of_each(
                    [row.source_id for row in rows],
                    rows=np.array([row.number for row in rows], dtype=np.int64),
                    subjects=np.array([row.subject for row in rows], dtype=np.int64),
                    templates=opened_templates(rows, self._seals),
                )

    def references(self, rows: Collection[int]) -> Mapping[int, Reference]:
        """See the port."""
        with self._reading() as session, source_still_readable():
            return references_of(session, self._seals, rows)

    def reference_batches(self, *, after_row: int, last_row: int) -> Iterator[ReferenceBatch]:
        """See the port."""
        with self._reading() as session:
            for part in references_between(
                session, self._seals, after_row=after_row, last_row=last_row, most=BATCH_ROWS
            ):
                yield ReferenceBatch.of(part)

    def reference_rows(self, source_id: str) -> RowNumbers:
        """See the port."""
        with self._reading() as session:
            return reference_rows_of(session, source_id)

    def put_search(self, search_id: str, answer: Mapping[str, object], *, entry: Entry) -> Receipt:
        """See the port."""
        with transaction(self._writer) as session:
            receipt = self._audit.append(session, entry)
            add_search(session, self._seals, search_id, {**answer, "receipt": receipt.to_json()})
        return receipt

    def search(self, search_id: str) -> Mapping[str, object]:
        """See the port."""
        with self._reading() as session:
            return kept_search(session, self._seals, search_id)

    def answers_showing(self, target: str) -> tuple[str, ...]:
        """See the port."""
        with self._reading() as session:
            return answers_showing(session, self._seals, target)

    def _summary(self, row: SourceRow) -> SourceSummary:
        """Return a source with its counts."""
        source = source_of(row, self._seals)
        return SourceSummary(source=source, **counts_of(row, self._seals)._asdict())

    def _reading(self) -> AbstractContextManager[Session]:
        """Open a transaction that reads one consistent state."""
        return transaction(self._engine)

    @contextmanager
    def _changing(self) -> Iterator[Session]:
        """Open a transaction that changes the gallery: changes wait for each other, and each raises the revision."""
        with transaction(self._writer) as session:
            session.execute(update(GalleryRow).values(revision=GalleryRow.revision + 1))
            yield session
