"""Sources and subjects as plain JSON types: the one shape that the CLI prints and the API returns."""

from typing import Any

from countenance.gallery.model import SourceSummary, Subject


def source_json(summary: SourceSummary) -> dict[str, Any]:
    """Return a source with what is enrolled in it."""
    source = summary.source
    return {
        "source_id": source.source_id,
        "name": source.name,
        "owner": source.owner,
        "legal_basis": source.legal_basis.value,
        "document_sha256": source.document_sha256,
        "state": source.state.value,
        "registered_at": source.registered_at.isoformat(),
        "images": summary.images,
        "subjects": summary.subjects,
        "templates": summary.templates,
    }


def subject_json(subject: Subject) -> dict[str, Any]:
    """Return a subject."""
    return {
        "subject_id": subject.subject_id,
        "source": subject.source,
        "label": subject.label,
        "templates": subject.templates,
    }
