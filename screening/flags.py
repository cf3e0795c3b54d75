"""Flags that make a verdict honest: ratios that symmetry forces."""

from __future__ import annotations

import numpy as np

from dualion.screening.ions import MobileIon
from dualion.structures.crystal import IonicCrystal
from dualion.structures.symmetry import operations


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
