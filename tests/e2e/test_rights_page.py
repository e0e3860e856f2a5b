"""The rights desk in a real browser: from a request to its letter, with a mouse and with the keyboard alone."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from countenance.api.visitors import SESSION_COOKIE
from countenance.bootstrap.wiring import OpenGallery
from countenance.core.clock import utc_now
from countenance.policy.model import Role
from tests import signed_up
from tests.e2e.conftest import WATCH_POLICY, filled_gallery, served

PHONE = {"width": 320, "height": 720}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]) -> Iterator[OpenGallery]:
    """A gallery with faces, and two people at its desk."""
    with filled_gallery(tmp_path_factory.mktemp("office") / "home", portraits) as opened:
        for login in ("first", "second"):
            signed_up.person(opened, login, roles=[Role.CUSTODIAN])
        yield opened


@pytest.fixture(scope="module")
def site(office: OpenGallery) -> Iterator[str]:
    """Its address."""
    with served(office) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, office: OpenGallery, site: str) -> Iterator[Callable[..., Page]]:
    """Opens the desk's page as somebody, who must not see a script's error or break the page's policy."""
    contexts, errors = [], []

    def open_page(login: str, *, viewport: Mapping[str, int] | None = None) -> Page:
        context = browser.new_context(viewport=viewport or {"width": 1280, "height": 1000}, accept_downloads=True)
        context.set_default_timeout(20_000)
        context.add_init_script(WATCH_POLICY)
        context.add_cookies([{"name": SESSION_COOKIE, "value": signed_up.cookie(office, login), "url": site}])
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{site}/rights")
        return page

    yield open_page
    violations = [page.evaluate("window.violations") for context in contexts for page in context.pages]
    for context in contexts:
        context.close()
    assert errors == []
    assert all(seen == [] for seen in violations)


def received(page: Page, kind: str, *, name: str = "Person A", day: str = "") -> None:
    """Put a request on record and open it."""
    page.get_by_label("What is asked for").select_option(kind)
    page.get_by_label("Name, as they gave it").fill(name)
    page.get_by_label("Where the letter goes").fill("a@example.org")
    page.get_by_label("The day it came").fill(day)
    page.get_by_role("button", name="Put it on record").click()
    expect(page.locator("#one-heading .state")).to_have_text("received")


def identified(page: Page) -> None:
    """Say how the requester showed who they are."""
    page.get_by_label("How they showed").fill("Passport seen")
    page.get_by_role("button", name="They are who they say").click()
    expect(page.locator("#one-heading .state")).to_have_text("identified")


def decided(page: Page, decision: str = "Grant it") -> None:
    """Decide."""
    page.get_by_label(decision).check()
    page.get_by_label("Why; the letter says it").fill("Consent was taken back")
    page.get_by_role("button", name="Decide", exact=True).click()
    expect(page.locator("#one-heading .state")).to_have_text("decided")


def tabbed_to(page: Page, element_id: str) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(40):
        if page.evaluate("document.activeElement.id") == element_id:
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not lead to {element_id}")


def test_one_finds_and_decides_and_another_releases(
    visit: Callable[..., Page], office: OpenGallery, portraits: Mapping[str, Path], tmp_path: Path
) -> None:
    first, name = visit("first"), "<img src=x onerror=alert(1)> A"
    received(first, "erasure", name=name, day="2026-01-31")
    expect(first.locator("#one-facts")).to_contain_text(name)
    expect(first.locator("#one-facts")).to_contain_text("late: was due Feb 28, 2026")
    identified(first)

    first.get_by_label("Their photograph", exact=True).set_input_files(portraits["person_a_2.jpg"])
    first.get_by_role("button", name="Look").click()
    found = first.locator("#found li")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("Ada")
    expect(found.locator("img")).to_have_js_property("complete", value=True)
    assert found.locator("img").evaluate("(picture) => picture.naturalWidth") > 50
    found.get_by_label("This is the requester").check()
    decided(first)
    expect(first.locator("#one-next")).to_contain_text("It waits for somebody else than you")
    expect(first.get_by_role("button", name="Release it")).to_be_hidden()

    second = visit("second")
    second.get_by_role("button", name="erasure, late").click()
    expect(second.locator("#one-next")).to_contain_text("Granted, because: Consent was taken back. 1 person is taken")
    second.get_by_role("button", name="Release it").click()
    expect(second.locator("#one-heading .state")).to_have_text("released")
    expect(second.locator("#found")).to_contain_text("Not held any more")
    with second.expect_download() as downloading:
        second.get_by_role("link", name="The letter, as PDF").click()
    downloading.value.save_as(tmp_path / "letter.pdf")
    second.locator("#close-reason").fill("Letter sent")
    second.get_by_role("button", name="Close it").click()
    expect(second.locator("#one-heading .state")).to_have_text("closed")
    expect(second.locator("#steps li")).to_have_count(5)

    assert (tmp_path / "letter.pdf").read_bytes().startswith(b"%PDF-")
    assert "Ada" not in {one.label for one in office.records.subjects(limit=9)}


def test_a_decision_is_sent_back_and_a_problem_loses_nothing(visit: Callable[..., Page], tmp_path: Path) -> None:
    first, text = visit("first"), tmp_path / "notes.txt"
    text.write_text("no picture")
    received(first, "access")
    identified(first)
    first.get_by_label("Why; the letter says it").fill("Half a reason")
    first.get_by_label("Their photograph", exact=True).set_input_files(text)
    first.get_by_role("button", name="Look").click()
    expect(first.locator("#problem")).to_be_visible()
    expect(first.get_by_label("Why; the letter says it")).to_have_value("Half a reason")
    decided(first, "Refuse it")

    second = visit("second")
    second.get_by_role("button", name="access").first.click()
    second.get_by_label("What has to be looked at again").fill("The reason")
    second.get_by_role("button", name="Send it back").click()

    expect(second.locator("#one-heading .state")).to_have_text("identified")
    expect(second.locator("#steps")).to_contain_text("The reason")


def test_somebody_stays_out_and_takes_it_back(
    visit: Callable[..., Page], office: OpenGallery, portraits: Mapping[str, Path], tmp_path: Path
) -> None:
    first, form = visit("first"), tmp_path / "consent.pdf"
    form.write_bytes(b"signed")
    received(first, "stay-out")
    identified(first)
    expect(first.get_by_role("button", name="Look", exact=True)).to_be_hidden()
    first.get_by_label("Their photographs").set_input_files([portraits["person_b_1.jpg"], portraits["person_b_2.jpg"]])
    first.get_by_label("What they signed").set_input_files(form)
    first.get_by_label("Up to and with").fill((utc_now().date() + timedelta(days=30)).isoformat())
    first.get_by_role("button", name="Keep their consent").click()
    expect(first.locator("#one-facts")).to_contain_text("Consent until")
    expect(first.locator("#found")).to_contain_text("Bea")
    decided(first)
    second = visit("second")
    second.get_by_role("button", name="stay out").click()
    second.get_by_role("button", name="Release it").click()
    expect(second.locator("#stay-out-count")).to_contain_text("1 entry is in force")

    report = office.enrol_photograph(
        "portraits", portraits["person_b_2.jpg"].read_bytes(), filename="new.jpg", subject="Bea"
    )
    [entry] = office.rights.stay_out.entries.entries()
    second.get_by_label("Somebody takes it back").fill(entry.entry_id)
    second.get_by_role("button", name="End it and destroy it").click()
    expect(second.locator("#stay-out-count")).to_contain_text("0 entries are in force")

    assert [one.code for one in report.not_enrolled] == ["stay-out"]
    assert office.rights.stay_out.entries.entries() == ()
    assert "Bea" in {one.label for one in office.records.subjects(limit=9)}


def test_it_is_done_with_the_keyboard_alone(visit: Callable[..., Page]) -> None:
    page = visit("first")
    expect(page.locator("#counts")).to_contain_text("request")
    tabbed_to(page, "kind")
    page.keyboard.type("Which searches")
    tabbed_to(page, "name")
    page.keyboard.type("Person K")
    tabbed_to(page, "contact")
    page.keyboard.type("k@example.org")
    page.keyboard.press("Enter")
    expect(page.locator("#one-heading")).to_contain_text("searchesreceived")
    expect(page.locator("#one-heading")).to_be_focused()

    tabbed_to(page, "how")
    page.keyboard.type("Passport seen")
    page.keyboard.press("Enter")

    expect(page.locator("#one-heading .state")).to_have_text("identified")
    expect(page.locator("#one-heading")).to_be_focused()
    expect(page.locator("#one-facts")).to_contain_text("Person K")


def test_it_fits_a_telephone(visit: Callable[..., Page]) -> None:
    page = visit("first", viewport=PHONE)
    received(page, "objection")

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_nobody_but_custodians_sees_it(visit: Callable[..., Page], office: OpenGallery) -> None:
    signed_up.person(office, "watcher", roles=[Role.EXAMINER])

    page = visit("watcher")

    expect(page.locator("#problem")).to_contain_text("Sources are kept by custodians")
    expect(page.locator("#list")).to_be_empty()
    expect(page.locator("#one")).to_be_hidden()
