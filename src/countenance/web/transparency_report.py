"""A year's counts as files to publish: HTML, PDF and CSV; nothing fetched, no names, no faces."""

import csv
import io
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import matplotlib as mpl
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from countenance.oversight.transparency import SECTIONS

LINES_A_PAGE = 62
COLUMNS = 88
PAGE = (8.27, 11.69)
"""A4, inches."""


def render_html(report: Mapping[str, Any]) -> bytes:
    """Render one self-contained HTML file."""
    environment = Environment(
        loader=PackageLoader("countenance.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("transparency.html")
    return page.render(report=report, sections=SECTIONS).encode()


def render_csv(report: Mapping[str, Any]) -> bytes:
    """Render a table: section, name, count."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(["section", "name", "count"])
    table.writerow(["report", "year", report["year"]])
    table.writerow(["log", report["log"]["origin"], report["log"]["entries"]])
    for section, named in report["counts"].items():
        table.writerows([section, name, count] for name, count in named.items())
    for duty in report["duties"]:
        table.writerow(["not in the log", duty["cites"], duty["lacks"]])
    return written.getvalue().encode()


def render_pdf(report: Mapping[str, Any]) -> bytes:
    """Render pages of text, A4."""
    lines = [part for line in _lines(report) for part in textwrap.wrap(line, COLUMNS, subsequent_indent="    ") or [""]]
    written = io.BytesIO()
    # Letters as outlines of a font that comes along, so that every reader shows the same.
    with mpl.rc_context({"pdf.fonttype": 42}), PdfPages(written, metadata={"CreationDate": None}) as pages:
        for start in range(0, len(lines), LINES_A_PAGE):
            figure = Figure(figsize=PAGE)
            text = "\n".join(lines[start : start + LINES_A_PAGE])
            figure.text(0.08, 0.95, text, va="top", family="monospace", size=9, linespacing=1.3, parse_math=False)
            pages.savefig(figure)
    return written.getvalue()


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the report as lines of text."""
    yield f"Face searches in {report['year']}"
    yield ""
    yield f"Counted from the audit log {report['log']['origin']}"
    yield f"as of {report['log']['entries']:,} entries, root {report['log']['root']}"
    yield f"Organisation: {report['organisation'] or 'all'}"
    for section, title in SECTIONS.items():
        yield ""
        yield title
        yield from (f"  {count:>10,}  {name}" for name, count in report["counts"][section].items())
        if not report["counts"][section]:
            yield "              none"
    if report["duties"]:
        yield ""
        yield report["statute"]
    for duty in report["duties"]:
        answered = ", ".join(SECTIONS[section] for section in duty["sections"])
        yield ""
        yield f"{duty['cites']}: {duty['asks']}"
        yield f"  Answered by: {answered}"
        yield f"  Not in the log: {duty['lacks']}"
    yield ""
    yield "A candidate is an investigative lead, not an identification. Not legal advice."
