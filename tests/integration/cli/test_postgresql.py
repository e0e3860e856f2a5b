"""Records in PostgreSQL, end to end: the same commands, from the first one to a withdrawal, over a real server."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.search.model import SearchRequest
from tests import signed_up
from tests.integration.cli.conftest import Command
from tests.postgresql import new_database

STATED = ("--case", signed_up.CASE, "--purpose", signed_up.PURPOSE)


@pytest.fixture
def database(postgresql: URL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty database that COUNTENANCE_RECORDS_DATABASE names, for a home that COUNTENANCE_HOME does."""
    address = new_database(postgresql).set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("COUNTENANCE_RECORDS_DATABASE", address)
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COUNTENANCE_WORKERS", "1")
    return address


@pytest.fixture
def home(command: Command, database: str, tmp_path: Path) -> Path:  # noqa: ARG001 - the settings name it
    """A home over that database, with an organisation that may search."""
    assert command("init").code == 0
    signed_up.admitted_home(tmp_path / "home")
    return tmp_path / "home"


def enrol(command: Command, photographs: Path, tmp_path: Path) -> None:
    """Hand over a source and enrol everybody."""
    (tmp_path / "d.txt").write_text("given", encoding="utf-8")
    by = ("--owner", "Zoë", "--legal-basis", "contract", "--document", "d.txt")
    assert command("source", "register", "portraits", *by).code == 0
    assert command("enrol", "portraits", photographs, "--subjects", "folders", "--json").json["enrolled"] == 5


def test_from_the_first_command_to_a_withdrawal(
    command: Command, home: Path, photographs: Path, portraits: Mapping[str, Path], tmp_path: Path
) -> None:
    enrol(command, photographs, tmp_path)

    found = command("search", portraits["obama3.jpg"], *STATED, "--json").json
    again = command("verify-search", found["search_id"], "--probe", portraits["obama3.jpg"], "--json").json
    checked, log = command("doctor", "--json").json, command("audit", "verify", "--json").json
    command("source", "withdraw", "portraits", "--reason", "the owner says stop")
    withdrawn = command("source", "show", "portraits", "--json").json
    nobody = command("search", portraits["obama3.jpg"], *STATED, "--json").json

    assert [one["subject"]["label"] for one in found["candidates"]] == ["C"]
    assert again["holds"]
    assert checked["subjects"] == 4
    assert log["entries"] > 10
    assert withdrawn["state"] == "withdrawn"
    assert nobody["candidates"] == []
    assert not (home / "records.sqlite3").exists()


def test_eight_at_once_lose_no_answer_and_no_entry(
    command: Command, home: Path, photographs: Path, portraits: Mapping[str, Path], tmp_path: Path
) -> None:
    enrol(command, photographs, tmp_path)
    probe = portraits["obama3.jpg"].read_bytes()

    with open_gallery(Settings(home=home)) as gallery:
        actor, before = gallery.accounts.acting("examiner"), gallery.audit.head().size
        asked = SearchRequest(image=probe, filename=None, case=signed_up.CASE, purpose=signed_up.PURPOSE, actor=actor)
        with ThreadPoolExecutor(8) as pool:
            made = [answer.search_id for answer in pool.map(lambda _: gallery.search(asked), range(24))]

        assert gallery.audit.head().size - before == len(set(made)) == 24
        assert all(gallery.records.search(one)["candidates"] for one in made)


@pytest.mark.usefixtures("database")
def test_a_home_without_its_records_is_not_opened(command: Command, postgresql: URL, home: Path) -> None:
    other = new_database(postgresql).set(drivername="postgresql").render_as_string(hide_password=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTENANCE_RECORDS_DATABASE", other)
        command("status").refused(5, "records-elsewhere")
        patch.delenv("COUNTENANCE_RECORDS_DATABASE")
        command("status").refused(4, "home-not-initialised")

    assert tables(other) == []
    assert command("status").code == 0
    assert home.is_dir()


def tables(address: str) -> list[str]:
    """Return the tables of a database."""
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        found = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    engine.dispose()
    return list(found)


@pytest.mark.usefixtures("home")
def test_two_homes_don_t_share_a_database(command: Command, tmp_path: Path) -> None:
    command("init", "--home", tmp_path / "another").refused(5, "records-elsewhere")


def test_a_home_with_a_file_of_its_own_keeps_it(command: Command, database: str, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COUNTENANCE_RECORDS_DATABASE")
        command("init")

    command("status").refused(5, "records-elsewhere")
    assert tables(database) == []
    assert (tmp_path / "home" / "records.sqlite3").is_file()


@pytest.mark.parametrize(
    ("address", "exit_code", "code"),
    [
        pytest.param("mysql://me:secret@127.0.0.1/faces", 2, "records-database-invalid", id="another kind"),
        pytest.param("secret", 2, "records-database-invalid", id="no address"),
        pytest.param("postgresql://me:secret@127.0.0.1", 2, "records-database-invalid", id="no database"),
        pytest.param("postgresql://me:secret@/faces?host=/nowhere", 6, "records-unavailable", id="no server"),
    ],
)
def test_what_is_no_database_is_one_line_without_its_password(
    command: Command, monkeypatch: pytest.MonkeyPatch, address: str, exit_code: int, code: str
) -> None:
    monkeypatch.setenv("COUNTENANCE_RECORDS_DATABASE", address)

    ended = command("init", "--home", "home")

    ended.refused(exit_code, code)
    assert "secret" not in ended.err
