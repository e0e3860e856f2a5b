"""Who has no release in force, found by fingerprints alone: nothing is opened for those whose releases hold."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from countenance.adapters.sql.database import slices
from countenance.adapters.sql.mapping import STAYS
from countenance.adapters.sql.models import SourceRow, SubjectRow
from countenance.adapters.sql.sealing import RowSeals
from countenance.adapters.sql.source_models import ReleaseRow
from countenance.gallery.erasure import EndedRelease
from countenance.gallery.model import NewImage

Other = aliased(ReleaseRow)


def ended_releases(session: Session, seals: RowSeals, today: date) -> tuple[EndedRelease, ...]:
    """Return who is enrolled and had releases of which none is in force, in the order of the releases."""
    day = today.isoformat()
    holds = exists().where(
        Other.source == ReleaseRow.source, Other.label_print == ReleaseRow.label_print, _in_force(Other, day)
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


def unreleased(
    session: Session, seals: RowSeals, source: SourceRow, images: Sequence[NewImage], *, required: bool, today: date
) -> list[str]:
    """Return the hashes of photographs that must not be taken in: somebody in them has no release in force.

    The caller holds the writer's turn: whoever takes a release back meanwhile waits, and then finds who was enrolled.

    Args:
        required: Whether everybody needs one; else only those do who had one.
    """
    named = sorted({label for image in images for label in image.of if label is not None})
    label_of = {seals.label_print(source.source_id, label): label for label in named}
    of_them = select(ReleaseRow.label_print).where(ReleaseRow.source == source.number)
    had, holds = (
        {
            label_of[label_print]
            for part in slices(label_of)
            for label_print in session.scalars(chosen.where(ReleaseRow.label_print.in_(part)))
        }
        for chosen in (of_them, of_them.where(_in_force(ReleaseRow, today.isoformat())))
    )
    missing_of = {image.sha256: image.of - holds for image in images}
    return [sha256 for sha256, missing in missing_of.items() if missing and (required or missing & had)]


def _in_force(release: type[ReleaseRow], day: str) -> ColumnElement[bool]:
    """Hold for releases that are in force on a day, `YYYY-MM-DD`."""
    return release.revoked_at.is_(None) & (release.ends_on.is_(None) | (release.ends_on >= day))
