"""What it costs to say what scores mean, in a search of a million people.

Run: `OPENBLAS_NUM_THREADS=1 python -m benchmarks.meaning --rows 1000000`, with nothing else running. For each of 200
probes of different people a scan is timed, and then all that a search does about meaning: the probe's scores against
the cohort, its offset, the threshold for an FPIR, expected strangers of 20 candidates with their words, and what the
answer keeps. The scan between takes the cohort out of the processor's caches, as it does in a server. Beside the time
on the clock stands the processor time of the thread, which other work on the machine lengthens less. The gallery is
calibrated over itself; that is timed too. Not in it: the mirrored crop, which is one more run of the recogniser.
"""

import argparse
from time import perf_counter_ns, thread_time_ns

import numpy as np

from benchmarks.environment import environment, write_result
from countenance.adapters.exact.engine import ExactIndex
from countenance.index.model import BlockRows
from countenance.search.calibration import calibrate_gallery
from countenance.search.cohort import ReferenceCohort
from countenance.search.comparisons import sample_subjects
from countenance.search.rendering import scale_json, strangers_json
from countenance.search.scale import ScoreScale
from countenance.vision.pack import builtin_packs
from countenance.vision.population import made_up_population, pack_population

SEED = 5
PROBES, CANDIDATES, FPIR = 200, 20, 0.01


def main() -> None:
    """Measure and write the raw times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    facts = environment(seed=SEED, distributions=("countenance", "numpy", "scipy"))
    pack = builtin_packs()[0]
    people = pack_population(pack) or made_up_population(128)
    templates, probes = people.draw(rows, seed=SEED).templates, people.draw(PROBES, seed=SEED + 1).templates
    numbers = np.arange(1, rows + 1)
    cohort = ReferenceCohort(people)
    started = perf_counter_ns()
    sample = sample_subjects([(numbers, templates)], subjects=rows)
    calibration = calibrate_gallery(sample, cohort, pack_digest=pack.digest, revision=1, active=rows)
    calibrating = perf_counter_ns() - started
    scale = ScoreScale(cohort=cohort, calibration=calibration)
    index = ExactIndex(128, originals=lambda wanted: {row: templates[row - 1] for row in wanted})
    index.add(BlockRows("all", rows=numbers, subjects=numbers, templates=templates))

    scans, meanings, processor = [], [], []
    for probe in probes[:, None]:
        before = perf_counter_ns()
        [near] = index.search(probe, blocks=["all"], limit=CANDIDATES)
        between, used = perf_counter_ns(), thread_time_ns()
        place = scale.place(probe, subjects=rows, templates=rows, active=rows)
        place.threshold(FPIR)
        for neighbour in near.neighbours:
            strangers_json(place.strangers(neighbour.score), people=rows)
        scale_json(place.facts(FPIR))
        scans.append(between - before)
        meanings.append(perf_counter_ns() - between)
        processor.append(thread_time_ns() - used)
    result = {
        "rows": rows,
        "candidates": CANDIDATES,
        "calibrating_ns": calibrating,
        "scan_ns": scans,
        "meaning_ns": meanings,
        "meaning_processor_ns": processor,
    }
    write_result(f"meaning-{rows}", {"environment": facts, **result})
    for name, taken in (("scan", scans), ("meaning", meanings), ("meaning, processor time", processor)):
        p50, p95 = np.quantile(taken[5:], [0.5, 0.95]) / 1e6
        print(f"{name:24} p50 {p50:6.2f} ms, p95 {p95:6.2f} ms")


if __name__ == "__main__":
    main()
