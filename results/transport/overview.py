"""One figure of a run: MSD, radial distributions with coordination numbers, and trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.results.figures.files import blank_figure
from dualion.results.transport.axes import COLOURS, legend_below
from dualion.results.transport.msd_figure import draw_msd
from dualion.results.transport.projection import outline, view_labels, view_plane
from dualion.screening.transport.motion.pathlines import Pathlines
from dualion.screening.transport.motion.structure import Rdf
from dualion.screening.transport.report import TransportReport
from dualion.structures.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pair = tuple[str, str]

MOST_PAIRS = 4
"""Pairs drawn where none are named; more curves cannot be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NamedPair:
    """A radial distribution as its pair was named.

    Attributes:
        pair: the two elements.
        rdf: their radial distribution.
        coordination: shape (bins,), mean number of the second element around one of the first.
    """

    pair: Pair
    rdf: Rdf
    coordination: NDArray[np.float64]


def overview_figure(report: TransportReport, pairs: Sequence[Pair] = (), axis: int = 2) -> Figure:
    """MSD of each species, g(r) and coordination of some pairs, and a projection of the pathlines.

    Args:
        report: the finished analysis.
        pairs: elements of each pair, the one that neighbours are counted around first; the bonds
            of the polyanions and the pairs of the mobile ions where none are named.
        axis: lattice vector along which the projection looks: 0, 1 or 2.

    Raises:
        InputError: the run holds no such pair.
    """
    figure = blank_figure(13.5, 5.0)
    left, middle, right = figure.subplots(1, 3)
    draw_msd(left, report)
    legend_below(left, 1)
    _draw_pairs(middle, choose_pairs(report, pairs))
    _draw_pathlines(right, report.pathlines, axis)
    for axes, letter in zip((left, middle, right), "abc", strict=True):
        axes.set_title(letter, loc="left", fontweight="bold")
    return figure


def choose_pairs(report: TransportReport, pairs: Sequence[Pair]) -> list[NamedPair]:
    """Choose the radial distributions of the pairs named, or of those that tell most.

    Args:
        report: the finished analysis.
        pairs: elements of each pair; none for the bonds of polyanions and the pairs of mobile ions.

    Raises:
        InputError: the run holds no such pair.
    """
    known = {frozenset(rdf.pair): rdf for rdf in report.rdfs}
    missing = [pair for pair in pairs if frozenset(pair) not in known]
    if missing:
        raise InputError(
            f"There is no pair {'-'.join(missing[0])} in {report.source}; choose from "
            f"{', '.join('-'.join(rdf.pair) for rdf in report.rdfs)}."
        )
    if not pairs:
        moving = dict.fromkeys(name.partition("(")[0] for name in report.pathlines.mobile)
        elements = dict.fromkeys(element for rdf in report.rdfs for element in rdf.pair)
        # A centre hides behind its ligands.
        out = moving | dict.fromkeys(centre for centre, _ in report.bonded_pairs)
        about = [(one, other) for one in moving for other in elements if other not in out]
        pairs = [*report.bonded_pairs, *about] or [rdf.pair for rdf in report.rdfs]
        pairs = [pair for pair in pairs if frozenset(pair) in known][:MOST_PAIRS]
    return [_oriented(pair, known[frozenset(pair)], report) for pair in pairs]


def _oriented(pair: Pair, rdf: Rdf, report: TransportReport) -> NamedPair:
    """Count the second element of a pair around one of its first."""
    counts = {
        element: sum(
            s.diffusion.n_ions for s in report.species if s.name.partition("(")[0] == element
        )
        for element in pair
    }
    turned = 1.0 if rdf.pair == pair else counts[pair[1]] / counts[pair[0]]
    return NamedPair(pair=pair, rdf=rdf, coordination=rdf.coordination * turned)


def _draw_pairs(axes: Axes, pairs: Sequence[NamedPair]) -> None:
    """Draw g(r) as solid lines, running coordination numbers as dashed ones on the right."""
    right = axes.twinx()
    highest = 1.0
    for number, named in enumerate(pairs):
        colour, rdf = COLOURS[number % len(COLOURS)], named.rdf
        axes.plot(rdf.distances_angstrom, rdf.g, color=colour, label="–".join(named.pair))
        right.plot(
            rdf.distances_angstrom, named.coordination, color=colour, linestyle="--", linewidth=1.0
        )
        peak = rdf.first_peak_angstrom
        near = rdf.distances_angstrom < (1.6 * peak if np.isfinite(peak) else np.inf)
        highest = max(highest, float(named.coordination[near].max(initial=0.0)))
    right.set_ylim(0.0, 1.5 * highest)
    right.set_ylabel("running coordination number (dashed)")
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("distance (Å)")
    axes.set_ylabel("g(r)")
    legend_below(axes, 4)


def _draw_pathlines(axes: Axes, pathlines: Pathlines, axis: int) -> None:
    """Draw the pathlines of the mobile ions, folded into the cell, over the framework."""
    from matplotlib.collections import LineCollection

    plane = view_plane(pathlines.cell, axis)
    axes.plot(*outline(pathlines.cell, axis).T, color="0.4", linewidth=0.8)
    kinds = dict.fromkeys(pathlines.symbols)
    for number, symbol in enumerate(kinds):
        chosen = [i for i, s in enumerate(pathlines.symbols) if s == symbol]
        folded = pathlines.framework[chosen] % 1.0
        places = folded @ pathlines.cell @ plane.T
        colour = COLOURS[-1 - number % len(COLOURS)]
        axes.scatter(
            places[:, 0], places[:, 1], s=22, color=colour, label=symbol, linewidths=0, zorder=4
        )
    for number, (name, lines_of_ions) in enumerate(pathlines.mobile.items()):
        colour = COLOURS[number % len(COLOURS)]
        lines = [piece @ pathlines.cell @ plane.T for ion in range(lines_of_ions.shape[1])
                 for piece in split_at_faces(lines_of_ions[:, ion])]  # fmt: skip
        axes.add_collection(
            LineCollection(lines, colors=colour, linewidths=0.5, alpha=0.6, zorder=3, label=name)
        )
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.set_xlabel(view_labels(axis)[0])
    axes.set_ylabel(view_labels(axis)[1])
    legend_below(axes, 4)


def split_at_faces(way: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Split a trajectory in fractional coordinates, shape (frames, 3), where it leaves the cell."""
    cells = np.floor(way)
    cuts = np.flatnonzero((np.diff(cells, axis=0) != 0).any(axis=1)) + 1
    pieces = np.split(way - cells, cuts)
    return [piece for piece in pieces if len(piece) > 1]
