"""Clocks that end: what is due is out of the next search, and destroyed by a run, also one that was interrupted."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, InvalidInputError, NotFoundError
from countenance.gallery.model import SourceState
from countenance.gallery.photographs import Photograph, PhotographTask
from countenance.gallery.plan import PlannedPhotograph
from countenance.gallery.terms import Retention, RetentionRule, SourceTerms
from countenance.keys.model import KeyState, case_scope, source_scope
from countenance.policy.model import SYSTEM
from tests.integration.gallery.retain_and_die import STEPS
from tests.made_up_galleries import (
    Reader,
    fill,
    found,
    kept_answer,
    made_up_home,
    migrate_again,
    people,
    template_bytes,
    traces,
)

TODAY = utc_now().date()
YESTERDAY = TODAY - timedelta(days=1)
TOMORROW = TODAY + timedelta(days=1)
ENDED = Retention(rule=RetentionRule.DATE, ends_on=YESTERDAY)
ENDS_TODAY = Retention(rule=RetentionRule.DATE, ends_on=TODAY)


def returned(gallery: OpenGallery, source: str) -> set[str | None]:
    """Return whom searches with a source's people return."""
    return {label for answer in found(gallery, people(source, 5)) for _, label, _ in answer}


def pictures(settings: Settings) -> int:
    """Count the pictures in the object store."""
    return sum(path.is_file() for kind in ("images", "crops") for path in (settings.objects / kind).rglob("*"))


def planned(reference: str) -> list[PlannedPhotograph]:
    """Plan a photograph whose folder says whose it is."""
    label = reference.split("/", maxsplit=1)[0]
    return [PlannedPhotograph(path=Path(reference), reference=reference, label=label, data=reference.encode())]


@dataclass(frozen=True)
class Late(Reader):
    """A reader during whose work something happens."""

    happens: Callable[[], object]

    def read(self, tasks: Iterable[PhotographTask]) -> Iterator[Photograph]:
        yield from super().read(tasks)
        self.happens()


def state(gallery: OpenGallery, name: str) -> SourceState:
    return gallery.records.source(name).state


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home with two sources, whose answers are kept for thirty days."""
    made = made_up_home(tmp_path / "home", {"ends": 5, "stays": 5})
    return made.model_copy(update={"keep_answers_days": 30})


def test_a_server_that_runs_over_midnight_does_not_search_what_ended(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        gallery.retention.set("ends", ENDS_TODAY)
        gallery.refresh()
        on_the_last_day = returned(gallery, "ends")

        gallery.retention.service.heed(today=TODAY + timedelta(days=1))
        on_the_next = returned(gallery, "ends")
        [*_, last] = gallery.sources.history("ends")

    assert "ends person 0" in on_the_last_day
    assert {one.split()[0] for one in on_the_next if one} == {"stays"}
    assert (last.by, last.after) == ("Countenance", SourceState.EXPIRED)
    assert last.reason == f"its last day was {TODAY}"


def test_an_ended_one_is_out_as_the_gallery_is_opened(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_gallery(settings) as gallery:
        gallery.retention.set("ends", ENDS_TODAY)
    tomorrow = utc_now() + timedelta(days=1)
    monkeypatch.setattr("countenance.gallery.retention.utc_now", lambda: tomorrow)

    with open_gallery(settings) as gallery:
        assert state(gallery, "ends") is SourceState.EXPIRED
        with pytest.raises(ConflictError) as caught:
            gallery.enrol_photograph("ends", b"x", filename="x.jpg", subject="A")

    assert caught.value.code == "source-not-active"


def test_set_to_a_day_that_is_over_it_goes_at_once(settings: Settings) -> None:
    with open_gallery(settings) as serving, open_gallery(settings) as gallery:
        before = returned(serving, "ends")
        gallery.retention.set("ends", ENDED)

        assert "ends person 0" in before
        assert state(serving, "ends") is SourceState.EXPIRED
        assert "ends person 0" not in returned(serving, "ends")


def test_a_suspended_source_expires_too_and_one_that_is_gone_has_no_clock(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        gallery.sources.change("ends", SourceState.SUSPENDED, by="Ada", reason="a pause")
        gallery.retention.set("ends", ENDED)

        assert state(gallery, "ends") is SourceState.EXPIRED
        with pytest.raises(ConflictError) as caught:
            gallery.retention.set("ends", Retention())

    assert caught.value.code == "source-state-forbidden"


def test_a_run_destroys_an_ended_source_with_its_key_and_a_certificate(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        gallery.retention.set("ends", ENDED)
        planned = gallery.retention.plan().plan

        [ended] = gallery.retention.run().destroyed
        again = gallery.retention.run().destroyed
        facts = gallery.sources.read_certificate(ended.certificate or b"")
        source = gallery.records.source("ends")
        key, agree = gallery.keyring.state(source_scope(source.source_id)), gallery.indexed.compare().agree

    assert planned.due == 1
    assert (facts["kind"], facts["reason"]) == ("source-expired", f"its last day was {YESTERDAY}")
    assert facts["destroyed"] == {"photographs": 5, "subjects": 5, "templates": 5}
    assert (key, agree, again) == (KeyState.DESTROYED, True, ())
    assert traces(settings.home, b"ends person", *template_bytes("ends", 5)) == []


def test_the_law_stands_in_the_reason(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        gallery.retention.set("ends", Retention(rule=RetentionRule.US_TX_CUBI, purpose_ended_on=date(2020, 2, 29)))
        [*_, last] = gallery.sources.history("ends")

    assert last.reason == ("its last day was 2021-02-28 (Texas Business and Commerce Code, section 503.001(c)(3))")


def test_setting_a_clock_is_in_the_audit_log(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        gallery.retention.set("ends", ENDS_TODAY)
        [*_, last] = gallery.audit.entries(0, 100)
        source = gallery.records.source("ends")

    assert json.loads(last)["facts"] == {
        "source": source.source_id,
        "before": {"rule": "none", "ends_on": None, "purpose_ended_on": None, "last_interaction_on": None},
        "after": {"rule": "date", "ends_on": str(TODAY), "purpose_ended_on": None, "last_interaction_on": None},
    }
    assert source.terms.retention == ENDS_TODAY


class TestReleases:
    def release(self, gallery: OpenGallery, label: str, ends_on: date | None) -> str:
        return gallery.sources.add_release(
            "ends", label=label, document=b"consent", ends_on=ends_on, by="Ada"
        ).release_id

    def test_who_has_none_left_is_not_searched_from_the_next_day_on(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            gone = self.release(gallery, "ends person 0", TODAY)
            self.release(gallery, "ends person 1", TOMORROW)
            self.release(gallery, "ends person 2", TODAY)
            self.release(gallery, "ends person 2", None)
            self.release(gallery, "nobody", TODAY)
            on_the_last_day, planned = returned(gallery, "ends"), gallery.retention.plan(today=TOMORROW).plan.releases

            gallery.retention.service.heed(today=TOMORROW)
            on_the_next, waiting = returned(gallery, "ends"), gallery.retention.plan(today=TOMORROW).plan
            [ended] = gallery.retention.run().destroyed
            agree = gallery.indexed.compare().agree

        assert "ends person 0" in on_the_last_day
        assert [one.release_id for one in planned] == [gone]
        assert "ends person 0" not in on_the_next
        assert {"ends person 1", "ends person 2", "ends person 3"} <= on_the_next
        assert (waiting.releases, waiting.unfinished) == ((), 1)
        assert (ended.kind.value, ended.reason) == (
            "subject-erased",
            f"the last release ended or was taken back ({gone})",
        )
        assert ended.certificate is not None
        assert agree
        assert traces(settings.home, b"ends person 0") == []

    def test_one_that_is_taken_back_ends_at_once_for_servers_that_run_too(self, settings: Settings) -> None:
        with open_gallery(settings) as serving, open_gallery(settings) as gallery:
            revoked = self.release(gallery, "ends person 3", None)
            other = self.release(gallery, "ends person 4", None)
            self.release(gallery, "ends person 4", TOMORROW)
            before = returned(serving, "ends")

            for release in (revoked, other):
                gallery.sources.revoke_release("ends", release)
            after = returned(serving, "ends")

        assert {"ends person 3", "ends person 4"} <= before
        assert "ends person 3" not in after
        assert "ends person 4" in after

    @pytest.mark.parametrize("required", [True, False])
    def test_one_that_is_taken_back_during_an_enrolment_admits_nobody(self, settings: Settings, required: bool) -> None:
        person = people("somebody", 1)
        with open_gallery(settings) as serving, open_gallery(settings) as gallery:
            fill(gallery, "club", 0, terms=SourceTerms(releases_required=required))
            release = gallery.sources.add_release("club", label="A", document=b"d", ends_on=None, by="Ada").release_id
            before = pictures(settings)
            serving.heed_clocks()
            late = Late(
                {"A/1.jpg": [person[0]], "A/2.jpg": [person[0]]},
                lambda: serving.sources.revoke_release("club", release),
            )

            enrolment = gallery._enrolment("club", SYSTEM, lambda _: None)
            report = enrolment.run(planned("A/1.jpg"), late)
            later = enrolment.run(planned("A/2.jpg"), Reader({}))

            assert (report.enrolled, [one.code for one in later.not_enrolled]) == (0, ["release-missing"] * 2)
            assert {name for name, _, _ in found(serving, person)[0]} <= {"ends", "stays"}
            assert pictures(settings) == before

    def test_one_that_ends_at_midnight_during_an_enrolment_admits_nobody(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def midnight() -> None:
            monkeypatch.setattr("countenance.adapters.sql.records.utc_now", lambda: utc_now() + timedelta(days=1))

        with open_gallery(settings) as gallery:
            self.release(gallery, "A", TODAY)

            enrolment = gallery._enrolment("ends", SYSTEM, lambda _: None)
            report = enrolment.run(planned("A/1.jpg"), Late({"A/1.jpg": [people("somebody", 1)[0]]}, midnight))

        assert [one.code for one in report.not_enrolled] == ["release-missing"]

    def test_who_was_enrolled_while_midnight_fell_is_taken_out_by_the_enrolment(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person, tomorrow = people("somebody", 1), utc_now() + timedelta(days=1)
        days = iter([utc_now(), tomorrow])
        with open_gallery(settings) as serving, open_gallery(settings) as gallery:
            self.release(gallery, "A", TODAY)
            enrolment = gallery._enrolment("ends", SYSTEM, lambda _: None)
            # Another process has looked before the commit, and does not look again that day.
            serving.retention.service.heed(today=TOMORROW)
            monkeypatch.setattr("countenance.gallery.enrolment.utc_now", lambda: next(days))
            monkeypatch.setattr("countenance.bootstrap.sources.utc_now", lambda: tomorrow)

            report = enrolment.run(planned("A/1.jpg"), Reader({"A/1.jpg": [person[0]]}))

            assert report.enrolled == 1
            assert "A" not in {label for _, label, _ in found(serving, person)[0]}

    def test_those_from_before_the_columns_are_found_too(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            ends = self.release(gallery, "ends person 0", TODAY)
            self.release(gallery, "ends person 1", None)
            migrate_again(gallery, "0014")

        with open_gallery(settings) as gallery:
            ending = gallery.retention.plan(today=TOMORROW).plan.releases

        assert [one.release_id for one in ending] == [ends]

    def test_one_that_is_over_is_not_taken_in(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            with pytest.raises(InvalidInputError) as caught:
                self.release(gallery, "ends person 0", YESTERDAY)

            assert gallery.sources.releases("ends") == ()
        assert caught.value.code == "release-ended"


class TestAnswers:
    def answer(self, gallery: OpenGallery, days: int) -> str:
        """Keep an answer, and make it so many days old."""
        search_id = kept_answer(gallery, "ends", other="stays")
        engine = open_engine(sqlite_url(gallery.settings.database))
        with engine.begin() as connection:
            at = (utc_now() - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.%f")
            connection.execute(
                text("UPDATE search SET searched_at = :at WHERE search_id = :id"), {"at": at, "id": search_id}
            )
        engine.dispose()
        return search_id

    def test_those_that_are_too_old_are_destroyed(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            old, kept = self.answer(gallery, 31), self.answer(gallery, 29)
            planned = gallery.retention.plan().plan

            [ended] = gallery.retention.run().destroyed
            facts = gallery.sources.read_certificate(ended.certificate or b"")

            assert (planned.answers, planned.due) == (1, 1)
            assert (facts["kind"], facts["source"], facts["destroyed"]) == ("answers-expired", None, {"answers": 1})
            assert gallery.records.search(kept)["searched_at"]
            with pytest.raises(NotFoundError):
                gallery.records.search(old)
            assert gallery.retention.run().destroyed == ()
            assert gallery.sources.certificates() == (ended,)

    def test_where_no_time_is_set_all_are_kept(self, settings: Settings) -> None:
        with open_gallery(settings.model_copy(update={"keep_answers_days": None})) as gallery:
            old = self.answer(gallery, 9999)

            assert gallery.retention.plan().plan.answers_before is None
            assert gallery.retention.run().destroyed == ()
            assert gallery.records.search(old)["searched_at"]


def test_keys_of_old_marks_in_the_audit_log_are_destroyed(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        at = utc_now()
        last_year = f"{at.year - 1}-h1"
        for period in (last_year, f"{at.year}-h{1 if at.month <= 6 else 2}"):
            gallery.keyring.fingerprint(case_scope(f"oversight-{period}"), b"x", column="x")

        planned, ran = gallery.retention.plan().log_keys, gallery.retention.run().log_keys

        assert planned == ran == (last_year,)
        assert gallery.keyring.state(case_scope(f"oversight-{last_year}")) is KeyState.DESTROYED
        assert gallery.retention.plan().log_keys == ()


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_it_is_finished_by_running_it_again(settings: Settings, step: str) -> None:
    with open_gallery(settings) as gallery:
        search_id = TestAnswers().answer(gallery, 40)
        gallery.sources.add_release("stays", label="stays person 0", document=b"c", ends_on=TODAY, by="Ada")
        gallery.retention.set("ends", ENDS_TODAY)
    script = (sys.executable, "-m", "tests.integration.gallery.retain_and_die", settings.home, step)

    killed = subprocess.run(script, capture_output=True, check=False, env=os.environ)
    with open_gallery(settings) as gallery:
        meanwhile = returned(gallery, "ends") | returned(gallery, "stays")
        gallery.retention.service.run(actor=SYSTEM, today=TODAY + timedelta(days=1))
        kinds = sorted(one.kind.value for one in gallery.sources.certificates())
        left = [one.label for one in gallery.records.subjects(limit=20)]
        plan, agree = gallery.retention.plan().plan, gallery.indexed.compare().agree
        with pytest.raises(NotFoundError):
            gallery.records.search(search_id)

    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, b"")
    # What was begun is out of every search, all of it; what was not is all there.
    erased = 0 if step == "source begun" else 1
    assert meanwhile == {f"stays person {number}" for number in range(erased, 5)}
    assert kinds == ["answers-expired", "source-expired", "subject-erased"]
    assert left == [f"stays person {number}" for number in range(1, 5)]
    assert (plan.unfinished, plan.due, agree) == (0, 0, True)
