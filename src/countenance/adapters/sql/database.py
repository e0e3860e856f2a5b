"""Opening the database: engine settings, and migrations brought up to date."""

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import IntegrityError as ConstraintError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from countenance.core.errors import ConflictError, IntegrityError, UnavailableError
from countenance.keys.ports import Keyring

BUSY_MS = 10_000
"""How long a writer waits for another one before it gives up, ms."""

ROOM_OR_WAIT = "free some disk space, start the database's server, or wait for the other writer; then run it again"

WRITERS_TURN = 0x636F756E
"""Number of the lock that PostgreSQL's writers of one database wait for."""

MAX_PARAMETERS = 500
"""Most values in one IN list; SQLite allows 32,766 parameters a statement, older builds 999."""

T = TypeVar("T")

WRITER = "countenance_writer"
"""Execution option that marks a connection which will write."""


def sqlite_url(path: Path) -> URL:
    """Return the URL of a SQLite file, whatever signs its path has."""
    return URL.create("sqlite", database=str(path))


def open_engine(url: URL) -> Engine:
    """Open a database; SQLite in WAL mode, with foreign keys enforced and every commit synced to disk.

    Either database keeps the same promises: a reader sees one state, and writers follow each other.
    """
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _set_up_postgresql)
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _set_up_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Set what SQLite forgets between connections."""
    if isinstance(connection, sqlite3.Connection):
        # Transactions are begun by SQLAlchemy alone: see _begin_sqlite.
        connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"busy_timeout={BUSY_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Begin; a writer takes the write lock at once, since a reader that turns writer late can only fail."""
    writer = connection.get_execution_options().get(WRITER, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")


def _set_up_postgresql(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Let text with a NUL in it be looked for, as on SQLite, and not be found: PostgreSQL holds none."""
    from psycopg import Connection as Psycopg  # noqa: PLC0415 - an extra
    from psycopg.types.string import StrDumper  # noqa: PLC0415

    class Dumper(StrDumper):
        """Puts U+FFFD in its place; no identifier has one."""

        def dump(self, obj: str) -> bytes | bytearray | memoryview | None:
            """Return the bytes of a text."""
            return super().dump(obj.replace("\0", "\ufffd"))

    if isinstance(connection, Psycopg):
        connection.adapters.register_dumper(str, Dumper)


def _begin_postgresql(connection: Connection) -> None:
    """Begin; a reader gets one state for the whole transaction, a writer waits its turn: see `_begin_sqlite`."""
    if connection.get_execution_options().get(WRITER, False):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {BUSY_MS}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_TURN})")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def migrations() -> Config:
    """Return Alembic's settings for the migrations that come with the package; the caller brings the connection."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("countenance.adapters.sql") / "migrations"))
    return config


def upgrade(engine: Engine, keyring: Keyring) -> None:
    """Bring the schema to the newest revision; one that is there already is left alone.

    Args:
        keyring: Seals what an older revision kept in the clear.

    Raises:
        ConflictError: code `records-newer`, a newer Countenance made this database; nothing was changed.
        IntegrityError: code `records-unreadable`, the file is damaged or not a database; nothing was changed.
        UnavailableError: code `records-unavailable`, another program is writing, or the disk is full or read-only;
            nothing was changed.
    """
    config = migrations()
    script = ScriptDirectory.from_config(config)
    try:
        # Looked at first without the write lock: opening a gallery must not wait for an enrolment.
        with engine.begin() as connection:
            if MigrationContext.configure(connection).get_current_revision() == script.get_current_head():
                return
        with _rebuilding(engine) as connection:
            current = MigrationContext.configure(connection).get_current_revision()
            if current == script.get_current_head():
                return
            if current is not None and current not in {entry.revision for entry in script.walk_revisions()}:
                raise ConflictError(
                    "the records were made by a newer version of Countenance",
                    code="records-newer",
                    hint="install that version or a later one",
                )
            config.attributes.update(connection=connection, keyring=keyring)
            command.upgrade(config, "head")
    except OperationalError as error:
        raise unavailable(error, engine) from None
    except DatabaseError as error:
        raise unreadable(error) from None


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """Open one transaction, and translate what the database says when it fails.

    Args:
        engine: With the execution option WRITER where it will write.

    Raises:
        UnavailableError: code `records-unavailable`; nothing was written.
        ConflictError: code `records-conflict`; nothing was written.
        IntegrityError: code `records-unreadable`; nothing was written.
    """
    try:
        with Session(engine) as session, session.begin():
            yield session
    except OperationalError as error:
        raise unavailable(error, engine) from None
    except ConstraintError as error:
        raise ConflictError(
            f"it contradicts what is on record: {error.orig}", code="records-conflict", hint="try again"
        ) from None
    except DatabaseError as error:
        raise unreadable(error) from None


def slices(values: Collection[T]) -> Iterator[list[T]]:
    """Cut values into lists that fit into one statement."""
    ordered = list(values)
    for start in range(0, len(ordered), MAX_PARAMETERS):
        yield ordered[start : start + MAX_PARAMETERS]


@contextmanager
def _rebuilding(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that may make tables anew: SQLite would take the old one's end for that of all its rows."""
    with engine.execution_options(**{WRITER: True}).connect() as connection:
        sqlite = connection.connection.dbapi_connection
        if not isinstance(sqlite, sqlite3.Connection):
            with connection.begin():
                yield connection
            return
        sqlite.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise IntegrityError(
                        "the records contradict themselves",
                        code="records-unreadable",
                        hint="restore the database file from a backup",
                    )
        finally:
            sqlite.execute("PRAGMA foreign_keys=ON")


def unscrubbed(engine: Engine) -> bool:
    """Say whether something that stood in the clear may still be on disk: in free pages, or beside the database."""
    if engine.dialect.name != "sqlite":
        return False
    with engine.connect() as connection:
        return bool(connection.exec_driver_sql("PRAGMA user_version").scalar())


def scrub(engine: Engine) -> None:
    """Write the database anew and empty its write-ahead log, so that nothing of before is in either.

    Raises:
        UnavailableError: code `records-unavailable`, another program reads, or the disk is full; run it again.
    """
    _outside_transactions(engine, "VACUUM")
    if empty_log(engine):
        _outside_transactions(engine, "PRAGMA user_version = 0")


def empty_log(engine: Engine) -> bool:
    """Empty SQLite's write-ahead log; False where others read just now, and it was not.

    Raises:
        UnavailableError: code `records-unavailable`; run it again.
    """
    return engine.dialect.name != "sqlite" or _outside_transactions(engine, "PRAGMA wal_checkpoint(TRUNCATE)") == 0


def require_empty_log(engine: Engine) -> None:
    """Empty SQLite's write-ahead log, so that what was deleted is overwritten in the database and stands in neither.

    Raises:
        UnavailableError: code `records-being-read`, somebody's transaction sees what was deleted and did not end in
            time; code `records-unavailable`. What was deleted may still be on disk: run it again.
    """
    if not empty_log(engine):
        raise UnavailableError(
            "what was deleted still stands in the records' files, since somebody reads them as they were before",
            code="records-being-read",
            hint="end what reads them for so long (a backup, an index that is being filled), then run it again",
        )


def _outside_transactions(engine: Engine, statement: str) -> object:
    """Run what SQLite refuses within a transaction, and return the first value that it answers with."""
    pooled = engine.raw_connection()
    try:
        answer = pooled.cursor().execute(statement).fetchone()
    except sqlite3.OperationalError as error:
        raise UnavailableError(
            f"the records can't be tidied: {error}", code="records-unavailable", hint=ROOM_OR_WAIT
        ) from None
    finally:
        pooled.close()
    return answer and answer[0]


def unavailable(error: OperationalError, engine: Engine) -> UnavailableError:
    """Return the error for a database that is locked, full, read-only or gone."""
    folder = _read_only(engine)
    return UnavailableError(
        f"the records don't answer: {_first_line(error)}",
        code="records-unavailable",
        hint=ROOM_OR_WAIT
        if folder is None
        else f"{folder} can't be written into: records need it where they are only read too; copy the gallery to a "
        "folder that can, or check its log by an export (`countenance audit export`)",
    )


def _read_only(engine: Engine) -> Path | None:
    """Return the folder of a SQLite file where nobody may write into it; None where that is not why it fails."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    folder = Path(engine.url.database).parent
    # Whoever runs this may have taken on another account since it started.
    by_effective_account = os.access in os.supports_effective_ids
    writable = os.access(folder, os.W_OK, effective_ids=by_effective_account)
    return folder if folder.is_dir() and not writable else None


def unreadable(error: DatabaseError) -> IntegrityError:
    """Return the error for a database file that can't be read as one."""
    return IntegrityError(
        f"the records can't be read: {_first_line(error)}",
        code="records-unreadable",
        hint="restore the database file from a backup",
    )


def _first_line(error: DatabaseError) -> str:
    """Return what a database says, without what it adds for those who write the statements."""
    return str(error.orig).partition("\n")[0]
