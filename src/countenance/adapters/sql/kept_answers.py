"""The end of kept answers in SQL, behind the gallery's port."""

from datetime import datetime

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.certified import CertifiedTable
from countenance.adapters.sql.database import slices, transaction
from countenance.adapters.sql.destruction_models import AnswerExpiryRow, SearchCandidateRow
from countenance.adapters.sql.destructions import count_deleted
from countenance.adapters.sql.models import SearchRow
from countenance.adapters.sql.sealing import EXPIRY, EXPIRY_CERTIFICATE
from countenance.audit.model import Acting
from countenance.core.clock import utc_now
from countenance.core.ids import new_id
from countenance.gallery.destruction import Destruction
from countenance.gallery.entries import answers_expired
from countenance.keys.ports import Keyring


class SqlKeptAnswers(CertifiedTable[AnswerExpiryRow]):
    """Implements `KeptAnswers` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, audit: SqlAuditLog, keyring: Keyring) -> None:
        """Keep the engine, the log in the same database, and the keyring; the schema must be up to date."""
        super().__init__(engine, audit, keyring, rows=AnswerExpiryRow, entry=EXPIRY, certificate=EXPIRY_CERTIFICATE)

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
                destruction_id=expiry_id,
                started_at=utc_now(),
                before=before,
                entry=self._sealed(expiry_id, facts),
            )
            session.add(row)
            session.flush()
            expiry = self._destruction_of(session, row)
            self._audit.append(session, answers_expired(expiry, before=before, actor=actor))
            return expiry

    def delete(self, expiry_id: str, *, most: int) -> int:
        """See the port."""
        with transaction(self._writer) as session:
            before = self._row(session, expiry_id).before
            chosen = select(SearchRow.number).where(SearchRow.searched_at < before).limit(most)
            numbers = session.scalars(chosen).all()
            for part in slices(numbers):
                count_deleted(session, delete(SearchCandidateRow).where(SearchCandidateRow.search.in_(part)))
                count_deleted(session, delete(SearchRow).where(SearchRow.number.in_(part)))
            return len(numbers)


def _older(session: Session, before: datetime) -> int:
    """Count the answers from before a time."""
    return session.scalars(select(func.count()).where(SearchRow.searched_at < before)).one()
