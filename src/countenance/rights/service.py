"""The rights desk: who asks is made sure of, one person decides, another releases.

The photograph that a requester hands over is looked at once, in memory, and not kept. Whom it looks like are
candidates: which of them the requester is, a person decides.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date, datetime

from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from countenance.core.ids import new_id
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.erasure import Erased, Eraser
from countenance.gallery.ports import Records
from countenance.gallery.retention import last_day
from countenance.policy.model import Actor
from countenance.rights.model import (
    WAYS,
    Decision,
    FoundSubject,
    Holding,
    RequestKind,
    RequestState,
    RightsRequest,
    Step,
    month_after,
)
from countenance.rights.ports import RequestRegister

MAX_WORDS = 500
"""Longest name, contact and reason, characters."""

Look = Callable[[bytes, str | None, int | None], tuple[FoundSubject, ...]]
"""Looks for the face of a photograph (its bytes, file name, face number) in everything that is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsDesk:
    """Takes requests through their states. Thread-safe.

    Attributes:
        look: Finds who looks like a photograph; keeps nothing of it.
    """

    register: RequestRegister
    records: Records
    eraser: Eraser
    look: Look

    def receive(
        self, kind: RequestKind, *, name: str, contact: str, received_on: date | None = None, actor: Actor
    ) -> RightsRequest:
        """Put a request on record; the month runs from the day it was received.

        Raises:
            InvalidInputError: codes `request-words-invalid`, `request-date-invalid`; nothing was written.
        """
        now = utc_now()
        day = received_on or now.date()
        if day > now.date():
            raise InvalidInputError(
                "a request can't be received in the future", code="request-date-invalid", hint="name the day it came"
            )
        request = RightsRequest(
            request_id=new_id(),
            kind=kind,
            state=RequestState.RECEIVED,
            received_on=day,
            due_on=month_after(day),
            name=_checked(name),
            contact=_checked(contact),
            steps=(_step(RequestState.RECEIVED, "", actor, now),),
        )
        self.register.add(request, actor=actor)
        return request

    def identify(self, request_id: str, *, how: str, actor: Actor) -> RightsRequest:
        """Keep that the requester showed who they are, and how; no copy of what they showed.

        Raises:
            NotFoundError: code `request-unknown`.
            InvalidInputError: code `request-words-invalid`.
            ConflictError: codes `request-state-forbidden`, `request-changed-meanwhile`. Nothing was written.
        """
        return self._go(self.register.request(request_id), RequestState.IDENTIFIED, how, actor=actor)

    def find(
        self, request_id: str, photograph: bytes, *, filename: str | None, face: int | None, actor: Actor
    ) -> RightsRequest:
        """Look for the requester in everything that is held, suspended sources too. The photograph is not kept.

        Raises:
            NotFoundError, ConflictError: as `identify`; the photograph was not looked at.
            InvalidInputError: the decoder's codes, `face-number-invalid`, `request-photograph-unusable`; nothing was
                written.
        """
        request = self.register.request(request_id)
        _require(request, RequestState.IDENTIFIED)
        found = {one.subject_id: one for one in (*request.found, *self.look(photograph, filename, face))}
        ranked = tuple(sorted(found.values(), key=lambda one: (-one.score, one.subject_id)))
        return self.register.save(replace(request, found=ranked), action="rights-find", actor=actor)

    def decide(
        self,
        request_id: str,
        *,
        granted: bool,
        reason: str,
        subjects: Collection[str] = (),
        tells_searches: bool = True,
        actor: Actor,
    ) -> RightsRequest:
        """Decide; nothing is done before another person releases it.

        Args:
            request_id: Which.
            granted: Whether the person gets what they asked for.
            reason: Why; the letter says it.
            subjects: Ids of the subjects who are the requester; none where nobody is.
            tells_searches: Whether the letter names searches that returned them; a law may forbid it.
            actor: Who decides.

        Raises:
            NotFoundError: codes `request-unknown`, `subject-unknown`; nothing was written.
            InvalidInputError, ConflictError: as `identify`.
        """
        request = self.register.request(request_id)
        for subject in subjects:
            self.records.subject(subject)
        decision = Decision(
            granted=granted,
            reason=_checked(reason),
            subjects=tuple(dict.fromkeys(subjects)),
            tells_searches=tells_searches,
            by=actor.user_id,
            at=utc_now(),
        )
        return self._go(replace(request, decision=decision), RequestState.DECIDED, reason, actor=actor)

    def send_back(self, request_id: str, *, reason: str, actor: Actor) -> RightsRequest:
        """Undo a decision that is not released: it has to be taken again.

        Raises:
            NotFoundError, InvalidInputError, ConflictError: as `identify`.
        """
        request = self.register.request(request_id)
        _require(request, RequestState.DECIDED)
        if request.holdings:
            raise ConflictError(
                "its release has begun", code="request-state-forbidden", hint="release it again to finish"
            )
        return self._go(replace(request, decision=None), RequestState.IDENTIFIED, reason, actor=actor)

    def release(self, request_id: str, *, actor: Actor) -> RightsRequest:
        """Do what was decided, and make the letter ready. May be cut short and run again.

        1. Somebody else than who decided releases.
        2. What is on record is written into the request, since an erasure takes it away.
        3. Where that was asked for and granted, the subjects are erased.
        4. The request is released, with the certificates.

        Raises:
            NotFoundError: code `request-unknown`.
            NotPermittedError: code `request-same-person`; nothing was done.
            ConflictError: as `identify`.
            UnavailableError: those of `Eraser.erase`; run it again.
        """
        request = self.register.request(request_id)
        decision = request.decision
        _require(request, RequestState.DECIDED)
        if decision is None or actor.user_id == decision.by:
            raise NotPermittedError(
                "whoever decided a request does not release it",
                code="request-same-person",
                hint="let somebody else look at it and release it",
            )
        if not request.holdings and decision.subjects:
            holdings = tuple(one for subject in decision.subjects for one in self._holding(subject))
            request = self.register.save(replace(request, holdings=holdings), action="rights-prepare", actor=actor)
        if decision.granted and request.kind.erases:
            reason = f"request {request_id}: {request.kind.value}"
            certificates = [
                self.eraser.erase(erased, actor=actor, by=actor.user_id, reason=reason).destruction_id
                for erased in (Erased(DestructionKind.SUBJECT_ERASED, one.subject_id) for one in request.holdings)
            ]
            request = replace(request, certificates=tuple(certificates))
        return self._go(request, RequestState.RELEASED, "", actor=actor)

    def close(self, request_id: str, *, reason: str, actor: Actor) -> RightsRequest:
        """Close a request whose letter was sent, or which ends without a decision.

        Raises:
            NotFoundError, InvalidInputError, ConflictError: as `identify`.
        """
        return self._go(self.register.request(request_id), RequestState.CLOSED, reason, actor=actor)

    def _go(self, request: RightsRequest, after: RequestState, words: str, *, actor: Actor) -> RightsRequest:
        """Put a request into its next state."""
        if after not in WAYS[request.state]:
            raise _forbidden(request, after)
        words = "" if after is RequestState.RELEASED else _checked(words)
        steps = (*request.steps, _step(after, words, actor, utc_now()))
        return self.register.save(
            replace(request, state=after, steps=steps), action=f"rights-{after.value}", actor=actor
        )

    def _holding(self, subject_id: str) -> tuple[Holding, ...]:
        """Return what is on record of a subject; nothing where it went meanwhile."""
        erased = Erased(DestructionKind.SUBJECT_ERASED, subject_id)
        try:
            extent = self.eraser.extent(erased)
            photographs = {one.image_id for one in self.records.faces_of(subject_id)}
        except NotFoundError:
            return ()
        source = extent.source
        return (
            Holding(
                subject_id=subject_id,
                source=source.name,
                owner=source.owner,
                legal_basis=source.legal_basis.value,
                last_day=last_day(source),
                photographs=len(photographs),
                templates=extent.destroyed.templates,
                searches=tuple((one.searched_at, one.search_id) for one in extent.handed_out),
            ),
        )


def _step(state: RequestState, words: str, actor: Actor, at: datetime) -> Step:
    return Step(at=at, by=actor.user_id, state=state, words=words)


def _require(request: RightsRequest, state: RequestState) -> None:
    """Refuse what belongs to another state."""
    if request.state is not state:
        raise _forbidden(request, state)


def _forbidden(request: RightsRequest, wanted: RequestState) -> ConflictError:
    """Return the error for a step that a request is not ready for."""
    following = ", ".join(sorted(WAYS[request.state])) or "nothing"
    return ConflictError(
        f"the request is {request.state.value}: it can't be {wanted.value} or treated as such",
        code="request-state-forbidden",
        hint=f"what follows is: {following}",
    )


def _checked(words: str) -> str:
    """Return words without blanks around them.

    Raises:
        InvalidInputError: code `request-words-invalid`.
    """
    words = words.strip()
    if not words or len(words) > MAX_WORDS or not words.isprintable():
        raise InvalidInputError(
            f"a name, a contact and a reason have 1 to {MAX_WORDS} printable characters each",
            code="request-words-invalid",
            hint="say it in a sentence; it is kept, sealed",
        )
    return words
