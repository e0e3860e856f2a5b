"""Write docs/benchmarks-search.md and its plot from benchmarks/results/search-*.json, and from nothing else.

Each file is what `countenance bench search --out` wrote. Run: `python -m benchmarks.search_report`.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks-search.md"
PLOT = ROOT / "docs" / "images" / "search-growth.svg"

HEAD = """# Benchmarks of search

<!-- Written by benchmarks/search_report.py from benchmarks/results/search-*.json: edit these, not this page. -->

Made-up templates of the default model pack's population (`vision/population.py`), one a subject; each probe is another
picture of somebody in the gallery. One probe at a time. *Same top*, *same list*: probes whose first row, whose whole
list of 50, is that of brute force in float64. *Mates lost*: probes whose mate brute force lists and the engine does
not. *Bytes a face* is the growth of the process's resident memory over the number of faces: below a million, mostly
what libraries take once; an engine that is not the first of its run may take memory that the one before gave back.
FAISS HNSW: 32 links, built with a breadth of 40 and searched with 128; usearch: int8, 32 links, 128 and 128, where a
run does not say another breadth. *Load* is the machine's load average when the run began: above its number of cores,
times include waiting.

pgvector: every row scored, or (`pgvector-hnsw`) its graph with 32 links, built with 64 and searched with 128; its bytes
are those of table and graph in PostgreSQL. *Processor s* is what building took of all cores together: beside other work
it says more than the seconds; that of a server is not seen here. Built graphs are kept (`--graphs`) and searched by
later runs: *build s* is then that of the run that built them, beside whatever else went on.

Each table of engines is one run: compare within a table. All of these were made on one kind of machine, two cores of an
AMD EPYC of 2024, which they name by its family and vector units.
"""

COLUMNS = (
    *("engine", "p50 ms", "p95 ms", "p99 ms", "first ms", "build s", "processor s", "bytes a face"),
    *("same top", "same list", "mates lost"),
)
SERVERS = ("milvus", "pgvector")
"""Engines whose processor time is not this process's."""


def runs() -> list[dict[str, Any]]:
    """Return all runs, the smallest gallery first."""
    read = [json.loads(path.read_text(encoding="ascii")) for path in sorted(RESULTS.glob("search-*.json"))]
    return sorted(read, key=lambda run: (run["dim"], run["templates"], -run["probes"]))


def table(run: dict[str, Any]) -> str:
    """Return one run's table."""
    machine = run["machine"]
    where = f"{run['measured_at'][:16]}Z, {machine['processor']}, {machine['cores']} cores, load {machine['load']}"
    lines = [
        f"\n## {run['templates']:,} templates of {run['dim']} columns\n",
        f"{where}, {run['probes']} probes, seed {run['seed']}.{breadth_of(run)} {run.get('note', '')}\n",
        f"| {' | '.join(COLUMNS)} |",
        f"|---{'|--:' * (len(COLUMNS) - 1)}|",
    ]
    for one in run["engines"]:
        times = (f"{one[key]:.1f}" for key in ("p50_ms", "p95_ms", "p99_ms", "first_search_ms", "build_seconds"))
        agreed = (f"{one[key]} of {one['probes']}" for key in ("same_top", "same_list"))
        size = "-" if one["bytes_a_face"] is None else f"{one['bytes_a_face']:.0f}"
        lost = f"{one['mates_lost']} of {one['mates_found']}"
        lines.append(f"| {' | '.join([one['engine'], *times, processor_seconds(one), size, *agreed, lost])} |")
    return "\n".join(lines) + "\n"


def breadth_of(run: dict[str, Any]) -> str:
    """Say how broadly graphs were built, where a run chose it."""
    breadth = run.get("build_breadth")
    return "" if breadth is None else f" faiss-hnsw and usearch: built with a breadth of {breadth}."


def processor_seconds(one: dict[str, Any]) -> str:
    """Return what building took of all cores, where it is known."""
    known = "build" in one and not one["engine"].startswith(SERVERS)
    return f"{one['build']['processor_seconds']:.1f}" if known else "-"


def batches() -> str:
    """Return what a probe costs in a batch."""
    lines = []
    for path in sorted(RESULTS.glob("batches-*.json")):
        run = json.loads(path.read_text(encoding="ascii"))
        each, ratios = run["median ms a probe, by probes together"], run["of a probe alone"]
        rounds = len(run["nanoseconds, by probes together"]["1"])
        lines += [
            f"\n{run['rows']:,} templates of {run['dim']} columns, {load_of(run)}; medians over {rounds} rounds:\n",
            "| probes together | ms a probe | of a probe alone |",
            "|--:|--:|--:|",
            *(f"| {size} | {each[size]:.1f} | {ratios[size]:.2f} |" for size in each),
        ]
    return "\n## Several probes in one search\n\nThe exact engine, `benchmarks/batches.py`.\n" + "\n".join(lines) + "\n"


def filling() -> str:
    """Return how long the index takes to be filled."""
    lines = [
        "\n## Filling the index from the records\n",
        "`benchmarks/index_fill.py`: people enrolled source after source, or in turns, so that neighbouring rows are",
        "of two sources; into an empty index that is stored. *Read*: reading the references alone. Medians over",
        "rounds, s. *Ratio*: in turns, of source after source. *Row by row*: in turns, but each row added alone, and",
        "cut off.\n",
        "| rows | sources | source after source: read / fill | in turns: read / fill | ratio | row by row | load |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for path in sorted(RESULTS.glob("index-fill-*.json")):
        run = json.loads(path.read_text(encoding="ascii"))
        apart, turns = (
            [one for one in run["runs"] if one["gallery"] == name] for name in ("source after source", "in turns")
        )
        read = [float(np.median([one["read"] for one in gallery])) / 1e9 for gallery in (apart, turns)]
        fill = [float(np.median([one["fill"]["nanoseconds"] for one in gallery])) / 1e9 for gallery in (apart, turns)]
        alone = run["row by row"]
        cells = [
            f"{run['rows']:,}",
            f"{run['sources']:,}",
            *(f"{reading:.0f} / {filled:.0f}" for reading, filled in zip(read, fill, strict=True)),
            f"{fill[1] / fill[0]:.2f}",
            f"{alone['rows']:,} in {alone['nanoseconds'] / 1e9:.0f} s",
            f"{run['environment']['load_average_before']:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def withdrawal() -> str:
    """Return what was measured of a source that is withdrawn."""
    lines = [
        "\n## A source is withdrawn while a server searches\n",
        "`benchmarks/withdrawal.py`: ten sources with records, keys and index on disk; another process withdraws one",
        "while this one searches. *First answer*: from the commit that stops the source to the end of the first search",
        "that began after it; *longest*: the longest search from then to the certificate; *shown*: rows of it in",
        "searches that began after the commit; *equal*: answers over the other nine are, byte for byte, those of a",
        "gallery that never had the source.\n",
        "| its rows | others, each | load | first answer ms | longest ms | median before ms | shown | all s | equal |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for path in sorted(RESULTS.glob("withdrawal-*.json")):
        run = json.loads(path.read_text(encoding="ascii"))
        equal = run["answers afterwards equal those of a gallery that never had it"]
        cells = [
            f"{run['large']:,}",
            f"{run['small']:,}",
            f"{run['environment']['load_average_before']:.1f}",
            f"{run['milliseconds from commit to the first answer without it']:.0f}",
            f"{run['longest search since, ms']:.0f}",
            f"{median_ms(run['searches before']):.0f}",
            str(run["shown since"]),
            f"{run['withdrawal, seconds']:.0f}",
            "yes" if equal else "NO",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def kernels() -> str:
    """Return the race of the scans."""
    lines = [
        "\n## Scans of int8 rows\n",
        "`benchmarks/scan_kernels.py`, turn by turn on the same rows, medians, ms on one thread and on two.",
        "*numkong-dots*: the products alone; *numkong*: with the cut of an exact search; *read*: every code once.\n",
        "| rows | ours | numkong | numkong-dots | faiss-sq8 | read | load |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for path in sorted(RESULTS.glob("scan-kernels-*.json")):
        run = json.loads(path.read_text(encoding="ascii"))
        times = run["nanoseconds, by threads"]
        cells = [
            " / ".join(f"{np.median(times[f'{name}, {n}']) / 1e6:.1f}" for n in (1, 2))
            if f"{name}, 1" in times
            else "-"
            for name in ("ours", "numkong", "numkong-dots", "faiss-sq8", "read")
        ]
        load = f"{run['environment']['load_average_before']:.1f}"
        lines.append(f"| {run['rows']:,} x {run['dim']} | {' | '.join([*cells, load])} |")
    return "\n".join(lines) + "\n"


def load_of(run: dict[str, Any]) -> str:
    """Say when something ran, and beside what."""
    return f"{run['environment']['when'][:16]}Z, load {run['environment']['load_average_before']:.1f}"


def median_ms(searches: list[dict[str, int]]) -> float:
    """Return the median of some searches' times."""
    return float(np.median([one["ended"] - one["began"] for one in searches])) / 1e6


def plot(all_runs: list[dict[str, Any]]) -> None:
    """Draw how time and memory grow with the gallery, at 128 columns; of a size, by the run of most probes."""
    mpl.rcParams["svg.hashsalt"] = "search-growth"
    figure, (times, sizes) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    series: dict[str, dict[int, dict[str, Any]]] = {}
    for run in all_runs:
        if run["dim"] == 128:
            for one in run["engines"]:
                series.setdefault(one["engine"], {}).setdefault(run["templates"], one)
    for engine, points in series.items():
        times.plot(list(points), [one["p50_ms"] for one in points.values()], "o-", label=engine)
        resident = [(one["resident_bytes"] or 0) / 2**20 for one in points.values()]
        sizes.plot(list(points), resident, "o-", label=engine)
    for axes, label in ((times, "median search, ms"), (sizes, "resident memory, MiB")):
        axes.set(xscale="log", yscale="log", xlabel="templates", ylabel=label)
        axes.grid(visible=True, alpha=0.3)
    times.legend(fontsize="small", ncols=2)
    figure.savefig(PLOT, metadata={"Date": None})


def main() -> None:
    """Write page and plot."""
    all_runs = runs()
    plot(all_runs)
    words = "\n![Time and memory by size of the gallery](images/search-growth.svg)\n"
    more = batches() + filling() + withdrawal() + kernels()
    PAGE.write_text(HEAD + words + "".join(table(run) for run in all_runs) + more, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(all_runs)} runs")


if __name__ == "__main__":
    main()
