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
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from countenance.audit.model import Entry, Outcome
from countenance.core.clock import utc_now
from countenance.gallery.model import Source, SourceState, SourceSummary
from countenance.gallery.ports import Records
from countenance.policy.decision import Decision
from countenance.policy.model import Actor
from countenance.policy.pack import Quota
from countenance.policy.ports import Lists
from countenance.policy.request import Action, CaseFacts, QuotaFacts, Request, SearchFacts, SourceFacts
from countenance.policy.service import Policy
from countenance.search.model import SearchRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is on record that a search is decided on.

    Attributes:
        case_id: The case's id; None where the actor's organisation has none of this reference.
    """

    case_id: str | None
    case: CaseFacts
    quota: QuotaFacts


class Reservation(Protocol):
    """One transaction in which a search is decided on."""

    def standing(self, actor: Actor, case: str, *, quota: Quota, at: datetime) -> Standing:
        """Return what is on record, with the quota's limits."""

    def reserve(self, search_id: str, *, actor: Actor, case_id: str, at: datetime) -> None:
        """Count a search that is permitted, and keep whose it is."""

    def refuse(self, entry: Entry) -> None:
        """Put a refusal in the audit log; the last thing that the transaction does.

        Raises:
            UnavailableError: code `audit-unwritable`; nothing was written.
        """


class SearchLedger(Protocol):
    """Where permitted searches are counted. Thread-safe."""

    def deciding(self, actor: Actor) -> AbstractContextManager[Reservation]:
        """Open a transaction; others of the actor's organisation wait for its end."""

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
        barred: Templates of active sources that may not be.
        facts: What the audit log says of the decision.
    """

    sources: tuple[str, ...]
    subjects: int
    barred: int
    facts: dict[str, Any]


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
        active = self._active()
        with self._ledger.deciding(actor) as change:
            standing = change.standing(actor, request.case, quota=policy.quota(at.date()), at=at)
            search = facts_of(request, standing)
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
                change.reserve(search_id, actor=actor, case_id=standing.case_id, at=at)
            else:
                refused = {**facts, "code": "not-permitted"}
                change.refuse(Entry(action="search", outcome=Outcome.REFUSED, actor=actor, facts=refused))
        decision.require()
        return _permitted(active, others, facts)

    def release(self, search_id: str) -> None:
        """See the port."""
        self._ledger.release(search_id)

    def _active(self) -> tuple[SourceSummary, ...]:
        """Return the active sources; read anew when the gallery has changed."""
        revision = self._records.snapshot().revision
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


def facts_of(request: SearchRequest, standing: Standing) -> SearchFacts:
    """Return what rules decide on."""
    return SearchFacts(
        purpose=request.purpose.strip(),
        offence=request.offence,
        probe=request.kind,
        case=standing.case,
        quota=standing.quota,
        request_hash=request_hash(request),
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
    )


def decision_facts(search: SearchFacts, case_id: str | None, decision: Decision, lists: Lists) -> dict[str, Any]:
    """Return what the audit log says of a decision; what is no code of a list is somebody's own words, and left out."""
    return {
        "case": case_id or "",
        "purpose": search.purpose if search.purpose in lists.purposes else "",
        "offence": search.offence if search.offence in lists.offences else "",
        "probe": search.probe.value,
        "request": search.request_hash,
        "rules": [reason.rule_id for reason in decision.reasons],
        "policy": decision.policy_digest,
    }


def _permitted(active: Sequence[SourceSummary], decisions: Sequence[Decision], facts: dict[str, Any]) -> Permitted:
    """Choose the sources that every rule lets pass."""
    chosen = [one for one, decision in zip(active, decisions, strict=True) if decision.allowed]
    barred = sum(one.templates for one, decision in zip(active, decisions, strict=True) if not decision.allowed)
    return Permitted(
        sources=tuple(one.source.source_id for one in chosen),
        subjects=sum(one.subjects for one in chosen),
        barred=barred,
        facts=facts,
    )
