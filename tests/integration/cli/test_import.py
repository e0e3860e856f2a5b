"""`countenance import`: archives enrol as folders do, go on where they were stopped, and nothing comes from the web."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.integration.cli.conftest import PEOPLE, Command


@pytest.mark.usefixtures("archive_home")
def test_a_zip_is_enrolled_like_the_folder_that_it_was(command: Command, photographs: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../x.jpg", b"x")
        for path in sorted(photographs.rglob("*.jpg")):
            archive.write(path, path.relative_to(photographs))
        archive.writestr("A/note.txt", b"no photograph")

    report = command("import", "archive", tmp_path / "a.zip", "--json").json
    subjects = command("subjects", "list", "--json").json["subjects"]
    again = command("enrol", "archive", photographs, "--json").json

    assert report["enrolled"] == sum(len(names) for names in PEOPLE.values())
    assert [one["code"] for one in report["not_enrolled"]] == ["member-outside", "image-unsupported-format"]
    assert [one["label"] for one in subjects] == sorted(PEOPLE)
    assert (again["enrolled"], again["already"]) == (0, report["enrolled"])


@pytest.mark.usefixtures("archive_home")
def test_a_damaged_archive_keeps_what_came_before_and_goes_on_later(
    command: Command, photographs: Path, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "whole.tar", "w") as archive:
        for name in sorted(PEOPLE):
            archive.add(photographs / name, name)
    whole = (tmp_path / "whole.tar").read_bytes()
    (tmp_path / "part.tar").write_bytes(whole[: len(whole) // 2])

    command("import", "archive", tmp_path / "part.tar").refused(2, "archive-damaged")
    report = command("import", "archive", tmp_path / "whole.tar", "--json").json

    assert report["enrolled"] + report["already"] == sum(len(names) for names in PEOPLE.values())
    assert report["not_enrolled"] == []


@pytest.mark.parametrize(
    ("place", "exit_code", "code"),
    [
        pytest.param("http://example.org/a.jpg", 2, "import-from-web", id="a picture's address"),
        pytest.param("https://example.org/", 2, "import-from-web", id="a page's address"),
        pytest.param("HTTPS://example.org/a.zip", 2, "import-from-web", id="an archive's address"),
        pytest.param("ftp://example.org/a.zip", 2, "import-from-web", id="ftp"),
        pytest.param("file:///etc", 2, "import-place-unknown", id="a file's address"),
        pytest.param("data://x", 2, "import-place-unknown", id="data"),
        pytest.param("s3://", 2, "bucket-malformed", id="no bucket"),
        pytest.param("nowhere.zip", 4, "import-not-found", id="not there"),
    ],
)
@pytest.mark.usefixtures("archive_home")
def test_nothing_comes_from_elsewhere(command: Command, place: str, exit_code: int, code: str) -> None:
    command("import", "archive", place).refused(exit_code, code)
