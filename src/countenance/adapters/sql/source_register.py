"""The source register in SQL, behind the gallery's port."""

from dataclasses import replace

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import WRITER, transaction
from countenance.adapters.sql.models import GalleryRow, SourceRow
from countenance.adapters.sql.sealing import RowSeals
from countenance.adapters.sql.source_models import ReleaseRow, SourceChangeRow
from countenance.adapters.sql.source_values import (
    change_of,
    change_row,
    release_of,
    release_row,
    source_entry,
    source_of,
)
from countenance.audit.model import Acting
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, NotFoundError
from countenance.gallery.entries import keeper_set, release_added, release_revoked, retention_set, source_changed
from countenance.gallery.model import Source, SourceChange
from countenance.gallery.terms import Release, Retention
from countenance.keys.ports import Keyring


class SqlSourceRegister:
    """Implements `SourceRegister` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, audit: SqlAuditLog, keyring: Keyring) -> None:
        """Keep the engine, the log in the same database, and the keyring; the schema must be up to date."""
        self._engine = engine
        self._seals = RowSeals(keyring)
        self._writer = engine.execution_options(**{WRITER: True})
        self._audit = audit

    def change(self, name: str, change: SourceChange, *, actor: Acting) -> Source:
        """See the port."""
        with transaction(self._writer) as session:
            session.execute(update(GalleryRow).values(revision=GalleryRow.revision + 1))
            row = find_source(session, self._seals, name)
            change_state_of(session, self._seals, row, change)
            self._audit.append(session, source_changed(row.source_id, change, actor=actor))
            return source_of(row, self._seals)

    def history(self, name: str) -> tuple[SourceChange, ...]:
        """See the port."""
        with transaction(self._engine) as session:
            source = find_source(session, self._seals, name)
            chosen = (
                select(SourceChangeRow).where(SourceChangeRow.source == source.number).order_by(SourceChangeRow.number)
            )
            return tuple(change_of(row, source, self._seals) for row in session.scalars(chosen))

    def set_retention(self, name: str, retention: Retention, *, actor: Acting) -> Source:
        """See the port."""
        with transaction(self._writer) as session:
            row = find_source(session, self._seals, name)
            before = source_of(row, self._seals)
            if before.state.is_gone:
                raise ConflictError(
                    f"the source {name!r} is {before.state.value}: its clock has ended", code="source-state-forbidden"
                )
            after = replace(before, terms=replace(before.terms, retention=retention))
            row.entry = source_entry(after, self._seals)
            self._audit.append(session, retention_set(before.source_id, before.terms.retention, retention, actor=actor))
            return after

    def set_keeper(self, name: str, keeper: str, *, actor: Acting) -> Source:
        """See the port."""
        with transaction(self._writer) as session:
            session.execute(update(GalleryRow).values(revision=GalleryRow.revision + 1))
            row = find_source(session, self._seals, name)
            before = source_of(row, self._seals)
            after = replace(before, keeper=keeper)
            row.entry = source_entry(after, self._seals)
            self._audit.append(session, keeper_set(before.source_id, before.keeper, keeper, actor=actor))
            return after

    def add_release(self, name: str, release: Release, *, actor: Acting) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            source = find_source(session, self._seals, name)
            session.add(release_row(source, release, self._seals))
            self._audit.append(session, release_added(source.source_id, release, actor=actor))

    def revoke_release(self, name: str, release_id: str, *, actor: Acting) -> Release:
        """See the port."""
        with transaction(self._writer) as session:
            source = find_source(session, self._seals, name)
            chosen = select(ReleaseRow).where(ReleaseRow.source == source.number, ReleaseRow.release_id == release_id)
            row = session.scalar(chosen)
            if row is None:
                raise NotFoundError(
                    "there is no such release", code="release-unknown", hint="see `countenance source releases list`"
                )
            row.revoked_at = row.revoked_at or utc_now()
            self._audit.append(session, release_revoked(source.source_id, release_id, actor=actor))
            return release_of(row, source, self._seals)

    def releases(self, name: str) -> tuple[Release, ...]:
        """See the port."""
        with transaction(self._engine) as session:
            source = find_source(session, self._seals, name)
            chosen = select(ReleaseRow).where(ReleaseRow.source == source.number).order_by(ReleaseRow.number)
            return tuple(release_of(row, source, self._seals) for row in session.scalars(chosen))


def find_source(session: Session, seals: RowSeals, name: str) -> SourceRow:
    """Return a source's row.

    Raises:
        NotFoundError: code `source-unknown`.
    """
    row = session.scalar(select(SourceRow).where(SourceRow.name_print == seals.name_print(name)))
    if row is None:
        raise NotFoundError(
            f"there is no source {name!r}",
            code="source-unknown",
            hint="see `countenance source list`, or register it first",
        )
    return row


def add_change(session: Session, seals: RowSeals, source: SourceRow, change: SourceChange) -> None:
    """Keep one change of a source's state."""
    session.add(change_row(source, change, seals))


def change_state_of(session: Session, seals: RowSeals, source: SourceRow, change: SourceChange) -> None:
    """Put a source into another state, where it still is in the one that the change begins with, and keep the change.

    Raises:
        ConflictError: code `source-changed-meanwhile`.
    """
    if change.before is None or source.state != change.before.value:
        raise ConflictError(
            f"the source {seals.source_name(source.source_id, source.entry)!r} became {source.state} meanwhile",
            code="source-changed-meanwhile",
            hint="look at it again: `countenance source show`",
        )
    source.state = change.after.value
    add_change(session, seals, source, change)
