"""Rows to values and back: what the tables hold and the gallery's model, one function a kind."""

from typing import Any

import numpy as np
from sqlalchemy import Row, Select, func, select

from countenance.adapters.sql.models import FaceRow, ImageRow, SourceRow, SubjectRow, TemplateRow
from countenance.core.arrays import Templates
from countenance.gallery.model import EnrolledFace, SourceState, Subject
from countenance.vision.model import Box, Face, Landmarks, Point, Quality

VECTOR = np.dtype("<f4")
"""How a template is stored: float32, little-endian on every machine."""


STAYS = SourceRow.state.not_in([state.value for state in SourceState if state.is_gone])
"""Leaves out sources of which nothing is there any more, though rows may still wait to be deleted."""


def select_subjects() -> Select[str, str, str | None, int]:
    """Select subjects with their source's name and how many templates they have."""
    templates = (
        select(func.count()).where(TemplateRow.subject == SubjectRow.number).correlate(SubjectRow).scalar_subquery()
    )
    return (
        select(SubjectRow.subject_id, SourceRow.name, SubjectRow.label, templates)
        .join(SourceRow, SubjectRow.source == SourceRow.number)
        .where(STAYS)
    )


def subject_of(row: Row[str, str, str | None, int]) -> Subject:
    """Return a subject that `select_subjects` found."""
    subject_id, source, label, templates = row
    return Subject(subject_id=subject_id, source=source, label=label, templates=templates)


def select_faces() -> Select[Any]:
    """Select what enrolled faces say, as plain columns: objects for whole rows would cost a search more."""
    columns = (
        FaceRow.face_id,
        FaceRow.ordinal,
        FaceRow.facts,
        ImageRow.image_id,
        ImageRow.reference,
        SourceRow.name,
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


def enrolled_face_of(row: Row[Any]) -> EnrolledFace:
    """Return a face that `select_faces` found."""
    return EnrolledFace(
        face_id=row.face_id,
        image_id=row.image_id,
        source=row.name,
        subject_id=row.subject_id,
        label=row.label,
        reference=row.reference,
        face=face_of(row.ordinal, row.facts),
    )


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


def vector_of(stored: bytes) -> Templates:
    """Return a template, float32, shape (dim,)."""
    return np.frombuffer(stored, dtype=VECTOR).astype(np.float32)


def stored_vector(template: Templates) -> bytes:
    """Return a template's bytes."""
    return template.astype(VECTOR).tobytes()
