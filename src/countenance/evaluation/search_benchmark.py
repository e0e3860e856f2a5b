"""How fast an engine finds a probe's neighbours among N made-up templates, and whom it loses.

The gallery is drawn from a population and streamed: at no time does all of it stand in memory in full precision. The
truth is brute force over the same stream, scored again in float64.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, perf_counter_ns, process_time
from typing import Protocol, runtime_checkable
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Templates, cosine
from countenance.core.errors import InvalidInputError
from countenance.index.model import BlockRows
from countenance.index.ports import RowNumbers, TemplateIndex
from countenance.index.storage import unnamed_file
from countenance.vision.population import DrawnTemplates, Population

LIMIT = 50
"""Neighbours that are asked for, and compared."""

SPARE = 14
"""Rows more than `LIMIT` that brute force keeps from its float32 pass; float64 decides among them."""

WARM_SEARCHES = 5
"""Searches between the first one and those whose time counts."""

BLOCK = "made-up"

Times = NDArray[np.int64]


class RowConsumer(Protocol):
    """What the stream of rows goes to."""

    def add(self, rows: RowNumbers, templates: Templates) -> None:
        """Take rows that follow those of the last call; both are copied or written elsewhere, not kept."""


class SearchEngine(RowConsumer, Protocol):
    """What is measured: rows go in, row numbers come out."""

    def build(self) -> None:
        """Do what has to be done once, before the first search."""

    def search(self, probe: Templates, limit: int) -> RowNumbers:
        """Return the numbers of the rows nearest to a probe of shape (1, dim), best first."""

    def elsewhere_bytes(self) -> int | None:
        """Return what the rows take outside this process; None where that can't be known."""

    def close(self) -> None:
        """Give back memory, files and connections."""


@runtime_checkable
class KeptEngine(SearchEngine, Protocol):
    """An engine whose built rows can be kept on disk."""

    def save(self, path: Path) -> None:
        """Write them to a path that does not exist; the engine stays searchable."""

    def load(self, path: Path) -> None:
        """Read them, in place of adding and building."""


class PortEngine:
    """An engine behind the index's port, with each template a subject of its own."""

    def __init__(
        self,
        index: TemplateIndex,
        *,
        build: Callable[[], None] = lambda: None,
        elsewhere_bytes: Callable[[], int | None] = lambda: 0,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """Wrap an empty index."""
        self._index = index
        self.build = build
        self.elsewhere_bytes = elsewhere_bytes
        self.close = close

    def add(self, rows: RowNumbers, templates: Templates) -> None:
        """See the protocol."""
        self._index.add(BlockRows(BLOCK, rows=rows, subjects=rows, templates=templates))

    def search(self, probe: Templates, limit: int) -> RowNumbers:
        """See the protocol."""
        [near] = self._index.search(probe, blocks=[BLOCK], limit=limit)
        return np.array([one.row for one in near.neighbours], dtype=np.int64)


class StoredTemplates:
    """Full-precision templates in a file without a name, that ends with the process: what stands for the records."""

    def __init__(self, folder: Path | None, *, templates: int, dim: int) -> None:
        """Make the file, with room for all.

        Args:
            folder: Where; None is the system's folder for temporary files.

        Raises:
            UnavailableError: code `scratch-unavailable`; nothing was kept.
        """
        self._row_bytes = dim * np.dtype(np.float32).itemsize
        self._file = unnamed_file(folder, templates * self._row_bytes)
        finalize(self, self._file.close)

    def add(self, rows: RowNumbers, templates: Templates) -> None:
        """See the protocol."""
        os.pwrite(self._file.fileno(), templates.tobytes(), (int(rows[0]) - 1) * self._row_bytes)

    def templates(self, rows: Collection[int]) -> Mapping[int, Templates]:
        """Return templates by row: see `index.ports.Originals`."""
        read = self._file.fileno(), self._row_bytes
        for row in rows:  # what is on the disk is fetched while others are asked for
            os.posix_fadvise(read[0], (row - 1) * read[1], read[1], os.POSIX_FADV_WILLNEED)
        return {row: np.frombuffer(os.pread(*read, (row - 1) * self._row_bytes), np.float32) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpGallery:
    """N templates, one a subject, numbered from 1, and probes that have a mate among them.

    Attributes:
        mates: int64, shape (p,), rising: the row of each probe's mate.
        mate_templates: float32, shape (p, d).
        probes: float32, shape (p, d).
    """

    population: Population
    templates: int
    seed: int
    mates: RowNumbers
    mate_templates: Templates
    probes: Templates

    def stream(self) -> Iterator[tuple[RowNumbers, Templates]]:
        """Draw all rows, the same ones each time, in constant memory; one part ahead, on another core."""
        first = 1
        for part in _ahead(self.population.stream(self.templates, seed=self.seed)):
            rows = np.arange(first, first + len(part.templates), dtype=np.int64)
            start, stop = np.searchsorted(self.mates, [first, first + len(rows)])
            part.templates[self.mates[start:stop] - first] = self.mate_templates[start:stop]
            yield rows, part.templates
            first += len(rows)


class BruteForce:
    """Scores every row against every probe."""

    def __init__(self, probes: Templates) -> None:
        """Start without rows.

        Args:
            probes: float32, shape (p, d); not modified.
        """
        kept = LIMIT + SPARE
        self._probes = probes
        self._scores = np.full((len(probes), kept), -2.0, np.float32)
        self._rows = np.zeros((len(probes), kept), np.int64)
        self._templates = np.zeros((len(probes), kept, probes.shape[1]), np.float32)

    def add(self, rows: RowNumbers, templates: Templates) -> None:
        """See the protocol."""
        fresh = self._probes @ templates.T
        least = self._scores.min(axis=1)
        for probe in np.flatnonzero(fresh.max(axis=1) > least):
            better = np.flatnonzero(fresh[probe] > least[probe])
            scores = np.concatenate([self._scores[probe], fresh[probe, better]])
            top = np.argpartition(-scores, LIMIT + SPARE - 1)[: LIMIT + SPARE]
            self._scores[probe] = scores[top]
            self._rows[probe] = np.concatenate([self._rows[probe], rows[better]])[top]
            self._templates[probe] = np.concatenate([self._templates[probe], templates[better]])[top]

    def nearest(self) -> RowNumbers:
        """Return int64, shape (p, LIMIT): row numbers by falling float64 score, then rising row."""
        kept = zip(self._probes, self._rows, self._templates, strict=True)
        return np.stack([rows[np.lexsort((rows, -cosine(probe, held)))][:LIMIT] for probe, rows, held in kept])


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How long adding all rows and building took, without drawing them.

    Attributes:
        processor_seconds: What this process used of all cores meanwhile: beside other work it says more than the
            seconds. That of a server is not in it.
        load: The machine's load average when it began.
        kept: Whether it was an earlier run's, which kept what was built.
    """

    seconds: float
    processor_seconds: float
    load: float
    kept: bool = False


class Keeper(Protocol):
    """Where an engine's rows are kept once they are built."""

    def load(self, engine: KeptEngine) -> Build | None:
        """Fill an engine; None where nothing is kept."""

    def save(self, engine: KeptEngine, build: Build) -> None:
        """Keep what an engine holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReport:
    """What was measured of one engine.

    Attributes:
        first_search_ns: The first search after building.
        search_ns: int64, shape (p,): one search a probe, one at a time.
        resident_bytes: The process's resident memory after the searches, less what it was before the engine was made,
            and what the rows take elsewhere; None where that can't be known.
        neighbours: int64, shape (p, LIMIT), row numbers, best first; 0 where the engine gave fewer.
    """

    build: Build
    first_search_ns: int
    search_ns: Times
    resident_bytes: int | None
    neighbours: RowNumbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How an engine's answers compare with brute force, as counts of probes.

    Attributes:
        same_top: Same first row.
        same_list: Same rows on the whole list, in any order.
        mates_found: Probes whose mate is on brute force's list.
        mates_lost: Of these, probes whose mate is not on the engine's.
    """

    probes: int
    same_top: int
    same_list: int
    mates_found: int
    mates_lost: int


def made_up_gallery(population: Population, *, templates: int, probes: int, seed: int) -> MadeUpGallery:
    """Choose the rows that are mates, evenly over the gallery, and draw the probes.

    Raises:
        InvalidInputError: codes `templates-invalid`, `probes-invalid`.
    """
    if templates < LIMIT:
        raise InvalidInputError(
            f"at least {LIMIT} templates are needed, not {templates}", code="templates-invalid", hint="e.g. 1000000"
        )
    if not 1 <= probes <= templates:
        raise InvalidInputError(
            f"the number of probes must be 1 to {templates}, not {probes}", code="probes-invalid", hint="e.g. 200"
        )
    pairs = population.draw(2 * probes, seed=seed + 1, templates_per_subject=2).templates
    return MadeUpGallery(
        population=population,
        templates=templates,
        seed=seed,
        mates=1 + np.arange(probes, dtype=np.int64) * templates // probes,
        mate_templates=pairs[0::2],
        probes=pairs[1::2],
    )


def measure(
    gallery: MadeUpGallery,
    make: Callable[[], SearchEngine],
    *,
    keeper: Keeper | None = None,
    beside: Sequence[RowConsumer] = (),
    on_progress: Callable[[int], None] = lambda _: None,
) -> EngineReport:
    """Fill an engine from the stream or from what was kept, search it with each probe alone, and close it.

    Args:
        keeper: Keeps what was built, of engines that can be kept.
        beside: What else gets the rows of the same stream, before the engine.
    """
    before = resident_bytes()
    engine = make()
    try:
        kept = keeper.load(engine) if keeper is not None and isinstance(engine, KeptEngine) else None
        if kept is not None:
            build = replace(kept, kept=True)
            _stream_to(gallery, beside, on_progress)
        else:
            build = _built(gallery, engine, beside, on_progress)
            if keeper is not None and isinstance(engine, KeptEngine):
                keeper.save(engine, build)
        first = _timed(engine, gallery.probes[:1])[1]
        for at in range(WARM_SEARCHES):
            engine.search(gallery.probes[at % len(gallery.probes)][None], LIMIT)
        answers = [_timed(engine, probe[None]) for probe in gallery.probes]
        after, elsewhere = resident_bytes(), engine.elsewhere_bytes()
    finally:
        engine.close()
    neighbours = np.zeros((len(answers), LIMIT), np.int64)
    for line, (rows, _) in zip(neighbours, answers, strict=True):
        line[: len(rows)] = rows
    return EngineReport(
        build=build,
        first_search_ns=first,
        search_ns=np.array([ns for _, ns in answers], dtype=np.int64),
        resident_bytes=None if before is None or after is None or elsewhere is None else after - before + elsewhere,
        neighbours=neighbours,
    )


def agreement(gallery: MadeUpGallery, truth: RowNumbers, neighbours: RowNumbers) -> Agreement:
    """Count where an engine's answers are those of brute force.

    Args:
        truth: What brute force found; not modified.
        neighbours: Of the same shape; not modified.
    """
    mates = gallery.mates[:, None]
    there, found = (truth == mates).any(axis=1), (neighbours == mates).any(axis=1)
    return Agreement(
        probes=len(truth),
        same_top=int((truth[:, 0] == neighbours[:, 0]).sum()),
        same_list=int((np.sort(truth, axis=1) == np.sort(neighbours, axis=1)).all(axis=1).sum()),
        mates_found=int(there.sum()),
        mates_lost=int((there & ~found).sum()),
    )


def resident_bytes(process: int | str = "self") -> int | None:
    """Return a process's resident memory, with what it maps from files; None where /proc does not tell."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return None
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])


def _built(
    gallery: MadeUpGallery, engine: SearchEngine, beside: Sequence[RowConsumer], on_progress: Callable[[int], None]
) -> Build:
    """Fill an engine from the stream and build it."""
    timed = _Timed(engine)
    load = os.getloadavg()[0]
    _stream_to(gallery, [*beside, timed], on_progress)
    timed.run(engine.build)
    return Build(
        seconds=round(timed.seconds, 3), processor_seconds=round(timed.processor_seconds, 3), load=round(load, 2)
    )


def _stream_to(gallery: MadeUpGallery, to: Sequence[RowConsumer], on_progress: Callable[[int], None]) -> None:
    """Draw all rows, where somebody wants them."""
    if not to:
        return
    for rows, templates in gallery.stream():
        for consumer in to:
            consumer.add(rows, templates)
        on_progress(len(rows))


class _Timed:
    """Hands rows on to an engine and adds up how long that takes."""

    def __init__(self, engine: RowConsumer) -> None:
        """Start at 0."""
        self._engine = engine
        self.seconds = self.processor_seconds = 0.0

    def add(self, rows: RowNumbers, templates: Templates) -> None:
        """See the protocol."""
        self.run(lambda: self._engine.add(rows, templates))

    def run(self, work: Callable[[], None]) -> None:
        """Do something, timed."""
        started, used = perf_counter(), process_time()
        work()
        self.seconds += perf_counter() - started
        self.processor_seconds += process_time() - used


def _timed(engine: SearchEngine, probe: Templates) -> tuple[RowNumbers, int]:
    """Search once and return what was found and how long it took, ns."""
    started = perf_counter_ns()
    found = engine.search(probe, LIMIT)
    return found, perf_counter_ns() - started


def _ahead(items: Iterator[DrawnTemplates]) -> Iterator[DrawnTemplates]:
    """Yield items, each made while the one before is worked on."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
