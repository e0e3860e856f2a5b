"""A new key takes over the log's signing, whatever else happens meanwhile: the key that the log names is never lost."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import URL

from countenance.adapters.durable import locked
from countenance.audit.growth import Head
from countenance.audit.model import Entry, Receipt
from countenance.audit.note import Signature, SignedNote, Signer, Verifier, parse_note
from countenance.audit.ports import AuditLog
from countenance.audit.verification import verify_log
from countenance.bootstrap.auditing import (
    export_log,
    finish_rotation,
    known_verifiers,
    load_signer,
    open_export,
    rotate_key,
)
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.keyring import audit_key_file
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.core.errors import CountenanceError, UnavailableError
from countenance.policy.model import SYSTEM
from tests.audit_parts import entry
from tests.integration.audit.rotate_and_die import STEPS
from tests.postgresql import setting_of


@pytest.fixture
def settings(tmp_path: Path, database: URL, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of an initialised home, its records in a database of each kind."""
    if (records := setting_of(database)) is not None:
        monkeypatch.setenv("COUNTENANCE_RECORDS_DATABASE", records.get_secret_value())
    monkeypatch.setenv("COUNTENANCE_AUDIT_KEY", str(tmp_path / "keys" / "audit-key"))
    made = Settings(home=tmp_path / "home")
    initialise(made)
    return made


def nothing() -> None:
    """Let it go on."""


class Interrupted:
    """A log as it is, while something else is done before it is handed over, or right after."""

    def __init__(
        self, log: AuditLog, *, before: Callable[[], object] = nothing, after: Callable[[], object] = nothing
    ) -> None:
        self._log, self._before, self._after = log, before, after

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def hand_over(self, handing: Entry, successor: Signer) -> Receipt:
        """Hand over, between the two."""
        self._before()
        receipt = self._log.hand_over(handing, successor)
        self._after()
        return receipt


def opened(settings: Settings) -> None:
    """Open the gallery and put an entry on record."""
    with open_gallery(settings) as gallery:
        gallery.audit.record(entry())


def rotated(settings: Settings, **interrupted: Callable[[], object]) -> None:
    """Let a new key take over."""
    with open_gallery(settings) as gallery:
        rotate_key(settings, Interrupted(gallery.audit, **interrupted), actor=SYSTEM)  # type: ignore[arg-type]


def goes_on(settings: Settings, first: Verifier) -> int:
    """Check that the gallery records, that its keys hang together, and return how many there were."""
    opened(settings)
    verifiers = known_verifiers(settings)
    with open_gallery(settings) as gallery:
        for known in ([first], verifiers):
            assert verify_log(gallery.audit, verifiers=known).checkpoint.size == gallery.audit.head().size
        assert parse_note(gallery.audit.head().note).signed_by([load_signer(settings).verifier])
    assert verifiers[0] == first
    assert verifiers[-1] == load_signer(settings).verifier
    return len(verifiers)


def waiting(settings: Settings) -> list[str]:
    """Return the keys that lie beside the one in use."""
    path = audit_key_file(settings)
    return sorted(one.name for one in path.parent.glob(f"{path.name}.next*"))


def test_an_opening_before_the_log_is_handed_over_leaves_the_new_key_alone(settings: Settings) -> None:
    first = load_signer(settings).verifier

    rotated(settings, before=lambda: opened(settings))

    assert goes_on(settings, first) == 2
    assert waiting(settings) == []


def test_an_opening_after_the_log_was_handed_over_finishes_it(settings: Settings) -> None:
    first = load_signer(settings).verifier

    rotated(settings, after=lambda: opened(settings))

    assert goes_on(settings, first) == 2
    assert waiting(settings) == []


def test_an_opening_waits_for_no_rotation(settings: Settings) -> None:
    path = audit_key_file(settings)

    with locked(path.with_name(f"{path.name}.lock")), locked(path.with_name(f"{path.name}.rotation-lock")):
        opening = threading.Thread(target=opened, args=(settings,), daemon=True)
        opening.start()
        opening.join(20)
        waits = opening.is_alive()

    opening.join()
    assert not waits


def test_of_two_rotations_at_once_one_takes_over_and_the_other_is_told(settings: Settings) -> None:
    first, codes = load_signer(settings).verifier, []

    def second() -> None:
        with open_gallery(settings) as gallery:
            ready.set()
            try:
                rotate_key(settings, gallery.audit, actor=SYSTEM)
            except CountenanceError as error:
                codes.append(error.code)

    ready, other = threading.Event(), threading.Thread(target=second)

    def begin() -> None:
        other.start()
        assert ready.wait(20)
        other.join(0.5)
        # It takes its turn.
        assert other.is_alive()

    rotated(settings, before=begin)
    other.join()

    assert codes == ["audit-key-replaced"]
    assert goes_on(settings, first) == 2


def test_a_rotation_after_one_that_died_does_not_cost_its_key(settings: Settings) -> None:
    first = load_signer(settings).verifier
    with open_gallery(settings) as stale:
        killed(settings, "handed over")
        with pytest.raises(CountenanceError) as caught:
            rotate_key(settings, stale.audit, actor=SYSTEM)

    assert caught.value.code == "audit-key-replaced"
    assert goes_on(settings, first) == 2


def test_what_a_full_disk_left_undone_is_done_by_the_next_rotation(settings: Settings) -> None:
    first = load_signer(settings).verifier
    full = settings.audit_vkeys.with_name(f"{settings.audit_vkeys.name}.new")

    with open_gallery(settings) as gallery:
        with pytest.raises(CountenanceError) as caught:
            rotate_key(settings, Interrupted(gallery.audit, after=full.mkdir), actor=SYSTEM)  # type: ignore[arg-type]
        gallery.audit.record(entry())
        full.rmdir()
        rotate_key(settings, gallery.audit, actor=SYSTEM)

    assert caught.value.code == "audit-key-unwritable"
    assert goes_on(settings, first) == 3
    assert waiting(settings) == []


def killed(settings: Settings, step: str) -> None:
    """Rotate in a process that dies right after a step."""
    script = (sys.executable, "-m", "tests.integration.audit.rotate_and_die", settings.home, step)
    ended = subprocess.run(script, capture_output=True, check=False, env=os.environ)
    assert (ended.returncode, ended.stderr) == (-signal.SIGKILL, b"")


def test_a_commit_that_ends_after_its_rotation_died_loses_no_key(settings: Settings) -> None:
    first, sent = load_signer(settings).verifier, []

    with open_gallery(settings) as gallery:

        class Gone:
            """The log, whose database is gone for the client and ends the commit later."""

            head = gallery.audit.head

            def hand_over(self, handing: Entry, successor: Signer) -> Receipt:
                sent.append((handing, successor))
                raise UnavailableError("gone", code="records-unavailable")

        with pytest.raises(UnavailableError):
            rotate_key(settings, Gone(), actor=SYSTEM)  # type: ignore[arg-type]
        opened(settings)
        [(handing, successor)] = sent
        gallery.audit.hand_over(handing, successor)

    assert goes_on(settings, first) == 2


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_the_log_goes_on(settings: Settings, step: str) -> None:
    first = load_signer(settings).verifier

    killed(settings, step)

    keys = goes_on(settings, first)
    assert keys == (1 if step in {"half of the new key", "the new key"} else 2)
    rotated(settings)
    assert goes_on(settings, first) == keys + 1
    assert waiting(settings) == []


def of_the_version_before(settings: Settings) -> None:
    """Let the key that waits wait where the version before this one had put it."""
    [name] = waiting(settings)
    path = audit_key_file(settings)
    path.with_name(name).rename(path.with_name(f"{path.name}.next"))


def test_a_rotation_that_was_cut_short_before_an_upgrade_is_finished_after_it(settings: Settings) -> None:
    first = load_signer(settings).verifier
    killed(settings, "handed over")
    of_the_version_before(settings)

    assert goes_on(settings, first) == 2
    assert waiting(settings) == []


@pytest.mark.parametrize("step", ["half of the new key", "the new key"])
def test_a_key_that_an_earlier_version_left_behind_goes_with_the_next_rotation(settings: Settings, step: str) -> None:
    first = load_signer(settings).verifier
    killed(settings, step)
    of_the_version_before(settings)

    assert goes_on(settings, first) == 1
    rotated(settings)
    assert goes_on(settings, first) == 2
    assert waiting(settings) == []


def test_a_key_that_a_head_names_without_its_signature_does_not_take_over(settings: Settings) -> None:
    killed(settings, "the new key")
    first, [name] = load_signer(settings).verifier, waiting(settings)
    with open_gallery(settings) as gallery:
        head = gallery.audit.head()
    note = parse_note(head.note)
    [own] = note.signatures
    forged = Signature(own.name, bytes.fromhex(name.rpartition("-")[2]), own.blob)

    named = Head(head.size, head.peaks, SignedNote(note.text, (own, forged)).render())

    finish_rotation(settings, named)

    assert load_signer(settings).verifier == first


def test_an_export_names_the_key_that_took_over_meanwhile(settings: Settings, tmp_path: Path) -> None:
    first = load_signer(settings).verifier
    with open_gallery(settings) as gallery:
        gallery.audit.record(entry())
        todo = [lambda: killed(settings, "handed over")]

        class Late:
            """The log, handed over right before its head is read."""

            def __getattr__(self, name: str) -> object:
                if name == "head" and todo:
                    todo.pop()()
                return getattr(gallery.audit, name)

        export_log(settings, Late(), tmp_path / "export")  # type: ignore[arg-type]

    opened(settings)
    log = open_export(tmp_path / "export")
    assert verify_log(log, verifiers=[first]).checkpoints == 1
    signed = parse_note(log.head().note).signed_by(known_verifiers(settings))
    assert [one.vkey for one in signed] == (tmp_path / "export" / "vkeys").read_text().split()
