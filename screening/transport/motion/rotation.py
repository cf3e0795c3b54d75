"""Rotation of bound ligands about their centre, told apart from migration.

A ligand at distance R from its centre cannot move further than 2R: the mean squared change of
its bond vector is 2R²(1 − C₁(t)), where C₁ is the orientation autocorrelation, and levels off
at 2R² once the orientation is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.transport._checks import checked_step
from dualion.screening.transport.motion.bonding import Polyanions, nearest_image
from dualion.screening.transport.self_diffusion.msd import mean_squared_displacement, msd_per_ion

ROTATES_BELOW = 0.8
"""A correlation below this is a turn by more than 37°, beyond any libration."""

PERSISTENCE_PS = 0.5
"""A bond is broken, or a ligand exchanged, if it stays so for this long, ps."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rotation:
    """Motion of bound ligands about their centres.

    Attributes:
        formula: the polyanion, for example ``PS4``.
        n_bonds: number of centre–ligand bonds followed.
        bond_length_angstrom: mean bond length R over the run, Å.
        times_ps: shape (lags,), ps.
        correlation: shape (lags,), C₁(t) = ⟨u(0)·u(t)⟩ over bonds and origins.
        correlation_error: shape (lags,), standard error from the scatter of the polyanions, as
            bonds of one turn together; ``inf`` where there is one alone.
        relative_msd: shape (lags,), Å², of the bond vectors.
        ceiling_angstrom2: 2R², Å².
        relaxation_ps: time at which C₁ falls to 1/e, ps; ``inf`` where it does not.
        broken_bonds: bonds that were longer than allowed for longer than ``PERSISTENCE_PS``.
        exchanges: ligands whose nearest centre changed for good and whose old bond broke.
        verdict: ``rotating``, ``librating`` or ``breaking``.
    """

    formula: str
    n_bonds: int
    bond_length_angstrom: float
    times_ps: NDArray[np.float64]
    correlation: NDArray[np.float64]
    correlation_error: NDArray[np.float64]
    relative_msd: NDArray[np.float64]
    ceiling_angstrom2: float
    relaxation_ps: float
    broken_bonds: int
    exchanges: int
    verdict: str


def bond_vectors(
    fractional: NDArray[np.float64], cell: NDArray[np.float64], polyanions: Polyanions
) -> NDArray[np.float64]:
    """Vectors from centre to ligand, followed from the first frame, shape (frames, bonds, 3), Å.

    Args:
        fractional: shape (frames, n, 3), unwrapped.
        cell: shape (3, 3), Å.
        polyanions: the bonds.
    """
    apart = fractional[:, polyanions.ligands] - fractional[:, polyanions.centres]
    start = nearest_image(apart[0])
    return np.asarray((apart - apart[0] + start) @ cell)


def rotation(
    fractional: NDArray[np.float64],
    cell: NDArray[np.float64],
    polyanions: Polyanions,
    frame_step_ps: float,
) -> Rotation:
    """Describe the motion of all bound ligands.

    Args:
        fractional: shape (frames, n, 3), unwrapped fractional coordinates.
        cell: shape (3, 3), Å, mean cell.
        polyanions: the bonds to follow, at least one.
        frame_step_ps: time between frames, ps.
    """
    step_ps = checked_step(frame_step_ps)
    vectors = bond_vectors(fractional, cell, polyanions)
    lengths = np.linalg.norm(vectors, axis=2)
    units = vectors / lengths[:, :, None]
    half = max(2, len(units) // 2)
    # u(0)·u(t) = 1 − |u(t) − u(0)|²/2 for unit vectors.
    per_bond = 1.0 - 0.5 * msd_per_ion(units, step_ps)[1][:half]
    mean = per_bond.mean(axis=1)
    radius = float(lengths.mean())
    broken = _count_broken(lengths, polyanions, step_ps)
    exchanges = _count_exchanges(fractional, cell, polyanions, step_ps)
    return Rotation(
        formula=polyanions.formula,
        n_bonds=len(polyanions.centres),
        bond_length_angstrom=radius,
        times_ps=np.arange(half, dtype=np.float64) * step_ps,
        correlation=mean,
        correlation_error=_error_of_mean(per_bond, polyanion_of_bond(polyanions)),
        relative_msd=mean_squared_displacement(vectors, step_ps).total[:half],
        ceiling_angstrom2=2.0 * radius**2,
        relaxation_ps=_relaxation_ps(mean, step_ps),
        broken_bonds=broken,
        exchanges=exchanges,
        verdict=_verdict(mean, broken, exchanges),
    )


def _relaxation_ps(correlation: NDArray[np.float64], step_ps: float) -> float:
    below = np.flatnonzero(correlation < np.exp(-1.0))
    return float(below[0] * step_ps) if len(below) else np.inf


def _persists(condition: NDArray[np.bool_], step_ps: float) -> NDArray[np.bool_]:
    """Whether a condition holds for ``PERSISTENCE_PS`` on end, per column."""
    window = min(max(1, round(PERSISTENCE_PS / step_ps)), len(condition))
    counts = np.cumsum(np.vstack([np.zeros(condition.shape[1]), condition]), axis=0)
    return np.asarray((counts[window:] - counts[:-window] >= window).any(axis=0))


def _count_broken(lengths: NDArray[np.float64], polyanions: Polyanions, step_ps: float) -> int:
    return int(_persists(lengths > polyanions.limit_angstrom, step_ps).sum())


def _count_exchanges(
    fractional: NDArray[np.float64],
    cell: NDArray[np.float64],
    polyanions: Polyanions,
    step_ps: float,
) -> int:
    """Count ligands that end nearest to another centre than at the start, the old bond broken.

    In an extended network (CeO2) a ligand has several centres as near as another, and which one is
    nearest is a matter of vibration alone.
    """
    window = min(max(1, round(PERSISTENCE_PS / step_ps)), max(1, len(fractional) // 4))
    ligands, centres = polyanions.ligand_atoms, polyanions.centre_atoms
    limits = np.zeros((len(ligands), len(centres)))
    bonded = (
        np.searchsorted(ligands, polyanions.ligands),
        np.searchsorted(centres, polyanions.centres),
    )
    limits[bonded] = polyanions.limit_angstrom

    def distances(frames: NDArray[np.float64]) -> NDArray[np.float64]:
        apart = frames[:, ligands, None] - frames[:, None, centres]
        return np.asarray(np.linalg.norm(nearest_image(apart) @ cell, axis=3).mean(axis=0))

    end = distances(fractional[-window:])
    old = distances(fractional[:window]).argmin(axis=1)
    every = np.arange(len(ligands))
    left = end[every, old] > limits[every, old]
    return int((left & (end.argmin(axis=1) != old)).sum())


def polyanion_of_bond(polyanions: Polyanions) -> NDArray[np.int64]:
    """Number of the polyanion of each bond, shape (b,): centres that share a ligand are of one.

    Args:
        polyanions: the bonds.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = int(max(polyanions.centres.max(), polyanions.ligands.max())) + 1
    ends = (polyanions.centres, polyanions.ligands)
    graph = coo_array((np.ones(len(polyanions.centres)), ends), shape=(size, size))
    labels = connected_components(graph, directed=False)[1][polyanions.centres]
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)


def _error_of_mean(per_bond: NDArray[np.float64], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """Standard error of the mean over bonds from the scatter of the polyanions, shape (lags,)."""
    sizes = np.bincount(owner)
    if len(sizes) < 2:
        return np.full(len(per_bond), np.inf)
    apart = per_bond - per_bond.mean(axis=1, keepdims=True)
    sums = np.stack([apart[:, owner == number].sum(axis=1) for number in range(len(sizes))])
    inflation = len(sizes) / (len(sizes) - 1)
    return np.asarray(np.sqrt(inflation * (sums**2).sum(axis=0)) / len(owner))


def _verdict(correlation: NDArray[np.float64], broken: int, exchanges: int) -> str:
    if broken or exchanges:
        return "breaking"
    return "rotating" if float(correlation.min()) < ROTATES_BELOW else "librating"
