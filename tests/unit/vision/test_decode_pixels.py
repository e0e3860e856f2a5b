"""What decoding gives: every orientation, mode, depth and colour space, checked on actual pixels."""

import io
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms
from pillow_heif import from_bytes

from countenance.vision.decode import decode_image
from tests.picture_parts import bmp, encoded, grey_tiff, jpeg_segment, planar_tiff, png, png_chunk, tiff, with_segment

RED, GREEN, BLUE, GREY = (250, 10, 20), (20, 240, 30), (30, 20, 230), (120, 120, 120)
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def quadrants(width: int = 64, height: int = 32) -> Image.Image:
    """Return a picture of four colours: red top-left, green top-right, blue bottom-left, grey bottom-right."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = RED
    pixels[: height // 2, width // 2 :] = GREEN
    pixels[height // 2 :, : width // 2] = BLUE
    pixels[height // 2 :, width // 2 :] = GREY
    return Image.fromarray(pixels)


def corners(data: bytes) -> list[tuple[int, int, int]]:
    """Decode and return the middle pixels of the four quadrants, in reading order."""
    pixels = decode_image(data).pixels
    height, width = pixels.shape[:2]
    return [
        tuple(int(v) for v in pixels[y, x])
        for y in (height // 4, height * 3 // 4)
        for x in (width // 4, width * 3 // 4)
    ]


def close(found: list[tuple[int, int, int]], wanted: list[tuple[int, int, int]], *, tolerance: int = 0) -> bool:
    """Compare colours channel by channel."""
    return bool(np.abs(np.asarray(found, int) - np.asarray(wanted, int)).max() <= tolerance)


# Orientation.

_STORED_FROM_UPRIGHT = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How the upright picture is turned before it is stored, by CIPA DC-008, 4.6.4."""


def stored(orientation: int) -> Image.Image:
    """Return the quadrants as a camera that was held that way stores them."""
    turn = _STORED_FROM_UPRIGHT[orientation]
    return quadrants() if turn is None else quadrants().transpose(turn)


def exif_bytes(orientation: int) -> bytes:
    """Return EXIF metadata of that orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_every_orientation_is_set_upright_once(name: str, orientation: int) -> None:
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(name, {})
    data = encoded(stored(orientation), name, exif=exif_bytes(orientation), **options)

    image = decode_image(data)

    assert (image.width, image.height) == (64, 32)
    assert close(corners(data), [RED, GREEN, BLUE, GREY], tolerance=0 if name in {"PNG", "TIFF"} else 12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_of_many_rows_is_put_together_upright(orientation: int) -> None:
    whole = np.random.default_rng(7).integers(0, 256, (600, 300, 3), dtype=np.uint8)
    turn = _STORED_FROM_UPRIGHT[orientation]
    picture = Image.fromarray(whole) if turn is None else Image.fromarray(whole).transpose(turn)
    data = encoded(picture, "PNG", exif=exif_bytes(orientation), compress_level=1)

    image = decode_image(data)

    assert np.array_equal(image.pixels, whole)


@pytest.mark.parametrize(
    "value", [pytest.param(0, id="zero"), pytest.param(9, id="nine"), pytest.param(40_000, id="large")]
)
def test_an_orientation_that_does_not_exist_is_none(value: int) -> None:
    data = encoded(quadrants(), "PNG", exif=exif_bytes(value))

    assert close(corners(data), [RED, GREEN, BLUE, GREY])


@pytest.mark.parametrize(
    "exif",
    [
        pytest.param(b"Exif\x00\x00MM\x00*\xff\xff\xff\xff", id="offset-outside"),
        pytest.param(b"Exif\x00\x00garbage", id="garbage"),
        pytest.param(b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff", id="cut"),
    ],
)
def test_broken_exif_is_ignored(exif: bytes) -> None:
    data = with_segment(encoded(quadrants(), "JPEG", quality=95), jpeg_segment(0xE1, exif))

    assert close(corners(data), [RED, GREEN, BLUE, GREY], tolerance=12)


# Modes, depths and colour.


def _png_parts(width: int, height: int, *, depth: int, colour: int, rows: bytes) -> bytes:
    """Return a PNG of any depth and colour type; rows carry their filter bytes."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _grey_alpha() -> bytes:
    grey = Image.new("L", (8, 8), 100)
    alpha = Image.fromarray(np.repeat(np.array([[255] * 4 + [0] * 4], np.uint8), 8, axis=0))
    return encoded(Image.merge("LA", (grey, alpha)), "PNG")


def _half_transparent(name: str, **options: object) -> bytes:
    alpha = Image.fromarray(np.repeat(np.array([[255] * 32 + [0] * 32], np.uint8), 32, axis=0))
    picture = quadrants()
    picture.putalpha(alpha)
    return encoded(picture, name, **options)


def _palette(**options: object) -> bytes:
    picture = Image.new("P", (8, 8), 0)
    picture.putpalette([*RED, *GREEN])
    picture.paste(1, (4, 0, 8, 8))
    return encoded(picture, "PNG", **options)


def _one_bit(name: str) -> bytes:
    return encoded(Image.fromarray(np.repeat(np.array([[0] * 4 + [255] * 4], np.uint8), 8, axis=0)).convert("1"), name)


def _cmyk(name: str, **options: object) -> bytes:
    planes = np.zeros((32, 32, 4), np.uint8)
    planes[:, 16:] = (255, 0, 255, 0)
    return encoded(Image.fromarray(planes, "CMYK"), name, **options)


def _ycck() -> bytes:
    """Return a JPEG of four components whose first three are YCbCr, as Photoshop writes them (Adobe transform 2)."""
    inks = np.zeros((32, 32, 3), np.uint8)
    inks[:, 16:] = (255, 0, 255)
    planes = [255 - np.asarray(plane) for plane in Image.fromarray(inks).convert("YCbCr").split()]
    black = np.zeros((32, 32), np.uint8)
    data = encoded(Image.fromarray(np.dstack([*planes, black]), "CMYK"), "JPEG", quality=95)
    transform = data.index(b"Adobe") + 11
    return data[:transform] + b"\x02" + data[transform + 1 :]


def _grey16(width: int = 8) -> np.ndarray:
    """Return two halves, 0x4010 and 0xC0F0: a wrong byte or a clip would show."""
    row = [0x4010] * (width // 2) + [0xC0F0] * (width // 2)
    return np.repeat(np.array([row], np.uint16), 8, axis=0)


def _grey16_tiff(*, order: str, photometric: int) -> bytes:
    samples = _grey16().astype(f"{order}u2").tobytes()
    head = b"II*\x00" if order == "<" else b"MM\x00*"
    entries = [
        (256, 4, 8),
        (257, 4, 8),
        (258, 3, 16),
        (259, 3, 1),
        (262, 3, photometric),
        (273, 4, 512),
        (277, 3, 1),
        (278, 4, 8),
        (279, 4, 128),
    ]
    packed = b"".join(
        struct.pack(f"{order}HHI", tag, kind, 1) + struct.pack(f"{order}{'I' if kind == 4 else 'H2x'}", value)
        for tag, kind, value in entries
    )
    directory = struct.pack(f"{order}H", len(entries)) + packed + bytes(4)
    return (head + struct.pack(f"{order}I", 8) + directory).ljust(512, b"\x00") + samples


def _grey12_tiff() -> bytes:
    """Return 12-bit grey: 0x401 in the left half, 0xC0F in the right."""
    row = bytes.fromhex("401401401401C0FC0FC0FC0F")
    data = grey_tiff(change={258: (3, 1, 12), 279: (4, 1, 96)})
    return data[:512] + row * 8


def _rgb16() -> np.ndarray:
    pixels = np.asarray(quadrants()).astype(np.uint16) << 8
    return pixels | 0x00F0


def _rgb16_png() -> bytes:
    samples = _rgb16().astype(">u2")
    return _png_parts(64, 32, depth=16, colour=2, rows=b"".join(b"\x00" + row.tobytes() for row in samples))


def _rgb16_tiff() -> bytes:
    ok, data = cv2.imencode(".tif", _rgb16()[:, :, ::-1])
    assert ok
    return data.tobytes()


def _rgb16_raw_tiff() -> bytes:
    samples = _rgb16().astype("<u2").tobytes()
    entries = [
        (256, 4, 1, 64), (257, 4, 1, 32), (258, 3, 3, 480), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 512),
        (277, 3, 1, 3), (278, 4, 1, 32), (279, 4, 1, len(samples)),
    ]  # fmt: skip
    head = tiff(entries).ljust(480, b"\x00") + struct.pack("<3H", 16, 16, 16)
    return head.ljust(512, b"\x00") + samples


def _grey_png_with_transparent_level() -> bytes:
    return png(8, 8, before=png_chunk(b"tRNS", b"\x00\x00"))


def _swapped_profile() -> bytes:
    """Return an RGB profile whose red and blue primaries are exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {}
    for index in range(int.from_bytes(data[128:132], "big")):
        start = 132 + 12 * index
        tags[bytes(data[start : start + 4])] = start + 4
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    data[red : red + 8], data[blue : blue + 8] = data[blue : blue + 8], data[red : red + 8]
    return bytes(data).replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


def _heic_10_bit() -> bytes:
    """Return a HEIC of 10 bits a sample."""
    target = io.BytesIO()
    from_bytes("RGB;16", (64, 32), _rgb16().tobytes()).save(target, quality=95)
    return target.getvalue()


def _interlaced() -> bytes:
    """Return an 8 x 8 grey PNG in the seven passes of Adam7."""
    passes = ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))
    rows = b"".join((b"\x00" + bytes([90]) * width) * height for width, height in passes)
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 1)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


QUADRANTS = [RED, GREEN, BLUE, GREY]
LIGHT_DARK = [(0x40,) * 3, (0xC0,) * 3] * 2

GOOD: tuple[tuple[str, Callable[[], bytes], list[tuple[int, int, int]], int], ...] = (
    ("jpeg", lambda: encoded(quadrants(), "JPEG", quality=95), QUADRANTS, 12),
    ("jpeg-progressive", lambda: encoded(quadrants(), "JPEG", quality=95, progressive=True), QUADRANTS, 12),
    ("jpeg-grey", lambda: encoded(Image.new("L", (8, 8), 77), "JPEG"), [(77,) * 3] * 4, 1),
    ("jpeg-cmyk", lambda: _cmyk("JPEG", quality=95), [WHITE, (0, 255, 0)] * 2, 6),
    ("jpeg-ycck", _ycck, [WHITE, (0, 255, 0)] * 2, 6),
    ("webp", lambda: encoded(quadrants(), "WEBP", lossless=True), QUADRANTS, 0),
    ("webp-lossy", lambda: encoded(quadrants(), "WEBP", quality=95), QUADRANTS, 12),
    ("webp-alpha", lambda: _half_transparent("WEBP", lossless=True), [RED, WHITE, BLUE, WHITE], 0),
    ("heic", lambda: encoded(quadrants(), "HEIF", quality=95), QUADRANTS, 12),
    ("heic-alpha", lambda: _half_transparent("HEIF", quality=95), [RED, WHITE, BLUE, WHITE], 12),
    (
        "heic-10-bit",
        _heic_10_bit,
        QUADRANTS,
        12,
    ),
    ("avif", lambda: encoded(quadrants(), "AVIF", quality=95), QUADRANTS, 12),
    ("avif-alpha", lambda: _half_transparent("AVIF", quality=95), [RED, WHITE, BLUE, WHITE], 12),
    ("bmp", lambda: encoded(quadrants(), "BMP"), QUADRANTS, 0),
    ("bmp-one-bit", lambda: _one_bit("BMP"), [BLACK, WHITE] * 2, 0),
    (
        "bmp-top-down",
        lambda: bmp(2, -2, body=bytes([*RED[::-1], *GREEN[::-1], 0, 0, *BLUE[::-1], *GREY[::-1], 0, 0])),
        QUADRANTS,
        0,
    ),
    ("png", lambda: encoded(quadrants(), "PNG"), QUADRANTS, 0),
    ("png-alpha", lambda: _half_transparent("PNG"), [RED, WHITE, BLUE, WHITE], 0),
    ("png-grey-alpha", _grey_alpha, [(100,) * 3, WHITE] * 2, 0),
    ("png-palette", _palette, [RED, GREEN] * 2, 0),
    ("png-palette-one-transparent", lambda: _palette(transparency=0), [WHITE, GREEN] * 2, 0),
    ("png-palette-half-transparent", lambda: _palette(transparency=bytes([255, 0])), [RED, WHITE] * 2, 0),
    ("png-grey-level-transparent", _grey_png_with_transparent_level, [WHITE] * 4, 0),
    (
        "png-grey-16-bit-of-many-rows",
        lambda: encoded(Image.fromarray(np.repeat(_grey16(), 100, axis=0)), "PNG"),
        LIGHT_DARK,
        0,
    ),
    ("png-one-bit", lambda: _one_bit("PNG"), [BLACK, WHITE] * 2, 0),
    ("png-two-bit", lambda: _png_parts(4, 4, depth=2, colour=0, rows=b"\x00\x5a" * 4), [(85,) * 3, (170,) * 3] * 2, 0),
    ("png-four-bit", lambda: _png_parts(2, 2, depth=4, colour=0, rows=b"\x00\x4c" * 2), [(68,) * 3, (204,) * 3] * 2, 0),
    ("png-grey-16-bit", lambda: encoded(Image.fromarray(_grey16()), "PNG"), LIGHT_DARK, 0),
    ("png-rgb-16-bit", _rgb16_png, QUADRANTS, 0),
    (
        "png-grey-alpha-16-bit",
        lambda: _png_parts(2, 2, depth=16, colour=4, rows=bytes.fromhex("00 4010 FFFF C0F0 0000") * 2),
        [(0x40,) * 3, WHITE] * 2,
        0,
    ),
    ("png-interlaced", _interlaced, [(90,) * 3] * 4, 0),
    ("png-black", lambda: png(8, 8), [BLACK] * 4, 0),
    ("png-with-more-pixels-than-it-says", lambda: png(8, 8, pixels=zlib.compress(bytes(30_000_000))), [BLACK] * 4, 0),
    ("tiff", lambda: encoded(quadrants(), "TIFF"), QUADRANTS, 0),
    ("tiff-lzw", lambda: encoded(quadrants(), "TIFF", compression="tiff_lzw"), QUADRANTS, 0),
    ("tiff-deflate", lambda: encoded(quadrants(), "TIFF", compression="tiff_adobe_deflate"), QUADRANTS, 0),
    ("tiff-jpeg", lambda: encoded(quadrants(), "TIFF", compression="jpeg", quality=95), QUADRANTS, 12),
    ("tiff-packbits", lambda: encoded(quadrants(), "TIFF", compression="packbits"), QUADRANTS, 0),
    ("tiff-alpha", lambda: _half_transparent("TIFF"), [RED, WHITE, BLUE, WHITE], 0),
    ("tiff-cmyk", lambda: _cmyk("TIFF"), [WHITE, (0, 255, 0)] * 2, 0),
    ("tiff-one-bit", lambda: _one_bit("TIFF"), [BLACK, WHITE] * 2, 0),
    ("tiff-grey-white-is-zero", lambda: grey_tiff(change={262: (3, 1, 0)}), [WHITE] * 4, 0),
    ("tiff-grey-16-bit", lambda: _grey16_tiff(order="<", photometric=1), LIGHT_DARK, 0),
    ("tiff-grey-16-bit-big-endian", lambda: _grey16_tiff(order=">", photometric=1), LIGHT_DARK, 0),
    (
        "tiff-grey-16-bit-white-is-zero",
        lambda: _grey16_tiff(order="<", photometric=0),
        [(0xBF,) * 3, (0x3F,) * 3] * 2,
        0,
    ),
    (
        "tiff-grey-16-bit-lzw",
        lambda: encoded(Image.fromarray(_grey16()), "TIFF", compression="tiff_lzw"),
        LIGHT_DARK,
        0,
    ),
    ("tiff-grey-12-bit", _grey12_tiff, LIGHT_DARK, 0),
    ("tiff-ycbcr", lambda: encoded(quadrants().convert("YCbCr"), "TIFF"), QUADRANTS, 3),
    ("tiff-planar", lambda: planar_tiff(np.asarray(quadrants())), QUADRANTS, 0),
    ("tiff-rgb-16-bit", _rgb16_tiff, QUADRANTS, 0),
    ("tiff-rgb-16-bit-raw", _rgb16_raw_tiff, QUADRANTS, 0),
    (
        "icc-profile-honoured",
        lambda: encoded(quadrants(), "PNG", icc_profile=_swapped_profile()),
        [RED[::-1], GREEN, BLUE[::-1], GREY],
        40,
    ),
    ("icc-profile-broken", lambda: encoded(quadrants(), "PNG", icc_profile=b"garbage" * 30), QUADRANTS, 0),
    (
        "icc-profile-of-other-space",
        lambda: encoded(Image.new("L", (8, 8), 9), "PNG", icc_profile=_swapped_profile()),
        [(9,) * 3] * 4,
        0,
    ),
)


@pytest.mark.parametrize(("make", "wanted", "tolerance"), [pytest.param(*rest, id=name) for name, *rest in GOOD])
def test_a_good_file_gives_its_pixels(
    make: Callable[[], bytes], wanted: list[tuple[int, int, int]], tolerance: int
) -> None:
    data = make()

    image = decode_image(data)

    assert close(corners(data), wanted, tolerance=tolerance), corners(data)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.flags.c_contiguous
    assert image.size_bytes == len(data)
