"""The register's values to their rows and back: what is personal stands in one entry, canonical JSON."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from countenance.adapters.sql.models import SourceRow
from countenance.adapters.sql.source_models import ReleaseRow, SourceChangeRow
from countenance.gallery.model import LegalBasis, Provenance, Source, SourceChange, SourceState
from countenance.gallery.terms import Release, Retention, RetentionRule, SourceTerms


def entry_bytes(facts: Mapping[str, Any]) -> bytes:
    """Return facts as canonical JSON: sorted names, no blanks, ASCII."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def entry_facts(entry: bytes) -> dict[str, Any]:
    """Return the facts of an entry."""
    facts: dict[str, Any] = json.loads(entry)
    return facts


def source_row(source: Source) -> SourceRow:
    """Return a new row of a source."""
    return SourceRow(
        source_id=source.source_id,
        name=source.name,
        state=source.state.value,
        registered_at=source.registered_at,
        entry=source_entry(source),
    )


def source_entry(source: Source) -> bytes:
    """Return what is kept of a source beside its id, name and state."""
    terms, retention = source.terms, source.terms.retention
    return entry_bytes(
        {
            "owner": source.owner,
            "legal_basis": source.legal_basis.value,
            "document_sha256": source.document_sha256,
            "contact": terms.contact,
            "sectors": terms.sectors,
            "purposes": terms.purposes,
            "excluded": terms.excluded,
            "releases_required": terms.releases_required,
            "retention": {
                "rule": retention.rule.value,
                "ends_on": _day_text(retention.ends_on),
                "purpose_ended_on": _day_text(retention.purpose_ended_on),
                "last_interaction_on": _day_text(retention.last_interaction_on),
            },
        }
    )


def source_of(row: SourceRow) -> Source:
    """Return a source."""
    facts = entry_facts(row.entry)
    kept = facts.get("retention") or {"rule": RetentionRule.NONE}
    return Source(
        source_id=row.source_id,
        name=row.name,
        owner=facts["owner"],
        legal_basis=LegalBasis(facts["legal_basis"]),
        document_sha256=facts["document_sha256"],
        state=SourceState(row.state),
        registered_at=row.registered_at,
        terms=SourceTerms(
            contact=facts["contact"],
            sectors=tuple(facts["sectors"]),
            purposes=tuple(facts["purposes"]),
            excluded=tuple(facts["excluded"]),
            releases_required=facts["releases_required"],
            retention=Retention(
                rule=RetentionRule(kept["rule"]),
                ends_on=_day(kept["ends_on"]),
                purpose_ended_on=_day(kept["purpose_ended_on"]),
                last_interaction_on=_day(kept["last_interaction_on"]),
            ),
        ),
    )


def change_row(source: int, change: SourceChange) -> SourceChangeRow:
    """Return a new row of a change."""
    facts = {"before": change.before and change.before.value, "by": change.by, "reason": change.reason}
    return SourceChangeRow(source=source, at=change.at, after=change.after.value, entry=entry_bytes(facts))


def change_of(row: SourceChangeRow) -> SourceChange:
    """Return a change."""
    facts = entry_facts(row.entry)
    return SourceChange(
        at=row.at,
        by=facts["by"],
        before=None if facts["before"] is None else SourceState(facts["before"]),
        after=SourceState(row.after),
        reason=facts["reason"],
    )


def release_row(source: int, release: Release) -> ReleaseRow:
    """Return a new row of a release."""
    facts = {
        "label": release.label,
        "document_sha256": release.document_sha256,
        "by": release.registered_by,
        "ends_on": _day_text(release.ends_on),
    }
    return ReleaseRow(
        release_id=release.release_id,
        source=source,
        registered_at=release.registered_at,
        revoked_at=release.revoked_at,
        entry=entry_bytes(facts),
    )


def release_of(row: ReleaseRow) -> Release:
    """Return a release."""
    facts = entry_facts(row.entry)
    return Release(
        release_id=row.release_id,
        label=facts["label"],
        document_sha256=facts["document_sha256"],
        registered_at=row.registered_at,
        registered_by=facts["by"],
        ends_on=_day(facts["ends_on"]),
        revoked_at=row.revoked_at,
    )


def provenance_entry(provenance: Provenance) -> bytes:
    """Return what is kept of a photograph's provenance."""
    facts = {"original": provenance.original, "licence": provenance.licence, "captured": provenance.captured}
    return entry_bytes(facts)


def provenance_of(entry: bytes) -> Provenance:
    """Return a photograph's provenance."""
    return Provenance(**entry_facts(entry))


def _day_text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
