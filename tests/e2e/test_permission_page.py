"""What the law packs in force say, on the search page."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from countenance.bootstrap.wiring import OpenGallery
from tests import signed_up

if TYPE_CHECKING:
    from conftest import Watched


def test_purposes_and_open_cases_are_offered(watched: "Watched") -> None:
    page = watched.sign_in()

    expect(page.locator("#purpose option")).to_have_count(9)
    expect(page.locator("#purpose option", has_text="Find a missing person")).to_have_count(1)
    assert page.locator("#cases option").evaluate_all("all => all.map((one) => one.value)").count("2026-114") == 1


def test_an_offence_is_asked_for_where_the_purpose_needs_one(watched: "Watched") -> None:
    page = watched.sign_in()
    expect(page.get_by_label("Offence that is investigated")).to_be_hidden()

    page.get_by_label("Purpose of this search").select_option("suspect")

    expect(page.get_by_label("Offence that is investigated")).to_be_visible()


def test_a_refusal_lists_every_reason(watched: "Watched", portraits: Mapping[str, Path]) -> None:
    page = watched.sign_in()
    page.locator("#file").set_input_files(portraits["obama3.jpg"])
    page.locator("#face-verdict p").first.wait_for()
    page.get_by_label("Case reference").fill("no such case")
    page.get_by_label("Purpose of this search").select_option("witness")
    page.get_by_label("Offence that is investigated").select_option("robbery")
    page.get_by_role("button", name="Search", exact=True).click()

    expect(page.locator("#reasons li")).to_have_count(2)
    expect(page.locator("#reasons")).to_contain_text("your organisation has no open case of this reference")
    expect(page.locator("#reasons")).to_contain_text("core-approval")
    expect(page.locator("#ask-problem")).to_have_text("This is not permitted, for 2 reasons.")


def test_a_new_case_is_opened_there(watched: "Watched", gallery: OpenGallery) -> None:
    page = watched.sign_in()
    reference = f"page-{len(gallery.cases.all(actor=signed_up.acting(gallery)))}"
    page.get_by_label("Case reference").fill(reference)

    page.get_by_role("button", name="Open this as a new case").click()

    expect(page.get_by_role("button", name="Open this as a new case")).to_be_hidden()
    assert gallery.cases.case(reference, actor=signed_up.acting(gallery)).reference == reference
