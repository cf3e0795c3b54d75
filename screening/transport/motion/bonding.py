"""Polyanions of a trajectory: which atoms are bound to which centres, and for how long.

What is bound is decided by ``dualion.screening.bonding``, as for a structure that is screened, in
the mean of the first frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dualion.screening.bonding import COVALENT_STRETCH, Shell, shells
from dualion.screening.bvse.softbv import ase_covalent_radii
from dualion.structures.crystal import IonicCrystal
from dualion.structures.elements import atomic_number
from dualion.structures.errors import StructureError
from dualion.structures.preparation import prepare

BROKEN_FACTOR = 1.3 * COVALENT_STRETCH
"""A bond counts as broken beyond this multiple of the sum of the covalent radii."""

ELECTRONEGATIVE = 2.5
"""Pauling electronegativity from which on an element is an anion where charges do not balance."""

FIRST_FRAMES = 20
"""Frames whose mean decides on the bonds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Polyanions:
    """Bound groups found in the first frames.

    Attributes:
        centres: shape (b,), atom index of the centre of each bond.
        ligands: shape (b,), atom index of the ligand of each bond.
        lengths_angstrom: shape (b,), bond lengths in the first frames, Å.
        limit_angstrom: shape (b,), length at which a bond counts as broken, Å.
        formula: for example ``PS4``; several kinds are joined by a comma.
    """

    centres: NDArray[np.int64]
    ligands: NDArray[np.int64]
    lengths_angstrom: NDArray[np.float64]
    limit_angstrom: NDArray[np.float64]
    formula: str

    @property
    def centre_atoms(self) -> NDArray[np.int64]:
        """Distinct centres, ascending."""
        return np.unique(self.centres)

    @property
    def ligand_atoms(self) -> NDArray[np.int64]:
        """Distinct ligands, ascending."""
        return np.unique(self.ligands)


def nearest_image(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fold fractional difference vectors of any shape (…, 3) to the nearest cell."""
    return np.asarray(vectors - np.rint(vectors))


def find_polyanions(
    fractional: NDArray[np.float64], cell: NDArray[np.float64], symbols: Sequence[str]
) -> Polyanions:
    """Find the bound groups of a trajectory.

    Args:
        fractional: shape (frames, n, 3), unwrapped fractional coordinates.
        cell: shape (3, 3), Å, mean cell.
        symbols: chemical symbol of each atom.

    Returns:
        All bonds; none where there is no polyanion.
    """
    mean = fractional[:FIRST_FRAMES].mean(axis=0)
    crystal = _mean_crystal(mean, cell, symbols)
    bonds = _distinct_bonds([shell for shell in shells(crystal) if shell.binds])
    radii = ase_covalent_radii()[[atomic_number(symbol) for symbol in symbols]]
    centres = np.array([centre for centre, _ in bonds], dtype=np.int64)
    ligands = np.array([ligand for _, ligand in bonds], dtype=np.int64)
    return Polyanions(
        centres=centres,
        ligands=ligands,
        lengths_angstrom=np.array(list(bonds.values()), dtype=np.float64),
        limit_angstrom=BROKEN_FACTOR * (radii[centres] + radii[ligands]),
        formula=", ".join(dict.fromkeys(_formulas(bonds, symbols))),
    )


def _mean_crystal(
    frac: NDArray[np.float64], cell: NDArray[np.float64], symbols: Sequence[str]
) -> IonicCrystal:
    """The mean structure with its charges; the elements' usual ones where none balance."""
    from pymatgen.core import Structure

    try:
        return prepare(Structure(cell, list(symbols), frac), cell_kind="dft")
    except StructureError:
        usual = _usual_charges(symbols)
        return IonicCrystal(
            cell=cell,
            frac=frac,
            numbers=np.array([atomic_number(symbol) for symbol in symbols]),
            charges=np.array([usual[symbol] for symbol in symbols]),
            occupancies=np.ones(len(symbols)),
        )


def _usual_charges(symbols: Sequence[str]) -> dict[str, float]:
    """Lowest usual oxidation state of electronegative elements, highest of the others, e."""
    from pymatgen.core import Element

    elements = {symbol: Element(symbol) for symbol in symbols}
    most = max(element.X for element in elements.values())
    return {
        symbol: float(
            (min if min(most, ELECTRONEGATIVE) <= element.X else max)(
                element.common_oxidation_states or (0,)
            )
        )
        for symbol, element in elements.items()
    }


def _distinct_bonds(found: Sequence[Shell]) -> dict[tuple[int, int], float]:
    """Bonds as centre and ligand, each pair once, with the length of the shortest image, Å.

    Of two bonded anions the one with more bonds is the centre, the first where both have as many.
    """
    bonded = {shell.centre: len(shell.ligands) for shell in found}
    bonds: dict[tuple[int, int], float] = {}
    for shell in found:
        pairs = zip(shell.ligands.tolist(), shell.lengths_angstrom.tolist(), strict=True)
        for ligand, length in sorted(pairs, key=lambda pair: pair[1]):
            mutual = np.isinf(shell.excess) and ligand in bonded
            rank = (-bonded[shell.centre], shell.centre)
            if not mutual or rank < (-bonded[ligand], ligand):
                bonds.setdefault((shell.centre, ligand), length)
    return dict(sorted(bonds.items()))


def _formulas(bonds: dict[tuple[int, int], float], symbols: Sequence[str]) -> list[str]:
    """Centre and ligands of each group, like ``PS4``."""
    by_centre: dict[int, list[str]] = {}
    for centre, ligand in bonds:
        by_centre.setdefault(centre, []).append(symbols[ligand])
    names = []
    for centre, kinds in by_centre.items():
        counts = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
        parts = (f"{kind}{count if count > 1 else ''}" for kind, count in counts.items())
        names.append(symbols[centre] + "".join(parts))
    return names
