"""Writes the search page's screenshot for the documentation, every face in it made unrecognisable.

Run: `python -m tests.e2e.screenshot FOLDER_OF_SAMPLE_PORTRAITS docs/images/search-page.png`
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page

from countenance.api.visitors import SESSION_COOKIE
from tests import signed_up
from tests.e2e.conftest import chromium, filled_gallery, served, side_by_side

COARSE = """
async () => {
  const coarse = (picture, columns) => {
    const [width, height] = [picture.clientWidth, picture.clientHeight];
    const tiny = document.createElement("canvas");
    tiny.width = columns;
    tiny.height = Math.max(1, Math.round(columns * height / width));
    const context = tiny.getContext("2d");
    context.filter = "blur(1px)";
    context.drawImage(picture, 0, 0, tiny.width, tiny.height);
    tiny.className = picture.className;
    Object.assign(tiny.style, { width: `${width}px`, height: `${height}px`, imageRendering: "pixelated" });
    picture.replaceWith(tiny);
  };
  coarse(document.querySelector("#probe-image"), 34);
  document.querySelectorAll(".tile img, .tile canvas, .choice canvas").forEach((picture) => coarse(picture, 9));
}
"""
"""Draws every photograph again with so few pixels that a face has about four across."""


def search(page: Page, address: str, cookie: str, photograph: Path) -> None:
    """Search for the second face of a photograph, with a threshold that lets everybody through."""
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": cookie, "url": address}])
    page.goto(address)
    page.locator("#sign-out").wait_for()
    page.locator("#file").set_input_files(photograph)
    page.locator(".choice").nth(1).click()
    page.get_by_label("Case reference").fill("2026-114")
    page.get_by_label("Purpose of this search").select_option("missing-person")
    page.locator(".options summary").click()
    page.get_by_role("spinbutton", name="Least score").fill("-1")
    page.locator(".options summary").click()
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".timings").wait_for()
    page.wait_for_load_state("networkidle")


def main(folder: Path, out: Path) -> None:
    """Make the screenshot."""
    portraits = {path.name: path for path in folder.rglob("*.jpg")}
    with TemporaryDirectory() as place:
        names = ("person_a_2.jpg", "obama3.jpg", "person_b_2.jpg")
        group = side_by_side([portraits[name] for name in names], Path(place) / "group-photograph.jpg")
        with (
            filled_gallery(Path(place) / "home", portraits) as gallery,
            served(gallery) as address,
            chromium() as browser,
        ):
            page = browser.new_page(viewport={"width": 1360, "height": 860})
            search(page, address, signed_up.cookie(gallery), group)
            page.evaluate(COARSE)
            page.evaluate("scrollTo(0, 0); document.activeElement.blur()")
            page.screenshot(path=out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
