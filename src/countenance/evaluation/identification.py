"""Open-set identification: how often a search misses the mate, and how often it finds a stranger."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from countenance.core.arrays import Scores, Templates
from countenance.core.errors import InvalidInputError
from countenance.evaluation.acquisition import Acquired, Sample, failures, through_gate
from countenance.evaluation.gates import GateRule
from countenance.evaluation.model import NEVER, Flags, Numbers, Searches
from countenance.evaluation.protocol import Protocol, ProtocolRow
from countenance.vision.fusion import fuse

CHUNK = 512
"""Probes that are scored at a time: 512 against 100,000 templates take 400 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentificationResult:
    """What came of searching all probes of a protocol.

    Attributes:
        protocol: What was to be searched.
        gate: Which gates held.
        gallery: What came of the gallery's photographs, after the gate.
        probes: What came of the probes, after the gate.
        searches: One a probe, in the protocol's order.
        templates: float32, shape (searches, d): the probes', zeros where there is none.
    """

    protocol: Protocol
    gate: GateRule
    gallery: Acquired
    probes: Acquired
    searches: Searches
    templates: Templates

    def as_json(self) -> dict[str, Any]:
        """Return what was searched, and what could not be, as plain JSON types."""
        searches = self.searches
        named = len({row.subject for row in self.protocol.gallery})
        to_enrol, to_acquire = failures(self.gallery), failures(self.probes)
        return {
            "gate": self.gate.value,
            "N": searches.gallery_size,
            "gallery": {
                "subjects": named,
                "enrolled": searches.gallery_size,
                "photographs": len(self.gallery),
                "templates": len(self.gallery) - len(to_enrol),
            },
            "searches": {
                "mated": _count_json(searches, searches.mated),
                "non_mated": _count_json(searches, ~searches.mated),
            },
            "failure_to_enrol_rate": 1 - searches.gallery_size / named,
            "failure_to_acquire_rate": len(to_acquire) / searches.size,
            "failures_to_enrol": [one.as_json() for one in to_enrol],
            "failures_to_acquire": [one.as_json() for one in to_acquire],
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
    known = tuple(row for row in protocol.gallery if isinstance(gallery[row.reference], Sample))
    dim = next((one.template.size for one in gallery.values() if isinstance(one, Sample)), None)
    if dim is None:
        raise InvalidInputError(
            "no photograph of the gallery gave a template, so nobody can be found",
            code="evaluation-nobody-enrolled",
            hint="`--gate none` takes poor faces too; `countenance faces IMAGE` shows what is wrong with one",
        )
    named = {row.subject for row in protocol.gallery}
    templates = _templates(probes, protocol.probes, dim=dim)
    searches = searched(
        templates,
        _templates(gallery, known, dim=dim),
        owners=np.array([number_of[row.subject] for row in known], dtype=np.int64),
        subjects=np.array([number_of[row.subject] for row in protocol.probes], dtype=np.int64),
        mated=np.array([row.subject in named for row in protocol.probes], dtype=np.bool_),
    )
    return IdentificationResult(
        protocol=protocol, gate=gate, gallery=gallery, probes=probes, searches=searches, templates=templates
    )


def searched(probes: Templates, gallery: Templates, *, owners: Numbers, subjects: Numbers, mated: Flags) -> Searches:
    """Score every probe against every subject of the gallery: a subject's templates are fused, as for a search.

    Args:
        probes: float32, shape (p, d), unit rows; zeros where a probe gave no template; not modified.
        gallery: float32, shape (n, d), unit rows; not modified.
        owners: int64, shape (n,), whose template it is.
        subjects: int64, shape (p,), whose probe it is, in the numbers of `owners`.
        mated: bool, shape (p,): the subject is meant to be in the gallery.
    """
    order = np.argsort(owners, kind="stable")
    enrolled, starts = np.unique(owners[order], return_index=True)
    fused = np.stack([fuse(templates) for templates in np.split(gallery[order], starts[1:])])
    columns = fused.astype(np.float64).T
    acquired: Flags = np.any(probes != 0, axis=1)
    parts = []
    for at in range(0, len(probes), CHUNK):
        rows = slice(at, at + CHUNK)
        scores = np.clip(probes[rows].astype(np.float64) @ columns, -1.0, 1.0)
        scores[~acquired[rows]] = -np.inf
        parts.append(_places(scores, enrolled, subjects[rows]))
    mates, ranks, strangers = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Searches(
        subjects=subjects,
        mated=mated,
        acquired=acquired,
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


def _templates(samples: Acquired, wanted: tuple[ProtocolRow, ...], *, dim: int) -> Templates:
    """Stack templates; zeros where there is none."""
    rows = np.zeros((len(wanted), dim), dtype=np.float32)
    for row, one in zip(rows, wanted, strict=True):
        sample = samples[one.reference]
        if isinstance(sample, Sample):
            row[:] = sample.template
    return rows


def _count_json(searches: Searches, chosen: Flags) -> dict[str, int]:
    """Return how many searches, of how many people."""
    return {"searches": int(chosen.sum()), "subjects": int(np.unique(searches.subjects[chosen]).size)}
