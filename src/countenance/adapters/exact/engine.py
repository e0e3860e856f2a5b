"""The exact engine: an integer scan of every eligible row, bounds on every score, and proof that nobody is missing."""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import count
from threading import RLock

import numpy as np

from countenance.adapters.exact.bounds import QuantisedProbe, quantised_probe
from countenance.adapters.exact.eligible import Eligible
from countenance.adapters.exact.kernel import Scan, Scanned, best_scan
from countenance.adapters.exact.parallel import scan_on_all_cores
from countenance.adapters.exact.segments import SEGMENT_ROWS, Runs, Segment, rising
from countenance.core.arrays import Scores, Templates, as_templates, cosine
from countenance.index.model import BlockRows, Certificate, MissRate, Nearest, checked_parts, index_behind
from countenance.index.ports import Originals, RowNumbers, TemplateSearch
from countenance.index.ranking import best_per_subject
from countenance.index.rotation import Rotation

PROBES = 16
"""Probes that are scanned for at once."""

SCORED_AT_ONCE = 20_000
"""Rows that are scored in full precision at a time, which bounds the memory that many equal rows take."""

ATTEMPTS = 3
"""Searches that erasures may spoil before erasures have to wait for the next one."""


@dataclass(frozen=True)
class Held:
    """What the index holds at one moment.

    Attributes:
        erasures: How often rows were erased before.
        miss_rate: How often a scan that does not judge every row loses one that it must not; None: not measured.
    """

    blocks: dict[str, tuple[Segment, ...]]
    erasures: int
    miss_rate: MissRate | None = None

    @cached_property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(map(len, self.segments))

    @property
    def segments(self) -> list[Segment]:
        """Those of all blocks."""
        return [segment for block in sorted(self.blocks) for segment in self.blocks[block]]


class ErasedError(Exception):
    """Rows that a search needed were erased while it ran; `rows`: those that are still in the index."""

    def __init__(self, rows: Collection[int] = ()) -> None:
        """Keep the rows."""
        super().__init__()
        self.rows = rows


class ExactIndex:
    """Implements `TemplateIndex`. Thread-safe: searches go on while rows are added and removed.

    A search works on what is held when it begins. Rows that are removed are overwritten at once, also under a search
    that is reading them: it notices, throws its answer away and begins again.
    """

    def __init__(
        self, dim: int, *, originals: Originals, scan: Scan | None = None, rotation: Rotation | None = None
    ) -> None:
        """Start empty.

        Args:
            originals: The full-precision templates of the rows that will be added. A row that is missing there was
                erased, and `search` takes it out of the index.
            scan: None means the fastest one there is.
            rotation: What rows are turned by before they are packed, and probes before they are scanned for; scores
                are those of the templates as they are.
        """
        self._dim = dim
        self._originals = originals
        self._scan = scan or best_scan()
        self._rotation = rotation
        self._held = Held({}, 0)
        self._eligible: tuple[Held, frozenset[str], Eligible] | None = None
        self._lock = RLock()
        self.last_row = 0

    @property
    def dim(self) -> int:
        """See the port."""
        return self._dim

    @property
    def nbytes(self) -> int:
        """Bytes that the rows take in memory."""
        return sum(segment.nbytes for segment in self._held.segments)

    def __len__(self) -> int:
        """See the port."""
        return self._held.rows

    def add(self, *parts: BlockRows) -> None:
        """See the port."""
        self.put(*((part.block, self._packed(part)) for part in checked_parts(parts, dim=self._dim)))

    def put(self, *parts: tuple[str, Segment]) -> None:
        """Add segments to blocks as they are, all together.

        Args:
            parts: Blocks, and segments that have no row number in common.

        Raises:
            ValueError: a row number is there already; nothing was added.
        """
        with self._lock:
            if any(self.holds_any(segment.rows) for _, segment in parts):
                raise ValueError("a row number is in the index already")
            blocks = dict(self._held.blocks)
            for block, new in parts:
                segments, joined = blocks.get(block, ()), new
                if segments and len(segments[-1]) + len(new) <= SEGMENT_ROWS:
                    segments, joined = segments[:-1], Segment.joined([segments[-1], new])
                blocks[block] = (*segments, joined)
            # Cut off in between, fewer rows are held than are counted, which shows.
            self.last_row = max([self.last_row, *(segment.rows.last for _, segment in parts)])
            self._held = replace(self._held, blocks=blocks)

    def holds_any(self, rows: Runs) -> bool:
        """Say whether one of the rows is in the index."""
        if rows.first > self.last_row:
            return False
        numbers = rows.numbers()
        return any(len(one.rows.positions(numbers)) for one in self._held.segments)

    def blocks(self) -> Collection[str]:
        """See the port."""
        return self._held.blocks.keys()

    def count(self, block: str) -> int:
        """See `FollowingIndex`."""
        return sum(map(len, self._held.blocks.get(block, ())))

    def rows(self, block: str | None = None) -> RowNumbers:
        """See `FollowingIndex`."""
        held = self._held
        segments = held.segments if block is None else held.blocks.get(block, ())
        parts = [segment.rows.numbers() for segment in segments]
        return np.sort(np.concatenate([np.zeros(0, np.int64), *parts]))

    def segments_after(self, last_row: int) -> list[tuple[str, Segment]]:
        """Return blocks and segments of the rows whose numbers are higher than one."""
        held = ((block, one.after(last_row)) for block, segments in self._held.blocks.items() for one in segments)
        return [(block, segment) for block, segment in held if segment is not None]

    def differing(self, part: BlockRows) -> RowNumbers:
        """See the port; codes, terms and subjects are compared bit by bit."""
        wanted = self._packed(replace(part, templates=as_templates(part.templates, dim=self._dim)))
        same = [wanted.same_rows(one) for one in self._held.blocks.get(part.block, ())]
        return np.setdiff1d(wanted.rows.numbers(), np.concatenate([np.zeros(0, np.int64), *same]))

    def clear(self) -> None:
        """See the port; everything is overwritten before this returns."""
        with self._lock:
            held, self._held, self._eligible = self._held, Held({}, self._held.erasures + 1), None
            self.last_row = 0
            for segment in held.segments:
                segment.wipe()

    def remove(self, rows: Collection[int] | RowNumbers) -> None:
        """See the port; what stood there is overwritten before this returns."""
        gone = rising(rows)
        with self._lock:
            touched, blocks = [], {}
            for block, segments in self._held.blocks.items():
                staying = []
                for segment in segments:
                    positions = segment.rows.positions(gone)
                    left = segment.without(positions) if len(positions) else segment
                    if left is not segment:
                        touched.append(segment)
                    if left is not None:
                        staying.append(left)
                if staying:
                    blocks[block] = tuple(staying)
            if touched:
                # First out of sight, then overwritten: a search that read what is overwritten sees that it must not
                # use it.
                erasures = self._held.erasures + 1
                self._held, self._eligible = replace(self._held, blocks=blocks, erasures=erasures), None
                for segment in touched:
                    segment.wipe()

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """See the port; every answer is certified."""
        checked, asked = self._checked(probes, limit, threshold)
        for attempt in count(1):
            with self._lock if attempt > ATTEMPTS else nullcontext():
                try:
                    return self._attempt(self._held, checked, frozenset(blocks), asked)
                except ErasedError as erased:
                    self.remove(erased.rows)
        raise AssertionError

    def pinned(self) -> TemplateSearch:
        """See `FollowingIndex`."""
        return partial(self._searched, self._held)

    def _searched(
        self, held: Held, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """Search what was held at one moment.

        Raises:
            IndexChangedError: an erasure spoilt it.
        """
        checked, asked = self._checked(probes, limit, threshold)
        try:
            return self._attempt(held, checked, frozenset(blocks), asked)
        except ErasedError:
            # What is erased is taken out by whoever follows the records: others may count on what was pinned.
            raise index_behind() from None

    def _checked(self, probes: Templates, limit: int, threshold: float | None) -> tuple[Templates, "Asked"]:
        """Check what is asked for."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        asked = Asked(limit=limit, floor=-1.0 if threshold is None else float(threshold))
        return as_templates(probes, dim=self._dim), asked

    def _packed(self, part: BlockRows) -> Segment:
        """Turn rows, where there is a rotation, and pack them."""
        turned = part.templates if self._rotation is None else self._rotation.turned(part.templates)
        return Segment.of(rows=part.rows, subjects=part.subjects, templates=turned)

    def _attempt(self, held: Held, probes: Templates, blocks: frozenset[str], asked: "Asked") -> list[Nearest]:
        """Search what was held at one moment.

        Raises:
            ErasedError: an erasure spoilt it.
        """
        eligible = self._laid(held, blocks)
        answers = []
        try:
            for at in range(0, len(probes), PROBES):
                answers += self._answers(probes[at : at + PROBES], held, eligible, asked)
        except ValueError:
            if self._held.erasures == held.erasures:
                raise
        if self._held.erasures != held.erasures:
            raise ErasedError
        return answers

    def _laid(self, held: Held, blocks: frozenset[str]) -> Eligible:
        """Return the eligible segments; those of the last search again where nothing changed."""
        last = self._eligible
        if last is not None and last[0] is held and last[1] == blocks:
            return last[2]
        eligible = Eligible([segment for block in sorted(blocks) for segment in held.blocks.get(block, ())])
        self._eligible = (held, blocks, eligible)
        return eligible

    def _answers(self, probes: Templates, held: Held, eligible: Eligible, asked: "Asked") -> list[Nearest]:
        """Scan for some probes at once, deeper for those where one subject's rows filled the scan's list."""
        turned = probes if self._rotation is None else [self._rotation.turned_probe(probe) for probe in probes]
        small = [quantised_probe(probe) for probe in turned]
        answers: dict[int, Nearest] = {}
        depth = asked.first_depth(eligible)
        while waiting := [at for at in range(len(probes)) if at not in answers]:
            scans = self._scans([small[at] for at in waiting], held, eligible, floor=asked.floor, depth=depth)
            for at, scanned in zip(waiting, scans, strict=True):
                reach = Reach.of(scanned, small[at], eligible, asked)
                if reach is not None:
                    answers[at] = self._scored(probes[at], reach, held, eligible, asked)
            depth *= 4
        return [answers[at] for at in range(len(probes))]

    def _scans(
        self, probes: Sequence[QuantisedProbe], held: Held, eligible: Eligible, *, floor: float, depth: int
    ) -> list[Scanned]:
        """Find the rows of each probe that can reach its cut."""
        del held  # an engine that finds them with the help of what else it holds says so
        return scan_on_all_cores(self._scan, eligible.parts, probes, floor=floor, depth=depth)

    def _scored(self, probe: Templates, reach: "Reach", held: Held, eligible: Eligible, asked: "Asked") -> Nearest:
        """Score what can reach the cut in full precision, and rank it."""
        rows, subjects = reach.rows, reach.subjects
        scores = self._full_scores(probe, rows)
        neighbours = best_per_subject(rows, subjects, scores, limit=asked.limit, threshold=asked.floor)
        if not reach.complete:
            return Nearest(neighbours=neighbours, certificate=None, miss_rate=held.miss_rate)
        return Nearest(
            neighbours=neighbours,
            certificate=Certificate(
                rows=eligible.rows,
                subjects=eligible.subjects,
                scored=len(rows),
                cut=reach.cut,
                bound=reach.left if len(rows) < eligible.rows else None,
            ),
        )

    def _full_scores(self, probe: Templates, rows: RowNumbers) -> Scores:
        """Score rows from their full-precision templates.

        Raises:
            ErasedError: some are gone from there.
        """
        scores = np.empty(len(rows))
        for at in range(0, len(rows), SCORED_AT_ONCE):
            wanted = rows[at : at + SCORED_AT_ONCE].tolist()
            found = self._originals(wanted)
            if len(found) < len(wanted):
                raise ErasedError(set(wanted) - set(found))
            scores[at : at + len(wanted)] = cosine(probe, np.stack([found[row] for row in wanted]))
        return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How many subjects a search wants, and the least score; -1 where there is no threshold."""

    limit: int
    floor: float

    def first_depth(self, eligible: Eligible) -> int:
        """Return how many lower bounds should do to have enough subjects among them."""
        rows_each = -(-eligible.rows // max(1, eligible.subjects))
        return 2 * self.limit * rows_each + 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The rows of a scan whose upper bound reaches the final cut.

    Attributes:
        rows: int64, shape (m,): row numbers.
        subjects: int64, shape (m,): subject numbers.
        cut: The floor, or the `limit`-th best of the subjects' best lower bounds where that is higher.
        left: The largest upper bound of the other rows.
        complete: Whether the scan judged every row.
    """

    rows: RowNumbers
    subjects: RowNumbers
    cut: float
    left: float
    complete: bool

    @classmethod
    def of(cls, scanned: Scanned, probe: QuantisedProbe, eligible: Eligible, asked: Asked) -> "Reach | None":
        """Choose them; None where the scan's own cut was too high, since too few subjects reach it."""
        lower, upper = probe.bounds(scanned.dots, scanned.terms)
        near = upper >= scanned.cut
        rows, subjects = eligible.owners(scanned.rows[near])
        cut = max(_kth_best(lower[near], subjects, asked.limit), asked.floor)
        if scanned.cut > cut:
            return None
        reaching = upper[near] >= cut
        return cls(
            rows=rows[reaching],
            subjects=subjects[reaching],
            cut=cut,
            left=max(scanned.left, float(upper[upper < cut].max(initial=-np.inf))),
            complete=scanned.complete,
        )


def _kth_best(lower: Scores, subjects: RowNumbers, limit: int) -> float:
    """Return the `limit`-th best of the subjects' best lower bounds; -1, the least score, where they are fewer."""
    distinct, owner = np.unique(subjects, return_inverse=True)
    if len(distinct) < limit:
        return -1.0
    best = np.full(len(distinct), -np.inf)
    np.maximum.at(best, owner, lower)
    at = len(best) - limit
    return float(np.partition(best, at)[at])
