"""Decide whether a run has enough statistics: after the planned production and each block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_masses, atomic_numbers

from dualion.screening.transport.analysis import analyse
from dualion.screening.transport.options import AnalysisOptions
from dualion.structures.trajectories import ReadOptions, read_trajectory
from dualion.workflows.md.plan.spec import RunSpec
from dualion.workflows.md.run.run_folder import RunFolder

if TYPE_CHECKING:
    from dualion.screening.transport.report import TransportReport
    from dualion.structures.trajectories import Trajectory

BLOCKS = 10
"""Blocks of a run over which positions are averaged, so that vibrations do not count as motion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Statistics of the trajectory so far.

    Attributes:
        enough: whether the run can end.
        reason: stable name: ``target_n_eff``, ``nothing_moves``, ``budget_spent``, or
            ``more_needed``.
        n_eff: species → number of effective jumps.
        temperature_k: mean temperature of the production, K.
        flags: of the run as a whole.
    """

    enough: bool
    reason: str
    n_eff: dict[str, float]
    temperature_k: float | None
    flags: tuple[str, ...]


def read_production(folder: RunFolder, spec: RunSpec) -> Trajectory:
    """Read the trajectory of a run without its equilibration.

    Args:
        folder: the run's folder.
        spec: the run.

    Raises:
        UnreadableTrajectoryError: it is too short or damaged.
    """
    options = ReadOptions(
        temperature_k=spec.temperature_k,
        frame_step_ps=spec.protocol.frame_fs / 1000.0,
        skip_ps=spec.protocol.equilibration_ps,
    )
    return read_trajectory(folder.trajectory, options)


def analyse_transport(trajectory: Trajectory, spec: RunSpec, *, full: bool) -> TransportReport:
    """Analyse the transport of a run.

    Args:
        trajectory: its production.
        spec: the run.
        full: with structure, density, jumps and kinisi; otherwise only what ``assess`` needs.
    """
    options = AnalysisOptions(
        charges_e=spec.charges_e, with_structure=full, with_density=full, with_kinisi=full
    )
    return analyse(trajectory, options)


def assess(folder: RunFolder, spec: RunSpec) -> Assessment:
    """Assess a run by its trajectory so far.

    Args:
        folder: the run's folder.
        spec: the run.

    Raises:
        UnreadableTrajectoryError: the trajectory is too short or damaged.
    """
    protocol = spec.protocol
    trajectory = read_production(folder, spec)
    report = analyse_transport(trajectory, spec, full=False)
    produced_ps = trajectory.duration_ps + 1e-6
    mobile = [s.diffusion for s in report.species if s.name.partition("(")[0] in spec.mobile]
    if produced_ps >= protocol.still_after_ps and largest_displacement_angstrom(
        trajectory, spec
    ) < (protocol.still_angstrom):
        reason = "nothing_moves"
    elif mobile and all(d.n_eff >= protocol.target_n_eff for d in mobile):
        reason = "target_n_eff"
    else:
        reason = "budget_spent" if produced_ps >= protocol.budget_ps else "more_needed"
    known = trajectory.temperatures_k[np.isfinite(trajectory.temperatures_k)]
    return Assessment(
        enough=reason != "more_needed",
        reason=reason,
        n_eff={s.name: float(s.diffusion.n_eff) for s in report.species},
        temperature_k=float(known.mean()) if len(known) else None,
        flags=report.flags,
    )


def largest_displacement_angstrom(trajectory: Trajectory, spec: RunSpec) -> float:
    """Largest displacement of a mobile ion between block averages, relative to the centre of mass.

    Args:
        trajectory: the production.
        spec: the run; names the mobile ions.

    Returns:
        Å; the first block is the origin.
    """
    masses = np.array([atomic_masses[atomic_numbers[s]] for s in trajectory.symbols])
    positions = trajectory.positions()
    positions = positions - np.average(positions, axis=1, weights=masses)[:, None]
    mobile = np.isin(trajectory.symbols, spec.mobile)
    parts = np.array_split(positions[:, mobile], min(BLOCKS, trajectory.n_frames))
    means = np.stack([part.mean(axis=0) for part in parts])
    return float(np.linalg.norm(means - means[0], axis=2).max(initial=0.0))
