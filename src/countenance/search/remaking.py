"""A kept search's template, made again from the files that were searched with: they were not kept."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from countenance.core.arrays import Templates
from countenance.core.errors import ConflictError, InvalidInputError
from countenance.search.model import ProbePhotograph
from countenance.vision.decode import ImageLimits, decode_image
from countenance.vision.fusion import fuse
from countenance.vision.model import DecodedImage, Face
from countenance.vision.ports import FaceAnalyser
from countenance.vision.quality import Gate
from countenance.vision.rendering import box_json


def remade_template(
    answer: Mapping[str, Any],
    photographs: Sequence[ProbePhotograph],
    *,
    analyser: FaceAnalyser,
    gate: Gate,
    limits: ImageLimits,
) -> Templates:
    """Return the template that a kept answer was found with: float32, shape (d,).

    Args:
        answer: As it was kept: it holds each photograph's hash, faces, and which of them was used.
        photographs: The same files, in any order; which face is meant is the answer's to say.

    Raises:
        InvalidInputError: code `probe-differs`: other files, more or fewer; or the decoder's codes.
        ConflictError: code `probe-template-differs`: the faces are not found as they were then.
    """
    searched = [answer["probe"], *answer.get("further", ())]
    images = [decode_image(one.image, limits=limits, filename=one.filename) for one in photographs]
    _require_same(images, [probe["sha256"] for probe in searched])
    by_hash = {image.sha256: image for image in images}
    # In the order of then: it is part of what the sum is.
    ordered = [by_hash[probe["sha256"]] for probe in searched]
    shown = [
        (image.pixels, _found_again(image, probe, analyser, gate))
        for image, probe in zip(ordered, searched, strict=True)
    ]
    if answer["certificate"].get("weighted"):
        return analyser.encode_together(shown)
    # An answer of an earlier version: all photographs counted alike.
    return fuse(np.concatenate([analyser.encode(pixels, [face]) for pixels, face in shown]))


def _require_same(images: Sequence[DecodedImage], hashes: Sequence[str]) -> None:
    """Refuse other files than those that were searched with."""
    given = [image.sha256 for image in images]
    if sorted(given) == sorted(hashes):
        return
    if len(hashes) == 1:
        what, must = "this file is not the probe of that search", "its SHA-256 must be"
    else:
        what, must = f"these are not the {len(hashes)} photographs of that search", "their SHA-256 must be"
    raise InvalidInputError(what, code="probe-differs", hint=f"{must} {', '.join(hashes)}")


def _found_again(image: DecodedImage, probe: Mapping[str, Any], analyser: FaceAnalyser, gate: Gate) -> Face:
    """Find the face that was searched, the same way as then: the answer does not say which."""
    for thorough in (False, True):
        faces = analyser.find(image.pixels, gate, thorough=thorough)
        if [box_json(face.box) for face in faces] == [face["box"] for face in probe["faces"]]:
            used: int = probe["used"]
            return faces[used - 1]
    raise ConflictError(
        "the faces of the probe are not found as they were then",
        code="probe-template-differs",
        hint="check with the model pack, the runtime and the kind of machine that answered",
    )
