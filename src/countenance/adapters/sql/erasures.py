"""Erasure in SQL, behind the gallery's port."""

from collections.abc import Callable, Collection
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.certified import CertifiedTable
from countenance.adapters.sql.database import slices, transaction
from countenance.adapters.sql.destruction_models import ErasureRow, SearchCandidateRow
from countenance.adapters.sql.erasure_extent import COLUMNS, Going, delete_rows, going, is_on_record
from countenance.adapters.sql.models import GalleryRow, SearchRow
from countenance.adapters.sql.releases import ended_releases
from countenance.adapters.sql.sealing import ERASURE, ERASURE_CERTIFICATE
from countenance.adapters.sql.searches import forget_in_answer
from countenance.adapters.sql.source_values import source_of
from countenance.audit.model import Acting
from countenance.core.clock import utc_now
from countenance.core.ids import new_id
from countenance.gallery.destruction import Answer, Destroyed, Destruction, DestructionKind, HandedOut
from countenance.gallery.entries import erasure_begun
from countenance.gallery.erasure import EndedRelease, Erased, Extent
from countenance.keys.ports import Keyring


class SqlErasures(CertifiedTable[ErasureRow]):
    """Implements `ErasureRecords` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, audit: SqlAuditLog, keyring: Keyring) -> None:
        """Keep the engine, the log in the same database, and the keyring; the schema must be up to date."""
        super().__init__(engine, audit, keyring, rows=ErasureRow, entry=ERASURE, certificate=ERASURE_CERTIFICATE)

    def extent(self, erased: Erased) -> Extent:
        """See the port."""
        with transaction(self._engine) as session:
            found = going(session, self._seals, erased)
            return Extent(
                source=source_of(found.source, self._seals),
                destroyed=Destroyed(**found.counts()),
                handed_out=_handed_out(session, found.returned),
            )

    def begin(self, erased: Erased, *, by: str, reason: str, actor: Acting) -> Destruction:
        """See the port."""
        with transaction(self._writer) as session:
            begun = session.scalar(select(ErasureRow).where(ErasureRow.target == erased.target))
            if begun is not None:
                return self._destruction_of(session, begun)
            session.execute(update(GalleryRow).values(revision=GalleryRow.revision + 1))
            found = going(session, self._seals, erased)
            row = self._new_row(erased, found, by=by, reason=reason)
            session.add(row)
            session.flush()
            erasure = self._destruction_of(session, row)
            delete_rows(session, self._seals, found)
            self._audit.append(session, erasure_begun(erasure, actor=actor))
            return erasure

    def find(self, erased: Erased) -> Destruction | None:
        """See the port."""
        with transaction(self._engine) as session:
            row = session.scalar(
                select(ErasureRow).where(ErasureRow.target == erased.target, ErasureRow.kind == erased.kind.value)
            )
            return None if row is None else self._destruction_of(session, row)

    def on_record(self, targets: Collection[Erased]) -> tuple[Erased, ...]:
        """See the port."""
        found: list[Erased] = []
        with transaction(self._engine) as session:
            for kind, group in groupby(sorted(targets), key=lambda one: one.kind):
                for part in slices([one.target for one in group]):
                    there = session.scalars(is_on_record(kind).where(COLUMNS[kind].in_(part)))
                    found += [Erased(kind, target) for target in there]
        return tuple(found)

    def ended_releases(self, today: date) -> tuple[EndedRelease, ...]:
        """See the port."""
        with transaction(self._engine) as session:
            return ended_releases(session, self._seals, today)

    def noted(self) -> frozenset[Erased]:
        """See the port."""
        with transaction(self._engine) as session:
            rows = session.execute(select(ErasureRow.kind, ErasureRow.target))
            return frozenset(Erased(DestructionKind(kind), target) for kind, target in rows)

    def mark_searches(self, erasure_id: str, redacted: Callable[[Answer, Collection[int]], Answer]) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            for search_id, ranks in self._facts(self._row(session, erasure_id))["returned"].items():
                chosen = (
                    select(SearchCandidateRow)
                    .join(SearchRow, SearchCandidateRow.search == SearchRow.number)
                    .where(
                        SearchRow.search_id == search_id,
                        SearchCandidateRow.rank.in_(ranks),
                        SearchCandidateRow.forgotten_at.is_(None),
                    )
                )
                candidates = session.scalars(chosen).all()
                if candidates:
                    forget_in_answer(session, self._seals, candidates[0].search, candidates, redacted)

    def handed_out(self, erasure_id: str) -> tuple[HandedOut, ...]:
        """See the port."""
        with transaction(self._engine) as session:
            return _handed_out(session, self._facts(self._row(session, erasure_id))["returned"])

    def objects_left(self, erasure_id: str) -> tuple[str, ...]:
        """See the port."""
        with transaction(self._engine) as session:
            return tuple(self._facts(self._row(session, erasure_id))["objects"])

    def rows_gone(self, erasure_id: str) -> tuple[int, ...]:
        """See the port."""
        with transaction(self._engine) as session:
            # Not noted by an earlier version that began it.
            return tuple(self._facts(self._row(session, erasure_id)).get("rows", ()))

    def _after(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Forget what it took to carry the erasure through."""
        return facts | {"objects": [], "returned": {}, "rows": []}

    def _new_row(self, erased: Erased, found: Going, *, by: str, reason: str) -> ErasureRow:
        """Return a new row, with all that it takes to carry the erasure through once the rows are gone."""
        erasure_id = new_id()
        facts = {
            "by": by,
            "reason": reason,
            **found.counts(),
            "objects": found.objects,
            "rows": found.rows,
            "returned": found.returned,
        }
        return ErasureRow(
            destruction_id=erasure_id,
            kind=erased.kind.value,
            target=erased.target,
            source=found.source.number,
            started_at=utc_now(),
            entry=self._sealed(erasure_id, facts),
        )


def _handed_out(session: Session, returned: dict[str, list[int]]) -> tuple[HandedOut, ...]:
    """Return searches by id with how many of their candidates are meant, oldest first; those that are gone are not."""
    rows = [
        row
        for part in slices(returned)
        for row in session.execute(
            select(SearchRow.number, SearchRow.search_id, SearchRow.searched_at).where(SearchRow.search_id.in_(part))
        )
    ]
    return tuple(
        HandedOut(search_id=search_id, searched_at=searched_at, candidates=len(returned[search_id]))
        for _, search_id, searched_at in sorted(rows)
    )
