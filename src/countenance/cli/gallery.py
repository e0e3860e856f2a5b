"""`countenance init`, `source`, `enrol`, `subjects`, `status`: what is in the gallery."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.bootstrap.keyring import key_files
from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import initialise, model_pack, open_gallery
from countenance.cli import output
from countenance.cli.options import Home, Json
from countenance.core.errors import NotFoundError
from countenance.gallery.enrolment import EnrolmentReport
from countenance.gallery.model import LegalBasis, SourceSummary
from countenance.gallery.plan import Subjects, plan
from countenance.gallery.rendering import source_json, subject_json
from countenance.search.rendering import enrolled_face_json, snapshot_json

SHOWN = 20
"""Photographs that were not enrolled, listed one by one for people; all of them are in `--json`."""

source_app = typer.Typer(help="Collections that somebody had the right to hand over.", no_args_is_help=True)
subjects_app = typer.Typer(help="The people who are enrolled.", no_args_is_help=True)


def init(home: Home = None, json: Json = False) -> None:
    """Make a gallery: keys, records, a place for pictures, a token for the API. Safe to run again.

    Example: `countenance init --home ~/gallery`
    """
    settings = load_settings(home)
    new = initialise(settings)
    key_file, keyring = key_files(settings)
    result = {
        "home": str(settings.home),
        "new": new,
        "token_file": str(settings.token),
        "key_file": str(key_file),
        "keyring": str(keyring),
    }

    def render(console: Console) -> None:
        """Say what was made."""
        console.print(f"{'Made a gallery' if new else 'There is a gallery'} in {settings.home}", soft_wrap=True)
        console.print(f"Its keys: {key_file} and {keyring}", soft_wrap=True)
        console.print("Keep copies of both, apart from the gallery: without them nothing in it can be read.")
        command = "countenance source register NAME --owner WHO --legal-basis BASIS --document FILE"
        console.print(f"Next: {command}", soft_wrap=True)

    output.emit(result, as_json=json, render=render)


@source_app.command("register", no_args_is_help=True)
def source_register(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, '.', '_', '-', e.g. city-archive.")],
    owner: Annotated[str, typer.Option(help="Who gave the photographs.")],
    legal_basis: Annotated[LegalBasis, typer.Option(help="Why the owner may hand them over.")],
    document: Annotated[Path, typer.Option(help="The document that this rests on; kept with its hash.")],
    home: Home = None,
    json: Json = False,
) -> None:
    """Put a source on record; nothing can be enrolled without one.

    Example: `countenance source register city-archive --owner "City Archive" --legal-basis contract --document d.pdf`
    """
    try:
        data = document.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"{document} can't be read: {error.strerror}", code="document-unreadable", hint="name the document's file"
        ) from None
    with open_gallery(load_settings(home)) as gallery:
        source = gallery.register_source(name=name, owner=owner, legal_basis=legal_basis, document=data)
    output.emit(
        source_json(SourceSummary(source=source, images=0, subjects=0, templates=0)),
        as_json=json,
        render=lambda console: console.print(
            f"Registered {source.name}. Next: countenance enrol {source.name} FOLDER", soft_wrap=True
        ),
    )


@source_app.command("list")
def source_list(home: Home = None, json: Json = False) -> None:
    """List the sources.

    Example: `countenance source list --json`
    """
    with open_gallery(load_settings(home)) as gallery:
        summaries = gallery.records.sources()

    def render(console: Console) -> None:
        """Print a table."""
        numbers = ("photographs", "subjects", "templates")
        table = output.table("source", "owner", "legal basis", "state", *numbers, numbers=numbers)
        for one in summaries:
            source = one.source
            counts = (f"{count:,}" for count in (one.images, one.subjects, one.templates))
            table.add_row(source.name, source.owner, source.legal_basis.value, source.state.value, *counts)
        console.print(table if summaries else "No source is registered yet: countenance source register --help")

    output.emit({"sources": [source_json(one) for one in summaries]}, as_json=json, render=render)


@source_app.command("show", no_args_is_help=True)
def source_show(name: str, home: Home = None, json: Json = False) -> None:
    """Show one source.

    Example: `countenance source show city-archive`
    """
    with open_gallery(load_settings(home)) as gallery:
        wanted = gallery.records.source(name)
        [summary] = [one for one in gallery.records.sources() if one.source.source_id == wanted.source_id]
    result = source_json(summary)
    output.emit(result, as_json=json, render=lambda console: console.print(output.facts(result)))


def enrol(
    source: Annotated[str, typer.Argument(help="A registered source.")],
    path: Annotated[Path, typer.Argument(help="A folder of photographs.")],
    table: Annotated[Path | None, typer.Argument(help="With --subjects csv: a CSV with columns path, subject.")] = None,
    subjects: Annotated[
        Subjects, typer.Option(help="folders: a folder a person; csv FILE: a table says who; none: unnamed faces.")
    ] = Subjects.FOLDERS,
    home: Home = None,
    json: Json = False,
) -> None:
    """Enrol a folder of photographs. May be stopped at any time; the same command goes on from there.

    Examples: `countenance enrol archive photos/`, `countenance enrol archive photos/ --subjects csv people.csv`
    """
    settings = load_settings(home)
    with open_gallery(settings) as gallery:
        gallery.records.source(source)
        planned = plan(path, subjects, table=table, home=settings.home)
        with output.progress("Enrolling", len(planned), quiet=json) as bar:
            report = gallery.enrol(source, planned, on_progress=bar.advance)
    output.emit(report.as_json(), as_json=json, render=lambda console: _print_report(console, report))


@subjects_app.command("list")
def subjects_list(
    source: Annotated[str | None, typer.Option(help="Only this source's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most subjects to list.")] = 100,
    offset: Annotated[int, typer.Option(min=0, help="Subjects to pass over first.")] = 0,
    home: Home = None,
    json: Json = False,
) -> None:
    """List subjects.

    Example: `countenance subjects list --source city-archive --limit 20`
    """
    with open_gallery(load_settings(home)) as gallery:
        if source is not None:
            gallery.records.source(source)
        found = gallery.records.subjects(source=source, limit=limit, offset=offset)

    def render(console: Console) -> None:
        """Print a table."""
        table = output.table("subject", "id", "source", "templates", numbers={"id", "templates"})
        for one in found:
            table.add_row(one.label or "(unnamed)", one.subject_id, one.source, f"{one.templates:,}")
        console.print(table if found else "No subjects.")

    output.emit({"subjects": [subject_json(one) for one in found]}, as_json=json, render=render)


@subjects_app.command("show", no_args_is_help=True)
def subjects_show(
    subject: Annotated[str, typer.Argument(help="A subject's id, from `subjects list` or a search.")],
    home: Home = None,
    json: Json = False,
) -> None:
    """Show one subject with all enrolled faces.

    Example: `countenance subjects show 5f0c…`
    """
    with open_gallery(load_settings(home)) as gallery:
        found = gallery.records.subject(subject)
        faces = gallery.records.faces_of(subject)

    def render(console: Console) -> None:
        """Print the subject and a table of faces."""
        console.print(f"{found.label or '(unnamed)'} · source {found.source} · {found.templates} templates")
        numbers = ("face", "eyes apart", "sharpness")
        table = output.table("photograph", *numbers, numbers=numbers)
        for face in faces:
            quality = face.face.quality
            table.add_row(
                face.reference, str(face.face.number), f"{quality.eye_distance:.0f} px", f"{quality.sharpness:.0f}"
            )
        console.print(table)

    result = {**subject_json(found), "faces": [enrolled_face_json(face) for face in faces]}
    output.emit(result, as_json=json, render=render)


def status(home: Home = None, json: Json = False) -> None:
    """Show what the gallery holds and which model pack it uses.

    Example: `countenance status --json`
    """
    settings = load_settings(home)
    with open_gallery(settings) as gallery:
        snapshot = gallery.records.snapshot()
    pack = model_pack(settings)
    result = {
        "home": str(settings.home),
        "model_pack": {"name": pack.name, "digest": pack.digest, "in_use": snapshot.pack_digest in {None, pack.digest}},
        "gallery": snapshot_json(snapshot),
    }
    output.emit(result, as_json=json, render=lambda console: console.print(output.facts(result)))


def _print_report(console: Console, report: EnrolmentReport) -> None:
    """Print what an enrolment did, and what it did not take and why."""
    rate = report.read / report.seconds if report.seconds else 0.0
    console.print(
        f"{report.read:,} photographs in {report.seconds:.1f} s ({rate:.0f}/s): "
        f"{report.enrolled:,} enrolled with {report.templates:,} templates, {report.already:,} on record already, "
        f"{len(report.not_enrolled):,} not enrolled",
        soft_wrap=True,
    )
    for one in report.not_enrolled[:SHOWN]:
        console.print(f"  {one.reference}: {one.message} [{one.code}]", markup=False, soft_wrap=True)
    if len(report.not_enrolled) > SHOWN:
        console.print(f"  … and {len(report.not_enrolled) - SHOWN:,} more; --json lists them all")
