"""Bond valence sums and the global instability index: a quality mark of the cell.

The valence of a bond is exp(α(R0 − r)) (Brown & Altermatt, Acta Cryst. B 41, 244 (1985),
10.1107/S0108768185002063), with softBV's parameters and their long reach (Adams, Acta Cryst.
B 57, 278 (2001), 10.1107/S0108768101003068). In a sound structure each ion's sum is close to
its charge. The root mean square of the mismatch is the global instability index (GII,
Salinas-Sanchez et al., J. Solid State Chem. 100, 201 (1992), 10.1016/0022-4596(92)90094-C):
few stable compounds exceed 0.2 v.u.; a larger value says that the cell, the positions or the
oxidation states are doubtful, or that the bonds are not ionic. Cells that PBE makes 1 to 2 %
too large have too small sums, and with them a larger index.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.pair_parameters import ParameterQuality, morse_parameters
from dualion.screening.neighbour_distances import pairs_within
from dualion.structures.crystal import IonicCrystal

REACH_ANGSTROM = 6.0
"""Bonds are counted up to this length; beyond, sums change by less than 0.02 v.u."""
SAME_SITE_ANGSTROM = 1e-3
"""Entries closer than this share one site and are no bond."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BondValenceQuality:
    """How well the bonds of a crystal carry its charges.

    Attributes:
        sums_vu: shape (n,), bond valence sum of each entry, valence units.
        mismatch_vu: shape (n,), sum minus the magnitude of the charge; 0 for neutral atoms.
        gii_vu: global instability index, weighted by occupancy; neutral atoms do not count.
        quality: the least trustworthy pair parameters in use.
    """

    sums_vu: NDArray[np.float64]
    mismatch_vu: NDArray[np.float64]
    gii_vu: float
    quality: ParameterQuality


def bvs_quality(
    crystal: IonicCrystal,
    *,
    reach_angstrom: float = REACH_ANGSTROM,
    worst: ParameterQuality = ParameterQuality.ESTIMATED,
) -> BondValenceQuality:
    """Return the bond valence sums, their mismatch and the GII.

    A partly occupied neighbour counts with its occupancy. In a disordered crystal the sums are
    averages over what surrounds a site, so that its GII is too large where ions and vacancies
    order locally.

    Args:
        crystal: the crystal, with its charges.
        reach_angstrom: longest bond that counts, Å.
        worst: the least trustworthy pair parameters that are accepted.

    Raises:
        MissingParametersError: a cation–anion pair within reach has no parameters.
    """
    charges = np.round(crystal.charges, 6)
    species = np.column_stack([crystal.numbers, charges])
    distinct, kinds = np.unique(species, axis=0, return_inverse=True)
    kinds = kinds.ravel()
    first, second, distances = _bonds(crystal, charges, reach_angstrom)
    pairs, which = np.unique(kinds[first] * len(distinct) + kinds[second], return_inverse=True)
    rows = [_parameters(distinct[p // len(distinct)], distinct[p % len(distinct)], worst)
            for p in pairs.tolist()]  # fmt: skip
    r0, alpha = np.array([row[:2] for row in rows]).reshape(-1, 2).T
    valences = np.exp(alpha[which] * (r0[which] - distances))
    occupancies = crystal.occupancies
    n = len(crystal.numbers)
    sums = np.zeros(n)
    sums += np.bincount(first, valences * occupancies[second], minlength=n)
    sums += np.bincount(second, valences * occupancies[first], minlength=n)
    charged = charges != 0.0
    mismatch = np.where(charged, sums - np.abs(crystal.charges), 0.0)
    weights = occupancies * charged
    mean_square = mismatch**2 @ weights / weights.sum() if charged.any() else 0.0
    return BondValenceQuality(
        sums_vu=sums,
        mismatch_vu=mismatch,
        gii_vu=float(np.sqrt(mean_square)),
        quality=max((row[2] for row in rows), default=ParameterQuality.TABULATED),
    )


def _parameters(
    cation: NDArray[np.float64], anion: NDArray[np.float64], worst: ParameterQuality
) -> tuple[float, float, ParameterQuality]:
    """R0 in Å, α in 1/Å, and how they were found."""
    found, quality = morse_parameters(
        (int(cation[0]), float(cation[1])), (int(anion[0]), float(anion[1])), worst=worst
    )
    return found.r0_angstrom, found.alpha_per_angstrom, quality


def _bonds(
    crystal: IonicCrystal, charges: NDArray[np.float64], reach_angstrom: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Cation entry, anion entry and length in Å of every bond within reach."""
    cations, anions = np.flatnonzero(charges > 0.0), np.flatnonzero(charges < 0.0)
    if not len(cations) or not len(anions):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    centre, neighbour, _, distances = pairs_within(
        crystal.cell, crystal.frac[cations], crystal.frac[anions], reach_angstrom
    )
    apart = distances > SAME_SITE_ANGSTROM
    return cations[centre[apart]], anions[neighbour[apart]], distances[apart]
