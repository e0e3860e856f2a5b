"""One person under two names: a fault of labelled data that makes a right answer look like a stranger's."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from countenance.core.arrays import Scores, Templates
from countenance.evaluation.acquisition import Sample
from countenance.evaluation.model import Numbers

CHUNK = 1024
"""Samples that are compared with all others at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectedDuplicate:
    """Two subjects who may be one person: for somebody to look at, nothing more.

    Attributes:
        first: A subject.
        second: Another.
        first_image: Of the most similar pair of their photographs, where there is one of two that are the same bytes.
        second_image: Of the same pair.
        score: Of that pair.
        same_file: The two photographs are the same bytes.
    """

    first: str
    second: str
    first_image: str
    second_image: str
    score: float
    same_file: bool

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "subjects": [self.first, self.second],
            "images": [self.first_image, self.second_image],
            "score": self.score,
            "same_file": self.same_file,
        }


def suspected_duplicates(
    samples: Sequence[Sample], subjects: Sequence[str], *, threshold: float
) -> tuple[SuspectedDuplicate, ...]:
    """Find pairs of subjects with photographs that score from a threshold up, or that are the same file.

    Args:
        samples: All photographs that gave a template.
        subjects: Whose each is.
        threshold: Least score.

    Returns:
        A pair of subjects once, with the same file where there is one, else its highest-scoring photographs; most
        similar first.
    """
    if not samples:
        return ()
    names = sorted(set(subjects))
    number = {name: at for at, name in enumerate(names)}
    owners = np.array([number[name] for name in subjects], dtype=np.int64)
    templates = np.stack([sample.template for sample in samples])
    best: dict[tuple[int, int], tuple[bool, float, int, int]] = {}
    for rows, columns, scores in (*_above(templates, owners, threshold), _same_files(samples, templates, owners)):
        for row, column, score in zip(rows.tolist(), columns.tolist(), scores.tolist(), strict=True):
            low, high = (row, column) if owners[row] < owners[column] else (column, row)
            pair = int(owners[low]), int(owners[high])
            rank = samples[low].sha256 != samples[high].sha256, -score, low, high
            best[pair] = min(rank, best.get(pair, rank))
    found = (
        SuspectedDuplicate(
            first=names[pair[0]],
            second=names[pair[1]],
            first_image=samples[low].reference,
            second_image=samples[high].reference,
            score=-falling,
            same_file=not other_file,
        )
        for pair, (other_file, falling, low, high) in best.items()
    )
    return tuple(sorted(found, key=lambda one: (-one.score, one.first, one.second)))


def _above(templates: Templates, owners: Numbers, threshold: float) -> list[tuple[Numbers, Numbers, Scores]]:
    """Return rows, columns (each pair once) and scores of samples of two subjects, from the threshold up."""
    exact = templates.astype(np.float64)
    parts = []
    for at in range(0, len(exact), CHUNK):
        scores = np.clip(exact[at : at + CHUNK] @ exact[at:].T, -1.0, 1.0)
        rows, columns = np.nonzero((scores >= threshold) & (owners[at : at + CHUNK, None] != owners[None, at:]))
        once = columns > rows
        rows, columns = rows[once], columns[once]
        parts.append((rows + at, columns + at, scores[rows, columns]))
    return parts


def _same_files(samples: Sequence[Sample], templates: Templates, owners: Numbers) -> tuple[Numbers, Numbers, Scores]:
    """Return rows, columns (each pair once) and scores of samples of two subjects that are the same bytes.

    By what they are: rounded to float32, half of all templates score a little less than 1 with themselves.
    """
    places = defaultdict(list)
    for at, sample in enumerate(samples):
        places[sample.sha256].append(at)
    pairs = [pair for held in places.values() for pair in combinations(held, 2) if owners[pair[0]] != owners[pair[1]]]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    exact = templates.astype(np.float64)
    scores = np.array([exact[row] @ exact[column] for row, column in pairs], dtype=np.float64)
    return rows, columns, np.clip(scores, -1.0, 1.0)
