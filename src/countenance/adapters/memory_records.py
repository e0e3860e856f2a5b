"""Records in memory: for tests and for trying things out. They pass the port's contract."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np

from countenance.adapters.memory_audit import MemoryAuditLog
from countenance.audit.model import Acting, Entry, Receipt
from countenance.core.arrays import Templates
from countenance.core.errors import ConflictError, NotFoundError
from countenance.core.ids import new_id
from countenance.gallery.enrolment import pack_mismatch
from countenance.gallery.entries import images_added, source_registered
from countenance.gallery.model import (
    UNRELEASED,
    EnrolledFace,
    KnownImage,
    NewFace,
    NewImage,
    Snapshot,
    Source,
    SourceState,
    SourceSummary,
    Subject,
    face_unknown,
    image_unknown,
    subject_unknown,
)
from countenance.gallery.ports import crop_key, image_key
from countenance.gallery.references import Reference, ReferenceBatch
from countenance.gallery.sources import require_active
from countenance.index.model import (
    BlockRows,
)
from countenance.index.ports import RowNumbers
from countenance.search.model import search_unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    """A photograph on record."""

    image_id: str
    source: Source
    new: NewImage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    """A template on record, with the rows of its source and subject."""

    source_id: str
    subject: int
    face_id: str
    vector: Templates


class MemoryRecords:
    """Implements `Records` in dicts. It knows of no releases. Thread-safe: one call at a time."""

    def __init__(self, audit: MemoryAuditLog | None = None) -> None:
        """Start empty; None makes an audit log of its own."""
        self._lock = Lock()
        self._audit = audit or MemoryAuditLog()
        self._revision = 0
        self._pack_digest: str | None = None
        self._sources: dict[str, Source] = {}
        self._images: dict[str, _Image] = {}
        self._faces: dict[str, tuple[_Image, EnrolledFace]] = {}
        self._subjects: dict[int, Subject] = {}
        self._templates: dict[int, _Template] = {}
        self._searches: dict[str, str] = {}

    def register_source(self, source: Source, *, actor: Acting, by: str = "") -> None:  # noqa: ARG002 - it keeps no history
        """See the port."""
        with self._lock:
            if source.name in self._sources:
                raise ConflictError(f"there is a source {source.name!r} already", code="source-exists")
            self._audit.record(source_registered(source, actor=actor))
            self._sources[source.name] = source
            self._revision += 1

    def source(self, name: str) -> Source:
        """See the port."""
        if name not in self._sources:
            raise NotFoundError(f"there is no source {name!r}", code="source-unknown")
        return self._sources[name]

    def sources(self) -> tuple[SourceSummary, ...]:
        """See the port."""
        with self._lock:
            return tuple(
                SourceSummary(
                    source=source,
                    images=sum(image.source is source for image in self._images.values()),
                    subjects=sum(subject.source == source.name for subject in self._subjects.values()),
                    templates=sum(one.source_id == source.source_id for one in self._templates.values()),
                )
                for _, source in sorted(self._sources.items())
            )

    def active_sources(self) -> tuple[str, ...]:
        """See the port."""
        return tuple(one.source_id for one in self._sources.values() if one.state is SourceState.ACTIVE)

    def snapshot(self) -> Snapshot:
        """See the port."""
        with self._lock:
            return Snapshot(
                revision=self._revision,
                pack_digest=self._pack_digest,
                sources=len(self._sources),
                subjects=len(self._subjects),
                images=len(self._images),
                templates=len(self._templates),
                last_row=max(self._templates, default=0),
            )

    def known_images(self, source_id: str, sha256s: Collection[str]) -> Mapping[str, KnownImage]:
        """See the port."""
        return {
            image.new.sha256: _known(image.new)
            for image in self._images.values()
            if image.source.source_id == source_id and image.new.sha256 in sha256s
        }

    def add_images(
        self, source_id: str, images: Sequence[NewImage], *, pack_digest: str, actor: Acting
    ) -> Mapping[str, KnownImage]:
        """See the port."""
        with self._lock:
            if self._pack_digest not in {None, pack_digest}:
                raise pack_mismatch(str(self._pack_digest), pack_digest)
            source = next((one for one in self._sources.values() if one.source_id == source_id), None)
            if source is None:
                raise NotFoundError("that source is not on record", code="source-unknown")
            require_active(source.state, source.name)
            self._pack_digest = pack_digest
            self._revision += 1
            known = dict(self.known_images(source_id, [image.sha256 for image in images]))
            if source.terms.releases_required:  # nobody has one here
                known = {image.sha256: UNRELEASED for image in images} | known
            added = [image for image in images if image.sha256 not in known]
            if added:
                self._audit.record(images_added(source_id, added, pack_digest=pack_digest, actor=actor))
            for new in added:
                image = _Image(image_id=new_id(), source=source, new=new)
                self._images[image.image_id] = image
                for face in new.faces:
                    self._add_face(image, face)
            return known

    def subjects(
        self,
        *,
        source: str | None = None,
        among: Collection[str] | None = None,
        limit: int,
        offset: int = 0,
    ) -> tuple[Subject, ...]:
        """See the port."""
        found = [
            one
            for one in self._subjects.values()
            if source in {None, one.source} and (among is None or self._sources[one.source].source_id in among)
        ]
        places = list(self._sources)
        ordered = sorted(found, key=lambda one: places.index(one.source))
        return tuple(ordered[offset : offset + limit])

    def subject(self, subject_id: str) -> Subject:
        """See the port."""
        for subject in self._subjects.values():
            if subject.subject_id == subject_id:
                return subject
        raise subject_unknown()

    def faces_of(self, subject_id: str) -> tuple[EnrolledFace, ...]:
        """See the port."""
        self.subject(subject_id)
        return tuple(face for _, face in self._faces.values() if face.subject_id == subject_id)

    def face_crop_key(self, face_id: str) -> str:
        """See the port."""
        image, face = self._faces.get(face_id, (None, None))
        if image is None or face is None or face.subject_id is None:
            raise face_unknown()
        return crop_key(image.source.source_id, image.new.sha256, face.face.number)

    def image_location(self, image_id: str) -> tuple[str, str]:
        """See the port."""
        if image_id not in self._images:
            raise image_unknown()
        image = self._images[image_id]
        return image.new.media_type, image_key(image.source.source_id, image.new.sha256)

    def faces(self, rows: Collection[int]) -> Mapping[int, EnrolledFace]:
        """See the port."""
        return {row: self._faces[self._templates[row].face_id][1] for row in rows if row in self._templates}

    def template_batches(self, *, last_row: int) -> Iterator[BlockRows]:
        """See the port."""
        held_rows = sorted(self._templates.items(), key=lambda one: (one[1].subject, one[0]))
        chosen = [(row, held) for row, held in held_rows if row <= last_row]
        if chosen:
            yield from BlockRows.of_each(
                [held.source_id for _, held in chosen],
                rows=np.array([row for row, _ in chosen]),
                subjects=np.array([held.subject for _, held in chosen]),
                templates=np.stack([held.vector for _, held in chosen]),
            )

    def references(self, rows: Collection[int]) -> Mapping[int, Reference]:
        """See the port."""
        return {row: self._reference(row) for row in rows if row in self._templates}

    def reference_batches(self, *, after_row: int, last_row: int) -> Iterator[ReferenceBatch]:
        """See the port."""
        newest = {held.subject: row for row, held in sorted(self._templates.items()) if row <= last_row}
        references = [self._reference(row) for row in sorted(newest.values()) if row > after_row]
        if references:
            yield ReferenceBatch.of(references)

    def reference_rows(self, source_id: str) -> RowNumbers:
        """See the port."""
        newest = {one.subject: row for row, one in sorted(self._templates.items()) if one.source_id == source_id}
        return np.array(sorted(newest.values()), np.int64)

    def _reference(self, row: int) -> Reference:
        """Return what a row stands for."""
        held = self._templates[row]
        rows = [at for at, one in sorted(self._templates.items()) if one.subject == held.subject and at <= row]
        return Reference(
            source_id=held.source_id,
            subject=held.subject,
            rows=np.array(rows, dtype=np.int64),
            templates=np.stack([self._templates[at].vector for at in rows]),
        )

    def put_search(self, search_id: str, answer: Mapping[str, object], *, entry: Entry) -> Receipt:
        """See the port."""
        receipt = self._audit.record(entry)
        self._searches[search_id] = json.dumps({**answer, "receipt": receipt.to_json()}, allow_nan=False)
        return receipt

    def search(self, search_id: str) -> Mapping[str, object]:
        """See the port."""
        if search_id not in self._searches:
            raise search_unknown()
        answer: Mapping[str, object] = json.loads(self._searches[search_id])
        return answer

    def answers_showing(self, target: str) -> tuple[str, ...]:
        """See the port."""
        return tuple(
            search_id
            for search_id, answer in reversed(self._searches.items())
            if any(target in {one["face"], one["image"]["id"]} for one in json.loads(answer).get("candidates", []))
        )

    def _add_face(self, image: _Image, new: NewFace) -> None:
        """Record one face, and where it has a template, whose it is."""
        face = EnrolledFace(
            face_id=new_id(),
            image_id=image.image_id,
            source=image.source.name,
            subject_id=None,
            label=None,
            reference=image.new.reference,
            face=new.face,
        )
        if new.template is not None:
            number, subject = self._subject(image.source.name, new.label)
            self._subjects[number] = replace(subject, templates=subject.templates + 1)
            face = replace(face, subject_id=subject.subject_id, label=subject.label)
            self._templates[max(self._templates, default=0) + 1] = _Template(
                source_id=image.source.source_id, subject=number, face_id=face.face_id, vector=new.template.copy()
            )
        self._faces[face.face_id] = (image, face)

    def _subject(self, source: str, label: str | None) -> tuple[int, Subject]:
        """Find a subject by its label, or make one."""
        for number, subject in self._subjects.items():
            if label is not None and (subject.source, subject.label) == (source, label):
                return number, subject
        return len(self._subjects) + 1, Subject(subject_id=new_id(), source=source, label=label, templates=0)


def _known(new: NewImage) -> KnownImage:
    labels = frozenset(face.label for face in new.faces if face.template is not None and face.label is not None)
    return KnownImage(outcome=new.outcome, labels=labels)
