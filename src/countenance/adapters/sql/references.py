"""Subjects' references read from the tables: each a subject's templates up to a row."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Row, Select, exists, select
from sqlalchemy.orm import Session, aliased

from countenance.adapters.sql.database import slices
from countenance.adapters.sql.enrolled import added
from countenance.adapters.sql.mapping import STAYS, opened_templates, select_templates
from countenance.adapters.sql.models import SourceRow, TemplateRow
from countenance.adapters.sql.sealing import RowSeals
from countenance.gallery.references import Reference
from countenance.index.ports import RowNumbers

Other = aliased(TemplateRow)
SAME_SUBJECT = Other.subject == TemplateRow.subject
HAS_OLDER = exists().where(SAME_SUBJECT, Other.number < TemplateRow.number).label("has_older")


def references_of(session: Session, seals: RowSeals, rows: Collection[int]) -> dict[int, Reference]:
    """Return what each row stands for; rows that don't exist are left out."""
    found: dict[int, Reference] = {}
    for wanted in slices(rows):
        chosen = select_templates().add_columns(HAS_OLDER).where(TemplateRow.number.in_(wanted))
        selected = session.execute(chosen.order_by(TemplateRow.source, TemplateRow.number)).all()
        found |= {one.row: one for one in _with_older(session, seals, selected)}
    return found


def references_between(
    session: Session, seals: RowSeals, *, after_row: int, last_row: int, most: int
) -> Iterator[list[Reference]]:
    """Stream the references that there are up to `last_row`, those whose row is after `after_row`, `most` at a time."""
    newest = select_templates().add_columns(HAS_OLDER).where(_newest(last_row), STAYS).order_by(TemplateRow.number)
    while selected := session.execute(newest.where(TemplateRow.number > after_row).limit(most)).all():
        yield _with_older(session, seals, selected)
        after_row = selected[-1].number


def reference_rows_of(session: Session, source_id: str) -> RowNumbers:
    """Return the row numbers of a source's references, rising."""
    chosen = select(TemplateRow.number).join(SourceRow, TemplateRow.source == SourceRow.number)
    found = session.scalars(
        chosen.where(SourceRow.source_id == source_id, STAYS, _newest()).order_by(TemplateRow.number)
    )
    return np.fromiter(found, dtype=np.int64)


def renumber(session: Session, subjects: Iterable[int]) -> None:
    """Put the templates of subjects who lost others on record under new numbers, in the order that they had.

    Their references are other ones from now on, and no row number, up to which somebody may ask for references, must
    come to mean another one. Subjects without any template are passed over.
    """
    for part in slices(list(subjects)):
        staying = select(TemplateRow).where(TemplateRow.subject.in_(part)).order_by(TemplateRow.number)
        for row in session.scalars(staying).all():
            face, source, subject, vector = row.face, row.source, row.subject, row.vector
            session.delete(row)
            session.flush()
            added(session, TemplateRow(face=face, source=source, subject=subject, vector=vector))


def _newest(last_row: int | None = None) -> Any:  # noqa: ANN401 - a condition; SQLAlchemy's types for it differ by use
    """Return the condition that no template of the same subject is newer, up to a row."""
    newer = exists().where(SAME_SUBJECT, Other.number > TemplateRow.number)
    if last_row is None:
        return ~newer
    return (TemplateRow.number <= last_row) & ~newer.where(Other.number <= last_row)


def _with_older(session: Session, seals: RowSeals, selected: Sequence[Row[*tuple[Any, ...]]]) -> list[Reference]:
    """Return the references of selected templates, which say whether their subjects have older ones."""
    owners = sorted({row.subject for row in selected if row.has_older})
    rows = [*selected, *(row for part in slices(owners) for row in session.execute(_of_subjects(part)))]
    opened = dict(zip((row.number for row in rows), opened_templates(rows, seals), strict=True)) if rows else {}
    numbers = defaultdict(list)
    for row in rows[len(selected) :]:
        numbers[row.subject].append(row.number)
    references = []
    for row in selected:
        held = sorted(number for number in numbers.get(row.subject, [row.number]) if number <= row.number)
        references.append(
            Reference(
                source_id=str(row.source_id),
                subject=row.subject,
                rows=np.array(held, dtype=np.int64),
                templates=np.stack([opened[number] for number in held]),
            )
        )
    return references


def _of_subjects(subjects: Collection[int]) -> Select[*tuple[Any, ...]]:
    return select_templates().where(TemplateRow.subject.in_(subjects))
