"""Plots of error rates as SVG, drawn without a display and without state that is shared."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from itertools import cycle
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from countenance.core.arrays import Scores
from countenance.evaluation.curves import (
    Curve,
    cmc,
    comparison_scores,
    defined,
    det_of_comparisons,
    det_of_searches,
    histograms,
    search_scores,
)
from countenance.evaluation.metrics import FPIRS, IDENTIFICATION_METRICS, point_estimate
from countenance.evaluation.model import Comparisons, Searches, UndefinedMetricError

LOOK: Mapping[Any, Any] = MappingProxyType(
    {
        "svg.hashsalt": "countenance",  # so that the same data give the same file
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.grid": True,
        "axes.grid.which": "both",
        "grid.alpha": 0.3,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
    }
)
"""Matplotlib's settings for all plots."""

INK = "#14507f"

STYLES = ((INK, "-"), ("#b5520a", "--"), ("#4a7d3a", ":"), ("#7a3b86", "-."))
"""Colour and dash of each line: never told apart by colour alone."""

GROWING = (*(f"fnir_at_fpir_{wanted:g}" for wanted in FPIRS), "fnir_rank_1")
"""What is drawn against N."""


def verification_plots(comparisons: Comparisons) -> Mapping[str, bytes]:
    """Return SVG files by name; one that the data can't show is left out."""
    plots = {
        "det": lambda: det_plot({"": det_of_comparisons(comparisons)}, x="false accept rate", y="false reject rate"),
        "scores": lambda: score_plot(comparison_scores(comparisons), "pairs"),
    }
    return _defined(plots)


def identification_plots(
    first: Searches, systems: Mapping[str, Searches], steps: Sequence[Searches] = ()
) -> Mapping[str, bytes]:
    """Return SVG files by name; one that the data can't show is left out.

    Args:
        first: Searches whose scores and ranks are shown.
        systems: What is compared in one trade-off, by what to call it.
        steps: The same searches in galleries of rising size.
    """
    plots = {
        "det": lambda: det_plot(
            {label: det_of_searches(searches) for label, searches in systems.items()}, x="FPIR(N, T)", y="FNIR(N, N, T)"
        ),
        "cmc": lambda: cmc_plot(first),
        "scores": lambda: score_plot(search_scores(first), "searches"),
        "growth": lambda: growth_plot(steps),
    }
    return _defined(plots if len(steps) > 1 else {name: plots[name] for name in plots if name != "growth"})


def det_plot(curves: Mapping[str, Curve], *, x: str, y: str) -> bytes:
    """Draw detection error trade-offs, both axes logarithmic.

    Args:
        curves: By what to call them.
        x: Name of the rate of false answers.
        y: Name of the rate of missed ones.
    """
    with _look():
        figure, axes = _figure(x, y, "Detection error trade-off")
        for (label, curve), (colour, dash) in zip(curves.items(), cycle(STYLES), strict=False):
            axes.plot(curve.x, curve.y, color=colour, linestyle=dash, drawstyle="steps-post", label=label)
        least = min(float(curve.x[curve.x > 0].min(initial=1.0)) for curve in curves.values())
        axes.set(xscale="log", yscale="log", xlim=(least / 1.5, 1))
        return _svg(figure, axes)


def cmc_plot(searches: Searches) -> bytes:
    """Draw the cumulative match characteristic.

    Raises:
        UndefinedMetricError: there are no mated searches.
    """
    curve = cmc(searches)
    with _look():
        figure, axes = _figure("rank R", "1 - FNIR(N, R, 0)", "Cumulative match: the mate among the first R")
        axes.plot(curve.x, curve.y, color=INK, marker="o", markersize=3)
        axes.set_ylim(min(0.95, np.floor(float(curve.y.min()) * 20) / 20), 1.002)
        return _svg(figure, axes)


def score_plot(scores: Mapping[str, Scores], what: str) -> bytes:
    """Draw histograms of scores, each as a share of its own kind; missing templates are left out.

    Args:
        scores: float64, any length, by what they are of.
        what: What is counted.

    Raises:
        UndefinedMetricError: there are no scores.
    """
    found = histograms(scores)
    with _look():
        figure, axes = _figure("score", f"share of {what} in each bar", "Scores")
        for (kind, shares), (colour, dash) in zip(found.shares.items(), cycle(STYLES), strict=False):
            label = f"{kind} ({found.counts[kind]:,})"
            axes.stairs(shares, found.edges, color=colour, linestyle=dash, label=label)
        return _svg(figure, axes)


def growth_plot(steps: Sequence[Searches]) -> bytes:
    """Draw error rates against N.

    Raises:
        UndefinedMetricError: not one of them is defined.
    """
    with _look():
        figure, axes = _figure("N, of which all but the first are filled up with made-up strangers", "FNIR", "Growth")
        sizes = [step.gallery_size for step in steps]
        lines = {
            metric.title: [value for step in steps if (value := point_estimate(metric, step).value) is not None]
            for name, metric in IDENTIFICATION_METRICS.items()
            if name in GROWING
        }
        for (title, values), (colour, dash) in zip(lines.items(), STYLES, strict=True):
            if len(values) == len(sizes):
                axes.plot(sizes, values, color=colour, linestyle=dash, marker="o", markersize=4, label=title)
        if not axes.lines:
            raise UndefinedMetricError("no error rate is defined")
        axes.set(xscale="log", ylim=(0, None))
        return _svg(figure, axes)


def _defined(plots: Mapping[str, Callable[[], bytes]]) -> Mapping[str, bytes]:
    """Draw the plots that can be drawn."""
    drawn = {f"{name}.svg": defined(draw) for name, draw in plots.items()}
    return {name: plot for name, plot in drawn.items() if plot is not None}


def _look() -> AbstractContextManager[None]:
    """Hold to the settings of all plots."""
    return mpl.rc_context(dict(LOOK))


def _figure(x: str, y: str, title: str) -> tuple[Figure, Axes]:
    """Make an empty plot."""
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, loc="left")
    return figure, axes


def _svg(figure: Figure, axes: Axes) -> bytes:
    """Write a plot, with a legend where lines have names."""
    _, labels = axes.get_legend_handles_labels()
    if any(labels):
        axes.legend()
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
