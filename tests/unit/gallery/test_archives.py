"""Archives that a source hands over: what is taken, and what is refused by its code, hostile ones above all."""

import bz2
import gzip
import io
import json
import lzma
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from countenance.core.errors import CountenanceError
from countenance.gallery.archives import archive_photographs
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.model import Provenance
from countenance.gallery.plan import PlannedPhotograph, Subjects

LARGEST = 100_000
GOOD = b"\xff\xd8 a photograph"


def zipped(*members: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return target.getvalue()


def zip_member(name: str, data: bytes = GOOD, *, mode: int = stat.S_IFREG) -> bytes:
    """Return a zip with one member whose name is written as it is, of some kind."""
    target = io.BytesIO()
    info = zipfile.ZipInfo("x")
    info.filename = name
    info.external_attr = (mode | 0o644) << 16
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(info, data)
    return target.getvalue()


def tarred(*members: tuple[str, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=format_) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


def tar_member(name: str, kind: bytes, link: str = "") -> bytes:
    """Return a tar with one member of some kind, and a good one after it."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        archive.addfile(info)
        good = tarfile.TarInfo("a/good.jpg")
        good.size = len(GOOD)
        archive.addfile(good, io.BytesIO(GOOD))
    return target.getvalue()


def claiming(size: int) -> bytes:
    """Return a tar whose one member claims a size that it has not."""
    info = tarfile.TarInfo("a/x.jpg")
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT) + GOOD


def encrypted() -> bytes:
    """Return a zip whose member says that it is encrypted."""
    data = bytearray(zipped(("a/x.jpg", GOOD)))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def wrong_sum() -> bytes:
    """Return a zip whose member is not what its check sum says."""
    data = zipped(("a/x.jpg", GOOD))
    return data.replace(GOOD, GOOD[::-1])


def lying_size() -> bytes:
    """Return a zip whose member unpacks to more than it says."""
    data = bytearray(zipped(("a/x.jpg", bytes(50_000)), compression=zipfile.ZIP_DEFLATED))
    data[data.index(b"PK\x01\x02") + 24 :][:4] = struct.pack("<I", 10)
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 10)
    return bytes(data)


def take(tmp_path: Path, data: bytes, subjects: Subjects = Subjects.FOLDERS) -> list[PlannedPhotograph | NotEnrolled]:
    """Read an archive."""
    (tmp_path / "archive").write_bytes(data)
    return list(archive_photographs(tmp_path / "archive", subjects, max_bytes=LARGEST))


MEMBERS = (("A/1.jpg", GOOD), ("B/deep/2.jpg", GOOD + b"2"))


@pytest.mark.parametrize(
    "pack",
    [
        pytest.param(lambda: zipped(*MEMBERS), id="zip"),
        pytest.param(lambda: zipped(*MEMBERS, compression=zipfile.ZIP_DEFLATED), id="deflated zip"),
        pytest.param(lambda: tarred(*MEMBERS), id="tar"),
        pytest.param(lambda: tarred(*MEMBERS, format_=tarfile.GNU_FORMAT), id="GNU tar"),
        pytest.param(lambda: gzip.compress(tarred(*MEMBERS)), id="tar.gz"),
        pytest.param(lambda: bz2.compress(tarred(*MEMBERS)), id="tar.bz2"),
        pytest.param(lambda: lzma.compress(tarred(*MEMBERS)), id="tar.xz"),
    ],
)
def test_photographs_come_out_as_they_are(tmp_path: Path, pack: Callable[[], bytes]) -> None:
    taken = take(tmp_path, pack())

    assert [(one.reference, one.label, one.data) for one in taken if isinstance(one, PlannedPhotograph)] == [
        ("A/1.jpg", "A", GOOD),
        ("B/deep/2.jpg", "B", GOOD + b"2"),
    ]
    assert len(taken) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


TRICKS = [
    pytest.param("/etc/x.jpg", "member-outside", id="absolute"),
    pytest.param("../x.jpg", "member-outside", id="parent"),
    pytest.param("a/../../x.jpg", "member-outside", id="parent in the middle"),
    pytest.param("a/..", "member-outside", id="parent at the end"),
    pytest.param("..\\x.jpg", "member-outside", id="backslash"),
    pytest.param("C:/x.jpg", "member-outside", id="drive"),
    pytest.param("c:x.jpg", "member-outside", id="drive without a path"),
    pytest.param("\\\\server\\x.jpg", "member-outside", id="share"),
    pytest.param("x.jpg", "subject-missing", id="no folder"),
    pytest.param("a/\x1b[2Jx.jpg", "reference-invalid", id="drives a terminal"),
    pytest.param("a\u202e/x.jpg", "reference-invalid", id="turns the text round"),
    pytest.param("a/" + "x" * 2000 + ".jpg", "reference-invalid", id="a name without end"),
    pytest.param("x" * 300 + "/x.jpg", "label-invalid", id="a subject without end"),
]


@pytest.mark.parametrize(("name", "code"), TRICKS)
def test_a_zips_path_tricks_are_refused(tmp_path: Path, name: str, code: str) -> None:
    [refused] = take(tmp_path, zip_member(name))

    assert isinstance(refused, NotEnrolled)
    assert refused.code == code
    assert refused.reference.isprintable()


@pytest.mark.parametrize(("name", "code"), TRICKS)
def test_a_tars_path_tricks_are_refused(tmp_path: Path, name: str, code: str) -> None:
    [refused] = take(tmp_path, tarred((name, GOOD)))

    assert isinstance(refused, NotEnrolled)
    assert refused.code == code
    assert refused.reference.isprintable()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(zip_member("a/x", b"/etc/passwd", mode=stat.S_IFLNK), "member-link", id="zip symbolic link"),
        pytest.param(zip_member("a/x", b"", mode=stat.S_IFIFO), "member-special", id="zip pipe"),
        pytest.param(zip_member("a/x", b"", mode=stat.S_IFCHR), "member-special", id="zip device"),
        pytest.param(zip_member("a/x.jpg", bytes(LARGEST + 1)), "member-too-large", id="zip large member"),
        pytest.param(tarred(("a/x.jpg", bytes(LARGEST + 1))), "member-too-large", id="tar large member"),
    ],
)
def test_a_hostile_member_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    [refused] = take(tmp_path, data)

    assert isinstance(refused, NotEnrolled)
    assert refused.code == code


@pytest.mark.parametrize(
    ("kind", "link", "code"),
    [
        pytest.param(tarfile.SYMTYPE, "/etc/passwd", "member-link", id="symbolic link"),
        pytest.param(tarfile.LNKTYPE, "../x", "member-link", id="hard link"),
        pytest.param(tarfile.CHRTYPE, "", "member-special", id="character device"),
        pytest.param(tarfile.BLKTYPE, "", "member-special", id="block device"),
        pytest.param(tarfile.FIFOTYPE, "", "member-special", id="pipe"),
    ],
)
def test_a_tars_special_member_is_refused_and_the_others_go_on(
    tmp_path: Path, kind: bytes, link: str, code: str
) -> None:
    refused, good = take(tmp_path, tar_member("a/x", kind, link))

    assert isinstance(refused, NotEnrolled)
    assert refused.code == code
    assert isinstance(good, PlannedPhotograph)


def test_of_two_of_one_name_the_first_is_taken(tmp_path: Path) -> None:
    first, second = take(tmp_path, tarred(("a/x.jpg", GOOD), ("a/x.jpg", b"other")))

    assert isinstance(first, PlannedPhotograph)
    assert isinstance(second, NotEnrolled)
    assert second.code == "member-twice"


BOMB = bytes(300 * 1024 * 1024)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(lambda: b"", "archive-damaged", id="empty"),
        pytest.param(lambda: b"GIF89a, no archive", "archive-damaged", id="no archive"),
        pytest.param(lambda: b"PK\x03\x04" + bytes(100), "archive-damaged", id="zip head alone"),
        pytest.param(lambda: zipped(*MEMBERS)[:-30], "archive-damaged", id="zip cut off"),
        pytest.param(lambda: gzip.compress(tarred(*MEMBERS))[:-20], "archive-damaged", id="gzip cut off"),
        pytest.param(lambda: bz2.compress(tarred(*MEMBERS))[:-20], "archive-damaged", id="bzip2 cut off"),
        pytest.param(lambda: lzma.compress(tarred(*MEMBERS))[:100], "archive-damaged", id="xz cut off"),
        pytest.param(lambda: claiming(50_000), "archive-damaged", id="tar member cut off"),
        pytest.param(lambda: b"\x1f\x8b" + bytes(40), "archive-damaged", id="gzip head alone"),
        pytest.param(wrong_sum, "archive-damaged", id="wrong check sum"),
        pytest.param(lying_size, "archive-damaged", id="larger than it says"),
        pytest.param(encrypted, "archive-encrypted", id="encrypted"),
        pytest.param(lambda: gzip.compress(tarred(("a/x", BOMB)), 1), "archive-bomb", id="gzip bomb"),
        pytest.param(lambda: bz2.compress(tarred(("a/x", BOMB)), 1), "archive-bomb", id="bzip2 bomb"),
        pytest.param(
            lambda: zipped(*((f"a/{at}.jpg", bytes(LARGEST)) for at in range(1000)), compression=zipfile.ZIP_DEFLATED),
            "archive-bomb",
            id="zip of many that unpack large",
        ),
    ],
)
def test_a_hostile_archive_is_refused(tmp_path: Path, data: Callable[[], bytes], code: str) -> None:
    with pytest.raises(CountenanceError) as caught:
        take(tmp_path, data())

    assert caught.value.code == code


def test_one_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CountenanceError) as caught:
        list(archive_photographs(tmp_path / "gone", Subjects.NONE, max_bytes=LARGEST))

    assert caught.value.code == "import-not-found"


class TestShards:
    def test_a_sample_is_its_photograph_and_what_is_said_of_it(self, tmp_path: Path) -> None:
        said = {"subject": "Person A", "licence": "CC0", "captured": "1987"}
        shard = tarred(
            ("01.jpg", GOOD), ("01.json", json.dumps(said).encode()), ("02.txt", b"Person B\n"), ("02.png", GOOD)
        )

        first, second = take(tmp_path, shard, Subjects.SAMPLES)

        assert isinstance(first, PlannedPhotograph)
        assert isinstance(second, PlannedPhotograph)
        assert (first.reference, first.label) == ("01.jpg", "Person A")
        assert first.provenance == Provenance(licence="CC0", captured="1987")
        assert (second.reference, second.label, second.data) == ("02.png", "Person B", GOOD)

    @pytest.mark.parametrize(
        "said",
        [
            pytest.param(b"{", id="half an object"),
            pytest.param(b"[1]", id="a list"),
            pytest.param(b'{"subject": 7}', id="a number"),
            pytest.param(b'{"subject": "A\\u0007"}', id="a bell"),
            pytest.param(b'{"subject": "A", "captured": "yesterday"}', id="no day"),
            pytest.param(b"[" * 100_000, id="nested without end"),
            pytest.param(b"\xff\xfe", id="no UTF-8"),
        ],
    )
    def test_one_that_says_what_can_not_be_read_is_refused(self, tmp_path: Path, said: bytes) -> None:
        refused, good = take(tmp_path, tarred(("01.jpg", GOOD), ("01.json", said), ("02.jpg", GOOD)), Subjects.SAMPLES)

        assert isinstance(refused, NotEnrolled)
        assert (refused.reference, refused.code) == ("01.jpg", "sample-malformed")
        assert isinstance(good, PlannedPhotograph)
