"""One photograph, from bytes to faces and templates: the unit of work of enrolment and evaluation."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from countenance.core.arrays import Templates
from countenance.core.errors import CountenanceError
from countenance.gallery.model import NewFace, NewImage, Outcome, Provenance
from countenance.vision.decode import ImageLimits, decode_image, read_image_file
from countenance.vision.encode import encode_jpeg
from countenance.vision.model import Face
from countenance.vision.ports import FaceAnalyser
from countenance.vision.prominence import most_prominent
from countenance.vision.quality import Gate


class FaceRule(StrEnum):
    """Which faces of a photograph get templates."""

    PROMINENT = "prominent"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotographTask:
    """One photograph to read.

    Attributes:
        path: The file.
        reference: What it is called in records and reports.
        gate: What a face must reach to get a template.
        rule: Which faces may get one.
        keep_bytes: Give the file's bytes and the faces' crops back too (enrolment stores them, evaluation does not).
        data: The photograph's bytes; None reads the file.
    """

    path: Path
    reference: str
    gate: Gate
    rule: FaceRule
    keep_bytes: bool = False
    data: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedFace:
    """One face with its template, if it got one.

    Attributes:
        template: float32, shape (dim,), unit norm; None when the rule or the gate left it out.
        crop: JPEG bytes for people to look at; None without a template, or where pictures aren't kept.
    """

    face: Face
    template: Templates | None
    crop: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """A photograph that could be read, with all its faces; `faces` is empty when it shows none.

    Attributes:
        data: The bytes as they came; None where they aren't kept.
    """

    reference: str
    sha256: str
    media_type: str
    size_bytes: int
    width: int
    height: int
    faces: tuple[AnalysedFace, ...]
    data: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPhotograph:
    """A photograph that could not be read, and why."""

    reference: str
    code: str
    message: str
    hint: str


def read_photograph(
    task: PhotographTask, analyser: FaceAnalyser, limits: ImageLimits
) -> Photograph | RefusedPhotograph:
    """Read one file and make its templates; what is wrong with the file is a value, not an error."""
    try:
        data = read_image_file(task.path, limits=limits) if task.data is None else task.data
        return analyse_photograph(data, task=task, analyser=analyser, limits=limits)
    except CountenanceError as error:
        return RefusedPhotograph(reference=task.reference, code=error.code, message=str(error), hint=error.hint)


def analyse_photograph(data: bytes, *, task: PhotographTask, analyser: FaceAnalyser, limits: ImageLimits) -> Photograph:
    """Decode, find, grade and encode.

    Raises:
        InvalidInputError: the decoder's codes; nothing was kept.
    """
    image = decode_image(data, limits=limits, filename=task.path.name)
    faces = analyser.find(image.pixels, task.gate)
    wanted = _wanted(faces, task.rule, width=image.width, height=image.height)
    rows = analyser.encode(image.pixels, wanted)
    template_of = {face.number: np.asarray(row) for face, row in zip(wanted, rows, strict=True)}
    analysed = tuple(
        AnalysedFace(
            face=face,
            template=template_of.get(face.number),
            crop=encode_jpeg(analyser.crop(image.pixels, face))
            if task.keep_bytes and face.number in template_of
            else None,
        )
        for face in faces
    )
    return Photograph(
        reference=task.reference,
        sha256=image.sha256,
        media_type=image.media_type,
        size_bytes=image.size_bytes,
        width=image.width,
        height=image.height,
        faces=analysed,
        data=data if task.keep_bytes else None,
    )


def _wanted(faces: tuple[Face, ...], rule: FaceRule, *, width: int, height: int) -> tuple[Face, ...]:
    """Return the faces that get templates."""
    candidates = faces if rule is FaceRule.ALL or not faces else (most_prominent(faces, width=width, height=height),)
    return tuple(face for face in candidates if face.passes)


def new_image(photograph: Photograph, *, label: str | None, provenance: Provenance | None) -> NewImage:
    """Return what is recorded of a photograph that was read.

    Args:
        label: Whose it is; None where the source does not say.
        provenance: What the source's manifest says of it; None where there is none.
    """
    faces = tuple(
        NewFace(face=analysed.face, template=analysed.template, label=label if analysed.template is not None else None)
        for analysed in photograph.faces
    )
    if not faces:
        outcome = Outcome.NO_FACE
    elif all(face.template is None for face in faces):
        outcome = Outcome.REFUSED_BY_GATE
    else:
        outcome = Outcome.ENROLLED
    return NewImage(
        sha256=photograph.sha256,
        reference=photograph.reference,
        media_type=photograph.media_type,
        size_bytes=photograph.size_bytes,
        width=photograph.width,
        height=photograph.height,
        outcome=outcome,
        faces=faces,
        label=label,
        provenance=provenance,
    )
