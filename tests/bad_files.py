"""Picture files that must be refused, made in code: name, file name, bytes, and the code that each must get.

All are small and all break under the default limits, so that the command line and the API can be tried with them too.
"""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from pillow_heif import HeifFile

from tests.picture_parts import (
    bmp,
    encoded,
    grey_tiff,
    jpeg_segment,
    patched,
    planar_tiff,
    png,
    png_chunk,
    sample,
    webp_canvas,
    with_segment,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadFile:
    """One file and the code that it must be refused with."""

    name: str
    filename: str
    data: bytes
    code: str


def zipped(content: bytes = b"nothing", *, comment: bytes = b"") -> bytes:
    """Return a ZIP archive of one file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.txt", content)
        archive.comment = comment
    return target.getvalue()


def tarred(mode: str) -> bytes:
    """Return a tar archive of one file, `w` plain or `w:gz` compressed."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:
        member = tarfile.TarInfo("a.txt")
        member.size = 7
        archive.addfile(member, io.BytesIO(b"nothing"))
    return target.getvalue()


def _frame_at(jpeg: bytes) -> int:
    """Return where the height stands in a baseline JPEG's frame header."""
    return jpeg.index(b"\xff\xc0") + 5


JPEG = encoded(sample(), "JPEG")
PNG = encoded(sample(), "PNG")
WEBP = encoded(sample(), "WEBP")
HEIC = encoded(sample(64, 64), "HEIF")
AVIF = encoded(sample(64, 64), "AVIF")
TIFF = encoded(sample(), "TIFF")
BMP = encoded(sample(), "BMP")
GIF = encoded(sample(), "GIF")
PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
ELF = b"\x7fELF\x02\x01\x01" + bytes(57)
PHP = b"<?php system($_GET['c']); ?>"


def _two_pictures_heic() -> bytes:
    """Return a HEIC of two pictures."""
    file = HeifFile()
    file.add_from_pillow(sample(64, 64))
    file.add_from_pillow(sample(64, 64, seed=1))
    target = io.BytesIO()
    file.save(target)
    return target.getvalue()


def _subsampled_tiff() -> bytes:
    """Return an uncompressed YCbCr TIFF that claims one chroma sample for four pixels."""
    subsampling = struct.pack("<HHI", 530, 3, 2)
    full, quarter = struct.pack("<HH", 1, 1), struct.pack("<HH", 2, 2)
    return encoded(sample().convert("YCbCr"), "TIFF").replace(subsampling + full, subsampling + quarter)


def _claiming(true: int, claimed: int) -> bytes:
    """Return a HEIC whose container claims another side length than its coded picture has."""
    sizes = [b"ispe" + struct.pack(">III", 0, side, side) for side in (true, claimed)]
    return encoded(Image.new("RGB", (true, true), (9, 80, 120)), "HEIF", quality=10).replace(*sizes)


def _bomb() -> bytes:
    """Return 20 megabytes of zeros, deflated to 20 kilobytes."""
    return zlib.compress(bytes(20_000_000), 9)


def _many_scans() -> bytes:
    """Return a progressive JPEG whose last scan is repeated until it stands there 200 times."""
    data = encoded(sample(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 200 + data[-2:]


def _script_jpeg() -> bytes:
    """Return a JPEG whose first segment's length opens a JavaScript comment."""
    body = (b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00*/=alert(1);/*").ljust(0x2F2A - 2, b"\x00")
    return b"\xff\xd8\xff\xe0\x2f\x2a" + body + JPEG[2:]


def _script_bmp() -> bytes:
    """Return a BMP whose declared length opens a JavaScript comment."""
    return patched(BMP, 2, b"/*\x00\x00") + b"*/=1;alert(1)"


_MADE: tuple[tuple[str, str, str, Callable[[], bytes]], ...] = (
    ("empty", "a.jpg", "image-empty", lambda: b""),
    # Formats that are not read.
    ("gif", "a.gif", "image-unsupported-format", lambda: GIF),
    ("gif-named-jpg", "a.jpg", "image-unsupported-format", lambda: GIF),
    (
        "animated-gif",
        "a.gif",
        "image-unsupported-format",
        lambda: encoded(sample(), "GIF", save_all=True, append_images=[sample(seed=1)]),
    ),
    ("icon", "a.ico", "image-unsupported-format", lambda: encoded(sample(), "ICO", sizes=[(16, 16)])),
    ("svg", "a.svg", "image-unsupported-format", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ("pdf", "a.pdf", "image-unsupported-format", lambda: encoded(sample(), "PDF")),
    ("eps", "a.eps", "image-unsupported-format", lambda: encoded(sample(), "EPS")),
    ("jpeg-2000", "a.jp2", "image-unsupported-format", lambda: encoded(sample(), "JPEG2000")),
    ("tga", "a.tga", "image-unsupported-format", lambda: encoded(sample(), "TGA")),
    ("ppm", "a.ppm", "image-unsupported-format", lambda: encoded(sample(), "PPM")),
    ("photoshop", "a.psd", "image-unsupported-format", lambda: b"8BPS\x00\x01" + bytes(30)),
    ("big-tiff", "a.tif", "image-unsupported-format", lambda: b"II+\x00\x08\x00\x00\x00" + bytes(32)),
    ("zip", "a.zip", "image-unsupported-format", zipped),
    ("zip-of-a-jpeg", "a.jpg", "image-unsupported-format", lambda: zipped(JPEG)),
    ("program", "a.jpg", "image-unsupported-format", lambda: ELF),
    ("web-page", "a.png", "image-unsupported-format", lambda: b"<!DOCTYPE html><title>a</title>"),
    ("text", "a.jpg", "image-unsupported-format", lambda: b"not a picture at all\n"),
    ("one-byte", "a.jpg", "image-unsupported-format", lambda: b"\xff"),
    ("zeros", "a.png", "image-unsupported-format", lambda: bytes(1000)),
    ("sound", "a.webp", "image-unsupported-format", lambda: b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(28)),
    (
        "film",
        "a.heic",
        "image-unsupported-format",
        lambda: b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(8),
    ),
    # Pixels with no sure meaning in 8 bits.
    ("float-tiff", "a.tif", "image-unsupported-pixels", lambda: encoded(sample().convert("F"), "TIFF")),
    ("int32-tiff", "a.tif", "image-unsupported-pixels", lambda: encoded(sample().convert("I"), "TIFF")),
    ("lab-tiff", "a.tif", "image-unsupported-pixels", lambda: encoded(Image.new("LAB", (8, 8)), "TIFF")),
    (
        "signed-16-bit-tiff",
        "a.tif",
        "image-unsupported-pixels",
        lambda: grey_tiff(change={258: (3, 1, 16), 339: (3, 1, 2), 279: (4, 1, 128)}) + bytes(64),
    ),
    ("subsampled-raw-tiff", "a.tif", "image-unsupported-pixels", _subsampled_tiff),
    (
        "planar-16-bit-tiff",
        "a.tif",
        "image-unsupported-pixels",
        lambda: planar_tiff(np.full((8, 8, 3), 0x4010, np.uint16)),
    ),
    (
        "fax-in-tiff",
        "a.tif",
        "image-unsupported-pixels",
        lambda: encoded(sample().convert("1"), "TIFF", compression="group4"),
    ),
    ("jpeg-2000-in-tiff", "a.tif", "image-unsupported-pixels", lambda: grey_tiff(change={259: (3, 1, 34712)})),
    # Names that contradict the content.
    ("png-named-jpg", "a.jpg", "image-wrong-extension", lambda: PNG),
    ("jpeg-named-png", "a.PNG", "image-wrong-extension", lambda: JPEG),
    ("heic-named-jpeg", "a.jpeg", "image-wrong-extension", lambda: HEIC),
    ("avif-named-heic", "a.heic", "image-wrong-extension", lambda: AVIF),
    ("webp-named-jpg", "a.jpg", "image-wrong-extension", lambda: WEBP),
    ("jpeg-named-gif", "a.gif", "image-wrong-extension", lambda: JPEG),
    ("jpeg-named-php", "a.jpg.php", "image-wrong-extension", lambda: JPEG),
    # Two things in one.
    ("zip-behind-jpeg", "a.jpg", "image-polyglot", lambda: JPEG + zipped()),
    ("zip-behind-png", "a.png", "image-polyglot", lambda: PNG + zipped(comment=b"x" * 500)),
    ("zip-behind-webp", "a.webp", "image-polyglot", lambda: WEBP + zipped()),
    ("zip-behind-heic", "a.heic", "image-polyglot", lambda: HEIC + zipped()),
    ("zip-in-jpeg-comment", "a.jpg", "image-polyglot", lambda: with_segment(JPEG, jpeg_segment(0xFE, zipped()))),
    ("zip-in-png-text", "a.png", "image-polyglot", lambda: PNG[:-12] + png_chunk(b"prIv", zipped()) + PNG[-12:]),
    ("rar-behind-jpeg", "a.jpg", "image-polyglot", lambda: JPEG + b"Rar!\x1a\x07\x01\x00" + bytes(20)),
    ("seven-zip-behind-bmp", "a.bmp", "image-polyglot", lambda: BMP + b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(24)),
    ("gzipped-tar-behind-png", "a.png", "image-polyglot", lambda: PNG + tarred("w:gz")),
    ("tar-behind-jpeg", "a.jpg", "image-polyglot", lambda: JPEG + tarred("w")),
    ("pdf-in-jpeg-comment", "a.jpg", "image-polyglot", lambda: with_segment(JPEG, jpeg_segment(0xFE, PDF))),
    ("pdf-behind-tiff", "a.tif", "image-polyglot", lambda: TIFF + PDF),
    ("page-behind-png", "a.png", "image-polyglot", lambda: PNG + b"<html><script>alert(1)</script></html>"),
    (
        "script-tag-in-png-text",
        "a.png",
        "image-polyglot",
        lambda: png(8, 8, before=png_chunk(b"tEXt", b"c\x00<ScRiPt >x")),
    ),
    ("php-in-jpeg-comment", "a.jpg", "image-polyglot", lambda: with_segment(JPEG, jpeg_segment(0xFE, PHP))),
    ("php-in-png-text", "a.png", "image-polyglot", lambda: png(8, 8, before=png_chunk(b"tEXt", b"c\x00" + PHP))),
    ("php-behind-webp", "a.webp", "image-polyglot", lambda: WEBP + PHP),
    ("linux-program-behind-jpeg", "a.jpg", "image-polyglot", lambda: JPEG + ELF),
    ("windows-program-behind-png", "a.png", "image-polyglot", lambda: PNG + b"MZ\x90\x00" + bytes(60)),
    ("shell-script-behind-jpeg", "a.jpg", "image-polyglot", lambda: JPEG + b"\n#!/bin/sh\necho\n"),
    ("shell-script-before-jpeg", "a.jpg", "image-polyglot", lambda: b"#!/bin/sh\nexit\n" + JPEG),
    ("page-before-png", "a.png", "image-polyglot", lambda: b"<html></html>" + PNG),
    ("javascript-jpeg", "a.jpg", "image-polyglot", _script_jpeg),
    ("javascript-bmp", "a.bmp", "image-polyglot", _script_bmp),
    # More pictures than one.
    (
        "animated-png",
        "a.png",
        "image-animated",
        lambda: encoded(sample(), "PNG", save_all=True, append_images=[sample(seed=1)]),
    ),
    (
        "animated-webp",
        "a.webp",
        "image-animated",
        lambda: encoded(sample(), "WEBP", save_all=True, append_images=[sample(seed=1)]),
    ),
    (
        "animated-avif",
        "a.avif",
        "image-animated",
        lambda: encoded(sample(64, 64), "AVIF", save_all=True, append_images=[sample(64, 64, seed=1)]),
    ),
    ("two-pictures-heic", "a.heic", "image-animated", _two_pictures_heic),
    (
        "two-pages-tiff",
        "a.tif",
        "image-animated",
        lambda: encoded(sample(), "TIFF", save_all=True, append_images=[sample(seed=1)]),
    ),
    ("circular-tiff", "a.tif", "image-animated", lambda: grey_tiff(following=8)),
    # Files that end too early.
    ("half-jpeg", "a.jpg", "image-truncated", lambda: JPEG[: len(JPEG) * 2 // 3]),
    ("jpeg-start-only", "a.jpg", "image-truncated", lambda: JPEG[:3]),
    ("jpeg-header-only", "a.jpg", "image-truncated", lambda: JPEG[:100]),
    ("half-png", "a.png", "image-truncated", lambda: PNG[: len(PNG) // 2]),
    ("png-signature-only", "a.png", "image-truncated", lambda: PNG[:8]),
    ("png-without-end", "a.png", "image-truncated", lambda: PNG[:-12]),
    ("half-webp", "a.webp", "image-truncated", lambda: WEBP[: len(WEBP) // 2]),
    ("half-heic", "a.heic", "image-truncated", lambda: HEIC[: len(HEIC) - 40]),
    ("half-avif", "a.avif", "image-truncated", lambda: AVIF[: len(AVIF) - 40]),
    ("half-tiff", "a.tif", "image-truncated", lambda: grey_tiff(64, 64)[:600]),
    ("tiff-header-only", "a.tif", "image-truncated", lambda: TIFF[:8]),
    ("half-bmp", "a.bmp", "image-truncated", lambda: BMP[: len(BMP) // 2]),
    ("bmp-header-only", "a.bmp", "image-truncated", lambda: BMP[:20]),
    # Content that contradicts its format.
    ("png-wrong-check-sum", "a.png", "image-corrupt", lambda: patched(PNG, 16, b"\x00\x00\x01\x00")),
    ("png-broken-pixels", "a.png", "image-corrupt", lambda: png(8, 8, pixels=b"\x00garbage" * 9)),
    ("png-without-pixels", "a.png", "image-corrupt", lambda: PNG[:33] + png_chunk(b"IEND", b"")),
    ("png-without-header", "a.png", "image-corrupt", lambda: PNG[:8] + PNG[33:]),
    ("png-too-few-pixels", "a.png", "image-corrupt", lambda: png(8, 8, pixels=zlib.compress(bytes(9)))),
    ("jpeg-without-frame", "a.jpg", "image-corrupt", lambda: JPEG[: JPEG.index(b"\xff\xc0")] + b"\xff\xd9"),
    ("jpeg-two-frames", "a.jpg", "image-corrupt", lambda: with_segment(JPEG, JPEG[_frame_at(JPEG) - 5 :][:19])),
    ("jpeg-header-junk", "a.jpg", "image-corrupt", lambda: JPEG[:20] + bytes(70_000) + JPEG[20:]),
    (
        "jpeg-of-noise",
        "a.jpg",
        "image-corrupt",
        lambda: b"\xff\xd8\xff\xe0" + b"\x00\x04ab" + b"garbage" * 20 + b"\xff\xd9",
    ),
    ("tiff-without-size", "a.tif", "image-corrupt", lambda: grey_tiff(drop=(256, 257))),
    ("tiff-too-few-strips", "a.tif", "image-corrupt", lambda: grey_tiff(change={278: (4, 1, 1), 279: (4, 1, 8)})),
    ("tiff-without-strips", "a.tif", "image-corrupt", lambda: grey_tiff(drop=(273, 279))),
    ("bmp-unknown-header", "a.bmp", "image-unsupported-pixels", lambda: bmp(8, 8, header_size=77, body=bytes(192))),
    ("webp-broken-pixels", "a.webp", "image-corrupt", lambda: patched(WEBP, 30, b"\xff" * 40)),
    ("webp-without-picture", "a.webp", "image-corrupt", lambda: webp_canvas(8, 8)),
    ("heic-broken-boxes", "a.heic", "image-corrupt", lambda: patched(HEIC, 50, b"\xff" * 60)),
    ("heic-broken-pixels", "a.heic", "image-corrupt", lambda: patched(HEIC, HEIC.index(b"mdat") + 4, b"\x55" * 90)),
    ("avif-broken-pixels", "a.avif", "image-corrupt", lambda: patched(AVIF, AVIF.index(b"mdat") + 4, b"\x55" * 90)),
    # Sizes that can't be.
    ("png-zero-wide", "a.png", "image-zero-size", lambda: png(0, 8, pixels=zlib.compress(b""))),
    ("jpeg-zero-high", "a.jpg", "image-zero-size", lambda: patched(JPEG, _frame_at(JPEG), b"\x00\x00")),
    ("bmp-zero-wide", "a.bmp", "image-zero-size", lambda: bmp(0, 8)),
    ("tiff-zero-high", "a.tif", "image-zero-size", lambda: grey_tiff(height=0)),
    ("png-huge", "a.png", "image-too-many-pixels", lambda: png(60_000, 60_000, pixels=b"")),
    ("png-one-long-row", "a.png", "image-too-many-pixels", lambda: png(100_000, 1)),
    ("jpeg-huge", "a.jpg", "image-too-many-pixels", lambda: patched(JPEG, _frame_at(JPEG), b"\xff\xff\xff\xff")),
    ("webp-huge", "a.webp", "image-too-many-pixels", lambda: webp_canvas(16_384, 16_384)),
    ("bmp-huge", "a.bmp", "image-too-many-pixels", lambda: bmp(2**31 - 1, 2**31 - 1)),
    ("tiff-huge", "a.tif", "image-too-many-pixels", lambda: grey_tiff(50_000, 50_000, change={279: (4, 1, 64)})),
    (
        "heic-huge",
        "a.heic",
        "image-too-many-pixels",
        lambda: _claiming(64, 16_000),
    ),
    # Much work from few bytes.
    ("heic-larger-than-it-says", "a.heic", "image-decompression-bomb", lambda: _claiming(512, 64)),
    (
        "png-text-bomb",
        "a.png",
        "image-decompression-bomb",
        lambda: png(8, 8, before=png_chunk(b"zTXt", b"c\x00\x00" + _bomb())),
    ),
    (
        "png-late-text-bomb",
        "a.png",
        "image-decompression-bomb",
        lambda: png(8, 8, after=png_chunk(b"iTXt", b"c\x00\x01\x00\x00\x00" + _bomb())),
    ),
    (
        "png-profile-bomb",
        "a.png",
        "image-decompression-bomb",
        lambda: png(8, 8, before=png_chunk(b"iCCP", b"c\x00\x00" + _bomb())),
    ),
    (
        "png-many-chunks",
        "a.png",
        "image-decompression-bomb",
        lambda: png(8, 8, before=png_chunk(b"teSt", b"") * 66_000),
    ),
    ("jpeg-many-markers", "a.jpg", "image-decompression-bomb", lambda: with_segment(JPEG, b"\xff\x01" * 66_000)),
    (
        "jpeg-many-exifs",
        "a.jpg",
        "image-decompression-bomb",
        lambda: with_segment(JPEG, jpeg_segment(0xE1, b"Exif\0\0") * 99),
    ),
    ("heic-many-boxes", "a.heic", "image-decompression-bomb", lambda: HEIC + b"\x00\x00\x00\x08free" * 66_000),
    ("bmp-run-length-huge", "a.bmp", "image-decompression-bomb", lambda: bmp(9_000, 9_000, compression=1)),
    ("jpeg-many-scans", "a.jpg", "image-decompression-bomb", _many_scans),
    (
        "tiff-giant-tile",
        "a.tif",
        "image-decompression-bomb",
        lambda: grey_tiff(
            change={322: (4, 1, 65_520), 323: (4, 1, 65_520), 324: (4, 1, 512), 325: (4, 1, 64), 259: (3, 1, 5)},
            drop=(273, 278, 279),
        ),
    ),
    ("tiff-giant-tag", "a.tif", "image-decompression-bomb", lambda: grey_tiff(change={273: (4, 0xFFFF_FFFF, 512)})),
)

BAD_FILES: tuple[BadFile, ...] = tuple(
    BadFile(name=name, filename=filename, data=make(), code=code) for name, filename, code, make in _MADE
)
