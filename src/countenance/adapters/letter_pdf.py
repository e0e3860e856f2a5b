"""A letter as a PDF: A4, one column, text that can be selected, in a font with the letters of many languages."""

import textwrap
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from countenance.rights.letter import Paragraph

INCHES = (8.27, 11.69)
"""A4."""

COLUMNS, LINES = 88, 56
"""Characters a line, lines a page, at the sizes below."""

TOP, BOTTOM, LEFT, LINE = 0.93, 0.05, 0.11, 0.0151
"""Shares of the page."""

SIZE, HEADING_SIZE = 9.5, 11.5
"""Points."""


class _Line(NamedTuple):
    """One line of a page."""

    text: str
    heading: bool


def letter_pdf(paragraphs: Sequence[Paragraph], *, title: str) -> bytes:
    """Return a letter's PDF.

    Args:
        paragraphs: Its text, of at least one paragraph.
        title: What programs that show it call it.
    """
    lines = list(_lines(paragraphs))
    pages = [lines[at : at + LINES] for at in range(0, len(lines), LINES)]
    written = BytesIO()
    # 42: whole glyphs, so that names in any script can be selected and searched.
    about = {"Title": title, "Creator": "Countenance", "Producer": "Countenance"}
    with mpl.rc_context({"pdf.fonttype": 42, "font.family": "DejaVu Sans"}), PdfPages(written, metadata=about) as pdf:
        for number, page in enumerate(pages, start=1):
            pdf.savefig(_page(page, f"{number} / {len(pages)}"))
    return written.getvalue()


def _page(lines: Sequence[_Line], number: str) -> Figure:
    """Lay one page out."""
    figure = Figure(figsize=INCHES)
    for at, line in enumerate(lines):
        size, weight = (HEADING_SIZE, "bold") if line.heading else (SIZE, "normal")
        # A dollar sign would begin a formula.
        figure.text(LEFT, TOP - at * LINE, line.text, size=size, weight=weight, va="top", parse_math=False)
    figure.text(LEFT, BOTTOM, number, size=SIZE, va="top")
    return figure


def _lines(paragraphs: Sequence[Paragraph]) -> Iterator[_Line]:
    """Break paragraphs into lines, an empty one between two."""
    for at, paragraph in enumerate(paragraphs):
        if at:
            yield _Line("", heading=False)
        for part in paragraph.text.split("\n"):
            for text in textwrap.wrap(part, COLUMNS) or [""]:
                yield _Line(text, paragraph.heading)
