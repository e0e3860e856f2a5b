"""Eight readers and a writer that is killed at random share one stored index: is an answer ever wrong?

Run: `python -m benchmarks.shared_index --seconds 600`. Ends with 1 at a wrong, missing or extra row, or a torn file.

The writer process adds rows, takes some out, and stores them, in a loop; it writes down what it is about to do before
and after each step, and is killed with SIGKILL at a random moment, again and again. Each reader process opens the
stored index from disk again and again, as a server does at its start, and checks every row that it finds: it must be a
row that was added, hold just what was added, and not be one whose removal had ended before the reader opened the index.
A load that fails is a torn block. Row n's template is known by its number, so every process knows what it must be.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import numpy as np

from benchmarks.environment import environment, write_result
from countenance.adapters.exact.blocks import BlockStore
from countenance.adapters.exact.segments import Segment
from countenance.adapters.exact.stored import StoredExactIndex
from countenance.adapters.keys.file_kek import FileKek
from countenance.adapters.keys.keyring_file import FileKeyringStore
from countenance.core.arrays import Templates, cosine
from countenance.core.errors import ConflictError
from countenance.index.model import BlockRows
from countenance.keys.service import WrappedKeyring, new_content
from countenance.vision.pack import builtin_packs
from countenance.vision.population import made_up_population, pack_population

SEED = 1
DIM = 128
READERS = 8
BATCH = 300
POOL = 8_192
"""Distinct templates; row n has that of n modulo this."""

BLOCKS = ("a", "b", "c")


def main() -> None:
    """Run, write the record, and end with 1 where something was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=600)
    asked = parser.parse_args()
    facts = environment(seed=SEED, distributions=("countenance", "numpy"))
    with tempfile.TemporaryDirectory() as place:
        result = run(Path(place), seconds=asked.seconds)
    print(result)
    write_result("shared-index", {"environment": facts, "seconds": asked.seconds, "readers": READERS, **result})
    sys.exit(bool(result["wrong"]))


def run(folder: Path, *, seconds: float, readers: int = READERS) -> dict[str, int]:
    """Run readers and a writer that is killed, and count."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    results = context.Queue()
    reading = [context.Process(target=_read, args=(folder, stop, results, number)) for number in range(readers)]
    for process in reading:
        process.start()
    random, kills, deadline = np.random.default_rng(SEED), 0, monotonic() + seconds
    while monotonic() < deadline:
        ready = context.Event()
        writer = context.Process(target=_write, args=(folder, kills, ready))
        writer.start()
        ready.wait()
        sleep(random.uniform(0, 1.5))
        writer.kill()
        writer.join()
        kills += 1
    stop.set()
    loads = [results.get(timeout=60) for _ in reading]
    for process in reading:
        process.join()
    totals = {name: sum(one[name] for one in loads) for name in loads[0]}
    return {"kills": kills, **totals, "rows taken in": _last_row(folder), "rows taken out": len(_gone(folder))}


def people() -> Templates:
    """Return the templates that rows are given."""
    drawn = (pack_population(builtin_packs()[0]) or made_up_population(DIM)).draw(POOL, seed=SEED)
    return drawn.templates


def _write(folder: Path, run_number: int, ready: object) -> None:
    """Add, take out and store, until killed."""
    templates, random = people(), np.random.default_rng((SEED, run_number))
    index = StoredExactIndex(
        folder / "index",
        DIM,
        originals=lambda rows: {row: templates[row % POOL] for row in rows},
        keyring=_keyring(folder),
    )
    ready.set()  # type: ignore[attr-defined]
    # What a killed writer had begun to take out is taken out first: the records would say so.
    index.remove(_promised(folder))
    index.settle()
    _note(folder, "gone", _promised(folder))
    while True:
        rows = index.last_row + 1 + np.arange(BATCH)
        index.add(BlockRows(BLOCKS[int(rows[0]) % 3], rows=rows, subjects=rows, templates=templates[rows % POOL]))
        index.save()
        held = np.concatenate([index.rows(block) for block in index.blocks()])
        gone = random.choice(held, 20, replace=False).tolist()
        _note(folder, "promised", gone)
        index.remove(gone)
        index.settle()
        _note(folder, "gone", gone)


def _read(folder: Path, stop: object, results: object, number: int) -> None:
    """Open the index again and again, and check all that is found in it."""
    templates, random = people(), np.random.default_rng((SEED, 1_000 + number))
    store = BlockStore(folder / "index", DIM, _keyring(folder))
    counted = {"loads": 0, "searches": 0, "wrong": 0}
    while not stop.is_set():  # type: ignore[attr-defined]
        gone = _gone(folder)
        try:
            _, segments = store.load()
            counted["wrong"] += sum(not _holds(segment, templates, gone) for _, segment in segments)
            if segments:
                counted["wrong"] += not _answers(segments, templates, random)
                counted["searches"] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, a reader must not meet it
            print(f"reader {number}: {error!r}", flush=True)
            counted["wrong"] += 1
        counted["loads"] += 1
    results.put(counted)  # type: ignore[attr-defined]


def _holds(segment: Segment, templates: Templates, gone: set[int]) -> bool:
    """Say whether a segment holds just what was added, and nothing that was gone."""
    rows = segment.rows.numbers()
    wanted = Segment.of(rows=rows, subjects=rows, templates=templates[rows % POOL])
    return not gone.intersection(rows.tolist()) and len(wanted.same_rows(segment)) == len(rows)


def _answers(segments: list[tuple[str, Segment]], templates: Templates, random: np.random.Generator) -> bool:
    """Say whether an index of these segments answers as brute force does."""
    from countenance.adapters.exact.engine import ExactIndex  # noqa: PLC0415 - only here

    index = ExactIndex(DIM, originals=lambda rows: {row: templates[row % POOL] for row in rows})
    index.put(*segments)
    held = np.concatenate([segment.rows.numbers() for _, segment in segments])
    probe = templates[random.integers(POOL)]
    scores = cosine(probe, templates[held % POOL])
    expected = held[np.lexsort((held, -scores))][:20].tolist()
    [found] = index.search(probe[None], blocks=BLOCKS, limit=20)
    return [one.row for one in found.neighbours] == expected


def _note(folder: Path, what: str, rows: list[int]) -> None:
    """Write rows down, whole or not at all, and wait until they are on disk."""
    with (folder / what).open("a", encoding="ascii") as file:
        file.write(json.dumps(rows) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _noted(folder: Path, what: str) -> Iterator[int]:
    """Read what was written down; a last line that was cut short is left out."""
    path = folder / what
    for line in path.read_text(encoding="ascii").split("\n")[:-1] if path.exists() else ():
        yield from json.loads(line)


def _gone(folder: Path) -> set[int]:
    return set(_noted(folder, "gone"))


def _promised(folder: Path) -> list[int]:
    return sorted(set(_noted(folder, "promised")) - _gone(folder))


def _last_row(folder: Path) -> int:
    return BlockStore(folder / "index", DIM, _keyring(folder)).manifest().last_row


def _keyring(folder: Path) -> WrappedKeyring:
    """Open the keyring that all processes share, made by whoever comes first."""
    kek, store = FileKek(folder / "kek"), FileKeyringStore(folder / "keyring")
    made = kek.make()
    with suppress(ConflictError):
        store.create(new_content(made))
    return WrappedKeyring(store, kek.load)


if __name__ == "__main__":
    main()
