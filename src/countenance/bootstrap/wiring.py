"""Wiring: picks the adapters and joins them to the services. What the interfaces and Python users open."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from countenance.access.own import OwnSecurity
from countenance.access.passkeys import Passkeys
from countenance.access.passwords import Passwords
from countenance.access.permission import Permission
from countenance.access.provider import ProviderSignIn
from countenance.access.sign_in import SignIn
from countenance.bootstrap.approvals import Approvals
from countenance.bootstrap.calibrating import HomeCalibration
from countenance.bootstrap.cases import Cases
from countenance.bootstrap.custody import Custody
from countenance.bootstrap.home_index import HomeIndex
from countenance.bootstrap.older_homes import reseal_documents
from countenance.bootstrap.parts import Parts, open_parts
from countenance.bootstrap.policy import open_policy
from countenance.bootstrap.providing import open_provider
from countenance.bootstrap.retaining import Retaining
from countenance.bootstrap.rights_desk import open_desk
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.sources import Sources, open_destroyers
from countenance.bootstrap.vision import image_limits, load_analyser, model_pack, open_reader
from countenance.core.clock import utc_now
from countenance.core.errors import NotPermittedError
from countenance.gallery.enrolment import Enrolment, EnrolmentReport, NotEnrolled
from countenance.gallery.entries import crops_shown, photograph_shown, templates_rekeyed
from countenance.gallery.indexing import IndexedGallery
from countenance.gallery.model import Snapshot, face_unknown, image_unknown
from countenance.gallery.plan import PlannedPhotograph
from countenance.gallery.ports import source_of_key
from countenance.oversight.detector import Limits
from countenance.oversight.service import Oversight
from countenance.policy.model import SYSTEM, Actor
from countenance.policy.rendering import lists_json
from countenance.policy.service import Policy
from countenance.search.entries import answer_shown, search_ended
from countenance.search.model import Probe, ProbePhotograph, SearchAnswer, SearchRequest, search_unknown
from countenance.search.permission import SearchPermits
from countenance.search.service import SearchService
from countenance.search.verification import Verification
from countenance.search.viewing import Viewing
from countenance.vision.lazy import LazyAnalyser
from countenance.vision.model import DecodedImage
from countenance.vision.ports import FaceAnalyser
from countenance.vision.quality import ENROL_GATE, SEARCH_GATE

if TYPE_CHECKING:
    from countenance.search.approval import ApprovalRequest


class OpenGallery:
    """One gallery, open: what a program, the command line and the server work with. Thread-safe."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        """Join the parts; networks are loaded at first need. Use `open_gallery`."""
        self.settings = settings
        self.keyring = parts.keyring
        self.accounts = parts.accounts
        self.records = parts.records
        self.objects = parts.objects
        self.audit = parts.audit
        self.ledger = parts.cases
        self.limits = image_limits(settings)
        self.index = HomeIndex(settings, parts.records, parts.keyring)
        self.cases = Cases(parts.cases, parts.objects)
        self.permission = Permission(lambda: self.policy, parts.audit)
        self.approvals = Approvals(parts.approvals, self.passkeys)
        self.viewing = Viewing(
            lambda: self.policy, parts.records, parts.cases, parts.audit, require_shown=self.approvals.require_shown
        )
        self.swept: tuple[ApprovalRequest, ...] = ()
        destroyer, eraser = open_destroyers(parts, self.index.settle)
        self.sources = Sources(parts, destroyer=destroyer, eraser=eraser)
        self.custody = Custody(lambda: self.policy, self.permission, parts.records, parts.erasures)
        self.rights = open_desk(
            settings,
            parts,
            eraser=eraser,
            custody=self.custody,
            analyser=lambda: self.analyser,
            indexed=lambda: self.indexed,
            calibration=lambda: self.calibration,
        )
        self.retention = Retaining(
            settings,
            parts,
            destroyer=destroyer,
            eraser=eraser,
            stay_out=self.rights.stay_out,
            oversight=lambda: self.oversight,
        )

    def enrol(
        self,
        source: str,
        planned: Iterable[PlannedPhotograph | NotEnrolled],
        *,
        actor: Actor = SYSTEM,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> EnrolmentReport:
        """Enrol many files into a source, on all cores: see `gallery.enrolment.Enrolment.run`."""
        enrolment = self._enrolment(source, actor, on_progress)
        with open_reader(self.settings) as reader:
            return enrolment.run(planned, reader)

    def enrol_photograph(
        self, source: str, data: bytes, *, filename: str, subject: str | None, actor: Actor = SYSTEM
    ) -> EnrolmentReport:
        """Enrol one photograph: see `gallery.enrolment.Enrolment.enrol_bytes`."""
        enrolment = self._enrolment(source, actor, lambda _: None)
        return enrolment.enrol_bytes(data, reference=filename, label=subject, analyser=self.analyser)

    def faces(self, data: bytes, *, filename: str | None, thorough: bool = False) -> Probe:
        """Find the faces of a photograph: see `search.service.SearchService.faces`."""
        return self.faces_with_image(data, filename=filename, thorough=thorough)[1]

    def faces_with_image(
        self, data: bytes, *, filename: str | None, thorough: bool = False
    ) -> tuple[DecodedImage, Probe]:
        """Find the faces of a photograph, and give its pixels back too."""
        return self._search.faces(data, filename=filename, thorough=thorough)

    def warm(self) -> Snapshot:
        """Load networks and index, so that the first search is as fast as the others: see `SearchService.warm`."""
        return self._search.warm()

    def refresh(self) -> Snapshot:
        """Bring the index up to date; raises where nothing may be searched: see `SearchService.refresh`."""
        self.retention.heed()
        return self._search.refresh()

    def heed_clocks(self) -> "tuple[ApprovalRequest, ...]":
        """Do what is due: emergencies that nobody approved in time, sources whose time is over.

        Returns:
            The emergencies that were put out of sight, or deleted.
        """
        swept = self.approvals.sweep()
        self.retention.heed()
        return swept

    def search(self, request: SearchRequest) -> SearchAnswer:
        """Search: see `search.service.SearchService.search`. A search that ends otherwise is in the audit log too.

        Raises:
            UnavailableError: code `audit-unwritable`: nothing was answered, whatever else there was to say.
        """
        with self._heeded(request.actor):
            return self._search.search(request)

    def search_group(self, request: SearchRequest) -> Iterator[SearchAnswer]:
        """Search for every face of a photograph: see `search.service.SearchService.search_group`.

        Raises:
            UnavailableError: code `audit-unwritable`: what was not yielded was not answered.
        """
        with self._heeded(request.actor):
            yield from self._search.search_group(request)

    @contextmanager
    def _heeded(self, actor: Actor) -> Iterator[None]:
        """Do what is due before searches, and put on record how one ended otherwise than by an answer."""
        try:
            self.retention.heed()
            yield
        except NotPermittedError:
            # The decision put itself on record.
            raise
        except Exception as error:
            self.audit.record(search_ended(error, actor=actor))
            raise

    def kept_search(self, search_id: str, *, actor: Actor) -> Mapping[str, object]:
        """Return a kept answer of the actor's own organisation; the audit log says that it was shown.

        Raises:
            NotFoundError: code `search-unknown`, there is none, or it is another organisation's.
            UnavailableError: code `audit-unwritable`; nothing was shown.
        """
        self._require_own(search_id, actor)
        answer = self.records.search(search_id)
        self.audit.record(answer_shown(search_id, actor=actor))
        return answer

    def verify_search(self, search_id: str, photographs: Sequence[ProbePhotograph], *, actor: Actor) -> Verification:
        """Check a kept answer of the actor's organisation without the index: see `search.service.SearchService.verify`.

        Raises:
            NotFoundError: code `search-unknown`, there is none, or it is another organisation's.
            UnavailableError: code `audit-unwritable`; nothing was checked.
        """
        self._require_own(search_id, actor)
        self.audit.record(answer_shown(search_id, actor=actor))
        return self._search.verify(search_id, photographs)

    def _require_own(self, search_id: str, actor: Actor) -> None:
        """Refuse another organisation's search as one that there is not."""
        if self.ledger.owner(search_id) != actor.org_id:
            raise search_unknown()
        self.approvals.require_shown(search_id)

    def crops(self, face_ids: Sequence[str], *, actor: Actor = SYSTEM) -> dict[str, bytes]:
        """Return enrolled faces' crops, JPEGs, by face id; the audit log says that they were shown.

        Raises:
            NotFoundError: codes `face-unknown`, there is none, or the actor may not look at it; `object-unknown`.
            UnavailableError: code `audit-unwritable`; nothing was shown.
        """
        keys = {face_id: self.records.face_crop_key(face_id) for face_id in face_ids}
        for face_id, key in keys.items():
            self.viewing.require(face_id, source_of_key(key), actor=actor, unknown=face_unknown)
        found = {face_id: self.objects.get(key) for face_id, key in keys.items()}
        if found:
            self.audit.record(crops_shown(list(found), actor=actor))
        return found

    def photograph(self, image_id: str, *, actor: Actor = SYSTEM) -> tuple[str, bytes]:
        """Return an enrolled photograph's media type and its bytes as they came; the audit log says so.

        Raises:
            NotFoundError: codes `image-unknown`, there is none, or the actor may not look at it; `object-unknown`.
            UnavailableError: code `audit-unwritable`; nothing was shown.
        """
        media_type, key = self.records.image_location(image_id)
        self.viewing.require(image_id, source_of_key(key), actor=actor, unknown=image_unknown)
        data = self.objects.get(key)
        self.audit.record(photograph_shown(image_id, actor=actor))
        return media_type, data

    @cached_property
    def sign_in(self) -> SignIn:
        """Lets people in and keeps them signed in."""
        return SignIn(self.accounts.directory, self._passwords)

    @cached_property
    def own(self) -> OwnSecurity:
        """What people keep of their own to sign in with."""
        return OwnSecurity(self.accounts.directory, self._passwords)

    @cached_property
    def passkeys(self) -> Passkeys:
        """Registers passkeys and checks what they sign."""
        return Passkeys(self.accounts.directory)

    @cached_property
    def provider(self) -> ProviderSignIn | None:
        """Lets people in whom the identity provider names; None where the settings name none.

        Raises:
            InvalidInputError: code `provider-invalid`.
        """
        return open_provider(self.settings, self.accounts.directory)

    @cached_property
    def _passwords(self) -> Passwords:
        """Makes and checks password hashes."""
        return Passwords()

    @cached_property
    def analyser(self) -> FaceAnalyser:
        """The model pack at work, loaded at first need, with all cores for one photograph."""
        pack = model_pack(self.settings)
        return LazyAnalyser(
            pack, partial(load_analyser, self.settings, threads=len(os.sched_getaffinity(0)), pack=pack)
        )

    @property
    def indexed(self) -> IndexedGallery:
        """The records with their index."""
        return self.index.gallery

    def rekey_templates(
        self, *, actor: Actor = SYSTEM, on_progress: Callable[[int], None] = lambda _: None
    ) -> tuple[str, Snapshot]:
        """Turn indexed templates by another rotation: see `home_index.HomeIndex.rekey`. The audit log says so first.

        Raises:
            UnavailableError: code `audit-unwritable`; nothing was done.
        """
        self.audit.record(templates_rekeyed(self.records.snapshot(), actor=actor))
        return self.index.rekey(on_progress=on_progress)

    def close(self) -> None:
        """Leave the index stored: see `home_index.HomeIndex.close`."""
        self.index.close()

    @cached_property
    def policy(self) -> Policy:
        """The policy in force, loaded at first need: see `policy.open_policy` for what it raises."""
        return open_policy(self.settings)

    def policy_lists(self) -> dict[str, Any]:
        """Return the packs in force today, and what they let anybody search for."""
        today = utc_now().date()
        names = [pack.name for pack in self.policy.in_force(today)]
        return {"packs": names, **lists_json(self.policy, today)}

    @cached_property
    def oversight(self) -> Oversight:
        """Who looks at what was searched."""
        return Oversight(self.audit, self.keyring, lambda: Limits(barring=self.policy.barring()))

    @cached_property
    def calibration(self) -> HomeCalibration:
        """What scores mean in this gallery."""
        return HomeCalibration(self.settings, model_pack(self.settings), self.keyring)

    @cached_property
    def _search(self) -> SearchService:
        """The search service."""
        pack = model_pack(self.settings)
        return SearchService(
            records=self.records,
            gallery=self.indexed,
            analyser=self.analyser,
            permits=SearchPermits(lambda: self.policy, self.ledger, self.records),
            gate=SEARCH_GATE,
            limits=self.limits,
            default_threshold=pack.manifest.threshold,
            scale=self.calibration.scale,
            marks=self.oversight.marks,
        )

    def _enrolment(self, source: str, actor: Actor, on_progress: Callable[[int], None]) -> Enrolment:
        """Start an enrolment into a source."""
        self.retention.heed()
        pack = model_pack(self.settings)
        pack.verify()
        entries = self.rights.stay_out.entries
        return Enrolment(
            source,
            records=self.records,
            objects=self.objects,
            pack_digest=pack.digest,
            actor=actor,
            gate=ENROL_GATE,
            limits=self.limits,
            released=self.sources.released_labels,
            on_midnight=self.sources.take_out_unreleased,
            stay_out=lambda: entries.in_force(utc_now().date(), pack_digest=pack.digest),
            on_progress=on_progress,
        )


@contextmanager
def open_gallery(settings: Settings) -> Iterator[OpenGallery]:
    """Open the gallery in a home that was initialised.

    Raises:
        NotFoundError: codes `home-not-initialised`, `audit-key-missing`.
        UnavailableError: code `home-unreadable`.
        ConflictError: codes `records-newer`, `records-elsewhere`.
        IntegrityError: code `records-unreadable`.
        NotFoundError, IntegrityError: those of `keyring.open_keyring`; nothing can be read without the keys.
    """
    with open_parts(settings) as parts, closing(OpenGallery(settings, parts)) as gallery:
        gallery.sources.heed_destroyed()
        if settings.objects_bucket is None:
            reseal_documents(settings, parts.objects, parts.records, parts.register)
        gallery.swept = gallery.heed_clocks()
        yield gallery
