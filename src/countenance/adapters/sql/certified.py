"""What the three tables of destructions do alike: they list what is under way and what ended, and keep certificates."""

from dataclasses import fields
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Engine, select
from sqlalchemy.orm import Session

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import WRITER, require_empty_log, transaction
from countenance.adapters.sql.destruction_models import AnswerExpiryRow, DestructionRow, ErasureRow
from countenance.adapters.sql.models import SourceRow
from countenance.adapters.sql.sealing import RowSeals
from countenance.adapters.sql.source_values import source_of
from countenance.audit.model import Acting
from countenance.gallery.destruction import Destroyed, Destruction, DestructionKind
from countenance.gallery.entries import destroyed
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring

AnyRow = TypeVar("AnyRow", DestructionRow, ErasureRow, AnswerExpiryRow)

COUNTS = tuple(field.name for field in fields(Destroyed))


class CertifiedTable(Generic[AnyRow]):
    """One of the tables, whose rows are under way until they have a certificate. Thread-safe."""

    def __init__(
        self, engine: Engine, audit: SqlAuditLog, keyring: Keyring, *, rows: type[AnyRow], entry: str, certificate: str
    ) -> None:
        """Keep the parts.

        Args:
            engine: The schema must be up to date.
            audit: The log in the same database.
            keyring: Seals what rows say.
            rows: Which table.
            entry: The column that a row's facts are sealed as.
            certificate: The column that its certificate is sealed as.
        """
        self._engine = engine
        self._writer = engine.execution_options(**{WRITER: True})
        self._audit = audit
        self._seals = RowSeals(keyring)
        self._rows: type[AnyRow] = rows
        self._entry, self._certificate = entry, certificate

    def unfinished(self) -> tuple[Destruction, ...]:
        """See the ports; oldest first."""
        return self._list(self._rows.certificate.is_(None), self._rows.number.asc())

    def certificates(self) -> tuple[Destruction, ...]:
        """See the ports."""
        return self._list(self._rows.certificate.is_not(None), self._rows.number.desc())

    def settle(self) -> None:
        """See the ports: SQLite overwrites deleted rows (`secure_delete`), its write-ahead log is emptied here."""
        require_empty_log(self._engine)

    def finish(self, destruction_id: str, certificate: bytes, *, actor: Acting) -> Destruction:
        """See the ports."""
        with transaction(self._writer) as session:
            row = self._row(session, destruction_id)
            if row.certificate is None:
                row.certificate = self._seals.keyring.seal(
                    HOME, certificate, record=destruction_id, column=self._certificate
                )
                row.entry = self._sealed(destruction_id, self._after(self._facts(row)))
                self._audit.append(session, destroyed(destruction_id, certificate, actor=actor))
            return self._destruction_of(session, row)

    def _after(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return what stays of a row's facts once it has its certificate."""
        return facts

    def _list(self, wanted: ColumnElement[bool], order: ColumnElement[int]) -> tuple[Destruction, ...]:
        """Return some of the rows."""
        with transaction(self._engine) as session:
            rows = session.scalars(select(self._rows).where(wanted).order_by(order)).all()
            return tuple(self._destruction_of(session, row) for row in rows)

    def _row(self, session: Session, destruction_id: str) -> AnyRow:
        """Return a row that is there."""
        return session.scalars(select(self._rows).where(self._rows.destruction_id == destruction_id)).one()

    def _sealed(self, destruction_id: str, facts: dict[str, Any]) -> bytes:
        """Seal a row's facts."""
        return self._seals.home_entry(destruction_id, facts, column=self._entry)

    def _facts(self, row: AnyRow) -> dict[str, Any]:
        """Open a row's facts."""
        facts: dict[str, Any] = self._seals.open_home_entry(row.destruction_id, row.entry, column=self._entry)
        return facts

    def _destruction_of(self, session: Session, row: AnyRow) -> Destruction:
        """Return what a row stands for."""
        facts = self._facts(row)
        return Destruction(
            destruction_id=row.destruction_id,
            kind=DestructionKind(row.kind),
            source=None if row.source is None else source_of(session.get_one(SourceRow, row.source), self._seals),
            started_at=row.started_at,
            by=facts["by"],
            reason=facts["reason"],
            destroyed=Destroyed(**{name: facts[name] for name in COUNTS if name in facts}),
            certificate=row.certificate
            and self._seals.keyring.open(HOME, row.certificate, record=row.destruction_id, column=self._certificate),
            target=row.target,
        )
