"""Staying out: who consented is refused at enrolment from the release on, and is used for nothing else."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from countenance.adapters.durable import replace_synced
from countenance.bootstrap.keyring import key_files
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.arrays import Templates
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, CountenanceError
from countenance.gallery.enrolment import EnrolmentReport
from countenance.gallery.plan import PlannedPhotograph
from countenance.keys.model import KeyState, case_scope
from countenance.policy.model import SYSTEM, Actor
from countenance.rights.letter import letter
from countenance.rights.model import Looked, RequestKind, RequestState, RightsRequest
from countenance.search.model import ProbePhotograph
from tests import signed_up
from tests.made_up_galleries import Reader, found, made_up_home, people, traces

TODAY = utc_now().date()
UNTIL = TODAY + timedelta(days=30)
SIGNED = b"a planted form of consent"
PROBE = ProbePhotograph(image=b"a planted photograph", filename="x.jpg")
PERSON, OTHER = people("somebody who stays out", 1), people("somebody else", 1)


def again(template: Templates, *, seed: int, noise: float = 0.3) -> Templates:
    """Return another template, shape (d,), of the person of one, shape (1, d)."""
    step = np.random.default_rng(seed).standard_normal(template.shape[1])
    moved = template[0] + noise * step / np.linalg.norm(step)
    return np.asarray(moved / np.linalg.norm(moved), dtype=np.float32)


class Desk:
    """A gallery with two people at its desk, whose requester is always the same person."""

    def __init__(self, gallery: OpenGallery, first: Actor, second: Actor) -> None:
        self.gallery, self.first, self.second = gallery, first, second
        self.rights = replace(gallery.rights, read=lambda _: PERSON)
        self.entries = gallery.rights.stay_out.entries

    def asked(self, kind: RequestKind = RequestKind.STAY_OUT) -> str:
        received = self.rights.receive(kind, name="Wilhelmina Planted", contact="w@example.org", actor=self.first)
        return self.rights.identify(received.request_id, how="passport seen", actor=self.first).request_id

    def consented(self, *, until: date = UNTIL) -> RightsRequest:
        return self.consent(self.asked(), until=until)

    def consent(self, request_id: str, *, until: date = UNTIL, document: bytes = SIGNED) -> RightsRequest:
        return self.rights.consent(request_id, [PROBE], document=document, ends_on=until, actor=self.first)

    def released(self, *, granted: bool = True, until: date = UNTIL, subjects: Sequence[str] = ()) -> RightsRequest:
        request_id = self.consented(until=until).request_id
        self.rights.decide(request_id, granted=granted, reason="their wish", subjects=subjects, actor=self.first)
        return self.rights.release(request_id, actor=self.second)

    def enrol(self, **shown: Sequence[Templates]) -> EnrolmentReport:
        """Enrol photographs of so-named people, each showing some faces."""
        enrolment = self.gallery._enrolment("one", SYSTEM, lambda _: None)
        planned = [PlannedPhotograph(path=Path(name), reference=name, label=name, data=name.encode()) for name in shown]
        return enrolment.run(planned, Reader(shown))

    def labels(self) -> set[str | None]:
        return {one.label for one in self.gallery.records.subjects(source="one", limit=99)}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk over one source of three people."""
    with open_gallery(made_up_home(tmp_path / "home", {"one": 3})) as gallery:
        yield Desk(gallery, signed_up.acting(gallery), signed_up.acting(gallery, "second"))


def code_of(call: Any) -> str:
    """Return the code that a call is refused with."""
    with pytest.raises(CountenanceError) as caught:
        call()
    return caught.value.code


def entry_of(request: RightsRequest) -> str:
    """Return the id of a request's entry."""
    assert request.consent is not None
    return request.consent.entry_id


def objects_of(gallery: OpenGallery) -> set[Path]:
    """Return the files of the object store."""
    return {path for path in gallery.settings.objects.rglob("*") if path.is_file()}


class TestEnrolment:
    def test_who_stays_out_is_refused_and_nothing_of_them_is_kept(self, desk: Desk) -> None:
        desk.released()
        objects, before = objects_of(desk.gallery), desk.gallery.records.snapshot()

        report = desk.enrol(planted=[again(PERSON, seed=1)])
        twice = desk.enrol(planted=[again(PERSON, seed=1)])
        after = desk.gallery.records.snapshot()

        [refused] = report.not_enrolled
        assert (refused.code, refused.reference) == ("stay-out", "planted")
        assert "Wilhelmina" not in refused.message + refused.hint
        assert (report.read, report.enrolled, report.templates, report.stay_out) == (1, 0, 0, 1)
        assert [one.code for one in twice.not_enrolled] == ["stay-out"]
        assert (after.subjects, after.images, after.templates) == (before.subjects, before.images, before.templates)
        assert objects_of(desk.gallery) == objects
        assert traces(desk.gallery.settings.home, b"planted") == []

    def test_others_are_enrolled_also_from_the_same_photograph(self, desk: Desk) -> None:
        desk.released()

        alone = desk.enrol(other=[again(OTHER, seed=1)])
        together = desk.enrol(group=[again(PERSON, seed=2), again(OTHER, seed=3)])
        [subject] = [one for one in desk.gallery.records.subjects(source="one", limit=9) if one.label == "group"]

        assert (alone.enrolled, alone.stay_out) == (1, 0)
        assert (together.enrolled, together.templates, together.stay_out, together.not_enrolled) == (1, 1, 1, [])
        assert [one.face.number for one in desk.gallery.records.faces_of(subject.subject_id)] == [2]

    def test_a_further_photograph_of_somebody_enrolled_before_is_refused_too(self, desk: Desk) -> None:
        desk.enrol(known=[again(PERSON, seed=1)])
        desk.released()
        planned = PlannedPhotograph(path=Path("b"), reference="b", label="known", data=b"b")

        report = desk.gallery._enrolment("one", SYSTEM, lambda _: None).run(
            [planned], Reader({"b": [again(PERSON, seed=2)]})
        )

        assert [one.code for one in report.not_enrolled] == ["stay-out"]
        assert "known" in desk.labels()

    def test_nobody_is_refused_before_the_release_nor_after_a_refusal(self, desk: Desk) -> None:
        waiting = desk.consented()
        before = desk.enrol(a=[again(PERSON, seed=1)])
        refused = desk.released(granted=False)

        assert before.enrolled == 1
        assert desk.enrol(b=[again(PERSON, seed=2)]).enrolled == 1
        assert refused.consent is None
        assert [one.entry_id for one in desk.entries.entries()] == [entry_of(waiting)]

    def test_one_that_comes_into_force_meanwhile_is_heeded_from_the_next_commit_on(self, desk: Desk) -> None:
        enrolment = desk.gallery._enrolment("one", SYSTEM, lambda _: None)
        first = PlannedPhotograph(path=Path("a"), reference="a", label="a", data=b"a")
        second = PlannedPhotograph(path=Path("b"), reference="b", label="b", data=b"b")
        reader = Reader({"a": [again(PERSON, seed=1)], "b": [again(PERSON, seed=2)]})
        desk.released()

        enrolment.run([first], reader)
        report = enrolment.run([second], reader)

        assert (report.enrolled, [one.code for one in report.not_enrolled]) == (1, ["stay-out"])

    def test_templates_of_another_pack_can_not_be_compared(self, desk: Desk) -> None:
        desk.released()

        with pytest.raises(ConflictError) as caught:
            desk.entries.in_force(TODAY, pack_digest="another")

        assert caught.value.code == "stay-out-of-another-pack"


class TestNothingElse:
    def test_no_search_reaches_it(self, desk: Desk) -> None:
        before = found(desk.gallery, PERSON)
        rows = len(desk.gallery.indexed.refresh()[0])
        desk.released()

        after = found(desk.gallery, PERSON)
        index, snapshot = desk.gallery.indexed.refresh()
        everything = np.concatenate(
            [one.templates for one in desk.gallery.records.template_batches(last_row=snapshot.last_row)]
        )

        assert after == before
        assert len(index) == rows
        assert (everything @ PERSON[0]).max() < 0.9
        assert desk.gallery.rights.look(PERSON, desk.first).found == ()
        assert all(entry_of(one) not in str(desk.gallery.records.sources()) for one in [desk.consented()])

    def test_nothing_of_it_stands_in_the_clear(self, desk: Desk) -> None:
        desk.released()
        scaled = np.rint(PERSON / np.abs(PERSON).max() * 127).astype(np.int8)
        planted = (PERSON.tobytes(), PERSON.astype(np.float16).tobytes(), scaled.tobytes(), SIGNED, PROBE.image)

        assert traces(desk.gallery.settings.home, *planted, b"Wilhelmina") == []

    def test_the_audit_log_names_nobody(self, desk: Desk) -> None:
        desk.gallery.rights.stay_out.withdraw(entry_of(desk.released()), actor=desk.first)
        entries = [json.loads(body) for body in desk.gallery.audit.entries(0, desk.gallery.audit.head().size)]
        ours = [one for one in entries if one["action"].startswith("stay-out")]

        assert [one["action"] for one in ours] == ["stay-out-propose", "stay-out-enforce", "stay-out-end"]
        assert {name for one in ours for name in one["facts"]} == {"entry", "ends_on", "document_sha256"}


class TestEnds:
    def test_who_takes_it_back_is_forgotten_at_once(self, desk: Desk) -> None:
        entry_id = entry_of(desk.released())
        documents = objects_of(desk.gallery)

        desk.gallery.rights.stay_out.withdraw(entry_id, actor=desk.first)

        assert desk.enrol(a=[again(PERSON, seed=1)]).enrolled == 1
        assert desk.entries.entries() == ()
        assert desk.gallery.keyring.state(case_scope(f"stay-out-{entry_id}")) is KeyState.DESTROYED
        assert len(documents - objects_of(desk.gallery)) == 1
        assert code_of(lambda: desk.rights.stay_out.withdraw(entry_id, actor=desk.first)) == "stay-out-unknown"

    def test_its_key_does_not_come_back_with_the_keyring_of_before(self, desk: Desk) -> None:
        entry_id = entry_of(desk.released())
        keyring = key_files(desk.gallery.settings)[1]
        before = keyring.read_bytes()
        desk.gallery.rights.stay_out.withdraw(entry_id, actor=desk.first)
        replace_synced(keyring, before)

        with open_gallery(desk.gallery.settings) as again:
            assert again.keyring.state(case_scope(f"stay-out-{entry_id}")) is KeyState.DESTROYED

    def test_it_is_not_in_force_after_its_last_day_and_a_run_destroys_it(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entry_id, digest = entry_of(desk.released()), desk.rights.stay_out.pack_digest()
        on_the_last, after = (
            desk.entries.in_force(day, pack_digest=digest) for day in (UNTIL, UNTIL + timedelta(days=1))
        )
        planned = desk.gallery.retention.plan(today=UNTIL + timedelta(days=1)).stay_out
        too_early = desk.gallery.retention.run().stay_out
        late = utc_now() + timedelta(days=31)
        monkeypatch.setattr("countenance.bootstrap.retaining.utc_now", lambda: late)

        ran = desk.gallery.retention.run().stay_out

        assert (on_the_last.bar(PERSON[0]), after.bar(PERSON[0])) == (True, False)
        assert (planned, too_early, ran) == ((entry_id,), (), (entry_id,))
        assert desk.entries.entries() == ()
        assert desk.gallery.keyring.state(case_scope(f"stay-out-{entry_id}")) is KeyState.DESTROYED

    def test_a_request_that_is_closed_without_a_release_takes_it_along(self, desk: Desk) -> None:
        request = desk.consented()
        desk.rights.close(request.request_id, reason="withdrawn", actor=desk.first)

        assert desk.entries.entries() == ()
        assert desk.gallery.keyring.state(case_scope(f"stay-out-{entry_of(request)}")) is KeyState.DESTROYED

    def test_it_outlives_its_request(self, desk: Desk) -> None:
        request = desk.released()
        desk.rights.close(request.request_id, reason="letter sent", actor=desk.first)
        desk.gallery.rights.register.forget(request.request_id, actor=desk.first)

        assert [one.code for one in desk.enrol(a=[again(PERSON, seed=1)]).not_enrolled] == ["stay-out"]

    def test_a_row_that_an_old_backup_brought_back_is_none(self, desk: Desk) -> None:
        entry_id = entry_of(desk.released())
        desk.gallery.keyring.destroy(case_scope(f"stay-out-{entry_id}"), reason="it was ended since")

        assert desk.entries.entries() == ()
        assert desk.enrol(a=[again(PERSON, seed=1)]).enrolled == 1


class TestDesk:
    def test_who_is_enrolled_already_is_pointed_out_and_stays(self, desk: Desk) -> None:
        desk.enrol(before=[again(PERSON, seed=1)])
        consented = desk.consented()
        desk.enrol(meanwhile=[again(PERSON, seed=2)])
        subjects = {one.label: one.subject_id for one in desk.gallery.records.subjects(source="one", limit=9)}
        decide = {"granted": True, "reason": "their wish", "subjects": [subjects["before"]]}
        desk.rights.decide(consented.request_id, **decide, actor=desk.first)

        released = desk.rights.release(consented.request_id, actor=desk.second)
        text = "\n".join(one.text for one in letter(released, on=TODAY))

        assert {one.subject_id for one in consented.found} == {subjects["before"]}
        assert {one.subject_id for one in released.found} == {subjects["before"], subjects["meanwhile"]}
        assert {"before", "meanwhile"} <= desk.labels()
        assert (released.state, released.certificates) == (RequestState.RELEASED, ())
        assert f"Up to and with {UNTIL}" in text
        assert f"Reference of the entry: {entry_of(released)}" in text
        assert "stays unless you ask for its erasure" in text
        assert "1 photographs with your face" in text

    def test_nobody_stays_out_without_their_consent(self, desk: Desk) -> None:
        asked, erasure = desk.asked(), desk.asked(RequestKind.ERASURE)
        received = desk.rights.receive(RequestKind.STAY_OUT, name="n", contact="c", actor=desk.first).request_id

        assert code_of(lambda: desk.rights.decide(asked, granted=True, reason="r", actor=desk.first)) == (
            "consent-missing"
        )
        assert code_of(lambda: desk.consent(erasure)) == "request-kind-forbidden"
        assert code_of(lambda: desk.consent(received)) == "request-state-forbidden"
        assert code_of(lambda: desk.consent(asked, document=b"")) == "consent-document-empty"
        assert code_of(lambda: desk.consent(asked, until=TODAY)) == "consent-end-invalid"
        assert desk.entries.entries() == ()
        assert desk.rights.register.request(asked).consent is None

    def test_a_release_that_sees_more_does_not_hide_what_the_decision_left_out(self, desk: Desk) -> None:
        desk.rights = replace(desk.rights, look=lambda _, actor: Looked((), left_out=actor == desk.first))

        released = desk.released()

        assert released.left_out
        assert "were not looked through" in "\n".join(one.text for one in letter(released, on=TODAY))

    def test_a_second_consent_takes_the_place_of_the_first(self, desk: Desk) -> None:
        first = desk.consented()
        second = desk.consent(first.request_id, until=UNTIL + timedelta(days=1))

        assert [one.entry_id for one in desk.entries.entries()] == [entry_of(second)]
        assert desk.gallery.keyring.state(case_scope(f"stay-out-{entry_of(first)}")) is KeyState.DESTROYED

    def test_one_that_was_cut_short_is_asked_for_again(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = desk.asked()
        with monkeypatch.context() as patch:
            patch.setattr(type(desk.entries), "propose", lambda *_, **__: (_ for _ in ()).throw(OSError("cut off")))
            with pytest.raises(OSError, match="cut off"):
                desk.consent(asked)
        desk.rights.decide(asked, granted=True, reason="r", actor=desk.first)
        refused = code_of(lambda: desk.rights.release(asked, actor=desk.second))
        desk.rights.send_back(asked, reason="the template is missing", actor=desk.second)
        desk.consent(asked)
        desk.rights.decide(asked, granted=True, reason="r", actor=desk.first)

        desk.rights.release(asked, actor=desk.second)

        assert refused == "stay-out-unknown"
        assert [one.code for one in desk.enrol(a=[again(PERSON, seed=1)]).not_enrolled] == ["stay-out"]

    def taken_back(self, desk: Desk, subject: str) -> str:
        """Decide a request that names a subject, end its entry, try to release it; returns the request's id."""
        request = desk.consented()
        desk.rights.decide(request.request_id, granted=True, reason="their wish", subjects=[subject], actor=desk.first)
        desk.rights.stay_out.withdraw(entry_of(request), actor=desk.first)
        refused = code_of(lambda: desk.rights.release(request.request_id, actor=desk.second))
        assert refused == "stay-out-unknown"
        return request.request_id

    def test_one_whose_entry_ended_before_the_release_can_be_closed(self, desk: Desk) -> None:
        [subject, *_] = desk.gallery.records.subjects(limit=1)
        request_id = self.taken_back(desk, subject.subject_id)

        desk.rights.send_back(request_id, reason="the person took the consent back", actor=desk.second)
        closed = desk.rights.close(request_id, reason="withdrawn", actor=desk.second)

        assert closed.state is RequestState.CLOSED
        assert closed.holdings == ()

    def test_or_decided_anew_with_what_is_on_record_of_others(self, desk: Desk) -> None:
        [first, second, *_] = desk.gallery.records.subjects(limit=2)
        request_id = self.taken_back(desk, first.subject_id)

        desk.rights.send_back(request_id, reason="the person consents again", actor=desk.second)
        desk.consent(request_id)
        desk.rights.decide(request_id, granted=True, reason="r", subjects=[second.subject_id], actor=desk.first)
        released = desk.rights.release(request_id, actor=desk.second)

        assert [one.subject_id for one in released.holdings] == [second.subject_id]
        assert [one.code for one in desk.enrol(a=[again(PERSON, seed=1)]).not_enrolled] == ["stay-out"]
