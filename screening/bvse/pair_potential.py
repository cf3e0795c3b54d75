"""What a pair potential is: its energy, its derivatives, and its row for the kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bvse._pair_kernel import MORSE, SCREENED_COULOMB
from dualion.structures.errors import InputError

KernelRow = tuple[float, float, float, float]
"""The kind of a pair potential and up to three constants, as ``_pair_kernel.radial`` takes them."""

KINDS = frozenset({float(MORSE), float(SCREENED_COULOMB)})
"""Kinds that ``_pair_kernel.radial`` knows."""


class PairPotential(Protocol):
    """The energy of the mobile ion with one framework ion as a function of their distance.

    Implementations are frozen and hashable, so that tables made of them are kept.
    """

    def __hash__(self) -> int: ...

    def energy_ev(self, r_angstrom: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pair energy in eV at distances in Å, any shape."""
        ...

    def radial_derivatives(self, r_angstrom: float, order: int) -> NDArray[np.float64]:
        """Return ((1/r) d/dr)ⁿ of the energy for n = 0 … order, shape (order + 1,), eV/Å²ⁿ.

        Args:
            r_angstrom: distance of the two ions, Å, above zero.
            order: the highest n.
        """
        ...

    def kernel_row(self) -> KernelRow:
        """Return the kind and the constants as the kernels take them."""
        ...


def kernel_rows(pairs: Sequence[PairPotential]) -> NDArray[np.float64]:
    """Stack the rows of several pair potentials for a kernel.

    Args:
        pairs: one pair potential for each kind of framework ion.

    Returns:
        Shape (pairs, 4): kind and constants.

    Raises:
        InputError: the kernels do not know the kind of a pair potential.
    """
    rows = [pair.kernel_row() for pair in pairs]
    for pair, row in zip(pairs, rows, strict=True):
        if row[0] not in KINDS:
            raise InputError(
                f"The kernels know no kind {row[0]:g} of pair potential ({type(pair).__name__}); "
                "add its branch to screening/bvse/_pair_kernel.py and its number to KINDS."
            )
    return np.array(rows, dtype=np.float64).reshape(-1, 4)
