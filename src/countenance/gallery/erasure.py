"""Erasing one subject, photograph or face for good: gone for the very next search, everywhere, and provably.

A source's key seals all that it holds, so it can't be destroyed for one of its people, and a backup of before still
holds their rows. Therefore what was erased is also noted in a list outside the gallery's home, as destroyed keys are:
records that came back with an old backup meet it when the gallery is opened, and are erased again before anything is
searched.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from countenance.audit.model import Acting
from countenance.core.errors import NotFoundError
from countenance.gallery.certificates import Signer, make_certificate
from countenance.gallery.destruction import (
    RESTORED_BY,
    Answer,
    Destroyed,
    Destruction,
    DestructionKind,
    HandedOut,
    certificate_facts,
    forget_candidates,
)
from countenance.gallery.model import Source
from countenance.gallery.ports import Objects
from countenance.gallery.sources import checked_reason
from countenance.policy.model import SYSTEM

ERASES = (DestructionKind.SUBJECT_ERASED, DestructionKind.IMAGE_ERASED, DestructionKind.FACE_ERASED)
"""The kinds of destruction that take less than a source."""

RESTORED = "it came back with an old backup; it was erased before"

KEPT = "which searches had returned it, and keyed fingerprints of the photographs, so that they are not taken in again"
NOT_REACHED = (
    "backups made before: they hold it sealed under the source's key until they end; where one is restored with this "
    "installation's keyring and list of erasures, it is erased again as it is opened"
)


class Erased(NamedTuple):
    """What is erased: a kind of `ERASES`, and the id of the subject, photograph or face."""

    kind: DestructionKind
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What an erasure would take."""

    source: Source
    destroyed: Destroyed
    handed_out: tuple[HandedOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRelease:
    """A subject who is enrolled and whose releases have all ended.

    Attributes:
        source: Its name.
        release_id: The last of them.
    """

    source: str
    subject_id: str
    release_id: str


class ErasureRecords(Protocol):
    """What erasing needs of the records. Each call is one transaction."""

    def extent(self, erased: Erased) -> Extent:
        """Return what would go; nothing is changed.

        Raises:
            NotFoundError: codes `subject-unknown`, `image-unknown`, `face-unknown`.
        """

    def begin(self, erased: Erased, *, by: str, reason: str, actor: Acting) -> Destruction:
        """Delete the rows and write the erasure down; one that was begun before is returned as it is.

        With a subject go its faces; with a face or a subject go the photographs that nobody else is enrolled from; with
        a photograph go the subjects that have no other.

        Raises:
            NotFoundError: as `extent`; nothing was written.
        """

    def find(self, erased: Erased) -> Destruction | None:
        """Return the erasure of a target; None where there is none."""

    def on_record(self, targets: Collection[Erased]) -> tuple[Erased, ...]:
        """Return those of the targets that are still, or again, on record."""

    def ended_releases(self, today: date) -> tuple[EndedRelease, ...]:
        """Return who is enrolled and had releases of which none is in force any more, in the order of the releases."""

    def noted(self) -> frozenset[Erased]:
        """Return all that was erased, as far as the records know."""

    def unfinished(self) -> tuple[Destruction, ...]:
        """Return the erasures that are under way."""

    def mark_searches(self, erasure_id: str, redacted: Callable[[Answer, Collection[int]], Answer]) -> None:
        """Rewrite the kept answers that had returned what was erased; see `DestructionRecords.mark_searches`."""

    def handed_out(self, erasure_id: str) -> tuple[HandedOut, ...]:
        """Return the searches that had returned what is being erased, oldest first."""

    def objects_left(self, erasure_id: str) -> tuple[str, ...]:
        """Return the keys of the photographs and crops that an erasure under way has to delete."""

    def rows_gone(self, erasure_id: str) -> tuple[int, ...]:
        """Return the rows of templates that an erasure under way took, and all former ones of subjects who stay."""

    def settle(self) -> None:
        """Bring what was deleted out of the database's own journal, where it has one.

        Raises:
            UnavailableError: code `records-being-read`, it may still be there; run it again.
        """

    def finish(self, erasure_id: str, certificate: bytes, *, actor: Acting) -> Destruction:
        """Keep the certificate, and forget what it took to carry the erasure through; the first certificate stays."""

    def certificates(self) -> tuple[Destruction, ...]:
        """Return the erasures that ended, newest first."""


class ErasureList(Protocol):
    """The list of what was erased, outside the gallery's home. It only grows. Several processes may share it."""

    def add(self, erased: Erased) -> None:
        """Note one; again is no harm.

        Raises:
            UnavailableError: code `erasure-list-unwritable`; run it again.
        """

    def all(self) -> frozenset[Erased]:
        """Return all that was noted.

        Raises:
            IntegrityError: code `erasure-list-damaged`: nothing may be searched, somebody erased might come back.
            UnavailableError: code `erasure-list-unreadable`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """Carries erasures through.

    Attributes:
        noted: The list outside the home.
        refresh_index: Brings the index up to the records, and returns once rows which went, and those that are named,
            are overwritten there: see `IndexedGallery.settle`.
    """

    records: ErasureRecords
    noted: ErasureList
    objects: Objects
    signer: Signer
    refresh_index: Callable[[Collection[int]], str]

    def extent(self, erased: Erased) -> Extent:
        """Return what an erasure would take: see the port."""
        return self.records.extent(erased)

    def erase(self, erased: Erased, *, actor: Acting, by: str, reason: str) -> Destruction:
        """Erase a subject, a photograph or a face; run again, it is finished or shown.

        Raises:
            NotFoundError: codes `subject-unknown`, `image-unknown`, `face-unknown`; nothing was done.
            InvalidInputError: code `reason-invalid`; nothing was done.
            UnavailableError: the records', objects', index's or list's own codes; where it was begun it is out of every
                search. Run it again to finish.
        """
        reason = checked_reason(reason, needed=True)
        begun = self.records.find(erased) or self.records.begin(erased, by=by, reason=reason, actor=actor)
        return self._carry_through(begun, actor=actor)

    def take_out_ended(self, today: date) -> None:
        """Take everybody out of everything whose releases have all ended; `finish_all` does the rest.

        Raises:
            UnavailableError: codes `audit-unwritable`, `records-unavailable`; somebody may still be eligible, so
                nothing may be searched. Try again.
        """
        for one in self.records.ended_releases(today):
            erased = Erased(DestructionKind.SUBJECT_ERASED, one.subject_id)
            reason = f"the last release ended or was taken back ({one.release_id})"
            with suppress(NotFoundError):  # another process was quicker
                self.records.begin(erased, by=RESTORED_BY, reason=reason, actor=SYSTEM)

    def finish_all(self, *, actor: Acting = SYSTEM) -> tuple[Destruction, ...]:
        """Finish every erasure that was cut short, or that an old backup made necessary again."""
        return tuple(self._carry_through(one, actor=actor) for one in self.records.unfinished())

    def heed_list(self) -> None:
        """Bring records and list to the same knowledge, and erase again what came back with an old backup.

        What is erased again is out of every search from here on; `finish_all` does the rest.
        """
        listed, known = self.noted.all(), self.records.noted()
        for erased in sorted(known - listed):
            self.noted.add(erased)
        for erased in self.records.on_record(listed - known):
            with suppress(NotFoundError):  # one before took it along, or another process was quicker
                self.records.begin(erased, by=RESTORED_BY, reason=RESTORED, actor=SYSTEM)

    def _carry_through(self, erasure: Destruction, *, actor: Acting) -> Destruction:
        """Do what is left to do. Each step may be done twice; rows left the records as it was begun.

        1. It is noted outside the home: an old backup does not bring it back.
        2. Kept answers forget whom they showed; the searches stay listed.
        3. Rows leave the index, in memory and on disk.
        4. Photographs and crops leave the object store.
        5. What the database keeps of deleted rows is overwritten.
        6. The certificate is signed and kept.
        """
        if erasure.certificate is not None:
            return erasure
        erased, erasure_id = Erased(erasure.kind, erasure.target or ""), erasure.destruction_id
        self.noted.add(erased)  # 1
        handed_out = self.records.handed_out(erasure_id)
        self.records.mark_searches(erasure_id, forget_candidates(erasure))  # 2
        copies = self.refresh_index(self.records.rows_gone(erasure_id))  # 3
        for key in self.records.objects_left(erasure_id):  # 4
            self.objects.delete(key)
        self.records.settle()  # 5
        facts = {
            **certificate_facts(erasure, handed_out),
            "erased": {"kind": erased.kind.value, "id": erased.target},
            "photographs_staying": erasure.destroyed.staying,
            "kept": KEPT,
            "not_reached": f"{NOT_REACHED}; {copies}" if copies else NOT_REACHED,
        }
        return self.records.finish(erasure_id, make_certificate(facts, self.signer), actor=actor)  # 6
