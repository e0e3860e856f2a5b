"""The audit log in SQL: appended to inside the transaction of what it records."""

from collections.abc import Iterator

from sqlalchemy import Cast, Engine, LargeBinary, cast, insert, select, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import InstrumentedAttribute, Session

from countenance.adapters.sql.audit_models import AuditCheckpointRow, AuditEntryRow, AuditHeadRow, AuditNodeRow
from countenance.adapters.sql.database import WRITER, transaction
from countenance.audit.growth import EMPTY, Growth, Head, audit_damaged, audit_unwritable, grow
from countenance.audit.model import Entry, Receipt
from countenance.audit.note import Signer

ROWS = 10_000
"""Entries and hashes that are read at a time."""


class SqlAuditLog:
    """Implements `AuditLog` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, signer: Signer) -> None:
        """Keep the engine and the key; the schema must be up to date (`database.upgrade`)."""
        self._engine = engine
        self._writer = engine.execution_options(**{WRITER: True})
        self._signer = signer

    def append(self, session: Session, *entries: Entry) -> Receipt:
        """Append entries in the caller's transaction, and return the last one's receipt.

        Writers wait for each other from here to the end of their transactions, so this is the last thing that a
        transaction does. The receipt must not be shown before the transaction is committed.

        Raises:
            UnavailableError: code `audit-unwritable`; the transaction must end without effect.
            IntegrityError: code `audit-damaged`; likewise.
        """
        # What the caller did is written first, so that an error of the log is the log's alone.
        session.connection()
        session.flush()
        try:
            growth = grow(_head(session, lock=True), entries, self._signer)
            _store(session, growth)
        except DatabaseError as error:
            raise audit_unwritable(error.orig) from None
        return growth.receipt

    def hand_over(self, entry: Entry, successor: Signer) -> Receipt:
        """See the port."""
        with transaction(self._writer) as session:
            try:
                growth = grow(_head(session, lock=True), [entry], self._signer, cosigner=successor)
                _store(session, growth)
                session.execute(insert(AuditCheckpointRow), [{"note": growth.head.note}])
            except DatabaseError as error:
                raise audit_unwritable(error.orig) from None
        self._signer = successor
        return growth.receipt

    def record(self, *entries: Entry) -> Receipt:
        """See the port."""
        with transaction(self._writer) as session:
            return self.append(session, *entries)

    def add_checkpoint(self, note: str) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            session.execute(insert(AuditCheckpointRow), [{"note": note}])

    def head(self) -> Head:
        """See the port."""
        return stored_head(self._engine)

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """See the port."""
        for first in range(start, stop, ROWS):
            chosen = select(_bytes(AuditEntryRow.body)).where(
                AuditEntryRow.idx >= first, AuditEntryRow.idx < min(first + ROWS, stop)
            )
            with transaction(self._engine) as session:
                found = session.scalars(chosen.order_by(AuditEntryRow.idx)).all()
            yield from found

    def nodes(self, level: int, start: int, stop: int) -> Iterator[bytes]:
        """See the port."""
        for first in range(start, stop, ROWS):
            chosen = select(_bytes(AuditNodeRow.hash)).where(
                AuditNodeRow.level == level, AuditNodeRow.idx >= first, AuditNodeRow.idx < min(first + ROWS, stop)
            )
            with transaction(self._engine) as session:
                found = session.scalars(chosen.order_by(AuditNodeRow.idx)).all()
            yield from found

    def checkpoints(self) -> tuple[str, ...]:
        """See the port."""
        with transaction(self._engine) as session:
            return tuple(session.scalars(select(AuditCheckpointRow.note).order_by(AuditCheckpointRow.number)))


def stored_head(engine: Engine) -> Head:
    """Return a log's newest state, for which no key is needed."""
    with transaction(engine) as session:
        return _head(session, lock=False)


def _head(session: Session, *, lock: bool) -> Head:
    """Read the log's newest state; locked, no other writer comes between on PostgreSQL (SQLite has one at a time)."""
    chosen = select(AuditHeadRow.size, _bytes(AuditHeadRow.peaks), AuditHeadRow.note)
    row = session.execute(chosen.with_for_update() if lock else chosen).one_or_none()
    if row is None:
        raise audit_damaged("its head is gone")
    head = Head(*row)
    return EMPTY if head == EMPTY else head


def _bytes(column: InstrumentedAttribute[bytes]) -> Cast[bytes]:
    """Read a column as bytes, whatever was put there: SQLite would give text back as text."""
    return cast(column, LargeBinary)


def _store(session: Session, growth: Growth) -> None:
    """Write what a growth gives."""
    bodies = [{"idx": growth.first + at, "body": body} for at, body in enumerate(growth.bodies)]
    session.execute(insert(AuditEntryRow), bodies)
    session.execute(
        insert(AuditNodeRow), [{"level": node.level, "idx": node.place, "hash": node.hash} for node in growth.nodes]
    )
    head = growth.head
    session.execute(update(AuditHeadRow).values(size=head.size, peaks=head.peaks, note=head.note))
