"""Write docs/benchmarks-search.md and its plot from benchmarks/results/search-*.json, and from nothing else.

Each file is what `countenance bench search --out` wrote. Run: `python benchmarks/search_report.py`.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
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
FAISS HNSW: 32 links, built with a breadth of 40 and searched with 128; usearch: int8, 32 links, 128 and 128. *Load* is
the machine's load average when the run began: above its number of cores, times include waiting.

Each table is one run: compare within a table. A run of the graphs at ten million was not made: they take tens of
minutes to build at one million on these two cores.
"""


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
        f"{where}, {run['probes']} probes, seed {run['seed']}. {run.get('note', '')}\n",
        "| engine | p50 ms | p95 ms | p99 ms | first ms | build s | bytes a face | same top | same list | mates lost |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for one in run["engines"]:
        times = (f"{one[key]:.1f}" for key in ("p50_ms", "p95_ms", "p99_ms", "first_search_ms", "build_seconds"))
        agreed = (f"{one[key]} of {one['probes']}" for key in ("same_top", "same_list"))
        size = "-" if one["bytes_a_face"] is None else f"{one['bytes_a_face']:.0f}"
        lost = f"{one['mates_lost']} of {one['mates_found']}"
        lines.append(f"| {' | '.join([one['engine'], *times, size, *agreed, lost])} |")
    return "\n".join(lines) + "\n"


def plot(all_runs: list[dict[str, Any]]) -> None:
    """Draw how time and memory grow with the gallery, at 128 columns."""
    mpl.rcParams["svg.hashsalt"] = "search-growth"
    figure, (times, sizes) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    chosen = [run for run in all_runs if run["dim"] == 128]
    for engine in dict.fromkeys(one["engine"] for run in chosen for one in run["engines"]):
        points = {run["templates"]: one for run in chosen for one in run["engines"] if one["engine"] == engine}
        times.plot(list(points), [one["p50_ms"] for one in points.values()], "o-", label=engine)
        resident = [(one["resident_bytes"] or 0) / 2**20 for one in points.values()]
        sizes.plot(list(points), resident, "o-", label=engine)
    for axes, label in ((times, "median search, ms"), (sizes, "resident memory, MiB")):
        axes.set(xscale="log", yscale="log", xlabel="templates", ylabel=label)
        axes.grid(visible=True, alpha=0.3)
    times.legend()
    figure.savefig(PLOT, metadata={"Date": None})


def main() -> None:
    """Write page and plot."""
    all_runs = runs()
    plot(all_runs)
    words = "\n![Time and memory by size of the gallery](images/search-growth.svg)\n"
    PAGE.write_text(HEAD + words + "".join(table(run) for run in all_runs), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(all_runs)} runs")


if __name__ == "__main__":
    main()
