"""Open-set identification on lfw-dev by the committed protocol: what mirroring, normalising and fusing are worth.

Run with COUNTENANCE_TEST_DATA set: `python benchmarks/open_set.py [PACK_FOLDER]`. Everything is measured in one run
over the same photographs with the same network. Each probe is normalised by a cohort whose population was fitted to the
people of the other folds. Intervals: 1,000 resamples of people, the same for all methods.
"""

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from environment import environment, write_result
from lfw_templates import LfwTemplates, lfw_templates, test_data
from numpy.typing import NDArray
from protocols.lfw_dev import FOLDS, protocol_rows

from countenance.search.cohort import ReferenceCohort
from countenance.search.fusion import fuse
from countenance.vision.pack import ModelPack, builtin_packs, read_pack
from countenance.vision.population import TYPICAL_SHAPES, fit_population

FPIRS = (0.01, 0.1)
RESAMPLES, SPLITS, SEED = 1000, 20, 1
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


class Trial(NamedTuple):
    """Top scores of all searches: whose, whether mated, the best score, and whether it is the mate's."""

    who: NDArray[np.int64]
    mated: NDArray[np.bool_]
    top: Floats
    hit: NDArray[np.bool_]


def offsets(data: LfwTemplates, fold_of: NDArray[np.int64], pack: ModelPack) -> Floats:
    """Return each picture's offset by a cohort fitted to the people of the other folds."""
    found = np.zeros(len(fold_of))
    for fold in range(FOLDS):
        others = fold_of != fold
        population = fit_population(
            data.templates[others], data.subjects[others], pack_digest=pack.digest, **TYPICAL_SHAPES
        )
        found[~others] = ReferenceCohort(population).offsets(data.templates[~others])
    return found


def trial(scores: Floats, subjects: NDArray[np.int64], gallery_subjects: NDArray[np.int64]) -> Trial:
    """Rank: scores are probes x subjects of the gallery."""
    best = scores.argmax(axis=1)
    return Trial(subjects, np.isin(subjects, gallery_subjects), scores.max(axis=1), gallery_subjects[best] == subjects)


def fnir(one: Trial, fpir: float, weights: NDArray[np.int64]) -> float:
    """Return FNIR(N, 1, T); above T lie at most a share `fpir` of the weighted non-mated searches."""
    order = np.argsort(-one.top[~one.mated], kind="stable")
    totals = np.cumsum(weights[~one.mated][order])
    at = np.searchsorted(totals, fpir * totals[-1], side="right")
    threshold = one.top[~one.mated][order][at]
    found = (one.hit & (one.top > threshold))[one.mated]
    return float(1 - np.average(found, weights=weights[one.mated]))


def compared(plain: Trial, methods: dict[str, Trial]) -> dict[str, Any]:
    """Return each method's FNIR and its reduction against the first, with paired 95 % intervals over people."""
    rng = np.random.default_rng(SEED)
    people = np.unique(plain.who)
    draws = [rng.multinomial(len(people), np.full(len(people), 1 / len(people))) for _ in range(RESAMPLES)]
    weights = [draw[np.searchsorted(people, plain.who)] for draw in draws]
    ones, results = np.ones(len(plain.who), np.int64), {}
    for fpir in FPIRS:
        base = np.array([fnir(plain, fpir, weight) for weight in weights])
        for name, method in methods.items():
            drawn = 1 - np.array([fnir(method, fpir, weight) for weight in weights]) / np.maximum(base, 1e-9)
            results[f"{name} @ {fpir}"] = {
                "fnir": fnir(method, fpir, ones),
                "lower_by": 1 - fnir(method, fpir, ones) / fnir(plain, fpir, ones),
                "interval_95": np.quantile(drawn, [0.025, 0.975]).round(4).tolist(),
            }
    return results


def single_photographs(data: LfwTemplates, gallery: Rows, probes: Rows, offset: Floats) -> dict[str, Any]:
    """Compare the methods on one photograph a search."""
    order = np.argsort(data.subjects[gallery], kind="stable")
    gallery = gallery[order]
    subjects, starts = np.unique(data.subjects[gallery], return_index=True)
    who = data.subjects[probes]

    def best_of(templates: NDArray[np.float32]) -> Floats:
        scores = (templates[probes] @ templates[gallery].T).astype(np.float64)
        return np.maximum.reduceat(scores, starts, axis=1)

    fused = np.stack([fuse(rows) for rows in np.split(data.templates[gallery], starts[1:])])
    shift = offset[probes][:, None]
    plain = trial(best_of(data.single), who, subjects)
    mirrored = best_of(data.templates)
    methods = {
        "plain: one crop, best of a subject's templates": plain,
        "mirrored": trial(mirrored, who, subjects),
        "mirrored, normalised (what a search does)": trial(mirrored - shift, who, subjects),
        "mirrored, normalised, subject's templates fused (not in a search)": trial(
            (data.templates[probes] @ fused.T).astype(np.float64) - shift, who, subjects
        ),
    }
    counts = {"subjects": len(subjects), "mated": int(plain.mated.sum()), "non_mated": int((~plain.mated).sum())}
    return counts | {"methods": compared(plain, methods)}


def two_photographs(data: LfwTemplates) -> dict[str, Any]:
    """Compare ways to search with two photographs of one person: the better score of both, or one fused template.

    In each of `SPLITS` random splits everybody with three photographs or more gives one reference and two probes, half
    of them are enrolled, and so is everybody else.
    """
    rng = np.random.default_rng(SEED)
    people, counts = np.unique(data.subjects, return_counts=True)
    several = people[counts >= 3]
    parts: dict[str, list[Trial]] = {"better score of two": [], "first photograph alone": [], "two fused": []}
    for _ in range(SPLITS):
        picked = np.array([rng.choice(np.flatnonzero(data.subjects == who), 3, replace=False) for who in several])
        enrolled = rng.permutation(len(several)) < len(several) // 2
        alone = np.isin(data.subjects, several, invert=True) & (np.diff(data.subjects, prepend=-1) != 0)
        gallery = np.r_[picked[enrolled, 0], np.flatnonzero(alone)]
        references, subjects = data.templates[gallery], data.subjects[gallery]
        left, right = data.templates[picked[:, 1]], data.templates[picked[:, 2]]
        both = np.stack([fuse(np.stack(pair)) for pair in zip(left, right, strict=True)])
        scored = [(rows @ references.T).astype(np.float64) for rows in (left, right, both)]
        for name, scores in zip(parts, (np.maximum(scored[0], scored[1]), scored[0], scored[2]), strict=True):
            parts[name].append(trial(scores, several, subjects))
    methods = {
        name: Trial(*(np.concatenate(column) for column in zip(*ones, strict=True))) for name, ones in parts.items()
    }
    first = methods["better score of two"]
    counted = {"splits": SPLITS, "mated": int(first.mated.sum()), "non_mated": int((~first.mated).sum())}
    return counted | {"methods": compared(first, methods)}


def main() -> None:
    """Run, write the raw results, print them."""
    pack = read_pack(Path(sys.argv[1])) if len(sys.argv) > 1 else builtin_packs()[0]
    data = lfw_templates(pack)
    rows = list(protocol_rows(test_data()))
    role = {row.image: row.role for row in rows}
    folds = {row.subject: row.fold for row in rows}
    roles = np.array([role.get(str(name), "") for name in data.names])
    fold_of = np.array([folds[str(name).partition("/")[0]] for name in data.names])
    gallery, probes = np.flatnonzero(roles == "gallery"), np.flatnonzero(roles == "probe")
    result = {
        "environment": environment(seed=SEED, distributions=("numpy",)),
        "pack": pack.digest,
        "one_photograph": single_photographs(data, gallery, probes, offsets(data, fold_of, pack)),
        "two_photographs": two_photographs(data),
    }
    write_result(f"open-set-{pack.name}", result)
    for part in ("one_photograph", "two_photographs"):
        print(part, {key: value for key, value in result[part].items() if key != "methods"})
        for name, found in result[part]["methods"].items():
            print(f"{name:78} FNIR {found['fnir']:.4f}, lower by {found['lower_by']:.1%}, 95 % {found['interval_95']}")


if __name__ == "__main__":
    main()
