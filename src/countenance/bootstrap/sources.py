"""Wiring of the source register: what an open gallery offers of its sources."""

from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from countenance.bootstrap.parts import Parts
from countenance.core.clock import utc_now
from countenance.gallery.certificates import read_certificate
from countenance.gallery.destruction import Destroyer, Destruction
from countenance.gallery.erasure import Erased, Eraser, Extent
from countenance.gallery.model import LegalBasis, Source, SourceChange, SourceState, SourceSummary
from countenance.gallery.sources import add_release, change_state, register_source, released_labels
from countenance.gallery.terms import Release, SourceTerms
from countenance.policy.model import SYSTEM, Actor


class Sources:
    """The sources of one open gallery. Thread-safe."""

    def __init__(self, parts: Parts, *, destroyer: Destroyer, eraser: Eraser) -> None:
        """Join the parts."""
        self._records = parts.records
        self._objects = parts.objects
        self._register = parts.register
        self._answers = parts.answers
        self._destroyer = destroyer
        self._eraser = eraser

    def register(
        self,
        *,
        name: str,
        owner: str,
        legal_basis: LegalBasis,
        document: bytes,
        terms: SourceTerms | None = None,
        active: bool = True,
        actor: Actor = SYSTEM,
        by: str = "",
    ) -> Source:
        """Put a source on record: see `gallery.sources.register_source`."""
        return register_source(
            self._records,
            self._objects,
            name=name,
            owner=owner,
            legal_basis=legal_basis,
            document=document,
            terms=terms,
            active=active,
            actor=actor,
            by=by,
        )

    def summary(self, name: str) -> SourceSummary:
        """Return a source with what is enrolled in it.

        Raises:
            NotFoundError: code `source-unknown`.
        """
        wanted = self._records.source(name)
        [summary] = [one for one in self._records.sources() if one.source.source_id == wanted.source_id]
        return summary

    def change(
        self, name: str, after: SourceState, *, by: str, reason: str = "", actor: Actor = SYSTEM
    ) -> SourceSummary:
        """Put a source into another state: see `gallery.sources.change_state`."""
        change_state(self._records, self._register, name, after, actor=actor, by=by, reason=reason)
        return self.summary(name)

    def set_keeper(self, name: str, keeper: str, *, actor: Actor = SYSTEM) -> SourceSummary:
        """Set which organisation keeps a source, by its id: see the port."""
        self._register.set_keeper(name, keeper, actor=actor)
        return self.summary(name)

    def withdraw(self, name: str, *, by: str, reason: str, actor: Actor = SYSTEM) -> Destruction:
        """Destroy a source: see `gallery.destruction.Destroyer.withdraw`."""
        return self._destroyer.withdraw(name, actor=actor, by=by, reason=reason)

    def extent(self, erased: Erased) -> Extent:
        """Return what an erasure would take: see `gallery.erasure.ErasureRecords.extent`."""
        return self._eraser.extent(erased)

    def erase(self, erased: Erased, *, by: str, reason: str, actor: Actor = SYSTEM) -> Destruction:
        """Erase a subject, a photograph or a face: see `gallery.erasure.Eraser.erase`."""
        return self._eraser.erase(erased, actor=actor, by=by, reason=reason)

    def finish_erasures(self, *, actor: Actor = SYSTEM) -> tuple[Destruction, ...]:
        """Finish what was cut short, or came back: see `gallery.erasure.Eraser.finish_all`."""
        return self._eraser.finish_all(actor=actor)

    def heed_destroyed(self) -> None:
        """Take out again what came back with an old backup, so that nothing of it is searched."""
        self._destroyer.heed_destroyed_keys()
        self._eraser.heed_list()

    def certificates(self) -> tuple[Destruction, ...]:
        """Return the destructions that ended, newest first."""
        kept = (self._destroyer.destructions, self._eraser.records, self._answers)
        ended = [one for part in kept for one in part.certificates()]
        return tuple(sorted(ended, key=lambda one: one.started_at, reverse=True))

    def read_certificate(self, certificate: bytes) -> dict[str, Any]:
        """Check a certificate of this installation: see `gallery.certificates.read_certificate`."""
        return read_certificate(certificate, self._destroyer.signer)

    def history(self, name: str) -> tuple[SourceChange, ...]:
        """Return every change of a source's state: see the port."""
        return self._register.history(name)

    def add_release(
        self, name: str, *, label: str, document: bytes, ends_on: date | None, by: str, actor: Actor = SYSTEM
    ) -> Release:
        """Keep a subject's release: see `gallery.sources.add_release`."""
        return add_release(
            self._records,
            self._register,
            self._objects,
            name,
            label=label,
            document=document,
            actor=actor,
            ends_on=ends_on,
            by=by,
        )

    def revoke_release(self, name: str, release_id: str, *, actor: Actor = SYSTEM) -> Release:
        """Take a release back: see the port. Whoever has none left is out of the very next search."""
        revoked = self._register.revoke_release(name, release_id, actor=actor)
        self.take_out_unreleased()
        return revoked

    def take_out_unreleased(self) -> None:
        """Take out whose releases have all ended: see `gallery.erasure.Eraser.take_out_ended`."""
        self._eraser.take_out_ended(utc_now().date())

    def releases(self, name: str) -> tuple[Release, ...]:
        """Return a source's releases: see the port."""
        return self._register.releases(name)

    def released_labels(self, name: str) -> frozenset[str]:
        """Return who has a release in force: see `gallery.sources.released_labels`."""
        return released_labels(self._register, name)


def open_destroyers(parts: Parts, refresh_index: Callable[[Collection[int]], str]) -> tuple[Destroyer, Eraser]:
    """Return what destroys sources, and what erases people.

    Args:
        refresh_index: See `gallery.destruction.Destroyer`.
    """
    destroyer = Destroyer(
        records=parts.records,
        destructions=parts.destructions,
        objects=parts.objects,
        keyring=parts.keyring,
        signer=parts.signer,
        refresh_index=refresh_index,
    )
    eraser = Eraser(
        records=parts.erasures,
        noted=parts.erased,
        objects=parts.objects,
        signer=parts.signer,
        refresh_index=refresh_index,
    )
    return destroyer, eraser
