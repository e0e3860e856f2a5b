"""The register's values to their rows and back: what is personal stands in one sealed entry."""

from datetime import date

from countenance.adapters.sql.models import SourceRow
from countenance.adapters.sql.sealing import CHANGE, PROVENANCE, RELEASE, SOURCE, RowSeals, change_record
from countenance.adapters.sql.source_models import ReleaseRow, SourceChangeRow
from countenance.gallery.model import LegalBasis, Provenance, Source, SourceChange, SourceState
from countenance.gallery.terms import Release, Retention, RetentionRule, SourceTerms, retention_facts


def source_row(source: Source, seals: RowSeals) -> SourceRow:
    """Return a new row of a source."""
    return SourceRow(
        source_id=source.source_id,
        name_print=seals.name_print(source.name),
        state=source.state.value,
        registered_at=source.registered_at,
        entry=source_entry(source, seals),
    )


def source_entry(source: Source, seals: RowSeals) -> bytes:
    """Return what is kept of a source beside its id and state, sealed under the home's key, which outlives its own."""
    terms = source.terms
    return seals.home_entry(
        source.source_id,
        {
            "name": source.name,
            "owner": source.owner,
            "legal_basis": source.legal_basis.value,
            "document_sha256": source.document_sha256,
            "keeper": source.keeper,
            "contact": terms.contact,
            "sectors": terms.sectors,
            "purposes": terms.purposes,
            "excluded": terms.excluded,
            "releases_required": terms.releases_required,
            "retention": retention_facts(terms.retention),
        },
        column=SOURCE,
    )


def source_of(row: SourceRow, seals: RowSeals) -> Source:
    """Return a source."""
    facts = seals.open_home_entry(row.source_id, row.entry, column=SOURCE)
    kept = facts.get("retention") or {"rule": RetentionRule.NONE}
    return Source(
        source_id=row.source_id,
        name=facts["name"],
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
                ends_on=_day(kept.get("ends_on")),
                purpose_ended_on=_day(kept.get("purpose_ended_on")),
                last_interaction_on=_day(kept.get("last_interaction_on")),
            ),
        ),
        keeper=facts.get("keeper"),
    )


def change_row(source: SourceRow, change: SourceChange, seals: RowSeals) -> SourceChangeRow:
    """Return a new row of a change."""
    facts = {"before": change.before and change.before.value, "by": change.by, "reason": change.reason}
    entry = seals.home_entry(change_record(source.source_id, change.at), facts, column=CHANGE)
    return SourceChangeRow(source=source.number, at=change.at, after=change.after.value, entry=entry)


def change_of(row: SourceChangeRow, source: SourceRow, seals: RowSeals) -> SourceChange:
    """Return a change."""
    facts = seals.open_home_entry(change_record(source.source_id, row.at), row.entry, column=CHANGE)
    return SourceChange(
        at=row.at,
        by=facts["by"],
        before=None if facts["before"] is None else SourceState(facts["before"]),
        after=SourceState(row.after),
        reason=facts["reason"],
    )


def release_row(source: SourceRow, release: Release, seals: RowSeals) -> ReleaseRow:
    """Return a new row of a release."""
    facts = {
        "label": release.label,
        "document_sha256": release.document_sha256,
        "by": release.registered_by,
        "ends_on": _day_text(release.ends_on),
    }
    return ReleaseRow(
        release_id=release.release_id,
        source=source.number,
        label_print=seals.label_print(source.source_id, release.label),
        ends_on=_day_text(release.ends_on),
        registered_at=release.registered_at,
        revoked_at=release.revoked_at,
        entry=seals.entry(source.source_id, release.release_id, facts, column=RELEASE),
    )


def release_of(row: ReleaseRow, source: SourceRow, seals: RowSeals) -> Release:
    """Return a release."""
    facts = seals.open_entry(source.source_id, row.release_id, row.entry, column=RELEASE)
    return Release(
        release_id=row.release_id,
        label=facts["label"],
        document_sha256=facts["document_sha256"],
        registered_at=row.registered_at,
        registered_by=facts["by"],
        ends_on=_day(facts["ends_on"]),
        revoked_at=row.revoked_at,
    )


def provenance_entry(provenance: Provenance, image_id: str, source: SourceRow, seals: RowSeals) -> bytes:
    """Return what is kept of a photograph's provenance, sealed."""
    facts = {"original": provenance.original, "licence": provenance.licence, "captured": provenance.captured}
    return seals.entry(source.source_id, image_id, facts, column=PROVENANCE)


def provenance_of(entry: bytes, image_id: str, source: SourceRow, seals: RowSeals) -> Provenance:
    """Return a photograph's provenance."""
    return Provenance(**seals.open_entry(source.source_id, image_id, entry, column=PROVENANCE))


def _day_text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
