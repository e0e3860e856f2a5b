from pathlib import Path

import pytest

from countenance.core.errors import CountenanceError
from countenance.evaluation.breakdown import UNKNOWN
from countenance.evaluation.groups import read_groups


def test_labels_come_from_the_table_alone(tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("region,subject,decade\nnorth,A,1990s\nsouth,B,\n")

    groups = read_groups(table)

    assert groups.labels("region", ["A", "B", "C"]) == ["north", "south", UNKNOWN]
    assert groups.labels("decade", ["A", "B"]) == ["1990s", UNKNOWN]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "groups-malformed", id="empty"),
        pytest.param("name,region\nA,north\n", "groups-malformed", id="no subject column"),
        pytest.param("subject\nA\n", "groups-malformed", id="no other column"),
        pytest.param("subject,region,region\nA,x,y\n", "groups-malformed", id="a column twice"),
        pytest.param("subject,region\nA\n", "groups-malformed", id="a field too few"),
        pytest.param("subject,region\nA,x\nA,y\n", "groups-subject-twice", id="a subject twice"),
        pytest.param(
            "subject,name\n" + "".join(f"{n},{n}\n" for n in range(51)), "groups-too-many", id="names, no groups"
        ),
    ],
)
def test_a_bad_table_is_refused_with_its_code(tmp_path: Path, text: str, code: str) -> None:
    table = tmp_path / "groups.csv"
    table.write_text(text)

    with pytest.raises(CountenanceError) as refused:
        read_groups(table)

    assert refused.value.code == code


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CountenanceError) as refused:
        read_groups(tmp_path / "none.csv")

    assert refused.value.code == "groups-not-found"


def test_a_table_that_names_nobody_who_is_searched_for_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("subject,region\nA,north\nB,south\n")
    groups = read_groups(table)

    groups.require_known(["B", "C"])
    with pytest.raises(CountenanceError) as refused:
        groups.require_known(["a", "C"])

    assert refused.value.code == "groups-nobody-known"
