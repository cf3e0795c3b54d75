"""``IonicCrystal``: the one type that the physics takes.

Conventions, valid in the whole project: rows of ``cell`` are the lattice vectors in Å;
fractional coordinates lie in [0, 1); a site shared by several species, or partly empty, is
one entry per species, at the same coordinates, with its occupancy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dualion.structures.documents import Document
from dualion.structures.elements import symbol
from dualion.structures.errors import UnpreparableStructureError

NEUTRALITY_TOLERANCE_E = 1e-3
"""Largest net charge of a cell that still counts as neutral, in e per cell."""


@dataclass(frozen=True, kw_only=True, eq=False)
class IonicCrystal(Document):
    """A periodic crystal of ions, as arrays.

    Attributes:
        cell: shape (3, 3), Å; rows are the lattice vectors.
        frac: shape (n, 3), fractional coordinates in [0, 1).
        numbers: shape (n,), atomic numbers.
        charges: shape (n,), e; oxidation states, fractional where a valence is mixed.
        occupancies: shape (n,), probability in (0, 1] that the entry is there.
        flags: names of what a cautious reader should know of the preparation.
        oxidation_method: how ``charges`` were found.
        occupancy_handling: how partial occupancies were treated.
        note: what the preparation wants to be read beside the numbers; usually empty.

    Raises:
        UnpreparableStructureError: shapes disagree, a number is not finite, or the cell
            has no volume.
    """

    cell: NDArray[np.float64]
    frac: NDArray[np.float64]
    numbers: NDArray[np.int64]
    charges: NDArray[np.float64]
    occupancies: NDArray[np.float64]
    flags: tuple[str, ...] = ()
    oxidation_method: str = "given"
    occupancy_handling: str = "full"
    note: str = ""

    def __post_init__(self) -> None:
        cell = np.ascontiguousarray(self.cell, dtype=np.float64)
        frac = np.ascontiguousarray(self.frac, dtype=np.float64)
        frac = frac - np.floor(frac)
        frac[frac >= 1.0] = 0.0
        object.__setattr__(self, "cell", cell)
        object.__setattr__(self, "frac", frac)
        object.__setattr__(self, "numbers", np.ascontiguousarray(self.numbers, dtype=np.int64))
        for name in ("charges", "occupancies"):
            value = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            object.__setattr__(self, name, value)
        self._check_shapes()

    def _check_shapes(self) -> None:
        n = len(self.numbers)
        shapes_agree = (
            self.cell.shape == (3, 3)
            and self.frac.shape == (n, 3)
            and self.charges.shape == self.occupancies.shape == (n,)
        )
        if not shapes_agree or n == 0:
            raise UnpreparableStructureError(
                f"The arrays of the crystal disagree: cell {self.cell.shape}, frac "
                f"{self.frac.shape}, {n} species. Give one row of each per site and species.",
                reason="bad_arrays",
            )
        arrays = (self.cell, self.frac, self.charges, self.occupancies)
        if not all(np.isfinite(a).all() for a in arrays):
            raise UnpreparableStructureError(
                "The crystal holds a number that is not finite; check its coordinates.",
                reason="bad_arrays",
            )
        if self.volume_cubic_angstrom < 1e-3:
            raise UnpreparableStructureError(
                "The cell has no volume: two lattice vectors are parallel or zero.",
                reason="flat_cell",
            )

    @cached_property
    def volume_cubic_angstrom(self) -> float:
        """Return the volume of the cell in Å³."""
        return float(abs(np.linalg.det(self.cell)))

    @cached_property
    def formula(self) -> str:
        """Reduced formula, of occupancies where sites are shared or partly empty."""
        from pymatgen.core import Composition

        amounts: dict[str, float] = {}
        for number, occupancy in zip(self.numbers, self.occupancies, strict=True):
            name = symbol(int(number))
            amounts[name] = amounts.get(name, 0.0) + float(occupancy)
        return str(Composition(amounts).reduced_formula)

    def __repr__(self) -> str:
        """Formula and size, in a line."""
        return f"IonicCrystal({self.formula}, {len(self.numbers)} entries)"

    @property
    def net_charge(self) -> float:
        """Occupancy-weighted sum of the charges, in e per cell."""
        return float(self.charges @ self.occupancies)

    @property
    def is_neutral(self) -> bool:
        """Whether the net charge is zero within ``NEUTRALITY_TOLERANCE_E``."""
        return abs(self.net_charge) < NEUTRALITY_TOLERANCE_E * max(1.0, len(self.numbers) / 100)

    @property
    def is_disordered(self) -> bool:
        """Whether any site is shared or partly empty."""
        return bool((self.occupancies < 1.0 - 1e-6).any())

    @cached_property
    def lengths_angstrom(self) -> NDArray[np.float64]:
        """Return the lengths of the three lattice vectors, shape (3,), Å."""
        return np.asarray(np.linalg.norm(self.cell, axis=1))
