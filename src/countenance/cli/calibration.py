"""`countenance calibrate`, `calibration show`: what scores mean in this gallery."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli import output
from countenance.cli.files import require_free, write_file
from countenance.cli.options import Force, Home, Json
from countenance.core.errors import InvalidInputError
from countenance.evaluation.reliability import FORMATS, reliability_plot
from countenance.gallery.sources import active_subjects
from countenance.search.calibration import Calibration
from countenance.search.comparisons import STRANGERS

calibration_app = typer.Typer(help="What scores mean in this gallery.", no_args_is_help=True)


def calibrate(home: Home = None, json: Json = False) -> None:
    """Measure what strangers score in this gallery, so that each candidate says how many to expect.

    Takes up to a minute for a large gallery. Searches use it from the next one on; earlier answers stay as they are.

    Example: `countenance calibrate`
    """
    with open_gallery(load_settings(home)) as gallery:
        active = active_subjects(gallery.records)
        with output.progress("Comparing subjects", min(active, STRANGERS), quiet=json) as bar:
            calibration = gallery.calibration.calibrate(gallery.records, on_progress=bar.advance)
    facts = calibration_json(calibration, active)
    output.emit(facts, as_json=json, render=lambda console: _print(console, facts))


@calibration_app.command("show")
def show(
    plot: Annotated[
        Path | None, typer.Option(help="Where to draw expected against counted strangers, .svg or .png.")
    ] = None,
    force: Force = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show the calibration in use, and whether the gallery has outgrown it.

    Example: `countenance calibration show --plot calibration.svg`
    """
    if plot is not None:
        if plot.suffix.lower() not in FORMATS:
            raise InvalidInputError(
                f"{plot} names no format that is drawn", code="output-format-unknown", hint="end it in .svg or .png"
            )
        require_free(plot, force=force)
    with open_gallery(load_settings(home)) as gallery:
        calibration, active = gallery.calibration.kept(), active_subjects(gallery.records)
    if plot is not None:
        write_file(plot, reliability_plot(calibration, suffix=plot.suffix.lower()))
    facts = calibration_json(calibration, active) | {"plot": None if plot is None else str(plot)}
    output.emit(facts, as_json=json, render=lambda console: _print(console, facts))


def calibration_json(calibration: Calibration, active: int) -> dict[str, Any]:
    """Return what a calibration is of, what it says, and whether it is stale by the subjects of active sources."""
    curve = calibration.curve
    return {
        "made_from": calibration.made_from,
        "made_at": calibration.made_at.isoformat(timespec="seconds"),
        "pack": calibration.pack,
        "data": calibration.data,
        "subjects": calibration.subjects,
        "subjects_now": active,
        "stale": calibration.is_stale(active),
        "pairs": curve.pairs,
        "suspected_doubles": calibration.doubles,
        "least_rate": curve.floor,
        "tail": curve.tail.model_dump(),
        "checks": [check.model_dump() | {"interval": check.interval} for check in calibration.checks],
        "spread": {f"1e{decade}": round(value, 3) for decade, value in sorted(curve.spread.items())},
    }


def _print(console: Console, facts: dict[str, Any]) -> None:
    """Print it for people, and what to do where it is stale."""
    shown = ("made_from", "made_at", "subjects", "subjects_now", "pairs", "suspected_doubles", "data")
    console.print(output.facts({name: facts[name] for name in shown}))
    headings = ("share of strangers", "expected", "counted", "90 % interval")
    checks = output.table(*headings, numbers=set(headings))
    for check in facts["checks"]:
        low, high = check["interval"]
        numbers = (f"{check['expected']:,.0f}", f"{check['counted']:,}", f"{low:,.0f} to {high:,.0f}")
        checks.add_row(f"1 in {round(1 / check['rate']):,}", *numbers)
    console.print(checks)
    if facts["stale"]:
        of_pack = facts["made_from"] == "population"
        why = "It is the model pack's, and the gallery can have its own" if of_pack else "The gallery has changed since"
        console.print(f"{why}: run `countenance calibrate`.")
