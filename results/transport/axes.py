"""What the figures of an analysis share: colours, panels, legends off the data, headings."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.results.figures.files import blank_figure
from dualion.results.figures.labels import formula_label
from dualion.results.transport.identity import SEPARATOR, RunIdentity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#999999", "#000000")
"""Okabe and Ito's palette, told apart by colour-blind readers as well."""

MAX_POINTS = 2000
"""Points of one curve; more make a file larger, not better."""

NO_BREAK = "\u00a0"
LETTERS_PER_INCH = 13.0
"""Of the small print of a heading."""


def new_panel(width: float = 5.0, height: float = 3.8) -> tuple[Figure, Axes]:
    """Make a figure with one panel.

    Args:
        width: inches.
        height: inches.
    """
    figure = blank_figure(width, height)
    return figure, figure.add_subplot()


def thin_indices(count: int, *, log: bool = False) -> NDArray[np.int64]:
    """Choose the points of a curve that are drawn, shape (k,).

    Args:
        count: number of points that there are.
        log: spaced evenly on a logarithmic axis, without the first.
    """
    if log:
        return np.unique(np.geomspace(1, max(count - 1, 1), 200).astype(np.int64))
    return np.unique(np.linspace(0, count - 1, min(count, MAX_POINTS)).astype(np.int64))


def legend_below(axes: Axes, columns: int = 2, drop: float = 0.18) -> None:
    """Place the legend of a panel below it, off the data.

    Args:
        axes: the panel.
        columns: number of columns.
        drop: how far below the axis, in heights of the panel; labels are in between.
    """
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            fontsize="small",
            loc="upper center",
            bbox_to_anchor=(0.5, -drop),
            ncols=columns,
            frameon=False,
        )


def figure_legend(figure: Figure, axes: Axes, columns: int) -> None:
    """Place one legend for all panels below the figure.

    Args:
        figure: the figure.
        axes: panel whose curves are named.
        columns: number of columns.
    """
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, labels, fontsize="small", loc="outside lower center", ncols=columns,
            frameon=False,
        )  # fmt: skip


def add_heading(figure: Figure, identity: RunIdentity, *, conditions: bool = True) -> None:
    """Head a figure with compound, temperature and length, and what the run is in small print.

    Args:
        figure: the figure.
        identity: what the run is of.
        conditions: whether the figure is of one temperature and length.
    """
    width = max(30, int(LETTERS_PER_INCH * float(figure.get_size_inches()[0])))
    parts = [part.replace(" ", NO_BREAK) for part in identity.subtitle().split(SEPARATOR)]
    small = textwrap.fill(SEPARATOR.join(parts), width)
    title = formula_label(identity.compound)
    title += f", {identity.conditions()}" if conditions else ""
    figure.suptitle(f"{title}\n{small}", fontsize="small", linespacing=1.4)
