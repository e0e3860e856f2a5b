"""Records of a version that kept counts and the audit log's entries in the clear: sealed when they are opened."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.exc import DatabaseError

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import WRITER, migrations, open_engine, scrub, sqlite_url, unscrubbed, upgrade
from countenance.adapters.sql.models import UtcDateTime
from countenance.adapters.sql.records import SqlRecords
from countenance.adapters.sql.sealing import SOURCE, RowSeals
from countenance.audit.growth import EMPTY, Growth, grow
from countenance.audit.verification import verify_log
from countenance.gallery.model import LegalBasis
from countenance.keys.ports import Keyring
from tests.audit_parts import SIGNER, entry
from tests.postgresql import new_database

ENTRIES = 37
COUNTS = {"kept": (7_000_001, 7_000_002, 7_000_003), "empty": (0, 0, 0)}


def fill(connection: sa.Connection, keyring: Keyring) -> Growth:
    """Write two sources with counts, and a log."""
    seals = RowSeals(keyring)
    for number, (name, (images, subjects, templates)) in enumerate(COUNTS.items(), start=1):
        facts = {"name": name, "owner": "o", "legal_basis": LegalBasis.CONTRACT.value, "document_sha256": "d"}
        facts |= {"contact": "", "releases_required": False}
        entry_ = seals.home_entry(name, facts | {"sectors": [], "purposes": [], "excluded": []}, column=SOURCE)
        connection.execute(
            sa.text(
                "INSERT INTO source (number, source_id, name_print, state, registered_at, images, subjects, templates, "
                "entry) VALUES (:number, :name, :print, 'active', :at, :images, :subjects, :templates, :entry)"
            ).bindparams(sa.bindparam("at", type_=UtcDateTime())),
            {
                "number": number,
                "name": name,
                "print": seals.name_print(name),
                "at": datetime(2026, 1, 2, tzinfo=UTC),
                "images": images,
                "subjects": subjects,
                "templates": templates,
                "entry": entry_,
            },
        )
    growth = grow(EMPTY, [entry(number, words="planted") for number in range(ENTRIES)], SIGNER)
    for at, body in enumerate(growth.bodies):
        connection.execute(sa.text("INSERT INTO audit_entry VALUES (:at, :body)"), {"at": at, "body": body})
    for level, hashes in enumerate(growth.nodes):
        for at, one in enumerate(hashes):
            values = {"level": level, "at": at, "one": one}
            connection.execute(sa.text("INSERT INTO audit_node VALUES (:level, :at, :one)"), values)
    head = {"size": growth.head.size, "peaks": growth.head.peaks, "note": growth.head.note}
    connection.execute(sa.text("UPDATE audit_head SET size = :size, peaks = :peaks, note = :note"), head)
    return growth


def in_a_file(request: pytest.FixtureRequest) -> sa.URL:
    """Name a SQLite file."""
    path: Path = request.getfixturevalue("tmp_path")
    return sqlite_url(path / "records.sqlite3")


def on_a_server(request: pytest.FixtureRequest) -> sa.URL:
    """Make a database of PostgreSQL."""
    return new_database(request.getfixturevalue("postgresql"))


@pytest.fixture(params=[pytest.param(in_a_file, id="sqlite"), pytest.param(on_a_server, id="postgresql")])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """An empty database."""
    where: Callable[[pytest.FixtureRequest], sa.URL] = request.param
    with ExitStack() as stack:
        opened = open_engine(where(request))
        stack.callback(opened.dispose)
        yield opened


def test_both_are_sealed_and_say_what_they_said(engine: sa.Engine, tmp_path: Path) -> None:
    keyring, config = memory_keyring(), migrations()
    writer = engine.execution_options(**{WRITER: True})
    with writer.begin() as connection:
        config.attributes.update(connection=connection, keyring=keyring)
        command.upgrade(config, "0014")
    with writer.begin() as connection:
        growth = fill(connection, keyring)

    upgrade(engine, keyring)
    if unscrubbed(engine):
        scrub(engine)

    log = SqlAuditLog(engine, SIGNER, keyring)
    records = SqlRecords(engine, log, keyring)
    snapshot = records.snapshot()
    assert (snapshot.images, snapshot.subjects, snapshot.templates) == COUNTS["kept"]
    assert {one.source.name: (one.images, one.subjects, one.templates) for one in records.sources()} == COUNTS
    assert tuple(log.entries(0, ENTRIES)) == tuple(growth.bodies)
    verify_log(log, verifiers=[SIGNER.verifier], receipts=[growth.receipt])
    log.record(entry(99))
    verify_log(log, verifiers=[SIGNER.verifier], receipts=[growth.receipt])
    with engine.connect() as connection:
        stored = connection.execute(sa.text("SELECT body FROM audit_entry")).scalars().all()
        assert not [body for body in stored if b"planted" in bytes(body)]
    for path in tmp_path.glob("records*"):
        assert b"planted" not in path.read_bytes()
    with pytest.raises(DatabaseError, match="append-only"), writer.begin() as connection:
        connection.execute(sa.text("UPDATE audit_entry SET body = body WHERE idx = 3"))
