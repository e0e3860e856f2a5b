"""The compact engine: a scan of 4-bit codes over every eligible row, then int8 rows, then full precision.

For galleries whose int8 rows are too many to be read for each probe. Only the scan of the codes may lose a row; the two
steps after it are complete. How often the scan loses one is measured on the gallery's own templates.

Source:
    docs/adr/0013-compact-engine.md.
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from countenance.adapters.compact.coder import Coder, sampled
from countenance.adapters.compact.sift import Sift
from countenance.adapters.exact.bounds import QuantisedProbe, quantised_probe
from countenance.adapters.exact.eligible import Eligible
from countenance.adapters.exact.engine import PROBES, ExactIndex, Held
from countenance.adapters.exact.kernel import Scanned
from countenance.adapters.exact.parallel import cores
from countenance.adapters.exact.segments import Segment
from countenance.core.arrays import Scores, Templates
from countenance.index.model import MissRate, Nearest
from countenance.index.ports import Originals, TemplateSearch
from countenance.index.rotation import Rotation
from countenance.index.storage import unnamed_file

SHORTLIST = 20_000
"""Least rows that are judged from int8."""

SHORTLIST_SHARE = 200
"""One row in so many is judged, where that is more: strangers that stand before a mate grow with the gallery."""

TRAINING_ROWS = 16_384
"""Rows that the code books are trained on: 1,024 for each of their 16 words."""

RETRAIN = 4
"""Growth after which the code books are trained again."""

MEASURED_PROBES = 200
"""Templates of the gallery that are searched for to measure the miss rate."""


@dataclass(frozen=True)
class CodedHeld(Held):
    """What the index holds once its rows have 4-bit codes.

    Attributes:
        coder: What made them.
        trained_rows: Rows that there were then.
    """

    coder: Coder = field(kw_only=True)
    trained_rows: int = field(kw_only=True)


class CompactIndex(ExactIndex):
    """Implements `TemplateIndex`, not complete: `measured` says how often it loses a row. Thread-safe.

    Where a search has fewer eligible rows than it would judge anyway, it judges all, and the answer is certified.
    """

    def __init__(
        self,
        dim: int,
        originals: Originals,
        *,
        folder: Path | None = None,
        shortlist: int = SHORTLIST,
        rotation: Rotation | None = None,
    ) -> None:
        """Start empty.

        Args:
            originals: See `ExactIndex`.
            folder: Where int8 rows are mapped from; None keeps them in memory.
            shortlist: Least rows that are judged from int8.
            rotation: See `ExactIndex`.

        Raises:
            FileNotFoundError: the sift was not compiled.
            UnavailableError: code `scratch-unavailable`, the folder can't be written.
        """
        super().__init__(dim, originals=originals, rotation=rotation)
        if folder is not None:
            unnamed_file(folder, 1).close()
        self._sift = Sift()
        self._folder = folder
        self._shortlist = shortlist

    @property
    def measured(self) -> MissRate | None:
        """How often a row was lost when the codes were made; None while there are none."""
        return self._held.miss_rate

    def put(self, *parts: tuple[str, Segment]) -> None:
        """See the base."""
        with self._lock:
            held = self._held
            if isinstance(held, CodedHeld):
                parts = tuple((block, held.coder.coded(new)) for block, new in parts)
            super().put(*parts)
            if self._folder is not None:
                for block in {block for block, _ in parts}:
                    self._map(block, self._folder)

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """See the port."""
        self.build()
        return super().search(probes, blocks=blocks, limit=limit, threshold=threshold)

    def pinned(self) -> TemplateSearch:
        """See the port."""
        self.build()
        return super().pinned()

    def build(self) -> None:
        """Make codes and measure now, as the next search would; nothing where that is not due."""
        if not self._due():
            return
        with self._lock:
            if self._due():
                held = self._held
                coder = Coder.trained(sampled(held.segments, TRAINING_ROWS))
                blocks = _coded(held.blocks, coder)
                coded = CodedHeld(blocks, held.erasures, coder=coder, trained_rows=held.rows)
                self._held = replace(coded, miss_rate=self._miss_rate(coded))

    def _due(self) -> bool:
        held = self._held
        before = held.trained_rows if isinstance(held, CodedHeld) else 0
        return held.rows > self._shortlist and held.rows >= RETRAIN * before

    def _scans(
        self, probes: Sequence[QuantisedProbe], held: Held, eligible: Eligible, *, floor: float, depth: int
    ) -> list[Scanned]:
        """See the base."""
        share = max(self._shortlist, eligible.rows // SHORTLIST_SHARE, 4 * depth)
        if not isinstance(held, CodedHeld) or eligible.rows <= share:
            return super()._scans(probes, held, eligible, floor=floor, depth=depth)
        return [
            self._sift(eligible.parts, probe, held.coder.tables(probe), share=share, floor=floor, depth=depth)
            for probe in probes
        ]

    def _miss_rate(self, held: CodedHeld) -> MissRate:
        """Search for the gallery's own templates, and compare with judging each row."""
        eligible = Eligible(held.segments)
        misses = 0
        templates = sampled(held.segments, MEASURED_PROBES)
        for at in range(0, len(templates), PROBES):
            probes = [quantised_probe(template) for template in templates[at : at + PROBES]]
            complete = super()._scans(probes, held, eligible, floor=-1.0, depth=2)
            sifted = self._scans(probes, held, eligible, floor=-1.0, depth=2)
            for probe, wanted, found in zip(probes, complete, sifted, strict=True):
                misses += _second(found, probe) < _second(wanted, probe)
        return MissRate(probes=len(templates), misses=misses, rows=held.rows)

    def _map(self, block: str, folder: Path) -> None:
        """Move int8 rows of segments that are full to the disk."""
        segments = self._held.blocks[block]
        moved = tuple(one if one is segments[-1] else _mapped(one, folder) for one in segments)
        self._held = replace(self._held, blocks={**self._held.blocks, block: moved})


def _coded(blocks: Mapping[str, tuple[Segment, ...]], coder: Coder) -> dict[str, tuple[Segment, ...]]:
    """Return all segments with 4-bit codes, made on all cores."""
    with ThreadPoolExecutor(cores()) as pool:
        return {block: tuple(pool.map(coder.coded, segments)) for block, segments in blocks.items()}


def _second(scanned: Scanned, probe: QuantisedProbe) -> float:
    """Return the second best score: the best is the probe's own row."""
    lower, upper = probe.bounds(scanned.dots, scanned.terms)
    centres: Scores = lower + upper
    return float(np.partition(centres, -2)[-2]) if len(centres) > 1 else -np.inf


def _mapped(segment: Segment, folder: Path) -> Segment:
    """Return a segment whose int8 rows stand in a file without a name, that ends with the process."""
    if isinstance(segment.codes, np.memmap):
        return segment
    with unnamed_file(folder, segment.codes.nbytes) as file:
        codes = np.memmap(file, dtype=np.int8, mode="r+", shape=segment.codes.shape)
    codes[:] = segment.codes
    return replace(segment, codes=codes)
