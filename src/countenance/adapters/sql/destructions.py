"""Destruction in SQL, behind the gallery's port."""

from collections.abc import Callable, Collection, Sequence
from itertools import groupby

from sqlalchemy import Delete, Engine, delete, func, select, update
from sqlalchemy.orm import Session

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.certified import CertifiedTable
from countenance.adapters.sql.counts import counts_of
from countenance.adapters.sql.database import slices, transaction
from countenance.adapters.sql.destruction_models import DestructionRow, ErasedPhotographRow, SearchCandidateRow
from countenance.adapters.sql.models import FaceRow, GalleryRow, ImageRow, SearchRow, SourceRow, SubjectRow, TemplateRow
from countenance.adapters.sql.sealing import CERTIFICATE, DESTRUCTION
from countenance.adapters.sql.searches import forget_in_answer
from countenance.adapters.sql.source_models import ProvenanceRow, ReleaseRow
from countenance.adapters.sql.source_register import change_state_of, find_source
from countenance.adapters.sql.tombstones import note_destroyed
from countenance.audit.model import Acting
from countenance.core.ids import new_id
from countenance.gallery.destruction import Answer, Destruction, DestructionKind, HandedOut
from countenance.gallery.entries import source_changed
from countenance.gallery.model import SourceChange, SourceState
from countenance.keys.model import source_scope
from countenance.keys.ports import Keyring

KINDS = {
    SourceState.WITHDRAWN: DestructionKind.SOURCE_WITHDRAWN,
    SourceState.EXPIRED: DestructionKind.SOURCE_EXPIRED,
}


class SqlDestructions(CertifiedTable[DestructionRow]):
    """Implements `DestructionRecords` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, audit: SqlAuditLog, keyring: Keyring) -> None:
        """Keep the engine, the log in the same database, and the keyring; the schema must be up to date."""
        super().__init__(engine, audit, keyring, rows=DestructionRow, entry=DESTRUCTION, certificate=CERTIFICATE)

    def begin(self, name: str, change: SourceChange, *, actor: Acting) -> Destruction:
        """See the port."""
        with transaction(self._writer) as session:
            session.execute(update(GalleryRow).values(revision=GalleryRow.revision + 1))
            source = find_source(session, self._seals, name)
            change_state_of(session, self._seals, source, change)
            note_destroyed(session, source_scope(source.source_id))
            self._audit.append(session, source_changed(source.source_id, change, actor=actor))
            facts = {"by": change.by, "reason": change.reason, **counts_of(source, self._seals)._asdict()}
            destruction_id = new_id()
            row = DestructionRow(
                destruction_id=destruction_id,
                kind=KINDS[change.after].value,
                source=source.number,
                started_at=change.at,
                entry=self._sealed(destruction_id, facts),
            )
            source.counts = b""
            session.add(row)
            session.flush()
            return self._destruction_of(session, row)

    def of_source(self, name: str) -> Destruction | None:
        """See the port."""
        with transaction(self._engine) as session:
            source = find_source(session, self._seals, name)
            row = session.scalar(select(DestructionRow).where(DestructionRow.source == source.number))
            return None if row is None else self._destruction_of(session, row)

    def erase_rows(self, source_id: str, *, most: int) -> int:
        """See the port."""
        with transaction(self._writer) as session:
            source = session.scalar(select(SourceRow.number).where(SourceRow.source_id == source_id))
            images = session.scalars(select(ImageRow.number).where(ImageRow.source == source).limit(most)).all()
            if images:
                return sum(erase_photographs(session, part) for part in slices(images))
            subjects = session.scalars(select(SubjectRow.number).where(SubjectRow.source == source).limit(most)).all()
            return sum(
                count_deleted(session, delete(SubjectRow).where(SubjectRow.number.in_(part)))
                for part in slices(subjects)
            ) + sum(
                count_deleted(session, delete(table).where(table.source == source))
                for table in (ReleaseRow, ErasedPhotographRow)
            )

    def mark_searches(self, source_id: str, redacted: Callable[[Answer, Collection[int]], Answer]) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            chosen = (
                select(SearchCandidateRow)
                .join(SourceRow, SearchCandidateRow.source == SourceRow.number)
                .where(SourceRow.source_id == source_id, SearchCandidateRow.forgotten_at.is_(None))
                .order_by(SearchCandidateRow.search)
            )
            for search, group in groupby(session.scalars(chosen).all(), key=lambda row: row.search):
                forget_in_answer(session, self._seals, search, list(group), redacted)

    def handed_out(self, source_id: str) -> tuple[HandedOut, ...]:
        """See the port."""
        chosen = (
            select(SearchRow.search_id, SearchRow.searched_at, func.count())
            .join(SearchCandidateRow, SearchCandidateRow.search == SearchRow.number)
            .join(SourceRow, SearchCandidateRow.source == SourceRow.number)
            .where(SourceRow.source_id == source_id)
            .group_by(SearchRow.number)
            .order_by(SearchRow.number)
        )
        with transaction(self._engine) as session:
            return tuple(
                HandedOut(search_id=search_id, searched_at=searched_at, candidates=count)
                for search_id, searched_at, count in session.execute(chosen)
            )


def erase_photographs(session: Session, images: Sequence[int]) -> int:
    """Delete photographs with all that hangs on them; returns how many rows went."""
    faces = select(FaceRow.number).where(FaceRow.image.in_(images))
    statements = (
        delete(TemplateRow).where(TemplateRow.face.in_(faces)),
        delete(FaceRow).where(FaceRow.image.in_(images)),
        delete(ProvenanceRow).where(ProvenanceRow.image.in_(images)),
        delete(ImageRow).where(ImageRow.number.in_(images)),
    )
    return sum(count_deleted(session, statement) for statement in statements)


def count_deleted(session: Session, statement: Delete) -> int:
    """Delete, and say how many rows went."""
    return int(session.execute(statement, execution_options={"synchronize_session": False}).rowcount)  # type: ignore[attr-defined]
