"""Open-set identification on lfw-dev by the committed protocol: what mirroring, normalising and fusing are worth.

Run with COUNTENANCE_TEST_DATA set: `python -m benchmarks.open_set [PACK_FOLDER]`. Everything is measured in one run
over the same photographs with the same network. Each probe is normalised by a cohort whose population was fitted to the
people of the other folds. One photograph a search is measured on the protocol, and on `ROTATIONS` rotations of it
together, with one threshold: 17,000 searches or so instead of 1,800. Intervals: 1,000 resamples of people, the same for
all methods.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.environment import environment, write_result
from benchmarks.lfw_templates import LfwTemplates, lfw_templates, test_data
from benchmarks.protocols.lfw_dev import FOLDS, fold_of, protocol_rows
from countenance.search.cohort import ReferenceCohort
from countenance.vision.fusion import fuse
from countenance.vision.pack import ModelPack, builtin_packs, read_pack
from countenance.vision.population import TYPICAL_SHAPES, fit_population

FPIRS = (0.01, 0.1)
RESAMPLES, SPLITS, ROTATIONS, SEED = 1000, 20, 10, 1
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Folds = NDArray[np.int64]

BEST = "mirrored, normalised, best of a subject's templates"
SEARCH = "mirrored, normalised, subject's templates fused (what a search does)"
BOTH_SIDES = "the same, normalised by the subject's own offset too (not in a search)"


class Trial(NamedTuple):
    """Top scores of all searches: whose, whether mated, the best score, and whether it is the mate's."""

    who: NDArray[np.int64]
    mated: NDArray[np.bool_]
    top: Floats
    hit: NDArray[np.bool_]


def cohorts(data: LfwTemplates, folds: Folds, pack: ModelPack) -> list[ReferenceCohort]:
    """Return a cohort for each fold, fitted to the people of the others."""
    return [
        ReferenceCohort(
            fit_population(
                data.templates[folds != fold], data.subjects[folds != fold], pack_digest=pack.digest, **TYPICAL_SHAPES
            )
        )
        for fold in range(FOLDS)
    ]


def offsets(probes: NDArray[np.float32], folds: Folds, by_fold: Sequence[ReferenceCohort]) -> Floats:
    """Return each probe's offset by the cohort that does not know its fold."""
    found = np.zeros(len(folds))
    for fold in np.unique(folds):
        found[folds == fold] = by_fold[fold].place_all(probes[folds == fold]).offsets
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


def compared(plain: Trial, methods: Mapping[str, Trial]) -> dict[str, Any]:
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


def rotation(data: LfwTemplates, number: int) -> tuple[Rows, Rows]:
    """Return the rows of the gallery, a subject's side by side, and of the probes in one rotation of the protocol."""
    role = {row.image: row.role for row in protocol_rows(test_data(), number)}
    roles = np.array([role.get(str(name), "") for name in data.names])
    gallery, probes = np.flatnonzero(roles == "gallery"), np.flatnonzero(roles == "probe")
    return gallery[np.argsort(data.subjects[gallery], kind="stable")], probes


def searched(
    data: LfwTemplates, gallery: Rows, probes: Rows, folds: Folds, by_fold: Sequence[ReferenceCohort]
) -> dict[str, Trial]:
    """Search by each method with one photograph a search."""
    subjects, starts = np.unique(data.subjects[gallery], return_index=True)
    who = data.subjects[probes]

    def best_of(templates: NDArray[np.float32]) -> Floats:
        scores = (templates[probes] @ templates[gallery].T).astype(np.float64)
        return np.maximum.reduceat(scores, starts, axis=1)

    fused = np.stack([fuse(rows) for rows in np.split(data.templates[gallery], starts[1:])])
    of_fused = (data.templates[probes] @ fused.T).astype(np.float64)
    shift = offsets(data.templates[probes], folds[probes], by_fold)[:, None]
    means = np.add.reduceat(data.templates[gallery], starts, axis=0) / np.diff(np.r_[starts, len(gallery)])[:, None]
    own = offsets(fused, folds[gallery][starts], by_fold)
    mirrored = best_of(data.templates)
    return {
        "plain: one crop, best of a subject's templates": trial(best_of(data.single), who, subjects),
        "mirrored": trial(mirrored, who, subjects),
        BEST: trial(mirrored - shift, who, subjects),
        SEARCH: trial(of_fused - shift, who, subjects),
        "mirrored, normalised, better of fused and best": trial(np.maximum(mirrored, of_fused) - shift, who, subjects),
        "mirrored, normalised, mean of the scores": trial(data.templates[probes] @ means.T - shift, who, subjects),
        BOTH_SIDES: trial(of_fused - shift - own, who, subjects),
    }


def pooled(parts: Sequence[Mapping[str, Trial]]) -> dict[str, Trial]:
    """Join the searches of several runs, by method."""
    return {
        name: Trial(*(np.concatenate(column) for column in zip(*(part[name] for part in parts), strict=True)))
        for name in parts[0]
    }


def counted(methods: Mapping[str, Trial]) -> dict[str, Any]:
    """Compare the methods with the first of them, and say over how many searches."""
    first = next(iter(methods.values()))
    return {
        "mated": int(first.mated.sum()),
        "non_mated": int((~first.mated).sum()),
        "methods": compared(first, methods),
    }


def two_photographs(data: LfwTemplates, folds: Folds, by_fold: Sequence[ReferenceCohort]) -> dict[str, Any]:
    """Compare ways to search with two photographs of one person: the better score of both, or one fused template.

    In each of `SPLITS` random splits everybody with three photographs or more gives one reference and two probes, half
    of them are enrolled, and so is everybody else.
    """
    rng = np.random.default_rng(SEED)
    people, counts = np.unique(data.subjects, return_counts=True)
    several = people[counts >= 3]
    names = ("better score of two", "first photograph alone", "two fused", "two fused, normalised (what a search does)")
    several_folds = folds[np.searchsorted(data.subjects, several)]
    parts = []
    for _ in range(SPLITS):
        picked = np.array([rng.choice(np.flatnonzero(data.subjects == who), 3, replace=False) for who in several])
        enrolled = rng.permutation(len(several)) < len(several) // 2
        alone = np.isin(data.subjects, several, invert=True) & (np.diff(data.subjects, prepend=-1) != 0)
        gallery = np.r_[picked[enrolled, 0], np.flatnonzero(alone)]
        references, subjects = data.templates[gallery], data.subjects[gallery]
        left, right = data.templates[picked[:, 1]], data.templates[picked[:, 2]]
        both = np.stack([fuse(np.stack(pair)) for pair in zip(left, right, strict=True)])
        scored = [(rows @ references.T).astype(np.float64) for rows in (left, right, both)]
        shift = offsets(both, several_folds, by_fold)[:, None]
        scores = (np.maximum(scored[0], scored[1]), scored[0], scored[2], scored[2] - shift)
        parts.append({name: trial(one, several, subjects) for name, one in zip(names, scores, strict=True)})
    return {"splits": SPLITS} | counted(pooled(parts))


def main() -> None:
    """Run, write the raw results, print them."""
    pack = read_pack(Path(sys.argv[1])) if len(sys.argv) > 1 else builtin_packs()[0]
    data = lfw_templates(pack)
    folds = np.array([fold_of(str(name).partition("/")[0]) for name in data.names])
    by_fold = cohorts(data, folds, pack)
    runs = [searched(data, *rotation(data, number), folds, by_fold) for number in range(1, ROTATIONS + 1)]
    rotations = pooled(runs)
    result = {
        "environment": environment(seed=SEED, distributions=("numpy",)),
        "pack": pack.digest,
        "one_photograph": counted(runs[0]),
        "one_photograph_rotations": {"rotations": ROTATIONS} | counted(rotations),
        "fused_subjects_rotations": counted({name: rotations[name] for name in (BEST, *list(rotations)[3:])}),
        "two_photographs": two_photographs(data, folds, by_fold),
    }
    write_result(f"open-set-{pack.name}", result)
    for part in (name for name in result if name not in {"environment", "pack"}):
        print(part, {key: value for key, value in result[part].items() if key != "methods"})
        for name, found in result[part]["methods"].items():
            print(f"{name:78} FNIR {found['fnir']:.4f}, lower by {found['lower_by']:.1%}, 95 % {found['interval_95']}")


if __name__ == "__main__":
    main()
