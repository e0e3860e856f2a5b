"""How long a server with a million faces takes to have its index, and how long taking a source out takes.

Run: `python -m benchmarks.index_start --rows 1000000`, with nothing else running. Timed:
- `store`: packing the rows and writing them to disk, once;
- `open`: reading the stored index and checking every file, as a server does at its start; the page cache is warm;
- `search`: the first search after that, two cores;
- `16 probes together`: one search for sixteen probes, beside searches for one;
- `take out`: removing one of the sources, overwritten in memory;
- `search without it`: the first search after that;
- `settle`: until what was removed is overwritten and synced on disk too, since the search.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import TypeVar

import numpy as np

from benchmarks.environment import environment, write_result
from countenance.adapters.exact.stored import StoredExactIndex
from countenance.adapters.keys.memory import memory_keyring
from countenance.index.model import BlockRows
from countenance.vision.pack import builtin_packs
from countenance.vision.population import made_up_population, pack_population

SEED = 1
DIM = 128
T = TypeVar("T")


def main() -> None:
    """Measure and write the raw times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sources", type=int, default=10)
    asked = parser.parse_args()
    facts = environment(seed=SEED, distributions=("countenance", "numpy"))
    people = pack_population(builtin_packs()[0]) or made_up_population(DIM)
    templates = people.draw(asked.rows, seed=SEED).templates
    probes = people.draw(16, seed=SEED + 1).templates
    probe = probes[:1]
    blocks = [f"source-{number}" for number in range(asked.sources)]
    parts = np.array_split(np.arange(1, asked.rows + 1), asked.sources)
    times: dict[str, int] = {}

    def timed(name: str, work: Callable[[], T]) -> T:
        started = perf_counter_ns()
        result = work()
        times[name] = perf_counter_ns() - started
        print(f"{name:20} {times[name] / 1e6:10.1f} ms", flush=True)
        return result

    keyring = memory_keyring()
    with tempfile.TemporaryDirectory() as place:

        def opened() -> StoredExactIndex:
            return StoredExactIndex(
                Path(place) / "index",
                DIM,
                originals=lambda rows: {row: templates[row - 1] for row in rows},
                keyring=keyring,
            )

        def store() -> None:
            index = opened()
            for block, rows in zip(blocks, parts, strict=True):
                index.add(BlockRows(block, rows=rows, subjects=rows, templates=templates[rows - 1]))
            index.save()

        timed("store", store)
        index = timed("open", opened)
        timed("search", lambda: index.search(probe, blocks=blocks, limit=50))
        for number in range(3):
            timed(f"search {number + 2}", lambda: index.search(probe, blocks=blocks, limit=50))
            timed(f"16 probes together {number + 1}", lambda: index.search(probes, blocks=blocks, limit=50))
        timed("take out", lambda: index.remove(parts[-1]))
        timed("search without it", lambda: index.search(probe, blocks=blocks, limit=50))
        timed("settle", index.settle)
        bytes_a_face = index.nbytes / len(index)
    result = {
        "rows": asked.rows,
        "dim": DIM,
        "sources": asked.sources,
        "bytes a face": bytes_a_face,
        "nanoseconds": times,
    }
    write_result(
        "index-start" if asked.rows == 1_000_000 else f"index-start-{asked.rows}", {"environment": facts, **result}
    )


if __name__ == "__main__":
    main()
