"""Who looks after what: the policy is asked about the very source that something is done to, or to something in it."""

from collections.abc import Callable, Collection
from datetime import datetime

from countenance.access.permission import Asks, Permission
from countenance.core.clock import utc_now
from countenance.core.errors import NotFoundError
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.erasure import Erased, ErasureRecords
from countenance.gallery.model import Source
from countenance.gallery.ports import Records
from countenance.policy.model import SYSTEM, Actor
from countenance.policy.request import ON_A_SOURCE, Action, Request
from countenance.policy.service import Policy
from countenance.search.permission import source_facts

MANAGE_SOURCE = Asks(Action.MANAGE_SOURCE)


class Custody:
    """Asks whether somebody may look after a source. Thread-safe.

    The installation itself (`SYSTEM`) may look after all of them.
    """

    def __init__(
        self,
        policy: Callable[[], Policy],
        permission: Permission,
        records: Records,
        erasures: ErasureRecords,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Keep the parts.

        Args:
            policy: Returns the policy in force; what it raises means that nothing is permitted.
            permission: Asks it, and puts refusals in the audit log.
            records: Knows the sources.
            erasures: Knows what belongs to which source, what was erased too.
            clock: Says what time it is.
        """
        self._policy = policy
        self._permission = permission
        self._records = records
        self._erasures = erasures
        self._clock = clock

    def require(self, asks: Asks, *, actor: Actor, about: str | Erased | None = None) -> None:
        """Go on only where the policy permits it.

        Args:
            asks: What is asked.
            actor: Who asks.
            about: The source that it is about, by its name, or what is to be erased; None where it is about no
                certain source.

        Raises:
            NotPermittedError: code `not-permitted`, with every reason; the audit log says so.
            NotFoundError: codes `source-unknown`, `subject-unknown`, `image-unknown`, `face-unknown`.
            UnavailableError: code `audit-unwritable`; nothing may be done.
        """
        source = None
        if about is not None:
            if asks.action not in ON_A_SOURCE:
                # Who may do this to no source at all learns that, not what there is.
                self._permission.require(Asks(asks.action), actor=actor)
            source = source_facts(self._source(about))
        self._permission.require(asks, actor=actor, source=source)

    def require_subjects(self, subject_ids: Collection[str], *, actor: Actor) -> None:
        """Go on only where the actor may look after every source that one of these subjects is in, or was erased from.

        A subject that there is not belongs to no source.

        Raises:
            NotPermittedError, UnavailableError: as `require`.
        """
        if actor is SYSTEM:
            return
        found: dict[str, Source] = {}
        for subject_id in subject_ids:
            try:
                source = self._source(Erased(DestructionKind.SUBJECT_ERASED, subject_id))
            except NotFoundError:
                continue
            found[source.source_id] = source
        for source in found.values():
            self.require(MANAGE_SOURCE, actor=actor, about=source.name)

    def looked_after(self, actor: Actor) -> frozenset[str] | None:
        """Return the ids of the sources that the actor may look after; None where these are all."""
        if actor is SYSTEM:
            return None
        at = self._clock()
        facts = [source_facts(one.source) for one in self._records.sources()]
        asked = [Request(action=Action.MANAGE_SOURCE, actor=actor, at=at, source=one) for one in (None, *facts)]
        anywhere, *decisions = self._policy().decide_all(asked)
        allowed = (one.source_id for one, made in zip(facts, decisions, strict=True) if made.allowed)
        return frozenset(allowed) if anywhere.allowed else frozenset()

    def _source(self, about: str | Erased) -> Source:
        """Return the source that something is about.

        Raises:
            NotFoundError: as `require`.
        """
        if isinstance(about, str):
            return self._records.source(about)
        begun = self._erasures.find(about)
        if begun is not None and begun.source is not None:
            return self._records.source(begun.source.name)
        return self._erasures.extent(about).source
