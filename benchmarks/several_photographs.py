"""Which rule joins two photographs of one person in a search? On lfw-dev, against galleries of up to a million people.

Run with COUNTENANCE_TEST_DATA set: `python -m benchmarks.several_photographs [PACK_FOLDER]`.

The protocol, which was fixed on the default pack and committed before the second one was measured by it:

1. The gallery holds one photograph of each of the 1,708 people, the first by its draw (`protocols/lfw_dev.py`), and
   made-up people up to N. These are drawn from a population that was fitted to the other folds' people, as the cohort
   is that scores are normalised by.
2. A mated search: somebody with three photographs or more, one of them in the gallery, two others searched with. A
   non-mated one: two photographs of somebody whose own are taken out of the gallery. Each person gives up to
   `SEARCHES` of either kind, drawn by a fixed seed from their first eight photographs, and counts once, however many.
3. Photographs are taken as they are, or the second, or both, are made poor (`lfw_probes.py`): there misses are many
   enough to tell rules apart. Last, the searches of all three conditions are taken together, with one threshold.
4. FNIR(N, N, T) at FPIR(N, T) 1 % and 10 %. Intervals: 1,000 resamples of people, the same for all rules. Pairs of
   names that may well be one person are nobody's strangers.
5. What is searched now is held against best-of at its best: the better of the two normalised scores. Another rule
   takes its place if its FNIR at FPIR 1 % among a million, over the conditions together, is lower beyond the interval
   with the default pack, and lower with the second pack too.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.environment import environment, write_result
from benchmarks.lfw_probes import MOST, Photographs, photographs
from benchmarks.lfw_templates import LfwTemplates, double_names, lfw_templates, test_data
from benchmarks.open_set import cohorts
from benchmarks.protocols.lfw_dev import fold_of, photographs_of
from benchmarks.trials import SEED, Floats, Trial, counted, pooled, printed
from countenance.core.arrays import Templates
from countenance.search.cohort import ReferenceCohort
from countenance.vision.pack import builtin_packs, read_pack
from countenance.vision.population import Population

SIZES = (1_708, 100_000, 1_000_000)
SEARCHES, MADE_UP_SEED = 10, 7
PROBES = 2_048
"""Templates that are searched with at a time."""

CONDITIONS = {"as they are": (False, False), "the second poor": (False, True), "both poor": (True, True)}
"""Which of the two photographs are made poor."""

PARTS = ("first", "second", "mean", "by length", "by agreement")
"""Templates that a search is made with: of each photograph alone, and of both, joined in three ways."""

BEST = "better of both scores, normalised"
MEAN = "mean template, normalised (what a search does)"


class Search(NamedTuple):
    """One search: whose, the two photographs searched with, and the one in the gallery; None: it is non-mated."""

    person: str
    probes: tuple[str, str]
    reference: str | None


class Gallery:
    """One photograph of everybody, and who is whose stranger."""

    def __init__(self, data: LfwTemplates) -> None:
        """Take everybody's first photograph."""
        self._row = {str(name): at for at, name in enumerate(data.names)}
        firsts = [photographs_of(folder)[0] for folder in sorted(test_data().iterdir()) if folder.is_dir()]
        place = {first.partition("/")[0]: at for at, first in enumerate(firsts)}
        self._all = data.templates
        self._firsts = data.templates[[self._row[first] for first in firsts]]
        self._same = {person: [at] for person, at in place.items()}
        for one, other in double_names():
            self._same[one].append(place[other])

    def references(self, searches: Sequence[Search]) -> Templates:
        """Return the template to be found in each mated search; one that means nothing in the others."""
        return self._all[[self._row[one.reference or one.probes[0]] for one in searches]]

    def best_strangers(
        self, people: Sequence[str], probes: Templates, population: Population
    ) -> Iterator[tuple[int, Floats]]:
        """Yield each size of gallery with the best score of a stranger: float64, shape (n,).

        Args:
            people: Whose the n probes are.
            population: Made-up people are drawn from it.
        """
        best = probes @ self._firsts.T
        for row, person in zip(best, people, strict=True):
            row[self._same[person]] = -1
        best = best.max(axis=1)
        for before, size in zip((SIZES[0], *SIZES), SIZES, strict=False):
            for drawn in population.stream(size - before, seed=MADE_UP_SEED, start=before - SIZES[0]):
                for at in range(0, len(probes), PROBES):
                    scores = probes[at : at + PROBES] @ drawn.templates.T
                    np.maximum(best[at : at + PROBES], scores.max(axis=1), out=best[at : at + PROBES])
            yield size, best.astype(np.float64)


def drawn_searches(usable: frozenset[str]) -> list[Search]:
    """Draw the searches of everybody with two photographs or more.

    Args:
        usable: Photographs in which a face was found, as they are and made poor.
    """
    found = []
    for folder in sorted(path for path in test_data().iterdir() if path.is_dir()):
        images = [image for image in photographs_of(folder)[:MOST] if image in usable]
        rng = np.random.default_rng([SEED, *folder.name.encode()])
        for kind in (2, 3):
            orders = list(permutations(images, kind))
            chosen = [orders[at] for at in rng.permutation(len(orders))[:SEARCHES]]
            found += [Search(folder.name, (one[0], one[1]), one[2] if kind == 3 else None) for one in chosen]
    return found


def templates_of(first: Photographs, second: Photographs, searches: Sequence[Search]) -> Floats:
    """Return what is searched with: float64, shape (parts, n, d); joined ones are not of unit norm yet."""
    left, right = (part.rows([one.probes[at] for one in searches]) for at, part in enumerate((first, second)))
    one, other = first.templates[left].astype(np.float64), second.templates[right].astype(np.float64)
    by_length = one * first.norms[left, None] + other * second.norms[right, None]
    by_agreement = one * first.agreements[left, None] + other * second.agreements[right, None]
    return np.stack([one, other, (one + other) / 2, by_length, by_agreement])


def scored(
    units: Templates, searches: Sequence[Search], gallery: Gallery, by_fold: Sequence[ReferenceCohort]
) -> tuple[dict[int, Floats], Floats]:
    """Search with all templates, a fold's people after the other's.

    Args:
        units: float32, shape (n, d), unit L2 rows.
        searches: Whose they are, n of them.

    Returns:
        By size of the gallery the mate's score, or the best stranger's of a non-mated search; and what normalising
        takes off.
    """
    mated = np.array([one.reference is not None for one in searches])
    folds = np.array([fold_of(one.person) for one in searches])
    mates = np.einsum("ij,ij->i", units, gallery.references(searches)).astype(np.float64)
    offset, top = np.zeros(len(searches)), {size: mates.copy() for size in SIZES}
    for fold, cohort in enumerate(by_fold):
        offset[folds == fold] = cohort.place_all(units[folds == fold]).offsets
        [chosen] = np.nonzero(~mated & (folds == fold))
        _, first, back = np.unique(units[chosen], axis=0, return_index=True, return_inverse=True)
        distinct = chosen[first]
        people = [searches[at].person for at in distinct]
        for size, best in gallery.best_strangers(people, units[distinct], cohort.population):
            top[size][chosen] = best[back.ravel()]
            print(f"fold {fold}: {len(distinct):,} templates against {size:,} people", flush=True)
    return top, offset


def ruled(top: Floats, offset: Floats, lengths: Floats, searches: Sequence[Search]) -> dict[str, Trial]:
    """Return each rule's scores in one condition.

    Args:
        top: float64, shape (parts, n).
        offset: float64, shape (parts, n).
        lengths: float64, shape (n,): of the mean of both templates; times its score, that is the mean of both scores.
    """
    who = np.unique([one.person for one in searches], return_inverse=True)[1]
    mated = np.array([one.reference is not None for one in searches])
    first, second, mean, by_length, by_agreement = top - offset
    rules = {
        BEST: np.maximum(first, second),
        MEAN: mean,
        "mean template weighted by the embeddings' length, normalised": by_length,
        "mean template weighted by agreement with the mirror image, normalised": by_agreement,
        "mean of both normalised scores": top[2] * lengths - offset[:2].mean(axis=0),
        "better of both cosines": top[:2].max(axis=0),
        "mean template, cosine": top[2],
        "first photograph alone, normalised": first,
    }
    return {name: Trial(who, mated, scores, np.ones(len(who), np.bool_)) for name, scores in rules.items()}


def held_against(methods: Mapping[str, Trial], searches: Sequence[Search]) -> dict[str, Any]:
    """Compare all rules with best-of, and with the mean; each person counts once as mated, and once as non-mated."""
    kinds = [(one.person, one.reference is None) for one in searches]
    _, kind, count = np.unique([f"{person} {none}" for person, none in kinds], return_inverse=True, return_counts=True)
    repeated = len(methods[MEAN].who) // len(searches)
    shares = np.tile(1 / count[kind], repeated)
    others = {name: methods[name] for name in (MEAN, *methods) if name != BEST}
    return {"against best-of": counted(methods, shares=shares), "against the mean": counted(others, shares=shares)}


def main() -> None:
    """Run, write the raw results, print them."""
    facts = environment(seed=SEED, distributions=("numpy", "opencv-python-headless"))
    pack = read_pack(Path(sys.argv[1])) if len(sys.argv) > 1 else builtin_packs()[0]
    data = lfw_templates(pack)
    by_fold = cohorts(data, np.array([fold_of(str(name).partition("/")[0]) for name in data.names]), pack)
    quality = {poor: photographs(pack, poor=poor) for poor in (False, True)}
    searches = drawn_searches(frozenset(quality[False].names.tolist()) & frozenset(quality[True].names.tolist()))
    templates = np.stack([templates_of(quality[one], quality[two], searches) for one, two in CONDITIONS.values()])
    lengths = np.linalg.norm(templates, axis=-1)
    units = (templates / lengths[..., None]).astype(np.float32)
    every = list(searches) * (len(CONDITIONS) * len(PARTS))
    top, offset = scored(units.reshape(len(every), -1), every, Gallery(data), by_fold)
    shape = lengths.shape
    result: dict[str, Any] = {"environment": facts, "pack": pack.digest, "results": []}
    for size in SIZES:
        conditions = {
            name: ruled(top[size].reshape(shape)[at], offset.reshape(shape)[at], lengths[at, 2], searches)
            for at, name in enumerate(CONDITIONS)
        }
        for name, methods in {**conditions, "together": pooled(list(conditions.values()))}.items():
            found = held_against(methods, searches)
            result["results"].append({"subjects": size, "photographs": name} | found)
            print(f"\n{size:,} people, photographs {name}")
            printed(found["against best-of"])
    write_result(f"several-photographs-{pack.name}", result)


if __name__ == "__main__":
    main()
