"""A report of an evaluation as one HTML file: figures, plots and what could not be measured; nothing fetched."""

import base64
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

PLOTS = {
    "det.svg": "Detection error trade-off: what is missed against what is wrongly found, over all thresholds.",
    "cmc.svg": "Cumulative match characteristic: how often the mate is among the first R candidates.",
    "scores.svg": "Score histograms: how far mates and strangers lie apart.",
    "growth.svg": "Error rates as the gallery grows; all but the leftmost are filled up with made-up strangers.",
}
"""What each plot shows, for those who don't see it as well."""


def render_evaluation(result: Mapping[str, Any], plots: Mapping[str, bytes], *, title: str) -> str:
    """Render one self-contained HTML file: plots and styles within, no script.

    Args:
        result: What `countenance evaluate` prints with `--json`.
        plots: SVG by file name.
        title: Of the report.
    """
    environment = Environment(
        loader=PackageLoader("countenance.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(share=_share, interval=_interval, points=_points, apart=_apart)
    shown = [(_data_url(plots[name]), text) for name, text in PLOTS.items() if name in plots]
    return environment.get_template("evaluation.html").render(title=title, result=result, plots=shown)


def _data_url(svg: bytes) -> str:
    """Embed a plot."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def _share(value: float | None) -> str:
    """Write a share in per cent; a dash where there is none."""
    return "\N{EN DASH}" if value is None else f"{value:.2%}".replace("%", "\N{NARROW NO-BREAK SPACE}%")


def _apart(metric: Mapping[str, Any]) -> str:
    """Write the interval of a difference in percentage points, or why there is none."""
    if metric["interval"] is None:
        return str(metric["undefined"] or "")
    return " to ".join(_signed(end) for end in metric["interval"])


def _interval(metric: Mapping[str, Any]) -> str:
    """Write an interval, or why there is no value."""
    if metric["interval"] is None:
        return str(metric["undefined"] or "")
    low, high = metric["interval"]
    return f"{_share(low)} to {_share(high)}"


def _points(metric: Mapping[str, Any]) -> str:
    """Write a difference in percentage points, with its sign."""
    if metric["value"] is None:
        return "\N{EN DASH}"
    return _signed(metric["value"])


def _signed(share: float) -> str:
    return f"{100 * share:+.2f}".replace("-", "\N{MINUS SIGN}")
