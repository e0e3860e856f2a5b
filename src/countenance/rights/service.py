"""The rights desk: who asks is made sure of, one person decides, another releases.

The photograph that a requester hands over is looked at once, in memory, and not kept. Whom it looks like are
candidates: which of them the requester is, a person decides.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from countenance.core.arrays import Templates
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
    Consent,
    Decision,
    Holding,
    Looked,
    RequestKind,
    RequestState,
    RightsRequest,
    Step,
    month_after,
)
from countenance.rights.ports import RequestRegister
from countenance.rights.stay_out import StayingOut
from countenance.search.model import ProbePhotograph

MAX_WORDS = 500
"""Longest name, contact and reason, characters."""

Read = Callable[[Sequence[ProbePhotograph]], Templates]
"""Makes one template, float32, shape (1, d), of a person's photographs."""

Look = Callable[[Templates, Actor], Looked]
"""Looks for a template, float32, shape (1, d), in all that is held and not kept by another organisation than theirs."""

RequireSubjects = Callable[[Collection[str], Actor], None]
"""Raises NotPermittedError where one of the subjects is in a source that the actor may not look after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsDesk:
    """Takes requests through their states. Thread-safe.

    Attributes:
        read: Makes a template of photographs; keeps nothing of them.
        look: Finds who looks like a template.
        require_subjects: Asks whether somebody may decide on subjects.
        stay_out: The entries of people who are refused at enrolment.
    """

    register: RequestRegister
    records: Records
    eraser: Eraser
    read: Read
    look: Look
    require_subjects: RequireSubjects
    stay_out: StayingOut

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

    def find(self, request_id: str, photograph: ProbePhotograph, *, actor: Actor) -> RightsRequest:
        """Look for the requester in all that is held, suspended sources too. The photograph is not kept.

        What another organisation keeps is left out, and the request says so; the house's custodians see everything.

        Raises:
            NotFoundError, ConflictError: as `identify`; the photograph was not looked at.
            InvalidInputError: the decoder's codes, `face-number-invalid`, `request-photograph-unusable`; nothing was
                written.
        """
        request = self.register.request(request_id)
        _require(request, RequestState.IDENTIFIED)
        looked = self._looked(request, self.read([photograph]), actor=actor)
        return self.register.save(looked, action="rights-find", actor=actor)

    def consent(
        self,
        request_id: str,
        photographs: Sequence[ProbePhotograph],
        *,
        document: bytes,
        ends_on: date,
        actor: Actor,
    ) -> RightsRequest:
        """Keep somebody's consent to an entry by which they are refused at enrolment, and make the entry.

        It is in force once the request is granted and released. Who is enrolled already and looks like them is
        pointed out, as by `find`. The photographs are not kept, the template made of them is. Another consent takes
        the place of the first.

        Args:
            request_id: A request to stay out, of somebody who showed who they are.
            photographs: Of the person, one face each.
            document: What they signed; it is kept sealed under the entry's key.
            ends_on: The entry's last day.
            actor: Who takes it.

        Raises:
            NotFoundError: code `request-unknown`.
            ConflictError: codes `request-kind-forbidden`, `request-state-forbidden`, `request-changed-meanwhile`.
            InvalidInputError: codes `consent-document-empty`, `consent-end-invalid`, and those of `find`. Nothing was
                written in any of these cases.
            UnavailableError: code `objects-unavailable` and others: do it again.
        """
        request = self.register.request(request_id)
        _require_stay_out(request)
        _require(request, RequestState.IDENTIFIED)
        consent = self.stay_out.consent(document, ends_on=ends_on)
        template = self.read(photographs)
        changed = replace(self._looked(request, template, actor=actor), consent=consent)
        # First, so that there is no entry that no request knows of.
        saved = self.register.save(changed, action="rights-consent", actor=actor)
        if request.consent is not None:
            self.stay_out.end(request.consent.entry_id, actor=actor)
        self.stay_out.propose(consent, template, document, actor=actor)
        return saved

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
            InvalidInputError, ConflictError: as `identify`; code `consent-missing`: nobody stays out without theirs.
            NotPermittedError: code `not-permitted`, a subject is in a source that another organisation keeps; nothing
                was written, and the audit log says so.
        """
        request = self.register.request(request_id)
        if granted and request.kind is RequestKind.STAY_OUT and request.consent is None:
            raise ConflictError(
                "there is no consent to the entry", code="consent-missing", hint="`countenance rights consent` first"
            )
        for subject in subjects:
            self.records.subject(subject)
        self.require_subjects(subjects, actor)
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

        Where a release was cut short or failed, this is refused for requests that erase: somebody may be gone already.

        Raises:
            NotFoundError, InvalidInputError, ConflictError: as `identify`.
        """
        request = self.register.request(request_id)
        _require(request, RequestState.DECIDED)
        if request.holdings and request.kind.erases:
            raise ConflictError(
                "its release has begun", code="request-state-forbidden", hint="release it again to finish"
            )
        # The next decision may name others: what is on record of them is written down at its release.
        undecided = replace(request, decision=None, holdings=())
        return self._go(undecided, RequestState.IDENTIFIED, reason, actor=actor)

    def release(self, request_id: str, *, actor: Actor) -> RightsRequest:
        """Do what was decided, and make the letter ready. May be cut short and run again.

        1. Somebody else than who decided releases, who may look after the subjects' sources too.
        2. What is on record is written into the request, since an erasure takes it away.
        3. Where that was asked for and granted, the subjects are erased, or the entry to stay out comes into force, and
           whoever was enrolled before and looks like its person is pointed out; an entry that was not granted goes.
        4. The request is released, with the certificates.

        Raises:
            NotFoundError: codes `request-unknown`; `stay-out-unknown`, the entry ended before it came into force: send
                the request back.
            NotPermittedError: codes `request-same-person`, and `not-permitted` as `decide`; nothing was done.
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
        self.require_subjects({*decision.subjects, *(one.subject_id for one in request.holdings)}, actor)
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
        if request.consent is not None:
            request = self._stayed_out(request, request.consent, granted=decision.granted, actor=actor)
        return self._go(request, RequestState.RELEASED, "", actor=actor)

    def _stayed_out(self, request: RightsRequest, consent: Consent, *, granted: bool, actor: Actor) -> RightsRequest:
        """Put an entry in force and look for who was enrolled before, or destroy it."""
        if not granted:
            self.stay_out.end(consent.entry_id, actor=actor)
            return replace(request, consent=None)
        template = self.stay_out.entries.enforce(consent.entry_id, actor=actor)
        looked = self._looked(request, template[None], actor=actor)
        # The decision rests on the look before it, however much more this one saw.
        return replace(looked, left_out=request.left_out or looked.left_out)

    def close(self, request_id: str, *, reason: str, actor: Actor) -> RightsRequest:
        """Close a request whose letter was sent, or which ends without a decision.

        Raises:
            NotFoundError, InvalidInputError, ConflictError: as `identify`.
        """
        request, reason = self.register.request(request_id), _checked(reason)
        _require_way(request, RequestState.CLOSED)
        if request.consent is not None and request.state is not RequestState.RELEASED:
            self.stay_out.end(request.consent.entry_id, actor=actor)
        return self._go(request, RequestState.CLOSED, reason, actor=actor)

    def _looked(self, request: RightsRequest, template: Templates, *, actor: Actor) -> RightsRequest:
        """Return a request with whom its photographs looked like until now, and whom a template looks like."""
        looked = self.look(template, actor)
        found = {one.subject_id: one for one in (*request.found, *looked.found)}
        ordered = tuple(sorted(found.values(), key=lambda one: (-one.score, one.subject_id)))
        return replace(request, found=ordered, left_out=looked.left_out)

    def _go(self, request: RightsRequest, after: RequestState, words: str, *, actor: Actor) -> RightsRequest:
        """Put a request into its next state."""
        _require_way(request, after)
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


def _require_stay_out(request: RightsRequest) -> None:
    """Refuse what belongs to a request to stay out alone."""
    if request.kind is not RequestKind.STAY_OUT:
        raise ConflictError(
            f"the request is about {request.kind.value}",
            code="request-kind-forbidden",
            hint="a consent belongs to a request of the kind stay-out",
        )


def _require(request: RightsRequest, state: RequestState) -> None:
    """Refuse what belongs to another state."""
    if request.state is not state:
        raise _forbidden(request, state)


def _require_way(request: RightsRequest, after: RequestState) -> None:
    """Refuse a step that the request is not ready for."""
    if after not in WAYS[request.state]:
        raise _forbidden(request, after)


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
