"""`countenance init`, `enrol`, `subjects`, `status`: what is in the gallery."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countenance.access.founding import FIRST_OPERATORS
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.keyring import key_places
from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.vision import model_pack
from countenance.bootstrap.wiring import open_gallery
from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.options import As, Home, Json
from countenance.gallery.enrolment import EnrolmentReport
from countenance.gallery.manifest import with_provenance
from countenance.gallery.plan import Subjects, plan
from countenance.gallery.rendering import enrolled_face_json, snapshot_json, subject_json

SHOWN = 20
"""Photographs that were not enrolled, listed one by one for people; all of them are in `--json`."""

subjects_app = typer.Typer(help="The people who are enrolled.", no_args_is_help=True)


def init(
    operator: Annotated[
        list[str], typer.Option(help="Login of a first operator; give two at least, they review each other's work.")
    ] = list(FIRST_OPERATORS),  # noqa: B006 - typer's form of a default
    home: Home = None,
    json: Json = False,
) -> None:
    """Make a gallery: keys, records, a place for pictures, operators. Safe to run again.

    Examples: `countenance init --home ~/gallery`, `countenance init --operator ada --operator bea`
    """
    settings = load_settings(home)
    new = initialise(settings, operators=operator)
    keys = key_places(settings)
    with open_gallery(settings) as gallery:
        operators = gallery.accounts.operators()
    result = {
        "home": str(settings.home),
        "new": new,
        **keys,
        "operators": operators,
    }

    def render(console: Console) -> None:
        """Say what was made."""
        console.print(f"{'Made a gallery' if new else 'There is a gallery'} in {settings.home}", soft_wrap=True)
        console.print(f"Its keys: {keys['key']}, and {keys['keyring']}", soft_wrap=True)
        copies = "copies of both" if keys["key_file"] else "a copy of the keyring, and see that the key is not lost"
        console.print(f"Keep {copies}, apart from the gallery: without them nothing in it can be read.")
        console.print(f"Operators: {', '.join(operators)}. Act as one of them with --as;", soft_wrap=True)
        console.print(f"to sign in on the page: countenance user invite {operators[0]} --as {operators[0]}")
        command = "countenance org apply NAME --sector SECTOR --country CODE --contact HOW --document FILE"
        console.print(f"Next, whom it is for: {command} --as {operators[0]}", soft_wrap=True)

    output.emit(result, as_json=json, render=render)


def enrol(
    source: Annotated[str, typer.Argument(help="A registered source.")],
    path: Annotated[Path, typer.Argument(help="A folder of photographs.")],
    table: Annotated[Path | None, typer.Argument(help="With --subjects csv: a CSV with columns path, subject.")] = None,
    subjects: Annotated[
        Subjects, typer.Option(help="folders: a folder a person; csv FILE: a table says who; none: unnamed faces.")
    ] = Subjects.FOLDERS,
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="What the source says of each photograph: CSV or .jsonl with path, original, licence, captured."
        ),
    ] = None,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Enrol a folder of photographs. May be stopped at any time; the same command goes on from there.

    Examples: `countenance enrol archive photos/`, `countenance enrol archive photos/ --subjects csv people.csv`
    """
    with open_acting(home, acting, "enrol", about=source) as (gallery, actor):
        planned = plan(path, subjects, table=table, home=gallery.settings.home)
        if manifest is not None:
            planned = with_provenance(planned, manifest)
        with output.progress("Enrolling", len(planned), quiet=json) as bar:
            report = gallery.enrol(source, planned, actor=actor, on_progress=bar.advance)
    output.emit(report.as_json(), as_json=json, render=lambda console: print_report(console, report))


@subjects_app.command("list")
def subjects_list(
    source: Annotated[str | None, typer.Option(help="Only this source's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most subjects to list.")] = 100,
    offset: Annotated[int, typer.Option(min=0, max=2**53, help="Subjects to pass over first.")] = 0,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """List subjects, of the sources whose people the policy shows to whoever asks.

    Example: `countenance subjects list --source city-archive --limit 20`
    """
    with open_acting(home, acting, "subjects list") as (gallery, actor):
        found = gallery.viewing.subjects(actor=actor, source=source, limit=limit, offset=offset)

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
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show one subject with all enrolled faces.

    Example: `countenance subjects show 5f0c…`
    """
    with open_acting(home, acting, "subjects show") as (gallery, actor):
        found, faces = gallery.viewing.subject(subject, actor=actor)

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


def print_report(console: Console, report: EnrolmentReport) -> None:
    """Print what an enrolment did, and what it did not take and why."""
    rate = report.read / report.seconds if report.seconds else 0.0
    console.print(
        f"{report.read:,} photographs in {report.seconds:.1f} s ({rate:.0f}/s): "
        f"{report.enrolled:,} enrolled with {report.templates:,} templates, {report.already:,} on record already, "
        f"{len(report.not_enrolled):,} not enrolled",
        soft_wrap=True,
    )
    if report.stay_out:
        console.print(f"Faces left out, of people who asked not to be enrolled: {report.stay_out:,}")
    for one in report.not_enrolled[:SHOWN]:
        console.print(f"  {one.reference}: {one.message} [{one.code}]", markup=False, soft_wrap=True)
    if len(report.not_enrolled) > SHOWN:
        console.print(f"  … and {len(report.not_enrolled) - SHOWN:,} more; --json lists them all")
