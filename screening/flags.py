"""Flags that make a verdict honest: bound anions, forced ratios."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse.pair_parameters import ParameterQuality, morse_parameters
from dualion.screening.bvse.softbv import ase_covalent_radii
from dualion.screening.ions import MobileIon
from dualion.screening.neighbour_distances import nearest_image_lengths
from dualion.structures.crystal import IonicCrystal
from dualion.structures.errors import MissingParametersError
from dualion.structures.symmetry import operations

NON_METAL_CENTRES = frozenset({1, 5, 6, 7, 14, 15, 16, 17, 32, 33, 34, 35, 52, 53})
"""H, B, C, N, Si, P, S, Cl, Ge, As, Se, Br, Te, I: as cations they centre polyanions."""

NON_METAL_SHARE = 0.34
"""Share of an anion's valence in one bond to such a centre that makes it a ligand: tetrahedral
borate, the weakest of the polyanions, gives 3/4 of 2 = 0.375."""
METAL_SHARE = 0.55
"""The same for a metal: chromate (0.75) and AlCl₄⁻ (0.75) bind, YCl₆³⁻ (0.5) does not."""
LONGEST_BOND_ANGSTROM = 3.2
COVALENT_STRETCH = 1.2


def bound_fraction(crystal: IonicCrystal, anion: MobileIon) -> float:
    """Return share of the anion's sites whose bond valence is carried by one centre, 0 to 1.

    Such an anion is a ligand of a polyanion (P–S, P–O, B–O …), which can rotate, but whose
    migration would have to break it. A bond's valence is exp(α(R0 − r)) (Brown & Altermatt,
    Acta Cryst. B 41, 244 (1985), 10.1107/S0108768185002063) with softBV's parameters; where
    these are missing, a distance within 1.2 covalent radii sums to a non-metal counts.

    Args:
        crystal: the crystal.
        anion: one of its anions.
    """
    sites = np.flatnonzero((crystal.numbers == anion.number) & (crystal.charges < 0))
    centres = np.flatnonzero((crystal.charges > 0) & (crystal.numbers != anion.number))
    if not len(sites) or not len(centres):
        return 0.0
    gaps = crystal.frac[centres][None] - crystal.frac[sites][:, None]
    distances = nearest_image_lengths(gaps, crystal.cell, reach=1)  # bonds are far shorter
    bound = np.zeros(len(sites), dtype=bool)
    for column, centre in enumerate(centres):
        bound |= _is_ligand(crystal, anion, int(centre), distances[:, column])
    weights = crystal.occupancies[sites]
    return float(bound @ weights / weights.sum())


def _is_ligand(
    crystal: IonicCrystal, anion: MobileIon, centre: int, r_angstrom: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether each anion site at the given distances is a ligand of the centre."""
    number, charge = int(crystal.numbers[centre]), float(crystal.charges[centre])
    non_metal = number in NON_METAL_CENTRES
    try:
        pair, _ = morse_parameters(
            (number, charge), (anion.number, anion.charge), worst=ParameterQuality.NEAREST_STATE
        )
    except MissingParametersError:
        radii = ase_covalent_radii()
        longest = COVALENT_STRETCH * (radii[number] + radii[anion.number])
        return np.asarray((r_angstrom < longest) & non_metal)
    valence = np.exp(pair.alpha_per_angstrom * (pair.r0_angstrom - r_angstrom))
    share = NON_METAL_SHARE if non_metal else METAL_SHARE
    return np.asarray((valence > share * abs(anion.charge)) & (r_angstrom < LONGEST_BOND_ANGSTROM))


def sublattices_interchange(crystal: IonicCrystal, cation: MobileIon, anion: MobileIon) -> bool:
    """Return whether a symmetry operation of the bare lattice swaps cation and anion.

    In such a binary crystal (rock salt, CsCl, zinc blende) both barriers are equal by
    symmetry, and their ratio of 1 says nothing about the material.

    Args:
        crystal: the crystal.
        cation: one of its cations.
        anion: one of its anions.
    """
    if {cation.number, anion.number} != set(crystal.numbers.tolist()) or crystal.is_disordered:
        return False
    is_cation = crystal.numbers == cation.number
    if abs(cation.charge + anion.charge) > 1e-6 or is_cation.sum() * 2 != len(is_cation):
        return False
    alike = [1] * len(crystal.numbers)
    rotations, translations = operations(crystal.cell, crystal.frac, alike)
    moved = np.einsum("oij,j->oi", rotations, crystal.frac[is_cation][0]) + translations
    gap = moved[:, None] - crystal.frac[~is_cation][None]
    gap -= np.round(gap)
    return bool((np.abs(gap).max(axis=2) < 1e-3).any())
