"""Plans: what is to be enrolled, and every way in which a folder or a table can be wrong."""

from pathlib import Path

import pytest

from countenance.core.errors import CountenanceError
from countenance.gallery.plan import MAX_LABEL, Subjects, plan


def written(folder: Path, *names: str) -> Path:
    """Make files in a folder."""
    folder.mkdir(exist_ok=True)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two people."""
    return written(tmp_path / "photographs", "B/2.jpg", "A/sub/3.jpg", "A/1.jpg", "A/.hidden.jpg", ".cache/x.jpg")


def test_a_folder_a_person_in_the_same_order_each_time(folder: Path) -> None:
    planned = plan(folder, Subjects.FOLDERS)

    assert [(one.reference, one.label) for one in planned] == [
        ("A/1.jpg", "A"),
        ("A/sub/3.jpg", "A"),
        ("B/2.jpg", "B"),
    ]


def test_unnamed_faces_need_no_folders(tmp_path: Path) -> None:
    planned = plan(written(tmp_path / "p", "1.jpg", "x/2.jpg"), Subjects.NONE)

    assert [(one.reference, one.label) for one in planned] == [("1.jpg", None), ("x/2.jpg", None)]


@pytest.mark.parametrize(
    "table",
    [
        pytest.param("path,subject\nB/2.jpg,Ann\nA/1.jpg,Bo\n", id="plain"),
        pytest.param("\ufeffpath,subject\r\nB/2.jpg,Ann\r\nA/1.jpg,Bo", id="from a spreadsheet"),
        pytest.param('note,subject,path\n"a, b",Ann,B/2.jpg\n,Bo,A/1.jpg\n', id="other columns, another order"),
        pytest.param("path,subject\n B/2.jpg , Ann \nA/1.jpg,Bo\n", id="spaces"),
    ],
)
def test_a_table_says_who_in_its_own_order(folder: Path, tmp_path: Path, table: str) -> None:
    (tmp_path / "people.csv").write_text(table, encoding="utf-8", newline="")

    planned = plan(folder, Subjects.CSV, table=tmp_path / "people.csv")

    assert [(one.reference, one.label) for one in planned] == [("B/2.jpg", "Ann"), ("A/1.jpg", "Bo")]


BAD_TABLES = [
    pytest.param(b"", "table-malformed", id="empty"),
    pytest.param(b"path,subject\n", "nothing-to-enrol", id="header only"),
    pytest.param(b"path;subject\nA/1.jpg;Ann\n", "table-malformed", id="semicolons"),
    pytest.param(b"Path,Subject\nA/1.jpg,Ann\n", "table-malformed", id="capitals"),
    pytest.param(b"A/1.jpg,Ann\n", "table-malformed", id="no header"),
    pytest.param(b"path,subject\nA/1.jpg\n", "table-malformed", id="too few fields"),
    pytest.param(b"path,subject\nA/1.jpg,Ann,more\n", "table-malformed", id="too many fields"),
    pytest.param(b"path,subject\n,Ann\n", "table-malformed", id="no path"),
    pytest.param(b"path,subject\nA/1.jpg,\n", "table-malformed", id="no subject"),
    pytest.param(b"path,subject\nA/1.jpg,   \n", "table-malformed", id="blank subject"),
    pytest.param(b'path,subject\n"A/1.jpg,Ann\n', "table-malformed", id="open quote"),
    pytest.param(b'path,subject\n"A/1.jpg"x,Ann\n', "table-malformed", id="text behind a quote"),
    pytest.param("path,subject\nA/1.jpg,Änn\n".encode("latin-1"), "table-malformed", id="Latin-1"),
    pytest.param("path,subject\nA/1.jpg,Ann\n".encode("utf-16"), "table-malformed", id="UTF-16"),
    pytest.param(b"\x89PNG\r\n\x1a\n", "table-malformed", id="a picture"),
    pytest.param(b"path,subject\n" + b"x" * 200_000 + b",Ann\n", "table-malformed", id="field without end"),
    pytest.param(b"path,subject\n../secret.jpg,Ann\n", "table-path-outside", id="parent folder"),
    pytest.param(b"path,subject\nA/../../secret.jpg,Ann\n", "table-path-outside", id="parent folder, hidden"),
    pytest.param(b"path,subject\n/etc/passwd,Ann\n", "table-path-outside", id="absolute path"),
    pytest.param(b"path,subject\nlink.jpg,Ann\n", "table-path-outside", id="link to the outside"),
    pytest.param(b"path,subject\nA/9.jpg,Ann\n", "table-path-missing", id="no such file"),
    pytest.param(b"path,subject\nA,Ann\n", "table-path-missing", id="a folder"),
    pytest.param(b"path,subject\nA/1.jpg/x,Ann\n", "table-path-missing", id="below a file"),
    pytest.param(b"path,subject\n" + b"x" * 300 + b".jpg,Ann\n", "table-path-missing", id="name without end"),
    pytest.param(b"path,subject\nA/1\x00.jpg,Ann\n", "reference-invalid", id="NUL in a path"),
    pytest.param(b"path,subject\n" + b"x/" * 600 + b"1.jpg,Ann\n", "reference-invalid", id="path without end"),
    pytest.param(b"path,subject\nA/1.jpg,Ann\nA/1.jpg,Bo\n", "table-path-twice", id="twice"),
    pytest.param(b"path,subject\nA/1.jpg,Ann\nA/./1.jpg,Bo\n", "table-path-twice", id="twice, another way"),
    pytest.param(b"path,subject\nA/1.jpg,A\x07nn\n", "label-invalid", id="bell in a label"),
    pytest.param(b"path,subject\nA/1.jpg," + b"x" * 201 + b"\n", "label-invalid", id="label too long"),
    pytest.param("path,subject\nA/1.jpg,Ann\u202e\n".encode(), "label-invalid", id="label that turns its line round"),
]


@pytest.mark.parametrize(("table", "code"), BAD_TABLES)
def test_a_bad_table_is_refused_in_one_line(folder: Path, tmp_path: Path, table: bytes, code: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "people.csv").write_bytes(table)

    with pytest.raises(CountenanceError) as caught:
        plan(folder, Subjects.CSV, table=tmp_path / "people.csv")

    assert caught.value.code == code
    assert len(str(caught.value)) < 3000


@pytest.mark.parametrize(
    ("names", "subjects", "code"),
    [
        pytest.param((), Subjects.FOLDERS, "nothing-to-enrol", id="empty folder"),
        pytest.param((".hidden.jpg",), Subjects.NONE, "nothing-to-enrol", id="hidden files only"),
        pytest.param(("1.jpg",), Subjects.FOLDERS, "subject-missing", id="file in no person's folder"),
        pytest.param(("A\x07/1.jpg",), Subjects.FOLDERS, "label-invalid", id="bell in a folder"),
        pytest.param((" /1.jpg",), Subjects.FOLDERS, "label-invalid", id="blank folder"),
        pytest.param(("x" * (MAX_LABEL + 1) + "/1.jpg",), Subjects.FOLDERS, "label-invalid", id="long folder"),
        pytest.param(("A/\udcff.jpg",), Subjects.FOLDERS, "reference-invalid", id="name that is not UTF-8"),
        pytest.param(("A/1\n.jpg",), Subjects.NONE, "reference-invalid", id="name over two lines"),
        pytest.param(("/".join(["x" * 200] * 5 + ["1.jpg"]),), Subjects.NONE, "reference-invalid", id="deep folders"),
    ],
)
def test_a_bad_folder_is_refused(tmp_path: Path, names: tuple[str, ...], subjects: Subjects, code: str) -> None:
    folder = written(tmp_path / "p", *names)

    with pytest.raises(CountenanceError) as caught:
        plan(folder, subjects)

    assert caught.value.code == code


@pytest.mark.parametrize("name", ["nothing", "file", pytest.param("n" * 5000, id="an endless name")])
def test_a_folder_that_is_none_is_not_found(tmp_path: Path, name: str) -> None:
    written(tmp_path, "file")

    with pytest.raises(CountenanceError) as caught:
        plan(tmp_path / name, Subjects.NONE)

    assert caught.value.code == "folder-not-found"


@pytest.mark.parametrize(
    ("subjects", "table", "code"),
    [
        pytest.param(Subjects.CSV, None, "table-malformed", id="no table"),
        pytest.param(Subjects.FOLDERS, "people.csv", "table-malformed", id="a table too many"),
        pytest.param(Subjects.CSV, "nothing.csv", "table-not-found", id="no such table"),
        pytest.param(Subjects.CSV, ".", "table-not-found", id="a folder for a table"),
    ],
)
def test_table_and_rule_go_together(
    folder: Path, tmp_path: Path, subjects: Subjects, table: str | None, code: str
) -> None:
    (tmp_path / "people.csv").write_text("path,subject\nA/1.jpg,Ann\n", encoding="utf-8")

    with pytest.raises(CountenanceError) as caught:
        plan(folder, subjects, table=None if table is None else tmp_path / table)

    assert caught.value.code == code


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "A" / "again").symlink_to(folder, target_is_directory=True)

    assert len(plan(folder, Subjects.FOLDERS)) == 3
