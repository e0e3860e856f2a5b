"""What a gallery holds and what is destroyed of it as plain JSON types, the one shape of command line and API."""

from datetime import date
from typing import Any

from countenance.gallery.destruction import Destruction
from countenance.gallery.erasure import Extent
from countenance.gallery.model import EnrolledFace, Snapshot, SourceChange, SourceSummary, Subject
from countenance.gallery.retention import CITATIONS, Plan
from countenance.gallery.terms import Release, Retention
from countenance.vision.rendering import face_json


def source_json(summary: SourceSummary) -> dict[str, Any]:
    """Return a source with its terms and what is enrolled in it."""
    source, terms = summary.source, summary.source.terms
    return {
        "source_id": source.source_id,
        "name": source.name,
        "owner": source.owner,
        "legal_basis": source.legal_basis.value,
        "document_sha256": source.document_sha256,
        "state": source.state.value,
        "keeper": source.keeper,
        "registered_at": source.registered_at.isoformat(),
        "contact": terms.contact,
        "sectors": list(terms.sectors),
        "purposes": list(terms.purposes),
        "excluded": list(terms.excluded),
        "releases_required": terms.releases_required,
        "retention": retention_json(terms.retention),
        "images": summary.images,
        "subjects": summary.subjects,
        "templates": summary.templates,
    }


def retention_json(retention: Retention) -> dict[str, Any]:
    """Return how long a source may be kept."""
    return {
        "rule": retention.rule.value,
        "ends_on": day_text(retention.ends_on),
        "purpose_ended_on": day_text(retention.purpose_ended_on),
        "last_interaction_on": day_text(retention.last_interaction_on),
    }


def change_json(change: SourceChange) -> dict[str, Any]:
    """Return one change of a source's state."""
    return {
        "at": change.at.isoformat(),
        "by": change.by,
        "before": None if change.before is None else change.before.value,
        "after": change.after.value,
        "reason": change.reason,
    }


def release_json(release: Release) -> dict[str, Any]:
    """Return one person's release."""
    return {
        "release_id": release.release_id,
        "label": release.label,
        "document_sha256": release.document_sha256,
        "registered_at": release.registered_at.isoformat(),
        "registered_by": release.registered_by,
        "ends_on": day_text(release.ends_on),
        "revoked_at": None if release.revoked_at is None else release.revoked_at.isoformat(),
    }


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return what is due of the gallery, and when its sources' clocks end."""
    return {
        "on": plan.today.isoformat(),
        "sources": [
            {
                "source": clock.source.name,
                "rule": clock.source.terms.retention.rule.value,
                "citation": CITATIONS[clock.source.terms.retention.rule],
                "last_day": day_text(clock.last_day),
                "due": clock.due,
            }
            for clock in plan.sources
        ],
        "releases": [
            {"source": one.source, "subject_id": one.subject_id, "release_id": one.release_id} for one in plan.releases
        ],
        "answers": {"before": plan.answers_before and plan.answers_before.isoformat(), "due": plan.answers},
        "unfinished": plan.unfinished,
    }


def destruction_json(destruction: Destruction) -> dict[str, Any]:
    """Return what was destroyed; its certificate's id is the destruction's."""
    return {
        "certificate": destruction.destruction_id,
        "kind": destruction.kind.value,
        "source": destruction.source and destruction.source.name,
        "target": destruction.target,
    }


def extent_json(extent: Extent) -> dict[str, Any]:
    """Return what an erasure would take."""
    going = extent.destroyed
    return {
        "source": extent.source.name,
        "would_erase": {
            "photographs": going.images,
            "subjects": going.subjects,
            "templates": going.templates,
            "photographs_staying": going.staying,
        },
        "searches_that_returned_it": len(extent.handed_out),
    }


def day_text(day: date | None) -> str | None:
    """Return a day as `YYYY-MM-DD`."""
    return None if day is None else day.isoformat()


def subject_json(subject: Subject) -> dict[str, Any]:
    """Return a subject."""
    return {
        "subject_id": subject.subject_id,
        "source": subject.source,
        "label": subject.label,
        "templates": subject.templates,
    }


def enrolled_face_json(face: EnrolledFace) -> dict[str, Any]:
    """Return one enrolled face with its place in the gallery."""
    return {
        "face_id": face.face_id,
        "image_id": face.image_id,
        "reference": face.reference,
        "source": face.source,
        **face_json(face.face),
    }


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    """Return the gallery's revision and counts."""
    return {
        "snapshot": snapshot.revision,
        "pack": snapshot.pack_digest,
        "sources": snapshot.sources,
        "subjects": snapshot.subjects,
        "images": snapshot.images,
        "templates": snapshot.templates,
    }
