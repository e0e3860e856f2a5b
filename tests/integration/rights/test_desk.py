"""The rights desk over a real gallery: one decides, another releases, and nobody is named where nobody has to be."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from countenance.adapters.durable import replace_synced
from countenance.bootstrap.keyring import key_files
from countenance.bootstrap.rights_desk import letter_of
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.arrays import Templates
from countenance.core.clock import utc_now
from countenance.core.errors import (
    ConflictError,
    CountenanceError,
    InvalidInputError,
    NotFoundError,
    NotPermittedError,
)
from countenance.keys.model import KeyState, case_scope
from countenance.policy.model import Actor, Role
from countenance.rights.letter import letter
from countenance.rights.model import FoundSubject, Looked, RequestKind, RequestState, RightsRequest
from countenance.rights.service import RightsDesk
from countenance.search.model import ProbePhotograph
from tests import signed_up
from tests.integration.rights.release_and_die import STEPS
from tests.made_up_galleries import kept_answer, made_up_home, people, traces

NOBODY = people("nobody", 1)
PHOTOGRAPH = ProbePhotograph(image=b"", filename=None)
NAME, CONTACT = "Wilhelmina Planted", "planted@example.org"


class Desk(NamedTuple):
    """A gallery with two people at its desk."""

    gallery: OpenGallery
    first: Actor
    second: Actor

    @property
    def rights(self) -> RightsDesk:
        return self.gallery.rights

    def subject(self) -> str:
        return self.gallery.records.subjects(source="one", limit=1)[0].subject_id

    def received(self, kind: RequestKind = RequestKind.ERASURE) -> RightsRequest:
        return self.rights.receive(kind, name=NAME, contact=CONTACT, actor=self.first)

    def identified(self, kind: RequestKind = RequestKind.ERASURE) -> RightsRequest:
        return self.rights.identify(self.received(kind).request_id, how="passport seen", actor=self.first)

    def decided(
        self, kind: RequestKind = RequestKind.ERASURE, *subjects: str, granted: bool = True, tells: bool = True
    ) -> RightsRequest:
        return self.rights.decide(
            self.identified(kind).request_id,
            granted=granted,
            reason="as the law has it",
            subjects=subjects,
            tells_searches=tells,
            actor=self.first,
        )

    def released(self, kind: RequestKind, *subjects: str, granted: bool = True, tells: bool = True) -> RightsRequest:
        request = self.decided(kind, *subjects, granted=granted, tells=tells)
        return self.rights.release(request.request_id, actor=self.second)

    def holds(self, subject: str) -> bool:
        try:
            self.gallery.records.subject(subject)
        except NotFoundError:
            return False
        return True


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk over two sources."""
    settings = made_up_home(tmp_path / "home", {"one": 3, "two": 3})
    with open_gallery(settings) as gallery:
        yield Desk(gallery, signed_up.acting(gallery), signed_up.acting(gallery, "second"))


def words(request: RightsRequest) -> str:
    """Return a request's letter as one text."""
    return "\n".join(one.text for one in letter(request, on=request.received_on, contact="the desk"))


def refused(call: Callable[[], object]) -> str:
    """Return the code that a call is refused with."""
    with pytest.raises(CountenanceError) as caught:
        call()
    return caught.value.code


def test_an_erasure_from_its_arrival_to_the_letter(desk: Desk) -> None:
    subject, search_id = desk.subject(), kept_answer(desk.gallery, "one", other="two")
    decided = desk.decided(RequestKind.ERASURE, subject)
    there = desk.holds(subject)

    released = desk.rights.release(decided.request_id, actor=desk.second)
    closed = desk.rights.close(decided.request_id, reason="letter sent", actor=desk.first)

    [certificate] = desk.gallery.sources.certificates()
    assert (there, desk.holds(subject)) == (True, False)
    assert (released.certificates, certificate.target) == ((certificate.destruction_id,), subject)
    assert [step.state.value for step in closed.steps] == ["received", "identified", "decided", "released", "closed"]
    assert desk.rights.register.request(decided.request_id) == closed
    assert released.due_on > released.received_on
    text = words(closed)
    assert f"{NAME}\n{CONTACT}" in text
    assert certificate.destruction_id in text
    assert f"search {search_id}" in text
    assert "Backups made before hold what was erased" in text


def test_an_objection_erases_too(desk: Desk) -> None:
    subject = desk.subject()
    desk.released(RequestKind.OBJECTION, subject)

    assert not desk.holds(subject)


@pytest.mark.parametrize(
    ("kind", "granted"), [(RequestKind.ERASURE, False), (RequestKind.ACCESS, True), (RequestKind.SEARCHES, True)]
)
def test_nothing_else_erases(desk: Desk, kind: RequestKind, granted: bool) -> None:
    subject = desk.subject()
    released = desk.released(kind, subject, granted=granted)

    assert desk.holds(subject)
    assert released.certificates == ()


class TestLetters:
    def test_access_says_what_is_held_and_who_searched(self, desk: Desk) -> None:
        search_id = kept_answer(desk.gallery, "one", other="two")
        text = words(desk.released(RequestKind.ACCESS, desk.subject()))

        assert "In the source 'one', given by Owner of one (legal basis: contract; no last day is set)" in text
        assert "1 photographs with your face, and 1 templates" in text
        assert f"search {search_id}" in text

    def test_searches_alone_are_told(self, desk: Desk) -> None:
        search_id = kept_answer(desk.gallery, "one", other="two")
        text = words(desk.released(RequestKind.SEARCHES, desk.subject()))

        assert f"search {search_id}" in text
        assert "Owner of one" not in text

    def test_searches_are_withheld_where_a_law_says_so(self, desk: Desk) -> None:
        search_id = kept_answer(desk.gallery, "one", other="two")
        text = words(desk.released(RequestKind.ACCESS, desk.subject(), tells=False))

        assert search_id not in text
        assert "a law restricts it" in text

    def test_who_is_not_enrolled_is_told_so(self, desk: Desk) -> None:
        assert "nothing is held" in words(desk.released(RequestKind.ACCESS))

    def test_a_refusal_says_why_and_what_can_be_done(self, desk: Desk) -> None:
        text = words(desk.released(RequestKind.ERASURE, desk.subject(), granted=False))

        assert "This was not granted: as the law has it" in text
        assert "supervisory authority" in text
        assert "Owner of one" not in text

    def test_there_is_none_before_the_release(self, desk: Desk) -> None:
        decided = desk.decided()
        closed = desk.rights.close(desk.received().request_id, reason="withdrawn", actor=desk.first)

        assert [refused(lambda one=one: words(one)) for one in (decided, closed)] == ["request-not-released"] * 2

    def test_the_pdf_has_a_page_for_each_part_and_any_name(self, desk: Desk) -> None:
        request = replace(desk.released(RequestKind.ACCESS), name="Zoë Ωmega $x$ Żółć", contact="line " * 90)

        paragraphs, pdf = letter_of(request, contact="")
        _, long = letter_of(replace(request, contact="line " * 3000), contact="")

        assert pdf.startswith(b"%PDF-1.")
        assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") == 1
        assert long.count(b"/Type /Page\n") + long.count(b"/Type /Page ") > 2
        assert paragraphs[0].text.startswith("Zoë")


class TestFourEyes:
    def test_who_decided_does_not_release(self, desk: Desk) -> None:
        subject = desk.subject()
        decided = desk.decided(RequestKind.ERASURE, subject)

        with pytest.raises(NotPermittedError) as caught:
            desk.rights.release(decided.request_id, actor=desk.first)

        assert caught.value.code == "request-same-person"
        assert desk.holds(subject)

    def test_a_decision_that_is_sent_back_is_taken_again(self, desk: Desk) -> None:
        decided = desk.decided(RequestKind.ERASURE, desk.subject())
        back = desk.rights.send_back(decided.request_id, reason="somebody else", actor=desk.second)

        assert (back.state, back.decision) == (RequestState.IDENTIFIED, None)
        assert refused(lambda: desk.rights.release(back.request_id, actor=desk.second)) == "request-state-forbidden"


class TestStates:
    @pytest.mark.parametrize("state", ["received", "identified", "decided", "released", "closed"])
    def test_only_what_follows_is_done(self, desk: Desk, state: str) -> None:
        make = {
            "received": desk.received,
            "identified": desk.identified,
            "decided": desk.decided,
            "released": lambda: desk.released(RequestKind.ACCESS),
            "closed": lambda: desk.rights.close(desk.received().request_id, reason="r", actor=desk.first),
        }
        sees_nobody = replace(desk.rights, read=lambda _: NOBODY, look=lambda *_: Looked((), left_out=False))
        steps: dict[str, Callable[[str], object]] = {
            "identify": lambda one: desk.rights.identify(one, how="h", actor=desk.first),
            "find": lambda one: sees_nobody.find(one, PHOTOGRAPH, actor=desk.first),
            "decide": lambda one: desk.rights.decide(one, granted=True, reason="r", actor=desk.first),
            "release": lambda one: desk.rights.release(one, actor=desk.second),
            "return": lambda one: desk.rights.send_back(one, reason="r", actor=desk.second),
            "close": lambda one: desk.rights.close(one, reason="r", actor=desk.first),
        }
        allowed = {
            "received": {"identify", "close"},
            "identified": {"find", "decide", "close"},
            "decided": {"release", "return", "identify"},
            "released": {"close"},
            "closed": set(),
        }[state]

        for name, step in steps.items():
            request_id = make[state]().request_id
            if name in allowed:
                step(request_id)
            else:
                assert refused(lambda step=step, one=request_id: step(one)) == "request-state-forbidden", name

    def test_two_at_once_is_noticed(self, desk: Desk) -> None:
        seen = desk.identified()
        desk.rights.close(seen.request_id, reason="r", actor=desk.first)

        with pytest.raises(ConflictError) as caught:
            desk.rights.register.save(seen, action="rights-find", actor=desk.first)

        assert caught.value.code == "request-changed-meanwhile"

    def test_what_can_not_be_is_refused(self, desk: Desk) -> None:
        tomorrow = utc_now().date() + timedelta(days=2)
        receive = desk.rights.receive
        identified = desk.identified().request_id

        assert refused(lambda: receive(RequestKind.ACCESS, name=" ", contact="c", actor=desk.first)) == (
            "request-words-invalid"
        )
        assert refused(
            lambda: receive(RequestKind.ACCESS, name="n", contact="c", received_on=tomorrow, actor=desk.first)
        ) == ("request-date-invalid")
        assert refused(lambda: desk.rights.identify("5f0c", how="h", actor=desk.first)) == "request-unknown"
        assert refused(
            lambda: desk.rights.decide(identified, granted=True, reason="r", subjects=["5f0c"], actor=desk.first)
        ) == ("subject-unknown")


class TestSourcesOfOthers:
    """Source `one` is kept by Harbour Police; the desk's two people are of another organisation."""

    @pytest.fixture
    def keeper(self, desk: Desk) -> Actor:
        """A custodian of the organisation that keeps the source."""
        org_id = signed_up.organisation(desk.gallery, "Harbour Police")
        signed_up.person(desk.gallery, "keeper", org="Harbour Police")
        desk.gallery.sources.set_keeper("one", org_id)
        return desk.gallery.accounts.acting("keeper")

    @pytest.mark.parametrize("kind", [RequestKind.ERASURE, RequestKind.ACCESS])
    @pytest.mark.parametrize("granted", [True, False])
    def test_nobody_else_decides_on_their_people(
        self, desk: Desk, keeper: Actor, kind: RequestKind, granted: bool
    ) -> None:
        subject, identified = desk.subject(), desk.identified(kind)
        decide = partial(desk.rights.decide, identified.request_id, granted=granted, reason="r", subjects=[subject])

        assert refused(lambda: decide(actor=desk.first)) == "not-permitted"
        assert desk.rights.register.request(identified.request_id) == identified
        assert decide(actor=keeper).state is RequestState.DECIDED

    def test_nobody_else_releases_what_erases_them(self, desk: Desk, keeper: Actor) -> None:
        subject, identified = desk.subject(), desk.identified()
        house = signed_up.of_the_house(desk.gallery, "house-keeper", role=Role.CUSTODIAN)
        decided = desk.rights.decide(identified.request_id, granted=True, reason="r", subjects=[subject], actor=keeper)

        assert refused(lambda: desk.rights.release(decided.request_id, actor=desk.second)) == "not-permitted"
        assert desk.holds(subject)
        assert desk.rights.register.request(decided.request_id) == decided
        assert desk.rights.release(decided.request_id, actor=house).certificates
        assert not desk.holds(subject)

    def test_a_decision_of_before_the_source_was_kept_is_not_released_either(self, desk: Desk) -> None:
        subject = desk.subject()
        decided = desk.decided(RequestKind.ERASURE, subject)
        desk.gallery.sources.set_keeper("one", signed_up.organisation(desk.gallery, "Harbour Police"))

        assert refused(lambda: desk.rights.release(decided.request_id, actor=desk.second)) == "not-permitted"
        assert desk.holds(subject)

    def test_a_look_leaves_out_what_others_keep_and_the_letter_says_so(self, desk: Desk, keeper: Actor) -> None:
        rights = replace(desk.rights, read=lambda _: people("one", 1))
        house = signed_up.of_the_house(desk.gallery, "house-keeper", role=Role.CUSTODIAN)
        request_id, whole = (desk.identified(RequestKind.ACCESS).request_id for _ in range(2))

        left_out = rights.find(request_id, PHOTOGRAPH, actor=desk.first)
        by_keeper = rights.find(whole, PHOTOGRAPH, actor=keeper)
        by_house = rights.find(whole, PHOTOGRAPH, actor=house)
        rights.decide(request_id, granted=True, reason="r", actor=desk.first)
        released = rights.release(request_id, actor=desk.second)

        assert (left_out.found, left_out.left_out) == ((), True)
        assert [(one.found[0].source, one.left_out) for one in (by_keeper, by_house)] == [("one", False)] * 2
        assert "were not looked through" in words(released)
        assert "nothing is held" not in words(released)

    def test_what_nobody_keeps_is_looked_through_by_all(self, desk: Desk, keeper: Actor) -> None:
        rights = replace(desk.rights, read=lambda _: people("two", 1))

        found = rights.find(desk.identified().request_id, PHOTOGRAPH, actor=desk.first)

        assert keeper.org_id != desk.first.org_id
        assert [one.source for one in found.found] == ["two"]
        assert desk.rights.register.request(found.request_id).left_out


def test_whom_a_photograph_looks_like_is_kept_and_the_photograph_is_not(desk: Desk) -> None:
    seen: list[bytes] = []

    def read(photographs: Sequence[ProbePhotograph]) -> Templates:
        seen.extend(one.image for one in photographs)
        return NOBODY

    def look(_: Templates, actor: Actor) -> Looked:
        assert actor == desk.first
        return Looked((FoundSubject(subject_id=f"s{len(seen)}", source="one", score=len(seen) / 10),), left_out=False)

    rights, request_id = replace(desk.rights, read=read, look=look), desk.identified().request_id

    for photograph in (b"first planted photograph", b"second planted photograph"):
        found = rights.find(request_id, replace(PHOTOGRAPH, image=photograph), actor=desk.first)

    assert [(one.subject_id, one.score) for one in found.found] == [("s2", 0.2), ("s1", 0.1)]
    assert traces(desk.gallery.settings.home, *seen) == []


def test_an_unusable_photograph_is_said(desk: Desk, portraits: dict[str, Path]) -> None:
    assert portraits
    request_id = desk.identified().request_id

    with pytest.raises(InvalidInputError) as caught:
        desk.rights.find(request_id, replace(PHOTOGRAPH, image=b"no picture"), actor=desk.first)

    assert caught.value.code.startswith("image-")
    assert desk.rights.register.request(request_id).found == ()


def test_nobody_is_named_on_disk_or_in_the_log(desk: Desk) -> None:
    desk.released(RequestKind.ERASURE, desk.subject())
    entries = [json.loads(body) for body in desk.gallery.audit.entries(0, 1000)]

    assert traces(desk.gallery.settings.home, NAME.encode(), CONTACT.encode(), b"passport seen") == []
    ours = [one for one in entries if one["action"].startswith("rights-")]
    assert [one["action"] for one in ours] == [
        "rights-received",
        "rights-identified",
        "rights-decided",
        "rights-prepare",
        "rights-released",
    ]
    assert {name for one in ours for name in one["facts"]} == {"request", "kind", "state"}


def test_closed_requests_are_forgotten_when_their_time_is_over(desk: Desk) -> None:
    closed = desk.rights.close(desk.received().request_id, reason="withdrawn", actor=desk.first).request_id
    left_open = desk.received().request_id
    settings = desk.gallery.settings.model_copy(update={"keep_requests_days": 7})
    in_days = utc_now().date() + timedelta(days=8)

    with open_gallery(settings) as gallery:
        today, then = gallery.retention.plan().requests, gallery.retention.plan(today=in_days).requests
        gallery.rights.register.forget(closed, actor=desk.first)
        gallery.rights.register.forget(closed, actor=desk.first)

        assert (today, then) == ((), (closed,))
        assert [one.request_id for one in gallery.rights.register.requests()] == [left_open]
        assert refused(lambda: gallery.rights.register.request(closed)) == "request-unknown"
        assert gallery.keyring.state(case_scope(f"rights-{closed}")) is KeyState.DESTROYED
        assert gallery.retention.plan(today=in_days).requests == ()


def test_a_forgotten_request_s_key_does_not_come_back_with_the_keyring_of_before(desk: Desk) -> None:
    closed = desk.rights.close(desk.received().request_id, reason="withdrawn", actor=desk.first).request_id
    keyring = key_files(desk.gallery.settings)[1]
    before = keyring.read_bytes()
    desk.rights.register.forget(closed, actor=desk.first)
    replace_synced(keyring, before)

    with open_gallery(desk.gallery.settings) as again:
        assert again.keyring.state(case_scope(f"rights-{closed}")) is KeyState.DESTROYED


@pytest.mark.parametrize("step", STEPS)
def test_a_release_that_was_killed_is_finished_by_running_it_again(desk: Desk, step: str) -> None:
    subject, search_id = desk.subject(), kept_answer(desk.gallery, "one", other="two")
    decided = desk.decided(RequestKind.ERASURE, subject)
    script = (sys.executable, "-m", "tests.integration.rights.release_and_die")
    home = desk.gallery.settings.home

    killed = subprocess.run(
        (*script, home, decided.request_id, "second", step), capture_output=True, check=False, env=os.environ
    )
    meanwhile = desk.rights.register.request(decided.request_id)
    back = refused(lambda: desk.rights.send_back(decided.request_id, reason="r", actor=desk.second))
    released = desk.rights.release(decided.request_id, actor=desk.second)

    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, b"")
    assert (meanwhile.state, back) == (RequestState.DECIDED, "request-state-forbidden")
    assert not desk.holds(subject)
    assert len(released.certificates) == 1
    assert search_id in words(released)
