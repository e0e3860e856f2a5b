"""The public page of retention in a real browser."""

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import Watched

PHONE = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True}


@pytest.mark.parametrize("watched", [PHONE], indirect=True, ids=["phone"])
def test_it_is_read_without_signing_in(watched: "Watched") -> None:
    page = watched.page
    page.goto(watched.address)

    page.get_by_role("link", name="How long what is kept").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("How long what is kept")
    expect(page.get_by_role("heading", level=2)).to_have_count(4)
    expect(page.get_by_role("term")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
