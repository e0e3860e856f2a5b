"""Enrolment: photographs into records, resumable at any point.

The life of a photograph: its bytes and crops are stored under keys made of its content, then one transaction records
it with its faces, subjects and templates. A run that is killed leaves whole photographs behind and nothing else; the
next run passes over these by content, so that it ends as if there had been one run.
"""

import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import file_digest, sha256
from pathlib import Path
from time import perf_counter
from typing import Any

from countenance.audit.model import Acting
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError
from countenance.gallery.model import UNRELEASED, KnownImage, NewImage, Outcome, Source
from countenance.gallery.photographs import (
    AnalysedFace,
    FaceRule,
    Photograph,
    PhotographTask,
    RefusedPhotograph,
    analyse_photograph,
    new_image,
)
from countenance.gallery.plan import PlannedPhotograph, checked_label, checked_reference
from countenance.gallery.ports import Objects, PhotographReader, Records, crop_key, image_key
from countenance.gallery.sources import active_source
from countenance.gallery.stay_out import StayOuts
from countenance.vision.decode import ImageLimits
from countenance.vision.ports import FaceAnalyser
from countenance.vision.quality import Gate

logger = logging.getLogger(__name__)

LOOK_AHEAD = 256
"""Photographs whose content is looked up in the records at a time."""

MOST_HELD = 64 * 1024 * 1024
"""Bytes of photographs in memory from which no more are looked up together."""

COMMIT_EVERY = 32
"""Photographs a transaction: under a second of work is lost when a run is killed, and syncing costs little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEnrolled:
    """A photograph that was not enrolled, with a code, a sentence and what to do."""

    reference: str
    code: str
    message: str
    hint: str = ""


@dataclass(slots=True, kw_only=True)
class EnrolmentReport:
    """What one run did. `read` is the sum of `enrolled`, `already` and the length of `not_enrolled`.

    Attributes:
        read: Photographs looked at.
        enrolled: Photographs that gave at least one template.
        templates: Templates added.
        stay_out: Faces that were left out, since they are taken for those of people who asked not to be enrolled.
        already: Photographs that were on record before, or twice in this run.
        not_enrolled: The others, each with its reason.
        seconds: Wall time.
    """

    source: str
    read: int = 0
    enrolled: int = 0
    templates: int = 0
    stay_out: int = 0
    already: int = 0
    not_enrolled: list[NotEnrolled] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain JSON types."""
        return {
            "source": self.source,
            "photographs": self.read,
            "enrolled": self.enrolled,
            "templates": self.templates,
            "stay_out": self.stay_out,
            "already": self.already,
            "not_enrolled": [
                {"reference": one.reference, "code": one.code, "message": one.message, "hint": one.hint}
                for one in self.not_enrolled
            ],
            "seconds": round(self.seconds, 3),
        }


class Enrolment:
    """Enrols photographs into one source."""

    def __init__(
        self,
        source: str,
        *,
        records: Records,
        objects: Objects,
        pack_digest: str,
        actor: Acting,
        gate: Gate,
        limits: ImageLimits,
        released: Callable[[str], Collection[str]] = lambda _: (),
        stay_out: Callable[[], StayOuts] = StayOuts,
        on_midnight: Callable[[], None] = lambda: None,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Check that the source may be enrolled into.

        Args:
            released: Returns the subjects of a source who have a release in force. Others' photographs are not looked
                at; the records decide, with each commit.
            on_midnight: Takes out whose last release ended yesterday; called after a commit that midnight fell into.
            stay_out: Returns whom new faces are compared with, so that they are not enrolled; asked with each commit.
            on_progress: Called with how many photographs were dealt with since the last call.

        Raises:
            NotFoundError: code `source-unknown`.
            ConflictError: codes `source-not-active`, `pack-mismatch`, `stay-out-of-another-pack`. Nothing was written.
        """
        self._source: Source = active_source(records, source)
        self._records = records
        self._objects = objects
        self._pack_digest = pack_digest
        self._actor = actor
        self._gate = gate
        self._limits = limits
        self._on_progress = on_progress
        self._released = frozenset(released(source)) if self._source.terms.releases_required else None
        self._unreleased: set[str | None] = set()
        self._on_midnight = on_midnight
        self._stay_out, self._stay_outs = stay_out, stay_out()
        self._report = EnrolmentReport(source=source)
        self._waiting: list[tuple[NewImage, str | None]] = []
        self._seen: dict[str, KnownImage] = {}
        held = records.snapshot().pack_digest
        if held is not None and held != pack_digest:
            raise pack_mismatch(held, pack_digest)

    def run(self, planned: Iterable[PlannedPhotograph | NotEnrolled], reader: PhotographReader) -> EnrolmentReport:
        """Enrol many files. May be killed at any point and run again.

        Args:
            planned: Those that can't be enrolled are reported.
            reader: Reads the others.

        Raises:
            UnavailableError: codes `objects-unavailable`, `records-unavailable`, `workers-unavailable`,
                `audit-unwritable`; what was committed stays, run again to go on.
        """
        started = perf_counter()
        todo = self._new_ones(planned)
        under_way: deque[PlannedPhotograph] = deque()

        def tasks() -> Iterator[PhotographTask]:
            """Turn the plan into tasks, remembering whose each is."""
            for one in todo:
                under_way.append(one)
                rule = FaceRule.ALL if one.label is None else FaceRule.PROMINENT
                yield PhotographTask(
                    path=one.path,
                    reference=one.reference,
                    gate=self._gate,
                    rule=rule,
                    keep_bytes=True,
                    data=one.data,
                )

        for read in reader.read(tasks()):
            one = under_way.popleft()
            if isinstance(read, RefusedPhotograph):
                self._refuse(read.reference, read.code, read.message, read.hint)
            else:
                self._take(read, one)
            if len(self._waiting) >= COMMIT_EVERY:
                self._commit()
        self._commit()
        report = self._report
        report.seconds = perf_counter() - started
        logger.info("enrolment ended after %.1f s", report.seconds)
        return report

    def enrol_bytes(self, data: bytes, *, reference: str, label: str | None, analyser: FaceAnalyser) -> EnrolmentReport:
        """Enrol one photograph that is in memory.

        Raises:
            InvalidInputError: the decoder's codes, `label-invalid`, `reference-invalid`; nothing was written.
            UnavailableError: codes `objects-unavailable`, `records-unavailable`; nothing was recorded.
        """
        started = perf_counter()
        reference = checked_reference(reference)
        label = None if label is None else checked_label(label)
        digest = sha256(data).hexdigest()
        known = self._records.known_images(self._source.source_id, [digest]).get(digest)
        one = PlannedPhotograph(path=Path(reference), reference=reference, label=label)
        if known is not None:
            self._pass_over(reference, label, known)
        elif self._is_released(one):
            rule = FaceRule.ALL if label is None else FaceRule.PROMINENT
            task = PhotographTask(path=one.path, reference=reference, gate=self._gate, rule=rule, keep_bytes=True)
            self._take(analyse_photograph(data, task=task, analyser=analyser, limits=self._limits), one)
            self._commit()
        self._report.seconds = perf_counter() - started
        return self._report

    def _new_ones(self, planned: Iterable[PlannedPhotograph | NotEnrolled]) -> Iterator[PlannedPhotograph]:
        """Pass over files whose content is on record; hashing is far cheaper than looking for faces."""
        for window in _windows(planned):
            wanted = []
            for one in window:
                if isinstance(one, NotEnrolled):
                    self._refuse(one.reference, one.code, one.message, one.hint)
                else:
                    wanted.append((one, _digest(one, max_bytes=self._limits.max_bytes)))
            digests = [digest for _, digest in wanted if digest]
            known = self._records.known_images(self._source.source_id, digests)
            for one, digest in wanted:
                if digest is not None and digest in known:
                    self._pass_over(one.reference, one.label, known[digest])
                elif self._is_released(one):
                    yield one

    def _is_released(self, one: PlannedPhotograph) -> bool:
        """Say whether a photograph may be looked at as far as releases go, and refuse it if not."""
        if one.label not in self._unreleased and (self._released is None or one.label in self._released):
            return True
        self._pass_over(one.reference, one.label, UNRELEASED)
        return False

    def _take(self, photograph: Photograph, one: PlannedPhotograph) -> None:
        """Store a photograph's pictures and make it wait for the next commit."""
        label = one.label
        if photograph.sha256 in self._seen:
            self._pass_over(photograph.reference, label, self._seen[photograph.sha256])
            return
        staying = tuple(face for face in photograph.faces if not self._stays_out(face))
        if len(staying) < len(photograph.faces):
            self._report.stay_out += len(photograph.faces) - len(staying)
            if all(face.template is None for face in staying):
                self._refuse(photograph.reference, "stay-out", "it shows somebody who asked not to be enrolled", "")
                return
            photograph = replace(photograph, faces=staying)
        image = new_image(photograph, label=one.label, provenance=one.provenance)
        if image.outcome is Outcome.ENROLLED:
            self._store(photograph)
        labels = frozenset(face.label for face in image.faces if face.label is not None)
        self._seen[image.sha256] = KnownImage(outcome=image.outcome, labels=labels)
        self._waiting.append((image, label))

    def _stays_out(self, face: AnalysedFace) -> bool:
        """Say whether a face is taken for that of somebody who asked not to be enrolled."""
        return face.template is not None and self._stay_outs.bar(face.template)

    def _store(self, photograph: Photograph) -> None:
        """Keep the bytes and the crops, under keys that a second run would use again."""
        source_id, digest = self._source.source_id, photograph.sha256
        self._objects.put(image_key(source_id, digest), photograph.data or b"")
        for analysed in photograph.faces:
            if analysed.crop is not None:
                self._objects.put(crop_key(source_id, digest, analysed.face.number), analysed.crop)

    def _commit(self) -> None:
        """Record what waits, in one transaction, then report it.

        Another run may have been quicker with some, and a release or a photograph may have gone meanwhile.
        """
        if not self._waiting:
            return
        images, day = [image for image, _ in self._waiting], utc_now().date()
        known = self._records.add_images(
            self._source.source_id, images, pack_digest=self._pack_digest, actor=self._actor
        )
        if utc_now().date() != day:
            # Whoever looked for releases that ended after midnight did not see these yet, and looks once a day.
            self._on_midnight()
        for image, label in self._waiting:
            if image.sha256 in known:
                self._seen[image.sha256] = before = known[image.sha256]
                if before.outcome is Outcome.RELEASE_MISSING:
                    self._unreleased.add(label)
                if before.outcome in {Outcome.RELEASE_MISSING, Outcome.ERASED}:
                    self._drop(image)
                self._pass_over(image.reference, label, before)
            elif image.outcome is Outcome.ENROLLED:
                self._report.enrolled += 1
                self._report.templates += sum(face.template is not None for face in image.faces)
                self._done()
            else:
                self._refuse_outcome(image)
        self._waiting.clear()
        self._stay_outs = self._stay_out()

    def _drop(self, image: NewImage) -> None:
        """Delete the pictures that were stored of a photograph which is not taken in, unless it is on record by now."""
        source_id, digest = self._source.source_id, image.sha256
        now = self._records.known_images(source_id, [digest]).get(digest)
        if now is not None and now.outcome is not Outcome.ERASED:
            return
        self._objects.delete(image_key(source_id, digest))
        for face in image.faces:
            self._objects.delete(crop_key(source_id, digest, face.face.number))

    def _pass_over(self, reference: str, label: str | None, known: KnownImage) -> None:
        """Count a photograph that is on record, or say why it is not taken in."""
        if label is not None and known.labels and label not in known.labels:
            self._refuse(
                reference,
                "photograph-of-another-subject",
                f"the same photograph is enrolled as {', '.join(sorted(known.labels))}",
                "find out whose it is; it was left as it stands on record",
            )
        elif known.outcome is Outcome.ENROLLED:
            self._report.already += 1
            self._done()
        elif known.outcome is Outcome.ERASED:
            self._refuse(
                reference, "photograph-erased", "it was erased from this source, and is not taken in again", ""
            )
        elif known.outcome is Outcome.RELEASE_MISSING:
            self._refuse(
                reference,
                "release-missing",
                "its subject has no release that is in force",
                "add the person's own consent: `countenance source releases add`",
            )
        else:
            self._refuse(reference, known.outcome.value, "it was refused in an earlier run for the same reason", "")

    def _refuse_outcome(self, image: NewImage) -> None:
        """Report a photograph that was read but gave no template."""
        if image.outcome is Outcome.NO_FACE:
            message, hint = "no face was found in it", "leave it out, or crop it to the face"
        else:
            refused = [new.face for new in image.faces if new.face.refusals]
            message = "; ".join(f"face {face.number}: {', '.join(face.refusals)}" for face in refused)
            hint = "use a better photograph of this person"
        self._refuse(image.reference, image.outcome.value, message, hint)

    def _refuse(self, reference: str, code: str, message: str, hint: str) -> None:
        """Report a photograph that was not enrolled."""
        logger.debug("a photograph was not enrolled: %s", code)
        self._report.not_enrolled.append(NotEnrolled(reference=reference, code=code, message=message, hint=hint))
        self._done()

    def _done(self) -> None:
        """Count one photograph as dealt with."""
        self._report.read += 1
        self._on_progress(1)


def pack_mismatch(held: str, wanted: str) -> ConflictError:
    """Return the error for templates of two packs in one gallery."""
    return ConflictError(
        f"this gallery holds templates of model pack {held[:12]}, not of {wanted[:12]}",
        code="pack-mismatch",
        hint="use the pack that it was made with, or enrol into a new home",
    )


def _windows(planned: Iterable[PlannedPhotograph | NotEnrolled]) -> Iterator[list[PlannedPhotograph | NotEnrolled]]:
    """Cut what is planned into parts that are looked up together; those in memory end a part early."""
    window: list[PlannedPhotograph | NotEnrolled] = []
    held = 0
    for one in planned:
        window.append(one)
        held += len(one.data or b"") if isinstance(one, PlannedPhotograph) else 0
        if len(window) >= LOOK_AHEAD or held >= MOST_HELD:
            yield window
            window, held = [], 0
    if window:
        yield window


def _digest(one: PlannedPhotograph, *, max_bytes: int) -> str | None:
    """Return a photograph's hex SHA-256; None for a file that the reader will refuse anyway, and say why."""
    if one.data is not None:
        return sha256(one.data).hexdigest()
    try:
        if not one.path.is_file() or one.path.stat().st_size > max_bytes:
            return None
        with one.path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
