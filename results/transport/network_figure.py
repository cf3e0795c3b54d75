"""Sites coloured by occupancy and the jumps between them: in space, and projected on the cell."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dualion.results.figures.files import blank_figure
from dualion.results.transport.projection import (
    connections,
    half_lines,
    outline,
    view_labels,
    view_plane,
)
from dualion.screening.transport.motion.hops import Hops
from dualion.screening.transport.motion.pathlines import Pathlines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINK_COLOUR = "#D55E00"
HOST_COLOUR = "0.72"
WIDTHS_POINTS = (0.5, 4.5)
"""Width of a link with one jump, and of the one with the most, points."""


def network_figure(jumps: Hops, lines: Pathlines, axis: int = 2) -> Figure:
    """Draw the site network of a species in space, beside its projection with the host.

    Args:
        jumps: sites and jumps.
        lines: cell and mean places of the host.
        axis: lattice vector along which the projection looks: 0, 1 or 2.
    """
    figure = blank_figure(10.0, 5.0)
    space: Any = figure.add_subplot(1, 2, 1, projection="3d")
    flat = figure.add_subplot(1, 2, 2)
    _draw_in_space(space, jumps, lines.cell)
    image = _draw_flat(flat, jumps, lines, axis)
    figure.colorbar(image, ax=flat, label=f"mean number of {jumps.species} in a site", shrink=0.85)
    _name_widths(figure, jumps)
    return figure


def _widths(jumps: NDArray[np.int64], most: int) -> NDArray[np.float64]:
    low, high = WIDTHS_POINTS
    return np.asarray(low + (high - low) * (jumps - 1) / max(most - 1, 1))


def _limits(jumps: Hops) -> dict[str, Any]:
    return {"cmap": "viridis", "vmin": 0.0, "vmax": float(jumps.occupancy.max(initial=0.1))}


def _draw_in_space(axes: Any, jumps: Hops, cell: NDArray[np.float64]) -> None:
    from mpl_toolkits.mplot3d.art3d import Line3DCollection  # type: ignore[import-untyped]

    corners = np.array(list(product((0.0, 1.0), repeat=3)))
    edges = [(a @ cell, b @ cell) for a, b in combinations(corners, 2) if abs(b - a).sum() == 1.0]
    axes.add_collection3d(Line3DCollection(edges, colors="0.4", linewidths=0.8))
    sites = jumps.sites % 1.0
    halves, counts = half_lines(sites, connections(jumps.network()))
    if len(halves):  # an empty collection has no limits to give to the axes
        widths = _widths(counts, int(counts.max()))
        axes.add_collection3d(
            Line3DCollection(halves @ cell, colors=LINK_COLOUR, linewidths=widths, alpha=0.75)
        )
    places = sites @ cell
    axes.scatter(
        *places.T, c=jumps.occupancy, s=26, edgecolors="black", linewidths=0.4, depthshade=False,
        **_limits(jumps),
    )  # fmt: skip
    axes.set_proj_type("ortho")
    axes.view_init(elev=18, azim=-62)
    box = corners @ cell
    axes.set_box_aspect(np.ptp(box, axis=0), zoom=1.15)
    axes.set(**{f"{name}lim": (low, high) for name, low, high in
                zip("xyz", box.min(axis=0), box.max(axis=0), strict=True)})  # fmt: skip
    axes.set_axis_off()


def _draw_flat(axes: Axes, jumps: Hops, lines: Pathlines, axis: int) -> Any:
    from matplotlib.collections import LineCollection

    cell, plane = lines.cell, view_plane(lines.cell, axis).T
    axes.plot(*outline(cell, axis).T, color="0.4", linewidth=0.8)
    host = lines.framework % 1.0 @ cell @ plane
    kinds = ", ".join(dict.fromkeys(lines.symbols))
    axes.scatter(
        host[:, 0],
        host[:, 1],
        s=9,
        color=HOST_COLOUR,
        linewidths=0,
        zorder=1,
        label=f"host ({kinds})",
    )
    sites = jumps.sites % 1.0
    halves, counts = half_lines(sites, connections(jumps.network()))
    axes.add_collection(
        LineCollection(
            list(halves @ cell @ plane), colors=LINK_COLOUR, alpha=0.75, zorder=2,
            linewidths=_widths(counts, int(counts.max(initial=1))),
        )
    )  # fmt: skip
    places = sites @ cell @ plane
    image = axes.scatter(
        places[:, 0], places[:, 1], c=jumps.occupancy, s=34, edgecolors="black", linewidths=0.5,
        zorder=3, **_limits(jumps),
    )  # fmt: skip
    axes.set_aspect("equal")
    axes.set_xlabel(view_labels(axis)[0])
    axes.set_ylabel(view_labels(axis)[1])
    return image


def _name_widths(figure: Figure, jumps: Hops) -> None:
    """Name the widths of links, the host, and how many jumps there are, below the panels."""
    from matplotlib.lines import Line2D

    counts = [one.jumps for one in connections(jumps.network())]
    shown = sorted({1, max(1, max(counts, default=1) // 2), max(counts, default=1)})
    handles, labels = figure.axes[1].get_legend_handles_labels()
    if counts:
        widths = _widths(np.array(shown), max(counts))
        handles += [Line2D([], [], color=LINK_COLOUR, linewidth=float(w)) for w in widths]
        labels += [f"{n} jump{'s' if n > 1 else ''}" for n in shown]
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(handles), fontsize="small",
        frameon=False,
        title=f"{len(jumps.frames)} jumps of {jumps.species} between {len(jumps.sites)} sites",
        title_fontsize="small",
    )  # fmt: skip
