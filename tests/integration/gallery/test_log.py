"""The operators' log at its most talkative: nothing personal, no token, no picture."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from countenance.bootstrap.settings import Settings
from tests import signed_up
from tests.integration.gallery.conftest import COMMAND, SOURCE, enrol_command, new_home

PLANTED = ("Xanthippe", "Quillfeather", "missing-person", "case-7781", "Zebedee")
"""A subject's two names, a purpose, a case, and a file's name."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]) -> tuple[str, Path]:
    """What a real enrolment and a real search, of files that can't be read too, log at DEBUG; and the home."""
    tmp_path = tmp_path_factory.mktemp("log")
    folder = tmp_path / "photographs" / f"{PLANTED[0]} {PLANTED[1]}"
    folder.mkdir(parents=True)
    shutil.copy(portraits["obama.jpg"], folder / f"{PLANTED[4]}.jpg")
    (folder / f"{PLANTED[4]}-broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    home = new_home(tmp_path / "home")
    signed_up.admitted_home(home, cases=[PLANTED[3]])
    probe = shutil.copy(portraits["obama2.jpg"], tmp_path / f"{PLANTED[4]}-probe.jpg")
    logged = ""
    for arguments in (
        enrol_command(home, folder.parent),
        ("search", probe, "--case", PLANTED[3], "--purpose", PLANTED[2], "--json", "--home", home),
        ("subjects", "list", "--json", "--home", home),
    ):
        ended = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            env=os.environ | {"COUNTENANCE_LOG_LEVEL": "DEBUG", "COUNTENANCE_WORKERS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert PLANTED[0] in ended.stdout or PLANTED[4] in ended.stdout
        logged += ended.stderr
    return logged, home


def test_nothing_personal_and_no_secret_is_logged(log: tuple[str, Path]) -> None:
    logged, _ = log

    for event in ("enrolment ended", "a photograph was not enrolled", "the index holds", "search "):
        assert event in logged, "what is not logged shows nothing"
    assert [word for word in (*PLANTED, "\\xff\\xd8") if word in logged] == []


def test_no_file_of_the_home_is_named_after_anybody(log: tuple[str, Path]) -> None:
    _, home = log

    names = [path.relative_to(home).as_posix() for path in home.rglob("*")]

    assert len(names) > 5
    assert [name for name in names for word in (*PLANTED, SOURCE) if word in name] == []


def test_the_records_are_for_their_owner_alone(log: tuple[str, Path]) -> None:
    _, home = log
    settings = Settings(home=home)

    modes = {path.name: path.stat().st_mode & 0o777 for path in (home, settings.database)}

    assert modes == {"home": 0o700, "records.sqlite3": 0o600}
