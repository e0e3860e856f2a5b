"""From the photographs of a search to the one template that is searched with."""

from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple

from countenance.core.arrays import Templates
from countenance.core.errors import InvalidInputError
from countenance.search.model import Probe, ProbePhotograph, SearchOutcome
from countenance.vision.decode import ImageLimits, decode_image
from countenance.vision.model import DecodedImage, Face
from countenance.vision.ports import FaceAnalyser
from countenance.vision.quality import Gate


class Stopwatch:
    """Seconds by stage, in the order in which the stages ended."""

    def __init__(self) -> None:
        """Start."""
        self._started = self._last = perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """End a stage, perhaps another part of it."""
        now = perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now

    def total(self) -> dict[str, float]:
        """Return all stages and their total."""
        return {**self.seconds, "total": perf_counter() - self._started}


class ReadProbe(NamedTuple):
    """What became of the photographs; `template`, float32, shape (1, d), is None where nothing can be searched."""

    outcome: SearchOutcome
    message: str
    probes: tuple[Probe, ...]
    template: Templates | None


def read_probe(
    photographs: Sequence[ProbePhotograph],
    *,
    analyser: FaceAnalyser,
    gate: Gate,
    limits: ImageLimits,
    thorough: bool,
    watch: Stopwatch,
) -> ReadProbe:
    """Decode the photographs, choose a face in each, and make one template of them.

    The first photograph without a face to search ends it: a person decides what to do about it.

    Args:
        photographs: Of one person, at least one.
        watch: Told of `decode`, `detect` and `encode`.

    Raises:
        InvalidInputError: the decoder's codes, `face-number-invalid`.
    """
    images = [decode_image(one.image, limits=limits, filename=one.filename) for one in photographs]
    watch.lap("decode")
    found = [analyser.find(image.pixels, gate, thorough=thorough) for image in images]
    watch.lap("detect")
    choices = [choose_face(faces, one.face) for faces, one in zip(found, photographs, strict=True)]
    probes = tuple(
        probe_of(image, faces, used=None if face is None else face.number)
        for image, faces, (_, _, face) in zip(images, found, choices, strict=True)
    )
    chosen = [(image, face) for image, (_, _, face) in zip(images, choices, strict=True) if face is not None]
    if len(chosen) < len(photographs):
        at, (outcome, message) = next(
            (at, choice[:2]) for at, choice in enumerate(choices, start=1) if choice[2] is None
        )
        return ReadProbe(outcome, message if len(choices) == 1 else f"Photograph {at}: {message}", probes, None)
    template = analyser.encode_together([(image.pixels, face) for image, face in chosen])
    watch.lap("encode")
    return ReadProbe(SearchOutcome.SEARCHED, "", probes, template[None])


def choose_face(faces: Sequence[Face], number: int | None) -> tuple[SearchOutcome, str, Face | None]:
    """Decide which face is searched, or why none is."""
    if not faces:
        return SearchOutcome.NO_FACE, "No face was found in this photograph.", None
    if number is None and len(faces) > 1:
        return SearchOutcome.CHOOSE_FACE, f"{len(faces)} faces were found: choose one by its number.", None
    if number is not None and number > len(faces):
        raise no_such_face(number, f"the photograph has {len(faces)}")
    face = faces[(number or 1) - 1]
    if not face.passes:
        reasons = "; ".join(face.refusals)
        return SearchOutcome.FACE_REFUSED, f"Face {face.number} is too poor to be searched: {reasons}.", None
    return SearchOutcome.SEARCHED, "", face


def no_such_face(number: int, why: str) -> InvalidInputError:
    """Say that a photograph has no such face."""
    return InvalidInputError(
        f"there is no face {number}: {why}",
        code="face-number-invalid",
        hint="`countenance faces IMAGE` shows the numbers",
    )


def probe_of(image: DecodedImage, faces: tuple[Face, ...], *, used: int | None) -> Probe:
    """Describe a photograph that was looked at; `used` is the number of the face that was searched."""
    return Probe(
        sha256=image.sha256,
        media_type=image.media_type,
        width=image.width,
        height=image.height,
        faces=faces,
        used=used,
    )
