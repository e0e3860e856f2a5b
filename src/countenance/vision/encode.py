"""Pixels to bytes, for pictures that people look at."""

from io import BytesIO

from PIL import Image

from countenance.core.arrays import Pixels


def encode_jpeg(pixels: Pixels, *, quality: int = 88) -> bytes:
    """Return a JPEG without metadata.

    Args:
        pixels: uint8, shape (h, w, 3), RGB; not modified.
        quality: 1 to 95.
    """
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def encode_png(pixels: Pixels) -> bytes:
    """Return a PNG without metadata.

    Args:
        pixels: uint8, shape (h, w, 3), RGB; not modified.
    """
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
