"""Several probes in one search, beside the same probes one by one: what a probe costs in a batch.

Run: `python -m benchmarks.batches --rows 1000000`, with nothing else running. Rounds of all sizes, turn by turn: what
slows the machine slows all of them. A batch's answers must be those of its probes alone, or the run ends with 1.
"""

import argparse
import sys
from time import perf_counter_ns

import numpy as np

from benchmarks.environment import environment, write_result
from countenance.adapters.exact.engine import ExactIndex
from countenance.evaluation.search_benchmark import StoredTemplates
from countenance.index.model import BlockRows
from countenance.vision.pack import builtin_packs
from countenance.vision.population import made_up_population, pack_population

SEED = 1
DIM = 128
SIZES = (1, 2, 4, 8, 16)
ROUNDS = 20
LIMIT = 50
BLOCK = "made-up"


def main() -> None:
    """Fill, check, measure, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    facts = environment(seed=SEED, distributions=("countenance", "numpy"))
    people = pack_population(builtin_packs()[0]) or made_up_population(DIM)
    stored = StoredTemplates(None, templates=rows, dim=DIM)
    index, first = ExactIndex(DIM, originals=stored.templates), 1
    for part in people.stream(rows, seed=SEED):
        numbers = np.arange(first, first + len(part.templates))
        stored.add(numbers, part.templates)
        index.add(BlockRows(BLOCK, rows=numbers, subjects=numbers, templates=part.templates))
        first += len(numbers)
    probes = people.draw(max(SIZES), seed=SEED + 1).templates
    alone = [index.search(probe[None], blocks=[BLOCK], limit=LIMIT)[0].neighbours for probe in probes]
    same = [near.neighbours for near in index.search(probes, blocks=[BLOCK], limit=LIMIT)] == alone
    times: dict[int, list[int]] = {size: [] for size in SIZES}
    for at in range(ROUNDS):
        for size in SIZES:
            chosen = probes[(at + np.arange(size)) % len(probes)]
            started = perf_counter_ns()
            index.search(chosen, blocks=[BLOCK], limit=LIMIT)
            times[size].append(perf_counter_ns() - started)
    each = {size: float(np.median(spent)) / size / 1e6 for size, spent in times.items()}
    ratios = {size: round(each[size] / each[1], 3) for size in SIZES}
    result = {
        "rows": rows,
        "dim": DIM,
        "limit": LIMIT,
        "answers are those of the probes alone": same,
        "median ms a probe, by probes together": {size: round(ms, 3) for size, ms in each.items()},
        "of a probe alone": ratios,
        "nanoseconds, by probes together": times,
    }
    write_result(f"batches-{rows}", {"environment": facts, **result})
    print(each, ratios)
    sys.exit(not same)


if __name__ == "__main__":
    main()
