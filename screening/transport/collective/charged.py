"""Collective transport of a run: of all ions, and of those outside polyanions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport.collective.charges import formal_charges
from dualion.screening.transport.collective.onsager import LEAST_FRAMES, Transport, transport
from dualion.screening.transport.collective.withdrawal import (
    FIXED_BY_FRAME,
    FIXED_BY_MASSES,
    withdraw_motion,
    withdraw_numbers,
)
from dualion.screening.transport.drift import BARYCENTRIC, CENTRE_OF_MASS, Framework
from dualion.screening.transport.motion.bonding import Polyanions
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.report import SpeciesReport
from dualion.structures.trajectories import Trajectory


def transports(
    reports: list[SpeciesReport],
    positions: NDArray[np.float64],
    trajectory: Trajectory,
    polyanions: Polyanions,
    temperature_k: float,
    framework: Framework,
    options: AnalysisOptions,
) -> tuple[tuple[tuple[Transport, ...], ...], tuple[str, ...]]:
    """Compute the transport of all groups, and of those that no polyanion holds.

    Args:
        reports: what each group of ions does.
        positions: shape (frames, n, 3), Å, of all atoms, relative to the framework.
        trajectory: the run.
        polyanions: the bound groups.
        temperature_k: temperature, K, or NaN.
        framework: the frame of reference.
        options: charges, and where fits start.

    Returns:
        Both results, none or one each, and flags that say why there is none.
    """
    charges, flags = formal_charges(trajectory.symbols, options.charges_e)
    if "charges_unknown" in flags or trajectory.n_frames < LEAST_FRAMES:
        return ((), ()), flags
    if not (np.isfinite(temperature_k) and temperature_k > 0.0):
        return ((), ()), (
            *flags,
            "zero_temperature" if temperature_k <= 0.0 else "temperature_unknown",
        )
    of_polyanion = set(polyanions.centres.tolist()) | set(polyanions.ligands.tolist())
    free = [
        r
        for r in reports
        if "bonds_break" in r.diffusion.flags or not of_polyanion.issuperset(r.indices.tolist())
    ]
    results: list[tuple[Transport, ...]] = []
    for chosen in (reports, free):
        if not chosen:
            results.append(())
            continue
        results.append(
            (
                transport(
                    {r.name: positions[:, r.indices] for r in chosen},
                    {r.name: charges[r.name.partition("(")[0]] for r in chosen},
                    trajectory.frame_step_ps,
                    volume_cubic_angstrom=trajectory.volume_cubic_angstrom,
                    temperature_k=temperature_k,
                    diffusions=[r.diffusion for r in chosen],
                    frame=framework.name,
                    earliest_ps=_choose_earliest(
                        chosen, min(options.earliest_ps, 0.1 * trajectory.duration_ps)
                    ),
                ),
            )
        )
    results = [tuple(_qualify(t, reports, trajectory, framework) for t in kind) for kind in results]
    return (results[0], results[1]), flags


def _qualify(
    found: Transport,
    reports: list[SpeciesReport],
    trajectory: Trajectory,
    framework: Framework,
) -> Transport:
    """Say, or withdraw, what the choice of the frame alone decides, and what is no transport."""
    chosen = [r for r in reports if r.name in found.species]
    if not any(r.diffusion.resolved for r in chosen):
        return withdraw_motion(found)
    if len(trajectory.species) == 2 and framework.name == CENTRE_OF_MASS:
        # Momentum ties the two paths together, and the masses alone fix the numbers.
        return withdraw_numbers(found, FIXED_BY_MASSES)
    if len(trajectory.species) == 2 and framework.name == BARYCENTRIC:
        return replace(found, flags=(*found.flags, FIXED_BY_MASSES))
    held = set(framework.indices.tolist())
    free = [r for r in chosen if not held.issuperset(r.indices.tolist())]
    if len(free) == 1:
        return replace(found, flags=(*found.flags, FIXED_BY_FRAME))
    return found


def _choose_earliest(reports: list[SpeciesReport], least_ps: float) -> float:
    """Latest start of the tracer windows of what diffuses, ps, and ``least_ps`` at least."""
    starts = [r.diffusion.window_ps[0] for r in reports if r.diffusion.verdict == "diffusing"]
    return max(starts, default=least_ps)
