"""`countenance migrate`: photographs out of another system, enrolled anew into a source."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.bootstrap.settings import Settings
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.gallery import SHOWN, print_report
from countenance.cli.options import As, Home, Json
from countenance.gallery.compreface import compreface_photographs
from countenance.gallery.deepface import deepface_photographs
from countenance.gallery.embeddings_table import table_photographs
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.migration import Rehearsal, rehearse
from countenance.gallery.plan import PlannedPhotograph
from countenance.gallery.sources import active_source

Planned = Iterator[PlannedPhotograph | NotEnrolled]

migrate_app = typer.Typer(help="Move from another system: its photographs are enrolled anew.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(help="An active source: who had the right to hand them over.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be read and refused; write nothing.")]


@migrate_app.command("compreface", no_args_is_help=True)
def migrate_compreface(
    source: Source,
    dump: Annotated[Path, typer.Argument(help="Plain-text pg_dump of the tables subject, img and embedding.")],
    collection: Annotated[
        str | None, typer.Option(help="How the API key of the face collection begins, where there are several.")
    ] = None,
    dry_run: DryRun = False,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Move a face collection of CompreFace. May be stopped at any time; the same command goes on from there.

    Example: `countenance migrate compreface staff-2024 dump.sql --dry-run`
    """
    _migrate(
        "compreface",
        source,
        lambda settings: compreface_photographs(dump, max_bytes=settings.max_image_bytes, collection=collection),
        dry_run=dry_run,
        acting=acting,
        home=home,
        json=json,
    )


@migrate_app.command("deepface", no_args_is_help=True)
def migrate_deepface(
    source: Source,
    folder: Annotated[Path, typer.Argument(help="DeepFace's db_path, with a folder a person.")],
    dry_run: DryRun = False,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Move a database folder of DeepFace; its pickles are never opened. The same command goes on where it was stopped.

    Example: `countenance migrate deepface staff-2024 my_db/`
    """
    _migrate(
        "deepface",
        source,
        lambda settings: deepface_photographs(folder, home=settings.home),
        dry_run=dry_run,
        acting=acting,
        home=home,
        json=json,
    )


@migrate_app.command("csv", no_args_is_help=True)
def migrate_csv(
    source: Source,
    table: Annotated[Path, typer.Argument(help="A CSV with the columns subject and path, and embedding if you like.")],
    photographs: Annotated[Path, typer.Argument(help="The folder that the paths are below.")],
    dry_run: DryRun = False,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Move a table of embeddings: the photographs they were made from. The same command goes on where it was stopped.

    Example: `countenance migrate csv staff-2024 embeddings.csv photographs/`
    """
    _migrate(
        "csv",
        source,
        lambda settings: table_photographs(table, photographs, home=settings.home),
        dry_run=dry_run,
        acting=acting,
        home=home,
        json=json,
    )


def _migrate(
    system: str,
    source: str,
    read: Callable[[Settings], Planned],
    *,
    dry_run: bool,
    acting: str | None,
    home: Path | None,
    json: bool,
) -> None:
    """Enrol what is read, or say what would be."""
    with open_acting(home, acting, f"migrate {system}", about=source) as (gallery, actor):
        active_source(gallery.records, source)
        planned = read(gallery.settings)
        with output.progress("Migrating", None, quiet=json) as bar:
            if dry_run:
                rehearsal = rehearse(source, planned, on_progress=bar.advance)
            else:
                report = gallery.enrol(source, planned, actor=actor, on_progress=bar.advance)
    if dry_run:
        output.emit(rehearsal.as_json(), as_json=json, render=lambda console: _print_rehearsal(console, rehearsal))
    else:
        output.emit(report.as_json(), as_json=json, render=lambda console: print_report(console, report))


def _print_rehearsal(console: Console, rehearsal: Rehearsal) -> None:
    """Print what would be done."""
    refused = rehearsal.not_enrolled
    console.print(
        f"{rehearsal.photographs:,} photographs of {rehearsal.subjects:,} people would be looked at, "
        f"{len(refused):,} rows or files are refused; nothing was written",
        soft_wrap=True,
    )
    for one in refused[:SHOWN]:
        console.print(f"  {one.reference}: {one.message} [{one.code}]", markup=False, soft_wrap=True)
    if len(refused) > SHOWN:
        console.print(f"  … and {len(refused) - SHOWN:,} more; --json lists them all")
