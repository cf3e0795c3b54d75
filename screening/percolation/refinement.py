"""Barriers without grid error.

The grid's basins and passes near the barriers are moved to the minima and saddles of the
continuous potential, and the percolation of the network is decided again by their energies. So
also a pass that lost on the grid by a few meV can win.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.field import Framework
from dualion.screening.bvse.pair_potential import kernel_rows
from dualion.screening.percolation._refinement_kernel import refine_points
from dualion.screening.percolation.thresholds import PassNetwork, Percolation, percolate_network
from dualion.screening.triple import Triple

PASS_WINDOW_EV = 0.15
"""Passes this close to a barrier on the grid can decide it; the grid's error is smaller."""
BOTTOM_WINDOW_EV = 0.3
"""Basins this close to the lowest one can be the lowest; wells are sharper than passes."""
SAME_ENERGY_EV = 1e-6
"""Grid points of equal energy are images of each other by symmetry: one is enough."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RefinedBarriers:
    """Barriers of the continuous potential.

    Attributes:
        barriers_ev: E_1D, E_2D, E_3D above the lowest minimum, eV; ``inf`` for none.
        from_region_ev: the same above the lowest minimum of the percolating region, eV.
        minimum_frac: shape (3,), fractional position of the lowest minimum.
        saddle_frac: shape (3, 3), fractional positions of the critical passes; NaN for none.
        converged: whether each barrier's pass is a true saddle of the potential; where not, its
            energy is the grid's.
    """

    barriers_ev: Triple
    from_region_ev: Triple
    minimum_frac: Floats
    saddle_frac: Floats
    converged: tuple[bool, bool, bool]


def refine(
    framework: Framework,
    energies: Floats,
    grid: Percolation,
    *,
    cutoff_angstrom: float,
) -> RefinedBarriers:
    """Refine barriers on the continuous potential.

    Args:
        framework: the ions that the mobile ion feels.
        energies: shape (nx, ny, nz), eV, the field that ``grid`` comes from.
        grid: its percolation, with the network followed ``PASS_WINDOW_EV`` beyond the barriers.
        cutoff_angstrom: reach of the pair energies, Å.
    """
    flat, network = energies.ravel(), grid.network
    pass_ev, bottom_ev = flat[network.points[:, 0]], flat[network.bottoms]
    moved = move_network(
        framework,
        energies,
        network,
        passes=_near_barriers(pass_ev - grid.minimum_ev, grid.barriers_ev),
        bottoms=_low_bottoms(bottom_ev, grid),
        cutoff_angstrom=cutoff_angstrom,
    )
    tops, bases, critical = percolate_network(network, moved.pass_ev, moved.bottom_ev)
    lowest = int(moved.bottom_ev.argmin())
    ground = float(moved.bottom_ev[lowest])
    saddles = [moved.pass_frac[edge] if edge >= 0 else np.full(3, np.nan) for edge in critical]
    found = [bool(edge >= 0 and moved.is_saddle[edge]) for edge in critical]
    return RefinedBarriers(
        barriers_ev=tops.above(Triple(ground, ground, ground)),
        from_region_ev=tops.above(bases),
        minimum_frac=moved.bottom_frac[lowest],
        saddle_frac=np.array(saddles),
        converged=(found[0], found[1], found[2]),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MovedNetwork:
    """Basins and passes of a field at the stationary points of its potential.

    Of those that symmetry relates, which have one energy, the first alone has its position moved.

    Attributes:
        pass_ev: shape (e,), energies of the passes, eV; the grid's where no saddle was found.
        bottom_ev: shape (b,), energies of the minima, eV.
        pass_frac, bottom_frac: shapes (e, 3) and (b, 3), fractional positions.
        is_saddle: shape (e,), whether the pass is a true saddle.
    """

    pass_ev: Floats
    bottom_ev: Floats
    pass_frac: Floats
    bottom_frac: Floats
    is_saddle: NDArray[np.bool_]


def move_network(
    framework: Framework,
    energies: Floats,
    network: PassNetwork,
    *,
    passes: Ints,
    bottoms: Ints,
    cutoff_angstrom: float,
) -> MovedNetwork:
    """Move basins and passes of a grid to minima and saddles of the continuous potential.

    Args:
        framework: the ions that the mobile ion feels.
        energies: shape (nx, ny, nz), eV, the field that the network comes from.
        network: its basins and passes.
        passes, bottoms: which of them are moved.
        cutoff_angstrom: reach of the pair energies, Å.
    """
    flat = energies.ravel()
    pass_ev, bottom_ev = flat[network.points[:, 0]].copy(), flat[network.bottoms].copy()
    search = _Search(framework, energies.shape, cutoff_angstrom)
    pass_frac, is_saddle = search.move(network.points, passes, pass_ev)
    bottom_frac, _ = search.move(network.bottoms[:, None], bottoms, bottom_ev)
    return MovedNetwork(
        pass_ev=pass_ev,
        bottom_ev=bottom_ev,
        pass_frac=pass_frac,
        bottom_frac=bottom_frac,
        is_saddle=is_saddle,
    )


def _near_barriers(heights: Floats, barriers_ev: Triple) -> Ints:
    """Passes whose energy is within the window of any finite barrier."""
    near = np.zeros(len(heights), dtype=bool)
    for barrier in barriers_ev:
        if np.isfinite(barrier):
            near |= np.abs(heights - barrier) <= PASS_WINDOW_EV
    return np.flatnonzero(near)


def _low_bottoms(bottom_ev: Floats, grid: Percolation) -> Ints:
    """Basins that may hold the lowest minimum of the field or of a percolating region."""
    low = bottom_ev <= grid.minimum_ev + BOTTOM_WINDOW_EV
    for barrier, own in zip(grid.barriers_ev, grid.from_region_ev, strict=True):
        if np.isfinite(barrier) and own < barrier:
            low |= np.abs(bottom_ev - (grid.minimum_ev + barrier - own)) <= SAME_ENERGY_EV
    return np.flatnonzero(low)


class _Search:
    """Moves grid points of one field to stationary points of its potential."""

    def __init__(
        self, framework: Framework, shape: tuple[int, ...], cutoff_angstrom: float
    ) -> None:
        self._framework = framework
        self._shape = np.array(shape)
        self._cutoff_angstrom = cutoff_angstrom
        self._inverse = np.linalg.inv(framework.cell)
        self._parameters = kernel_rows(framework.pairs)

    def move(
        self, points: Ints, chosen: Ints, energies_ev: Floats
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Refine the chosen points and their energies.

        Args:
            points: shape (m, 1) for minima, (m, 2) for passes: flat grid indices.
            chosen: which of them to refine.
            energies_ev: shape (m,), changed where a stationary point was found.

        Returns:
            fractional positions of all points, and which were moved to a stationary point.
        """
        frac = np.stack(np.unravel_index(points, self._shape), axis=-1) / self._shape
        positions = frac[:, 0].copy()
        moved = np.zeros(len(points), dtype=bool)
        if not len(chosen):
            return positions, moved
        keys = np.round(energies_ev[chosen] / SAME_ENERGY_EV).astype(np.int64)
        _, first, group = np.unique(keys, return_index=True, return_inverse=True)
        starts = frac[chosen[first]]
        refined, energy = self._stationary(starts, energies_ev[chosen[first]])
        reached = np.isfinite(energy)[group]
        moved[chosen] = reached
        energies_ev[chosen[reached]] = energy[group][reached]
        positions[chosen[first]] = refined
        return positions, moved

    def _stationary(self, starts: Floats, expected_ev: Floats) -> tuple[Floats, Floats]:
        """Refined fractional positions, and energies that are NaN where nothing was found."""
        framework = self._framework
        gaps = starts[:, -1] - starts[:, 0]
        gaps = (gaps - np.round(gaps)) @ framework.cell
        positions, energies = np.empty((len(starts), 3)), np.empty(len(starts))
        refine_points(
            np.ascontiguousarray(starts[:, 0] @ framework.cell),
            gaps,
            expected_ev,
            PASS_WINDOW_EV,
            framework.cell,
            self._inverse,
            framework.frac,
            framework.kinds,
            framework.weights,
            self._parameters,
            self._cutoff_angstrom,
            positions,
            energies,
        )
        return (positions @ self._inverse) % 1.0, energies
