"""D against 1000/T: resolved D with errors, upper limits as arrows, the fit of what is resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dualion.results.transport.axes import COLOURS, legend_below, new_panel
from dualion.screening.transport.arrhenius import Arrhenius
from dualion.screening.transport.combined import CombinedIon
from dualion.screening.transport.number_text import interval_text, measured_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROOM_K = 300.0
MARGIN = 10.0
"""Room above and below the points and fits, a factor."""

ARROW_SHARE = 0.45
"""Length of an arrow below a limit, over the limit."""


def energy_text(fit: Arrhenius) -> str:
    """Write an activation energy with its error and interval."""
    energy = measured_text(fit.activation_energy_ev, fit.error_ev)
    return f"E_a = {energy} eV (95 %: {interval_text(fit.low_ev, fit.high_ev)})"


def arrhenius_figure(points: Sequence[CombinedIon], fits: Mapping[str, Arrhenius]) -> Figure:
    """Plot D of each ion against 1000/T, and the fit with its 95 % band down to 300 K.

    Args:
        points: each ion at each temperature.
        fits: fits by ion.
    """
    figure, axes = new_panel(5.6, 4.6)
    axes.set_yscale("log")
    for number, name in enumerate(dict.fromkeys(one.species for one in points)):
        own = [one for one in points if one.species == name]
        colour = COLOURS[number % len(COLOURS)]
        if name in fits:
            _draw_fit(axes, fits[name], colour)
        _draw_points(axes, name, own, fits.get(name), colour)
    axes.set_ylim(*_limits(points, fits))
    axes.set_xlabel("1000/T (1/K)")
    axes.set_ylabel("D (cm²/s)")
    legend_below(axes, 1)
    return figure


def _limits(
    points: Sequence[CombinedIon], fits: Mapping[str, Arrhenius]
) -> tuple[float | None, float | None]:
    """Ends of the axis, cm²/s: of all points and fits; bands may reach beyond."""
    values = [one.diffusion.d_cm2_s for one in points if one.diffusion.resolved]
    values += [one.diffusion.upper_cm2_s for one in points]
    values += [float(fit.predict([ROOM_K])[0][0]) for fit in fits.values()]
    known = [value for value in values if np.isfinite(value) and value > 0.0]
    return (min(known) / MARGIN, max(known) * MARGIN) if known else (None, None)


def _draw_fit(axes: Axes, fit: Arrhenius, colour: str) -> None:
    """Draw the fit solid where there are points, dashed beyond, with its band."""
    low_k, high_k = float(fit.temperatures_k.min()), float(fit.temperatures_k.max())
    for ends, style in (((low_k, high_k), "-"), ((ROOM_K, low_k), "--")):
        if ends[0] < ends[1]:
            temperatures = np.linspace(*ends, 60)
            middle, low, high = fit.predict(temperatures)
            axes.plot(1000.0 / temperatures, middle, color=colour, linestyle=style, linewidth=1.2)
            axes.fill_between(
                1000.0 / temperatures, low, high, color=colour, alpha=0.15, linewidth=0
            )


def _draw_points(
    axes: Axes, name: str, points: Sequence[CombinedIon], fit: Arrhenius | None, colour: str
) -> None:
    """Draw resolved D filled with its error, limits as open arrows that point down."""
    known = [one for one in points if one.diffusion.resolved]
    limits = [one for one in points if np.isfinite(one.diffusion.upper_cm2_s)]
    if known:
        label = f"{name}: {energy_text(fit).replace('E_a', '$E_a$')}" if fit else name
        axes.errorbar(
            [1000.0 / one.temperature_k for one in known],
            [one.diffusion.d_cm2_s for one in known],
            yerr=[one.diffusion.error_cm2_s for one in known],
            color=colour, fmt="o", markersize=5, capsize=3, label=label,
        )  # fmt: skip
    if limits:
        ends = [one.diffusion.upper_cm2_s for one in limits]
        axes.errorbar(
            [1000.0 / one.temperature_k for one in limits],
            ends,
            yerr=[ARROW_SHARE * end for end in ends],
            uplims=True,
            color=colour, fmt="o", markersize=5, markerfacecolor="white", capsize=3,
            label=f"{name}: upper limit",
        )  # fmt: skip
