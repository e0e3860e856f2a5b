"""Whatever the bytes are, decoding ends in a picture within the limits or in a code of the table. Nothing else."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from countenance.core.errors import InvalidInputError
from countenance.vision.decode import CODES, ImageLimits, decode_image
from tests.bad_files import AVIF, BAD_FILES, BMP, HEIC, JPEG, PNG, TIFF, WEBP, BadFile
from tests.picture_parts import encoded, grey_tiff, sample

LIMITS = ImageLimits(max_bytes=4 * 1024 * 1024, max_pixels=1_000_000)

_RLE = (
    struct.pack("<2sIIIIiiHHIIiiII", b"BM", 0, 0, 62, 40, 8, 4, 1, 8, 1, 0, 0, 0, 2, 2)
    + bytes(8)
    + b"\x08\x01\x00\x00" * 4
)
SEEDS: dict[str, bytes] = {
    "jpeg": JPEG,
    "jpeg-progressive": encoded(
        sample(), "JPEG", progressive=True, exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00"
    ),
    "jpeg-cmyk": encoded(sample().convert("CMYK"), "JPEG"),
    "png": PNG,
    "png-palette": encoded(sample().quantize(16), "PNG", transparency=b"\x00\x80"),
    "png-grey-16-bit": encoded(Image.fromarray(np.arange(768, dtype=np.uint16).reshape(24, 32)), "PNG"),
    "webp": WEBP,
    "webp-lossless": encoded(sample().convert("RGBA"), "WEBP", lossless=True, exif=b"Exif\x00\x00II*\x00"),
    "heic": HEIC,
    "avif": AVIF,
    "tiff": TIFF,
    "tiff-lzw": encoded(sample(), "TIFF", compression="tiff_lzw"),
    "tiff-deflate": encoded(sample().convert("RGBA"), "TIFF", compression="tiff_adobe_deflate"),
    "tiff-jpeg": encoded(sample(), "TIFF", compression="jpeg"),
    "tiff-packbits": encoded(sample().convert("L"), "TIFF", compression="packbits"),
    "bmp": BMP,
    "bmp-run-length": _RLE,
}

_ODD_BYTES = st.sampled_from((0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF))
_ODD_WORDS = st.sampled_from(
    (
        b"\x00\x00\x00\x00",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\x7f",
        b"\x80\x00\x00\x00",
        b"\x00\x01\x00\x00",
    )
)


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """Damage a file: flipped bytes, odd numbers in its header, a cut, a repeated or a removed piece, a splice."""
    data = bytearray(seed)
    where = st.integers(0, len(data) - 1)
    header = st.integers(0, min(len(data), 400) - 1)
    for position, value in draw(st.lists(st.tuples(header | where, _ODD_BYTES | st.integers(0, 255)), max_size=6)):
        data[position] = value
    for position, word in draw(st.lists(st.tuples(header, _ODD_WORDS), max_size=2)):
        data[position : position + 4] = word
    kind = draw(st.sampled_from(("as it is", "cut", "repeat", "remove", "splice")))
    start, end = sorted((draw(where), draw(where)))
    if kind == "cut":
        del data[end:]
    elif kind == "repeat":
        data[end:end] = data[start:end]
    elif kind == "remove":
        del data[start:end]
    elif kind == "splice":
        other = draw(st.sampled_from(tuple(SEEDS.values())))
        data[start:end] = other[start:end]
    return _summed(bytes(data)) if draw(st.booleans()) else bytes(data)


def _summed(data: bytes) -> bytes:
    """Mend the check sums of a PNG, so that damage gets past them."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    mended, position = bytearray(data), 8
    while position + 12 <= len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        mended[end : end + 4] = struct.pack(">I", zlib.crc32(data[position + 4 : end])) if end + 4 <= len(data) else b""
        position = end + 4
    return bytes(mended)


def _checked(error: InvalidInputError) -> str:
    """Return the error's code, once it is one of the table and its message is one line."""
    assert error.code in CODES
    assert "\n" not in str(error)
    return error.code


def outcome(data: bytes) -> str:
    """Decode; return the code of the refusal, or `decoded` for a picture that keeps every promise."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            image = decode_image(data, limits=LIMITS)
        except InvalidInputError as error:
            return _checked(error)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.shape == (image.height, image.width, 3)
    assert 0 < image.width * image.height <= LIMITS.max_pixels
    return "decoded"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", SEEDS)
def test_a_damaged_file_is_a_picture_or_a_code(name: str) -> None:
    @settings(max_examples=150, derandomize=True, deadline=2000, database=None, suppress_health_check=list(HealthCheck))
    @given(data=mutated(SEEDS[name]))
    def check(data: bytes) -> None:
        outcome(data)

    check()


@pytest.mark.parametrize("name", SEEDS)
def test_an_undamaged_seed_is_a_picture(name: str) -> None:
    assert outcome(SEEDS[name]) == "decoded"


@settings(max_examples=200, derandomize=True, deadline=2000, database=None)
@given(magic=st.sampled_from(tuple(seed[:16] for seed in SEEDS.values())), rest=st.binary(max_size=2000))
def test_noise_behind_a_true_beginning_is_a_picture_or_a_code(magic: bytes, rest: bytes) -> None:
    outcome(magic + rest)


@settings(max_examples=100, derandomize=True, deadline=2000, database=None)
@given(cut=st.floats(0, 1), bad=st.sampled_from(BAD_FILES))
def test_a_bad_file_that_is_cut_is_a_picture_or_a_code(cut: float, bad: BadFile) -> None:
    data = bad.data[: int(len(bad.data) * cut)]

    assert outcome(data) in {*CODES, "decoded"}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(grey_tiff(change={278: (4, 2, 520)}), id="two-values-in-a-tag-of-one"),
        pytest.param(grey_tiff(change={305: (2, 500, 60_000)}), id="text-outside-the-file"),
        pytest.param(grey_tiff(change={277: (3, 1, 50)}), id="fifty-samples"),
    ],
)
def test_what_decoders_warn_of_stays_inside(data: bytes) -> None:
    assert outcome(data) in {*CODES, "decoded"}


def test_every_cut_of_every_seed_is_refused_or_whole() -> None:
    for name, seed in SEEDS.items():
        whole = decode_image(seed).pixels.shape
        for length in range(0, len(seed), max(len(seed) // 60, 1)):
            if outcome(seed[:length]) == "decoded":
                assert decode_image(seed[:length]).pixels.shape == whole, (name, length)
