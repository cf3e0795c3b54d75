"""Thresholds of a guest's landscape with the host at rest, and with the host giving way.

At every minimum and pass of the rigid landscape the host's ions move to where their springs and
the guest hold them (``dualion.screening.hops.lattice_response``); the percolation of the network
is decided again by the energies that this gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.field import Framework
from dualion.screening.bvse.pair_potential import kernel_rows
from dualion.screening.guests._giving_way_kernel import gains_at
from dualion.screening.hops.hop_energies import GIVING_WAY_ANGSTROM
from dualion.screening.hops.lattice_response import Springs
from dualion.screening.percolation.refinement import (
    SAME_ENERGY_EV,
    MovedNetwork,
    move_network,
)
from dualion.screening.percolation.thresholds import Percolation, percolate_network
from dualion.screening.triple import Triple

RELAXING_WINDOW_EV = 2.0
"""How far above the rigid barriers passes are followed: one that lost there can win where the
host gives way. I⁻ and F⁻ in six hosts: between 1.5 and 5 eV, 41 of 42 barriers stay within
0.05 eV, the other within 0.1 eV."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GuestThresholds:
    """Barriers of one guest landscape under one treatment of the host.

    Attributes:
        barriers_ev: E_1D, E_2D, E_3D above the lowest minimum, eV; ``inf`` for none.
        from_region_ev: the same above the lowest minimum of the percolating region, eV.
        minimum_ev: energy of the lowest minimum, eV.
        minimum_frac: shape (3,), its fractional position.
    """

    barriers_ev: Triple
    from_region_ev: Triple
    minimum_ev: float
    minimum_frac: Floats


def guest_thresholds(
    framework: Framework,
    springs: Springs,
    energies: Floats,
    grid: Percolation,
    *,
    cutoff_angstrom: float,
) -> tuple[GuestThresholds, GuestThresholds]:
    """Thresholds on the continuous potential: host at rest, and host giving way.

    Args:
        framework: the host as the guest feels it.
        springs: of its ions.
        energies: shape (nx, ny, nz), eV, the guest's field.
        grid: its percolation, followed ``RELAXING_WINDOW_EV`` beyond the barriers.
        cutoff_angstrom: reach of the pair energies, Å.
    """
    network = grid.network
    moved = move_network(
        framework,
        energies,
        network,
        passes=np.arange(len(network.points)),
        bottoms=np.arange(len(network.bottoms)),
        cutoff_angstrom=cutoff_angstrom,
    )
    rigid = _thresholds(grid, moved, moved.pass_ev, moved.bottom_ev)
    bottom_ev = moved.bottom_ev + _gains(framework, springs, moved.bottom_frac, moved.bottom_ev)
    pass_ev = moved.pass_ev + _gains(framework, springs, moved.pass_frac, moved.pass_ev)
    return rigid, _thresholds(grid, moved, pass_ev, bottom_ev)


def _thresholds(
    grid: Percolation, moved: MovedNetwork, pass_ev: Floats, bottom_ev: Floats
) -> GuestThresholds:
    network = grid.network
    floor = np.maximum(bottom_ev[network.near], bottom_ev[network.far])
    tops, bases, _ = percolate_network(network, np.maximum(pass_ev, floor), bottom_ev)
    lowest = int(bottom_ev.argmin())
    ground = float(bottom_ev[lowest])
    return GuestThresholds(
        barriers_ev=tops.above(Triple(ground, ground, ground)),
        from_region_ev=tops.above(bases),
        minimum_ev=ground,
        minimum_frac=moved.bottom_frac[lowest],
    )


def _gains(framework: Framework, springs: Springs, frac: Floats, energies_ev: Floats) -> Floats:
    """What the host gains at each place, once for all places of one energy, shape (m,), eV."""
    keys = np.round(energies_ev / SAME_ENERGY_EV).astype(np.int64)
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    gains = gains_at(
        np.ascontiguousarray(frac[first] @ framework.cell),
        framework.cell,
        np.linalg.inv(framework.cell),
        framework.frac,
        framework.kinds,
        framework.weights,
        kernel_rows(framework.pairs),
        springs.stiffness,
        springs.compliance,
        GIVING_WAY_ANGSTROM,
    )
    return np.asarray(gains[group.ravel()])
