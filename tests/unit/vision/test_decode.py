"""The bounded decoder: every bad file its code, and what looks odd but is ordinary is accepted."""

import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from countenance.core.errors import CountenanceError, InvalidInputError, NotFoundError
from countenance.vision.decode import CODES, DEFAULT_LIMITS, ImageLimits, decode_image, read_image_file
from tests.bad_files import AVIF, BAD_FILES, BMP, HEIC, JPEG, PNG, TIFF, WEBP, BadFile
from tests.picture_parts import encoded, grey_tiff, jpeg_segment, sample, tiff, with_segment

CODES_OF_FILES = {"image-not-found", "image-not-a-file", "image-unreadable"}
CODES_OF_LIMITS = {"image-too-many-bytes"}


# What must be refused.


@pytest.mark.parametrize("bad", [pytest.param(bad, id=bad.name) for bad in BAD_FILES])
def test_a_bad_file_gets_its_code(bad: BadFile) -> None:
    with pytest.raises(InvalidInputError) as caught:
        decode_image(bad.data, filename=bad.filename)

    assert caught.value.code == bad.code
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_every_code_is_produced_and_no_other() -> None:
    produced = {bad.code for bad in BAD_FILES}

    assert produced | CODES_OF_FILES | CODES_OF_LIMITS == set(CODES)


def test_names_of_bad_files_are_unique() -> None:
    names = [bad.name for bad in BAD_FILES]

    assert len(set(names)) == len(names) >= 60


def test_bytes_are_counted_before_anything_else() -> None:
    limits = ImageLimits(max_bytes=len(JPEG) - 1)

    with pytest.raises(InvalidInputError) as caught:
        decode_image(JPEG, limits=limits)

    assert caught.value.code == "image-too-many-bytes"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(data, id=name)
        for name, data in {
            "jpeg": JPEG,
            "png": PNG,
            "webp": WEBP,
            "heic": HEIC,
            "avif": AVIF,
            "tiff": TIFF,
            "bmp": BMP,
        }.items()
    ],
)
def test_pixels_are_counted_exactly(data: bytes) -> None:
    image = decode_image(data)
    count = image.width * image.height

    with pytest.raises(InvalidInputError) as caught:
        decode_image(data, limits=ImageLimits(max_pixels=count - 1))

    assert caught.value.code == "image-too-many-pixels"
    assert decode_image(data, limits=ImageLimits(max_pixels=count)).width == image.width


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"max_bytes": 0}, id="no-bytes"),
        pytest.param({"max_pixels": 0}, id="no-pixels"),
        pytest.param({"max_pixels": 200_000_000}, id="more-than-the-decoders-give"),
    ],
)
def test_limits_that_cannot_be_kept_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="limits must be"):
        ImageLimits(**limits)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        pytest.param(JPEG, "image/jpeg", id="jpeg"),
        pytest.param(PNG, "image/png", id="png"),
        pytest.param(WEBP, "image/webp", id="webp"),
        pytest.param(HEIC, "image/heic", id="heic"),
        pytest.param(AVIF, "image/avif", id="avif"),
        pytest.param(TIFF, "image/tiff", id="tiff"),
        pytest.param(BMP, "image/bmp", id="bmp"),
    ],
)
def test_the_media_type_is_by_content(data: bytes, media_type: str) -> None:
    assert decode_image(data, filename="no-extension").media_type == media_type


@pytest.mark.parametrize(
    ("filename", "data"),
    [
        pytest.param("a.JPG", JPEG, id="jpg"),
        pytest.param("a.jpeg", JPEG, id="jpeg"),
        pytest.param("a.jpe", JPEG, id="jpe"),
        pytest.param("a.jfif", JPEG, id="jfif"),
        pytest.param("a.hif", HEIC, id="hif"),
        pytest.param("a.heif", HEIC, id="heif"),
        pytest.param("a.tif", TIFF, id="tif"),
        pytest.param("a.tiff", TIFF, id="tiff"),
        pytest.param("a.upload", PNG, id="unknown-extension"),
        pytest.param("a", PNG, id="no-extension"),
        pytest.param("", PNG, id="no-name"),
    ],
)
def test_names_of_one_family_are_fine(filename: str, data: bytes) -> None:
    assert decode_image(data, filename=filename).size_bytes == len(data)


# Ordinary files that look odd.


def _two_picture_index() -> bytes:
    """Return the APP2 segment of a Multi-Picture Format file of two pictures (CIPA DC-007)."""
    entries = struct.pack("<IIIHH", 0x2003_0000, 100, 0, 0, 0) + struct.pack("<IIIHH", 0x0001_0001, 100, 500, 0, 0)
    directory = struct.pack("<H", 3)
    directory += struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
    directory += struct.pack("<HHII", 0xB001, 4, 1, 2)
    directory += struct.pack("<HHII", 0xB002, 7, len(entries), 8 + 2 + 3 * 12 + 4)
    return jpeg_segment(0xE2, b"MPF\x00II*\x00\x08\x00\x00\x00" + directory + bytes(4) + entries)


def _film(length: int = 4096) -> bytes:
    """Return bytes as they stand behind a motion photo: an MP4 file."""
    noise = np.random.default_rng(5).integers(0, 256, length, dtype=np.uint8).tobytes()
    return b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + struct.pack(">I", length + 8) + b"mdat" + noise


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_segment(JPEG, _two_picture_index()) + JPEG, id="multi-picture-format"),
        pytest.param(with_segment(JPEG, jpeg_segment(0xE2, b"MPF\x00garbage")), id="broken-multi-picture-index"),
        pytest.param(JPEG + encoded(sample(seed=3), "JPEG"), id="second-jpeg-behind"),
        pytest.param(JPEG + _film(), id="motion-photo"),
        pytest.param(
            JPEG + b"\x00\x00\x30\x0a\x10\x00\x00\x00MotionPhoto_Data" + _film() + b"SEFHk\x00\x00\x00SEFT",
            id="samsung-trailer",
        ),
        pytest.param(JPEG + bytes(2048), id="padding-behind"),
        pytest.param(
            with_segment(JPEG, jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00<?xpacket begin=''?><x:xmpmeta/>")),
            id="xmp",
        ),
        pytest.param(HEIC + b"\x00\x00\x00\x10mpvd" + bytes(8), id="heic-motion-photo"),
        pytest.param(PNG + b"\n", id="line-end-behind-png"),
    ],
)
def test_what_cameras_and_phones_write_is_accepted(data: bytes) -> None:
    image = decode_image(data)

    assert image.width >= 48


def test_a_tiff_with_a_reduced_copy_behind_it_is_one_picture() -> None:
    second = 600
    page = tiff([(254, 4, 1, 1), (256, 4, 1, 2), (257, 4, 1, 2), (258, 3, 1, 8), (273, 4, 1, 512), (279, 4, 1, 4)])[8:]
    data = grey_tiff(following=second).ljust(second, b"\x00") + page

    image = decode_image(data)

    assert (image.width, image.height) == (8, 8)


def test_threads_can_decode_at_once() -> None:
    files = [JPEG, PNG, WEBP, HEIC, AVIF, TIFF, BMP]
    wanted = [decode_image(data).pixels.tobytes() for data in files]
    wrong: list[int] = []

    def work() -> None:
        for _ in range(5):
            wrong.extend(i for i, data in enumerate(files) if decode_image(data).pixels.tobytes() != wanted[i])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


# Files.


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(JPEG)

    assert read_image_file(path) == JPEG


def _make_fifo(path: Path) -> None:
    os.mkfifo(path)


def _make_socket(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.fspath(path))
    listener.close()


def _make_too_long(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(DEFAULT_LIMITS.max_bytes + 1)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda _: None, "image-not-found", id="missing"),
        pytest.param(Path.mkdir, "image-not-a-file", id="folder"),
        pytest.param(_make_fifo, "image-not-a-file", id="pipe"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "image-not-a-file", id="device"),
        pytest.param(lambda path: path.symlink_to(path), "image-unreadable", id="link-to-itself"),
        pytest.param(_make_too_long, "image-too-many-bytes", id="too-long"),
    ],
)
def test_what_is_no_readable_file_gets_its_code(tmp_path: Path, make: Callable[[Path], None], code: str) -> None:
    path = tmp_path / "a.jpg"
    make(path)

    with pytest.raises(CountenanceError) as caught:
        read_image_file(path)

    assert caught.value.code == code
    assert isinstance(caught.value, NotFoundError) == (code == "image-not-found")
    assert caught.value.hint


@pytest.mark.enable_socket
def test_a_socket_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "s"
    _make_socket(path)

    with pytest.raises(InvalidInputError) as caught:
        read_image_file(path)

    assert caught.value.code == "image-not-a-file"


@pytest.mark.parametrize("name", [pytest.param("a\x00b", id="null-character"), pytest.param("a" * 300, id="too-long")])
def test_a_path_that_cannot_be_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        read_image_file(tmp_path / name)

    assert caught.value.code == "image-not-found"
