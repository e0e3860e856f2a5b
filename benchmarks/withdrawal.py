"""A source of a million says stop: when does the last search that could have shown it end, and what of the others?

Run: `python -m benchmarks.withdrawal --large 1000000 --small 20000`. Ends with 1 where an answer was wrong.

A gallery of ten sources is made, with keys, records and index on disk; the fifth is the large one. This process
searches it over and over, as a server does (bring the index up to the records, ask which sources are active, scan),
with people of the large source as probes, while another process withdraws the source. Measured:
- from the commit that makes the source ineligible to the end of the first search that began after it, and the longest
  search until the withdrawal's certificate was signed;
- how many searches that began after the commit showed a row of the source: must be 0.
Afterwards the answers over the other nine are compared, byte for byte, with those of a gallery that was made without
the large source. Pictures are not part of it: there are none.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter_ns

import numpy as np
from sqlalchemy import insert

from benchmarks.environment import environment, write_result
from benchmarks.records_at_size import BATCH, PER_SUBJECT, identifier, rows_of, source_row
from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.adapters.sql.models import SourceRow
from countenance.adapters.sql.sealing import RowSeals
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.arrays import Templates
from countenance.core.errors import ConflictError
from countenance.gallery import destruction
from countenance.gallery.destruction import DestructionRecords
from countenance.index.model import Nearest
from countenance.vision.pack import builtin_packs
from countenance.vision.population import Population, made_up_population, pack_population

SEED = 1
DIM = 128
SOURCES, LARGE = 10, 5
PROBES = 50
LIMIT = 50
WARM = 20
AROUND_NS = 5_000_000_000
"""Searches that began this long before the commit or after it are written down one by one."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which templates are whose: source after source, each of whole subjects."""

    large: int
    small: int

    def size(self, source: int) -> int:
        """Return how many templates a source has."""
        return self.large if source == LARGE else self.small

    def first(self, source: int) -> int:
        """Return the number of a source's first template."""
        return 1 + sum(self.size(before) for before in range(1, source))

    def source_of(self, subject: int) -> int:
        """Return whose a subject is."""
        first = 1 + (subject - 1) * PER_SUBJECT
        return max(source for source in range(1, SOURCES + 1) if self.first(source) <= first)


@dataclass(frozen=True, slots=True)
class Search:
    """When a search began and ended, ns of the system's steady clock, and how many rows of the source it showed.

    Attributes:
        refused: When it was refused and begun again, since the source was stopped under it
            (`source-changed-meanwhile`); 0 where it was not.
        refreshed: When the index was up to the records.
    """

    began: int
    refused: int
    refreshed: int
    ended: int
    shown: int


def settings_in(folder: Path) -> Settings:
    """Return the settings of a gallery with its keys beside it."""
    keys = {name: folder / "keys" / name for name in ("key_file", "keyring", "audit_key")}
    return Settings(home=folder / "home", **keys)


def make(folder: Path, layout: Layout, people: Population, *, sources: Sequence[int]) -> None:
    """Make a gallery that holds some of the sources."""
    (folder / "keys").mkdir(parents=True)
    settings = settings_in(folder)
    initialise(settings)
    engine = open_engine(sqlite_url(settings.database))
    with open_gallery(settings) as gallery:
        seals = RowSeals(gallery.keyring)
        with engine.begin() as connection:
            rows = [source_row(one, layout.size(one) if one in sources else 0, seals) for one in range(1, SOURCES + 1)]
            connection.execute(insert(SourceRow), rows)
        for source in sources:
            first, end = layout.first(source), layout.first(source) + layout.size(source)
            for at in range(first, end, BATCH):
                last = min(at + BATCH, end) - 1
                drawn = people.draw(last - at + 1, seed=SEED, start=at - 1, templates_per_subject=PER_SUBJECT).templates
                # One batch of template numbers at a time: the function below is used before the next one is drawn.
                made = rows_of(
                    at, last, seals, source_number=layout.source_of, template=dict(enumerate(drawn, at)).__getitem__
                )
                with engine.begin() as connection:
                    for table, values in made:
                        connection.execute(insert(table), values)
            print(f"source {source}: {layout.size(source):,} templates", flush=True)
    engine.dispose()


def search(gallery: OpenGallery, probe: Templates, layout: Layout) -> Search:
    """Search as a server does, without the photograph."""
    began = perf_counter_ns()
    refused = 0
    try:
        refreshed, found = _once(gallery, probe)
    except ConflictError:
        refused = perf_counter_ns()
        refreshed, found = _once(gallery, probe)
    ended = perf_counter_ns()
    first = layout.first(LARGE)
    shown = sum(first <= one.row < first + layout.large for one in found.neighbours)
    return Search(began, refused, refreshed, ended, shown)


def _once(gallery: OpenGallery, probe: Templates) -> tuple[int, Nearest]:
    """Bring the index up to the records, scan the active sources; return when the scan began, and the answer."""
    index, _ = gallery.indexed.refresh()
    refreshed = perf_counter_ns()
    return refreshed, index.search(probe, blocks=gallery.records.active_sources(), limit=LIMIT)[0]


def answers(gallery: OpenGallery, probes: Templates) -> bytes:
    """Return everything that the index answers over the active sources."""
    index, _ = gallery.indexed.refresh()
    return repr(index.search(probes, blocks=gallery.records.active_sources(), limit=LIMIT)).encode("ascii")


def watch(folder: Path, layout: Layout, probes: Templates) -> tuple[dict[str, object], bytes]:
    """Search while another process withdraws; return what was measured, and the answers afterwards."""
    with open_gallery(settings_in(folder)) as gallery:
        gallery.indexed.settle()
        before = [search(gallery, probes[at % PROBES][None], layout) for at in range(WARM)]
        command = [sys.executable, "-m", "benchmarks.withdrawal", "--withdraw", str(folder)]
        meanwhile: list[Search] = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as withdrawing:
            while withdrawing.poll() is None:
                meanwhile.append(search(gallery, probes[len(meanwhile) % PROBES][None], layout))
            told = json.loads(withdrawing.stdout.read() if withdrawing.stdout else "")
        after = answers(gallery, probes)
        left = len(gallery.records.reference_rows(identifier(LARGE)))
        index, snapshot = gallery.indexed.refresh()
        held = (len(index), snapshot.subjects)
    since = [one for one in meanwhile if one.began >= told["committed"]]
    return {
        "searches before": [asdict(one) for one in before],
        "searches meanwhile": len(meanwhile),
        "searches around the commit": [
            asdict(one) for one in meanwhile if abs(one.began - told["committed"]) < AROUND_NS
        ],
        **told,
        "milliseconds from commit to the first answer without it": (since[0].ended - told["committed"]) / 1e6,
        "longest search since, ms": max(one.ended - one.began for one in since) / 1e6,
        "searches that were refused once and repeated": sum(one.refused > 0 for one in meanwhile),
        "shown before": sum(one.shown for one in before),
        "shown since": sum(one.shown for one in since),
        "templates of it on record afterwards": left,
        "rows in the index, and on record": held,
        "withdrawal, seconds": (told["ended"] - told["committed"]) / 1e9,
    }, after


def withdraw(folder: Path) -> None:
    """Withdraw the large source, and tell when the commit that stops it was done, and when everything was."""
    told: dict[str, int] = {}

    class Timed:
        """The records of destructions, with a look at the clock."""

        def __init__(self, part: DestructionRecords) -> None:
            self._part = part

        def __getattr__(self, name: str) -> object:
            return getattr(self._part, name)

        def begin(self, *arguments: object, **named: object) -> object:
            begun = self._part.begin(*arguments, **named)  # type: ignore[arg-type]
            told["committed"] = perf_counter_ns()
            return begun

    with open_gallery(settings_in(folder)) as gallery:
        destroyer = gallery.sources._destroyer  # noqa: SLF001 - to look at the clock between two of its steps
        timed = destruction.Destroyer(
            **{name: getattr(destroyer, name) for name in destroyer.__slots__}
            | {"destructions": Timed(destroyer.destructions)}
        )
        timed.withdraw(f"source-{LARGE}", actor=destruction.SYSTEM, by="the owner", reason="the owner says stop")
        told["ended"] = perf_counter_ns()
    print(json.dumps(told))


def main() -> None:
    """Make both galleries, measure, compare, write the record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--made", type=Path, help="galleries of an earlier run that only made them; copies are used up")
    parser.add_argument("--make", type=Path, help="only make them, here")
    parser.add_argument("--withdraw", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.withdraw:
        withdraw(asked.withdraw)
        return
    layout = Layout(*(size // PER_SUBJECT * PER_SUBJECT for size in (asked.large, asked.small)))
    people = pack_population(builtin_packs()[0]) or made_up_population(DIM)
    with tempfile.TemporaryDirectory() as place:
        folder = asked.make or asked.made or Path(place)
        if not asked.made:
            make(folder / "ten", layout, people, sources=range(1, SOURCES + 1))
            make(folder / "nine", layout, people, sources=[one for one in range(1, SOURCES + 1) if one != LARGE])
            for name in ("ten", "nine"):
                with open_gallery(settings_in(folder / name)) as gallery:
                    gallery.indexed.refresh()
        if not asked.make:
            sys.exit(measure(folder, layout, people))


def measure(folder: Path, layout: Layout, people: Population) -> bool:
    """Measure over galleries that were made; return whether something was wrong."""
    facts = environment(seed=SEED, distributions=("countenance", "numpy", "sqlalchemy"))
    start = layout.first(LARGE) - 1
    # A probe is nearest to its own person: the mean of two of the three templates.
    mates = people.draw(PROBES * PER_SUBJECT, seed=SEED, start=start, templates_per_subject=PER_SUBJECT).templates
    probes = mates.reshape(PROBES, PER_SUBJECT, DIM)[:, :2].sum(axis=1)
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    result, after = watch(folder / "ten", layout, probes)
    with open_gallery(settings_in(folder / "nine")) as gallery:
        never = answers(gallery, probes)
    result = {
        "large": layout.large,
        "small": layout.small,
        "sources": SOURCES,
        "probes": PROBES,
        **result,
        "answers afterwards equal those of a gallery that never had it": after == never,
        "bytes of answers compared": len(never),
    }
    write_result(f"withdrawal-{layout.large}", {"environment": facts, **result})
    print(json.dumps({key: value for key, value in result.items() if not isinstance(value, list)}, indent=1))
    return not (after == never and result["shown since"] == 0)


if __name__ == "__main__":
    main()
