"""Checking a kept answer again: every subject on record scored in float64, by arithmetic of its own.

Nothing here comes from an index engine: were one to lose a person, this would not lose the same one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from countenance.core.arrays import Scores, Templates
from countenance.core.errors import ConflictError, IntegrityError
from countenance.index.model import BlockRows
from countenance.index.ports import RowNumbers
from countenance.vision.fusion import fuse

TOLERANCE = 1e-12
"""How far two float64 sums of the same 2,048 products can be apart, in another order, and ten times that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A kept answer that holds.

    Attributes:
        candidates: How many of the answer's candidates were scored again.
        templates: How many were scored: one a subject, in answers of earlier versions one a template.
        erased_since: How many of those that were searched are not on record any more as they were: also subjects who
            lost one of several photographs.
    """

    search_id: str
    candidates: int
    templates: int
    erased_since: int


def template_digest(template: Templates) -> str:
    """Return the hex SHA-256 of one template's bytes, float32, little-endian."""
    return sha256(template.astype("<f4").tobytes()).hexdigest()


def verify_answer(answer: Mapping[str, Any], probe: Templates, batches: Iterable[BlockRows]) -> Verification:
    """Check that an answer is what scoring every template gives.

    What was erased since is no longer on record: it can't be checked, and is counted; so are subjects who lost one of
    several photographs, since the mean that was searched is gone.

    Args:
        answer: As it was kept; its certificate is not None.
        probe: float32, shape (dim,), the template made again from the probe's file; not modified.
        batches: All templates up to the answer's last one, all of a subject in one batch; read once, and some 100 bytes
            a template are kept.

    Raises:
        ConflictError: code `probe-template-differs`; nothing was checked.
        IntegrityError: code `search-not-verified`, with the first thing that does not hold.
    """
    certificate = answer["certificate"]
    if template_digest(probe) != certificate["probe_template_sha256"]:
        raise ConflictError(
            "the probe's template is not the one that was searched with",
            code="probe-template-differs",
            hint="check with the model pack, the runtime and the kind of machine that answered",
        )
    scored = _scored(probe, batches, certificate)
    _check_counts(certificate, scored)
    _check_candidates(answer, scored)
    _check_nobody_is_missing(answer, scored)
    return Verification(
        search_id=answer["search_id"],
        candidates=int(np.isin([one["template"] for one in answer["candidates"]], scored.rows).sum()),
        templates=len(scored.rows),
        erased_since=certificate["templates"] - len(scored.rows),
    )


@dataclass(frozen=True, slots=True)
class _Scored:
    """Every eligible template on record: row and subject numbers, int64, and scores, float64; shape (n,) each."""

    rows: RowNumbers
    subjects: RowNumbers
    scores: Scores

    def best(self) -> "_Scored":
        """Return each subject's best, by rising subject; of equal ones the first row."""
        order = np.lexsort((self.rows, -self.scores, self.subjects))
        _, first = np.unique(self.subjects[order], return_index=True)
        at = order[first]
        return _Scored(self.rows[at], self.subjects[at], self.scores[at])


def _scored(probe: Templates, batches: Iterable[BlockRows], certificate: Mapping[str, Any]) -> _Scored:
    """Score all that was searched."""
    wide, sources = probe.astype(np.float64), frozenset(certificate["sources"])
    rows: list[RowNumbers] = [np.zeros(0, np.int64)]
    subjects: list[RowNumbers] = [np.zeros(0, np.int64)]
    scores: list[Scores] = [np.zeros(0)]
    for batch in batches:
        if batch.block in sources:
            one = _fused(batch) if certificate.get("fused") else batch
            rows.append(one.rows)
            subjects.append(one.subjects)
            scores.append(np.minimum(np.maximum(np.einsum("ij,j->i", one.templates.astype(np.float64), wide), -1), 1))
    return _Scored(np.concatenate(rows), np.concatenate(subjects), np.concatenate(scores))


def _fused(batch: BlockRows) -> BlockRows:
    """Make one of each subject's templates: their mean direction, numbered as the newest; see `Reference`.

    Answers of before that was done say nothing of it, and are held against each template.
    """
    order = np.lexsort((batch.rows, batch.subjects))
    owners, starts, counts = np.unique(batch.subjects[order], return_index=True, return_counts=True)
    newest = order[starts + counts - 1]
    compared = batch.templates[newest]
    for at in np.flatnonzero(counts > 1):
        compared[at] = fuse(batch.templates[order[starts[at] : starts[at] + counts[at]]])
    return BlockRows(batch.block, rows=batch.rows[newest], subjects=owners, templates=compared)


def _check_counts(certificate: Mapping[str, Any], scored: _Scored) -> None:
    """Check what the certificate says of the whole gallery."""
    subjects = len(np.unique(scored.subjects))
    if len(scored.rows) > certificate["templates"] or subjects > certificate["subjects"]:
        raise _not_verified(
            f"{certificate['templates']} rows of {certificate['subjects']} subjects were searched, but "
            f"{len(scored.rows)} of {subjects} are on record"
        )
    bound, cut = certificate["bound"], certificate["cut"]
    if bound is None:
        return
    if bound >= cut:
        raise _not_verified(f"a template with bound {bound} could have reached the cut {cut}")
    above = int(np.count_nonzero(scored.scores > bound))
    if above > certificate["scored"]:
        raise _not_verified(f"{above} templates are above the bound {bound}, {certificate['scored']} were scored")


def _check_candidates(answer: Mapping[str, Any], scored: _Scored) -> None:
    """Check each candidate's score, that it is its subject's best, and the order."""
    best, order = scored.best(), np.argsort(scored.rows)
    ranked = [(-one["score"], one["template"]) for one in answer["candidates"]]
    if ranked != sorted(ranked):
        raise _not_verified("its candidates are not in order")
    for one in answer["candidates"]:
        if one["score"] < answer["threshold"]:
            raise _not_verified(f"candidate {one['rank']} is below the threshold")
        at = np.searchsorted(scored.rows, one["template"], sorter=order)
        if at == len(order) or scored.rows[order[at]] != one["template"]:
            continue
        score = float(scored.scores[order[at]])
        most = float(best.scores[np.searchsorted(best.subjects, scored.subjects[order[at]])])
        if abs(score - one["score"]) > TOLERANCE:
            raise _not_verified(f"candidate {one['rank']} has the score {one['score']}, on record it is {score}")
        if most > one["score"] + TOLERANCE:
            raise _not_verified(f"candidate {one['rank']} has a better template, with the score {most}")


def _check_nobody_is_missing(answer: Mapping[str, Any], scored: _Scored) -> None:
    """Check that no other subject should have been in the list."""
    candidates = answer["candidates"]
    full = len(candidates) == answer["limit"]
    least = candidates[-1]["score"] if full else answer["threshold"]
    listed = scored.subjects[np.isin(scored.rows, _rows(candidates))]
    best = scored.best()
    missing = np.flatnonzero((best.scores > least + TOLERANCE) & ~np.isin(best.subjects, listed))
    for row, score in zip(best.rows[missing].tolist(), best.scores[missing].tolist(), strict=True):
        raise _not_verified(f"template {row} has the score {score} and is missing")


def _rows(candidates: Iterable[Mapping[str, Any]]) -> list[int]:
    return [one["template"] for one in candidates]


def _not_verified(why: str) -> IntegrityError:
    return IntegrityError(
        f"this answer does not hold: {why}",
        code="search-not-verified",
        hint="`countenance doctor` says whether the index or the records are damaged",
    )
