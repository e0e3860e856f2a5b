"""The audit log: entries, subtrees, head, checkpoints, and triggers that refuse every change but appending."""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models

revision = "0004"
down_revision = "0003"

APPEND_ONLY = ("audit_entry", "audit_node", "audit_checkpoint")


def upgrade() -> None:
    """Make the tables, the head's one row, and the triggers."""
    op.create_table(
        "audit_entry",
        sa.Column("idx", models.RowNumber, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("idx", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "audit_node",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "idx", name=op.f("pk_audit_node")),
    )
    op.create_table(
        "audit_head",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("number = 1", name=op.f("ck_audit_head_single")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_checkpoint")),
    )
    head = sa.table("audit_head", sa.column("number"), sa.column("size"), sa.column("peaks"), sa.column("note"))
    op.execute(head.insert().values(number=1, size=0, peaks=b"", note=""))
    statements = _postgresql() if op.get_bind().dialect.name == "postgresql" else _sqlite()
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    """Drop them all; triggers go with their tables."""
    for table in ("audit_checkpoint", "audit_head", "audit_node", "audit_entry"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_append_only()")


def _sqlite() -> list[str]:
    """Return the triggers for SQLite, where INSERT OR REPLACE deletes without asking a delete trigger."""
    refuse = "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    changes = [
        f"CREATE TRIGGER {table}_no_{what} BEFORE {what.upper()} ON {table} {refuse}"
        for table in APPEND_ONLY
        for what in ("update", "delete")
    ]
    places = {
        "audit_entry": "NEW.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM audit_entry)",
        "audit_node": "EXISTS (SELECT 1 FROM audit_node WHERE level = NEW.level AND idx = NEW.idx)",
        "audit_checkpoint": "EXISTS (SELECT 1 FROM audit_checkpoint WHERE number = NEW.number)",
    }
    order = [
        f"CREATE TRIGGER {table}_in_place BEFORE INSERT ON {table} WHEN {taken} {refuse}"
        for table, taken in places.items()
    ]
    head = [
        f"CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head WHEN NEW.size <= OLD.size {refuse}",
        f"CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head {refuse}",
        f"CREATE TRIGGER audit_head_once BEFORE INSERT ON audit_head {refuse}",
    ]
    return changes + order + head


def _postgresql() -> list[str]:
    """Return the triggers for PostgreSQL."""
    function = (
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    call = "EXECUTE FUNCTION audit_append_only()"
    changes = [
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}"
        for table in APPEND_ONLY
    ]
    emptied = [
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}"
        for table in (*APPEND_ONLY, "audit_head")
    ]
    head = [
        f"CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head FOR EACH ROW WHEN (NEW.size <= OLD.size) {call}",
        f"CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head FOR EACH ROW {call}",
    ]
    return [function, *changes, *emptied, *head]
