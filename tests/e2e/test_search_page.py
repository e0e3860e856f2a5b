"""The search page in a real browser, as a person uses it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from countenance.bootstrap.wiring import OpenGallery
from countenance.search.model import LEAD
from tests import signed_up

if TYPE_CHECKING:
    from conftest import Watched

PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 3, "has_touch": True, "is_mobile": True}
PORTRAIT = "obama3.jpg"


def fill_in(page: Page) -> None:
    page.get_by_label("Case reference").fill("2026-114")
    page.get_by_label("Purpose of this search").select_option("missing-person")


def choose_photograph(page: Page, photograph: Path) -> None:
    page.locator("#file").set_input_files(photograph)
    page.locator("#faces-area").wait_for()


def search(page: Page) -> None:
    page.get_by_role("button", name="Search", exact=True).click()


def enter(page: Page, password: str, code: str) -> None:
    page.get_by_label("Login").fill("examiner")
    page.get_by_label("Password").fill(password)
    page.get_by_label("Code of your authenticator").fill(code)
    page.keyboard.press("Enter")


def test_signing_in_by_hand(watched: "Watched", gallery: OpenGallery) -> None:
    page, authenticator = watched.page, signed_up.with_password(gallery)
    page.goto(watched.address)

    enter(page, "a wrong password", authenticator.now())
    expect(page.locator("#sign-in-problem")).to_contain_text("did not sign anybody in")
    enter(page, signed_up.PASSWORD, authenticator.now())

    expect(page.locator("#sign-in")).to_be_hidden()
    expect(page.locator("#gallery-counts")).to_have_text("4 subjects in 1 source")
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]


def test_signing_out_closes_the_page(watched: "Watched") -> None:
    page = watched.sign_in()

    page.get_by_role("button", name="Sign out").click()

    expect(page.locator("#sign-in")).to_be_visible()


def test_a_search_from_photograph_to_candidate(watched: "Watched", portraits: Mapping[str, Path]) -> None:
    page = watched.sign_in()

    choose_photograph(page, portraits[PORTRAIT])
    expect(page.locator("#probe-boxes .box.chosen")).to_have_count(1)
    expect(page.locator(".verdict-line.good")).to_be_visible()
    fill_in(page)
    search(page)

    first = page.locator(".candidate").first
    expect(first).to_contain_text("Cy")
    expect(first.locator(".score strong")).to_have_text("0.798")
    expect(first).to_contain_text("portraits · cy.jpg")
    expect(page.locator("#results-message")).to_contain_text("among 4 subjects")
    expect(page.get_by_role("note")).to_have_text(LEAD)


def test_the_box_lies_on_the_face(watched: "Watched", portraits: Mapping[str, Path], gallery: OpenGallery) -> None:
    page = watched.sign_in()
    choose_photograph(page, portraits[PORTRAIT])

    line, picture = page.locator("#probe-boxes .line"), page.locator("#probe-image")
    box, shown = line.bounding_box(), picture.bounding_box()

    probe = gallery.faces(portraits[PORTRAIT].read_bytes(), filename=None)
    (left, top, right, bottom), width, height = probe.faces[0].box, probe.width, probe.height
    assert box is not None
    assert shown is not None
    assert box["x"] - shown["x"] == pytest.approx(left * shown["width"] / width, abs=4)
    assert box["y"] - shown["y"] == pytest.approx(top * shown["height"] / height, abs=4)
    assert box["width"] == pytest.approx((right - left) * shown["width"] / width, abs=8)
    assert box["height"] == pytest.approx((bottom - top) * shown["height"] / height, abs=8)


def test_several_faces_are_asked_about_and_one_is_chosen_by_keyboard_alone(
    watched: "Watched", group_photograph: Path
) -> None:
    page = watched.sign_in()
    choose_photograph(page, group_photograph)
    expect(page.locator("#faces-legend")).to_have_text("3 faces were found. Choose one.")
    page.get_by_label("Case reference").focus()

    page.keyboard.type("2026-114")
    page.keyboard.press("Tab")
    page.keyboard.type("Find a missing person")
    for _ in ("the options", "an emergency", "the button"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#ask-problem")).to_contain_text("Choose a face first")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#probe-boxes .box.chosen")).to_have_attribute("data-face", "2")
    page.keyboard.press("Enter")

    expect(page.locator(".candidate").first).to_be_visible()
    expect(page.locator(".search-facts")).to_contain_text("group.jpg, face 2")
    expect(page.locator(".search-facts")).to_contain_text("Certified complete: ")


def test_a_face_is_chosen_by_clicking_its_box(watched: "Watched", group_photograph: Path) -> None:
    page = watched.sign_in()
    choose_photograph(page, group_photograph)

    page.locator("#probe-boxes [data-face='3']").click()

    expect(page.locator("input[name=face][value='3']")).to_be_checked()
    expect(page.locator("#probe-boxes .box.chosen .number")).to_have_text("3 ✓")


def test_a_candidates_photograph_opens_with_its_box(watched: "Watched", portraits: Mapping[str, Path]) -> None:
    page = watched.sign_in()
    choose_photograph(page, portraits[PORTRAIT])
    fill_in(page)
    search(page)

    page.get_by_role("button", name="Open the photograph of candidate 1, Cy").focus()
    page.keyboard.press("Enter")

    dialog = page.get_by_role("dialog", name="1. Cy")
    expect(dialog.locator(".box")).to_have_count(1)
    expect(dialog).to_contain_text("cy.jpg")
    expect(dialog).to_contain_text(LEAD)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Open the photograph of candidate 1, Cy")).to_be_focused()


def test_nobody_reaching_the_threshold_is_said(watched: "Watched", portraits: Mapping[str, Path]) -> None:
    page = watched.sign_in()
    choose_photograph(page, portraits["impostor_2.jpg"])
    fill_in(page)

    search(page)

    expect(page.locator("#results-body")).to_contain_text("Nobody reached the threshold")


def test_no_face_is_said_and_looked_for_again(watched: "Watched", tmp_path: Path) -> None:
    Image.new("RGB", (900, 700), (70, 90, 80)).save(tmp_path / "wall.png")
    page = watched.sign_in()

    choose_photograph(page, tmp_path / "wall.png")
    expect(page.locator("#faces-legend")).to_have_text("No face was found.")
    page.get_by_role("button", name="Look for small faces too").click()

    expect(page.locator("#face-verdict")).to_contain_text("Small ones neither")


def test_a_face_too_poor_says_why(watched: "Watched", portraits: Mapping[str, Path], tmp_path: Path) -> None:
    picture = Image.open(portraits[PORTRAIT]).convert("RGB")
    picture.resize((picture.width // 14, picture.height // 14)).save(tmp_path / "poor.jpg", quality=95)
    page = watched.sign_in()
    choose_photograph(page, tmp_path / "poor.jpg")
    expect(page.locator(".verdict-line.poor")).to_be_visible()
    fill_in(page)

    search(page)

    expect(page.locator("#results-body")).to_contain_text("This face is too poor to search")
    expect(page.locator("#results-body li").first).to_contain_text("eyes 6 pixels apart, 8 needed")


def test_a_file_that_is_no_picture_is_one_line(watched: "Watched", tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("<script>alert(1)</script>")
    page = watched.sign_in()
    fill_in(page)

    page.locator("#file").set_input_files(tmp_path / "notes.jpg")

    expect(page.locator("#picture-problem")).to_be_visible()
    assert "\n" not in page.locator("#picture-problem").inner_text()
    expect(page.get_by_label("Case reference")).to_have_value("2026-114")


def test_a_file_that_is_too_large_is_not_sent(watched: "Watched", tmp_path: Path) -> None:
    (tmp_path / "large.jpg").write_bytes(b"\xff\xd8\xff" + bytes(8_000_000))
    page = watched.sign_in()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))

    page.locator("#file").set_input_files(tmp_path / "large.jpg")

    expect(page.locator("#picture-problem")).to_contain_text("Choose a smaller file")
    assert sent == []


def test_a_photograph_that_browsers_cannot_show_is_shown_all_the_same(
    watched: "Watched", portraits: Mapping[str, Path], tmp_path: Path
) -> None:
    Image.open(portraits[PORTRAIT]).convert("RGB").save(tmp_path / "probe.tiff", compression="tiff_deflate")
    page = watched.sign_in()

    choose_photograph(page, tmp_path / "probe.tiff")

    expect(page.locator("#probe-image")).to_be_visible()
    expect(page.locator("#probe-boxes .box.chosen")).to_have_count(1)


def test_a_photograph_is_pasted(watched: "Watched", portraits: Mapping[str, Path]) -> None:
    page = watched.sign_in()

    page.evaluate(
        """bytes => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", { type: "image/jpeg" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
        }""",
        list(portraits[PORTRAIT].read_bytes()),
    )

    expect(page.locator("#probe-boxes .box.chosen")).to_have_count(1)
    expect(page.locator("#picture-name")).to_have_text("pasted.jpg")


def test_another_photograph_is_chosen_by_keyboard(watched: "Watched", portraits: Mapping[str, Path]) -> None:
    page = watched.sign_in()
    choose_photograph(page, portraits[PORTRAIT])

    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Change the photograph").press("Enter")
    chooser.value.set_files(portraits["person_a_2.jpg"])

    expect(page.locator("#picture-name")).to_have_text("person_a_2.jpg")
    expect(page.locator("#probe-boxes .box.chosen")).to_have_count(1)


def test_nothing_is_lost_when_the_server_fails(watched: "Watched", portraits: Mapping[str, Path]) -> None:
    page = watched.sign_in()
    choose_photograph(page, portraits[PORTRAIT])
    fill_in(page)
    search(page)
    expect(page.locator(".candidate").first).to_be_visible()
    shown = page.locator("#results-body").inner_text()
    page.route("**/v1/searches", lambda route: route.abort())

    search(page)
    expect(page.locator("#ask-problem")).to_contain_text("can't be reached")
    assert page.locator("#results-body").inner_text() == shown
    page.unroute("**/v1/searches")
    search(page)

    expect(page.locator("#ask-problem")).to_be_hidden()
    expect(page.locator(".candidate").first).to_contain_text("Cy")


def test_a_session_that_ended_is_begun_again_without_loss(
    watched: "Watched", gallery: OpenGallery, portraits: Mapping[str, Path]
) -> None:
    authenticator = signed_up.with_password(gallery)
    watched.cookie = signed_up.cookie(gallery)
    page = watched.sign_in()
    choose_photograph(page, portraits[PORTRAIT])
    fill_in(page)
    page.context.clear_cookies()

    search(page)
    expect(page.locator("#sign-in-problem")).to_be_visible()
    enter(page, signed_up.PASSWORD, authenticator.now())
    search(page)

    expect(page.locator(".candidate").first).to_contain_text("Cy")


def test_a_problems_text_is_never_markup(watched: "Watched", portraits: Mapping[str, Path]) -> None:
    page = watched.sign_in()

    def answer(route: Route) -> None:
        route.fulfill(status=422, json={"code": "x", "detail": "<img src=x onerror=alert(1)>", "hint": ""})

    page.route("**/v1/faces", answer)
    page.locator("#file").set_input_files(portraits[PORTRAIT])

    expect(page.locator("#picture-problem")).to_contain_text("<img src=x onerror=alert(1)>")


def test_an_old_answer_says_that_it_is_old(
    watched: "Watched", portraits: Mapping[str, Path], group_photograph: Path
) -> None:
    page = watched.sign_in()
    choose_photograph(page, portraits[PORTRAIT])
    fill_in(page)
    search(page)
    expect(page.locator(".candidate").first).to_be_visible()

    choose_photograph(page, group_photograph)

    expect(page.locator(".stale-note")).to_contain_text("the search before")


@pytest.mark.parametrize("watched", [PHONE], indirect=True, ids=["phone"])
def test_a_phone_never_scrolls_sideways(
    watched: "Watched", portraits: Mapping[str, Path], group_photograph: Path
) -> None:
    page = watched.sign_in()
    widths = [page.evaluate("document.documentElement.scrollWidth")]

    choose_photograph(page, group_photograph)
    widths.append(page.evaluate("document.documentElement.scrollWidth"))
    choose_photograph(page, portraits[PORTRAIT])
    fill_in(page)
    search(page)
    expect(page.locator(".candidate").first).to_be_visible()
    widths.append(page.evaluate("document.documentElement.scrollWidth"))
    page.locator("button.tile").first.tap()
    expect(page.get_by_role("dialog", name="1. Cy")).to_be_visible()
    widths.append(page.evaluate("document.querySelector('#photograph').scrollWidth"))

    assert max(widths) <= 360


def test_several_photographs_of_one_person_are_searched_with_as_one(
    watched: "Watched", portraits: Mapping[str, Path], group_photograph: Path, gallery: "OpenGallery"
) -> None:
    faces = gallery.faces(group_photograph.read_bytes(), filename=None).faces
    middle = sorted(range(len(faces)), key=lambda at: faces[at].box.left)[1] + 1
    page = watched.sign_in()
    choose_photograph(page, portraits[PORTRAIT])
    fill_in(page)
    page.locator("#further-file").set_input_files(group_photograph)
    expect(page.locator("#faces-legend")).to_have_text("3 faces were found. Choose one.")

    search(page)
    expect(page.locator("#ask-problem")).to_contain_text("Choose a face first")
    page.locator(f"#probe-boxes [data-face='{middle}']").click()
    search(page)

    page.locator(".search-facts").wait_for()
    expect(page.locator(".search-facts")).to_contain_text(f"obama3.jpg, face 1; group.jpg, face {middle}")
    expect(page.locator(".candidate").first).to_contain_text("Cy")
    expect(page.locator(".candidate .strip .place").first).to_be_attached()
    expect(page.locator(".stale-note")).to_have_count(0)


def test_a_further_photograph_is_looked_at_again_and_left_out(
    watched: "Watched", portraits: Mapping[str, Path], group_photograph: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.jpg").write_text("no picture")
    page = watched.sign_in()
    choose_photograph(page, group_photograph)
    page.locator("#probe-boxes [data-face='2']").click()
    page.locator("#further-file").set_input_files([portraits[PORTRAIT], tmp_path / "notes.jpg"])
    expect(page.locator("#photographs li")).to_have_count(3)
    expect(page.locator("#photographs li").nth(2)).to_contain_text("can't be read")

    page.get_by_role("button", name="1. group.jpg").click()
    expect(page.locator("#probe-boxes .box.chosen")).to_have_attribute("data-face", "2")
    fill_in(page)
    search(page)
    expect(page.locator("#ask-problem")).to_contain_text("notes.jpg first, or leave it out")
    page.get_by_role("button", name="Leave out photograph 3, notes.jpg").click()
    search(page)

    page.locator(".search-facts").wait_for()
    expect(page.locator(".search-facts")).to_contain_text("group.jpg, face 2; obama3.jpg, face 1")


def test_the_threshold_is_set_by_how_often_a_stranger_may_be_returned(
    watched: "Watched", portraits: Mapping[str, Path]
) -> None:
    page = watched.sign_in()
    choose_photograph(page, portraits[PORTRAIT])
    fill_in(page)
    page.locator(".options summary").click()
    page.get_by_label("how often may a stranger be returned").select_option("0.01")

    search(page)

    page.locator(".search-facts").wait_for()
    expect(page.locator(".search-facts")).to_contain_text("at most 1 search in 100 returns a stranger")
    expect(page.locator(".candidate").first.locator(".strangers-words")).to_contain_text("would look this similar")


def test_a_weak_candidate_shows_how_many_strangers_to_expect_and_how_sure_that_is(
    watched: "Watched", portraits: Mapping[str, Path]
) -> None:
    page = watched.sign_in()
    choose_photograph(page, portraits[PORTRAIT])
    fill_in(page)
    page.locator(".options summary").click()
    page.get_by_role("spinbutton", name="Least score").fill("-1")

    search(page)

    weak = page.locator(".candidate").nth(1)
    expect(weak.locator(".strangers-words")).to_contain_text("would look this similar")
    expect(weak.locator(".strangers-interval")).to_contain_text("90 % interval: ")
