"""What the records cost a search at one million templates: run by hand, results to benchmarks/results.

.venv/bin/python benchmarks/records_at_size.py [--templates 1000000]
"""

import argparse
import json
import platform
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns

import numpy as np
from sqlalchemy import Engine, text

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import open_engine, sqlite_url, upgrade
from countenance.adapters.sql.mapping import facts_of
from countenance.adapters.sql.records import SqlRecords
from countenance.audit.note import new_signer
from countenance.vision.model import Box, Face, Landmarks, Point, Quality

SOURCES, PER_SUBJECT, REPEATS, SEED = 20, 3, 50, 1

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :n)"

FILL = (
    """INSERT INTO source SELECT i, printf('%036d', i), 'source-' || i, 'o', 'consent', printf('%064d', i),
        'active', '2026-01-01 00:00:00', :templates / :sources, :subjects / :sources, :templates / :sources FROM n""",
    """INSERT INTO subject SELECT i, printf('%036d', i), 1 + i % :sources, 'subject ' || i FROM n""",
    """INSERT INTO image SELECT i, printf('%036d', i), 1 + i / :each % :sources, printf('%064d', i),
        'f/' || i || '.jpg', 'image/jpeg', 1, 640, 480, 'enrolled', '2026-01-01 00:00:00' FROM n""",
    """INSERT INTO face SELECT i, printf('%036d', i), i, 1 + (i - 1) / :each, 1, :facts FROM n""",
    """INSERT INTO template SELECT i, i, 1 + i / :each % :sources, 1 + (i - 1) / :each, :vector FROM n""",
)
"""Fills the tables in SQL: the vectors are all the same, since nothing here looks at them."""


def facts() -> str:
    """Return what is stored of a face, as long as a real one."""
    points = [Point(100.123456, 120.654321)] * 5
    face = Face(
        number=1,
        box=Box(10.5, 20.25, 110.125, 150.75),
        landmarks=Landmarks(*points),
        quality=Quality(
            eye_distance=61.234567,
            sharpness=312.345678,
            brightness=121.456789,
            clipped=0.012345,
            yaw=3.21,
            pitch=-4.32,
            roll=0.98,
            detector_score=0.912345,
        ),
        refusals=(),
    )
    return json.dumps(facts_of(face))


def fill(engine: Engine, templates: int) -> None:
    """Fill an empty database."""
    subjects = templates // PER_SUBJECT + 1
    values = {"templates": templates, "subjects": subjects, "sources": SOURCES, "each": PER_SUBJECT, "facts": facts()}
    vector = np.full(128, 128**-0.5, "<f4").tobytes()
    with engine.begin() as connection:
        for statement, n in zip(FILL, (SOURCES, subjects, templates, templates, templates), strict=True):
            connection.execute(text(f"{NUMBERS} {statement}"), values | {"n": n, "vector": vector})


def timed(call: Callable[[], object]) -> dict[str, float]:
    """Return percentiles of a call's time, ms."""
    times = []
    for _ in range(REPEATS):
        started = perf_counter_ns()
        call()
        times.append((perf_counter_ns() - started) / 1e6)
    return {f"p{q}": round(float(np.percentile(times, q)), 3) for q in (50, 95, 99)}


def measure(records: SqlRecords, templates: int) -> dict[str, dict[str, float]]:
    """Time what a search asks of the records, and what lists ask."""
    random = np.random.default_rng(SEED)

    def rows(n: int) -> list[int]:
        """Draw row numbers."""
        return (random.integers(1, templates, n)).tolist()

    return {
        "snapshot": timed(records.snapshot),
        "active_sources": timed(records.active_sources),
        "templates, 20 rows": timed(lambda: records.templates(rows(20))),
        "faces, 20 rows": timed(lambda: records.faces(rows(20))),
        "faces, 1000 rows": timed(lambda: records.faces(rows(1000))),
        "known_images, 256 hashes": timed(
            lambda: records.known_images(f"{1:036}", [f"{row:064}" for row in rows(256)])
        ),
        "sources": timed(records.sources),
        "subjects of a source, first 100": timed(lambda: records.subjects(source="source-7", limit=100)),
        "subjects, first 100": timed(lambda: records.subjects(limit=100)),
    }


def main() -> None:
    """Fill, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, default=1_000_000)
    templates = parser.parse_args().templates
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.sqlite3"
        engine = open_engine(sqlite_url(path))
        upgrade(engine)
        fill(engine, templates)
        records = SqlRecords(engine, SqlAuditLog(engine, new_signer("benchmark")))
        result = {
            "templates": templates,
            "sources": SOURCES,
            "subjects": templates // PER_SUBJECT + 1,
            "database_bytes": path.stat().st_size,
            "repeats": REPEATS,
            "seed": SEED,
            "sqlite": sqlite3.sqlite_version,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "milliseconds": measure(records, templates),
        }
        records.close()
    target = Path(__file__).parent / "results" / "records_at_size.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
