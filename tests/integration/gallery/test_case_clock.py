"""Cases that were closed long ago: what is personal of them goes, with the answers of their searches."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from countenance.adapters.durable import replace_synced
from countenance.bootstrap.keyring import key_files
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.clock import utc_now
from countenance.core.errors import NotFoundError, UnavailableError
from countenance.keys.model import KeyState, case_scope
from countenance.policy.model import Actor
from countenance.search.approval import ApprovalRequest, ApprovalState
from tests import signed_up
from tests.audit_parts import entry
from tests.made_up_galleries import made_up_home, traces

REFERENCE, COURT, DOCUMENT = "2026-planted-reference", "District Court of Plantville", b"planted order of the court"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home whose cases are kept for thirty days."""
    return made_up_home(tmp_path / "home", {"one": 2}).model_copy(update={"keep_cases_days": 30})


@pytest.fixture
def gallery(settings: Settings) -> Iterator[OpenGallery]:
    """It, open."""
    with open_gallery(settings) as opened:
        yield opened


def closed_case(gallery: OpenGallery, actor: Actor, reference: str, *, days_ago: int) -> str:
    """Open a case with an authorisation, and close it so many days ago."""
    case = gallery.cases.open(reference, actor=actor, authorised_by=COURT, document=DOCUMENT)
    with pytest.MonkeyPatch.context() as patch:
        then = utc_now() - timedelta(days=days_ago)
        patch.setattr("countenance.bootstrap.cases.utc_now", lambda: then)
        gallery.cases.close(reference, actor=actor)
    return case.case_id


def answered(gallery: OpenGallery, actor: Actor, case_id: str, search_id: str, *, reference: str) -> None:
    """Count a search under a case, with its answer and an approval that it used."""
    with gallery.ledger.deciding() as change:
        change.reserve(search_id, actor=actor, case_id=case_id, at=utc_now())
        change.ask(
            ApprovalRequest(
                approval_id=search_id,
                org_id=actor.org_id,
                user_id=actor.user_id,
                request_hash=search_id,
                state=ApprovalState.WAITING,
                asked_at=utc_now(),
                case=reference,
                case_id=case_id,
                purpose="missing-person",
                offence="",
                kind="photograph",
            )
        )
    answer = {"searched_at": utc_now().isoformat(), "case": reference, "candidates": []}
    gallery.records.put_search(search_id, answer, entry=entry())


def test_a_closed_case_is_forgotten_with_its_key_its_answers_and_approvals(gallery: OpenGallery) -> None:
    actor = signed_up.acting(gallery)
    old = closed_case(gallery, actor, REFERENCE, days_ago=32)
    recent = closed_case(gallery, actor, "recent", days_ago=29)
    still_open = gallery.cases.open("open", actor=actor).case_id
    for case_id, search_id, reference in ((old, "s-old", REFERENCE), (recent, "s-recent", "recent")):
        answered(gallery, actor, case_id, search_id, reference=reference)
    before = len(list((gallery.settings.objects / "cases").rglob("*")))

    planned = gallery.retention.plan().cases
    ran = gallery.retention.run().cases
    again = gallery.retention.run().cases

    assert (planned, ran, again) == ((old,), (old,), ())
    assert gallery.keyring.state(case_scope(old)) is KeyState.DESTROYED
    assert {case.case_id for case in gallery.cases.all(actor=actor)} == {recent, still_open}
    assert gallery.records.search("s-recent")["case"] == "recent"
    assert [one.case_id for one in gallery.approvals._register.approvals(actor.org_id)] == [recent]
    for name in (REFERENCE, old):
        with pytest.raises(NotFoundError) as caught:
            gallery.cases.case(name, actor=actor)
        assert caught.value.code == "case-unknown"
    with pytest.raises(NotFoundError):
        gallery.records.search("s-old")
    assert len(list((gallery.settings.objects / "cases").rglob("*"))) < before
    assert traces(gallery.settings.home, REFERENCE.encode(), COURT.encode(), DOCUMENT) == []
    entries = [json.loads(body) for body in gallery.audit.entries(0, gallery.audit.head().size)]
    assert [one["facts"] for one in entries if one["action"] == "case-forgotten"] == [{"case": old, "answers": 1}]


def test_its_key_does_not_come_back_with_the_keyring_of_before(gallery: OpenGallery) -> None:
    actor = signed_up.acting(gallery)
    old = closed_case(gallery, actor, REFERENCE, days_ago=32)
    keyring = key_files(gallery.settings)[1]
    before = keyring.read_bytes()
    gallery.retention.run()
    replace_synced(keyring, before)

    with open_gallery(gallery.settings) as again:
        assert again.keyring.state(case_scope(old)) is KeyState.DESTROYED


def test_its_reference_may_be_used_again(gallery: OpenGallery) -> None:
    actor = signed_up.acting(gallery)
    old = closed_case(gallery, actor, REFERENCE, days_ago=32)
    gallery.retention.run()

    new = gallery.cases.open(REFERENCE, actor=actor)

    assert new.case_id != old
    assert gallery.cases.case(REFERENCE, actor=actor) == new


def test_while_somebody_reads_what_went_it_is_not_done(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countenance.adapters.sql.database.BUSY_MS", 50)
    with open_gallery(settings) as gallery:
        actor = signed_up.acting(gallery)
        old = closed_case(gallery, actor, REFERENCE, days_ago=32)
        answered(gallery, actor, old, "s-old", reference=REFERENCE)
        reader = sqlite3.connect(settings.database, isolation_level=None)
        reader.execute("BEGIN")
        [(answer,)] = reader.execute("SELECT entry FROM search").fetchall()

        with open_gallery(settings) as first, pytest.raises(UnavailableError) as caught:
            first.retention.run()
        with open_gallery(settings) as second, pytest.raises(UnavailableError) as still:
            second.retention.run()
        left = traces(settings.home, answer)
        reader.close()
        # Opened all the while: whoever closes a database last empties its log.
        with open_gallery(settings) as third:
            planned, key = third.retention.plan().cases, third.keyring.state(case_scope(old))
            ran, again = third.retention.run().cases, third.retention.run().cases
            after = traces(settings.home, answer)

    assert (caught.value.code, still.value.code) == ("records-being-read", "records-being-read")
    assert (bool(left), planned, key, ran, again) == (True, (old,), KeyState.DESTROYED, (old,), ())
    assert after == []


def test_one_that_was_cut_short_is_finished(gallery: OpenGallery, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = signed_up.acting(gallery)
    old = closed_case(gallery, actor, REFERENCE, days_ago=32)
    with monkeypatch.context() as patch:
        patch.setattr(type(gallery.keyring), "destroy", lambda *_, **__: (_ for _ in ()).throw(OSError("cut off")))
        with pytest.raises(OSError, match="cut off"):
            gallery.retention.run()
    planned = gallery.retention.plan().cases

    ran = gallery.retention.run().cases

    assert (planned, ran) == ((old,), (old,))
    assert gallery.keyring.state(case_scope(old)) is KeyState.DESTROYED


def test_without_a_setting_cases_are_kept(settings: Settings) -> None:
    with open_gallery(settings.model_copy(update={"keep_cases_days": None})) as gallery:
        actor = signed_up.acting(gallery)
        old = closed_case(gallery, actor, REFERENCE, days_ago=9999)

        assert gallery.retention.run().cases == ()
        assert gallery.cases.case(old, actor=actor).reference == REFERENCE
