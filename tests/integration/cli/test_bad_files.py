"""Every bad file, named to the commands that read one photograph: its code, exit 2, one line, nothing written."""

from pathlib import Path

import pytest

from tests.bad_files import BAD_FILES, BadFile
from tests.integration.cli.conftest import Command

pytestmark = pytest.mark.usefixtures("home")

COMMANDS = [
    pytest.param(("faces",), id="faces"),
    pytest.param(("search", "--case", "c", "--purpose", "missing-person", "--report", "report.html"), id="search"),
]


@pytest.mark.parametrize("arguments", COMMANDS)
@pytest.mark.parametrize("bad", [pytest.param(bad, id=bad.name) for bad in BAD_FILES])
def test_a_bad_file_is_refused(command: Command, tmp_path: Path, bad: BadFile, arguments: tuple[str, ...]) -> None:
    (tmp_path / bad.filename).write_bytes(bad.data)

    command(*arguments, bad.filename).refused(2, bad.code)

    assert [path.name for path in tmp_path.iterdir()] == [bad.filename]


@pytest.mark.parametrize("arguments", COMMANDS)
@pytest.mark.parametrize(
    ("name", "exit_code", "code"),
    [
        pytest.param("nowhere.jpg", 4, "image-not-found", id="missing"),
        pytest.param(".", 2, "image-not-a-file", id="a folder"),
        pytest.param("/dev/null", 2, "image-not-a-file", id="a device"),
        pytest.param("line\nbreak\x1b[31m.jpg", 4, "image-not-found", id="a name that drives terminals"),
        pytest.param("x" * 5000, 4, "image-not-found", id="an endless name"),
    ],
)
def test_what_is_no_file_is_refused(
    command: Command, name: str, exit_code: int, code: str, arguments: tuple[str, ...]
) -> None:
    command(*arguments, name).refused(exit_code, code)
