"""`countenance evaluate`: error rates on labelled photographs. No gallery is read or written."""

import json as json_text
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from countenance.bootstrap.settings import Settings, load_settings
from countenance.bootstrap.wiring import model_pack, open_reader
from countenance.cli import output
from countenance.cli.files import make_folder, write_file
from countenance.cli.options import Home, Json
from countenance.evaluation.acquisition import Acquired, acquire
from countenance.evaluation.gates import GateRule
from countenance.evaluation.identification import evaluate_identification
from countenance.evaluation.pairs import read_pairs
from countenance.evaluation.plots import identification_plots, verification_plots
from countenance.evaluation.protocol import read_protocol
from countenance.evaluation.verification import evaluate_verification

SHOWN = 20
"""Failures that are listed one by one for people; all of them are in `--json`."""

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
    gate: Gates = GateRule.PRODUCT,
    home: Home = None,
    json: Json = False,
) -> None:
    """Compare pairs of photographs, DIR/NAME/NAME_0001.jpg: accuracy over folds, TAR at FAR 1 % and 0.1 %.

    Example: `countenance evaluate verification --images lfw --pairs lfw/pairs.txt --report out --json`
    """
    settings = load_settings(home)
    if report is not None:
        make_folder(report)
    wanted = read_pairs(pairs, images)
    acquired, facts = _acquired(settings, wanted.files, quiet=json)
    measured = evaluate_verification(wanted, acquired, gate)
    result = {"kind": "verification", **facts, **measured.as_json()}
    _write(report, result, verification_plots(measured.comparisons) if report is not None else {})
    output.emit(result, as_json=json, render=lambda console: _print_verification(console, result, report))


@evaluate_app.command("identification", no_args_is_help=True)
def identification(
    images: Images,
    protocol: Annotated[Path, typer.Option(help="CSV with columns image, subject, role: gallery or probe.")],
    report: Report = None,
    gate: Gates = GateRule.PRODUCT,
    home: Home = None,
    json: Json = False,
) -> None:
    """Search probes in a gallery, mates and strangers: FNIR(N, N, T) at FPIR 10 %, 1 % and 0.3 %, and rank 1.

    Example: `countenance evaluate identification --images photos --protocol protocol.csv --report out --json`
    """
    settings = load_settings(home)
    if report is not None:
        make_folder(report)
    wanted = read_protocol(protocol, images)
    acquired, facts = _acquired(settings, wanted.files, quiet=json)
    measured = evaluate_identification(wanted, acquired, gate)
    result = {"kind": "identification", **facts, **measured.as_json()}
    _write(report, result, identification_plots(measured.searches) if report is not None else {})
    output.emit(result, as_json=json, render=lambda console: _print_identification(console, result, report))


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


def _write(report: Path | None, result: Mapping[str, Any], plots: Mapping[str, bytes]) -> None:
    """Write the result and its plots into the report's folder."""
    if report is not None:
        text = json_text.dumps(result, ensure_ascii=False, allow_nan=False, indent=2)
        write_file(report / f"{result['kind']}.json", f"{text}\n".encode())
        for name, plot in plots.items():
            write_file(report / f"{result['kind']}-{name}", plot)


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
        console.print(f"Report: {report}", soft_wrap=True)


def _print_identification(console: Console, result: Mapping[str, Any], report: Path | None) -> None:
    """Print the figures of identification."""
    mated, non_mated = result["searches"]["mated"], result["searches"]["non_mated"]
    console.print(
        f"N = {result['N']:,} subjects; {mated['searches']:,} mated searches of {mated['subjects']:,} people, "
        f"{non_mated['searches']:,} non-mated of {non_mated['subjects']:,}; gates: {result['gate']}"
    )
    console.print(_metrics_table(result))
    _print_failures(console, "Failures to enrol", result["failures_to_enrol"])
    _print_failures(console, "Failures to acquire", result["failures_to_acquire"])
    if report is not None:
        console.print(f"Report: {report}", soft_wrap=True)


def _metrics_table(result: Mapping[str, Any]) -> Table:
    """Lay metrics out: what, value, interval or why there is none, threshold."""
    table = Table("metric", "value", "95 % interval, or why there is none", "T")
    for metric in result["metrics"].values():
        low_high = metric["interval"]
        interval = f"{low_high[0]:.2%} to {low_high[1]:.2%}" if low_high else metric["undefined"] or ""
        threshold = "" if metric["threshold"] is None else f"{metric['threshold']:.3f}"
        table.add_row(metric["title"], _share(metric), interval, threshold)
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
