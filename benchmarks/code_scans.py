"""Which scan of 4-bit codes is fastest: ours or FAISS's; turn by turn on as many rows, one probe at a time.

Run: `python -m benchmarks.code_scans --rows 10000000`, with nothing else running. 128 columns, 16 bytes a row:
- `ours`: `sift.c` as the compact engine calls it: one row in 200 is let through and judged from its int8 codes;
- `ours, codes alone`: next to no row is let through;
- `faiss, 1` and `faiss, 10000`: `IndexPQFastScan`, 32 x 4 bits, with lists of that length; no int8;
- `read`: every code read once, the least that any scan takes.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter_ns

import faiss
import numpy as np

from benchmarks.environment import environment, write_result
from countenance.adapters.compact.coder import Coder, Tables
from countenance.adapters.compact.sift import Sift
from countenance.adapters.exact.bounds import QuantisedProbe, quantised_probe
from countenance.adapters.exact.parallel import cores, parts_of
from countenance.adapters.exact.segments import SEGMENT_ROWS, Segment
from countenance.vision.pack import builtin_packs
from countenance.vision.population import made_up_population, pack_population

SEED, DIM, PROBES, DEPTH = 1, 128, 30, 132


def main() -> None:
    """Measure and write the raw times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    rows = parser.parse_args().rows
    facts = environment(seed=SEED, distributions=("countenance", "numpy", "faiss-cpu"))
    people = pack_population(builtin_packs()[0]) or made_up_population(DIM)
    segments, theirs = _filled(people.draw(SEGMENT_ROWS, seed=SEED).templates, rows)
    probes = people.draw(PROBES + 1, seed=SEED + 1).templates
    parts, sift = parts_of([segment.piece for segment in segments]), Sift()
    coder = Coder.trained(segments[0].directions(slice(0, 16_384)))
    halves = np.array_split(
        np.concatenate([segment.small.reshape(-1, 64).view(np.int64) for segment in segments]), cores()
    )
    pool = ThreadPoolExecutor(cores())

    def ours(probe: QuantisedProbe, tables: Tables, share: int) -> object:
        return sift(parts, probe, tables, share=share, floor=-1.0, depth=DEPTH)

    contenders = {
        "ours": lambda small, _: ours(small, coder.tables(small), rows // 200),
        "ours, codes alone": lambda small, _: ours(small, coder.tables(small), 1),
        "faiss, 1": lambda _, probe: theirs.search(probe[None], 1),
        "faiss, 10000": lambda _, probe: theirs.search(probe[None], 10_000),
        "read": lambda *_: list(pool.map(np.bitwise_or.reduce, halves)),
    }
    times: dict[str, list[int]] = {name: [] for name in contenders}
    for probe in probes:
        small = quantised_probe(probe)
        for name, call in contenders.items():
            started = perf_counter_ns()
            call(small, probe)
            times[name].append(perf_counter_ns() - started)
    measured = {name: listed[1:] for name, listed in times.items()}
    for name, listed in measured.items():
        print(f"{name:20} p50 {np.median(listed) / 1e6:8.2f} ms   p95 {np.percentile(listed, 95) / 1e6:8.2f} ms")
    result = {"environment": facts, "rows": rows, "dim": DIM, "population": people.digest, "cores": cores()}
    write_result(f"code-scans-{rows}x{DIM}", {**result, "nanoseconds": measured})


def _filled(templates: np.ndarray, rows: int) -> tuple[list[Segment], faiss.IndexPQFastScan]:
    """Give each contender the same rows over and over: what the rows are does not change the time."""
    numbers = np.arange(1, len(templates) + 1)
    once = Segment.of(rows=numbers, subjects=numbers, templates=templates)
    coder = Coder.trained(once.directions(slice(0, 16_384)))
    order = np.random.default_rng(SEED)
    segments = []
    theirs = faiss.IndexPQFastScan(DIM, DIM // 4, 4, faiss.METRIC_INNER_PRODUCT)
    theirs.train(templates[:16_384])
    for _ in range(-(-rows // len(templates))):
        shuffled = templates[order.permutation(len(templates))]
        segments.append(coder.coded(Segment.of(rows=numbers, subjects=numbers, templates=shuffled)))
        theirs.add(shuffled)
    return segments, theirs


if __name__ == "__main__":
    main()
