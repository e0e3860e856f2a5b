"""The report of an evaluation: one file, nothing fetched, nothing run, readable on a phone."""

from pathlib import Path

from playwright.sync_api import Browser

from countenance.evaluation.plots import identification_plots
from countenance.evaluation.study import Study, comparisons_json, growth, growth_json
from countenance.web.evaluation_report import render_evaluation
from tests.unit.evaluation.test_study import POPULATION, study  # noqa: F401 - a fixture


def test_it_is_one_file_that_fetches_nothing(study: Study, browser: Browser, tmp_path: Path) -> None:  # noqa: F811
    steps = growth(study, POPULATION, largest=5000)
    result = {
        "kind": "identification",
        "model_pack": {"name": "<b>pack", "digest": "0" * 64},
        "score": "cosine",
        **study.as_json(),
        "growth": growth_json(study, steps, POPULATION),
        "comparisons": comparisons_json({"once": study.result.searches, "again": study.result.searches}),
    }
    plots = identification_plots(study.result.searches, {"made up": study.result.searches}, steps)
    (tmp_path / "report.html").write_text(render_evaluation(result, plots, title="R & D"), encoding="utf-8")
    page = browser.new_page(viewport={"width": 360, "height": 740})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto((tmp_path / "report.html").as_uri())

    broken = page.evaluate("[...document.images].filter(image => !image.naturalWidth).length")
    images = page.evaluate("document.images.length")
    width = page.evaluate("document.documentElement.scrollWidth")
    text = page.inner_text("body")
    source = page.content()
    page.close()
    assert (images, broken) == (4, 0)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert width <= 360
    assert "<script" not in source
    for shown in ("<b>pack", "R & D", "p00", "p59", "north", "needs at least 334 non-mated searches"):
        assert shown in text
