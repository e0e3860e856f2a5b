"""The decoders, one a format, and the translation of everything that they raise or warn of."""

import io
import math
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import MappingProxyType

import numpy as np
from PIL import ExifTags, Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from countenance.core.arrays import Pixels
from countenance.core.errors import InvalidInputError
from countenance.vision.formats import AVIF, BMP, HEIF, JPEG, PNG, TIFF, WEBP, PictureFormat
from countenance.vision.layout import require_some_pixels
from countenance.vision.refusals import refusal
from countenance.vision.rgb import upright_rgb

MAX_SIDE = 65_535
"""Longest side in pixels: the greatest that a JPEG can say, and more than any camera gives."""

MOST_PIXELS = 178_956_970
"""Twice Pillow's own alarm (`Image.MAX_IMAGE_PIXELS`), where some of its decoders stop by themselves."""

_DECODERS: Mapping[PictureFormat, Callable[[io.BytesIO], ImageFile.ImageFile]] = MappingProxyType(
    {
        JPEG: JpegImageFile,
        PNG: PngImageFile,
        WEBP: WebPImageFile,
        HEIF: HeifImageFile,
        AVIF: AvifImageFile,
        TIFF: TiffImageFile,
        BMP: BmpImageFile,
    }
)
"""Called directly: nothing that Pillow or a plugin has registered is ever guessed."""

_WARNING_LOADS = frozenset({PNG, TIFF})
"""Formats whose decoders read metadata, and may warn of it, while they load pixels too."""

_FOREIGN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What decoders raise on bytes that they can't use: they were not written to raise one kind."""

_BOMB_WORDS = ("decompressed data too large", "too much memory", "decompression bomb", "security limit")
_UNMARKED_ENDS = frozenset({TIFF, BMP})
"""Formats that don't mark where they end, so that only the decoder notices that something is missing."""

_TRUNCATION_WORDS = ("truncated", "not enough image data")
_UNSUPPORTED_WORDS = ("unknown pixel mode", "unsupported bmp", "unsupported image mode", "unsupported feature")

INFLATE_BLOCK = 1 << 20

_quiet_lock = threading.RLock()
"""Python's warning filters belong to the whole process: one thread at a time may change them."""


def decode_pixels(data: bytes, found: PictureFormat, *, complete: bool, max_pixels: int) -> Pixels:
    """Read the header, count, and only then decode.

    Args:
        data: The whole file, of that format, its skeleton walked.
        found: Which decoder.
        complete: Whether the skeleton came to its end.
        max_pixels: Width times height, at most `MOST_PIXELS`.

    Returns:
        uint8, shape (h, w, 3), RGB, upright.

    Raises:
        InvalidInputError: code `image-too-many-pixels`, `image-animated`,
            `image-unsupported-pixels`, `image-truncated`, `image-corrupt` or `image-decompression-bomb`.
    """
    if found is WEBP:
        _require_size(_webp_size(data), max_pixels)
    with _translated(found, complete=complete):
        with _quiet():
            picture = _open(data, found, max_pixels)
        size = picture.size
        with _quiet() if found in _WARNING_LOADS else nullcontext():
            picture.load()
            if isinstance(picture, PngImageFile):
                _require_all_rows(picture, data)
            if sorted(picture.size) != sorted(size):
                raise refusal("image-corrupt", f"the {found.name} file's header and content differ in size")
            return _convert(picture)


def _open(data: bytes, found: PictureFormat, max_pixels: int) -> ImageFile.ImageFile:
    """Read the header and refuse what it already says to be too much."""
    picture = _DECODERS[found](io.BytesIO(data))
    _require_size(picture.size, max_pixels)
    if found not in (JPEG, TIFF) and getattr(picture, "is_animated", False):
        raise refusal("image-animated", f"the {found.name} file holds several pictures")
    if isinstance(picture, TiffImageFile):
        _require_sure_samples(picture)
        _require_strips(picture, len(data))
    return picture


def _convert(picture: ImageFile.ImageFile) -> Pixels:
    """Read what the conversion needs to know from the loaded picture, and convert it."""
    profile = picture.info.get("icc_profile")
    bits, white_is_zero = 16, False
    if isinstance(picture, TiffImageFile):
        bits = int(picture.tag_v2.get(ExifTags.Base.BitsPerSample, (16,))[0])
        white_is_zero = picture.tag_v2.get(ExifTags.Base.PhotometricInterpretation) == 0
    return upright_rgb(
        picture,
        orientation=_orientation(picture),
        profile=profile if isinstance(profile, bytes) else None,
        bits=bits,
        white_is_zero=white_is_zero,
    )


def _orientation(picture: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation that is still to be applied; 1 where it was, or where the metadata is broken.

    The HEIC decoder applies the container's own rotation, which rules over EXIF (ISO/IEC 23008-12, A.2), and the TIFF
    decoder its tag; both then say 1.
    """
    if not picture.info.get("exif") and not picture.info.get("xmp") and not isinstance(picture, PngImageFile):
        return 1
    try:
        with _quiet():
            orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except _FOREIGN:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _require_size(size: tuple[int, int], max_pixels: int) -> None:
    """Refuse a picture of too many pixels."""
    width, height = size
    require_some_pixels(width, height)
    if width * height > max_pixels or max(size) > MAX_SIDE:
        raise refusal(
            "image-too-many-pixels",
            f"the picture is {width} x {height} pixels; at most {max_pixels} pixels and {MAX_SIDE} a side are read",
        )


def _require_sure_samples(picture: TiffImageFile) -> None:
    """Refuse a TIFF whose samples lie as the decoder does not expect, though it reads them without a word.

    These are separate colour planes of other than plain bytes, and uncompressed YCbCr with fewer chroma samples, which
    is TIFF's default (TIFF 6.0, section 21).
    """
    tags = picture.tag_v2
    if picture.mode == "YCbCr" and tags.get(ExifTags.Base.YCbCrSubSampling, (2, 2)) != (1, 1):
        raise refusal("image-unsupported-pixels", "the TIFF file is uncompressed YCbCr with fewer chroma samples")
    planes, fill_order = tags.get(ExifTags.Base.PlanarConfiguration, 1), tags.get(ExifTags.Base.FillOrder, 1)
    if planes == 1:
        return
    depths = set(tags.get(ExifTags.Base.BitsPerSample, (1,)))
    if depths != {8} or fill_order != 1 or picture.mode not in {"RGB", "RGBA", "CMYK"}:
        raise refusal("image-unsupported-pixels", f"the TIFF file has separate planes of {picture.mode}, {depths} bits")


def _require_strips(picture: TiffImageFile, length: int) -> None:
    """Refuse a TIFF file that ends before its last strip or tile does."""
    tags = picture.tag_v2
    for offset_tag, count_tag in ((273, 279), (324, 325)):
        offsets, counts = tags.get(offset_tag, ()), tags.get(count_tag, ())
        if any(offset + count > length for offset, count in zip(offsets, counts, strict=False)):
            raise refusal("image-truncated", "the TIFF file ends before its last strip")
    width, height = picture.size if tags.get(274, 1) < 5 else picture.size[::-1]
    across, down = tags.get(322, width), tags.get(323, tags.get(278, height))
    needed = math.ceil(width / max(across, 1)) * math.ceil(height / max(down, 1))
    if len(tags.get(273, tags.get(324, ()))) < needed:
        raise refusal("image-corrupt", f"the TIFF file has fewer than the {needed} strips or tiles that it needs")


def _require_all_rows(picture: PngImageFile, data: bytes) -> None:
    """Refuse a PNG whose pixel stream ends early, which the decoder leaves black without a word.

    Inflating a second time is dear, so it is done only where the last two rows (the last pass of an interlaced picture
    ends in one of them) are all zero.
    """
    last = np.asarray(picture.crop((0, max(picture.height - 2, 0), *picture.size)))
    if last[-1].any() and last[0].any():
        return
    bits = data[24] * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[data[25]]
    needed = (picture.width * bits + 7) // 8 * picture.height
    if _inflated_length(data, needed) < needed:
        raise refusal("image-corrupt", "the PNG file holds fewer pixels than it says")


def _inflated_length(data: bytes, enough: int) -> int:
    """Return how many bytes the IDAT chunks of a PNG hold, counted up to a bit more than `enough`, block by block."""
    inflater, length, position = zlib.decompressobj(), 0, 8
    while length <= enough and position + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        block = data[position + 8 : position + 8 + size] if kind == b"IDAT" else b""
        while block and length <= enough:
            length += len(inflater.decompress(block, INFLATE_BLOCK))
            block = inflater.unconsumed_tail
        position += 12 + size
    return length


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read the canvas size (RFC 9649, 2.5 to 2.7): the decoder reserves memory for it as soon as it is opened."""
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise refusal("image-corrupt", "the WebP file does not begin with a picture")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the decoders' warnings: what they warn of is either refused by us or harmless."""
    with _quiet_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _translated(found: PictureFormat, *, complete: bool) -> Iterator[None]:
    """Turn whatever a decoder raises into one of our codes, by what it says where it says it."""
    try:
        yield
    except InvalidInputError:
        raise
    except _FOREIGN as error:
        said = str(error).lower()
        if isinstance(error, Image.DecompressionBombError) or any(words in said for words in _BOMB_WORDS):
            code = "image-decompression-bomb"
        elif not complete or (found in _UNMARKED_ENDS and any(words in said for words in _TRUNCATION_WORDS)):
            code = "image-truncated"
        elif any(words in said for words in _UNSUPPORTED_WORDS):
            code = "image-unsupported-pixels"
        else:
            code = "image-corrupt"
        message = " ".join(str(error).split()) or type(error).__name__
        raise refusal(code, f"the {found.name} picture can't be decoded: {message}") from error
