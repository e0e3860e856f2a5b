"""What an index gives back."""

from dataclasses import dataclass
from typing import NamedTuple

from countenance.core.errors import IntegrityError, UnavailableError


class Neighbour(NamedTuple):
    """One indexed row near the probe: the best row of its subject.

    Attributes:
        row: The template's row number in the records, from 1.
        subject: The subject's row number in the records, from 1.
        score: Cosine similarity as the engine computes it; a shown score is computed again from the records.
    """

    row: int
    subject: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Why an answer is complete: every row that was not scored in full precision has a bound below the cut.

    Attributes:
        rows: Eligible rows, all of which were scanned.
        subjects: Subjects of these.
        scored: How many of the rows were scored in full precision.
        cut: What a row's upper bound had to reach for that: the threshold, or a score that as many subjects as were
            asked for are sure to have, whichever is higher.
        bound: The largest upper bound of the other rows; None where there are none.
    """

    rows: int
    subjects: int
    scored: int
    cut: float
    bound: float | None

    def __post_init__(self) -> None:
        """Refuse a certificate that certifies nothing."""
        if not 0 <= self.scored <= self.rows or (self.bound is None) != (self.scored == self.rows):
            raise ValueError(f"{self.scored} of {self.rows} rows scored, bound {self.bound}")
        if self.bound is not None and self.bound >= self.cut:
            raise ValueError(f"a row with bound {self.bound} could reach the cut {self.cut}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MissRate:
    """How often an engine that promises nothing lost the nearest row, as measured on the gallery's own templates.

    Attributes:
        probes: Templates of the gallery that were searched for.
        misses: How many of these did not find the row that is nearest to them, themselves left out.
        rows: Rows among which that was measured.
    """

    probes: int
    misses: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The answer to one probe.

    Attributes:
        neighbours: One a subject, by falling score, then rising row number.
        certificate: Why none is missing; None where the engine can't promise that.
        miss_rate: How often the engine loses a row; None where it is certified, or was not measured.
    """

    neighbours: tuple[Neighbour, ...]
    certificate: Certificate | None
    miss_rate: MissRate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState:
    """What of an index is stored.

    Attributes:
        place: The folder, or the server and the collection there.
        files: How many files; None where it is in no folder.
        bytes: Their size; None where it is in no folder.
        damage: What is wrong with it; empty where nothing is.
    """

    place: str
    rows: int
    files: int | None = None
    bytes: int | None = None
    damage: str = ""


def index_mismatch(why: str) -> IntegrityError:
    """Return the error of an index that must not be searched."""
    return IntegrityError(
        f"index and records disagree: {why}",
        code="index-mismatch",
        hint="`countenance index rebuild` makes the index again from the records; then start the server again",
    )


def index_unwritable(error: OSError) -> UnavailableError:
    """Return the error for a folder that the index can't be stored in."""
    return UnavailableError(
        f"the index's folder can't be written: {error.strerror}",
        code="index-unwritable",
        hint="see to the disk and the folder's permissions; what was erased may still stand there",
    )
