"""Oversight over a log: alerts on record, delivered with proofs, and keys of old sketches destroyed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.memory_audit import MemoryAuditLog
from countenance.audit.model import Entry, Outcome, parse_receipt
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.overseeing import deliver
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.core.errors import NotFoundError, NotPermittedError, UnavailableError
from countenance.core.ids import new_id
from countenance.keys.model import KeyState, case_scope
from countenance.oversight.detector import Limits
from countenance.oversight.model import Rule
from countenance.oversight.service import Oversight
from countenance.oversight.sketch import period_before, period_of
from countenance.policy.model import SYSTEM, Sector
from countenance.search.model import SearchRequest
from countenance.search.permission import SearchPermits
from tests import signed_up
from tests.audit_parts import SIGNER

LIMITS = Limits(barring=frozenset({"core-organisation"}))
TEMPLATE = np.eye(1, 128, dtype=np.float32)


def refused() -> Entry:
    """Return the entry of a search that was refused because of the organisation."""
    facts = {"code": "not-permitted", "rules": ["core-organisation"]}
    return Entry(action="search", outcome=Outcome.REFUSED, actor=SYSTEM, facts=facts)


def test_an_alert_is_put_on_record_once() -> None:
    log = MemoryAuditLog(SIGNER)
    oversight = Oversight(log, memory_keyring(), lambda: LIMITS)
    log.record(*(refused() for _ in range(4)))

    [found] = oversight.run(actor=SYSTEM)

    assert (found.alert.rule, found.alert.entries, found.entry) == (Rule.BARRED, (0, 1, 2), 4)
    assert oversight.run(actor=SYSTEM) == ()
    assert oversight.alerts() == (found,)


def test_marks_of_one_face_are_alike_and_the_template_is_not_in_them() -> None:
    oversight = Oversight(MemoryAuditLog(SIGNER), memory_keyring(), lambda: LIMITS)

    marks = oversight.marks(TEMPLATE)

    assert marks == oversight.marks(TEMPLATE)
    assert len(marks["sketch"]) == 64
    assert marks != Oversight(MemoryAuditLog(SIGNER), memory_keyring(), lambda: LIMITS).marks(TEMPLATE)


def test_keys_of_old_sketches_are_destroyed_and_the_log_says_so() -> None:
    log, keyring = MemoryAuditLog(SIGNER), memory_keyring()
    last = period_before(period_of(datetime.now(UTC)))
    scopes = [case_scope(f"oversight-{period}") for period in (last, period_before(last))]
    for scope in scopes:
        keyring.fingerprint(scope, b"directions", column="oversight.sketch")

    Oversight(log, keyring, lambda: LIMITS).run(actor=SYSTEM)

    assert [keyring.state(scope) for scope in scopes] == [KeyState.ACTIVE, KeyState.DESTROYED]
    assert json.loads(next(log.entries(0, 1)))["action"] == "oversight-key-destroy"
    with pytest.raises(NotFoundError):
        keyring.fingerprint(scopes[1], b"directions", column="oversight.sketch")


def test_alerts_are_delivered_with_proofs_once(tmp_path: Path) -> None:
    log = MemoryAuditLog(SIGNER)
    oversight = Oversight(log, memory_keyring(), lambda: LIMITS)
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


@pytest.mark.parametrize(
    ("packs", "sector", "place", "rule"),
    [
        ("default", Sector.COMPANY, ("NL", None), "default-sector"),
        ("default", Sector.LAW_ENFORCEMENT, ("US", "US-IL"), "default-us-il"),
        ("archive", Sector.COMPANY, ("NL", None), "archive-sector"),
        ("archive", Sector.ARCHIVE, ("US", "US-IL"), "archive-us-il"),
        ("default,us-il-bipa", Sector.EDUCATION, ("US", "US-IL"), "us-il-bipa-probe"),
    ],
)
def test_searches_that_the_packs_in_force_refuse_an_organisation_are_told(
    tmp_path: Path, packs: str, sector: Sector, place: tuple[str, str | None], rule: str
) -> None:
    settings = Settings(home=tmp_path / "home", policy_packs=packs)
    initialise(settings)
    with open_gallery(settings) as gallery:
        signed_up.organisation(gallery, "Barred", sector=sector, place=place)
        signed_up.person(gallery, "barred", org="Barred")
        actor = signed_up.admitted(gallery, "barred")
        asked = SearchRequest(image=b"x", filename=None, case=signed_up.CASE, purpose=signed_up.PURPOSE, actor=actor)
        for _ in range(3):
            with pytest.raises(NotPermittedError) as refused:
                SearchPermits(lambda: gallery.policy, gallery.ledger, gallery.records).permit(asked, new_id())

        [found] = gallery.oversight.run(actor=SYSTEM)

    assert rule in {reason["rule"] for reason in refused.value.reasons}
    assert (found.alert.rule, found.alert.user) == (Rule.BARRED, actor.user_id)


def test_a_policy_that_can_not_be_loaded_keeps_no_old_key_alive(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", policy_packs="no-such-pack")
    initialise(settings)
    with open_gallery(settings) as gallery:
        old = period_before(period_before(period_of(datetime.now(UTC))))
        gallery.keyring.fingerprint(case_scope(f"oversight-{old}"), b"directions", column="oversight.sketch")

        assert gallery.oversight.destroy_old_keys(actor=SYSTEM) == (old,)
        with pytest.raises(NotFoundError):
            gallery.oversight.run(actor=SYSTEM)
