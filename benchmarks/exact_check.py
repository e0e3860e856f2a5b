"""Is the exact engine exact: thousands of probes against brute force, in a gallery made to trip it.

Run: `python -m benchmarks.exact_check --rows 1000000 --random 10000 --adversarial 1000`. Ends with 1 at a difference.

The gallery: drawn templates, and among them one template under a thousand subjects (ties), templates one float32 step
apart from one another (near-ties at the cut), rows of one large and else denormal values, and one subject with
thousands of templates; 5 % of the rows are taken out again before the first search. Probes: random mates and
strangers, and adversarial ones, on top of, beside and opposite to all these. The last part searches while another
thread takes rows out.

The checker: every row by a float32 matrix product, and all that come within its error of the answer's last score again
by exact sums (`math.fsum`), one row a subject. It shares nothing with the engine but the templates.
"""

import argparse
import math
import sys
from dataclasses import dataclass
from threading import Event, Thread
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.environment import environment, write_result
from countenance.adapters.exact.engine import ExactIndex
from countenance.core.arrays import Templates
from countenance.index.model import BlockRows, Nearest
from countenance.vision.pack import builtin_packs
from countenance.vision.population import made_up_population, pack_population

SEED = 1
DIM = 128
LIMITS = (1, 20, 50)
TWINS, STEPS, SPIKES, CROWD = 1_000, 1_000, 500, 3_000
ROUGH = 2e-5
"""More than a float32 sum of 128 products of unit vectors can be off: every row this near is summed again exactly."""

SAME = 1e-13
"""Scores that float64 can't tell apart for sure: an order between these is not judged, unless templates are equal."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Templates by row number from 1 (row 0 is not used), their subjects, and which are in the index."""

    templates: Templates
    subjects: NDArray[np.int64]
    alive: NDArray[np.bool_]
    special: NDArray[np.int64]


def main() -> None:
    """Check, write the record, and end with 1 where something differed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--random", type=int, default=10_000)
    parser.add_argument("--adversarial", type=int, default=1_000)
    parser.add_argument("--deleting", type=int, default=200)
    asked = parser.parse_args()
    facts, started = environment(seed=SEED, distributions=("countenance", "numpy")), perf_counter()
    gallery, index = made_gallery(asked.rows)
    counts = {}
    for name, probes in (
        ("random", random_probes(asked.random)),
        ("adversarial", adversarial_probes(gallery, asked.adversarial)),
    ):
        counts[name] = {"probes": len(probes), "differences": differences(gallery, index, probes)}
        print(name, counts[name])
    probes = adversarial_probes(gallery, asked.deleting)
    counts["while rows are taken out"] = while_deleting(gallery, index, probes)
    print("while rows are taken out", counts["while rows are taken out"])
    shape = {"rows": asked.rows, "dim": DIM, "seconds": round(perf_counter() - started, 1)}
    write_result("exact-check", {"environment": facts, **shape, "checked": counts})
    sys.exit(any(part["differences"] for part in counts.values()))


def _people() -> object:
    return pack_population(builtin_packs()[0]) or made_up_population(DIM)


def made_gallery(rows: int) -> tuple[Gallery, ExactIndex]:
    """Draw the gallery, plant what may trip the engine, and take a part out again."""
    random = np.random.default_rng(SEED)
    drawn = _people().draw(rows, seed=SEED, templates_per_subject=2)  # type: ignore[attr-defined]
    templates = np.concatenate([np.zeros((1, DIM), np.float32), drawn.templates])
    subjects = np.concatenate([[0], drawn.subjects + 1])
    special = 1 + random.choice(rows, TWINS + STEPS + SPIKES + CROWD, replace=False)
    twins, steps, spikes, crowd = np.split(special, np.cumsum([TWINS, STEPS, SPIKES]))
    templates[twins] = templates[twins[0]]
    templates[steps] = _one_step_apart(templates[steps[0]], STEPS)
    templates[spikes] = np.float32(1e-40)
    templates[spikes, np.arange(SPIKES) % DIM] = np.where(np.arange(SPIKES) % 3, 1, -1)
    subjects[special[:-CROWD]] = rows + np.arange(len(special) - CROWD)
    subjects[crowd] = rows * 2
    gallery = Gallery(templates, subjects, np.ones(rows + 1, bool), special)
    gallery.alive[0] = False
    index = ExactIndex(DIM, originals=lambda wanted: {row: templates[row] for row in wanted if gallery.alive[row]})
    for low in range(1, rows + 1, 50_000):
        here = np.arange(low, min(low + 50_000, rows + 1))
        index.add(BlockRows(f"source {low % 7}", rows=here, subjects=subjects[here], templates=templates[here]))
    gone = 1 + random.choice(rows, rows // 20, replace=False)
    gallery.alive[gone] = False
    index.remove(gone.tolist())
    return gallery, index


def _one_step_apart(template: Templates, count: int) -> Templates:
    """Return copies of a template, each with one value moved by one or a few float32 steps."""
    copies = np.repeat(template[None], count, axis=0)
    for number in range(count):
        for _ in range(number // DIM):
            copies[number, number % DIM] = np.nextafter(copies[number, number % DIM], np.float32(2))
    return copies


def random_probes(count: int) -> Templates:
    """Return half mates (other pictures of the gallery's people), half strangers."""
    drawn: Templates = _people().draw(count, seed=SEED + 1).templates  # type: ignore[attr-defined]
    return drawn


def adversarial_probes(gallery: Gallery, count: int) -> Templates:
    """Return probes on top of, opposite to and beside planted and other rows."""
    random = np.random.default_rng(SEED + 2)
    at = gallery.templates[random.choice(gallery.special, count)].astype(np.float64)
    noise = random.normal(size=at.shape) / np.sqrt(DIM) * random.choice([0.0, 1e-7, 1e-3, 0.1, 1.0], (count, 1))
    made = random.choice([1.0, 1.0, 1.0, -1.0], (count, 1)) * at + noise
    probes: Templates = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    return probes


def differences(gallery: Gallery, index: ExactIndex, probes: Templates) -> int:
    """Search for every probe, with changing limits and thresholds, and count answers that are not brute force's."""
    wrong = 0
    for low in range(0, len(probes), 16):
        some = probes[low : low + 16]
        limit = LIMITS[low // 16 % len(LIMITS)]
        threshold = (None, 0.363, 0.99)[low // 16 % 4 % 3]
        found = index.search(some, blocks=list(index.blocks()), limit=limit, threshold=threshold)
        rough = some @ gallery.templates.T
        for probe, scores, one in zip(some, rough, found, strict=True):
            expected = Expected(gallery, probe, scores, gallery.alive)
            wrong += not expected.is_answered_by(one, limit, threshold)
        if low % 1600 == 0:
            print(f"  {low + len(some):,} of {len(probes):,}, {wrong} differences", flush=True)
    return wrong


class Expected:
    """What brute force finds for one probe."""

    def __init__(
        self, gallery: Gallery, probe: Templates, rough: NDArray[np.float32], alive: NDArray[np.bool_]
    ) -> None:
        """Keep every row's float32 score, and which rows are in the index."""
        self._gallery, self._probe, self._rough, self._alive = gallery, probe, rough, alive

    def ranking(self, floor: float) -> list[tuple[float, int]]:
        """Return score and row of every subject that reaches a score, best first, by exact sums."""
        rows = np.flatnonzero(self._rough >= floor - ROUGH)
        exact = sorted((-self.exact(row), row) for row in rows[self._alive[rows]].tolist())
        best: dict[int, tuple[float, int]] = {}
        for score, row in exact:
            if -score >= floor - SAME:
                best.setdefault(int(self._gallery.subjects[row]), (-score, row))
        return list(best.values())

    def is_answered_by(self, found: Nearest, limit: int, threshold: float | None) -> bool:
        """Say whether an answer has these rows in this order, orders that float64 can't tell set aside.

        Every row that reaches the answer's last score has to be in the answer, or the answer be full before it.
        """
        got = [(one.score, one.row) for one in found.neighbours]
        floor = got[-1][0] if len(got) == limit else -2.0 if threshold is None else threshold
        ranking = self.ranking(floor)[:limit]
        return len(got) == len(ranking) and all(map(self._same, got, ranking))

    def _same(self, got: tuple[float, int], wanted: tuple[float, int]) -> bool:
        if got[1] == wanted[1]:
            return abs(got[0] - wanted[0]) <= SAME
        templates = self._gallery.templates
        equal = np.array_equal(templates[got[1]], templates[wanted[1]])
        return not equal and abs(got[0] - wanted[0]) <= SAME and abs(self.exact(got[1]) - wanted[0]) <= SAME

    def exact(self, row: int) -> float:
        """Return a row's score, correctly rounded."""
        template = self._gallery.templates[row].astype(np.float64)
        return min(1.0, max(-1.0, math.fsum((template * self._probe.astype(np.float64)).tolist())))


def while_deleting(gallery: Gallery, index: ExactIndex, probes: Templates) -> dict[str, int]:
    """Search while another thread takes rows out, those first that the probes are near to.

    An answer is right where it holds no row that was gone before the search began, and where its rows that are still
    there afterwards are brute force's best of those.
    """
    done, wrong, taken = Event(), 0, 0
    order = np.random.default_rng(SEED + 3).permutation(gallery.special)

    def take_out() -> None:
        nonlocal taken
        for row in order.tolist():
            if done.is_set():
                return
            gallery.alive[row] = False
            index.remove([row])
            taken += 1

    thread = Thread(target=take_out)
    thread.start()
    for probe in probes:
        before = gallery.alive.copy()
        [found] = index.search(probe[None], blocks=list(index.blocks()), limit=20)
        after = gallery.alive.copy()
        staying = [one for one in found.neighbours if after[one.row]]
        floor = staying[-1].score if staying else 2.0
        expected = Expected(gallery, probe, gallery.templates @ probe, after)
        best = [row for _, row in expected.ranking(floor)][: len(staying)]
        fresh = all(before[one.row] for one in found.neighbours)
        same = len(best) == len(staying) and all(
            one.row == row or abs(expected.exact(one.row) - expected.exact(row)) <= SAME
            for one, row in zip(staying, best, strict=True)
        )
        wrong += not (fresh and same)
    done.set()
    thread.join()
    return {"probes": len(probes), "rows taken out": taken, "differences": wrong}


if __name__ == "__main__":
    main()
