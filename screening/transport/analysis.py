"""The whole analysis of one trajectory: what each ion does, and what follows for transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from screening.transport.bonding import Polyanions, find_polyanions
from screening.transport.charges import formal_charges
from screening.transport.density import Density, density, density_path_ev
from screening.transport.diffusion import DEFAULT_HOP_ANGSTROM, Diffusion, diffusion
from screening.transport.drift import CENTRE_OF_MASS, choose_framework, remove_drift
from screening.transport.estimators import PointEstimate, point_estimate
from screening.transport.hops import Hops, hops
from screening.transport.kinisi_posterior import Posterior, has_kinisi, kinisi_posterior
from screening.transport.msd import MotionShape, Msd, mean_squared_displacement, motion_shape
from screening.transport.onsager import LEAST_FRAMES, Transport, transport, without_numbers
from screening.transport.rotation import Rotation, rotation
from screening.transport.run_flags import run_flags
from screening.transport.structure import (
    Rdf,
    VanHove,
    lindemann,
    radial_distribution,
    van_hove_self,
)
from structures.errors import InputError
from structures.trajectories import Trajectory

HOP_RANGE_ANGSTROM = (2.0, 4.5)
"""A like-neighbour distance outside this is no jump length between sites, Å."""


EARLIEST_PS = 1.0
"""Vibrations of a solid are forgotten after about this time, ps; a fit that starts earlier
needs more frames than most runs have to see that it is biased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisOptions:
    """What the user chooses.

    Attributes:
        framework: immobile elements; empty takes the polyanion centres.
        charges_e: element → charge, e; the usual valence where missing.
        temperature_k: temperature, K; NaN takes the trajectory's.
        hop_length_angstrom: length of a jump, Å; NaN takes the like-neighbour distance.
        earliest_ps: fits start no earlier than this, ps, nor than a tenth of the run if that
            is shorter.
        longest_angstrom: range of the radial distributions, Å.
        with_structure: whether to compute radial distributions.
        with_density: whether to compute density maps and jumps of what is not caged.
        with_kinisi: whether to add kinisi's posterior where kinisi is installed.
    """

    framework: tuple[str, ...] = ()
    charges_e: Mapping[str, float] = field(default_factory=dict)
    temperature_k: float = np.nan
    hop_length_angstrom: float = np.nan
    earliest_ps: float = EARLIEST_PS
    longest_angstrom: float = 8.0
    with_structure: bool = True
    with_density: bool = True
    with_kinisi: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpeciesReport:
    """What one group of ions does.

    Attributes:
        name: element, with ``(bound)`` or ``(free)`` where it is both.
        indices: shape (k,), its atoms.
        diffusion: D, interval and verdict.
        msd: mean squared displacement over all origins.
        shape: local slope and non-Gaussian parameter.
        estimates: published point estimators, for comparison only.
        posterior: kinisi's posterior; none or one.
        lindemann: displacement over neighbour distance, second half of the run.
        van_hove: self part of the van Hove function.
        hops: jumps between sites; none or one.
        density: probability density; none or one.
        path_ev: free-energy barriers of the density in 1, 2, 3 dimensions, eV; NaN where no
            density was made.
    """

    name: str
    indices: NDArray[np.int64]
    diffusion: Diffusion
    msd: Msd
    shape: MotionShape
    estimates: tuple[PointEstimate, ...]
    posterior: tuple[Posterior, ...]
    lindemann: float
    van_hove: VanHove
    hops: tuple[Hops, ...] = ()
    density: tuple[Density, ...] = ()
    path_ev: tuple[float, float, float] = (np.nan, np.nan, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransportReport:
    """The finished analysis of one trajectory.

    Attributes:
        source: name of the file.
        n_frames: number of frames.
        frame_step_ps: time between frames, ps.
        temperature_k: temperature, K, or NaN.
        volume_cubic_angstrom: of the mean cell, Å³.
        framework: the frame of reference, in words.
        polyanions: formula of the bound groups, or empty.
        species: one report per group.
        rotation: motion of bound ligands; none or one.
        transport: over all ions; none or one.
        transport_without_rotors: without bound ligands and their centres; none or one.
        rdfs: partial radial distributions.
        flags: names of what a cautious reader should know.
    """

    source: str
    n_frames: int
    frame_step_ps: float
    temperature_k: float
    volume_cubic_angstrom: float
    framework: str
    polyanions: str
    species: tuple[SpeciesReport, ...]
    rotation: tuple[Rotation, ...]
    transport: tuple[Transport, ...]
    transport_without_rotors: tuple[Transport, ...]
    rdfs: tuple[Rdf, ...]
    flags: tuple[str, ...]


def analyse(trajectory: Trajectory, options: AnalysisOptions | None = None) -> TransportReport:
    """Analyse one trajectory.

    Args:
        trajectory: unwrapped, at equal times.
        options: what the user chooses.

    Raises:
        InputError: the declared framework is not there, or a given temperature is not positive.
    """
    options = options or AnalysisOptions()
    given = options.temperature_k
    temperature = given if np.isfinite(given) else trajectory.temperature_k
    if np.isfinite(given) and given <= 0.0:
        raise InputError(f"The temperature is {given} K; transport needs one above 0.")
    polyanions = find_polyanions(trajectory.fractional, trajectory.mean_cell, trajectory.symbols)
    unwrapped = trajectory.positions()
    framework = choose_framework(trajectory.symbols, polyanions, options.framework, unwrapped)
    positions = remove_drift(unwrapped, framework)
    rotations = _rotations(trajectory, polyanions)
    rdfs = _rdfs(trajectory, options)
    reports = [
        _species(name, indices, positions, trajectory, temperature, rdfs, options)
        for name, indices in _groups(trajectory, polyanions).items()
    ]
    reports = _with_bonding(reports, polyanions, rotations)
    charged, charge_flags = _transports(
        reports, positions, trajectory, polyanions, temperature, options
    )
    if framework.name == CENTRE_OF_MASS and len(trajectory.species) == 2:
        charged = tuple(tuple(without_numbers(t) for t in kind) for kind in charged)
    return TransportReport(
        source=trajectory.source,
        n_frames=trajectory.n_frames,
        frame_step_ps=trajectory.frame_step_ps,
        temperature_k=temperature,
        volume_cubic_angstrom=trajectory.volume_cubic_angstrom,
        framework=framework.name,
        polyanions=polyanions.formula,
        species=tuple(reports),
        rotation=rotations,
        transport=charged[0],
        transport_without_rotors=charged[1],
        rdfs=rdfs,
        flags=(*trajectory.flags, *charge_flags, *run_flags(trajectory, reports, framework)),
    )


def _groups(trajectory: Trajectory, polyanions: Polyanions) -> dict[str, NDArray[np.int64]]:
    """Elements, split where some atoms are bound ligands and others are free."""
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


def _species(
    name: str,
    indices: NDArray[np.int64],
    positions: NDArray[np.float64],
    trajectory: Trajectory,
    temperature_k: float,
    rdfs: tuple[Rdf, ...],
    options: AnalysisOptions,
) -> SpeciesReport:
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
    report = SpeciesReport(
        name=name,
        indices=indices,
        diffusion=found,
        msd=msd,
        shape=motion_shape(own, msd, stride=max(1, trajectory.n_frames // 500)),
        estimates=_estimates(own, step_ps),
        posterior=_posterior(own, step_ps, found, options),
        lindemann=lindemann(own, neighbour),
        van_hove=van_hove_self(own, step_ps),
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


def _posterior(
    own: NDArray[np.float64], step_ps: float, found: Diffusion, options: AnalysisOptions
) -> tuple[Posterior, ...]:
    moving = found.verdict in ("diffusing", "not resolved") and np.isfinite(found.window_ps[0])
    if not (options.with_kinisi and moving and has_kinisi()):
        return ()
    return (kinisi_posterior(own, step_ps, found.window_ps[0]),)


def _with_density(
    report: SpeciesReport,
    own: NDArray[np.float64],
    trajectory: Trajectory,
    temperature_k: float,
) -> SpeciesReport:
    cell = trajectory.mean_cell
    fractional = own @ np.linalg.inv(cell)
    map_ = density(fractional, cell, species=report.name)
    barriers = (np.nan, np.nan, np.nan)
    if np.isfinite(temperature_k) and temperature_k > 0.0:
        barriers = density_path_ev(map_, temperature_k)
    jumps = hops(fractional, cell, trajectory.frame_step_ps, species=report.name)
    return replace(report, hops=(jumps,), density=(map_,), path_ev=barriers)


def _with_bonding(
    reports: list[SpeciesReport], polyanions: Polyanions, rotations: tuple[Rotation, ...]
) -> list[SpeciesReport]:
    """Correct the verdict of bound ligands, which cannot leave a centre that stays."""
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


def _transports(
    reports: list[SpeciesReport],
    positions: NDArray[np.float64],
    trajectory: Trajectory,
    polyanions: Polyanions,
    temperature_k: float,
    options: AnalysisOptions,
) -> tuple[tuple[tuple[Transport, ...], ...], tuple[str, ...]]:
    """Transport of all groups, and of those outside polyanions; and flags."""
    charges, flags = formal_charges(trajectory.symbols, options.charges_e)
    if "charges_unknown" in flags or trajectory.n_frames < LEAST_FRAMES:
        return ((), ()), flags
    if not (np.isfinite(temperature_k) and temperature_k > 0.0):
        return ((), ()), (
            *flags,
            "zero_temperature" if temperature_k <= 0.0 else "temperature_unknown",
        )
    of_polyanion = set(polyanions.centres.tolist()) | set(polyanions.ligands.tolist())
    free = [r for r in reports if not of_polyanion.issuperset(r.indices.tolist())]
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
                    earliest_ps=_earliest(
                        chosen, min(options.earliest_ps, 0.1 * trajectory.duration_ps)
                    ),
                ),
            )
        )
    return (results[0], results[1]), flags


def _earliest(reports: list[SpeciesReport], least_ps: float) -> float:
    """Latest start of the tracer windows of what diffuses, ps, and ``least_ps`` at least."""
    starts = [r.diffusion.window_ps[0] for r in reports if r.diffusion.verdict == "diffusing"]
    return max(starts, default=least_ps)
