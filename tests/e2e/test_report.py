"""The HTML report: one file, nothing fetched, nothing run, fit for paper."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from countenance.bootstrap.wiring import OpenGallery
from countenance.search.model import LEAD, SearchRequest
from countenance.web.report import ReportEntry, render_report, report_entry
from tests import signed_up


def entry(gallery: OpenGallery, photograph: Path, **asked: float) -> ReportEntry:
    data = photograph.read_bytes()
    case = "<b>2026-114</b>"
    actor = signed_up.admitted(gallery, cases=[case])
    asked_for = {"case": case, "purpose": signed_up.PURPOSE, "actor": actor}
    answer = gallery.search(SearchRequest(image=data, filename=None, **asked_for, **asked))
    return report_entry(gallery, answer, name=photograph.name, photograph=data, actor=actor)


@pytest.fixture
def report(gallery: OpenGallery, portraits: Mapping[str, Path], group_photograph: Path) -> str:
    entries = [
        entry(gallery, portraits["obama3.jpg"], threshold=-1.0),
        entry(gallery, portraits["impostor_2.jpg"]),
        entry(gallery, group_photograph),
    ]
    return render_report(entries, title="Searches & answers", credits=["obama3.jpg: public domain"])


def test_everything_that_was_answered_stands_in_it(report: str) -> None:
    for text in ("Cy", "Unnamed", "0.798", "portraits · cy.jpg", "−1.000", "2026-114", "public domain", LEAD):
        assert text in report
    assert "Nobody among 4 subjects reaches the threshold" in report
    assert "3 faces were found: choose one" in report
    assert report.count("Certified complete: ") == 2


def test_text_is_never_markup(report: str) -> None:
    assert "&lt;b&gt;2026-114&lt;/b&gt;" in report
    assert "<b>2026" not in report
    assert "Searches &amp; answers" in report


def test_it_is_one_file_that_fetches_nothing(report: str, browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(report, encoding="utf-8")
    page = browser.new_page(viewport={"width": 360, "height": 740})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto((tmp_path / "report.html").as_uri())

    broken = page.evaluate("[...document.images].filter(image => !image.naturalWidth).length")
    images = page.evaluate("document.images.length")
    width = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert (images, broken) == (2 + 2 * 4, 0)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert width <= 360
    assert "<script" not in report


def test_a_picture_of_another_kind_is_refused(gallery: OpenGallery, portraits: Mapping[str, Path]) -> None:
    shown = entry(gallery, portraits["obama3.jpg"])
    other = ReportEntry(name="x", answer=shown.answer, probe_crop=b"<svg/>", crops={})

    with pytest.raises(ValueError, match="JPEG, PNG or WebP"):
        render_report([other], title="t", credits=[])
