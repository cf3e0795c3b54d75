"""Figures of a finished transport analysis, one function per figure; no physics in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dualion.results.figures.files import blank_figure
from dualion.screening.transport.arrhenius import Arrhenius
from dualion.screening.transport.motion.density import Density
from dualion.screening.transport.motion.density_path import DensityPath
from dualion.screening.transport.motion.structure import Rdf
from dualion.screening.transport.report import TransportReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#999999", "#000000")
"""Okabe and Ito's palette, told apart by colour-blind readers as well."""

MAX_POINTS = 2000
"""Points of one curve; more make a file larger, not better."""


def _new(width: float = 5.0, height: float = 3.8) -> tuple[Figure, Axes]:
    """Make a figure with one panel."""
    figure = blank_figure(width, height)
    return figure, figure.add_subplot()


def _thin(count: int, *, log: bool = False) -> NDArray[np.int64]:
    if log:
        return np.unique(np.geomspace(1, max(count - 1, 1), 200).astype(np.int64))
    return np.unique(np.linspace(0, count - 1, min(count, MAX_POINTS)).astype(np.int64))


def msd_figure(report: TransportReport) -> Figure:
    """Plot the MSD of each group of ions against time, with the fitted line over its window."""
    figure, axes = _new()
    draw_msd(axes, report)
    axes.set_title(_title(report))
    return figure


def draw_msd(axes: Axes, report: TransportReport) -> None:
    """Draw the MSD of each group of ions into axes.

    Args:
        axes: the axes.
        report: the finished analysis.
    """
    for number, species in enumerate(report.species):
        colour = COLOURS[number % len(COLOURS)]
        shown = _thin(max(2, int(0.7 * species.msd.n_frames)))
        label = f"{species.name}: {species.diffusion.verdict}"
        axes.plot(species.msd.times_ps[shown], species.msd.total[shown], color=colour, label=label)
        d = species.diffusion
        if d.verdict == "diffusing":
            times = np.array(d.window_ps)
            line = d.intercept_angstrom2 + 6.0e4 * d.d_cm2_s * times
            axes.plot(times, line, color=colour, linestyle="--", linewidth=2.0)
    axes.set_xlabel("time (ps)")
    axes.set_ylabel("MSD (Å²)")
    axes.legend(fontsize="small")


def log_msd_figure(report: TransportReport) -> Figure:
    """Plot the MSD on logarithmic axes, with a line of slope 1 for comparison."""
    figure, axes = _new()
    for number, species in enumerate(report.species):
        shown = _thin(species.msd.n_frames, log=True)
        values = species.msd.total[shown]
        good = values > 0.0
        axes.loglog(
            species.msd.times_ps[shown][good],
            values[good],
            color=COLOURS[number % len(COLOURS)],
            label=species.name,
        )
    times = report.species[0].msd.times_ps
    top = max(float(s.msd.total.max()) for s in report.species)
    if top > 0.0 and len(times) > 2:
        axes.loglog(times[1:], top * times[1:] / times[-1], color="0.6", linestyle=":", label="∝ t")
    axes.set_xlabel("time (ps)")
    axes.set_ylabel("MSD (Å²)")
    axes.set_title(_title(report))
    axes.legend(fontsize="small")
    return figure


def _title(report: TransportReport) -> str:
    known = np.isfinite(report.temperature_k)
    return f"{report.source}, {report.temperature_k:g} K" if known else report.source


def rdf_figure(rdf: Rdf) -> Figure:
    """Plot g(r) of one pair, of both halves of the run, and the running coordination number."""
    figure, axes = _new()
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
    axes.legend(fontsize="small", loc="upper right")
    return figure


def arrhenius_figure(fits: Mapping[str, Arrhenius]) -> Figure:
    """Plot D against 1000/T with the fit and its 95 % band down to 300 K."""
    figure, axes = _new()
    for number, (name, fit) in enumerate(fits.items()):
        colour = COLOURS[number % len(COLOURS)]
        temperatures = np.linspace(300.0, max(fit.temperatures_k.max(), 310.0), 100)
        middle, low, high = fit.predict(temperatures)
        label = f"{name}: {fit.activation_energy_ev:.3f} ± {fit.error_ev:.3f} eV"
        axes.plot(1000.0 / temperatures, middle, color=colour, label=label)
        axes.fill_between(1000.0 / temperatures, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.errorbar(
            1000.0 / fit.temperatures_k,
            fit.d_cm2_s,
            yerr=fit.error_cm2_s,
            color=colour,
            fmt="o",
            capsize=3,
        )
    axes.set_yscale("log")
    axes.set_xlabel("1000/T (1/K)")
    axes.set_ylabel("D (cm²/s)")
    axes.legend(fontsize="small")
    return figure


def density_figure(density: Density, axis: int = 2) -> Figure:
    """Map the probability density summed along one lattice vector.

    Args:
        density: the density, shape (nx, ny, nz), 1/Å³.
        axis: lattice vector to sum along: 0, 1 or 2.
    """
    figure, axes = _new(4.6, 4.0)
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
        axes.plot(rotation.times_ps, rotation.correlation, color=colour, label=rotation.formula)
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
        panel.legend(fontsize="small")
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
    own.legend(fontsize="small")
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
        known = f"{path.barrier_ev:.3f} eV" if path.sampled else "hardly visited, not resolved"
        direction = " ".join(str(n) for n in path.winding)
        axes.set_title(f"{path.dimension}D, along [{direction}]: {known}", loc="left", fontsize=10)
        axes.set_ylabel(r"−kT ln(ρ/$ρ_\mathrm{max}$) (eV)")
    rows[-1].set_xlabel(f"distance along the path of {paths[0].species} (Å)")
    return figure
