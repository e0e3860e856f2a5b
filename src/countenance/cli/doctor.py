"""`countenance index`, `doctor`: whether the index is what the records say, and how to mend it."""

from contextlib import AbstractContextManager
from typing import Any

import typer
from rich.console import Console

from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.options import As, Home, Json
from countenance.gallery.indexing import Difference
from countenance.index.model import index_mismatch

NAMED = 5
"""Rows that an error names."""

index_app = typer.Typer(help="The index: made from the records, and made again when in doubt.", no_args_is_help=True)
templates_app = typer.Typer(help="The rotation that indexed templates stand under.", no_args_is_help=True)


@index_app.command("status")
def index_status(home: Home = None, json: Json = False) -> None:
    """Say what of the index is stored, whether it is whole, and what is on record.

    Example: `countenance index status`
    """
    with open_gallery(load_settings(home)) as gallery:
        stored, on_record, rotation = gallery.index.stored(), gallery.records.snapshot(), gallery.index.rotation()
    status = {
        "place": stored.place,
        "whole": not stored.damage,
        "damage": stored.damage,
        "files": stored.files,
        "bytes": stored.bytes,
        "subjects": stored.rows,
        "on_record": on_record.subjects,
        "rotation": rotation,
    }
    known = {name: value for name, value in status.items() if value is not None}
    output.emit(status, as_json=json, render=lambda console: console.print(output.facts(known)))


@index_app.command("rebuild")
def index_rebuild(home: Home = None, json: Json = False) -> None:
    """Throw the index away and make it again from the records. Servers that run have to be started again.

    Example: `countenance index rebuild`
    """
    with open_gallery(load_settings(home)) as gallery, _bar("Indexing", gallery, quiet=json) as bar:
        snapshot = gallery.indexed.rebuild(on_progress=bar.advance)
    result = {"subjects": snapshot.subjects, "snapshot": snapshot.revision}
    output.emit(result, as_json=json, render=lambda console: console.print(f"Rebuilt: {snapshot.subjects:,} subjects."))


@index_app.command("verify")
def index_verify(home: Home = None, json: Json = False) -> None:
    """Compare the index with the records, row by row and bit by bit. Ends with 7 where they disagree; changes nothing.

    Example: `countenance index verify`
    """
    with open_gallery(load_settings(home)) as gallery:
        stored = gallery.index.stored()
        if stored.damage:
            raise index_mismatch(stored.damage)
        difference = _compared(gallery, quiet=json)
    _report(difference, as_json=json)


@templates_app.command("rekey")
def templates_rekey(acting: As = None, home: Home = None, json: Json = False) -> None:
    """Turn indexed templates by a new secret rotation, and make the index anew; photographs are not needed.

    Scores stay as they are. The first time it gives the index a rotation; it has none before, unless Milvus searches.
    Servers that run have to be started again. What it protects against, and what not, is in docs/guide/keys.md.

    Example: `countenance templates rekey --as operator-1`
    """
    with (
        open_acting(home, acting, "templates rekey") as (gallery, actor),
        _bar("Indexing", gallery, quiet=json) as bar,
    ):
        rotation, snapshot = gallery.rekey_templates(actor=actor, on_progress=bar.advance)
    result = {"rotation": rotation, "templates": snapshot.templates, "snapshot": snapshot.revision}
    output.emit(
        result,
        as_json=json,
        render=lambda console: console.print(f"{snapshot.templates:,} templates stand under the rotation {rotation}."),
    )


def doctor(home: Home = None, json: Json = False) -> None:
    """Compare the index with the records. Where they disagree nothing is searched until `countenance index rebuild`.

    Example: `countenance doctor`
    """
    with open_gallery(load_settings(home)) as gallery:
        difference = _compared(gallery, quiet=json)
        if not difference.agree:
            gallery.indexed.index.condemn()
    _report(difference, as_json=json)


def _bar(description: str, gallery: OpenGallery, *, quiet: bool) -> AbstractContextManager[output.Advancing]:
    """Show how many of the gallery's subjects are done."""
    return output.progress(description, gallery.records.snapshot().subjects, quiet=quiet)


def _compared(gallery: OpenGallery, *, quiet: bool) -> Difference:
    """Compare index and records, with a bar."""
    with _bar("Comparing", gallery, quiet=quiet) as bar:
        return gallery.indexed.compare(on_progress=bar.advance)


def _report(found: Difference, *, as_json: bool) -> None:
    """Print that index and records agree, or raise."""
    if not found.agree:
        named = [*found.differing[:NAMED].tolist(), *found.extra[:NAMED].tolist()][:NAMED]
        raise index_mismatch(
            f"{len(found.differing):,} of {found.compared:,} subjects differ, {len(found.extra):,} are not on record: "
            f"{', '.join(map(str, named))}"
        )
    result: dict[str, Any] = {"subjects": found.compared, "agree": True}

    def render(console: Console) -> None:
        """Say so."""
        console.print(f"Index and records agree: {found.compared:,} subjects compared.")

    output.emit(result, as_json=as_json, render=render)
