"""Are as many strangers counted as were expected? Identity-disjoint on lfw-dev, galleries of a thousand to a million.

Run with COUNTENANCE_TEST_DATA set: `python benchmarks/expected_strangers.py [PACK_FOLDER [FOLDS]]`. For each fold of
the protocol, or the first FOLDS of them, the population is fitted to the people of the other folds. The gallery is the
fold's own people and made-up ones up to N: drawn from a population that was fitted to this fold's people alone where
they are enough for that, else from other draws of the first. Galleries of 2,000 and more are calibrated over
themselves, as `countenance calibrate` does; smaller ones by the population. Probes are one photograph of each person of
the fold; only strangers are counted.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from environment import environment, write_result
from lfw_templates import DOUBLE_IDENTITY, LfwTemplates, lfw_templates, test_data
from numpy.typing import NDArray
from protocols.lfw_dev import FOLDS, protocol_rows

from countenance.core.errors import InvalidInputError
from countenance.gallery.model import Snapshot
from countenance.search.calibration import (
    FEWEST_SUBJECTS,
    Calibration,
    calibrate_gallery,
    calibrate_population,
    sample_subjects,
)
from countenance.search.cohort import ReferenceCohort
from countenance.search.strangers import HIGHEST_RATE, Strangers, expected_strangers
from countenance.vision.pack import ModelPack, builtin_packs, read_pack
from countenance.vision.population import TYPICAL_SHAPES, Population, fit_population

SIZES = (1_000, 10_000, 100_000, 1_000_000)
EXPECTATIONS = (0.01, 0.1, 1.0, 10.0, 100.0)
SEED = 7
Blocks = Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]


def fitted(data: LfwTemplates, people: NDArray[np.bool_], pack: ModelPack) -> Population:
    """Fit a population to some of the people."""
    return fit_population(data.templates[people], data.subjects[people], pack_digest=pack.digest, **TYPICAL_SHAPES)


def gallery(data: LfwTemplates, rows: NDArray[np.intp], extension: Population, size: int) -> Blocks:
    """Stream a gallery of `size` subjects: one real picture each, then made-up ones, numbered from a million on."""
    yield data.subjects[rows], data.templates[rows]
    for part in extension.stream(size - len(rows), seed=SEED):
        yield part.subjects + 1_000_000, part.templates


def calibrated(blocks: Blocks, cohort: ReferenceCohort, pack: ModelPack, size: int) -> Calibration:
    """Calibrate as the product does."""
    if size < FEWEST_SUBJECTS:
        return calibrate_population(cohort, pack_digest=pack.digest)
    snapshot = Snapshot(
        revision=1, pack_digest=pack.digest, sources=1, subjects=size, images=size, templates=size, last_row=size
    )
    sample = sample_subjects(blocks, subjects=size)
    return calibrate_gallery(sample, cohort, pack_digest=pack.digest, snapshot=snapshot)


def thresholds(
    probes: NDArray[np.float32], cohort: ReferenceCohort, calibration: Calibration, size: int
) -> tuple[NDArray[np.float64], list[list[Strangers]]]:
    """Return the score at which each expectation is reached, a row a probe, and what is said there."""
    found, said = np.full((len(probes), len(EXPECTATIONS)), np.inf), []
    for at, probe in enumerate(probes):
        place = cohort.place(probe[None])
        for column, wanted in enumerate(EXPECTATIONS):
            rate = wanted / (size - 1)
            if rate >= HIGHEST_RATE:
                found[at, column] = np.quantile(place.scores, 1 - rate)
            else:
                found[at, column] = calibration.curve.score_at(rate) + place.offset
        said.append([expected_strangers(score, place, calibration.curve, people=size) for score in found[at]])
    return found, said


def count(
    blocks: Blocks, probes: NDArray[np.float32], who: NDArray[np.int64], at: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Count the strangers of each probe at or above each of its thresholds; shape (probes, expectations)."""
    counts = np.zeros(at.shape, np.int64)
    floor = at.min(axis=1).astype(np.float32)
    for subjects, templates in blocks:
        scores = templates @ probes.T
        scores[(subjects[:, None] == who[None]) | ((subjects < 1_000_000)[:, None] & (scores >= DOUBLE_IDENTITY))] = -2
        row, probe = np.nonzero(scores >= floor)
        reached = scores[row, probe][:, None] >= at[probe]
        np.add.at(counts, probe, reached)
    return counts


def covered(counts: NDArray[np.int64], said: Strangers, seed: int = 0) -> float:
    """Return the share of counts in the central 90 % of a Poisson number with a mean spread as the interval says."""
    if said.low is None or said.high is None:
        return float("nan")
    rng = np.random.default_rng(seed)
    sigma = np.log(said.high / said.low) / (2 * 1.6449)
    drawn = rng.poisson(rng.lognormal(np.log(said.low * said.high) / 2, sigma, 200_000))
    low, high = np.quantile(drawn, [0.05, 0.95])
    return float(((counts >= low) & (counts <= high)).mean())


def one_fold(
    data: LfwTemplates, fold_of: NDArray[np.int64], fold: int, pack: ModelPack
) -> Iterator[list[dict[str, Any]]]:
    """Run all sizes for one fold; yield what there is after each size."""
    inside = fold_of == fold
    cohort = ReferenceCohort(fitted(data, ~inside, pack))
    try:
        extension, disjoint = fitted(data, inside, pack), True
    except InvalidInputError:
        extension, disjoint = cohort.population, False
    first = np.unique(data.subjects, return_index=True)[1]
    last = len(data.subjects) - 1 - np.unique(data.subjects[::-1], return_index=True)[1]
    rows, probe_rows = (np.sort(one[inside[one]]) for one in (first, last))
    probes, who = data.templates[probe_rows], data.subjects[probe_rows]
    results = []
    for size in SIZES:
        started = time.perf_counter()
        calibration = calibrated(gallery(data, rows, extension, size), cohort, pack, size)
        at, said = thresholds(probes, cohort, calibration, size)
        counts = count(gallery(data, rows, extension, size), probes, who, at)
        for column, wanted in enumerate(EXPECTATIONS):
            results.append(
                {
                    "fold": fold,
                    "subjects": size,
                    "expectation": wanted,
                    "probes": len(probes),
                    "known": said[0][column].known.value,
                    "interval": [said[0][column].low, said[0][column].high],
                    "counted": int(counts[:, column].sum()),
                    "ratio": float(counts[:, column].mean() / wanted),
                    "covered": covered(counts[:, column], said[0][column]),
                    "made_from": calibration.made_from,
                    "extension_disjoint": disjoint,
                }
            )
        print(f"fold {fold}, N = {size:,}: {time.perf_counter() - started:.0f} s", flush=True)
        yield results


def main() -> None:
    """Run all folds, write the raw results, print the table."""
    pack = read_pack(Path(sys.argv[1])) if len(sys.argv) > 1 else builtin_packs()[0]
    data = lfw_templates(pack)
    folds = {row.subject: row.fold for row in protocol_rows(test_data())}
    fold_of = np.array([folds[str(name).partition("/")[0]] for name in data.names])
    where = environment(seed=SEED, distributions=("numpy", "scipy"))
    results: list[dict[str, Any]] = []
    for fold in range(int(sys.argv[2]) if len(sys.argv) > 2 else FOLDS):
        before = results
        for rows in one_fold(data, fold_of, fold, pack):
            results = before + rows
            write_result(
                f"expected-strangers-{pack.name}", {"environment": where, "pack": pack.digest, "results": results}
            )
    print("        N expected  ratio  covered")
    for size in SIZES:
        for wanted in EXPECTATIONS:
            cells = [row for row in results if (row["subjects"], row["expectation"]) == (size, wanted)]
            ratio = sum(row["counted"] for row in cells) / sum(row["probes"] * wanted for row in cells)
            share = np.average([row["covered"] for row in cells], weights=[row["probes"] for row in cells])
            print(f"{size:>9,} {wanted:>8} {ratio:>8.2f} {share:>8.2f} {cells[0]['known']}")


if __name__ == "__main__":
    main()
