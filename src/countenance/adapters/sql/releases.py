"""Whose releases have all ended, found by fingerprints alone: nothing is opened for those whose releases hold."""

from datetime import date

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from countenance.adapters.sql.mapping import STAYS
from countenance.adapters.sql.models import SourceRow, SubjectRow
from countenance.adapters.sql.sealing import RowSeals
from countenance.adapters.sql.source_models import ReleaseRow
from countenance.gallery.erasure import EndedRelease

Other = aliased(ReleaseRow)


def ended_releases(session: Session, seals: RowSeals, today: date) -> tuple[EndedRelease, ...]:
    """Return who is enrolled and had releases of which none is in force, in the order of the releases."""
    day = today.isoformat()
    holds = exists().where(
        Other.source == ReleaseRow.source,
        Other.label_print == ReleaseRow.label_print,
        Other.revoked_at.is_(None),
        Other.ends_on.is_(None) | (Other.ends_on >= day),
    )
    chosen = (
        select(SourceRow.source_id, SourceRow.entry, SubjectRow.subject_id, ReleaseRow.release_id)
        .join(SourceRow, ReleaseRow.source == SourceRow.number)
        .join(
            SubjectRow,
            (SubjectRow.source == ReleaseRow.source) & (SubjectRow.label_print == ReleaseRow.label_print),
        )
        .where(ReleaseRow.revoked_at.is_not(None) | (ReleaseRow.ends_on < day), ~holds, STAYS)
        .order_by(ReleaseRow.number)
    )
    rows = session.execute(chosen).all()
    name_of = seals.source_names((row.source_id, row.entry) for row in rows)
    last = {row.subject_id: row for row in rows}
    return tuple(
        EndedRelease(source=name_of[row.source_id], subject_id=row.subject_id, release_id=row.release_id)
        for row in last.values()
    )
