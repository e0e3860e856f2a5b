"""`countenance search-group`: every face of one photograph is searched for, each as a search of its own."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from countenance.cli import output
from countenance.cli.acting import open_acting
from countenance.cli.files import require_free, write_text
from countenance.cli.options import As, Force, Home, Json
from countenance.cli.search_options import Case, Fpir, Kind, Limit, Offence, Purpose, Report, Thorough, Threshold
from countenance.core.errors import CountenanceError
from countenance.policy.request import ProbeKind
from countenance.search.model import LEAD, SearchAnswer, SearchOutcome, SearchRequest
from countenance.search.rendering import answer_json
from countenance.search.strangers import in_short
from countenance.vision.decode import read_image_file
from countenance.web.report import render_report, report_entry


def search_group(
    photograph: Annotated[Path, typer.Argument(help="A photograph of several people. Not kept.")],
    case: Case,
    purpose: Purpose,
    offence: Offence = "",
    kind: Kind = ProbeKind.PHOTOGRAPH,
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
    """Search for everybody in a photograph: a search for each face that is good enough, and one report.

    Each is permitted, counted and logged by itself; all are scanned for together. Where one is refused, those before it
    are answered, and the command ends with the refusal.

    Example: `countenance search-group wedding.jpg --case 2026-114 --purpose missing-person --report people.html`
    """
    with open_acting(home, acting, "search-group") as (gallery, actor):
        image = read_image_file(photograph, limits=gallery.limits)
        if report is not None:
            require_free(report, never=[photograph], force=force)
        request = SearchRequest(
            image=image,
            filename=photograph.name,
            case=case,
            purpose=purpose,
            actor=actor,
            offence=offence.strip(),
            kind=kind,
            limit=limit,
            threshold=threshold,
            fpir=fpir,
            thorough=thorough,
        )
        answers, ended = _all_of(gallery.search_group(request))
        if report is not None and answers:
            entries = [
                report_entry(gallery, one, name=_name(photograph, one), photograph=image, actor=actor)
                for one in answers
            ]
            write_text(report, render_report(entries, title=f"Case {case.strip()}", credits=()))
    faces = answers[0].probe.faces if answers else ()
    result = {
        "faces": len(faces),
        "not_searched": [{"face": one.number, "reasons": list(one.refusals)} for one in faces if not one.passes],
        "answers": [answer_json(answer) for answer in answers],
        "error": None if ended is None else output.error_json(ended),
    }
    if answers:
        output.emit(result, as_json=json, render=lambda console: _print(console, result, answers, report))
    if ended is not None:
        # One object only: beside answers it has the error already.
        raise typer.Exit(ended.exit_code) if json and answers else ended


def _name(photograph: Path, answer: SearchAnswer) -> str:
    """Return what a face of the photograph is called in the report."""
    return photograph.name if answer.probe.used is None else f"{photograph.name}, face {answer.probe.used}"


def _all_of(answers: Iterable[SearchAnswer]) -> tuple[list[SearchAnswer], CountenanceError | None]:
    """Return the answers that there are, and what ended them."""
    found: list[SearchAnswer] = []
    try:
        for answer in answers:
            found.append(answer)  # noqa: PERF402 - what came before an error is wanted
    except CountenanceError as error:
        return found, error
    return found, None


def _print(console: Console, result: dict[str, Any], answers: list[SearchAnswer], report: Path | None) -> None:
    """Print a line a face."""
    numbers = ("face", "candidates", "score", "strangers")
    table = output.table("face", "candidates", "first of them", "score", "strangers", "search", numbers=numbers)
    searched = [one for one in answers if one.outcome is SearchOutcome.SEARCHED]
    for one in searched:
        first = next(iter(one.candidates), None)
        name, score, strangers = "nobody", "", ""
        if first is not None:
            name = first.face.label or f"(unnamed) {first.face.subject_id}"
            score, strangers = f"{first.score:.3f}", in_short(first.strangers)
        table.add_row(str(one.probe.used), str(len(one.candidates)), name, score, strangers, one.search_id)
    if searched:
        console.print(table)
        console.print(LEAD)
    elif not result["faces"]:
        console.print(answers[0].message)
    for one in result["not_searched"]:
        console.print(f"Face {one['face']} is too poor to be searched: {'; '.join(one['reasons'])}.")
    if report is not None:
        console.print(f"Report: {report}", soft_wrap=True)
