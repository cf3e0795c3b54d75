"""From a crystal to the cell of a molecular dynamics run: large enough, near a cube, ordered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.structures.crystal import IonicCrystal
from dualion.structures.ordered_ranking import DRAWS, Energy, OrderedRanking, ranked_configurations
from dualion.structures.supercells import (
    MOST_ATOMS,
    SMALLEST_WIDTH_ANGSTROM,
    Supercell,
    make_supercell,
    measure_supercell,
    near_cubic_supercell,
)
from dualion.structures.symmetry import primitive_crystal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulationCell:
    """A cell to simulate, and how it came about.

    Attributes:
        crystal: ordered and neutral.
        supercell: which supercell of the primitive cell it is.
        ordering: how a disordered crystal was ordered; ``None`` of an ordered one.
    """

    crystal: IonicCrystal
    supercell: Supercell
    ordering: OrderedRanking | None

    @property
    def note(self) -> str:
        """Size, shape and what was rounded, in words."""
        lengths = " × ".join(f"{length:.2f}" for length in self.supercell.lengths_angstrom)
        width = float(self.supercell.widths_angstrom.min())
        parts = [
            f"{self.supercell.factor} primitive cells, {len(self.crystal.numbers)} atoms, "
            f"{lengths} Å, width {width:.2f} Å."
        ]
        if self.ordering is not None:
            parts.append(
                f"Ordered: the lowest of {len(self.ordering.ranked)} distinct configurations out "
                f"of {self.ordering.draws} draws."
            )
            parts.append(self.ordering.note)
        return " ".join(part for part in parts if part)


def simulation_cell(
    crystal: IonicCrystal,
    *,
    smallest_width_angstrom: float = SMALLEST_WIDTH_ANGSTROM,
    most_atoms: int = MOST_ATOMS,
    matrix: Sequence[Sequence[int]] | NDArray[np.int64] | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    energy: Energy | None = None,
) -> SimulationCell:
    """Return the smallest near-cubic supercell that is wide enough, ordered where it has to be.

    Args:
        crystal: as prepared, disordered or not.
        smallest_width_angstrom: least distance of opposite faces, Å.
        most_atoms: largest number of atoms.
        matrix: shape (3, 3), a supercell of the primitive cell of the user's own choice.
        seed: seed of the draws of ordered configurations.
        draws: how many are drawn.
        energy: an engine's energy, eV, which ranks the lowest few configurations again.

    Raises:
        InputError: the atom limit cannot hold such a cell, or the matrix makes no sense.
        UnpreparableStructureError: no ordered configuration is neutral.
    """
    small = primitive_crystal(crystal)
    if matrix is None:
        found = near_cubic_supercell(
            small, smallest_width_angstrom=smallest_width_angstrom, most_atoms=most_atoms
        )
    else:
        found = measure_supercell(small, np.asarray(matrix), smallest_width_angstrom)
    if not small.is_disordered:
        large = make_supercell(small, found.matrix)
        return SimulationCell(crystal=large, supercell=found, ordering=None)
    ordering = ranked_configurations(
        small, repeat=found.matrix, draws=draws, seed=seed, energy=energy
    )
    return SimulationCell(crystal=ordering.best, supercell=found, ordering=ordering)
