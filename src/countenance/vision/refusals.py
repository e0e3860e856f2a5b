"""Why a picture is refused: stable codes, what each means, and what a person can do about it."""

from collections.abc import Mapping
from types import MappingProxyType

from countenance.core.errors import InvalidInputError

CODES: Mapping[str, str] = MappingProxyType(
    {
        "image-not-found": "There is no file at that path.",
        "image-not-a-file": "The path leads to a folder, device, pipe or socket instead of a regular file.",
        "image-unreadable": "The operating system does not let the file be read.",
        "image-empty": "The file holds no bytes.",
        "image-too-many-bytes": "The file is longer than the limit.",
        "image-too-many-pixels": "The picture's header claims more pixels, or a longer side, than the limit.",
        "image-zero-size": "The picture's header claims a width or height of zero.",
        "image-unsupported-format": "The content is not JPEG, PNG, WebP, HEIC, AVIF, TIFF or BMP.",
        "image-unsupported-pixels": "The picture's pixel type or compression has no sure conversion to 8-bit RGB.",
        "image-wrong-extension": "The content is one format and the file's name says another.",
        "image-polyglot": "The bytes are a picture and an archive, document, page, script or program as well.",
        "image-animated": "The file holds an animation or several pictures.",
        "image-truncated": "The file ends before its picture does.",
        "image-corrupt": "The content contradicts its format and can't be decoded.",
        "image-decompression-bomb": "The file is built to take far more memory or time than its picture needs.",
    }
)
"""Every code that reading or decoding a picture can end with, and its meaning in one sentence."""

_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "image-not-found": "Check the path.",
        "image-not-a-file": "Name one picture file.",
        "image-unreadable": "Check the file's permissions.",
        "image-empty": "Copy the file again from where it came from.",
        "image-too-many-bytes": "Save it smaller, or raise COUNTENANCE_MAX_IMAGE_BYTES.",
        "image-too-many-pixels": "Save it smaller, or raise COUNTENANCE_MAX_IMAGE_PIXELS.",
        "image-zero-size": "Copy the file again from where it came from.",
        "image-unsupported-format": "Save it as JPEG or PNG.",
        "image-unsupported-pixels": "Save it as 8-bit RGB, for instance as PNG.",
        "image-wrong-extension": "Give the file the extension of its content, if you trust where it came from.",
        "image-polyglot": "Don't open it with anything else; save the picture anew with a picture editor.",
        "image-animated": "Save the one picture that you need as a file of its own.",
        "image-truncated": "Copy the file again from where it came from.",
        "image-corrupt": "Copy the file again, or save it anew with a picture editor.",
        "image-decompression-bomb": "Don't trust where it came from; save the picture anew with a picture editor.",
    }
)


def refusal(code: str, message: str) -> InvalidInputError:
    """Make the error for one code of `CODES`, with its hint."""
    return InvalidInputError(message, code=code, hint=_HINTS[code])


def hint_for(code: str) -> str:
    """Return what a person can do about one code of `CODES`."""
    return _HINTS[code]
