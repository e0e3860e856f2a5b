"""Wiring of the records: the home's SQLite file, or a PostgreSQL database that the settings name."""

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from countenance.adapters.sql.audit_log import has_log, stored_head
from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.bootstrap.auditing import log_name
from countenance.bootstrap.settings import Settings
from countenance.core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError

DRIVER = "postgresql+psycopg"


def open_records(settings: Settings) -> Engine:
    """Open the database of a home's records; its tables may have to be made yet.

    Raises:
        InvalidInputError: code `records-database-invalid`.
        ConflictError: code `records-elsewhere`, the home has records of its own.
        UnavailableError: code `records-driver-missing`.
    """
    url = _database(settings)
    if url is None:
        return open_engine(sqlite_url(settings.database))
    if settings.database.exists():
        raise ConflictError(
            "this home's records are in its own file, not in the database that is set",
            code="records-elsewhere",
            hint="unset COUNTENANCE_RECORDS_DATABASE, or make a new home for the database with `countenance init`",
        )
    try:
        return open_engine(url)
    except ModuleNotFoundError:
        raise UnavailableError(
            "the driver of PostgreSQL is not installed",
            code="records-driver-missing",
            hint="install countenance[postgresql]",
        ) from None


def is_made(settings: Settings) -> bool:
    """Say whether a home was initialised, as far as its folder shows.

    Raises:
        InvalidInputError: code `records-database-invalid`.
    """
    # Where the records are in a database, its log's public key is the last thing that is made in the home.
    return (settings.database if _database(settings) is None else settings.audit_vkeys).is_file()


def require_made(settings: Settings) -> None:
    """Refuse a home that was not initialised.

    Raises:
        NotFoundError: code `home-not-initialised`.
        UnavailableError: code `home-unreadable`.
        InvalidInputError: code `records-database-invalid`.
    """
    try:
        made = is_made(settings)
    except OSError as error:
        raise UnavailableError(
            f"{settings.home} can't be read: {error.strerror}", code="home-unreadable", hint="name another with --home"
        ) from None
    if not made:
        raise NotFoundError(
            f"{settings.home} holds no gallery",
            code="home-not-initialised",
            hint="make one with `countenance init`, or name another with --home; where its records are in a database, "
            "set COUNTENANCE_RECORDS_DATABASE",
        )


def require_own(settings: Settings, engine: Engine, *, empty: bool = False) -> None:
    """Refuse a database that does not hold this home's records, known by its log; the home's own file always does.

    Args:
        settings: Whose records.
        engine: What `open_records` opened.
        empty: Whether one that holds nothing yet will do.

    Raises:
        ConflictError: code `records-elsewhere`; nothing was changed.
    """
    if _database(settings) is None:
        return
    note = stored_head(engine).note if has_log(engine) else ""
    if note.partition("\n")[0] != log_name(settings) and not (empty and not note):
        raise ConflictError(
            "the database does not hold this home's records",
            code="records-elsewhere",
            hint="set COUNTENANCE_RECORDS_DATABASE as it was, or give this home a database of its own",
        )


def _database(settings: Settings) -> URL | None:
    """Return the database that the settings name; None for the home's file.

    Raises:
        InvalidInputError: code `records-database-invalid`; the value may hold a password and is not repeated.
    """
    if settings.records_database is None:
        return None
    try:
        url = make_url(settings.records_database.get_secret_value())
    except ArgumentError:
        url = None
    if url is None or url.drivername not in {"postgresql", DRIVER} or not url.database:
        raise InvalidInputError(
            "COUNTENANCE_RECORDS_DATABASE names no PostgreSQL database",
            code="records-database-invalid",
            hint="postgresql://USER:PASSWORD@HOST/DATABASE",
        )
    return url.set(drivername=DRIVER)
