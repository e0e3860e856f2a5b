"""The database file: made from nothing, of an age that fits, whole, and guarded by its own constraints."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError as ConstraintError

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.sql.database import (
    migrations,
    open_engine,
    require_empty_log,
    sqlite_url,
    transaction,
    upgrade,
)
from countenance.core.errors import ConflictError, CountenanceError, IntegrityError, UnavailableError
from tests.audit_parts import entry, sql_records

KEYRING = memory_keyring()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "records % 1?.sqlite3"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    """An empty database with all tables."""
    opened = open_engine(sqlite_url(path))
    upgrade(opened, KEYRING)
    yield opened
    opened.dispose()


def stamped(engine: Engine) -> str:
    """Return the revision that the database says it has."""
    with engine.connect() as connection:
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


@contextmanager
def not_as_root() -> Iterator[None]:
    """Be somebody whom permissions hold for."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_folder_is_named() -> None:
    with TemporaryDirectory() as made:
        folder = Path(made)
        first = open_engine(sqlite_url(folder / "records.sqlite3"))
        upgrade(first, KEYRING)
        first.dispose()
        folder.chmod(0o555)
        (folder / "records.sqlite3").chmod(0o444)
        engine = open_engine(sqlite_url(folder / "records.sqlite3"))

        with not_as_root(), pytest.raises(UnavailableError) as caught, transaction(engine) as session:
            session.execute(text("SELECT * FROM gallery")).all()

        engine.dispose()
        folder.chmod(0o700)

    assert caught.value.code == "records-unavailable"
    assert f"{folder} can't be written into" in caught.value.hint


def test_from_nothing_to_the_newest_revision(engine: Engine) -> None:
    script = ScriptDirectory.from_config(migrations())

    assert stamped(engine) == script.get_current_head()
    assert sql_records(engine, KEYRING).snapshot().revision == 0


def test_migrations_and_models_agree(engine: Engine) -> None:
    config = migrations()
    with engine.begin() as connection:
        config.attributes.update(connection=connection, keyring=KEYRING)

        command.check(config)


def test_down_to_nothing_and_up_again(engine: Engine) -> None:
    config = migrations()
    with engine.begin() as connection:
        config.attributes.update(connection=connection, keyring=KEYRING)
        command.downgrade(config, "base")
        tables = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()

    upgrade(engine, KEYRING)

    assert set(tables) <= {"alembic_version", "sqlite_sequence"}
    assert sql_records(engine, KEYRING).snapshot().revision == 0


def test_twice_changes_nothing(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()

    upgrade(engine, KEYRING)

    assert path.read_bytes() == before


def test_a_newer_database_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(ConflictError) as caught:
        upgrade(engine, KEYRING)

    assert caught.value.code == "records-newer"
    assert stamped(engine) == "9999"


def open_and_read(engine: Engine) -> None:
    """Do what opening a gallery and listing it does."""
    upgrade(engine, KEYRING)
    sql_records(engine, KEYRING).snapshot()
    sql_records(engine, KEYRING).sources()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"not a database, but long enough to be taken for one " * 100, id="text"),
        pytest.param(lambda whole: b"\xff" * 100 + whole[100:], id="header"),
        pytest.param(lambda whole: whole[:4096] + b"\xa5" * (len(whole) - 4096), id="all pages but the first"),
        pytest.param(lambda whole: whole[: len(whole) // 3], id="cut off"),
    ],
)
def test_a_damaged_file_is_said_to_be(engine: Engine, path: Path, damage: object) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    again = open_engine(sqlite_url(path))

    with pytest.raises(IntegrityError) as caught:
        open_and_read(again)
    again.dispose()

    assert caught.value.code == "records-unreadable"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("INSERT INTO subject (subject_id, source) VALUES ('s', 7)", id="subject of no source"),
        pytest.param(
            "INSERT INTO template (face, source, subject, vector) VALUES (7, 7, 7, x'00')", id="template of no face"
        ),
        pytest.param("INSERT INTO gallery (number, revision) VALUES (2, 0)", id="a second gallery"),
        pytest.param("INSERT INTO subject (subject_id, source) VALUES (NULL, 1)", id="subject without an id"),
    ],
)
def test_the_database_holds_its_own_rules(engine: Engine, statement: str) -> None:
    with pytest.raises(ConstraintError), engine.begin() as connection:
        connection.execute(text(statement))


def test_row_numbers_are_never_used_again(engine: Engine) -> None:
    source = "INSERT INTO source VALUES (1, 's', 'active', '2026-01-01 00:00:00', x'00', x'00', x'')"
    subject = "INSERT INTO subject (subject_id, source) VALUES ('s', 1) RETURNING number"
    with engine.begin() as connection:
        connection.execute(text(source))
        first = connection.scalar(text(subject))
        connection.execute(text("DELETE FROM subject"))

        assert connection.scalar(text(subject)) == first + 1


def test_every_commit_is_synced_and_what_is_deleted_is_overwritten(engine: Engine) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    with engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}

    assert found == wanted


def test_opening_waits_for_no_writer(engine: Engine, path: Path) -> None:
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")

    upgrade(engine, KEYRING)
    sql_records(engine, KEYRING).snapshot()

    writer.close()


def test_a_writer_that_never_ends_makes_others_give_up(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
        connection.rollback()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")

    with pytest.raises(UnavailableError) as caught:
        sql_records(engine, KEYRING).put_search("s", {"searched_at": "2026-01-01T00:00:00+00:00"}, entry=entry())
    writer.close()

    assert caught.value.code == "records-unavailable"


def test_a_log_that_somebody_reads_is_not_said_to_be_empty(
    engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countenance.adapters.sql.database.BUSY_MS", 50)
    engine.dispose()
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM subject").fetchall()
    with engine.begin() as connection:
        connection.execute(text("UPDATE gallery SET revision = revision + 1"))
    log = path.with_name(f"{path.name}-wal")

    with pytest.raises(UnavailableError) as caught:
        require_empty_log(engine)
    kept = log.stat().st_size
    reader.close()
    require_empty_log(engine)

    assert caught.value.code == "records-being-read"
    assert kept > 0
    assert log.stat().st_size == 0


def test_no_file_is_an_error_with_a_code(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "no-such-folder" / "records.sqlite3"))

    with pytest.raises(CountenanceError) as caught:
        upgrade(engine, KEYRING)

    assert caught.value.code == "records-unavailable"
