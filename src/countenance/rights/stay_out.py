"""Staying out: what becomes of the entries of people who consented to be refused at enrolment."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from countenance.audit.model import Acting
from countenance.core.arrays import Templates
from countenance.core.clock import utc_now
from countenance.core.errors import InvalidInputError, NotFoundError
from countenance.core.ids import new_id
from countenance.gallery.ports import Objects
from countenance.gallery.stay_out import StayOutEntry, StayOutList
from countenance.rights.model import Consent
from countenance.search.scale import ScoreScale

RATE = 1e-5
"""Share of strangers' faces that an entry may take for its person's. Source: ADR 0044, measured."""


def threshold_of(template: Templates, scale: ScoreScale | None, *, default: float) -> float:
    """Return the cosine from which a face is taken for the person's of a template, float32, shape (1, d).

    Args:
        scale: What scores mean; None where that is not known for the model pack.
        default: The model pack's threshold, for that case.
    """
    if scale is None:
        return default
    curve = scale.calibration.curve
    return min(curve.score_at(max(RATE, curve.floor)) + scale.cohort.place(template).offset, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StayingOut:
    """Makes, enforces and destroys entries. Thread-safe.

    Attributes:
        entries: Where they are kept.
        objects: Where the documents of consent are, sealed under the entries' own keys.
        threshold: Returns the cosine from which a face is taken for the person's of a template, shape (1, d).
        pack_digest: Returns that of the model pack in use.
    """

    entries: StayOutList
    objects: Objects
    threshold: Callable[[Templates], float]
    pack_digest: Callable[[], str]

    def consent(self, document: bytes, *, ends_on: date) -> Consent:
        """Return what is kept of a person's consent.

        Raises:
            InvalidInputError: codes `consent-document-empty`, `consent-end-invalid`.
        """
        if not document:
            raise InvalidInputError(
                "the document is empty", code="consent-document-empty", hint="hand over the person's signed consent"
            )
        if ends_on <= utc_now().date():
            raise InvalidInputError(
                f"an entry can't end on {ends_on}", code="consent-end-invalid", hint="name a day that is to come"
            )
        digest = hashlib.sha256(document).hexdigest()
        return Consent(entry_id=new_id(), ends_on=ends_on, document_sha256=digest)

    def propose(self, consent: Consent, template: Templates, document: bytes, *, actor: Acting) -> None:
        """Keep an entry that is not in force yet, with the document; template: float32, shape (1, d)."""
        self.objects.put(f"{_folder(consent.entry_id)}{consent.document_sha256}", document)
        entry = StayOutEntry(
            entry_id=consent.entry_id, ends_on=consent.ends_on, since=None, threshold=self.threshold(template)
        )
        self.entries.propose(
            entry,
            template[0],
            pack_digest=self.pack_digest(),
            document_sha256=consent.document_sha256,
            actor=actor,
        )

    def end(self, entry_id: str, *, actor: Acting) -> None:
        """Destroy an entry with its document and its key; again is no harm."""
        self.objects.delete_all(_folder(entry_id))
        self.entries.end(entry_id, actor=actor)

    def withdraw(self, entry_id: str, *, actor: Acting) -> None:
        """End an entry since its person takes the consent back: at once, and nobody has to release it.

        Raises:
            NotFoundError: code `stay-out-unknown`.
        """
        if entry_id not in {one.entry_id for one in self.entries.entries()}:
            raise NotFoundError(
                "there is no such entry", code="stay-out-unknown", hint="see `countenance rights stay-out list`"
            )
        self.end(entry_id, actor=actor)

    def over(self, today: date) -> tuple[str, ...]:
        """Return the ids of the entries whose last day is over."""
        return tuple(one.entry_id for one in self.entries.entries() if one.ends_on < today)


def _folder(entry_id: str) -> str:
    """Return where the documents of an entry are: what `cases/ID/` holds is sealed under the key of `case:ID`."""
    return f"cases/stay-out-{entry_id}/"
