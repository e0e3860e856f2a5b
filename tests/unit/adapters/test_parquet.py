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


def test_one_without_images_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        take(tmp_path, picture=[GOOD])

    assert caught.value.code == "parquet-malformed"
