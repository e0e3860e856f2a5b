"""Which kernel scans packed rows fastest: ours, NumKong's, FAISS's; turn by turn on the same rows, one probe at a time.

Run: `pip install -r benchmarks/requirements-kernels.txt`, then `python -m benchmarks.scan_kernels --rows 1000000
--dim 128`, with nothing else running. Each contender ends with the rows that can reach the 50th best score:
- `ours`: `scan.c`, int16 probe, bounds and cut in the same pass;
- `numkong`: packed int8 dot products, then bounds and cut in NumPy;
- `numkong-dots`: the dot products alone, which no search can do with;
- `faiss-sq8`: FAISS's scalar quantiser, 8 bits, 132 best rows, without bounds;
- `read`: every code read once, the least that any scan takes.
"""

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter_ns

import faiss
import numkong
import numpy as np

from benchmarks.environment import environment, write_result
from countenance.adapters.exact.bounds import quantised, quantised_probe
from countenance.adapters.exact.kernel import CompiledScan, Piece
from countenance.core.arrays import Templates
from countenance.vision.pack import builtin_packs
from countenance.vision.population import made_up_population, pack_population

SEED = 1
PROBES = 15
DEPTH = 132
SLACK = 2e-6
FAISS_ROWS = 10_000_000
"""FAISS is measured up to this many rows."""

Contender = Callable[[Templates, int], object]


def main() -> None:
    """Measure and write the raw times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--dim", type=int, required=True)
    asked = parser.parse_args()
    facts = environment(seed=SEED, distributions=("countenance", "numpy", "numkong", "faiss-cpu"))
    made = pack_population(builtin_packs()[0])
    people = made if made is not None and made.dim == asked.dim else made_up_population(asked.dim)
    piece, sq8 = _filled(people.stream(asked.rows, seed=SEED), asked.rows, asked.dim)
    probes = people.draw(PROBES + 1, seed=SEED + 1).templates
    contenders = _contenders(piece, sq8)
    times: dict[str, list[int]] = {f"{name}, {threads}": [] for name in contenders for threads in (1, 2)}
    for probe in probes:
        for name, call in contenders.items():
            for threads in (1, 2):
                started = perf_counter_ns()
                call(probe, threads)
                times[f"{name}, {threads}"].append(perf_counter_ns() - started)
    measured = {name: listed[1:] for name, listed in times.items()}
    for name, listed in measured.items():
        print(f"{name:20} p50 {np.median(listed) / 1e6:8.2f} ms   p95 {np.percentile(listed, 95) / 1e6:8.2f} ms")
    result = {"environment": facts, "rows": asked.rows, "dim": asked.dim, "population": people.digest}
    write_result(f"scan-kernels-{asked.rows}x{asked.dim}", {**result, "nanoseconds, by threads": measured})


def _filled(stream: object, rows: int, dim: int) -> tuple[Piece, faiss.IndexScalarQuantizer | None]:
    """Pack rows for each contender."""
    piece = Piece(codes=np.empty((rows, dim), np.int8), terms=np.empty(rows, np.uint32))
    sq8 = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    at = 0
    for part in stream:  # type: ignore[attr-defined]
        here = slice(at, at + len(part.templates))
        piece.codes[here], piece.terms[here] = quantised(part.templates)
        if rows <= FAISS_ROWS:
            if not at:
                sq8.train(part.templates)
            sq8.add(part.templates)
        at = here.stop
    return piece, sq8 if rows <= FAISS_ROWS else None


def _contenders(piece: Piece, sq8: faiss.IndexScalarQuantizer | None) -> dict[str, Contender]:
    """Return what is measured, each a call with a probe and a number of threads."""
    rows = len(piece.terms)
    pool = ThreadPoolExecutor(1)
    scan, made = CompiledScan(), numkong.zeros((rows, 1), dtype="int32")
    dots = np.asarray(made)
    scale = (piece.terms >> np.uint32(16) << np.uint32(16)).view(np.float32)
    residual = (piece.terms << np.uint32(16)).view(np.float32)

    def split(work: Callable[[int, int], object], threads: int) -> Sequence[object]:
        """Do work on all rows, on one thread or two."""
        if threads == 1:
            return [work(0, rows)]
        other = pool.submit(work, rows // 2, rows)
        return [work(0, rows // 2), other.result()]

    def ours(probe: Templates, threads: int) -> object:
        small = quantised_probe(probe)
        return split(
            lambda low, high: scan(
                [Piece(codes=piece.codes[low:high], terms=piece.terms[low:high])], [small], floor=-1.0, depth=DEPTH
            ),
            threads,
        )

    def products(probe: Templates, threads: int) -> np.float32:
        step = np.float32(np.abs(probe).max() / 127)
        packed = numkong.dots_pack(np.rint(probe / step).astype(np.int8)[None])
        split(
            lambda low, high: numkong.dots_packed(piece.codes, packed, out=made, start_row=low, end_row=high), threads
        )
        return step

    def bounded(probe: Templates, threads: int) -> object:
        step = products(probe, threads)

        def cut(low: int, high: int) -> object:
            centre = dots[low:high, 0] * (scale[low:high] * step)
            width = residual[low:high] + np.float32(SLACK)
            lower = centre - width
            best = np.partition(lower, len(lower) - DEPTH)[len(lower) - DEPTH]
            return np.flatnonzero(centre + width >= best)

        return split(cut, threads)

    def read(_: Templates, threads: int) -> object:
        words = piece.codes.reshape(-1).view(np.int64).reshape(rows, -1)
        return split(lambda low, high: np.bitwise_or.reduce(words[low:high], axis=None), threads)

    def scalar(probe: Templates, threads: int) -> object:
        faiss.omp_set_num_threads(threads)
        return sq8.search(probe[None], DEPTH)  # type: ignore[union-attr]

    found: dict[str, Contender] = {"ours": ours, "numkong": bounded, "numkong-dots": products, "read": read}
    return found if sq8 is None else {**found, "faiss-sq8": scalar}


if __name__ == "__main__":
    main()
