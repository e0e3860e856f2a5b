"""What the routes that take or give pictures share."""

from typing import Any

SHOWN_AS_IS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/bmp": "bmp"}
"""Media types that every browser shows, to their usual ending; others are downloads."""

REFUSED_PICTURE = (
    "image-empty",
    "image-unsupported-format",
    "image-truncated",
    "image-too-many-pixels",
    "request-invalid",
)
"""Codes of pictures that can't be read, the common ones; docs/reference lists all."""


def picture_answer(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Describe an answer that is a picture for the OpenAPI document."""
    return {200: {"description": "The picture.", "content": {media_type: {}}}}
