"""What one group of ions does: its D, verdict, jumps and density."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport.motion.bonding import Polyanions
from dualion.screening.transport.motion.density import density, density_sites
from dualion.screening.transport.motion.density_path import density_paths
from dualion.screening.transport.motion.hops import hops
from dualion.screening.transport.motion.rotation import Rotation
from dualion.screening.transport.motion.structure import Rdf, lindemann
from dualion.screening.transport.motion.tensors import anisotropy, ion_tensors
from dualion.screening.transport.motion.van_hove import van_hove
from dualion.screening.transport.options import AnalysisOptions
from dualion.screening.transport.report import SpeciesReport
from dualion.screening.transport.self_diffusion.blocks import block_diffusion
from dualion.screening.transport.self_diffusion.coefficient import (
    DEFAULT_HOP_ANGSTROM,
    Diffusion,
    diffusion,
)
from dualion.screening.transport.self_diffusion.estimators import PointEstimate, point_estimate
from dualion.screening.transport.self_diffusion.msd import mean_squared_displacement, motion_shape
from dualion.screening.transport.self_diffusion.msd_band import msd_band
from dualion.screening.transport.self_diffusion.posterior_choice import choose_posterior
from dualion.screening.transport.self_diffusion.run_length import flag_falling
from dualion.structures.trajectories import Trajectory

HOP_RANGE_ANGSTROM = (2.0, 4.5)
"""A like-neighbour distance outside this is no jump length between sites, Å."""


def ion_groups(trajectory: Trajectory, polyanions: Polyanions) -> dict[str, NDArray[np.int64]]:
    """Group atoms by element, split where some atoms are bound ligands and others are free.

    Args:
        trajectory: the run.
        polyanions: its bound groups.

    Returns:
        Name of each group → shape (k,), its atoms.
    """
    bound = set(polyanions.ligand_atoms.tolist())
    groups: dict[str, NDArray[np.int64]] = {}
    for symbol in trajectory.species:
        indices = trajectory.indices(symbol)
        held = np.array([i in bound for i in indices])
        if held.any() and not held.all():
            groups[f"{symbol}(bound)"] = indices[held]
            groups[f"{symbol}(free)"] = indices[~held]
        else:
            groups[symbol] = indices
    return groups


def species_report(
    name: str,
    indices: NDArray[np.int64],
    positions: NDArray[np.float64],
    trajectory: Trajectory,
    temperature_k: float,
    rdfs: tuple[Rdf, ...],
    options: AnalysisOptions,
) -> SpeciesReport:
    """Analyse one group of ions.

    Args:
        name: name of the group.
        indices: shape (k,), its atoms.
        positions: shape (frames, n, 3), Å, of all atoms, relative to the framework.
        trajectory: the run.
        temperature_k: temperature, K, or NaN.
        rdfs: radial distributions, among them those of like pairs.
        options: what the user chooses.
    """
    step_ps = trajectory.frame_step_ps
    own = np.ascontiguousarray(positions[:, indices])
    msd = mean_squared_displacement(own, step_ps)
    neighbour = _neighbour(name.partition("(")[0], len(indices), trajectory, rdfs)
    jump = options.hop_length_angstrom
    if not np.isfinite(jump):
        low, high = HOP_RANGE_ANGSTROM
        jump = neighbour if low < neighbour < high else DEFAULT_HOP_ANGSTROM
    found = diffusion(
        own,
        step_ps,
        species=name,
        hop_length_angstrom=jump,
        msd=msd,
        earliest_ps=min(options.earliest_ps, 0.1 * trajectory.duration_ps),
    )
    found = flag_falling(found, own, step_ps, options.earliest_ps)
    last = found.window_ps[1]
    lag = round(last / step_ps) if np.isfinite(last) else max(1, len(own) // 2)
    found, posterior = choose_posterior(found, own, step_ps, options)
    report = SpeciesReport(
        name=name,
        indices=indices,
        diffusion=found,
        msd=msd,
        band=msd_band(own, step_ps),
        shape=motion_shape(own, msd, stride=max(1, trajectory.n_frames // 500)),
        estimates=_estimates(own, step_ps),
        posterior=posterior,
        lindemann=lindemann(own, neighbour),
        van_hove=van_hove(own, trajectory.mean_cell, step_ps),
        blocks=block_diffusion(own, step_ps, found.window_ps[0]),
        anisotropy=anisotropy(found),
        ion_lag_ps=lag * step_ps,
        ion_tensors=ion_tensors(own, lag),
        hop_length_angstrom=jump,
    )
    if options.with_density and found.verdict in ("diffusing", "not resolved"):
        return _with_density(report, own, trajectory, temperature_k)
    return report


def _neighbour(symbol: str, count: int, trajectory: Trajectory, rdfs: tuple[Rdf, ...]) -> float:
    """Like-neighbour distance, Å: the first peak of g(r), or that of a uniform sublattice."""
    peak = next((r.first_peak_angstrom for r in rdfs if r.pair == (symbol, symbol)), np.nan)
    uniform = (trajectory.volume_cubic_angstrom / count) ** (1.0 / 3.0)
    return float(peak) if np.isfinite(peak) and peak > 0.5 else float(uniform)


def _estimates(own: NDArray[np.float64], step_ps: float) -> tuple[PointEstimate, ...]:
    return (
        point_estimate("end_point", own, step_ps),
        point_estimate("first_frame_line", own, step_ps),
    )


def _with_density(
    report: SpeciesReport,
    own: NDArray[np.float64],
    trajectory: Trajectory,
    temperature_k: float,
) -> SpeciesReport:
    cell = trajectory.mean_cell
    fractional = own @ np.linalg.inv(cell)
    map_ = density(fractional, cell, species=report.name)
    sites = density_sites(map_)
    jumps = hops(fractional, cell, trajectory.frame_step_ps, species=report.name, sites=sites)
    report = replace(report, hops=(jumps,), density=(map_,))
    if np.isfinite(temperature_k) and temperature_k > 0.0:
        barriers, paths = density_paths(map_, temperature_k, sites)
        report = replace(report, path_ev=barriers, paths=paths)
    return report


def correct_bound_verdicts(
    reports: list[SpeciesReport], polyanions: Polyanions, rotations: tuple[Rotation, ...]
) -> list[SpeciesReport]:
    """Correct the verdict of bound ligands, which cannot leave a centre that stays.

    Args:
        reports: what each group does by its MSD alone.
        polyanions: the bound groups.
        rotations: motion of the bound ligands; none or one.
    """
    if not rotations:
        return reports
    ligands, centres = set(polyanions.ligand_atoms.tolist()), polyanions.centre_atoms
    centre_moves = any(
        r.diffusion.verdict == "diffusing" and np.isin(r.indices, centres).any() for r in reports
    )
    out = []
    for report in reports:
        bound = ligands.issuperset(report.indices.tolist())
        if not bound or centre_moves:
            out.append(report)
            continue
        out.append(replace(report, diffusion=_bound_verdict(report.diffusion, rotations[0])))
    return out


def _bound_verdict(found: Diffusion, turning: Rotation) -> Diffusion:
    if turning.verdict == "breaking":
        return replace(found, flags=(*found.flags, "bonds_break"))
    verdict = "rotating" if turning.verdict == "rotating" else "vibrating"
    return replace(found, verdict=verdict, flags=(*found.flags, "bound_ligand"))  # type: ignore[arg-type]
