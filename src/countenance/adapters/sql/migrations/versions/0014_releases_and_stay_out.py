"""Whose releases ended is found without opening what is sealed; people who asked not to be enrolled."""

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models
from countenance.adapters.sql.sealing import LABEL, RELEASE
from countenance.keys.documents import open_document
from countenance.keys.model import KeyState, source_scope
from countenance.keys.ports import Keyring

revision = "0014"
down_revision = "0013"

RELEASES = sa.table(
    "model_release", *map(sa.column, ("number", "release_id", "source", "entry", "label_print", "ends_on"))
)
SOURCES = sa.table("source", sa.column("number"), sa.column("source_id"))


def upgrade() -> None:
    """Add the columns, fill them, and make the table."""
    op.add_column("model_release", sa.Column("label_print", sa.LargeBinary(length=32), server_default=""))
    op.add_column("model_release", sa.Column("ends_on", sa.String(length=10)))
    _fill(op.get_context().config.attributes["keyring"])  # type: ignore[union-attr]
    with op.batch_alter_table("model_release") as table:
        table.drop_index("ix_model_release_source")
        table.alter_column("label_print", existing_type=sa.LargeBinary(32), nullable=False, server_default=None)
        table.create_index("ix_model_release_source_label_print", ["source", "label_print"])
    op.create_table(
        "stay_out",
        sa.Column("number", models.RowNumber, nullable=False),
        sa.Column("entry_id", sa.String(length=36), nullable=False),
        sa.Column("pack_digest", sa.String(length=64), nullable=False),
        sa.Column("ends_on", sa.String(length=10), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("since", models.UtcDateTime(), nullable=True),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_stay_out")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_stay_out_entry_id")),
    )


def downgrade() -> None:
    """Drop them; what a release says stands in its entry too."""
    op.drop_table("stay_out")
    with op.batch_alter_table("model_release") as table:
        table.drop_index("ix_model_release_source_label_print")
        table.drop_column("label_print")
        table.drop_column("ends_on")
        table.create_index("ix_model_release_source", ["source"])


def _fill(keyring: Keyring) -> None:
    """Take the fingerprint of whose each release is, and its last day, from its entry."""
    connection = op.get_bind()
    source_ids = {row.number: row.source_id for row in connection.execute(sa.select(SOURCES))}
    for row in connection.execute(sa.select(RELEASES)).all():
        scope = source_scope(source_ids[row.source])
        if keyring.state(scope) is KeyState.DESTROYED:
            continue
        facts = open_document(keyring, scope, row.entry, record=row.release_id, column=RELEASE)
        filled = {
            "label_print": keyring.fingerprint(scope, facts["label"].encode(), column=LABEL),
            "ends_on": facts["ends_on"],
        }
        connection.execute(RELEASES.update().where(RELEASES.c.number == row.number).values(filled))
