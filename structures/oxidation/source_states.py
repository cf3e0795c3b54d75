"""Oxidation states that the source gives: used only where they make chemical sense."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dualion.structures.disorder import SiteTable
from dualion.structures.oxidation import tables
from dualion.structures.oxidation.environment import Environment

LARGEST_STATE = 8.0
OXYGEN = 8


def has_source_states(table: SiteTable) -> bool:
    """Return whether the source gives any oxidation state other than zero."""
    charges = table.given_charges
    return bool(np.any(charges[~np.isnan(charges)]))


def source_states_make_sense(table: SiteTable, environment: Environment) -> bool:
    """Check given states atom by atom; whether they are neutral is checked by the caller.

    Every entry must have one, none may be zero or beyond +8 unless like atoms are bonded,
    elements with one state must have it, and oxygen is O²⁻ unless it is bonded to oxygen.

    Args:
        table: the sites, with the states that the source gives.
        environment: bonds of each entry.
    """
    charges: NDArray[np.float64] = table.given_charges
    if np.isnan(charges).any() or np.abs(charges).max() > LARGEST_STATE:
        return False
    bonded = environment.like_bonds > 0
    if np.any((charges == 0.0) & ~bonded):
        return False
    numbers = table.numbers
    if np.any(charges[(numbers == OXYGEN) & ~bonded] != -2.0):
        return False
    return not any(
        np.any(charges[numbers == z] != expected) for z, expected in tables.FIXED_CHARGES.items()
    )
