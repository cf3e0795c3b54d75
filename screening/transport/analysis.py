"""The whole analysis of one trajectory: what each ion does, and what follows for transport."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualion.screening.transport.collective.charged import transports
from dualion.screening.transport.collective.onsager import LEAST_FRAMES
from dualion.screening.transport.drift import choose_framework, remove_drift
from dualion.screening.transport.motion.bonding import Polyanions, find_polyanions
from dualion.screening.transport.motion.pathlines import collect_pathlines
from dualion.screening.transport.motion.rotation import Rotation, rotation
from dualion.screening.transport.motion.structure import Rdf, radial_distribution
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.report import TransportReport
from dualion.screening.transport.run_flags import run_flags
from dualion.screening.transport.self_diffusion.posterior_choice import check_posterior
from dualion.screening.transport.species import correct_bound_verdicts, ion_groups, species_report
from dualion.structures.errors import InputError
from dualion.structures.trajectories import Trajectory, as_trajectory
from dualion.structures.trajectories.types import TEMPERATURE_RAMP


def analyse(
    trajectory: Any,
    options: AnalysisOptions | None = None,
    *,
    frame_step_ps: float = np.nan,
    temperature_k: float = np.nan,
) -> TransportReport:
    """Analyse one trajectory.

    Args:
        trajectory: a ``Trajectory``, a path, a list of ASE ``Atoms``, a pymatgen ``Trajectory``,
            or an MDAnalysis ``Universe``.
        options: what the user chooses.
        frame_step_ps: time between two frames, ps, where the trajectory does not hold it.
        temperature_k: temperature, K, where the trajectory does not hold it.

    Raises:
        InputError: this is no trajectory, the declared framework is not there, a given temperature
            is not positive, or there is no such posterior.
        MissingDependencyError: kinisi is asked for by name and is not installed.
    """
    options = options or AnalysisOptions()
    trajectory = as_trajectory(trajectory, frame_step_ps=frame_step_ps, temperature_k=temperature_k)
    check_posterior(options)
    asked_k = options.temperature_k
    temperature = asked_k if np.isfinite(asked_k) else trajectory.temperature_k
    if TEMPERATURE_RAMP in trajectory.flags:  # whatever one gives, it was not that all the time
        temperature = np.nan
    if np.isfinite(asked_k) and asked_k <= 0.0:
        raise InputError(f"The temperature is {asked_k} K; transport needs one above 0.")
    polyanions = find_polyanions(trajectory.fractional, trajectory.mean_cell, trajectory.symbols)
    unwrapped = trajectory.positions()
    framework = choose_framework(trajectory.symbols, polyanions, options.framework, unwrapped)
    positions = remove_drift(unwrapped, framework)
    rotations = _rotations(trajectory, polyanions)
    rdfs = _rdfs(trajectory, options)
    reports = [
        species_report(name, indices, positions, trajectory, temperature, rdfs, options)
        for name, indices in ion_groups(trajectory, polyanions).items()
    ]
    reports = correct_bound_verdicts(reports, polyanions, rotations)
    charged, charge_flags = transports(
        reports, positions, trajectory, polyanions, temperature, framework, options
    )
    return TransportReport(
        source=trajectory.source,
        n_frames=trajectory.n_frames,
        frame_step_ps=trajectory.frame_step_ps,
        temperature_k=temperature,
        volume_cubic_angstrom=trajectory.volume_cubic_angstrom,
        framework=framework.name,
        polyanions=polyanions.formula,
        bonded_pairs=_bonded_pairs(trajectory, polyanions),
        species=tuple(reports),
        rotation=rotations,
        transport=charged[0],
        transport_without_rotors=charged[1],
        rdfs=rdfs,
        pathlines=collect_pathlines(positions, trajectory.mean_cell, trajectory.symbols, reports),
        flags=(*trajectory.flags, *charge_flags, *run_flags(trajectory, reports, framework)),
        format=trajectory.format,
    )


def _bonded_pairs(trajectory: Trajectory, polyanions: Polyanions) -> tuple[tuple[str, str], ...]:
    bonds = zip(polyanions.centres.tolist(), polyanions.ligands.tolist(), strict=True)
    return tuple(dict.fromkeys((trajectory.symbols[a], trajectory.symbols[b]) for a, b in bonds))


def _rotations(trajectory: Trajectory, polyanions: Polyanions) -> tuple[Rotation, ...]:
    if not len(polyanions.centres) or trajectory.n_frames < LEAST_FRAMES:
        return ()
    return (
        rotation(trajectory.fractional, trajectory.mean_cell, polyanions, trajectory.frame_step_ps),
    )


def _rdfs(trajectory: Trajectory, options: AnalysisOptions) -> tuple[Rdf, ...]:
    """Partial g(r) of all pairs, or of like pairs only where structure is not wanted."""
    kinds = trajectory.species
    found = []
    for first, one in enumerate(kinds):
        for other in kinds[first:] if options.with_structure else (one,):
            left = trajectory.fractional[:, trajectory.indices(one)]
            right = left if other == one else trajectory.fractional[:, trajectory.indices(other)]
            found.append(
                radial_distribution(
                    left,
                    right,
                    trajectory.cells,
                    (one, other),
                    longest_angstrom=options.longest_angstrom,
                )
            )
    return tuple(found)
