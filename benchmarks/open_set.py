"""Open-set identification on lfw-dev by the committed protocol: what mirroring, normalising and fusing are worth.

Run with COUNTENANCE_TEST_DATA set: `python -m benchmarks.open_set [PACK_FOLDER]`. Everything is measured in one run
over the same photographs with the same network. Each probe is normalised by a cohort whose population was fitted to the
people of the other folds. One photograph a search is measured on the protocol, and on `ROTATIONS` rotations of it
together, with one threshold: 17,000 searches or so instead of 1,800. Intervals: 1,000 resamples of people, the same for
all methods.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.environment import environment, write_result
from benchmarks.lfw_templates import LfwTemplates, lfw_templates, test_data
from benchmarks.protocols.lfw_dev import FOLDS, fold_of, protocol_rows
from benchmarks.trials import SEED, Floats, Trial, counted, pooled, printed
from countenance.search.cohort import ReferenceCohort
from countenance.vision.fusion import fuse
from countenance.vision.pack import ModelPack, builtin_packs, read_pack
from countenance.vision.population import TYPICAL_SHAPES, fit_population

ROTATIONS = 10
Rows = NDArray[np.intp]
Folds = NDArray[np.int64]

BEST = "mirrored, normalised, best of a subject's templates"
SEARCH = "mirrored, normalised, subject's templates fused (what a search does)"
BOTH_SIDES = "the same, normalised by the subject's own offset too (not in a search)"


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
    }
    write_result(f"open-set-{pack.name}", result)
    for part in (name for name in result if name not in {"environment", "pack"}):
        print(part)
        printed(result[part])


if __name__ == "__main__":
    main()
