"""Photographs that nobody is enrolled from are found by whose they are, so that they go with their subject."""

from pathlib import PurePosixPath

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql.sealing import IMAGE, LABEL
from countenance.keys.documents import open_document
from countenance.keys.model import KeyState, source_scope
from countenance.keys.ports import Keyring

revision = "0016"
down_revision = "0015"

NAMED = sa.text("label_print IS NOT NULL")
IMAGES = sa.table("image", *map(sa.column, ("number", "image_id", "source", "entry", "outcome", "label_print")))
SOURCES = sa.table("source", sa.column("number"), sa.column("source_id"))

ROWS = 10_000
"""Photographs that are looked at at a time."""


def upgrade() -> None:
    """Add the column, fill it as far as it is known, and index it."""
    op.add_column("image", sa.Column("label_print", sa.LargeBinary(length=32)))
    keyring: Keyring = op.get_context().config.attributes["keyring"]  # type: ignore[union-attr]
    for number, source_id in op.get_bind().execute(sa.select(SOURCES)).all():
        if keyring.state(source_scope(source_id)) is KeyState.ACTIVE:
            _fill(keyring, number, source_id)
    op.create_index(
        "ix_image_source_label_print",
        "image",
        ["source", "label_print"],
        sqlite_where=NAMED,
        postgresql_where=NAMED,
    )


def downgrade() -> None:
    """Drop it; what a photograph is called stands in its entry too."""
    op.drop_index("ix_image_source_label_print", "image")
    op.drop_column("image", "label_print")


def _fill(keyring: Keyring, source: int, source_id: str) -> None:
    """Take the fingerprint of the folder that stands first in a photograph's path: the name, with a folder a person.

    Where a table said whose they are, it is not known any more. Nobody else's row is taken for somebody's by this: it
    would have to lie in a folder of their name.
    """
    connection, scope = op.get_bind(), source_scope(source_id)
    change = IMAGES.update().where(IMAGES.c.number == sa.bindparam("at")).values(label_print=sa.bindparam("print"))
    refused = sa.select(IMAGES).where(IMAGES.c.source == source, IMAGES.c.outcome != "enrolled")
    chosen, last = refused.order_by(IMAGES.c.number).limit(ROWS), -1
    while rows := connection.execute(chosen.where(IMAGES.c.number > last)).all():
        found = []
        for row in rows:
            reference = open_document(keyring, scope, row.entry, record=row.image_id, column=IMAGE)["reference"]
            folder, *below = PurePosixPath(reference).parts
            if below:
                label_print = keyring.fingerprint(scope, folder.encode(), column=LABEL)
                found.append({"at": row.number, "print": label_print})
        if found:
            connection.execute(change, found)
        last = rows[-1].number
