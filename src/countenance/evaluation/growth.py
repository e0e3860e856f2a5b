"""Growth with N: the same searches in ever larger galleries, filled up with made-up strangers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from countenance.core.arrays import Scores, Templates
from countenance.evaluation.model import NEVER, Numbers, Searches
from countenance.vision.population import Population

SEED = 271828
"""Of the made-up people, so that the same evaluation gives the same figures."""

PROBES = 2048
"""Probes that are scored at a time: with a chunk of the population they take 64 MB."""


def sizes(gallery_size: int, largest: int) -> tuple[int, ...]:
    """Return the sizes to measure at: the gallery's own, then powers of ten, then the largest."""
    powers = [10**exponent for exponent in range(3, 12) if gallery_size < 10**exponent < largest]
    return tuple(dict.fromkeys([gallery_size, *powers, max(largest, gallery_size)]))


def grown(
    searches: Searches,
    probes: Templates,
    population: Population,
    wanted: Sequence[int],
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Searches]:
    """Search the same probes in galleries of rising sizes.

    Made-up people have one template each and are nobody's mate, so they can only push mates down and be found
    themselves. Their scores are computed in float32.

    Args:
        searches: As they were, with the real gallery.
        probes: float32, shape (n, d), unit rows; zeros where a probe gave no template; not modified.
        population: Whom to draw from; of the pack that the probes are of.
        wanted: Rising sizes from `searches.gallery_size` up.
        on_progress: Called with how many more made-up people were searched.

    Yields:
        The searches at each size.
    """
    best = searches.stranger_scores.copy()
    above = np.zeros(searches.size, dtype=np.int64)
    done = 0
    for size in wanted:
        missing = size - searches.gallery_size - done
        for drawn in population.stream(missing, seed=SEED, start=done):
            for at in range(0, searches.size, PROBES):
                part = slice(at, at + PROBES)
                _add(drawn.templates, probes[part], searches.mate_scores[part], best[part], above[part])
            on_progress(len(drawn.templates))
        done += missing
        best[~searches.acquired] = -np.inf
        ranks = np.where(searches.mate_ranks == NEVER, NEVER, searches.mate_ranks + above)
        yield replace(searches, stranger_scores=best.copy(), mate_ranks=ranks, gallery_size=size)


def _add(people: Templates, probes: Templates, mates: Scores, best: Scores, above: Numbers) -> None:
    """Search probes among more people: raise `best`, and count in `above` who scores at least as high as the mate."""
    scores = probes @ people.T
    np.maximum(best, scores.max(axis=1), out=best)
    above += np.count_nonzero(scores >= mates[:, None].astype(np.float32), axis=1)
