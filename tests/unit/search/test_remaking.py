"""A kept search's template, made again from its files: by the rule of the version that answered."""

from typing import Any

import numpy as np
import pytest

from countenance.core.errors import InvalidInputError
from countenance.search.model import ProbePhotograph
from countenance.search.remaking import remade_template
from countenance.vision.decode import DecodedImage, ImageLimits, decode_image
from countenance.vision.fusion import fuse
from countenance.vision.quality import SEARCH_GATE
from countenance.vision.rendering import box_json
from tests.stripes import StripeAnalyser, stripes, template

LIMITS = ImageLimits(max_bytes=1_000_000, max_pixels=1_000_000)
ANALYSER = StripeAnalyser()
FILES = (stripes((1, 9)), stripes((2, 1), (1, 3)))
"""Two photographs of person 1; in the second they are face 2."""


def kept(**certificate: bool) -> dict[str, Any]:
    """What an answer keeps of its photographs."""
    first, second = (_kept(decode_image(file, limits=LIMITS, filename=None)) for file in FILES)
    return {"probe": first | {"used": 1}, "further": [second | {"used": 2}], "certificate": certificate}


def _kept(image: DecodedImage) -> dict[str, Any]:
    faces = ANALYSER.find(image.pixels, SEARCH_GATE)
    return {"sha256": image.sha256, "faces": [{"box": box_json(face.box)} for face in faces]}


def remade(answer: dict[str, Any], *files: bytes) -> np.ndarray:
    """The template of an answer, made again."""
    photographs = [ProbePhotograph(image=file, filename=None) for file in files]
    return remade_template(answer, photographs, analyser=ANALYSER, gate=SEARCH_GATE, limits=LIMITS)


def test_the_clearer_photograph_counts_more_as_it_did_in_the_search() -> None:
    pictures = [decode_image(file, limits=LIMITS, filename=None).pixels for file in FILES]
    faces = [ANALYSER.find(pictures[0], SEARCH_GATE)[0], ANALYSER.find(pictures[1], SEARCH_GATE)[1]]

    found = remade(kept(fused=True, weighted=True), *FILES)

    assert np.array_equal(found, ANALYSER.encode_together(list(zip(pictures, faces, strict=True))))
    assert found @ template(1, 9) > found @ template(1, 3)


def test_in_an_answer_of_an_earlier_version_all_counted_alike() -> None:
    found = remade(kept(fused=True), *FILES)

    assert np.array_equal(found, fuse(np.stack([template(1, 9), template(1, 3)])))


def test_the_files_may_be_given_in_any_order() -> None:
    assert np.array_equal(remade(kept(weighted=True), *FILES[::-1]), remade(kept(weighted=True), *FILES))


def test_other_files_are_refused() -> None:
    with pytest.raises(InvalidInputError) as refused:
        remade(kept(weighted=True), FILES[0], FILES[0])

    assert refused.value.code == "probe-differs"
