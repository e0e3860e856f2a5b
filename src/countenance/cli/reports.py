"""`countenance report`: counts of who is served."""

from collections import Counter
from typing import Annotated

import typer
from rich.console import Console

from countenance.access.model import Organisation
from countenance.access.rendering import organisation_json
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.options import As, Home, Json
from countenance.core.errors import InvalidInputError

FIELDS = ("region", "country", "sector", "state")

report_app = typer.Typer(help="Counts of who is served, and of what was searched.", no_args_is_help=True)


@report_app.command("customers")
def report_customers(
    by: Annotated[str, typer.Option(help="What to count by: region, country, sector, state, with commas.")] = "state",
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Count the organisations.

    Example: `countenance report customers --by region,sector --as operator-1`
    """
    fields = tuple(field.strip() for field in by.split(","))
    if not set(fields) <= set(FIELDS) or len(set(fields)) != len(fields):
        raise InvalidInputError(
            f"{by!r} names nothing to count by", code="count-invalid", hint=f"some of {', '.join(FIELDS)}, each once"
        )
    with open_acting(home, acting, "report customers") as (gallery, actor):
        found = gallery.accounts.organisations(actor=actor)
    counts = sorted(Counter(tuple(_field(one, field) for field in fields) for one in found).items())
    rows = [{**dict(zip(fields, values, strict=True)), "organisations": count} for values, count in counts]

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table(*fields, "organisations", numbers=("organisations",))
        for values, count in counts:
            table.add_row(*values, f"{count:,}")
        console.print(table)
        console.print(f"{len(found):,} organisations")

    output.emit({"by": list(fields), "counts": rows, "organisations": len(found)}, as_json=json, render=render)


def _field(organisation: Organisation, field: str) -> str:
    """Return one fact of an organisation, in words; the whole country where it names no region."""
    value = organisation_json(organisation)[field]
    return organisation.country if value is None else str(value)
