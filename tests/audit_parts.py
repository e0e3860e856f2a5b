"""Parts that tests of the audit log share: a key, entries, and records with a log of their own."""

from sqlalchemy import Engine

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.records import SqlRecords
from countenance.audit.model import Entry, Outcome
from countenance.audit.note import new_signer
from countenance.audit.verification import KEY_ROTATED
from countenance.keys.ports import Keyring
from countenance.policy.model import SYSTEM

SIGNER = new_signer("countenance.test/log")


def sql_records(engine: Engine, keyring: Keyring) -> SqlRecords:
    """Return records over a database, whose audit log is signed with the tests' key."""
    return SqlRecords(engine, SqlAuditLog(engine, SIGNER, keyring), keyring)


def rotation(vkey: str) -> Entry:
    """Return the entry in which a key hands over to another."""
    return Entry(action=KEY_ROTATED, outcome=Outcome.DONE, actor=SYSTEM, facts={"vkey": vkey})


def entry(number: int = 0, *, words: str = "") -> Entry:
    """Return an entry."""
    return Entry(action="test", outcome=Outcome.DONE, actor=SYSTEM, facts={"number": number, "words": words})
