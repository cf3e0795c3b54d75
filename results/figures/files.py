"""Figures on disk: made without a window, the same figure always gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = {"svg.hashsalt": "dualion", "svg.fonttype": "none", "pdf.fonttype": 42}
"""No random names in SVG, and text that stays text."""
UNDATED: dict[str, dict[str, Any] | None] = {
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
    ".png": None,
}


def blank_figure(width_inches: float, height_inches: float) -> Figure:
    """Make a figure without a window or global state.

    Args:
        width_inches: width, inches.
        height_inches: height, inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MplFigure

    figure = MplFigure(figsize=(width_inches, height_inches), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, files: Sequence[Path], *, dpi: int) -> None:
    """Write a figure to each of the files.

    The panels are laid out once: it takes as long as to draw them.

    Args:
        figure: the figure.
        files: paths; their endings (.svg, .pdf, .png) choose the formats.
        dpi: resolution of raster formats, dots per inch.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        for file in files:
            figure.savefig(file, dpi=dpi, metadata=UNDATED[file.suffix])
            figure.set_layout_engine("none")
