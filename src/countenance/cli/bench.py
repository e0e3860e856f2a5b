"""`countenance bench`: how fast this machine searches, and whom an engine loses."""

import json as jsonlib
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from countenance.bootstrap.benchmarking import GRAPHS, EngineName, engine_maker, machine, population
from countenance.bootstrap.settings import load_settings
from countenance.cli import output
from countenance.cli.files import require_free, write_file
from countenance.cli.options import Force, Home, Json
from countenance.core.clock import utc_now
from countenance.core.errors import InvalidInputError
from countenance.evaluation.kept_graphs import KeptGraph
from countenance.evaluation.search_benchmark import (
    LIMIT,
    Agreement,
    BruteForce,
    EngineReport,
    MadeUpGallery,
    RowConsumer,
    SearchEngine,
    StoredTemplates,
    agreement,
    made_up_gallery,
    measure,
)

MAX_DIM = 2048
MAX_TEMPLATES = 1_000_000_000
MAX_PROBES = 100_000

Scratch = Annotated[
    Path | None,
    typer.Option(help="Folder for the templates in full precision, 4 bytes a column; the system's own if left out."),
]
Graphs = Annotated[
    Path | None,
    typer.Option(help="Folder for what took long to build; what is there is searched without building it again."),
]
BuildBreadth = Annotated[
    int | None,
    typer.Option(min=1, max=4096, help="How broadly faiss-hnsw and usearch build their graphs; their own if left out."),
]

bench_app = typer.Typer(help="Benchmarks on made-up templates; no gallery is needed or touched.", no_args_is_help=True)


@bench_app.callback()
def bench() -> None:
    """Benchmarks on made-up templates; no gallery is needed or touched."""


@bench_app.command("search", no_args_is_help=True)
def bench_search(
    templates: Annotated[int, typer.Option(max=MAX_TEMPLATES, help="How many templates to search among.")],
    engine: Annotated[
        list[EngineName], typer.Option(help="What to measure; given several times, one after the other.")
    ],
    dim: Annotated[int, typer.Option(help="Columns of a template; 128 are those of the default model pack.")] = 128,
    probes: Annotated[
        int, typer.Option(max=MAX_PROBES, help="How many probes to search with, one at a time; each has a mate.")
    ] = 200,
    seed: Annotated[int, typer.Option(help="The same seed draws the same templates.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the JSON object with each search's time to a file.")] = None,
    scratch: Scratch = None,
    graphs: Graphs = None,
    build_breadth: BuildBreadth = None,
    milvus_process: Annotated[
        int | None, typer.Option(help="Number of the Milvus server's process, so that its memory counts.")
    ] = None,
    force: Force = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Measure search: time, memory, and how often the answer is that of brute force.

    Example: `countenance bench search --templates 1000000 --engine exact --engine faiss-hnsw`
    """
    if out is not None:
        require_free(out, force=force)
    _require_possible(dim, seed)
    settings = load_settings(home)
    started = {"measured_at": utc_now().isoformat(), "machine": asdict(machine(len(os.sched_getaffinity(0))))}
    gallery = made_up_gallery(population(settings, dim), templates=templates, probes=probes, seed=seed)
    stored = StoredTemplates(scratch, templates=templates, dim=dim)
    makers = {
        name: engine_maker(
            name, settings, dim, stored.templates, milvus_process=milvus_process, build_breadth=build_breadth
        )
        for name in dict.fromkeys(engine)
    }
    keepers = {name: _keeper(name, graphs, gallery, build_breadth) for name in makers}
    engines = _measured(gallery, stored, makers, keepers, quiet=json)
    result = {
        **started,
        "templates": templates,
        "dim": dim,
        "probes": probes,
        "limit": LIMIT,
        "seed": seed,
        "build_breadth": build_breadth,
        "population": gallery.population.digest,
        "engines": engines,
    }
    if out is not None:
        write_file(out, jsonlib.dumps(result, indent=1).encode("ascii"))
    output.emit(result, as_json=json, render=lambda console: _print(console, result))


def _require_possible(dim: int, seed: int) -> None:
    """Refuse numbers that no gallery can be drawn with."""
    if not 2 <= dim <= MAX_DIM:
        raise InvalidInputError(f"the dimension must be 2 to {MAX_DIM}, not {dim}", code="dim-invalid", hint="e.g. 128")
    if seed < 0:
        raise InvalidInputError(f"the seed must be 0 or more, not {seed}", code="seed-invalid", hint="e.g. 0")


def _measured(
    gallery: MadeUpGallery,
    stored: StoredTemplates,
    makers: Mapping[EngineName, Callable[[], SearchEngine]],
    keepers: Mapping[EngineName, KeptGraph | None],
    *,
    quiet: bool,
) -> list[dict[str, Any]]:
    """Fill and search one engine after the other, and compare each with brute force."""
    truth = BruteForce(gallery.probes)
    reports: dict[EngineName, EngineReport] = {}
    for name, make in makers.items():
        beside: list[RowConsumer] = [] if reports else [stored, truth]
        with output.progress(f"Filling {name}", gallery.templates, quiet=quiet) as bar:
            reports[name] = measure(gallery, make, keeper=keepers[name], beside=beside, on_progress=bar.advance)
    nearest = truth.nearest()
    return [
        engine_json(name, report, agreement(gallery, nearest, report.neighbours), gallery.templates)
        for name, report in reports.items()
    ]


def _keeper(
    engine: EngineName, graphs: Path | None, gallery: MadeUpGallery, build_breadth: int | None
) -> KeptGraph | None:
    """Return where an engine's graph is kept; None where nothing is."""
    if graphs is None:
        return None
    name = engine if build_breadth is None or engine not in GRAPHS else f"{engine}-{build_breadth}"
    return KeptGraph(graphs, gallery, engine=name)


def engine_json(name: str, report: EngineReport, agreed: Agreement, templates: int) -> dict[str, Any]:
    """Return one engine's figures as plain JSON types; times in ms, raw ones in ns."""
    p50, p95, p99 = (np.percentile(report.search_ns, [50, 95, 99]) / 1e6).tolist()
    resident = report.resident_bytes
    return {
        "engine": name,
        "p50_ms": round(p50, 3),
        "p95_ms": round(p95, 3),
        "p99_ms": round(p99, 3),
        "first_search_ms": round(report.first_search_ns / 1e6, 3),
        "build_seconds": report.build.seconds,
        "build": asdict(report.build),
        "resident_bytes": resident,
        "bytes_a_face": None if resident is None else round(resident / templates, 1),
        **asdict(agreed),
        "search_ns": report.search_ns.tolist(),
    }


def _short(value: float) -> str:
    """Write a time in three digits, or more where they stand before the point."""
    return f"{value:#.3g}" if value < 1000 else f"{value:,.0f}"


def _print(console: Console, result: dict[str, Any]) -> None:
    """Print a line an engine."""
    numbers = ("p50 ms", "p95 ms", "p99 ms", "first ms", "build s", "B/face", "top", "list", "lost")
    table = output.table("engine", *numbers, numbers=("engine", *numbers))
    for one in result["engines"]:
        times = (_short(one[key]) for key in ("p50_ms", "p95_ms", "p99_ms", "first_search_ms", "build_seconds"))
        size = "-" if one["bytes_a_face"] is None else f"{one['bytes_a_face']:.0f}"
        table.add_row(
            one["engine"],
            *times,
            size,
            *(str(one[key]) for key in ("same_top", "same_list")),
            f"{one['mates_lost']}/{one['mates_found']}",
        )
    console.print(table)
    console.print(
        f"{result['templates']:,} templates of {result['dim']} columns, {result['probes']} probes one at a time, "
        f"{result['machine']['cores']} cores. Top, list: probes whose first candidate, whose whole list of "
        f"{result['limit']}, is brute force's; lost: mates that brute force lists and the engine does not.",
    )
