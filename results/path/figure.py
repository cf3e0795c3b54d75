"""The energy along migration paths, as a figure and as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dualion.results.figures.files import blank_figure, save_figure
from dualion.structures.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dualion.screening.percolation.path import MigrationPath

PANEL_INCHES = (6.0, 2.4)
DPI = 200
COLOURS = {1: "#1f6f8b", 2: "#c8553d", 3: "#4a7c3a"}
BLOCKS = " ▁▂▃▄▅▆▇█"


def write_path_figure(files: Sequence[Path], paths: Sequence[MigrationPath], *, title: str) -> None:
    """Draw the energy along each path, one panel a dimensionality.

    Args:
        files: where to write; the endings choose the formats (.png, .svg, .pdf).
        paths: the paths; at least one.
        title: heading of the figure.
    """
    save_figure(draw_paths(paths, title=title), files, dpi=DPI)


def draw_paths(paths: Sequence[MigrationPath], *, title: str) -> Figure:
    """Draw the energy along each path, one panel a dimensionality.

    Args:
        paths: the paths; at least one.
        title: heading of the figure.

    Raises:
        InputError: there is no path.
    """
    if not paths:
        raise InputError(f"{title}: the ion has no path; nothing percolates below the cut.")
    figure = blank_figure(PANEL_INCHES[0], PANEL_INCHES[1] * len(paths))
    for number, path in enumerate(paths, start=1):
        _draw(figure.add_subplot(len(paths), 1, number), path)
    figure.suptitle(title)
    return figure


def _draw(axes: Axes, path: MigrationPath) -> None:
    colour = COLOURS[path.dimension]
    distance, energy = path.distance_angstrom, path.energies_ev
    axes.plot(distance, energy, color=colour, linewidth=1.5)
    minima = list(path.minima)
    axes.plot(distance[minima], energy[minima], "o", color=colour, markersize=4)
    top = path.bottleneck
    axes.plot(distance[top], energy[top], "^", color="black", markersize=6)
    axes.annotate(
        f"{path.barrier_ev:.3f} eV",
        (distance[top], energy[top]),
        textcoords="offset points",
        xytext=(0, 7),
        ha="center",
        fontsize=9,
    )
    axes.set_xlim(0.0, distance[-1])
    axes.set_ylim(-0.05 * path.barrier_ev, max(1.25 * path.barrier_ev, 0.01))
    axes.set_xlabel("distance along the path (Å)")
    axes.set_ylabel("energy (eV)")
    direction = " ".join(str(n) for n in path.winding)
    axes.set_title(f"{path.dimension}D, along [{direction}]", loc="left", fontsize=10)


def text_plot(path: MigrationPath, *, width: int = 64, height: int = 6) -> list[str]:
    """Lines of block characters that show the energy along a path.

    Args:
        path: the path.
        width: characters across.
        height: lines.

    Returns:
        ``height`` lines of ``width`` characters, the highest energies first. A column shows
        the highest energy of its stretch, so that no bottleneck is lost.
    """
    edges = np.linspace(0.0, path.distance_angstrom[-1], width + 1)
    between = np.interp(edges, path.distance_angstrom, path.energies_ev)
    heights = np.maximum(between[:-1], between[1:])
    columns = np.clip(
        np.searchsorted(edges, path.distance_angstrom, side="right") - 1, 0, width - 1
    )
    np.maximum.at(heights, columns, path.energies_ev)
    eighths = np.round(heights / max(path.barrier_ev, 1e-9) * height * 8).astype(int)
    return [
        "".join(BLOCKS[min(max(e - 8 * row, 0), 8)] for e in eighths)
        for row in reversed(range(height))
    ]
