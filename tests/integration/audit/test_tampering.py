"""A script with full rights over the database, and even with the log's keys, against one kept receipt."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import open_engine, sqlite_url, upgrade
from countenance.adapters.sql.sealing import LOG_ENTRY
from countenance.audit.growth import EMPTY, grow
from countenance.audit.merkle import Frontier, leaf_hash
from countenance.audit.model import Checkpoint, Receipt
from countenance.audit.note import SignedNote
from countenance.audit.verification import verify_log
from countenance.core.errors import IntegrityError
from countenance.keys.model import HOME
from tests.audit_parts import SIGNER, entry

SIZE = 40
KEPT = 25
"""Entry whose receipt somebody kept."""


class Kept:
    """A log of 40 entries in a file, and the receipt of one of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = open_engine(sqlite_url(path))
        self.keyring = memory_keyring()
        upgrade(self.engine, self.keyring)
        self.log = SqlAuditLog(self.engine, SIGNER, self.keyring)
        self.log.record(*map(entry, range(KEPT)))
        self.receipt: Receipt = self.log.record(entry(KEPT))
        self.log.record(*map(entry, range(KEPT + 1, SIZE)))
        self.bodies = list(self.log.entries(0, SIZE))

    def run(self, *statements: str) -> None:
        """Run statements with all triggers out of the way."""
        with sqlite3.connect(self.path) as database:
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                database.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                database.execute(statement)

    def rewrite(self, bodies: list[bytes], *, signed: bool) -> None:
        """Put other entries in their place, with all that follows from them."""
        self.run("DELETE FROM audit_entry", "DELETE FROM audit_node")
        frontier = Frontier()
        with sqlite3.connect(self.path) as database:
            for index, body in enumerate(bodies):
                sealed = self.keyring.seal(HOME, body, record=str(index), column=LOG_ENTRY)
                database.execute("INSERT INTO audit_entry VALUES (?, ?)", (index, sealed))
                for level, [node] in enumerate(frontier.extend([leaf_hash(body)])):
                    database.execute("INSERT INTO audit_node VALUES (?, ?, ?)", (level, index >> level, node))
            if signed:
                text = Checkpoint(SIGNER.verifier.name, frontier.size, frontier.root()).text()
                note = SignedNote(text, (SIGNER.sign(text),)).render()
                database.execute("UPDATE audit_head SET note = ?", (note,))
            database.execute("UPDATE audit_head SET size = ?, peaks = ?", (frontier.size, b"".join(frontier.peaks)))

    def verify(self, *receipts: Receipt) -> None:
        """Check the log."""
        verify_log(self.log, verifiers=[SIGNER.verifier], receipts=receipts)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """A log and a receipt."""
    made = Kept(tmp_path / "records.sqlite3")
    yield made
    made.engine.dispose()


def test_nothing_is_wrong_with_a_log_that_nobody_touched(kept: Kept) -> None:
    kept.verify(kept.receipt)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET body = x'00' WHERE idx = 3",
        "DELETE FROM audit_entry WHERE idx = 39",
        "INSERT OR REPLACE INTO audit_entry VALUES (3, x'00')",
        "INSERT INTO audit_entry VALUES (41, x'00')",
        "UPDATE audit_node SET hash = x'00'",
        "INSERT OR REPLACE INTO audit_node VALUES (0, 3, x'00')",
        "DELETE FROM audit_node",
        "UPDATE audit_head SET size = 3",
        "DELETE FROM audit_head",
        "INSERT OR REPLACE INTO audit_head VALUES (1, 0, x'', '')",
    ],
)
def test_the_database_itself_refuses_changes(kept: Kept, statement: str) -> None:
    with sqlite3.connect(kept.path) as database, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        database.execute(statement)


ROUGH = {
    "an entry flipped": "UPDATE audit_entry SET body = body || ' ' WHERE idx = 3",
    "an entry deleted": "DELETE FROM audit_entry WHERE idx = 3",
    "the last entry deleted": "DELETE FROM audit_entry WHERE idx = 39",
    "two entries exchanged": "UPDATE audit_entry SET body = (SELECT body FROM audit_entry AS o WHERE o.idx = "
    "9 - audit_entry.idx) WHERE idx IN (4, 5)",
    "a subtree flipped": "UPDATE audit_node SET hash = zeroblob(32) WHERE level = 3 AND idx = 1",
    "a subtree deleted": "DELETE FROM audit_node WHERE level = 0 AND idx = 7",
    "peaks flipped": "UPDATE audit_head SET peaks = zeroblob(64)",
    "the size lowered": "UPDATE audit_head SET size = 32",
    "the head's note emptied": "UPDATE audit_head SET note = ''",
}


@pytest.mark.parametrize("statement", [pytest.param(one, id=name) for name, one in ROUGH.items()])
def test_a_change_by_hand_is_noticed_even_without_a_receipt(kept: Kept, statement: str) -> None:
    kept.run(statement)

    noticed = 0
    for look in (kept.verify, lambda: kept.log.record(entry(1))):
        try:
            look()
        except IntegrityError:
            noticed += 1
    assert noticed >= 1


def flipped(bodies: list[bytes]) -> list[bytes]:
    """Change one entry that is older than the receipt."""
    return [*bodies[:7], bodies[7].replace(b'"number":7', b'"number":8'), *bodies[8:]]


def deleted(bodies: list[bytes]) -> list[bytes]:
    """Take one entry out."""
    return [*bodies[:7], *bodies[8:]]


def reordered(bodies: list[bytes]) -> list[bytes]:
    """Exchange two entries."""
    return [*bodies[:7], bodies[8], bodies[7], *bodies[9:]]


def truncated(bodies: list[bytes]) -> list[bytes]:
    """Take the receipt's entry and all later ones away."""
    return bodies[:KEPT]


def forked(bodies: list[bytes]) -> list[bytes]:
    """Write another history from the receipt's entry on."""
    return [*bodies[:KEPT], *grow(EMPTY, [entry(number) for number in range(15)], SIGNER).bodies]


def replaced(bodies: list[bytes]) -> list[bytes]:
    """Change the receipt's entry itself."""
    return [*bodies[:KEPT], bodies[KEPT].replace(b'"outcome":"done"', b'"outcome":"refused"'), *bodies[KEPT + 1 :]]


@pytest.mark.parametrize("change", [flipped, deleted, reordered, truncated, forked, replaced])
def test_whoever_holds_the_key_too_is_caught_by_one_receipt(
    kept: Kept, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    kept.rewrite(change(kept.bodies), signed=True)

    kept.verify()
    with pytest.raises(IntegrityError) as caught:
        kept.verify(kept.receipt)

    assert caught.value.code == "audit-damaged"


@pytest.mark.parametrize("change", [flipped, deleted, reordered, truncated, forked, replaced])
def test_without_the_key_no_receipt_is_needed(kept: Kept, change: Callable[[list[bytes]], list[bytes]]) -> None:
    kept.rewrite(change(kept.bodies), signed=False)

    with pytest.raises(IntegrityError):
        kept.verify()
    with pytest.raises(IntegrityError) as caught:
        kept.log.record(entry(1))

    assert caught.value.code == "audit-damaged"


def test_a_roll_back_to_an_older_copy_is_caught_by_a_receipt(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "records.sqlite3")
    with sqlite3.connect(kept.path) as database, sqlite3.connect(tmp_path / "older.sqlite3") as copy:
        database.backup(copy)
    newer = kept.log.record(entry(99))
    kept.engine.dispose()
    with sqlite3.connect(tmp_path / "older.sqlite3") as copy, sqlite3.connect(kept.path) as database:
        copy.backup(database)

    kept.verify(kept.receipt)
    with pytest.raises(IntegrityError) as caught:
        kept.verify(newer)

    assert caught.value.code == "audit-damaged"
    kept.engine.dispose()
