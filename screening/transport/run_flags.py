"""What speaks against a run as a whole: melting, a moving framework, drifting averages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dualion.screening.transport.drift import Framework
from dualion.screening.transport.motion.structure import (
    ENERGY_DRIFT_EV_ATOM,
    MELTED_LINDEMANN,
    TEMPERATURE_DRIFT_SHARE,
    drifts,
)
from dualion.structures.trajectories import Trajectory

if TYPE_CHECKING:
    from dualion.screening.transport.report import SpeciesReport


def run_flags(
    trajectory: Trajectory, reports: Sequence[SpeciesReport], framework: Framework
) -> tuple[str, ...]:
    """Return the flags of a run: melting, drifts, a framework that is not one.

    Args:
        trajectory: the run, with its energies and temperatures.
        reports: what each group of ions does.
        framework: the frame of reference.
    """
    flags = []
    verdicts = {r.diffusion.verdict for r in reports}
    others = [r for r in reports if r.diffusion.verdict != "rotating"]
    loose = [r.lindemann > MELTED_LINDEMANN for r in others]
    if verdicts == {"ballistic"}:
        flags.append("free_flight")
    elif others and all(loose) and trajectory.n_atoms > 1:
        flags.append("molten")
    held = set(framework.indices.tolist())
    for report in reports:
        inside = held.issuperset(report.indices.tolist()) and len(held) < trajectory.n_atoms
        if inside and report.lindemann > MELTED_LINDEMANN:
            flags.append("framework_moves")
    if drifts(trajectory.energies_ev / trajectory.n_atoms, ENERGY_DRIFT_EV_ATOM):
        flags.append("energy_drifts")
    known = trajectory.temperatures_k[np.isfinite(trajectory.temperatures_k)]
    if len(known) and drifts(known, TEMPERATURE_DRIFT_SHARE * float(known.mean())):
        flags.append("temperature_drifts")
    return tuple(dict.fromkeys(flags))
