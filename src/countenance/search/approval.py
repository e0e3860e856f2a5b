"""Searches that a supervisor has to approve: before they are made, or within 48 hours of an emergency.

An approval is of exactly one search: the request's hash names the person, the photographs, the case, the purpose, the
offence and the kind. It counts once, and for a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from countenance.audit.model import Entry, Outcome
from countenance.core.errors import ConflictError, InvalidInputError, NotPermittedError
from countenance.policy.model import Actor

LASTS = timedelta(hours=24)
"""How long an approval that was given may be used."""

EMERGENCY = timedelta(hours=48)
"""How long an emergency search may go without an approval before its answer is shown to nobody."""

QUARANTINE = timedelta(days=7)
"""How long such an answer is still kept, in case a supervisor decides after all; then it is deleted."""

LONGEST_REASON = 500


class ApprovalState(StrEnum):
    """What has become of a request for approval."""

    WAITING = "waiting"
    GRANTED = "granted"
    USED = "used"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """Something that a supervisor decides on.

    Attributes:
        user_id: Who wants to search, or did.
        case: The case's reference.
        request_hash: Hex SHA-256 of the search (`search.permission.request_hash`).
        until: Until when a granted one may be used; None before.
        search_id: The search that it was used for, or that was made in an emergency.
        due_at: Of an emergency: until when it has to be approved.
        decided_by: A user id.
        signature: What the supervisor's passkey gave over the hash; None where it was decided without one.
        quarantined_at: When the answer went out of sight.
        deleted_at: When the answer was deleted.
    """

    approval_id: str
    org_id: str
    user_id: str
    request_hash: str
    state: ApprovalState
    asked_at: datetime
    case: str
    case_id: str
    purpose: str
    offence: str
    kind: str
    until: datetime | None = None
    search_id: str | None = None
    due_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""
    signature: Mapping[str, Any] | None = None
    quarantined_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def emergency(self) -> bool:
        """Whether the search was made before anybody approved it."""
        return self.due_at is not None

    def overdue(self, at: datetime) -> bool:
        """Return whether it is an emergency that nobody decided on in time."""
        return self.state is ApprovalState.WAITING and self.due_at is not None and at >= self.due_at


class ApprovalRegister(Protocol):
    """Where requests for approval are kept. Each call is one transaction, with its entry in the audit log."""

    def approvals(self, org_id: str) -> tuple[ApprovalRequest, ...]:
        """Return an organisation's requests, newest first."""

    def approval(self, org_id: str, approval_id: str) -> ApprovalRequest:
        """Return one.

        Raises:
            NotFoundError: code `approval-unknown`: there is none, or it is another organisation's.
        """

    def of_search(self, search_id: str) -> ApprovalRequest | None:
        """Return the one that a search was approved by, or waits for."""

    def decide(self, decided: ApprovalRequest, entry: Entry) -> None:
        """Put a decision on record; the answer of an emergency that was refused is deleted with it.

        Raises:
            ConflictError: code `approval-decided`, somebody was faster; nothing was written.
        """

    def sweep(self, at: datetime, *, deletes_before: datetime) -> tuple[ApprovalRequest, ...]:
        """Put emergencies that were due out of sight, and delete the answers of those that were due long ago.

        Returns:
            Those that something was done with, as they are now.
        """


def decided(
    asked: ApprovalRequest,
    *,
    grant: bool,
    reason: str,
    actor: Actor,
    at: datetime,
    signature: Mapping[str, Any] | None = None,
) -> tuple[ApprovalRequest, Entry]:
    """Return a request as a supervisor decided it, and what the audit log says.

    Raises:
        NotPermittedError: code `approval-own`.
        InvalidInputError: code `reason-invalid`.
        ConflictError: code `approval-decided`.
    """
    words = reason.strip()
    if asked.user_id == actor.user_id:
        raise NotPermittedError(
            "nobody approves a search of their own", code="approval-own", hint="another supervisor has to decide"
        )
    if not words or len(words) > LONGEST_REASON or not words.isprintable():
        raise InvalidInputError(
            f"a decision needs a reason of 1 to {LONGEST_REASON} printable characters",
            code="reason-invalid",
            hint="say why, in a sentence",
        )
    if asked.state is not ApprovalState.WAITING:
        raise ConflictError(
            f"it is {asked.state.value} already", code="approval-decided", hint="see `countenance approval list`"
        )
    state = ApprovalState.REFUSED
    if grant:
        state = ApprovalState.USED if asked.emergency else ApprovalState.GRANTED
    made = replace(
        asked,
        state=state,
        until=at + LASTS if state is ApprovalState.GRANTED else None,
        decided_at=at,
        decided_by=actor.user_id,
        reason=words,
        signature=signature,
    )
    facts = {
        "approval": asked.approval_id,
        "request": asked.request_hash,
        "search": asked.search_id,
        "granted": grant,
        "emergency": asked.emergency,
        "signature": signature and dict(signature),
    }
    return made, Entry(action="approval-decide", outcome=Outcome.DONE, actor=actor, facts=facts)


def swept(one: ApprovalRequest, *, actor: Actor) -> Entry:
    """Say what became of the answer of an emergency that nobody approved."""
    action = "emergency-quarantine" if one.deleted_at is None else "emergency-delete"
    facts = {"approval": one.approval_id, "search": one.search_id}
    return Entry(action=action, outcome=Outcome.DONE, actor=actor, facts=facts)


def approval_json(one: ApprovalRequest) -> dict[str, Any]:
    """Return a request as plain JSON types."""
    times = ("asked_at", "until", "due_at", "decided_at", "quarantined_at", "deleted_at")
    stamps = {name: value and value.isoformat() for name in times for value in [getattr(one, name)]}
    return {
        "approval_id": one.approval_id,
        "state": one.state.value,
        "emergency": one.emergency,
        "user_id": one.user_id,
        "case": one.case,
        "purpose": one.purpose,
        "offence": one.offence,
        "kind": one.kind,
        "request": one.request_hash,
        "search_id": one.search_id,
        **stamps,
        "decided_by": one.decided_by,
        "reason": one.reason,
        "signed": one.signature is not None,
    }
