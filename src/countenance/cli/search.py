"""`countenance search`, `faces`, `verify-search`: a photograph to candidates or numbered faces, and back to check."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.files import require_free, write_file, write_text
from countenance.cli.options import As, Force, Home, Json
from countenance.cli.search_options import Case, Fpir, Kind, Limit, Offence, Purpose, Report, Thorough, Threshold
from countenance.cli.strip import strip_lines
from countenance.core.errors import InvalidInputError
from countenance.policy.request import ProbeKind
from countenance.search.model import LEAD, ProbePhotograph, SearchAnswer, SearchOutcome, SearchRequest
from countenance.search.rendering import answer_json, coverage_line, probe_json
from countenance.search.strangers import in_short, in_words, interval_in_short
from countenance.vision.decode import ImageLimits, read_image_file
from countenance.vision.encode import encode_jpeg, encode_png
from countenance.vision.marking import mark_faces
from countenance.vision.model import Face
from countenance.web.report import render_report, report_entry

ENCODERS = {".jpg": encode_jpeg, ".jpeg": encode_jpeg, ".png": encode_png}
"""What `faces` can write, by the file's extension."""


def search(
    probe: Annotated[
        list[Path],
        typer.Argument(help="The photograph to search with; several of one person are searched together. Not kept."),
    ],
    case: Case,
    purpose: Purpose,
    offence: Offence = "",
    kind: Kind = ProbeKind.PHOTOGRAPH,
    emergency: Annotated[
        bool, typer.Option("--emergency", help="Search now; a supervisor has to approve it within 48 hours.")
    ] = False,
    face: Annotated[
        list[int] | None, typer.Option(help="Which face of the photograph, from 1; once a photograph, in their order.")
    ] = None,
    limit: Limit = 20,
    threshold: Threshold = None,
    fpir: Fpir = None,
    thorough: Thorough = False,
    report: Report = None,
    force: Force = False,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Search for who may be in a photograph. No face, several faces, and nobody found are answers too.

    Example: `countenance search probe.jpg --case 2026-114 --purpose missing-person --report answer.html`
    """
    with open_acting(home, acting, "search") as (gallery, actor):
        first, *further = _photographs(probe, face, limits=gallery.limits)
        if report is not None:
            require_free(report, never=probe, force=force)
        answer = gallery.search(
            SearchRequest(
                image=first.image,
                filename=first.filename,
                case=case,
                purpose=purpose,
                actor=actor,
                offence=offence.strip(),
                kind=kind,
                emergency=emergency,
                face=first.face,
                further=tuple(further),
                limit=limit,
                threshold=threshold,
                fpir=fpir,
                thorough=thorough,
            )
        )
        if report is not None:
            entry = report_entry(gallery, answer, name=probe[0].name, photograph=first.image, actor=actor)
            write_text(report, render_report([entry], title=f"Case {answer.case}", credits=()))

    def render(console: Console) -> None:
        """Print the answer, and where the report is."""
        print_answer(console, answer)
        if report is not None:
            console.print(f"Report: {report}", soft_wrap=True)

    output.emit(answer_json(answer), as_json=json, render=render)


def faces(
    image: Annotated[Path, typer.Argument(help="A photograph; it is not kept, and never changed.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write the picture with boxes, .jpg or .png; left out, ./NAME-faces.jpg."),
    ] = None,
    force: Force = False,
    thorough: Thorough = False,
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Find, number and grade the faces of a photograph, and draw them on a copy of it.

    Example: `countenance faces group.jpg --out group-numbered.png`
    """
    target = Path(f"{image.stem}-faces.jpg") if out is None else out
    encode = ENCODERS.get(target.suffix.lower())
    if encode is None:
        raise InvalidInputError(
            f"{target} names no format that is written", code="output-format-unknown", hint="end it in .jpg or .png"
        )
    with open_acting(home, acting, "faces") as (gallery, _):
        data = read_image_file(image, limits=gallery.limits)
        require_free(target, never=[image], force=force)
        decoded, probe = gallery.faces_with_image(data, filename=image.name, thorough=thorough)
    if probe.faces:
        write_file(target, encode(mark_faces(decoded.pixels, probe.faces)))

    def render(console: Console) -> None:
        """Print the faces, and where the picture is."""
        if not probe.faces:
            console.print("No face was found in this photograph, so no picture was written.")
            return
        console.print(faces_table(probe.faces))
        console.print(f"Numbered in {target}", soft_wrap=True)

    written = {"out": str(target) if probe.faces else None}
    output.emit({**probe_json(probe), **written}, as_json=json, render=render)


def verify_search(
    search_id: Annotated[str, typer.Argument(help="The search's id, as its answer has it.")],
    probe: Annotated[
        list[Path],
        typer.Option(help="The file that was searched with, not kept now either; once for each of several."),
    ],
    acting: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Check an answer again: score every template on record, without the index. Ends with 7 where it does not hold.

    A search with several photographs wants all of them, in any order: `--probe A.jpg --probe B.jpg`.

    Example: `countenance verify-search 4b1c7a52-6d1e-4f0b-9c69-0a4f5c1b9f3e --probe probe.jpg`
    """
    with open_acting(home, acting, "verify-search") as (gallery, actor):
        holds = gallery.verify_search(search_id, _photographs(probe, None, limits=gallery.limits), actor=actor)

    def render(console: Console) -> None:
        """Say what was checked."""
        console.print(
            f"The answer holds: {holds.templates:,} subjects scored again, {holds.candidates} candidates agree, "
            "nobody is missing."
        )
        if holds.erased_since:
            gone = f"{holds.erased_since:,} of those searched"
            console.print(f"{gone} were erased since, or lost a photograph, and can't be checked.")

    output.emit(asdict(holds) | {"holds": True}, as_json=json, render=render)


def _photographs(files: list[Path], faces: list[int] | None, *, limits: ImageLimits) -> list[ProbePhotograph]:
    """Read the photographs and match them with the faces that were named."""
    named: list[int | None] = [*faces] if faces else [None] * len(files)
    if len(named) != len(files):
        raise InvalidInputError(
            f"{len(files)} photographs, but {len(named)} faces are named",
            code="face-number-invalid",
            hint="give --face once for each photograph, in their order",
        )
    return [
        ProbePhotograph(image=read_image_file(file, limits=limits), filename=file.name, face=number)
        for file, number in zip(files, named, strict=True)
    ]


def print_answer(console: Console, answer: SearchAnswer) -> None:
    """Print an answer for people: candidates, or the faces to choose from, and what a candidate is."""
    console.print(answer.message)
    if answer.approve_by is not None:
        console.print(f"An emergency: a supervisor has to approve it by {answer.approve_by:%Y-%m-%d %H:%M %Z}.")
    if answer.outcome is SearchOutcome.CHOOSE_FACE:
        console.print(faces_table(answer.probe.faces))
        console.print("Search again with --face NUMBER; `countenance faces IMAGE` draws the numbers.")
    if answer.candidates:
        console.print(candidates_table(answer))
        first = in_words(answer.candidates[0].strangers, people=answer.people)
        console.print(f"Strangers as similar as rank 1: {first}.")
        if answer.scale is not None:
            scores = [candidate.score for candidate in answer.candidates]
            console.print("\n".join(strip_lines(answer.scale, scores)), no_wrap=True)
        console.print(LEAD)
    if answer.coverage is not None:
        console.print(coverage_line(answer.coverage))
    if answer.receipt is not None:
        where = f"entry {answer.receipt.proof.index} of {answer.receipt.checkpoint.origin}"
        console.print(f"In the audit log: {where}; --json and --report carry the receipt.")


def candidates_table(answer: SearchAnswer) -> Table:
    """Lay candidates out, best first, each with the number of strangers to expect at its score, and its interval."""
    strangers = "strangers (90 % interval)"
    table = output.table(
        "rank", "subject", "score", strangers, "source", "photograph", numbers={"rank", "score", strangers}
    )
    for one in answer.candidates:
        face = one.face
        label = face.label or f"(unnamed) {face.subject_id}"
        interval = interval_in_short(one.strangers)
        expected = in_short(one.strangers) + (f" ({interval})" if interval else "")
        table.add_row(str(one.rank), label, f"{one.score:.3f}", expected, face.source, face.reference)
    return table


def faces_table(faces: tuple[Face, ...]) -> Table:
    """Lay faces out with their quality, and whether each may be searched."""
    numbers = ("face", "left", "top", "width", "height", "eyes apart", "sharpness")
    table = output.table(*numbers, "can be searched", numbers=numbers)
    for face in faces:
        box, quality = face.box, face.quality
        table.add_row(
            str(face.number),
            *(f"{value:.0f}" for value in (box.left, box.top, box.width, box.height)),
            f"{quality.eye_distance:.0f} px",
            f"{quality.sharpness:.0f}",
            "yes" if face.passes else "no: " + "; ".join(face.refusals),
        )
    return table
