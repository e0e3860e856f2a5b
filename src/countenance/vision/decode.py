"""From untrusted bytes to pixels: bounded in bytes, pixels, memory and time, and refused with one stable code.

Steps, in this order, each ending with a code of `CODES`:
1. The file is a regular one and not too long.
2. The first bytes say which of the supported formats it is; its name does not contradict them.
3. The file's skeleton is walked: where the picture ends, and what would cost too much.
4. The bytes are nothing else as well.
5. The one decoder of that format reads the header; its pixels are counted.
6. Only then are pixels decoded, brought to 8-bit sRGB on white and set upright.

Bytes that a decoder accepts although some of them are damaged (a flipped bit inside a JPEG's entropy-coded data, for
which the format has no check sum) still give a picture.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from countenance.core.errors import CountenanceError, InvalidInputError, NotFoundError
from countenance.vision.decoders import MOST_PIXELS, decode_pixels
from countenance.vision.formats import BMP, JPEG, WEBP, PictureFormat, check_extension, recognise
from countenance.vision.layout import walk
from countenance.vision.model import DecodedImage
from countenance.vision.polyglots import other_nature, picture_behind
from countenance.vision.refusals import CODES, hint_for, refusal

__all__ = ["CODES", "DEFAULT_LIMITS", "ImageLimits", "decode_image", "read_image_file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLimits:
    """How much one picture may be.

    Attributes:
        max_bytes: Longest file, at least 1.
        max_pixels: Width times height as the header says, 1 to 178,956,970.
    """

    max_bytes: int = 64 * 1024 * 1024
    max_pixels: int = 100_000_000

    def __post_init__(self) -> None:
        """Refuse limits that can't be kept."""
        if self.max_bytes < 1 or not 1 <= self.max_pixels <= MOST_PIXELS:
            raise ValueError(f"limits must be at least 1, and max_pixels at most {MOST_PIXELS}: {self}")


DEFAULT_LIMITS = ImageLimits()

_COMMENT_OPENER_AT: Mapping[PictureFormat, int] = MappingProxyType({JPEG: 4, WEBP: 4, BMP: 2})
"""Where a length stands that, as `/*`, lets the file's start be read as the name of a JavaScript variable."""


def read_image_file(path: Path, *, limits: ImageLimits = DEFAULT_LIMITS) -> bytes:
    """Read one picture file; pipes and devices are refused without being waited for.

    Args:
        path: Symbolic links are followed.
        limits: `max_bytes` is checked before reading.

    Raises:
        NotFoundError: code `image-not-found`.
        InvalidInputError: code `image-not-a-file`, `image-unreadable` or `image-too-many-bytes`; nothing was kept.
    """
    try:
        _require_regular(path, path.stat().st_mode)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        with open(descriptor, "rb") as file:  # noqa: PTH123 -- opens a descriptor, not a path
            status = os.fstat(descriptor)
            _require_regular(path, status.st_mode)
            _require_length(status.st_size, limits)
            data = file.read(limits.max_bytes + 1)
    except (OSError, ValueError) as error:
        raise _file_error(path, error) from error
    _require_length(len(data), limits)
    return data


def decode_image(data: bytes, *, limits: ImageLimits = DEFAULT_LIMITS, filename: str | None = None) -> DecodedImage:
    """Decode one picture: upright, 8-bit sRGB, transparent parts on white.

    Args:
        data: The whole file.
        limits: Checked before pixels are decoded.
        filename: What the file is called, if known; its extension must not contradict the content.

    Raises:
        InvalidInputError: any code of `CODES` but those of finding and reading a file; nothing was kept.
    """
    if not data:
        raise refusal("image-empty", "the file is empty")
    _require_length(len(data), limits)
    found = _recognise(data)
    check_extension(found, filename)
    skeleton = walk(data, found)
    if nature := other_nature(data, end=skeleton.end, comment_opener_at=_COMMENT_OPENER_AT.get(found)):
        raise refusal("image-polyglot", f"the file is a {found.name} picture and {nature} as well")
    return DecodedImage(
        pixels=decode_pixels(data, found, complete=skeleton.complete, max_pixels=limits.max_pixels),
        media_type=found.media_type,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
    )


def _recognise(data: bytes) -> PictureFormat:
    """Tell the format; a picture with something in front of it is a polyglot, not an unknown format."""
    try:
        return recognise(data)
    except InvalidInputError as error:
        if picture_behind(data):
            raise refusal("image-polyglot", "the file is a picture with something else in front of it") from error
        raise


def _require_regular(path: Path, mode: int) -> None:
    """Refuse anything that is not a regular file."""
    if not stat.S_ISREG(mode):
        raise refusal("image-not-a-file", f"{path} is not a regular file")


def _require_length(length: int, limits: ImageLimits) -> None:
    """Refuse more bytes than the limit."""
    if length > limits.max_bytes:
        raise refusal("image-too-many-bytes", f"the file has more than {limits.max_bytes} bytes")


def _file_error(path: Path, error: OSError | ValueError) -> CountenanceError:
    """Translate what the operating system said; a ValueError is a path with a null character in it."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, ValueError) or number in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return NotFoundError(
            f"there is no file {str(path)!r}", code="image-not-found", hint=hint_for("image-not-found")
        )
    if number in (errno.ENXIO, errno.ENODEV, errno.EISDIR):
        return refusal("image-not-a-file", f"{path} is not a regular file")
    return refusal("image-unreadable", f"{path} can't be read: {error.strerror if number else error}")
