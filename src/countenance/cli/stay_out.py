"""`countenance rights consent` and `rights stay-out`: people who are refused at enrolment since they asked for it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.files import read_document
from countenance.cli.options import As, Home, Json
from countenance.cli.rights import Request, emit_found
from countenance.rights.rendering import stay_out_json
from countenance.search.model import ProbePhotograph
from countenance.vision.decode import read_image_file

stay_out_app = typer.Typer(help="People who are refused at enrolment: they asked for it.", no_args_is_help=True)


def rights_consent(
    request: Request,
    photographs: Annotated[list[Path], typer.Argument(help="The person's photographs, of nobody else; not kept.")],
    document: Annotated[Path, typer.Option(help="What they signed; kept sealed under the entry's own key.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The entry's last day, YYYY-MM-DD.")],
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Keep somebody's consent to be refused at enrolment; in force once the request is granted and released.

    Whoever is enrolled already and looks like them is listed, and stays enrolled.

    Example: `countenance rights consent 5f0c… portrait.jpg --document consent.pdf --until 2031-11-28`
    """
    with open_acting(home, acting, "rights consent") as (gallery, actor):
        probes = [
            ProbePhotograph(image=read_image_file(one, limits=gallery.limits), filename=one.name) for one in photographs
        ]
        changed = gallery.rights.consent(
            request, probes, document=read_document(document), ends_on=until.date(), actor=actor
        )
    emit_found(changed, json=json)


@stay_out_app.command("list")
def stay_out_list(acting: As = None, home: Home = None, json: Json = False) -> None:
    """List the entries. Nobody is named: whose an entry is stands in the request and the letter.

    Example: `countenance rights stay-out list`
    """
    with open_acting(home, acting, "rights stay-out list") as (gallery, _):
        found = [stay_out_json(one) for one in gallery.rights.stay_out.entries.entries()]

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("entry", "since", "until", numbers={"entry", "since", "until"})
        for one in found:
            table.add_row(one["entry_id"], (one["since"] or "not yet")[:10], one["ends_on"])
        console.print(table if found else "Nobody asked to stay out.")

    output.emit({"entries": found}, as_json=json, render=render)


@stay_out_app.command("end", no_args_is_help=True)
def stay_out_end(
    entry: Annotated[str, typer.Argument(help="The entry's id, as the letter says it.")],
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """End an entry since its person takes the consent back: it is destroyed at once, with its key.

    Example: `countenance rights stay-out end 5f0c…`
    """
    with open_acting(home, acting, "rights stay-out end") as (gallery, actor):
        gallery.rights.stay_out.withdraw(entry, actor=actor)
    output.emit({"ended": entry}, as_json=json, render=lambda console: console.print(f"Ended and destroyed: {entry}."))
