"""Photographs out of Parquet files, and what is refused of them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from countenance.adapters.parquet import parquet_photographs
from countenance.core.errors import InvalidInputError
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.model import Provenance
from countenance.gallery.plan import PlannedPhotograph

GOOD = b"\xff\xd8 a photograph"


def take(tmp_path: Path, **columns: list[Any]) -> list[PlannedPhotograph | NotEnrolled]:
    """Write a file and read it."""
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    return list(parquet_photographs(tmp_path / "x.parquet", max_bytes=1000))


def test_a_row_is_its_photograph_and_what_is_said_of_it(tmp_path: Path) -> None:
    [taken] = take(tmp_path, image=[GOOD], path=["1987/1.jpg"], subject=["Person A"], licence=["CC0"], other=[7])

    assert isinstance(taken, PlannedPhotograph)
    assert (taken.reference, taken.label, taken.data) == ("1987/1.jpg", "Person A", GOOD)
    assert taken.provenance == Provenance(licence="CC0")


def test_images_may_be_structs_as_data_sets_have_them(tmp_path: Path) -> None:
    [taken] = take(tmp_path, image=[{"bytes": GOOD, "path": "a.jpg"}])

    assert isinstance(taken, PlannedPhotograph)
    assert (taken.reference, taken.label, taken.data) == ("a.jpg", None, GOOD)


def test_a_column_of_names_that_stand_once_each_in_a_list_is_no_bomb(tmp_path: Path) -> None:
    names = [f"person {number} of a long list of {'long ' * 12} names" for number in range(2000)]
    words = pa.array(names).dictionary_encode()
    images = pa.StructArray.from_arrays([pa.array([GOOD] * len(names)), words], names=["bytes", "path"])
    pq.write_table(pa.table({"image": images, "subject": words}), tmp_path / "x.parquet")

    taken = list(parquet_photographs(tmp_path / "x.parquet", max_bytes=1000))

    assert [one.label for one in taken if isinstance(one, PlannedPhotograph)] == names


@pytest.mark.parametrize(
    ("row", "code"),
    [
        pytest.param({"image": None}, "row-without-photograph", id="null"),
        pytest.param({"image": "http://example.org/a.jpg"}, "row-without-photograph", id="a web address"),
        pytest.param({"image": {"path": "/etc/passwd"}}, "row-without-photograph", id="a path alone"),
        pytest.param({"image": GOOD, "path": 7}, "row-without-photograph", id="a number as path"),
        pytest.param({"image": GOOD, "path": "../a.jpg"}, "member-outside", id="parent"),
        pytest.param({"image": bytes(1001)}, "member-too-large", id="large"),
        pytest.param({"image": GOOD, "subject": "A\x07"}, "row-malformed", id="a bell"),
        pytest.param({"image": GOOD, "subject": 7}, "row-malformed", id="a number as subject"),
        pytest.param({"image": GOOD, "captured": "then"}, "row-malformed", id="no day"),
    ],
)
def test_a_row_that_can_not_be_taken_is_refused(tmp_path: Path, row: dict[str, Any], code: str) -> None:
    [refused] = take(tmp_path, **{name: [value] for name, value in row.items()})

    assert isinstance(refused, NotEnrolled)
    assert refused.code == code


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"PAR1" + b"\xff" * 8 + b"\xff\xff\xff\x7fPAR1"]
)
def test_what_is_no_parquet_file_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(content)

    with pytest.raises(InvalidInputError) as caught:
        list(parquet_photographs(tmp_path / "x.parquet", max_bytes=1000))

    assert caught.value.code == "parquet-malformed"


class TestBombs:
    """Files of a few hundred bytes that hold 512 MiB: 64 values of 8 MiB."""

    ROWS = pa.array([bytes(8 * 1024 * 1024)] * 64, pa.binary())

    def write(self, tmp_path: Path, *, dictionary: bool) -> Path:
        """Write one: its values once, with 64 rows that refer to it, or 64 times in a page that was compressed."""
        path = tmp_path / "x.parquet"
        pq.write_table(pa.table({"image": self.ROWS}), path, compression="zstd", use_dictionary=dictionary)
        return path

    def refused(self, path: Path) -> tuple[str, int]:
        """Read one; returns the code, and how many rows came before it."""
        came = 0
        with pytest.raises(InvalidInputError) as caught:
            for came, _ in enumerate(parquet_photographs(path, max_bytes=1000), start=1):  # noqa: B007
                pass
        return caught.value.code, came

    def test_one_value_that_many_rows_refer_to_is_counted_with_each_row(self, tmp_path: Path) -> None:
        path, before = self.write(tmp_path, dictionary=True), pa.default_memory_pool()
        pool = pa.proxy_memory_pool(before)
        pa.set_memory_pool(pool)
        try:
            code, came = self.refused(path)
        finally:
            pa.set_memory_pool(before)

        assert path.stat().st_size < 1000
        assert code == "archive-bomb"
        assert came < 9
        assert pool.max_memory() < 64 * 1024 * 1024

    def test_a_page_that_unpacks_to_too_much_is_not_read(self, tmp_path: Path) -> None:
        assert self.refused(self.write(tmp_path, dictionary=False)) == ("archive-bomb", 0)

    def test_a_file_that_lies_about_its_pages_is_found_out_row_by_row(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, dictionary=False)
        told = varint(pq.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size)
        path.write_bytes(path.read_bytes().replace(told, varint(100, length=len(told))))

        code, came = self.refused(path)

        assert pq.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size == 100
        assert (code, came) == ("archive-bomb", 8)

    def test_rows_without_number_are_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("countenance.gallery.archives.MAX_MEMBERS", 3)
        pq.write_table(pa.table({"image": [None] * 4}), tmp_path / "x.parquet")

        assert self.refused(tmp_path / "x.parquet") == ("archive-members-too-many", 0)


def varint(number: int, *, length: int = 0) -> bytes:
    """Return a number as Thrift's compact protocol writes it: zigzag, seven bits a byte, lowest first."""
    number, groups = number << 1, list[int]()
    while number or len(groups) < max(length, 1):
        groups.append(number & 127)
        number >>= 7
    return bytes([*(group | 128 for group in groups[:-1]), groups[-1]])


def test_groups_of_rows_come_in_their_order(tmp_path: Path) -> None:
    rows = {
        "image": [GOOD + bytes([number]) for number in range(20)],
        "path": [f"{number}.jpg" for number in range(20)],
    }
    pq.write_table(pa.table(rows), tmp_path / "x.parquet", row_group_size=7)

    taken = list(parquet_photographs(tmp_path / "x.parquet", max_bytes=1000))

    assert [one.reference for one in taken] == rows["path"]
    assert [one.data for one in taken if isinstance(one, PlannedPhotograph)] == rows["image"]


def test_one_without_images_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        take(tmp_path, picture=[GOOD])

    assert caught.value.code == "parquet-malformed"
