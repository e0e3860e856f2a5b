"""The skeleton of a picture file, walked before any decoder sees it: where it ends, and what would cost too much.

The walks read lengths and counts alone, never pixels, and their work is bounded by the file's length. What is merely
wrong inside is left to the decoder.
"""

import re
import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from countenance.vision.formats import AVIF, BMP, HEIF, JPEG, PNG, TIFF, WEBP, PictureFormat
from countenance.vision.refusals import refusal

MAX_JPEG_SCANS = 100
"""A progressive JPEG by libjpeg's default script has 10 scans; each scan of a few bytes can cost a pass over the whole
picture (libjpeg-turbo, "Two Issues with the JPEG Standard", 2016: programs should bound their number)."""

MAX_JPEG_SCAN_PIXELS = 2_000_000_000
"""Scans times pixels: 20 scans at 100 megapixels."""

MAX_PARTS = 65_536
"""Markers, chunks or boxes of one file: 64 MiB in libpng's default IDAT chunks of 8 KiB are 8,192. Decoders spend
microseconds on each, however small."""

MAX_JPEG_JUNK = 65_536
"""Bytes between two header segments that belong to neither: the decoder steps over them one by one."""

MAX_TAG_VALUES = 262_144
"""One-row strips of a picture of the greatest height, in three separate planes, are 196,605."""

MAX_PAGES_WALKED = 16

MAX_TILE_PIXELS = 4_194_304
"""A TIFF tile of 2,048 x 2,048: common writers use 128 to 1,024. A decoder holds a whole tile, whatever the picture."""

MAX_EXIF_SEGMENTS = 64
"""Cameras write one; the decoder joins them in time that grows with the square of their number."""

MAX_RLE_BYTES, MAX_RLE_PIXELS = 4 * 1024 * 1024, 16_000_000
"""Run-length BMP is decoded in Python, at up to a quarter of a microsecond a byte or a pixel."""

_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN_MARKER, _END_MARKER, _APP1_MARKER = 0xDA, 0xD9, 0xE1
_LONELY_MARKERS = frozenset({0x01, 0xD8})
"""JPEG markers (ITU-T T.81, table B.1); the lonely ones have no length behind them."""

_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_TIFF_COMPRESSIONS = frozenset({1, 5, 7, 8, 32773, 32946})
"""None, LZW, JPEG, Deflate (under two numbers), PackBits (TIFF 6.0, sections 3, 9 and 13, and its supplements). Not the
fax codings of page scans: their decoder draws on past damaged lines."""

_NUMBER_CODES = {3: "H", 4: "I"}
_REDUCED_COPY = 2
_BYTE_TYPES = frozenset({1, 2, 6, 7})
_BMP_FILE_HEADER = 14
_BMP_INFO_HEADER = 40
"""Older headers, of 12 bytes, hold 16-bit sizes and no compression."""
_BMP_RUN_LENGTH = frozenset({1, 2})
_WEBP_HEADER = 30
_BOX_HEADER = 8
_PRINTABLE = re.compile(rb"[A-Za-z0-9 ]{4}")
_NEEDED_BOXES = frozenset({b"ftyp", b"meta", b"mdat", b"moov"})


class Skeleton(NamedTuple):
    """What a walk over a file found.

    Attributes:
        end: Where the picture ends, so that what stands behind it can be looked at; the file's length where the format
            does not say.
        complete: False when the file stops before the mark that ends its format.
    """

    end: int
    complete: bool = True


def walk(data: bytes, found: PictureFormat) -> Skeleton:
    """Walk the file's skeleton.

    Args:
        data: The whole file, of that format by its first bytes.
        found: What `recognise` said.

    Raises:
        InvalidInputError: code `image-truncated`, `image-corrupt`, `image-zero-size`, `image-animated`,
            `image-unsupported-pixels` or `image-decompression-bomb`; nothing was decoded.
    """
    try:
        return _WALKS[found](data)
    except (struct.error, IndexError) as error:
        raise refusal("image-truncated", f"the {found.name} file ends inside its header") from error


def require_some_pixels(width: int, height: int) -> None:
    """Refuse a picture without pixels, which decoders report in as many ways as there are decoders."""
    if width == 0 or height == 0:
        raise refusal("image-zero-size", f"the picture is {width} x {height} pixels")


def _walk_jpeg(data: bytes) -> Skeleton:
    """Follow the markers of the first picture (ITU-T T.81, B.1); further pictures behind it are a trailer."""
    position, scans, pixels, exifs = 2, 0, 0, 0
    for _ in range(MAX_PARTS):
        match = _NEXT_MARKER.search(data, position)
        if match is None:
            return Skeleton(len(data), complete=False)
        marker, start = data[match.start() + 1], match.end()
        if not scans and match.start() - position > MAX_JPEG_JUNK:
            raise refusal("image-corrupt", "the JPEG file's header holds bytes that belong to nothing")
        if marker == _END_MARKER:
            return Skeleton(start)
        if marker in _LONELY_MARKERS:
            position = start
            continue
        [length] = struct.unpack_from(">H", data, start)
        if marker in _FRAME_MARKERS:
            if pixels:
                raise refusal("image-corrupt", "the JPEG file has two frame headers")
            height, width = struct.unpack_from(">HH", data, start + 3)
            require_some_pixels(width, height)
            pixels = height * width
        scans += marker == _SCAN_MARKER
        if scans > MAX_JPEG_SCANS or scans * pixels > max(MAX_JPEG_SCAN_PIXELS, pixels):
            raise refusal("image-decompression-bomb", f"the JPEG file has more than {scans - 1} scans of its pixels")
        exifs += marker == _APP1_MARKER and data.startswith(b"Exif", start + 2)
        if exifs > MAX_EXIF_SEGMENTS:
            raise refusal("image-decompression-bomb", f"the JPEG file has more than {MAX_EXIF_SEGMENTS} EXIF segments")
        position = start + max(length, 2)
    raise refusal("image-decompression-bomb", f"the JPEG file has more than {MAX_PARTS} markers")


def _walk_png(data: bytes) -> Skeleton:
    """Follow the chunks to IEND (PNG specification, third edition, 5.3)."""
    position = 8
    for _ in range(MAX_PARTS):
        length, kind = struct.unpack_from(">I4s", data, position)
        position += 12 + length
        if position > len(data):
            raise refusal("image-truncated", "the PNG file ends inside a chunk")
        if kind == b"acTL" and int.from_bytes(data[position - 4 - length : position - length], "big") > 1:
            raise refusal("image-animated", "the PNG file is an animation")
        if kind == b"IHDR":
            require_some_pixels(*struct.unpack_from(">II", data, position - 4 - length))
        if kind == b"IEND":
            return Skeleton(position)
    raise refusal("image-decompression-bomb", f"the PNG file has more than {MAX_PARTS} chunks")


def _walk_webp(data: bytes) -> Skeleton:
    """Read the RIFF length and the animation flag (RFC 9649, 2.4 and 2.7)."""
    [length] = struct.unpack_from("<I", data, 4)
    end = 8 + length + length % 2
    if end > len(data) + length % 2 or len(data) < _WEBP_HEADER:
        raise refusal("image-truncated", "the WebP file is shorter than it says")
    if data[12:16] == b"VP8X" and data[20] & 0x02:
        raise refusal("image-animated", "the WebP file is an animation")
    return Skeleton(min(end, len(data)))


def _walk_boxes(data: bytes) -> Skeleton:
    """Follow the top-level boxes (ISO/IEC 14496-12, 4.2); what does not look like one is a trailer."""
    position = 0
    for _ in range(MAX_PARTS):
        if position + _BOX_HEADER > len(data):
            return Skeleton(position)
        length, kind = struct.unpack_from(">I4s", data, position)
        if length == 1:
            [length] = struct.unpack_from(">Q", data, position + 8)
        elif length == 0:
            return Skeleton(len(data))
        if length < _BOX_HEADER or not _PRINTABLE.fullmatch(kind):
            return Skeleton(position)
        if position + length > len(data):
            if kind in _NEEDED_BOXES:
                raise refusal("image-truncated", f"the file ends inside its {kind.decode('ascii')} box")
            return Skeleton(position)
        position += length
    raise refusal("image-decompression-bomb", f"the file has more than {MAX_PARTS} boxes")


def _walk_tiff(data: bytes) -> Skeleton:
    """Follow the directories (TIFF 6.0, section 2); a reduced copy of the picture is no second picture."""
    order = "<" if data[:2] == b"II" else ">"
    [offset] = struct.unpack_from(f"{order}I", data, 4)
    for page in range(MAX_PAGES_WALKED):
        tags, following = _tiff_directory(data, order, offset)
        if page and not tags.get(254, 0) & 1 and tags.get(255) != _REDUCED_COPY:
            raise refusal("image-animated", "the TIFF file has several pages")
        if not page and tags.get(259, 1) not in _TIFF_COMPRESSIONS:
            raise refusal("image-unsupported-pixels", f"the TIFF file's compression {tags[259]} is not read")
        if not page and tags.get(322, 0) * tags.get(323, 0) > MAX_TILE_PIXELS:
            raise refusal("image-decompression-bomb", f"the TIFF file's tiles are {tags[322]} x {tags[323]} pixels")
        if not page:
            require_some_pixels(tags.get(256, -1), tags.get(257, -1))
        if not following:
            return Skeleton(len(data))
        offset = following
    raise refusal("image-animated", f"the TIFF file has more than {MAX_PAGES_WALKED} pages, or they run in a circle")


def _tiff_directory(data: bytes, order: str, offset: int) -> tuple[dict[int, int], int]:
    """Return the tags that hold one number, and where the next directory stands."""
    [entries] = struct.unpack_from(f"{order}H", data, offset)
    tags: dict[int, int] = {}
    for index in range(entries):
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, offset + 2 + 12 * index)
        if count > MAX_TAG_VALUES and kind not in _BYTE_TYPES:
            raise refusal("image-decompression-bomb", f"the TIFF file's tag {tag} claims {count} values")
        if count == 1 and kind in _NUMBER_CODES:
            [tags[tag]] = struct.unpack_from(order + _NUMBER_CODES[kind], data, offset + 10 + 12 * index)
    [following] = struct.unpack_from(f"{order}I", data, offset + 2 + 12 * entries)
    return tags, following


def _walk_bmp(data: bytes) -> Skeleton:
    """Read the declared length and the compression (Windows bitmap file and information headers)."""
    declared, header = struct.unpack_from("<I8xI", data, 2)
    if header < _BMP_INFO_HEADER:
        require_some_pixels(*struct.unpack_from("<HH", data, 18))
    else:
        width, height, compression = struct.unpack_from("<ii4xI", data, 18)
        require_some_pixels(width, height)
        too_much = len(data) > MAX_RLE_BYTES or abs(width * height) > MAX_RLE_PIXELS
        if compression in _BMP_RUN_LENGTH and too_much:
            raise refusal("image-decompression-bomb", f"the run-length BMP is over {MAX_RLE_PIXELS} pixels or too long")
    return Skeleton(declared if _BMP_FILE_HEADER <= declared <= len(data) else len(data))


_WALKS: Mapping[PictureFormat, Callable[[bytes], Skeleton]] = MappingProxyType(
    {
        JPEG: _walk_jpeg,
        PNG: _walk_png,
        WEBP: _walk_webp,
        HEIF: _walk_boxes,
        AVIF: _walk_boxes,
        TIFF: _walk_tiff,
        BMP: _walk_bmp,
    }
)
