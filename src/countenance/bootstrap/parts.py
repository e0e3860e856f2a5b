"""Wiring of a home's parts: one adapter for each port that an open gallery needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from countenance.adapters.erasure_list import FileErasureList
from countenance.adapters.sealed_objects import SealedObjects
from countenance.adapters.signing import SealedSigner
from countenance.adapters.sql.approvals import SqlApprovals
from countenance.adapters.sql.cases import SqlCases
from countenance.adapters.sql.destructions import SqlDestructions
from countenance.adapters.sql.erasures import SqlErasures
from countenance.adapters.sql.kept_answers import SqlKeptAnswers
from countenance.adapters.sql.records import SqlRecords
from countenance.adapters.sql.requests import SqlRequests
from countenance.adapters.sql.source_register import SqlSourceRegister
from countenance.adapters.sql.stay_out import SqlStayOutList
from countenance.adapters.sql.tombstones import heed_tombstones
from countenance.audit.ports import AuditLog
from countenance.bootstrap.accounts import Accounts, open_accounts
from countenance.bootstrap.auditing import make_audit_key, open_audit
from countenance.bootstrap.keyring import erasure_list_file, make_keys, open_keyring
from countenance.bootstrap.objects import open_objects
from countenance.bootstrap.older_homes import bring_up_to_date
from countenance.bootstrap.records import open_records, require_made, require_own
from countenance.bootstrap.settings import Settings
from countenance.gallery.certificates import Signer
from countenance.gallery.destruction import DestructionRecords
from countenance.gallery.erasure import ErasureList, ErasureRecords
from countenance.gallery.ports import Records, SourceRegister
from countenance.gallery.retention import KeptAnswers
from countenance.gallery.stay_out import StayOutList
from countenance.keys.ports import Keyring
from countenance.rights.ports import RequestRegister
from countenance.search.approval import ApprovalRegister


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an open gallery is made of."""

    records: Records
    objects: SealedObjects
    register: SourceRegister
    destructions: DestructionRecords
    erasures: ErasureRecords
    erased: ErasureList
    answers: KeptAnswers
    keyring: Keyring
    accounts: Accounts
    cases: SqlCases
    approvals: ApprovalRegister
    requests: RequestRegister
    stay_out: StayOutList
    audit: AuditLog
    signer: Signer


@contextmanager
def open_parts(settings: Settings) -> Iterator[Parts]:
    """Open a home that was initialised, brought up to date.

    Raises:
        As `wiring.open_gallery`.
    """
    require_made(settings)
    # A home of before there were keys gets its own.
    make_keys(settings)
    make_audit_key(settings)
    engine = open_records(settings)
    try:
        with open_keyring(settings) as keyring:
            require_own(settings, engine)
            bring_up_to_date(settings, engine, keyring)
            heed_tombstones(engine, keyring)
            audit = open_audit(settings, engine, keyring)
            objects = open_objects(settings, keyring)
            yield Parts(
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
                stay_out=SqlStayOutList(engine, keyring, audit),
                audit=audit,
                signer=SealedSigner(settings.home, keyring),
            )
    finally:
        engine.dispose()
