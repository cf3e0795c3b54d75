"""Figures of a finished transport analysis, one function per figure; no physics in here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dualion.results.figures.files import blank_figure
from dualion.results.figures.labels import formula_label
from dualion.results.transport.axes import COLOURS, legend_below, new_panel
from dualion.screening.transport.motion.density import Density
from dualion.screening.transport.motion.density_path import DensityPath
from dualion.screening.transport.motion.structure import Rdf
from dualion.screening.transport.number_text import measured_text
from dualion.screening.transport.report import TransportReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def rdf_figure(rdf: Rdf) -> Figure:
    """Plot g(r) of one pair, of both halves of the run, and the running coordination number."""
    figure, axes = new_panel()
    axes.plot(rdf.distances_angstrom, rdf.g, color=COLOURS[0], label="whole run")
    for half, style, name in zip(
        rdf.g_halves, (":", "--"), ("first half", "second half"), strict=True
    ):
        axes.plot(rdf.distances_angstrom, half, color="0.5", linestyle=style, label=name)
    axes.set_xlabel("distance (Å)")
    axes.set_ylabel(f"g(r) {'–'.join(rdf.pair)}")
    right = axes.twinx()
    right.plot(rdf.distances_angstrom, rdf.coordination, color=COLOURS[1])
    right.set_ylabel("coordination number", color=COLOURS[1])
    legend_below(axes, 3)
    return figure


def density_figure(density: Density, axis: int = 2) -> Figure:
    """Map the probability density summed along one lattice vector.

    Args:
        density: the density, shape (nx, ny, nz), 1/Å³.
        axis: lattice vector to sum along: 0, 1 or 2.
    """
    figure, axes = new_panel(4.6, 4.0)
    lengths = np.linalg.norm(density.cell, axis=1)
    step = lengths[axis] / density.values.shape[axis]
    flat = density.values.sum(axis=axis) * step
    others = [i for i in range(3) if i != axis]
    image = axes.imshow(
        flat.T,
        origin="lower",
        extent=(0.0, float(lengths[others[0]]), 0.0, float(lengths[others[1]])),
        cmap="viridis",
        aspect="equal",
    )
    axes.set_xlabel(f"along {'abc'[others[0]]} (Å)")
    axes.set_ylabel(f"along {'abc'[others[1]]} (Å)")
    axes.set_title(f"{density.species}, summed along {'abc'[axis]}")
    figure.colorbar(image, ax=axes, label="ions per Å²")
    return figure


def rotation_figure(report: TransportReport) -> Figure:
    """Plot the orientation autocorrelation of bound ligands, and their MSD with its ceiling."""
    figure = blank_figure(9.0, 3.8)
    axes, relative = figure.subplots(1, 2)
    for number, rotation in enumerate(report.rotation):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(
            rotation.times_ps,
            rotation.correlation,
            color=colour,
            label=formula_label(rotation.formula),
        )
        if np.isfinite(rotation.correlation_error).all():
            axes.fill_between(
                rotation.times_ps,
                rotation.correlation - rotation.correlation_error,
                rotation.correlation + rotation.correlation_error,
                color=colour,
                alpha=0.2,
                linewidth=0,
            )
        relative.plot(rotation.times_ps, rotation.relative_msd, color=colour)
        relative.axhline(rotation.ceiling_angstrom2, color=colour, linestyle=":", label="2R²")
    axes.set_ylabel("C₁(t)")
    axes.set_ylim(-0.3, 1.05)
    relative.set_ylabel("MSD about the centre (Å²)")
    relative.set_ylim(bottom=0.0)
    for panel in (axes, relative):
        panel.set_xlabel("time (ps)")
        legend_below(panel)
    return figure


def van_hove_figure(report: TransportReport, name: str) -> Figure:
    """Plot the self and distinct part of the van Hove function of one group of ions.

    Args:
        report: the finished analysis.
        name: name of the group.
    """
    found = next(s for s in report.species if s.name == name).van_hove
    several = bool(np.isfinite(found.distinct_part).any())  # one ion has no other
    figure = blank_figure(9.0 if several else 4.8, 3.8)
    panels = figure.subplots(1, 2 if several else 1, squeeze=False)[0]
    own = panels[0]
    for number, time in enumerate(found.times_ps):
        colour = COLOURS[number % len(COLOURS)]
        own.plot(
            found.distances_angstrom, found.self_part[number], color=colour, label=f"{time:g} ps"
        )
        if several:
            panels[1].plot(found.distances_angstrom, found.distinct_part[number], color=colour)
    reached = found.distances_angstrom[(found.self_part > 0.0).any(axis=0)]
    own.set_xlim(0.0, 1.1 * float(reached.max(initial=1.0)))
    own.set_ylim(bottom=0.0)
    own.set_xlabel("displacement (Å)")
    own.set_ylabel(rf"4πr²$G_\mathrm{{s}}$(r, t) of {name} (1/Å)")
    legend_below(own, 3)
    if several:
        panels[1].set_xlabel("distance from an ion's place (Å)")
        panels[1].set_ylabel(rf"$G_\mathrm{{d}}$(r, t)/ρ of {name}")
        panels[1].set_ylim(bottom=0.0)
    return figure


def density_path_figure(paths: Sequence[DensityPath]) -> Figure:
    """Plot the free energy along the percolating paths of a density."""
    figure = blank_figure(6.0, 2.4 * len(paths))
    rows = figure.subplots(len(paths), 1, squeeze=False)[:, 0]
    for axes, path in zip(rows, paths, strict=True):
        colour = COLOURS[path.dimension - 1]
        axes.plot(path.distance_angstrom, path.energies_ev, color=colour)
        top = path.bottleneck
        axes.plot(path.distance_angstrom[top], path.energies_ev[top], "^", color="black")
        barrier = f"{measured_text(path.barrier_ev, path.least_error_ev)} eV at least"
        known = barrier if path.sampled else "hardly visited, not resolved"
        direction = " ".join(str(n) for n in path.winding)
        axes.set_title(f"{path.dimension}D, along [{direction}]: {known}", loc="left", fontsize=10)
        axes.set_ylabel(r"−kT ln(ρ/$ρ_\mathrm{max}$) (eV)")
    rows[-1].set_xlabel(f"distance along the path of {paths[0].species} (Å)")
    return figure
