"""Records in SQL, behind the gallery's port."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session, joinedload

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import WRITER, slices, transaction
from countenance.adapters.sql.destruction_models import SearchCandidateRow
from countenance.adapters.sql.mapping import (
    STAYS,
    enrolled_face_of,
    facts_of,
    select_faces,
    select_subjects,
    stored_vector,
    subject_of,
    vector_of,
)
from countenance.adapters.sql.models import (
    Base,
    FaceRow,
    GalleryRow,
    ImageRow,
    SearchRow,
    SourceRow,
    SubjectRow,
    TemplateRow,
)
from countenance.adapters.sql.source_models import ProvenanceRow
from countenance.adapters.sql.source_register import add_change, find_source
from countenance.adapters.sql.source_values import provenance_entry, source_of, source_row
from countenance.audit.model import Acting, Entry, Receipt
from countenance.core.arrays import Templates
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, NotFoundError
from countenance.core.ids import new_id
from countenance.gallery.enrolment import pack_mismatch
from countenance.gallery.entries import images_added, source_registered
from countenance.gallery.model import (
    EnrolledFace,
    KnownImage,
    NewFace,
    NewImage,
    Outcome,
    Snapshot,
    Source,
    SourceChange,
    SourceState,
    SourceSummary,
    Subject,
)
from countenance.gallery.ports import TemplateBatch, crop_key, image_key
from countenance.gallery.sources import require_active
from countenance.index.ports import RowNumbers

AnyRow = TypeVar("AnyRow", bound=Base)

BATCH_ROWS = 20_000
"""Templates read at a time: 10 MB at 128 dimensions."""


class SqlRecords:
    """Implements `Records` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, audit: SqlAuditLog) -> None:
        """Keep the engine and the log in the same database; the schema must be up to date (`database.upgrade`)."""
        self._engine = engine
        self._writer = engine.execution_options(**{WRITER: True})
        self._audit = audit

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def register_source(self, source: Source, *, actor: Acting, by: str = "") -> None:
        """See the port."""
        with self._changing() as session:
            if session.scalar(select(SourceRow.number).where(SourceRow.name == source.name)) is not None:
                raise ConflictError(
                    f"there is a source {source.name!r} already",
                    code="source-exists",
                    hint="see `countenance source list`; choose another name",
                )
            row = _added(session, source_row(source))
            registered = SourceChange(at=source.registered_at, by=by, before=None, after=source.state, reason="")
            add_change(session, row, registered)
            self._audit.append(session, source_registered(source, actor=actor))

    def source(self, name: str) -> Source:
        """See the port."""
        with self._reading() as session:
            return source_of(find_source(session, name))

    def sources(self) -> tuple[SourceSummary, ...]:
        """See the port."""
        with self._reading() as session:
            return tuple(
                SourceSummary(source=source_of(row), images=row.images, subjects=row.subjects, templates=row.templates)
                for row in session.scalars(select(SourceRow).order_by(SourceRow.name))
            )

    def active_sources(self) -> tuple[str, ...]:
        """See the port."""
        chosen = select(SourceRow.source_id).where(SourceRow.state == SourceState.ACTIVE.value)
        with self._reading() as session:
            return tuple(session.scalars(chosen.order_by(SourceRow.number)))

    def snapshot(self) -> Snapshot:
        """See the port."""
        with self._reading() as session:
            revision, pack_digest = session.execute(select(GalleryRow.revision, GalleryRow.pack_digest)).one()
            counted = (func.sum(column) for column in (SourceRow.subjects, SourceRow.images, SourceRow.templates))
            sources, *sums = session.execute(select(func.count(), *counted).where(STAYS)).one()
            last_row = session.scalar(select(func.max(TemplateRow.number))) or 0
        return Snapshot(
            revision=revision,
            pack_digest=pack_digest,
            sources=sources,
            subjects=int(sums[0] or 0),
            images=int(sums[1] or 0),
            templates=int(sums[2] or 0),
            last_row=last_row,
        )

    def known_images(self, source_id: str, sha256s: Collection[str]) -> Mapping[str, KnownImage]:
        """See the port."""
        with self._reading() as session:
            return _known_images(session, source_id, sha256s)

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
            require_active(SourceState(source.state), source.name)
            known = _known_images(session, source_id, [image.sha256 for image in images])
            added = [image for image in images if image.sha256 not in known]
            for image in added:
                _add_image(session, source, image)
            if added:
                self._audit.append(session, images_added(source_id, added, pack_digest=pack_digest, actor=actor))
            return known

    def subjects(self, *, source: str | None = None, limit: int, offset: int = 0) -> tuple[Subject, ...]:
        """See the port."""
        chosen = select_subjects().order_by(
            SourceRow.name, SubjectRow.label.is_(None), SubjectRow.label, SubjectRow.number
        )
        if source is not None:
            chosen = chosen.where(SourceRow.name == source)
        with self._reading() as session:
            return tuple(subject_of(row) for row in session.execute(chosen.limit(limit).offset(offset)))

    def subject(self, subject_id: str) -> Subject:
        """See the port."""
        with self._reading() as session:
            row = session.execute(select_subjects().where(SubjectRow.subject_id == subject_id)).one_or_none()
        if row is None:
            raise NotFoundError(
                "there is no such subject", code="subject-unknown", hint="see `countenance subjects list`"
            )
        return subject_of(row)

    def faces_of(self, subject_id: str) -> tuple[EnrolledFace, ...]:
        """See the port."""
        self.subject(subject_id)
        chosen = select_faces().where(SubjectRow.subject_id == subject_id).order_by(FaceRow.number)
        with self._reading() as session:
            return tuple(enrolled_face_of(row) for row in session.execute(chosen))

    def face_crop_key(self, face_id: str) -> str:
        """See the port."""
        chosen = (
            select(SourceRow.source_id, ImageRow.sha256, FaceRow.ordinal)
            .join(ImageRow, ImageRow.source == SourceRow.number)
            .join(FaceRow, FaceRow.image == ImageRow.number)
            .where(FaceRow.face_id == face_id, FaceRow.subject.is_not(None), STAYS)
        )
        with self._reading() as session:
            row = session.execute(chosen).one_or_none()
        if row is None:
            raise NotFoundError("there is no such face", code="face-unknown")
        return crop_key(row.source_id, row.sha256, row.ordinal)

    def image_location(self, image_id: str) -> tuple[str, str]:
        """See the port."""
        chosen = (
            select(ImageRow)
            .join(SourceRow, ImageRow.source == SourceRow.number)
            .options(joinedload(ImageRow.source_row))
            .where(ImageRow.image_id == image_id, STAYS)
        )
        with self._reading() as session:
            row = session.scalar(chosen)
            if row is None:
                raise NotFoundError("there is no such photograph", code="image-unknown")
            return row.media_type, image_key(row.source_row.source_id, row.sha256)

    def faces(self, rows: Collection[int]) -> Mapping[int, EnrolledFace]:
        """See the port."""
        found: dict[int, EnrolledFace] = {}
        with self._reading() as session:
            for wanted in slices(rows):
                chosen = (
                    select_faces()
                    .join(TemplateRow, TemplateRow.face == FaceRow.number)
                    .add_columns(TemplateRow.number)
                    .where(TemplateRow.number.in_(wanted))
                )
                for row in session.execute(chosen):
                    found[row.number] = enrolled_face_of(row)
        return found

    def templates(self, rows: Collection[int]) -> Mapping[int, Templates]:
        """See the port."""
        found: dict[int, Templates] = {}
        with self._reading() as session:
            for wanted in slices(rows):
                for number, vector in session.execute(
                    select(TemplateRow.number, TemplateRow.vector).where(TemplateRow.number.in_(wanted))
                ).all():
                    found[number] = vector_of(vector)
        return found

    def template_batches(self, *, after_row: int, last_row: int) -> Iterator[TemplateBatch]:
        """See the port."""
        columns = (TemplateRow.number, TemplateRow.subject, TemplateRow.vector, SourceRow.source_id)
        chosen = (
            select(*columns)
            .join(SourceRow, TemplateRow.source == SourceRow.number)
            .where(TemplateRow.number <= last_row, STAYS)
            .order_by(TemplateRow.number)
        )
        with self._reading() as session:
            while rows := session.execute(chosen.where(TemplateRow.number > after_row).limit(BATCH_ROWS)).all():
                for source_id, group in groupby(rows, key=lambda row: str(row.source_id)):
                    part = list(group)
                    yield TemplateBatch(
                        source_id=source_id,
                        rows=np.array([row.number for row in part], dtype=np.int64),
                        subjects=np.array([row.subject for row in part], dtype=np.int64),
                        templates=np.stack([vector_of(row.vector) for row in part]),
                    )
                after_row = rows[-1].number

    def template_rows(self, source_id: str) -> RowNumbers:
        """See the port."""
        chosen = select(TemplateRow.number).join(SourceRow, TemplateRow.source == SourceRow.number)
        with self._reading() as session:
            found = session.scalars(chosen.where(SourceRow.source_id == source_id, STAYS).order_by(TemplateRow.number))
            return np.fromiter(found, dtype=np.int64)

    def put_search(self, search_id: str, answer: Mapping[str, object], *, entry: Entry) -> Receipt:
        """See the port."""
        with transaction(self._writer) as session:
            receipt = self._audit.append(session, entry)
            kept = SearchRow(
                search_id=search_id,
                searched_at=datetime.fromisoformat(str(answer["searched_at"])),
                answer={**answer, "receipt": receipt.to_json()},
            )
            _add_candidates(session, _added(session, kept), answer)
        return receipt

    def search(self, search_id: str) -> Mapping[str, object]:
        """See the port."""
        with self._reading() as session:
            answer: Mapping[str, object] | None = session.scalar(
                select(SearchRow.answer).where(SearchRow.search_id == search_id)
            )
        if answer is None:
            raise NotFoundError("there is no such search", code="search-unknown")
        return answer

    def _reading(self) -> AbstractContextManager[Session]:
        """Open a transaction that reads one consistent state."""
        return transaction(self._engine)

    @contextmanager
    def _changing(self) -> Iterator[Session]:
        """Open a transaction that changes the gallery: changes wait for each other, and each raises the revision."""
        with transaction(self._writer) as session:
            session.execute(update(GalleryRow).values(revision=GalleryRow.revision + 1))
            yield session


def _known_images(session: Session, source_id: str, sha256s: Collection[str]) -> dict[str, KnownImage]:
    """Look photographs up by their content."""
    known: dict[str, KnownImage] = {}
    for wanted in slices(sha256s):
        rows = session.execute(
            select(ImageRow.sha256, ImageRow.outcome, SubjectRow.label)
            .join(SourceRow, ImageRow.source == SourceRow.number)
            .outerjoin(FaceRow, FaceRow.image == ImageRow.number)
            .outerjoin(SubjectRow, FaceRow.subject == SubjectRow.number)
            .where(SourceRow.source_id == source_id, ImageRow.sha256.in_(wanted))
        ).all()
        for sha256, outcome, label in rows:
            before = known.get(sha256, KnownImage(outcome=Outcome(outcome), labels=frozenset()))
            labels = before.labels if label is None else before.labels | {label}
            known[sha256] = KnownImage(outcome=before.outcome, labels=labels)
    return known


def _add_image(session: Session, source: SourceRow, image: NewImage) -> None:
    """Insert one photograph with its faces, and count it."""
    row = ImageRow(
        image_id=new_id(),
        source=source.number,
        sha256=image.sha256,
        reference=image.reference,
        media_type=image.media_type,
        size_bytes=image.size_bytes,
        width=image.width,
        height=image.height,
        outcome=image.outcome.value,
        enrolled_at=utc_now(),
    )
    source.images += 1
    number = _added(session, row).number
    if image.provenance is not None:
        session.add(ProvenanceRow(image=number, entry=provenance_entry(image.provenance)))
    for face in image.faces:
        _add_face(session, source, number, face)


def _add_face(session: Session, source: SourceRow, image: int, new: NewFace) -> None:
    """Insert one face; with a template it gets its subject, a new one where the label is new or there is none."""
    subject = None if new.template is None else _subject_number(session, source, new.label)
    row = FaceRow(face_id=new_id(), image=image, subject=subject, ordinal=new.face.number, facts=facts_of(new.face))
    face = _added(session, row).number
    if new.template is not None:
        source.templates += 1
        session.add(TemplateRow(face=face, source=source.number, subject=subject, vector=stored_vector(new.template)))


def _subject_number(session: Session, source: SourceRow, label: str | None) -> int:
    """Return the row number of a subject, inserting it where it is new."""
    if label is not None:
        chosen = select(SubjectRow.number).where(SubjectRow.source == source.number, SubjectRow.label == label)
        number = session.scalar(chosen)
        if number is not None:
            return number
    source.subjects += 1
    return _added(session, SubjectRow(subject_id=new_id(), source=source.number, label=label)).number


def _add_candidates(session: Session, search: SearchRow, answer: Mapping[str, Any]) -> None:
    """List whom an answer returned, so that it is found when one of them is destroyed.

    Raises:
        ConflictError: code `source-changed-meanwhile`: a candidate's source was stopped since the scan.
    """
    for one in answer.get("candidates", ()):
        source = find_source(session, one["source"])
        if source.state != SourceState.ACTIVE.value:
            raise ConflictError(
                "a source was suspended or withdrawn while it was searched",
                code="source-changed-meanwhile",
                hint="search again",
            )
        row = SearchCandidateRow(
            search=search.number, rank=one["rank"], source=source.number, subject_id=one["subject"]["id"]
        )
        session.add(row)


def _added(session: Session, row: AnyRow) -> AnyRow:
    """Insert one row and give it back with its number."""
    session.add(row)
    session.flush()
    return row
