"""Kernels of the bond valence site energy field: numba and numpy only, no validation.

``scatter_pairs`` walks, for each framework ion, the grid columns that its cutoff sphere
touches, and adds a tabulated pair energy. ``structure_factor_field`` fills the Fourier
coefficients of the smooth remainder.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy", boundscheck=False)
def _add_run(column, start, stop, k_first, k_closest, r2_closest, a2, table, scale):
    """Add one ion's energy to a run of a grid column that does not wrap.

    r² along a column is a quadratic in the index, so it needs no vectors.
    """
    for index in range(start, stop):
        t = (index - start) + (k_first - k_closest)
        position = (r2_closest + a2 * t * t) * scale
        cell = np.uint32(position)
        weight = position - cell
        low = table[cell]
        column[index] += low + weight * (table[cell + np.uint32(1)] - low)


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def scatter_pairs(energies, cell, frac, kinds, tables, weights, cutoff, bins_per_square):
    """Add the pair energies of every framework ion to the grid.

    Args:
        energies: (nx, ny, nz) float64, eV, added to in place.
        cell: (3, 3) Å, rows are lattice vectors.
        frac: (n, 3) fractional coordinates of the framework ions.
        kinds: (n,) row of ``tables`` of each ion.
        tables: (n_kinds, n_bins + 2) eV, pair energies over r² in equal bins.
        weights: (n,) occupancies.
        cutoff: Å; tables are zero there and beyond.
        bins_per_square: bins per Å².
    """
    nx, ny, nz = energies.shape
    reciprocal = np.linalg.inv(cell).T
    reach_x = cutoff * np.sqrt((reciprocal[0] ** 2).sum())
    reach_y = cutoff * np.sqrt((reciprocal[1] ** 2).sum())
    step = cell[2] / nz
    across = cell[1] / ny
    a2 = (step**2).sum()
    inverse_a2 = 1.0 / a2
    cutoff2 = cutoff * cutoff
    weighted = np.empty(tables.shape[1])
    for ion in range(frac.shape[0]):
        weighted[:] = tables[kinds[ion]] * weights[ion]
        i_low = int(np.ceil((frac[ion, 0] - reach_x) * nx))
        i_high = int(np.floor((frac[ion, 0] + reach_x) * nx))
        j_low = int(np.ceil((frac[ion, 1] - reach_y) * ny))
        j_high = int(np.floor((frac[ion, 1] + reach_y) * ny))
        for i in range(i_low, i_high + 1):
            u = i / nx - frac[ion, 0]
            plane = energies[i % nx]
            v = j_low / ny - frac[ion, 1]
            w = -frac[ion, 2]
            x = u * cell[0, 0] + v * cell[1, 0] + w * cell[2, 0]
            y = u * cell[0, 1] + v * cell[1, 1] + w * cell[2, 1]
            z = u * cell[0, 2] + v * cell[1, 2] + w * cell[2, 2]
            row = j_low % ny - 1
            for _ in range(j_low, j_high + 1):
                row = row + 1 if row < ny - 1 else 0
                k_closest = -(x * step[0] + y * step[1] + z * step[2]) * inverse_a2
                r2_closest = max(x * x + y * y + z * z - k_closest * k_closest * a2, 0.0)
                x += across[0]
                y += across[1]
                z += across[2]
                if r2_closest >= cutoff2:
                    continue
                half = np.sqrt((cutoff2 - r2_closest) * inverse_a2)
                k = int(np.ceil(k_closest - half))
                left = int(np.floor(k_closest + half)) + 1 - k
                start = k - nz * int(np.floor(k / nz))
                while left > 0:
                    count = min(nz - start, left)
                    _add_run(
                        plane[row], start, start + count, k, k_closest, r2_closest, a2,
                        weighted, bins_per_square,
                    )  # fmt: skip
                    k += count
                    left -= count
                    start = 0


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _phases(frac, highest):
    """exp(−2πi h f) for h = −highest … highest: shape (2·highest + 1, n), real and imaginary."""
    n = frac.shape[0]
    real = np.empty((2 * highest + 1, n))
    imag = np.empty((2 * highest + 1, n))
    for h in range(-highest, highest + 1):
        for ion in range(n):
            angle = -2.0 * np.pi * h * frac[ion]
            real[h + highest, ion] = np.cos(angle)
            imag[h + highest, ion] = np.sin(angle)
    return real, imag


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy", boundscheck=False)
def structure_factor_field(
    coefficients, reciprocal, frac, weights, kind_starts, spectra, k_max, bins_per_k
):
    """Return the Fourier coefficients of the smooth part of the field, for k up to k_max.

    Args:
        coefficients: (nx, ny, nz // 2 + 1) complex128, zero on entry.
        reciprocal: (3, 3) 1/Å with the factor 2π, rows are reciprocal vectors.
        frac: (n, 3) ions in ascending kind.
        weights: (n,) occupancies.
        kind_starts: (n_kinds + 1,) first ion of each kind.
        spectra: (n_kinds, n_bins + 2) radial transforms over k in equal bins.
        k_max: 1/Å; below the Nyquist wave number of each axis.
        bins_per_k: bins per 1/Å.
    """
    nx, ny, _ = coefficients.shape
    direct = np.linalg.inv(reciprocal).T * 2.0 * np.pi
    highest = np.empty(3, np.int64)
    for axis in range(3):
        highest[axis] = int(k_max * np.sqrt((direct[axis] ** 2).sum()) / (2.0 * np.pi))
    n = frac.shape[0]
    xr, xi = _phases(frac[:, 0], highest[0])
    yr, yi = _phases(frac[:, 1], highest[1])
    zr, zi = _phases(frac[:, 2], highest[2])
    pr = np.empty(n)
    pi = np.empty(n)
    for h in range(-highest[0], highest[0] + 1):
        for k in range(-highest[1], highest[1] + 1):
            ready = False
            for m in range(highest[2] + 1):
                g0 = h * reciprocal[0, 0] + k * reciprocal[1, 0] + m * reciprocal[2, 0]
                g1 = h * reciprocal[0, 1] + k * reciprocal[1, 1] + m * reciprocal[2, 1]
                g2 = h * reciprocal[0, 2] + k * reciprocal[1, 2] + m * reciprocal[2, 2]
                length = np.sqrt(g0 * g0 + g1 * g1 + g2 * g2)
                if length > k_max:
                    continue
                if not ready:
                    hh, kk = h + highest[0], k + highest[1]
                    for ion in range(n):
                        pr[ion] = weights[ion] * (
                            xr[hh, ion] * yr[kk, ion] - xi[hh, ion] * yi[kk, ion]
                        )
                        pi[ion] = weights[ion] * (
                            xr[hh, ion] * yi[kk, ion] + xi[hh, ion] * yr[kk, ion]
                        )
                    ready = True
                position = length * bins_per_k
                low = int(position)
                fraction = position - low
                mm = m + highest[2]
                total_real = 0.0
                total_imag = 0.0
                for kind in range(spectra.shape[0]):
                    sum_real = 0.0
                    sum_imag = 0.0
                    for ion in range(kind_starts[kind], kind_starts[kind + 1]):
                        sum_real += pr[ion] * zr[mm, ion] - pi[ion] * zi[mm, ion]
                        sum_imag += pr[ion] * zi[mm, ion] + pi[ion] * zr[mm, ion]
                    value = spectra[kind, low]
                    value += fraction * (spectra[kind, low + 1] - value)
                    total_real += value * sum_real
                    total_imag += value * sum_imag
                coefficients[h % nx, k % ny, m] = complex(total_real, total_imag)
