"""Are as many strangers counted as were expected? Identity-disjoint on lfw-dev, galleries of a thousand to a million.

Run with COUNTENANCE_TEST_DATA set: `python -m benchmarks.expected_strangers [PACK_FOLDER] [--folds FOLDS]`. For each
fold of the protocol, or the first FOLDS of them, the population is fitted to the people of the other folds. The gallery
is the fold's own people and made-up ones up to N: drawn from a population that was fitted to this fold's people alone
where they are enough for that, else from other draws of the first. Galleries of 2,000 and more are calibrated over
themselves, as `countenance calibrate` does; smaller ones by the people whom the population was fitted to, as a pack's
calibration is. Probes are one photograph of each person of the fold; only strangers are counted.

Where one fold's people are enough to fit a population to, the gallery of a thousand is of the others' people, without
any made-up ones. Writes benchmarks/results/expected-strangers-PACK.json and docs/images.

With `--several`, instead: one, two and three photographs of each subject, or of each probe, as their mean, under a
pack's calibration, which was made with one of each, and counts templates. Writes
benchmarks/results/expected-strangers-several-PACK.json.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from benchmarks.environment import RESULTS, environment, write_result
from benchmarks.lfw_templates import LfwTemplates, double_names, lfw_templates
from benchmarks.protocols.lfw_dev import FOLDS, fold_of
from countenance.core.errors import InvalidInputError
from countenance.search.calibration import FEWEST_SUBJECTS, Calibration, Check, calibrate_gallery, calibrate_people
from countenance.search.cohort import ReferenceCohort
from countenance.search.comparisons import Sample, sample_subjects
from countenance.search.strangers import HIGHEST_RATE, Strangers, expected_strangers
from countenance.vision.fusion import fuse
from countenance.vision.pack import ModelPack, builtin_packs, read_pack
from countenance.vision.population import TYPICAL_SHAPES, Population, fit_population

SIZES = (1_000, 10_000, 100_000, 1_000_000)
EXPECTATIONS = (0.01, 0.1, 1.0, 10.0, 100.0)
SEED = 7
SEVERAL = ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3))
"""Photographs of each subject, and of each probe."""
MADE_UP = 1_000_000
"""Number that made-up subjects are numbered from."""
Blocks = Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]


def fitted(data: LfwTemplates, people: NDArray[np.bool_], pack: ModelPack) -> Population:
    """Fit a population to some of the people."""
    return fit_population(data.templates[people], data.subjects[people], pack_digest=pack.digest, **TYPICAL_SHAPES)


def gallery(data: LfwTemplates, rows: NDArray[np.intp], extension: Population, size: int) -> Blocks:
    """Stream a gallery of `size` subjects: one real picture each, then made-up ones, numbered from a million on."""
    yield data.subjects[rows[:size]], data.templates[rows[:size]]
    for part in extension.stream(max(size - len(rows), 0), seed=SEED):
        yield part.subjects + MADE_UP, part.templates


def calibrated(blocks: Blocks, people: Sample, cohort: ReferenceCohort, pack: ModelPack, size: int) -> Calibration:
    """Calibrate as the product does; `people` are those whom the cohort's population was fitted to."""
    if size < FEWEST_SUBJECTS:
        return calibrate_people(people, cohort, pack_digest=pack.digest)
    sample = sample_subjects(blocks, subjects=size)
    return calibrate_gallery(sample, cohort, pack_digest=pack.digest, revision=1, active=size)


def thresholds(
    probes: NDArray[np.float32], cohort: ReferenceCohort, calibration: Calibration, size: int
) -> tuple[NDArray[np.float64], list[list[Strangers]]]:
    """Return the score at which each expectation is reached, a row a probe, and what is said there."""
    found, said = np.full((len(probes), len(EXPECTATIONS)), np.inf), []
    body = calibration.curve.body
    for at, probe in enumerate(probes):
        place = cohort.place(probe[None])
        for column, wanted in enumerate(EXPECTATIONS):
            rate = wanted / (size - 1)
            if rate >= HIGHEST_RATE**body:
                found[at, column] = np.quantile(place.scores, 1 - rate ** (1 / body))
            else:
                found[at, column] = calibration.curve.score_at(rate) + place.offset
        said.append([expected_strangers(score, place, calibration.curve, people=size) for score in found[at]])
    return found, said


def same_person(data: LfwTemplates) -> NDArray[np.bool_]:
    """Say which subjects are one person, themselves included: bool, shape (subjects, subjects)."""
    names = [str(name).partition("/")[0] for name in data.names[np.unique(data.subjects, return_index=True)[1]]]
    place = {name: at for at, name in enumerate(names)}
    same = np.eye(len(names), dtype=np.bool_)
    for one, other in double_names():
        same[place[one], place[other]] = True
    return same


def count(
    blocks: Blocks,
    probes: NDArray[np.float32],
    who: NDArray[np.int64],
    at: NDArray[np.float64],
    same: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Count the strangers of each probe at or above each of its thresholds; shape (probes, expectations).

    Args:
        same: Which of the real subjects are one person: bool, shape (subjects, subjects).
    """
    counts = np.zeros(at.shape, np.int64)
    floor = at.min(axis=1).astype(np.float32)
    for subjects, templates in blocks:
        scores = templates @ probes.T
        [real] = np.nonzero(subjects < MADE_UP)
        scores[real] = np.where(same[np.ix_(subjects[real], who)], -2, scores[real])
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


def one_gallery(
    data: LfwTemplates, fit: NDArray[np.bool_], size: int, pack: ModelPack, *, made_up: bool
) -> Iterator[dict[str, Any]]:
    """Fit to some people, search a gallery of the others; yield what was counted at each expectation."""
    cohort = ReferenceCohort(fitted(data, fit, pack))
    extension, disjoint = cohort.population, False
    if made_up:
        with suppress(InvalidInputError):
            extension, disjoint = fitted(data, ~fit, pack), True
    first = np.unique(data.subjects, return_index=True)[1]
    last = len(data.subjects) - 1 - np.unique(data.subjects[::-1], return_index=True)[1]
    rows, probe_rows = (one[~fit[one]] for one in (first, last))
    np.random.default_rng(SEED).shuffle(rows)
    probes, who = data.templates[probe_rows], data.subjects[probe_rows]
    people = Sample(data.templates[fit], data.subjects[fit])
    calibration = calibrated(gallery(data, rows, extension, size), people, cohort, pack, size)
    at, said = thresholds(probes, cohort, calibration, size)
    counts = count(gallery(data, rows, extension, size), probes, who, at, same_person(data))
    for column, wanted in enumerate(EXPECTATIONS):
        yield {
            "subjects": size,
            "real_subjects": min(len(rows), size),
            "gallery": f"{size:,} people" + ("" if made_up else ", all real"),
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


def all_real(data: LfwTemplates, inside: NDArray[np.bool_], pack: ModelPack) -> Iterator[dict[str, Any]]:
    """Fit to one fold's people, search a thousand of the others'; nothing where one fold is too small for a fit."""
    with suppress(InvalidInputError):
        fitted(data, inside, pack)
        yield from one_gallery(data, inside, SIZES[0], pack, made_up=False)


def several(
    data: LfwTemplates, inside: NDArray[np.bool_], cohort: ReferenceCohort, calibration: Calibration
) -> Iterator[dict[str, Any]]:
    """Search a gallery of some people, as small galleries are; yield what was counted, by photographs of each person.

    Subjects are compared by the mean of their first photographs, probes are the mean of a person's last ones; whoever
    has fewer is not in it. Cohort and calibration are of the other people.
    """
    subjects, starts, photographs = np.unique(data.subjects, return_index=True, return_counts=True)
    for enrolled, searched in SEVERAL:
        in_gallery, in_probes = ((photographs >= few) & inside[starts] for few in (enrolled, searched))
        ends = (starts + photographs)[in_probes]
        people = np.stack([fuse(data.templates[at : at + enrolled]) for at in starts[in_gallery]])
        probes = np.stack([fuse(data.templates[at - searched : at]) for at in ends])
        at, said = thresholds(probes, cohort, calibration, enrolled * len(people))
        blocks = iter([(subjects[in_gallery], people)])
        counts = count(blocks, probes, subjects[in_probes], at, same_person(data))
        for column, wanted in enumerate(EXPECTATIONS):
            if wanted < len(people) / 10:
                yield {
                    "gallery": f"{enrolled} photographs a subject, {searched} a probe",
                    "subjects": len(people),
                    "templates": enrolled * len(people),
                    "expectation": wanted,
                    "probes": len(probes),
                    "counted": int(counts[:, column].sum()),
                    "covered": covered(counts[:, column], said[0][column]),
                }


def measured_several(data: LfwTemplates, folds: NDArray[np.int_], pack: ModelPack) -> None:
    """Run all folds, write the raw results, print the table."""
    rows = []
    for fold in range(FOLDS):
        inside = folds == fold
        cohort = ReferenceCohort(fitted(data, ~inside, pack))
        people = Sample(data.templates[~inside], data.subjects[~inside])
        calibration = calibrate_people(people, cohort, pack_digest=pack.digest)
        rows += [{"fold": fold} | row for row in several(data, inside, cohort, calibration)]
    facts = {"environment": environment(seed=SEED, distributions=("numpy", "scipy")), "pack": pack.digest}
    cells = pooled(rows)
    write_result(f"expected-strangers-several-{pack.name}", facts | {"results": rows, "pooled": cells})
    for cell in cells:
        print("{gallery:40} {expectation:>6} {ratio:>6.2f} {covered:>7.2f} {ratio_interval_90}".format(**cell))


def main() -> None:
    """Run all folds, write the raw results, print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pack", type=Path, nargs="?")
    parser.add_argument("--folds", type=int, default=FOLDS)
    parser.add_argument("--several", action="store_true")
    asked = parser.parse_args()
    pack = builtin_packs()[0] if asked.pack is None else read_pack(asked.pack)
    data = lfw_templates(pack)
    folds = np.array([fold_of(str(name).partition("/")[0]) for name in data.names])
    if asked.several:
        measured_several(data, folds, pack)
        return
    name = f"expected-strangers-{pack.name}"
    result: dict[str, Any] = {
        "environment": environment(seed=SEED, distributions=("numpy", "scipy")),
        "pack": pack.digest,
        "results": [],
    }
    for fold in range(asked.folds):
        inside = folds == fold
        first = list(all_real(data, inside, pack)) or one_gallery(data, ~inside, SIZES[0], pack, made_up=True)
        for run in (first, *(one_gallery(data, ~inside, size, pack, made_up=True) for size in SIZES[1:])):
            started = time.perf_counter()
            result["results"] += [{"fold": fold} | row for row in run]
            write_result(name, result)
            print(f"fold {fold}: {time.perf_counter() - started:.0f} s", flush=True)
    cells = pooled(result["results"])
    plot(cells, RESULTS.parent.parent / f"docs/images/{name}.svg")
    write_result(name, result | {"pooled": cells})
    print("gallery                   expected  ratio covered")
    for cell in cells:
        print("{gallery:25} {expectation:>8} {ratio:>6.2f} {covered:>7.2f} {known} {ratio_interval_90}".format(**cell))


def pooled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join the folds: counts are summed, the shares within the interval averaged over the probes."""
    cells = []
    for gallery_name, wanted in dict.fromkeys((row["gallery"], row["expectation"]) for row in rows):
        same = [row for row in rows if (row["gallery"], row["expectation"]) == (gallery_name, wanted)]
        probes = [row["probes"] for row in same]
        covered_share = float(np.average([row["covered"] for row in same], weights=probes))
        expected, counted = sum(probes) * wanted, sum(row["counted"] for row in same)
        low, high = Check(rate=1.0, probes=sum(probes), expected=expected, counted=counted).interval
        ratios = {"ratio": counted / expected, "ratio_interval_90": [low / expected, high / expected]}
        cells.append(same[0] | ratios | {"covered": covered_share})
    return cells


def plot(cells: list[dict[str, Any]], path: Path) -> None:
    """Draw counted over expected strangers, a line a gallery, with the wanted band."""
    mpl.rcParams["svg.hashsalt"] = "expected-strangers"
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    axes.axhspan(0.5, 2, color="0.9", label="wanted: 0.5 to 2")
    axes.axhline(1, color="0.4", linewidth=0.8)
    for name, marker in zip(dict.fromkeys(cell["gallery"] for cell in cells), "osD^v", strict=False):
        mine = [cell for cell in cells if cell["gallery"] == name]
        expected, ratios = ([cell[key] for cell in mine] for key in ("expectation", "ratio"))
        axes.loglog(expected, ratios, marker=marker, label=name)
    axes.set(xlabel="expected strangers", ylabel="counted / expected", ylim=(0.25, 4))
    axes.set_yticks([0.25, 0.5, 1, 2, 4], labels=["0.25", "0.5", "1", "2", "4"])
    axes.legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
