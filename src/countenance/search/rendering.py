"""A search's answer as plain JSON types: the one shape that the CLI prints, the API returns and the records keep."""

from dataclasses import asdict
from typing import Any

from countenance.gallery.rendering import snapshot_json
from countenance.index.model import MissRate
from countenance.search.model import LEAD, Candidate, Coverage, Probe, SearchAnswer
from countenance.search.scale import ScaleFacts
from countenance.search.strangers import Strangers, in_words
from countenance.vision.model import Face
from countenance.vision.quality import ENROL_GATE
from countenance.vision.rendering import box_json, face_json


def candidate_json(candidate: Candidate, *, people: int) -> dict[str, Any]:
    """Return one candidate; the score is not rounded, so that thresholds can be checked against it."""
    face = candidate.face
    return {
        "rank": candidate.rank,
        "subject": {"id": face.subject_id, "label": face.label},
        "score": candidate.score,
        "normalised": candidate.normalised,
        "strangers": strangers_json(candidate.strangers, people=people),
        "template": candidate.row,
        "templates": candidate.templates,
        "face": face.face_id,
        "image": {"id": face.image_id, "reference": face.reference},
        "source": face.source,
        "box": box_json(face.face.box),
    }


def strangers_json(strangers: Strangers, *, people: int) -> dict[str, Any]:
    """Return how many others are expected to score as high, as numbers and in words."""
    return {
        "known": strangers.known.value,
        "expected": strangers.expected,
        "low": strangers.low,
        "high": strangers.high,
        "words": in_words(strangers, people=people),
    }


def scale_json(scale: ScaleFacts) -> dict[str, Any]:
    """Return what the scores were held against."""
    return {
        "fpir": scale.fpir,
        "offset": scale.offset,
        "people": scale.people,
        "calibration": {
            "made_from": scale.made_from,
            "made_at": scale.made_at.isoformat(),
            "data": scale.data,
            "stale": scale.stale,
        },
        "strip": {"low": scale.strip_low, "step": scale.strip_step, "shares": list(scale.strip)},
    }


def probe_json(probe: Probe) -> dict[str, Any]:
    """Return a photograph and its faces, and what keeps a face that may be searched from being a good reference."""
    return {
        "sha256": probe.sha256,
        "media_type": probe.media_type,
        "width": probe.width,
        "height": probe.height,
        "faces": [{**face_json(face), "warnings": _warnings(face)} for face in probe.faces],
    }


def searched_json(probe: Probe) -> dict[str, Any]:
    """Return a photograph that was searched with, and which face of it."""
    return {
        "sha256": probe.sha256,
        "media_type": probe.media_type,
        "width": probe.width,
        "height": probe.height,
        "faces": [face_json(face) for face in probe.faces],
        "used": probe.used,
    }


def _warnings(face: Face) -> list[str]:
    """Say why the scores of a face that may be searched mean less than they could."""
    return list(ENROL_GATE.refusals(face.quality)) if face.passes else []


def coverage_json(coverage: Coverage) -> dict[str, Any]:
    """Return what was searched; bounds are not rounded, so that they can be checked."""
    certificate, miss_rate = coverage.certificate, coverage.miss_rate
    return {
        "certified": certificate is not None,
        "fused": True,
        "weighted": True,
        "words": coverage_line(coverage),
        "miss_rate": miss_rate and asdict(miss_rate),
        "templates": certificate and certificate.rows,
        "subjects": certificate and certificate.subjects,
        "scored": certificate and certificate.scored,
        "cut": certificate and certificate.cut,
        "bound": certificate and certificate.bound,
        "left_out": dict(coverage.left_out),
        "sources": list(coverage.sources),
        "last_template": coverage.last_template,
        "probe_template_sha256": coverage.template_sha256,
    }


def coverage_line(coverage: Coverage) -> str:
    """Say in a sentence what was searched, and whether anybody can be missing."""
    left_out = "".join(f"; {count:,} left out ({reason})" for reason, count in coverage.left_out.items() if count)
    certificate = coverage.certificate
    if certificate is None:
        return f"Not certified complete{_measured(coverage.miss_rate)}{left_out}."
    return (
        f"Certified complete: {certificate.subjects:,} subjects searched, "
        f"{certificate.scored:,} scored in full, none of the others can reach {certificate.cut:.3f}{left_out}."
    )


def _measured(miss_rate: MissRate | None) -> str:
    """Say how often this index loses somebody, where that was measured."""
    if miss_rate is None:
        return ""
    return (
        f": of {miss_rate.probes:,} templates of this gallery, {miss_rate.misses:,} did not find the nearest of "
        f"{miss_rate.rows:,}"
    )


def answer_json(answer: SearchAnswer) -> dict[str, Any]:
    """Return the whole answer; its receipt from the audit log too, once it has one."""
    receipt = {} if answer.receipt is None else {"receipt": answer.receipt.to_json()}
    scale = answer.scale
    people = answer.people
    return {
        "search_id": answer.search_id,
        "searched_at": answer.searched_at.isoformat(),
        "case": answer.case,
        "purpose": answer.purpose,
        "offence": answer.offence,
        "kind": answer.kind.value,
        "outcome": answer.outcome.value,
        "message": answer.message,
        "probe": searched_json(answer.probe),
        "further": [searched_json(probe) for probe in answer.further],
        "gallery": snapshot_json(answer.gallery),
        "threshold": answer.threshold,
        "limit": answer.limit,
        "candidates": [candidate_json(candidate, people=people) for candidate in answer.candidates],
        "certificate": None if answer.coverage is None else coverage_json(answer.coverage),
        "scale": None if scale is None else scale_json(scale),
        "seconds": {stage: round(seconds, 6) for stage, seconds in answer.seconds.items()},
        "approve_by": answer.approve_by and answer.approve_by.isoformat(),
        "lead": LEAD,
        "marks": [],
        **receipt,
    }
