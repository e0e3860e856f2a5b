"""The auditor's page in a real browser: the log, newest first, and never a face."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from countenance.access.permission import Asks
from countenance.api.visitors import SESSION_COOKIE
from countenance.bootstrap.wiring import OpenGallery
from countenance.policy.model import Role
from countenance.policy.request import Action
from countenance.search.model import SearchRequest
from tests import signed_up
from tests.e2e.conftest import Watched

READING = Asks(Action.READ_LOG, entry=True)

PICTURES = ("image", "media")
"""What Chromium calls requests for them."""


@pytest.fixture
def asked(watched: Watched) -> list[Request]:
    """What the page asks the server for."""
    found: list[Request] = []
    watched.page.on("request", lambda request: found.append(request))  # noqa: PLW0108 - playwright marks what it is given
    return found


def visit(watched: Watched, gallery: OpenGallery, login: str, roles: list[Role]) -> Page:
    """Open the page as somebody of the test bench."""
    signed_up.person(gallery, login, roles=roles)
    cookie = signed_up.cookie(gallery, login)
    watched.page.context.add_cookies([{"name": SESSION_COOKIE, "value": cookie, "url": watched.address}])
    watched.page.goto(f"{watched.address}/audit")
    return watched.page


def searched(gallery: OpenGallery, portraits: Mapping[str, Path]) -> str:
    """Make a search that finds somebody, and return its id."""
    request = SearchRequest(
        image=portraits["obama3.jpg"].read_bytes(),
        filename="seen.jpg",
        case=signed_up.CASE,
        purpose=signed_up.PURPOSE,
        actor=signed_up.admitted(gallery),
    )
    return gallery.search(request).search_id


def test_an_auditor_reads_who_searched_and_sees_no_face(
    watched: Watched, asked: list[Request], gallery: OpenGallery, portraits: Mapping[str, Path]
) -> None:
    search_id, examiner = searched(gallery, portraits), signed_up.acting(gallery).user_id

    page = visit(watched, gallery, "a.auditor", [Role.AUDITOR])

    newest = page.locator("#entries li", has_text=search_id).first
    expect(newest).to_contain_text("search, done")
    expect(newest).to_contain_text(examiner)
    expect(page.locator("#counts")).to_contain_text("entries")
    text = page.content()
    assert "sketch" not in text
    assert not {"Cy", "seen.jpg", signed_up.CASE} & set(text.split())
    # The mark of the product is all there is to look at.
    shown = page.locator("img, canvas, video, picture, [style*=url]").evaluate_all("all => all.map(one => one.src)")
    assert shown == [f"{watched.address}/static/mark.svg"]
    fetched = {request.url.removeprefix(watched.address) for request in asked if request.resource_type in PICTURES}
    assert fetched <= {"/static/mark.svg"}


def test_what_shows_faces_is_refused_to_an_auditor(watched: Watched, gallery: OpenGallery) -> None:
    [subject] = gallery.records.subjects(limit=1)
    [face] = gallery.records.faces_of(subject.subject_id)
    page = visit(watched, gallery, "a.auditor", [Role.AUDITOR])
    expect(page.locator("#entries li").first).to_be_visible()

    answers = [
        page.request.get(f"{watched.address}{path}").status
        for path in (
            f"/v1/faces/{face.face_id}/crop",
            f"/v1/images/{face.image_id}/content",
            "/v1/subjects",
            f"/v1/subjects/{subject.subject_id}",
        )
    ]

    assert answers == [403] * 4


def test_entries_are_chosen_by_action_and_older_ones_follow(
    watched: Watched, gallery: OpenGallery, portraits: Mapping[str, Path]
) -> None:
    page = visit(watched, gallery, "a.auditor", [Role.AUDITOR])
    for _ in range(60):
        gallery.permission.require(READING, actor=gallery.accounts.acting("a.auditor"))
    searched(gallery, portraits)

    page.get_by_label("Only this action").fill("read-log")
    page.get_by_role("button", name="Show", exact=True).click()
    rows = page.locator("#entries li")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Show older ones").click()
    expect(rows).not_to_have_count(50)

    indices = [int(index) for index in rows.evaluate_all("all => all.map(one => one.dataset.index)")]
    assert indices == sorted(set(indices), reverse=True)
    assert len(indices) >= 60
    assert all("read-log, done" in text for text in rows.all_inner_texts())


def test_an_examiner_is_told_that_it_is_for_auditors(watched: Watched, gallery: OpenGallery) -> None:
    page = visit(watched, gallery, "an.examiner", [Role.EXAMINER])

    expect(page.locator("#problem")).to_contain_text("auditors")
    expect(page.locator("#entries li")).to_have_count(0)


def test_whoever_is_not_signed_in_is_sent_to_the_sign_in(watched: Watched) -> None:
    watched.page.goto(f"{watched.address}/audit")

    watched.page.wait_for_url(f"{watched.address}/")
