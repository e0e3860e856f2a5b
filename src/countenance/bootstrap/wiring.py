"""Wiring: picks the adapters and joins them to the services. What the interfaces and Python users open."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property, partial
from time import monotonic
from typing import Any

from countenance.access.own import OwnSecurity
from countenance.access.passkeys import Passkeys
from countenance.access.passwords import Passwords
from countenance.access.permission import Permission
from countenance.access.provider import ProviderSignIn
from countenance.access.sign_in import SignIn
from countenance.adapters.erasure_list import FileErasureList
from countenance.adapters.exact.blocks import BlockStore, StoredState
from countenance.adapters.exact.stored import StoredExactIndex, index_unwritable
from countenance.adapters.signing import SealedSigner
from countenance.adapters.sql.approvals import SqlApprovals
from countenance.adapters.sql.cases import SqlCases
from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.adapters.sql.destructions import SqlDestructions
from countenance.adapters.sql.erasures import SqlErasures
from countenance.adapters.sql.kept_answers import SqlKeptAnswers
from countenance.adapters.sql.records import SqlRecords
from countenance.adapters.sql.requests import SqlRequests
from countenance.adapters.sql.source_register import SqlSourceRegister
from countenance.adapters.sql.tombstones import heed_tombstones
from countenance.audit.ports import AuditLog
from countenance.bootstrap.accounts import Accounts, open_accounts
from countenance.bootstrap.approvals import Approvals
from countenance.bootstrap.auditing import make_audit_key, open_audit
from countenance.bootstrap.calibrating import HomeCalibration
from countenance.bootstrap.cases import Cases
from countenance.bootstrap.engines import exact_folder, open_index, rotation_file
from countenance.bootstrap.keyring import erasure_list_file, make_keys, open_keyring
from countenance.bootstrap.objects import open_objects
from countenance.bootstrap.older_homes import bring_up_to_date
from countenance.bootstrap.policy import open_policy
from countenance.bootstrap.providing import open_provider
from countenance.bootstrap.retaining import Retaining
from countenance.bootstrap.rights_desk import look_for
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.sources import Sources
from countenance.bootstrap.vision import image_limits, load_analyser, model_pack, open_reader
from countenance.core.clock import utc_now
from countenance.core.errors import NotFoundError, NotPermittedError, UnavailableError
from countenance.gallery.destruction import Destroyer, DestructionRecords
from countenance.gallery.enrolment import Enrolment, EnrolmentReport, NotEnrolled
from countenance.gallery.entries import crops_shown, photograph_shown
from countenance.gallery.erasure import Eraser, ErasureList, ErasureRecords
from countenance.gallery.indexing import IndexedGallery, originals_of
from countenance.gallery.model import Snapshot
from countenance.gallery.plan import PlannedPhotograph
from countenance.gallery.ports import Objects, Records, SourceRegister
from countenance.gallery.retention import KeptAnswers, RetentionService
from countenance.index.ports import FollowingIndex
from countenance.index.rotation import Rotation
from countenance.keys.ports import Keyring
from countenance.oversight.detector import Limits
from countenance.oversight.service import Oversight
from countenance.policy.model import SYSTEM, Actor
from countenance.policy.rendering import lists_json
from countenance.policy.request import SourceFacts
from countenance.policy.service import Policy
from countenance.rights.model import FoundSubject
from countenance.rights.ports import RequestRegister
from countenance.rights.service import RightsDesk
from countenance.search.approval import ApprovalRegister, ApprovalRequest
from countenance.search.entries import answer_shown, search_ended
from countenance.search.model import Probe, ProbePhotograph, SearchAnswer, SearchRequest, search_unknown
from countenance.search.permission import SearchPermits, source_facts
from countenance.search.service import SearchService
from countenance.search.verification import Verification
from countenance.vision.lazy import LazyAnalyser
from countenance.vision.model import DecodedImage
from countenance.vision.ports import FaceAnalyser
from countenance.vision.quality import ENROL_GATE, SEARCH_GATE

BARRING = frozenset({"core-organisation", "default-sector", "default-us-il"})
"""Rules that refuse an organisation as such: searches that they refuse are told to oversight."""


SWEEP_S = 3600.0
"""How often a gallery that stays open looks for emergencies that nobody approved, with the next search."""


class OpenGallery:
    """One gallery, open: what a program, the command line and the server work with. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        *,
        records: Records,
        objects: Objects,
        register: SourceRegister,
        destructions: DestructionRecords,
        erasures: ErasureRecords,
        erased: ErasureList,
        answers: KeptAnswers,
        keyring: Keyring,
        accounts: Accounts,
        cases: SqlCases,
        approvals: ApprovalRegister,
        requests: RequestRegister,
        audit: AuditLog,
    ) -> None:
        """Join the parts; networks are loaded at first need. Use `open_gallery`."""
        self.settings = settings
        self.keyring = keyring
        self.accounts = accounts
        self.records = records
        self.objects = objects
        self.audit = audit
        self.limits = image_limits(settings)
        self.indexed = IndexedGallery(records, self._open_index)
        signer = SealedSigner(settings.home, keyring)
        destroyer = Destroyer(
            records=records,
            destructions=destructions,
            objects=objects,
            keyring=keyring,
            signer=signer,
            refresh_index=self.indexed.settle,
        )
        eraser = Eraser(
            records=erasures, noted=erased, objects=objects, signer=signer, refresh_index=self.indexed.settle
        )
        self.cases = Cases(cases, objects)
        self.permission = Permission(lambda: self.policy, audit)
        self.ledger = cases
        self.approvals = Approvals(approvals, self.passkeys)
        self.swept: tuple[ApprovalRequest, ...] = ()
        self._swept = monotonic()
        self.rights = RightsDesk(register=requests, records=records, eraser=eraser, look=self._look_for)
        self.retention = Retaining(
            RetentionService(
                records=records,
                register=register,
                destroyer=destroyer,
                eraser=eraser,
                answers=answers,
                signer=signer,
                keep_answers_days=settings.keep_answers_days,
            ),
            lambda: self.oversight,
            requests,
            keep_requests_days=settings.keep_requests_days,
        )
        self.sources = Sources(records, objects, register, destroyer=destroyer, eraser=eraser, answers=answers)
        self._index: FollowingIndex | None = None

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
        if monotonic() - self._swept > SWEEP_S:
            self._swept = monotonic()
            self.approvals.sweep()
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

    def source_facts(self, name: str) -> SourceFacts:
        """Return what the policy decides on about a source.

        Raises:
            NotFoundError: code `source-unknown`.
        """
        return source_facts(self.records.source(name))

    def crops(self, face_ids: Sequence[str], *, actor: Actor = SYSTEM) -> dict[str, bytes]:
        """Return enrolled faces' crops, JPEGs, by face id; the audit log says that they were shown.

        Raises:
            NotFoundError: codes `face-unknown`, `object-unknown`.
            UnavailableError: code `audit-unwritable`; nothing was shown.
        """
        found = {face_id: self.objects.get(self.records.face_crop_key(face_id)) for face_id in face_ids}
        if found:
            self.audit.record(crops_shown(list(found), actor=actor))
        return found

    def photograph(self, image_id: str, *, actor: Actor = SYSTEM) -> tuple[str, bytes]:
        """Return an enrolled photograph's media type and its bytes as they came; the audit log says so.

        Raises:
            NotFoundError: codes `image-unknown`, `object-unknown`.
            UnavailableError: code `audit-unwritable`; nothing was shown.
        """
        media_type, key = self.records.image_location(image_id)
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

    def close(self) -> None:
        """Store what the index took in since it was stored last, and overwrite on disk what it lost."""
        if isinstance(self._index, StoredExactIndex):
            self._index.close()

    def stored_index(self) -> StoredState:
        """Say what of the exact engine's index stands on disk, without opening it."""
        pack = model_pack(self.settings)
        folder = exact_folder(self.settings, pack, self.rotation())
        return BlockStore(folder, pack.manifest.dimension, self.keyring).state()

    def rotation(self) -> str | None:
        """Say which rotation indexed templates are under; None for none.

        Raises:
            IntegrityError: code `rotation-damaged`.
        """
        kept = rotation_file(self.settings, model_pack(self.settings), self.keyring).read()
        return None if kept is None else kept[0]

    def rekey_templates(self, *, on_progress: Callable[[int], None] = lambda _: None) -> tuple[str, Snapshot]:
        """Give indexed templates another rotation, and make the index anew from the records.

        Steps, each of which may be the last before a crash: another rotation takes the old one's place; whoever opens
        the index next fills it under the new one from the records, and takes the old one's away, as is done here.

        Args:
            on_progress: Called with the number of templates that were indexed since the last call.

        Returns:
            The rotation's identifier, and what the index holds.

        Raises:
            UnavailableError: code `index-unwritable`; the old rotation is still there.
            IntegrityError: those of `IndexedGallery.refresh`.
        """
        pack = model_pack(self.settings)
        try:
            name = rotation_file(self.settings, pack, self.keyring).replace(Rotation.random(pack.manifest.dimension))
        except OSError as error:
            raise index_unwritable(error) from None
        self.close()
        self.indexed = IndexedGallery(self.records, self._open_index)
        return name, self.indexed.rebuild(on_progress=on_progress)

    def _open_index(self) -> FollowingIndex:
        """Open the index as it was left."""
        self._index = open_index(
            self.settings,
            model_pack(self.settings),
            rows=self.records.snapshot().subjects,
            originals=originals_of(self.records),
            keyring=self.keyring,
        )
        return self._index

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
        return Oversight(self.audit, self.keyring, Limits(barring=BARRING))

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

    def _look_for(self, photograph: bytes, filename: str | None, face: int | None) -> tuple[FoundSubject, ...]:
        """Look for somebody in everything that is held: see `rights_desk.look_for`."""
        return look_for(
            ProbePhotograph(image=photograph, filename=filename, face=face),
            analyser=self.analyser,
            limits=self.limits,
            indexed=self.indexed,
            records=self.records,
            threshold=model_pack(self.settings).manifest.threshold,
        )

    def _enrolment(self, source: str, actor: Actor, on_progress: Callable[[int], None]) -> Enrolment:
        """Start an enrolment into a source."""
        self.retention.heed()
        pack = model_pack(self.settings)
        pack.verify()
        return Enrolment(
            source,
            records=self.records,
            objects=self.objects,
            pack_digest=pack.digest,
            actor=actor,
            gate=ENROL_GATE,
            limits=self.limits,
            released=self.sources.released_labels,
            on_progress=on_progress,
        )


@contextmanager
def open_gallery(settings: Settings) -> Iterator[OpenGallery]:
    """Open the gallery in a home that was initialised.

    Raises:
        NotFoundError: codes `home-not-initialised`, `audit-key-missing`.
        UnavailableError: code `home-unreadable`.
        ConflictError: code `records-newer`.
        IntegrityError: code `records-unreadable`.
        NotFoundError, IntegrityError: those of `keyring.open_keyring`; nothing can be read without the keys.
    """
    try:
        made = settings.database.is_file()
    except OSError as error:
        raise UnavailableError(
            f"{settings.home} can't be read: {error.strerror}", code="home-unreadable", hint="name another with --home"
        ) from None
    if not made:
        raise NotFoundError(
            f"{settings.home} holds no gallery",
            code="home-not-initialised",
            hint="make one with `countenance init`, or name another with --home",
        )
    # A home of before there were keys gets its own.
    make_keys(settings)
    make_audit_key(settings)
    engine = open_engine(sqlite_url(settings.database))
    with open_keyring(settings) as keyring, ExitStack() as stack:
        stack.callback(engine.dispose)
        bring_up_to_date(settings, engine, keyring)
        heed_tombstones(engine, keyring)
        audit = open_audit(settings, engine)
        objects = open_objects(settings, keyring)
        opened = OpenGallery(
            settings,
            records=SqlRecords(engine, audit, keyring),
            objects=objects,
            register=SqlSourceRegister(engine, audit, keyring),
            destructions=SqlDestructions(engine, audit, keyring),
            erasures=SqlErasures(engine, audit, keyring),
            erased=FileErasureList(erasure_list_file(settings), keyring),
            answers=SqlKeptAnswers(engine, audit, keyring),
            keyring=keyring,
            accounts=open_accounts(engine, objects, keyring, audit),
            cases=SqlCases(engine, keyring, audit),
            approvals=SqlApprovals(engine, keyring, audit),
            requests=SqlRequests(engine, keyring, audit),
            audit=audit,
        )
        with closing(opened) as gallery:
            gallery.sources.heed_destroyed()
            gallery.swept = gallery.approvals.sweep()
            gallery.retention.heed()
            yield gallery
