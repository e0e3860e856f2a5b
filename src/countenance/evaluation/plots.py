"""Plots of error rates as SVG, drawn without a display and without state that is shared."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from functools import partial
from io import BytesIO
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from countenance.evaluation.curves import cmc, det_of_comparisons, det_of_searches
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
    }
)
"""Matplotlib's settings for all plots."""

INK = "#14507f"


def verification_plots(comparisons: Comparisons) -> Mapping[str, bytes]:
    """Return plots by file name; one that the data can't show is left out."""
    return _defined({"det.svg": partial(det_plot, comparisons)})


def identification_plots(searches: Searches) -> Mapping[str, bytes]:
    """Return plots by file name; one that the data can't show is left out."""
    return _defined({"det.svg": partial(det_plot, searches), "cmc.svg": partial(cmc_plot, searches)})


def det_plot(data: Searches | Comparisons) -> bytes:
    """Draw the detection error trade-off, both axes logarithmic, as SVG.

    Raises:
        UndefinedMetricError: one of the two rates is not defined.
    """
    if isinstance(data, Searches):
        curve = det_of_searches(data)
        names = ("FPIR(N, T)", "FNIR(N, N, T)", f"Identification, N = {data.gallery_size:,}")
    else:
        curve = det_of_comparisons(data)
        names = ("false accept rate", "false reject rate", "Verification")
    with _look():
        figure, axes = _figure(*names)
        axes.plot(curve.x, curve.y, color=INK, drawstyle="steps-post")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(max(float(curve.x[curve.x > 0].min(initial=1.0)) / 2, 1e-6), 1)
        return _svg(figure)


def cmc_plot(searches: Searches) -> bytes:
    """Draw the cumulative match characteristic, as SVG.

    Raises:
        UndefinedMetricError: there are no mated searches.
    """
    curve = cmc(searches)
    with _look():
        figure, axes = _figure(
            "rank R", "mate among the first R: 1 - FNIR(N, R, 0)", f"Cumulative match, N = {searches.gallery_size:,}"
        )
        axes.plot(curve.x, curve.y, color=INK, marker="o", markersize=3)
        axes.set_ylim(min(0.9, float(np.floor(curve.y.min() * 20) / 20)), 1.002)
        return _svg(figure)


def _defined(plots: Mapping[str, Callable[[], bytes]]) -> Mapping[str, bytes]:
    """Draw the plots that can be drawn."""
    drawn = {}
    for name, draw in plots.items():
        with suppress(UndefinedMetricError):
            drawn[name] = draw()
    return drawn


def _look() -> AbstractContextManager[None]:
    """Hold to the settings of all plots."""
    return mpl.rc_context(dict(LOOK))


def _figure(x: str, y: str, title: str) -> tuple[Figure, Axes]:
    """Make an empty plot."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, loc="left")
    return figure, axes


def _svg(figure: Figure) -> bytes:
    """Write a plot."""
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
