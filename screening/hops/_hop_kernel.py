"""Energies of vacancy hops and of vacancies: numba and numpy only, no validation."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from dualion.screening.hops._pass_kernel import lowest_pass
from dualion.screening.hops._response_kernel import lattice_gain
from dualion.screening.percolation._refinement_kernel import (
    derivatives,
    energy_at,
    lowest_mode,
    neighbours,
    stationary_point,
)

_FINER = 0.6
"""Grid of a second search, where the first one's pass leads to no saddle."""
_SINGULAR = 1e-6
_LONGEST_POLISH = 0.02


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def ions_left(ends, centre, cell, inverse, frac, clearances, reach):
    """Ions around a hop or a site, without those at its ends.

    Args:
        ends: (e, 3) Cartesian, Å; centre: (3,) Cartesian, Å.
        cell, inverse: (3, 3), Å, and its inverse; frac: (n, 3).
        clearances: (n,) an ion this close to an end is gone; its images stay, Å.
        reach: from the centre, Å.

    Returns:
        vectors from the centre (m, 3) Å and indices (m,).
    """
    vectors, which, _ = neighbours(centre, cell, inverse, frac, reach)
    kept = 0
    for n in range(len(which)):
        gone = False
        for end in ends:
            gap = vectors[n] + centre - end
            gone = gone or (gap**2).sum() < clearances[which[n]] ** 2
        if not gone:
            vectors[kept] = vectors[n]
            which[kept] = which[n]
            kept += 1
    return vectors[:kept].copy(), which[:kept].copy()


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _within(vectors, reach):
    """Rows of the vectors that are no longer than this."""
    rows = np.empty(len(vectors), np.int64)
    count = 0
    for n in range(len(vectors)):
        if (vectors[n] ** 2).sum() < reach * reach:
            rows[count] = n
            count += 1
    return rows[:count]


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _polish(shift, near, ions, kinds, weights, parameters):
    """Two plain Newton steps in place: what the lattice gains there follows the place itself."""
    gradient, hessian = np.empty(3), np.empty((3, 3))
    for _ in range(2):
        derivatives(shift, near, ions, kinds, weights, parameters, gradient, hessian)
        if abs(np.linalg.det(hessian)) > _SINGULAR:
            step = np.linalg.solve(hessian, gradient)
            size = math.sqrt((step**2).sum())
            shift -= step * min(1.0, _LONGEST_POLISH / max(size, 1e-12))


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _settle(start, near, ions, vectors, which, field, for_saddle, window):
    """Stationary point near a place, its energy, and whether it was found.

    A saddle whose energy differs by more than the window from where the search began belongs to
    another way.
    """
    kinds, weights, parameters, cutoff = field
    uphill = np.zeros(3)
    if for_saddle:
        uphill = lowest_mode(start, near, ions, kinds, weights, parameters)
    shift, right = stationary_point(
        start, near, ions, kinds, weights, parameters, uphill, for_saddle
    )
    if right and for_saddle:
        here = energy_at(start, near, ions, kinds, weights, parameters, cutoff)
        there = energy_at(shift, near, ions, kinds, weights, parameters, cutoff)
        right = abs(there - here) < window
    if right:
        _polish(shift, near, ions, kinds, weights, parameters)
    else:
        shift = start.copy()
    return shift, energy_at(shift, vectors, which, kinds, weights, parameters, cutoff), right


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def hop_energies(
    first, second, crystal, field, springs, grid, inner, window, energies, gains, places, found
):
    """Energies of hops into an empty neighbour, with all other ions in place.

    Args:
        first, second: (h, 3) Cartesian ends, Å.
        crystal: cell (3, 3), inverse, frac (n, 3), clearances (n,) Å.
        field: kinds (n,), weights (n,), parameters (k, 4) of the pair energies, cutoff Å.
        springs: stiffnesses and compliances (n, 3, 3), and their reach, Å.
        grid: tables (k, b), bins per Å², their reach, spacing and excess of the flooded grid, Å.
        inner: reach of the ions that decide where a stationary point lies, Å.
        window: largest change of a saddle's energy from the grid that is believed, eV.
        energies: (h, 3) eV, set to the energies of first end, second end and saddle.
        gains: (h, 3) eV, set to what the lattice gains there by giving way.
        places: (h, 3, 3) Cartesian, Å, set to where these points are.
        found: (h,) set to whether the saddle is a stationary point.
    """
    cell, inverse, frac, clearances = crystal
    kinds, weights, parameters, cutoff = field
    stiffness, compliance, give = springs
    tables, bins_per_square, reach, spacing, excess = grid
    for hop in range(len(first)):
        ends = np.stack((first[hop], second[hop]))
        middle = 0.5 * (ends[0] + ends[1])
        along = ends[1] - ends[0]
        far = 0.5 * (math.sqrt((along**2).sum()) + excess)
        around = cutoff + far - 0.25 * excess  # places near a corner of the spheroid lack little
        vectors, which = ions_left(ends, middle, cell, inverse, frac, clearances, around)
        close = _within(vectors, inner + far)
        near, ions = vectors[close], which[close]
        seen = _within(vectors, reach + far)
        rows, filled = kinds[which[seen]], weights[which[seen]]
        for distance in (spacing, _FINER * spacing):
            local, climbs = lowest_pass(
                along,
                vectors[seen],
                rows,
                filled,
                tables,
                bins_per_square,
                reach,
                distance,
                excess,
            )
            for n in range(3):
                local[n], energies[hop, n], found[hop] = _settle(
                    local[n], near, ions, vectors, which, field, n == 2, window
                )
            if not climbs:
                higher = 0 if energies[hop, 0] > energies[hop, 1] else 1
                local[2], energies[hop, 2] = local[higher], energies[hop, higher]
                found[hop] = True
            if found[hop]:
                break
        places[hop] = local + middle
        ends -= middle
        gains[hop] = lattice_gain(
            local, ends, near, ions, kinds, weights, parameters, stiffness, compliance, give
        )[:3]


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def vacancy_energies(sites, crystal, field, springs, inner, window, energies, gains):
    """Energies of a vacancy at each site: minus that of the ion there, and the lattice's gain.

    Args:
        sites: (s, 3) Cartesian, Å.
        crystal, field, springs, inner, window: as for ``hop_energies``.
        energies, gains: (s,) eV, set.
    """
    cell, inverse, frac, clearances = crystal
    kinds, weights, parameters, cutoff = field
    stiffness, compliance, give = springs
    origin = np.zeros((1, 3))
    nowhere = np.empty((0, 3))
    for site in range(len(sites)):
        ends = sites[site : site + 1]
        vectors, which = ions_left(ends, sites[site], cell, inverse, frac, clearances, cutoff + 1.0)
        close = _within(vectors, inner + 1.0)
        near, ions = vectors[close], which[close]
        _, energy, _ = _settle(origin[0], near, ions, vectors, which, field, False, window)
        energies[site] = -energy
        gains[site] = lattice_gain(
            nowhere, origin, near, ions, kinds, weights, parameters, stiffness, compliance, give
        )[0]
