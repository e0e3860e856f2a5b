"""What is personal is sealed: labels, photographs' and faces' facts, templates, answers; looked up by fingerprints.

What stood in the clear is overwritten: SQLite's `secure_delete` sees to the pages, `database.scrub` to the rest.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from countenance.adapters.sql import models
from countenance.adapters.sql.sealing import (
    CANDIDATE,
    CERTIFICATE,
    CHANGE,
    DESTRUCTION,
    FACE,
    IMAGE,
    LABEL,
    PROVENANCE,
    RELEASE,
    SEARCH,
    SOURCE,
    SOURCE_NAME,
    TEMPLATE,
    change_record,
)
from countenance.keys.documents import seal_document
from countenance.keys.model import HOME, source_scope
from countenance.keys.ports import Keyring

revision = "0007"
down_revision = "0006"

ROWS = 20_000
"""Rows that are sealed at a time."""

IMAGE_FACTS = ("sha256", "reference", "media_type", "size_bytes", "width", "height")

Seal = Callable[[Any], dict[str, object]]


def upgrade() -> None:
    """Add columns for what is sealed, fill them, and drop those in the clear."""
    keyring: Keyring = op.get_context().config.attributes["keyring"]  # type: ignore[union-attr]
    scopes = {number: source_scope(source_id) for number, source_id in _rows("source", "number", "source_id")}
    op.add_column("source", sa.Column("name_print", sa.LargeBinary()))
    op.add_column("subject", sa.Column("sealed_label", sa.LargeBinary()))
    op.add_column("subject", sa.Column("label_print", sa.LargeBinary()))
    for name in ("content_print", "entry"):
        op.add_column("image", sa.Column(name, sa.LargeBinary()))
    op.add_column("face", sa.Column("entry", sa.LargeBinary()))
    op.add_column("search", sa.Column("entry", sa.LargeBinary()))
    op.add_column("search_candidate", sa.Column("entry", sa.LargeBinary()))
    _seal_sources(keyring, scopes)
    _seal_subjects(keyring, scopes)
    _seal_images(keyring, scopes)
    _seal_templates(keyring, scopes)
    _seal_searches(keyring, scopes)
    _seal_destructions(keyring)
    _drop_what_is_in_the_clear()
    if op.get_bind().dialect.name == "sqlite":
        # Committed with the rest: whoever opens the home next finishes what is left to do outside of the tables.
        op.execute("PRAGMA user_version = 1")


def downgrade() -> None:
    """Put the columns back where nothing was sealed yet; what was is not put in the clear again."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM source")):
        raise NotImplementedError("what is sealed is not put in the clear again")
    op.drop_column("search_candidate", "entry")
    with op.batch_alter_table("source") as table:
        table.drop_constraint("uq_source_name_print", type_="unique")
        table.drop_column("name_print")
        table.add_column(sa.Column("name", sa.String(length=100), nullable=False, server_default=""))
        table.create_unique_constraint("uq_source_name", ["name"])
    with op.batch_alter_table("subject", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_constraint("uq_subject_source_label_print", type_="unique")
        table.drop_column("label_print")
        table.drop_column("label")
        table.add_column(sa.Column("label", sa.String(length=200), nullable=True))
        table.create_unique_constraint("uq_subject_source_label", ["source", "label"])
    with op.batch_alter_table("image") as table:
        table.drop_constraint("uq_image_source_content_print", type_="unique")
        table.drop_column("content_print")
        table.drop_column("entry")
        for name in IMAGE_FACTS[:3]:
            table.add_column(sa.Column(name, sa.String(length=1000), nullable=False, server_default=""))
        for name in IMAGE_FACTS[3:]:
            table.add_column(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
        table.create_unique_constraint("uq_image_source_sha256", ["source", "sha256"])
    for name, column in (("face", "facts"), ("search", "answer")):
        with op.batch_alter_table(name) as table:
            table.drop_column("entry")
            table.add_column(sa.Column(column, models.Document, nullable=False, server_default="{}"))


def _seal_sources(keyring: Keyring, scopes: Mapping[int, str]) -> None:
    """Seal the register: what outlives a source under the home's key, what belongs to its people under its own."""
    source_ids = dict(_rows("source", "number", "source_id"))

    def sealed(row: Any) -> dict[str, object]:  # noqa: ANN401 - a row
        facts = json.loads(row.entry) | {"name": row.name}
        return {
            "name_print": keyring.fingerprint(HOME, row.name.encode(), column=SOURCE_NAME),
            "entry": seal_document(keyring, HOME, facts, record=row.source_id, column=SOURCE),
        }

    _fill("source", ("source_id", "name", "entry"), ("name_print", "entry"), sealed)

    def sealed_change(row: Any) -> dict[str, object]:  # noqa: ANN401 - a row
        record = change_record(source_ids[row.source], row.at)
        return {"entry": seal_document(keyring, HOME, json.loads(row.entry), record=record, column=CHANGE)}

    _fill("source_change", ("source", "at", "entry"), ("entry",), sealed_change)

    def sealed_release(row: Any) -> dict[str, object]:  # noqa: ANN401 - a row
        facts, scope = json.loads(row.entry), scopes[row.source]
        return {"entry": seal_document(keyring, scope, facts, record=row.release_id, column=RELEASE)}

    _fill("model_release", ("source", "release_id", "entry"), ("entry",), sealed_release)
    image_of = {
        number: (scopes[source], image_id)
        for number, source, image_id in _rows("image", "number", "source", "image_id")
    }

    def sealed_provenance(row: Any) -> dict[str, object]:  # noqa: ANN401 - a row
        scope, image_id = image_of[row.number]
        return {"entry": seal_document(keyring, scope, json.loads(row.entry), record=image_id, column=PROVENANCE)}

    _fill("provenance", ("entry",), ("entry",), sealed_provenance, key="image")


def _seal_subjects(keyring: Keyring, scopes: Mapping[int, str]) -> None:
    """Seal labels, and make their fingerprints."""

    def sealed(row: Any) -> dict[str, object]:  # noqa: ANN401 - a row
        if row.label is None:
            return {"sealed_label": None, "label_print": None}
        scope, label = scopes[row.source], row.label.encode()
        return {
            "sealed_label": keyring.seal(scope, label, record=row.subject_id, column=LABEL),
            "label_print": keyring.fingerprint(scope, label, column=LABEL),
        }

    _fill("subject", ("source", "subject_id", "label"), ("sealed_label", "label_print"), sealed)


def _seal_images(keyring: Keyring, scopes: Mapping[int, str]) -> None:
    """Seal what is known of photographs and of faces."""

    def sealed(row: Any) -> dict[str, object]:  # noqa: ANN401 - a row
        scope, facts = scopes[row.source], {name: getattr(row, name) for name in IMAGE_FACTS}
        return {
            "content_print": keyring.fingerprint(scope, row.sha256.encode(), column=IMAGE),
            "entry": seal_document(keyring, scope, facts, record=row.image_id, column=IMAGE),
        }

    _fill("image", ("source", "image_id", *IMAGE_FACTS), ("content_print", "entry"), sealed)
    source_of = dict(_rows("image", "number", "source"))

    def sealed_face(row: Any) -> dict[str, object]:  # noqa: ANN401 - a row
        scope = scopes[source_of[row.image]]
        return {"entry": seal_document(keyring, scope, _document(row.facts), record=row.face_id, column=FACE)}

    _fill("face", ("image", "face_id", "facts"), ("entry",), sealed_face)


def _seal_templates(keyring: Keyring, scopes: Mapping[int, str]) -> None:
    """Seal templates, each as its face's."""

    def sealed(row: Any) -> dict[str, object]:  # noqa: ANN401 - a row
        scope = scopes[row.source]
        return {"vector": keyring.seal(scope, row.vector, record=str(row.face), column=TEMPLATE)}

    _fill("template", ("source", "face", "vector"), ("vector",), sealed)


def _seal_searches(keyring: Keyring, scopes: Mapping[int, str]) -> None:
    """Seal kept answers: who a candidate is under the source's key, the rest under the home's."""
    connection = op.get_bind()
    listed = _table("search_candidate", "search", "rank", "source", "forgotten_at", "entry")

    def sealed(row: Any) -> dict[str, object]:  # noqa: ANN401 - a row
        answer = _document(row.answer)
        kept = {one["rank"]: one for one in answer.get("candidates", ())}
        chosen = sa.select(listed.c.rank, listed.c.source).where(
            listed.c.search == row.number, listed.c.forgotten_at.is_(None)
        )
        for rank, source in connection.execute(chosen).all():
            record = f"{row.search_id}/{rank}"
            entry = seal_document(keyring, scopes[source], kept[rank], record=record, column=CANDIDATE)
            which = (listed.c.search == row.number, listed.c.rank == rank)
            connection.execute(listed.update().where(*which).values(entry=entry))
        if "candidates" in answer:
            answer["candidates"] = [_forgotten(one) for one in answer["candidates"]]
        return {"entry": seal_document(keyring, HOME, answer, record=row.search_id, column=SEARCH)}

    _fill("search", ("search_id", "answer"), ("entry",), sealed)


def _forgotten(candidate: dict[str, Any]) -> dict[str, Any]:
    """Return a candidate without who it is and where the photograph is from."""
    return candidate | {
        "subject": candidate["subject"] | {"label": None},
        "image": candidate["image"] | {"reference": ""},
        "box": [0.0, 0.0, 0.0, 0.0],
    }


def _seal_destructions(keyring: Keyring) -> None:
    """Seal what is kept of destructions, and certificates."""

    def sealed(row: Any) -> dict[str, object]:  # noqa: ANN401 - a row
        record, certificate = row.destruction_id, row.certificate
        return {
            "entry": seal_document(keyring, HOME, json.loads(row.entry), record=record, column=DESTRUCTION),
            "certificate": certificate and keyring.seal(HOME, certificate, record=record, column=CERTIFICATE),
        }

    _fill("destruction", ("destruction_id", "entry", "certificate"), ("entry", "certificate"), sealed)


def _drop_what_is_in_the_clear() -> None:
    """Make the tables anew without the old columns; SQLite overwrites the old tables' pages."""
    with op.batch_alter_table("source") as table:
        table.drop_constraint("uq_source_name", type_="unique")
        table.drop_column("name")
        table.alter_column("name_print", existing_type=sa.LargeBinary(), nullable=False)
        table.create_unique_constraint("uq_source_name_print", ["name_print"])
    with op.batch_alter_table("subject", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_constraint("uq_subject_source_label", type_="unique")
        table.drop_column("label")
        table.alter_column("sealed_label", new_column_name="label")
        table.create_unique_constraint("uq_subject_source_label_print", ["source", "label_print"])
    with op.batch_alter_table("image") as table:
        table.drop_constraint("uq_image_source_sha256", type_="unique")
        for name in IMAGE_FACTS:
            table.drop_column(name)
        for name in ("content_print", "entry"):
            table.alter_column(name, existing_type=sa.LargeBinary(), nullable=False)
        table.create_unique_constraint("uq_image_source_content_print", ["source", "content_print"])
    with op.batch_alter_table("face", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_column("facts")
        table.alter_column("entry", existing_type=sa.LargeBinary(), nullable=False)
    with op.batch_alter_table("search") as table:
        table.drop_column("answer")
        table.alter_column("entry", existing_type=sa.LargeBinary(), nullable=False)


def _fill(name: str, read: tuple[str, ...], written: tuple[str, ...], sealed: Seal, *, key: str = "number") -> None:
    """Write columns of every row of a table from others of it."""
    connection, table = op.get_bind(), _table(name, key, *dict.fromkeys((*read, *written)))
    number = table.c[key].label("number")
    chosen = sa.select(number, *(table.c[column] for column in read)).order_by(table.c[key])
    change = (
        table.update()
        .where(table.c[key] == sa.bindparam("row"))
        .values({column: sa.bindparam(f"new_{column}") for column in written})
    )
    last = 0
    while rows := connection.execute(chosen.where(table.c[key] > last).limit(ROWS)).all():
        changes = [
            {"row": row.number, **{f"new_{column}": value for column, value in sealed(row).items()}} for row in rows
        ]
        connection.execute(change, changes)
        last = rows[-1].number


def _rows(name: str, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Return columns of all rows of a table."""
    table = _table(name, *columns)
    return (tuple(row) for row in op.get_bind().execute(sa.select(*(table.c[column] for column in columns))))


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(
        name, *(sa.column(column, models.UtcDateTime()) if column == "at" else sa.column(column) for column in columns)
    )


def _document(stored: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value: text in SQLite, a value in PostgreSQL."""
    return json.loads(stored) if isinstance(stored, str) else stored
