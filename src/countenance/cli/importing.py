"""`countenance import`: photographs that a source hands over in archives, Parquet files or buckets."""

from typing import Annotated

import typer

from countenance.bootstrap.importing import import_photographs
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.gallery import print_report
from countenance.cli.options import As, Home, Json
from countenance.gallery.plan import Subjects


def import_(
    source: Annotated[str, typer.Argument(help="An active source.")],
    place: Annotated[str, typer.Argument(help="A folder, .zip, .tar, .parquet, or s3://bucket/prefix.")],
    subjects: Annotated[
        Subjects,
        typer.Option(help="folders: a folder a person; samples: a WebDataset shard's .json or .txt; none: nobody."),
    ] = Subjects.FOLDERS,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Enrol what a source hands over. May be stopped at any time; the same command goes on from there.

    Example: `countenance import city-archive 1987.zip --subjects none`
    """
    with open_acting(home, acting, "import", about=source) as (gallery, actor):
        settings = gallery.settings
        planned = import_photographs(place, subjects, max_bytes=settings.max_image_bytes, home=settings.home)
        with output.progress("Importing", None, quiet=json) as bar:
            ended = gallery.enrol(source, planned, actor=actor, on_progress=bar.advance)
    output.emit(ended.as_json(), as_json=json, render=lambda console: print_report(console, ended))
