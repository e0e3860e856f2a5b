"""The reliability plot of a calibration: strangers counted against strangers expected."""

from io import BytesIO

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from countenance.evaluation.plots import INK, LOOK
from countenance.search.calibration import Calibration

FORMATS = (".svg", ".png")
"""What the plot can be drawn as, by the file's extension."""


def reliability_plot(calibration: Calibration, *, suffix: str) -> bytes:
    """Draw counted against expected strangers of probes that had no part in the fit, both axes logarithmic.

    Bars are 90 % intervals of a Poisson count; where nobody was counted there is no point.
    """
    checks = [check for check in calibration.checks if check.counted]
    expected = np.array([check.expected for check in checks])
    counted = np.array([check.counted for check in checks])
    bars = np.abs(np.array([check.interval for check in checks]).T - counted)
    with mpl.rc_context(dict(LOOK)):
        figure = Figure(figsize=(5.2, 4.2), layout="constrained")
        axes = figure.add_subplot()
        reach = [expected.min() / 2, expected.max() * 2]
        axes.plot(reach, reach, color="0.5", linestyle="--", label="as many as expected")
        axes.errorbar(expected, counted, yerr=bars, fmt="o", color=INK, capsize=3, label="counted")
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="strangers expected",
            ylabel="strangers counted",
            title=f"{checks[0].probes:,} probes, {calibration.subjects:,} subjects",
        )
        axes.legend()
        buffer = BytesIO()
        figure.savefig(buffer, format=suffix.removeprefix("."), metadata={"Date": None} if suffix == ".svg" else None)
    return buffer.getvalue()
