"""Stationary points of the continuous potential: numba and numpy only, no validation.

The potential is the same sum of pair energies as on the grid, with analytic first and second
derivatives, so a minimum or a saddle near a grid point is found in a few Newton steps.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from dualion.screening.bvse._pair_kernel import radial

_SHORTEST = 0.3
_LONGEST_STEP = 0.12
_FARTHEST = 0.6
_FLAT = 2e-4
_STEPS = 40
_INNER = 6.0


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def neighbours(point, cell, inverse, frac, reach):
    """Return the ions within reach of a Cartesian point.

    Args:
        point: shape (3,), Cartesian, Å.
        cell: shape (3, 3), Å, rows are lattice vectors.
        inverse: shape (3, 3), 1/Å, the cell's inverse.
        frac: shape (n, 3), fractional coordinates of the ions.
        reach: Å.

    Returns:
        their vectors from the point (m, 3) Å, those within the inner radius first, their
        indices (m,), and the number of inner ones.
    """
    centre = point @ inverse
    widths = np.empty(3)
    for axis in range(3):
        widths[axis] = reach * np.sqrt((inverse[:, axis] ** 2).sum())
    room = 512
    vectors = np.empty((room, 3))
    which = np.empty(room, np.int64)
    found = 0
    inner = 0
    low = np.empty(3, np.int64)
    high = np.empty(3, np.int64)
    for ion in range(len(frac)):
        for axis in range(3):
            gap = frac[ion, axis] - centre[axis]
            low[axis] = math.ceil(-widths[axis] - gap)
            high[axis] = math.floor(widths[axis] - gap)
        for a in range(low[0], high[0] + 1):
            f0 = frac[ion, 0] - centre[0] + a
            for b in range(low[1], high[1] + 1):
                f1 = frac[ion, 1] - centre[1] + b
                for c in range(low[2], high[2] + 1):
                    f2 = frac[ion, 2] - centre[2] + c
                    x = f0 * cell[0, 0] + f1 * cell[1, 0] + f2 * cell[2, 0]
                    y = f0 * cell[0, 1] + f1 * cell[1, 1] + f2 * cell[2, 1]
                    z = f0 * cell[0, 2] + f1 * cell[1, 2] + f2 * cell[2, 2]
                    r2 = x * x + y * y + z * z
                    if r2 > reach * reach:
                        continue
                    if found == room:
                        vectors = np.concatenate((vectors, np.empty((room, 3))))
                        which = np.concatenate((which, np.empty(room, np.int64)))
                        room *= 2
                    place = found
                    if r2 < (_INNER + 2.0 * _FARTHEST) ** 2:
                        vectors[found] = vectors[inner]
                        which[found] = which[inner]
                        place = inner
                        inner += 1
                    vectors[place, 0] = x
                    vectors[place, 1] = y
                    vectors[place, 2] = z
                    which[place] = ion
                    found += 1
    return vectors[:found], which[:found], inner


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def energy_at(shift, vectors, which, kinds, weights, parameters, cutoff):
    """Return the energy at a displacement from the point that the vectors start from, eV.

    Args:
        shift: shape (3,), Å.
        vectors: shape (m, 3), Å, from the point to the ions around it.
        which: shape (m,), index of each of these ions.
        kinds: shape (n,), kind of each ion of the framework.
        weights: shape (n,), occupancies.
        parameters: shape (kinds, k), one row of pair parameters for each kind.
        cutoff: Å.
    """
    total = 0.0
    for n in range(len(which)):
        x = vectors[n, 0] - shift[0]
        y = vectors[n, 1] - shift[1]
        z = vectors[n, 2] - shift[2]
        r = math.sqrt(x * x + y * y + z * z)
        if r < cutoff:
            ion = which[n]
            total += weights[ion] * radial(parameters[kinds[ion]], max(r, _SHORTEST))[0]
    return total


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def derivatives(shift, vectors, which, kinds, weights, parameters, gradient, hessian):
    """Fill in the gradient and the Hessian of the inner ions' energy.

    Args:
        shift: (3,) displacement from the point where the vectors begin, Å.
        vectors: (m, 3) from that point to the ions, Å.
        which: (m,) index of each ion; one entry for each inner ion.
        kinds: (n,) row of ``parameters`` of each ion of the cell.
        weights: (n,) occupancy of each ion of the cell.
        parameters: one row of pair parameters for each kind of ion.
        gradient: (3,) eV/Å, overwritten.
        hessian: (3, 3) eV/Å², overwritten.
    """
    gradient[:] = 0.0
    hessian[:] = 0.0
    for n in range(len(which)):
        x = vectors[n, 0] - shift[0]
        y = vectors[n, 1] - shift[1]
        z = vectors[n, 2] - shift[2]
        r = max(math.sqrt(x * x + y * y + z * z), _SHORTEST)
        ion = which[n]
        _, first, second = radial(parameters[kinds[ion]], r)
        first *= weights[ion] / r
        second = (second * weights[ion] - first) / (r * r)
        gradient[0] -= first * x
        gradient[1] -= first * y
        gradient[2] -= first * z
        hessian[0, 0] += first + second * x * x
        hessian[1, 1] += first + second * y * y
        hessian[2, 2] += first + second * z * z
        hessian[0, 1] += second * x * y
        hessian[0, 2] += second * x * z
        hessian[1, 2] += second * y * z
    hessian[1, 0] = hessian[0, 1]
    hessian[2, 0] = hessian[0, 2]
    hessian[2, 1] = hessian[1, 2]


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def stationary_point(begin, vectors, which, kinds, weights, parameters, uphill, for_saddle):
    """Walk to a minimum, or to the saddle whose uphill direction starts along ``uphill``.

    Newton steps in the Hessian's eigenvectors, each mode followed down its gradient, and the
    mode that overlaps most with ``uphill`` followed up (Cerjan & Miller, J. Chem. Phys. 75,
    2800 (1981), 10.1063/1.442352), no step longer than the trust radius.

    Args:
        begin: (3,) Å, displacement to start from.
        vectors: (m, 3) Å, from the point to the ions around it.
        which: (m,) index of each of these ions.
        kinds: (n,) kind of each ion of the framework.
        weights: (n,) occupancies.
        parameters: (kinds, k) one row of pair parameters for each kind.
        uphill: (3,) unit vector, for a saddle.
        for_saddle: whether a saddle is looked for.

    Returns:
        displacement (3,) Å and whether a stationary point of the right kind was reached.
    """
    shift = begin.copy()
    gradient = np.empty(3)
    hessian = np.empty((3, 3))
    direction = uphill.copy()
    for _ in range(_STEPS):
        derivatives(shift, vectors, which, kinds, weights, parameters, gradient, hessian)
        values, modes = np.linalg.eigh(hessian)
        up = -1
        if for_saddle:
            best = -1.0
            for mode in range(3):
                overlap = abs((modes[:, mode] * direction).sum())
                if overlap > best:
                    best, up = overlap, mode
            direction = modes[:, up].copy()
        if math.sqrt((gradient**2).sum()) < _FLAT:
            right = True
            for mode in range(3):
                right = right and ((values[mode] < 0.0) == (mode == up))
            return shift, right
        step = np.zeros(3)
        for mode in range(3):
            slope = (modes[:, mode] * gradient).sum()
            length = -slope / max(abs(values[mode]), 0.05)
            if mode == up:
                length = -length
            step += length * modes[:, mode]
        size = math.sqrt((step**2).sum())
        if size > _LONGEST_STEP:
            step *= _LONGEST_STEP / size
        shift += step
        if math.sqrt(((shift - begin) ** 2).sum()) > _FARTHEST:
            return shift, False
    return shift, False


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def lowest_mode(shift, vectors, which, kinds, weights, parameters):
    """Return the softest direction of the potential at a displacement, a (3,) unit vector.

    Args:
        shift: (3,) displacement from the point where the vectors begin, Å.
        vectors: (m, 3) from that point to the ions, Å.
        which: (m,) index of each ion; one entry for each inner ion.
        kinds: (n,) row of ``parameters`` of each ion of the cell.
        weights: (n,) occupancy of each ion of the cell.
        parameters: one row of pair parameters for each kind of ion.
    """
    gradient = np.empty(3)
    hessian = np.empty((3, 3))
    derivatives(shift, vectors, which, kinds, weights, parameters, gradient, hessian)
    _, modes = np.linalg.eigh(hessian)
    return modes[:, 0].copy()


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def refine_points(
    starts, gaps, expected, window, cell, inverse, frac, kinds, weights, parameters, cutoff,
    positions, energies,
):  # fmt: skip
    """Refine many grid points.

    A pass is looked for from its higher point, from its lower one, and from between them along
    the softest direction, until a saddle of about the expected energy is found.

    Args:
        starts: (m, 3) Cartesian, Å.
        gaps: (m, 3) Å, from the higher to the lower point of a pass; zero for minima.
        expected: (m,) eV, energies on the grid.
        window: eV, largest change of a pass's energy that is believed.
        cell: (3, 3) Å, rows are lattice vectors.
        inverse: (3, 3) 1/Å, the cell's inverse.
        frac: (n, 3) fractional coordinates of the framework's ions.
        kinds: (n,) kind of each ion.
        weights: (n,) occupancies.
        parameters: (kinds, k) one row of pair parameters for each kind.
        cutoff: Å.
        positions: (m, 3) Å, set to the refined positions.
        energies: (m,) eV, set to the energies there; NaN where no stationary point of the right
            kind lies near.
    """
    for n in range(len(starts)):
        vectors, which, inner = neighbours(starts[n], cell, inverse, frac, cutoff + 2.0 * _FARTHEST)
        near, ions = vectors[:inner], which[:inner]
        energies[n] = np.nan
        positions[n] = starts[n]
        length = math.sqrt((gaps[n] ** 2).sum())
        for attempt in range(1 if length == 0.0 else 3):
            begin = gaps[n] * (0.0, 1.0, 0.5)[attempt]
            uphill = gaps[n] / max(length, 1e-12)
            if attempt == 2:
                uphill = lowest_mode(begin, near, ions, kinds, weights, parameters)
            shift, right = stationary_point(
                begin, near, ions, kinds, weights, parameters, uphill, length > 0.0
            )
            if not right:
                continue
            energy = energy_at(shift, vectors, which, kinds, weights, parameters, cutoff)
            if length == 0.0 or abs(energy - expected[n]) < window:
                energies[n] = energy
                positions[n] = starts[n] + shift
                break
