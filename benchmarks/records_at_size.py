"""What the records cost a search at one million templates: run by hand, results to benchmarks/results.

.venv/bin/python -m benchmarks.records_at_size [--templates 1000000]
"""

import argparse
import json
import platform
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
from sqlalchemy import Engine, insert

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.counts import Counts, sealed_counts
from countenance.adapters.sql.database import open_engine, sqlite_url, upgrade
from countenance.adapters.sql.mapping import facts_of
from countenance.adapters.sql.models import Base, FaceRow, ImageRow, SourceRow, SubjectRow, TemplateRow
from countenance.adapters.sql.records import SqlRecords
from countenance.adapters.sql.sealing import FACE, IMAGE, SOURCE, RowSeals
from countenance.audit.note import new_signer
from countenance.core.arrays import Templates
from countenance.vision.model import Box, Face, Landmarks, Point, Quality

SOURCES, PER_SUBJECT, REPEATS, SEED = 20, 3, 50, 1

BATCH = 20_000
AT = datetime(2026, 1, 1, tzinfo=UTC)
VECTOR = np.full(128, 128**-0.5, np.float32)
"""Every template: nothing here looks at them."""


def facts() -> dict[str, Any]:
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
    return facts_of(face)


def identifier(number: int) -> str:
    """Return an id."""
    return f"{number:036d}"


def source_number(subject: int) -> int:
    """Return whose a subject is."""
    return 1 + subject % SOURCES


def constant(_: int) -> Templates:
    """Return a template, whatever the number."""
    return VECTOR


def source_row(number: int, each: int, seals: RowSeals, *, per_subject: int = PER_SUBJECT) -> dict[str, Any]:
    """Return a source of so many templates; what is not asked for here is left out of its entry."""
    name = f"source-{number}"
    facts = {"name": name, "owner": "o", "legal_basis": "consent", "document_sha256": "d" * 64, "contact": ""}
    terms = {"sectors": ["any"], "purposes": ["any"], "excluded": [], "releases_required": False}
    return {
        "number": number,
        "source_id": identifier(number),
        "name_print": seals.name_print(name),
        "state": "active",
        "registered_at": AT,
        "counts": sealed_counts(seals.keyring, identifier(number), Counts(each, each // per_subject, each)),
        "entry": seals.home_entry(identifier(number), facts | terms, column=SOURCE),
    }


def rows_of(
    first: int,
    last: int,
    seals: RowSeals,
    *,
    source_number: Callable[[int], int] = source_number,
    template: Callable[[int], Templates] = constant,
    per_subject: int = PER_SUBJECT,
) -> Iterator[tuple[type[Base], list[dict[str, Any]]]]:
    """Return the rows of templates first to last, with their faces, photographs and new subjects.

    Args:
        source_number: Whose a subject is.
        template: A template by its number.
        per_subject: How many templates a subject has.
    """
    numbers = range(first, last + 1)
    subject_of = {number: 1 + (number - 1) // per_subject for number in numbers}
    owner = {number: identifier(source_number(subject)) for number, subject in subject_of.items()}
    new = sorted({subject for number, subject in subject_of.items() if (number - 1) % per_subject == 0})
    face = facts()
    picture = {"media_type": "image/jpeg", "size_bytes": 1, "width": 640, "height": 480}
    yield (
        SubjectRow,
        [
            {
                "number": subject,
                "subject_id": identifier(subject),
                "source": source_number(subject),
                "label": seals.label(identifier(source_number(subject)), identifier(subject), f"subject {subject}"),
                "label_print": seals.label_print(identifier(source_number(subject)), f"subject {subject}"),
            }
            for subject in new
        ],
    )
    yield (
        ImageRow,
        [
            {
                "number": number,
                "image_id": identifier(number),
                "source": source_number(subject_of[number]),
                "content_print": seals.content_print(owner[number], f"{number:064}"),
                "entry": seals.entry(
                    owner[number],
                    identifier(number),
                    picture | {"sha256": f"{number:064}", "reference": f"f/{number}.jpg"},
                    column=IMAGE,
                ),
                "outcome": "enrolled",
                "enrolled_at": AT,
            }
            for number in numbers
        ],
    )
    yield (
        FaceRow,
        [
            {
                "number": number,
                "face_id": identifier(number),
                "image": number,
                "subject": subject_of[number],
                "ordinal": 1,
                "entry": seals.entry(owner[number], identifier(number), face, column=FACE),
            }
            for number in numbers
        ],
    )
    yield (
        TemplateRow,
        [
            {
                "number": number,
                "face": number,
                "source": source_number(subject_of[number]),
                "subject": subject_of[number],
                "vector": seals.template(owner[number], number, template(number)),
            }
            for number in numbers
        ],
    )


def fill(engine: Engine, templates: int, seals: RowSeals) -> None:
    """Fill an empty database."""
    with engine.begin() as connection:
        sources = [source_row(number, templates // SOURCES, seals) for number in range(1, SOURCES + 1)]
        connection.execute(insert(SourceRow), sources)
        for first in range(1, templates + 1, BATCH):
            for table, rows in rows_of(first, min(first + BATCH - 1, templates), seals):
                connection.execute(insert(table), rows)


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
        "references, 20 rows": timed(lambda: records.references(rows(20))),
        "faces, 20 rows": timed(lambda: records.faces(rows(20))),
        "faces, 1000 rows": timed(lambda: records.faces(rows(1000))),
        "known_images, 256 hashes": timed(
            lambda: records.known_images(identifier(2), [f"{row:064}" for row in rows(256)])
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
        keyring = memory_keyring()
        upgrade(engine, keyring)
        fill(engine, templates, RowSeals(keyring))
        records = SqlRecords(engine, SqlAuditLog(engine, new_signer("benchmark"), keyring), keyring)
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
