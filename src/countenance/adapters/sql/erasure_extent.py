"""What goes with a subject, a photograph or a face: found, and deleted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from countenance.adapters.sql.counts import count
from countenance.adapters.sql.database import slices
from countenance.adapters.sql.destruction_models import ErasedPhotographRow, SearchCandidateRow
from countenance.adapters.sql.destructions import count_deleted, erase_photographs
from countenance.adapters.sql.mapping import STAYS
from countenance.adapters.sql.models import FaceRow, ImageRow, SearchRow, SourceRow, SubjectRow, TemplateRow
from countenance.adapters.sql.references import renumber
from countenance.adapters.sql.sealing import CANDIDATE, IMAGE, RowSeals
from countenance.adapters.sql.searches import candidate_record
from countenance.core.errors import NotFoundError
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.erasure import Erased
from countenance.gallery.model import face_unknown, image_unknown, subject_unknown
from countenance.gallery.ports import crop_key, image_key

COLUMNS: Mapping[DestructionKind, InstrumentedAttribute[str]] = {
    DestructionKind.SUBJECT_ERASED: SubjectRow.subject_id,
    DestructionKind.IMAGE_ERASED: ImageRow.image_id,
    DestructionKind.FACE_ERASED: FaceRow.face_id,
}
"""What each kind of target is looked up by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """What goes, by row numbers, and what else has to be seen to.

    Attributes:
        images: Photographs that go with all that is recorded of them, those too that nobody was enrolled from.
        prints: Their contents' fingerprints.
        faces: Enrolled faces that go, those in photographs that stay too.
        thinned: Subjects who lose a face and keep others.
        staying: Photographs that lose a face and stay.
        objects: Keys of the pictures that go.
        rows: Templates of all these subjects: the index may hold any of them, each stands for all that are older.
        returned: Searches that had returned one of the faces, with the ranks.
    """

    source: SourceRow
    images: list[int]
    prints: list[bytes]
    faces: list[int]
    subjects: list[int]
    thinned: list[int]
    staying: int
    objects: list[str]
    rows: list[int]
    returned: dict[str, list[int]]

    def counts(self) -> dict[str, int]:
        """Return how much it is."""
        return {
            "images": len(self.images),
            "subjects": len(self.subjects),
            "templates": len(self.faces),
            "staying": self.staying,
        }


def is_on_record(kind: DestructionKind) -> Select[str]:
    """Select the ids of a kind's targets that are on record."""
    if kind is DestructionKind.SUBJECT_ERASED:
        return select(SubjectRow.subject_id).join(SourceRow, SubjectRow.source == SourceRow.number).where(STAYS)
    if kind is DestructionKind.IMAGE_ERASED:
        return select(ImageRow.image_id).join(SourceRow, ImageRow.source == SourceRow.number).where(STAYS)
    return (
        select(FaceRow.face_id)
        .join(ImageRow, FaceRow.image == ImageRow.number)
        .join(SourceRow, ImageRow.source == SourceRow.number)
        .where(STAYS, FaceRow.subject.is_not(None))
    )


def going(session: Session, seals: RowSeals, erased: Erased) -> Going:
    """Find what goes with a target.

    Raises:
        NotFoundError: codes `subject-unknown`, `image-unknown`, `face-unknown`.
    """
    found = session.execute(_target(erased)).all()
    if not found:
        raise _unknown(erased.kind)
    faces = {row.face: row for row in found if row.subject is not None}
    touched = _rows_by(session, FaceRow.image, {row.image for row in found})
    images = sorted(
        image
        for image, rows in touched.items()
        if erased.kind is DestructionKind.IMAGE_ERASED
        or all(row.subject is None or row.number in faces for row in rows)
    )
    of_subjects = _rows_by(session, FaceRow.subject, {row.subject for row in faces.values()})
    subjects = {number: all(row.number in faces for row in rows) for number, rows in of_subjects.items()}
    source = session.get_one(SourceRow, found[0].source)
    gone = sorted(number for number, whole_subject in subjects.items() if whole_subject)
    refused = _rows_by(session, FaceRow.image, _refused(session, gone))
    images, touched = sorted({*images, *refused}), touched | refused
    photographs = _photographs(session, touched)
    whole = set(images)
    return Going(
        source=source,
        images=images,
        prints=[photographs[image].content_print for image in images],
        faces=sorted(faces),
        subjects=gone,
        thinned=sorted(number for number, whole_subject in subjects.items() if not whole_subject),
        staying=len(touched) - len(images),
        objects=[
            key
            for image, rows in touched.items()
            for key in _object_keys(seals, source.source_id, photographs[image], rows, whole=image in whole, of=faces)
        ],
        rows=_template_rows(session, subjects),
        returned=_returned(session, seals, source.source_id, subjects, {row.face_id for row in faces.values()}),
    )


def delete_rows(session: Session, seals: RowSeals, found: Going) -> None:
    """Delete what goes, keep the photographs' fingerprints, and bring the source's counts up to date."""
    for part in slices(found.faces):
        count_deleted(session, delete(TemplateRow).where(TemplateRow.face.in_(part)))
        count_deleted(session, delete(FaceRow).where(FaceRow.number.in_(part)))
    for part in slices(found.images):
        erase_photographs(session, part)
    for part in slices(found.subjects):
        count_deleted(session, delete(SubjectRow).where(SubjectRow.number.in_(part)))
    renumber(session, found.thinned)
    for content_print in found.prints:
        session.merge(ErasedPhotographRow(source=found.source.number, content_print=content_print))
    count(found.source, seals, images=-len(found.images), subjects=-len(found.subjects), templates=-len(found.faces))
    session.flush()


def _target(erased: Erased) -> Select[*tuple[Any, ...]]:
    """Select the photographs of a target with those of their faces that are meant; at least a row each."""
    chosen = (
        select(
            ImageRow.number.label("image"),
            ImageRow.source,
            FaceRow.number.label("face"),
            FaceRow.face_id,
            FaceRow.subject,
        )
        .join(SourceRow, ImageRow.source == SourceRow.number)
        .outerjoin(FaceRow, FaceRow.image == ImageRow.number)
        .outerjoin(SubjectRow, FaceRow.subject == SubjectRow.number)
        .where(STAYS, COLUMNS[erased.kind] == erased.target)
    )
    return chosen.where(FaceRow.subject.is_not(None)) if erased.kind is DestructionKind.FACE_ERASED else chosen


def _rows_by(session: Session, column: InstrumentedAttribute[Any], wanted: Collection[int]) -> dict[int, list[Any]]:
    """Return the faces of photographs or subjects, by these."""
    found: dict[int, list[Any]] = {number: [] for number in wanted}
    columns = (FaceRow.number, FaceRow.face_id, FaceRow.subject, FaceRow.ordinal, column.label("by"))
    for part in slices(wanted):
        for row in session.execute(select(*columns).where(column.in_(part))):
            found[row.by].append(row)
    return found


def _template_rows(session: Session, subjects: Collection[int]) -> list[int]:
    """Return the row numbers of subjects' templates."""
    return [
        number
        for part in slices(subjects)
        for number in session.scalars(select(TemplateRow.number).where(TemplateRow.subject.in_(part)))
    ]


def _refused(session: Session, subjects: Collection[int]) -> list[int]:
    """Return the photographs that nobody is enrolled from, and that the source handed over as those of subjects."""
    same_label = (ImageRow.source == SubjectRow.source) & (ImageRow.label_print == SubjectRow.label_print)
    chosen = select(ImageRow.number).join(SubjectRow, same_label)
    return [
        number for part in slices(subjects) for number in session.scalars(chosen.where(SubjectRow.number.in_(part)))
    ]


def _photographs(session: Session, wanted: Collection[int]) -> dict[int, Any]:
    """Return photographs by number."""
    columns = (ImageRow.number, ImageRow.image_id, ImageRow.content_print, ImageRow.entry)
    return {
        row.number: row
        for part in slices(wanted)
        for row in session.execute(select(*columns).where(ImageRow.number.in_(part)))
    }


def _object_keys(
    seals: RowSeals,
    source_id: str,
    photograph: Row[Any],
    rows: Collection[Any],
    *,
    whole: bool,
    of: Collection[int],
) -> list[str]:
    """Return the keys of a photograph's pictures that go: all of them, or the crops of some faces alone."""
    sha256 = seals.open_entry(source_id, photograph.image_id, photograph.entry, column=IMAGE)["sha256"]
    crops = [crop_key(source_id, sha256, row.ordinal) for row in rows if whole or row.number in of]
    return [image_key(source_id, sha256), *crops] if whole else crops


def _returned(
    session: Session, seals: RowSeals, source_id: str, subjects: Mapping[int, bool], face_ids: Collection[str]
) -> dict[str, list[int]]:
    """Return the searches that showed subjects who go, or one of some faces of those who stay; with the ranks.

    Args:
        subjects: By row number, whether they go.
    """
    found: dict[str, list[int]] = {}
    for part in slices(subjects):
        chosen = (
            select(SubjectRow.number, SearchRow.search_id, SearchCandidateRow.rank, SearchCandidateRow.entry)
            .join(SubjectRow, SearchCandidateRow.subject_id == SubjectRow.subject_id)
            .join(SearchRow, SearchCandidateRow.search == SearchRow.number)
            .where(SubjectRow.number.in_(part))
        )
        for subject, search_id, rank, entry in session.execute(chosen):
            if entry is None:
                continue
            candidate = seals.open_entry(source_id, candidate_record(search_id, rank), entry, column=CANDIDATE)
            if subjects[subject] or candidate.get("face") in face_ids:
                found.setdefault(search_id, []).append(rank)
    return found


def _unknown(kind: DestructionKind) -> NotFoundError:
    """Return the error for a target that is not on record."""
    if kind is DestructionKind.SUBJECT_ERASED:
        return subject_unknown()
    if kind is DestructionKind.IMAGE_ERASED:
        return image_unknown()
    return face_unknown()
