"""The contract of `AuditLog`: every adapter runs it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.memory_audit import MemoryAuditLog
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import open_engine, sqlite_url, upgrade
from countenance.audit.merkle import Frontier, leaf_hash
from countenance.audit.model import Receipt, parse_checkpoint
from countenance.audit.note import new_signer, parse_note
from countenance.audit.ports import AuditLog
from countenance.audit.verification import verify_log
from tests.audit_parts import SIGNER, entry, rotation
from tests.postgresql import new_database


def memory_log(request: pytest.FixtureRequest, stack: ExitStack) -> AuditLog:  # noqa: ARG001 - one signature for all
    """Keep the log in memory."""
    return MemoryAuditLog(SIGNER)


def sqlite_log(request: pytest.FixtureRequest, stack: ExitStack) -> AuditLog:
    """Keep the log in a SQLite file."""
    path = request.getfixturevalue("tmp_path") / "records.sqlite3"
    return sql_log(open_engine(sqlite_url(path)), stack)


def postgresql_log(request: pytest.FixtureRequest, stack: ExitStack) -> AuditLog:
    """Keep the log in PostgreSQL."""
    return sql_log(open_engine(new_database(request.getfixturevalue("postgresql"))), stack)


def sql_log(engine: Engine, stack: ExitStack) -> AuditLog:
    """Keep the log in an empty database."""
    stack.callback(engine.dispose)
    keyring = memory_keyring()
    upgrade(engine, keyring)
    return SqlAuditLog(engine, SIGNER, keyring)


Make = Callable[[pytest.FixtureRequest, ExitStack], AuditLog]


@pytest.fixture(
    params=[
        pytest.param(memory_log, id="memory"),
        pytest.param(sqlite_log, id="sqlite"),
        pytest.param(postgresql_log, id="postgresql"),
    ]
)
def log(request: pytest.FixtureRequest) -> Iterator[AuditLog]:
    """An empty log of one adapter."""
    make: Make = request.param
    with ExitStack() as stack:
        yield make(request, stack)


def stored(log: AuditLog) -> list[bytes]:
    """Return all entries."""
    return list(log.entries(0, log.head().size))


def root_of(bodies: list[bytes]) -> bytes:
    """Return the root of a tree of these entries."""
    frontier = Frontier()
    frontier.extend([leaf_hash(body) for body in bodies])
    return frontier.root()


def holds(receipt: Receipt) -> bool:
    """Say whether a receipt holds by itself."""
    return receipt.holds((SIGNER.verifier,))


def test_it_is_empty_at_first(log: AuditLog) -> None:
    assert (log.head().size, log.head().note) == (0, "")
    assert stored(log) == []
    assert log.checkpoints() == ()


def test_each_entry_gets_a_receipt_that_stays_true(log: AuditLog) -> None:
    receipts = [log.record(entry(number)) for number in range(20)]

    assert all(holds(receipt) for receipt in receipts)
    assert [receipt.entry for receipt in receipts] == stored(log)
    assert [receipt.checkpoint.root for receipt in receipts] == [root_of(stored(log)[:n]) for n in range(1, 21)]


def test_several_entries_at_once_stand_in_their_order(log: AuditLog) -> None:
    log.record(entry(0))

    receipt = log.record(*map(entry, range(1, 7)))

    assert [f'"number":{number}' in body.decode() for number, body in enumerate(stored(log))] == [True] * 7
    assert (receipt.proof.index, receipt.checkpoint.size) == (6, 7)
    assert holds(receipt)


def test_the_head_is_signed(log: AuditLog) -> None:
    log.record(*map(entry, range(5)))

    note = parse_note(log.head().note)

    assert note.signed_by([SIGNER.verifier])
    assert not note.signed_by([new_signer(SIGNER.verifier.name).verifier])
    assert parse_checkpoint(note.text).root == root_of(stored(log))


def test_every_complete_subtree_is_kept(log: AuditLog) -> None:
    log.record(*map(entry, range(13)))
    bodies = stored(log)

    assert list(log.nodes(0, 0, 99)) == [leaf_hash(body) for body in bodies]
    assert list(log.nodes(2, 0, 99)) == [root_of(bodies[at : at + 4]) for at in (0, 4, 8)]
    assert list(log.nodes(3, 0, 1)) == [root_of(bodies[:8])]
    assert list(log.nodes(9, 0, 9)) == []


def test_entries_of_equal_content_differ(log: AuditLog) -> None:
    log.record(entry(1), entry(1))

    assert len(set(stored(log))) == 2


def test_a_part_is_read(log: AuditLog) -> None:
    log.record(*map(entry, range(9)))

    assert list(log.entries(3, 6)) == stored(log)[3:6]
    assert list(log.entries(8, 99)) == stored(log)[8:]


def test_checkpoints_come_back_in_their_order(log: AuditLog) -> None:
    for note in ("b\n", "a\n", "b\n"):
        log.add_checkpoint(note)

    assert log.checkpoints() == ("b\n", "a\n", "b\n")


def test_an_entry_that_is_too_long_is_refused_and_nothing_written(log: AuditLog) -> None:
    with pytest.raises(ValueError, match="65535"):
        log.record(entry(0), entry(1, words="x" * 70_000))

    assert log.head().size == 0


def test_eight_writers_lose_no_entry(log: AuditLog) -> None:
    def write(writer: int) -> list[Receipt]:
        return [log.record(entry(writer * 100 + number)) for number in range(25)]

    with ThreadPoolExecutor(8) as pool:
        receipts = [receipt for written in pool.map(write, range(8)) for receipt in written]

    bodies = stored(log)
    assert len(bodies) == 200
    assert sorted(receipt.proof.index for receipt in receipts) == list(range(200))
    assert all(bodies[receipt.proof.index] == receipt.entry and holds(receipt) for receipt in receipts)
    assert parse_checkpoint(parse_note(log.head().note).text).root == root_of(bodies)


def test_a_key_hands_over_to_another_one_and_can_t_go_on(log: AuditLog) -> None:
    successor = new_signer(SIGNER.verifier.name)
    log.record(entry(1))

    log.hand_over(rotation(successor.verifier.vkey), successor)
    later = log.record(entry(2))

    [handed_over] = log.checkpoints()
    assert len(parse_note(handed_over).signed_by([SIGNER.verifier, successor.verifier])) == 2
    assert later.holds((successor.verifier,))
    assert not holds(later)
    for verifiers in ([SIGNER.verifier], [SIGNER.verifier, successor.verifier]):
        assert verify_log(log, verifiers=verifiers).checkpoint.size == 3
