"""From any mode that a decoder gives to upright 8-bit sRGB: samples, transparency, colour profile, orientation."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from countenance.core.arrays import Pixels
from countenance.vision.refusals import refusal

BACKGROUND = (255, 255, 255)
"""What shows through transparent pixels: white, as on the page and in the viewers where such pictures are seen."""

MAX_PROFILE_BYTES = 4 * 1024 * 1024
"""The largest common press profiles (CMYK) have about 2 MB; a longer one is ignored."""

_COLOUR_SPACE = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK"}
_TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation (CIPA DC-008, 4.6.4) to the turn that sets the picture upright; 1 and unknown values: none."""

_SIDEWAYS = frozenset({5, 6, 7, 8})
_LAST_ROW_FIRST = frozenset({3, 4, 6, 7})
"""Orientations whose stored rows are columns as seen; those whose first stored row is the bottom or right as seen."""

BAND_ROWS = 256
"""Rows converted at a time: besides the decoder's pixels and the answer, only a band more is held."""


def upright_rgb(
    picture: Image.Image, *, orientation: int, profile: bytes | None, bits: int, white_is_zero: bool
) -> Pixels:
    """Convert a loaded picture.

    Args:
        picture: Any mode; not modified.
        orientation: EXIF orientation that is still to be applied, 1 for none.
        profile: ICC profile; ignored where it is broken, too long or for another colour space.
        bits: Bits that a sample of a 16-bit grey picture uses, 9 to 16.
        white_is_zero: A 16-bit grey picture counts from white (TIFF photometric interpretation 0).

    Returns:
        uint8, shape (h, w, 3), RGB, C-contiguous.

    Raises:
        InvalidInputError: code `image-unsupported-pixels`; the pixels have no sure meaning in 8 bits.
    """
    width, height = picture.size
    sideways = orientation in _SIDEWAYS
    upright = np.empty((width, height, 3) if sideways else (height, width, 3), np.uint8)
    for top in range(0, height, BAND_ROWS):
        rows = min(BAND_ROWS, height - top)
        band = picture.crop((0, top, width, top + rows)) if rows < height else picture
        flat = _managed(_flatten(band, bits=bits, white_is_zero=white_is_zero), profile)
        turned = _turned(flat if flat.mode == "RGB" else flat.convert("RGB"), orientation)
        start = height - top - rows if orientation in _LAST_ROW_FIRST else top
        place = upright[:, start : start + rows] if sideways else upright[start : start + rows]
        place[:] = np.asarray(turned)
    return upright


def _turned(band: Image.Image, orientation: int) -> Image.Image:
    """Set a band upright by itself."""
    turn = _TURN.get(orientation)
    return band if turn is None else band.transpose(turn)


def _flatten(picture: Image.Image, *, bits: int, white_is_zero: bool) -> Image.Image:
    """Bring any mode to L, RGB, CMYK or YCbCr: 8 bits, no transparency, no palette."""
    mode = picture.mode
    if mode.startswith("I;16"):
        samples = np.asarray(picture).astype(np.uint16) >> (bits - 8)
        grey = samples.astype(np.uint8)
        return Image.fromarray(255 - grey if white_is_zero else grey)
    if mode not in {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}:
        raise refusal("image-unsupported-pixels", f"pixels of type {mode} have no sure conversion to 8-bit RGB")
    if mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in picture.info:
        straight = picture.convert("LA") if mode == "La" else picture
        transparent = straight.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, (*BACKGROUND, 255)), transparent).convert("RGB")
    if mode == "1":
        return picture.convert("L")
    return picture.convert("RGB") if mode in {"P", "RGBX"} else picture


def _managed(flat: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to sRGB by the embedded profile, where there is a usable one."""
    if not profile or len(profile) > MAX_PROFILE_BYTES or flat.mode not in _COLOUR_SPACE:
        return flat
    transform = _to_srgb(profile, flat.mode)
    if transform is None:
        return flat
    converted = ImageCms.applyTransform(flat, transform)
    return flat if converted is None else converted


@lru_cache(maxsize=8)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Build the conversion of one profile; None when it is sRGB already, broken, or for another colour space."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != _COLOUR_SPACE[mode]:
            return None
        if mode == "RGB" and "srgb" in (source.profile.profile_description or "").lower():
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
        return None
