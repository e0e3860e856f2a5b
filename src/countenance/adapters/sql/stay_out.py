"""People who asked not to be enrolled, in SQL, behind the gallery's port."""

from datetime import date

import numpy as np
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import WRITER, empty_log, slices, transaction
from countenance.adapters.sql.sealing import VECTOR
from countenance.adapters.sql.stay_out_models import StayOutRow
from countenance.adapters.sql.tombstones import note_destroyed
from countenance.audit.model import Acting, Entry, Outcome
from countenance.core.arrays import Templates
from countenance.core.clock import utc_now
from countenance.core.errors import NotFoundError
from countenance.gallery.stay_out import StayOutEntry, StayOuts, of_another_pack
from countenance.keys.model import KeyState, case_scope
from countenance.keys.ports import Keyring

COLUMN = "stay_out.vector"


class SqlStayOutList:
    """Implements `StayOutList` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, keyring: Keyring, audit: SqlAuditLog) -> None:
        """Keep the engine, the keyring, and the log in the same database; the schema must be up to date."""
        self._engine = engine
        self._writer = engine.execution_options(**{WRITER: True})
        self._keyring = keyring
        self._audit = audit
        self._opened: dict[str, Templates] = {}

    def propose(
        self, entry: StayOutEntry, template: Templates, *, pack_digest: str, document_sha256: str, actor: Acting
    ) -> None:
        """See the port."""
        vector = self._keyring.seal(
            _scope(entry.entry_id), template.astype(VECTOR).tobytes(), record=entry.entry_id, column=COLUMN
        )
        with transaction(self._writer) as session:
            session.add(
                StayOutRow(
                    entry_id=entry.entry_id,
                    pack_digest=pack_digest,
                    ends_on=entry.ends_on.isoformat(),
                    threshold=entry.threshold,
                    since=entry.since,
                    vector=vector,
                )
            )
            facts = {"ends_on": entry.ends_on.isoformat(), "document_sha256": document_sha256}
            self._record(session, "stay-out-propose", entry.entry_id, actor, **facts)

    def enforce(self, entry_id: str, *, actor: Acting) -> Templates:
        """See the port."""
        with transaction(self._writer) as session:
            row = session.scalar(select(StayOutRow).where(StayOutRow.entry_id == entry_id))
            if row is None:
                raise stay_out_unknown()
            if row.since is None:
                row.since = utc_now()
                self._record(session, "stay-out-enforce", entry_id, actor)
            return self._template(row)

    def end(self, entry_id: str, *, actor: Acting) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            row = session.scalar(select(StayOutRow).where(StayOutRow.entry_id == entry_id))
            if row is not None:
                session.execute(delete(StayOutRow).where(StayOutRow.number == row.number))
                self._record(session, "stay-out-end", entry_id, actor)
            note_destroyed(session, _scope(entry_id))
        self._keyring.destroy(_scope(entry_id), reason="stay-out entry over")
        # Where others read just now, it stays on disk for a while, sealed under a key that there is no more.
        empty_log(self._engine)

    def entries(self) -> tuple[StayOutEntry, ...]:
        """See the port; one whose key was destroyed came back with an old backup, and is none."""
        with transaction(self._engine) as session:
            return tuple(
                StayOutEntry(
                    entry_id=row.entry_id,
                    ends_on=date.fromisoformat(row.ends_on),
                    since=row.since,
                    threshold=row.threshold,
                )
                for row in session.scalars(select(StayOutRow).order_by(StayOutRow.number))
                if self._is_there(row)
            )

    def in_force(self, today: date, *, pack_digest: str) -> StayOuts:
        """See the port; a template is opened once, and kept in memory for as long as its entry is in force."""
        chosen = select(StayOutRow.entry_id, StayOutRow.pack_digest, StayOutRow.threshold).where(
            StayOutRow.since.is_not(None), StayOutRow.ends_on >= today.isoformat()
        )
        destroyed = self._keyring.destroyed()
        with transaction(self._engine) as session:
            rows = [row for row in session.execute(chosen).all() if _scope(row.entry_id) not in destroyed]
            if any(row.pack_digest != pack_digest for row in rows):
                raise of_another_pack()
            new = [row.entry_id for row in rows if row.entry_id not in self._opened]
            opened = self._opened | {
                row.entry_id: self._template(row)
                for part in slices(new)
                for row in session.scalars(select(StayOutRow).where(StayOutRow.entry_id.in_(part)))
            }
        self._opened = {row.entry_id: opened[row.entry_id] for row in rows}
        if not rows:
            return StayOuts()
        return StayOuts(
            templates=np.stack(list(self._opened.values())), thresholds=np.array([row.threshold for row in rows])
        )

    def _is_there(self, row: StayOutRow) -> bool:
        """Say whether an entry's key is there: a row that an old backup brought back has none."""
        return self._keyring.state(_scope(row.entry_id)) is not KeyState.DESTROYED

    def _template(self, row: StayOutRow) -> Templates:
        """Open an entry's template."""
        vector = self._keyring.open(_scope(row.entry_id), row.vector, record=row.entry_id, column=COLUMN)
        return np.frombuffer(vector, dtype=VECTOR).astype(np.float32)

    def _record(self, session: Session, action: str, entry_id: str, actor: Acting, **facts: str) -> None:
        """Say in the audit log what was done; whose entry it is is left out."""
        entry = Entry(action=action, outcome=Outcome.DONE, actor=actor, facts={"entry": entry_id, **facts})
        self._audit.append(session, entry)


def stay_out_unknown() -> NotFoundError:
    """Return the error for an entry that there is not."""
    return NotFoundError(
        "there is no such entry", code="stay-out-unknown", hint="see `countenance rights stay-out list`"
    )


def _scope(entry_id: str) -> str:
    """Return the scope of an entry's key."""
    return case_scope(f"stay-out-{entry_id}")
