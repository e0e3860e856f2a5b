"""Counting a year from the log's entries, and what of it a statute asks for."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from countenance.audit.model import Checkpoint, Entry, Outcome
from countenance.core.errors import NotFoundError
from countenance.oversight.transparency import SECTIONS, STATUTES, Transparency, count_year, statute_named
from countenance.policy.model import SYSTEM
from countenance.web.transparency_report import render_csv, render_html, render_pdf

DAY = datetime(2026, 3, 5, tzinfo=UTC)


def body(
    action: str = "search", *, outcome: Outcome = Outcome.DONE, at: datetime = DAY, org: str = "police", **facts: object
) -> bytes:
    """Return an entry's bytes."""
    document = json.loads(Entry(action=action, outcome=outcome, actor=SYSTEM, facts=facts).body(at=at, nonce=b"n"))
    document["actor"]["organisation"] = org
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


ANSWERED: Mapping[str, object] = {
    "purpose": "criminal-investigation",
    "offence": "homicide",
    "probe": "photograph",
    "sources": ["s1", "s2"],
    "candidates": 2,
    "case": "c1",
}

BODIES = [
    body(**ANSWERED),
    body(**{**ANSWERED, "offence": "", "sources": ["s1"], "candidates": 0, "case": "c2"}),
    body(org="archive", candidates=1, sources=["s1"]),
    body(outcome=Outcome.REFUSED, code="not-permitted", rules=["us-md-sketch", "core-case"]),
    body(outcome=Outcome.REFUSED, code="image-broken"),
    body(outcome=Outcome.FAILED, code="index-mismatch"),
    body(at=datetime(2025, 12, 31, 23, 59, tzinfo=UTC), **ANSWERED),
    body("oversight-alert", rule="volume", organisation="police"),
    body("view-answer", search="s", words='{"action":"search"}'),
]


def test_a_year_is_counted() -> None:
    assert count_year(BODIES, 2026) == {
        "searches": {"done": 3, "failed": 1, "refused": 2},
        "month": {"2026-03": 3},
        "purpose": {"criminal-investigation": 2, "none stated": 1},
        "offence": {"homicide": 1, "none stated": 2},
        "probe": {"none stated": 1, "photograph": 2},
        "source": {"s1": 3, "s2": 1},
        "candidates": {"answers with candidates": 2, "answers without": 1, "returned": 3},
        "use": {"cases searched for": 2, "people who searched": 1},
        "rule": {"core-case": 1, "image-broken": 1, "us-md-sketch": 1},
        "alert": {"volume": 1},
    }


def test_one_organisation_is_counted_alone() -> None:
    counts = count_year(BODIES, 2026, organisation="archive")

    assert (counts["searches"], counts["rule"], counts["alert"]) == ({"done": 1}, {}, {})


def test_a_year_without_searches_is_empty() -> None:
    assert set(count_year(BODIES, 2024)) == set(SECTIONS)
    assert count_year(BODIES, 2024)["searches"] == {}


@pytest.fixture
def report() -> Mapping[str, object]:
    """A report for Maryland."""
    made = Transparency(
        year=2026,
        organisation=None,
        statute="us-md",
        checkpoint=Checkpoint("log <1>", 9, bytes(32)),
        counts=count_year(BODIES, 2026),
    )
    return made.to_json()


def test_every_duty_is_answered_by_a_section_and_says_what_is_missing() -> None:
    duties = [duty for statute in STATUTES.values() for duty in statute.duties]

    assert all(set(duty.sections) <= set(SECTIONS) and duty.lacks for duty in duties)
    with pytest.raises(NotFoundError) as raised:
        statute_named("us-xx")
    assert raised.value.code == "statute-unknown"


def test_html_says_all_of_it_and_runs_nothing(report: Mapping[str, object]) -> None:
    page = render_html(report).decode()

    assert all(text in page for text in ("homicide", "2-510(a)(3)", "neither kept nor inferred", "log &lt;1&gt;"))
    assert "<script" not in page
    assert "http" not in page


def test_csv_holds_each_count(report: Mapping[str, object]) -> None:
    rows = list(csv.reader(io.StringIO(render_csv(report).decode(), newline="")))

    assert ["rule", "us-md-sketch", "1"] in rows
    assert next(row[1] for row in rows if row[0] == "not in the log") == "§ 2-510(a)(1)"


def test_pdf_has_pages_and_is_the_same_each_time(report: Mapping[str, object]) -> None:
    made = render_pdf(report)

    assert made.startswith(b"%PDF-")
    assert made.count(b"/Type /Page ") >= 2
    assert made == render_pdf(report)
