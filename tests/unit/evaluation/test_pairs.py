from pathlib import Path

import pytest

from countenance.core.errors import CountenanceError
from countenance.evaluation.pairs import Pair, read_pairs

GOOD = "2\t1\nA\t1\t2\nA\t1\tB\t1\nB\t1\t2\nA\t2\tC\t1\n"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder in LFW's layout; nobody looks into the files."""
    folder = tmp_path / "images"
    for name in ("A/A_0001.jpg", "A/A_0002.jpg", "B/B_0001.jpg", "B/B_0002.png", "C/C_0001.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_pairs_come_with_their_folds_and_files(tmp_path: Path, images: Path) -> None:
    table = tmp_path / "pairs.txt"
    table.write_text(GOOD)

    found = read_pairs(table, images)

    assert found.folds == 2
    assert found.pairs[0] == Pair(first="A/A_0001.jpg", second="A/A_0002.jpg", same=True, fold=0)
    assert found.pairs[3] == Pair(first="A/A_0002.jpg", second="C/C_0001.jpg", same=False, fold=1)
    assert [(pair.same, pair.fold) for pair in found.pairs] == [(True, 0), (False, 0), (True, 1), (False, 1)]
    assert found.files["B/B_0002.png"] == images / "B/B_0002.png"


def test_names_may_hold_spaces_and_view_1_has_no_folds(tmp_path: Path, images: Path) -> None:
    (images / "D E").mkdir()
    (images / "D E" / "D E_0001.jpg").touch()
    table = tmp_path / "pairs.txt"
    table.write_text("1\nA\t1\t2\nD E\t1\tA\t1\n")

    found = read_pairs(table, images)

    assert found.folds == 1
    assert found.pairs[1].first == "D E/D E_0001.jpg"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "pairs-empty", id="empty"),
        pytest.param("\n  \n", "pairs-empty", id="blank"),
        pytest.param("ten\t300\n", "pairs-malformed", id="a first line in words"),
        pytest.param("1\t1\t1\nA\t1\t2\nA\t1\tB\t1\n", "pairs-malformed", id="three counts"),
        pytest.param("0\t1\n", "pairs-malformed", id="no folds"),
        pytest.param("1\t1\nA\t1\t2\tB\nA\t1\tB\t1\n", "pairs-malformed", id="four fields for one person"),
        pytest.param("1\t1\nA\t1\tB\t1\nA\t1\t2\n", "pairs-malformed", id="two people where one belongs"),
        pytest.param("1\t1\nA\tone\t2\nA\t1\tB\t1\n", "pairs-malformed", id="a number in words"),
        pytest.param("1\t1\nA\t-1\t2\nA\t1\tB\t1\n", "pairs-malformed", id="a negative number"),
        pytest.param("1\t1\nA\t1\t2\n", "pairs-wrong-count", id="one pair too few"),
        pytest.param(GOOD + "A\t2\tC\t1\n", "pairs-wrong-count", id="one pair too many"),
        pytest.param(
            "1\t2\nA\t1\t2\nA\t2\t1\nA\t1\tB\t1\nA\t1\tC\t1\n", "pairs-twice", id="the same pair turned round"
        ),
        pytest.param("1\t1\nA\t1\t1\nA\t1\tB\t1\n", "pairs-contradiction", id="a photograph with itself"),
        pytest.param("1\t1\nA\t1\t2\nA\t1\tA\t2\n", "pairs-contradiction", id="a person as two people"),
        pytest.param("1\t1\n..\t1\t2\nA\t1\tB\t1\n", "pairs-path-outside", id="the folder above"),
        pytest.param("1\t1\n../x\t1\t2\nA\t1\tB\t1\n", "pairs-path-outside", id="a path out"),
        pytest.param("1\t1\n/etc\t1\t2\nA\t1\tB\t1\n", "pairs-path-outside", id="an absolute path"),
        pytest.param("1\t1\nA\t1\t3\nA\t1\tB\t1\n", "pairs-image-missing", id="no such photograph"),
        pytest.param(f"1\t1\n{'A' * 300}\t1\t3\nA\t1\tB\t1\n", "pairs-path-outside", id="a name too long for a file"),
    ],
)
def test_a_bad_list_is_refused_with_its_code(tmp_path: Path, images: Path, text: str, code: str) -> None:
    table = tmp_path / "pairs.txt"
    table.write_text(text)

    with pytest.raises(CountenanceError) as refused:
        read_pairs(table, images)

    assert refused.value.code == code
    assert refused.value.hint


def test_a_list_or_folder_that_is_not_there_is_refused(tmp_path: Path, images: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")

    for table, folder, code in (
        (tmp_path / "none.txt", images, "pairs-not-found"),
        (tmp_path, images, "pairs-not-found"),
        (binary, images, "pairs-malformed"),
        (binary, tmp_path / "none", "folder-not-found"),
    ):
        with pytest.raises(CountenanceError) as refused:
            read_pairs(table, folder)

        assert refused.value.code == code
