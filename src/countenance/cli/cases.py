"""`countenance case`: the cases of one's own organisation, under which it searches."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from countenance.cases.rendering import case_json
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.files import read_document
from countenance.cli.options import As, Home, Json

case_app = typer.Typer(help="Cases of your organisation: every search names an open one.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(help="What your organisation calls it, e.g. 2026-0417.")]


@case_app.command("open", no_args_is_help=True)
def case_open(
    reference: Reference,
    authorised_by: Annotated[
        str, typer.Option(help="Whose authorisation is on record, e.g. 'District Court, order 12 of 2026'.")
    ] = "",
    document: Annotated[Path | None, typer.Option(help="That authorisation's document; kept sealed.")] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Open a case.

    Example: `countenance case open 2026-0417 --as examiner-a`
    """
    data = b"" if document is None else read_document(document)
    with open_acting(home, acting, "case open") as (gallery, actor):
        made = case_json(gallery.cases.open(reference, actor=actor, authorised_by=authorised_by, document=data))
    _emit(made, f"The case {made['reference']} is open.", as_json=json)


@case_app.command("close", no_args_is_help=True)
def case_close(reference: Reference, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Close a case for good: nothing is searched under it any more.

    Example: `countenance case close 2026-0417 --as examiner-a`
    """
    with open_acting(home, acting, "case close") as (gallery, actor):
        closed = case_json(gallery.cases.close(reference, actor=actor))
    _emit(closed, f"The case {closed['reference']} is closed.", as_json=json)


@case_app.command("list")
def case_list(acting: As = None, home: Home = None, json: Json = False) -> None:
    """List your organisation's cases, newest first.

    Example: `countenance case list --as examiner-a`
    """
    with open_acting(home, acting, "case list") as (gallery, actor):
        found = [case_json(case) for case in gallery.cases.all(actor=actor)]

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("case", "state", "opened", "closed", "authorised by")
        for case in found:
            days = (str(case[name] or "")[:10] for name in ("opened_at", "closed_at"))
            table.add_row(case["reference"], case["state"], *days, case["authorised_by"] or "")
        console.print(table if found else "No cases. Open one: countenance case open REFERENCE")

    output.emit({"cases": found}, as_json=json, render=render)


@case_app.command("show", no_args_is_help=True)
def case_show(reference: Reference, acting: As = None, home: Home = None, json: Json = False) -> None:
    """Show one case of your organisation.

    Example: `countenance case show 2026-0417 --as examiner-a`
    """
    with open_acting(home, acting, "case show") as (gallery, actor):
        found = case_json(gallery.cases.case(reference, actor=actor))
    output.emit(found, as_json=json, render=lambda console: console.print(output.facts(found)))


def _emit(case: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    """Print a case, or what became of it."""
    output.emit(case, as_json=as_json, render=lambda console: console.print(sentence, soft_wrap=True))
