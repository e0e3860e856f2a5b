"""Rows to values and back: what the tables hold and the gallery's model, one function a kind."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from countenance.adapters.sql.models import FaceRow, ImageRow, SourceRow, SubjectRow, TemplateRow
from countenance.adapters.sql.sealing import FACE, IMAGE, RowSeals, Sealed
from countenance.core.arrays import Templates
from countenance.gallery.model import EnrolledFace, NewImage, SourceState, Subject
from countenance.vision.model import Box, Face, Landmarks, Point, Quality

STAYS = SourceRow.state.not_in([state.value for state in SourceState if state.is_gone])
"""Leaves out sources of which nothing is there any more, though rows may still wait to be deleted."""


def select_subjects() -> Select[*tuple[Any, ...]]:
    """Select subjects with their source's name and how many templates they have."""
    templates = (
        select(func.count()).where(TemplateRow.subject == SubjectRow.number).correlate(SubjectRow).scalar_subquery()
    )
    columns = (
        SubjectRow.subject_id,
        SourceRow.source_id,
        SourceRow.entry,
        SubjectRow.label,
        templates.label("templates"),
    )
    return select(*columns).join(SourceRow, SubjectRow.source == SourceRow.number).where(STAYS)


def subjects_of(rows: Sequence[Row[*tuple[Any, ...]]], seals: RowSeals) -> list[Subject]:
    """Return the subjects that `select_subjects` found."""
    name_of = seals.source_names((row.source_id, row.entry) for row in rows)
    return [
        Subject(
            subject_id=row.subject_id,
            source=name_of[row.source_id],
            label=seals.open_label(row.source_id, row.subject_id, row.label),
            templates=row.templates,
        )
        for row in rows
    ]


def select_faces() -> Select[*tuple[Any, ...]]:
    """Select what enrolled faces say, as plain columns: objects for whole rows would cost a search more."""
    columns = (
        FaceRow.face_id,
        FaceRow.ordinal,
        FaceRow.entry.label("face_entry"),
        ImageRow.image_id,
        ImageRow.entry.label("image_entry"),
        SourceRow.source_id,
        SourceRow.entry.label("source_entry"),
        SubjectRow.subject_id,
        SubjectRow.label,
    )
    return (
        select(*columns)
        .join(ImageRow, FaceRow.image == ImageRow.number)
        .join(SourceRow, ImageRow.source == SourceRow.number)
        .join(SubjectRow, FaceRow.subject == SubjectRow.number)
        .where(STAYS)
    )


def enrolled_faces_of(rows: Sequence[Row[*tuple[Any, ...]]], seals: RowSeals) -> list[EnrolledFace]:
    """Return the faces that `select_faces` found."""
    faces = seals.open_entries([Sealed(row.source_id, row.face_id, row.face_entry) for row in rows], column=FACE)
    images = seals.open_entries([Sealed(row.source_id, row.image_id, row.image_entry) for row in rows], column=IMAGE)
    named = [row for row in rows if row.label is not None]
    labels = seals.open_labels([Sealed(row.source_id, row.subject_id, row.label) for row in named])
    label_of = {row.subject_id: label for row, label in zip(named, labels, strict=True)}
    name_of = seals.source_names((row.source_id, row.source_entry) for row in rows)
    return [
        EnrolledFace(
            face_id=row.face_id,
            image_id=row.image_id,
            source=name_of[row.source_id],
            subject_id=row.subject_id,
            label=label_of.get(row.subject_id),
            reference=image["reference"],
            face=face_of(row.ordinal, face),
        )
        for row, face, image in zip(rows, faces, images, strict=True)
    ]


def image_facts(image: NewImage) -> dict[str, Any]:
    """Return what is stored of a photograph, JSON types only."""
    return {
        name: getattr(image, name) for name in ("sha256", "reference", "media_type", "size_bytes", "width", "height")
    }


def select_templates() -> Select[*tuple[Any, ...]]:
    """Select templates with what it takes to open them."""
    columns = (TemplateRow.number, TemplateRow.face, TemplateRow.subject, TemplateRow.vector, SourceRow.source_id)
    return select(*columns).join(SourceRow, TemplateRow.source == SourceRow.number)


def opened_templates(rows: Sequence[Row[*tuple[Any, ...]]], seals: RowSeals) -> Templates:
    """Return the templates that `select_templates` found; float32, shape (n, dim)."""
    return seals.open_templates([Sealed(row.source_id, str(row.face), row.vector) for row in rows])


def templates_by_subject(session: Session, *, last_row: int, most: int) -> Iterator[Sequence[Row[*tuple[Any, ...]]]]:
    """Select the templates up to a row by rising subject, about `most` at a time: all of a subject together."""
    chosen = select_templates().where(TemplateRow.number <= last_row, STAYS)
    chosen = chosen.order_by(TemplateRow.subject, TemplateRow.number)
    after = 0
    while rows := session.execute(chosen.where(TemplateRow.subject > after).limit(most)).all():
        if len(rows) == most:  # the last subject may go on
            last = rows[-1].subject
            whole = [row for row in rows if row.subject != last]
            rows = whole or session.execute(chosen.where(TemplateRow.subject == last)).all()
        yield rows
        after = rows[-1].subject


def facts_of(face: Face) -> dict[str, Any]:
    """Return what is stored of a face, JSON types only."""
    quality = face.quality
    return {
        "box": list(face.box),
        "landmarks": [list(point) for point in face.landmarks],
        "refusals": list(face.refusals),
        "quality": {name: getattr(quality, name) for name in Quality.__dataclass_fields__},
    }


def face_of(number: int, facts: dict[str, Any]) -> Face:
    """Return a face from what was stored of it."""
    return Face(
        number=number,
        box=Box(*facts["box"]),
        landmarks=Landmarks(*(Point(*point) for point in facts["landmarks"])),
        quality=Quality(**facts["quality"]),
        refusals=tuple(facts["refusals"]),
    )
