"""What the audit log says of changes to the gallery, and of pictures that were shown."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from countenance.audit.model import Acting, Entry, Outcome
from countenance.gallery.destruction import Destruction
from countenance.gallery.model import NewImage, Snapshot, Source, SourceChange
from countenance.gallery.terms import Release, Retention, retention_facts


def source_registered(source: Source, *, actor: Acting) -> Entry:
    """Say that a source was put on record; its name and owner are left out."""
    facts = {
        "source": source.source_id,
        "state": source.state.value,
        "legal_basis": source.legal_basis.value,
        "document_sha256": source.document_sha256,
        "keeper": source.keeper,
    }
    return Entry(action="source-register", outcome=Outcome.DONE, actor=actor, facts=facts)


def source_changed(source_id: str, change: SourceChange, *, actor: Acting) -> Entry:
    """Say that a source was put into another state; the reason, in somebody's own words, is left out."""
    facts = {"source": source_id, "before": change.before and change.before.value, "after": change.after.value}
    return Entry(action="source-change", outcome=Outcome.DONE, actor=actor, facts=facts)


def destroyed(destruction_id: str, certificate: bytes, *, actor: Acting) -> Entry:
    """Say that a destruction came to its end, with the hash of its certificate."""
    facts = {"destruction": destruction_id, "certificate_sha256": hashlib.sha256(certificate).hexdigest()}
    return Entry(action="destruction-finish", outcome=Outcome.DONE, actor=actor, facts=facts)


def erasure_begun(destruction: Destruction, *, actor: Acting) -> Entry:
    """Say that a subject, a photograph or a face was taken out; the reason, in somebody's own words, is left out."""
    destroyed_ = destruction.destroyed
    facts = {
        "destruction": destruction.destruction_id,
        "kind": destruction.kind.value,
        "target": destruction.target,
        "source": destruction.source and destruction.source.source_id,
        "images": destroyed_.images,
        "subjects": destroyed_.subjects,
        "templates": destroyed_.templates,
    }
    return Entry(action="erase", outcome=Outcome.DONE, actor=actor, facts=facts)


def retention_set(source_id: str, before: Retention, after: Retention, *, actor: Acting) -> Entry:
    """Say that a source's clock was set, from what and to what."""
    facts = {"source": source_id, "before": retention_facts(before), "after": retention_facts(after)}
    return Entry(action="source-retention", outcome=Outcome.DONE, actor=actor, facts=facts)


def keeper_set(source_id: str, before: str | None, after: str, *, actor: Acting) -> Entry:
    """Say that a source is kept by another organisation than before, by their ids; it may have been nobody's."""
    facts = {"source": source_id, "before": before, "after": after}
    return Entry(action="source-keeper", outcome=Outcome.DONE, actor=actor, facts=facts)


def answers_expired(destruction: Destruction, *, before: datetime, actor: Acting) -> Entry:
    """Say that kept answers older than a time are destroyed."""
    facts = {
        "destruction": destruction.destruction_id,
        "before": before.isoformat(),
        "answers": destruction.destroyed.answers,
    }
    return Entry(action="answers-expire", outcome=Outcome.DONE, actor=actor, facts=facts)


def release_added(source_id: str, release: Release, *, actor: Acting) -> Entry:
    """Say that a subject's release was put on record; whose it is is left out."""
    facts = {"source": source_id, "release": release.release_id, "document_sha256": release.document_sha256}
    return Entry(action="release-add", outcome=Outcome.DONE, actor=actor, facts=facts)


def release_revoked(source_id: str, release_id: str, *, actor: Acting) -> Entry:
    """Say that a subject's release was taken back."""
    facts = {"source": source_id, "release": release_id}
    return Entry(action="release-revoke", outcome=Outcome.DONE, actor=actor, facts=facts)


def images_added(source_id: str, images: Sequence[NewImage], *, pack_digest: str, actor: Acting) -> Entry:
    """Say that photographs were enrolled, those that were on record before left out.

    Their contents' hashes are hashed into one: whoever has the photographs can check which ones they were.
    """
    digests = sorted(image.sha256 for image in images)
    facts = {
        "source": source_id,
        "pack": pack_digest,
        "images": len(images),
        "outcomes": dict(sorted(Counter(image.outcome.value for image in images).items())),
        "templates": sum(face.template is not None for image in images for face in image.faces),
        "images_sha256": hashlib.sha256("".join(digests).encode()).hexdigest(),
    }
    return Entry(action="enrol", outcome=Outcome.DONE, actor=actor, facts=facts)


def crops_shown(face_ids: Sequence[str], *, actor: Acting) -> Entry:
    """Say whose enrolled faces were shown."""
    return Entry(action="picture-show", outcome=Outcome.DONE, actor=actor, facts={"faces": list(face_ids)})


def photograph_shown(image_id: str, *, actor: Acting) -> Entry:
    """Say which enrolled photograph was shown."""
    return Entry(action="picture-show", outcome=Outcome.DONE, actor=actor, facts={"image": image_id})


def templates_rekeyed(snapshot: Snapshot, *, actor: Acting) -> Entry:
    """Say that indexed templates get another rotation."""
    facts = {"snapshot": snapshot.revision, "templates": snapshot.templates}
    return Entry(action="templates-rekey", outcome=Outcome.DONE, actor=actor, facts=facts)
