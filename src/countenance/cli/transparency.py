"""`countenance report transparency`: a year's searches, counted from the audit log alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from countenance.audit.verification import verify_log
from countenance.bootstrap.auditing import known_verifiers
from countenance.bootstrap.wiring import OpenGallery
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.files import require_free, write_file
from countenance.cli.options import As, Force, Home, Json
from countenance.core.errors import InvalidInputError
from countenance.oversight.transparency import SECTIONS, Transparency, count_year, statute_named
from countenance.web.transparency_report import render_csv, render_html, render_pdf

FORMATS: Mapping[str, Callable[[Mapping[str, Any]], bytes]] = {
    ".html": render_html,
    ".pdf": render_pdf,
    ".csv": render_csv,
}


def report_transparency(
    year: Annotated[int, typer.Option(min=2020, max=9999, help="Which year, by the entries' times, UTC.")],
    statute: Annotated[
        str | None,
        typer.Option(help="Arrange it for a statute's yearly report, and say what is not in the log: us-md."),
    ] = None,
    organisation: Annotated[
        str | None, typer.Option("--org", help="Only this organisation's searches, by name or id.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write a file: .html, .pdf or .csv.")] = None,
    force: Force = False,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Count a year's searches from the audit log alone, after checking all of it: no names, no faces.

    Example: `countenance report transparency --year 2026 --statute us-md --out report-2026.html --as auditor-a`
    """
    if statute is not None:
        statute_named(statute)
    if out is not None:
        if out.suffix.lower() not in FORMATS:
            raise InvalidInputError(
                f"{out} is of no kind of report", code="report-format", hint=f"one of {', '.join(FORMATS)}"
            )
        require_free(out, force=force)
    with open_acting(home, acting, "report transparency") as (gallery, _):
        verifiers = known_verifiers(gallery.settings)
        with output.progress("Checking", gallery.audit.head().size, quiet=json) as bar:
            checkpoint = verify_log(gallery.audit, verifiers=verifiers, on_progress=bar.advance).checkpoint
        org_id = None if organisation is None else _org_id(gallery, organisation)
        counts = count_year(gallery.audit.entries(0, checkpoint.size), year, organisation=org_id)
    report = Transparency(
        year=year, organisation=org_id, statute=statute, checkpoint=checkpoint, counts=counts
    ).to_json()
    if out is not None:
        write_file(out, FORMATS[out.suffix.lower()](report))
    output.emit(report, as_json=json, render=lambda console: _render(console, report, out))


def _org_id(gallery: OpenGallery, name: str) -> str:
    """Return an organisation's id."""
    with gallery.accounts.directory.reading() as view:
        return view.organisation_named(name).org_id


def _render(console: Console, report: Mapping[str, Any], out: Path | None) -> None:
    """Print a table."""
    table = output.table("what", "which", "count", numbers=("count",))
    for section, title in SECTIONS.items():
        for name, count in report["counts"][section].items():
            table.add_row(title, name, f"{count:,}")
    console.print(table)
    console.print(f"Counted from {report['log']['entries']:,} entries, all of which are what was signed.")
    if out is not None:
        console.print(f"Wrote {out}", soft_wrap=True)
