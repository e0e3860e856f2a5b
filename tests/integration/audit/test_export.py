"""An export of a log that goes on meanwhile, and one that is cut short, hold as what they were begun as."""

from collections.abc import Callable
from pathlib import Path

import pytest

from countenance.adapters.audit_export import ExportedLog, write_export
from countenance.adapters.memory_audit import MemoryAuditLog
from countenance.audit.note import new_signer
from countenance.audit.verification import Verified, verify_log
from countenance.core.errors import IntegrityError, UnavailableError
from tests.audit_parts import SIGNER, entry, rotation

SIZE = 300


@pytest.fixture
def log() -> MemoryAuditLog:
    """A log with one checkpoint on record."""
    made = MemoryAuditLog(SIGNER)
    made.record(*map(entry, range(SIZE)))
    made.add_checkpoint(made.head().note)
    return made


def exported(log: MemoryAuditLog, folder: Path, on_progress: Callable[[int], None] = lambda _: None) -> None:
    """Export a log."""
    write_export(log, folder, vkeys=lambda: SIGNER.verifier.vkey, readme="r", on_progress=on_progress)


def verified(folder: Path) -> Verified:
    """Check an export, by the log's first key alone."""
    return verify_log(ExportedLog(folder), verifiers=[SIGNER.verifier])


def published(log: MemoryAuditLog) -> None:
    """Append an entry and put a checkpoint on record."""
    log.record(entry())
    log.add_checkpoint(log.head().note)


def handed_over(log: MemoryAuditLog) -> None:
    """Let a new key take over, and put a checkpoint on record that it alone signed."""
    successor = new_signer(SIGNER.verifier.name)
    log.hand_over(rotation(successor.verifier.vkey), successor)
    published(log)


@pytest.mark.parametrize("meanwhile", [published, handed_over])
def test_what_comes_after_its_head_is_left_out(
    log: MemoryAuditLog, tmp_path: Path, meanwhile: Callable[[MemoryAuditLog], None]
) -> None:
    todo = [meanwhile]

    exported(log, tmp_path, lambda _: todo.pop()(log) if todo else None)

    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["000000"]
    found = verified(tmp_path)
    assert (found.checkpoint.size, found.checkpoints) == (SIZE, 1)
    exported(log, tmp_path)
    assert verified(tmp_path).checkpoint.size == log.head().size


@pytest.mark.parametrize("more", [published, handed_over])
def test_an_older_one_holds_when_a_newer_one_is_cut_short(
    log: MemoryAuditLog, tmp_path: Path, more: Callable[[MemoryAuditLog], None]
) -> None:
    exported(log, tmp_path)
    readme = tmp_path / "README.md"
    readme.unlink()
    readme.mkdir()
    (tmp_path / "checkpoints" / ".000009.part").write_text("countenance.te")
    more(log)

    with pytest.raises(UnavailableError):
        exported(log, tmp_path)

    assert verified(tmp_path).checkpoint.size == SIZE
    readme.rmdir()
    exported(log, tmp_path)
    assert verified(tmp_path).checkpoint.size == log.head().size


def test_a_checkpoint_of_an_export_that_can_t_be_read_is_noticed(log: MemoryAuditLog, tmp_path: Path) -> None:
    exported(log, tmp_path)
    (tmp_path / "checkpoints" / "000000").write_text("junk")

    with pytest.raises(IntegrityError) as caught:
        verified(tmp_path)

    assert caught.value.code == "checkpoint-invalid"


def test_a_log_is_verified_while_its_key_changes(log: MemoryAuditLog) -> None:
    class Changing:
        """The log, whose key changes each time that its checkpoints were read."""

        def __getattr__(self, name: str) -> object:
            return getattr(log, name)

        def checkpoints(self) -> tuple[str, ...]:
            found = log.checkpoints()
            handed_over(log)
            return found

    assert verify_log(Changing(), verifiers=[SIGNER.verifier]).checkpoints == 1  # type: ignore[arg-type]
