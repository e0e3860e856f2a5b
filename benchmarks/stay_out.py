"""People who stay out: whom the rule misses, whom it takes for them wrongly, and what it costs an enrolment.

Run with COUNTENANCE_TEST_DATA set: `python -m benchmarks.stay_out`. Identity-disjoint on lfw-dev: for each fold of the
protocol, cohort and curve are made of the people of the other folds. Entries are of the fold's people: made of one
photograph, and of two. New faces are their other photographs, which should be refused, and those of everybody else of
the fold, which should not. Beside the rule stands a fixed cosine that takes as many strangers.

Costs: comparing one face with so many entries, reading the entries (once in 32 photographs), and whole enrolments of
the same photographs with and without entries in turns. Writes benchmarks/results/stay-out.json.
"""

import os
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.environment import environment, write_result
from benchmarks.expected_strangers import fitted, same_person
from benchmarks.lfw_templates import LfwTemplates, lfw_templates
from benchmarks.photographs import make_photographs
from benchmarks.protocols.lfw_dev import FOLDS, fold_of
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.ids import new_id
from countenance.gallery.model import LegalBasis
from countenance.gallery.plan import Subjects, plan
from countenance.policy.model import SYSTEM
from countenance.rights.model import Consent
from countenance.search.calibration import calibrate_people
from countenance.search.cohort import ReferenceCohort
from countenance.search.comparisons import Sample
from countenance.vision.fusion import fuse
from countenance.vision.pack import ModelPack, builtin_packs
from countenance.vision.population import made_up_population

RATES = (1e-3, 1e-4, 1e-5, 1e-6)
ENTRIES = (0, 100, 1_000)
SEED, FACES, TURNS, PHOTOGRAPHS = 1, 2_000, 3, 96
FOREVER = date(2999, 1, 1)
Floats, Rows = NDArray[np.float64], NDArray[np.intp]


class Compared(NamedTuple):
    """Entries against new faces: scores, how far each entry's own level is from the curve's zero, and who is who.

    Attributes:
        scores: float64, shape (n,).
        offsets: float64, shape (n,), the entries' own.
        entries: int64, shape (n,), the entries' people.
        mated: bool, shape (n,).
    """

    scores: Floats
    offsets: Floats
    entries: NDArray[np.int64]
    mated: NDArray[np.bool_]


def entries_of(data: LfwTemplates, inside: NDArray[np.bool_], photographs: int) -> tuple[list[Rows], Rows]:
    """Return the rows of each entry's photographs, and those of all new faces of the fold.

    An entry is of a person's first photographs; whoever has too few is a stranger only.
    """
    entries, used = [], []
    for person in np.unique(data.subjects[inside]):
        rows = np.flatnonzero(data.subjects == person)
        if len(rows) >= photographs:
            entries.append(rows[:photographs])
            used += rows[:photographs].tolist()
    return entries, np.setdiff1d(np.flatnonzero(inside), used)


def compared(data: LfwTemplates, inside: NDArray[np.bool_], cohort: ReferenceCohort, photographs: int) -> Compared:
    """Compare every entry of a fold with every new face of it; two names of one person are left out."""
    entries, new = entries_of(data, inside, photographs)
    templates = np.stack([fuse(data.templates[rows]) for rows in entries])
    who = data.subjects[[rows[0] for rows in entries]]
    scores = (templates @ data.templates[new].T).astype(np.float64)
    mated = who[:, None] == data.subjects[new][None, :]
    keep = mated | ~same_person(data)[np.ix_(who, data.subjects[new])]
    offsets = np.broadcast_to(cohort.place_all(templates).offsets[:, None], scores.shape)
    people = np.broadcast_to(who[:, None], scores.shape)
    return Compared(scores[keep], offsets[keep], people[keep], mated[keep])


def fold_results(data: LfwTemplates, inside: NDArray[np.bool_], pack: ModelPack) -> dict[str, Any]:
    """Return, for entries of one and of two photographs, what each rate misses and takes wrongly."""
    cohort = ReferenceCohort(fitted(data, ~inside, pack))
    people = Sample(data.templates[~inside], data.subjects[~inside])
    curve = calibrate_people(people, cohort, pack_digest=pack.digest).curve
    found: dict[str, Any] = {"floor": curve.floor}
    for photographs in (1, 2):
        one = compared(data, inside, cohort, photographs)
        found[str(photographs)] = {
            f"{rate:g}": counted(one, one.scores - one.offsets - curve.score_at(max(rate, curve.floor)))
            for rate in RATES
        }
    return found


def counted(one: Compared, above: Floats) -> dict[str, int]:
    """Count what reaches the rule's threshold, and what reaches a fixed cosine that takes as many strangers."""
    strangers = np.sort(one.scores[~one.mated])[::-1]
    taken = int((above[~one.mated] >= 0).sum())
    fixed = strangers[min(taken, len(strangers) - 1)]
    return {
        "mated": int(one.mated.sum()),
        "missed": int((above[one.mated] < 0).sum()),
        "missed_by_fixed_cosine": int((one.scores[one.mated] <= fixed).sum()),
        "strangers": len(strangers),
        "taken": taken,
        "entries": len(np.unique(one.entries)),
        "entries_that_took_somebody": len(np.unique(one.entries[(above >= 0) & ~one.mated])),
    }


def pooled(folds: list[dict[str, Any]]) -> dict[str, Any]:
    """Add the folds, with rates and their intervals over all."""
    cells = {}
    for photographs in ("1", "2"):
        for rate in (f"{rate:g}" for rate in RATES):
            parts = [fold[photographs][rate] for fold in folds]
            total = {name: sum(part[name] for part in parts) for name in parts[0]}
            cells[f"{photographs} photographs, rate {rate}"] = total | {
                "missed_share": total["missed"] / total["mated"],
                "missed_share_by_fixed_cosine": total["missed_by_fixed_cosine"] / total["mated"],
                "taken_share": total["taken"] / total["strangers"],
            }
    return cells


def filled(gallery: OpenGallery, count: int) -> None:
    """Put so many made-up people's entries in force."""
    staying = gallery.rights.stay_out
    for template in made_up_population(128, seed=3).draw(max(count, 1), seed=3).templates[:count]:
        consent = Consent(entry_id=new_id(), ends_on=FOREVER, document_sha256="0" * 64)
        staying.propose(consent, template[None], b"signed", actor=SYSTEM)
        staying.entries.enforce(consent.entry_id, actor=SYSTEM)


def costs(home: Path, count: int, digest: str) -> dict[str, Any]:
    """Time reading so many entries, and comparing faces with them."""
    settings = Settings(home=home)
    initialise(settings)
    with open_gallery(settings) as gallery:
        filled(gallery, count)
        reading = []
        for _ in range(11):  # the first one opens the templates
            began = perf_counter_ns()
            held = gallery.rights.stay_out.entries.in_force(date.today(), pack_digest=digest)  # noqa: DTZ011
            reading.append(perf_counter_ns() - began)
        faces = made_up_population(128, seed=4).draw(FACES, seed=4).templates
        comparing = []
        for face in faces:
            began = perf_counter_ns()
            held.bar(face)
            comparing.append(perf_counter_ns() - began)
    return {"entries": count, "reading_ns": reading, "comparing_ns": comparing}


def enrolments(place: Path, folder: Path, count: int) -> list[dict[str, Any]]:
    """Enrol the same photographs with so many entries and with none, in turns."""
    turns = []
    for turn in range(2 * TURNS):
        entries = count if turn % 2 else 0
        settings = Settings(home=place / f"home-{turn}", workers=2)
        initialise(settings)
        with open_gallery(settings) as gallery:
            gallery.sources.register(name="s", owner="o", legal_basis=LegalBasis.CONTRACT, document=b"d")
            filled(gallery, entries)
            report = gallery.enrol("s", plan(folder, Subjects.NONE, home=settings.home))
        turns.append({"entries": entries, "photographs": report.read, "seconds": report.seconds})
    return turns


def summary(result: Mapping[str, Any]) -> None:
    """Print what matters."""
    for name, cell in result["pooled"].items():
        print(
            f"{name}: missed {cell['missed_share']:.3f} ({cell['missed_share_by_fixed_cosine']:.3f} by a fixed cosine) "
            f"of {cell['mated']}, strangers {cell['taken']} of {cell['strangers']} ({cell['taken_share']:.2g})"
        )
    for cost in result["costs"]:
        first, *again = cost["reading_ns"]
        print(
            f"{cost['entries']} entries: reading {first / 1e6:.1f} ms, again {np.median(again) / 1e6:.2f} ms; "
            f"comparing {np.median(cost['comparing_ns']) / 1e3:.1f} us"
        )
    for entries in sorted({turn["entries"] for turn in result["enrolments"]}):
        rates = [one["photographs"] / one["seconds"] for one in result["enrolments"] if one["entries"] == entries]
        print(f"{entries} entries: {np.median(rates):.1f} photographs/s, each turn {np.round(rates, 1).tolist()}")


def main() -> None:
    """Measure, write the raw results, print a summary."""
    pack = builtin_packs()[0]
    data = lfw_templates(pack)
    folds = np.array([fold_of(str(name).partition("/")[0]) for name in data.names])
    result: dict[str, Any] = {
        "environment": environment(seed=SEED, distributions=("numpy", "scipy")),
        "pack": pack.digest,
        "folds": [fold_results(data, folds == fold, pack) for fold in range(FOLDS)],
    }
    result["pooled"] = pooled(result["folds"])
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_CONFIG_HOME"] = f"{place}/config"
        folder = Path(place) / "photographs"
        make_photographs(folder, count=PHOTOGRAPHS, seed=SEED)
        result["costs"] = [costs(Path(place) / f"cost-{count}", count, pack.digest) for count in ENTRIES]
        result["enrolments"] = enrolments(Path(place), folder, 1_000)
    write_result("stay-out", result)
    summary(result)


if __name__ == "__main__":
    main()
