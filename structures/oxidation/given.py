"""Oxidation states that the source gives: used only where they make chemical sense."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from structures.disorder import SiteTable
from structures.oxidation import tables
from structures.oxidation.environment import Environment

LARGEST_STATE = 8.0
NEUTRAL_E = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenCharges:
    """Charges from the source.

    Attributes:
        charges: shape (n,), e, or ``None`` where they are missing or make no sense.
        flags: ``given_oxidation_rejected`` where states were given but not used.
    """

    charges: NDArray[np.float64] | None
    flags: tuple[str, ...] = ()


def given_charges(table: SiteTable, environment: Environment) -> GivenCharges:
    """Return the given charges where every one is there, sane, and their sum is neutral."""
    charges = table.given_charges
    missing = np.isnan(charges)
    if missing.all() or not np.any(charges[~missing]):
        return GivenCharges(charges=None)
    if missing.any() or not _sane(table, charges, environment):
        return GivenCharges(charges=None, flags=("given_oxidation_rejected",))
    return GivenCharges(charges=charges)


def _sane(table: SiteTable, charges: NDArray[np.float64], environment: Environment) -> bool:
    """Check neutrality, the elements with one state, oxygen, zeros and signs."""
    net = float(charges @ table.occupancies)
    if abs(net) > NEUTRAL_E or np.abs(charges).max() > LARGEST_STATE:
        return False
    numbers = table.numbers
    for z, expected in tables.FIXED_CHARGES.items():
        if np.any(charges[numbers == z] != expected):
            return False
    oxide = (numbers == 8) & (environment.like_bonds == 0)
    if np.any(charges[oxide] != -2.0):
        return False
    bonded = environment.like_bonds > 0
    return not np.any((charges == 0.0) & ~bonded)
