"""How the ions around a hop give way: numba and numpy only, no validation.

Every ion but the moving one hangs in the harmonic well of the perfect crystal's own pair
energies (an Einstein crystal) and moves to where that spring, the moving ion in its place and
the ions that are missing hold it. The pair energy with the moving ion is taken in full, not
to second order: in a narrow window the harmonic answer would be off by several times.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from dualion.screening.bvse._pair_kernel import radial
from dualion.screening.percolation._refinement_kernel import neighbours

_SHORTEST = 0.5
_TOGETHER = 1.0
_LONGEST_STEP = 0.25
_HARMONIC = 0.01
"""Å. An answer as small as this is known from the spring alone."""
_STEPS = 40
_STILL_EV = 1e-5
_STILL_ANGSTROM = 1e-4


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def stiffnesses(cell, inverse, frac, weights, species, parameters, reach):
    """Second derivatives of each ion's energy in the perfect crystal.

    Args:
        cell, inverse: (3, 3) rows are lattice vectors, Å, and its inverse.
        frac: (n, 3); weights: (n,) occupancies; species: (n,).
        parameters: (s, s, 4) pair energy of each two species.
        reach: Å. Ions closer than 1 Å are never there together and do not count.

    Returns:
        (n, 3, 3) eV/Å².
    """
    result = np.zeros((len(frac), 3, 3))
    for ion in range(len(frac)):
        centre = frac[ion] @ cell
        vectors, which, _ = neighbours(centre, cell, inverse, frac, reach)
        for n in range(len(which)):
            r = math.sqrt((vectors[n] ** 2).sum())
            if r < _TOGETHER:
                continue
            other = which[n]
            _, first, second = radial(parameters[species[ion], species[other]], r)
            first *= weights[other] / r
            second = (second * weights[other] - first) / (r * r)
            for a in range(3):
                result[ion, a, a] += first
                for b in range(3):
                    result[ion, a, b] += second * vectors[n, a] * vectors[n, b]
    return result


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _pull(vector, parameters):
    """Pair energy, eV, and its derivatives by r over r, eV/Å², and by r twice, eV/Å²."""
    r = max(math.sqrt((vector**2).sum()), _SHORTEST)
    energy, first, second = radial(parameters, r)
    return energy, first / r, second


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _newton_step(vector, slope, second, gradient, stiffness, compliance):
    """Step (3,) to the bottom of the local parabola, Å; by the spring alone where it has none."""
    r2 = max((vector**2).sum(), _SHORTEST**2)
    hessian = stiffness.copy()
    for a in range(3):
        hessian[a, a] += slope
        for b in range(3):
            hessian[a, b] += (second - slope) / r2 * vector[a] * vector[b]
    h, g = hessian, gradient
    c0 = h[1, 1] * h[2, 2] - h[1, 2] * h[2, 1]
    c1 = h[1, 2] * h[2, 0] - h[1, 0] * h[2, 2]
    c2 = h[1, 0] * h[2, 1] - h[1, 1] * h[2, 0]
    minor = h[0, 0] * h[1, 1] - h[0, 1] * h[1, 0]
    volume = h[0, 0] * c0 + h[0, 1] * c1 + h[0, 2] * c2
    if not (h[0, 0] > 0.0 and minor > 0.0 and volume > 1e-3):
        return -(compliance @ gradient)
    step = np.empty(3)
    step[0] = g[0] * c0 + g[1] * c1 + g[2] * c2
    step[1] = (
        g[0] * c1
        + g[1] * (h[0, 0] * h[2, 2] - h[0, 2] * h[2, 0])
        + g[2] * (h[0, 2] * h[1, 0] - h[0, 0] * h[1, 2])
    )
    step[2] = g[0] * c2 + g[1] * (h[0, 2] * h[1, 0] - h[0, 0] * h[1, 2]) + g[2] * minor
    return -step / volume


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def give_way(vector, missing, stiffness, compliance, parameters):
    """Energy that one ion gains by moving, eV, not above zero.

    Args:
        vector: (3,) from the moving ion to the resting place, Å.
        missing: (3,) gradient of the pair energies with the ions that are gone, eV/Å.
        stiffness, compliance: (3, 3) of the spring, and its inverse.
        parameters: (4,) pair energy with the moving ion.
    """
    rest, slope, second = _pull(vector, parameters)
    gradient = slope * vector - missing
    answer = compliance @ gradient
    if (answer**2).sum() < _HARMONIC * _HARMONIC:
        return -0.5 * (answer * gradient).sum()
    here, shift, energy, longest = vector, np.zeros(3), 0.0, _LONGEST_STEP
    for _ in range(_STEPS):
        step = _newton_step(here, slope, second, gradient, stiffness, compliance)
        size = math.sqrt((step**2).sum())
        if size > longest:
            step *= longest / size
        trial = shift + step
        there = vector + trial
        pair, slope_there, second_there = _pull(there, parameters)
        spring = stiffness @ trial
        after = pair - rest + 0.5 * (trial * spring).sum() - (missing * trial).sum()
        if after > energy:
            longest = 0.3 * min(longest, size)
            if longest < _STILL_ANGSTROM:
                break
            continue
        gain = energy - after
        here, shift, energy, slope, second = there, trial, after, slope_there, second_there
        gradient = slope * here + spring - missing
        if gain < _STILL_EV:
            break
    return energy


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def lattice_gain(
    places, ends, vectors, which, kinds, weights, parameters, springs, compliances, reach
):
    """Energy that the lattice gains by giving way, for several places of the moving ion, eV.

    Args:
        places: (p, 3) of the moving ion; ends: (e, 3) sites whose ions are gone; both Å, from
            where ``vectors`` start.
        vectors, which: (m, 3) Å and (m,), the ions around, without those that are gone.
        kinds, weights: (n,); parameters: (k, 4) pair energies with the moving ion.
        springs, compliances: (n, 3, 3) eV/Å² and Å²/eV.
        reach: ions this close to an end or a place give way, Å.

    Returns:
        (p + 1,): for each place, and last for no moving ion at all; not above zero.
    """
    gains = np.zeros(len(places) + 1)
    for n in range(len(which)):
        vector = vectors[n]
        near = False
        for point in ends:
            near = near or ((vector - point) ** 2).sum() < reach * reach
        for point in places:
            near = near or ((vector - point) ** 2).sum() < reach * reach
        if not near:
            continue
        ion = which[n]
        pair = parameters[kinds[ion]]
        missing = np.zeros(3)
        for point in ends:
            missing += _pull(vector - point, pair)[1] * (vector - point)
        for p in range(len(places)):
            gains[p] += weights[ion] * give_way(
                vector - places[p], missing, springs[ion], compliances[ion], pair
            )
        gains[-1] -= 0.5 * weights[ion] * (missing * (compliances[ion] @ missing)).sum()
    return gains
