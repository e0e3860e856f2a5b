"""The audit log in SQL: appended to inside the transaction of what it records.

Entries are sealed under the home's key, each as the one with its index. Hashes and signed heads stand in the clear: an
entry has a random nonce, so that it can't be guessed from its hash.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    LargeBinary,
    Row,
    Select,
    TypeCoerce,
    bindparam,
    cast,
    insert,
    inspect,
    select,
    type_coerce,
    update,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from countenance.adapters.sql.audit_models import AuditCheckpointRow
from countenance.adapters.sql.database import WRITER, transaction
from countenance.adapters.sql.models import Base
from countenance.adapters.sql.sealing import LOG_ENTRY
from countenance.audit.growth import EMPTY, Growth, Head, audit_damaged, audit_unwritable, grow
from countenance.audit.model import Entry, Receipt
from countenance.audit.note import Signer
from countenance.core.errors import IntegrityError
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring

ROWS = 500
"""Entries and hashes that are read at a time: with many more, Python's garbage collector takes as long as the rest."""


def _bytes(column: Column[bytes]) -> TypeCoerce[Any]:
    """Read a column as bytes, whatever was put there: SQLite would give text back as text.

    The driver gives bytes already; that SQLAlchemy need not look at each saves half of the time.
    """
    return type_coerce(cast(column, LargeBinary), NullType)


# Tables instead of mapped rows: what an entry costs is mostly what stands between it and the database.
ENTRIES, NODES, HEAD = (Base.metadata.tables[name] for name in ("audit_entry", "audit_node", "audit_head"))
ADD_ENTRIES, ADD_NODES = insert(ENTRIES), insert(NODES)
MOVE_HEAD = update(HEAD).values({name: bindparam(name) for name in ("size", "peaks", "note")})
READ_HEAD = select(HEAD.c.size, _bytes(HEAD.c.peaks), HEAD.c.note)


class SqlAuditLog:
    """Implements `AuditLog` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, signer: Signer, keyring: Keyring) -> None:
        """Keep the engine, the key and the keyring; the schema must be up to date (`database.upgrade`)."""
        self._engine = engine
        self._writer = engine.execution_options(**{WRITER: True})
        self._signer = signer
        self._keyring = keyring

    def append(self, session: Session, *entries: Entry) -> Receipt:
        """Append entries in the caller's transaction, and return the last one's receipt.

        The transaction is a writer's, so that no other one comes between. The receipt must not be shown before it is
        committed.

        Raises:
            UnavailableError: code `audit-unwritable`; the transaction must end without effect.
            IntegrityError: code `audit-damaged`; likewise.
        """
        # What the caller did is written first, so that an error of the log is the log's alone.
        session.connection()
        session.flush()
        try:
            growth = grow(_head(session), entries, self._signer)
            self._store(session, growth)
        except DatabaseError as error:
            raise audit_unwritable(error.orig) from None
        return growth.receipt

    def hand_over(self, entry: Entry, successor: Signer) -> Receipt:
        """See the port."""
        with transaction(self._writer) as session:
            try:
                growth = grow(_head(session), [entry], self._signer, cosigner=successor)
                self._store(session, growth)
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
        """See the port; one that does not open is given as it stands: it isn't what was hashed."""
        chosen = select(ENTRIES.c.idx, _bytes(ENTRIES.c.body).label("body")).order_by(ENTRIES.c.idx)
        for first in range(start, stop, ROWS):
            last = min(first + ROWS, stop)
            rows = self._read(chosen.where(ENTRIES.c.idx >= first, ENTRIES.c.idx < last))
            try:
                yield from self._opened(rows)
            except IntegrityError:
                for row in rows:
                    body = row.body
                    with suppress(IntegrityError):
                        [body] = self._opened([row])
                    yield body

    def nodes(self, level: int, start: int, stop: int) -> Iterator[bytes]:
        """See the port."""
        chosen = select(_bytes(NODES.c.hash)).where(NODES.c.level == level).order_by(NODES.c.idx)
        for first in range(start, stop, ROWS):
            last = min(first + ROWS, stop)
            yield from (one for (one,) in self._read(chosen.where(NODES.c.idx >= first, NODES.c.idx < last)))

    def checkpoints(self) -> tuple[str, ...]:
        """See the port."""
        with transaction(self._engine) as session:
            return tuple(session.scalars(select(AuditCheckpointRow.note).order_by(AuditCheckpointRow.number)))

    def _read(self, chosen: Select[Any]) -> Sequence[Row[Any]]:
        """Read rows."""
        with transaction(self._engine) as session:
            return session.connection().execute(chosen).all()

    def _opened(self, rows: Sequence[Row[Any]]) -> list[bytes]:
        """Open entries, each a row of its index and what was sealed.

        Raises:
            IntegrityError: code `sealed-damaged`.
        """
        return self._keyring.open_many(
            HOME, [row.body for row in rows], records=[str(row.idx) for row in rows], column=LOG_ENTRY
        )

    def _store(self, session: Session, growth: Growth) -> None:
        """Write what a growth gives."""
        connection = session.connection()
        places = range(growth.first, growth.first + len(growth.bodies))
        sealed = self._keyring.seal_many(HOME, growth.bodies, records=list(map(str, places)), column=LOG_ENTRY)
        connection.execute(ADD_ENTRIES, [{"idx": at, "body": body} for at, body in zip(places, sealed, strict=True)])
        nodes = [
            {"level": level, "idx": place, "hash": one}
            for level, hashes in enumerate(growth.nodes)
            for place, one in enumerate(hashes, growth.first >> level)
        ]
        connection.execute(ADD_NODES, nodes)
        head = growth.head
        connection.execute(MOVE_HEAD, {"size": head.size, "peaks": head.peaks, "note": head.note})


def stored_head(engine: Engine) -> Head:
    """Return a log's newest state, for which no key is needed."""
    with transaction(engine) as session:
        return _head(session)


def has_log(engine: Engine) -> bool:
    """Say whether a database has the tables of a log."""
    with transaction(engine) as session:
        return inspect(session.connection()).has_table(HEAD.name)


def _head(session: Session) -> Head:
    """Read the log's newest state."""
    row = session.connection().execute(READ_HEAD).one_or_none()
    if row is None:
        raise audit_damaged("its head is gone")
    head = Head(*row)
    return EMPTY if head == EMPTY else head
