"""`doctor`, `index`: an index that agrees with the records, and every way in which one does not."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest

from countenance.adapters.sql.counts import Counts, sealed_counts
from countenance.adapters.sql.sealing import RowSeals
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from tests.integration.cli.conftest import Command
from tests.stripes import templates_of

ASKED = ("--case", "2026-114", "--purpose", "missing-person", "--threshold", "-1", "--json")


@pytest.fixture
def own_home(filled_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the filled gallery, to be changed, as COUNTENANCE_HOME."""
    home = copytree(filled_home, tmp_path / "home")
    monkeypatch.setenv("COUNTENANCE_HOME", str(home))
    return home


@pytest.fixture
def probe(portraits: Mapping[str, Path]) -> Path:
    """A photograph of somebody who is enrolled."""
    return portraits["obama3.jpg"]


def segments(home: Path) -> list[Path]:
    """Return the index's files of rows."""
    return sorted((home / "index").rglob("*.segment"))


def change_records(home: Path, *statements: str, **values: int | bytes) -> None:
    """Change the records behind Countenance's back."""
    with closing(sqlite3.connect(home / "records.sqlite3")) as records, records:
        for statement in statements:
            records.execute(statement, values)


def change_a_template(home: Path, row: int = 1, *, as_in: int = 2) -> None:
    """Give a template the numbers of another, sealed as they should be."""
    asked = (
        "SELECT source_id, face FROM template JOIN source ON source.number = template.source WHERE template.number = ?"
    )
    with closing(sqlite3.connect(home / "records.sqlite3")) as records, records:
        source_id, face = records.execute(asked, (row,)).fetchone()
        with open_gallery(Settings(home=home)) as gallery:
            [other] = templates_of(gallery.records, [as_in]).values()
            vector = RowSeals(gallery.keyring).template(source_id, face, other)
        records.execute("UPDATE template SET vector = ? WHERE number = ?", (vector, row))


def test_a_search_leaves_the_index_on_disk(command: Command, own_home: Path, probe: Path) -> None:
    command("search", probe, *ASKED)

    status = command("index", "status", "--json").json

    assert len(segments(own_home)) == 1
    assert (status["whole"], status["files"], status["subjects"], status["on_record"]) == (True, 1, 4, 4)
    assert Path(status["place"]).parent == own_home / "index"


def test_index_and_records_agree(command: Command, own_home: Path) -> None:
    for arguments in (("doctor",), ("index", "verify")):
        assert command(*arguments, "--json").json == {"subjects": 4, "agree": True}
        assert "agree: 4 subjects compared" in command(*arguments).out
    assert own_home.is_dir()


def test_a_template_that_changed_on_record_stops_serving_until_the_index_is_rebuilt(
    command: Command, own_home: Path, probe: Path
) -> None:
    command("search", probe, *ASKED)
    change_a_template(own_home)

    found = command("doctor")
    during = command("search", probe, *[word for word in ASKED if word != "--json"])
    command("index", "rebuild")
    after = command("search", probe, *ASKED)

    found.refused(7, "index-mismatch")
    assert "1 of 4 subjects differ" in found.err
    assert "countenance index rebuild" in found.err
    during.refused(7, "index-mismatch")
    assert len(after.json["candidates"]) == 4
    assert command("doctor", "--json").json["agree"]


def test_verify_finds_it_and_changes_nothing(command: Command, own_home: Path, probe: Path) -> None:
    command("search", probe, *ASKED)
    change_a_template(own_home)
    before = [path.read_bytes() for path in segments(own_home)]

    command("index", "verify").refused(7, "index-mismatch")

    assert [path.read_bytes() for path in segments(own_home)] == before
    assert command("search", probe, *ASKED).code == 0


def test_a_changed_byte_in_the_index_is_found_and_mended_from_the_records(
    command: Command, own_home: Path, probe: Path
) -> None:
    first = command("search", probe, *ASKED).json
    [path] = segments(own_home)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    status = command("index", "status", "--json").json
    verified = command("index", "verify")
    warned = command("search", probe, *ASKED)

    again = json.loads(warned.out)
    assert "is damaged" in warned.err
    assert (status["whole"], "damaged" in status["damage"]) == (False, True)
    verified.refused(7, "index-mismatch")
    assert again["candidates"] == first["candidates"]
    assert command("index", "verify", "--json").json["agree"]


def test_rows_that_went_from_the_records_go_from_the_index_and_its_files(
    command: Command, own_home: Path, probe: Path
) -> None:
    first = command("search", probe, *ASKED).json["candidates"][0]
    [before] = [path.read_bytes() for path in segments(own_home)]
    with open_gallery(Settings(home=own_home)) as gallery:
        [held] = gallery.records.sources()
        left = Counts(held.images, held.subjects - 1, held.templates - 1)
        counts = sealed_counts(gallery.keyring, held.source.source_id, left)
    change_records(
        own_home,
        "CREATE TEMP TABLE going AS SELECT number FROM template WHERE subject = "
        "(SELECT subject FROM template WHERE number = :row)",
        "UPDATE source SET counts = :counts",
        "DELETE FROM template WHERE number IN (SELECT number FROM going)",
        "UPDATE gallery SET revision = revision + 1",
        row=first["template"],
        counts=counts,
    )

    answer = command("search", probe, *ASKED).json

    assert first["template"] not in [one["template"] for one in answer["candidates"]]
    assert answer["certificate"]["templates"] == 3
    assert command("doctor", "--json").json == {"subjects": 3, "agree": True}
    [after] = [path.read_bytes() for path in segments(own_home)]
    assert len(after) < len(before)


def test_an_index_of_other_records_is_made_again(command: Command, own_home: Path, probe: Path) -> None:
    command("search", probe, *ASKED)
    change_a_template(own_home, 5, as_in=1)

    assert command("doctor", "--json").json == {"subjects": 4, "agree": True}
    assert len(segments(own_home)) == 1


def test_a_deleted_index_is_made_again_and_answers_the_same(command: Command, own_home: Path, probe: Path) -> None:
    first = command("search", probe, *ASKED).json
    for path in segments(own_home):
        path.unlink()

    again = json.loads(command("search", probe, *ASKED).out)

    assert (again["candidates"], again["certificate"]) == (first["candidates"], first["certificate"])
