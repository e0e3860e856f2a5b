"""Rights requests in SQL, behind their port: each sealed under a key of its own."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import WRITER, transaction
from countenance.adapters.sql.request_models import RightsRequestRow
from countenance.adapters.sql.tombstones import note_destroyed
from countenance.audit.model import Acting, Entry, Outcome
from countenance.core.errors import ConflictError, NotFoundError
from countenance.keys.documents import open_document, seal_document
from countenance.keys.model import KeyState, case_scope
from countenance.keys.ports import Keyring
from countenance.rights.model import (
    Consent,
    Decision,
    FoundSubject,
    Holding,
    RequestKind,
    RequestState,
    RightsRequest,
    Step,
)
from countenance.rights.rendering import request_json

COLUMN = "rights_request.entry"


class SqlRequests:
    """Implements `RequestRegister` over one database. Thread-safe: each call has its own session."""

    def __init__(self, engine: Engine, keyring: Keyring, audit: SqlAuditLog) -> None:
        """Keep the engine, the keyring, and the log in the same database; the schema must be up to date."""
        self._engine = engine
        self._writer = engine.execution_options(**{WRITER: True})
        self._keyring = keyring
        self._audit = audit

    def add(self, request: RightsRequest, *, actor: Acting) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            session.add(
                RightsRequestRow(
                    request_id=request.request_id,
                    kind=request.kind.value,
                    state=request.state.value,
                    received_on=request.received_on.isoformat(),
                    due_on=request.due_on.isoformat(),
                    version=request.version,
                    entry=self._sealed(request),
                )
            )
            self._record(session, request, action="rights-received", actor=actor)

    def request(self, request_id: str) -> RightsRequest:
        """See the port."""
        with transaction(self._engine) as session:
            return self._opened(_row(session, request_id))

    def requests(self) -> tuple[RightsRequest, ...]:
        """See the port."""
        chosen = select(RightsRequestRow).where(RightsRequestRow.entry != b"")
        chosen = chosen.order_by(RightsRequestRow.due_on, RightsRequestRow.number)
        with transaction(self._engine) as session:
            return tuple(map(self._opened, session.scalars(chosen)))

    def closed(self, before: date) -> tuple[str, ...]:
        """See the port."""
        chosen = select(RightsRequestRow).where(RightsRequestRow.closed_on < before.isoformat())
        with transaction(self._engine) as session:
            return tuple(
                row.request_id
                for row in session.scalars(chosen.order_by(RightsRequestRow.number))
                if row.entry or self._keyring.state(_scope(row.request_id)) is not KeyState.DESTROYED
            )

    def forget(self, request_id: str, *, actor: Acting) -> None:
        """See the port."""
        with transaction(self._writer) as session:
            row = session.scalars(select(RightsRequestRow).where(RightsRequestRow.request_id == request_id)).one()
            if row.entry:
                row.entry = b""
                facts = {"request": request_id, "kind": row.kind, "state": row.state}
                entry = Entry(action="rights-forgotten", outcome=Outcome.DONE, actor=actor, facts=facts)
                self._audit.append(session, entry)
            note_destroyed(session, _scope(request_id))
        self._keyring.destroy(_scope(request_id), reason="request over")

    def save(self, request: RightsRequest, *, action: str, actor: Acting) -> RightsRequest:
        """See the port."""
        with transaction(self._writer) as session:
            row = _row(session, request.request_id)
            if row.version != request.version:
                raise ConflictError(
                    "somebody else changed the request meanwhile",
                    code="request-changed-meanwhile",
                    hint="look at it again: `countenance rights show`",
                )
            saved = replace(request, version=request.version + 1)
            row.version, row.state, row.entry = saved.version, saved.state.value, self._sealed(saved)
            row.closed_on = saved.steps[-1].at.date().isoformat() if saved.state is RequestState.CLOSED else None
            self._record(session, saved, action=action, actor=actor)
            return saved

    def _record(self, session: Session, request: RightsRequest, *, action: str, actor: Acting) -> None:
        """Say in the audit log what was done; whose request it is is left out."""
        facts = {"request": request.request_id, "kind": request.kind.value, "state": request.state.value}
        self._audit.append(session, Entry(action=action, outcome=Outcome.DONE, actor=actor, facts=facts))

    def _sealed(self, request: RightsRequest) -> bytes:
        """Seal a request under its own key."""
        facts = request_json(request, today=request.received_on)
        return seal_document(self._keyring, _scope(request.request_id), facts, record=request.request_id, column=COLUMN)

    def _opened(self, row: RightsRequestRow) -> RightsRequest:
        """Return the request of a row."""
        facts = open_document(self._keyring, _scope(row.request_id), row.entry, record=row.request_id, column=COLUMN)
        return RightsRequest(
            request_id=row.request_id,
            kind=RequestKind(row.kind),
            state=RequestState(row.state),
            received_on=date.fromisoformat(row.received_on),
            due_on=date.fromisoformat(row.due_on),
            name=facts["name"],
            contact=facts["contact"],
            steps=tuple(
                Step(**one | {"at": datetime.fromisoformat(one["at"]), "state": RequestState(one["state"])})
                for one in facts["steps"]
            ),
            found=tuple(FoundSubject(**one) for one in facts["found"]),
            left_out=facts.get("left_out", False),
            decision=_decision(facts["decision"]),
            holdings=tuple(map(_holding, facts["holdings"])),
            certificates=tuple(facts["certificates"]),
            consent=_consent(facts.get("consent")),
            version=row.version,
        )


def _decision(facts: dict[str, Any] | None) -> Decision | None:
    """Return a decision, if there is one."""
    if facts is None:
        return None
    return Decision(**facts | {"subjects": tuple(facts["subjects"]), "at": datetime.fromisoformat(facts["at"])})


def _consent(facts: dict[str, Any] | None) -> Consent | None:
    """Return a consent, if there is one; requests of before there were any have none."""
    return None if facts is None else Consent(**facts | {"ends_on": date.fromisoformat(facts["ends_on"])})


def _holding(facts: dict[str, Any]) -> Holding:
    """Return what is on record of a subject."""
    last_day = facts["last_day"]
    searches = tuple((datetime.fromisoformat(one["at"]), one["search_id"]) for one in facts["searches"])
    return Holding(**facts | {"last_day": last_day and date.fromisoformat(last_day), "searches": searches})


def _scope(request_id: str) -> str:
    """Return the scope of a request's key."""
    return case_scope(f"rights-{request_id}")


def _row(session: Session, request_id: str) -> RightsRequestRow:
    """Return a request's row."""
    row = session.scalar(select(RightsRequestRow).where(RightsRequestRow.request_id == request_id))
    if row is None or not row.entry:
        raise NotFoundError("there is no such request", code="request-unknown", hint="see `countenance rights list`")
    return row
