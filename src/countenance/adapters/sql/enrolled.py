"""Photographs going into the tables with their faces, subjects and templates, sealed; and found there again."""

from collections.abc import Collection, Sequence
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from countenance.adapters.sql.counts import count
from countenance.adapters.sql.database import slices
from countenance.adapters.sql.destruction_models import ErasedPhotographRow
from countenance.adapters.sql.mapping import facts_of, image_facts
from countenance.adapters.sql.models import Base, FaceRow, ImageRow, SourceRow, SubjectRow, TemplateRow
from countenance.adapters.sql.sealing import FACE, IMAGE, RowSeals
from countenance.adapters.sql.source_models import ProvenanceRow
from countenance.adapters.sql.source_values import provenance_entry
from countenance.core.clock import utc_now
from countenance.core.ids import new_id
from countenance.gallery.model import KnownImage, NewFace, NewImage, Outcome

AnyRow = TypeVar("AnyRow", bound=Base)


def known_images(session: Session, seals: RowSeals, source_id: str, sha256s: Collection[str]) -> dict[str, KnownImage]:
    """Look photographs up by their content, in one source."""
    known: dict[str, KnownImage] = {}
    source = session.scalar(select(SourceRow.number).where(SourceRow.source_id == source_id))
    if source is None:
        return known
    for wanted in slices(sha256s):
        sha256_of = {seals.content_print(source_id, sha256): sha256 for sha256 in wanted}
        rows = session.execute(
            select(ImageRow.content_print, ImageRow.outcome, SubjectRow.subject_id, SubjectRow.label)
            .join(SourceRow, ImageRow.source == SourceRow.number)
            .outerjoin(FaceRow, FaceRow.image == ImageRow.number)
            .outerjoin(SubjectRow, FaceRow.subject == SubjectRow.number)
            .where(SourceRow.source_id == source_id, ImageRow.content_print.in_(sha256_of))
        ).all()
        for content_print, outcome, subject_id, sealed in rows:
            sha256, label = sha256_of[content_print], seals.open_label(source_id, subject_id, sealed)
            before = known.get(sha256, KnownImage(outcome=Outcome(outcome), labels=frozenset()))
            labels = before.labels if label is None else before.labels | {label}
            known[sha256] = KnownImage(outcome=before.outcome, labels=labels)
        erased = select(ErasedPhotographRow.content_print).where(
            ErasedPhotographRow.source == source, ErasedPhotographRow.content_print.in_(sha256_of)
        )
        for content_print in session.scalars(erased):
            known[sha256_of[content_print]] = KnownImage(outcome=Outcome.ERASED, labels=frozenset())
    return known


def add_images(session: Session, seals: RowSeals, source: SourceRow, images: Sequence[NewImage]) -> None:
    """Insert photographs with their faces, and count them."""
    subjects = sum(_add_image(session, seals, source, image) for image in images)
    templates = sum(face.template is not None for image in images for face in image.faces)
    count(source, seals, images=len(images), subjects=subjects, templates=templates)


def _add_image(session: Session, seals: RowSeals, source: SourceRow, image: NewImage) -> int:
    """Insert one photograph with its faces, and return how many subjects are new."""
    image_id = new_id()
    label = None if image.outcome is Outcome.ENROLLED else image.label
    row = ImageRow(
        image_id=image_id,
        source=source.number,
        content_print=seals.content_print(source.source_id, image.sha256),
        entry=seals.entry(source.source_id, image_id, image_facts(image), column=IMAGE),
        outcome=image.outcome.value,
        label_print=None if label is None else seals.label_print(source.source_id, label),
        enrolled_at=utc_now(),
    )
    number = added(session, row).number
    if image.provenance is not None:
        entry = provenance_entry(image.provenance, image_id, source, seals)
        session.add(ProvenanceRow(image=number, entry=entry))
    return sum(_add_face(session, seals, source, number, face) for face in image.faces)


def _add_face(session: Session, seals: RowSeals, source: SourceRow, image: int, new: NewFace) -> bool:
    """Insert one face, and say whether its subject is new.

    With a template it gets a subject: a new one where the label is new or there is none.
    """
    subject, is_new = (None, False) if new.template is None else _subject_number(session, seals, source, new.label)
    face_id = new_id()
    entry = seals.entry(source.source_id, face_id, facts_of(new.face), column=FACE)
    row = FaceRow(face_id=face_id, image=image, subject=subject, ordinal=new.face.number, entry=entry)
    face = added(session, row).number
    if new.template is not None:
        vector = seals.template(source.source_id, face, new.template)
        session.add(TemplateRow(face=face, source=source.number, subject=subject, vector=vector))
    return is_new


def _subject_number(session: Session, seals: RowSeals, source: SourceRow, label: str | None) -> tuple[int, bool]:
    """Return the row number of a subject, inserting it where it is new, and whether it is."""
    subject_id, sealed, label_print = new_id(), None, None
    if label is not None:
        label_print = seals.label_print(source.source_id, label)
        chosen = select(SubjectRow.number).where(
            SubjectRow.source == source.number, SubjectRow.label_print == label_print
        )
        number = session.scalar(chosen)
        if number is not None:
            return number, False
        sealed = seals.label(source.source_id, subject_id, label)
    row = SubjectRow(subject_id=subject_id, source=source.number, label=sealed, label_print=label_print)
    return added(session, row).number, True


def added(session: Session, row: AnyRow) -> AnyRow:
    """Insert one row and give it back with its number."""
    session.add(row)
    session.flush()
    return row
