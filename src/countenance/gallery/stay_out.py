"""People who asked not to be enrolled: each new face is compared with them, and they with nothing else.

An entry is made by the rights desk with the person's consent, has an end, and is sealed under a key of its own. It is
no subject, stands in no index, and no search reads it (ADR 0044).
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

import numpy as np

from countenance.audit.model import Acting
from countenance.core.arrays import Scores, Templates, cosine
from countenance.core.errors import ConflictError


@dataclass(frozen=True, slots=True, kw_only=True)
class StayOutEntry:
    """One entry, without whose it is.

    Attributes:
        ends_on: Last day that it is in force.
        since: When it came into force; None before it was released.
        threshold: Cosine from which a face is taken for this person's.
    """

    entry_id: str
    ends_on: date
    since: datetime | None
    threshold: float


def _nobody() -> Templates:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class StayOuts:
    """The entries in force, as new faces are compared with them.

    Attributes:
        templates: float32, shape (n, d), unit L2 rows.
        thresholds: float64, shape (n,): cosine from which a face is taken for each one's.
    """

    templates: Templates = field(default_factory=_nobody)
    thresholds: Scores = field(default_factory=lambda: np.zeros(0))

    def bar(self, template: Templates) -> bool:
        """Return whether a face, float32, shape (d,), unit norm, is taken for one of theirs."""
        if not len(self.templates):
            return False
        return bool((cosine(template, self.templates) >= self.thresholds).any())


class StayOutList(Protocol):
    """Where entries are kept, each template sealed under a key of its own. Each call is one transaction.

    What changes something is in the audit log with it, by the entry's id.
    """

    def propose(
        self, entry: StayOutEntry, template: Templates, *, pack_digest: str, document_sha256: str, actor: Acting
    ) -> None:
        """Keep an entry that is not in force yet; template: float32, shape (d,), unit norm."""

    def enforce(self, entry_id: str, *, actor: Acting) -> Templates:
        """Put an entry in force, and give its template back once, to find who was enrolled before; again is no harm.

        Raises:
            NotFoundError: code `stay-out-unknown`.
        """

    def end(self, entry_id: str, *, actor: Acting) -> None:
        """Destroy an entry with its key; again, or one that there never was, is no harm.

        Raises:
            UnavailableError: codes `records-unavailable`, `audit-unwritable`, `keyring-unwritable`; run it again.
        """

    def entries(self) -> tuple[StayOutEntry, ...]:
        """Return all entries, oldest first."""

    def in_force(self, today: date, *, pack_digest: str) -> StayOuts:
        """Return the entries that new faces of a model pack are compared with on a day.

        Raises:
            ConflictError: code `stay-out-of-another-pack`; nothing may be enrolled.
        """


def of_another_pack() -> ConflictError:
    """Return the error for entries that new faces can't be compared with."""
    return ConflictError(
        "somebody asked to stay out with another model pack in use than now",
        code="stay-out-of-another-pack",
        hint="use that pack, or end the entry and ask for a photograph again: `countenance rights stay-out list`",
    )
