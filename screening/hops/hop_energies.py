"""Energies of the distinct hops of a sublattice, and of a vacancy at each of its sites."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.field import CACHED_PAIRS, Framework, framework_of
from dualion.screening.bvse.pair_potential import PairPotential, kernel_rows
from dualion.screening.bvse.potential import (
    SMALLEST_DISTANCE_ANGSTROM,
    CoulombPair,
    PotentialOptions,
    pair_of,
)
from dualion.screening.hops import _hop_kernel
from dualion.screening.hops.hop_list import HopList
from dualion.screening.hops.lattice_response import Springs, springs_of
from dualion.screening.hops.sublattice import SAME_SITE, Sublattice, is_own
from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal

GRID_ANGSTROM = 0.3
"""Largest distance of the points among which the pass is looked for; its saddle is refined."""
GRID_REACH_ANGSTROM = 5.0
"""Reach of the ions on that grid. What lies farther away raises all of it alike."""
BINS_PER_SQUARE = 50.0
"""Bins of the tables for that grid per Å²: small enough for the processor's nearest cache."""
EXCESS_ANGSTROM = 2.0
"""Ways over points that make a hop longer by more than this belong to other hops."""
INNER_ANGSTROM = 6.0
"""Reach of the ions that decide where a pass lies; its energy counts all within the cutoff."""
GIVING_WAY_ANGSTROM = 5.0
"""Ions this close to an end or to the moving ion give way."""
WINDOW_EV = 0.5
"""Largest change from the grid's pass to its saddle that is believed."""
FULL = 0.99
"""Occupancy from which a site counts as full."""
AT_THE_SITE_ANGSTROM = 0.1

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HopEnergies:
    """Energies of the distinct hops, in the order of ``HopList.chosen``.

    Attributes:
        ends_ev: shape (k, 2), energy of the ion in the minimum at the near and at the far end,
            both sites being empty, eV.
        saddles_ev: shape (k,), energy on the lowest pass between them, eV.
        vacancies_ev: shape (s,), energy of a vacancy at each site, eV.
        ends_gain_ev, saddles_gain_ev, vacancies_gain_ev: same shapes, what the lattice gains there
            by giving way, eV, not above zero.
        saddles_frac: shape (k, 3), fractional position of the saddle, in the near site's cell.
        converged: shape (k,), whether it is a stationary point; if not, the energy is a grid's.
    """

    ends_ev: Floats
    saddles_ev: Floats
    vacancies_ev: Floats
    ends_gain_ev: Floats
    saddles_gain_ev: Floats
    vacancies_gain_ev: Floats
    saddles_frac: Floats
    converged: NDArray[np.bool_]

    def rises_ev(self, *, relaxing: bool) -> Floats:
        """Climb to the saddle from the near and from the far end, shape (k, 2), eV, from zero up.

        Args:
            relaxing: whether the lattice gives way.
        """
        ends = self.ends_ev + relaxing * self.ends_gain_ev
        tops = self.saddles_ev + relaxing * self.saddles_gain_ev
        return np.maximum(tops[:, None] - ends, 0.0)

    def sites_ev(self, *, relaxing: bool) -> Floats:
        """Energy of a vacancy at each site, shape (s,), eV."""
        return self.vacancies_ev + relaxing * self.vacancies_gain_ev


def energies_of_hops(
    crystal: IonicCrystal,
    ion: MobileIon,
    sublattice: Sublattice,
    hops: HopList,
    options: PotentialOptions,
    *,
    framework: Framework | None = None,
) -> HopEnergies:
    """Energies of the distinct hops of a vacancy mechanism.

    The moving ion sees all ions of the crystal but those at the two ends of its hop. A partly
    occupied site of its own element that is nearer to an end than the screening length of two
    such ions cannot be filled at the same time, and counts as empty.

    Args:
        crystal: the crystal, disordered or not.
        ion: the mobile ion.
        sublattice: its sites.
        hops: the hops between them.
        options: conventions of the pair energies.
        framework: all ions of the crystal as the mobile ion sees them, where they are known.

    Raises:
        StructureError: the crystal cannot be treated; the message says why.
    """
    framework = framework or framework_of(crystal, ion, options, own_element_stays=True)
    springs = springs_of(crystal, framework, options)
    arrays = _arrays(crystal, ion, framework, springs, options)
    chosen = hops.chosen
    near, far = sublattice.frac[hops.near[chosen]], sublattice.frac[hops.far[chosen]]
    count = len(chosen)
    energies, gains = np.empty((count, 3)), np.empty((count, 3))
    places, found = np.empty((count, 3, 3)), np.zeros(count, dtype=bool)
    grid = (
        _tables(framework),
        BINS_PER_SQUARE,
        GRID_REACH_ANGSTROM,
        GRID_ANGSTROM,
        EXCESS_ANGSTROM,
    )
    _hop_kernel.hop_energies(
        near @ crystal.cell,
        (far + hops.cells[chosen]) @ crystal.cell,
        *arrays,
        grid,
        INNER_ANGSTROM,
        WINDOW_EV,
        energies,
        gains,
        places,
        found,
    )
    vacancies, vacancy_gains = _vacancies(sublattice, arrays)
    return HopEnergies(
        ends_ev=energies[:, :2],
        saddles_ev=energies[:, 2],
        vacancies_ev=vacancies,
        ends_gain_ev=gains[:, :2],
        saddles_gain_ev=gains[:, 2],
        vacancies_gain_ev=vacancy_gains,
        saddles_frac=places[:, 2] @ np.linalg.inv(crystal.cell),
        converged=found,
    )


Arrays = tuple[
    tuple[Floats, Floats, Floats, Floats],
    tuple[NDArray[np.int64], Floats, Floats, float],
    tuple[Floats, Floats, float],
]


def _arrays(
    crystal: IonicCrystal,
    ion: MobileIon,
    framework: Framework,
    springs: Springs,
    options: PotentialOptions,
) -> Arrays:
    """Crystal, pair energies and springs as the kernels take them."""
    rows = kernel_rows(framework.pairs)
    inverse = np.asarray(np.linalg.inv(framework.cell), dtype=np.float64)
    clearances = _clearances(crystal, ion, framework, options)
    return (
        (framework.cell, inverse, framework.frac, clearances),
        (framework.kinds, framework.weights, rows, options.cutoff_angstrom),
        (springs.stiffness, springs.compliance, GIVING_WAY_ANGSTROM),
    )


def _clearances(
    crystal: IonicCrystal, ion: MobileIon, framework: Framework, options: PotentialOptions
) -> Floats:
    """How near an end of a hop each ion of the framework cannot be, shape (n,), Å."""
    alike, _ = pair_of(ion, ion.number, ion.charge, options)
    assert isinstance(alike, CoulombPair)
    partly = is_own(crystal, ion) & (_own_occupancy(crystal, ion) < FULL)
    clearances = np.where(partly, alike.screening_length_angstrom, AT_THE_SITE_ANGSTROM)
    return np.ascontiguousarray(clearances[framework.entries])


def _own_occupancy(crystal: IonicCrystal, ion: MobileIon) -> Floats:
    """Occupancy of the mobile element on the site of each entry, shape (n,)."""
    own = np.where(is_own(crystal, ion), crystal.occupancies, 0.0)
    if not crystal.is_disordered:
        return own
    gaps = crystal.frac[:, None] - crystal.frac[None]
    together = (np.abs(gaps - np.round(gaps)) < SAME_SITE).all(axis=2)
    return np.asarray(together @ own)


def _tables(framework: Framework) -> Floats:
    """Pair energies over r² up to their reach on the grid, zero there, shape (k, b), eV."""
    return np.stack([_table(pair) for pair in framework.pairs])


@lru_cache(maxsize=CACHED_PAIRS)
def _table(pair: PairPotential) -> Floats:
    r2 = np.arange(int(np.ceil(GRID_REACH_ANGSTROM**2 * BINS_PER_SQUARE)) + 2) / BINS_PER_SQUARE
    r = np.sqrt(np.maximum(r2, SMALLEST_DISTANCE_ANGSTROM**2))
    return pair.energy_ev(r) - pair.energy_ev(np.array([GRID_REACH_ANGSTROM]))


def _vacancies(sublattice: Sublattice, arrays: Arrays) -> tuple[Floats, Floats]:
    """Energy of a vacancy at each site and what the lattice gains there, eV."""
    distinct, which = np.unique(sublattice.orbits, return_inverse=True)
    energies, gains = np.empty(len(distinct)), np.empty(len(distinct))
    _hop_kernel.vacancy_energies(
        sublattice.frac[distinct] @ sublattice.cell,
        *arrays,
        INNER_ANGSTROM,
        WINDOW_EV,
        energies,
        gains,
    )
    return energies[which], gains[which]
