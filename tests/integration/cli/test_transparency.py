"""`countenance report transparency`: over a real home's log."""

import json
import sqlite3
from pathlib import Path

import pytest

from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli.main import run
from tests import signed_up


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without searches."""
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COUNTENANCE_USER", "house-auditor")
    initialise(Settings(home=tmp_path / "home"))
    with open_gallery(Settings(home=tmp_path / "home")) as gallery:
        signed_up.house_auditor(gallery)
    return tmp_path / "home"


def test_it_prints_and_writes_each_kind_of_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begins = {".html": b"<!doctype", ".pdf": b"%PDF-", ".csv": b"section,"}
    for suffix, begin in begins.items():
        out = home.parent / f"report{suffix}"

        code = run(["report", "transparency", "--year", "2026", "--statute", "us-md", "--out", str(out), "--json"])

        printed = json.loads(capsys.readouterr().out)
        assert (code, printed["year"], printed["counts"]["searches"]) == (0, 2026, {})
        assert out.read_bytes().startswith(begin)
        assert run(["report", "transparency", "--year", "2026", "--out", str(out)]) == 5
        capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--year", "2026", "--statute", "us-xx"], 4),
        (["--year", "2026", "--out", "report.docx"], 2),
        (["--year", "2026", "--org", "nobody"], 4),
    ],
)
def test_what_can_t_be_meant_is_refused(home: Path, arguments: list[str], code: int) -> None:  # noqa: ARG001
    assert run(["report", "transparency", *arguments]) == code


def test_a_log_that_was_changed_is_not_counted(home: Path) -> None:
    with sqlite3.connect(home / "records.sqlite3") as database:
        database.execute("DROP TRIGGER audit_entry_no_update")
        database.execute("UPDATE audit_entry SET body = body || ' ' WHERE idx = 0")

    assert run(["report", "transparency", "--year", "2026"]) == 7
