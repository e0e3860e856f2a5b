"""The end of kept answers in SQL, behind the gallery's port."""

from datetime import datetime

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import WRITER, empty_log, slices, transaction
from countenance.adapters.sql.destruction_models import AnswerExpiryRow, SearchCandidateRow
from countenance.adapters.sql.destructions import count_deleted
from countenance.adapters.sql.models import SearchRow
from countenance.adapters.sql.sealing import EXPIRY, EXPIRY_CERTIFICATE, RowSeals
from countenance.audit.model import Acting
from countenance.core.clock import utc_now
from countenance.core.ids import new_id
from countenance.gallery.destruction import Destroyed, Destruction, DestructionKind
from countenance.gallery.entries import answers_expired, destroyed
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring


class SqlKeptAnswers:
    """Implements `KeptAnswers` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, audit: SqlAuditLog, keyring: Keyring) -> None:
        """Keep the engine, the log in the same database, and the keyring; the schema must be up to date."""
        self._engine = engine
        self._audit = audit
        self._seals = RowSeals(keyring)
        self._writer = engine.execution_options(**{WRITER: True})

    def older(self, before: datetime) -> int:
        """See the port."""
        with transaction(self._engine) as session:
            return _older(session, before)

    def begin(self, before: datetime, *, by: str, reason: str, actor: Acting) -> Destruction | None:
        """See the port."""
        with transaction(self._writer) as session:
            answers = _older(session, before)
            if not answers:
                return None
            expiry_id = new_id()
            facts = {"by": by, "reason": reason, "answers": answers}
            row = AnswerExpiryRow(
                expiry_id=expiry_id,
                started_at=utc_now(),
                before=before,
                entry=self._seals.home_entry(expiry_id, facts, column=EXPIRY),
            )
            session.add(row)
            session.flush()
            expiry = self._destruction_of(row)
            self._audit.append(session, answers_expired(expiry, before=before, actor=actor))
            return expiry

    def unfinished(self) -> tuple[Destruction, ...]:
        """See the port."""
        chosen = select(AnswerExpiryRow).where(AnswerExpiryRow.certificate.is_(None)).order_by(AnswerExpiryRow.number)
        with transaction(self._engine) as session:
            return tuple(map(self._destruction_of, session.scalars(chosen)))

    def delete(self, expiry_id: str, *, most: int) -> int:
        """See the port."""
        with transaction(self._writer) as session:
            before = _row(session, expiry_id).before
            chosen = select(SearchRow.number).where(SearchRow.searched_at < before).limit(most)
            numbers = session.scalars(chosen).all()
            for part in slices(numbers):
                count_deleted(session, delete(SearchCandidateRow).where(SearchCandidateRow.search.in_(part)))
                count_deleted(session, delete(SearchRow).where(SearchRow.number.in_(part)))
            return len(numbers)

    def settle(self) -> None:
        """See the port."""
        empty_log(self._engine)

    def finish(self, expiry_id: str, certificate: bytes, *, actor: Acting) -> Destruction:
        """See the port."""
        with transaction(self._writer) as session:
            row = _row(session, expiry_id)
            if row.certificate is None:
                row.certificate = self._seals.keyring.seal(
                    HOME, certificate, record=expiry_id, column=EXPIRY_CERTIFICATE
                )
                self._audit.append(session, destroyed(expiry_id, certificate, actor=actor))
            return self._destruction_of(row)

    def certificates(self) -> tuple[Destruction, ...]:
        """See the port."""
        chosen = select(AnswerExpiryRow).where(AnswerExpiryRow.certificate.is_not(None))
        with transaction(self._engine) as session:
            rows = session.scalars(chosen.order_by(AnswerExpiryRow.number.desc()))
            return tuple(map(self._destruction_of, rows))

    def _destruction_of(self, row: AnswerExpiryRow) -> Destruction:
        """Return the destruction of kept answers."""
        facts = self._seals.open_home_entry(row.expiry_id, row.entry, column=EXPIRY)
        certificate = row.certificate and self._seals.keyring.open(
            HOME, row.certificate, record=row.expiry_id, column=EXPIRY_CERTIFICATE
        )
        return Destruction(
            destruction_id=row.expiry_id,
            kind=DestructionKind.ANSWERS_EXPIRED,
            source=None,
            started_at=row.started_at,
            by=facts["by"],
            reason=facts["reason"],
            destroyed=Destroyed(answers=facts["answers"]),
            certificate=certificate,
        )


def _older(session: Session, before: datetime) -> int:
    """Count the answers from before a time."""
    return session.scalars(select(func.count()).where(SearchRow.searched_at < before)).one()


def _row(session: Session, expiry_id: str) -> AnswerExpiryRow:
    """Return a row that is there."""
    return session.scalars(select(AnswerExpiryRow).where(AnswerExpiryRow.expiry_id == expiry_id)).one()
