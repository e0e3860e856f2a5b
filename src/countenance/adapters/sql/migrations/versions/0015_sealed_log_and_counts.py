"""The audit log's entries are sealed, and how much of each source is on record."""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql.counts import Counts, sealed_counts
from countenance.adapters.sql.sealing import LOG_ENTRY
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring

revision = "0015"
down_revision = "0014"

COUNTED = ("images", "subjects", "templates")
SOURCES = sa.table("source", *map(sa.column, ("number", "source_id", "counts", *COUNTED)))
ENTRIES = sa.table("audit_entry", *map(sa.column, ("idx", "body")))

ROWS = 10_000
"""Entries that are sealed at a time."""

GUARD = {
    "sqlite": "CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "postgresql": "CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON audit_entry "
    "FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
}
UNGUARD = {
    "sqlite": "DROP TRIGGER audit_entry_no_update",
    "postgresql": "DROP TRIGGER audit_entry_no_change ON audit_entry",
}
"""What guards entries that are on record against changes, and what takes that away for a while."""


def upgrade() -> None:
    """Seal both, and drop the counts' columns in the clear; SQLite overwrites what stood there."""
    keyring: Keyring = op.get_context().config.attributes["keyring"]  # type: ignore[union-attr]
    dialect = op.get_bind().dialect.name
    op.execute(UNGUARD[dialect])
    _seal_log(keyring)
    op.execute(GUARD[dialect])
    op.add_column("source", sa.Column("counts", sa.LargeBinary(), nullable=False, server_default=""))
    _seal_counts(keyring)
    with op.batch_alter_table("source") as table:
        for name in COUNTED:
            table.drop_column(name)
    if dialect == "sqlite":
        # Committed with the rest: whoever opens the home next overwrites what is left in free pages and beside it.
        op.execute("PRAGMA user_version = 1")


def downgrade() -> None:
    """Put the columns back where nothing was sealed yet; what is sealed is not put in the clear again."""
    for name in ("source", "audit_entry"):
        if op.get_bind().scalar(sa.text(f"SELECT count(*) FROM {name}")):  # noqa: S608 - two names of ours
            raise NotImplementedError("what is sealed is not put in the clear again")
    with op.batch_alter_table("source") as table:
        table.drop_column("counts")
        for name in COUNTED:
            table.add_column(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))


def _seal_log(keyring: Keyring) -> None:
    """Seal each entry as the one with its index."""
    connection = op.get_bind()
    change = ENTRIES.update().where(ENTRIES.c.idx == sa.bindparam("at")).values(body=sa.bindparam("sealed"))
    chosen, last = sa.select(ENTRIES).order_by(ENTRIES.c.idx).limit(ROWS), -1
    while rows := connection.execute(chosen.where(ENTRIES.c.idx > last)).all():
        sealed = keyring.seal_many(
            HOME, [row.body for row in rows], records=[str(row.idx) for row in rows], column=LOG_ENTRY
        )
        connection.execute(change, [{"at": row.idx, "sealed": one} for row, one in zip(rows, sealed, strict=True)])
        last = rows[-1].idx


def _seal_counts(keyring: Keyring) -> None:
    """Seal the counts of sources that have any."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(SOURCES)).all():
        counts = Counts(row.images, row.subjects, row.templates)
        if any(counts):
            sealed = sealed_counts(keyring, row.source_id, counts)
            connection.execute(SOURCES.update().where(SOURCES.c.number == row.number).values(counts=sealed))
