"""A PostgreSQL server that tests start, of Debian's `postgresql`: it listens on a socket in its own folder, no port."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest
from pydantic import SecretStr
from sqlalchemy import URL, create_engine, text

from countenance.core.ids import new_id

ACCOUNT = "postgres"
"""The operating system's account that the server runs under where tests run as root, which it refuses to."""


def programs() -> Path:
    """Return the folder of the server's programs; without one, tests are skipped, and fail where CI is set."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        missing = "PostgreSQL's server is not installed: apt-get install postgresql"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return found[-1].parent


@contextmanager
def postgresql_server() -> Iterator[URL]:
    """Start a server, give its URL without a database, and stop it."""
    bin_folder, folder = programs(), Path(mkdtemp(prefix="countenance-postgresql-"))
    as_account = ["runuser", "-u", ACCOUNT, "--"] if os.geteuid() == 0 else []
    if as_account:
        shutil.chown(folder, ACCOUNT)
    data = folder / "data"
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"

    def call(*words: str | Path) -> None:
        subprocess.run([*as_account, *map(str, words)], check=True, capture_output=True, cwd="/")

    try:
        call(bin_folder / "initdb", "-D", data, "-A", "trust", "-U", ACCOUNT, "--no-sync")
        call(bin_folder / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield URL.create("postgresql+psycopg", username=ACCOUNT, query={"host": str(folder)})
        finally:
            call(bin_folder / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: URL) -> URL:
    """Make an empty database."""
    name = f"test_{new_id().replace('-', '')}"
    engine = create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.set(database=name)


def setting_of(database: URL) -> SecretStr | None:
    """Return what names a database as that of a home's records; None for SQLite, which lies in the home."""
    return None if database.drivername == "sqlite" else SecretStr(database.render_as_string(hide_password=False))
