"""Asking the policy for everything that is not a search, and putting what it says in the audit log."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from countenance.audit.model import Entry, Outcome
from countenance.audit.ports import AuditLog
from countenance.core.clock import utc_now
from countenance.policy.model import Actor
from countenance.policy.request import Action, Request, SourceFacts
from countenance.policy.service import Policy


@dataclass(frozen=True, slots=True)
class Asks:
    """A route or command that asks the policy before it does anything.

    Attributes:
        action: What is asked.
        also: What has to be permitted beside it.
        entry: Whether a permission has an entry of its own: where what is done then leaves none.
    """

    action: Action
    entry: bool = False
    also: Action | None = None

    @property
    def actions(self) -> tuple[Action, ...]:
        """All that is asked."""
        return (self.action,) if self.also is None else (self.action, self.also)


class Exempt(StrEnum):
    """Why a route or command does not ask the policy.

    PUBLIC shows nothing that is kept: it checks proofs and signatures, or says what rules say. OWN is about whoever
    asks alone: signing in, passwords, keys, sessions. HOST is for whoever runs the machine, who could as well read
    every file: init, doctor. SEARCH asks more than this, in `search.permission`.
    """

    PUBLIC = "public"
    OWN = "own"
    HOST = "host"
    SEARCH = "search"


class Permission:
    """Asks the policy in force. Thread-safe."""

    def __init__(
        self, policy: Callable[[], Policy], audit: AuditLog, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Keep the parts.

        Args:
            policy: Returns the policy in force; what it raises means that nothing is permitted.
            audit: Takes what was refused, and what leaves no other entry.
            clock: Says what time it is.
        """
        self._policy = policy
        self._audit = audit
        self._clock = clock

    def require(self, asks: Asks, *, actor: Actor, source: SourceFacts | None = None) -> None:
        """Go on only where the policy permits it.

        Raises:
            NotPermittedError: code `not-permitted`, with every reason; the audit log says so.
            UnavailableError: code `audit-unwritable`; nothing may be done.
        """
        at = self._clock()
        requests = [Request(action=action, actor=actor, at=at, source=source) for action in asks.actions]
        decisions = self._policy().decide_all(requests)
        facts = {} if source is None else {"source": source.source_id}
        for decision in decisions:
            if not decision.allowed:
                facts_of_refusal = {**facts, "code": "not-permitted", **decision.facts()}
                self._record(decision.action, Outcome.REFUSED, actor, facts_of_refusal)
                raise decision.refusal()
        if asks.entry:
            self._record(asks.action, Outcome.DONE, actor, {**facts, **decisions[0].facts()})

    def _record(self, action: Action, outcome: Outcome, actor: Actor, facts: dict[str, object]) -> None:
        """Put a decision in the log."""
        self._audit.record(Entry(action=action.value, outcome=outcome, actor=actor, facts=facts))
