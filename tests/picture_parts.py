"""Small pictures and the parts of their files, made in code: for files that no encoder would write."""

import io
import struct
import zlib
from collections.abc import Iterable

import numpy as np
from PIL import Image
from pillow_heif import from_pillow


def sample(width: int = 48, height: int = 32, *, seed: int = 0) -> Image.Image:
    """Return a small smooth RGB picture with some noise, the same each time."""
    rows, columns = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).integers(0, 16, (height, width))
    planes = (columns * 200 // width, rows * 200 // height, (rows + columns) * 100 // (height + width))
    return Image.fromarray(np.dstack([plane + noise for plane in planes]).astype(np.uint8))


def encoded(picture: Image.Image, name: str, **options: object) -> bytes:
    """Encode with Pillow, or with libheif for HEIF."""
    target = io.BytesIO()
    if name == "HEIF":
        from_pillow(picture).save(target, **options)
    else:
        picture.save(target, name, **options)
    return target.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return one PNG chunk with its check sum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *, before: bytes = b"", after: bytes = b"", pixels: bytes | None = None) -> bytes:
    """Return an 8-bit grey PNG from its parts; `pixels` is what the IDAT chunk holds."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes((width + 1) * height)) if pixels is None else pixels
    chunks = png_chunk(b"IHDR", header) + before + png_chunk(b"IDAT", body) + after + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def tiff(entries: Iterable[tuple[int, int, int, int]], *, body: bytes = b"", following: int = 0) -> bytes:
    """Return a little-endian TIFF of one directory: (tag, type, count, value) each; `body` stands behind it."""
    packed = [struct.pack("<HHII", *entry) for entry in sorted(entries)]
    directory = struct.pack("<H", len(packed)) + b"".join(packed) + struct.pack("<I", following)
    return b"II*\x00" + struct.pack("<I", 8) + directory + body


def grey_tiff(
    width: int = 8,
    height: int = 8,
    *,
    change: dict[int, tuple[int, int, int]] | None = None,
    drop: tuple[int, ...] = (),
    following: int = 0,
) -> bytes:
    """Return an uncompressed 8-bit grey TIFF with some entries changed or dropped; its pixels stand at byte 512."""
    entries = {
        256: (4, 1, width),
        257: (4, 1, height),
        258: (3, 1, 8),
        259: (3, 1, 1),
        262: (3, 1, 1),
        273: (4, 1, 512),
        277: (3, 1, 1),
        278: (4, 1, height),
        279: (4, 1, width * height),
    } | (change or {})
    data = tiff([(tag, *rest) for tag, rest in entries.items() if tag not in drop], following=following)
    return data.ljust(512, b"\x00") + bytes(min(width * height, 4096))


def planar_tiff(pixels: np.ndarray) -> bytes:
    """Return an uncompressed little-endian TIFF with one plane a colour; pixels are uint8 or uint16, (h, w, 3)."""
    height, width = pixels.shape[:2]
    bits = pixels.dtype.itemsize * 8
    length = height * width * bits // 8
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, 480),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 3, 456),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 3, 468),
        (284, 3, 1, 2),
    ]
    outside = struct.pack("<6I", *(512 + length * plane for plane in range(3)), *[length] * 3)
    head = tiff(entries).ljust(456, b"\x00") + outside + struct.pack("<3H", bits, bits, bits)
    return head.ljust(512, b"\x00") + b"".join(pixels[:, :, plane].tobytes() for plane in range(3))


def jpeg_segment(marker: int, body: bytes) -> bytes:
    """Return one JPEG marker segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def with_segment(jpeg: bytes, segment: bytes) -> bytes:
    """Put a segment right behind the start of a JPEG."""
    return jpeg[:2] + segment + jpeg[2:]


def bmp(width: int, height: int, *, header_size: int = 40, body: bytes = b"", compression: int = 0) -> bytes:
    """Return a 24-bit BMP from its parts."""
    info = struct.pack("<IiiHHIIiiII", header_size, width, height, 1, 24, compression, len(body), 0, 0, 0, 0)
    return struct.pack("<2sIII", b"BM", 54 + len(body), 0, 54) + info + body


def webp_canvas(width: int, height: int) -> bytes:
    """Return an extended WebP header that claims a canvas, with no picture behind it."""
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\x00" * 4 + sizes
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def patched(data: bytes, position: int, replacement: bytes) -> bytes:
    """Overwrite bytes; a negative position counts from the end."""
    start = position if position >= 0 else len(data) + position
    return data[:start] + replacement + data[start + len(replacement) :]
