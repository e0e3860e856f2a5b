"""`countenance evaluate`: error rates on labelled photographs. No gallery is read or written."""

import json as json_text
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from countenance.bootstrap.settings import Settings, load_settings
from countenance.bootstrap.vision import model_pack, open_reader
from countenance.cli import output
from countenance.cli.files import make_folder, require_free, write_file, write_text
from countenance.cli.options import Force, Home, Json
from countenance.core.errors import InvalidInputError, NotFoundError
from countenance.evaluation.acquisition import Acquired, acquire
from countenance.evaluation.curves import comparison_curves_json, search_curves_json
from countenance.evaluation.gates import GateRule
from countenance.evaluation.groups import Groups, read_groups
from countenance.evaluation.model import Searches
from countenance.evaluation.pairs import read_pairs
from countenance.evaluation.plots import identification_plots, verification_plots
from countenance.evaluation.protocol import Protocol, read_protocol
from countenance.evaluation.study import Study, comparisons_json, growth, growth_json, normalised
from countenance.evaluation.verification import evaluate_verification
from countenance.vision.population import Population, pack_population
from countenance.web.evaluation_report import render_evaluation

SHOWN = 20
"""Failures that are listed one by one for people; all of them are in `--json`."""

MAX_GROWTH = 10_000_000
"""Largest gallery of made-up people: minutes on two cores."""

evaluate_app = typer.Typer(help="Error rates on labelled photographs; no gallery is used.", no_args_is_help=True)

Images = Annotated[Path, typer.Option(help="Folder of labelled photographs.", show_default=False)]
Report = Annotated[
    Path | None, typer.Option(help="Folder to write plots and the result into; made where it is missing.")
]
Gates = Annotated[
    GateRule,
    typer.Option(
        help="product: faces must pass the product's quality gates, and one refused is an error; none: any face counts."
    ),
]


@evaluate_app.command("verification", no_args_is_help=True)
def verification(
    images: Images,
    pairs: Annotated[Path, typer.Option(help="Pairs in the format of LFW's pairs.txt.", show_default=False)],
    report: Report = None,
    force: Force = False,
    gate: Gates = GateRule.PRODUCT,
    home: Home = None,
    json: Json = False,
) -> None:
    """Compare pairs of photographs, DIR/NAME/NAME_0001.jpg: accuracy over folds, TAR at FAR 1 % and 0.1 %.

    Example: `countenance evaluate verification --images lfw --pairs lfw/pairs.txt --report out --json`
    """
    settings = load_settings(home)
    if report is not None:
        _require_free(report, "verification", never=[pairs], force=force)
    wanted = read_pairs(pairs, images)
    acquired, facts = _acquired(settings, wanted.files, quiet=json)
    measured = evaluate_verification(wanted, acquired, gate)
    curves = comparison_curves_json(measured.comparisons)
    result = {"kind": "verification", **facts, **measured.as_json(), "curves": curves}
    if report is not None:
        _write(report, result, verification_plots(measured.comparisons))
    output.emit(result, as_json=json, render=lambda console: _print_verification(console, result, report))


@evaluate_app.command("identification", no_args_is_help=True)
def identification(
    images: Images,
    protocol: Annotated[
        Path, typer.Option(help="CSV with columns image, subject, role: gallery or probe.", show_default=False)
    ],
    groups: Annotated[
        Path | None, typer.Option(help="CSV with the column subject and one or more others to break figures down by.")
    ] = None,
    grow_to: Annotated[
        int, typer.Option(min=0, max=MAX_GROWTH, help="Also fill the gallery up to N with made-up strangers.")
    ] = 0,
    against: Annotated[str | None, typer.Option(help="Another model pack, for a comparison in pairs.")] = None,
    threshold: Annotated[float | None, typer.Option(help="T in use, -1 to 1; left out, the model pack's own.")] = None,
    report: Report = None,
    force: Force = False,
    gate: Gates = GateRule.PRODUCT,
    home: Home = None,
    json: Json = False,
) -> None:
    """Search probes in a gallery, mates and strangers: FNIR(N, N, T) at FPIR 10 %, 1 % and 0.3 %, and by rank.

    Example: `countenance evaluate identification --images photos --protocol protocol.csv --report out --json`
    """
    settings = load_settings(home)
    in_use = _threshold(settings, threshold)
    if report is not None:
        _require_free(report, "identification", never=[protocol, groups], force=force)
    wanted = read_protocol(protocol, images)
    known = None if groups is None else _groups(groups, wanted)
    population = pack_population(model_pack(settings))
    if grow_to:
        _require_population(settings, population)
    packs = [settings] if against is None else [settings, settings.model_copy(update={"model_pack": against})]
    for pack in packs:
        model_pack(pack).verify()
    readings = [_acquired(pack, wanted.files, quiet=json) for pack in packs]
    study, *others = [
        Study(protocol=wanted, acquired=acquired, gate=gate, threshold=in_use, groups=known) for acquired, _ in readings
    ]
    steps = _grown(study, population, grow_to, quiet=json) if grow_to and population else ()
    systems = {f"{against}, cosine": other.result.searches for other in others}
    systems[f"{settings.model_pack}, cosine"] = study.result.searches
    if population is not None:
        systems[f"{settings.model_pack}, normalised"] = normalised(study.result, population)
    result = {
        "kind": "identification",
        **readings[0][1],
        **study.as_json(),
        "growth": growth_json(study, steps, population) if steps and population else None,
        "comparisons": comparisons_json(systems),
        "curves": search_curves_json(study.result.searches, systems),
    }
    if report is not None:
        _write(report, result, identification_plots(study.result.searches, systems, steps))
    output.emit(result, as_json=json, render=lambda console: _print_identification(console, result, report))


def _threshold(settings: Settings, asked: float | None) -> float:
    """Return the cosine that was asked for, or else the model pack's."""
    threshold = model_pack(settings).manifest.threshold if asked is None else asked
    if not -1 <= threshold <= 1:
        raise InvalidInputError(
            f"T must be a cosine from -1 to 1, not {threshold}",
            code="threshold-invalid",
            hint="leave it out to use the model pack's own",
        )
    return threshold


def _groups(table: Path, protocol: Protocol) -> Groups:
    """Read a table of groups that names at least one of those who are searched for."""
    groups = read_groups(table)
    groups.require_known(row.subject for row in protocol.probes)
    return groups


def _acquired(settings: Settings, files: Mapping[str, Path], *, quiet: bool) -> tuple[Acquired, dict[str, Any]]:
    """Read all photographs, on all cores, and say with what and in what time."""
    pack = model_pack(settings)
    began = perf_counter()
    with open_reader(settings) as reader, output.progress("Reading", len(files), quiet=quiet) as bar:
        acquired = acquire(files, reader, on_progress=bar.advance)
    facts = {
        "model_pack": {"name": pack.name, "digest": pack.digest},
        "score": "cosine",
        "seconds": round(perf_counter() - began, 3),
    }
    return acquired, facts


def _require_population(settings: Settings, population: Population | None) -> None:
    """Refuse to fill a gallery up where there is nobody to fill it with."""
    if population is None:
        raise NotFoundError(
            f"the model pack {settings.model_pack} has no population to draw made-up strangers from",
            code="population-missing",
            hint="leave --grow-to out",
        )


def _grown(study: Study, population: Population, largest: int, *, quiet: bool) -> tuple[Searches, ...]:
    """Search galleries filled up with made-up strangers."""
    with output.progress("Searching made-up people", largest, quiet=quiet) as bar:
        return growth(study, population, largest=largest, on_progress=bar.advance)


def _require_free(report: Path, kind: str, *, never: Sequence[Path | None], force: bool) -> None:
    """Make the report's folder, and make sure that what will be written there may be."""
    make_folder(report)
    for path in (report / f"{kind}.json", report / f"{kind}.html", *sorted(report.glob(f"{kind}-*.svg"))):
        require_free(path, never=never, force=force)


def _write(report: Path, result: Mapping[str, Any], plots: Mapping[str, bytes]) -> None:
    """Write the result, its plots and the page with both into the report's folder."""
    kind = result["kind"]
    text = json_text.dumps(result, ensure_ascii=False, allow_nan=False, indent=2)
    write_text(report / f"{kind}.json", f"{text}\n")
    for name, plot in plots.items():
        write_file(report / f"{kind}-{name}", plot)
    page = render_evaluation(result, plots, title=f"Evaluation of {kind}")
    write_text(report / f"{kind}.html", page)


def _print_verification(console: Console, result: Mapping[str, Any], report: Path | None) -> None:
    """Print the figures of verification."""
    pairs, accuracy = result["pairs"], result["accuracy"]
    console.print(f"{pairs['same']:,} pairs of one person, {pairs['different']:,} of two; gates: {result['gate']}")
    table = _metrics_table(result)
    spread = accuracy["standard_deviation"]
    folds = f"standard deviation {spread:.2%} over {len(accuracy['folds'])} folds" if spread is not None else ""
    table.add_row("accuracy over folds", _share(accuracy), folds, "")
    console.print(table)
    _print_failures(console, "Failures to acquire", result["failures"])
    if report is not None:
        console.print(f"Report: {report / result['kind']}.html", soft_wrap=True)


def _print_identification(console: Console, result: Mapping[str, Any], report: Path | None) -> None:
    """Print the figures of identification."""
    mated, non_mated = result["searches"]["mated"], result["searches"]["non_mated"]
    console.print(
        f"N = {result['N']:,} subjects; {mated['searches']:,} mated searches of {mated['subjects']:,} people, "
        f"{non_mated['searches']:,} non-mated of {non_mated['subjects']:,}; gates: {result['gate']}"
    )
    console.print(_metrics_table(result))
    if result["growth"]:
        console.print("FNIR in galleries filled up with made-up people:")
        console.print(_growth_table(result["growth"]["steps"]))
    for pair in result["duplicates"]["pairs"][:SHOWN]:
        who = " and ".join(pair["subjects"])
        console.print(f"One person under two names? {who}, score {pair['score']:.3f}", markup=False, soft_wrap=True)
    _print_failures(console, "Failures to enrol", result["failures_to_enrol"])
    _print_failures(console, "Failures to acquire", result["failures_to_acquire"])
    if report is not None:
        console.print(f"Report: {report / result['kind']}.html", soft_wrap=True)


def _metrics_table(result: Mapping[str, Any]) -> Table:
    """Lay metrics out: what, value, interval or why there is none, threshold."""
    table = output.table("metric", "value", "95 % interval, or why there is none", "T", numbers={"value", "T"})
    for metric in result["metrics"].values():
        low_high = metric["interval"]
        interval = f"{low_high[0]:.2%} to {low_high[1]:.2%}" if low_high else metric["undefined"] or ""
        threshold = "" if metric["threshold"] is None else f"{metric['threshold']:.3f}"
        table.add_row(metric["title"], _share(metric), interval, threshold)
    return table


def _growth_table(steps: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out what becomes of FNIR in larger galleries."""
    titles = {name: one["title"] for name, one in steps[0]["metrics"].items() if name.startswith("fnir")}
    headings = (title.removeprefix("FNIR(N, N, T) ") for title in titles.values())
    table = output.table("N", "of them made up", *headings, numbers={"N"})
    for step in steps:
        rates = (_share(step["metrics"][name]) for name in titles)
        table.add_row(f"{step['N']:,}", f"{step['made_up']:,}", *rates)
    return table


def _share(metric: Mapping[str, Any]) -> str:
    """Write a share, or a dash where there is none."""
    return "-" if metric["value"] is None else f"{metric['value']:.2%}"


def _print_failures(console: Console, title: str, failures: list[dict[str, str]]) -> None:
    """List photographs without a template."""
    if failures:
        console.print(f"{title}: {len(failures):,}")
    for one in failures[:SHOWN]:
        console.print(f"  {one['image']}: {one['message']} [{one['code']}]", markup=False, soft_wrap=True)
    if len(failures) > SHOWN:
        console.print(f"  … and {len(failures) - SHOWN:,} more; --json lists them all")
