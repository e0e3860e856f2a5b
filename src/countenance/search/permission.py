"""Asking the policy for a search: whether it may be made at all, and which sources it may look at.

Steps, in one transaction that other searches of the organisation wait for:

1. The case, the quotas' use and what else is on record of whoever asks are read.
2. The search and every active source are decided on, in one batch.
3. A search that is permitted is counted; one that is refused is put in the audit log with every rule that refused it.

Only then is anything scanned or said. A permitted search stands in the log with its answer, which nobody sees before.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from countenance.audit.model import Entry, Outcome
from countenance.core.clock import utc_now
from countenance.core.errors import NotPermittedError
from countenance.core.ids import new_id
from countenance.gallery.model import Source, SourceState, SourceSummary
from countenance.gallery.ports import Records
from countenance.policy.decision import Decision
from countenance.policy.model import Actor
from countenance.policy.pack import Quota
from countenance.policy.ports import Lists
from countenance.policy.request import Action, Approval, CaseFacts, QuotaFacts, Request, SearchFacts, SourceFacts
from countenance.policy.service import Policy
from countenance.search.approval import EMERGENCY, ApprovalRequest, ApprovalState
from countenance.search.model import SearchRequest

APPROVAL_RULE = "core-approval"
"""A search that this rule alone is against waits for a supervisor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is on record that a search is decided on.

    Attributes:
        revision: The gallery's.
        case_id: The case's id; None where the actor's organisation has none of this reference.
        approval_id: Of the approval, where there is one that was not used.
        overdue: Emergencies of the actor that nobody decided on in time.
    """

    revision: int
    case_id: str | None
    case: CaseFacts
    quota: QuotaFacts
    approval_id: str | None = None
    approval: Approval | None = None
    overdue: int = 0


class Reservation(Protocol):
    """One transaction in which a search is decided on."""

    def standing(self, actor: Actor, case: str, *, request_hash: str, quota: Quota, at: datetime) -> Standing:
        """Return what is on record, with the quota's limits."""

    def reserve(
        self, search_id: str, *, actor: Actor, case_id: str, at: datetime, approval_id: str | None = None
    ) -> None:
        """Count a search that is permitted, keep whose it is, and use up its approval."""

    def ask(self, asked: ApprovalRequest) -> str:
        """Put a request for approval on record, unless the same one waits already; returns its id."""

    def refuse(self, entry: Entry) -> None:
        """Put a refusal in the audit log; the last thing that the transaction does.

        Raises:
            UnavailableError: code `audit-unwritable`; nothing was written.
        """


class SearchLedger(Protocol):
    """Where permitted searches are counted. Thread-safe."""

    def deciding(self) -> AbstractContextManager[Reservation]:
        """Open a transaction; whoever else would write waits for its end."""

    def release(self, search_id: str) -> None:
        """Forget a permitted search that was not answered, so that it counts no more."""

    def owner(self, search_id: str) -> str | None:
        """Return the id of the organisation whose search it was; None where nobody's is on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """What a search may look at.

    Attributes:
        sources: Ids of the sources that may be scanned.
        subjects: How many people these hold.
        templates: How many templates these people have.
        barred: Subjects of active sources that may not be.
        approve_by: Of an emergency: until when a supervisor has to approve it.
        facts: What the audit log says of the decision.
    """

    sources: tuple[str, ...]
    subjects: int
    templates: int
    barred: int
    facts: dict[str, Any]
    approve_by: datetime | None = None


class Permits(Protocol):
    """Decides on searches."""

    def permit(self, request: SearchRequest, search_id: str) -> Permitted:
        """Decide on a search and count it where it is permitted.

        Raises:
            NotPermittedError: code `not-permitted`, with every reason; the audit log has it.
            UnavailableError: codes `audit-unwritable`, `records-unavailable`; nothing may be searched.
        """

    def release(self, search_id: str) -> None:
        """Forget a permitted search that was not answered, so that it counts no more."""


class SearchPermits:
    """Implements `Permits` by the policy in force. Thread-safe."""

    def __init__(
        self,
        policy: Callable[[], Policy],
        ledger: SearchLedger,
        records: Records,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Keep the parts.

        Args:
            policy: Returns the policy in force; what it raises means that nothing is permitted.
            ledger: Where searches are counted.
            records: Knows the sources.
            clock: Says what time it is.
        """
        self._policy = policy
        self._ledger = ledger
        self._records = records
        self._clock = clock
        self._known: tuple[int, tuple[SourceSummary, ...]] = (-1, ())

    def permit(self, request: SearchRequest, search_id: str) -> Permitted:
        """See the port."""
        policy, actor, at = self._policy(), request.actor, self._clock()
        digest, waiting = request_hash(request), None
        approve_by = at + EMERGENCY if request.emergency else None
        with self._ledger.deciding() as change:
            standing = change.standing(actor, request.case, request_hash=digest, quota=policy.quota(at.date()), at=at)
            active = self._active(standing.revision)
            search = facts_of(request, standing, digest)
            asked = Request(action=Action.SEARCH, actor=actor, at=at, search=search)
            by_source = [
                Request(
                    action=Action.SEARCH_SOURCE, actor=actor, at=at, search=search, source=source_facts(summary.source)
                )
                for summary in active
            ]
            decision, *others = policy.decide_all([asked, *by_source])
            facts = decision_facts(search, standing.case_id, decision, policy.lists(at.date()))
            if decision.allowed and standing.case_id is not None:
                used = None if request.emergency else standing.approval_id
                change.reserve(search_id, actor=actor, case_id=standing.case_id, at=at, approval_id=used)
                if approve_by is not None:
                    change.ask(asking(request, standing, digest, at=at, search_id=search_id, due_at=approve_by))
            else:
                if [reason.rule_id for reason in decision.reasons] == [APPROVAL_RULE]:
                    waiting = change.ask(asking(request, standing, digest, at=at))
                    facts["approval"] = waiting
                refused = {**facts, "code": "not-permitted"}
                change.refuse(Entry(action="search", outcome=Outcome.REFUSED, actor=actor, facts=refused))
        if waiting is not None:
            raise waits(decision, waiting)
        decision.require()
        return replace(_permitted(active, others, facts), approve_by=approve_by)

    def release(self, search_id: str) -> None:
        """See the port."""
        self._ledger.release(search_id)

    def _active(self, revision: int) -> tuple[SourceSummary, ...]:
        """Return the active sources; read anew when the gallery has changed."""
        known, summaries = self._known
        if known != revision:
            summaries = tuple(one for one in self._records.sources() if one.source.state is SourceState.ACTIVE)
            self._known = (revision, summaries)
        return summaries


def request_hash(request: SearchRequest) -> str:
    """Return the hex SHA-256 of what is searched with, what for, and by whom: what an approval is bound to."""
    photographs = [(request.image, request.face), *((one.image, one.face) for one in request.further)]
    document = {
        "v": 1,
        "user": request.actor.user_id,
        "organisation": request.actor.org_id,
        "photographs": [[hashlib.sha256(image).hexdigest(), face] for image, face in photographs],
        "case": request.case.strip(),
        "purpose": request.purpose.strip(),
        "offence": request.offence,
        "kind": request.kind.value,
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def asking(
    request: SearchRequest,
    standing: Standing,
    digest: str,
    *,
    at: datetime,
    search_id: str | None = None,
    due_at: datetime | None = None,
) -> ApprovalRequest:
    """Return a new request for approval of a search."""
    return ApprovalRequest(
        approval_id=new_id(),
        org_id=request.actor.org_id,
        user_id=request.actor.user_id,
        request_hash=digest,
        state=ApprovalState.WAITING,
        asked_at=at,
        case=request.case.strip(),
        case_id=standing.case_id or "",
        purpose=request.purpose.strip(),
        offence=request.offence,
        kind=request.kind.value,
        search_id=search_id,
        due_at=due_at,
    )


def waits(decision: Decision, approval_id: str) -> NotPermittedError:
    """Return the refusal of a search that a supervisor was asked about."""
    refusal = decision.refusal()
    refusal.hint = (
        f"it waits for a supervisor as {approval_id} (`countenance approval grant`); once it is approved, "
        "make the very same search again within 24 hours"
    )
    return refusal


def facts_of(request: SearchRequest, standing: Standing, digest: str) -> SearchFacts:
    """Return what rules decide on."""
    return SearchFacts(
        purpose=request.purpose.strip(),
        offence=request.offence,
        probe=request.kind,
        case=standing.case,
        quota=standing.quota,
        request_hash=digest,
        approval=standing.approval,
        emergency=request.emergency,
        overdue=standing.overdue,
    )


def source_facts(source: Source) -> SourceFacts:
    """Return what rules decide on about a source."""
    terms = source.terms
    return SourceFacts(
        source_id=source.source_id,
        state=source.state.value,
        legal_basis=source.legal_basis.value,
        sectors=terms.sectors,
        purposes=terms.purposes,
        excluded=terms.excluded,
        releases_required=terms.releases_required,
        keeper=source.keeper,
    )


def decision_facts(search: SearchFacts, case_id: str | None, decision: Decision, lists: Lists) -> dict[str, Any]:
    """Return what the audit log says of a decision; what is no code of a list is somebody's own words, and left out."""
    return {
        "case": case_id or "",
        "purpose": search.purpose if search.purpose in lists.purposes else "",
        "offence": search.offence if search.offence in lists.offences else "",
        "probe": search.probe.value,
        "emergency": search.emergency,
        "request": search.request_hash,
        "rules": [reason.rule_id for reason in decision.reasons],
        "policy": decision.policy_digest,
    }


def _permitted(active: Sequence[SourceSummary], decisions: Sequence[Decision], facts: dict[str, Any]) -> Permitted:
    """Choose the sources that every rule lets pass."""
    chosen = [one for one, decision in zip(active, decisions, strict=True) if decision.allowed]
    barred = sum(one.subjects for one, decision in zip(active, decisions, strict=True) if not decision.allowed)
    return Permitted(
        sources=tuple(one.source.source_id for one in chosen),
        subjects=sum(one.subjects for one in chosen),
        templates=sum(one.templates for one in chosen),
        barred=barred,
        facts=facts,
    )
