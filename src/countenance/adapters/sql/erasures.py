"""Erasure in SQL, behind the gallery's port."""

from collections.abc import Callable, Collection, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import WRITER, empty_log, slices, transaction
from countenance.adapters.sql.destruction_models import ErasureRow, SearchCandidateRow
from countenance.adapters.sql.erasure_extent import COLUMNS, Going, delete_rows, going, is_on_record
from countenance.adapters.sql.models import GalleryRow, SearchRow, SourceRow, SubjectRow
from countenance.adapters.sql.sealing import ERASURE, ERASURE_CERTIFICATE, RowSeals
from countenance.adapters.sql.searches import forget_in_answer
from countenance.adapters.sql.source_register import find_source
from countenance.adapters.sql.source_values import source_of
from countenance.audit.model import Acting
from countenance.core.clock import utc_now
from countenance.core.ids import new_id
from countenance.gallery.destruction import Answer, Destroyed, Destruction, DestructionKind, HandedOut
from countenance.gallery.entries import destroyed, erasure_begun
from countenance.gallery.erasure import Erased, Extent
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring


class SqlErasures:
    """Implements `ErasureRecords` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, audit: SqlAuditLog, keyring: Keyring) -> None:
        """Keep the engine, the log in the same database, and the keyring; the schema must be up to date."""
        self._engine = engine
        self._audit = audit
        self._seals = RowSeals(keyring)
        self._writer = engine.execution_options(**{WRITER: True})

    def extent(self, erased: Erased) -> Extent:
        """See the port."""
        with transaction(self._engine) as session:
            found = going(session, self._seals, erased)
            return Extent(
                source=source_of(found.source, self._seals),
                destroyed=_destroyed(found.counts()),
                handed_out=_handed_out(session, found.returned),
            )

    def begin(self, erased: Erased, *, by: str, reason: str, actor: Acting) -> Destruction:
        """See the port."""
        with transaction(self._writer) as session:
            begun = session.scalar(select(ErasureRow).where(ErasureRow.target == erased.target))
            if begun is not None:
                return self._destruction_of(begun, session.get_one(SourceRow, begun.source))
            session.execute(update(GalleryRow).values(revision=GalleryRow.revision + 1))
            found = going(session, self._seals, erased)
            row = self._row(erased, found, by=by, reason=reason)
            session.add(row)
            session.flush()
            erasure = self._destruction_of(row, found.source)
            delete_rows(session, found)
            self._audit.append(session, erasure_begun(erasure, actor=actor))
            return erasure

    def find(self, erased: Erased) -> Destruction | None:
        """See the port."""
        with transaction(self._engine) as session:
            row = session.scalar(
                select(ErasureRow).where(ErasureRow.target == erased.target, ErasureRow.kind == erased.kind.value)
            )
            return None if row is None else self._destruction_of(row, session.get_one(SourceRow, row.source))

    def on_record(self, targets: Collection[Erased]) -> tuple[Erased, ...]:
        """See the port."""
        found: list[Erased] = []
        with transaction(self._engine) as session:
            for kind, group in groupby(sorted(targets), key=lambda one: one.kind):
                for part in slices([one.target for one in group]):
                    there = session.scalars(is_on_record(kind).where(COLUMNS[kind].in_(part)))
                    found += [Erased(kind, target) for target in there]
        return tuple(found)

    def labelled(self, source: str, labels: Collection[str]) -> Mapping[str, str]:
        """See the port."""
        found: dict[str, str] = {}
        with transaction(self._engine) as session:
            row = find_source(session, self._seals, source)
            for part in slices(labels):
                label_of = {self._seals.label_print(row.source_id, label): label for label in part}
                chosen = select(SubjectRow.label_print, SubjectRow.subject_id).where(
                    SubjectRow.source == row.number, SubjectRow.label_print.in_(label_of)
                )
                for label_print, subject_id in session.execute(chosen):
                    if label_print is not None:
                        found[label_of[label_print]] = subject_id
        return found

    def noted(self) -> frozenset[Erased]:
        """See the port."""
        with transaction(self._engine) as session:
            rows = session.execute(select(ErasureRow.kind, ErasureRow.target))
            return frozenset(Erased(DestructionKind(kind), target) for kind, target in rows)

    def unfinished(self) -> tuple[Destruction, ...]:
        """See the port."""
        return self._list(finished=False)

    def certificates(self) -> tuple[Destruction, ...]:
        """See the port."""
        return self._list(finished=True)

    def mark_searches(self, erasure_id: str, redacted: Callable[[Answer, Collection[int]], Answer]) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            for search_id, ranks in self._facts(session, erasure_id)["returned"].items():
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
            return _handed_out(session, self._facts(session, erasure_id)["returned"])

    def objects_left(self, erasure_id: str) -> tuple[str, ...]:
        """See the port."""
        with transaction(self._engine) as session:
            return tuple(self._facts(session, erasure_id)["objects"])

    def settle(self) -> None:
        """See the port."""
        empty_log(self._engine)

    def finish(self, erasure_id: str, certificate: bytes, *, actor: Acting) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            row = session.scalars(select(ErasureRow).where(ErasureRow.erasure_id == erasure_id)).one()
            if row.certificate is not None:
                return
            facts = self._seals.open_home_entry(erasure_id, row.entry, column=ERASURE)
            row.entry = self._seals.home_entry(erasure_id, facts | {"objects": [], "returned": {}}, column=ERASURE)
            row.certificate = self._seals.keyring.seal(HOME, certificate, record=erasure_id, column=ERASURE_CERTIFICATE)
            self._audit.append(session, destroyed(erasure_id, certificate, actor=actor))

    def _row(self, erased: Erased, found: Going, *, by: str, reason: str) -> ErasureRow:
        """Return a new row, with all that it takes to carry the erasure through once the rows are gone."""
        erasure_id = new_id()
        facts = {
            "by": by,
            "reason": reason,
            **found.counts(),
            "objects": found.objects,
            "returned": found.returned,
        }
        return ErasureRow(
            erasure_id=erasure_id,
            kind=erased.kind.value,
            target=erased.target,
            source=found.source.number,
            started_at=utc_now(),
            entry=self._seals.home_entry(erasure_id, facts, column=ERASURE),
        )

    def _facts(self, session: Session, erasure_id: str) -> dict[str, Any]:
        """Open an erasure's entry."""
        sealed = session.scalars(select(ErasureRow.entry).where(ErasureRow.erasure_id == erasure_id)).one()
        facts: dict[str, Any] = self._seals.open_home_entry(erasure_id, sealed, column=ERASURE)
        return facts

    def _list(self, *, finished: bool) -> tuple[Destruction, ...]:
        """List erasures, newest first."""
        chosen = (
            select(ErasureRow, SourceRow)
            .join(SourceRow, ErasureRow.source == SourceRow.number)
            .where(ErasureRow.certificate.is_not(None) if finished else ErasureRow.certificate.is_(None))
            .order_by(ErasureRow.number.desc())
        )
        with transaction(self._engine) as session:
            return tuple(self._destruction_of(row, source) for row, source in session.execute(chosen))

    def _destruction_of(self, row: ErasureRow, source: SourceRow) -> Destruction:
        """Return an erasure."""
        facts = self._seals.open_home_entry(row.erasure_id, row.entry, column=ERASURE)
        certificate = row.certificate and self._seals.keyring.open(
            HOME, row.certificate, record=row.erasure_id, column=ERASURE_CERTIFICATE
        )
        return Destruction(
            destruction_id=row.erasure_id,
            kind=DestructionKind(row.kind),
            source=source_of(source, self._seals),
            started_at=row.started_at,
            by=facts["by"],
            reason=facts["reason"],
            destroyed=_destroyed(facts),
            certificate=certificate,
            target=row.target,
        )


def _destroyed(counts: dict[str, Any]) -> Destroyed:
    """Return what was counted."""
    return Destroyed(**{name: counts[name] for name in ("images", "subjects", "templates", "staying")})


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
