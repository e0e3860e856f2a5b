"""How long the index takes to be filled from the records, of sources that were enrolled in turns.

Run: `python -m benchmarks.index_fill --rows 1000000`, with nothing else running. Two galleries of as many people in as
many sources: one enrolled source after source, one in turns, so that no two neighbouring rows are of one source.
Each is filled into an empty stored index, one gallery after the other, round after round. Timed:
- `read`: reading the references alone, what filling can't be faster than;
- `fill`: reading them, and filling and storing the index;
- `row by row`: the gallery in turns again, but each run of one source's rows added by itself, so row by row; cut off
  after `--seconds`. The rows that were in by then are written down, and when each ten thousand were.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
from sqlalchemy import insert

from benchmarks.environment import environment, write_result
from benchmarks.records_at_size import BATCH, rows_of, source_row
from countenance.adapters.exact.stored import StoredExactIndex
from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import open_engine, sqlite_url, upgrade
from countenance.adapters.sql.models import SourceRow
from countenance.adapters.sql.records import SqlRecords
from countenance.adapters.sql.sealing import RowSeals
from countenance.audit.note import new_signer
from countenance.core.arrays import Templates
from countenance.gallery.indexing import IndexedGallery, originals_of
from countenance.gallery.references import ReferenceBatch
from countenance.index.model import BlockRows
from countenance.keys.ports import Keyring
from countenance.vision.pack import builtin_packs
from countenance.vision.population import made_up_population, pack_population

SEED = 1
DIM = 128
STEP = 10_000
"""Rows after which the time is noted."""


class OutOfTimeError(Exception):
    """Filling took longer than it may."""


class RowByRow:
    """Records whose batches are cut where the source changes."""

    def __init__(self, records: SqlRecords) -> None:
        """Read from records."""
        self._records = records

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the records have
        """Leave everything else as it is."""
        return getattr(self._records, name)

    def reference_batches(self, *, after_row: int, last_row: int) -> Iterator[ReferenceBatch]:
        """Yield each run of one source's rows."""
        for batch in self._records.reference_batches(after_row=after_row, last_row=last_row):
            rows = [(row, part, at) for part in batch.parts for at, row in enumerate(part.rows.tolist())]
            for _, run in groupby(sorted(rows, key=lambda one: one[0]), key=lambda one: one[1].block):
                yield ReferenceBatch(parts=(_cut([*run]),), superseded=batch.superseded[:0])


def _cut(run: list[tuple[int, BlockRows, int]]) -> BlockRows:
    """Return some rows of one part."""
    part, places = run[0][1], [at for _, _, at in run]
    return BlockRows(
        part.block, rows=part.rows[places], subjects=part.subjects[places], templates=part.templates[places]
    )


def made(
    folder: Path, templates: Templates, source_number: Callable[[int], int], *, sources: int, keyring: Keyring
) -> SqlRecords:
    """Make records of people, one template each, whose sources are told by their numbers."""
    engine = open_engine(sqlite_url(folder / "records.sqlite3"))
    upgrade(engine, keyring)
    seals, count = RowSeals(keyring), len(templates)
    with engine.begin() as connection:
        numbers = range(1, sources + 1)
        connection.execute(
            insert(SourceRow), [source_row(number, count // sources, seals, per_subject=1) for number in numbers]
        )
        for first in range(1, count + 1, BATCH):
            people = rows_of(
                first,
                min(first + BATCH - 1, count),
                seals,
                source_number=source_number,
                template=lambda number: templates[number - 1],
                per_subject=1,
            )
            for table, rows in people:
                connection.execute(insert(table), rows)
    return SqlRecords(engine, SqlAuditLog(engine, new_signer("benchmark"), keyring), keyring)


def read(records: SqlRecords) -> int:
    """Read all references; returns the time, ns."""
    last_row, started = records.snapshot().last_row, perf_counter_ns()
    for _ in records.reference_batches(after_row=0, last_row=last_row):
        pass
    return perf_counter_ns() - started


def fill(records: Any, keyring: Keyring, *, seconds: float = np.inf) -> dict[str, Any]:  # noqa: ANN401 - or RowByRow
    """Fill an empty index; returns the time, ns, the rows that are in, and when each ten thousand were."""
    noted: list[int] = []
    count = 0
    with tempfile.TemporaryDirectory() as place:
        index = StoredExactIndex(Path(place) / "index", DIM, originals=originals_of(records), keyring=keyring)
        started = perf_counter_ns()

        def note(rows: int) -> None:
            nonlocal count
            count += rows
            now = perf_counter_ns() - started
            while len(noted) < count // STEP:
                noted.append(now)
            if now > seconds * 1e9:
                raise OutOfTimeError

        try:
            _, snapshot = IndexedGallery(records, lambda: index).refresh(on_progress=note)
        except OutOfTimeError:
            whole = False
        else:
            whole = len(index) == snapshot.subjects
        took = perf_counter_ns() - started
        index.close()
    return {"whole": whole, "rows": count, "nanoseconds": took, f"each {STEP}": noted}


def main() -> None:
    """Measure and write the raw times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sources", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=480)
    asked = parser.parse_args()
    facts = environment(seed=SEED, distributions=("countenance", "numpy", "sqlalchemy"))
    people = pack_population(builtin_packs()[0]) or made_up_population(DIM)
    templates = people.draw(asked.rows, seed=SEED).templates
    each, keyring = asked.rows // asked.sources, memory_keyring()
    layouts: dict[str, Callable[[int], int]] = {
        "source after source": lambda subject: 1 + (subject - 1) // each,
        "in turns": lambda subject: 1 + (subject - 1) % asked.sources,
    }
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        galleries = {}
        for name, source_number in layouts.items():
            folder = Path(place) / name
            folder.mkdir()
            galleries[name] = made(folder, templates, source_number, sources=asked.sources, keyring=keyring)
        for number in range(1, asked.rounds + 1):
            for name, records in galleries.items():
                runs.append({"gallery": name, "round": number, "read": read(records), "fill": fill(records, keyring)})
                print(name, number, runs[-1]["read"] / 1e9, runs[-1]["fill"]["nanoseconds"] / 1e9, flush=True)
        before = fill(RowByRow(galleries["in turns"]), keyring, seconds=asked.seconds)
        print("row by row", before["rows"], before["nanoseconds"] / 1e9)
        for records in galleries.values():
            records.close()
    result = {"rows": asked.rows, "dim": DIM, "sources": asked.sources, "runs": runs, "row by row": before}
    write_result(f"index-fill-{asked.rows}-{asked.sources}", {"environment": facts, **result})


if __name__ == "__main__":
    main()
