"""A photograph posted to a server, until its candidates are received: a gallery of a million over loopback.

Run, with nothing else running: `python -m benchmarks.posted_search --people 1000000`. Ends with 1 where somebody is not
found.

A gallery of ten sources of made-up people, one template each, with keys, records and index on disk, and one source of
real people whose photographs are enrolled. `countenance serve` runs over it as a process of its own; a client posts
other photographs of the real people to `POST /v1/searches`, with an API key, one after the other, and receives whole
answers: sign-in, policy, decoding, detection, template, scan, expected strangers, records, the entry in the audit log
and its receipt. Before that, the same with two clients at a time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
from sqlalchemy import insert

from benchmarks.environment import environment, write_result
from benchmarks.photographs import make_photographs
from benchmarks.records_at_size import BATCH, SOURCES, rows_of, source_row
from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.adapters.sql.models import SourceRow
from countenance.adapters.sql.sealing import RowSeals
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.client.client import Client
from countenance.gallery.model import LegalBasis
from countenance.gallery.plan import Subjects, plan
from countenance.vision.pack import builtin_packs
from countenance.vision.population import made_up_population, pack_population
from tests import signed_up

SEED = 1
DIM = 128
REAL = 200
"""People whose photographs are enrolled and searched for."""

EXAMINERS, EACH = 8, 40
"""Who searches, and how often: the default pack lets a person search 50 times a day, and under a case 200 times."""

PURPOSE = "missing-person"
COUNTENANCE = Path(sys.executable).parent / "countenance"


def main() -> None:
    """Make the gallery, measure, write the raw times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000, help="made-up ones")
    options = parser.parse_args()
    facts = environment(
        seed=SEED, distributions=("countenance", "numpy", "openvino", "fastapi", "uvicorn", "sqlalchemy")
    )
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(home=Path(place) / "home")
        made, probes = _make(settings, Path(place), options.people)
        with open_gallery(settings) as gallery:
            keys = [_key(gallery, f"examiner-{number}") for number in range(EXAMINERS)]
        with _serving(settings.home) as address:
            together = _post(address, keys[:2], probes, clients=2)
            alone = _post(address, keys[2:], probes, clients=1)
    posted = [*together, *alone]
    refused = sum(one["outcome"] != "searched" for one in posted)
    lost = sum(one["first"] != one["probe"] for one in posted) - refused
    result = {
        "environment": facts,
        "people": options.people,
        "photographs": made,
        "searches": len(posted),
        "face too poor to be searched": refused,
        "first candidate is somebody else, or nobody": lost,
        "one client": alone,
        "two clients": together,
    }
    print(write_result(f"posted-search-{options.people}", result))
    for name, answers in (("one client", alone), ("two clients", together)):
        times = np.array([one["nanoseconds"] for one in answers]) / 1e6
        print(name, {f"p{q}": round(float(np.percentile(times, q)), 1) for q in (50, 95, 99)}, "ms")
    sys.exit(1 if lost else 0)


def _make(settings: Settings, place: Path, people: int) -> tuple[str, list[Path]]:
    """Make the gallery; return how photographs were made, and those to search with."""
    initialise(settings)
    with open_gallery(settings) as gallery:
        seals = RowSeals(gallery.keyring)
        engine = open_engine(sqlite_url(settings.database))
        with engine.begin() as connection:
            connection.execute(
                insert(SourceRow),
                [source_row(n, people // SOURCES, seals, per_subject=1) for n in range(1, SOURCES + 1)],
            )
        population = pack_population(builtin_packs()[0]) or made_up_population(DIM)
        for first in range(1, people + 1, BATCH):
            last = min(first + BATCH - 1, people)
            drawn = dict(enumerate(population.draw(last - first + 1, seed=SEED, start=first - 1).templates, first))
            made = rows_of(
                first,
                last,
                seals,
                source_number=lambda subject: 1 + (subject - 1) * SOURCES // people,
                template=drawn.__getitem__,
                per_subject=1,
            )
            with engine.begin() as connection:
                for table, values in made:
                    connection.execute(insert(table), values)
        engine.dispose()
    how = make_photographs(place / "enrolled", count=REAL, seed=SEED)
    make_photographs(place / "probes", count=REAL, seed=SEED + 1)
    with open_gallery(settings) as gallery:
        gallery.sources.register(name="real", owner="bench", legal_basis=LegalBasis.LICENCE, document=b"none")
        gallery.enrol("real", plan(place / "enrolled", Subjects.FOLDERS))
    return how, sorted((place / "probes").glob("*/*.jpg"))


def _key(gallery: OpenGallery, login: str) -> str:
    """Return the API key of a person who may search."""
    signed_up.person(gallery, login)
    signed_up.admitted(gallery, login)
    return signed_up.api_key(gallery, login)


@contextmanager
def _serving(home: Path) -> Iterator[str]:
    """Run a server, and give its address."""
    command: list[str | Path] = [COUNTENANCE, "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=os.environ | {"COUNTENANCE_HOME": str(home)}, text=True
    ) as running:
        try:
            yield json.loads(running.stdout.readline() if running.stdout else "")["address"]
        finally:
            running.terminate()


def _post(address: str, keys: Sequence[str], probes: Sequence[Path], *, clients: int) -> list[dict[str, Any]]:
    """Post photographs, so many a key, and return when whole answers were received."""

    def one(number: int) -> dict[str, Any]:
        """Post one photograph."""
        probe = probes[number % len(probes)]
        image = probe.read_bytes()
        case = signed_up.CASES[number % len(signed_up.CASES)]
        started = perf_counter_ns()
        answer = held[number // EACH].search(image, case=case, purpose=PURPOSE, face=1)
        ended = perf_counter_ns()
        first = next((found.subject.label for found in answer.candidates), None)
        return {
            "nanoseconds": ended - started,
            "probe": probe.parent.name,
            "first": first,
            "outcome": answer.outcome,
            "seconds": answer.seconds,
        }

    held = [Client(address, key) for key in keys]
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(one, range(len(keys) * EACH)))
    for client in held:
        client.close()
    return answers


if __name__ == "__main__":
    main()
