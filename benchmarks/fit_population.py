"""Fit a model pack's population to lfw-dev: moments, then the scales' shapes so that the score distributions agree.

Run with COUNTENANCE_TEST_DATA set: `python -m benchmarks.fit_population [PACK_FOLDER]`. Writes population.json and
calibration.json beside the pack's manifest, docs/images/population-PACK.svg and
benchmarks/results/population-PACK.json.

A drawn pair's score has a thinner tail than a real pair's, whatever the shapes: two real people may be look-alikes. So
the calibration is made from the real pairs, and the population only puts scores in proportion.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.environment import environment, write_result
from benchmarks.lfw_templates import DOUBLE_IDENTITY, lfw_templates
from countenance.search.calibration import CALIBRATION, calibrate_people
from countenance.search.cohort import ReferenceCohort
from countenance.search.comparisons import Sample
from countenance.vision.pack import builtin_packs, read_pack
from countenance.vision.population import (
    POPULATION,
    Population,
    fit_population,
    read_population,
    write_population,
)

ROOT = Path(__file__).parent.parent
TAILS = np.array([0.5, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
LOWS = np.array([0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9])
NON_MATED_WEIGHT, NON_MATED_STEP = np.array([1, 1, 1, 1, 1, 1, 0.5]), 0.004
MATED_WEIGHT, MATED_STEP = np.array([0.02, 0.1, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]), 0.01
START = np.log(np.array([[9.0, 3.4], [18.0, 3.4], [9.0, 6.0]]))
"""Shapes of a person's and a picture's scale that the search begins with."""

MOST_SHAPE = np.log(1000.0)
"""Shape from which the scale is as good as constant."""

Numbers = NDArray[np.float64]


def weighted_quantiles(scores: Numbers, weights: Numbers, shares: Numbers) -> Numbers:
    """Return the scores below which the given shares of the weight lie."""
    order = np.argsort(scores)
    totals = np.cumsum(weights[order])
    return scores[order][np.minimum(np.searchsorted(totals, shares * totals[-1]), len(scores) - 1)]


def real_quantiles(templates: NDArray[np.float32], subjects: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """Return the non-mated and mated quantiles of all pairs; each pair of subjects, and each subject, counts once."""
    first, second = np.triu_indices(len(templates), 1)
    scores = (templates @ templates.T)[first, second].astype(np.float64)
    mated = subjects[first] == subjects[second]
    counts = np.bincount(subjects)[subjects]
    weights = 1.0 / (counts[first] * counts[second])
    strangers = ~mated & (scores < DOUBLE_IDENTITY)
    once = 1.0 / (counts[first[mated]] * (counts[first[mated]] - 1))
    return (
        weighted_quantiles(scores[strangers], weights[strangers], 1 - TAILS),
        weighted_quantiles(scores[mated], once, LOWS),
    )


def drawn_quantiles(population: Population, seed: int, rows: int = 2600) -> tuple[Numbers, Numbers]:
    """Return the same quantiles of rows x rows drawn strangers and 10,000 drawn mates."""
    left, right = (population.draw(rows, seed=seed + at).templates for at in (0, 1))
    pairs = population.draw(20_000, seed=seed + 2, templates_per_subject=2).templates
    mated = np.einsum("ij,ij->i", pairs[::2], pairs[1::2])
    return np.quantile((left @ right.T).ravel(), 1 - TAILS), np.quantile(mated, LOWS)


def reshaped(moments: Population, at: Numbers) -> Population:
    """Return the moments with other shapes."""
    person, picture = np.exp(at).tolist()
    return replace(moments, person_shape=person, picture_shape=picture)


def fit_shapes(moments: Population, strangers: Numbers, mated: Numbers) -> Population:
    """Search shapes by the squared distance of the quantiles; the moments stay."""

    def loss(at: Numbers) -> float:
        drawn_strangers, drawn_mated = drawn_quantiles(reshaped(moments, at), seed=1)
        off = NON_MATED_WEIGHT * ((drawn_strangers - strangers) / NON_MATED_STEP) ** 2
        return float(off.sum() + (MATED_WEIGHT * ((drawn_mated - mated) / MATED_STEP) ** 2).sum())

    found = minimize(loss, START[0], method="Nelder-Mead", options={"maxfev": 40, "initial_simplex": START})
    return reshaped(moments, np.minimum(found.x, MOST_SHAPE))


def plot(result: dict[str, Any], path: Path) -> None:
    """Draw real against drawn quantiles."""
    mpl.rcParams["svg.hashsalt"] = "population"
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    left.semilogy(result["non_mated_real"], TAILS, "o", label="lfw-dev, real pairs")
    left.semilogy(result["non_mated_drawn"], TAILS, "x-", label="drawn")
    left.set(xlabel="score of two people", ylabel="share of pairs that score at least as high")
    right.semilogy(result["mated_real"], LOWS, "o", label="lfw-dev, real pairs")
    right.semilogy(result["mated_drawn"], LOWS, "x-", label="drawn")
    right.set(xlabel="score of one person's two pictures", ylabel="share of pairs that score lower")
    left.legend()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Fit, compare, write."""
    pack = read_pack(Path(sys.argv[1])) if len(sys.argv) > 1 else builtin_packs()[0]
    data = lfw_templates(pack)
    strangers, mated = real_quantiles(data.templates, data.subjects)
    moments = fit_population(
        data.templates, data.subjects, pack_digest=pack.digest, person_shape=1e6, picture_shape=1e6
    )
    # As it is read back: the calibration names the population by its digest.
    population = read_population(write_population(fit_shapes(moments, strangers, mated)))
    drawn_strangers, drawn_mated = drawn_quantiles(population, seed=10, rows=6000)
    people = Sample(data.templates, data.subjects)
    calibration = calibrate_people(people, ReferenceCohort(population), pack_digest=pack.digest)
    (pack.folder / POPULATION).write_text(write_population(population), encoding="ascii")
    (pack.folder / CALIBRATION).write_text(calibration.model_dump_json() + "\n", encoding="ascii")
    result: dict[str, Any] = {
        "environment": environment(seed=1, distributions=("numpy", "scipy")),
        "pack": pack.digest,
        "pictures": len(data.names),
        "subjects": int(data.subjects.max() + 1),
        "person_shape": population.person_shape,
        "picture_shape": population.picture_shape,
        "tails": TAILS.tolist(),
        "non_mated_real": strangers.round(4).tolist(),
        "non_mated_drawn": drawn_strangers.round(4).tolist(),
        "lows": LOWS.tolist(),
        "mated_real": mated.round(4).tolist(),
        "mated_drawn": drawn_mated.round(4).tolist(),
        "calibration_checks": [check.model_dump() for check in calibration.checks],
        "spread": calibration.curve.spread,
    }
    write_result(f"population-{pack.name}", result)
    plot(result, ROOT / f"docs/images/population-{pack.name}.svg")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
