"""Open-set identification: how often a search misses the mate, and how often it finds a stranger."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from countenance.core.arrays import Scores, Templates
from countenance.core.errors import InvalidInputError
from countenance.evaluation.acquisition import Acquired, FailureToAcquire, Sample, failures, through_gate
from countenance.evaluation.gates import GateRule
from countenance.evaluation.metrics import IDENTIFICATION_METRICS, metric_json
from countenance.evaluation.model import NEVER, Flags, Numbers, Searches
from countenance.evaluation.protocol import Protocol
from countenance.evaluation.resampling import LEVEL, REPLICATES, SEED, estimate

CHUNK = 512
"""Probes that are scored at a time: 512 against 100,000 templates take 400 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentificationResult:
    """What an evaluation of open-set identification measured.

    Attributes:
        gate: Which gates held.
        searches: One a probe.
        subjects: How many the protocol's gallery names.
        enrolled: How many of them gave at least one template: N.
        references: Photographs of the gallery.
        templates: How many of those gave a template.
        failures_to_enrol: Photographs of the gallery without a template.
        failures_to_acquire: Probes without a template.
    """

    gate: GateRule
    searches: Searches
    subjects: int
    enrolled: int
    references: int
    templates: int
    failures_to_enrol: tuple[FailureToAcquire, ...]
    failures_to_acquire: tuple[FailureToAcquire, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        searches = self.searches
        return {
            "gate": self.gate.value,
            "N": self.enrolled,
            "gallery": {
                "subjects": self.subjects,
                "enrolled": self.enrolled,
                "photographs": self.references,
                "templates": self.templates,
            },
            "searches": {
                "mated": _count_json(searches, searches.mated),
                "non_mated": _count_json(searches, ~searches.mated),
            },
            "metrics": {
                name: metric_json(metric, searches, estimate(metric, searches))
                for name, metric in IDENTIFICATION_METRICS.items()
            },
            "bootstrap": {"over": "subjects", "replicates": REPLICATES, "level": LEVEL, "seed": SEED},
            "failure_to_enrol_rate": 1 - self.enrolled / self.subjects,
            "failure_to_acquire_rate": len(self.failures_to_acquire) / searches.size,
            "failures_to_enrol": [one.as_json() for one in self.failures_to_enrol],
            "failures_to_acquire": [one.as_json() for one in self.failures_to_acquire],
        }


def evaluate_identification(protocol: Protocol, acquired: Acquired, gate: GateRule) -> IdentificationResult:
    """Search all probes against the gallery.

    Args:
        acquired: What came of each photograph of the protocol, read without a gate.

    Raises:
        InvalidInputError: code `evaluation-nobody-enrolled`, not one photograph of the gallery gave a template.
    """
    gallery = through_gate(acquired, (row.reference for row in protocol.gallery), gate.for_references)
    probes = through_gate(acquired, (row.reference for row in protocol.probes), gate.for_probes)
    number_of = {name: number for number, name in enumerate(sorted({row.subject for row in protocol.rows}))}
    known = [row for row in protocol.gallery if isinstance(gallery[row.reference], Sample)]
    if not known:
        raise InvalidInputError(
            "no photograph of the gallery gave a template, so nobody can be found",
            code="evaluation-nobody-enrolled",
            hint="`--gate none` takes poor faces too; `countenance faces IMAGE` shows what is wrong with one",
        )
    owners = np.array([number_of[row.subject] for row in known], dtype=np.int64)
    named = {number_of[row.subject] for row in protocol.gallery}
    subjects = np.array([number_of[row.subject] for row in protocol.probes], dtype=np.int64)
    dim = next(one.template.size for one in gallery.values() if isinstance(one, Sample))
    searches = searched(
        _templates(probes, [row.reference for row in protocol.probes], dim=dim),
        _templates(gallery, [row.reference for row in known], dim=dim),
        owners=owners,
        subjects=subjects,
        mated=np.array([subject in named for subject in subjects.tolist()], dtype=np.bool_),
    )
    return IdentificationResult(
        gate=gate,
        searches=searches,
        subjects=len(named),
        enrolled=searches.gallery_size,
        references=len(protocol.gallery),
        templates=len(known),
        failures_to_enrol=failures(gallery),
        failures_to_acquire=failures(probes),
    )


def searched(probes: Templates, gallery: Templates, *, owners: Numbers, subjects: Numbers, mated: Flags) -> Searches:
    """Score every probe against every subject of the gallery: the subject's best template counts, as in a search.

    Args:
        probes: float32, shape (p, d), unit rows; zeros where a probe gave no template; not modified.
        gallery: float32, shape (n, d), unit rows; not modified.
        owners: int64, shape (n,), whose template it is.
        subjects: int64, shape (p,), whose probe it is, in the numbers of `owners`.
        mated: bool, shape (p,): the subject is meant to be in the gallery.
    """
    order = np.argsort(owners, kind="stable")
    enrolled, starts = np.unique(owners[order], return_index=True)
    columns = gallery[order].astype(np.float64).T
    parts = []
    for at in range(0, len(probes), CHUNK):
        rows = probes[at : at + CHUNK].astype(np.float64)
        scores = np.maximum.reduceat(np.clip(rows @ columns, -1.0, 1.0), starts, axis=1)
        scores[~rows.any(axis=1)] = -np.inf
        parts.append(_places(scores, enrolled, subjects[at : at + CHUNK]))
    mates, ranks, strangers = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Searches(
        subjects=subjects,
        mated=mated,
        mate_scores=mates,
        mate_ranks=ranks,
        stranger_scores=strangers,
        gallery_size=len(enrolled),
    )


def _places(scores: Scores, enrolled: Numbers, subjects: Numbers) -> tuple[Scores, Numbers, Scores]:
    """Return the mate's score and rank and the best stranger's score of each row; ties count against the mate."""
    is_mate = enrolled[None, :] == subjects[:, None]
    mates = np.where(is_mate, scores, -np.inf).max(axis=1)
    others = np.where(is_mate, -np.inf, scores)
    ranks = 1 + np.count_nonzero(others >= mates[:, None], axis=1)
    ranks[mates == -np.inf] = NEVER
    return mates, ranks.astype(np.int64), others.max(axis=1)


def _templates(samples: Acquired, references: list[str], *, dim: int) -> Templates:
    """Stack templates; zeros where there is none."""
    rows = np.zeros((len(references), dim), dtype=np.float32)
    for row, reference in zip(rows, references, strict=True):
        one = samples[reference]
        if isinstance(one, Sample):
            row[:] = one.template
    return rows


def _count_json(searches: Searches, chosen: Flags) -> dict[str, int]:
    """Return how many searches, of how many people."""
    return {"searches": int(chosen.sum()), "subjects": int(np.unique(searches.subjects[chosen]).size)}
