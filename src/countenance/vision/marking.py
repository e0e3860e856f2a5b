"""Faces drawn on a copy of a picture: a box and a number each, to be told apart by people."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from countenance.core.arrays import Pixels
from countenance.vision.model import Face

PASSES, REFUSED, INK = (255, 255, 255), (255, 176, 32), (12, 18, 24)
"""White for a face that may be searched, amber for one that is too poor; dark ink keeps both apart from any ground."""

SMALLEST_FONT = 12
"""Pixels: below this a number can't be read."""


def mark_faces(pixels: Pixels, faces: Sequence[Face]) -> Pixels:
    """Draw each face's box and number.

    Args:
        pixels: uint8, shape (h, w, 3), RGB; not modified.

    Returns:
        uint8, shape (h, w, 3), RGB.
    """
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    line = max(1, round(min(picture.size) / 300))
    # The largest face last, so that its number lies on top.
    for face in reversed(faces):
        colour = PASSES if face.passes else REFUSED
        box = tuple(round(value) for value in face.box)
        draw.rectangle(_grown(box, line), outline=INK, width=3 * line)
        draw.rectangle(box, outline=colour, width=line)
        _number(draw, face, colour, picture.size)
    return np.asarray(picture)


def _number(draw: ImageDraw.ImageDraw, face: Face, colour: tuple[int, int, int], size: tuple[int, int]) -> None:
    """Write a face's number on a plate above its box, or within the picture where there is no room above."""
    height = max(SMALLEST_FONT, round(face.box.height / 6))
    font = ImageFont.load_default(size=height)
    pad = height // 4
    width = round(draw.textlength(str(face.number), font=font)) + 2 * pad
    left = min(max(0, round(face.box.left)), max(0, size[0] - width))
    top = max(0, round(face.box.top) - height - pad)
    draw.rectangle((left, top, left + width, top + height + pad), fill=colour, outline=INK)
    draw.text((left + width / 2, top + (height + pad) / 2), str(face.number), fill=INK, font=font, anchor="mm")


def _grown(box: tuple[int, ...], by: int) -> tuple[int, int, int, int]:
    """Return a box grown on all sides."""
    left, top, right, bottom = box
    return left - by, top - by, right + by, bottom + by
