"""What an index is given, and what it gives back."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Templates, as_templates
from countenance.core.errors import IntegrityError, UnavailableError


@dataclass(frozen=True, slots=True, eq=False)
class BlockRows:
    """Rows of one block.

    Attributes:
        block: The source's id.
        rows: int64, shape (n,): the templates' row numbers in the records.
        subjects: int64, shape (n,): their subjects' row numbers.
        templates: float32, shape (n, dim), unit L2 rows.
    """

    block: str
    _: KW_ONLY
    rows: NDArray[np.int64]
    subjects: NDArray[np.int64]
    templates: Templates

    @classmethod
    def of_each(
        cls, blocks: Sequence[str], *, rows: NDArray[np.int64], subjects: NDArray[np.int64], templates: Templates
    ) -> tuple["BlockRows", ...]:
        """Split rows of several blocks, whose blocks are given one by one, into each block's; their order stays."""
        places = defaultdict(list)
        for place, block in enumerate(blocks):
            places[block].append(place)
        return tuple(
            cls(block, rows=rows[mine], subjects=subjects[mine], templates=templates[mine])
            for block, mine in places.items()
        )


def checked_parts(parts: Iterable[BlockRows], *, dim: int) -> list[BlockRows]:
    """Check rows that are to be added together, and give back the parts that have any.

    Args:
        dim: Wanted number of columns.

    Returns:
        The same rows; int64, and float32, C-contiguous. What is of that kind already is not copied.

    Raises:
        ValueError: wrong shapes, rows that are not unit vectors, or a row number twice.
    """
    checked = []
    for part in parts:
        rows, subjects = np.asarray(part.rows, dtype=np.int64), np.asarray(part.subjects, dtype=np.int64)
        templates = as_templates(part.templates, dim=dim)
        if not rows.shape == subjects.shape == (len(templates),):
            raise ValueError("rows and subjects must be one for each template")
        if len(rows):
            checked.append(BlockRows(part.block, rows=rows, subjects=subjects, templates=templates))
    numbers = np.concatenate([np.zeros(0, np.int64), *(part.rows for part in checked)])
    if len(np.unique(numbers)) != len(numbers):
        raise ValueError("row numbers must differ")
    return checked


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


class IndexChangedError(UnavailableError):
    """Rows that a search needed went while it ran. Nothing was answered; safe to retry."""


def index_behind() -> IndexChangedError:
    """Return the error for records that change too fast to be followed, or to be searched as they are at one moment."""
    return IndexChangedError(
        "the records change faster than the index follows", code="index-behind", hint="try again in a moment"
    )


def index_mismatch(why: str) -> IntegrityError:
    """Return the error of an index that must not be searched."""
    return IntegrityError(
        f"index and records disagree: {why}",
        code="index-mismatch",
        hint="`countenance index rebuild` makes the index again from the records; then start the server again",
    )


def index_superseded() -> UnavailableError:
    """Return the error of a process whose index is no longer the gallery's: another stands in its place."""
    return UnavailableError(
        "the index was made anew under another rotation, or taken away",
        code="index-superseded",
        hint="start this process again",
    )


def index_unwritable(error: OSError) -> UnavailableError:
    """Return the error for a folder that the index can't be stored in."""
    return UnavailableError(
        f"the index's folder can't be written: {error.strerror}",
        code="index-unwritable",
        hint="see to the disk and the folder's permissions; what was erased may still stand there",
    )
