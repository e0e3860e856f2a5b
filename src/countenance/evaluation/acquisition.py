"""From labelled photographs to templates: every file is read once, without a gate; the gates are held against it after.

So the same reading shows the error rates with and without a gate, and a refusal stays what it is: a failure to acquire.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from countenance.core.arrays import Templates
from countenance.gallery.photographs import FaceRule, Photograph, PhotographTask, RefusedPhotograph
from countenance.gallery.ports import PhotographReader
from countenance.vision.model import Quality
from countenance.vision.quality import Gate

NO_GATE = Gate(
    purpose="evaluation",
    min_eye_distance=0,
    min_sharpness=0,
    min_brightness=0,
    max_brightness=255,
    max_clipped=1,
    max_yaw=90,
    max_pitch=90,
    min_detector_score=0,
)
"""Refuses nothing that the detector found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One photograph's most prominent face, as a template.

    Attributes:
        sha256: Of the file's bytes, hex.
        template: float32, shape (dim,), unit norm.
    """

    reference: str
    sha256: str
    template: Templates
    quality: Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureToAcquire:
    """A photograph that gave no template, and why.

    Attributes:
        code: `no-face`, `face-refused` (the gate's reasons are the message), or the decoder's (vision/refusals.py).

    Source:
        Failure to acquire, ISO/IEC 19795-1.
    """

    reference: str
    code: str
    message: str

    def as_json(self) -> dict[str, str]:
        """Return plain JSON types."""
        return {"image": self.reference, "code": self.code, "message": self.message}


Acquired = Mapping[str, Sample | FailureToAcquire]
"""What came of each photograph, by its reference."""


def acquire(
    files: Mapping[str, Path], reader: PhotographReader, *, on_progress: Callable[[int], None] = lambda _: None
) -> Acquired:
    """Read photographs and keep the most prominent face of each, however poor.

    Args:
        files: Paths by reference.
        on_progress: Called with 1 after each photograph.
    """
    tasks = (
        PhotographTask(path=path, reference=reference, gate=NO_GATE, rule=FaceRule.PROMINENT)
        for reference, path in files.items()
    )
    acquired: dict[str, Sample | FailureToAcquire] = {}
    for photograph in reader.read(tasks):
        acquired[photograph.reference] = _outcome(photograph)
        on_progress(1)
    return acquired


def through_gate(acquired: Acquired, references: Iterable[str], gate: Gate) -> Acquired:
    """Turn the samples that a gate refuses into failures to acquire; leave out what is not asked for."""
    return {reference: _gated(acquired[reference], gate) for reference in references}


def failures(acquired: Acquired) -> tuple[FailureToAcquire, ...]:
    """Return the failures by reference."""
    found = (one for one in acquired.values() if isinstance(one, FailureToAcquire))
    return tuple(sorted(found, key=lambda one: one.reference))


def _outcome(photograph: Photograph | RefusedPhotograph) -> Sample | FailureToAcquire:
    """Return the one template of a photograph, or why there is none."""
    if isinstance(photograph, RefusedPhotograph):
        return FailureToAcquire(reference=photograph.reference, code=photograph.code, message=photograph.message)
    for one in photograph.faces:
        if one.template is not None:
            return Sample(
                reference=photograph.reference,
                sha256=photograph.sha256,
                template=one.template,
                quality=one.face.quality,
            )
    return FailureToAcquire(reference=photograph.reference, code="no-face", message="no face was found")


def _gated(one: Sample | FailureToAcquire, gate: Gate) -> Sample | FailureToAcquire:
    """Hold one sample against a gate."""
    refusals = gate.refusals(one.quality) if isinstance(one, Sample) else ()
    if refusals:
        return FailureToAcquire(reference=one.reference, code="face-refused", message="; ".join(refusals))
    return one
