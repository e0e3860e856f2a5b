"""Looking at who is enrolled, beside searches: whose names, faces and photographs somebody may see.

The policy decides for each source, as it does for searches. What it does not let through is answered as what there is
not: left out of lists, unknown by its id. One thing is shown all the same: what an answer that somebody may read shows,
since it was given to their organisation already.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from countenance.audit.model import Entry, Outcome
from countenance.audit.ports import AuditLog
from countenance.core.clock import utc_now
from countenance.core.errors import NotFoundError, NotPermittedError
from countenance.gallery.model import EnrolledFace, Subject, subject_unknown
from countenance.gallery.ports import Records
from countenance.policy.decision import Decision
from countenance.policy.model import SYSTEM, Actor
from countenance.policy.request import Action, Request, SourceFacts
from countenance.policy.service import Policy
from countenance.search.permission import SearchLedger, source_facts


class Viewing:
    """Shows people what they may look at. Thread-safe.

    The installation itself (`SYSTEM`) sees everything: whoever runs programs on it could as well read its keys.
    """

    def __init__(
        self,
        policy: Callable[[], Policy],
        records: Records,
        ledger: SearchLedger,
        audit: AuditLog,
        *,
        require_shown: Callable[[str], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Keep the parts.

        Args:
            policy: Returns the policy in force; what it raises means that nothing is shown.
            records: Knows the sources and who is enrolled.
            ledger: Knows whose answers are whose.
            audit: Takes what was refused.
            require_shown: Raises NotPermittedError for the answer of an emergency that is out of sight.
            clock: Says what time it is.
        """
        self._policy = policy
        self._records = records
        self._ledger = ledger
        self._audit = audit
        self._require_shown = require_shown
        self._clock = clock
        self._known: tuple[int, Mapping[str, SourceFacts]] = (-1, {})

    def subjects(self, *, actor: Actor, source: str | None = None, limit: int, offset: int = 0) -> tuple[Subject, ...]:
        """Return subjects that the actor may look at, in the order of `Records.subjects`.

        Raises:
            NotFoundError: code `source-unknown`.
        """
        if source is not None:
            self._records.source(source)
        return self._records.subjects(source=source, among=self._sources(actor), limit=limit, offset=offset)

    def subject(self, subject_id: str, *, actor: Actor) -> tuple[Subject, tuple[EnrolledFace, ...]]:
        """Return one subject that the actor may look at, with their enrolled faces, oldest first.

        Raises:
            NotFoundError: code `subject-unknown`; where it was not permitted, the audit log says so.
            UnavailableError: code `audit-unwritable`; nothing was shown.
        """
        subject = self._records.subject(subject_id)
        if actor is not SYSTEM:
            source_id = self._records.source(subject.source).source_id
            decision = self._decide(source_id, actor)
            if not decision.allowed:
                self._refused(source_id, decision, actor)
                raise subject_unknown()
        return subject, self._records.faces_of(subject_id)

    def require(self, target: str, source_id: str, *, actor: Actor, unknown: Callable[[], NotFoundError]) -> None:
        """Go on only where the actor may look at a face or a photograph.

        Args:
            target: Its id.
            source_id: Whose it is.
            actor: Who looks.
            unknown: Returns what is raised where there is none of this id.

        Raises:
            NotFoundError: what `unknown` returns; where it was not permitted, the audit log says so.
            UnavailableError: code `audit-unwritable`; nothing may be shown.
        """
        if actor is SYSTEM:
            return
        decision = self._decide(source_id, actor)
        if not decision.allowed and not self._was_answered(target, actor):
            self._refused(source_id, decision, actor)
            raise unknown()

    def _sources(self, actor: Actor) -> frozenset[str] | None:
        """Return the ids of the sources whose people the actor may look at; None where these are all."""
        if actor is SYSTEM:
            return None
        known, at = self._facts(), self._clock()
        decisions = self._policy().decide_all([_looking(actor, facts, at) for facts in known.values()])
        return frozenset(one for one, decision in zip(known, decisions, strict=True) if decision.allowed)

    def _decide(self, source_id: str, actor: Actor) -> Decision:
        """Decide on one source.

        Raises:
            KeyError: there is none of this id, which the records just named.
        """
        return self._policy().decide(_looking(actor, self._facts()[source_id], self._clock()))

    def _facts(self) -> Mapping[str, SourceFacts]:
        """Return all sources' facts by id; read anew when the gallery has changed."""
        revision, known = self._known
        now = self._records.snapshot().revision
        if now != revision:
            known = {one.source.source_id: source_facts(one.source) for one in self._records.sources()}
            self._known = (now, known)
        return known

    def _was_answered(self, target: str, actor: Actor) -> bool:
        """Return whether an answer that the actor may read shows a face or a photograph."""
        asked = Request(action=Action.VIEW_ANSWER, actor=actor, at=self._clock())
        return self._policy().decide(asked).allowed and any(
            self._ledger.owner(search_id) == actor.org_id and self._in_sight(search_id)
            for search_id in self._records.answers_showing(target)
        )

    def _in_sight(self, search_id: str) -> bool:
        """Return whether an answer is not the one of an emergency that is out of sight."""
        try:
            self._require_shown(search_id)
        except NotPermittedError:
            return False
        return True

    def _refused(self, source_id: str, decision: Decision, actor: Actor) -> None:
        """Put a refusal in the log before anybody sees it."""
        facts = {"source": source_id, "code": "not-permitted", **decision.facts()}
        self._audit.record(Entry(action=Action.VIEW_SUBJECT.value, outcome=Outcome.REFUSED, actor=actor, facts=facts))


def _looking(actor: Actor, facts: SourceFacts, at: datetime) -> Request:
    """Return the question whether somebody may look at a source's people."""
    return Request(action=Action.VIEW_SUBJECT, actor=actor, at=at, source=facts)
