"""Destroying what is enrolled, so that it is gone for the very next search, everywhere, and provably.

A destruction is written down in the transaction that makes what it names ineligible; everything after that may be cut
short at any point and is finished by running it again. It ends with a signed certificate.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from countenance.audit.model import Acting
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError
from countenance.gallery.certificates import Signer, make_certificate
from countenance.gallery.model import Source, SourceChange, SourceState
from countenance.gallery.ports import Objects, Records
from countenance.gallery.sources import checked_reason, require_way
from countenance.keys.model import KeyState, source_scope
from countenance.keys.ports import Keyring
from countenance.policy.model import SYSTEM

ROWS_A_TURN = 5_000
"""Photographs whose rows go in one transaction: others wait for it for about 0.1 s."""

OBJECTS = ("images", "crops", "releases", "documents")
"""Kinds of objects that are a source's, sealed under its key."""

RESTORED_BY = "Countenance"
RESTORED = "it came back with an old backup; its key was destroyed before"

Answer = dict[str, Any]


class DestructionKind(StrEnum):
    """What was destroyed, and on whose word."""

    SOURCE_WITHDRAWN = "source-withdrawn"
    SOURCE_EXPIRED = "source-expired"
    SUBJECT_ERASED = "subject-erased"
    IMAGE_ERASED = "image-erased"
    FACE_ERASED = "face-erased"
    ANSWERS_EXPIRED = "answers-expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroyed:
    """How much is destroyed.

    Attributes:
        staying: Photographs that stay without the face, since others are enrolled from them.
        answers: Kept answers to searches.
    """

    images: int = 0
    subjects: int = 0
    templates: int = 0
    staying: int = 0
    answers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """A search that had returned some of it, before.

    Attributes:
        candidates: How many of its candidates they were.
    """

    search_id: str
    searched_at: datetime
    candidates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Destruction:
    """A destruction that is under way or ended.

    Attributes:
        source: What it was, or what it was of; None where it was of no source.
        certificate: The signed certificate; None while it is under way.
        target: Id of the subject, photograph or face; None where it is the whole source.
    """

    destruction_id: str
    kind: DestructionKind
    source: Source | None
    started_at: datetime
    by: str
    reason: str
    destroyed: Destroyed
    certificate: bytes | None
    target: str | None = None


class DestructionRecords(Protocol):
    """What destroying needs of the records. Each call is one transaction."""

    def begin(self, name: str, change: SourceChange, *, actor: Acting) -> Destruction:
        """Make a source ineligible and write its destruction down.

        Raises:
            NotFoundError: code `source-unknown`; nothing was written.
            ConflictError: code `source-changed-meanwhile`; nothing was written.
        """

    def of_source(self, name: str) -> Destruction | None:
        """Return the destruction of a source; None where there is none."""

    def unfinished(self) -> tuple[Destruction, ...]:
        """Return the destructions that are under way."""

    def erase_rows(self, source_id: str, *, most: int) -> int:
        """Delete rows of a source that is gone: of up to `most` photographs, then its subjects and releases.

        Returns:
            How many rows went; 0 when none is left.
        """

    def mark_searches(self, source_id: str, redacted: Callable[[Answer, Collection[int]], Answer]) -> None:
        """Rewrite the kept answers that returned a source's subjects, once each.

        Args:
            redacted: Returns an answer without what it says of the candidates at some ranks.
        """

    def handed_out(self, source_id: str) -> tuple[HandedOut, ...]:
        """Return the searches that had returned a source's subjects, oldest first."""

    def settle(self) -> None:
        """Bring what was deleted out of the database's own journal, where it has one.

        Raises:
            UnavailableError: code `records-being-read`, it may still be there; run it again.
        """

    def finish(self, destruction_id: str, certificate: bytes, *, actor: Acting) -> Destruction:
        """Keep the certificate; the first one stays."""

    def certificates(self) -> tuple[Destruction, ...]:
        """Return the destructions that ended, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroyer:
    """Carries a destruction through.

    Attributes:
        refresh_index: Brings the index up to the records, and returns once rows which went are overwritten there: see
            `IndexedGallery.settle`.
    """

    records: Records
    destructions: DestructionRecords
    objects: Objects
    keyring: Keyring
    signer: Signer
    refresh_index: Callable[[Collection[int]], str]

    def withdraw(self, name: str, *, actor: Acting, by: str, reason: str) -> Destruction:
        """Withdraw a source; run again, it is finished or shown.

        Raises:
            NotFoundError: code `source-unknown`; nothing was done.
            InvalidInputError: code `reason-invalid`; nothing was done.
            ConflictError: codes `source-state-forbidden`, `source-changed-meanwhile`; nothing was done.
            UnavailableError: the records', objects' or index's own codes; the source is not eligible any more where it
                says `withdrawn`. Run it again to finish.
        """
        return self._destroy(
            name, SourceState.WITHDRAWN, actor=actor, by=by, reason=checked_reason(reason, needed=True)
        )

    def expire(self, name: str, *, actor: Acting, by: str, reason: str) -> Destruction:
        """Destroy a source whose time is over: as `withdraw`, and it says `expired`."""
        return self._destroy(name, SourceState.EXPIRED, actor=actor, by=by, reason=checked_reason(reason, needed=True))

    def finish_all(self) -> tuple[Destruction, ...]:
        """Finish every destruction that was cut short."""
        return tuple(self._carry_through(one, actor=SYSTEM) for one in self.destructions.unfinished())

    def heed_destroyed_keys(self) -> None:
        """Bring register and keyring to the same knowledge of which sources are gone, whichever an old backup is of.

        A source whose key was destroyed is made ineligible; the key of one that is gone is destroyed.
        """
        for summary in self.records.sources():
            source = summary.source
            scope = source_scope(source.source_id)
            dark = self.keyring.state(scope) is KeyState.DESTROYED
            if source.state.is_gone and not dark:
                self.keyring.destroy(scope, reason=f"source-{source.state.value}")
            elif dark and not source.state.is_gone:
                with suppress(ConflictError):  # another process was quicker
                    self.take_out(source, SourceState.WITHDRAWN, by=RESTORED_BY, reason=RESTORED, actor=SYSTEM)

    def take_out(self, source: Source, after: SourceState, *, by: str, reason: str, actor: Acting) -> Destruction:
        """Make a source ineligible and write its destruction down; `finish_all` does the rest.

        Raises:
            ConflictError: codes `source-state-forbidden`, `source-changed-meanwhile`; nothing was done.
        """
        require_way(source.name, source.state, after)
        change = SourceChange(at=utc_now(), by=by, before=source.state, after=after, reason=reason)
        return self.destructions.begin(source.name, change, actor=actor)

    def _destroy(self, name: str, after: SourceState, *, actor: Acting, by: str, reason: str) -> Destruction:
        """Begin or find the destruction, and carry it through."""
        under_way = self.destructions.of_source(name)
        if under_way is None:
            under_way = self.take_out(self.records.source(name), after, by=by, reason=reason, actor=actor)
        return self._carry_through(under_way, actor=actor)

    def _carry_through(self, destruction: Destruction, *, actor: Acting) -> Destruction:
        """Do what is left to do. Each step may be done twice.

        1. The key is destroyed: backups go dark too.
        2. Kept answers forget whom they showed; the searches stay listed.
        3. Rows leave the records, a part at a time, so that searches go on meanwhile.
        4. Rows leave the index, in memory and on disk.
        5. Photographs, crops and documents leave the object store.
        6. What the database keeps of deleted rows is overwritten.
        7. The certificate is signed and kept.
        """
        if destruction.certificate is not None or destruction.source is None:
            return destruction
        source_id = destruction.source.source_id
        key = self.keyring.destroy(source_scope(source_id), reason=destruction.kind.value)  # 1
        self.destructions.mark_searches(source_id, forget_candidates(destruction))  # 2
        while self.destructions.erase_rows(source_id, most=ROWS_A_TURN):  # 3
            pass
        # Rows of a source need not be named: what stands of it on disk, its key opened.
        copies = self.refresh_index(())  # 4
        for kind in OBJECTS:  # 5
            self.objects.delete_all(f"{kind}/{source_id}/")
        self.destructions.settle()  # 6
        facts = {
            **certificate_facts(destruction, self.destructions.handed_out(source_id)),
            "key": {
                "scope": source_scope(source_id),
                "destroyed_at": None if key.destroyed_at is None else key.destroyed_at.isoformat(),
            },
            "kept": "the entry in the register of sources with its document's hash, and which searches had returned it",
            **({"not_reached": copies} if copies else {}),
        }
        certificate = make_certificate(facts, self.signer)  # 7
        return self.destructions.finish(destruction.destruction_id, certificate, actor=actor)


def certificate_facts(destruction: Destruction, handed_out: Collection[HandedOut]) -> Mapping[str, Any]:
    """Return what every certificate says: what was destroyed, since when, and what had been handed out before."""
    source, destroyed = destruction.source, destruction.destroyed
    return {
        "certificate": "countenance destruction certificate, version 1",
        "id": destruction.destruction_id,
        "kind": destruction.kind.value,
        "source": source
        and {
            "id": source.source_id,
            "name": source.name,
            "owner": source.owner,
            "legal_basis": source.legal_basis.value,
            "document_sha256": source.document_sha256,
        },
        "reason": destruction.reason,
        "not_eligible_since": destruction.started_at.isoformat(),
        "finished_at": utc_now().isoformat(),
        "destroyed": {
            "photographs": destroyed.images,
            "subjects": destroyed.subjects,
            "templates": destroyed.templates,
        }
        if source
        else {"answers": destroyed.answers},
        "handed_out_before": [
            {"search": one.search_id, "searched_at": one.searched_at.isoformat(), "candidates": one.candidates}
            for one in handed_out
        ],
    }


def forget_candidates(destruction: Destruction) -> Callable[[Answer, Collection[int]], Answer]:
    """Return what takes candidates out of a kept answer, all but rank, score and where they came from."""

    def redacted(answer: Answer, ranks: Collection[int]) -> Answer:
        mark = {"at": destruction.started_at.isoformat(), "why": destruction.kind.value, "ranks": sorted(ranks)}
        candidates = [
            forgotten(candidate) if candidate["rank"] in ranks else candidate for candidate in answer["candidates"]
        ]
        return {**answer, "candidates": candidates, "marks": [*answer.get("marks", ()), mark]}

    return redacted


def forgotten(candidate: Mapping[str, Any]) -> dict[str, Any]:
    """Return a candidate without who it is and where the photograph is from."""
    return {
        **candidate,
        "subject": {**candidate["subject"], "label": None},
        "image": {**candidate["image"], "reference": ""},
        "box": [0.0, 0.0, 0.0, 0.0],
    }
