"""Oversight over a log: alerts on record, delivered with proofs, and keys of old sketches destroyed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.memory_audit import MemoryAuditLog
from countenance.audit.model import Entry, Outcome, parse_receipt
from countenance.bootstrap.overseeing import deliver
from countenance.bootstrap.settings import Settings
from countenance.core.errors import NotFoundError, UnavailableError
from countenance.keys.model import KeyState, case_scope
from countenance.oversight.detector import Limits
from countenance.oversight.model import Rule
from countenance.oversight.service import Oversight
from countenance.oversight.sketch import period_before, period_of
from countenance.policy.model import SYSTEM
from tests.audit_parts import SIGNER

LIMITS = Limits(barring=frozenset({"core-organisation"}))
TEMPLATE = np.eye(1, 128, dtype=np.float32)


def refused() -> Entry:
    """Return the entry of a search that was refused because of the organisation."""
    facts = {"code": "not-permitted", "rules": ["core-organisation"]}
    return Entry(action="search", outcome=Outcome.REFUSED, actor=SYSTEM, facts=facts)


def test_an_alert_is_put_on_record_once() -> None:
    log = MemoryAuditLog(SIGNER)
    oversight = Oversight(log, memory_keyring(), LIMITS)
    log.record(*(refused() for _ in range(4)))

    [found] = oversight.run(actor=SYSTEM)

    assert (found.alert.rule, found.alert.entries, found.entry) == (Rule.BARRED, (0, 1, 2), 4)
    assert oversight.run(actor=SYSTEM) == ()
    assert oversight.alerts() == (found,)


def test_marks_of_one_face_are_alike_and_the_template_is_not_in_them() -> None:
    oversight = Oversight(MemoryAuditLog(SIGNER), memory_keyring(), LIMITS)

    marks = oversight.marks(TEMPLATE)

    assert marks == oversight.marks(TEMPLATE)
    assert len(marks["sketch"]) == 64
    assert marks != Oversight(MemoryAuditLog(SIGNER), memory_keyring(), LIMITS).marks(TEMPLATE)


def test_keys_of_old_sketches_are_destroyed_and_the_log_says_so() -> None:
    log, keyring = MemoryAuditLog(SIGNER), memory_keyring()
    last = period_before(period_of(datetime.now(UTC)))
    scopes = [case_scope(f"oversight-{period}") for period in (last, period_before(last))]
    for scope in scopes:
        keyring.fingerprint(scope, b"directions", column="oversight.sketch")

    Oversight(log, keyring, LIMITS).run(actor=SYSTEM)

    assert [keyring.state(scope) for scope in scopes] == [KeyState.ACTIVE, KeyState.DESTROYED]
    assert json.loads(next(log.entries(0, 1)))["action"] == "oversight-key-destroy"
    with pytest.raises(NotFoundError):
        keyring.fingerprint(scopes[1], b"directions", column="oversight.sketch")


def test_alerts_are_delivered_with_proofs_once(tmp_path: Path) -> None:
    log = MemoryAuditLog(SIGNER)
    oversight = Oversight(log, memory_keyring(), LIMITS)
    log.record(*(refused() for _ in range(3)))
    oversight.run(actor=SYSTEM)
    (tmp_path / "audit-vkeys").write_text(SIGNER.verifier.vkey + "\n")
    (tmp_path / "officer").mkdir()
    settings = Settings(home=tmp_path, oversight_folder=tmp_path / "officer")

    written = deliver(settings, log, oversight.alerts())

    document = json.loads((tmp_path / "officer" / "alert-3.json").read_text())
    assert (written, document["rule"]) == (1, "barred")
    assert parse_receipt(document).holds((SIGNER.verifier,))
    assert deliver(settings, log, oversight.alerts()) == 0
    with pytest.raises(UnavailableError) as caught:
        deliver(settings.model_copy(update={"oversight_folder": tmp_path / "nowhere"}), log, oversight.alerts())
    assert caught.value.code == "oversight-folder-unwritable"
