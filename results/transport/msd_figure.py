"""The MSD with its error band and fit, linear and log–log side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualion.results.figures.files import blank_figure
from dualion.results.figures.labels import power_label
from dualion.results.transport.axes import COLOURS, figure_legend, thin_indices
from dualion.screening.transport.number_text import diffusion_text
from dualion.screening.transport.report import SpeciesReport, TransportReport
from dualion.screening.transport.self_diffusion.msd_band import REACH_SHARE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIT_POINTS = 60
GUIDE = "∝ t"


def msd_figure(report: TransportReport) -> Figure:
    """Plot the MSD of each group of ions, linear and log–log, with 95 % bands and fits.

    Args:
        report: the finished analysis.
    """
    rows = -(-(len(report.species) + 2) // 2)
    figure = blank_figure(9.6, 4.0 + 0.22 * rows)
    linear, log = figure.subplots(1, 2)
    draw_msd(linear, report)
    draw_msd(log, report, log=True)
    draw_guide(log, report)
    figure_legend(figure, log, 2)
    return figure


def draw_msd(axes: Axes, report: TransportReport, *, log: bool = False) -> None:
    """Draw the MSD of each group of ions, its band, and the fit over its window.

    Args:
        axes: the panel.
        report: the finished analysis.
        log: logarithmic axes.
    """
    if log:
        axes.set(xscale="log", yscale="log")
    for number, species in enumerate(report.species):
        _draw_species(axes, species, COLOURS[number % len(COLOURS)], log=log)
    axes.set_xlabel("time (ps)")
    axes.set_ylabel("MSD (Å²)")
    if not log:
        axes.set_xlim(left=0.0)
        axes.set_ylim(bottom=0.0)


def _draw_species(axes: Axes, species: SpeciesReport, colour: str, *, log: bool) -> None:
    count = max(2, int(REACH_SHARE * species.msd.n_frames))
    shown = thin_indices(count, log=log)
    times, values = species.msd.times_ps[shown], species.msd.total[shown]
    good = values > 0.0 if log else np.ones(len(values), dtype=bool)
    axes.plot(times[good], values[good], color=colour, label=_label(species))
    band = species.band
    seen = band.low_angstrom2 > 0.0
    axes.fill_between(
        band.times_ps[seen], band.low_angstrom2[seen], band.high_angstrom2[seen],
        color=colour, alpha=0.18, linewidth=0,
    )  # fmt: skip
    d = species.diffusion
    if d.resolved:
        times = np.geomspace(*d.window_ps, FIT_POINTS)
        line = d.intercept_angstrom2 + 6.0e4 * d.d_cm2_s * times
        known = line > 0.0
        axes.plot(
            times[known], line[known], color="black", linestyle="--", linewidth=1.4, marker="|",
            markevery=[0, int(known.sum()) - 1], markersize=11, markeredgewidth=1.6, zorder=5,
        )  # fmt: skip


def _label(species: SpeciesReport) -> str:
    d = species.diffusion
    found = diffusion_text(d.verdict, d.d_cm2_s, d.error_cm2_s, d.upper_cm2_s)
    return f"{species.name}: {d.verdict}, {power_label(found)}"


def draw_guide(axes: Axes, report: TransportReport) -> None:
    """Draw a line of slope 1 above the curves of a log–log panel, and name fit and band.

    Args:
        axes: the panel, logarithmic.
        report: the finished analysis.
    """
    if any(species.diffusion.resolved for species in report.species):
        axes.plot([], [], color="black", linestyle="--", marker="|", label="fit over its window")
    times = report.species[0].band.times_ps
    ends = times[[0, -1]]
    tops = [s.band.msd_angstrom2[-1] / ends[1] for s in report.species]
    top = 1.6 * max(tops, default=0.0)
    if top > 0.0 and ends[1] > ends[0]:
        axes.plot(ends, top * ends, color="0.45", linestyle=":", linewidth=1.3, label=GUIDE)
