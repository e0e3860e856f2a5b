"""Writes `docs/benchmarks.md` and its plot from the raw results, and from nothing else.

Run: `python -m benchmarks.report`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

from matplotlib import pyplot as plt

from benchmarks.environment import RESULTS

DOCS = Path(__file__).parent.parent / "docs"
PLOT = "images/enrol.svg"
SKIPPED = 64
"""Files left out at the start of a run, while workers start and load their networks: two commits of 32."""

RUNTIMES = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"}
TIMED = {
    "network": "one call of the recogniser, one crop",
    "template": "picture and face to template, with the mirror image",
    "find": "detection and grading, 640 x 480",
    "product": "product of two float32 matrices of 1,024 x 1,024, for scale",
}

AUDITED = {
    "decide_and_record_ms": "policy decision and entry of one search, committed and synced",
    "decide_ms": "the decision alone",
    "record_ms": "the entry alone",
    "synced_write_of_20_KiB_ms": "a synced write of 20 KiB, for scale",
    "prove_entry_ms": "proof that one entry stands in the log",
    "prove_growth_ms": "proof that the log only grew",
}


def main() -> None:
    """Write the page and the plot."""
    embed, enrol, posted, log, deciding, encryption = (
        json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("embed", "enrol", "posted-search-1000000", "audit-log", "policy-decision", "encryption")
    )
    lines = ["# Benchmarks", "", "Written by `python -m benchmarks.report` from `benchmarks/results/`.", ""]
    lines += [
        *_embedding(embed),
        *_enrolling(enrol),
        "",
        *_posting(posted),
        "",
        *_auditing(log),
        "",
        *_deciding(deciding),
        "",
        *_encrypting(encryption),
    ]
    (DOCS / "benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _plot(enrol)


def _machine(environment: dict[str, Any]) -> str:
    """Say where a result is from."""
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    return (
        f"{environment['cpu']}; {environment['cores']} cores; Python {environment['python']}; {versions}; "
        f"commit {environment['commit'][:10]}{' and changes' if environment['changed_since_commit'] else ''}; "
        f"{environment['when']}; load average before {environment['load_average_before']:.1f}."
    )


def _embedding(result: dict[str, Any]) -> Iterator[str]:
    """Yield the section on one face."""
    yield "## One face on one core"
    yield ""
    yield f"{_machine(result['environment'])} Pictures: {result['pictures']}. Milliseconds, one thread:"
    yield ""
    yield "| what | runtime | p50 | p95 | p99 | n |"
    yield "|---|---|---|---|---|---|"
    for what, words in TIMED.items():
        for name, label in RUNTIMES.items():
            times = np.array(result["nanoseconds"][name][what]) / 1e6
            p50, p95, p99 = np.percentile(times, [50, 95, 99])
            yield f"| {words} | {label} | {p50:.1f} | {p95:.1f} | {p99:.1f} | {len(times)} |"
    yield ""
    speeds = {
        what: operations / float(np.median(result["nanoseconds"]["openvino"][what]))
        for what, operations in result["operations"].items()
    }
    yield (
        f"With OpenVINO the recogniser runs at {speeds['network']:.0f} GFLOP/s, a bare matrix product at "
        f"{speeds['product']:.0f}: the recogniser gets {speeds['network'] / speeds['product']:.0%} of what one core "
        f"of this processor gives. A budget of 16 ms a call wants {result['operations']['network'] / 16e6:.0f} GFLOP/s."
    )
    yield ""


def _rate(run: dict[str, Any]) -> float:
    """Return files a second after the first SKIPPED."""
    return (run["files"] - SKIPPED) / (run["finished_nanoseconds"] - run["done_nanoseconds"][SKIPPED - 1]) * 1e9


def _enrolling(result: dict[str, Any]) -> Iterator[str]:
    """Yield the section on many files."""
    runs = result["runs"]
    yield "## Files to stored templates, two processes"
    yield ""
    yield f"{_machine(result['environment'])} Photographs: {result['photographs']}."
    yield ""
    yield f"| run | files | faces | files/s after the first {SKIPPED} | files/s with start |"
    yield "|---|---|---|---|---|"
    for run in runs:
        whole = run["files"] / run["finished_nanoseconds"] * 1e9
        yield f"| {run['pipeline']} | {run['files']} | {run['faces']} | {_rate(run):.1f} | {whole:.1f} |"
    ours, theirs = (
        np.mean([_rate(run) for run in runs if run["pipeline"] == name]) for name in ("countenance", "face_recognition")
    )
    other = next(run["versions"] for run in runs if "versions" in run)
    yield ""
    yield f"Ratio in this run: **{ours / theirs:.1f}** (face_recognition {other['face_recognition']}, dlib-bin"
    yield f"{other['dlib-bin']}). Countenance stores pictures, crops, records and templates; the other stores nothing."
    yield ""
    yield f"![Files done over time, both pipelines]({PLOT})"


def _posting(result: dict[str, Any]) -> Iterator[str]:
    """Yield the section on whole searches over the network."""
    yield "## A photograph posted, until its candidates are received"
    yield ""
    yield (
        f"{_machine(result['environment'])} Photographs: {result['photographs']}. A server over "
        f"{result['people']:,} made-up people, a template each, and the real ones; a client on the same machine, over "
        "loopback, with an API key: sign-in, policy, template, exact scan, expected strangers, audit log and receipt. "
        "Milliseconds:"
    )
    yield ""
    yield "| clients at a time | p50 | p95 | p99 | searches |"
    yield "|---|---|---|---|---|"
    for clients in ("one client", "two clients"):
        times = [one["nanoseconds"] / 1e6 for one in result[clients]]
        p50, p95, p99 = np.percentile(times, [50, 95, 99])
        yield f"| {clients.split()[0]} | {p50:.0f} | {p95:.0f} | {p99:.0f} | {len(times)} |"
    yield ""
    searched = [one for one in result["one client"] if one["outcome"] == "searched"]
    stages = {
        stage: float(np.median([one["seconds"][stage] for one in searched])) * 1e3 for stage in searched[0]["seconds"]
    }
    listed = ", ".join(f"{stage} {ms:.1f}" for stage, ms in stages.items() if stage != "total")
    yield (
        f"Medians of the server's own stages with one client: {listed}. Of {result['searches']:,} searches, "
        f"{result['face too poor to be searched']} had a face too poor to be searched; in "
        f"{result['first candidate is somebody else, or nobody']} the first candidate was somebody else, or there was "
        "none. The budget is 150 ms at the 95th percentile."
    )


def _auditing(result: dict[str, Any]) -> Iterator[str]:
    """Yield the section on the audit log."""
    yield "## The audit log"
    yield ""
    yield f"{_machine(result['environment'])} A log of {result['entries']:,} entries in SQLite. Milliseconds:"
    yield ""
    yield "| what | p50 | p95 | p99 | n |"
    yield "|---|---|---|---|---|"
    for what, words in AUDITED.items():
        taken = result[what]
        yield f"| {words} | {taken['p50']:.2f} | {taken['p95']:.2f} | {taken['p99']:.2f} | {taken['n']} |"
    yield ""
    yield (
        f"A search was decided for {result['sources_decided']} sources in one batch with itself. `countenance audit "
        f"verify` took **{result['verify_command_ms'] / 1000:.1f} s** for all entries, with its start; writing them in "
        f"batches of 10,000 took {result['build_in_batches_ms'] / 1000:.0f} s. The database is "
        f"{result['database_bytes'] / 1e6:.0f} MB."
    )


def _deciding(result: dict[str, Any]) -> Iterator[str]:
    """Yield the section on what a search waits for before it is made."""
    yield "## Deciding on a search"
    yield ""
    yield (
        f"{_machine(result['environment'])} A transaction that reads the case and what was used, decides the search "
        "and every active source, and counts it; then the entry, as the answer has it. Milliseconds, medians (p95):"
    )
    yield ""
    yield "| active sources | decided and counted | entry | both | refused, with its entry |"
    yield "|---|---|---|---|---|"
    for run in result["ms"]:
        cells = (
            f"{run[name]['p50']:.2f} ({run[name]['p95']:.2f})"
            for name in ("permitted", "entry", "permitted_and_entry", "refused_with_entry")
        )
        yield f"| {run['sources']} | {' | '.join(cells)} |"
    yield ""
    yield f"{result['ms'][0]['permitted']['n']} searches each; sources with the same terms are decided on once."


def _encrypting(result: dict[str, Any]) -> Iterator[str]:
    """Yield the section on what encryption costs."""
    kinds = ("sealed", "null")
    runs = {kind: [run for run in result["runs"] if run["envelope"] == kind] for kind in kinds}
    rates = {kind: [_rate(run) for run in runs[kind]] for kind in kinds}
    searches = {kind: np.concatenate([run["search_nanoseconds"] for run in runs[kind]]) / 1e6 for kind in kinds}
    inside = np.concatenate([run["search_in_envelope_nanoseconds"] for run in runs["sealed"]]) / 1e6
    yield "## What encryption costs"
    yield ""
    yield (
        f"{_machine(result['environment'])} Photographs: {result['photographs']}. With sealing and, in turns and in "
        "the benchmark's own process alone, with nothing done to the bytes:"
    )
    yield ""
    yield f"| kind | files/s after the first {SKIPPED}, each turn | a search, ms: p50 | p95 | n |"
    yield "|---|---|---|---|---|"
    for kind, words in zip(kinds, ("sealed", "nothing done"), strict=True):
        p50, p95 = np.percentile(searches[kind], [50, 95])
        each = ", ".join(f"{rate:.1f}" for rate in rates[kind])
        yield f"| {words} | {each} | {p50:.2f} | {p95:.2f} | {len(searches[kind])} |"
    share = np.median([run["enrol_in_envelope_nanoseconds"] / run["finished_nanoseconds"] for run in runs["sealed"]])
    yield ""
    yield (
        f"Enrolment at **{np.mean(rates['sealed']) / np.mean(rates['null']):.1%}** of the rate without (budget 90 %), "
        f"a search **{np.median(searches['sealed']) - np.median(searches['null']):+.2f} ms** in the middle (budget "
        f"1 ms). Sealing and opening themselves took {share:.1%} of the time of an enrolment, and "
        f"{np.median(inside):.2f} ms of a search in the middle, {np.percentile(inside, 95):.2f} ms at the 95th "
        "percentile."
    )


def _plot(result: dict[str, Any]) -> None:
    """Draw files done over time."""
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for run in result["runs"]:
        seconds = np.array(run["done_nanoseconds"]) / 1e9
        colour = "tab:blue" if run["pipeline"] == "countenance" else "tab:orange"
        axes.step(seconds, np.arange(1, len(seconds) + 1), where="post", color=colour, label=run["pipeline"])
    axes.set(xlabel="seconds", ylabel="files done")
    axes.legend(frameon=False)
    mpl.rcParams["svg.hashsalt"] = "countenance"
    figure.savefig(DOCS / PLOT, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
