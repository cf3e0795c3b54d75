"""Figures of a screening: the ratio against the barrier, the barriers, the funnel, the ranking."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dualion.results.calibrated import as_number
from dualion.results.columns import Row
from dualion.results.figures.files import blank_figure, save_figure
from dualion.results.figures.labels import formula_label, ion_label
from dualion.results.score import PARTS
from dualion.results.transport.axes import COLOURS
from dualion.screening.criterion import DaiCriterion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dualion.results.run_folder import RunFolder

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
FORMATS = ("svg", "pdf", "png")
DPI = 300
COLUMN_INCHES = 3.4
"""Width of one column of a journal page."""
REGION = "#009E73"
MOST_RANKED = 25


def ratio_figure(
    rows: Sequence[Row],
    *,
    dimensionality: int = 3,
    log: bool = False,
    criterion: DaiCriterion | None = None,
) -> Figure:
    """Barrier of the cation against the ratio of the barriers, the region of the criterion shaded.

    Args:
        rows: rows of ``screened.csv``; those without finite numbers are left out.
        dimensionality: 1, 2 or 3.
        log: logarithmic axes.
        criterion: whose region is shaded; the published one where none is given.
    """
    figure, axes = _new(1.6 * COLUMN_INCHES, 1.15 * COLUMN_INCHES)
    ratio, barrier = f"ratio_{dimensionality}d", f"e{dimensionality}d_cation_ev"
    for anion, colour, marker in _anions(rows):
        points = [
            (float(row[ratio]), float(row[barrier]))  # type: ignore[arg-type]
            for row in rows
            if row.get("anion") == anion and _finite(row.get(ratio)) and _finite(row.get(barrier))
        ]
        x, y = zip(*points, strict=True) if points else ((), ())
        size = 26 if len(rows) < 500 else 6
        axes.scatter(x, y, s=size, c=colour, marker=marker, linewidths=0, label=ion_label(anion))
    _shade(axes, criterion or DaiCriterion())
    if log:
        axes.set(xscale="log", yscale="log")
    else:
        axes.set(xlim=(0, 2.5), ylim=(0, 1.6))
    axes.set_xlabel(f"E(anion) / E(cation), {dimensionality}D")
    axes.set_ylabel(f"E(cation), {dimensionality}D (eV)")
    axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


def _shade(axes: Axes, criterion: DaiCriterion) -> None:
    from matplotlib.patches import Rectangle

    low, high, top = criterion.min_ratio, criterion.max_ratio, criterion.max_cation_barrier_ev
    box = Rectangle((low, 0.0), high - low, top, facecolor=REGION, alpha=0.12, zorder=0)
    axes.add_patch(box)
    axes.plot([low, low, high, high], [0, top, top, 0], color=REGION, linewidth=0.8, linestyle="--")


def barrier_figure(rows: Sequence[Row], *, dimensionality: int = 3) -> Figure:
    """Plot the barrier of the anion against that of the cation, candidates filled, the others open.

    Args:
        rows: rows of ``screened.csv``; those without finite barriers are left out.
        dimensionality: 1, 2 or 3.
    """
    figure, axes = _new(1.6 * COLUMN_INCHES, 1.25 * COLUMN_INCHES)
    keys = (f"e{dimensionality}d_cation_ev", f"e{dimensionality}d_anion_ev")
    for anion, colour, marker in _anions(rows):
        for passes in (False, True):
            points = [
                (float(row[keys[0]]), float(row[keys[1]]))  # type: ignore[arg-type]
                for row in rows
                if row.get("anion") == anion
                and (row.get("dai") is True) is passes
                and all(_finite(row.get(key)) for key in keys)
            ]
            x, y = zip(*points, strict=True) if points else ((), ())
            label = ion_label(anion) if passes else None
            face = colour if passes else "none"
            axes.scatter(
                x, y, s=16, facecolors=face, edgecolors=colour, linewidths=0.7, marker=marker,
                label=label,
            )  # fmt: skip
    axes.set(xlim=(0, 2), ylim=(0, 2))
    axes.axline((0, 0), slope=1, color="0.6", linewidth=0.7, zorder=0)
    axes.set_xlabel(f"E(cation), {dimensionality}D (eV)")
    axes.set_ylabel(f"E(anion), {dimensionality}D (eV)")
    axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


def funnel_figure(funnel: Sequence[tuple[str, int]]) -> Figure:
    """Plot the number of structures that pass each step."""
    figure, axes = _new(1.6 * COLUMN_INCHES, 0.3 * COLUMN_INCHES + 0.25 * len(funnel))
    names = [name for name, _ in funnel]
    counts = [count for _, count in funnel]
    bars = axes.barh(range(len(names)), counts, color=COLOURS[0], height=0.7)
    axes.bar_label(bars, labels=[f"{count:,}" for count in counts], padding=3, fontsize="small")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("structures")
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def ranking_figure(candidates: Sequence[Row], *, most: int = MOST_RANKED) -> Figure:
    """Plot the score components of the first candidates, one cell each, blank where unknown.

    Args:
        candidates: rows of ``candidates.csv``, by rank.
        most: number of candidates.
    """
    shown = list(candidates)[:most]
    figure, axes = _new(1.6 * COLUMN_INCHES, 0.4 * COLUMN_INCHES + 0.2 * max(1, len(shown)))
    values = [[as_number(row.get(f"score_{part}")) for part in PARTS] for row in shown]
    if shown:
        image = axes.imshow(values, aspect="auto", cmap="cividis", vmin=0.0, vmax=1.0)
        figure.colorbar(image, ax=axes, label="score component")
    labels = [
        f"{row['rank']}  {formula_label(row['reduced_formula'])} · {ion_label(row['anion'])}"
        for row in shown
    ]
    axes.set_yticks(range(len(shown)), labels, fontsize="x-small")
    names = [part.replace("_", " ") for part in PARTS]
    axes.set_xticks(range(len(PARTS)), names, fontsize="x-small", rotation=40, ha="right")
    return figure


def write_run_figures(
    run: RunFolder, folder: Path, *, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Write every figure of a run and return the paths.

    Args:
        run: the run.
        folder: folder of the files.
        formats: endings: svg, pdf, png.
    """
    d = run.dimensionality
    region = DaiCriterion(
        max_cation_barrier_ev=float(run.criterion["max_cation_barrier_ev"]),
        min_ratio=float(run.criterion["min_ratio"]),
        max_ratio=float(run.criterion["max_ratio"]),
    )
    funnel = [(str(name), int(count)) for name, count in run.sidecar.get("funnel", {}).items()]
    figures = {
        "ratio": ratio_figure(run.rows, dimensionality=d, criterion=region),
        "ratio_log": ratio_figure(run.rows, dimensionality=d, log=True, criterion=region),
        "barriers": barrier_figure(run.rows, dimensionality=d),
        "funnel": funnel_figure(funnel),
        "ranking": ranking_figure(run.candidates),
    }
    written: list[Path] = []
    for name, made in figures.items():
        files = [folder / f"{name}.{kind}" for kind in formats]
        save_figure(made, files, dpi=DPI)
        written += files
    return written


def _anions(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """Assign a colour and a marker to each anion, the commonest first."""
    counted = Counter(str(row["anion"]) for row in rows if row.get("status") == "ok")
    names = sorted(counted, key=lambda anion: (-counted[anion], anion))
    last = len(COLOURS) - 1
    return [(name, COLOURS[min(i, last)], MARKERS[min(i, last)]) for i, name in enumerate(names)]


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _new(width: float, height: float) -> tuple[Figure, Axes]:
    """Make a figure with one panel."""
    figure = blank_figure(width, height)
    return figure, figure.add_subplot()
